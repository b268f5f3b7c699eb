/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "limits/usage.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "limits/org_table.h"

/* A limit as it was seen last. */
struct seen {
	unsigned long long used;
	struct rate rate;
	long long at_ms;
	bool told;
};

struct told_user {
	struct orgid id;
	bool told; /* else the place is free */
	long long at_ms;
};

struct account {
	struct org_entry entry; /* first */
	struct seen seen[LIMIT_KINDS];
	struct told_user users[USAGE_USERS_MAX];
};

struct usage {
	pthread_mutex_t lock;
	struct org_table accounts;
};

struct usage *usage_new(void)
{
	struct usage *usage = calloc(1, sizeof *usage);
	if (!usage)
		return NULL;
	pthread_mutex_init(&usage->lock, NULL);
	usage->accounts.size = sizeof(struct account);
	return usage;
}

void usage_free(struct usage *usage)
{
	if (!usage)
		return;
	org_table_keep(&usage->accounts, NULL);
	pthread_mutex_destroy(&usage->lock);
	free(usage);
}

static bool reaches(unsigned long long used, struct rate rate, unsigned percent)
{
	return used * 100 >= (unsigned long long)rate.count * percent;
}

static bool is_past(long long at_ms, struct rate rate, long long now_ms)
{
	return now_ms - at_ms > (long long)rate.seconds * 1000;
}

/* Where it is kept whether that user was told of; NULL: too many were. */
static struct told_user *place_of(struct account *account, const struct demand *demand, long long now_ms)
{
	struct told_user *room = NULL;
	for (unsigned i = 0; i < USAGE_USERS_MAX; i++) {
		struct told_user *user = &account->users[i];
		if (user->told && memcmp(user->id.text, demand->user.text, sizeof user->id.text) == 0)
			return user;
		if (!room && (!user->told || is_past(user->at_ms, demand->rates[LIMIT_USER], now_ms)))
			room = user;
	}
	if (room)
		*room = (struct told_user) { .id = demand->user };
	return room;
}

/* Whether it is to be told now. */
static bool tell(bool *told, unsigned long long used, struct rate rate)
{
	bool first = !*told && reaches(used, rate, USAGE_WARNED_PERCENT);
	if (first)
		*told = true;
	else if (!reaches(used, rate, USAGE_CALM_PERCENT))
		*told = false;
	return first;
}

static void note_user(struct account *account, const struct demand *demand, unsigned long long used, long long now_ms,
                      bool *warn_r)
{
	struct seen *seen = &account->seen[LIMIT_USER];
	struct rate rate = demand->rates[LIMIT_USER];
	if (used >= seen->used || is_past(seen->at_ms, rate, now_ms)) {
		seen->used = used;
		seen->at_ms = now_ms;
	}
	seen->rate = rate;
	struct told_user *user = place_of(account, demand, now_ms);
	if (!user)
		return;
	user->at_ms = now_ms;
	*warn_r = tell(&user->told, used, rate);
}

void usage_note(struct usage *usage, const struct demand *demand, const struct tally *tally, long long now_ms,
                bool warn_r[LIMIT_KINDS])
{
	memset(warn_r, 0, LIMIT_KINDS * sizeof *warn_r);
	if (tally->status == TALLY_UNKNOWN)
		return;
	pthread_mutex_lock(&usage->lock);
	struct account *account = (struct account *)(void *)org_table_get(&usage->accounts, &demand->org);
	for (unsigned kind = 0; account && kind < LIMIT_KINDS; kind++) {
		struct seen *seen = &account->seen[kind];
		if (demand->rates[kind].count == 0)
			continue;
		if (kind == LIMIT_USER) {
			note_user(account, demand, tally->used[kind], now_ms, &warn_r[kind]);
			continue;
		}
		seen->used = tally->used[kind];
		seen->rate = demand->rates[kind];
		seen->at_ms = now_ms;
		warn_r[kind] = tell(&seen->told, seen->used, seen->rate);
	}
	pthread_mutex_unlock(&usage->lock);
}

double usage_ratio(struct usage *usage, const struct orgid *org, enum limit_kind kind, long long now_ms)
{
	double ratio = 0;
	pthread_mutex_lock(&usage->lock);
	const struct account *account = (const struct account *)(const void *)org_table_find(&usage->accounts, org);
	const struct seen *seen = account ? &account->seen[kind] : NULL;
	if (seen && seen->rate.count != 0 && !is_past(seen->at_ms, seen->rate, now_ms))
		ratio = (double)seen->used / seen->rate.count;
	pthread_mutex_unlock(&usage->lock);
	return ratio;
}

void usage_keep(struct usage *usage, const struct settings *settings)
{
	pthread_mutex_lock(&usage->lock);
	org_table_keep(&usage->accounts, settings);
	pthread_mutex_unlock(&usage->lock);
}
