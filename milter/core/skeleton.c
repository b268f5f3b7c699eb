/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/skeleton.h"

/* The parentheses that bound comments, as marks beside the text. */
static char *mark_comments(struct span text, enum skeleton_comments comments, struct arena *arena)
{
	bool pairs = comments == SKELETON_COMMENTS_DROPPED || comments == SKELETON_COMMENTS_PAIRS;
	bool quotes = comments == SKELETON_COMMENTS_DROPPED || comments == SKELETON_COMMENTS_QUOTES;
	char *marks = arena_alloc(arena, text.length);
	bool escaped = false;
	bool quoted = false;
	size_t depth = 0;
	for (size_t i = 0; marks && i < text.length; i++) {
		char c = text.at[i];
		if (pairs && (escaped || c == '\\')) {
			escaped = !escaped;
		} else if (quotes && c == '"' && depth == 0) {
			quoted = !quoted;
		} else if (!quoted && (c == '(' || (c == ')' && depth != 0))) {
			marks[i] = c;
			depth = c == '(' ? depth + 1 : depth - 1;
		}
	}
	/* From the end: an opening parenthesis without a closing one begins no comment. */
	depth = 0;
	for (size_t i = text.length; marks && i-- > 0;) {
		if (marks[i] == ')')
			depth++;
		else if (marks[i] == '(' && depth != 0)
			depth--;
		else
			marks[i] = '\0';
	}
	return marks;
}

/* The code point of a character that span_utf8() found. */
static unsigned long code_point(struct span text, size_t at, size_t length)
{
	unsigned long point = (unsigned char)text.at[at] & (0xffU >> (length + 1));
	for (size_t i = 1; i < length; i++)
		point = point << 6 | ((unsigned char)text.at[at + i] & 0x3fU);
	return point;
}

enum class { CLASS_SHOWN, CLASS_SPACE, CLASS_IGNORED };

static enum class class_of_ascii(char c) {
	if (c == ' ' || (c >= '\t' && c <= '\r')) return CLASS_SPACE;
	return (unsigned char)c < 0x20 || c == 0x7f || strchr("\"\\()", c) ? CLASS_IGNORED : CLASS_SHOWN;
}

/* White_Space, and of Cc and Cf what stands in mail: UnicodeData.txt. */
static enum class class_of_point(unsigned long point) { static const struct { unsigned first, last; enum class class; }
ranges[] = {
	{ 0x85, 0x85, CLASS_SPACE },       { 0xa0, 0xa0, CLASS_SPACE },       { 0xad, 0xad, CLASS_IGNORED },
	{ 0x61c, 0x61c, CLASS_IGNORED },   { 0x1680, 0x1680, CLASS_SPACE },   { 0x180b, 0x180f, CLASS_IGNORED },
	{ 0x2000, 0x200a, CLASS_SPACE },   { 0x200b, 0x200f, CLASS_IGNORED }, { 0x2028, 0x2029, CLASS_SPACE },
	{ 0x202a, 0x202e, CLASS_IGNORED }, { 0x202f, 0x202f, CLASS_SPACE },   { 0x205f, 0x205f, CLASS_SPACE },
	{ 0x2060, 0x206f, CLASS_IGNORED }, { 0x3000, 0x3000, CLASS_SPACE },   { 0xfe00, 0xfe0f, CLASS_IGNORED },
	{ 0xfeff, 0xfeff, CLASS_IGNORED },
};
for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
	if (point >= ranges[i].first && point <= ranges[i].last)
		return ranges[i].class;
return CLASS_SHOWN;
}

/* The class of the character at at, and its length in bytes. */
static enum class class_at(struct span text, size_t at, size_t *length_r) {
	unsigned char byte = (unsigned char)text.at[at]; *length_r = 1; if (byte < 0x80) return class_of_ascii(text.at[at]);
	/* The controls U+0080 to U+009F are no character for span_utf8(). */
	if (byte == 0xc2 && at + 1 < text.length
	    && ((unsigned char)text.at[at + 1] & 0xe0)
	           == 0x80) { *length_r = 2; return (unsigned char)text.at[at + 1] == 0x85 ? CLASS_SPACE : CLASS_IGNORED; }
size_t length = span_utf8(text, at);
if (length == 0)
	return CLASS_SHOWN;
*length_r = length;
return class_of_point(code_point(text, at, length));
}

struct span skeleton_make(struct span text, enum skeleton_comments comments, enum skeleton_space space,
                          struct arena *arena)
{
	bool dropped = comments != SKELETON_COMMENTS_KEPT;
	const char *marks = dropped ? mark_comments(text, comments, arena) : NULL;
	char *to = arena_alloc(arena, text.length);
	size_t written = 0;
	size_t depth = 0;
	size_t length;
	if (!to || (dropped && !marks))
		return span_make(NULL, 0);
	for (size_t i = 0; i < text.length; i += length) {
		enum class class = class_at(text, i, &length);
		if (marks && marks[i] == '(')
			depth++;
		if (marks && marks[i] == ')')
			depth--;
		if (depth != 0)
			continue;
		if (class == CLASS_SHOWN)
			for (size_t j = 0; j < length; j++)
				to[written++] = ascii_lower(text.at[i + j]);
		else if (class == CLASS_SPACE && space == SKELETON_SPACE_KEPT && (written == 0 || to[written - 1] != ' '))
			to[written++] = ' ';
	}
	return span_make(to, written);
}

bool skeleton_is_international(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] >= 0x80)
			return true;
	return false;
}

struct buffer {
	struct arena *arena;
	char *at;
	size_t length;
	size_t room;
};

static bool append(struct buffer *buffer, struct span text)
{
	if (text.length > buffer->room - buffer->length) {
		size_t room = (buffer->length + text.length) * 2;
		char *more = arena_alloc(buffer->arena, room);
		if (!more)
			return false;
		memcpy(more, buffer->at, buffer->length);
		buffer->at = more;
		buffer->room = room;
	}
	if (text.length != 0)
		memcpy(buffer->at + buffer->length, text.at, text.length);
	buffer->length += text.length;
	return true;
}

static bool is_label_byte(char c)
{
	return ascii_alnum(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

bool skeleton_to_ascii(struct span skeleton, domain_to_ascii to_ascii, unsigned *left, struct arena *arena,
                       struct span *skeleton_r)
{
	struct buffer buffer = { arena, arena_alloc(arena, skeleton.length + 1), 0, skeleton.length + 1 };
	char ascii[DOMAIN_LENGTH_MAX + 1];
	*skeleton_r = span_make(NULL, 0);
	if (!buffer.at)
		return false;
	for (size_t from = 0, to; from < skeleton.length; from = to) {
		to = from + 1;
		while (is_label_byte(skeleton.at[from]) && to < skeleton.length && is_label_byte(skeleton.at[to]))
			to++;
		struct span piece = span_slice(skeleton, from, to);
		if (to_ascii && skeleton_is_international(piece)) {
			if (*left == 0)
				return true;
			--*left;
			if (to_ascii(piece, ascii))
				piece = span_of(ascii);
		}
		if (!append(&buffer, piece))
			return false;
	}
	*skeleton_r = span_make(buffer.at, buffer.length);
	return true;
}
