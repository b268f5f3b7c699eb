/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "evidence/resolver_context.h"
#include "resolver_private.h"

#define CACHE_ENTRIES 20000
#define CACHE_BYTES ((size_t)32 << 20)
#define STRANGER_MS_MAX 5000
#define LIBRARY_QUESTIONS 128 /* that the library asks of itself */
#define FAILURES_ENTRIES 4096
#define LEARNT_ENTRIES 4096
#define KEPT_BYTES ((size_t)1 << 20)
#define LEARNT_SECONDS (7LL * 24 * 3600)

static struct dns_shared *bare_response(enum answer_status status)
{
	struct answer answer;
	memset(&answer, 0, sizeof answer);
	answer.status = status;
	return dns_shared_new(&answer);
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

static void wake_dispatcher(const struct resolver *resolver)
{
	/* Where the pipe is full it is awake. */
	ssize_t written = write(resolver->wake[1], "", 1);
	(void)written;
}

/* What is kept of the answer; a failure is only kept from those who chose the name. */
static struct dns_shared *find_kept(struct resolver *resolver, const struct question *question, enum room room)
{
	long long now_ms = resolver_now_ms();
	struct dns_shared *response = cache_find(resolver->cache, question, now_ms);
	if (!response && room == ROOM_STRANGER)
		response = cache_find(resolver->failures, question, now_ms);
	return response;
}

static bool learnt(const struct resolver *resolver, const struct question *question)
{
	struct dns_shared *response = cache_find(resolver->learnt, question, resolver_now_ms());
	dns_shared_drop(response);
	return response != NULL;
}

/* Join a query under way; it gets the better room of the two. */
static struct query *join(struct resolver *resolver, struct query *query, enum room room)
{
	resolver->counters.joined++;
	if (room < query->room)
		query->room = room;
	atomic_fetch_add_explicit(&query->references, 1, memory_order_relaxed);
	return query;
}

/* What an answer is taken from. */
struct place {
	struct query *query;
	struct sending *fresh; /* it has to be sent */
	bool first;            /* and the dispatcher is to be woken */
};

static struct place find_place(struct resolver *resolver, const struct applicant *applicant, bool anew,
                               struct query *query)
{
	static const struct applicant named = { .room = ROOM_NAMED };
	const struct question *question = &query->question;
	struct applicant asker = applicant ? *applicant : named;
	struct place place = { .query = query };

	resolver->counters.asked++;
	if (asker.room == ROOM_BELOW && learnt(resolver, question))
		asker.room = ROOM_NAMED;
	struct dns_shared *kept = anew ? NULL : find_kept(resolver, question, asker.room);
	struct query *other = kept ? NULL : find_under_way(resolver, question, query->hash);
	if (other) {
		place.query = join(resolver, other, asker.room);
	} else if (kept) {
		resolver->counters.cached++;
		query->was_cached = true;
		atomic_store_explicit(&query->response, kept, memory_order_release);
	} else if (!admission_enter(resolver->admission, &asker, &query->ticket)) {
		resolver->counters.busy++;
		resolver->counters.answers[ANSWER_BUSY]++;
		atomic_store_explicit(&query->response, dns_shared_take(resolver->busy), memory_order_release);
	} else {
		query->room = asker.room;
		enter(resolver, query);
		place.first = book_enter(resolver, query);
		place.fresh = book_begin(resolver, query);
	}
	return place;
}

static struct query *ask(struct resolver *resolver, const struct question *question, const struct applicant *applicant,
                         bool anew)
{
	struct query *query = query_new(resolver, question);

	if (!query)
		return NULL;
	pthread_mutex_lock(&resolver->lock);
	struct place place = find_place(resolver, applicant, anew, query);
	pthread_mutex_unlock(&resolver->lock);
	if (place.query != query)
		query_drop(query);
	if (place.fresh)
		query_send(place.fresh);
	if (place.first)
		wake_dispatcher(resolver);
	return place.query;
}

struct query *resolver_ask(struct resolver *resolver, const struct question *question,
                           const struct applicant *applicant)
{
	return ask(resolver, question, applicant, false);
}

struct query *resolver_ask_anew(struct resolver *resolver, const struct question *question)
{
	return ask(resolver, question, NULL, true);
}

struct query *resolver_pause(struct resolver *resolver, unsigned ms)
{
	struct question nothing = { RECORD_A, span_make("", 0) };
	struct query *query = query_new(resolver, &nothing);

	if (!query)
		return NULL;
	pthread_mutex_lock(&resolver->lock);
	query->pause_until_ms = resolver_now_ms() + ms;
	bool first = book_enter(resolver, query);
	pthread_mutex_unlock(&resolver->lock);
	if (first)
		wake_dispatcher(resolver);
	return query;
}

void resolver_learn(struct resolver *resolver, const struct question *question)
{
	pthread_mutex_lock(&resolver->lock);
	cache_add(resolver->learnt, question, resolver->nothing, resolver_now_ms() + LEARNT_SECONDS * 1000);
	pthread_mutex_unlock(&resolver->lock);
}

void resolver_inherit(struct resolver *resolver, struct resolver *old)
{
	pthread_mutex_lock(&old->lock);
	pthread_mutex_lock(&resolver->lock);
	struct cache *learnt_before = old->learnt;
	old->learnt = resolver->learnt;
	resolver->learnt = learnt_before;
	pthread_mutex_unlock(&resolver->lock);
	pthread_mutex_unlock(&old->lock);
}

static void warmed(void *context, int code, struct ub_result *result)
{
	(void)context;
	(void)code;
	ub_resolve_free(result);
}

static void *end_at_once(void *argument)
{
	return argument;
}

/* Where it gets no thread the library waits for it for ever: so it is not asked when there is none to be had. */
static bool has_thread(void)
{
	pthread_t thread;
	errno = pthread_create(&thread, NULL, end_at_once, NULL);
	if (errno == 0)
		errno = pthread_join(thread, NULL);
	return errno == 0;
}

/* Its own thread starts after the library's, so that it does not take the last one. */
static bool start_dispatcher(struct resolver *resolver)
{
	errno = pthread_create(&resolver->dispatcher, NULL, dispatch, resolver);
	return errno == 0;
}

/* The threads inherit the signal mask: signals are the business of others. The library's starts with a question. */
static bool start_threads(struct resolver *resolver)
{
	sigset_t all, before;

	sigfillset(&all);
	if (pipe2(resolver->wake, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool good = true;
	for (int i = 0; i < LANES && good; i++)
		good = has_thread() && ub_resolve_async(resolver->contexts[i], "localhost.", 1, 1, NULL, warmed, NULL) == 0;
	good = good && start_dispatcher(resolver);
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
	int at = snprintf(text, length, "%u %u %u", settings->dns.cache_ttl_max, settings->dns.cache_negative_max,
	                  settings->message_timeout);
	for (size_t i = 0; i < set_count(servers); i++)
		at += snprintf(text + at, length - (size_t)at, " %.*s", (int)set_at(servers, i).length, set_at(servers, i).at);
	return text;
}

static void release(struct resolver *resolver)
{
	for (int i = 0; i < LANES; i++)
		if (resolver->contexts[i])
			resolver_context_free(resolver->contexts[i]);
	book_close(resolver);
	cache_free(resolver->cache);
	cache_free(resolver->failures);
	cache_free(resolver->learnt);
	admission_free(resolver->admission);
	dns_shared_drop(resolver->failure);
	dns_shared_drop(resolver->busy);
	dns_shared_drop(resolver->nothing);
	dns_shared_drop(resolver->no_such_name);
	pthread_mutex_destroy(&resolver->lock);
	free(resolver->options);
	free(resolver);
}

bool resolver_check(const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE])
{
	if (settings->dns.trust_anchor.length == 0 && settings->dns.local_data.length == 0)
		return true;
	struct ub_ctx *context = resolver_context_new(settings, 0, 16, error_r);
	if (context)
		resolver_context_free(context);
	return context != NULL;
}

/* How many questions may be under way at once: an eighth of the descriptors is for them, and for asking them again. */
static unsigned questions_max(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 8 > ADMISSION_ALL + RESOLVER_AGAIN_ALL)
		return ADMISSION_ALL;
	return (unsigned)(limit.rlim_cur / 8) * 3 / 4;
}

/* In the lead all may be out, and any lane may have it where there are servers to choose from. */
static unsigned lane_range(const struct resolver *resolver, int lane)
{
	unsigned leading = lane == 0 || resolver->servers > 1 ? ADMISSION_ALL : 0;
	return leading + RESOLVER_AGAIN_ALL + LIBRARY_QUESTIONS;
}

static bool make_contexts(struct resolver *resolver, const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE])
{
	for (int i = 0; i < LANES; i++) {
		resolver->contexts[i] = resolver_context_new(settings, (unsigned)i, lane_range(resolver, i), error_r);
		if (!resolver->contexts[i])
			return false;
	}
	return true;
}

static bool make_parts(struct resolver *resolver)
{
	resolver->cache = cache_new(CACHE_ENTRIES, CACHE_BYTES);
	resolver->failures = cache_new(FAILURES_ENTRIES, KEPT_BYTES);
	resolver->learnt = cache_new(LEARNT_ENTRIES, KEPT_BYTES);
	resolver->admission = admission_new(questions_max());
	resolver->failure = bare_response(ANSWER_TEMPFAIL);
	resolver->busy = bare_response(ANSWER_BUSY);
	resolver->nothing = bare_response(ANSWER_NODATA);
	resolver->no_such_name = bare_response(ANSWER_NXDOMAIN);
	return resolver->cache && resolver->failures && resolver->learnt && resolver->admission && resolver->failure
	       && resolver->busy && resolver->nothing && resolver->no_such_name
	       && getrandom(resolver->key, sizeof resolver->key, 0) == (ssize_t)sizeof resolver->key;
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
	resolver->patience_ms = resolver_patience_ms(settings);
	resolver->brief_ms = settings->message_timeout * 1000 / 4;
	if (resolver->brief_ms > STRANGER_MS_MAX)
		resolver->brief_ms = STRANGER_MS_MAX;
	resolver->servers = resolver_servers(settings);
	resolver->local_data = settings->dns.local_data.length != 0;
	resolver->options = describe(settings);
	bool good = make_parts(resolver) && make_contexts(resolver, settings, error_r);
	errno = 0;
	if (good && start_threads(resolver))
		return resolver;
	if (good)
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

bool resolver_is_last(const struct resolver *resolver)
{
	return atomic_load_explicit(&resolver->references, memory_order_acquire) == 1;
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
