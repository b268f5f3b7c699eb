/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buffer: bytes that wait to be read or sent; they come in behind and are taken away in front.
 *
 * Want of memory is noted and not forgotten: from then on nothing is taken in, so that what is sent has no gap. Not
 * thread-safe.
 */
#ifndef SFDC_MTA_BUFFER_H
#define SFDC_MTA_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

/* Zeroed: empty. */
struct buffer {
	char *bytes;
	size_t from;
	size_t to;
	size_t size;
	bool failed; /* there was no memory */
};

/* What is in it; valid until the next call. */
struct span buffer_content(const struct buffer *buffer);

/* Room for more bytes behind what is in it, for the caller to write to; NULL without memory. */
char *buffer_reserve(struct buffer *buffer, size_t more);

/* That many bytes were written to the room. */
void buffer_commit(struct buffer *buffer, size_t length);

void buffer_add(struct buffer *buffer, const void *bytes, size_t length);

/* Take away that many bytes in front; an empty buffer keeps its memory. */
void buffer_take(struct buffer *buffer, size_t length);

/* Release its memory, with what is in it; it is then as new. */
void buffer_clear(struct buffer *buffer);

#endif
