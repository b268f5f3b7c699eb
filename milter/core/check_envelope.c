#include "core/facts.h"
#include "core/settings.h"

struct result check_envelope(const struct facts *facts, const struct org *org)
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
	if (pattern_match(org->domains, facts->sender.domain) || pattern_match(org->envelope.bounce_domains, facts->sender.domain))
		return result_make(RESULT_PASS, REASON_NONE, facts->sender.domain);
	return result_make(RESULT_FAIL, REASON_ENVELOPE_DOMAIN, facts->sender.domain);
}
