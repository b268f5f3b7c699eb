/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolver: the DNS, by libunbound, with a cache in front.
 *
 * One dispatcher thread. Asking never blocks; the same question asked by many at once is one query; an answer is shared
 * by all who asked. Whoever no longer wants an answer drops the query: it goes on by itself, warms the cache and frees
 * its memory. Everything is thread-safe, but one reference belongs to one thread at a time.
 *
 * How long a name is asked for depends on the room it has (admission.h). In ROOM_NAMED and ROOM_BELOW as long as somebody
 * holds a reference to the query: his deadline is the only one; and no failure is remembered. In ROOM_STRANGER for a
 * quarter of message_timeout, five seconds at most, and its failure is remembered for RESOLVER_FAILURE_SECONDS. What counts
 * as dead is silence: a server that answers with a failure is asked once more after a second, and then believed.
 *
 * To be made after the process has forked for the last time. Its threads block all signals.
 */
#ifndef SFDC_EVIDENCE_RESOLVER_H
#define SFDC_EVIDENCE_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/answer.h"
#include "core/settings.h"
#include "evidence/admission.h"

#define RESOLVER_ERROR_SIZE 512
#define RESOLVER_WAIT_MAX 64 /* queries that one call can wait for; the others are not looked at */
#define RESOLVER_FAILURE_SECONDS 30

struct resolver;
struct query;

/*
 * Whether the files of resource records that the DNS options name can be used. False: error_r says what is wrong with
 * which. Starts no thread, leaves nothing behind. Thread-safe.
 */
bool resolver_check(const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE]);

/*
 * A resolver with one reference, as settings->dns says: nameservers, or those of /etc/resolv.conf (none there: the
 * local host's); answers validated if trust_anchor names a file of DS or DNSKEY records; the records in the file
 * local_data are answered without asking: one resource record a line, as in a zone file, with the full owner name;
 * lines that are empty or begin with ";" or "#" are skipped. Settings are not needed afterwards. NULL: error_r says
 * why, with file and line where one is to blame.
 */
struct resolver *resolver_new(const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE]);

/* Whether a resolver serves another configuration: the same options, and no file that may have changed since. */
bool resolver_serves(const struct resolver *resolver, const struct settings *settings);

/* One more reference. Returns its argument. */
struct resolver *resolver_take(struct resolver *resolver);

/* Whether the caller's reference is the only one, so that resolver_drop() would end the resolver. */
bool resolver_is_last(const struct resolver *resolver);

/*
 * One reference less. The last one ends the threads and answers what is under way with ANSWER_TEMPFAIL; it must not
 * come from a thread of the resolver. NULL is harmless.
 */
void resolver_drop(struct resolver *resolver);

/*
 * Ask. The query may be complete already. The reference must be dropped before the caller's reference to the resolver.
 * NULL without memory. A name that cannot exist (a label too long, or empty) is answered with ANSWER_NXDOMAIN.
 * applicant says what room the question has; NULL: ROOM_NAMED. Where that has no room left, nothing is asked and the answer
 * is ANSWER_BUSY. What the cache knows, or somebody else is asking already, needs no room.
 */
struct query *resolver_ask(struct resolver *resolver, const struct question *question,
                           const struct applicant *applicant);

/* A query that asks nothing and is complete after so many milliseconds, with ANSWER_NODATA. NULL without memory. */
struct query *resolver_pause(struct resolver *resolver, unsigned ms);

/*
 * The answer to a question was good for something: from now on it has its place in ROOM_NAMED, for a week. To be told only
 * of names that lie below names of the configuration.
 */
void resolver_learn(struct resolver *resolver, const struct question *question);

/* What old learnt goes over to resolver. */
void resolver_inherit(struct resolver *resolver, struct resolver *old);

/*
 * Wait until at least one of the queries is complete, or deadline_ms (monotonic clock) has passed. False: none is
 * complete.
 */
bool resolver_wait(struct resolver *resolver, struct query *const *queries, size_t count, long long deadline_ms);

/* Monotonic milliseconds: the clock of the deadlines. */
long long resolver_now_ms(void);

/* The answer, valid as long as the reference to the query is held; NULL while there is none. */
const struct answer *query_answer(const struct query *query);

/* Whether something had to be asked for it: nothing was known, and there was room. */
bool query_was_asked(const struct query *query);

/*
 * Let go of a query, complete or not. NULL is harmless. A watcher of whoever lets go has to be taken away before, with
 * query_unwatch(); the watchers of others who share the query stay.
 */
void query_drop(struct query *query);

/*
 * Who wants to be told when a query is complete. It is the caller's memory and must stay where it is, unchanged, from
 * query_watch() until it is called or query_unwatch() has returned; the members wake and context are the caller's to
 * set, the others are not looked at before.
 */
struct query_watcher {
	/*
	 * Called once, when the answer can be read with query_answer(): from a thread of the resolver, or from any that
	 * asks, with the resolver's lock held. So it must not block and must not call a function of the resolver or of a
	 * query, but query_answer(): put the work into a queue, or write to a descriptor. A lock that it takes must not be
	 * held by anybody who calls such a function. When it is called the watcher is no longer in use: it may set it free.
	 */
	void (*wake)(void *context);
	void *context;
	struct query_watcher *next;
	struct query_watcher **link;
};

/*
 * Be told when the query is complete. False: it is already, and wake is not called. A watcher watches one query at a
 * time; a query may have any number of watchers. Until query_unwatch() or the call of wake the caller has to keep its
 * reference to the query.
 */
bool query_watch(struct query *query, struct query_watcher *watcher);

/*
 * Watch no longer: once this has returned, wake is not called any more and is not running in another thread. Harmless
 * after wake was called, and after query_watch() returned false; not after another query was watched with it.
 */
void query_unwatch(struct query *query, struct query_watcher *watcher);

/* Ask, whatever the cache knows: for whoever wants to know whether the name servers answer. As resolver_ask() in ROOM_NAMED. */
struct query *resolver_ask_anew(struct resolver *resolver, const struct question *question);

struct resolver_counters {
	unsigned long long asked;                    /* questions */
	unsigned long long cached;                   /* answered from the cache */
	unsigned long long joined;                   /* joined to a query under way */
	unsigned long long busy;                     /* not asked for want of room */
	unsigned long long failed;                   /* queries that ended in ANSWER_TEMPFAIL or ANSWER_BOGUS */
	unsigned long long bogus;                    /* those that ended in ANSWER_BOGUS */
	unsigned long long answers[ANSWER_STATUSES]; /* queries by what they ended in, those that were not asked included */
	unsigned long under_way;                     /* queries that have no answer yet */
	unsigned long entries;                       /* answers in the cache */
};

void resolver_count(struct resolver *resolver, struct resolver_counters *counters_r);

#endif
