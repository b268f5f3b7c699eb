/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"
#include "core/substitute.h"

static struct result judge(const struct facts *facts, const struct org *org)
{
	if (span_absent(facts->mail_from))
		return result_make(RESULT_NONE, REASON_ENVELOPE_UNKNOWN, span_make(NULL, 0));
	switch (facts->sender_status) {
	case MAILBOX_OK:
		break;
	case MAILBOX_NULL:
		return org->envelope.null_sender ? result_make(RESULT_PASS, REASON_NONE, facts->mail_from)
		                                 : result_make(RESULT_FAIL, REASON_ENVELOPE_NULL, facts->mail_from);
	case MAILBOX_NO_MEMORY:
		return result_make(RESULT_TEMPERROR, REASON_INTERNAL, facts->mail_from);
	case MAILBOX_UNSET:
	case MAILBOX_EMPTY:
	case MAILBOX_SEVERAL:
	case MAILBOX_GROUP:
	case MAILBOX_MALFORMED:
		return result_make(RESULT_FAIL, REASON_ENVELOPE_MALFORMED, facts->mail_from);
	}
	if (pattern_match(org->domains, facts->sender.domain)
	    || pattern_match(org->envelope.bounce_domains, facts->sender.domain))
		return result_make(RESULT_PASS, REASON_NONE, facts->sender.domain);
	return result_make(RESULT_FAIL,
	                   span_absent(substitute_customer(facts->sender.domain)) ? REASON_ENVELOPE_DOMAIN
	                                                                          : REASON_FROM_SUBSTITUTED,
	                   facts->sender.domain);
}

static const char *hopeless(const struct org *org)
{
	bool none = set_count(org->domains) == 0 && set_count(org->envelope.bounce_domains) == 0;
	return none && !org->envelope.null_sender ? "envelope.bounce_domains" : NULL;
}

const struct check check_envelope = {
	CHECK_NAME("envelope"),
	.known_at = STAGE_HEADER,
	.evidence = 0,
	.judge = judge,
	.hopeless = hopeless,
	.asks_domains = true,
	
	.remedies = {
		{ "Salesforce", "Setup, Deliverability: bounce management and email security compliance" },
		{ "policy", "domains, envelope.bounce_domains, envelope.null_sender" },
	},
	.passes = "the envelope sender is of the organization, of Salesforce's bounce management, or null",
	.asks = "an envelope sender of the organization",
};
