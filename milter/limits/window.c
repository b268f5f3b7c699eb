/* SPDX-License-Identifier: BSD-2-Clause */
#include "limits/window.h"

#include <limits.h>

#define KEPT (WINDOW_SLOTS + 1)

long long window_slot(unsigned seconds, long long now_ms)
{
	return now_ms * WINDOW_SLOTS / ((long long)seconds * 1000);
}

/* The first millisecond of a slot. */
static long long slot_start_ms(unsigned seconds, long long slot)
{
	long long thousandths = slot * (long long)seconds * 1000;
	return (thousandths + WINDOW_SLOTS - 1) / WINDOW_SLOTS;
}

/* A clock that went back stands still. */
static long long slot_now(const struct window *window, unsigned seconds, long long now_ms)
{
	long long slot = window_slot(seconds, now_ms);
	return slot > window->newest ? slot : window->newest;
}

unsigned long long window_sum(const struct window *window, unsigned seconds, long long now_ms)
{
	unsigned long long sum = 0;
	long long oldest = slot_now(window, seconds, now_ms) - WINDOW_SLOTS;
	for (long long slot = oldest > 0 ? oldest : 0; slot <= window->newest; slot++)
		sum += window->counts[slot % KEPT];
	return sum;
}

void window_add(struct window *window, unsigned seconds, long long now_ms, unsigned weight)
{
	long long now = slot_now(window, seconds, now_ms);
	long long first = window->newest + 1;
	if (now - first >= KEPT)
		first = now - WINDOW_SLOTS;
	for (long long slot = first; slot <= now; slot++)
		window->counts[slot % KEPT] = 0;
	window->newest = now;
	unsigned *count = &window->counts[now % KEPT];
	*count = weight < UINT_MAX - *count ? *count + weight : UINT_MAX;
}

bool rate_allows(struct rate rate, unsigned long long sum, unsigned weight)
{
	return sum == 0 || (weight <= rate.count && sum <= rate.count - weight);
}

long long window_wait_ms(const struct window *window, struct rate rate, long long now_ms, unsigned weight)
{
	unsigned long long sum = window_sum(window, rate.seconds, now_ms);
	long long oldest = slot_now(window, rate.seconds, now_ms) - WINDOW_SLOTS;
	if (rate_allows(rate, sum, weight))
		return 0;
	long long slot = oldest > 0 ? oldest : 0;
	for (; slot < window->newest; slot++) {
		sum -= window->counts[slot % KEPT];
		if (rate_allows(rate, sum, weight))
			break;
	}
	return slot_start_ms(rate.seconds, slot + KEPT) - now_ms;
}
