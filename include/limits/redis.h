/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * redis: what organizations have sent, counted for a fleet in Redis (6 or later) or Valkey.
 *
 * One connection, in an event loop of its own (mta/loop.h); nothing in it ever waits. What is asked is one script, which looks
 * and counts in one step by the server's clock. Every key is `sfdc-milter:{ORGID18}:HASH` and expires by itself; HASH is of
 * what is counted, and never anything a sender wrote.
 *
 * While the store is not there - no connection, a password that is refused, no answer within REDIS_PATIENCE_MS, an answer that is
 * none - nothing is asked and nobody waits; the connection is tried again by itself, ever less often. The log is told when the
 * store goes away and when it is back. The password is in no log line. Thread-safe.
 */
#ifndef SFDC_LIMITS_REDIS_H
#define SFDC_LIMITS_REDIS_H

#include <stdbool.h>

#include "core/environment.h"
#include "limits/demand.h"
#include "observe/log.h"

#define REDIS_ERROR_SIZE 512
#define REDIS_PATIENCE_MS 2000 /* for the connection to be made, and for each answer */
#define REDIS_RETRY_MIN_MS 250 /* before the connection is tried again; twice as long each time */
#define REDIS_RETRY_MAX_MS 15000
#define REDIS_REQUESTS_MAX 10000 /* that wait for an answer; more are not asked */

struct redis;
struct redis_request;

/*
 * Connect to settings->limits.store, which is not empty; settings are not needed afterwards. log is borrowed. NULL: error_r says
 * why; that the store does not answer is no reason.
 */
struct redis *redis_new(const struct settings *settings, struct log *log, char error_r[REDIS_ERROR_SIZE]);

/* Whether it serves other settings: the same store, reached in the same way. */
bool redis_serves(const struct redis *redis, const struct settings *settings);

/* What is under way ends unknown. NULL is harmless. No request may be asked any more; those there are stay valid. */
void redis_free(struct redis *redis);

/* Ask. NULL: the store is not there, or there is no memory. waker is told when redis_answer() knows, never after redis_drop(). */
struct redis_request *redis_ask(struct redis *redis, const struct demand *demand, struct waker waker);

/* The answer; TALLY_UNKNOWN: none will come. False: it is awaited. */
bool redis_answer(struct redis_request *request, struct tally *tally_r);

/* Let go of a request, answered or not. NULL is harmless. */
void redis_drop(struct redis_request *request);

#endif
