/* SPDX-License-Identifier: BSD-2-Clause */
/* set: members and their numbers, domain patterns, 100,000 members. Ids are those of the attack catalogue. */
#include "../milter/core/set.c"

#include "tap.h"

static void test_members(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct set *set = set_new(&arena, SET_EXACT);
	ok(set_count(NULL) == 0 && !set_has(NULL, span_of("a")) && set_find(NULL, span_of("a")) == SET_ABSENT,
	   "no set is empty");
	ok(set_count(set) == 0 && !set_has(set, span_of("a")) && !set_has(set, span_of("")), "a new set is empty");
	char text[] = "one";
	ok(set_add(set, span_of(text)) == 0, "the first member is number 0");
	text[0] = 'x';
	ok(set_add(set, span_of("two")) == 1 && set_add(set, span_of("one")) == 0, "an old member keeps its number");
	ok(set_count(set) == 2, "it is counted once");
	ok(!set_has(set, span_of("ONE")) && !set_has(set, span_of("on")) && !set_has(set, span_of("onex")), "exact");
	is_span(set_at(set, 0), span_of("one"), "members are copies");
	is_span(set_at(set, 1), span_of("two"), "in the order of adding");
	is_span(set_at(set, 2), span_make(NULL, 0), "nothing beyond the last");
	ok(!set_has(set, span_of("")) && set_add(set, span_of("")) == 2 && set_has(set, span_of("")), "the empty string");
	ok(set_add(set, span_make(NULL, 0)) == SET_ABSENT, "what is absent cannot be added");
	ok(set_count(set) == 3 && !set_has(set, span_make(NULL, 0)), "nor is it found as the empty string");
	ok(set_add(set, span_make("a\0b", 3)) == 3 && !set_has(set, span_of("a")), "NUL is a byte like any other");
	ok(set_has(set, span_make("a\0b", 3)) && !set_has(set, span_make("a\0c", 3)), "also behind it");
	struct set *folded = set_new(&arena, SET_NOCASE);
	ok(set_add(folded, span_of("User@Example")) == 0 && set_add(folded, span_of("uSER@eXAMPLE")) == 0, "without case");
	is_span(set_at(folded, 0), span_of("user@example"), "folded");
	ok(set_has(folded, span_of("USER@EXAMPLE")) && !set_has(folded, span_of("user`example")),
	   "only letters are folded");
	arena_clear(&arena);
}

#define MANY 100000U

/* How far a look-up walks: the longest way to a member, and the sum of all ways. */
static size_t walks(const struct set *set, size_t *sum_r)
{
	size_t longest = 0;
	*sum_r = 0;
	for (size_t i = 0; i < set->slot_count; i++) {
		if (set->slots[i].number == 0)
			continue;
		size_t walk = ((i - set->slots[i].hash) & (set->slot_count - 1)) + 1;
		*sum_r += walk;
		if (walk > longest)
			longest = walk;
	}
	return longest;
}

static void test_many(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct set *set = set_new(&arena, SET_NOCASE);
	bool numbered = true;
	bool found = true;
	bool absent = true;
	char text[64];
	for (unsigned i = 0; i < MANY; i++) {
		int length = snprintf(text, sizeof text, "user%u@example.com", i);
		numbered = numbered && set_add(set, span_make(text, (size_t)length)) == i;
	}
	for (unsigned i = 0; i < MANY; i++) {
		int length = snprintf(text, sizeof text, "USER%u@example.com", i);
		found = found && set_find(set, span_make(text, (size_t)length)) == i;
		length = snprintf(text, sizeof text, "user%u@example.net", i);
		absent = absent && !set_has(set, span_make(text, (size_t)length));
	}
	ok(numbered && set_count(set) == MANY, "100,000 members are numbered in order");
	ok(found, "all are found");
	ok(absent, "others are not");
	size_t sum;
	size_t longest = walks(set, &sum);
	ok(longest < 64, "no look-up walks far (%zu)", longest);
	ok(sum < 2 * (size_t)MANY, "the average look-up tries less than two places (%zu for all)", sum);
	ok(arena.used < 120 * (size_t)MANY, "memory stays small (%zu bytes)", arena.used);
	arena_clear(&arena);
}

static void test_no_memory(void)
{
	unsigned held = 0;
	for (size_t limit = 1; limit < 4000; limit += 16) {
		struct arena arena;
		arena_init(&arena, limit);
		struct set *set = set_new(&arena, SET_EXACT);
		char text[16];
		bool failed = !set;
		bool kept = true;
		for (unsigned i = 0; set && !failed && i < 50; i++) {
			int length = snprintf(text, sizeof text, "m%u", i);
			failed = set_add(set, span_make(text, (size_t)length)) == SET_ABSENT;
			kept = kept && set_count(set) == i + !failed && set_has(set, span_make(text, (size_t)length)) == !failed
			       && set_has(set, span_of("m0")) == (set_count(set) != 0);
		}
		if (kept && failed == arena_failed(&arena))
			held++;
		arena_clear(&arena);
	}
	ok(held == 250, "a failed addition leaves the set as it was (%u of 250 limits)", held);
}

static void test_pattern_valid(void)
{
	static const struct {
		const char *text;
		bool valid;
	} patterns[] = {
		{ "example.com", true },
		{ "*.example.com", true },
		{ "EXAMPLE.com", true },
		{ "*.com", true },
		{ "*", false },
		{ "*.", false },
		{ "*.*.example.com", false },
		{ "*example.com", false },
		{ "smtp*.a.com", false },
		{ ".example.com", false },
		{ "*..example.com", false },
		{ "*.example.com.", false },
		{ "example.com.", false },
		{ "", false },
		{ "a.*.com", false },
		{ "*.192.0.2.1", false },
		{ "a_b.com", true },
		{ "*.a_b.com", true },
		{ "a!b.com", false },
		{ "*.b\xc3\xbc.com", false },
	};
	struct arena arena;
	arena_init(&arena, 0);
	struct set *set = set_new(&arena, SET_NOCASE);
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		ok(pattern_valid(span_of(patterns[i].text)) == patterns[i].valid, "pattern [%s]", patterns[i].text);
		size_t before = set_count(set);
		if (!patterns[i].valid)
			ok(pattern_add(set, span_of(patterns[i].text)) == SET_ABSENT && set_count(set) == before,
			   "it is not added");
	}
	ok(!pattern_valid(span_make(NULL, 0)) && !pattern_valid(span_make("a.com\0", 6)), "neither absent nor with NUL");
	arena_clear(&arena);
}

static void test_pattern_match(void)
{
	static const char *const patterns[] = { "example.com", "*.Sub.example.com", "*.mta.salesforce.com",
		                                    "*.bnc.salesforce.com" };
	static const struct {
		const char *id;
		struct span domain;
		bool match;
	} cases[] = {
		{ "exact", SPAN_LITERAL("example.com"), true },
		{ "D03", SPAN_LITERAL("EXAMPLE.COM"), true },
		{ "D01", SPAN_LITERAL("evil-example.com"), false },
		{ "D01 letter", SPAN_LITERAL("evilexample.com"), false },
		{ "D02", SPAN_LITERAL("example.com.attack.example"), false },
		{ "D04 trailing dot", SPAN_LITERAL("example.com."), false },
		{ "D04 two dots", SPAN_LITERAL("example..com"), false },
		{ "D04 leading dot", SPAN_LITERAL(".example.com"), false },
		{ "D05", SPAN_LITERAL("ex\xd0\xb0mple.com"), false },
		{ "D05 xn--", SPAN_LITERAL("xn--exmple-4nf.com"), false },
		{ "D06", SPAN_LITERAL("a.example.com"), false },
		{ "D06 allowed", SPAN_LITERAL("a.sub.example.com"), true },
		{ "D06 deeper", SPAN_LITERAL("a.b.c.SUB.example.com"), true },
		{ "D06 not itself", SPAN_LITERAL("sub.example.com"), false },
		{ "D07", SPAN_LITERAL("com"), false },
		{ "D08 literal", SPAN_LITERAL("[192.0.2.1]"), false },
		{ "D08 percent", SPAN_LITERAL("a%b.sub.example.com"), false },
		{ "C04 below evil", SPAN_LITERAL("x.mta.salesforce.com.evil"), false },
		{ "C04 glued", SPAN_LITERAL("evilmta.salesforce.com"), false },
		{ "C04 bare", SPAN_LITERAL("mta.salesforce.com"), false },
		{ "C04 dot", SPAN_LITERAL(".mta.salesforce.com"), false },
		{ "C05", SPAN_LITERAL("a.mta.salesforce.com\0.evil.com"), false },
		{ "C05 before", SPAN_LITERAL("evil.com\0.mta.salesforce.com"), false },
		{ "C09 wildcard", SPAN_LITERAL("*.mta.salesforce.com"), false },
		{ "C09 partial", SPAN_LITERAL("smtp*.mta.salesforce.com"), false },
		{ "C10", SPAN_LITERAL("smtp-0a1b.core2.sfdc-lywfpd.mta.salesforce.com"), true },
		{ "V05 glued", SPAN_LITERAL("a.evilbnc.salesforce.com"), false },
		{ "V05 below evil", SPAN_LITERAL("a.bnc.salesforce.com.evil"), false },
		{ "underscore", SPAN_LITERAL("a_b.sub.example.com"), true },
		{ "underscore instead of a dot", SPAN_LITERAL("a_sub.example.com"), false },
		{ "empty label", SPAN_LITERAL("a..sub.example.com"), false },
		{ "space", SPAN_LITERAL("a .sub.example.com"), false },
		{ "empty", SPAN_LITERAL(""), false },
		{ "absent", { NULL, 0 }, false },
	};
	struct arena arena;
	arena_init(&arena, 0);
	struct set *set = set_new(&arena, SET_NOCASE);
	ok(!pattern_match(NULL, span_of("example.com")) && !pattern_match(set, span_of("example.com")),
	   "nothing in no set");
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		ok(pattern_add(set, span_of(patterns[i])) == i, "added %s", patterns[i]);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ok(pattern_match(set, cases[i].domain) == cases[i].match, "match: %s", cases[i].id);
	arena_clear(&arena);
}

/* All matches of domain, as text. */
static struct span matches(struct arena *arena, const struct set *set, const char *domain)
{
	struct span text = span_of("");
	size_t cursor = 0;
	size_t number;
	for (unsigned i = 0; i < 10 && (number = pattern_next(set, span_of(domain), &cursor)) != SET_ABSENT; i++)
		text = arena_printf(arena, "%.*s%zu ", (int)text.length, text.at, number);
	if (pattern_next(set, span_of(domain), &cursor) != SET_ABSENT)
		return span_of("does not end");
	return text;
}

static void test_pattern_next(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct set *set = set_new(&arena, SET_NOCASE);
	static const char *const patterns[] = { "*.com", "a.b.com", "*.b.com", "*.a.b.com", "b.com", "*.net" };
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		pattern_add(set, span_of(patterns[i]));
	is_span(matches(&arena, set, "a.b.com"), span_of("1 2 0 "), "the exact name first, then up the tree");
	is_span(matches(&arena, set, "x.A.b.com"), span_of("3 2 0 "), "a name below");
	is_span(matches(&arena, set, "b.com"), span_of("4 0 "), "the middle of the tree");
	is_span(matches(&arena, set, "com"), span_of(""), "the top");
	is_span(matches(&arena, set, "x.org"), span_of(""), "another top");
	is_span(matches(&arena, set, "x.net"), span_of("5 "), "one match");
	is_span(matches(&arena, set, "a.b.com."), span_of(""), "malformed");
	char deep[DOMAIN_LENGTH_MAX + 1];
	for (size_t i = 0; i < DOMAIN_LENGTH_MAX; i++)
		deep[i] = i % 2 ? '.' : 'a';
	memcpy(deep + DOMAIN_LENGTH_MAX - 5, "b.com", 6);
	is_span(matches(&arena, set, deep), span_of("3 2 0 "), "as many labels as there can be");
	arena_clear(&arena);
}

int main(void)
{
	test_members();
	test_many();
	test_no_memory();
	test_pattern_valid();
	test_pattern_match();
	test_pattern_next();
	return done_testing();
}
