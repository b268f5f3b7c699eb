/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window: how much there was in the last so many seconds, in slots of a sixtieth of that time.
 *
 * A slot is counted whole, from its beginning until all of it is longer ago than the window: 61 slots at any time. So in no
 * interval of the window's length there can be more than what a limit allows, and what is refused would have been more than
 * the limit but for one slot's count at most. Slot n begins at n * seconds / 60, exactly: no rounding adds up.
 *
 * Pure: the time is given, in milliseconds of any clock that does not go back. Not thread-safe.
 */
#ifndef SFDC_LIMITS_WINDOW_H
#define SFDC_LIMITS_WINDOW_H

#include <stdbool.h>

#include "core/settings.h"

#define WINDOW_SLOTS 60

/* Zeroed: empty. One window is for one length of time. */
struct window {
	long long newest;                  /* number of the slot that was counted into last */
	unsigned counts[WINDOW_SLOTS + 1]; /* slot n stands at n % (WINDOW_SLOTS + 1) */
};

/* The number of the slot at that time; times are 0 or later. */
long long window_slot(unsigned seconds, long long now_ms);

/* How much counts now. */
unsigned long long window_sum(const struct window *window, unsigned seconds, long long now_ms);

/* Count. A slot holds UINT_MAX at most. */
void window_add(struct window *window, unsigned seconds, long long now_ms, unsigned weight);

/* Whether so much more may be counted where sum counts already. What is larger than the whole limit may where nothing counts. */
bool rate_allows(struct rate rate, unsigned long long sum, unsigned weight);

/* Milliseconds until so much more may be counted, if nothing else is until then; 0: now. */
long long window_wait_ms(const struct window *window, struct rate rate, long long now_ms, unsigned weight);

#endif
