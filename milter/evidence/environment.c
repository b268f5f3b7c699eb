/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/environment.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/dkim_selftest.h"
#include "evidence/dkim_keys.h"
#include "evidence/gather.h"
#include "evidence/idn.h"
#include "evidence/orgdomain.h"

_Static_assert(EVIDENCE_ERROR_SIZE >= RESOLVER_ERROR_SIZE, "an error of the resolver fits");

/* A resolver that messages under way may still use; the reference held here is never the last but where it may be. */
struct replaced {
	struct resolver *resolver;
	struct replaced *next;
};

/* What messages share. */
struct context {
	struct orgdomain *orgdomain;
	struct dkim_keys *keys;
	struct dkim_environment dkim;
	pthread_mutex_t lock; /* protects the references below, which whoever reloads alone changes */
	struct resolver *resolver;
	struct replaced *replaced;
	struct resolver_counters ended; /* of resolvers that are gone */
};

static long long now_ms(void *context)
{
	(void)context;
	return resolver_now_ms();
}

static long long now(void *context)
{
	(void)context;
	return (long long)time(NULL);
}

static enum relation relation(const void *context, struct span signer, struct span author)
{
	return orgdomain_relation(context, signer, author);
}

static struct resolver *current_resolver(struct context *context)
{
	pthread_mutex_lock(&context->lock);
	struct resolver *resolver = resolver_take(context->resolver);
	pthread_mutex_unlock(&context->lock);
	return resolver;
}

static struct evidence *begin(void *context, const struct settings *settings, struct facts *facts, struct waker waker)
{
	struct context *shared = context;
	struct gather_sources sources = { .dkim = &shared->dkim };

	sources.resolver = current_resolver(shared);
	return gather_begin(&sources, settings, facts, waker);
}

static void add_counters(struct resolver_counters *sum, const struct resolver_counters *more)
{
	sum->asked += more->asked;
	sum->cached += more->cached;
	sum->joined += more->joined;
	sum->busy += more->busy;
	sum->failed += more->failed;
	sum->bogus += more->bogus;
	for (size_t i = 0; i < ANSWER_STATUSES; i++)
		sum->answers[i] += more->answers[i];
}

static void replaced_free(struct replaced *replaced)
{
	resolver_drop(replaced->resolver);
	free(replaced);
}

static void context_free(struct context *context)
{
	while (context->replaced) {
		struct replaced *replaced = context->replaced;
		context->replaced = replaced->next;
		replaced_free(replaced);
	}
	resolver_drop(context->resolver);
	dkim_keys_free(context->keys);
	orgdomain_free(context->orgdomain);
	pthread_mutex_destroy(&context->lock);
	free(context);
}

static bool context_fill(struct context *context, const struct settings *settings, char error_r[EVIDENCE_ERROR_SIZE])
{
	context->orgdomain = orgdomain_new();
	if (!context->orgdomain) {
		snprintf(error_r, EVIDENCE_ERROR_SIZE, "the Public Suffix List cannot be read");
		return false;
	}
	context->keys = dkim_keys_new();
	if (!context->keys) {
		snprintf(error_r, EVIDENCE_ERROR_SIZE, "out of memory");
		return false;
	}
	context->dkim.crypto = dkim_keys_crypto(context->keys);
	context->dkim.relation = relation;
	context->dkim.context = context->orgdomain;
	context->resolver = resolver_new(settings, error_r);
	return context->resolver != NULL;
}

bool evidence_environment_init(struct environment *ports_r, const struct settings *settings,
                               char error_r[EVIDENCE_ERROR_SIZE])
{
	memset(ports_r, 0, sizeof *ports_r);
	struct context *context = calloc(1, sizeof *context);
	if (!context) {
		snprintf(error_r, EVIDENCE_ERROR_SIZE, "out of memory");
		return false;
	}
	pthread_mutex_init(&context->lock, NULL);
	if (!context_fill(context, settings, error_r)) {
		context_free(context);
		return false;
	}
	ports_r->context = context;
	ports_r->now_ms = now_ms;
	ports_r->now = now;
	ports_r->to_ascii = idn_to_ascii;
	ports_r->begin = begin;
	ports_r->field = gather_field;
	ports_r->header_end = gather_header_end;
	ports_r->start = gather_start;
	ports_r->body = gather_body;
	ports_r->gather = gather_answers;
	ports_r->end = gather_end;
	return true;
}

bool evidence_environment_selftest(const struct environment *environment, char error_r[EVIDENCE_ERROR_SIZE])
{
	const struct context *context = environment->context;
	const char *algorithm = dkim_selftest(context->dkim.crypto);
	if (algorithm)
		snprintf(error_r, EVIDENCE_ERROR_SIZE,
		         "DKIM signatures with %s cannot be verified: the built-in message that every start tries fails; check "
		         "the limits on memory, and OpenSSL's configuration (openssl.cnf, OPENSSL_CONF)",
		         algorithm);
	return !algorithm;
}

bool evidence_environment_reload(struct environment *environment, const struct settings *settings,
                                 char error_r[EVIDENCE_ERROR_SIZE])
{
	struct context *context = environment->context;
	/* Only a reload replaces it, and there is one at a time. */
	struct resolver *old = context->resolver;
	if (resolver_serves(old, settings))
		return true;
	struct replaced *replaced = malloc(sizeof *replaced);
	struct resolver *resolver = replaced ? resolver_new(settings, error_r) : NULL;
	if (!resolver) {
		if (!replaced)
			snprintf(error_r, EVIDENCE_ERROR_SIZE, "out of memory");
		free(replaced);
		return false;
	}
	resolver_inherit(resolver, old);
	pthread_mutex_lock(&context->lock);
	context->resolver = resolver;
	replaced->resolver = old;
	replaced->next = context->replaced;
	context->replaced = replaced;
	pthread_mutex_unlock(&context->lock);
	(void)evidence_environment_tidy(environment);
	return true;
}

bool evidence_environment_tidy(struct environment *environment)
{
	struct context *context = environment->context;
	for (struct replaced **link = &context->replaced; *link;) {
		struct replaced *replaced = *link;
		if (resolver_is_last(replaced->resolver)) {
			struct resolver_counters counters;
			resolver_count(replaced->resolver, &counters);
			pthread_mutex_lock(&context->lock);
			add_counters(&context->ended, &counters);
			*link = replaced->next;
			pthread_mutex_unlock(&context->lock);
			replaced_free(replaced);
		} else {
			link = &replaced->next;
		}
	}
	return context->replaced != NULL;
}

void evidence_environment_count(struct environment *environment, struct resolver_counters *counters_r)
{
	struct context *context = environment->context;
	struct resolver_counters counters;
	pthread_mutex_lock(&context->lock);
	resolver_count(context->resolver, counters_r);
	add_counters(counters_r, &context->ended);
	for (const struct replaced *replaced = context->replaced; replaced; replaced = replaced->next) {
		resolver_count(replaced->resolver, &counters);
		add_counters(counters_r, &counters);
	}
	pthread_mutex_unlock(&context->lock);
}

struct resolver *evidence_environment_resolver(struct environment *environment)
{
	return current_resolver(environment->context);
}

void evidence_environment_clear(struct environment *environment)
{
	if (environment->context)
		context_free(environment->context);
	memset(environment, 0, sizeof *environment);
}
