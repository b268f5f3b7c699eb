/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "observe/counters.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/log_entry.h"

#define CHAINS 1024

/* Messages of one organization that came to the same in one loop; in a list to which only that loop adds. */
struct cell {
	_Atomic(struct cell *) next;
	enum verdict verdict;
	enum verdict would;
	enum mode mode;
	atomic_ullong count;
	unsigned long long yesterday; /* count when the day began; whose who reads */
};

struct org_counters {
	struct orgid id;
	struct org_counters *next;            /* in its chain */
	_Atomic(struct org_counters *) newer; /* of all, in the order of their coming */
	atomic_llong last_accepted;
	_Atomic(struct cell *) cells[]; /* of each loop */
};

struct atomic_histogram {
	atomic_ullong buckets[COUNTERS_BUCKETS];
	atomic_ullong sum_ms;
};

struct loop_counters {
	size_t number;
	struct org_counters *none; /* whose mail no organization's is */
	atomic_ullong results[CHECK_COUNT][RESULT_CODES];
	atomic_ullong reasons[REASON_COUNT];
	atomic_ullong aborts;
	struct atomic_histogram duration;
	struct atomic_histogram dns_wait;
	/* For what there is no memory to count apart. */
	struct cell spare[VERDICTS][VERDICTS][MODES];
	char apart[64]; /* from what another loop writes */
};

struct counters {
	size_t loop_count;
	struct org_counters *none;
	struct org_counters *newest;
	struct org_counters *chains[CHAINS]; /* of whoever adopts */
	struct loop_counters loops[];
};

static struct org_counters *org_new(const struct counters *counters, const struct orgid *id)
{
	struct org_counters *org = calloc(1, sizeof *org + counters->loop_count * sizeof org->cells[0]);
	if (org && id)
		org->id = *id;
	return org;
}

struct counters *counters_new(size_t loops)
{
	struct counters *counters = calloc(1, sizeof *counters + loops * sizeof counters->loops[0]);
	if (!counters)
		return NULL;
	counters->loop_count = loops;
	counters->none = org_new(counters, NULL);
	counters->newest = counters->none;
	if (!counters->none) {
		free(counters);
		return NULL;
	}
	for (size_t i = 0; i < loops; i++) {
		counters->loops[i].number = i;
		counters->loops[i].none = counters->none;
	}
	return counters;
}

static void org_free(struct org_counters *org, size_t loops)
{
	for (size_t i = 0; i < loops; i++) {
		struct cell *next;
		for (struct cell *cell = atomic_load(&org->cells[i]); cell; cell = next) {
			next = atomic_load(&cell->next);
			free(cell);
		}
	}
	free(org);
}

void counters_free(struct counters *counters)
{
	if (!counters)
		return;
	struct org_counters *newer;
	for (struct org_counters *org = counters->none; org; org = newer) {
		newer = atomic_load(&org->newer);
		org_free(org, counters->loop_count);
	}
	free(counters);
}

struct loop_counters *counters_of_loop(struct counters *counters, size_t loop)
{
	return &counters->loops[loop];
}

static unsigned chain_of(const struct orgid *id)
{
	unsigned chain = 0;
	for (const char *at = id->text; *at != '\0'; at++)
		chain = chain * 31 + (unsigned char)*at;
	return chain % CHAINS;
}

bool counters_adopt(struct counters *counters, struct settings *settings)
{
	bool complete = true;
	for (size_t i = 0; i < settings->org_count; i++) {
		struct org *served = &settings->orgs[i];
		struct org_counters **chain = &counters->chains[chain_of(&served->id)];
		struct org_counters *org = *chain;
		while (org && strcmp(org->id.text, served->id.text) != 0)
			org = org->next;
		if (!org && (org = org_new(counters, &served->id)) != NULL) {
			org->next = *chain;
			*chain = org;
			atomic_store_explicit(&counters->newest->newer, org, memory_order_release);
			counters->newest = org;
		}
		served->counters = org;
		complete = complete && org;
	}
	return complete;
}

/* By the only thread that writes it. */
static void add(atomic_ullong *counter, unsigned long long much)
{
	unsigned long long now = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, now + much, memory_order_relaxed);
}

static void observe(struct atomic_histogram *histogram, unsigned long long ms)
{
	static const unsigned bounds[COUNTERS_BUCKETS - 1] = COUNTERS_BOUNDS;
	unsigned bucket = 0;
	while (bucket < COUNTERS_BUCKETS - 1 && ms > bounds[bucket])
		bucket++;
	add(&histogram->buckets[bucket], 1);
	add(&histogram->sum_ms, ms);
}

/* The first of its kind takes memory. */
static struct cell *cell_of(struct loop_counters *counters, struct org_counters *org, const struct judgement *judgement)
{
	_Atomic(struct cell *) *link = &org->cells[counters->number];
	struct cell *cell;
	while ((cell = atomic_load_explicit(link, memory_order_relaxed)) != NULL) {
		if (cell->verdict == judgement->verdict && cell->would == judgement->would && cell->mode == judgement->mode)
			return cell;
		link = &cell->next;
	}
	cell = calloc(1, sizeof *cell);
	if (!cell)
		return &counters->spare[judgement->verdict][judgement->would][judgement->mode];
	cell->verdict = judgement->verdict;
	cell->would = judgement->would;
	cell->mode = judgement->mode;
	atomic_store_explicit(link, cell, memory_order_release);
	return cell;
}

void counters_message(struct loop_counters *counters, const struct examination *examination, long long now)
{
	const struct judgement *judgement = &examination->judgement;
	struct org_counters *org = judgement->org && judgement->org->counters ? judgement->org->counters : counters->none;

	if (judgement->verdict == VERDICT_UNDECIDED) {
		add(&counters->aborts, 1);
		return;
	}
	add(&cell_of(counters, org, judgement)->count, 1);
	if (judgement->would == VERDICT_ACCEPT)
		atomic_store_explicit(&org->last_accepted, now, memory_order_relaxed);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (log_tells_result(judgement, (enum check_id)i))
			add(&counters->results[i][judgement->results[i].code], 1);
	if (judgement->reason != REASON_NONE)
		add(&counters->reasons[judgement->reason], 1);
	if (examination->ended_ms != 0)
		observe(&counters->duration, (unsigned long long)(examination->ended_ms - examination->began_ms));
	observe(&counters->dns_wait, examination->facts.dns_ms);
}

static unsigned long long value_of(const atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void total_histogram(const struct atomic_histogram *histogram, struct histogram *total)
{
	for (unsigned i = 0; i < COUNTERS_BUCKETS; i++)
		total->buckets[i] += value_of(&histogram->buckets[i]);
	total->sum_ms += value_of(&histogram->sum_ms);
}

void counters_total(const struct counters *counters, struct counter_totals *totals_r)
{
	memset(totals_r, 0, sizeof *totals_r);
	for (size_t l = 0; l < counters->loop_count; l++) {
		const struct loop_counters *loop = &counters->loops[l];
		for (unsigned i = 0; i < CHECK_COUNT; i++)
			for (unsigned j = 0; j < RESULT_CODES; j++)
				totals_r->results[i][j] += value_of(&loop->results[i][j]);
		for (unsigned i = 0; i < REASON_COUNT; i++)
			totals_r->reasons[i] += value_of(&loop->reasons[i]);
		totals_r->aborts += value_of(&loop->aborts);
		total_histogram(&loop->duration, &totals_r->duration);
		total_histogram(&loop->dns_wait, &totals_r->dns_wait);
	}
}

/* Add to the count of the same kind, or begin one. */
static size_t merge(const struct message_count *more, struct message_count *counts, size_t count)
{
	size_t i = 0;
	while (i < count
	       && (counts[i].verdict != more->verdict || counts[i].would != more->would || counts[i].mode != more->mode))
		i++;
	if (i == count) {
		counts[i] = *more;
		return count + 1;
	}
	counts[i].count += more->count;
	counts[i].today += more->today;
	return count;
}

static size_t merge_cell(const struct cell *cell, struct message_count *counts, size_t count)
{
	unsigned long long value = value_of(&cell->count);
	const struct message_count more = { cell->verdict, cell->would, cell->mode, value, value - cell->yesterday };
	return value != 0 ? merge(&more, counts, count) : count;
}

static size_t merge_spares(const struct loop_counters *loop, struct message_count *counts, size_t count)
{
	for (unsigned verdict = 0; verdict < VERDICTS; verdict++)
		for (unsigned would = 0; would < VERDICTS; would++)
			for (unsigned mode = 0; mode < MODES; mode++) {
				const struct cell *cell = &loop->spare[verdict][would][mode];
				unsigned long long value = value_of(&cell->count);
				const struct message_count more = { (enum verdict)verdict, (enum verdict)would, (enum mode)mode, value,
					                                value - cell->yesterday };
				if (value != 0)
					count = merge(&more, counts, count);
			}
	return count;
}

size_t counters_messages(const struct counters *counters, const struct org_counters *org,
                         struct message_count counts_r[MESSAGE_COUNTS_MAX])
{
	size_t count = 0;
	const struct org_counters *whose = org ? org : counters->none;
	for (size_t l = 0; l < counters->loop_count; l++) {
		for (struct cell *cell = atomic_load_explicit(&whose->cells[l], memory_order_acquire); cell;
		     cell = atomic_load_explicit(&cell->next, memory_order_acquire))
			count = merge_cell(cell, counts_r, count);
		if (!org)
			count = merge_spares(&counters->loops[l], counts_r, count);
	}
	return count;
}

long long counters_last_accepted(const struct counters *counters, const struct org_counters *org)
{
	return atomic_load_explicit(&(org ? org : counters->none)->last_accepted, memory_order_relaxed);
}

static void begin_day(struct cell *cell)
{
	cell->yesterday = value_of(&cell->count);
}

void counters_begin_day(struct counters *counters)
{
	for (struct org_counters *org = counters->none; org; org = atomic_load_explicit(&org->newer, memory_order_acquire))
		for (size_t l = 0; l < counters->loop_count; l++)
			for (struct cell *cell = atomic_load_explicit(&org->cells[l], memory_order_acquire); cell;
			     cell = atomic_load_explicit(&cell->next, memory_order_acquire))
				begin_day(cell);
	for (size_t l = 0; l < counters->loop_count; l++)
		for (unsigned i = 0; i < VERDICTS; i++)
			for (unsigned j = 0; j < VERDICTS; j++)
				for (unsigned k = 0; k < MODES; k++)
					begin_day(&counters->loops[l].spare[i][j][k]);
}
