/* SPDX-License-Identifier: BSD-2-Clause */
/* salesforce_words: the table, and what is found in a line. */
#include "cmd/salesforce_words.h"

#include "tap.h"

static void test_table(void)
{
	char line[WORDS_LINE_SIZE];
	for (unsigned i = WORDS_NONE + 1; i < WORDS_COUNT; i++) {
		const struct words_row *row = words_row((enum words)i);
		words_line((enum words)i, line);
		ok(row->code && row->text && row->meaning && row->look && row->code[0] && row->meaning[0] && row->look[0],
		   "row %u is whole", i);
		ok(words_find(span_of(line)) == (enum words)i, "%s is found", line);
		ok(words_code(span_of(line)) >= 400, "%s: its code", line);
		ok(row->meaning[strlen(row->meaning) - 1] != '.' && row->look[strlen(row->look) - 1] != '.',
		   "row %u: no full stop", i);
		enum reason reasons[WORDS_REASONS_MAX];
		ok(words_reasons(span_of(line), reasons) == 0, "row %u is no reply of this milter", i);
	}
	ok(words_row(WORDS_COUNT) == words_row(WORDS_NONE) && words_row(WORDS_NONE)->text[0] == '\0', "no row");
}

static const struct {
	const char *line;
	enum words words;
} lines[] = {
	{ "451 4.7.5 [internal] remote node SSL certificate not signed by a valid CA", WORDS_CHAIN },
	/* Without its mark it may be anybody's. */
	{ "REMOTE NODE SSL CERTIFICATE NOT SIGNED BY A VALID CA", WORDS_NONE },
	{ "[INTERNAL] REMOTE NODE SSL CERTIFICATE NOT SIGNED BY A VALID CA", WORDS_CHAIN },
	{ "Deferred: 451 4.4.1 [internal] No valid hosts", WORDS_NO_HOSTS },
	{ "451 4.4.1 [internal] No valid hosts (unable to make any connections)", WORDS_UNREACHABLE },
	{ "554 5.7.1 <a@b.example>: Relay access denied", WORDS_RELAY_DENIED },
	{ "550 5.7.1 <a@b.example>... Relaying denied", WORDS_RELAY_DENIED },
	{ "530 5.7.0 Must issue a STARTTLS command first", WORDS_TLS_WANTED },
	{ "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", WORDS_AUTH_FAILED },
	{ "552 5.3.4 Message size exceeds fixed limit", WORDS_SIZE },
	{ "451 4.7.1 Service unavailable - try again later", WORDS_MILTER_DOWN },
	{ "450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted", WORDS_RECIPIENT_REFUSED },
	{ "250 2.0.0 Ok: queued as 4XyZ1", WORDS_NONE },
	{ "", WORDS_NONE },
};

static void test_find(void)
{
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		enum words found = words_find(span_of(lines[i].line));
		ok(found == lines[i].words, "\"%s\" is %d", lines[i].line, (int)found);
	}
}

static void test_reasons(void)
{
	enum reason reasons[WORDS_REASONS_MAX];
	/* As Salesforce would log what this milter answers. */
	for (unsigned i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);
		char line[600];
		snprintf(line, sizeof line, "%s %s %s: %s (id 1f3a)", row->smtp, row->enhanced, row->code, row->sentence);
		size_t count = words_reasons(span_of(line), reasons);
		ok(count == 1 && reasons[0] == (enum reason)i, "%s: one reason, its own", row->code);
		is_span(words_session(span_of(line)), span_of("1f3a"), "and the session");
	}
	struct span several = span_of(
		"550 5.7.1 cert-absent,auth-none,ip-unlisted: one of these is asked for: a verified client certificate (id 9) ask us");
	ok(words_reasons(several, reasons) == 3 && reasons[0] == REASON_CERT_ABSENT && reasons[2] == REASON_IP_UNLISTED,
	   "several");
	ok(words_reasons(span_of("550 5.7.1 cert-absent,auth-none,ip-unlisted,org-absent,...: x"), reasons) == 4,
	   "four and more");
	ok(words_reasons(span_of("the tls-absent thing"), reasons) == 1, "a code in a sentence");
	ok(words_reasons(span_of("tls-absence, xtls-absent"), reasons) == 0, "no code");
	ok(words_reasons(span_make(NULL, 0), reasons) == 0 && span_absent(words_session(span_make(NULL, 0))), "nothing");
	ok(span_absent(words_session(span_of("x (id ) y"))), "an empty session");
	is_span(words_session(span_of("x (id 12")), span_of("12"), "a line that was cut");
}

static void test_codes(void)
{
	ok(words_code(span_of("451 4.7.5 x")) == 451 && words_code(span_of("smtp;550-5.1.1 x")) == 550,
	   "a code at the start, or in it");
	ok(words_code(span_of("4510 x 12.451.3 port 1450")) == 0 && words_code(span_of("")) == 0, "no code");
	is_span(words_enhanced(span_of("451 4.7.5 x")), span_of("4.7.5"), "an enhanced code");
	is_span(words_enhanced(span_of("550 5.7.26 x")), span_of("5.7.26"), "of more digits");
	ok(span_absent(words_enhanced(span_of("4.7 5.1234.5 10.4.7.5 x4.7.5"))), "no enhanced code");
	is_text(words_status(span_of("4.4.1")), "the host did not answer", "what it says");
	is_text(words_status(span_of("5.4.1")), "the host did not answer", "of either class");
	ok(!words_status(span_of("4.9.9")) && !words_status(span_make(NULL, 0)), "nothing is said");
}

int main(void)
{
	test_table();
	test_find();
	test_reasons();
	test_codes();
	return done_testing();
}
