/* SPDX-License-Identifier: BSD-2-Clause */
/* live: snapshots under threads that take and drop while another replaces. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "config/live.h"
#include "tap.h"

#define THREADS 4
#define ROUNDS 5000
#define REPLACEMENTS 500

/* Settings that can be told apart and whose freed memory shows under a sanitizer. */
static struct settings *make(unsigned number)
{
	struct settings *settings = settings_new();
	if (settings) {
		settings->message_timeout = number;
		settings->user = arena_printf(&settings->arena, "user%u", number);
	}
	return settings;
}

struct reader {
	struct live *live;
	pthread_t thread;
	unsigned last;
	bool wrong;
};

static atomic_bool go;

static void *read_on(void *argument)
{
	struct reader *reader = argument;
	while (!atomic_load(&go))
		;
	for (unsigned i = 0; i < ROUNDS; i++) {
		char wanted[32];
		struct snapshot *snapshot = live_take(reader->live);
		const struct settings *settings = snapshot_settings(snapshot);
		snprintf(wanted, sizeof wanted, "user%u", settings->message_timeout);
		if (!span_equal(settings->user, span_of(wanted)) || settings->message_timeout < reader->last)
			reader->wrong = true;
		reader->last = settings->message_timeout;
		snapshot_drop(snapshot);
	}
	return NULL;
}

static void test_threads(void)
{
	struct reader readers[THREADS] = { 0 };
	struct live *live = live_new(make(1));
	size_t started = 0;
	bool right = true;
	bool replaced = true;
	for (; started < THREADS; started++) {
		readers[started].live = live;
		if (pthread_create(&readers[started].thread, NULL, read_on, &readers[started]) != 0)
			break;
	}
	atomic_store(&go, true);
	for (unsigned i = 2; i < REPLACEMENTS; i++)
		replaced = live_replace(live, make(i)) && replaced;
	for (size_t i = 0; i < started; i++) {
		pthread_join(readers[i].thread, NULL);
		right = right && !readers[i].wrong;
	}
	ok(started == THREADS, "threads run");
	ok(replaced, "every replacement took place");
	ok(right, "each thread sees whole settings, and never older ones after newer ones");
	live_free(live);
}

static void test_lifetime(void)
{
	struct live *live = live_new(make(1));
	struct snapshot *old = live_take(live);
	struct snapshot *again = live_take(live);
	ok(old == again, "what is in force is shared");
	ok(live_replace(live, make(2)), "replace");
	struct snapshot *new = live_take(live);
	ok(snapshot_settings(new)->message_timeout == 2, "the new settings are in force");
	ok(snapshot_generation(old) == 1 && snapshot_generation(new) == 2, "which are told apart, wherever they lie");
	ok(snapshot_settings(old)->message_timeout == 1, "a message under way keeps the old ones");
	snapshot_drop(old);
	is_span(snapshot_settings(again)->user, span_of("user1"), "until the last one drops them");
	snapshot_drop(again);
	live_free(live);
	is_span(snapshot_settings(new)->user, span_of("user2"), "a snapshot outlives the live object");
	snapshot_drop(new);
	snapshot_drop(NULL);
	live_free(NULL);
	ok(true, "NULL is harmless");
}

int main(void)
{
	test_lifetime();
	test_threads();
	return done_testing();
}
