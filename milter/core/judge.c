/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/judge.h"

#include "core/withhold.h"

/* More different sentences than this are not tried before the header is in: a refusal then comes later. */
#define EARLY_SENTENCES_MAX 64

const struct org *judge_org(const struct settings *settings, const struct facts *facts)
{
	return facts->org_header == ORG_HEADER_OK ? settings_org(settings, &facts->org_id) : NULL;
}

/*
 * Naming an organization that is treated mildly must be no way round one that is not: an author that cannot be read might
 * be anybody's, and one whose domain an organization owns is that organization's. The strictest mode of all wins.
 */
static void choose_mode(const struct settings *settings, const struct facts *facts, struct judgement *judgement)
{
	struct owner_cursor cursor = { 0 };
	const struct org *owner;
	const struct org *org = judgement->org;

	judgement->mode = settings->mode_most;
	if (!org || (facts->author_status != MAILBOX_OK && org->mode < settings->mode_most))
		return;
	judgement->mode = org->mode;
	judgement->mode_by = org;
	if (facts->author_status != MAILBOX_OK)
		return;
	while ((owner = settings_next_owner(settings, facts->author.domain, &cursor)))
		if (owner->mode > judgement->mode) {
			judgement->mode = owner->mode;
			judgement->mode_by = owner;
		}
}

static void take_results(const struct facts *facts, const struct org *org, struct judgement *judgement,
                         struct bounds bounds[CHECK_COUNT])
{
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		const struct check *check = check_at((enum check_id)i);
		struct result *result = &judgement->results[i];
		if (facts->stage >= check->known_at)
			*result = facts->recorded && (facts->recorded->checks & CHECK_BIT(i)) ? facts->recorded->results[i]
			                                                                      : check->judge(facts, org);
		if (result->code == RESULT_PENDING && facts->evidence_over && !(check->evidence & EVIDENCE_LIMIT))
			*result = result_make(RESULT_TEMPERROR, REASON_DNS_TIMEOUT, result->detail);
		bounds[i] = bounds_of(result->code);
	}
	/* Not asked yet, or not to be asked: see ask_limit(). */
	if (judgement->results[CHECK_LIMIT].code == RESULT_PENDING)
		bounds[CHECK_LIMIT] = bounds_of(RESULT_PASS);
}

static check_bits pending_bits(const struct judgement *judgement)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (judgement->results[i].code == RESULT_PENDING)
			bits |= CHECK_BIT(i);
	return bits & ~CHECK_BIT(CHECK_LIMIT);
}

static void set_why(struct judgement *judgement, const struct check_list *why)
{
	judgement->why = *why;
	judgement->reason = why->count != 0 ? judgement->results[why->ids[0]].reason : REASON_INTERNAL;
}

/* What keeps a sentence open: of the checks that do not hold yet, those that are not known. */
static void set_why_open(struct judgement *judgement, const struct sentence *sentence, const struct bounds *bounds)
{
	struct check_list all;
	struct check_list unknown = { 0 };
	judgement->broken = NULL;
	sentence_responsible(sentence, bounds, false, &all);
	for (size_t i = 0; i < all.count; i++)
		if (bounds[all.ids[i]].most != bounds[all.ids[i]].least)
			unknown.ids[unknown.count++] = all.ids[i];
	set_why(judgement, &unknown);
}

static void set_why_broken(struct judgement *judgement, const struct sentence *sentence, const struct bounds *bounds)
{
	struct check_list broken;
	sentence_responsible(sentence, bounds, true, &broken);
	set_why(judgement, &broken);
	judgement->broken = sentence;
}

static bool is_open(struct bounds bounds)
{
	return !bounds_hold(bounds) && bounds_possible(bounds);
}

/* What enforcing does with a message of which no more will be known. */
static enum verdict settle(const struct settings *settings, const struct org *org, const struct bounds *bounds)
{
	struct bounds reject = sentence_evaluate(&org->reject_unless, bounds);
	struct bounds quarantine = sentence_evaluate(&org->quarantine_unless, bounds);

	if (!bounds_possible(reject))
		return VERDICT_REJECT;
	if (is_open(reject) || is_open(quarantine))
		return settings->undecided;
	return bounds_possible(quarantine) ? VERDICT_ACCEPT : VERDICT_QUARANTINE;
}

/* A doubt about this relay itself, which is not for `undecided` to settle. */
static bool is_own_doubt(const struct result *result)
{
	return result->code == RESULT_TEMPERROR && result->reason == REASON_DKIM_CLOCK;
}

/* Whether another verdict would come of it if what is in doubt because of ourselves held than if it did not. */
static bool own_doubt_decides(const struct settings *settings, const struct org *org, const struct judgement *judgement,
                              const struct bounds *bounds)
{
	struct bounds holding[CHECK_COUNT];
	struct bounds failing[CHECK_COUNT];

	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		bool doubted = is_own_doubt(&judgement->results[i]);
		holding[i] = doubted ? bounds_of(RESULT_PASS) : bounds[i];
		failing[i] = doubted ? bounds_of(RESULT_FAIL) : bounds[i];
	}
	return settle(settings, org, holding) != settle(settings, org, failing);
}

/* An open sentence: `undecided` says what it gives, but a doubt about ourselves on which the verdict hangs defers. */
static void decide_open(const struct settings *settings, const struct org *org, const struct sentence *sentence,
                        const struct bounds *bounds, struct judgement *judgement)
{
	struct check_list own = { 0 };

	judgement->would = settings->undecided;
	set_why_open(judgement, sentence, bounds);
	if (settings->undecided == VERDICT_TEMPFAIL || !own_doubt_decides(settings, org, judgement, bounds))
		return;
	judgement->would = VERDICT_TEMPFAIL;
	for (size_t i = 0; i < judgement->why.count; i++)
		if (is_own_doubt(&judgement->results[judgement->why.ids[i]]))
			own.ids[own.count++] = judgement->why.ids[i];
	set_why(judgement, &own);
}

/*
 * The checks on which it hangs what becomes of the message. One that is to be deferred may yet be refused, and nothing
 * else.
 */
static check_bits open_checks(const struct org *org, const struct bounds *bounds)
{
	check_bits open = sentence_open(&org->reject_unless, bounds);
	if (bounds_possible(sentence_evaluate(&org->defer_unless, bounds)))
		open |= sentence_open(&org->defer_unless, bounds) | sentence_open(&org->quarantine_unless, bounds)
		        | sentence_open(&org->warn_unless, bounds);
	return open;
}

/* Whether none of the pending checks could still change what becomes of the message. */
static bool closed_without(const struct org *org, const struct bounds *bounds, check_bits pending)
{
	return !bounds_possible(sentence_evaluate(&org->reject_unless, bounds))
	       || (open_checks(org, bounds) & pending) == 0;
}

/*
 * Names of the configuration are cheap to ask, and no sender can make their servers silent: where one such check, whichever
 * way it turns out, makes all others needless, it comes first.
 */
static check_bits first_of(const struct org *org, const struct bounds *bounds, check_bits wanted)
{
	check_bits first = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		struct bounds trial[CHECK_COUNT];
		if (!(wanted & CHECK_BIT(i)) || check_at((enum check_id)i)->evidence != EVIDENCE_IP_SPF)
			continue;
		memcpy(trial, bounds, sizeof trial);
		trial[i] = bounds_of(RESULT_FAIL);
		bool closes = closed_without(org, trial, wanted & ~CHECK_BIT(i));
		trial[i] = bounds_of(RESULT_PASS);
		if (closes || closed_without(org, trial, wanted & ~CHECK_BIT(i)))
			first |= CHECK_BIT(i);
	}
	return first;
}

/* What enforcing does with the message; undecided as long as evidence can still change it. */
static void decide(const struct settings *settings, const struct facts *facts, const struct org *org,
                   const struct bounds *bounds, struct judgement *judgement)
{
	struct bounds reject = sentence_evaluate(&org->reject_unless, bounds);
	struct bounds defer = sentence_evaluate(&org->defer_unless, bounds);
	struct bounds quarantine = sentence_evaluate(&org->quarantine_unless, bounds);
	struct bounds warn = sentence_evaluate(&org->warn_unless, bounds);

	if (!bounds_possible(reject)) {
		judgement->would = VERDICT_REJECT;
		set_why_broken(judgement, &org->reject_unless, bounds);
		return;
	}
	judgement->wanted = open_checks(org, bounds) & pending_bits(judgement);
	judgement->first = first_of(org, bounds, judgement->wanted);
	if (judgement->wanted != 0 || (facts->stage != STAGE_END && bounds_possible(defer)))
		return;
	if (!bounds_possible(defer) && (facts->stage == STAGE_END || bounds_hold(reject))) {
		judgement->would = VERDICT_TEMPFAIL;
		set_why_broken(judgement, &org->defer_unless, bounds);
	} else if (is_open(defer)) {
		judgement->would = VERDICT_TEMPFAIL;
		set_why_open(judgement, &org->defer_unless, bounds);
	} else if (facts->stage != STAGE_END) {
		return;
	} else if (is_open(reject) || is_open(quarantine)) {
		decide_open(settings, org, is_open(reject) ? &org->reject_unless : &org->quarantine_unless, bounds, judgement);
	} else if (!bounds_possible(quarantine)) {
		judgement->would = VERDICT_QUARANTINE;
		set_why_broken(judgement, &org->quarantine_unless, bounds);
	} else {
		judgement->would = VERDICT_ACCEPT;
	}
	if (!bounds_hold(warn))
		sentence_responsible(&org->warn_unless, bounds, false, &judgement->warn);
}

/* The sentence that is enforced even in monitor mode; not early, so that what enforcing would do is known as well. */
static void decide_floor(const struct settings *settings, const struct facts *facts, const struct bounds *bounds,
                         struct judgement *judgement)
{
	const struct sentence *floor = &settings->monitor_floor;
	struct bounds truth = sentence_evaluate(floor, bounds);

	if (facts->stage != STAGE_END || judgement->wanted != 0)
		return;
	if (!bounds_possible(truth)) {
		judgement->verdict = VERDICT_REJECT;
		set_why_broken(judgement, floor, bounds);
	} else if (!bounds_hold(truth)) {
		judgement->verdict = VERDICT_TEMPFAIL;
		set_why_open(judgement, floor, bounds);
	} else {
		judgement->verdict = VERDICT_ACCEPT;
	}
}

/* Something inside went wrong, so nothing that was found out can be relied on. */
static void judge_internal_error(const struct settings *settings, const struct facts *facts,
                                 struct judgement *judgement)
{
	bool locked = settings->mode_most > MODE_MONITOR || settings->monitor_floor.root;
	judgement->mode = settings->mode_most;
	judgement->would = VERDICT_TEMPFAIL;
	judgement->reason = REASON_INTERNAL;
	judgement->why.count = 0;
	judgement->broken = NULL;
	judgement->wanted = judgement->first = 0;
	if (locked)
		judgement->verdict = VERDICT_TEMPFAIL;
	else if (facts->stage == STAGE_END)
		judgement->verdict = VERDICT_ACCEPT;
}

/* Whether no sentence can hold any more. */
static bool hopeless(const struct settings *settings, const struct bounds *bounds)
{
	for (size_t i = 0; i < settings->sentence_count; i++)
		if (bounds_possible(sentence_evaluate(settings->sentences[i], bounds)))
			return false;
	return true;
}

/*
 * Before the header is in, any organization might be named: a session is refused only if under the union of all
 * parameters no sentence can hold, and only if none is merely monitored. Where the refusal is not final it waits for the
 * header, which names the message to who watches, but for want of TLS, so that nothing is sent in clear.
 */
static void judge_session(const struct settings *settings, const struct facts *facts, struct judgement *judgement)
{
	struct bounds bounds[CHECK_COUNT];

	take_results(facts, &settings->any, judgement, bounds);
	judgement->mode = settings->mode_most;
	if (settings->mode_least == MODE_MONITOR || settings->scope != SCOPE_ALL
	    || settings->sentence_count > EARLY_SENTENCES_MAX)
		return;
	if (settings->mode_least != MODE_ENFORCE)
		for (unsigned i = 0; i < CHECK_COUNT; i++)
			if (i != CHECK_TLS)
				bounds[i] = bounds_of(RESULT_PENDING);
	if (!hopeless(settings, bounds))
		return;
	set_why_broken(judgement, settings->sentences[0], bounds);
	judgement->mode = settings->mode_least;
	judgement->would = VERDICT_REJECT;
	judgement->verdict = settings->mode_least == MODE_ENFORCE ? VERDICT_REJECT : VERDICT_TEMPFAIL;
}

/* What is done where something else would be. */
static enum verdict in_mode(enum mode mode, enum verdict would)
{
	return mode == MODE_DEFER && would == VERDICT_REJECT ? VERDICT_TEMPFAIL : would;
}

/* The message would pass if it is within its limits: now it is to be counted, and to be judged once more. */
static void ask_limit(const struct facts *facts, struct judgement *judgement)
{
	if (!judgement->org || facts->stage != STAGE_END || judgement->wanted != 0
	    || judgement->results[CHECK_LIMIT].code != RESULT_PENDING
	    || (judgement->would != VERDICT_ACCEPT && judgement->would != VERDICT_QUARANTINE))
		return;
	judgement->verdict = judgement->would = VERDICT_UNDECIDED;
	judgement->why.count = judgement->warn.count = 0;
	judgement->reason = REASON_NONE;
	judgement->broken = NULL;
	judgement->wanted = CHECK_BIT(CHECK_LIMIT);
}

static void judge_message(const struct settings *settings, const struct facts *facts, struct judgement *judgement)
{
	const struct org *org = judge_org(settings, facts);
	struct bounds bounds[CHECK_COUNT];

	judgement->org = org;
	choose_mode(settings, facts, judgement);
	take_results(facts, org ? org : &settings->any, judgement, bounds);
	if (org) {
		decide(settings, facts, org, bounds, judgement);
	} else {
		struct check_list why = { 1, { CHECK_ORG } };
		judgement->would = VERDICT_REJECT;
		set_why(judgement, &why);
	}
	if (judgement->mode > MODE_MONITOR) {
		judgement->verdict = in_mode(judgement->mode, judgement->would);
	} else {
		judgement->wanted = pending_bits(judgement);
		judgement->first = 0;
		decide_floor(settings, facts, bounds, judgement);
	}
	ask_limit(facts, judgement);
}

/* Those that need not go because a signature covers them are counted, too: a header with so many is no real one. */
static unsigned removals(const struct settings *settings, const struct facts *facts, enum verdict verdict)
{
	unsigned forged = facts_removals(facts);
	unsigned withheld = withhold_most(settings, facts, verdict);
	return forged > REMOVALS_MAX ? forged : forged + withheld;
}

/*
 * More fields would have to be removed than can be: the message is refused whatever was found about it, for with them it
 * may not go on. Until that is known, it is judged as any other.
 */
static void refuse_removals(struct judgement *judgement)
{
	static const struct span detail = SPAN_LITERAL("more than 200 header fields would have to be removed");
	struct check_list why = { 1, { CHECK_MESSAGE } };

	if (judgement->would == VERDICT_UNDECIDED)
		return;
	judgement->verdict = VERDICT_REJECT;
	judgement->results[CHECK_MESSAGE] = result_make(RESULT_FAIL, REASON_MESSAGE_LIMIT, detail);
	judgement->warn.count = 0;
	judgement->wanted = judgement->first = 0;
	set_why(judgement, &why);
}

void judge(const struct settings *settings, const struct facts *facts, struct judgement *judgement_r)
{
	memset(judgement_r, 0, sizeof *judgement_r);
	if (facts->internal_error || arena_failed(facts->arena)) {
		judge_internal_error(settings, facts, judgement_r);
	} else if (network_set_has(settings->exempt_clients, &facts->client)) {
		judgement_r->verdict = judgement_r->would = VERDICT_EXEMPT;
		judgement_r->reason = REASON_EXEMPT;
	} else if (facts->stage < STAGE_HEADER) {
		judge_session(settings, facts, judgement_r);
	} else if (scope_excludes(settings, facts, &judgement_r->reason)) {
		judgement_r->verdict = judgement_r->would = VERDICT_SKIP;
	} else {
		judge_message(settings, facts, judgement_r);
	}
	if (facts->stage >= STAGE_HEADER && judgement_r->reason != REASON_INTERNAL
	    && removals(settings, facts, judgement_r->verdict) > REMOVALS_MAX)
		refuse_removals(judgement_r);
	if (arena_failed(facts->arena) && judgement_r->reason != REASON_INTERNAL) {
		memset(judgement_r, 0, sizeof *judgement_r);
		judge_internal_error(settings, facts, judgement_r);
	}
}
