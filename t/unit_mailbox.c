/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox: every dangerous spelling of an author or envelope sender, by its number in the catalogue where it has one. */
#include <stdlib.h>

#include "core/mailbox.h"
#include "tap.h"

#define OURS "example.com"
#define RLO "\xe2\x80\xae" /* U+202E, right-to-left override */

/* Stands in for the IDNA library: knows two names. */
static bool fake_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	if (span_equal(domain, span_of("b\xc3\xbc"
	                               "cher.example")))
		strcpy(ascii_r, "xn--bcher-kva.example");
	else if (span_equal(domain, span_of("ex\xd0\xb0mple.com")))
		strcpy(ascii_r, "xn--exmple-4nf.com");
	else
		return false;
	return true;
}

static const char *status_text(enum mailbox_status status)
{
	static const char *const texts[] = { "unset", "ok", "empty", "null", "several", "group", "malformed", "no memory" };
	return texts[status];
}

struct row {
	const char *id;
	struct span text;
	enum mailbox_status status;
	const char *local_part; /* with MAILBOX_OK only */
	const char *domain;
};

typedef enum mailbox_status parser(struct span, struct arena *, domain_to_ascii, struct mailbox *);

static void test_rows(parser *parse, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct arena arena;
		struct mailbox mailbox = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
		struct mailbox again;
		arena_init(&arena, 0);
		/* An exact copy on the heap, so that reading past the end is seen. */
		char *copy = malloc(row->text.length ? row->text.length : 1);
		if (!copy)
			exit(1);
		memcpy(copy, row->text.at, row->text.length);
		enum mailbox_status status = parse(span_make(copy, row->text.length), &arena, fake_to_ascii, &mailbox);
		if (!ok(status == row->status, "%s", row->id))
			printf("# got %s, want %s\n", status_text(status), status_text(row->status));
		if (status == MAILBOX_OK && row->status == MAILBOX_OK) {
			is_span(mailbox.local_part, span_of(row->local_part), "its local part");
			is_span(mailbox.domain, span_of(row->domain), "its domain");
			ok(parse(mailbox.address, &arena, NULL, &again) == MAILBOX_OK && span_equal(again.domain, mailbox.domain)
			       && span_equal(again.local_part, mailbox.local_part),
			   "its address says the same");
		} else {
			ok(span_absent(mailbox.domain) && span_absent(mailbox.address), "no domain comes of it");
		}
		free(copy);
		arena_clear(&arena);
	}
}

#define GOOD(id, text, local, domain)                                                                                  \
	{                                                                                                                  \
		id, SPAN_LITERAL(text), MAILBOX_OK, local, domain                                                              \
	}
#define BAD(id, text, status)                                                                                          \
	{                                                                                                                  \
		id, SPAN_LITERAL(text), status, NULL, NULL                                                                     \
	}

static const struct row fields_good[] = {
	GOOD("plain", " joe@example.com", "joe", OURS),
	GOOD("no leading space", "joe@example.com", "joe", OURS),
	GOOD("underscore in the domain", " joe@_a.exa_mple.com", "joe", "_a.exa_mple.com"),
	GOOD("angle brackets", " <joe@example.com>", "joe", OURS),
	GOOD("name", " Joe <joe@example.com>", "joe", OURS),
	GOOD("name without space", "Joe<joe@example.com>", "joe", OURS),
	GOOD("name of several words", " Joe Q Public <joe@example.com>", "joe", OURS),
	GOOD("name with dots", " John Q. Public Jr. <joe@example.com>", "joe", OURS),
	GOOD("name with a dot of its own", " John . Public <joe@example.com>", "joe", OURS),
	GOOD("quoted name", " \"Public, Joe\" <joe@example.com>", "joe", OURS),
	GOOD("quoted name with quoted-pairs", " \"a\\\"b\\\\\" <joe@example.com>", "joe", OURS),
	GOOD("empty quoted name", " \"\" <joe@example.com>", "joe", OURS),
	GOOD("quoted and bare words", " \"Joe\" Public \"Jr\" <joe@example.com>", "joe", OURS),
	GOOD("encoded words", " =?UTF-8?B?SsO2cmc=?= =?UTF-8?Q?M=C3=BCller?= <joe@example.com>", "joe", OURS),
	GOOD("dot-atom", " a.b-c+d=e_f@example.com", "a.b-c+d=e_f", OURS),
	GOOD("all atext", " !#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~", OURS),
	GOOD("no dot in the domain", " joe@localhost", "joe", "localhost"),
	GOOD("D03 upper case", " Joe@EXAMPLE.COM", "Joe", OURS),
	GOOD("D01 look-alike is itself", " joe@evil-example.com", "joe", "evil-example.com"),
	GOOD("D02 look-alike is itself", " joe@example.com.attack.example", "joe", "example.com.attack.example"),
	GOOD("D05 homograph is itself", " joe@ex\xd0\xb0mple.com", "joe", "xn--exmple-4nf.com"),
	GOOD("D05 homograph as A-label", " joe@xn--exmple-4nf.com", "joe", "xn--exmple-4nf.com"),
	GOOD("U-label",
	     " <joe@b\xc3\xbc"
	     "cher.example>",
	     "joe", "xn--bcher-kva.example"),
	GOOD("D08 '@' in a quoted local part", " \"user@example.com\"@evil.example", "user@example.com", "evil.example"),
	GOOD("D08 percent hack", " <joe%example.com@evil.example>", "joe%example.com", "evil.example"),
	GOOD("D09 bidi override in the name", " " RLO "elpmaxe.live <joe@example.com>", "joe", OURS),
	GOOD("D09 bidi override in a quoted name", " \"" RLO "x@evil.example\" <joe@example.com>", "joe", OURS),
	GOOD("D09 bidi override in a comment", " joe@example.com (" RLO "x@evil.example)", "joe", OURS),
	GOOD("F16 comment with another address", " joe@example.com (evil@evil.example)", "joe", OURS),
	GOOD("F16 comment before", " (<evil@evil.example>) <joe@example.com>", "joe", OURS),
	GOOD("F16 comments everywhere", " (a) Joe (b) < (c) joe (d) @ (e) example.com (f) > (g)", "joe", OURS),
	GOOD("F16 nested comment", " joe@example.com (a (b (c) d) \\) \\( )", "joe", OURS),
	GOOD("F16 as deep as may be", " ((((((((x)))))))) joe@example.com", "joe", OURS),
	GOOD("F16 comma in a comment", " joe@example.com (a, b)", "joe", OURS),
	GOOD("F16 folded with LF", " Joe\n Public\n\t<joe@example.com>", "joe", OURS),
	GOOD("F16 folded with CRLF", " Joe\r\n Public\r\n\t<joe@example.com>", "joe", OURS),
	GOOD("F16 begins on the second line", "\n joe@example.com", "joe", OURS),
	GOOD("F16 fold in a quoted name", " \"Joe\n Public\" <joe@example.com>", "joe", OURS),
	GOOD("F16 fold in a comment", " joe@example.com (a\r\n b)", "joe", OURS),
	GOOD("F17 name is another address", " \"ceo@evil.example\" <joe@example.com>", "joe", OURS),
	GOOD("F17 name holds angle brackets", " \"<ceo@evil.example>\" <joe@example.com>", "joe", OURS),
	GOOD("F10 encoded word that holds an address", " =?utf-8?b?PGpvZUBhLmNvbT4=?= <x@evil.example>", "x",
	     "evil.example"),
	GOOD("trailing white space", " joe@example.com \t ", "joe", OURS),
	GOOD("quoted local part", " \"joe\"@example.com", "joe", OURS),
	GOOD("quoted local part with specials", " <\"a b,c<d>\\\"\\\\e\"@example.com>", "a b,c<d>\"\\e", OURS),
	GOOD("quoted dots", " \"a..b.\"@example.com", "a..b.", OURS),
	GOOD("UTF-8 name", " J\xc3\xb6rg <joe@example.com>", "joe", OURS),
	GOOD("UTF-8 quoted name", " \"\xf0\x9f\x93\xa7 J\xc3\xb6rg\" <joe@example.com>", "joe", OURS),
	GOOD("UTF-8 local part", " j\xc3\xb6@example.com", "j\xc3\xb6", OURS),
	GOOD("sandbox address", " joe@example.com.invalid", "joe", "example.com.invalid"),
};

static const struct row fields_bad[] = {
	BAD("nothing", "", MAILBOX_EMPTY),
	BAD("white space", " \t ", MAILBOX_EMPTY),
	BAD("a comment", " (joe@example.com)", MAILBOX_EMPTY),
	BAD("F09 two mailboxes", " joe@example.com, evil@b.example", MAILBOX_SEVERAL),
	BAD("F09 two of ours", " joe@example.com,jim@example.com", MAILBOX_SEVERAL),
	BAD("F09 two with names", " Joe <joe@example.com>, Jim <jim@example.com>", MAILBOX_SEVERAL),
	BAD("F09 comma at the end", " joe@example.com,", MAILBOX_SEVERAL),
	BAD("F09 comma at the start", " ,joe@example.com", MAILBOX_MALFORMED),
	BAD("F09 comment before the comma", " joe@example.com (x) , evil@b.example", MAILBOX_SEVERAL),
	BAD("F10 encoded word and a second address", " =?utf-8?b?PGFAYj4=?=@example.com, x@evil.example",
	    MAILBOX_MALFORMED),
	BAD("F10 name and a second address", " =?utf-8?b?PGFAYj4=?= <joe@example.com>, <x@evil.example>", MAILBOX_SEVERAL),
	BAD("F10 encoded word as the local part", " =?utf-8?q?joe?=@example.com", MAILBOX_MALFORMED),
	BAD("F10 the beginning of an encoded word as the local part", " =?@example.com", MAILBOX_MALFORMED),
	BAD("F10 encoded word alone", " =?utf-8?b?PGpvZUBhLmNvbT4=?=", MAILBOX_MALFORMED),
	BAD("F11 source route", " <@a.example,@b.example:joe@example.com>", MAILBOX_MALFORMED),
	BAD("F11 short source route", " <@relay.example:joe@example.com>", MAILBOX_MALFORMED),
	BAD("F12 a17", " <joe@example.com>\\,<x@evil.example>", MAILBOX_MALFORMED),
	BAD("F12 a18", " joe@example.com,<x@evil.example>", MAILBOX_SEVERAL),
	BAD("F12 a19", " <x@evil.example>joe@example.com", MAILBOX_MALFORMED),
	BAD("F13 NUL in the address", " joe@example.com\0x@evil.example", MAILBOX_MALFORMED),
	BAD("F13 NUL in a comment", " joe@example.com (\0)", MAILBOX_MALFORMED),
	BAD("F13 NUL escaped", " \"a\\\0\" <joe@example.com>", MAILBOX_MALFORMED),
	BAD("F14 empty domain in brackets", " \"a\" <user@>, b@", MAILBOX_MALFORMED),
	BAD("F14 no domain", " joe@", MAILBOX_MALFORMED),
	BAD("F14 no domain in brackets", " <joe@>", MAILBOX_MALFORMED),
	BAD("F14 no '@'", " joe", MAILBOX_MALFORMED),
	BAD("F14 no '@' in brackets", " Joe <joe>", MAILBOX_MALFORMED),
	BAD("F14 empty brackets", " <>", MAILBOX_MALFORMED),
	BAD("F14 name and empty brackets", " Joe <>", MAILBOX_MALFORMED),
	BAD("F14 empty local part", " @example.com", MAILBOX_MALFORMED),
	BAD("F14 empty local part in brackets", " <@example.com>", MAILBOX_MALFORMED),
	BAD("F14 empty quoted local part", " \"\"@example.com", MAILBOX_MALFORMED),
	BAD("F14 two '@' at the end", " <joe@example.com@>", MAILBOX_MALFORMED),
	BAD("F15 group", " grp: joe@example.com, bob@example.com;", MAILBOX_GROUP),
	BAD("F15 empty group", " undisclosed-recipients:;", MAILBOX_GROUP),
	BAD("F15 quoted group name", " \"joe@example.com\": x@evil.example;", MAILBOX_GROUP),
	BAD("F15 group without a name", " :joe@example.com;", MAILBOX_MALFORMED),
	BAD("F15 group after a mailbox", " joe@example.com: x@evil.example;", MAILBOX_MALFORMED),
	BAD("F18 comment too deep", " (((((((((x))))))))) joe@example.com", MAILBOX_MALFORMED),
	BAD("D04 trailing dot", " joe@example.com.", MAILBOX_MALFORMED),
	BAD("D04 trailing dot in brackets", " <joe@example.com.>", MAILBOX_MALFORMED),
	BAD("D04 empty label", " joe@example..com", MAILBOX_MALFORMED),
	BAD("D04 leading dot", " joe@.example.com", MAILBOX_MALFORMED),
	BAD("D04 leading hyphen", " joe@-example.com", MAILBOX_MALFORMED),
	BAD("D05 U-label that IDNA refuses", " joe@\xe2\x98\x83.example", MAILBOX_MALFORMED),
	BAD("D08 address literal", " joe@[192.0.2.1]", MAILBOX_MALFORMED),
	BAD("D08 literal in brackets", " <joe@[IPv6:::1]>", MAILBOX_MALFORMED),
	BAD("D08 bare address", " joe@192.0.2.1", MAILBOX_MALFORMED),
	BAD("D08 two '@'", " joe@x.example@example.com", MAILBOX_MALFORMED),
	BAD("D08 two '@' in brackets", " <joe@x.example@example.com>", MAILBOX_MALFORMED),
	BAD("D09 bidi override in the domain", " joe@example.com" RLO "@evil.example", MAILBOX_MALFORMED),
	BAD("D09 bidi override ends the domain", " joe@example.com" RLO, MAILBOX_MALFORMED),
	BAD("two pairs of brackets", " <joe@example.com><evil@b.example>", MAILBOX_MALFORMED),
	BAD("address as the name", " joe@example.com <evil@b.example>", MAILBOX_MALFORMED),
	BAD("comma in brackets", " <joe@example.com,evil@b.example>", MAILBOX_MALFORMED),
	BAD("semicolon in brackets", " <joe@example.com;evil@b.example>", MAILBOX_MALFORMED),
	BAD("semicolon", " joe@example.com; evil@b.example", MAILBOX_MALFORMED),
	BAD("trailing address", " <joe@example.com> (hi) trailing@c.example", MAILBOX_MALFORMED),
	BAD("trailing word", " joe@example.com evil", MAILBOX_MALFORMED),
	BAD("trailing word after brackets", " <joe@example.com> evil", MAILBOX_MALFORMED),
	BAD("word before a bare address", " Joe joe@example.com", MAILBOX_MALFORMED),
	BAD("brackets in brackets", " <<joe@example.com>>", MAILBOX_MALFORMED),
	BAD("bracket not closed", " <joe@example.com", MAILBOX_MALFORMED),
	BAD("bracket not opened", " joe@example.com>", MAILBOX_MALFORMED),
	BAD("quote not closed", " \"Joe <joe@example.com>", MAILBOX_MALFORMED),
	BAD("quote ends in a backslash", " \"Joe\\", MAILBOX_MALFORMED),
	BAD("comment not closed", " joe@example.com (x", MAILBOX_MALFORMED),
	BAD("comment not opened", " joe@example.com x)", MAILBOX_MALFORMED),
	BAD("comment ends in a backslash", " joe@example.com (\\", MAILBOX_MALFORMED),
	BAD("escaped end of comment", " joe@example.com (x\\)", MAILBOX_MALFORMED),
	BAD("backslash in an atom", " j\\oe@example.com", MAILBOX_MALFORMED),
	BAD("space in the local part", " j oe@example.com", MAILBOX_MALFORMED),
	BAD("space in the domain", " joe@example .com", MAILBOX_MALFORMED),
	BAD("comment in the domain", " joe@example(x).com", MAILBOX_MALFORMED),
	BAD("comment in the local part", " jo(x)e@example.com", MAILBOX_MALFORMED),
	BAD("obsolete local part", " joe.\"x\"@example.com", MAILBOX_MALFORMED),
	BAD("two quoted strings as the local part", " \"a\"\"b\"@example.com", MAILBOX_MALFORMED),
	BAD("dot at the start of the local part", " .joe@example.com", MAILBOX_MALFORMED),
	BAD("dot at its end", " joe.@example.com", MAILBOX_MALFORMED),
	BAD("two dots", " j..oe@example.com", MAILBOX_MALFORMED),
	BAD("name that begins with a dot", " . <joe@example.com>", MAILBOX_MALFORMED),
	BAD("tab in a quoted local part", " \"a\tb\"@example.com", MAILBOX_MALFORMED),
	BAD("comma in the name", " Public, Joe <joe@example.com>", MAILBOX_MALFORMED),
	BAD("bracket in the name", " [x] <joe@example.com>", MAILBOX_MALFORMED),
	BAD("8-bit that is no UTF-8", " J\xf6rg <joe@example.com>", MAILBOX_MALFORMED),
	BAD("8-bit in a comment", " joe@example.com (\xff)", MAILBOX_MALFORMED),
	BAD("UTF-8 in a longer form", " \xc0\xbcx <joe@example.com>", MAILBOX_MALFORMED),
	BAD("longer form of three", " \xe0\x80\xbc <joe@example.com>", MAILBOX_MALFORMED),
	BAD("longer form of four", " \xf0\x80\x80\xbc <joe@example.com>", MAILBOX_MALFORMED),
	BAD("surrogate", " \xed\xa0\x80 <joe@example.com>", MAILBOX_MALFORMED),
	BAD("beyond Unicode", " \xf4\x90\x80\x80 <joe@example.com>", MAILBOX_MALFORMED),
	BAD("UTF-8 cut short", " joe@example.com (\xe2\x80", MAILBOX_MALFORMED),
	BAD("UTF-8 that swallows the bracket", " Joe \xe2\x80<joe@example.com>", MAILBOX_MALFORMED),
	BAD("C1 control", " \xc2\x85 <joe@example.com>", MAILBOX_MALFORMED),
	BAD("ESC", " \x1b[0m <joe@example.com>", MAILBOX_MALFORMED),
	BAD("ESC in a quoted name", " \"\x1b\" <joe@example.com>", MAILBOX_MALFORMED),
	BAD("DEL", " joe@example.com\x7f", MAILBOX_MALFORMED),
	BAD("bare CR", " joe@example.com\r x", MAILBOX_MALFORMED),
	BAD("bare CR in a comment", " joe@example.com (\r)", MAILBOX_MALFORMED),
	BAD("LF that is no fold", " joe@example.com\nX: y", MAILBOX_MALFORMED),
	BAD("LF at the end", " joe@example.com\n", MAILBOX_MALFORMED),
	BAD("CRLF at the end", " joe@example.com\r\n", MAILBOX_MALFORMED),
	BAD("quoted-pair before a fold", " \"a\\\n b\" <joe@example.com>", MAILBOX_MALFORMED),
	BAD("a line of white space", " Joe\n \n <joe@example.com>", MAILBOX_MALFORMED),
	BAD("a line of white space at the end", " joe@example.com\r\n ", MAILBOX_MALFORMED),
};

static const struct row paths[] = {
	GOOD("path", "<joe@example.com>", "joe", OURS),
	GOOD("without brackets", "joe@example.com", "joe", OURS),
	GOOD("upper case", "<Joe@EXAMPLE.com>", "Joe", OURS),
	GOOD("bounce address", "<support=example.com__9m4vlv27x6v0rxwe@mmh2xurvokdh.a-hu5amac.na63.bnc.salesforce.com>",
	     "support=example.com__9m4vlv27x6v0rxwe", "mmh2xurvokdh.a-hu5amac.na63.bnc.salesforce.com"),
	GOOD("quoted local part", "<\"a b\"@example.com>", "a b", OURS),
	GOOD("D08 quoted '@'", "<\"user@example.com\"@evil.example>", "user@example.com", "evil.example"),
	GOOD("quoted '>'", "<\"a>b\"@example.com>", "a>b", OURS),
	GOOD("E05 SMTPUTF8",
	     "<j\xc3\xb6@b\xc3\xbc"
	     "cher.example>",
	     "j\xc3\xb6", "xn--bcher-kva.example"),
	GOOD("D08 percent hack", "<joe%example.com@evil.example>", "joe%example.com", "evil.example"),
	BAD("E03 null sender", "<>", MAILBOX_NULL),
	BAD("E03 empty", "", MAILBOX_EMPTY),
	BAD("E02 a2", "<(any@example.com>", MAILBOX_MALFORMED),
	BAD("E02 a5", "any@example.com(a.evil", MAILBOX_MALFORMED),
	BAD("E02 a6", "any@example.com'@evil.example", MAILBOX_MALFORMED),
	BAD("E02 a7", "@example.com,@x:'any@evil.example", MAILBOX_MALFORMED),
	BAD("E05 CRLF", "<joe@example.com>\r\nRCPT TO:<x@evil.example>", MAILBOX_MALFORMED),
	BAD("E05 NUL", "<joe@example.com\0>", MAILBOX_MALFORMED),
	BAD("E05 8-bit that is no UTF-8", "<j\xf6@example.com>", MAILBOX_MALFORMED),
	BAD("source route", "<@a.example,@b.example:joe@example.com>", MAILBOX_MALFORMED),
	BAD("no domain", "<postmaster>", MAILBOX_MALFORMED),
	BAD("empty domain", "<joe@>", MAILBOX_MALFORMED),
	BAD("empty local part", "<@example.com>", MAILBOX_MALFORMED),
	BAD("address literal", "<joe@[192.0.2.1]>", MAILBOX_MALFORMED),
	BAD("D04 trailing dot", "<joe@example.com.>", MAILBOX_MALFORMED),
	BAD("D08 two '@'", "<joe@x.example@example.com>", MAILBOX_MALFORMED),
	BAD("white space before", " <joe@example.com>", MAILBOX_MALFORMED),
	BAD("white space after", "<joe@example.com> ", MAILBOX_MALFORMED),
	BAD("white space inside", "<joe@example.com >", MAILBOX_MALFORMED),
	BAD("white space around '@'", "<joe @example.com>", MAILBOX_MALFORMED),
	BAD("space in null sender", "< >", MAILBOX_MALFORMED),
	BAD("comment", "<joe@example.com(x)>", MAILBOX_MALFORMED),
	BAD("parameters", "<joe@example.com> SIZE=100", MAILBOX_MALFORMED),
	BAD("two paths", "<joe@example.com><x@evil.example>", MAILBOX_MALFORMED),
	BAD("not closed", "<joe@example.com", MAILBOX_MALFORMED),
	BAD("not opened", "joe@example.com>", MAILBOX_MALFORMED),
	BAD("name", "Joe <joe@example.com>", MAILBOX_MALFORMED),
	BAD("two mailboxes", "joe@example.com,jim@example.com", MAILBOX_MALFORMED),
	BAD("tab in a quoted local part", "<\"a\tb\"@example.com>", MAILBOX_MALFORMED),
	BAD("fold in a quoted local part", "<\"a\r\n b\"@example.com>", MAILBOX_MALFORMED),
	BAD("quote not closed", "<\"joe@example.com>", MAILBOX_MALFORMED),
};

/* F18: long values are answered at once, and wrongly long ones are malformed. */
static void test_long(void)
{
	static char text[2 * MAILBOX_LENGTH_MAX];
	struct arena arena;
	struct mailbox mailbox;
	arena_init(&arena, 0);
	memset(text, '(', sizeof text);
	ok(mailbox_parse_field(span_make(text, 10000), &arena, NULL, &mailbox) == MAILBOX_MALFORMED, "F18 10,000 '('");
	memset(text, ',', sizeof text);
	ok(mailbox_parse_field(span_make(text, 10000), &arena, NULL, &mailbox) == MAILBOX_MALFORMED, "F18 10,000 commas");
	memset(text, 'a', sizeof text);
	memcpy(text + MAILBOX_LENGTH_MAX - 12, "@example.com", 12);
	ok(mailbox_parse_field(span_make(text, MAILBOX_LENGTH_MAX), &arena, NULL, &mailbox) == MAILBOX_OK
	       && mailbox.local_part.length == MAILBOX_LENGTH_MAX - 12,
	   "E05 as long as may be");
	ok(mailbox_parse_path(span_make(text, MAILBOX_LENGTH_MAX), &arena, NULL, &mailbox) == MAILBOX_OK, "also as a path");
	memset(text, ' ', MAILBOX_LENGTH_MAX);
	memcpy(text + MAILBOX_LENGTH_MAX - 15, "joe@example.com ", 16);
	ok(mailbox_parse_field(span_make(text, MAILBOX_LENGTH_MAX + 1), &arena, NULL, &mailbox) == MAILBOX_MALFORMED,
	   "F18 longer than that");
	ok(mailbox_parse_field(span_make(text + 1, MAILBOX_LENGTH_MAX), &arena, NULL, &mailbox) == MAILBOX_OK, "one less");
	memset(text, 'a', sizeof text);
	memcpy(text + sizeof text - 12, "@example.com", 12);
	ok(mailbox_parse_path(span_make(text, sizeof text), &arena, NULL, &mailbox) == MAILBOX_MALFORMED,
	   "F18 a long path");
	arena_clear(&arena);
}

static void test_memory(void)
{
	static const char *const values[] = { " joe@example.com", " \"a b\"@example.com" };
	struct arena arena;
	struct mailbox mailbox;
	for (size_t i = 0; i < 2; i++) {
		unsigned wrong = 0;
		bool done = false;
		for (size_t limit = 1; limit < 400; limit++) {
			arena_init(&arena, limit);
			enum mailbox_status status = mailbox_parse_field(span_of(values[i]), &arena, NULL, &mailbox);
			done = status == MAILBOX_OK;
			wrong += (status == MAILBOX_NO_MEMORY) != arena_failed(&arena) || (!done && status != MAILBOX_NO_MEMORY);
			arena_clear(&arena);
		}
		ok(wrong == 0 && done, "lack of memory is told apart from malformed:%s", values[i]);
	}
	arena_init(&arena, 0);
	ok(mailbox_parse_field(span_of(NULL), &arena, NULL, &mailbox) == MAILBOX_EMPTY, "an absent field");
	ok(mailbox_parse_path(span_of(NULL), &arena, NULL, &mailbox) == MAILBOX_EMPTY, "an absent path");
	ok(mailbox_parse_field(span_of("joe@b\xc3\xbc"
	                               "cher.example"),
	                       &arena, NULL, &mailbox)
	       == MAILBOX_MALFORMED,
	   "D05 without IDNA a U-label is malformed");
	arena_clear(&arena);
}

int main(void)
{
	test_rows(mailbox_parse_field, fields_good, sizeof fields_good / sizeof fields_good[0]);
	test_rows(mailbox_parse_field, fields_bad, sizeof fields_bad / sizeof fields_bad[0]);
	test_rows(mailbox_parse_path, paths, sizeof paths / sizeof paths[0]);
	test_long();
	test_memory();
	return done_testing();
}
