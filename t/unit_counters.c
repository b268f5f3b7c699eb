/* SPDX-License-Identifier: BSD-2-Clause */
/* counters: what messages are counted as, by several loops at once, across reloads and days, and without memory. */
#include "config.h"

#include "observe/counters.h"

#include <pthread.h>

#include "engine.h"

#define LOOPS 4
#define MESSAGES 20000

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool starved;

void *__wrap_calloc(size_t count, size_t size)
{
	return starved ? NULL : __real_calloc(count, size);
}

static struct settings *two(void)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_MONITOR);
	settings_complete(settings, unite_options);
	return settings;
}

/* A message that has ended: nothing else is looked at. */
static struct examination ended(const struct org *org, enum verdict verdict, enum verdict would, enum mode mode)
{
	struct examination examination = { 0 };
	examination.judgement.org = org;
	examination.judgement.verdict = verdict;
	examination.judgement.would = would;
	examination.judgement.mode = mode;
	examination.began_ms = 1000;
	examination.ended_ms = 1000;
	return examination;
}

static unsigned long long count_of(const struct counters *counters, const struct org_counters *org,
                                   enum verdict verdict, enum verdict would, enum mode mode,
                                   unsigned long long *today_r)
{
	struct message_count counts[MESSAGE_COUNTS_MAX];
	size_t count = counters_messages(counters, org, counts);
	unsigned long long found = 0;
	unsigned matches = 0;
	for (size_t i = 0; i < count; i++)
		if (counts[i].verdict == verdict && counts[i].would == would && counts[i].mode == mode) {
			found = counts[i].count;
			if (today_r)
				*today_r = counts[i].today;
			matches++;
		}
	return matches <= 1 ? found : 999999999;
}

static void test_kinds(void)
{
	struct settings *settings = two();
	struct counters *counters = counters_new(2);
	struct loop_counters *first = counters_of_loop(counters, 0);
	struct loop_counters *second = counters_of_loop(counters, 1);
	ok(counters_adopt(counters, settings), "adopted");
	const struct org *a = &settings->orgs[0];
	struct examination accepted = ended(a, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE);
	struct examination monitored = ended(a, VERDICT_ACCEPT, VERDICT_REJECT, MODE_MONITOR);
	struct examination nobodys = ended(NULL, VERDICT_REJECT, VERDICT_REJECT, MODE_ENFORCE);
	struct examination aborted = ended(a, VERDICT_UNDECIDED, VERDICT_UNDECIDED, MODE_ENFORCE);
	counters_message(first, &accepted, 77);
	counters_message(second, &accepted, 78);
	counters_message(second, &monitored, 79);
	counters_message(first, &nobodys, 80);
	counters_message(first, &aborted, 81);
	ok(count_of(counters, a->counters, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE, NULL) == 2, "loops are summed up");
	ok(count_of(counters, a->counters, VERDICT_ACCEPT, VERDICT_REJECT, MODE_MONITOR, NULL) == 1, "what it would be");
	ok(count_of(counters, NULL, VERDICT_REJECT, VERDICT_REJECT, MODE_ENFORCE, NULL) == 1, "of no organization");
	ok(count_of(counters, settings->orgs[1].counters, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE, NULL) == 0,
	   "the other one has none");
	ok(counters_last_accepted(counters, a->counters) == 78, "what would be refused is not the last accepted");
	ok(counters_last_accepted(counters, NULL) == 0, "nobody's was not accepted");
	struct counter_totals totals;
	counters_total(counters, &totals);
	ok(totals.aborts == 1, "an abort is no verdict");
	settings_free(settings);
	counters_free(counters);
}

static void test_results(void)
{
	static const unsigned bounds[] = COUNTERS_BOUNDS;
	struct settings *settings = two();
	struct counters *counters = counters_new(1);
	struct loop_counters *loop = counters_of_loop(counters, 0);
	struct counter_totals totals;
	struct examination refused = ended(NULL, VERDICT_REJECT, VERDICT_REJECT, MODE_ENFORCE);
	refused.judgement.results[CHECK_TLS].code = RESULT_PASS;
	refused.judgement.results[CHECK_ORG].code = RESULT_FAIL;
	refused.judgement.reason = REASON_ORG_UNKNOWN;
	refused.ended_ms = refused.began_ms + 5;
	refused.facts.dns_ms = 3;
	counters_message(loop, &refused, 1);
	struct examination exempt = ended(NULL, VERDICT_EXEMPT, VERDICT_EXEMPT, MODE_UNSET);
	exempt.judgement.results[CHECK_TLS].code = RESULT_PASS;
	exempt.ended_ms = exempt.began_ms + 60001;
	counters_message(loop, &exempt, 1);
	counters_total(counters, &totals);
	ok(totals.results[CHECK_TLS][RESULT_PASS] == 2 && totals.results[CHECK_ORG][RESULT_FAIL] == 1, "results");
	ok(totals.results[CHECK_DKIM][RESULT_PENDING] == 1 && totals.results[CHECK_ORG][RESULT_PENDING] == 0,
	   "what an exempted message leaves open is not told, as in the log");
	ok(totals.reasons[REASON_ORG_UNKNOWN] == 1 && totals.reasons[REASON_NONE] == 0, "reasons");
	ok(bounds[2] == 5 && totals.duration.buckets[2] == 1, "a bound belongs to what it bounds");
	ok(totals.duration.buckets[COUNTERS_BUCKETS - 1] == 1 && totals.duration.sum_ms == 60006, "beyond all bounds");
	ok(totals.dns_wait.buckets[2] == 1 && totals.dns_wait.buckets[0] == 1 && totals.dns_wait.sum_ms == 3, "waits");
	settings_free(settings);
	counters_free(counters);
}

static void test_reload(void)
{
	struct settings *before = two();
	struct settings *after = two();
	struct counters *counters = counters_new(1);
	struct loop_counters *loop = counters_of_loop(counters, 0);
	unsigned long long today = 0;
	counters_adopt(counters, before);
	struct examination accepted = ended(&before->orgs[0], VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE);
	counters_message(loop, &accepted, 1);
	after->org_count = 1;
	after->orgs[0] = after->orgs[1];
	counters_adopt(counters, after);
	ok(after->orgs[0].counters == before->orgs[1].counters, "who stays keeps what was counted");
	counters_message(loop, &accepted, 2);
	struct settings *again = two();
	counters_adopt(counters, again);
	ok(again->orgs[0].counters == before->orgs[0].counters, "who comes back has it again");
	ok(count_of(counters, again->orgs[0].counters, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE, &today) == 2
	       && today == 2,
	   "messages that began before a reload count, too");
	counters_begin_day(counters);
	accepted = ended(&again->orgs[0], VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE);
	counters_message(loop, &accepted, 3);
	ok(count_of(counters, again->orgs[0].counters, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE, &today) == 3
	       && today == 1,
	   "a day begins at none");
	settings_free(before);
	settings_free(after);
	settings_free(again);
	counters_free(counters);
}

static void test_no_memory(void)
{
	struct settings *settings = two();
	struct counters *counters = counters_new(1);
	struct loop_counters *loop = counters_of_loop(counters, 0);
	starved = true;
	ok(!counters_new(1), "no memory, no counters");
	ok(!counters_adopt(counters, settings), "nor for organizations");
	starved = false;
	struct examination accepted = ended(&settings->orgs[0], VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE);
	counters_message(loop, &accepted, 1);
	ok(count_of(counters, NULL, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE, NULL) == 1, "it counts as none's");
	ok(counters_adopt(counters, settings), "adopted later");
	starved = true;
	counters_message(loop, &accepted, 1);
	starved = false;
	ok(count_of(counters, NULL, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_ENFORCE, NULL) == 2,
	   "what there is no memory to count apart is not lost");
	settings_free(settings);
	counters_free(counters);
}

struct turn {
	struct counters *counters;
	struct settings *settings;
	size_t number;
};

static void *turn(void *argument)
{
	struct turn *mine = argument;
	struct loop_counters *loop = counters_of_loop(mine->counters, mine->number);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct examination examination =
			ended(&mine->settings->orgs[i % 2], VERDICT_ACCEPT, i % 3 ? VERDICT_ACCEPT : VERDICT_REJECT, MODE_MONITOR);
		counters_message(loop, &examination, 1);
	}
	return NULL;
}

/* For ThreadSanitizer, too. */
static void test_threads(void)
{
	struct settings *settings = two();
	struct counters *counters = counters_new(LOOPS);
	struct turn turns[LOOPS];
	pthread_t threads[LOOPS];
	counters_adopt(counters, settings);
	for (size_t i = 0; i < LOOPS; i++) {
		turns[i] = (struct turn) { counters, settings, i };
		pthread_create(&threads[i], NULL, turn, &turns[i]);
	}
	unsigned long long last = 0;
	bool falls = false;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned long long now =
			count_of(counters, settings->orgs[0].counters, VERDICT_ACCEPT, VERDICT_ACCEPT, MODE_MONITOR, NULL);
		falls = falls || now < last;
		last = now;
	}
	for (size_t i = 0; i < LOOPS; i++)
		pthread_join(threads[i], NULL);
	unsigned long long all = 0;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned would = VERDICT_ACCEPT; would <= VERDICT_REJECT; would++)
			all +=
				count_of(counters, settings->orgs[i].counters, VERDICT_ACCEPT, (enum verdict)would, MODE_MONITOR, NULL);
	ok(all == (unsigned long long)LOOPS * MESSAGES && !falls, "%llu messages of %d loops, read meanwhile", all, LOOPS);
	settings_free(settings);
	counters_free(counters);
}

int main(void)
{
	test_kinds();
	test_results();
	test_reload();
	test_no_memory();
	test_threads();
	return done_testing();
}
