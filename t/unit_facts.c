/* SPDX-License-Identifier: BSD-2-Clause */
/* facts: what is collected of session, envelope and header. */
#include "engine.h"

static void test_mta_from_version(void)
{
	static const struct {
		const char *version;
		enum mta mta;
	} rows[] = {
		{ "Postfix 3.7.11", MTA_POSTFIX },
		{ "postfix", MTA_POSTFIX },
		{ "8.17.1.9", MTA_SENDMAIL },
		{ "8.9", MTA_SENDMAIL },
		{ "8", MTA_UNKNOWN },
		{ "8.", MTA_UNKNOWN },
		{ "8.x", MTA_UNKNOWN },
		{ "8,1", MTA_UNKNOWN },
		{ "x.1", MTA_UNKNOWN },
		{ "Exim 4.96", MTA_UNKNOWN },
		{ "Post", MTA_UNKNOWN },
		{ "", MTA_UNKNOWN },
		{ NULL, MTA_UNKNOWN },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ok(mta_from_version(span_of(rows[i].version)) == rows[i].mta, "version [%s]: %s",
		   rows[i].version ? rows[i].version : "absent", mta_name(rows[i].mta));
}

/* Facts of one session, to be released with arena_clear(). */
static void begin(struct facts *facts, struct arena *arena, size_t memory, const struct session_input *input)
{
	static const struct settings settings = { .headers = { .result_header = SPAN_LITERAL("X-SFDC-Relay") } };
	arena_init(arena, memory);
	facts_begin(facts, arena, NULL, &settings, input);
}

static void test_client_name(void)
{
	static const struct {
		const char *name;
		const char *resolve;
		bool verified;
	} rows[] = {
		{ "mta.example.com", NULL, true },
		{ "mta.example.com", "OK", true },
		{ "mta.example.com", "FORGED", false },
		{ "mta.example.com", "ok", false },
		{ "mta.example.com", "", false },
		{ "[192.0.2.1]", NULL, false },
		{ "unknown", NULL, false },
		{ "Unknown", "OK", false },
		{ "", NULL, false },
		{ NULL, NULL, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_input input = good_session();
		struct facts facts;
		struct arena arena;
		input.client_name = span_of(rows[i].name);
		input.client_resolve = span_of(rows[i].resolve);
		begin(&facts, &arena, 0, &input);
		ok(facts.client_name_verified == rows[i].verified, "client name [%s] resolved [%s]: %sverified",
		   rows[i].name ? rows[i].name : "absent", rows[i].resolve ? rows[i].resolve : "absent",
		   rows[i].verified ? "" : "not ");
		arena_clear(&arena);
	}
}

static void test_session(void)
{
	struct session_input input = good_session();
	char name[] = "mta.example.com";
	struct facts facts;
	struct arena arena;
	input.client_name = span_of(name);
	input.queue_id = span_of("4Xy");
	begin(&facts, &arena, 0, &input);
	name[0] = 'x';
	is_span(facts.client_name, span_of("mta.example.com"), "values are copied");
	is_span(facts.client_text, span_of("13.110.74.200"), "the address is written out");
	ok(facts.stage == STAGE_MAIL && facts.mta == MTA_POSTFIX && !facts.internal_error, "it begins with MAIL");
	ok(facts.sender_status == MAILBOX_OK && span_equal(facts.sender.domain, span_of("example.com")),
	   "the sender is read");
	ok(facts.has_cipher_bits && facts.cipher_bits == 256, "so are the cipher's bits");
	ok(facts.author_status == MAILBOX_UNSET && facts.received == 0, "nothing is said of a header that is not in");
	is_span(facts.queue_id, span_of("4Xy"), "a queue ID known at MAIL is taken");
	facts_queue_id(&facts, span_of(""));
	is_span(facts.queue_id, span_of("4Xy"), "an empty one changes nothing");
	const char *kept = facts.queue_id.at;
	facts_queue_id(&facts, span_of("4Xy"));
	ok(facts.queue_id.at == kept, "the same one costs nothing");
	facts_queue_id(&facts, span_of("5Zz"));
	is_span(facts.queue_id, span_of("5Zz"), "another one is taken");
	arena_clear(&arena);

	input.mta = MTA_UNKNOWN;
	input.mta_version = span_of("8.17.1");
	input.cipher_bits = span_of("256 bits");
	input.client.family = ADDRESS_NONE;
	begin(&facts, &arena, 0, &input);
	ok(facts.mta == MTA_SENDMAIL, "an MTA that is not set is told by its version");
	ok(!facts.has_cipher_bits && facts.cipher_bits == 0, "bits that are no number are none");
	ok(facts.client_text.length == 0, "an address that is not known has no text");
	arena_clear(&arena);

	begin(&facts, &arena, 64, &input);
	ok(facts.internal_error && arena_failed(&arena), "without memory there is trouble");
	facts_field(&facts, span_of("From"), span_of(" joe@example.com"), true);
	ok(facts.internal_error && header_find(&facts.header, FIELD_FROM) == NULL,
	   "a field that cannot be kept is trouble, too");
	arena_clear(&arena);
}

static void test_recipients(void)
{
	static const struct {
		const char *mailers[3];
		size_t count;
		bool leaves;
	} rows[] = {
		{ { "local" }, 1, false },
		{ { "virtual" }, 1, false },
		{ { "lmtp" }, 1, false },
		{ { "lmtps" }, 1, false },
		{ { "cyrus" }, 1, false },
		{ { "procmail" }, 1, false },
		{ { "maildrop" }, 1, false },
		{ { "dovecot" }, 1, false },
		{ { "pipe" }, 1, false },
		{ { "error" }, 1, false },
		{ { "discard" }, 1, false },
		{ { "prog" }, 1, false },
		{ { "*file*" }, 1, false },
		{ { "inner" }, 1, false },
		{ { "local", "lmtp", "virtual" }, 3, false },
		{ { "smtp" }, 1, true },
		{ { "esmtp" }, 1, true },
		{ { "relay" }, 1, true },
		{ { "smtp8" }, 1, true },
		{ { "dsmtp" }, 1, true },
		{ { "smtps" }, 1, true },
		{ { "none" }, 1, true },
		{ { "out1" }, 1, true },
		{ { "SMTP" }, 1, true },
		{ { "Local" }, 1, true },
		{ { "local " }, 1, true },
		{ { "localx" }, 1, true },
		{ { "INNER" }, 1, true },
		{ { "" }, 1, true },
		{ { NULL }, 1, true },
		{ { "local", "smtp" }, 2, true },
		{ { "smtp", "local" }, 2, true },
		{ { "inner", "relay" }, 2, true },
	};
	struct arena arena;
	arena_init(&arena, 0);
	struct set *local_mailers = set_new(&arena, SET_EXACT);
	set_add(local_mailers, span_of("inner"));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct facts facts = { .stage = STAGE_MAIL, .local_mailers = local_mailers };
		for (size_t j = 0; j < rows[i].count; j++)
			facts_recipient(&facts, span_make(NULL, 0), span_of(rows[i].mailers[j]));
		ok(facts.stage == STAGE_RCPT && facts.recipients == rows[i].count
		       && facts.some_recipient_leaves == rows[i].leaves,
		   "%zu recipients, first mailer [%s]: mail %s", rows[i].count,
		   rows[i].mailers[0] ? rows[i].mailers[0] : "absent", rows[i].leaves ? "leaves" : "stays");
	}
	arena_clear(&arena);
	struct facts facts = { .stage = STAGE_MAIL };
	facts_recipient(&facts, span_make(NULL, 0), span_of("inner"));
	ok(facts.some_recipient_leaves, "where no mailer is named, none but the usual ones stays inside");
}

#define FIELDS(...)                                                                                                    \
	(const char *const[])                                                                                              \
	{                                                                                                                  \
		__VA_ARGS__, NULL                                                                                              \
	}

static void test_header(void)
{
	const struct {
		const char *const *fields;
		enum mailbox_status author;
		enum org_header org;
		const char *org_text;
	} rows[] = {
		{ FIELDS("Subject", "x"), MAILBOX_UNSET, ORG_HEADER_ABSENT, NULL },
		{ FIELDS("From", " Joe@Example.COM", "X-SFDC-LK", "\n\t00D8d000003TRx3 "), MAILBOX_OK, ORG_HEADER_OK,
		  "00D8d000003TRx3" },
		{ FIELDS("From", " a@b.example", "From", " a@b.example"), MAILBOX_UNSET, ORG_HEADER_ABSENT, NULL },
		{ FIELDS("From", " a@b.example, c@d.example"), MAILBOX_SEVERAL, ORG_HEADER_ABSENT, NULL },
		{ FIELDS("From", ""), MAILBOX_EMPTY, ORG_HEADER_ABSENT, NULL },
		{ FIELDS("From", " <>", "X-SFDC-LK", ""), MAILBOX_MALFORMED, ORG_HEADER_MALFORMED, "" },
		{ FIELDS("From", " g: a@b.example;", "X-SFDC-LK", " 00D8d000003TRx3EAH"), MAILBOX_GROUP, ORG_HEADER_MALFORMED,
		  "00D8d000003TRx3EAH" },
		{ FIELDS("x-sfdc-lk", " 00D8d000003TRx3", "X-SFDC-LK", " 00DA0000000Hu5a"), MAILBOX_UNSET, ORG_HEADER_DUPLICATE,
		  "00D8d000003TRx3" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_input input = good_session();
		struct facts facts;
		struct arena arena;
		begin(&facts, &arena, 0, &input);
		for (const char *const *field = rows[i].fields; *field; field += 2)
			facts_field(&facts, span_of(field[0]), span_of(field[1]), true);
		facts_header_end(&facts, 1800000000);
		ok(facts.stage == STAGE_HEADER && facts.received == 1800000000, "row %zu: the header is complete", i);
		ok(facts.author_status == rows[i].author, "row %zu: author %d", i, facts.author_status);
		ok(facts.org_header == rows[i].org, "row %zu: organization %d", i, facts.org_header);
		is_span(facts.org_text, span_of(rows[i].org_text), "row's X-SFDC-LK, trimmed, of the first field");
		ok(span_absent(facts.message_id), "no Message-ID");
		arena_clear(&arena);
	}
}

static void test_message(void)
{
	struct session_input input = good_session();
	struct facts facts;
	struct arena arena;
	begin(&facts, &arena, 0, &input);
	facts_field(&facts, span_of("Message-ID"), span_of("\n <1@example.com> "), true);
	facts_field(&facts, span_of("From"), span_of(" \"J. D.\" <Joe@Example.COM>"), true);
	facts_header_end(&facts, 0);
	is_span(facts.message_id, span_of("<1@example.com>"), "the Message-ID is trimmed");
	is_span(facts.author.address, span_of("Joe@example.com"),
	        "the author's domain is in lower case, the local part is not");
	facts_body(&facts, 10);
	facts_body(&facts, 32);
	ok(facts.body_bytes == 42 && !facts.body_complete, "the body is counted");
	arena_clear(&arena);
}

int main(void)
{
	test_mta_from_version();
	test_client_name();
	test_session();
	test_recipients();
	test_header();
	test_message();
	return done_testing();
}
