/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta/buffer.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 256 /* bytes */

struct span buffer_content(const struct buffer *buffer)
{
	return buffer->bytes ? span_make(buffer->bytes + buffer->from, buffer->to - buffer->from) : span_make(NULL, 0);
}

/* Move what is in it to the front, where that makes room. */
static void compact(struct buffer *buffer)
{
	size_t length = buffer->to - buffer->from;
	if (buffer->from != 0 && length != 0)
		memmove(buffer->bytes, buffer->bytes + buffer->from, length);
	buffer->from = 0;
	buffer->to = length;
}

char *buffer_reserve(struct buffer *buffer, size_t more)
{
	if (buffer->failed)
		return NULL;
	if (buffer->size - buffer->to < more && buffer->from != 0)
		compact(buffer);
	if (buffer->size - buffer->to < more) {
		size_t size = buffer->size < SIZE_MIN ? SIZE_MIN : buffer->size;
		while (size - buffer->to < more)
			size *= 2;
		char *bytes = realloc(buffer->bytes, size);
		if (!bytes) {
			buffer->failed = true;
			return NULL;
		}
		buffer->bytes = bytes;
		buffer->size = size;
	}
	return buffer->bytes + buffer->to;
}

void buffer_commit(struct buffer *buffer, size_t length)
{
	buffer->to += length;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
	char *room = length != 0 ? buffer_reserve(buffer, length) : NULL;
	if (!room)
		return;
	memcpy(room, bytes, length);
	buffer_commit(buffer, length);
}

void buffer_take(struct buffer *buffer, size_t length)
{
	buffer->from += length;
	if (buffer->from == buffer->to)
		buffer->from = buffer->to = 0;
}

void buffer_clear(struct buffer *buffer)
{
	free(buffer->bytes);
	memset(buffer, 0, sizeof *buffer);
}
