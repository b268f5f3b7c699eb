/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * span: a string as pointer and length.
 *
 * Text from the wire may hold any byte, NUL included, and is therefore never handled as a C string until a parser
 * has validated it. A span borrows its bytes; whoever made them owns them. { NULL, 0 } means "absent", which is
 * different from an empty string (at != NULL, length 0): an MTA that sends no macro differs from one that sends an
 * empty macro.
 *
 * Only ASCII letters are folded by the case-insensitive functions; no locale is consulted. All functions are pure
 * and thread-safe.
 */
#ifndef SFDC_CORE_SPAN_H
#define SFDC_CORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *at;
	size_t length;
};

/* The span of a string literal, usable in static initializers. */
#define SPAN_LITERAL(text)                                                                                             \
	{                                                                                                                  \
		(text), sizeof(text) - 1                                                                                       \
	}

/* The span of a C string; NULL gives the absent span. */
static inline struct span span_of(const char *text)
{
	struct span span = { text, text ? strlen(text) : 0 };
	return span;
}

static inline struct span span_make(const char *at, size_t length)
{
	struct span span = { at, length };
	return span;
}

static inline bool span_absent(struct span span)
{
	return span.at == NULL;
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/* ASCII classification and folding, independent of locale; c is the byte's value as unsigned char or plain char. */
static inline char ascii_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static inline bool ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_alpha(char c)
{
	char l = ascii_lower(c);
	return l >= 'a' && l <= 'z';
}

static inline bool ascii_alnum(char c)
{
	return ascii_digit(c) || ascii_alpha(c);
}

/* Equality without regard to the case of ASCII letters. */
bool span_equal_nocase(struct span a, struct span b);

/* True when span begins with (ends in) part, compared without regard to the case of ASCII letters. */
bool span_starts_nocase(struct span span, struct span part);
bool span_ends_nocase(struct span span, struct span part);

/* Whether part stands in span, without regard to the case of ASCII letters. An empty part stands everywhere. */
bool span_holds_nocase(struct span span, struct span part);

/* Position of the first c at or after from, or span.length. */
size_t span_find(struct span span, size_t from, char c);

/* Position of the last c, or span.length. */
size_t span_last(struct span span, char c);

/* The sub-span [from, to); both are clamped to the length. */
struct span span_slice(struct span span, size_t from, size_t to);

/* The next line at *rest, without its LF; *rest is what follows. False at the end. */
bool span_next_line(struct span *rest, struct span *line_r);

/* Without the leading and trailing SP, HT, CR and LF: the trimming of an unstructured header value (RFC 5322 2.2). */
struct span span_trim(struct span span);

/*
 * The length of the character of more than one byte at at < span.length (UTF-8 by RFC 3629: shortest form, no
 * surrogates); 0 if there is none, and for the control characters U+0080 to U+009F.
 */
size_t span_utf8(struct span span, size_t at);

/* A non-negative decimal number without sign, space or superfluous bytes, at most max. False when it is not that. */
bool span_number(struct span span, unsigned long max, unsigned long *number_r);

/*
 * The edit distance of two words without regard to the case of ASCII letters, for "did you mean": letters missing, too
 * many, wrong, and neighbors that changed places, each counting one (Damerau's, each place edited once). (unsigned)-1 when
 * one is longer than SPAN_DISTANCE_MAX bytes.
 */
#define SPAN_DISTANCE_MAX 48
unsigned span_distance(struct span a, struct span b);

#endif
