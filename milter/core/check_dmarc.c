/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static struct result judge(const struct facts *facts, const struct org *org)
{
	if (!facts->dmarc.complete)
		return result_make(RESULT_PENDING, REASON_NONE, span_make(NULL, 0));
	if (facts->dmarc.outcome.code == RESULT_NONE && !org->dmarc.required)
		return result_make(RESULT_SKIP, facts->dmarc.outcome.reason, facts->dmarc.outcome.detail);
	return facts->dmarc.outcome;
}

static bool skippable(const struct org *org)
{
	return !org->dmarc.required;
}

const struct check check_dmarc = {
	CHECK_NAME("dmarc"),    .known_at = STAGE_HEADER, .evidence = EVIDENCE_SIGNATURES | EVIDENCE_SPF | EVIDENCE_DMARC,
	.judge = judge,         .skippable = skippable,   
	.remedies = {
		{ "DNS", "the DMARC record of the From: domain, and DKIM or SPF that is aligned with it" },
		{ "policy", "dmarc.required" },
	},
	.passes = "DKIM or SPF passes for the From: domain (DMARC)",
	.asks = "a DMARC pass",
};
