/* SPDX-License-Identifier: BSD-2-Clause */
/* arena: alignment, zeroing, limit, the failed mark; span: the small functions every parser stands on. */
#include <stdint.h>
#include <stdlib.h>

#include "core/arena.h"
#include "tap.h"

static void test_blocks(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	bool aligned = true;
	bool zeroed = true;
	for (size_t size = 0; size < 40000; size += 97) {
		unsigned char *block = arena_alloc(&arena, size);
		aligned = aligned && block && (uintptr_t)block % _Alignof(max_align_t) == 0;
		for (size_t i = 0; i < size; i++)
			zeroed = zeroed && block[i] == 0;
		memset(block, 0xff, size);
	}
	ok(aligned, "blocks of every size are aligned");
	ok(zeroed, "blocks are zeroed and do not overlap");
	ok(!arena_failed(&arena), "nothing failed");
	arena_clear(&arena);
	ok(arena.used == 0 && !arena.chunks, "clearing releases everything");
}

static void test_limit(void)
{
	struct arena arena;
	arena_init(&arena, 1000);
	ok(arena_alloc(&arena, 900) != NULL, "below the limit");
	ok(arena_alloc(&arena, 200) == NULL, "beyond the limit");
	ok(arena_failed(&arena), "the failure is remembered");
	ok(arena_alloc(&arena, 10) != NULL && arena_failed(&arena), "a later success does not forget it");
	arena_clear(&arena);
	ok(!arena_failed(&arena), "clearing forgets it");
	ok(arena_array(&arena, SIZE_MAX / 2, 4) == NULL && arena_failed(&arena), "a product that overflows fails");
	arena_clear(&arena);
	ok(arena_alloc(&arena, SIZE_MAX) == NULL && arena_failed(&arena), "a size that overflows fails");
	arena_clear(&arena);
	ok(arena_alloc(&arena, SIZE_MAX - _Alignof(max_align_t)) == NULL && arena_failed(&arena),
	   "so does one without room for a chunk");
	arena_clear(&arena);
	ok(arena_text(&arena, span_make("", SIZE_MAX)) == NULL && arena_failed(&arena),
	   "and a text without room for its end");
	arena_clear(&arena);
}

static void test_text(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	ok(span_absent(arena_span(&arena, span_make(NULL, 0))), "the absent span stays absent");
	struct span empty = arena_span(&arena, span_of(""));
	ok(!span_absent(empty) && empty.length == 0, "an empty span stays empty, not absent");
	is_span(arena_span(&arena, span_make("a\0b", 3)), span_make("a\0b", 3), "NUL bytes are copied");
	is_span(arena_printf(&arena, "%s-%d", "x", 7), span_of("x-7"), "printf into the arena");
	arena_clear(&arena);
}

static void test_span(void)
{
	unsigned long number = 0;
	is_span(span_trim(span_of(" \t a b\r\n ")), span_of("a b"), "trim");
	is_span(span_trim(span_of(" \t ")), span_of(""), "trim to nothing");
	is_span(span_slice(span_of("abc"), 1, 99), span_of("bc"), "slice clamps");
	ok(span_equal_nocase(span_of("aBc"), span_of("AbC")), "without case");
	ok(!span_equal_nocase(span_of("a["), span_of("a{")), "only letters are folded");
	ok(span_starts_nocase(span_of("ABc"), span_of("ab")) && !span_starts_nocase(span_of("a"), span_of("ab")), "starts");
	ok(span_holds_nocase(span_of("xaBc"), span_of("Abc")) && span_holds_nocase(span_of(""), span_of("")), "holds");
	ok(!span_holds_nocase(span_of("xab"), span_of("abc")) && !span_holds_nocase(span_of(""), span_of("a")),
	   "holds not");
	ok(span_ends_nocase(span_of("xAB"), span_of("ab")) && !span_ends_nocase(span_of("b"), span_of("ab")), "ends");
	ok(span_find(span_of("abc"), 0, 'c') == 2 && span_find(span_of("abc"), 3, 'c') == 3, "find");
	ok(span_distance(span_of("dkmi"), span_of("dkim")) == 1 && span_distance(span_of(""), span_of("abc")) == 3,
	   "distance");
	ok(span_distance(span_of("rogs"), span_of("orgs")) == 1 && span_distance(span_of("ca"), span_of("abc")) == 3
	       && span_distance(span_of("abcdef"), span_of("badcfe")) == 3
	       && span_distance(span_of("dcab"), span_of("abcd")) == 4,
	   "neighbors that changed places count one");
	ok(span_distance(span_of("TLS"), span_of("tls")) == 0 && span_distance(span_of("org"), span_of("orgs")) == 1,
	   "distance without case");
	char word[SPAN_DISTANCE_MAX + 1];
	memset(word, 'a', sizeof word);
	ok(span_distance(span_make(word, sizeof word), span_of("a")) == (unsigned)-1, "a long word is close to nothing");
	ok(span_distance(span_make(word, sizeof word - 1), span_of("")) == sizeof word - 1, "the longest that is measured");
	static const struct {
		const char *text;
		unsigned long max;
		bool good;
		unsigned long number;
	} numbers[] = {
		{ "0", 9, true, 0 },   { "128", 128, true, 128 }, { "129", 128, false, 0 },
		{ "", 9, false, 0 },   { " 1", 9, false, 0 },     { "+1", 9, false, 0 },
		{ "1x", 9, false, 0 }, { "7", 5, false, 0 },      { "99999999999999999999", (unsigned long)-1, false, 0 },
	};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		bool good = span_number(span_of(numbers[i].text), numbers[i].max, &number);
		ok(good == numbers[i].good && (!good || number == numbers[i].number), "number [%s]", numbers[i].text);
	}
}

int main(void)
{
	test_blocks();
	test_limit();
	test_text();
	test_span();
	return done_testing();
}
