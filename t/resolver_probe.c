/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolver_probe: a resolver on a leash, for adapter_resolver.t. Arguments: OPTION=VALUE. Then a command a line:
 *
 *   ask ID TYPE NAME [WORD=VALUE]...   put a question under a number below 1000, as whom the words say: room=below or
 *                          room=stranger, share=NAME, group=NAME, vetted=1, exact=1
 *   pause ID MS            a query that asks nothing
 *   learn TYPE NAME        the answer was good for something
 *   wait MS ID...          wait for one of them; prints "woken" or "time"
 *   show ID                print the answer
 *   drop ID                let go
 *   watch ID               be told; prints "watching", or "complete" if there is nothing to wait for
 *   unwatch ID             no longer
 *   told ID                how often the watcher was called
 *   count                  print the counters
 *   reload                 a new resolver with the same options; queries keep theirs
 *   storm THREADS N TYPE NAME   N asks and waits in each of so many threads; prints how many were answered
 *   race THREADS N TYPE NAME    watchers come and go while answers come, for the N names 0.NAME, 1.NAME ... in each of so
 *                          many threads; prints what became of them
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/resolver.h"

#define QUERIES 1000

static const char *const types[] = { "A", "AAAA", "MX", "PTR", "TXT" };
static const char *const statuses[] = { "pending", "found", "nodata", "nxdomain", "tempfail", "bogus", "busy" };

struct slot {
	struct resolver *resolver;
	struct query *query;
	struct query_watcher watcher;
	bool watches;
	atomic_uint told;
};

static struct settings *read_settings(int argc, char **argv)
{
	struct settings *settings = settings_new();
	if (!settings)
		exit(2);
	settings->dns.nameservers = set_new(&settings->arena, SET_EXACT);
	settings->dns.cache_ttl_max = 3600;
	settings->dns.cache_negative_max = 60;
	settings->message_timeout = 2;
	for (int i = 1; i < argc; i++) {
		struct span argument = span_of(argv[i]);
		size_t equals = span_find(argument, 0, '=');
		struct span name = span_slice(argument, 0, equals);
		struct span value = span_slice(argument, equals + 1, argument.length);
		if (span_equal(name, span_of("nameserver")))
			set_add(settings->dns.nameservers, value);
		else if (span_equal(name, span_of("trust_anchor")))
			settings->dns.trust_anchor = value;
		else if (span_equal(name, span_of("local_data")))
			settings->dns.local_data = value;
		else if (span_equal(name, span_of("ttl_max")))
			settings->dns.cache_ttl_max = (unsigned)atoi(value.at);
		else if (span_equal(name, span_of("negative_max")))
			settings->dns.cache_negative_max = (unsigned)atoi(value.at);
		else if (span_equal(name, span_of("timeout")))
			settings->message_timeout = (unsigned)atoi(value.at);
	}
	return settings;
}

static struct question read_question(const char *type, const char *name)
{
	struct question question = { RECORD_A, span_of(name) };
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(type, types[i]) == 0)
			question.type = (enum record_type)i;
	return question;
}

static void print_text(struct span text)
{
	for (size_t i = 0; i < text.length && i < 200; i++)
		printf(text.at[i] > ' ' && text.at[i] < 0x7f ? "%c" : "\\x%02x", (unsigned char)text.at[i]);
	if (text.length > 200)
		printf("...%zu", text.length);
}

static void show(const struct query *query)
{
	const struct answer *answer = query_answer(query);
	char address[ADDRESS_TEXT_SIZE];

	if (!answer) {
		puts("pending");
		return;
	}
	printf("%s secure=%d ttl=%lu cached=%d", statuses[answer->status], answer->secure, answer->ttl,
	       !query_was_asked(query) && answer->status != ANSWER_BUSY);
	for (size_t i = 0; i < answer->chain_count; i++) {
		printf(" via=");
		print_text(answer->chain[i]);
	}
	for (size_t i = 0; i < answer->count; i++) {
		address_format(&answer->records[i].address, address);
		printf(" [%s%u/", address, answer->records[i].preference);
		print_text(answer->records[i].text);
		putchar(']');
	}
	putchar('\n');
}

/* The words behind a question. NULL: there are none. */
static const struct applicant *read_applicant(char *words, struct applicant *applicant)
{
	char *save = NULL;
	struct applicant none = { .room = ROOM_NAMED };
	*applicant = none;
	char *word = strtok_r(words, " ", &save);
	if (!word)
		return NULL;
	for (; word; word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "room=below") == 0)
			applicant->room = ROOM_BELOW;
		else if (strcmp(word, "room=stranger") == 0)
			applicant->room = ROOM_STRANGER;
		else if (strncmp(word, "share=", 6) == 0)
			applicant->share = span_of(word + 6);
		else if (strncmp(word, "group=", 6) == 0)
			applicant->group = span_of(word + 6);
		else if (strcmp(word, "vetted=1") == 0)
			applicant->vetted = true;
		else if (strcmp(word, "exact=1") == 0)
			applicant->exact = true;
		else
			puts("what?");
	}
	return applicant;
}

struct storm {
	struct resolver *resolver;
	struct question question;
	int rounds;
	int answered;
};

static void *run_storm(void *context)
{
	struct storm *storm = context;
	for (int i = 0; i < storm->rounds; i++) {
		struct query *query = resolver_ask(storm->resolver, &storm->question, NULL);
		if (query && resolver_wait(storm->resolver, &query, 1, resolver_now_ms() + 60000)
		    && query_answer(query)->status == ANSWER_FOUND)
			storm->answered++;
		query_drop(query);
	}
	return NULL;
}

static void storm(struct resolver *resolver, int threads, int rounds, struct question question)
{
	pthread_t ids[64];
	struct storm storms[64];
	int answered = 0;
	for (int i = 0; i < threads && i < 64; i++) {
		struct storm one = { resolver, question, rounds, 0 };
		storms[i] = one;
		if (pthread_create(&ids[i], NULL, run_storm, &storms[i]) != 0)
			exit(2);
	}
	for (int i = 0; i < threads && i < 64; i++) {
		pthread_join(ids[i], NULL);
		answered += storms[i].answered;
	}
	printf("answered %d\n", answered);
}

static void tell(void *context)
{
	atomic_fetch_add((atomic_uint *)context, 1);
}

/* What became of the watchers of one thread. */
struct race {
	struct resolver *resolver;
	enum record_type type;
	const char *name;
	unsigned seed;
	int rounds;
	int complete; /* there was nothing to wait for */
	int woken;
	int gone; /* not woken before they went */
	int wrong;
};

/* A watcher in memory of its own, which is set free as soon as it may be. */
struct runner {
	struct query_watcher watcher;
	atomic_uint told;
};

static void run_round(struct race *race, struct query *query, struct runner *runner)
{
	runner->watcher.wake = tell;
	runner->watcher.context = &runner->told;
	atomic_init(&runner->told, 0);
	if (!query_watch(query, &runner->watcher)) {
		race->complete++;
		race->wrong += !query_answer(query) || atomic_load(&runner->told) != 0;
		return;
	}
	race->seed = race->seed * 1103515245 + 12345;
	switch (race->seed >> 16 & 3) {
	case 0:
		break;
	case 1:
		resolver_wait(race->resolver, &query, 1, resolver_now_ms() + 1);
		break;
	default:
		resolver_wait(race->resolver, &query, 1, resolver_now_ms() + 60000);
		break;
	}
	query_unwatch(query, &runner->watcher);
	unsigned told = atomic_load(&runner->told);
	race->woken += told == 1;
	race->gone += told == 0;
	race->wrong += told > 1 || (told == 1 && !query_answer(query));
}

static void *run_race(void *context)
{
	struct race *race = context;
	char name[2100];
	for (int i = 0; i < race->rounds; i++) {
		snprintf(name, sizeof name, "%d.%s", i, race->name);
		struct question question = { race->type, span_of(name) };
		struct query *query = resolver_ask(race->resolver, &question, NULL);
		struct runner *runner = malloc(sizeof *runner);
		if (!query || !runner)
			exit(2);
		run_round(race, query, runner);
		free(runner);
		query_drop(query);
	}
	return NULL;
}

static void run_races(struct resolver *resolver, int threads, int rounds, struct question question)
{
	pthread_t ids[64];
	struct race races[64];
	struct race all = { 0 };
	for (int i = 0; i < threads && i < 64; i++) {
		struct race one = {
			.resolver = resolver, .type = question.type, .name = question.name.at, .seed = (unsigned)i, .rounds = rounds
		};
		races[i] = one;
		if (pthread_create(&ids[i], NULL, run_race, &races[i]) != 0)
			exit(2);
	}
	for (int i = 0; i < threads && i < 64; i++) {
		pthread_join(ids[i], NULL);
		all.complete += races[i].complete;
		all.woken += races[i].woken;
		all.gone += races[i].gone;
		all.wrong += races[i].wrong;
	}
	printf("complete=%d woken=%d gone=%d wrong=%d\n", all.complete, all.woken, all.gone, all.wrong);
}

static void wait_for(struct slot *slots, char *arguments)
{
	struct query *queries[QUERIES];
	size_t count = 0;
	char *save = NULL;
	long long ms = atoll(strtok_r(arguments, " ", &save));
	struct resolver *resolver = NULL;
	for (char *id = strtok_r(NULL, " ", &save); id && count < QUERIES; id = strtok_r(NULL, " ", &save)) {
		queries[count++] = slots[atoi(id) % QUERIES].query;
		resolver = slots[atoi(id) % QUERIES].resolver;
	}
	puts(resolver && resolver_wait(resolver, queries, count, resolver_now_ms() + ms) ? "woken" : "time");
}

static void watch(struct slot *slot)
{
	slot->watcher.wake = tell;
	slot->watcher.context = &slot->told;
	atomic_store(&slot->told, 0);
	slot->watches = true;
	puts(query_watch(slot->query, &slot->watcher) ? "watching" : "complete");
}

static void unwatch(struct slot *slot)
{
	if (slot->watches)
		query_unwatch(slot->query, &slot->watcher);
	slot->watches = false;
}

static void drop(struct slot *slot)
{
	unwatch(slot);
	query_drop(slot->query);
	resolver_drop(slot->resolver);
	slot->query = NULL;
	slot->resolver = NULL;
}

static void count(struct resolver *resolver)
{
	struct resolver_counters counters;
	resolver_count(resolver, &counters);
	printf("asked=%llu cached=%llu joined=%llu busy=%llu failed=%llu bogus=%llu under_way=%lu entries=%lu\n",
	       counters.asked, counters.cached, counters.joined, counters.busy, counters.failed, counters.bogus,
	       counters.under_way, counters.entries);
}

int main(int argc, char **argv)
{
	static struct slot slots[QUERIES];
	static char line[4096];
	char error[RESOLVER_ERROR_SIZE];
	struct settings *settings = read_settings(argc, argv);
	struct resolver *resolver = resolver_new(settings, error);

	if (!resolver) {
		printf("error %s\n", error);
		settings_free(settings);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		char type[16];
		static char name[2048];
		int id = 0, threads = 0, rounds = 0, words = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "ask %d %15s %2047s%n", &id, type, name, &words) == 3) {
			struct question question = read_question(type, name);
			struct applicant applicant;
			struct slot *slot = &slots[id % QUERIES];
			drop(slot);
			slot->resolver = resolver_take(resolver);
			slot->query = resolver_ask(resolver, &question, read_applicant(line + words, &applicant));
			puts(query_answer(slot->query) ? "complete" : "asked");
		} else if (sscanf(line, "pause %d %d", &id, &rounds) == 2) {
			drop(&slots[id % QUERIES]);
			slots[id % QUERIES].resolver = resolver_take(resolver);
			slots[id % QUERIES].query = resolver_pause(resolver, (unsigned)rounds);
			puts("paused");
		} else if (sscanf(line, "learn %15s %2047s", type, name) == 2) {
			struct question question = read_question(type, name);
			resolver_learn(resolver, &question);
			puts("learnt");
		} else if (strncmp(line, "wait ", 5) == 0) {
			wait_for(slots, line + 5);
		} else if (sscanf(line, "show %d", &id) == 1) {
			show(slots[id % QUERIES].query);
		} else if (sscanf(line, "drop %d", &id) == 1) {
			drop(&slots[id % QUERIES]);
			puts("dropped");
		} else if (sscanf(line, "watch %d", &id) == 1) {
			watch(&slots[id % QUERIES]);
		} else if (sscanf(line, "unwatch %d", &id) == 1) {
			unwatch(&slots[id % QUERIES]);
			puts("unwatched");
		} else if (sscanf(line, "told %d", &id) == 1) {
			printf("%u\n", atomic_load(&slots[id % QUERIES].told));
		} else if (sscanf(line, "race %d %d %15s %2047s", &threads, &rounds, type, name) == 4) {
			run_races(resolver, threads, rounds, read_question(type, name));
		} else if (sscanf(line, "storm %d %d %15s %2047s", &threads, &rounds, type, name) == 4) {
			storm(resolver, threads, rounds, read_question(type, name));
		} else if (strcmp(line, "count") == 0) {
			count(resolver);
		} else if (strcmp(line, "reload") == 0) {
			struct resolver *old = resolver;
			resolver = resolver_new(settings, error);
			if (!resolver)
				return 2;
			resolver_inherit(resolver, old);
			resolver_drop(old);
			puts("reloaded");
		} else {
			puts("what?");
		}
		fflush(stdout);
	}
	for (int i = 0; i < QUERIES; i++)
		drop(&slots[i]);
	resolver_drop(resolver);
	settings_free(settings);
	return 0;
}
