/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waiter: waits for evidence in the caller's own thread, for tools and tests that have one message at a time and nothing
 * else to do. The daemon's loops never wait.
 *
 *     waiter_init(&waiter);
 *     examination.waker = waiter_waker(&waiter);
 *     ...
 *     examine_finish(&examination, waiter_wait, &waiter);
 */
#ifndef SFDC_EVIDENCE_WAITER_H
#define SFDC_EVIDENCE_WAITER_H

#include <pthread.h>
#include <stdbool.h>

#include "core/environment.h"

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t signal;
	bool woken; /* since the last wait */
};

/* False: the system has no room for it (errno). */
bool waiter_init(struct waiter *waiter_r);

/* Whom to tell. */
struct waker waiter_waker(struct waiter *waiter);

/* Wait until the waker was told, since the last wait or during this one, or until deadline_ms of the monotonic clock. */
void waiter_wait(void *waiter, long long deadline_ms);

void waiter_destroy(struct waiter *waiter);

#endif
