/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"
#include "core/substitute.h"

static struct result judge(const struct facts *facts, const struct org *org)
{
	const struct field *from = header_find(&facts->header, FIELD_FROM);
	struct span shown = from ? span_trim(from->value) : span_make(NULL, 0);
	unsigned count = facts->header.count[FIELD_FROM];

	if (count == 0)
		return result_make(RESULT_FAIL, REASON_FROM_ABSENT, shown);
	if (count > 1)
		return result_make(RESULT_FAIL, REASON_FROM_DUPLICATE, shown);
	switch (facts->author_status) {
	case MAILBOX_OK:
		break;
	case MAILBOX_SEVERAL:
	case MAILBOX_GROUP:
		return result_make(RESULT_FAIL, REASON_FROM_SEVERAL, shown);
	case MAILBOX_NO_MEMORY:
		return result_make(RESULT_TEMPERROR, REASON_INTERNAL, shown);
	case MAILBOX_UNSET:
	case MAILBOX_EMPTY:
	case MAILBOX_NULL:
	case MAILBOX_MALFORMED:
		return result_make(RESULT_FAIL, REASON_FROM_MALFORMED, shown);
	}
	if (!pattern_match(org->domains, facts->author.domain))
		return result_make(RESULT_FAIL,
		                   span_absent(substitute_customer(facts->author.domain)) ? REASON_FROM_DOMAIN
		                                                                          : REASON_FROM_SUBSTITUTED,
		                   facts->author.domain);
	return result_make(RESULT_PASS, REASON_NONE, facts->author.domain);
}

static const char *hopeless(const struct org *org)
{
	return set_count(org->domains) == 0 ? "domains" : NULL;
}

const struct check check_from = {
	CHECK_NAME("from"),
	.known_at = STAGE_HEADER,
	.evidence = 0,
	.judge = judge,
	.hopeless = hopeless,
	.asks_domains = true,
	
	.remedies = {
		{ "Salesforce", "the sender's address or org-wide address, and a verified domain for it" },
		{ "policy", "domains of the organization" },
	},
	.passes = "there is one From: with one mailbox, of one of the organization's domains",
	.asks = "a From: of the organization",
};
