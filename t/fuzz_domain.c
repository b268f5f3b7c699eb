/* SPDX-License-Identifier: BSD-2-Clause */
/* domain, set: validity, case, containment and patterns agree with each other. Input: a child, LF, a parent. */
#include "core/set.h"
#include "fuzz.h"

const char fuzz_name[] = "domain";

static struct span prefixed(struct arena *arena, const char *prefix, struct span domain)
{
	size_t length = strlen(prefix);
	char *text = arena_alloc(arena, length + domain.length);
	must(text);
	memcpy(text, prefix, length);
	memcpy(text + length, domain.at, domain.length);
	return span_make(text, length + domain.length);
}

static void check_valid(struct arena *arena, struct span domain)
{
	struct span lower = domain_lower(arena, domain);
	must(domain_queryable(domain) && domain_valid(lower) && span_equal_nocase(lower, domain));
	must(domain_within(domain, lower) && domain_within(lower, domain));
	must(span_equal(domain_comparable(arena, NULL, domain), lower));
	must(domain.length <= DOMAIN_LENGTH_MAX && domain.at[0] != '.' && domain.at[domain.length - 1] != '.');
	must(pattern_valid(domain));

	struct set *exact = set_new(arena, SET_NOCASE);
	struct set *below = set_new(arena, SET_NOCASE);
	must(exact && below && pattern_add(exact, domain) == 0);
	must(pattern_match(exact, domain) && pattern_match(exact, lower));
	struct span child = prefixed(arena, "a.", domain);
	struct span wildcard = prefixed(arena, "*.", domain);
	must(domain_valid(wildcard) == false && pattern_valid(wildcard) && pattern_add(below, wildcard) == 0);
	must(!pattern_match(below, domain));
	if (domain_valid(child)) {
		must(domain_within(child, domain) && !domain_within(domain, child));
		must(pattern_match(below, child) && !pattern_match(exact, child));
	}
	struct span lookalike = prefixed(arena, "evil-", domain);
	must(!domain_within(lookalike, domain) && !pattern_match(exact, lookalike));
	must(!pattern_match(exact, prefixed(arena, ".", domain)));
}

static void check_pair(struct arena *arena, struct span child, struct span parent)
{
	bool within = domain_within(child, parent);
	struct set *set = set_new(arena, SET_NOCASE);
	must(set);
	if (within)
		must(domain_valid(child) && domain_valid(parent) && span_ends_nocase(child, parent));
	if (!pattern_valid(parent))
		return;
	must(pattern_add(set, parent) == 0 && set_count(set) == 1);
	size_t cursor = 0;
	bool found = pattern_next(set, child, &cursor) == 0;
	must(found == pattern_match(set, child));
	must(!found || pattern_next(set, child, &cursor) == SET_ABSENT);
	if (parent.at[0] == '*')
		must(found == (domain_within(child, span_slice(parent, 2, parent.length)) && child.length > parent.length - 2));
	else
		must(found == (domain_valid(child) && span_equal_nocase(child, parent)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct span parent = fuzz_span(data, size);
	struct span child = fuzz_line(&parent);
	if (domain_valid(child))
		check_valid(&arena, child);
	else
		must(span_absent(domain_lower(&arena, child)) && span_absent(domain_comparable(&arena, NULL, child)));
	struct span comparable = domain_comparable(&arena, fuzz_to_ascii, child);
	must(span_absent(comparable)
	     || (domain_valid(comparable) && span_equal(domain_lower(&arena, comparable), comparable)));
	if (child.length != 0)
		check_pair(&arena, child, parent);
	must(!arena_failed(&arena));
	arena_clear(&arena);
	return 0;
}
