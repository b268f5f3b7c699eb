/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static bool is_limited(const struct org *org)
{
	return org->limit.messages.count != 0 || org->limit.recipients.count != 0 || org->limit.per_user.count != 0;
}

/* Mail that names no organization that is served belongs to none, and is not counted. */
static struct result judge(const struct facts *facts, const struct org *org)
{
	if (!orgid_equal(&org->id, &facts->org_id))
		return result_make(RESULT_SKIP, REASON_LIMIT_NOT_COUNTED, span_make(NULL, 0));
	if (!is_limited(org))
		return result_make(RESULT_SKIP, REASON_LIMIT_UNSET, span_make(NULL, 0));
	if (!facts->limit.complete)
		return result_make(RESULT_PENDING, REASON_NONE, span_make(NULL, 0));
	return facts->limit.outcome;
}

static bool skippable(const struct org *org)
{
	return !is_limited(org);
}

static const char *hopeless(const struct org *org)
{
	return is_limited(org) ? NULL : "limit.messages, limit.recipients and limit.per_user";
}

/* A store that cannot be reached is no open sentence: limits.when_away says what it means. */
static bool undecidable(const struct org *org)
{
	(void)org;
	return false;
}

const struct check check_limit = {
	CHECK_NAME("limit"),
	.known_at = STAGE_HEADER,
	.evidence = EVIDENCE_LIMIT,
	.judge = judge,
	.skippable = skippable,
	.hopeless = hopeless,
	.undecidable = undecidable,
	.detail_told = true,
	
	.remedies = {
		{ "policy", "limit.messages, limit.recipients, limit.per_user" },
	},
	.passes = "the organization stays within what it may send",
	.asks = "fewer messages",
};
