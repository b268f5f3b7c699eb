/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/encodedword.h"

/* Where "?=" begins, at or after from; the text's length if nowhere. */
static size_t find_end(struct span text, size_t from)
{
	for (size_t at = from; (at = span_find(text, at, '?')) + 1 < text.length; at++)
		if (text.at[at + 1] == '=')
			return at;
	return text.length;
}

bool encoded_word_next(struct encoded_cursor *cursor, struct encoded_word *word_r)
{
	struct span text = cursor->text;
	for (size_t at = cursor->at; (at = span_find(text, at, '=')) < text.length; at++) {
		if (at + 1 >= text.length || text.at[at + 1] != '?')
			continue;
		size_t mark = span_find(text, at + 2, '?');
		if (mark + 2 >= text.length || text.at[mark + 2] != '?')
			continue;
		char encoding = ascii_lower(text.at[mark + 1]);
		if (encoding != 'q' && encoding != 'b')
			continue;
		size_t end = find_end(text, mark + 3);
		/* Without this end no later word has one either. */
		if (end == text.length)
			break;
		struct span charset = span_slice(text, at + 2, mark);
		word_r->from = at;
		word_r->to = cursor->at = end + 2;
		word_r->charset = span_slice(charset, 0, span_find(charset, 0, '*'));
		word_r->base64 = encoding == 'b';
		word_r->content = span_slice(text, mark + 3, end);
		return true;
	}
	cursor->at = text.length;
	return false;
}

static bool is_latin1(struct span charset)
{
	return span_equal_nocase(charset, span_of("iso-8859-1")) || span_equal_nocase(charset, span_of("latin1"));
}

bool encoded_word_readable(const struct encoded_word *word)
{
	return span_equal_nocase(word->charset, span_of("utf-8")) || span_equal_nocase(word->charset, span_of("us-ascii"))
	       || is_latin1(word->charset);
}

struct output {
	char *at;
	size_t length;
	bool latin1;
};

static void put(struct output *output, unsigned byte)
{
	if (output->latin1 && byte >= 0x80) {
		output->at[output->length++] = (char)(0xc0 | (byte >> 6));
		byte = 0x80 | (byte & 0x3f);
	}
	output->at[output->length++] = (char)byte;
}

static int digit_of(char c)
{
	c = ascii_lower(c);
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void copy(struct span text, struct output *output)
{
	if (text.length != 0)
		memcpy(output->at + output->length, text.at, text.length);
	output->length += text.length;
}

/* The length of a character in UTF-8 at at, U+0080 to U+009F among them; 0 if there is none. */
static size_t utf8_length(struct span text, size_t at)
{
	bool control =
		(unsigned char)text.at[at] == 0xc2 && at + 1 < text.length && ((unsigned char)text.at[at + 1] & 0xe0) == 0x80;
	return control ? 2 : (unsigned char)text.at[at] < 0x80 ? 0 : span_utf8(text, at);
}

/* 8-bit characters that stand there undisguised are read as what they are in the header, UTF-8, and else by the charset. */
static void decode_q(struct span content, struct output *output)
{
	for (size_t i = 0; i < content.length; i++) {
		char c = content.at[i];
		size_t length = utf8_length(content, i);
		if (length != 0) {
			copy(span_slice(content, i, i + length), output);
			i += length - 1;
			continue;
		}
		bool escaped =
			c == '=' && i + 2 < content.length && digit_of(content.at[i + 1]) >= 0 && digit_of(content.at[i + 2]) >= 0;
		if (escaped) {
			put(output, (unsigned)(digit_of(content.at[i + 1]) * 16 + digit_of(content.at[i + 2])));
			i += 2;
		} else {
			put(output, c == '_' ? ' ' : (unsigned char)c);
		}
	}
}

static int base64_value(char c)
{
	if (ascii_alpha(c))
		return c >= 'a' ? c - 'a' + 26 : c - 'A';
	return ascii_digit(c) ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void decode_b(struct span content, enum encoded_padding padding, struct output *output)
{
	unsigned bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < content.length; i++) {
		int value = base64_value(content.at[i]);
		if (content.at[i] == '=' && padding == ENCODED_PADDING_RESTARTS)
			have = 0;
		if (value < 0)
			continue;
		bits = (bits << 6 | (unsigned)value) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			put(output, bits >> have & 0xff);
		}
	}
}

struct span encoded_words_decode(struct span text, enum encoded_padding padding, struct arena *arena)
{
	/* No byte of a word becomes more than two. */
	struct output output = { arena_array(arena, text.length + 1, 2), 0, false };
	struct encoded_cursor cursor = { text, 0 };
	struct encoded_word word;
	size_t done = 0;
	if (!output.at)
		return span_make(NULL, 0);
	while (encoded_word_next(&cursor, &word)) {
		struct span between = span_slice(text, done, word.from);
		if (done == 0 || span_trim(between).length != 0)
			copy(between, &output);
		output.latin1 = is_latin1(word.charset);
		if (word.base64)
			decode_b(word.content, padding, &output);
		else
			decode_q(word.content, &output);
		done = word.to;
	}
	copy(span_slice(text, done, text.length), &output);
	return span_make(output.at, output.length);
}
