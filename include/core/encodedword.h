/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * encodedword: encoded words (RFC 2047), "=?charset?q?text?=", decoded as the most lenient of readers do it: anywhere in
 * a text, of any length, with white space in them, whatever stands beside them. For telling what a reader might see;
 * not for showing. Pure and thread-safe; cost is linear in the text.
 */
#ifndef SFDC_CORE_ENCODEDWORD_H
#define SFDC_CORE_ENCODEDWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/span.h"

struct encoded_word {
	size_t from, to;     /* where it stands in the text: [from, to) */
	struct span charset; /* without the language of RFC 2231 */
	bool base64;
	struct span content;
};

/* A position in a text. Begins as { text }. */
struct encoded_cursor {
	struct span text;
	size_t at;
};

/* The next encoded word; false when there is no other. */
bool encoded_word_next(struct encoded_cursor *cursor, struct encoded_word *word_r);

/* Whether the characters of the word are known here: it is in UTF-8, US-ASCII or ISO-8859-1. */
bool encoded_word_readable(const struct encoded_word *word);

/* What readers make of a "=" that does not end a base64 text. */
enum encoded_padding { ENCODED_PADDING_RESTARTS, ENCODED_PADDING_IGNORED };

/*
 * The text with its encoded words decoded, to UTF-8 where the charset is known and to bare bytes elsewhere. White space
 * between two of them goes. What is malformed in them is left out. Absent without memory.
 */
struct span encoded_words_decode(struct span text, enum encoded_padding padding, struct arena *arena);

#endif
