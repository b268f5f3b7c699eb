/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolver_private: what the parts of the resolver share: resolver.c makes it and takes questions, resolver_book.c keeps the
 * queries under way going in a thread of its own, query.c sends, reads what came back, and waits.
 *
 * A query is in the book from the time it is entered until it is complete and no packet of it is out. The book holds one
 * reference; nobody else holding one means that the query is abandoned.
 */
#ifndef SFDC_EVIDENCE_RESOLVER_PRIVATE_H
#define SFDC_EVIDENCE_RESOLVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unbound.h>

#include "evidence/admission.h"
#include "evidence/cache.h"
#include "evidence/resolver.h"
#include "evidence/resolver_context.h"
#include "evidence/dns_shared.h"

#define RESOLVER_BUCKETS 1024

/* The one lane is asked at once, the next two where a packet may be lost. These may be out there at once, for each room. */
#define RESOLVER_AGAIN_NAMED 512
#define RESOLVER_AGAIN_BELOW 128
#define RESOLVER_AGAIN_STRANGER 128
#define RESOLVER_AGAIN_ALL (RESOLVER_AGAIN_NAMED + RESOLVER_AGAIN_BELOW + RESOLVER_AGAIN_STRANGER)

/* A question that was given to the library, or will be. */
struct sending {
	struct query *query;
	unsigned lane;
	long long at_ms;    /* when it is due; 0: not */
	bool out;           /* its result has not come */
	bool again;         /* it is not the query's first: it counts in resolver->again */
	enum room room;     /* as which */
	unsigned hops;      /* of the query when it was sent */
	long long since_ms; /* when it was sent */
};

struct query {
	atomic_uint references;
	struct resolver *resolver; /* not referenced: whoever holds a reference to a query holds one to this, too */
	_Atomic(struct dns_shared *) response;
	bool was_cached;
	struct query_watcher *watchers; /* in the order of their coming */
	struct query_watcher **watchers_end;
	uint64_t hash;
	struct query *next;  /* in the bucket, until it is complete */
	struct query *newer; /* in the book */
	struct query *older;
	bool booked;

	enum room room;
	struct ticket ticket;
	long long asked_ms;
	long long pause_until_ms; /* 0: it asks something */
	unsigned refusals;        /* failures that a server answered */
	struct sending sendings[LANES];

	struct dns_shared *partial; /* aliases followed so far, see follow(); the dispatcher's */
	unsigned hops;
	struct question question;
	char name[]; /* NUL-terminated */
};

struct resolver {
	atomic_uint references;
	struct ub_ctx *contexts[LANES];
	pthread_t dispatcher;
	int wake[2]; /* a pipe; a byte wakes the dispatcher, closing the second end stops it */
	unsigned ttl_max;
	unsigned negative_max;
	unsigned patience_ms;
	unsigned servers;
	unsigned brief_ms;
	bool local_data;
	char *options; /* what it was made for, as text; NULL: files too, which may change */
	uint64_t key[2];
	struct dns_shared *failure; /* ready-made, so that a query always comes to an end */
	struct dns_shared *busy;
	struct dns_shared *nothing;
	struct dns_shared *no_such_name;

	pthread_mutex_t lock; /* protects what follows, and of queries all but the response and what never changes */
	struct cache *cache;
	struct cache *failures; /* for ROOM_STRANGER */
	struct cache *learnt;   /* questions; the answer is `nothing` */
	struct admission *admission;
	struct query *buckets[RESOLVER_BUCKETS];
	struct query *newest;
	struct query *oldest;
	unsigned again[ROOMS]; /* sendings that are out and not the first of their query */
	unsigned lead;         /* the lane that is asked first */
	struct resolver_counters counters;
};

/* A query with one reference, neither sent nor entered anywhere; NULL without memory. */
struct query *query_new(struct resolver *resolver, const struct question *question);

/* Give the library what sending says; sending_answered() or sending_failed() follows, perhaps at once. No lock is held. */
void query_send(struct sending *sending);

/* Call all watchers and forget them. The resolver's lock is held. */
void query_wake(struct query *query);

/* Enter a query into the book, which takes a reference. Returns whether the dispatcher has to be woken. The lock is held. */
bool book_enter(struct resolver *resolver, struct query *query);

/*
 * A query that is in the book asks now, and later again. The first sending, which is to be given to query_send() when the
 * lock, which is held, is free.
 */
struct sending *book_begin(struct resolver *resolver, struct query *query);

/* What a sending came to: an answer, which is taken over; or a failure, code being the library's. */
void sending_answered(struct sending *sending, struct dns_shared *response);
void sending_failed(struct sending *sending, int code);

void *dispatch(void *context);

/* Complete all that is in the book with a failure. The library is gone, and all threads. */
void book_close(struct resolver *resolver);

#endif
