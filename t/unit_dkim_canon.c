/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dkim_canon.h"

#include "dkim_record.h"
#include "dkim_reference.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const validator_names[] = { "simple", "relaxed" };

/* Bytes as text, for the names of tests. */
static const char *shown(struct span text)
{
	static char line[4][200];
	static unsigned next;
	char *to = line[next++ % 4];
	size_t at = 0;
	for (size_t i = 0; i < text.length && at < 190; i++) {
		const char *found = strchr("\r\n\t", text.at[i]);
		if (found && text.at[i]) {
			to[at++] = '\\';
			to[at++] = "rnt"[found - strchr("\r\n\t", '\r')];
		} else {
			to[at++] = (char)(text.at[i] >= ' ' && text.at[i] < 0x7f && text.at[i] != '#' ? text.at[i] : '?');
		}
	}
	to[at] = '\0';
	return to;
}

/* The body in pieces of that size; with first, the first piece is of that size instead. What came of it is recorded. */
static struct dkim_body put_body(struct span text, enum dkim_form form, uint64_t limit, size_t first, size_t size)
{
	static struct dkim_body body;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	dkim_body_begin(&body, &dkim_recorder, form, limit);
	for (size_t at = 0; at < text.length;) {
		size_t next = at == 0 && first != 0 ? first : size;
		dkim_body_put(&body, span_slice(text, at, at + next));
		at += next;
	}
	dkim_body_end(&body, digest);
	return body;
}

static struct span recorded(void)
{
	return span_make(dkim_recorded.at ? dkim_recorded.at : "", dkim_recorded.length);
}

static void test_body(void)
{
	static const struct {
		const char *body;
		const char *simple;
		const char *relaxed;
		bool bare;
	} cases[] = {
		/* RFC 6376 3.4.5 */
		{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n", false },
		{ "", "\r\n", "", false },
		{ "\r\n", "\r\n", "", false },
		{ "\r\n\r\n\r\n", "\r\n", "", false },
		{ " \t \r\n\t\r\n", " \t \r\n\t\r\n", "", false },
		{ " ", " \r\n", "", false },
		{ "a", "a\r\n", "a\r\n", false },
		{ "a\r\nb", "a\r\nb\r\n", "a\r\nb\r\n", false },
		{ "a \t", "a \t\r\n", "a\r\n", false },
		{ "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", false },
		{ "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n", false },
		{ "a\r\n \r\nb\r\n \t\r\n", "a\r\n \r\nb\r\n \t\r\n", "a\r\n\r\nb\r\n", false },
		{ "\ta\t b \tc\t\t\r\n", "\ta\t b \tc\t\t\r\n", " a b c\r\n", false },
		{ ".\r\n..\r\n", ".\r\n..\r\n", ".\r\n..\r\n", false },
		{ "a\r\n\r\n\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n", false },
		{ "a\vb\fc\r\n", "a\vb\fc\r\n", "a\vb\fc\r\n", false },
		{ "Gr\xc3\xbc\xc3\x9f"
		  "e \xff\xa0 \r\n",
		  "Gr\xc3\xbc\xc3\x9f"
		  "e \xff\xa0 \r\n",
		  "Gr\xc3\xbc\xc3\x9f"
		  "e \xff\xa0\r\n",
		  false },
		/* A CR or LF that stands alone ends no line and is no white space. */
		{ "a\nb\r\n", "a\nb\r\n", "a\nb\r\n", true },
		{ "a\rb\r\n", "a\rb\r\n", "a\rb\r\n", true },
		{ "a \nb\r\n", "a \nb\r\n", "a \nb\r\n", true },
		{ "a \t\nb\r\n", "a \t\nb\r\n", "a \nb\r\n", true },
		{ "a \rb\r\n", "a \rb\r\n", "a \rb\r\n", true },
		{ "a\n", "a\n\r\n", "a\n\r\n", true },
		{ "a\r", "a\r\r\n", "a\r\r\n", true },
		{ "a \t\r", "a \t\r\r\n", "a \r\r\n", true },
		{ "a\r\r\n", "a\r\r\n", "a\r\r\n", true },
		{ "a\r\n\n", "a\r\n\n\r\n", "a\r\n\n\r\n", true },
		{ "a\n\r\n\r\n", "a\n\r\n", "a\n\r\n", true },
		{ "\r", "\r\r\n", "\r\r\n", true },
		{ "\n", "\n\r\n", "\n\r\n", true },
		{ "\r\r\r\n\n", "\r\r\r\n\n\r\n", "\r\r\r\n\n\r\n", true },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		for (unsigned form = 0; form < 2; form++) {
			struct span text = span_of(cases[i].body);
			struct span wanted = span_of(form ? cases[i].relaxed : cases[i].simple);
			struct dkim_body body = put_body(text, (enum dkim_form)form, DKIM_NO_LENGTH, 0, text.length);
			is_span(recorded(), wanted, shown(text));
			ok(body.bare == cases[i].bare && body.stream.length == wanted.length, "%s: bare, length",
			   validator_names[form]);
			bool same = true;
			for (size_t cut = 1; cut < text.length; cut++) {
				body = put_body(text, (enum dkim_form)form, DKIM_NO_LENGTH, cut, text.length);
				same = same && span_equal(recorded(), wanted) && body.bare == cases[i].bare;
			}
			body = put_body(text, (enum dkim_form)form, DKIM_NO_LENGTH, 0, 1);
			same = same && span_equal(recorded(), wanted) && body.bare == cases[i].bare;
			ok(same, "%s: cut anywhere, and byte by byte", validator_names[form]);
		}
}

/* l=: the first bytes of the canonical form, however the body is cut. */
static void test_length(void)
{
	static const char text[] = " a  b \r\n\r\n\tc\r\n\r\n\r\n";
	static const char *const whole[] = { " a  b \r\n\r\n\tc\r\n", " a b\r\n\r\n c\r\n" };
	for (unsigned form = 0; form < 2; form++) {
		bool same = true;
		for (size_t limit = 0; limit < strlen(whole[form]) + 3; limit++)
			for (size_t size = 1; size < sizeof text; size++) {
				struct dkim_body body = put_body(span_of(text), (enum dkim_form)form, limit, 0, size);
				same = same && span_equal(recorded(), span_slice(span_of(whole[form]), 0, limit))
				       && body.stream.length == strlen(whole[form]);
			}
		ok(same, "%s: every l=, in pieces of every size", validator_names[form]);
	}
}

/* Text with much of what matters, from a small generator of numbers. */
static size_t make_text(char *to, size_t size, unsigned *state)
{
	static const char *const parts[] = {
		"\r\n", "\r\n", " ", "  ", "\t", "word", "a", "\r", "\n", "\r\n\r\n", "long words of text", "\xc3\xa9", "\x01"
	};
	size_t length = 0;
	for (;;) {
		*state = *state * 1103515245u + 12345u;
		const char *part = parts[(*state >> 16) % COUNT(parts)];
		if (length + strlen(part) > size)
			return length;
		memcpy(to + length, part, strlen(part));
		length += strlen(part);
	}
}

static void test_against_reference(void)
{
	static char text[6000];
	static char wanted[2 * sizeof text + 2];
	unsigned state = 7;
	unsigned wrong = 0;
	for (unsigned round = 0; round < 3000; round++) {
		size_t size = round % 30 == 0 ? sizeof text : 1 + round % 150;
		struct span body = span_make(text, make_text(text, size, &state));
		for (unsigned form = 0; form < 2; form++) {
			size_t length = dkim_reference_body(body, form == 1, wanted);
			struct dkim_body got =
				put_body(body, (enum dkim_form)form, DKIM_NO_LENGTH, (state >> 16) % 100, 1 + (state >> 20) % 3000);
			wrong += !span_equal(recorded(), span_make(wanted, length)) || got.bare != dkim_reference_bare(body);
		}
	}
	ok(wrong == 0, "3000 bodies like the reference (%u are not)", wrong);
}

/* What may be the end is counted, not kept; what is plain goes on in long runs. */
static void test_bounds(void)
{
	static char blank[65536];
	static struct dkim_body body;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	for (unsigned form = 0; form < 2; form++) {
		memset(blank, ' ', sizeof blank);
		for (size_t i = 0; form == 0 && i < sizeof blank; i += 2)
			memcpy(blank + i, "\r\n", 2);
		dkim_body_begin(&body, &dkim_recorder, (enum dkim_form)form, DKIM_NO_LENGTH);
		dkim_body_put(&body, span_of("x"));
		for (unsigned i = 0; i < 32; i++)
			dkim_body_put(&body, span_make(blank, sizeof blank));
		ok(body.stream.hash->length + body.stream.used == 1, "%s: two million blanks are kept back",
		   validator_names[form]);
		dkim_body_end(&body, digest);
		is_span(recorded(), span_of("x\r\n"), "and are nothing at the end");
		dkim_body_begin(&body, &dkim_recorder, (enum dkim_form)form, DKIM_NO_LENGTH);
		dkim_body_put(&body, span_of("x"));
		for (unsigned i = 0; i < 32; i++)
			dkim_body_put(&body, span_make(blank, sizeof blank));
		dkim_body_put(&body, span_of("y"));
		dkim_body_end(&body, digest);
		ok(recorded().length == (form == 0 ? 4 + 32 * sizeof blank : 5), "or else something");
	}
	static char base64[7800];
	memset(base64, 'A', sizeof base64);
	for (size_t i = 76; i < sizeof base64; i += 78)
		memcpy(base64 + i, "\r\n", 2);
	for (unsigned form = 0; form < 2; form++) {
		put_body(span_make(base64, sizeof base64), (enum dkim_form)form, DKIM_NO_LENGTH, 0, sizeof base64);
		ok(dkim_recorded.updates <= 3, "%s: lines of plain text in %u steps", validator_names[form],
		   dkim_recorded.updates);
		is_span(recorded(), span_make(base64, sizeof base64), "unchanged");
	}
}

static void put_field(enum dkim_form form, const char *name, const char *value, bool leading_space)
{
	static struct dkim_stream stream;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	dkim_stream_begin(&stream, &dkim_recorder, DKIM_NO_LENGTH);
	dkim_canon_field(&stream, form, span_of(name), span_of(value), leading_space);
	dkim_stream_end(&stream, digest);
}

static void test_fields(void)
{
	static const struct {
		const char *name;
		const char *value;
		const char *simple;
		const char *relaxed;
	} cases[] = {
		/* RFC 6376 3.4.5 */
		{ "A", " X", "A: X\r\n", "a:X\r\n" },
		{ "B ", " Y\t\r\n\tZ  ", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
		{ "B", " Y\t\n\tZ  ", "B: Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
		{ "SubjecT", "", "SubjecT:\r\n", "subject:\r\n" },
		{ "Subject", " \t ", "Subject: \t \r\n", "subject:\r\n" },
		{ "Subject", "x", "Subject:x\r\n", "subject:x\r\n" },
		{ "Subject", "\r\n x", "Subject:\r\n x\r\n", "subject:x\r\n" },
		{ "Subject", "\n x\n y", "Subject:\r\n x\r\n y\r\n", "subject:x y\r\n" },
		{ "Subject", "x\n\n y", "Subject:x\r\n\r\n y\r\n", "subject:x y\r\n" },
		{ "Subject", "x \r\n ", "Subject:x \r\n \r\n", "subject:x\r\n" },
		{ "Subject", " \xc3\xa9\x1b", "Subject: \xc3\xa9\x1b\r\n", "subject:\xc3\xa9\x1b\r\n" },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		for (unsigned form = 0; form < 2; form++) {
			put_field((enum dkim_form)form, cases[i].name, cases[i].value, true);
			is_span(recorded(), span_of(form ? cases[i].relaxed : cases[i].simple), shown(span_of(cases[i].value)));
		}
	put_field(DKIM_FORM_SIMPLE, "To", "x", false);
	is_span(recorded(), span_of("To: x\r\n"), "simple: the space that the MTA took away stands there again");
	put_field(DKIM_FORM_RELAXED, "To", "x", false);
	is_span(recorded(), span_of("to:x\r\n"), "relaxed: it does not matter");
	char name[200];
	memset(name, 'X', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	put_field(DKIM_FORM_RELAXED, name, "y", true);
	ok(recorded().length == sizeof name + 3 && recorded().at[198] == 'x', "a long name");
}

static void test_signature(void)
{
	static const struct {
		const char *before;
		const char *b;
		const char *after;
		const char *simple;
		const char *relaxed;
	} cases[] = {
		{ " v=1; b=", "AAAA", "", "D: v=1; b=", "d:v=1; b=" },
		{ " v=1; b=", " AA\n AA ", "", "D: v=1; b=", "d:v=1; b=" },
		{ " v=1; b =", "AA", "; t=1", "D: v=1; b =; t=1", "d:v=1; b =; t=1" },
		{ " b=", " AA \r\n", ";\n\tt=1 ", "D: b=;\r\n\tt=1 ", "d:b=; t=1" },
		{ "b=", "", ";", "D:b=;", "d:b=;" },
	};
	static struct dkim_stream stream;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	for (size_t i = 0; i < COUNT(cases); i++)
		for (unsigned form = 0; form < 2; form++) {
			char value[100];
			snprintf(value, sizeof value, "%s%s%s", cases[i].before, cases[i].b, cases[i].after);
			struct span b = span_make(value + strlen(cases[i].before), strlen(cases[i].b));
			dkim_stream_begin(&stream, &dkim_recorder, DKIM_NO_LENGTH);
			dkim_canon_signature(&stream, (enum dkim_form)form, span_of("D"), span_of(value), b, true);
			dkim_stream_end(&stream, digest);
			is_span(recorded(), span_of(form ? cases[i].relaxed : cases[i].simple), shown(span_of(value)));
		}
}

static void test_sound(void)
{
	static const char *const good[] = { "", " x", "x\r\n y", "x\n y", "\n\ty", "x\xc3\xa9\x1b", "\r\n " };
	static const char *const bad[] = { "\r",  "\n",  "x\r\ny", "x\ny",      "x\ry",   "x\r\n",
		                               "x\n", "x\v", "\fx",    "x\r\r\n y", "x\n\n y" };
	for (size_t i = 0; i < COUNT(good); i++)
		ok(dkim_canon_sound(span_of(good[i])), "sound: [%s]", shown(span_of(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		ok(!dkim_canon_sound(span_of(bad[i])), "not sound: [%s]", shown(span_of(bad[i])));
	ok(!dkim_canon_sound(span_make("a\0b", 3)), "not sound: NUL");
}

/* Without a hash, and given up half-way. */
static void test_no_hash(void)
{
	static struct dkim_body body;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	memset(&body, 0, sizeof body);
	dkim_body_drop(&body);
	dkim_hashes_allowed = 0;
	ok(!dkim_body_begin(&body, &dkim_recorder, DKIM_FORM_RELAXED, DKIM_NO_LENGTH), "no hash can be had");
	char *text = calloc(1, 10000);
	dkim_body_put(&body, span_make(text, 10000));
	free(text);
	ok(!dkim_body_end(&body, digest) && body.stream.length == 10002, "then there is no digest, but a length");
	dkim_hashes_allowed = -1;
	ok(dkim_body_begin(&body, &dkim_recorder, DKIM_FORM_SIMPLE, DKIM_NO_LENGTH) && dkim_hashes_live == 1,
	   "one is begun");
	dkim_body_put(&body, span_of("x"));
	dkim_body_drop(&body);
	dkim_body_drop(&body);
	ok(dkim_hashes_live == 0, "and given up");
	ok(!dkim_body_end(&body, digest), "which leaves no digest");
}

int main(void)
{
	test_body();
	test_length();
	test_against_reference();
	test_bounds();
	test_fields();
	test_signature();
	test_sound();
	test_no_hash();
	ok(dkim_hashes_live == 0, "every hash was released");
	record_forget();
	return done_testing();
}
