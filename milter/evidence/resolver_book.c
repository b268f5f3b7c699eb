/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "resolver_private.h"

#define TICK_MS 50
#define REFUSED_AGAIN_MS 1000
#define BATCH 64

/* When each lane is asked, in milliseconds: a packet that has not been answered by then may be lost. */
static const int steps_ms[LANES] = { 0, 500, 2000 };

static bool complete(const struct query *query)
{
	return atomic_load_explicit(&query->response, memory_order_relaxed) != NULL;
}

static bool abandoned(const struct query *query)
{
	return atomic_load_explicit(&query->references, memory_order_relaxed) == 1;
}

bool book_enter(struct resolver *resolver, struct query *query)
{
	bool first = !resolver->newest;

	atomic_fetch_add_explicit(&query->references, 1, memory_order_relaxed);
	query->booked = true;
	query->asked_ms = resolver_now_ms();
	query->older = resolver->newest;
	query->newer = NULL;
	*(resolver->newest ? &resolver->newest->newer : &resolver->oldest) = query;
	resolver->newest = query;
	return first;
}

static bool any_out(const struct query *query)
{
	for (int i = 0; i < LANES; i++)
		if (query->sendings[i].out)
			return true;
	return false;
}

/* Out of the book with a query that is complete, and of which nothing is out. */
static void settle(struct resolver *resolver, struct query *query)
{
	if (!query->booked || !complete(query) || any_out(query))
		return;
	*(query->newer ? &query->newer->older : &resolver->newest) = query->older;
	*(query->older ? &query->older->newer : &resolver->oldest) = query->newer;
	query->booked = false;
	admission_leave(resolver->admission, &query->ticket);
	query_drop(query);
}

static void leave_bucket(struct resolver *resolver, struct query *query)
{
	struct query **link = &resolver->buckets[query->hash % RESOLVER_BUCKETS];
	while (*link && *link != query)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = query->next;
	resolver->counters.under_way--;
}

static void keep(struct resolver *resolver, const struct query *query, struct dns_shared *response)
{
	const struct answer *answer = dns_shared_answer(response);
	bool failed = answer_failed(answer);
	unsigned long max = failed ? 0 : answer_void(answer) ? resolver->negative_max : resolver->ttl_max;
	unsigned long seconds = answer->ttl < max ? answer->ttl : max;
	long long now_ms = resolver_now_ms();

	if (seconds != 0)
		cache_add(resolver->cache, &query->question, response, now_ms + (long long)seconds * 1000);
	if (failed && query->room == ROOM_STRANGER)
		cache_add(resolver->failures, &query->question, response, now_ms + RESOLVER_FAILURE_SECONDS * 1000);
}

/* Publish the answer, which is taken over. */
static void finish(struct resolver *resolver, struct query *query, struct dns_shared *response)
{
	const struct answer *answer = dns_shared_answer(response);

	leave_bucket(resolver, query);
	keep(resolver, query, response);
	resolver->counters.answers[answer->status]++;
	resolver->counters.failed += answer_failed(answer);
	resolver->counters.bogus += answer->status == ANSWER_BOGUS;
	atomic_store_explicit(&query->response, response, memory_order_release);
	query_wake(query);
}

static struct sending *give_out(struct resolver *resolver, struct sending *sending, bool again)
{
	sending->out = true;
	sending->at_ms = 0;
	sending->again = again;
	sending->room = sending->query->room;
	sending->hops = sending->query->hops;
	sending->since_ms = resolver_now_ms();
	if (again)
		resolver->again[sending->room]++;
	return sending;
}

static void take_back(struct resolver *resolver, struct sending *sending)
{
	sending->out = false;
	if (sending->again)
		resolver->again[sending->room]--;
}

struct sending *book_begin(struct resolver *resolver, struct query *query)
{
	for (unsigned i = 0; i < LANES; i++) {
		struct sending *sending = &query->sendings[i];
		sending->query = query;
		sending->lane = (resolver->lead + i) % LANES;
		sending->at_ms = query->asked_ms + steps_ms[i];
	}
	return give_out(resolver, &query->sendings[0], false);
}

/* If it was not the first lane that answered, its server may be dead. */
static void choose_lead(struct resolver *resolver, const struct query *query, const struct sending *sending)
{
	const struct sending *first = &query->sendings[0];
	if (resolver->servers > 1 && sending != first && first->out && first->lane == resolver->lead)
		resolver->lead = sending->lane;
}

void sending_answered(struct sending *sending, struct dns_shared *response)
{
	struct query *query = sending->query;
	struct resolver *resolver = query->resolver;

	pthread_mutex_lock(&resolver->lock);
	take_back(resolver, sending);
	if (!complete(query)) {
		choose_lead(resolver, query, sending);
		finish(resolver, query, response);
	} else {
		/* Too late for those who asked, but the next ones need not ask. */
		keep(resolver, query, response);
		dns_shared_drop(response);
	}
	settle(resolver, query);
	pthread_mutex_unlock(&resolver->lock);
}

static bool refused_for_good(const struct resolver *resolver, const struct query *query)
{
	return query->refusals > (resolver->servers > 1 ? 2U : 1U);
}

/* A server answered with a failure: another one is asked at once, and where there is none, it is asked after a second. */
static void refuse(struct resolver *resolver, struct query *query, struct sending *refused, long long now_ms)
{
	query->refusals++;
	if (refused_for_good(resolver, query)) {
		finish(resolver, query, dns_shared_take(resolver->failure));
		return;
	}
	long long at_ms = now_ms + (query->refusals < resolver->servers ? 0 : REFUSED_AGAIN_MS);
	struct sending *next = NULL;
	for (int i = 0; i < LANES; i++) {
		struct sending *sending = &query->sendings[i];
		if (sending->out || sending->at_ms == 0)
			continue;
		if (!next)
			next = sending;
		if (sending->at_ms < at_ms)
			sending->at_ms = at_ms;
	}
	(next ? next : refused)->at_ms = at_ms;
}

/* A name that is none cannot exist. To call that a failure would let a sender have his mail deferred for ever. */
void sending_failed(struct sending *sending, int code)
{
	struct query *query = sending->query;
	struct resolver *resolver = query->resolver;

	pthread_mutex_lock(&resolver->lock);
	long long now_ms = resolver_now_ms();
	/* What was waited for in full was not answered; what failed before, a server refused. */
	bool silent = now_ms - sending->since_ms >= (long long)resolver->patience_ms - resolver->patience_ms / 10;
	take_back(resolver, sending);
	if (complete(query))
		;
	else if (code == UB_SYNTAX)
		finish(resolver, query, dns_shared_take(resolver->no_such_name));
	else if (silent)
		sending->at_ms = now_ms;
	else
		refuse(resolver, query, sending, now_ms);
	settle(resolver, query);
	pthread_mutex_unlock(&resolver->lock);
}

/* Whether a query under way has come to its end by the clock, or because nobody wants it. */
static struct dns_shared *end_of(const struct resolver *resolver, const struct query *query, long long now_ms)
{
	if (query->pause_until_ms != 0)
		return now_ms >= query->pause_until_ms ? resolver->nothing : NULL;
	if (query->room == ROOM_STRANGER && now_ms - query->asked_ms >= (long long)resolver->brief_ms)
		return resolver->failure;
	return abandoned(query) && !any_out(query) ? resolver->failure : NULL;
}

static bool may_ask_again(const struct resolver *resolver, enum room room)
{
	static const unsigned caps[ROOMS] = { [ROOM_NAMED] = RESOLVER_AGAIN_NAMED,
		                                  [ROOM_BELOW] = RESOLVER_AGAIN_BELOW,
		                                  [ROOM_STRANGER] = RESOLVER_AGAIN_STRANGER };
	return resolver->again[room] < caps[room];
}

/* What is due of one query is put at due, LANES at most. Returns how many. */
static size_t look_at(struct resolver *resolver, struct query *query, long long now_ms, struct sending **due)
{
	size_t count = 0;
	struct dns_shared *end = complete(query) ? NULL : end_of(resolver, query, now_ms);

	if (end) {
		finish(resolver, query, dns_shared_take(end));
		settle(resolver, query);
		return 0;
	}
	if (complete(query) || abandoned(query))
		return 0;
	for (int i = 0; i < LANES; i++) {
		struct sending *sending = &query->sendings[i];
		if (sending->out || sending->at_ms == 0 || now_ms < sending->at_ms)
			continue;
		if (i == 0 || may_ask_again(resolver, query->room))
			due[count++] = give_out(resolver, sending, i != 0);
	}
	return count;
}

/* Returns whether the book is empty. */
static bool tick(struct resolver *resolver)
{
	struct sending *due[BATCH];
	size_t count;
	bool empty;

	do {
		long long now_ms = resolver_now_ms();
		struct query *newer;
		count = 0;
		pthread_mutex_lock(&resolver->lock);
		for (struct query *query = resolver->oldest; query && count + LANES <= BATCH; query = newer) {
			newer = query->newer;
			count += look_at(resolver, query, now_ms, &due[count]);
		}
		empty = !resolver->newest;
		pthread_mutex_unlock(&resolver->lock);
		for (size_t i = 0; i < count; i++)
			query_send(due[i]);
	} while (count + LANES > BATCH);
	return empty;
}

/* False: the end has come. */
static bool drain(int fd)
{
	char bytes[64];
	ssize_t got = read(fd, bytes, sizeof bytes);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

void *dispatch(void *context)
{
	struct resolver *resolver = context;
	struct pollfd files[LANES + 1];
	long long ticked_ms = 0;
	bool idle = true;

	for (int i = 0; i < LANES; i++)
		files[i].fd = ub_fd(resolver->contexts[i]);
	files[LANES].fd = resolver->wake[0];
	for (int i = 0; i <= LANES; i++)
		files[i].events = POLLIN;
	for (;;) {
		if (poll(files, LANES + 1, idle ? -1 : TICK_MS) < 0 && errno != EINTR)
			return NULL;
		if (files[LANES].revents != 0) {
			if (!drain(resolver->wake[0]))
				return NULL;
			idle = false;
		}
		for (int i = 0; i < LANES; i++)
			if (files[i].revents != 0)
				ub_process(resolver->contexts[i]);
		if (!idle && resolver_now_ms() - ticked_ms >= TICK_MS) {
			idle = tick(resolver);
			ticked_ms = resolver_now_ms();
		}
	}
}

void book_close(struct resolver *resolver)
{
	while (resolver->oldest) {
		struct query *query = resolver->oldest;
		for (int i = 0; i < LANES; i++)
			query->sendings[i].out = false;
		if (!complete(query))
			finish(resolver, query, dns_shared_take(resolver->failure));
		settle(resolver, query);
	}
}
