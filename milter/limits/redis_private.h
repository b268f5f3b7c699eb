/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the store share: the script, with its arguments and its answer, and the way to the store.
 */
#ifndef SFDC_LIMITS_REDIS_PRIVATE_H
#define SFDC_LIMITS_REDIS_PRIVATE_H

#include <hiredis/hiredis.h>

#include "config/store.h"
#include "limits/redis.h"

struct bufferevent;
struct event_base;
struct redis_script;
struct redis_way;

/* The script, as it is named to the store. NULL without memory. */
struct redis_script *redis_script_new(void);
void redis_script_free(struct redis_script *script);

/*
 * The command that runs it for a demand: by its hash, or whole. It is to be released with redisFreeCommand(). Below 0: there is
 * no memory.
 */
long long redis_script_command(const struct redis_script *script, const struct demand *demand, bool whole,
                               char **command_r);

/* What it answered. False: that is no answer of the script's. */
bool redis_script_answer(const redisReply *reply, const struct demand *demand, struct tally *tally_r);

/*
 * A reader of answers, which refuses those with more elements than ours have. functions is memory for as long as it lives. NULL
 * without memory.
 */
redisReader *redis_script_reader(redisReplyObjectFunctions *functions);

/* Everything of the way to the store that does not change. NULL: error_r says why. */
struct redis_way *redis_way_new(const struct settings *settings, char error_r[REDIS_ERROR_SIZE]);
void redis_way_free(struct redis_way *way);

/* Whether other settings lead the same way, and no file of it may have changed. */
bool redis_way_serves(const struct redis_way *way, const struct settings *settings);

/* The store, as it may be shown. */
const char *redis_way_text(const struct redis_way *way);

/*
 * What is to be said first: each command one reply. The caller's, to be wiped and set free, since it may hold the password. Below
 * 0: there is no memory.
 */
long long redis_way_greeting(const struct redis_way *way, char **command_r, unsigned *replies_r);

/*
 * Begin to connect, in the loop's thread; never waits. BEV_EVENT_CONNECTED says that it has worked, with TLS that the other side
 * has proved who it is. NULL: it cannot be begun; error_r says why.
 */
struct bufferevent *redis_way_open(struct redis_way *way, struct event_base *base, char error_r[REDIS_ERROR_SIZE]);

/* Why it has not worked, after BEV_EVENT_ERROR. */
void redis_way_error(const struct redis_way *way, struct bufferevent *link, char error_r[REDIS_ERROR_SIZE]);

/* Overwrite what holds a password. */
void redis_wipe(char *bytes, size_t length);

/* Close what redis_way_open() gave. NULL is harmless. */
void redis_way_close(struct redis_way *way, struct bufferevent *link);

#endif
