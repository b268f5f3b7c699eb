/* SPDX-License-Identifier: BSD-2-Clause */
/* domain: what is a domain, what is not, and how two of them compare. Ids are those of the attack catalogue. */
#include "core/domain.h"
#include "tap.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static const struct {
	const char *id;
	struct span text;
	bool valid;
	bool queryable;
} names[] = {
	{ "plain", SPAN_LITERAL("example.com"), true, true },
	{ "D03", SPAN_LITERAL("EXAMPLE.COM"), true, true },
	{ "one label", SPAN_LITERAL("localhost"), true, true },
	{ "one letter", SPAN_LITERAL("a"), true, true },
	{ "inner hyphen", SPAN_LITERAL("a-b.c--d.com"), true, true },
	{ "A-label", SPAN_LITERAL("xn--bcher-kva.example"), true, true },
	{ "digits", SPAN_LITERAL("4.3com.9a"), true, true },
	{ "label 63", SPAN_LITERAL(L63 ".com"), true, true },
	{ "label 64", SPAN_LITERAL(L63 "x.com"), false, false },
	{ "last label 63", SPAN_LITERAL("x." L63), true, true },
	{ "last label 64", SPAN_LITERAL("x." L63 "x"), false, false },
	{ "253 bytes",
	  SPAN_LITERAL(L63 "." L63 "." L63 "."
	                   "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"),
	  true, true },
	{ "254 bytes",
	  SPAN_LITERAL(L63 "." L63 "." L63 "."
	                   "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgg"),
	  false, false },
	{ "D04 trailing dot", SPAN_LITERAL("example.com."), false, false },
	{ "D04 two dots", SPAN_LITERAL("example..com"), false, false },
	{ "D04 leading dot", SPAN_LITERAL(".example.com"), false, false },
	{ "D04 empty", SPAN_LITERAL(""), false, false },
	{ "D04 dot", SPAN_LITERAL("."), false, false },
	{ "absent", { NULL, 0 }, false, false },
	{ "D05 U-label", SPAN_LITERAL("ex\xd0\xb0mple.com"), false, false },
	{ "D08 literal", SPAN_LITERAL("[192.0.2.1]"), false, false },
	{ "D08 literal 6", SPAN_LITERAL("[IPv6:2001:db8::1]"), false, false },
	{ "D08 address", SPAN_LITERAL("192.0.2.1"), false, true },
	{ "D08 number", SPAN_LITERAL("3232235777"), false, true },
	{ "D08 percent hack", SPAN_LITERAL("example.com%evil"), false, false },
	{ "D08 at", SPAN_LITERAL("ours.com@evil.com"), false, false },
	{ "C09 wildcard", SPAN_LITERAL("*.example.com"), false, false },
	{ "hyphen first", SPAN_LITERAL("-a.com"), false, false },
	{ "hyphen last", SPAN_LITERAL("a-.com"), false, false },
	{ "hyphen at the end", SPAN_LITERAL("a.com-"), false, false },
	{ "hyphen alone", SPAN_LITERAL("a.-.com"), false, false },
	{ "underscore", SPAN_LITERAL("_spf.example.com"), true, true },
	{ "underscore alone", SPAN_LITERAL("_.a_._b"), true, true },
	{ "underscore inside", SPAN_LITERAL("a_b.com"), true, true },
	{ "space", SPAN_LITERAL("exa mple.com"), false, false },
	{ "leading space", SPAN_LITERAL(" example.com"), false, false },
	{ "line feed", SPAN_LITERAL("example.com\n"), false, false },
	{ "NUL inside", SPAN_LITERAL("example.com\0.evil.com"), false, false },
	{ "NUL last", SPAN_LITERAL("example.com\0"), false, false },
	{ "8-bit", SPAN_LITERAL("example.com\x80"), false, false },
	{ "slash", SPAN_LITERAL("a/b.com"), false, false },
};

static void test_names(void)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		ok(domain_valid(names[i].text) == names[i].valid, "valid: %s", names[i].id);
		ok(domain_queryable(names[i].text) == names[i].queryable, "queryable: %s", names[i].id);
	}
}

static void test_within(void)
{
	static const struct {
		const char *id;
		const char *child;
		const char *parent;
		bool within;
	} pairs[] = {
		{ "equal", "example.com", "example.com", true },
		{ "D03", "EXAMPLE.com", "example.COM", true },
		{ "below", "a.example.com", "example.com", true },
		{ "far below", "a.b.c.example.com", "example.com", true },
		{ "D01", "evil-example.com", "example.com", false },
		{ "D01 letter", "evilexample.com", "example.com", false },
		{ "D02", "example.com.attack.example", "example.com", false },
		{ "underscore", "a.b_c.com", "b_c.com", true },
		{ "D01 underscore", "evil_example.com", "example.com", false },
		{ "above", "com", "example.com", false },
		{ "sibling", "b.example.com", "a.example.com", false },
		{ "D04 trailing dot", "example.com.", "example.com", false },
		{ "D04 leading dot", ".example.com", "example.com", false },
		{ "D04 two dots", "a..example.com", "example.com", false },
		{ "no parent", "example.com", "", false },
		{ "no child", "", "example.com", false },
		{ "neither", "", "", false },
		{ "parent with a dot", "a.example.com", ".example.com", false },
		{ "dot as parent", "example.com", ".", false },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		ok(domain_within(span_of(pairs[i].child), span_of(pairs[i].parent)) == pairs[i].within, "within: %s",
		   pairs[i].id);
}

/*
 * Stands in for the IDNA library: knows a few names, gives answers that no domain may be, and would take anything that
 * begins with "mapped".
 */
static bool fake_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	static const struct {
		const char *unicode;
		const char *ascii;
	} known[] = {
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example" },
		{ "ex\xd0\xb0mple.com", "xn--exmple-4nf.com" },
		{ "B\xc3\x9c.example", "XN--bd-yka.example" },
		{ "bad\xc3\xbc.example", "a/b.example" },
		{ "dot\xc3\xbc.example", "example.com." },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (span_equal(domain, span_of(known[i].unicode))) {
			memcpy(ascii_r, known[i].ascii, strlen(known[i].ascii) + 1);
			return true;
		}
	}
	if (span_starts_nocase(domain, span_of("mapped"))) {
		memcpy(ascii_r, "mapped.example", sizeof "mapped.example");
		return true;
	}
	memset(ascii_r, 'x', DOMAIN_LENGTH_MAX + 1);
	return span_starts_nocase(domain, span_of("endless"));
}

static void test_comparable(void)
{
	static const struct {
		const char *id;
		struct span text;
		struct span want; /* absent: not well-formed */
	} cases[] = {
		{ "D03", SPAN_LITERAL("EXAMPLE.Com"), SPAN_LITERAL("example.com") },
		{ "U-label",
		  SPAN_LITERAL("b\xc3\xbc"
		               "cher.example"),
		  SPAN_LITERAL("xn--bcher-kva.example") },
		{ "answer in upper case", SPAN_LITERAL("B\xc3\x9c.example"), SPAN_LITERAL("xn--bd-yka.example") },
		{ "D05 homograph is another name", SPAN_LITERAL("ex\xd0\xb0mple.com"), SPAN_LITERAL("xn--exmple-4nf.com") },
		{ "unknown to IDNA", SPAN_LITERAL("\xff.example"), { NULL, 0 } },
		{ "answer is no domain", SPAN_LITERAL("bad\xc3\xbc.example"), { NULL, 0 } },
		{ "answer has a trailing dot", SPAN_LITERAL("dot\xc3\xbc.example"), { NULL, 0 } },
		{ "answer does not end", SPAN_LITERAL("endless\xc3\xbc"), { NULL, 0 } },
		{ "first byte beyond ASCII", SPAN_LITERAL("mapped-1.\x80"), SPAN_LITERAL("mapped.example") },
		{ "ASCII is not mapped", SPAN_LITERAL("mapped!.com"), { NULL, 0 } },
		{ "underscore", SPAN_LITERAL("A_b.com"), SPAN_LITERAL("a_b.com") },
		{ "underscore beside a U-label", SPAN_LITERAL("mapped._x.\xc3\xbc"), SPAN_LITERAL("mapped.example") },
		{ "underscore in a U-label, before", SPAN_LITERAL("mapped._\xc3\xbc"), { NULL, 0 } },
		{ "underscore in a U-label, after", SPAN_LITERAL("mapped.\xc3\xbc_.example"), { NULL, 0 } },
		{ "other ASCII beside 8-bit", SPAN_LITERAL("mapped\xc3\xbc b"), { NULL, 0 } },
		{ "other ASCII before 8-bit", SPAN_LITERAL("mapped@\xc3\xbc"), { NULL, 0 } },
		{ "NUL beside 8-bit",
		  SPAN_LITERAL("b\xc3\xbc"
		               "cher.example\0"),
		  { NULL, 0 } },
		{ "D04", SPAN_LITERAL("example.com."), { NULL, 0 } },
		{ "empty", SPAN_LITERAL(""), { NULL, 0 } },
		{ "absent", { NULL, 0 }, { NULL, 0 } },
	};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_span(domain_comparable(&arena, fake_to_ascii, cases[i].text), cases[i].want, cases[i].id);
	is_span(domain_comparable(&arena, NULL,
	                          span_of("b\xc3\xbc"
	                                  "cher.example")),
	        span_make(NULL, 0), "no IDNA");
	is_span(domain_comparable(&arena, NULL, span_of("A.example")), span_of("a.example"), "ASCII needs no IDNA");
	char huge[2000];
	memset(huge, '\xc3', sizeof huge);
	memcpy(huge, "mapped", 6);
	is_span(domain_comparable(&arena, fake_to_ascii, span_make(huge, 1012)), span_of("mapped.example"), "long enough");
	is_span(domain_comparable(&arena, fake_to_ascii, span_make(huge, 1013)), span_make(NULL, 0), "too long to ask");
	ok(!arena_failed(&arena), "no memory was short");
	arena_clear(&arena);
}

static void test_lower(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	is_span(domain_lower(&arena, span_of("A-B.Example.COM")), span_of("a-b.example.com"), "lower case");
	is_span(domain_lower(&arena, span_of("A_b.com")), span_of("a_b.com"), "underscore");
	is_span(domain_lower(&arena, span_of("a!b.com")), span_make(NULL, 0), "not a domain");
	arena_clear(&arena);
	arena_init(&arena, 1);
	is_span(domain_lower(&arena, span_of("example.com")), span_make(NULL, 0), "no memory");
	ok(arena_failed(&arena), "no memory is remembered");
	arena_clear(&arena);
}

int main(void)
{
	test_names();
	test_within();
	test_comparable();
	test_lower();
	return done_testing();
}
