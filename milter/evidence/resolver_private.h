/*
 * resolver_private: what the two halves of the resolver share: resolver.c holds the table of queries under way and the
 * threads, query.c sends queries, reads what came back and waits.
 */
#ifndef SFDC_EVIDENCE_RESOLVER_PRIVATE_H
#define SFDC_EVIDENCE_RESOLVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unbound.h>

#include "evidence/cache.h"
#include "evidence/resolver.h"
#include "evidence/response.h"

#define RESOLVER_BUCKETS 1024

struct query {
	atomic_uint references;
	struct resolver *resolver; /* not referenced: only used while the query is under way */
	_Atomic(struct response *) response;
	bool was_cached;
	struct query_watcher *watchers; /* in the order of their coming */
	struct query_watcher **watchers_end;
	uint64_t hash;
	struct query *next;       /* in the bucket, as long as it is under way */
	struct response *partial; /* aliases followed so far, see follow() */
	unsigned hops;
	struct question question;
	char name[]; /* NUL-terminated */
};

struct resolver {
	atomic_uint references;
	struct ub_ctx *context;
	pthread_t dispatcher;
	int wake[2]; /* a pipe; closing the second end stops the dispatcher */
	unsigned ttl_max;
	unsigned negative_max;
	bool local_data;
	char *options; /* what it was made for, as text; NULL: files too, which may change */
	uint64_t key[2];
	struct response *failure; /* ready-made, so that a query always comes to an end */
	struct response *no_such_name;

	pthread_mutex_t lock; /* protects what follows, and the watchers of queries */
	struct cache *cache;
	struct query *buckets[RESOLVER_BUCKETS];
	struct resolver_counters counters;
};

/* A query with one reference, neither sent nor entered anywhere; NULL without memory. */
struct query *query_new(struct resolver *resolver, const struct question *question);

/*
 * Send it; resolver_complete() is called when the answer is there, or at once when it cannot be sent. Takes over a
 * reference to the query.
 */
void query_send(struct query *query);

/* Call all watchers and forget them. The resolver's lock is held. */
void query_wake(struct query *query);

/* Publish the answer, which is taken over, wake who waits, and drop the reference that the query under way holds. */
void resolver_complete(struct query *query, struct response *response);

#endif
