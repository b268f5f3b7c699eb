/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/span.h"

#include <stdint.h>

bool span_equal_nocase(struct span a, struct span b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

bool span_starts_nocase(struct span span, struct span part)
{
	return span.length >= part.length && span_equal_nocase(span_make(span.at, part.length), part);
}

bool span_ends_nocase(struct span span, struct span part)
{
	return span.length >= part.length
	       && span_equal_nocase(span_slice(span, span.length - part.length, span.length), part);
}

bool span_holds_nocase(struct span span, struct span part)
{
	for (size_t i = 0; i + part.length <= span.length; i++)
		if (span_starts_nocase(span_slice(span, i, span.length), part))
			return true;
	return false;
}

size_t span_find(struct span span, size_t from, char c)
{
	if (from >= span.length)
		return span.length;
	const char *found = memchr(span.at + from, (unsigned char)c, span.length - from);
	return found ? (size_t)(found - span.at) : span.length;
}

size_t span_last(struct span span, char c)
{
	for (size_t i = span.length; i > 0; i--)
		if (span.at[i - 1] == c)
			return i - 1;
	return span.length;
}

struct span span_slice(struct span span, size_t from, size_t to)
{
	if (to > span.length)
		to = span.length;
	if (from > to)
		from = to;
	return span.at ? span_make(span.at + from, to - from) : span;
}

static bool is_trimmed(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool span_next_line(struct span *rest, struct span *line_r)
{
	if (rest->length == 0)
		return false;
	size_t end = span_find(*rest, 0, '\n');
	*line_r = span_slice(*rest, 0, end);
	*rest = span_slice(*rest, end + 1, rest->length);
	return true;
}

struct span span_trim(struct span span)
{
	size_t from = 0;
	size_t to = span.length;
	while (from < to && is_trimmed(span.at[from]))
		from++;
	while (to > from && is_trimmed(span.at[to - 1]))
		to--;
	return span_slice(span, from, to);
}

bool span_number(struct span span, unsigned long max, unsigned long *number_r)
{
	unsigned long number = 0;
	if (span.length == 0)
		return false;
	for (size_t i = 0; i < span.length; i++) {
		if (!ascii_digit(span.at[i]))
			return false;
		unsigned long digit = (unsigned long)(span.at[i] - '0');
		if (number > (max - digit) / 10 || digit > max)
			return false;
		number = number * 10 + digit;
	}
	*number_r = number;
	return true;
}

static bool is_continuation(struct span span, size_t at)
{
	return at < span.length && ((unsigned char)span.at[at] & 0xc0U) == 0x80U;
}

size_t span_utf8(struct span span, size_t at)
{
	unsigned char first = (unsigned char)span.at[at];
	unsigned char second = at + 1 < span.length ? (unsigned char)span.at[at + 1] : 0;
	size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if (!is_continuation(span, at + i))
			return 0;
	if ((first == 0xc2 && second < 0xa0) || (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)
	    || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	return length;
}

static bool same_letter(char a, char b)
{
	return ascii_lower(a) == ascii_lower(b);
}

unsigned span_distance(struct span a, struct span b)
{
	unsigned
		rows[3][SPAN_DISTANCE_MAX + 1]; /* of a's prefix before the last two letters, before the last, and of it all */
	if (a.length > SPAN_DISTANCE_MAX || b.length > SPAN_DISTANCE_MAX)
		return (unsigned)-1;
	unsigned *before = rows[0];
	unsigned *above = rows[1];
	unsigned *row = rows[2];
	for (size_t j = 0; j <= b.length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.length; i++) {
		unsigned *free_row = before;
		before = above;
		above = row;
		row = free_row;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.length; j++) {
			unsigned cost = above[j - 1] + !same_letter(a.at[i - 1], b.at[j - 1]);
			if (above[j] + 1 < cost)
				cost = above[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			if (i > 1 && j > 1 && same_letter(a.at[i - 1], b.at[j - 2]) && same_letter(a.at[i - 2], b.at[j - 1])
			    && before[j - 2] + 1 < cost)
				cost = before[j - 2] + 1;
			row[j] = cost;
		}
	}
	return row[b.length];
}
