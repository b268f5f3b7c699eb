/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes taken from the heap at once; a test makes it small, so that every request becomes an allocation of its own. */
#ifndef ARENA_CHUNK_SIZE
#define ARENA_CHUNK_SIZE 16384
#endif
#define CHUNK_SIZE ((size_t)ARENA_CHUNK_SIZE)
#define ALIGNMENT (_Alignof(max_align_t))

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t limit)
{
	memset(arena, 0, sizeof *arena);
	arena->limit = limit;
}

/* A block larger than a chunk gets one of its own, behind the current one, whose room stays in use. */
static struct arena_chunk *chunk_add(struct arena *arena, size_t size)
{
	size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
	if (room > SIZE_MAX - sizeof(struct arena_chunk))
		return NULL;
	struct arena_chunk *chunk = malloc(sizeof *chunk + room);
	if (!chunk)
		return NULL;
	chunk->size = room;
	chunk->used = 0;
	if (size > CHUNK_SIZE && arena->chunks) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size == 0)
		size = 1;
	if (size > SIZE_MAX - ALIGNMENT) {
		arena->failed = true;
		return NULL;
	}
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (arena->limit != 0 && (size > arena->limit || arena->used > arena->limit - size)) {
		arena->failed = true;
		return NULL;
	}
	struct arena_chunk *chunk = arena->chunks;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_add(arena, size);
	if (!chunk) {
		arena->failed = true;
		return NULL;
	}
	void *block = chunk->bytes + chunk->used;
	chunk->used += size;
	arena->used += size;
	return memset(block, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size) {
		arena->failed = true;
		return NULL;
	}
	return arena_alloc(arena, count * size);
}

char *arena_text(struct arena *arena, struct span span)
{
	if (span.length == SIZE_MAX) {
		arena->failed = true;
		return NULL;
	}
	char *copy = arena_alloc(arena, span.length + 1);
	if (copy && span.length != 0)
		memcpy(copy, span.at, span.length);
	return copy;
}

struct span arena_span(struct arena *arena, struct span span)
{
	if (span_absent(span))
		return span;
	char *copy = arena_text(arena, span);
	return span_make(copy, copy ? span.length : 0);
}

struct span arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		arena->failed = true;
		return span_make(NULL, 0);
	}
	char *text = arena_alloc(arena, (size_t)length + 1);
	if (!text)
		return span_make(NULL, 0);
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return span_make(text, (size_t)length);
}

bool arena_failed(const struct arena *arena)
{
	return arena->failed;
}

void arena_clear(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;
	while (chunk) {
		struct arena_chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
	arena_init(arena, arena->limit);
}
