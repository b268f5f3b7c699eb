/* SPDX-License-Identifier: BSD-2-Clause */
/* cache and response: copies, references, times, bounds, the order in which entries go. */
#include <stdlib.h>

#include "evidence/cache.h"
#include "tap.h"

static struct dns_shared *make(const char *text)
{
	struct answer_record record = { .text = span_of(text) };
	struct span chain[] = { SPAN_LITERAL("one.example"), SPAN_LITERAL("two.example") };
	struct answer answer = { .status = ANSWER_FOUND,
		                     .secure = true,
		                     .ttl = 7,
		                     .count = 1,
		                     .records = &record,
		                     .chain_count = 2,
		                     .chain = chain };
	return dns_shared_new(&answer);
}

static struct question ask(enum record_type type, const char *name)
{
	struct question question = { type, span_of(name) };
	return question;
}

/* Whether the cache holds that text under that name. */
static bool holds(struct cache *cache, const char *name, const char *text, long long now)
{
	struct question question = ask(RECORD_TXT, name);
	struct dns_shared *response = cache_find(cache, &question, now);
	bool found = response && span_equal(dns_shared_answer(response)->records[0].text, span_of(text));
	dns_shared_drop(response);
	return found;
}

static void add(struct cache *cache, const char *name, const char *text, long long expires)
{
	struct question question = ask(RECORD_TXT, name);
	struct dns_shared *response = make(text);
	cache_add(cache, &question, response, expires);
	dns_shared_drop(response);
}

static void test_response(void)
{
	char text[] = "volatile";
	struct dns_shared *response = make(text);
	text[0] = 'X';
	const struct answer *answer = dns_shared_answer(response);
	ok(answer->status == ANSWER_FOUND && answer->secure && answer->ttl == 7 && answer->count == 1,
	   "the answer's values");
	is_span(answer->records[0].text, span_of("volatile"), "a copy of its texts");
	ok(answer->chain_count == 2, "the length of its chain");
	is_span(answer->chain[1], span_of("two.example"), "a copy of its chain");
	ok(dns_shared_take(response) == response, "one more reference");
	dns_shared_drop(response);
	is_span(dns_shared_answer(response)->chain[0], span_of("one.example"), "it lives as long as one reference does");
	dns_shared_drop(response);
	dns_shared_drop(NULL);
	struct answer_record empty = { .text = { "", 0 } };
	struct answer small = { .status = ANSWER_FOUND, .count = 1, .records = &empty };
	response = dns_shared_new(&small);
	ok(!span_absent(dns_shared_answer(response)->records[0].text), "an empty text stays empty, not absent");
	dns_shared_drop(response);
}

static void test_time(void)
{
	struct cache *cache = cache_new(10, 100000);
	add(cache, "a.example", "first", 1000);
	ok(holds(cache, "a.example", "first", 999), "until its time is up");
	ok(holds(cache, "A.Example", "first", 999), "without regard to case");
	struct question other = ask(RECORD_A, "a.example");
	ok(cache_find(cache, &other, 0) == NULL, "another type is another question");
	add(cache, "a.example", "second", 2000);
	ok(holds(cache, "a.example", "second", 999) && cache_entries(cache) == 1, "a newer answer takes its place");
	ok(!holds(cache, "a.example", "second", 2000) && cache_entries(cache) == 0, "then it is gone");
	add(cache, "", "root", 10);
	ok(holds(cache, "", "root", 0), "the root has a name too");
	cache_free(cache);
	cache_free(NULL);
}

static void test_bounds(void)
{
	struct cache *cache = cache_new(3, 100000);
	add(cache, "a", "1", 100);
	add(cache, "b", "2", 100);
	add(cache, "c", "3", 100);
	ok(holds(cache, "a", "1", 0), "the oldest is asked for");
	add(cache, "d", "4", 100);
	ok(cache_entries(cache) == 3 && !holds(cache, "b", "2", 0), "so the next one goes");
	ok(holds(cache, "a", "1", 0) && holds(cache, "c", "3", 0) && holds(cache, "d", "4", 0), "and the others stay");
	cache_free(cache);

	char *large = calloc(1, 4001);
	memset(large, 'x', 4000);
	cache = cache_new(1000, 10000);
	for (int i = 0; i < 10; i++) {
		char name[8];
		snprintf(name, sizeof name, "n%d", i);
		add(cache, name, large, 100);
	}
	ok(cache_entries(cache) == 2, "as many as there is room for");
	ok(holds(cache, "n9", large, 0) && !holds(cache, "n7", large, 0), "the last ones");
	cache_free(cache);
	cache = cache_new(10, 1000);
	add(cache, "a", "small", 100);
	add(cache, "b", large, 100);
	ok(holds(cache, "a", "small", 0) && !holds(cache, "b", large, 0),
	   "one too large is not kept, and drives out nothing");
	add(cache, "a", large, 100);
	ok(cache_entries(cache) == 0, "but what it was to replace is gone");
	cache_free(cache);
	free(large);
}

static void test_many(void)
{
	struct cache *cache = cache_new(1000, (size_t)1 << 30);
	bool all = true;
	for (int i = 0; i < 5000; i++) {
		char name[32];
		snprintf(name, sizeof name, "name%d.example", i);
		add(cache, name, name, 100);
		all = all && holds(cache, name, name, 0);
	}
	ok(all && cache_entries(cache) == 1000, "thousands of names");
	cache_free(cache);
}

static void test_hash(void)
{
	static const uint64_t keys[2][2] = { { 1, 2 }, { 1, 3 } };
	struct question a = ask(RECORD_A, "a.example");
	struct question upper = ask(RECORD_A, "A.EXAMPLE");
	struct question type = ask(RECORD_TXT, "a.example");
	struct question longer = { RECORD_A, span_make("a.example\0", 10) };
	ok(cache_hash(keys[0], &a) == cache_hash(keys[0], &upper), "case does not change the hash");
	ok(cache_hash(keys[0], &a) != cache_hash(keys[1], &a), "the key does");
	ok(cache_hash(keys[0], &a) != cache_hash(keys[0], &type), "the type does");
	ok(cache_hash(keys[0], &a) != cache_hash(keys[0], &longer), "the length does");
}

int main(void)
{
	test_response();
	test_time();
	test_bounds();
	test_many();
	test_hash();
	return done_testing();
}
