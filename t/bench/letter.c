/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "letter.h"

#include <stdlib.h>
#include <string.h>

/* The lines of the header, the folded ones joined: CRLF becomes LF, and the field ends in NUL. */
static char *cut_field(char *from, char *end, struct field *field_r)
{
	char *colon = memchr(from, ':', (size_t)(end - from));
	if (!colon)
		return NULL;
	*colon = '\0';
	field_r->name = from;
	field_r->value = colon + 1;
	char *to = colon + 1;
	for (from = to; from < end; from++) {
		if (from[0] == '\r')
			continue;
		if (from[0] == '\n' && (from + 1 == end || (from[1] != ' ' && from[1] != '\t'))) {
			*to = '\0';
			return from + 1;
		}
		*to++ = *from;
	}
	return NULL;
}

bool letter_parse(char *text, size_t length, struct letter *letter_r)
{
	char *end = text + length;
	size_t room = 0;

	memset(letter_r, 0, sizeof *letter_r);
	for (char *at = text; at < end && at[0] != '\r';) {
		if (letter_r->field_count == room) {
			room = room * 2 + 16;
			struct field *more = realloc(letter_r->fields, room * sizeof *more);
			if (!more)
				return false;
			letter_r->fields = more;
		}
		at = cut_field(at, end, &letter_r->fields[letter_r->field_count]);
		if (!at)
			return false;
		letter_r->field_count++;
		letter_r->body = at + 2;
	}
	if (!letter_r->body || letter_r->body > end)
		return false;
	letter_r->body_length = (size_t)(end - letter_r->body);
	return true;
}
