/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deferred: which messages were deferred and have not been accepted since, and for how long: a bounded table.
 *
 * Each organization, and the mail of none, has a share of its own. Where a share is full, that message goes which has
 * been deferred for the shortest time from its first attempt to its last, by hours; what was tried once goes before all
 * others; among equals the one that has not come for the longest. So what is near its end outlasts any flood of what is
 * new, and to crowd it out others have to be deferred for as long. What is older than DEFERRED_KEPT_MS falls out.
 *
 * The caller gives the time, which never falls; keys are hashes that no sender can aim. Not thread-safe.
 */
#ifndef SFDC_OBSERVE_DEFERRED_H
#define SFDC_OBSERVE_DEFERRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/settings.h"
#include "core/siphash.h"

#define DEFERRED_KEPT_MS (25LL * 60 * 60 * 1000)
#define DEFERRED_RANKS 27 /* tried once; since less than an hour, than two, ... */

/* Numbers of entries, plus 1; 0: none. */
struct deferred_list {
	uint32_t first;
	uint32_t last;
};

/* The messages of one organization, or of none. Zeroed: none. It stays where it is for as long as the table. */
struct deferred_share {
	size_t count;
	struct deferred_list ranks[DEFERRED_RANKS]; /* each by the last attempt, the oldest first */
	struct deferred_share *next;
	bool known;
};

/* What is to be said of a message that was deferred again. */
struct deferral {
	long long age_ms; /* since the first attempt */
	unsigned attempts;
	unsigned due_from,
		due; /* of the durations given, those from the first up to before the second are reached only now */
};

struct deferred;

/* Room for so many messages, at most UINT32_MAX - 1. NULL without memory. deferred_free(NULL) is harmless. */
struct deferred *deferred_new(size_t capacity);
void deferred_free(struct deferred *table);

/*
 * A message was deferred. share: where it belongs, always the same for one key; limit: how many that may hold at most,
 * 1 at least.
 */
void deferred_note(struct deferred *table, struct deferred_share *share, size_t limit, struct siphash_value key,
                   long long now_ms, const struct durations *warnings, struct deferral *deferral_r);

/* A message came to an end. Whether it was in the table. */
bool deferred_forget(struct deferred *table, struct siphash_value key);

/* Drop what is too old; counts are right afterwards. */
void deferred_expire(struct deferred *table, long long now_ms);

/* How many are in the table. */
size_t deferred_count(const struct deferred *table);

#endif
