/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* For a build without hiredis. */
#include "limits/redis.h"

#include <stdio.h>

struct redis *redis_new(const struct settings *settings, struct log *log, char error_r[REDIS_ERROR_SIZE])
{
	(void)settings, (void)log;
	snprintf(
		error_r, REDIS_ERROR_SIZE,
		"limits.store: this program was built without hiredis and can use no store; remove it, or build with hiredis");
	return NULL;
}

bool redis_serves(const struct redis *redis, const struct settings *settings)
{
	(void)redis, (void)settings;
	return false;
}

void redis_free(struct redis *redis)
{
	(void)redis;
}

struct redis_request *redis_ask(struct redis *redis, const struct demand *demand, struct waker waker)
{
	(void)redis, (void)demand, (void)waker;
	return NULL;
}

bool redis_answer(struct redis_request *request, struct tally *tally_r)
{
	(void)request;
	*tally_r = (struct tally) { .status = TALLY_UNKNOWN };
	return true;
}

void redis_drop(struct redis_request *request)
{
	(void)request;
}
