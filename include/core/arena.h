/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena: memory that is released at once.
 *
 * One arena holds all that belongs to one message, or to one configuration. Allocation failure, and a request that
 * would exceed the arena's limit, return NULL and set a mark that stays until the arena is cleared: whoever ends the
 * message asks arena_failed() once and turns the mark into a temporary failure, so no forgotten NULL check on the way
 * becomes an accept.
 *
 * An arena is used by one thread at a time. Blocks are zeroed and aligned for any object.
 */
#ifndef SFDC_CORE_ARENA_H
#define SFDC_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t used;  /* bytes handed out, padding included */
	size_t limit; /* bytes that may be handed out; 0 = no limit */
	bool failed;
};

/* Prepare an empty arena. Takes no memory, cannot fail. limit in bytes, 0 = none. */
void arena_init(struct arena *arena, size_t limit);

/* size zeroed bytes, or NULL with the failed mark set. A size of 0 gives a valid, unique pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* count * size zeroed bytes, or NULL (failed mark set) also when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of span's bytes (embedded NULs are copied too), or NULL. */
char *arena_text(struct arena *arena, struct span span);

/* A copy of span in the arena; the absent span stays absent; on failure the absent span with the failed mark set. */
struct span arena_span(struct arena *arena, struct span span);

/* Like printf into the arena; returns the absent span on failure. */
struct span arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether any request since arena_init() or arena_clear() failed. */
bool arena_failed(const struct arena *arena);

/* Release every block and the failed mark. The arena can be used again with the same limit. */
void arena_clear(struct arena *arena);

#endif
