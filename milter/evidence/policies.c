/* SPDX-License-Identifier: BSD-2-Clause */
#include "evidence/policies.h"

#include "core/dmarc.h"
#include "core/judge.h"
#include "core/spf.h"

/* A name of ip.spf. The canary is a client that no record lists unless it lists all. */
struct vouching {
	struct ip_spf *ip_spf;
	struct spf_walk *walk;
	struct spf_walk *canary; /* matters when the walk passes; begun with it, so that both take one time */
	struct vouching *next;
};

struct policies {
	const struct settings *settings;
	struct facts *facts;
	struct vouching *vouchings;
	struct spf_walk *sender;
	struct span sender_domain;
	struct dmarc_walk *dmarc;
	bool *told;
	bool told_sender;
	bool closed;
	bool busy[PURPOSES]; /* a question for it found no room */
};

static const struct address canary_client = { ADDRESS_IPV4, { 192, 0, 2, 1 } };

static bool add_vouching(struct policies *policies, struct span name, struct vouching ***end,
                         struct ip_spf ***facts_end)
{
	struct arena *arena = policies->facts->arena;
	struct vouching *vouching = arena_alloc(arena, sizeof *vouching);
	struct ip_spf *ip_spf = arena_alloc(arena, sizeof *ip_spf);
	if (!vouching || !ip_spf)
		return false;
	ip_spf->name = name;
	vouching->ip_spf = ip_spf;
	**facts_end = ip_spf;
	*facts_end = &ip_spf->next;
	**end = vouching;
	*end = &vouching->next;
	return true;
}

struct policies *policies_new(const struct settings *settings, struct facts *facts)
{
	struct policies *policies = arena_alloc(facts->arena, sizeof *policies);
	if (!policies)
		return NULL;
	policies->settings = settings;
	policies->facts = facts;
	struct vouching **end = &policies->vouchings;
	struct ip_spf **facts_end = &facts->ip_spfs;
	for (size_t i = 0; i < set_count(settings->any.ip.spf); i++)
		if (!add_vouching(policies, set_at(settings->any.ip.spf, i), &end, &facts_end))
			return NULL;
	return policies;
}

/* Why something for that purpose is not known. */
static enum reason doubt(const struct policies *policies, enum purpose purpose, enum reason otherwise)
{
	return policies->busy[purpose] ? REASON_DNS_BUSY : otherwise;
}

static struct spf_walk *walk_new(struct policies *policies, const struct address *client, struct span domain,
                                 struct span local)
{
	struct spf_input input = {
		.client = *client, .domain = domain, .local = local, .helo = policies->facts->helo, .look_ahead = true
	};
	struct spf_walk *walk = spf_walk_new(policies->facts->arena, &input);
	if (!walk)
		policies->facts->internal_error = true;
	return walk;
}

static void vouch_end(struct vouching *vouching, enum result_code code, enum reason reason)
{
	vouching->ip_spf->outcome = result_make(code, reason, vouching->ip_spf->name);
	vouching->ip_spf->complete = true;
}

/* A record that is missing or broken is the configuration's fault, not the client's. */
static void vouch_step(struct policies *policies, struct vouching *vouching)
{
	if (!vouching->walk || !vouching->canary || vouching->ip_spf->complete)
		return;
	spf_walk_step(vouching->canary);
	switch (spf_walk_step(vouching->walk)) {
	case SPF_PENDING:
		return;
	case SPF_PASS:
		break;
	case SPF_NEUTRAL:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
		vouch_end(vouching, RESULT_FAIL, REASON_IP_UNLISTED);
		return;
	case SPF_TEMPERROR:
		vouch_end(vouching, RESULT_TEMPERROR, doubt(policies, PURPOSE_VOUCH, REASON_DNS_ERROR));
		return;
	case SPF_NONE:
	case SPF_PERMERROR:
		vouch_end(vouching, RESULT_PERMERROR, REASON_IP_SPF_ERROR);
		return;
	}
	switch (spf_walk_step(vouching->canary)) {
	case SPF_PENDING:
		return;
	case SPF_PASS:
		vouch_end(vouching, RESULT_PERMERROR, REASON_IP_SPF_CANARY);
		return;
	case SPF_NONE:
	case SPF_NEUTRAL:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_PERMERROR:
		vouch_end(vouching, RESULT_PASS, REASON_NONE);
		return;
	case SPF_TEMPERROR:
		vouch_end(vouching, RESULT_TEMPERROR, doubt(policies, PURPOSE_VOUCH, REASON_DNS_ERROR));
		return;
	}
}

static struct result sender_result(enum spf_result result, struct span domain)
{
	switch (result) {
	case SPF_PENDING:
		break;
	case SPF_PASS:
		return result_make(RESULT_PASS, REASON_NONE, domain);
	case SPF_NONE:
		return result_make(RESULT_NONE, REASON_SPF_NONE, domain);
	case SPF_NEUTRAL:
		return result_make(RESULT_FAIL, REASON_SPF_NEUTRAL, domain);
	case SPF_SOFTFAIL:
		return result_make(RESULT_FAIL, REASON_SPF_SOFTFAIL, domain);
	case SPF_FAIL:
		return result_make(RESULT_FAIL, REASON_SPF_FAIL, domain);
	case SPF_TEMPERROR:
		return result_make(RESULT_TEMPERROR, REASON_SPF_TEMPERROR, domain);
	case SPF_PERMERROR:
		return result_make(RESULT_PERMERROR, REASON_SPF_PERMERROR, domain);
	}
	return result_make(RESULT_PENDING, REASON_NONE, domain);
}

static void sender_step(struct policies *policies)
{
	struct outcome_evidence *spf = &policies->facts->spf;
	if (!policies->sender || spf->complete)
		return;
	enum spf_result result = spf_walk_step(policies->sender);
	if (result == SPF_PENDING)
		return;
	spf->outcome = sender_result(result, policies->sender_domain);
	if (result == SPF_TEMPERROR)
		spf->outcome.reason = doubt(policies, PURPOSE_SENDER, REASON_SPF_TEMPERROR);
	spf->rfc8601 = spf_result_name(result);
	spf->complete = true;
}

/* RFC 7208 2.4: without a reverse-path the HELO name stands in. A sender that cannot be read has no domain. */
static void sender_begin(struct policies *policies)
{
	struct facts *facts = policies->facts;
	struct span local = span_make(NULL, 0);

	if (policies->sender)
		return;
	if (facts->sender_status == MAILBOX_OK) {
		policies->sender_domain = facts->sender.domain;
		local = facts->sender.local_part;
	} else if (facts->sender_status == MAILBOX_NULL) {
		policies->sender_domain = facts->helo;
		facts->spf.by_helo = true;
	}
	facts->spf.domain = policies->sender_domain;
	policies->sender = walk_new(policies, &facts->client, policies->sender_domain, local);
}

/* Whether that is why an aligned identifier is hidden. */
static bool hidden_by(const struct facts *facts, const struct dmarc_outcome *outcome, enum reason reason)
{
	if (span_absent(outcome->hidden))
		return false;
	for (size_t i = 0; i < facts->dkim.count; i++)
		if (facts->dkim.signatures[i].outcome.reason == reason
		    && span_equal_nocase(facts->dkim.signatures[i].domain, outcome->hidden))
			return true;
	return facts->spf.outcome.reason == reason && span_equal_nocase(facts->spf.domain, outcome->hidden);
}

/* Why DMARC is not known. */
static enum reason dmarc_doubt(const struct policies *policies, const struct dmarc_outcome *outcome)
{
	if (hidden_by(policies->facts, outcome, REASON_DKIM_CLOCK))
		return REASON_DKIM_CLOCK;
	if (hidden_by(policies->facts, outcome, REASON_DNS_BUSY))
		return REASON_DNS_BUSY;
	return doubt(policies, PURPOSE_AUTHOR, REASON_DMARC_TEMPERROR);
}

static struct result dmarc_result(const struct policies *policies, const struct dmarc_outcome *outcome)
{
	struct span author = policies->facts->author.domain;
	switch (outcome->result) {
	case DMARC_PENDING:
		break;
	case DMARC_NONE:
		return result_make(RESULT_NONE, REASON_DMARC_NONE, author);
	case DMARC_PASS:
		return result_make(RESULT_PASS, REASON_NONE, outcome->aligned);
	case DMARC_FAIL:
		return result_make(RESULT_FAIL,
		                   outcome->policy == DMARC_POLICY_NONE ? REASON_DMARC_POLICY_NONE : REASON_DMARC_FAIL, author);
	case DMARC_TEMPERROR:
		return result_make(RESULT_TEMPERROR, dmarc_doubt(policies, outcome), author);
	case DMARC_PERMERROR:
		return result_make(RESULT_PERMERROR, REASON_DMARC_PERMERROR, author);
	}
	return result_make(RESULT_PENDING, REASON_NONE, author);
}

/*
 * Hand in the identifiers that have been authenticated since. SPF's is the sender's domain, or with a null sender the HELO
 * name (RFC 7208 2.4), and never that beside another sender. A temporary error is none: see dmarc_step().
 */
static void tell_identifiers(struct policies *policies)
{
	const struct facts *facts = policies->facts;

	for (size_t i = 0; policies->told && i < facts->dkim.count; i++) {
		const struct signature *signature = &facts->dkim.signatures[i];
		if (policies->told[i] || signature->outcome.code != RESULT_PASS)
			continue;
		policies->told[i] = true;
		dmarc_walk_add(policies->dmarc, DMARC_BY_DKIM, signature->domain);
	}
	if (!policies->told_sender && facts->spf.complete && facts->spf.outcome.code == RESULT_PASS) {
		policies->told_sender = true;
		dmarc_walk_add(policies->dmarc, DMARC_BY_SPF, facts->spf.domain);
	}
}

static void tell_hidden_signatures(struct policies *policies, bool by_clock)
{
	const struct facts *facts = policies->facts;

	for (size_t i = 0; i < facts->dkim.count; i++)
		if (facts->dkim.signatures[i].outcome.code == RESULT_TEMPERROR
		    && (facts->dkim.signatures[i].outcome.reason == REASON_DKIM_CLOCK) == by_clock)
			dmarc_walk_add_hidden(policies->dmarc, DMARC_BY_DKIM, facts->dkim.signatures[i].domain);
}

/*
 * A temporary error may hide the identifier that would have been aligned: the walk knows which would, and of several
 * names the first. A doubt about our clock has to be named before all others.
 */
static void tell_hidden(struct policies *policies)
{
	const struct facts *facts = policies->facts;

	tell_hidden_signatures(policies, true);
	tell_hidden_signatures(policies, false);
	if (facts->spf.outcome.code == RESULT_TEMPERROR)
		dmarc_walk_add_hidden(policies->dmarc, DMARC_BY_SPF, facts->spf.domain);
}

static void dmarc_end(struct policies *policies, const struct dmarc_outcome *outcome)
{
	struct outcome_evidence *dmarc = &policies->facts->dmarc;

	dmarc->outcome = dmarc_result(policies, outcome);
	dmarc->rfc8601 = dmarc_result_name(outcome->result);
	dmarc->domain = outcome->policy_domain;
	dmarc->policy_none = outcome->policy == DMARC_POLICY_NONE;
	dmarc->complete = true;
}

static void dmarc_step(struct policies *policies)
{
	const struct facts *facts = policies->facts;

	if (!policies->dmarc || facts->dmarc.complete)
		return;
	if (!policies->closed) {
		tell_identifiers(policies);
		policies->closed = facts->dkim.complete && facts->spf.complete;
		if (policies->closed) {
			tell_hidden(policies);
			dmarc_walk_close(policies->dmarc);
		}
	}
	if (dmarc_walk_step(policies->dmarc) != DMARC_PENDING)
		dmarc_end(policies, dmarc_walk_outcome(policies->dmarc));
}

/* Without one readable author there is no domain whose policy could be asked. */
static void dmarc_begin(struct policies *policies)
{
	struct facts *facts = policies->facts;

	if (policies->dmarc || facts->dmarc.complete)
		return;
	if (facts->author_status != MAILBOX_OK) {
		facts->dmarc.outcome = result_make(RESULT_PERMERROR, REASON_DMARC_PERMERROR, span_make(NULL, 0));
		facts->dmarc.rfc8601 = dmarc_result_name(DMARC_PERMERROR);
		facts->dmarc.complete = true;
		return;
	}
	policies->dmarc = dmarc_walk_new(facts->arena, facts->author.domain, true);
	policies->told = arena_array(facts->arena, facts->dkim.count, sizeof *policies->told);
	if (!policies->dmarc || !policies->told)
		facts->internal_error = true;
}

static void begin_vouchings(struct policies *policies)
{
	const struct org *org = judge_org(policies->settings, policies->facts);
	for (struct vouching *vouching = policies->vouchings; vouching; vouching = vouching->next)
		if (!vouching->walk && (!org || set_has(org->ip.spf, vouching->ip_spf->name))) {
			vouching->walk = walk_new(policies, &policies->facts->client, vouching->ip_spf->name, span_make(NULL, 0));
			vouching->canary = walk_new(policies, &canary_client, vouching->ip_spf->name, span_make(NULL, 0));
		}
}

void policies_begin(struct policies *policies, check_bits wanted)
{
	if (wanted & CHECK_BIT(CHECK_IP))
		begin_vouchings(policies);
	if (wanted & (CHECK_BIT(CHECK_SPF) | CHECK_BIT(CHECK_DMARC)))
		sender_begin(policies);
	if (wanted & CHECK_BIT(CHECK_DMARC))
		dmarc_begin(policies);
	policies_look(policies);
}

void policies_look(struct policies *policies)
{
	if (policies->facts->internal_error)
		return;
	for (struct vouching *vouching = policies->vouchings; vouching; vouching = vouching->next)
		vouch_step(policies, vouching);
	sender_step(policies);
	dmarc_step(policies);
}

/* The next question of an SPF evaluation, and by whose choice. */
static const struct question *walk_next(struct spf_walk *walk, enum purpose purpose, struct span domain,
                                        struct origin *origin_r)
{
	const struct question *question = spf_walk_next(walk);
	if (question)
		*origin_r =
			(struct origin) { .purpose = purpose, .domain = domain, .chooser = spf_walk_chooser(walk, question) };
	return question;
}

static const struct question *vouch_next(const struct vouching *vouching, struct origin *origin_r)
{
	const struct question *question = NULL;
	struct span name = vouching->ip_spf->name;
	if (vouching->ip_spf->complete)
		return NULL;
	if (vouching->walk)
		question = walk_next(vouching->walk, PURPOSE_VOUCH, name, origin_r);
	if (!question && vouching->canary)
		question = walk_next(vouching->canary, PURPOSE_VOUCH, name, origin_r);
	return question;
}

const struct question *policies_next(struct policies *policies, struct origin *origin_r)
{
	const struct question *question = NULL;
	for (struct vouching *vouching = policies->vouchings; vouching && !question; vouching = vouching->next)
		question = vouch_next(vouching, origin_r);
	if (!question && policies->sender && !policies->facts->spf.complete)
		question = walk_next(policies->sender, PURPOSE_SENDER, policies->sender_domain, origin_r);
	if (!question && policies->dmarc && !policies->facts->dmarc.complete) {
		*origin_r = (struct origin) { .purpose = PURPOSE_AUTHOR, .domain = policies->facts->author.domain };
		question = dmarc_walk_next(policies->dmarc);
	}
	return question;
}

void policies_answer(struct policies *policies, enum purpose purpose, const struct question *question,
                     const struct answer *answer)
{
	policies->busy[purpose] = policies->busy[purpose] || answer->status == ANSWER_BUSY;
	for (struct vouching *vouching = policies->vouchings; vouching; vouching = vouching->next) {
		if (vouching->walk)
			spf_walk_answer(vouching->walk, question, answer, NULL);
		if (vouching->canary)
			spf_walk_answer(vouching->canary, question, answer, NULL);
	}
	if (policies->sender)
		spf_walk_answer(policies->sender, question, answer, NULL);
	if (policies->dmarc)
		dmarc_walk_answer(policies->dmarc, question, answer);
	policies_look(policies);
}

check_bits policies_open(const struct policies *policies, check_bits wanted)
{
	const struct facts *facts = policies->facts;
	check_bits open = 0;

	for (const struct vouching *vouching = policies->vouchings; vouching; vouching = vouching->next)
		if (vouching->walk && !vouching->ip_spf->complete)
			open |= CHECK_BIT(CHECK_IP);
	if (policies->sender && !facts->spf.complete)
		open |= CHECK_BIT(CHECK_SPF);
	if (policies->dmarc && !facts->dmarc.complete)
		open |= CHECK_BIT(CHECK_DMARC);
	return open & wanted;
}
