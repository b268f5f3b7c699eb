/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/waiter.h"

#include <errno.h>
#include <string.h>
#include <time.h>

bool waiter_init(struct waiter *waiter_r)
{
	pthread_condattr_t attributes;
	memset(waiter_r, 0, sizeof *waiter_r);
	errno = pthread_condattr_init(&attributes);
	if (errno != 0)
		return false;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	errno = pthread_cond_init(&waiter_r->signal, &attributes);
	pthread_condattr_destroy(&attributes);
	if (errno != 0)
		return false;
	pthread_mutex_init(&waiter_r->lock, NULL);
	return true;
}

static void wake(void *context)
{
	struct waiter *waiter = context;
	pthread_mutex_lock(&waiter->lock);
	waiter->woken = true;
	pthread_cond_signal(&waiter->signal);
	pthread_mutex_unlock(&waiter->lock);
}

struct waker waiter_waker(struct waiter *waiter)
{
	struct waker waker = { wake, waiter };
	return waker;
}

void waiter_wait(void *context, long long deadline_ms)
{
	struct waiter *waiter = context;
	struct timespec until = { .tv_sec = (time_t)(deadline_ms / 1000), .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
	int code = 0;
	pthread_mutex_lock(&waiter->lock);
	while (!waiter->woken && code == 0)
		code = pthread_cond_timedwait(&waiter->signal, &waiter->lock, &until);
	waiter->woken = false;
	pthread_mutex_unlock(&waiter->lock);
}

void waiter_destroy(struct waiter *waiter)
{
	pthread_cond_destroy(&waiter->signal);
	pthread_mutex_destroy(&waiter->lock);
}
