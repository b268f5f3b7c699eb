/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits: windows by property tests against a list of all that was counted, the counters of this process, what is told of
 * them, and the way of a message through them.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "limits/limits.h"
#include "limits/local.h"
#include "limits/usage.h"
#include "limits/window.h"

#define EVENTS_MAX 4000

static unsigned long long seed = 88172645463325252ULL;

static unsigned random_below(unsigned limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % limit);
}

/* All that a window took. */
struct history {
	struct rate rate;
	size_t count;
	long long at_ms[EVENTS_MAX];
	unsigned weight[EVENTS_MAX];
};

static unsigned long long taken_since(const struct history *history, long long from_ms)
{
	unsigned long long sum = 0;
	for (size_t i = history->count; i > 0 && history->at_ms[i - 1] >= from_ms; i--)
		sum += history->weight[i - 1];
	return sum;
}

/* The first millisecond of the slot in which the window begins. */
static long long slot_begin_ms(struct rate rate, long long now_ms)
{
	long long at = now_ms - (long long)rate.seconds * 1000;
	long long last = at < 0 ? 0 : at;
	long long first = last - (long long)rate.seconds * 1000 < 0 ? 0 : last - (long long)rate.seconds * 1000;
	long long slot = window_slot(rate.seconds, last);
	while (first < last) {
		long long middle = first + (last - first) / 2;
		if (window_slot(rate.seconds, middle) == slot)
			last = middle;
		else
			first = middle + 1;
	}
	return last;
}

static bool try_once(struct history *history, struct window *window, long long now_ms, unsigned weight)
{
	struct rate rate = history->rate;
	unsigned long long sum = window_sum(window, rate.seconds, now_ms);
	unsigned long long exact = taken_since(history, now_ms - (long long)rate.seconds * 1000);
	long long wait = window_wait_ms(window, rate, now_ms, weight);
	bool good = sum == taken_since(history, slot_begin_ms(rate, now_ms)) && sum >= exact;

	if (rate_allows(rate, sum, weight)) {
		good = good && wait == 0 && (exact == 0 || exact + weight <= rate.count);
		window_add(window, rate.seconds, now_ms, weight);
		history->at_ms[history->count] = now_ms;
		history->weight[history->count++] = weight;
	} else {
		struct window later = *window;
		good = good && wait > 0 && rate_allows(rate, window_sum(&later, rate.seconds, now_ms + wait), weight)
		       && !rate_allows(rate, window_sum(&later, rate.seconds, now_ms + wait - 1), weight);
	}
	return good;
}

static void test_windows(void)
{
	static struct history history;
	for (unsigned round = 0; round < 60; round++) {
		static const unsigned lengths[] = { 1, 7, 60, 61, 3600, 21600, 86400 };
		struct window window = { 0 };
		long long now_ms = random_below(1000000000);
		bool good = true;
		size_t refused = 0;
		history.count = 0;
		history.rate = (struct rate) { 1 + random_below(200), lengths[random_below(7)] };
		unsigned step = history.rate.seconds * 1000 / (1 + random_below(300)) + 1;
		for (unsigned i = 0; i < EVENTS_MAX && good; i++) {
			size_t before = history.count;
			now_ms += random_below(step);
			if (random_below(500) == 0)
				now_ms += (long long)history.rate.seconds * random_below(3000);
			good = try_once(&history, &window, now_ms, random_below(20) == 0 ? 1 + random_below(40) : 1);
			refused += history.count == before;
		}
		if (!good || round % 20 == 0)
			ok(good, "windows of %us, %u allowed, %zu taken, %zu refused: never more, at most one slot's less",
			   history.rate.seconds, history.rate.count, history.count, refused);
	}
}

static void test_window_edges(void)
{
	struct window window = { 0 };
	struct rate rate = { 5, 60 };
	ok(window_sum(&window, 60, 0) == 0 && window_wait_ms(&window, rate, 0, 1) == 0, "an empty window");
	window_add(&window, 60, 0, 5);
	ok(window_sum(&window, 60, 60999) == 5, "a slot counts until all of it is longer ago than the window");
	ok(window_sum(&window, 60, 61000) == 0, "and not one millisecond longer");
	ok(window_wait_ms(&window, rate, 0, 1) == 61000, "which is how long it is to be waited");
	window_add(&window, 60, 30000, 1);
	ok(window_sum(&window, 60, 10000) == 6, "a clock that goes back stands still");
	ok(rate_allows(rate, 0, 1000), "what is larger than the whole limit passes where nothing counts");
	ok(!rate_allows(rate, 1, 1000) && !rate_allows(rate, 5, 1) && rate_allows(rate, 4, 1), "and nowhere else");
	memset(&window, 0, sizeof window);
	window_add(&window, 60, 500, UINT32_MAX);
	window_add(&window, 60, 500, 10);
	ok(window_sum(&window, 60, 500) == UINT32_MAX, "no slot overflows");
}

static struct demand make_demand(unsigned messages, unsigned recipients, unsigned per_user, const char *user)
{
	struct demand demand = {
		.rates = { { messages, messages ? 3600 : 0 },
		           { recipients, recipients ? 3600 : 0 },
		           { per_user, per_user ? 3600 : 0 } },
		.weights = { 1, 3, 1 },
	};
	orgid_parse(span_of(ORG_A), &demand.org);
	if (user)
		userid_parse(span_of(user), &demand.user);
	return demand;
}

static struct demand user_number(unsigned number, unsigned per_user)
{
	char text[ORGID_SHORT + 1];
	snprintf(text, sizeof text, "0058d000%07u", number);
	return make_demand(0, 0, per_user, text);
}

static enum tally_status count_at(struct local *local, const struct demand *demand, long long now_ms,
                                  struct tally *tally_r)
{
	local_count(local, demand, now_ms, tally_r);
	return tally_r->status;
}

static void test_local(void)
{
	struct local *local = local_new();
	struct demand demand = make_demand(2, 0, 0, NULL);
	struct tally tally;
	ok(count_at(local, &demand, 0, &tally) == TALLY_WITHIN && tally.used[LIMIT_MESSAGES] == 1, "the first message");
	ok(count_at(local, &demand, 10, &tally) == TALLY_WITHIN && tally.used[LIMIT_MESSAGES] == 2, "the second");
	ok(count_at(local, &demand, 20, &tally) == TALLY_OVER && tally.over == LIMIT_MESSAGES
	       && tally.used[LIMIT_MESSAGES] == 2,
	   "the third is too much");
	ok(tally.wait_ms == 3600000 + 60000 - 20, "until the slot of the first is over");
	ok(count_at(local, &demand, 3660000, &tally) == TALLY_WITHIN, "and then passes");
	orgid_parse(span_of(ORG_B), &demand.org);
	ok(count_at(local, &demand, 3660000, &tally) == TALLY_WITHIN && tally.used[LIMIT_MESSAGES] == 1,
	   "organizations are apart");
	local_free(local);

	local = local_new();
	demand = make_demand(0, 6, 0, NULL);
	ok(count_at(local, &demand, 0, &tally) == TALLY_WITHIN && tally.used[LIMIT_RECIPIENTS] == 3
	       && count_at(local, &demand, 0, &tally) == TALLY_WITHIN && count_at(local, &demand, 0, &tally) == TALLY_OVER
	       && tally.over == LIMIT_RECIPIENTS,
	   "recipients");
	demand.rates[LIMIT_MESSAGES] = (struct rate) { 100, 3600 };
	ok(count_at(local, &demand, 0, &tally) == TALLY_OVER && tally.used[LIMIT_MESSAGES] == 0,
	   "what one limit refuses no other counts");
	demand.rates[LIMIT_RECIPIENTS].seconds = 60;
	ok(count_at(local, &demand, 0, &tally) == TALLY_WITHIN && tally.used[LIMIT_RECIPIENTS] == 3,
	   "a window of another length begins anew");
	local_free(local);
}

static void test_users(void)
{
	struct local *local = local_new();
	struct tally tally;
	struct demand hijacked = user_number(1, 10);
	struct demand other = user_number(2, 10);
	struct demand nobody = make_demand(0, 0, 10, NULL);
	unsigned passed = 0;
	for (unsigned i = 0; i < 5000; i++)
		passed += count_at(local, &hijacked, i, &tally) == TALLY_WITHIN;
	ok(passed == 10 && tally.over == LIMIT_USER, "a flood of one user ends at the limit");
	ok(count_at(local, &other, 5000, &tally) == TALLY_WITHIN, "another passes");
	ok(count_at(local, &nobody, 5000, &tally) == TALLY_WITHIN && tally.used[LIMIT_USER] == 1,
	   "those without a name are one user");
	for (unsigned i = 0; i < 20000; i++) {
		struct demand demand = user_number(100 + i, 10);
		local_count(local, &demand, 6000, &tally);
	}
	ok(tally.status == TALLY_OVER && tally.used[LIMIT_USER] == 10, "the others are one user together");
	struct demand known = user_number(100, 10);
	ok(count_at(local, &known, 7000, &tally) == TALLY_WITHIN && tally.used[LIMIT_USER] == 2,
	   "who is known stays apart");
	long long later = 3 * 3600000;
	for (unsigned i = 0; i < 3000; i++) {
		struct demand demand = user_number(50000 + i, 10);
		local_count(local, &demand, later, &tally);
	}
	ok(tally.status == TALLY_WITHIN && tally.used[LIMIT_USER] == 1, "who has not sent for so long makes room");
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings_complete(settings, unite_options);
	local_keep(local, settings);
	struct demand last = user_number(50000 + 2999, 10);
	ok(count_at(local, &last, later, &tally) == TALLY_WITHIN && tally.used[LIMIT_USER] == 2,
	   "an organization that is served is kept");
	orgid_parse(span_of("00D4x000004z0H4EAI"), &settings->orgs[0].id);
	settings_complete(settings, unite_options);
	local_keep(local, settings);
	ok(count_at(local, &last, later, &tally) == TALLY_WITHIN && tally.used[LIMIT_USER] == 1,
	   "one that is not is forgotten");
	settings_free(settings);
	local_free(local);
}

struct crowd {
	struct local *local;
	unsigned passed[4];
};

static struct crowd crowd;

static void *hurry(void *number)
{
	struct demand demand = make_demand(1000, 0, 0, NULL);
	struct tally tally;
	unsigned *passed = number;
	for (unsigned i = 0; i < 2000; i++)
		*passed += count_at(crowd.local, &demand, 1000, &tally) == TALLY_WITHIN;
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[4];
	crowd.local = local_new();
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, hurry, &crowd.passed[i]);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ok(crowd.passed[0] + crowd.passed[1] + crowd.passed[2] + crowd.passed[3] == 1000,
	   "four threads together never pass more, nor less");
	local_free(crowd.local);
}

static bool warns(struct usage *usage, struct demand *demand, enum limit_kind kind, unsigned used, long long now_ms)
{
	struct tally tally = { .status = TALLY_WITHIN };
	bool warnings[LIMIT_KINDS];
	tally.used[kind] = used;
	usage_note(usage, demand, &tally, now_ms, warnings);
	return warnings[kind];
}

static void test_usage(void)
{
	struct usage *usage = usage_new();
	struct demand demand = make_demand(100, 0, 10, "0058d0000000001");
	ok(!warns(usage, &demand, LIMIT_MESSAGES, 79, 0), "79 of 100 warn of nothing");
	ok(warns(usage, &demand, LIMIT_MESSAGES, 80, 0), "80 do");
	ok(!warns(usage, &demand, LIMIT_MESSAGES, 100, 1) && !warns(usage, &demand, LIMIT_MESSAGES, 70, 2)
	       && !warns(usage, &demand, LIMIT_MESSAGES, 90, 3),
	   "once");
	ok(!warns(usage, &demand, LIMIT_MESSAGES, 59, 4) && warns(usage, &demand, LIMIT_MESSAGES, 80, 5),
	   "and again after it was calm");
	ok(usage_ratio(usage, &demand.org, LIMIT_MESSAGES, 5) > 0.79
	       && usage_ratio(usage, &demand.org, LIMIT_MESSAGES, 5) < 0.81,
	   "the ratio that is used");
	ok(usage_ratio(usage, &demand.org, LIMIT_MESSAGES, 3700000) == 0, "is none when nothing was seen for a window");
	ok(usage_ratio(usage, &demand.org, LIMIT_RECIPIENTS, 5) == 0, "nor where there is no limit");
	ok(warns(usage, &demand, LIMIT_USER, 8, 6) && !warns(usage, &demand, LIMIT_USER, 9, 7), "a user, once");
	unsigned told = 0;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 1000; i++) {
			struct demand user = user_number(i + 10, 10);
			told += warns(usage, &user, LIMIT_USER, 10, 8);
		}
	ok(told == USAGE_USERS_MAX - 1, "no more than a few users are told of");
	struct demand late = user_number(5000, 10);
	ok(warns(usage, &late, LIMIT_USER, 10, 4000000), "until a window later");
	usage_free(usage);
}

static void test_texts(void)
{
	static const struct {
		struct rate rate;
		const char *text;
	} rows[] = {
		{ { 2000, 3600 }, "2000/1h" }, { { 1, 1 }, "1/1s" },      { { 5, 5400 }, "5/90m" },
		{ { 7, 86400 }, "7/1d" },      { { 7, 172800 }, "7/2d" }, { { 3, 61 }, "3/61s" },
	};
	char text[RATE_TEXT_SIZE];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		rate_text(rows[i].rate, text);
		ok(strcmp(text, rows[i].text) == 0, "%s", rows[i].text);
	}
	struct arena arena;
	arena_init(&arena, 0);
	struct facts facts = { .arena = &arena };
	struct demand demand = make_demand(2, 0, 0, NULL);
	struct tally tally = { .status = TALLY_OVER, .over = LIMIT_MESSAGES, .wait_ms = 1001 };
	struct limit_evidence evidence = tally_evidence(&tally, &demand, 1800000000, &facts);
	ok(evidence.complete && evidence.outcome.code == RESULT_FAIL && evidence.outcome.reason == REASON_LIMIT_MESSAGES,
	   "over");
	is_span(evidence.outcome.detail, span_of("2/1h until 2027-01-15T08:00:02Z"), "until when, rounded up");
	tally.status = TALLY_UNKNOWN;
	ok(tally_evidence(&tally, &demand, 0, &facts).outcome.reason == REASON_LIMIT_UNKNOWN, "nobody knows");
	arena_clear(&arena);
}

/* Which user a message counts for. */
static void test_user_ids(void)
{
	static const struct {
		const char *value;
		const char *again;
		const char *id;
	} rows[] = {
		{ " 0058d000002abcd", NULL, "0058d000002abcdAAA" },
		{ "\t0058d000002abcdAAA ", NULL, "0058d000002abcdAAA" },
		{ " 0058d000002abCD", NULL, "0058d000002abCDAAY" },
		{ " 0058d000002abcd", " 0058d000002abcd", NULL },
		{ " 0058d000002abcdAAB", NULL, NULL },
		{ " 00D8d000003TRx3", NULL, NULL },
		{ " 0058d000002abc", NULL, NULL },
		{ " 0058d000002abc}", NULL, NULL },
		{ " 0058d000002ab\r\n cd", NULL, NULL },
		{ "", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
		struct session_input input = good_session();
		struct arena arena;
		struct facts facts;
		settings_complete(settings, unite_options);
		arena_init(&arena, 0);
		facts_begin(&facts, &arena, NULL, settings, &input);
		facts_field(&facts, span_of("X-SFDC-User"), span_of(rows[i].value), true);
		if (rows[i].again)
			facts_field(&facts, span_of("x-sfdc-user"), span_of(rows[i].again), true);
		facts_header_end(&facts, 0);
		struct demand demand = demand_make(&settings->orgs[0], &facts);
		ok(facts.has_user == (rows[i].id != NULL) && strcmp(demand.user.text, rows[i].id ? rows[i].id : "") == 0,
		   "user %zu: %s", i, rows[i].id ? rows[i].id : "none");
		arena_clear(&arena);
		settings_free(settings);
	}
}

int main(void)
{
	test_windows();
	test_window_edges();
	test_local();
	test_users();
	test_threads();
	test_usage();
	test_texts();
	test_user_ids();
	return done_testing();
}
