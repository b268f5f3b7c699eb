/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static struct result judge(const struct facts *facts, const struct org *org)
{
	(void)org;
	if (!facts->spf.complete)
		return result_make(RESULT_PENDING, REASON_NONE, span_make(NULL, 0));
	return facts->spf.outcome;
}

const struct check check_spf = {
	CHECK_NAME("spf"),
	.known_at = STAGE_MAIL,
	.evidence = EVIDENCE_SPF,
	.judge = judge,
	
	.remedies = {
		{ "DNS", "the SPF record of the envelope sender's domain has to list Salesforce" },
	},
	.passes = "SPF lets this client send for the envelope sender's domain",
	.asks = "an SPF pass",
};
