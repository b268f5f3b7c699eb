/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/examine.h"

#include <stdio.h>

static bool decided(const struct examination *examination)
{
	return examination->judgement.verdict != VERDICT_UNDECIDED;
}

/* Checks whose evidence is still out and is asked for. */
static check_bits wanted(const struct examination *examination)
{
	const struct facts *facts = &examination->facts;
	check_bits bits = examination->judgement.wanted;
	/* Counting is no gathering: it changes what is asked. */
	if (!examination->terms.gather_all)
		return bits & ~CHECK_BIT(CHECK_LIMIT);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (examination->judgement.results[i].code == RESULT_PENDING
		    || ((check_at((enum check_id)i)->evidence & EVIDENCE_SIGNATURES) && !facts->dkim.complete
		        && facts->header.count[FIELD_DKIM_SIGNATURE] != 0))
			bits |= CHECK_BIT(i);
	return bits & ~CHECK_BIT(CHECK_LIMIT);
}

static struct wants wants(struct examination *examination)
{
	const struct judgement *judgement = &examination->judgement;
	struct wants wants = { .checks = wanted(examination), .first = judgement->first, .others = OTHERS_LEFT };
	if (examination->terms.gather_all) {
		wants.first = 0;
		wants.others = OTHERS_AWAITED;
	} else if (judgement->mode <= MODE_MONITOR) {
		wants.others = OTHERS_ASKED;
	}
	examination->asked = wants.checks;
	examination->has_asked = true;
	return wants;
}

/* The refusal that has waited, with what was found out about the message since. */
static void give_refusal(struct examination *examination)
{
	struct judgement *judgement = &examination->judgement;
	struct judgement refusal = examination->refusal;
	if (judgement->reason != REASON_INTERNAL) {
		memcpy(refusal.results, judgement->results, sizeof refusal.results);
		refusal.org = judgement->org;
		refusal.mode = judgement->mode;
		refusal.mode_by = judgement->mode_by;
	}
	*judgement = refusal;
}

/*
 * A refusal that may be of genuine mail waits until that is known, where it may: nothing that comes later can change it,
 * and so it is kept as it is. No evidence is asked for late, for what is wanted never grows.
 */
static void wait_for_drift(struct examination *examination)
{
	struct judgement *judgement = &examination->judgement;
	bool refuses = verdict_refuses(judgement->verdict);
	check_bits needed = 0;
	bool awaits = refuses && !examination->facts.evidence_over && !examination->facts.internal_error
	              && drift_awaits(examination->settings, &examination->facts, judgement, &needed)
	              && !(examination->has_asked && (needed & ~examination->asked) != 0);

	if (awaits && !examination->patience_asked) {
		examination->patience_asked = true;
		examination->refusal = *judgement;
		examination->refusal_waits = examination->terms.patience.grants
		                             && examination->terms.patience.grants(examination->terms.patience.context);
	}
	if (!examination->refusal_waits)
		return;
	if (awaits) {
		judgement->verdict = VERDICT_UNDECIDED;
		judgement->wanted = needed;
		judgement->first = 0;
	} else {
		give_refusal(examination);
	}
}

static void look(struct examination *examination)
{
	judge(examination->settings, &examination->facts, &examination->judgement);
	if (decided(examination))
		examination->drift = drift_find(examination->settings, &examination->facts, &examination->judgement);
	wait_for_drift(examination);
	/* A verdict is held back while all evidence is gathered; the facts only grow, so it will be reached again. */
	if (examination->terms.gather_all && examination->facts.stage != STAGE_END && !examination->facts.internal_error)
		examination->judgement.verdict = VERDICT_UNDECIDED;
	if (decided(examination) && examination->ended_ms == 0)
		examination->ended_ms = examination->environment->now_ms(examination->environment->context);
}

void examine_begin(struct examination *examination, const struct settings *settings,
                   const struct environment *environment, struct span sid, const struct session_input *input,
                   const struct examine_terms *terms)
{
	memset(examination, 0, sizeof *examination);
	if (terms)
		examination->terms = *terms;
	arena_init(&examination->arena, EXAMINATION_MEMORY_MAX);
	examination->settings = settings;
	examination->environment = environment;
	snprintf(examination->sid, sizeof examination->sid, "%.*s", (int)sid.length, sid.at ? sid.at : "");
	examination->began_ms = environment->now_ms(environment->context);
	facts_begin(&examination->facts, &examination->arena, environment->to_ascii, settings, input);
	if (!environment->limiter)
		examination->facts.limit =
			(struct limit_evidence) { true, result_make(RESULT_SKIP, REASON_LIMIT_NOT_COUNTED, span_make(NULL, 0)) };
	look(examination);
	if (examination->judgement.would == VERDICT_REJECT && settings->early_reject != EARLY_REJECT_MAIL) {
		examination->judgement.verdict = VERDICT_UNDECIDED;
		examination->ended_ms = 0;
	}
	if (decided(examination))
		return;
	examination->evidence =
		environment->begin(environment->context, settings, &examination->facts, examination->terms.waker);
	if (!examination->evidence)
		examination->facts.internal_error = true;
}

void examine_recipient(struct examination *examination, struct span path, struct span mailer)
{
	if (examination->facts.stage > STAGE_RCPT)
		examination->facts.internal_error = true;
	else
		facts_recipient(&examination->facts, path, mailer);
	if (!decided(examination))
		look(examination);
}

void examine_queue_id(struct examination *examination, struct span queue_id)
{
	facts_queue_id(&examination->facts, queue_id);
}

void examine_field(struct examination *examination, struct span name, struct span value, bool leading_space)
{
	if (examination->facts.stage >= STAGE_HEADER)
		examination->facts.internal_error = true;
	else
		facts_field(&examination->facts, name, value, leading_space);
	const struct field *field = examination->facts.header.latest;
	if (field && !decided(examination) && examination->evidence && examination->facts.stage < STAGE_HEADER)
		examination->environment->field(examination->evidence, field);
}

/* Start what is wanted, and judge what was there at once. */
static void start(struct examination *examination)
{
	if (decided(examination) || !examination->evidence || examination->facts.internal_error)
		return;
	struct wants wanted_now = wants(examination);
	examination->environment->start(examination->evidence, &wanted_now);
	look(examination);
}

void examine_header_end(struct examination *examination)
{
	const struct environment *environment = examination->environment;
	if (examination->facts.stage >= STAGE_HEADER)
		examination->facts.internal_error = true;
	else
		facts_header_end(&examination->facts, environment->now(environment->context));
	/* An exempt message, decided before its header was seen, may have to be refused for it. */
	if (decided(examination) && facts_removals(&examination->facts) <= REMOVALS_MAX)
		return;
	examination->ended_ms = 0;
	look(examination);
	if (decided(examination) || !examination->evidence)
		return;
	/* What the signatures alone tell may decide before anything is asked, what the cache knows before the body comes. */
	environment->header_end(examination->evidence);
	look(examination);
	start(examination);
}

bool examine_wants_body(const struct examination *examination)
{
	if (decided(examination) || !examination->evidence || examination->body_enough || examination->facts.internal_error)
		return false;
	check_bits bits = wanted(examination);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if ((bits & CHECK_BIT(i)) && check_at((enum check_id)i)->evidence & EVIDENCE_SIGNATURES)
			return true;
	return false;
}

void examine_body(struct examination *examination, struct span chunk)
{
	if (examination->facts.stage != STAGE_HEADER)
		examination->facts.internal_error = true;
	facts_body(&examination->facts, chunk.length);
	if (examine_wants_body(examination))
		examination->body_enough = !examination->environment->body(examination->evidence, chunk);
	/* What came first may have come. */
	if (examination->judgement.first != 0 && !decided(examination)) {
		look(examination);
		start(examination);
	}
}

void examine_body_skipped(struct examination *examination)
{
	examination->body_skipped = true;
}

/* Take in what the sentences still need, as far as it is there or the time is up. False: it has to be waited for. */
static bool gather(struct examination *examination)
{
	const struct environment *environment = examination->environment;
	struct facts *facts = &examination->facts;

	while (!facts->evidence_over && !facts->internal_error && wanted(examination) != 0) {
		struct wants wanted_now = wants(examination);
		enum gathering gathering =
			examination->evidence ? environment->gather(examination->evidence, &wanted_now) : GATHERING_OVER;
		bool late = environment->now_ms(environment->context) >= examination->deadline_ms;
		if (gathering == GATHERING_WAITS && !late && !facts->internal_error)
			return false;
		if (gathering == GATHERING_OVER || late)
			facts->evidence_over = true;
		look(examination);
	}
	return true;
}

/* Count the message, if all else lets it pass. False: it has to be waited for. */
static bool count(struct examination *examination)
{
	const struct environment *environment = examination->environment;
	struct facts *facts = &examination->facts;

	if (facts->internal_error || !(examination->judgement.wanted & CHECK_BIT(CHECK_LIMIT)))
		return true;
	if (!examination->count)
		examination->count = environment->limiter->begin(environment->limiter->context, examination->settings,
		                                                 examination->judgement.org, facts, examination->terms.waker);
	bool late = environment->now_ms(environment->context) >= examination->deadline_ms;
	if (!examination->count)
		facts->internal_error = true;
	else if (!environment->limiter->look(examination->count, late, facts) && !late)
		return false;
	look(examination);
	return true;
}

bool examine_resume(struct examination *examination)
{
	if (!examination->waiting)
		return true;
	if (!gather(examination) || !count(examination))
		return false;
	examination->waiting = false;
	if (!decided(examination)) {
		examination->facts.internal_error = true;
		look(examination);
	}
	return true;
}

bool examine_end(struct examination *examination)
{
	const struct environment *environment = examination->environment;
	struct facts *facts = &examination->facts;
	if (facts->stage != STAGE_HEADER)
		facts->internal_error = true;
	facts->body_complete = !examination->body_skipped;
	facts->stage = STAGE_END;
	if (decided(examination))
		return true;
	look(examination);
	if (decided(examination) && !examination->terms.gather_all)
		return true;
	examination->deadline_ms =
		environment->now_ms(environment->context) + 1000LL * examination->settings->message_timeout;
	examination->waiting = true;
	return examine_resume(examination);
}

void examine_finish(struct examination *examination, void (*wait)(void *context, long long deadline_ms), void *context)
{
	bool over = examine_end(examination);
	while (!over && wait) {
		wait(context, examination->deadline_ms);
		over = examine_resume(examination);
	}
}

void examine_defer(struct examination *examination)
{
	struct judgement *judgement = &examination->judgement;
	judgement->verdict = judgement->would = VERDICT_TEMPFAIL;
	judgement->reason = REASON_INTERNAL;
	judgement->why.count = judgement->warn.count = 0;
	judgement->broken = NULL;
	judgement->wanted = judgement->first = 0;
	examination->drift = (struct drift) { .kind = DRIFT_NONE };
	examination->waiting = false;
	if (examination->ended_ms == 0)
		examination->ended_ms = examination->environment->now_ms(examination->environment->context);
}

void examine_clear(struct examination *examination)
{
	if (examination->evidence)
		examination->environment->end(examination->evidence);
	if (examination->count)
		examination->environment->limiter->end(examination->count);
	if (examination->environment)
		arena_clear(&examination->arena);
	memset(examination, 0, sizeof *examination);
}
