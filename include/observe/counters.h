/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counters: what the log's lines of messages come to, as numbers.
 *
 * Each event loop has counters of its own, which its thread alone writes, without a lock: other threads read them at any
 * time and sum them up. A message takes no memory but for the first of its organization, verdicts and mode in a loop.
 *
 * Organizations are those of the configuration; what a sender writes makes none. One that a reload took away keeps what was
 * counted, and has it again when it comes back.
 */
#ifndef SFDC_OBSERVE_COUNTERS_H
#define SFDC_OBSERVE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/examine.h"
#include "core/settings.h"

/* Upper bounds of the histograms, in milliseconds; a last bucket takes what is longer. */
#define COUNTERS_BOUNDS                                                                                                \
	{                                                                                                                  \
		1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 20000, 30000, 60000                               \
	}
#define COUNTERS_BUCKETS 17

struct counters;
struct loop_counters;
struct org_counters;

/* For so many loops. NULL without memory. counters_free(NULL) is harmless. */
struct counters *counters_new(size_t loops);
void counters_free(struct counters *counters);

/* Those of a loop, 0 to loops - 1; for its thread. Never NULL. */
struct loop_counters *counters_of_loop(struct counters *counters, size_t loop);

/*
 * Give every organization of settings its counters, before these are in force. One thread at a time. False: there is no memory
 * for some; their mail is counted as that of none.
 */
bool counters_adopt(struct counters *counters, struct settings *settings);

/*
 * A message has ended, with or without a verdict: counts what log_entry_examination() says of it. now: the wall clock in
 * seconds. Never waits.
 */
void counters_message(struct loop_counters *counters, const struct examination *examination, long long now);

struct histogram {
	unsigned long long buckets[COUNTERS_BUCKETS]; /* each for itself, not those below it */
	unsigned long long sum_ms;
};

/* Of all loops, since the start. */
struct counter_totals {
	unsigned long long results[CHECK_COUNT][RESULT_CODES];
	unsigned long long reasons[REASON_COUNT]; /* the first of each message that has one */
	unsigned long long aborts;                /* messages that ended before a verdict */
	struct histogram duration;                /* of messages with a verdict */
	struct histogram dns_wait;
};
void counters_total(const struct counters *counters, struct counter_totals *totals_r);

/* How many messages came to that; today: since the last counters_begin_day(). */
struct message_count {
	enum verdict verdict;
	enum verdict would;
	enum mode mode;
	unsigned long long count;
	unsigned long long today;
};
#define MESSAGE_COUNTS_MAX (VERDICTS * VERDICTS * MODES)

/* Those of an organization, or with NULL of all other mail, each combination once; how many there are. */
size_t counters_messages(const struct counters *counters, const struct org_counters *org,
                         struct message_count counts_r[MESSAGE_COUNTS_MAX]);

/* When the last message came whose `would` is accept, seconds; 0: none since the start. NULL as above. */
long long counters_last_accepted(const struct counters *counters, const struct org_counters *org);

/* Another day begins. To be called by the one thread that reads what `today` is. */
void counters_begin_day(struct counters *counters);

#endif
