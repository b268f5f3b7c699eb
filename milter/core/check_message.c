/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static enum reason defect_reason(unsigned defects)
{
	static const struct {
		enum header_defect defect;
		enum reason reason;
	} reasons[] = {
		{ HEADER_NUL, REASON_MESSAGE_NUL },
		{ HEADER_BARE_CR, REASON_MESSAGE_BARE_CR },
		{ HEADER_NAME, REASON_MESSAGE_NAME },
		{ HEADER_NO_COLON, REASON_MESSAGE_LINE },
		{ HEADER_DUPLICATE, REASON_MESSAGE_DUPLICATE },
		{ HEADER_OVER_LIMIT, REASON_MESSAGE_LIMIT },
	};
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (defects & (unsigned)reasons[i].defect)
			return reasons[i].reason;
	return REASON_INTERNAL;
}

/* A Sender: field names Salesforce's own mailbox, or one of the organization. */
static bool sender_expected(const struct facts *facts, const struct org *org)
{
	const struct mailbox *sender = &facts->header_sender;
	return facts->header_sender_status == MAILBOX_OK
	       && (set_has(org->message.senders, sender->address) || pattern_match(org->domains, sender->domain));
}

static struct result judge(const struct facts *facts, const struct org *org)
{
	const struct header *header = &facts->header;

	if (header->defects != HEADER_SOUND)
		return result_make(RESULT_FAIL, defect_reason(header->defects), header->defect_name);
	if (facts->body_nul)
		return result_make(RESULT_FAIL, REASON_MESSAGE_NUL, span_of("body"));
	if (facts->header_sender_status == MAILBOX_NO_MEMORY)
		return result_make(RESULT_TEMPERROR, REASON_INTERNAL, facts->header_sender_text);
	if (facts->header_sender_status != MAILBOX_UNSET && !sender_expected(facts, org))
		return result_make(RESULT_FAIL, REASON_MESSAGE_SENDER, facts->header_sender_text);
	return result_make(RESULT_PASS, REASON_NONE, span_make(NULL, 0));
}

const struct check check_message = {
	CHECK_NAME("message"),
	.known_at = STAGE_HEADER,
	.evidence = 0,
	.judge = judge,
	
	.remedies = {
		{ "message", "whatever makes it, in Salesforce or on the way: a header field is doubled, malformed or false" },
		{ "policy", "message.senders, where the Sender: field is at fault" },
	},
	.passes = "the header is sound, and a Sender: field names nobody else",
	.asks = "a sound header",
};
