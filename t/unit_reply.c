/* SPDX-License-Identifier: BSD-2-Clause */
/* reply: codes, class, shape; reason: the table is sound; entry: printable values and the keys of a entry. */
#include "core/log_entry.h"
#include "core/reply.h"
#include "tap.h"

static const struct {
	enum verdict verdict;
	enum reason reason;
	const char *code, *enhanced, *starts;
} rows[] = {
	{ VERDICT_REJECT, REASON_TLS_ABSENT, "530", "5.7.0", "tls-absent: " },
	{ VERDICT_REJECT, REASON_AUTH_NONE, "530", "5.7.0", "auth-none: " },
	{ VERDICT_REJECT, REASON_AUTH_USER, "550", "5.7.1", "auth-user: " },
	{ VERDICT_REJECT, REASON_FROM_ABSENT, "550", "5.6.0", "from-absent: " },
	{ VERDICT_REJECT, REASON_FROM_DOMAIN, "550", "5.7.1", "from-domain: " },
	{ VERDICT_REJECT, REASON_MESSAGE_DUPLICATE, "550", "5.6.0", "message-duplicate: " },
	{ VERDICT_REJECT, REASON_DKIM_NONE, "550", "5.7.20", "dkim-none: " },
	{ VERDICT_REJECT, REASON_DKIM_WEAK, "550", "5.7.21", "dkim-weak: " },
	{ VERDICT_REJECT, REASON_DKIM_UNALIGNED, "550", "5.7.22", "dkim-unaligned: " },
	{ VERDICT_REJECT, REASON_SPF_FAIL, "550", "5.7.23", "spf-fail: " },
	{ VERDICT_REJECT, REASON_SPF_PERMERROR, "550", "5.7.24", "spf-permerror: " },
	{ VERDICT_REJECT, REASON_DMARC_FAIL, "550", "5.7.26", "dmarc-fail: " },
	{ VERDICT_TEMPFAIL, REASON_DKIM_CLOCK, "451", "4.3.2",
	  "dkim-clock: the signature is dated ahead of this relay's clock: check the time" },
	{ VERDICT_REJECT, REASON_DKIM_FUTURE, "550", "5.7.20", "dkim-future: " },
	{ VERDICT_TEMPFAIL, REASON_DKIM_TEMPERROR, "451", "4.7.5", "dkim-temperror: " },
	{ VERDICT_TEMPFAIL, REASON_DNS_TIMEOUT, "451", "4.4.3", "dns-timeout: " },
	{ VERDICT_TEMPFAIL, REASON_DNS_BUSY, "451", "4.4.3", "dns-busy: " },
	{ VERDICT_TEMPFAIL, REASON_INTERNAL, "451", "4.3.2", "internal-error: " },
	{ VERDICT_TEMPFAIL, REASON_ORG_UNKNOWN, "451", "4.7.1", "org-unknown: " },
	{ VERDICT_REJECT, REASON_DNS_TIMEOUT, "550", "5.7.1", "dns-timeout: " },
	{ VERDICT_ACCEPT, REASON_NONE, "", "", "" },
	{ VERDICT_QUARANTINE, REASON_DMARC_FAIL, "", "", "" },
};

static void test_reply(void)
{
	struct reply reply;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct judgement judgement = { .reason = rows[i].reason };
		reply_make(rows[i].verdict, &judgement, span_of("1f"), span_make(NULL, 0), &reply);
		ok(strcmp(reply.code, rows[i].code) == 0 && strcmp(reply.enhanced, rows[i].enhanced) == 0
		       && strncmp(reply.text, rows[i].starts, strlen(rows[i].starts)) == 0,
		   "%s %s: %s %s", verdict_name(rows[i].verdict), reason_code(rows[i].reason), reply.code, reply.enhanced);
	}
	struct judgement judgement = { .reason = REASON_IP_UNKNOWN };
	reply_make(VERDICT_REJECT, &judgement, span_make(NULL, 0), span_of(""), &reply);
	is_text(reply.text, "ip-unknown: the address of the client is not known (id )", "without id and contact");
	judgement.reason = REASON_ORG_UNKNOWN;
	reply_make(VERDICT_REJECT, &judgement, span_of("1f00"), span_of("see https://x.test/?a=100%"), &reply);
	is_text(reply.text,
	        "org-unknown: this relay does not serve the Salesforce organization named in X-SFDC-LK (id 1f00) "
	        "see https://x.test/?a=100%",
	        "reason, sentence, id and contact");
}

/* What did not come: a DKIM key has a code of its own. */
static void test_look_ups(void)
{
	static const struct {
		enum verdict verdict;
		enum reason reason;
		struct check_list why;
		const char *enhanced;
	} cases[] = {
		{ VERDICT_TEMPFAIL, REASON_DNS_TIMEOUT, { 1, { CHECK_DKIM } }, "4.7.5" },
		{ VERDICT_TEMPFAIL, REASON_DNS_TIMEOUT, { 2, { CHECK_DKIM, CHECK_IP } }, "4.7.5" },
		{ VERDICT_TEMPFAIL, REASON_DNS_TIMEOUT, { 2, { CHECK_IP, CHECK_DKIM } }, "4.4.3" },
		{ VERDICT_TEMPFAIL, REASON_DNS_TIMEOUT, { 1, { CHECK_DMARC } }, "4.4.3" },
		{ VERDICT_TEMPFAIL, REASON_DNS_TIMEOUT, { 0 }, "4.4.3" },
		{ VERDICT_TEMPFAIL, REASON_DNS_ERROR, { 1, { CHECK_IP } }, "4.4.3" },
		{ VERDICT_TEMPFAIL, REASON_DNS_BUSY, { 1, { CHECK_DKIM } }, "4.4.3" },
		{ VERDICT_TEMPFAIL, REASON_DKIM_KEY, { 1, { CHECK_DKIM } }, "4.7.20" },
		{ VERDICT_REJECT, REASON_DNS_TIMEOUT, { 1, { CHECK_DKIM } }, "5.7.1" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct judgement judgement = { .reason = cases[i].reason, .why = cases[i].why };
		struct reply reply;
		reply_make(cases[i].verdict, &judgement, span_of("1f"), span_make(NULL, 0), &reply);
		is_text(reply.enhanced, cases[i].enhanced, reason_code(cases[i].reason));
	}
}

/* Which reasons stand in the reply, and what a broken choice is said to ask for. */
static const struct {
	const char *sentence;
	struct {
		enum check_id check;
		enum result_code code;
		enum reason reason;
	} results[7]; /* those of all others pass */
	const char *text;
} broken[] = {
	{ "tls and (cert or auth or ip)",
	  { { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT },
	    { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE },
	    { CHECK_IP, RESULT_FAIL, REASON_IP_UNLISTED } },
	  "cert-absent,auth-none,ip-unlisted: one of these is asked for: a verified client certificate, SMTP AUTH, a listed "
	  "address (id 1f)" },
	{ "tls and org",
	  { { CHECK_TLS, RESULT_FAIL, REASON_TLS_ABSENT }, { CHECK_ORG, RESULT_FAIL, REASON_ORG_UNKNOWN } },
	  "tls-absent,org-unknown: this relay takes mail over TLS only; in Salesforce set TLS Setting of the Email Relay to "
	  "Required (id 1f)" },
	{ "from and (cert or auth)",
	  { { CHECK_FROM, RESULT_FAIL, REASON_FROM_DOMAIN },
	    { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT },
	    { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE } },
	  "from-domain,cert-absent,auth-none: the domain of the From: address is not one of the organization's domains (id 1f)" },
	{ "(cert or auth) and from",
	  { { CHECK_FROM, RESULT_FAIL, REASON_FROM_DOMAIN },
	    { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT },
	    { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE } },
	  "cert-absent,auth-none,from-domain: one of these is asked for: a verified client certificate, SMTP AUTH (id 1f)" },
	{ "cert and auth and ip and from",
	  { { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT },
	    { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE },
	    { CHECK_IP, RESULT_FAIL, REASON_IP_UNLISTED },
	    { CHECK_FROM, RESULT_FAIL, REASON_FROM_DOMAIN } },
	  "cert-absent,auth-none,ip-unlisted,from-domain: this relay asks for a client certificate that it can verify (id 1f)" },
	{ "cert and auth and ip and from and dkim",
	  { { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT },
	    { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE },
	    { CHECK_IP, RESULT_FAIL, REASON_IP_UNLISTED },
	    { CHECK_FROM, RESULT_FAIL, REASON_FROM_DOMAIN },
	    { CHECK_DKIM, RESULT_NONE, REASON_DKIM_NONE } },
	  "cert-absent,auth-none,ip-unlisted,from-domain,...: this relay asks for a client certificate that it can verify (id 1f)" },
	{ "dkim and dmarc",
	  { { CHECK_DKIM, RESULT_FAIL, REASON_DNS_TIMEOUT }, { CHECK_DMARC, RESULT_FAIL, REASON_DNS_TIMEOUT } },
	  "dns-timeout: a DNS look-up took too long; try again later (id 1f)" },
	{ "2 of (cert, auth, ip, dkim)",
	  { { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT },
	    { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE },
	    { CHECK_IP, RESULT_FAIL, REASON_IP_UNLISTED } },
	  "cert-absent,auth-none,ip-unlisted: one of these is asked for: a verified client certificate, SMTP AUTH, a listed "
	  "address (id 1f)" },
	{ "2 of (cert, auth, ip)",
	  { { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT },
	    { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE },
	    { CHECK_IP, RESULT_FAIL, REASON_IP_UNLISTED } },
	  "cert-absent,auth-none,ip-unlisted: two of these are asked for: a verified client certificate, SMTP AUTH, a listed "
	  "address (id 1f)" },
	{ "2 of (cert, auth)",
	  { { CHECK_CERT, RESULT_NONE, REASON_CERT_ABSENT }, { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE } },
	  "cert-absent,auth-none: this relay asks for a client certificate that it can verify (id 1f)" },
	{ "cert or auth",
	  { { CHECK_CERT, RESULT_SKIP, REASON_NOT_REQUIRED }, { CHECK_AUTH, RESULT_NONE, REASON_AUTH_NONE } },
	  "auth-none: this relay asks for SMTP authentication; in Salesforce turn on Enable SMTP Auth in the Email Relay (id 1f)" },
	{ "auth or tls and (cert or ip)",
	  { { CHECK_CERT, RESULT_FAIL, REASON_CERT_NAME },
	    { CHECK_AUTH, RESULT_FAIL, REASON_AUTH_USER },
	    { CHECK_IP, RESULT_FAIL, REASON_IP_UNLISTED } },
	  "auth-user,cert-name,ip-unlisted: one of these is asked for: SMTP AUTH, a verified client certificate or a listed "
	  "address (id 1f)" },
	{ "auth or tls and cert",
	  { { CHECK_TLS, RESULT_FAIL, REASON_TLS_VERSION },
	    { CHECK_CERT, RESULT_FAIL, REASON_CERT_NAME },
	    { CHECK_AUTH, RESULT_FAIL, REASON_AUTH_USER } },
	  "auth-user,tls-version,cert-name: one of these is asked for: SMTP AUTH, strong TLS with a verified client "
	  "certificate (id 1f)" },
};

static void judgement_of(size_t number, struct arena *arena, struct sentence *sentence_r, struct judgement *judgement_r)
{
	struct bounds bounds[CHECK_COUNT];
	struct sentence_error error;
	memset(judgement_r, 0, sizeof *judgement_r);
	if (!sentence_parse(span_of(broken[number].sentence), arena, sentence_r, &error))
		ok(false, "%s: %s", broken[number].sentence, error.text);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		judgement_r->results[i] = result_make(RESULT_PASS, REASON_NONE, span_make(NULL, 0));
	for (size_t i = 0; i < 7 && broken[number].results[i].reason != REASON_NONE; i++)
		judgement_r->results[broken[number].results[i].check] =
			result_make(broken[number].results[i].code, broken[number].results[i].reason, span_make(NULL, 0));
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(judgement_r->results[i].code);
	sentence_responsible(sentence_r, bounds, true, &judgement_r->why);
	judgement_r->reason = judgement_r->results[judgement_r->why.ids[0]].reason;
	judgement_r->broken = sentence_r;
}

static void test_broken(void)
{
	struct arena arena;
	struct sentence sentence;
	struct judgement judgement;
	struct reply reply;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		judgement_of(i, &arena, &sentence, &judgement);
		reply_make(VERDICT_REJECT, &judgement, span_of("1f"), span_make(NULL, 0), &reply);
		is_text(reply.text, broken[i].text, broken[i].sentence);
	}
	arena_clear(&arena);
}

/* The longest there can be: every check of a choice failed, the longest contact, and each of its bytes is doubled. */
static void test_longest(void)
{
	char contact[201];
	struct arena arena;
	struct sentence sentence;
	struct sentence_error error;
	struct judgement judgement = { .reason = REASON_ORG_RELAY_MISMATCH };
	struct reply reply;
	memset(contact, '%', sizeof contact - 1);
	contact[sizeof contact - 1] = '\0';
	arena_init(&arena, 0);
	if (!sentence_parse(
			span_of("org or tls or cert or message or from or envelope or verp or dkim or auth or ip or spf or dmarc"),
			&arena, &sentence, &error))
		ok(false, "%s", error.text);
	judgement.broken = &sentence;
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		judgement.results[i] =
			result_make(RESULT_FAIL, (enum reason)(REASON_ORG_RELAY_MISMATCH + i), span_make(NULL, 0));
		judgement.why.ids[judgement.why.count++] = (enum check_id)i;
	}
	reply_make(VERDICT_REJECT, &judgement, span_of("0123456789abcdef"), span_of(contact), &reply);
	size_t length = strlen(reply.text);
	ok(strstr(reply.text, "a DMARC pass (id 0123456789abcdef) %%%")
	       && length + strlen(contact) + strlen("550 5.7.20 ") < 980
	       && strcmp(reply.text + length - strlen(contact), contact) == 0,
	   "the longest reply is whole and below 980 characters, its percent signs doubled: %zu", length);
	arena_clear(&arena);
}

static void test_reasons(void)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);
		enum reason back;
		bool ascii = true;
		for (const char *c = row->sentence; *c; c++)
			ascii = ascii && *c >= 0x20 && *c <= 0x7e;
		ok(row->smtp[0] == row->enhanced[0] && strlen(row->smtp) == 3 && ascii && strlen(row->sentence) < 200
		       && reason_from_code(span_of(row->code), &back) && back == (enum reason)i,
		   "reason \"%s\" is sound and unique", row->code);
	}
	enum reason kept = REASON_EXEMPT;
	ok(!reason_from_code(span_of("org-unknow"), &kept) && !reason_from_code(span_of("ORG-UNKNOWN"), &kept)
	       && kept == REASON_EXEMPT,
	   "a code outside the table is none");
	is_text(reason_code((enum reason)9999), "internal-error", "a reason outside the table");
}

static void test_printable(void)
{
	char text[LOG_PRINTABLE_SIZE];
	char long_value[60000];
	char want[400];
	log_entry_printable(span_make("a\r\n\0\x1b\x7f\xe2\x80\xa8\\\"", 11), text, sizeof text);
	is_text(text, "a\\x0d\\x0a\\x00\\x1b\\x7f\\xe2\\x80\\xa8\\\\\"", "L01 control characters, DEL, U+2028, backslash");
	memset(long_value, 'x', sizeof long_value);
	log_entry_printable(span_make(long_value, sizeof long_value), text, sizeof text);
	memset(want, 'x', 256);
	strcpy(want + 256, "...60000");
	is_text(text, want, "L02 a long value is cut, and its length said");
	memset(long_value, '\n', sizeof long_value);
	ok(log_entry_printable(span_make(long_value, sizeof long_value), text, sizeof text) == 256 * 4 + 8,
	   "the worst case fits");
	ok(log_entry_printable(span_make(long_value, 100), text, 20) < 20 && strlen(text) < 20,
	   "a small buffer is respected");
}

static void test_record(void)
{
	struct log_entry entry;
	log_entry_init(&entry);
	log_entry_text(&entry, "a", span_make(NULL, 0));
	log_entry_text(&entry, "b", span_of(""));
	log_entry_number(&entry, "c", -1);
	ok(entry.count == 0, "unknown values are left out");
	for (int i = 0; i < 100; i++)
		log_entry_number(&entry, "n", i);
	ok(entry.count == LOG_FIELDS_MAX, "a record is bounded");
}

/* What would be refused and is deferred in defer mode: the refusal's own words, and that it is not final. */
static void test_put_off(void)
{
	static const struct {
		enum reason reason;
		const char *enhanced;
	} cases[] = {
		{ REASON_TLS_ABSENT, "4.7.0" },     { REASON_MESSAGE_DUPLICATE, "4.6.0" }, { REASON_ORG_UNKNOWN, "4.7.1" },
		{ REASON_DKIM_NONE, "4.7.20" },     { REASON_DMARC_FAIL, "4.7.26" },       { REASON_DNS_TIMEOUT, "4.4.3" },
		{ REASON_SPF_PERMERROR, "4.7.24" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct judgement judgement = {
			.reason = cases[i].reason, .mode = MODE_DEFER, .would = VERDICT_REJECT, .verdict = VERDICT_TEMPFAIL
		};
		struct reply reply;
		reply_make(VERDICT_TEMPFAIL, &judgement, span_of("1f"), span_make(NULL, 0), &reply);
		is_text(reply.code, "451", "it is a 451");
		is_text(reply.enhanced, cases[i].enhanced, reason_code(cases[i].reason));
		ok(strstr(reply.text, reason_row(cases[i].reason)->sentence)
		       && strstr(reply.text, "; not final, the relay is in defer mode (id 1f)"),
		   "with the same sentence, and that it is not final");
		judgement.would = VERDICT_TEMPFAIL;
		reply_make(VERDICT_TEMPFAIL, &judgement, span_of("1f"), span_make(NULL, 0), &reply);
		ok(!strstr(reply.text, "defer mode"), "which is not said of other deferrals");
	}
}

int main(void)
{
	test_put_off();
	test_reply();
	test_look_ups();
	test_broken();
	test_longest();
	test_reasons();
	test_printable();
	test_record();
	return done_testing();
}
