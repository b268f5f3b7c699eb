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

static size_t reasons_of(const char *line, enum reason reasons_r[WORDS_REASONS_MAX])
{
	static char unfolded[2000];
	return words_reasons(span_make(unfolded, words_unfold(span_of(line), unfolded)), reasons_r);
}

/* What becomes of a reply on its way to an admin's eyes; CODE, ENHANCED, reason, sentence, in the order of the arguments. */
static const struct {
	const char *what;
	const char *format;
} shapes[] = {
	{ "as it is", "%s %s %s: %s (id 1f3a5c7e9b2d4f60) postmaster@example.com" },
	{ "behind another code", "554 5.0.0 %s %s %s: %s (id 1f3a5c7e9b2d4f60)" },
	{ "behind a word", "smtp; %s-%s %s: %s" },
	{ "quoted", "\"%s %s %s: %s (id 1f3a5c7e9b2d4f60)\"" },
	{ "quoted by '", "'%s %s %s: %s'" },
	{ "in brackets", "[%s %s %s: %s]" },
	{ "as Postfix tells it on",
	  "<joe@customer.example>: host relay.example.com[192.0.2.1] said: %s %s %s: %s (in reply to end of DATA command)" },
	{ "as a bounce tells it", "5.1.0 - Unknown address error %s-'%s %s: %s' (delivery attempts: 0)" },
	{ "in defer mode", "%s %s %s: %s; not final, the relay is in defer mode (id 1f3a5c7e9b2d4f60)" },
	{ "on several lines", "%s\n %s\r\n\t%s:\n    %s" },
	{ "with the reason only", "%s %s %s" },
	{ "with the colon", "%s %s %s:" },
};

static void test_shapes(void)
{
	enum reason reasons[WORDS_REASONS_MAX];
	char line[1500];
	for (unsigned i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);
		for (size_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(line, sizeof line, shapes[j].format, row->smtp, row->enhanced, row->code, row->sentence);
#pragma GCC diagnostic pop
			ok(reasons_of(line, reasons) == 1 && reasons[0] == (enum reason)i, "%s %s", row->code, shapes[j].what);
			for (char *c = line; *c; c++)
				*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
			ok(reasons_of(line, reasons) == 1 && reasons[0] == (enum reason)i, "%s %s, in capitals", row->code,
			   shapes[j].what);
		}
		int whole =
			snprintf(line, sizeof line, "%s %s %s: %s (id 1f)", row->smtp, row->enhanced, row->code, row->sentence);
		size_t known = strlen(row->smtp) + strlen(row->enhanced) + strlen(row->code) + 2;
		bool good = true;
		for (size_t cut = (size_t)whole; cut >= known; cut--) {
			line[cut] = '\0';
			good = good && reasons_of(line, reasons) == 1 && reasons[0] == (enum reason)i;
		}
		ok(good, "%s, cut anywhere behind its reason", row->code);
		/* Broken at each hyphen, as browsers and mail programs do. */
		size_t to = 0;
		for (const char *c = row->code; *c; c++) {
			line[to++] = *c;
			if (*c == '-')
				line[to++] = '\n';
		}
		snprintf(line + to, sizeof line - to, ": %s", row->sentence);
		ok(reasons_of(line, reasons) == 1 && reasons[0] == (enum reason)i, "%s, broken at its hyphens", row->code);
		/* Its sentence alone, broken into words. */
		snprintf(line, sizeof line, "x: %s (id 1)", row->sentence);
		for (char *c = line; *c; c++)
			*c = *c == ' ' ? '\n' : *c;
		size_t count = reasons_of(line, reasons);
		good = count > 0;
		for (size_t j = 0; j < count; j++)
			good = good && strcmp(reason_row(reasons[j])->sentence, row->sentence) == 0;
		ok(good, "%s, its sentence alone", row->code);
	}
}

/* Salesforce's words, folded and cut. */
static void test_cut(void)
{
	char line[WORDS_LINE_SIZE];
	char unfolded[2 * WORDS_LINE_SIZE];
	for (unsigned i = WORDS_NONE + 1; i < WORDS_COUNT; i++) {
		words_line((enum words)i, line);
		for (char *c = line; *c; c++)
			*c = *c == ' ' ? '\n' : *c;
		ok(words_find(span_make(unfolded, words_unfold(span_of(line), unfolded))) == (enum words)i, "row %u, folded",
		   i);
		words_line((enum words)i, line);
		const char *text = strstr(line, "[internal] ");
		bool good = true;
		for (size_t cut = strlen(line); text && cut > 0; cut--) {
			enum words found = words_find(span_make(line, cut));
			/* It may stand for what begins alike, or be too short, but it is nobody else's. */
			good = good && (found == WORDS_NONE || strncmp(words_row(found)->text, text, 19) == 0);
		}
		ok(good, "row %u, cut", i);
	}
	static const struct {
		const char *line;
		enum words words;
	} cuts[] = {
		{ "451 4.7.5 [internal] remote node SSL certi", WORDS_CHAIN },
		{ "451 4.7.5 [internal] remote node SSL certificate not sig...", WORDS_CHAIN },
		{ "\"451 4.7.6 [internal] STARTTLS required\xe2\x80\xa6\"", WORDS_STARTTLS_ABSENT },
		{ "451 4.4.1 [internal] No valid hosts (una", WORDS_NO_HOSTS },
		{ "451 4.4.1 [internal] No valid ho", WORDS_NONE }, /* of two */
		{ "451 4.7.5 [internal] re", WORDS_NONE },
		{ "451 4.7.5 [internal]", WORDS_NONE },
		{ "[internal] exceeded max time with more behind it", WORDS_NONE },
	};
	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
		ok(words_find(span_of(cuts[i].line)) == cuts[i].words, "\"%s\" is %d", cuts[i].line,
		   (int)words_find(span_of(cuts[i].line)));
}

static void test_unfold(void)
{
	static const struct {
		const char *line;
		const char *unfolded;
	} folds[] = {
		{ "a  b\tc", "a b c" },
		{ "a\r\n  b", "a b" },
		{ "tls-\nabsent", "tls-absent" },
		{ "tls- absent", "tls- absent" },
		{ "a -\nb", "a - b" },
		{ "abs=\nent", "absent" },
		{ "a = b", "a = b" },
		{ "", "" },
		{ "-\nb", "- b" },
	};
	char unfolded[80];
	for (size_t i = 0; i < sizeof folds / sizeof folds[0]; i++)
		ok(span_equal(span_make(unfolded, words_unfold(span_of(folds[i].line), unfolded)), span_of(folds[i].unfolded)),
		   "fold %zu is undone", i);
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
	test_shapes();
	test_cut();
	test_unfold();
	test_codes();
	return done_testing();
}
