/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/deferred.h"

#include <stdlib.h>

#define HOUR_MS (60LL * 60 * 1000)

/* Links are numbers of entries, plus 1; 0: none. */
struct entry {
	struct siphash_value key;
	long long first_ms;
	long long last_ms;
	struct deferred_share *share; /* NULL: the entry is free */
	uint32_t attempts;
	uint32_t chained;       /* the next with that hash, or the next that is free */
	uint32_t before, after; /* in the list of its rank */
	uint32_t older, newer;  /* by the first attempt */
	unsigned warned;        /* seconds: the longest duration that was told */
	unsigned rank;
};

struct deferred {
	size_t capacity;
	size_t count;
	uint32_t unused; /* entries from this number on were never used */
	uint32_t free;
	uint32_t oldest, newest;
	struct deferred_share *shares;
	size_t mask;
	uint32_t *chains;
	struct entry *entries;
};

struct deferred *deferred_new(size_t capacity)
{
	struct deferred *table = calloc(1, sizeof *table);
	size_t chains = 1;
	if (!table)
		return NULL;
	while (chains < capacity)
		chains *= 2;
	table->capacity = capacity;
	table->mask = chains - 1;
	table->chains = calloc(chains, sizeof *table->chains);
	table->entries = calloc(capacity, sizeof *table->entries);
	if (!table->chains || !table->entries) {
		deferred_free(table);
		return NULL;
	}
	return table;
}

void deferred_free(struct deferred *table)
{
	if (!table)
		return;
	free(table->chains);
	free(table->entries);
	free(table);
}

size_t deferred_count(const struct deferred *table)
{
	return table->count;
}

static struct entry *entry_at(const struct deferred *table, uint32_t number)
{
	return &table->entries[number - 1];
}

static uint32_t *chain_of(const struct deferred *table, struct siphash_value key)
{
	return &table->chains[key.words[0] & table->mask];
}

static uint32_t find(const struct deferred *table, struct siphash_value key)
{
	uint32_t number = *chain_of(table, key);
	while (number != 0 && !siphash_equal(entry_at(table, number)->key, key))
		number = entry_at(table, number)->chained;
	return number;
}

static void rank_leave(struct deferred *table, uint32_t number)
{
	struct entry *entry = entry_at(table, number);
	struct deferred_list *list = &entry->share->ranks[entry->rank];
	if (entry->before)
		entry_at(table, entry->before)->after = entry->after;
	else
		list->first = entry->after;
	if (entry->after)
		entry_at(table, entry->after)->before = entry->before;
	else
		list->last = entry->before;
}

static unsigned rank_of(const struct entry *entry)
{
	long long hours = (entry->last_ms - entry->first_ms) / HOUR_MS;
	if (entry->attempts == 1)
		return 0;
	return hours < DEFERRED_RANKS - 2 ? 1 + (unsigned)hours : DEFERRED_RANKS - 1;
}

static void rank_enter(struct deferred *table, uint32_t number)
{
	struct entry *entry = entry_at(table, number);
	entry->rank = rank_of(entry);
	struct deferred_list *list = &entry->share->ranks[entry->rank];
	entry->before = list->last;
	entry->after = 0;
	if (list->last)
		entry_at(table, list->last)->after = number;
	else
		list->first = number;
	list->last = number;
}

static void age_enter(struct deferred *table, uint32_t number)
{
	struct entry *entry = entry_at(table, number);
	entry->older = table->newest;
	entry->newer = 0;
	if (table->newest)
		entry_at(table, table->newest)->newer = number;
	else
		table->oldest = number;
	table->newest = number;
}

static void age_leave(struct deferred *table, uint32_t number)
{
	struct entry *entry = entry_at(table, number);
	if (entry->older)
		entry_at(table, entry->older)->newer = entry->newer;
	else
		table->oldest = entry->newer;
	if (entry->newer)
		entry_at(table, entry->newer)->older = entry->older;
	else
		table->newest = entry->older;
}

static void drop(struct deferred *table, uint32_t number)
{
	struct entry *entry = entry_at(table, number);
	uint32_t *link = chain_of(table, entry->key);
	while (*link != number)
		link = &entry_at(table, *link)->chained;
	*link = entry->chained;
	rank_leave(table, number);
	age_leave(table, number);
	entry->share->count--;
	entry->share = NULL;
	entry->chained = table->free;
	table->free = number;
	table->count--;
}

void deferred_expire(struct deferred *table, long long now_ms)
{
	while (table->oldest && now_ms - entry_at(table, table->oldest)->first_ms >= DEFERRED_KEPT_MS)
		drop(table, table->oldest);
}

/* Make room in a share that holds something. */
static void evict(struct deferred *table, const struct deferred_share *share)
{
	unsigned rank = 0;
	while (rank < DEFERRED_RANKS - 1 && share->ranks[rank].first == 0)
		rank++;
	drop(table, share->ranks[rank].first);
}

static const struct deferred_share *largest(const struct deferred *table)
{
	const struct deferred_share *found = table->shares;
	for (const struct deferred_share *share = table->shares; share; share = share->next)
		if (share->count > found->count)
			found = share;
	return found;
}

static uint32_t take_free(struct deferred *table)
{
	uint32_t number = table->free;
	if (number == 0)
		return ++table->unused;
	table->free = entry_at(table, number)->chained;
	return number;
}

static uint32_t enter(struct deferred *table, struct deferred_share *share, size_t limit, struct siphash_value key,
                      long long now_ms)
{
	while (share->count != 0 && share->count >= limit)
		evict(table, share);
	/* Shares shrink when organizations are added; what is above its own gives way. */
	if (table->count == table->capacity)
		evict(table, largest(table));
	if (!share->known) {
		share->known = true;
		share->next = table->shares;
		table->shares = share;
	}
	uint32_t number = take_free(table);
	uint32_t *chain = chain_of(table, key);
	*entry_at(table, number) = (struct entry) {
		.key = key, .first_ms = now_ms, .last_ms = now_ms, .share = share, .attempts = 1, .chained = *chain
	};
	*chain = number;
	table->count++;
	share->count++;
	rank_enter(table, number);
	age_enter(table, number);
	return number;
}

void deferred_note(struct deferred *table, struct deferred_share *share, size_t limit, struct siphash_value key,
                   long long now_ms, const struct durations *warnings, struct deferral *deferral_r)
{
	deferred_expire(table, now_ms);
	uint32_t number = find(table, key);
	if (number == 0) {
		number = enter(table, share, limit, key, now_ms);
	} else {
		struct entry *entry = entry_at(table, number);
		rank_leave(table, number);
		entry->last_ms = now_ms;
		if (entry->attempts < UINT32_MAX)
			entry->attempts++;
		rank_enter(table, number);
	}
	struct entry *entry = entry_at(table, number);
	struct deferral deferral = { .age_ms = now_ms - entry->first_ms, .attempts = entry->attempts };
	while (deferral.due_from < warnings->count && warnings->seconds[deferral.due_from] <= entry->warned)
		deferral.due_from++;
	deferral.due = deferral.due_from;
	while (deferral.due < warnings->count && warnings->seconds[deferral.due] * 1000LL <= deferral.age_ms)
		entry->warned = warnings->seconds[deferral.due++];
	*deferral_r = deferral;
}

bool deferred_forget(struct deferred *table, struct siphash_value key)
{
	uint32_t number = find(table, key);
	if (number != 0)
		drop(table, number);
	return number != 0;
}
