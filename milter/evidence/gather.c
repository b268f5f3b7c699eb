/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/gather.h"

#include <string.h>

#include "core/dkim_walk.h"
#include "evidence/policies.h"
#include "evidence/standing.h"

#define BODY_CHECKS (CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_DMARC))

/*
 * What comes first gets this long: its name servers are those of the configuration, but where they are slow the time of
 * the message is better used for all.
 */
#define FIRST_MS 1000

/* A question under way. */
struct inquiry {
	enum purpose purpose;
	const struct question *question; /* NULL: the pause after which all is asked */
	struct query *query;
	struct query_watcher watcher;
	bool watched;
	bool delivered;
	struct inquiry *next;
};

struct evidence {
	struct facts *facts;
	struct resolver *resolver;
	struct dkim_walk *dkim;
	struct policies *policies;
	struct standing standing;
	struct inquiry *inquiries;
	bool paused; /* there is a pause under way, or over */
	bool pause_over;
	struct waker waker;
	long long waiting_since_ms; /* 0: nothing is waited for */
	bool body_ended;
};

struct evidence *gather_begin(const struct gather_sources *sources, const struct settings *settings,
                              struct facts *facts, struct waker waker)
{
	struct evidence *evidence = arena_alloc(facts->arena, sizeof *evidence);
	if (!evidence) {
		resolver_drop(sources->resolver);
		return NULL;
	}
	evidence->facts = facts;
	evidence->waker = waker;
	evidence->resolver = sources->resolver;
	standing_init(&evidence->standing, settings, facts);
	evidence->dkim = dkim_walk_new(settings, facts, sources->dkim);
	evidence->policies = policies_new(settings, facts);
	if (evidence->dkim && evidence->policies)
		return evidence;
	gather_end(evidence);
	return NULL;
}

/* Enter a query; what cannot be asked for want of memory defers the message. */
static void enter(struct evidence *evidence, enum purpose purpose, const struct question *question, struct query *query)
{
	struct inquiry *inquiry = query ? arena_alloc(evidence->facts->arena, sizeof *inquiry) : NULL;
	if (!inquiry) {
		query_drop(query);
		evidence->facts->internal_error = true;
		return;
	}
	inquiry->purpose = purpose;
	inquiry->question = question;
	inquiry->query = query;
	inquiry->next = evidence->inquiries;
	evidence->inquiries = inquiry;
}

static void inquire(struct evidence *evidence, const struct origin *origin, const struct question *question)
{
	struct applicant applicant;
	struct query *query = standing_applicant(&evidence->standing, origin, question, &applicant)
	                          ? resolver_ask(evidence->resolver, question, &applicant)
	                          : NULL;
	if (query && query_was_asked(query))
		evidence->facts->dns_queries++;
	enter(evidence, origin->purpose, question, query);
}

static void inquire_all(struct evidence *evidence)
{
	struct origin origin;
	const struct question *question;
	const struct signature *signature;
	while (!evidence->facts->internal_error && (question = policies_next(evidence->policies, &origin)) != NULL)
		inquire(evidence, &origin, question);
	while (!evidence->facts->internal_error && (question = dkim_walk_next(evidence->dkim, &signature)) != NULL) {
		origin =
			(struct origin) { .purpose = PURPOSE_KEY, .domain = signature->domain, .selector = signature->selector };
		inquire(evidence, &origin, question);
	}
}

static void hand_in(struct evidence *evidence, const struct inquiry *inquiry, const struct answer *answer)
{
	if (!inquiry->question) {
		evidence->pause_over = true;
		return;
	}
	switch (inquiry->purpose) {
	case PURPOSE_KEY:
		dkim_walk_answer(evidence->dkim, inquiry->question, answer);
		return;
	case PURPOSE_VOUCH:
	case PURPOSE_SENDER:
	case PURPOSE_AUTHOR:
		policies_answer(evidence->policies, inquiry->purpose, inquiry->question, answer);
		return;
	}
}

static bool deliver(struct evidence *evidence)
{
	bool delivered = false;
	for (struct inquiry *inquiry = evidence->inquiries; inquiry; inquiry = inquiry->next) {
		const struct answer *answer = inquiry->delivered ? NULL : query_answer(inquiry->query);
		if (!answer)
			continue;
		inquiry->delivered = true;
		delivered = true;
		hand_in(evidence, inquiry, answer);
	}
	return delivered;
}

/* Ask what is to be asked and hand in what is answered, until nothing moves. Returns whether anything came in. */
static bool pump(struct evidence *evidence)
{
	bool moved = false;
	inquire_all(evidence);
	while (!evidence->facts->internal_error && deliver(evidence)) {
		moved = true;
		policies_look(evidence->policies);
		inquire_all(evidence);
	}
	return moved;
}

void gather_field(struct evidence *evidence, const struct field *field)
{
	dkim_walk_field(evidence->dkim, field);
}

void gather_header_end(struct evidence *evidence)
{
	dkim_walk_header_end(evidence->dkim);
}

/* DMARC waits for what DKIM and SPF find. */
static check_bits with_sources(check_bits wanted)
{
	if (wanted & CHECK_BIT(CHECK_DMARC))
		wanted |= CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_SPF);
	return wanted;
}

/* The checks whose evidence is asked for: those that come first, as long as they have their time; then all. */
static check_bits asked_now(struct evidence *evidence, const struct wants *wants)
{
	if (wants->first == 0 || evidence->pause_over)
		return with_sources(wants->checks);
	if (!evidence->paused) {
		evidence->paused = true;
		enter(evidence, PURPOSE_VOUCH, NULL, resolver_pause(evidence->resolver, FIRST_MS));
	}
	return wants->first;
}

static check_bits begin(struct evidence *evidence, const struct wants *wants)
{
	check_bits now = asked_now(evidence, wants);

	if ((wants->checks & BODY_CHECKS) != 0) {
		dkim_walk_begin(evidence->dkim, wants);
		if ((now & BODY_CHECKS) != 0)
			dkim_walk_ask(evidence->dkim, now, wants->others != OTHERS_LEFT);
	}
	policies_begin(evidence->policies, now);
	return now;
}

void gather_start(struct evidence *evidence, const struct wants *wants)
{
	begin(evidence, wants);
	pump(evidence);
}

bool gather_body(struct evidence *evidence, struct span chunk)
{
	pump(evidence);
	return dkim_walk_body(evidence->dkim, chunk);
}

/* Whether a question is still out on which a wanted check waits. */
static bool awaited(const struct evidence *evidence, const struct inquiry *inquiry, check_bits wanted)
{
	if (inquiry->delivered)
		return false;
	if (!inquiry->question)
		return !evidence->pause_over;
	switch (inquiry->purpose) {
	case PURPOSE_KEY:
		return (wanted & BODY_CHECKS) != 0 && dkim_walk_open(evidence->dkim);
	case PURPOSE_VOUCH:
	case PURPOSE_SENDER:
	case PURPOSE_AUTHOR:
		return policies_open(evidence->policies, wanted) != 0;
	}
	return false;
}

/*
 * Watch what a wanted check waits for. GATHERING_CAME: an answer has come in meanwhile; GATHERING_OVER: nothing is out
 * that is worth waiting for.
 */
static enum gathering watch_awaited(struct evidence *evidence, check_bits wanted)
{
	enum gathering gathering = GATHERING_OVER;
	for (struct inquiry *inquiry = evidence->inquiries; inquiry; inquiry = inquiry->next) {
		if (!awaited(evidence, inquiry, wanted))
			continue;
		if (!inquiry->watched) {
			inquiry->watcher.wake = evidence->waker.wake;
			inquiry->watcher.context = evidence->waker.context;
			inquiry->watched = true;
			if (!query_watch(inquiry->query, &inquiry->watcher))
				return GATHERING_CAME;
		} else if (query_answer(inquiry->query)) {
			return GATHERING_CAME;
		}
		gathering = GATHERING_WAITS;
	}
	return gathering;
}

static void end_wait(struct evidence *evidence)
{
	if (evidence->waiting_since_ms != 0)
		evidence->facts->dns_ms += (unsigned)(resolver_now_ms() - evidence->waiting_since_ms);
	evidence->waiting_since_ms = 0;
}

enum gathering gather_answers(struct evidence *evidence, const struct wants *wants)
{
	bool moved = false;

	end_wait(evidence);
	if (!evidence->body_ended) {
		evidence->body_ended = true;
		dkim_walk_body_end(evidence->dkim);
		moved = true;
	}
	check_bits now = begin(evidence, wants);
	moved = pump(evidence) || moved;
	if ((now & BODY_CHECKS) != 0 && !evidence->facts->dkim.complete && !dkim_walk_open(evidence->dkim)) {
		dkim_walk_close(evidence->dkim);
		policies_look(evidence->policies);
		moved = true;
	}
	if (moved)
		return GATHERING_CAME;
	enum gathering gathering = evidence->facts->internal_error ? GATHERING_OVER : watch_awaited(evidence, now);
	if (gathering == GATHERING_WAITS)
		evidence->waiting_since_ms = resolver_now_ms();
	return gathering;
}

/* Selectors that made a signature of one of our domains pass. */
static void learn(struct evidence *evidence)
{
	const struct question *question;
	const struct signature *signature;
	while ((question = dkim_walk_proven(evidence->dkim, &signature)) != NULL)
		if (standing_owns(&evidence->standing, signature->domain))
			resolver_learn(evidence->resolver, question);
}

void gather_end(struct evidence *evidence)
{
	if (!evidence)
		return;
	if (evidence->dkim)
		learn(evidence);
	dkim_walk_drop(evidence->dkim);
	for (struct inquiry *inquiry = evidence->inquiries; inquiry; inquiry = inquiry->next) {
		if (inquiry->watched)
			query_unwatch(inquiry->query, &inquiry->watcher);
		query_drop(inquiry->query);
	}
	evidence->inquiries = NULL;
	resolver_drop(evidence->resolver);
	evidence->resolver = NULL;
}
