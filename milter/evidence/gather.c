/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/gather.h"

#include <string.h>

#include "core/dkim_walk.h"
#include "evidence/standing.h"

#define ASKERS 4

/*
 * What comes first gets this long: its name servers are those of the configuration, but where they are slow the time of
 * the message is better used for all.
 */
#define FIRST_MS 1000

/* A question under way. */
struct inquiry {
	struct asker *asker; /* NULL: it is the pause after which all is asked */
	const struct question *question;
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
	struct asker *askers[ASKERS]; /* in the order of asking; signatures, which are among them, come last */
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
	evidence->askers[0] = ip_spf_asker(settings, facts);
	evidence->askers[1] = spf_asker(facts);
	evidence->askers[2] = dmarc_asker(facts);
	evidence->askers[3] = evidence->dkim ? dkim_walk_asker(evidence->dkim) : NULL;
	for (size_t i = 0; i < ASKERS; i++)
		if (!evidence->askers[i]) {
			gather_end(evidence);
			return NULL;
		}
	return evidence;
}

/* Enter a query; what cannot be asked for want of memory defers the message. */
static void enter(struct evidence *evidence, struct asker *asker, const struct question *question, struct query *query)
{
	struct inquiry *inquiry = query ? arena_alloc(evidence->facts->arena, sizeof *inquiry) : NULL;
	if (!inquiry) {
		query_drop(query);
		evidence->facts->internal_error = true;
		return;
	}
	inquiry->asker = asker;
	inquiry->question = question;
	inquiry->query = query;
	inquiry->next = evidence->inquiries;
	evidence->inquiries = inquiry;
}

static void inquire(struct evidence *evidence, struct asker *asker, const struct origin *origin,
                    const struct question *question)
{
	struct applicant applicant;
	struct query *query = standing_applicant(&evidence->standing, origin, question, &applicant)
	                          ? resolver_ask(evidence->resolver, question, &applicant)
	                          : NULL;
	if (query && query_was_asked(query))
		evidence->facts->dns_queries++;
	enter(evidence, asker, question, query);
}

static void inquire_all(struct evidence *evidence)
{
	struct origin origin;
	const struct question *question;
	for (size_t i = 0; i < ASKERS; i++) {
		struct asker *asker = evidence->askers[i];
		while (!evidence->facts->internal_error && (question = asker->type->next(asker, &origin)) != NULL)
			inquire(evidence, asker, &origin, question);
	}
}

static void look_all(struct evidence *evidence)
{
	for (size_t i = 0; i < ASKERS; i++)
		evidence->askers[i]->type->look(evidence->askers[i]);
}

static void hand_in(struct evidence *evidence, const struct inquiry *inquiry, const struct answer *answer)
{
	if (inquiry->asker)
		inquiry->asker->type->answer(inquiry->asker, inquiry->question, answer);
	else
		evidence->pause_over = true;
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
		look_all(evidence);
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

/* Begin with what is wanted: with the checks that come first, as long as they have their time; then with all. */
static struct wants begin(struct evidence *evidence, const struct wants *wants)
{
	struct wants now = *wants;
	if (evidence->pause_over)
		now.first = 0;
	if (now.first != 0 && !evidence->paused) {
		evidence->paused = true;
		enter(evidence, NULL, NULL, resolver_pause(evidence->resolver, FIRST_MS));
	}
	for (size_t i = 0; i < ASKERS; i++)
		evidence->askers[i]->type->begin(evidence->askers[i], &now);
	look_all(evidence);
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

/* Whether a question is still out on which evidence that is asked for waits. */
static bool awaited(const struct evidence *evidence, const struct inquiry *inquiry, unsigned asked)
{
	if (inquiry->delivered)
		return false;
	if (!inquiry->asker)
		return !evidence->pause_over;
	return (asked & inquiry->asker->type->evidence) != 0 && inquiry->asker->type->open(inquiry->asker);
}

/*
 * Watch what a wanted check waits for. GATHERING_CAME: an answer has come in meanwhile; GATHERING_OVER: nothing is out
 * that is worth waiting for.
 */
static enum gathering watch_awaited(struct evidence *evidence, unsigned asked)
{
	enum gathering gathering = GATHERING_OVER;
	for (struct inquiry *inquiry = evidence->inquiries; inquiry; inquiry = inquiry->next) {
		if (!awaited(evidence, inquiry, asked))
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
	struct wants now = begin(evidence, wants);
	unsigned asked = wants_now(&now);
	moved = pump(evidence) || moved;
	if ((asked & EVIDENCE_SIGNATURES) != 0 && !evidence->facts->dkim.complete && !dkim_walk_open(evidence->dkim)) {
		dkim_walk_close(evidence->dkim);
		look_all(evidence);
		moved = true;
	}
	if (moved)
		return GATHERING_CAME;
	enum gathering gathering = evidence->facts->internal_error ? GATHERING_OVER : watch_awaited(evidence, asked);
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
