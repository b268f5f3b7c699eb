/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "limits/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "limits/local.h"
#include "limits/redis.h"
#include "limits/usage.h"
#include "mta/loop.h"

_Static_assert(LIMITS_ERROR_SIZE >= REDIS_ERROR_SIZE, "an error of the store fits");

struct limits {
	struct log *log;
	struct limiter limiter;
	struct local *local;
	struct usage *usage;
	pthread_rwlock_t lock; /* protects which store it is */
	struct redis *redis;   /* NULL: none */
};

struct count {
	struct limits *limits;
	struct demand demand;
	enum when_away when_away;
	struct redis_request *request; /* NULL: nothing is asked */
	bool known;
	struct tally tally;
};

/* What the configuration makes of a store that does not answer. */
static void count_away(struct count *count)
{
	switch (count->when_away) {
	case WHEN_AWAY_LOCAL:
		local_count(count->limits->local, &count->demand, loop_now_ms(), &count->tally);
		break;
	case WHEN_AWAY_PASS:
		count->tally.status = TALLY_WITHIN;
		break;
	case WHEN_AWAY_DEFER:
		count->tally.status = TALLY_UNKNOWN;
		break;
	}
}

static void warn(struct count *count, enum limit_kind kind)
{
	const struct demand *demand = &count->demand;
	char rate[RATE_TEXT_SIZE];
	char whose[ORGID_LONG + 32] = "";
	rate_text(demand->rates[kind], rate);
	if (kind == LIMIT_USER && demand->user.text[0] != '\0')
		snprintf(whose, sizeof whose, " by user %s", demand->user.text);
	else if (kind == LIMIT_USER)
		snprintf(whose, sizeof whose, " by those who name no user");
	log_event(
		count->limits->log, LOG_LEVEL_WARNING, "warning",
		"organization %s: %llu of %s (%s) are used%s; what goes beyond is deferred where defer_unless asks for limit",
		demand->org.text, count->tally.used[kind], rate, limit_option(kind), whose);
}

/* The one end that counting comes to. counted: by what knows how much there was. */
static void settle(struct count *count, bool counted)
{
	bool warnings[LIMIT_KINDS];
	count->known = true;
	if (!counted)
		return;
	usage_note(count->limits->usage, &count->demand, &count->tally, loop_now_ms(), warnings);
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++)
		if (warnings[kind])
			warn(count, (enum limit_kind)kind);
}

static void settle_away(struct count *count)
{
	count_away(count);
	settle(count, count->when_away == WHEN_AWAY_LOCAL);
}

static struct count *begin(void *context, const struct settings *settings, const struct org *org,
                           const struct facts *facts, struct waker waker)
{
	struct limits *limits = context;
	struct count *count = calloc(1, sizeof *count);
	if (!count)
		return NULL;
	count->limits = limits;
	count->demand = demand_make(org, facts);
	count->when_away = settings->limits.when_away;
	pthread_rwlock_rdlock(&limits->lock);
	bool common = limits->redis != NULL;
	if (common)
		count->request = redis_ask(limits->redis, &count->demand, waker);
	pthread_rwlock_unlock(&limits->lock);
	if (!common) {
		local_count(limits->local, &count->demand, loop_now_ms(), &count->tally);
		settle(count, true);
	} else if (!count->request) {
		settle_away(count);
	}
	return count;
}

static bool look(struct count *count, bool late, struct facts *facts)
{
	if (!count->known && redis_answer(count->request, &count->tally)) {
		if (count->tally.status == TALLY_WITHIN)
			local_add(count->limits->local, &count->demand, loop_now_ms());
		if (count->tally.status == TALLY_UNKNOWN)
			settle_away(count);
		else
			settle(count, true);
	} else if (!count->known && late) {
		settle_away(count);
	}
	if (count->known)
		facts->limit = tally_evidence(&count->tally, &count->demand, (long long)time(NULL), facts);
	return count->known;
}

static void end(struct count *count)
{
	if (!count)
		return;
	redis_drop(count->request);
	free(count);
}

struct limits *limits_new(const struct settings *settings, struct log *log, char error_r[LIMITS_ERROR_SIZE])
{
	struct limits *limits = calloc(1, sizeof *limits);
	if (!limits) {
		snprintf(error_r, LIMITS_ERROR_SIZE, "out of memory");
		return NULL;
	}
	pthread_rwlock_init(&limits->lock, NULL);
	limits->log = log;
	limits->limiter = (struct limiter) { .context = limits, .begin = begin, .look = look, .end = end };
	limits->local = local_new();
	limits->usage = usage_new();
	bool good = limits->local && limits->usage;
	if (!good)
		snprintf(error_r, LIMITS_ERROR_SIZE, "out of memory");
	if (good && settings->limits.store.length != 0)
		good = (limits->redis = redis_new(settings, log, error_r)) != NULL;
	if (good)
		return limits;
	limits_free(limits);
	return NULL;
}

void limits_free(struct limits *limits)
{
	if (!limits)
		return;
	redis_free(limits->redis);
	usage_free(limits->usage);
	local_free(limits->local);
	pthread_rwlock_destroy(&limits->lock);
	free(limits);
}

bool limits_reload(struct limits *limits, const struct settings *settings, char error_r[LIMITS_ERROR_SIZE])
{
	struct redis *old = limits->redis;
	struct redis *redis = old;
	bool none = settings->limits.store.length == 0;
	if (none)
		redis = NULL;
	else if (!old || !redis_serves(old, settings))
		redis = redis_new(settings, limits->log, error_r);
	if (!redis && !none)
		return false;
	local_keep(limits->local, settings);
	usage_keep(limits->usage, settings);
	pthread_rwlock_wrlock(&limits->lock);
	limits->redis = redis;
	pthread_rwlock_unlock(&limits->lock);
	if (old != redis)
		redis_free(old);
	return true;
}

const struct limiter *limits_limiter(const struct limits *limits)
{
	return &limits->limiter;
}

double limits_ratio(struct limits *limits, const struct orgid *org, enum limit_kind kind)
{
	return usage_ratio(limits->usage, org, kind, loop_now_ms());
}
