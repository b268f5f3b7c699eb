/* SPDX-License-Identifier: BSD-2-Clause */
/* deferred: the table against a plain model, and under a flood of junk. */
#include "config.h"

#include <stdlib.h>

#include "observe/deferred.h"
#include "tap.h"

#define HOUR (60LL * 60 * 1000)
#define SHARES 4
#define KEYS 400

static const struct durations usual = { 2, { 3600, 72000 } };

static struct siphash_value key_of(uint64_t number)
{
	return (struct siphash_value) { { number * UINT64_C(0x9e3779b97f4a7c15), number } };
}

/* What the table says of itself, in the plainest way. */
struct known {
	bool there;
	unsigned share;
	long long first_ms, last_ms;
	unsigned long order; /* of the last attempt */
	unsigned attempts;
	unsigned warned;
};

struct model {
	size_t capacity;
	struct known known[KEYS];
};

static size_t model_count(const struct model *model, unsigned share)
{
	size_t count = 0;
	for (unsigned i = 0; i < KEYS; i++)
		count += model->known[i].there && (share == SHARES || model->known[i].share == share);
	return count;
}

static long long worth(const struct known *known)
{
	long long hours = (known->last_ms - known->first_ms) / HOUR;
	return known->attempts == 1 ? -1 : hours < 25 ? hours : 25;
}

static void model_evict(struct model *model, unsigned share)
{
	struct known *victim = NULL;
	for (unsigned i = 0; i < KEYS; i++) {
		struct known *known = &model->known[i];
		if (known->there && known->share == share
		    && (!victim || worth(known) < worth(victim)
		        || (worth(known) == worth(victim) && known->order < victim->order)))
			victim = known;
	}
	if (victim)
		victim->there = false;
}

static void model_expire(struct model *model, long long now)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (model->known[i].there && now - model->known[i].first_ms >= DEFERRED_KEPT_MS)
			model->known[i].there = false;
}

static void model_note(struct model *model, unsigned number, unsigned share, size_t limit, long long now,
                       unsigned long order, struct deferral *deferral_r)
{
	struct known *known = &model->known[number];
	model_expire(model, now);
	if (!known->there) {
		while (model_count(model, share) >= limit)
			model_evict(model, share);
		*known = (struct known) { .there = true, .share = share, .first_ms = now };
	}
	known->attempts++;
	known->last_ms = now;
	known->order = order;
	*deferral_r = (struct deferral) { .age_ms = now - known->first_ms, .attempts = known->attempts };
	for (unsigned i = 0; i < usual.count; i++) {
		if (usual.seconds[i] <= known->warned)
			deferral_r->due_from = deferral_r->due = i + 1;
		else if (usual.seconds[i] * 1000LL <= deferral_r->age_ms)
			known->warned = usual.seconds[i], deferral_r->due = i + 1;
	}
}

/* Random messages of four shares, some coming again and some accepted, for some days. */
static void test_model(void)
{
	const size_t capacity = 60;
	struct deferred *table = deferred_new(capacity);
	struct deferred_share shares[SHARES] = { 0 };
	static struct model model;
	long long now = 0;
	unsigned wrong = 0;
	unsigned due = 0;
	unsigned full = 0;

	srandom(7);
	for (unsigned long step = 1; step <= 60000 && wrong == 0; step++) {
		unsigned number = (unsigned)random() % (random() % 4 ? 40 : KEYS);
		unsigned share = number % SHARES;
		now += random() % 60 ? random() % 90000 : random() % HOUR;
		if (random() % 5 == 0) {
			bool was = deferred_forget(table, key_of(number));
			model_expire(&model, now);
			/* What is too old is there until somebody looks. */
			wrong += was < model.known[number].there;
			model.known[number].there = false;
		} else {
			struct deferral got;
			struct deferral want;
			deferred_note(table, &shares[share], capacity / SHARES, key_of(number), now, &usual, &got);
			model_note(&model, number, share, capacity / SHARES, now, step, &want);
			wrong += got.age_ms != want.age_ms || got.attempts != want.attempts || got.due_from != want.due_from
			         || got.due != want.due;
			due += got.due - got.due_from;
		}
		deferred_expire(table, now);
		for (unsigned i = 0; i < SHARES; i++) {
			wrong += shares[i].count != model_count(&model, i);
			full += shares[i].count == capacity / SHARES;
		}
		wrong += deferred_count(table) != model_count(&model, SHARES);
		if (wrong)
			printf("# at step %lu\n", step);
	}
	ok(wrong == 0 && due > 100 && full > 1000, "60000 steps as in the model; %u warnings, a share was full %u times",
	   due, full);
	deferred_free(table);
}

/* A message that comes each hour, and is deferred for all of its day, among others that are new or come a few times. */
static void test_flood(void)
{
	const size_t capacity = 1000;
	struct deferred *table = deferred_new(capacity);
	struct deferred_share genuine = { 0 };
	struct deferred_share junk = { 0 };
	struct deferral deferral;
	uint64_t serial = 1000;
	unsigned told[2] = { 0, 0 };
	unsigned attempts = 0;

	for (long long hour = 0; hour < 24; hour++) {
		for (uint64_t i = 0; i < 100; i++) {
			deferred_note(table, &genuine, capacity / 2, key_of(i), hour * HOUR, &usual, &deferral);
			for (unsigned j = deferral.due_from; j < deferral.due; j++)
				told[j]++;
			attempts = deferral.attempts;
		}
		/* From the second attempt on no flood of what is new matters, nor of what is tried often in a short time. */
		for (unsigned i = 0; i < 20000 && hour > 0; i++) {
			deferred_note(table, &genuine, capacity / 2, key_of(serial), hour * HOUR + i, &usual, &deferral);
			deferred_note(table, &genuine, capacity / 2, key_of(serial), hour * HOUR + i, &usual, &deferral);
			deferred_note(table, &junk, capacity / 2, key_of(serial + 1), hour * HOUR + i, &usual, &deferral);
			serial += 2;
		}
	}
	ok(told[0] == 100 && told[1] == 100 && attempts == 24,
	   "a flood of %llu: each of 100 is told of once at 1 h and once at 20 h", (unsigned long long)(serial - 1000));
	ok(genuine.count == capacity / 2 && junk.count == capacity / 2 && deferred_count(table) == capacity,
	   "and nothing outgrows its share");
	unsigned forgotten = 0;
	for (uint64_t i = 0; i < 100; i++)
		forgotten += deferred_forget(table, key_of(i));
	ok(forgotten == 100, "and it is forgotten when it comes to its end");
	deferred_free(table);
}

static void test_shares(void)
{
	struct deferred *table = deferred_new(10);
	struct deferred_share shares[3] = { 0 };
	struct deferral deferral;
	for (uint64_t i = 0; i < 30; i++)
		deferred_note(table, &shares[0], 5, key_of(i), 0, &usual, &deferral);
	ok(shares[0].count == 5, "a flood of one organization takes its own share");
	for (uint64_t i = 100; i < 103; i++)
		deferred_note(table, &shares[1], 5, key_of(i), 0, &usual, &deferral);
	ok(shares[0].count == 5 && shares[1].count == 3, "and another's stays");
	for (uint64_t i = 200; i < 205; i++)
		deferred_note(table, &shares[2], 5, key_of(i), 0, &usual, &deferral);
	ok(deferred_count(table) == 10 && shares[1].count == 3 && shares[0].count == 3 && shares[2].count == 4,
	   "where the whole is full, the largest gives way");
	deferred_note(table, &shares[0], 1, key_of(300), 0, &usual, &deferral);
	ok(shares[0].count == 1, "a share that shrank is cut");
	deferred_free(table);
}

static void test_time(void)
{
	static const struct durations short_ones = { 3, { 2, 5, 60 } };
	static const struct durations none = { 0 };
	struct deferred *table = deferred_new(10);
	struct deferred_share share = { 0 };
	struct deferral deferral;
	deferred_note(table, &share, 5, key_of(1), 1000, &short_ones, &deferral);
	ok(deferral.age_ms == 0 && deferral.attempts == 1 && deferral.due == deferral.due_from,
	   "the first attempt says nothing");
	deferred_note(table, &share, 5, key_of(1), 2999, &short_ones, &deferral);
	ok(deferral.due == deferral.due_from, "nor one too early");
	deferred_note(table, &share, 5, key_of(1), 3000, &short_ones, &deferral);
	ok(deferral.due_from == 0 && deferral.due == 1 && deferral.attempts == 3, "after 2 s the first is due");
	deferred_note(table, &share, 5, key_of(1), 3500, &short_ones, &deferral);
	ok(deferral.due == deferral.due_from, "once");
	deferred_note(table, &share, 5, key_of(1), 3600, &none, &deferral);
	ok(deferral.due == deferral.due_from && deferral.attempts == 5, "without any nothing is");
	deferred_note(table, &share, 5, key_of(1), 1000 + 60000, &short_ones, &deferral);
	ok(deferral.due_from == 1 && deferral.due == 3, "two at once, when it came late");
	deferred_note(table, &share, 5, key_of(1), 1000 + DEFERRED_KEPT_MS - 1, &short_ones, &deferral);
	ok(deferral.attempts == 7, "it is kept for 25 h");
	deferred_note(table, &share, 5, key_of(1), 1000 + DEFERRED_KEPT_MS, &short_ones, &deferral);
	ok(deferral.attempts == 1 && share.count == 1, "and then it is another");
	ok(!deferred_forget(table, key_of(2)) && deferred_forget(table, key_of(1)) && !deferred_forget(table, key_of(1)),
	   "what is there is forgotten once");
	ok(share.count == 0 && deferred_count(table) == 0, "and nothing is left");
	deferred_free(table);
	deferred_free(NULL);
}

int main(void)
{
	test_time();
	test_shares();
	test_model();
	test_flood();
	return done_testing();
}
