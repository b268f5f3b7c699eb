/* SPDX-License-Identifier: BSD-2-Clause */
/* log_entry: which keys a message has, in which order, and with which values. */
#include "core/log_entry.h"
#include "engine.h"

#define FIELDS(...)                                                                                                    \
	(const char *const[])                                                                                              \
	{                                                                                                                  \
		__VA_ARGS__, NULL                                                                                              \
	}

struct message {
	struct settings *settings;
	struct test_evidence evidence;
	struct environment environment;
	struct examination examination;
	struct log_entry entry;
};

static void message_begin(struct message *message, const struct session_input *input)
{
	memset(message, 0, sizeof *message);
	message->settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	message->settings->orgs[0].name = span_of("production");
	settings_complete(message->settings, unite_options);
	message->evidence = good_evidence();
	message->environment = test_environment(&message->evidence);
	examine_begin(&message->examination, message->settings, &message->environment, span_of("1f"), input, NULL);
}

static void message_clear(struct message *message)
{
	examine_clear(&message->examination);
	settings_free(message->settings);
}

/* The text of a key; numbers are written out. Absent when the key is not there. */
static struct span value_of(struct message *message, const char *key)
{
	for (size_t i = 0; i < message->entry.count; i++) {
		const struct log_field *field = &message->entry.fields[i];
		if (strcmp(field->key, key) == 0)
			return field->is_number ? arena_printf(&message->settings->arena, "%lld", field->number) : field->text;
	}
	return span_make(NULL, 0);
}

/* The key at that place, and what it says; NULL: anything. Returns 1, for the place that it takes. */
static size_t key_stands(struct message *message, size_t at, const char *key, const char *value)
{
	is_text(at < message->entry.count ? message->entry.fields[at].key : "", key, "keys stand in this order");
	if (value)
		is_span(value_of(message, key), span_of(value), key);
	return 1;
}

static void test_accepted(void)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "ev", "verdict" },
		{ "v", "1" },
		{ "verdict", "accept" },
		{ "would", "accept" },
		{ "mode", "enforce" },
		{ "mode_by", "production" },
		{ "qid", "4Xy" },
		{ "sid", "1f" },
		{ "lk", "00D8d000003TRx3" },
		{ "org", ORG_A },
		{ "org_name", "production" },
		{ "client", "13.110.74.200" },
		{ "client_name", "smtp07-ia4-sp3.mta.salesforce.com" },
		{ "helo", "smtp07-ia4-sp3.mta.salesforce.com" },
		{ "tls", "TLSv1.3" },
		{ "cipher", "TLS_AES_256_GCM_SHA384" },
		{ "bits", "256" },
		{ "cert", "smtp07-ia4-sp3.mta.salesforce.com" },
		{ "cert_issuer", "Test Root CA" },
		{ "from", "joe@example.com" },
		{ "hfrom", "joe@example.com" },
		{ "rcpts", "1" },
		{ "msgid", "<1@example.com>" },
		{ "size", NULL },
		{ "dkim_d", "example.com" },
		{ "dkim_s", "s1" },
		{ "r_*", NULL }, /* that of every check, as its sheet says */
		{ "ms", "0" },
		{ "dns_ms", "0" },
		{ "dns_q", "0" },
	};
	struct session_input input = good_session();
	struct message message;
	input.queue_id = span_of("4Xy");
	message_begin(&message, &input);
	examine_recipient(&message.examination, span_of("<joe@customer.example>"), span_of("local"));
	feed_fields(&message.examination, FIELDS("From", " joe@example.com", "X-SFDC-LK", " 00D8d000003TRx3", "Message-ID",
	                                         " <1@example.com>", "DKIM-Signature", " v=1"));
	examine_header_end(&message.examination);
	examine_body(&message.examination, span_of("0123456789"));
	examine_end(&message.examination);
	log_entry_examination(&message.examination, &message.entry);
	size_t bytes = message.examination.facts.header.bytes + 10;
	size_t at = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].key, "r_*") == 0)
			for (unsigned c = 0; c < CHECK_COUNT; c++)
				at += key_stands(&message, at, check_at((enum check_id)c)->log_key,
				                 result_name(message.examination.judgement.results[c].code));
		else
			at += key_stands(&message, at, rows[i].key, rows[i].value);
	ok(message.entry.count == at, "no other keys");
	is_span(value_of(&message, "size"), arena_printf(&message.settings->arena, "%zu", bytes), "size: header and body");
	is_span(value_of(&message, "r_verp"), span_of("skip"), "a result");
	is_span(value_of(&message, "r_auth"), span_of("none"), "another");
	message_clear(&message);
}

static void test_refused(void)
{
	struct session_input input = good_session();
	struct message message;
	input.mail_from = span_of("<>");
	input.auth_authen = span_of("sfuser@relay.test");
	message_begin(&message, &input);
	feed_fields(&message.examination, FIELDS("From", "\n joe@example.com, jane@example.com ", "X-SFDC-LK", " " ORG_A));
	examine_header_end(&message.examination);
	log_entry_examination(&message.examination, &message.entry);
	is_span(value_of(&message, "verdict"), span_of("reject"), "refused at the end of the header");
	is_span(value_of(&message, "why"), span_of("from,dkim"), "why: the checks that are responsible");
	is_span(value_of(&message, "reason"), span_of("from-several"), "the first one's reason");
	is_span(value_of(&message, "reasons"), span_of("from-several,dkim-none"),
	        "the reasons of all, when there are several");
	is_span(value_of(&message, "detail"), span_of("joe@example.com, jane@example.com"), "what the first one saw");
	is_span(value_of(&message, "reply"), span_of("550 5.7.1"), "and its reply");
	is_span(value_of(&message, "hfrom"), span_of("joe@example.com, jane@example.com"),
	        "an author that is none, as it stands");
	is_span(value_of(&message, "from"), span_of("<>"), "the null sender keeps its brackets");
	is_span(value_of(&message, "auth"), span_of("sfuser@relay.test"), "the user");
	ok(span_absent(value_of(&message, "size")), "the size is not known");
	message_clear(&message);

	message_begin(&message, &input);
	feed_fields(&message.examination, FIELDS("From", " joe@example.com", "X-SFDC-LK", " 00DU70000003ZkP"));
	examine_header_end(&message.examination);
	log_entry_examination(&message.examination, &message.entry);
	is_span(value_of(&message, "detail"), span_of("00DU70000003ZkP"), "an organization that is not served: which");
	ok(span_absent(value_of(&message, "reasons")), "one reason is not said twice");
	message_clear(&message);

	message_begin(&message, &input);
	feed_fields(&message.examination, FIELDS("From", " joe@example.com", "X-SFDC-User", " 0058d000002abcd",
	                                         "x-sfdc-emailcategory", " apiSingleMail", "X-SFDC-EntityId", "\n 003x",
	                                         "X-SFDC-CORRELATION-ID", " 1-2 ", "X-SFDC-User", " 005other"));
	examine_header_end(&message.examination);
	log_entry_examination(&message.examination, &message.entry);
	is_span(value_of(&message, "sf_user"), span_of("0058d000002abcd"),
	        "who in Salesforce sent it: the first that is said");
	is_span(value_of(&message, "sf_category"), span_of("apiSingleMail"), "and why");
	is_span(value_of(&message, "sf_entity"), span_of("003x"), "on which record");
	is_span(value_of(&message, "sf_correlation"), span_of("1-2"), "by which number");
	ok(span_absent(value_of(&message, "rcpt")), "the recipient is not named");
	message_clear(&message);

	message_begin(&message, &input);
	examine_recipient(&message.examination, span_of("<joe@customer.example>"), span_of("local"));
	examine_recipient(&message.examination, span_of("<jane@customer.example>"), span_of("local"));
	log_entry_examination(&message.examination, &message.entry);
	is_span(value_of(&message, "rcpt"), span_of("joe@customer.example"),
	        "where there was no header, the first recipient is");
	message_clear(&message);

	message_begin(&message, &input);
	feed_fields(&message.examination, FIELDS("From", " Joe <joe@example.com>"));
	log_entry_examination(&message.examination, &message.entry);
	is_span(value_of(&message, "ev"), span_of("abort"), "a message that ended before its verdict");
	ok(span_absent(value_of(&message, "verdict")) && span_absent(value_of(&message, "would")), "has none");
	ok(span_absent(value_of(&message, "hfrom")) && span_absent(value_of(&message, "ms")), "nor what was not seen");
	is_span(value_of(&message, "r_tls"), span_of("pass"), "but what was found out so far");
	message_clear(&message);
}

static void test_unjudged(void)
{
	struct session_input input = good_session();
	struct message message;
	memset(&message, 0, sizeof message);
	input.cipher_bits = span_make(NULL, 0);
	message.settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	message.settings->exempt_clients = networks(message.settings, "13.110.0.0/16");
	settings_complete(message.settings, unite_options);
	message.environment = test_environment(&message.evidence);
	examine_begin(&message.examination, message.settings, &message.environment, span_of("1f"), &input, NULL);
	log_entry_examination(&message.examination, &message.entry);
	is_span(value_of(&message, "verdict"), span_of("exempt"), "an exempt client");
	is_span(value_of(&message, "reason"), span_of("exempt-client"), "says so");
	ok(span_absent(value_of(&message, "r_tls")) && span_absent(value_of(&message, "reply")),
	   "without results and reply");
	ok(span_absent(value_of(&message, "mode")) && span_absent(value_of(&message, "bits")), "and what is not known");
	for (unsigned i = 0; i <= REMOVALS_MAX; i++)
		feed_fields(&message.examination, FIELDS("X-SFDC-Relay", " x"));
	examine_header_end(&message.examination);
	log_entry_examination(&message.examination, &message.entry);
	is_span(value_of(&message, "verdict"), span_of("reject"), "R11 refused although it is exempt");
	is_span(value_of(&message, "would"), span_of("exempt"), "says so");
	is_span(value_of(&message, "why"), span_of("message"), "and why");
	is_span(value_of(&message, "reason"), span_of("message-limit"), "by which reason");
	is_span(value_of(&message, "r_message"), span_of("fail"), "the one check that was asked is shown");
	ok(span_absent(value_of(&message, "r_tls")), "and no other");
	is_span(value_of(&message, "reply"), span_of("550 5.6.0"), "with the reply");
	message_clear(&message);
}

/* Of several signatures the log shows the one that tells most. */
static void test_signature(void)
{
	static const struct {
		enum relation relations[2];
		enum result_code codes[2];
		const char *shown;
	} rows[] = {
		{ { RELATION_NONE, RELATION_EQUAL }, { RESULT_PASS, RESULT_FAIL }, "b" },
		{ { RELATION_EQUAL, RELATION_NONE }, { RESULT_FAIL, RESULT_PASS }, "a" },
		{ { RELATION_EQUAL, RELATION_EQUAL }, { RESULT_FAIL, RESULT_PASS }, "b" },
		{ { RELATION_EQUAL, RELATION_EQUAL }, { RESULT_PASS, RESULT_PASS }, "a" },
		{ { RELATION_EQUAL, RELATION_EQUAL }, { RESULT_FAIL, RESULT_FAIL }, "a" },
		{ { RELATION_PARENT, RELATION_ORGANIZATION }, { RESULT_PASS, RESULT_PASS }, "a" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_input input = good_session();
		struct signature signatures[2] = { { .selector = span_of("a") }, { .selector = span_of("b") } };
		struct message message;
		message_begin(&message, &input);
		for (size_t j = 0; j < 2; j++) {
			signatures[j].relation = rows[i].relations[j];
			signatures[j].outcome.code = rows[i].codes[j];
		}
		message.examination.facts.dkim = (struct dkim_evidence) { true, 2, signatures };
		log_entry_examination(&message.examination, &message.entry);
		is_span(value_of(&message, "dkim_s"), span_of(rows[i].shown), "the signature that tells most");
		message_clear(&message);
	}
}

static void test_cut(void)
{
	char text[64];
	memset(text, 'x', sizeof text);
	ok(log_entry_printable(span_of("abc"), text, 0) == 0 && text[0] == 'x', "without room nothing is written");
	ok(log_entry_printable(span_of("abcdefgh"), text, 8) == 3 && strcmp(text, "abc") == 0,
	   "room is kept for an escape");
	char value[300];
	memset(value, 'y', sizeof value);
	char to[LOG_VALUE_MAX + 8];
	size_t length = log_entry_printable(span_make(value, sizeof value), to, sizeof to);
	ok(length == strlen(to) && length < sizeof to && strcmp(to + LOG_VALUE_MAX, "...300") == 0, "the cut is marked");
}

int main(void)
{
	test_accepted();
	test_refused();
	test_unjudged();
	test_signature();
	test_cut();
	return done_testing();
}
