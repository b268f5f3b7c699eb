/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "limits/local.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "limits/org_table.h"
#include "limits/window.h"

#define TIDIED_MAX 4 /* users who are looked at for having gone, at each message */

struct user {
	struct orgid id; /* first: the tree is sorted by it */
	struct window window;
	struct user *newer; /* by when they sent last */
	struct user *older;
};

struct organization {
	struct org_entry entry;        /* first */
	unsigned seconds[LIMIT_KINDS]; /* that the windows are for */
	struct window messages;
	struct window recipients;
	struct window others; /* the users who are not counted apart */
	void *users;          /* a tree of struct user (tsearch(3)) */
	size_t user_count;
	struct user *newest;
	struct user *oldest;
};

struct local {
	pthread_mutex_t lock;
	struct org_table organizations;
};

static void unlink_user(struct organization *organization, struct user *user)
{
	*(user->newer ? &user->newer->older : &organization->newest) = user->older;
	*(user->older ? &user->older->newer : &organization->oldest) = user->newer;
}

static void link_newest(struct organization *organization, struct user *user)
{
	user->newer = NULL;
	user->older = organization->newest;
	*(user->older ? &user->older->newer : &organization->oldest) = user;
	organization->newest = user;
}

static void forget_user(struct organization *organization, struct user *user)
{
	tdelete(user, &organization->users, org_table_compare);
	unlink_user(organization, user);
	organization->user_count--;
	free(user);
}

static void forget_users(struct organization *organization)
{
	while (organization->oldest)
		forget_user(organization, organization->oldest);
	memset(&organization->others, 0, sizeof organization->others);
}

static void clear_organization(struct org_entry *entry)
{
	forget_users((struct organization *)(void *)entry);
}

struct local *local_new(void)
{
	struct local *local = calloc(1, sizeof *local);
	if (!local)
		return NULL;
	pthread_mutex_init(&local->lock, NULL);
	local->organizations.size = sizeof(struct organization);
	local->organizations.clear = clear_organization;
	return local;
}

void local_free(struct local *local)
{
	if (!local)
		return;
	org_table_keep(&local->organizations, NULL);
	pthread_mutex_destroy(&local->lock);
	free(local);
}

static struct organization *get_organization(struct local *local, const struct orgid *id)
{
	return (struct organization *)(void *)org_table_get(&local->organizations, id);
}

/* A window of another length begins anew. */
static void fit(struct organization *organization, const struct demand *demand)
{
	struct window *const windows[LIMIT_KINDS] = { &organization->messages, &organization->recipients,
		                                          &organization->others };
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++) {
		if (demand->rates[kind].count == 0 || organization->seconds[kind] == demand->rates[kind].seconds)
			continue;
		organization->seconds[kind] = demand->rates[kind].seconds;
		memset(windows[kind], 0, sizeof *windows[kind]);
		if (kind == LIMIT_USER)
			forget_users(organization);
	}
}

static bool has_gone(const struct user *user, unsigned seconds, long long now_ms)
{
	return window_slot(seconds, now_ms) - user->window.newest > WINDOW_SLOTS;
}

static struct user *find_user(const struct organization *organization, const struct orgid *id)
{
	void *found = id->text[0] != '\0' ? tfind(id, &organization->users, org_table_compare) : NULL;
	return found ? *(struct user **)found : NULL;
}

/* The window of the demand's user: the user's own, or that of all who are not counted apart. NULL without memory. */
static struct window *get_user(struct organization *organization, const struct demand *demand, long long now_ms)
{
	unsigned seconds = demand->rates[LIMIT_USER].seconds;
	for (unsigned i = 0; i < TIDIED_MAX && organization->oldest && has_gone(organization->oldest, seconds, now_ms); i++)
		forget_user(organization, organization->oldest);
	struct user *user = find_user(organization, &demand->user);
	if (!user && (demand->user.text[0] == '\0' || organization->user_count >= LIMIT_USERS_MAX))
		return &organization->others;
	if (user) {
		unlink_user(organization, user);
	} else {
		user = calloc(1, sizeof *user);
		if (!user)
			return NULL;
		user->id = demand->user;
		if (!tsearch(user, &organization->users, org_table_compare)) {
			free(user);
			return NULL;
		}
		/* As one who has just come, not one who has gone. */
		user->window.newest = window_slot(seconds, now_ms);
		organization->user_count++;
	}
	link_newest(organization, user);
	return &user->window;
}

/* The windows of a demand; NULL where there is no limit. False without memory. */
static bool find_windows(struct organization *organization, const struct demand *demand, long long now_ms,
                         struct window *windows_r[LIMIT_KINDS])
{
	fit(organization, demand);
	windows_r[LIMIT_MESSAGES] = demand->rates[LIMIT_MESSAGES].count != 0 ? &organization->messages : NULL;
	windows_r[LIMIT_RECIPIENTS] = demand->rates[LIMIT_RECIPIENTS].count != 0 ? &organization->recipients : NULL;
	windows_r[LIMIT_USER] = NULL;
	if (demand->rates[LIMIT_USER].count == 0)
		return true;
	windows_r[LIMIT_USER] = get_user(organization, demand, now_ms);
	return windows_r[LIMIT_USER] != NULL;
}

static void look(struct window *const windows[LIMIT_KINDS], const struct demand *demand, long long now_ms,
                 struct tally *tally_r)
{
	tally_r->status = TALLY_WITHIN;
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++) {
		struct rate rate = demand->rates[kind];
		if (!windows[kind])
			continue;
		tally_r->used[kind] = window_sum(windows[kind], rate.seconds, now_ms);
		if (tally_r->status == TALLY_OVER || rate_allows(rate, tally_r->used[kind], demand->weights[kind]))
			continue;
		tally_r->status = TALLY_OVER;
		tally_r->over = (enum limit_kind)kind;
		tally_r->wait_ms = window_wait_ms(windows[kind], rate, now_ms, demand->weights[kind]);
	}
}

static void add(struct window *const windows[LIMIT_KINDS], const struct demand *demand, long long now_ms)
{
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++)
		if (windows[kind])
			window_add(windows[kind], demand->rates[kind].seconds, now_ms, demand->weights[kind]);
}

void local_count(struct local *local, const struct demand *demand, long long now_ms, struct tally *tally_r)
{
	struct window *windows[LIMIT_KINDS];
	memset(tally_r, 0, sizeof *tally_r);
	pthread_mutex_lock(&local->lock);
	struct organization *organization = get_organization(local, &demand->org);
	if (organization && find_windows(organization, demand, now_ms, windows)) {
		look(windows, demand, now_ms, tally_r);
		if (tally_r->status == TALLY_WITHIN) {
			add(windows, demand, now_ms);
			for (unsigned kind = 0; kind < LIMIT_KINDS; kind++)
				tally_r->used[kind] += windows[kind] ? demand->weights[kind] : 0;
		}
	}
	pthread_mutex_unlock(&local->lock);
}

void local_add(struct local *local, const struct demand *demand, long long now_ms)
{
	struct window *windows[LIMIT_KINDS];
	pthread_mutex_lock(&local->lock);
	struct organization *organization = get_organization(local, &demand->org);
	if (organization && find_windows(organization, demand, now_ms, windows))
		add(windows, demand, now_ms);
	pthread_mutex_unlock(&local->lock);
}

void local_keep(struct local *local, const struct settings *settings)
{
	pthread_mutex_lock(&local->lock);
	org_table_keep(&local->organizations, settings);
	pthread_mutex_unlock(&local->lock);
}
