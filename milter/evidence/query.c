/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/resolver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evidence/dns_message.h"
#include "resolver_private.h"

#define DNS_CLASS_IN 1
#define RCODE_NOERROR 0
#define RCODE_NXDOMAIN 3

long long resolver_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct query *query_new(struct resolver *resolver, const struct question *question)
{
	struct query *query = malloc(sizeof *query + question->name.length + 1);
	if (!query)
		return NULL;
	memset(query, 0, sizeof *query);
	atomic_init(&query->references, 1);
	atomic_init(&query->response, NULL);
	query->resolver = resolver;
	query->watchers_end = &query->watchers;
	query->hash = cache_hash(resolver->key, question);
	if (question->name.length != 0)
		memcpy(query->name, question->name.at, question->name.length);
	query->name[question->name.length] = '\0';
	query->question.type = question->type;
	query->question.name = span_make(query->name, question->name.length);
	return query;
}

void query_drop(struct query *query)
{
	if (!query || atomic_fetch_sub_explicit(&query->references, 1, memory_order_acq_rel) != 1)
		return;
	dns_shared_drop(atomic_load_explicit(&query->response, memory_order_acquire));
	dns_shared_drop(query->partial);
	free(query);
}

const struct answer *query_answer(const struct query *query)
{
	const struct dns_shared *response = atomic_load_explicit(&query->response, memory_order_acquire);
	return response ? dns_shared_answer(response) : NULL;
}

bool query_was_asked(const struct query *query)
{
	const struct answer *answer = query_answer(query);
	return !query->was_cached && !(answer && answer->status == ANSWER_BUSY);
}

/* The library sets data and RCODE for a bogus answer too, so that is asked first. */
static bool read_result(const struct ub_result *result, const struct question *question, struct arena *arena,
                        struct answer *answer_r)
{
	answer_r->secure = result->secure;
	answer_r->ttl = result->ttl > 0 ? (unsigned long)result->ttl : 0;
	if (result->bogus) {
		answer_r->status = ANSWER_BOGUS;
		return true;
	}
	if ((result->rcode != RCODE_NOERROR && result->rcode != RCODE_NXDOMAIN) || result->answer_len <= 0
	    || !dns_message_parse(result->answer_packet, (size_t)result->answer_len, question, arena, answer_r))
		return false;
	if (result->rcode == RCODE_NXDOMAIN) {
		answer_r->status = ANSWER_NXDOMAIN;
		answer_r->count = 0;
	}
	return (answer_r->status == ANSWER_FOUND) == (result->havedata != 0);
}

/* The last name of the chain so far. */
static struct span chain_end(const struct answer *answer)
{
	return answer->chain[answer->chain_count - 1];
}

/* Put the aliases that were followed before in front of those of this answer. */
static bool join_chains(const struct query *query, struct arena *arena, struct answer *answer)
{
	if (!query->partial)
		return true;
	const struct answer *before = dns_shared_answer(query->partial);
	size_t count = before->chain_count + answer->chain_count;
	struct span *chain = arena_array(arena, count, sizeof *chain);
	if (!chain)
		return false;
	memcpy(chain, before->chain, before->chain_count * sizeof *chain);
	if (answer->chain_count != 0)
		memcpy(chain + before->chain_count, answer->chain, answer->chain_count * sizeof *chain);
	answer->chain = chain;
	answer->chain_count = count;
	answer->secure = answer->secure && before->secure;
	if (before->ttl < answer->ttl)
		answer->ttl = before->ttl;
	return true;
}

/* Ask for the end of the chain, keeping the chain. */
static bool follow_on(struct query *query, const struct answer *answer)
{
	struct dns_shared *partial = dns_shared_new(answer);

	if (!partial || chain_end(answer).length >= ANSWER_NAME_SIZE) {
		dns_shared_drop(partial);
		return false;
	}
	dns_shared_drop(query->partial);
	query->partial = partial;
	return true;
}

/* The library does not follow a CNAME that stands in local data. One that cannot be followed is a failure. */
static bool follow(struct query *query, struct answer *answer)
{
	if (!query->resolver->local_data || answer->status != ANSWER_NODATA || answer->chain_count == 0)
		return false;
	bool following = ++query->hops <= PACKET_CHAIN_MAX && follow_on(query, answer);
	if (!following)
		answer->status = ANSWER_TEMPFAIL;
	return following;
}

/* The answer as it is now, in arena. False: the query failed. */
static bool read_answer(const struct query *query, const struct ub_result *result, struct arena *arena,
                        struct answer *answer_r)
{
	struct question question = query->question;
	if (query->partial)
		question.name = chain_end(dns_shared_answer(query->partial));
	return read_result(result, &question, arena, answer_r) && join_chains(query, arena, answer_r);
}

/* All results come in the dispatcher's thread. */
static void on_result(void *context, int code, struct ub_result *result)
{
	struct sending *sending = context;
	struct query *query = sending->query;
	struct dns_shared *response = NULL;
	struct answer answer;
	struct arena arena;

	memset(&answer, 0, sizeof answer);
	arena_init(&arena, 0);
	/* A result from before an alias was followed is none. */
	bool read = code == 0 && result && sending->hops == query->hops && read_answer(query, result, &arena, &answer);
	bool following = read && follow(query, &answer);
	if (read && !following)
		response = dns_shared_new(&answer);
	arena_clear(&arena);
	ub_resolve_free(result);
	if (following) {
		sending->hops = query->hops;
		query_send(sending);
	} else if (response) {
		sending_answered(sending, response);
	} else {
		sending_failed(sending, code);
	}
}

void query_send(struct sending *sending)
{
	struct query *query = sending->query;
	struct ub_ctx *context = query->resolver->contexts[sending->lane];
	int type = (int)dns_message_type_number(query->question.type);
	char target[ANSWER_NAME_SIZE];
	const char *name = query->name;

	if (query->partial) {
		struct span end = chain_end(dns_shared_answer(query->partial));
		memcpy(target, end.at, end.length);
		target[end.length] = '\0';
		name = target;
	}
	int code = ub_resolve_async(context, name, type, DNS_CLASS_IN, sending, on_result, NULL);
	if (code != 0)
		sending_failed(sending, code);
}

/* At the end of the list, so that who came first is woken first. */
static void watcher_enter(struct query *query, struct query_watcher *watcher)
{
	watcher->next = NULL;
	watcher->link = query->watchers_end;
	*watcher->link = watcher;
	query->watchers_end = &watcher->next;
}

static void watcher_leave(struct query *query, struct query_watcher *watcher)
{
	if (!watcher->link)
		return;
	*watcher->link = watcher->next;
	if (watcher->next)
		watcher->next->link = watcher->link;
	else
		query->watchers_end = watcher->link;
	watcher->link = NULL;
}

void query_wake(struct query *query)
{
	struct query_watcher *watcher;
	while ((watcher = query->watchers) != NULL) {
		watcher_leave(query, watcher);
		watcher->wake(watcher->context);
	}
}

bool query_watch(struct query *query, struct query_watcher *watcher)
{
	watcher->link = NULL;
	if (query_answer(query))
		return false;
	pthread_mutex_lock(&query->resolver->lock);
	bool pending = !query_answer(query);
	if (pending)
		watcher_enter(query, watcher);
	pthread_mutex_unlock(&query->resolver->lock);
	return pending;
}

void query_unwatch(struct query *query, struct query_watcher *watcher)
{
	pthread_mutex_lock(&query->resolver->lock);
	watcher_leave(query, watcher);
	pthread_mutex_unlock(&query->resolver->lock);
}

/* A thread that waits; it lives on that thread's stack. */
struct waiter {
	pthread_cond_t signal;
	bool woken;
};

static void wake_waiter(void *context)
{
	struct waiter *waiter = context;
	waiter->woken = true;
	pthread_cond_signal(&waiter->signal);
}

static size_t watch_all(struct query *const *queries, size_t count, struct waiter *waiter,
                        struct query_watcher *watchers)
{
	if (count > RESOLVER_WAIT_MAX)
		count = RESOLVER_WAIT_MAX;
	for (size_t i = 0; i < count; i++) {
		watchers[i].wake = wake_waiter;
		watchers[i].context = waiter;
		watcher_enter(queries[i], &watchers[i]);
	}
	return count;
}

static bool any_complete(struct query *const *queries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (query_answer(queries[i]))
			return true;
	return false;
}

bool resolver_wait(struct resolver *resolver, struct query *const *queries, size_t count, long long deadline_ms)
{
	struct query_watcher watchers[RESOLVER_WAIT_MAX];
	struct waiter waiter;
	struct timespec until = { .tv_sec = (time_t)(deadline_ms / 1000), .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
	pthread_condattr_t attributes;

	if (any_complete(queries, count) || count == 0 || deadline_ms <= resolver_now_ms())
		return any_complete(queries, count);
	if (pthread_condattr_init(&attributes) != 0)
		return false;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int code = pthread_cond_init(&waiter.signal, &attributes);
	pthread_condattr_destroy(&attributes);
	if (code != 0)
		return false;
	pthread_mutex_lock(&resolver->lock);
	waiter.woken = any_complete(queries, count);
	size_t watched = waiter.woken ? 0 : watch_all(queries, count, &waiter, watchers);
	while (!waiter.woken && code == 0)
		code = pthread_cond_timedwait(&waiter.signal, &resolver->lock, &until);
	for (size_t i = 0; i < watched; i++)
		watcher_leave(queries[i], &watchers[i]);
	pthread_mutex_unlock(&resolver->lock);
	pthread_cond_destroy(&waiter.signal);
	return waiter.woken;
}
