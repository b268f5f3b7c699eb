#include "config.h"

#include "evidence/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "evidence/resolver_context.h"
#include "resolver_private.h"

#define CACHE_ENTRIES 20000
#define CACHE_BYTES ((size_t)32 << 20)
#define UNDER_WAY_MAX 4096 /* more questions at once are answered with a failure */

static struct response *bare_response(enum answer_status status)
{
	struct answer answer;
	memset(&answer, 0, sizeof answer);
	answer.status = status;
	return response_new(&answer);
}

static struct query *find_under_way(const struct resolver *resolver, const struct question *question, uint64_t hash)
{
	struct query *query = resolver->buckets[hash % RESOLVER_BUCKETS];
	while (query && (query->hash != hash || !question_equal(&query->question, question)))
		query = query->next;
	return query;
}

static void enter(struct resolver *resolver, struct query *query)
{
	struct query **bucket = &resolver->buckets[query->hash % RESOLVER_BUCKETS];
	query->next = *bucket;
	*bucket = query;
	resolver->counters.under_way++;
}

static void leave(struct resolver *resolver, struct query *query)
{
	struct query **link = &resolver->buckets[query->hash % RESOLVER_BUCKETS];
	while (*link && *link != query)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = query->next;
	resolver->counters.under_way--;
}

static unsigned long lifetime(const struct resolver *resolver, const struct answer *answer)
{
	unsigned long max = answer_failed(answer) ? 0 : answer_void(answer) ? resolver->negative_max : resolver->ttl_max;
	return answer->ttl < max ? answer->ttl : max;
}

void resolver_complete(struct query *query, struct response *response)
{
	struct resolver *resolver = query->resolver;
	const struct answer *answer = response_answer(response);
	unsigned long seconds = lifetime(resolver, answer);

	pthread_mutex_lock(&resolver->lock);
	leave(resolver, query);
	if (seconds != 0)
		cache_add(resolver->cache, &query->question, response, resolver_now_ms() + (long long)seconds * 1000);
	resolver->counters.failed += answer_failed(answer);
	resolver->counters.bogus += answer->status == ANSWER_BOGUS;
	atomic_store_explicit(&query->response, response, memory_order_release);
	query_wake(query);
	pthread_mutex_unlock(&resolver->lock);
	query_drop(query);
}

/* Join the query under way, or enter a new one; *fresh_r: it still has to be sent. */
static struct query *find_or_enter(struct resolver *resolver, const struct question *question, struct query *query,
                                   bool *fresh_r)
{
	struct response *cached = cache_find(resolver->cache, question, resolver_now_ms());
	struct query *other = cached ? NULL : find_under_way(resolver, question, query->hash);

	*fresh_r = false;
	resolver->counters.asked++;
	if (other) {
		resolver->counters.joined++;
		atomic_fetch_add_explicit(&other->references, 1, memory_order_relaxed);
		return other;
	}
	if (cached) {
		resolver->counters.cached++;
		query->was_cached = true;
		atomic_store_explicit(&query->response, cached, memory_order_release);
	} else if (resolver->counters.under_way >= UNDER_WAY_MAX) {
		atomic_store_explicit(&query->response, response_take(resolver->failure), memory_order_release);
	} else {
		enter(resolver, query);
		*fresh_r = true;
	}
	return query;
}

struct query *resolver_ask(struct resolver *resolver, const struct question *question)
{
	struct query *query = query_new(resolver, question);
	bool fresh;

	if (!query)
		return NULL;
	pthread_mutex_lock(&resolver->lock);
	struct query *chosen = find_or_enter(resolver, question, query, &fresh);
	if (fresh)
		atomic_fetch_add_explicit(&query->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&resolver->lock);
	if (chosen != query)
		query_drop(query);
	if (!fresh)
		return chosen;
	query_send(query);
	return query;
}

static void *dispatch(void *context)
{
	struct resolver *resolver = context;
	struct pollfd files[2] = { { .fd = ub_fd(resolver->context), .events = POLLIN },
		                   { .fd = resolver->wake[0], .events = POLLIN } };

	for (;;) {
		if (poll(files, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (files[1].revents != 0)
			return NULL;
		if (files[0].revents != 0)
			ub_process(resolver->context);
	}
}

static void warmed(void *context, int code, struct ub_result *result)
{
	(void)context;
	(void)code;
	ub_resolve_free(result);
}

/* The threads inherit the signal mask: signals are the business of others. The library's starts with a question. */
static bool start_threads(struct resolver *resolver)
{
	sigset_t all, before;

	sigfillset(&all);
	if (pipe2(resolver->wake, O_CLOEXEC) != 0)
		return false;
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool good = ub_resolve_async(resolver->context, "localhost.", 1, 1, NULL, warmed,
	                             NULL) == 0
	            && pthread_create(&resolver->dispatcher, NULL, dispatch, resolver) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!good) {
		close(resolver->wake[0]);
		close(resolver->wake[1]);
	}
	return good;
}

/* The options as one text; NULL when they name a file - /etc/resolv.conf is one - or without memory. */
static char *describe(const struct settings *settings)
{
	const struct set *servers = settings->dns.nameservers;
	size_t length = 64;

	if (settings->dns.trust_anchor.length != 0 || settings->dns.local_data.length != 0 || set_count(servers) == 0)
		return NULL;
	for (size_t i = 0; i < set_count(servers); i++)
		length += set_at(servers, i).length + 1;
	char *text = malloc(length);
	if (!text)
		return NULL;
	int at = snprintf(text, length, "%u %u", settings->dns.cache_ttl_max, settings->dns.cache_negative_max);
	for (size_t i = 0; i < set_count(servers); i++)
		at += snprintf(text + at, length - (size_t)at, " %.*s", (int)set_at(servers, i).length, set_at(servers, i).at);
	return text;
}

static void release(struct resolver *resolver)
{
	if (resolver->context)
		resolver_context_free(resolver->context);
	for (size_t i = 0; i < RESOLVER_BUCKETS; i++)
		while (resolver->buckets[i])
			resolver_complete(resolver->buckets[i], response_take(resolver->failure));
	cache_free(resolver->cache);
	response_drop(resolver->failure);
	response_drop(resolver->no_such_name);
	pthread_mutex_destroy(&resolver->lock);
	free(resolver->options);
	free(resolver);
}

bool resolver_check(const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE])
{
	if (settings->dns.trust_anchor.length == 0 && settings->dns.local_data.length == 0)
		return true;
	struct ub_ctx *context = resolver_context_new(settings, error_r);
	if (context)
		resolver_context_free(context);
	return context != NULL;
}

struct resolver *resolver_new(const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE])
{
	struct resolver *resolver = calloc(1, sizeof *resolver);
	snprintf(error_r, RESOLVER_ERROR_SIZE, "out of memory");
	if (!resolver)
		return NULL;
	atomic_init(&resolver->references, 1);
	pthread_mutex_init(&resolver->lock, NULL);
	resolver->ttl_max = settings->dns.cache_ttl_max;
	resolver->negative_max = settings->dns.cache_negative_max;
	resolver->local_data = settings->dns.local_data.length != 0;
	resolver->options = describe(settings);
	resolver->cache = cache_new(CACHE_ENTRIES, CACHE_BYTES);
	resolver->failure = bare_response(ANSWER_TEMPFAIL);
	resolver->no_such_name = bare_response(ANSWER_NXDOMAIN);
	bool good = resolver->cache && resolver->failure && resolver->no_such_name
	            && getrandom(resolver->key, sizeof resolver->key, 0) == (ssize_t)sizeof resolver->key;
	if (good)
		resolver->context = resolver_context_new(settings, error_r);
	errno = 0;
	if (resolver->context && start_threads(resolver))
		return resolver;
	if (resolver->context)
		snprintf(error_r, RESOLVER_ERROR_SIZE, "the resolver cannot be started: %s",
		         errno != 0 ? strerror(errno) : "libunbound does not say why; see whether OpenSSL works");
	release(resolver);
	return NULL;
}

bool resolver_serves(const struct resolver *resolver, const struct settings *settings)
{
	char *options = resolver->options ? describe(settings) : NULL;
	bool same = options && strcmp(options, resolver->options) == 0;
	free(options);
	return same;
}

struct resolver *resolver_take(struct resolver *resolver)
{
	atomic_fetch_add_explicit(&resolver->references, 1, memory_order_relaxed);
	return resolver;
}

void resolver_drop(struct resolver *resolver)
{
	if (!resolver || atomic_fetch_sub_explicit(&resolver->references, 1, memory_order_acq_rel) != 1)
		return;
	close(resolver->wake[1]);
	pthread_join(resolver->dispatcher, NULL);
	close(resolver->wake[0]);
	release(resolver);
}

void resolver_count(struct resolver *resolver, struct resolver_counters *counters_r)
{
	pthread_mutex_lock(&resolver->lock);
	*counters_r = resolver->counters;
	counters_r->entries = cache_entries(resolver->cache);
	pthread_mutex_unlock(&resolver->lock);
}
