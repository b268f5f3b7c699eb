/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_reference: the canonical form of a body, byte by byte and line by line, as RFC 6376 3.4.3 and 3.4.4 tell it: slow,
 * and written without regard to core/dkim_canon.c, which is compared with it.
 */
#ifndef SFDC_DKIM_REFERENCE_H
#define SFDC_DKIM_REFERENCE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/span.h"

/* Room for the result: twice the length, and two bytes more, are enough. */
static inline size_t dkim_reference_body(struct span body, bool relaxed, char *to)
{
	size_t length = 0; /* of what was written */
	size_t kept = 0;   /* of it, up to the end of the last line that is not empty */
	size_t from = 0;

	while (from < body.length) {
		size_t line = length;
		size_t end = from;
		while (end < body.length && !(body.at[end] == '\r' && end + 1 < body.length && body.at[end + 1] == '\n'))
			end++;
		for (size_t i = from; i < end; i++) {
			bool white = relaxed && (body.at[i] == ' ' || body.at[i] == '\t');
			if (!white)
				to[length++] = body.at[i];
			else if (length == line || to[length - 1] != ' ')
				to[length++] = ' ';
		}
		while (relaxed && length > line && to[length - 1] == ' ')
			length--;
		bool empty = length == line;
		to[length++] = '\r';
		to[length++] = '\n';
		if (!empty)
			kept = length;
		from = end + 2;
	}
	if (kept == 0 && !relaxed) {
		memcpy(to, "\r\n", 2);
		return 2;
	}
	return kept;
}

/* Whether a CR or LF stands alone. */
static inline bool dkim_reference_bare(struct span body)
{
	for (size_t i = 0; i < body.length; i++) {
		if (body.at[i] == '\r' && i + 1 < body.length && body.at[i + 1] == '\n')
			i++;
		else if (body.at[i] == '\r' || body.at[i] == '\n')
			return true;
	}
	return false;
}

#endif
