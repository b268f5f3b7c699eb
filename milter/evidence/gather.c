#include "config.h"

#include "evidence/gather.h"

#include <string.h>

#include "core/dkim_walk.h"
#include "evidence/policies.h"

#define BODY_CHECKS (CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_DMARC))

/* Which machine a question came from. */
enum asker { ASKER_DKIM, ASKER_POLICIES };

/* A question under way. */
struct inquiry {
	enum asker asker;
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
	struct policies *policies;
	struct inquiry *inquiries;
	struct waker waker;
	long long waiting_since_ms; /* 0: nothing is waited for */
	bool body_ended;
};

struct evidence *gather_begin(const struct gather_sources *sources, const struct settings *settings, struct facts *facts,
                              struct waker waker)
{
	struct evidence *evidence = arena_alloc(facts->arena, sizeof *evidence);
	if (!evidence) {
		resolver_drop(sources->resolver);
		return NULL;
	}
	evidence->facts = facts;
	evidence->waker = waker;
	evidence->resolver = sources->resolver;
	evidence->dkim = dkim_walk_new(settings, facts, sources->dkim);
	evidence->policies = policies_new(settings, facts);
	if (evidence->dkim && evidence->policies)
		return evidence;
	gather_end(evidence);
	return NULL;
}

/* Ask; what cannot be asked for want of memory defers the message. */
static void inquire(struct evidence *evidence, enum asker asker, const struct question *question)
{
	struct inquiry *inquiry = arena_alloc(evidence->facts->arena, sizeof *inquiry);
	struct query *query = inquiry ? resolver_ask(evidence->resolver, question) : NULL;
	if (!query) {
		evidence->facts->trouble = true;
		return;
	}
	inquiry->asker = asker;
	inquiry->question = question;
	inquiry->query = query;
	inquiry->next = evidence->inquiries;
	evidence->inquiries = inquiry;
	if (!query_was_cached(query))
		evidence->facts->dns_queries++;
}

static void inquire_all(struct evidence *evidence)
{
	const struct question *question;
	while (!evidence->facts->trouble && (question = dkim_walk_next(evidence->dkim)) != NULL)
		inquire(evidence, ASKER_DKIM, question);
	while (!evidence->facts->trouble && (question = policies_next(evidence->policies)) != NULL)
		inquire(evidence, ASKER_POLICIES, question);
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
		switch (inquiry->asker) {
		case ASKER_DKIM:
			dkim_walk_answer(evidence->dkim, inquiry->question, answer);
			break;
		case ASKER_POLICIES:
			policies_answer(evidence->policies, inquiry->question, answer);
			break;
		}
	}
	return delivered;
}

/* Ask what is to be asked and hand in what is answered, until nothing moves. Returns whether anything came in. */
static bool pump(struct evidence *evidence)
{
	bool moved = false;
	inquire_all(evidence);
	while (!evidence->facts->trouble && deliver(evidence)) {
		moved = true;
		policies_look(evidence->policies);
		inquire_all(evidence);
	}
	return moved;
}

void gather_field(struct evidence *evidence, const struct field *field)
{
	dkim_walk_field(evidence->dkim, field);
	if (field->id == FIELD_DKIM_SIGNATURE)
		inquire_all(evidence);
}

void gather_header_end(struct evidence *evidence, check_bits wanted)
{
	deliver(evidence);
	dkim_walk_header_end(evidence->dkim, (wanted & BODY_CHECKS) != 0);
	policies_begin(evidence->policies, wanted);
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
	switch (inquiry->asker) {
	case ASKER_DKIM:
		return (wanted & BODY_CHECKS) != 0 && dkim_walk_open(evidence->dkim);
	case ASKER_POLICIES:
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

/* DMARC waits for what DKIM and SPF find. */
static check_bits with_sources(check_bits wanted)
{
	if (wanted & CHECK_BIT(CHECK_DMARC))
		wanted |= CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_SPF);
	return wanted;
}

enum gathering gather_answers(struct evidence *evidence, check_bits wanted)
{
	bool moved = false;

	end_wait(evidence);
	wanted = with_sources(wanted);
	if (!evidence->body_ended) {
		evidence->body_ended = true;
		dkim_walk_body_end(evidence->dkim);
		policies_begin(evidence->policies, wanted);
		moved = true;
	}
	moved = pump(evidence) || moved;
	if ((wanted & BODY_CHECKS) != 0 && !evidence->facts->dkim.complete && !dkim_walk_open(evidence->dkim)) {
		dkim_walk_close(evidence->dkim);
		policies_look(evidence->policies);
		moved = true;
	}
	if (moved)
		return GATHERING_CAME;
	enum gathering gathering = evidence->facts->trouble ? GATHERING_OVER : watch_awaited(evidence, wanted);
	if (gathering == GATHERING_WAITS)
		evidence->waiting_since_ms = resolver_now_ms();
	return gathering;
}

void gather_end(struct evidence *evidence)
{
	if (!evidence)
		return;
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
