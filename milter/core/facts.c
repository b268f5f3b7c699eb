/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"

#include "core/settings.h"

/* Copy a value; on failure the arena remembers, and the message is deferred in the end. */
static struct span keep(struct facts *facts, struct span value)
{
	return arena_span(facts->arena, value);
}

enum mta mta_from_version(struct span version)
{
	if (span_starts_nocase(version, span_of("Postfix")))
		return MTA_POSTFIX;
	/* Sendmail's {v} is its bare version, "8.17.1.9". */
	if (version.length >= 3 && ascii_digit(version.at[0]) && version.at[1] == '.' && ascii_digit(version.at[2]))
		return MTA_SENDMAIL;
	return MTA_UNKNOWN;
}

/* The MTA found the name by a reverse look-up that it confirmed; "[...]" and "unknown" stand for none. */
static bool name_verified(const struct session_input *input)
{
	return input->client_name.length != 0 && input->client_name.at[0] != '['
	       && !span_equal_nocase(input->client_name, span_of("unknown"))
	       && (span_absent(input->client_resolve) || span_equal(input->client_resolve, span_of("OK")));
}

static void take_session(struct facts *facts, const struct session_input *input)
{
	char text[ADDRESS_TEXT_SIZE];
	unsigned long bits;

	facts->mta = input->mta != MTA_UNKNOWN ? input->mta : mta_from_version(input->mta_version);
	facts->client = input->client;
	address_format(&input->client, text);
	facts->client_text = keep(facts, span_of(text));
	facts->client_name = keep(facts, input->client_name);
	facts->client_name_verified = name_verified(input);
	facts->helo = keep(facts, input->helo);
	facts->tls_version = keep(facts, input->tls_version);
	facts->cipher = keep(facts, input->cipher);
	facts->has_cipher_bits = span_number(input->cipher_bits, 65535, &bits);
	facts->cipher_bits = facts->has_cipher_bits ? (unsigned)bits : 0;
	if (!certificate_read(facts->mta, &input->certificate, facts->arena, &facts->certificate))
		facts->internal_error = true;
	facts->auth_type = keep(facts, input->auth_type);
	facts->auth_authen = keep(facts, input->auth_authen);
	facts->authserv_id = keep(facts, input->authserv_id);
}

void facts_begin(struct facts *facts, struct arena *arena, domain_to_ascii to_ascii, const struct settings *settings,
                 const struct session_input *input)
{
	memset(facts, 0, sizeof *facts);
	facts->arena = arena;
	facts->to_ascii = to_ascii;
	facts->internal_error = input->incomplete;
	take_session(facts, input);
	facts->queue_id = keep(facts, input->queue_id);
	facts->mail_from = keep(facts, input->mail_from);
	facts->sender_status = mailbox_parse_path(facts->mail_from, arena, to_ascii, &facts->sender);
	if (facts->sender_status == MAILBOX_OK && !verp_read_author(facts->sender.local_part, arena, &facts->bounce_author))
		facts->internal_error = true;
	header_init(&facts->header, arena, settings->headers.result_header);
	facts->local_mailers = settings->local_mailers;
	facts->own_id = settings->authserv_id.length != 0 ? settings->authserv_id
	                : facts->authserv_id.length != 0  ? facts->authserv_id
	                                                  : span_of("localhost");
	if (!authres_ids_init(&facts->own_ids, facts->own_id, settings->headers.own_ids, to_ascii, arena))
		facts->internal_error = true;
	facts->stage = STAGE_MAIL;
}

/* Those by which Postfix and Sendmail deliver on the spot, hand over to a program or a store of the site, or refuse. */
bool facts_mailer_stays_inside(const struct set *local_mailers, struct span mailer)
{
	static const struct span inside[] = {
		SPAN_LITERAL("local"),  SPAN_LITERAL("virtual"),  SPAN_LITERAL("lmtp"),     SPAN_LITERAL("lmtps"),
		SPAN_LITERAL("cyrus"),  SPAN_LITERAL("procmail"), SPAN_LITERAL("maildrop"), SPAN_LITERAL("dovecot"),
		SPAN_LITERAL("pipe"),   SPAN_LITERAL("error"),    SPAN_LITERAL("discard"),  SPAN_LITERAL("prog"),
		SPAN_LITERAL("*file*"),
	};
	if (span_absent(mailer))
		return false;
	for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
		if (span_equal(mailer, inside[i]))
			return true;
	return set_has(local_mailers, mailer);
}

void facts_recipient(struct facts *facts, struct span path, struct span mailer)
{
	if (facts->recipients++ == 0)
		facts->first_recipient = keep(facts, path);
	if (!facts_mailer_stays_inside(facts->local_mailers, mailer))
		facts->some_recipient_leaves = true;
	facts->stage = STAGE_RCPT;
}

void facts_queue_id(struct facts *facts, struct span queue_id)
{
	if (queue_id.length != 0 && !span_equal(queue_id, facts->queue_id))
		facts->queue_id = keep(facts, queue_id);
}

/* Looked at as it comes, since not all that come are kept. */
static void look_for_claim(struct facts *facts, struct span value)
{
	bool claims;
	if (!authres_claims(&facts->own_ids, value, &claims)) {
		facts->internal_error = true;
	} else if (claims) {
		if (facts->claims < REMOVALS_MAX)
			facts->claimed[facts->claims] = facts->header.count[FIELD_AUTHENTICATION_RESULTS];
		facts->claims++;
	}
}

void facts_field(struct facts *facts, struct span name, struct span value, bool leading_space)
{
	if (!header_add(&facts->header, name, value, leading_space))
		facts->internal_error = true;
	if (field_by_name(name) == FIELD_AUTHENTICATION_RESULTS && facts->claims <= REMOVALS_MAX)
		look_for_claim(facts, value);
}

unsigned facts_removals(const struct facts *facts)
{
	return facts->claims + facts->header.watched_count;
}

static void read_author(struct facts *facts)
{
	const struct field *from = header_find(&facts->header, FIELD_FROM);
	if (facts->header.count[FIELD_FROM] == 1 && from)
		facts->author_status = mailbox_parse_field(from->value, facts->arena, facts->to_ascii, &facts->author);
}

static void read_header_sender(struct facts *facts)
{
	const struct field *field = header_find(&facts->header, FIELD_SENDER);
	if (!field)
		return;
	facts->header_sender_text = span_trim(field->value);
	facts->header_sender_status =
		mailbox_parse_field(field->value, facts->arena, facts->to_ascii, &facts->header_sender);
}

static void read_org(struct facts *facts)
{
	const struct field *field = header_find(&facts->header, FIELD_X_SFDC_LK);
	unsigned count = facts->header.count[FIELD_X_SFDC_LK];

	facts->org_text = field ? span_trim(field->value) : span_make(NULL, 0);
	if (count == 0)
		facts->org_header = ORG_HEADER_ABSENT;
	else if (count > 1)
		facts->org_header = ORG_HEADER_DUPLICATE;
	else if (field && orgid_parse(facts->org_text, &facts->org_id) == ORGID_OK)
		facts->org_header = ORG_HEADER_OK;
	else
		facts->org_header = ORG_HEADER_MALFORMED;
}

static void read_user(struct facts *facts)
{
	const struct field *field = header_find(&facts->header, FIELD_X_SFDC_USER);
	facts->has_user =
		facts->header.count[FIELD_X_SFDC_USER] == 1 && field && userid_parse(span_trim(field->value), &facts->user_id);
}

void facts_header_end(struct facts *facts, long long now)
{
	const struct field *message_id = header_find(&facts->header, FIELD_MESSAGE_ID);

	read_author(facts);
	read_header_sender(facts);
	read_org(facts);
	read_user(facts);
	if (message_id)
		facts->message_id = span_trim(message_id->value);
	facts->received = now;
	facts->stage = STAGE_HEADER;
}

void facts_body(struct facts *facts, size_t bytes)
{
	facts->body_bytes += bytes;
}
