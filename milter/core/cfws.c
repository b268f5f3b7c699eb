/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/cfws.h"

static bool is_white(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
	unsigned char byte = (unsigned char)c;
	return byte < 0x20 || byte == 0x7f;
}

bool cfws_atext(char c)
{
	return ascii_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* The length of the line end of a fold at at, 0 if there is none. */
static size_t fold_length(struct span text, size_t at)
{
	size_t length = text.at[at] == '\r' ? 1 : 0;
	if (at + length + 1 >= text.length || text.at[at + length] != '\n' || !is_white(text.at[at + length + 1]))
		return 0;
	return length + 1;
}

/* The length of one character inside a comment or quoted string, escaped or not, or of a fold; 0 if malformed. */
static size_t piece_length(struct span text, size_t at)
{
	char c = text.at[at];
	if (c == '\r' || c == '\n')
		return fold_length(text, at);
	if (c != '\\')
		return is_control(c) && c != '\t' ? 0 : 1;
	if (at + 1 >= text.length || (is_control(text.at[at + 1]) && text.at[at + 1] != '\t'))
		return 0;
	return 2;
}

static bool skip_comment(struct span text, size_t *at)
{
	unsigned depth = 0;
	while (*at < text.length) {
		char c = text.at[*at];
		size_t length = piece_length(text, *at);
		if (length == 0)
			return false;
		*at += length;
		if (c == '(' && ++depth > CFWS_DEPTH_MAX)
			return false;
		if (c == ')' && --depth == 0)
			return true;
	}
	return false;
}

bool cfws_skip(struct span text, size_t *at)
{
	while (*at < text.length) {
		char c = text.at[*at];
		size_t length = 1;
		if (c == '(') {
			if (!skip_comment(text, at))
				return false;
			continue;
		}
		if (c == '\r' || c == '\n')
			length = fold_length(text, *at);
		else if (!is_white(c))
			return true;
		if (length == 0)
			return false;
		*at += length;
	}
	return true;
}

bool cfws_quoted(struct span text, size_t *at, char *to, size_t *length_r)
{
	size_t written = 0;
	if (*at >= text.length || text.at[*at] != '"')
		return false;
	for (++*at; *at < text.length;) {
		char c = text.at[*at];
		if (c == '"') {
			++*at;
			*length_r = written;
			return true;
		}
		size_t length = piece_length(text, *at);
		if (length == 0)
			return false;
		if (c != '\r' && c != '\n') {
			if (to)
				to[written] = text.at[*at + length - 1];
			written++;
		}
		*at += length;
	}
	return false;
}
