/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/asker.h"
#include "core/dmarc.h"

struct dmarc_asker {
	struct asker asker;
	struct facts *facts;
	struct dmarc_walk *walk;
	bool *told; /* of each signature of the facts */
	bool told_sender;
	bool closed;
	bool busy; /* a question found no room */
};

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
static enum reason doubt(const struct dmarc_asker *own, const struct dmarc_outcome *outcome)
{
	if (hidden_by(own->facts, outcome, REASON_DKIM_CLOCK))
		return REASON_DKIM_CLOCK;
	if (own->busy || hidden_by(own->facts, outcome, REASON_DNS_BUSY))
		return REASON_DNS_BUSY;
	return REASON_DMARC_TEMPERROR;
}

static struct result result_of(const struct dmarc_asker *own, const struct dmarc_outcome *outcome)
{
	struct span author = own->facts->author.domain;
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
		return result_make(RESULT_TEMPERROR, doubt(own, outcome), author);
	case DMARC_PERMERROR:
		return result_make(RESULT_PERMERROR, REASON_DMARC_PERMERROR, author);
	}
	return result_make(RESULT_PENDING, REASON_NONE, author);
}

/*
 * Hand in the identifiers that have been authenticated since. SPF's is the sender's domain, or with a null sender the HELO
 * name (RFC 7208 2.4), and never that beside another sender. A temporary error is none: see look().
 */
static void tell_identifiers(struct dmarc_asker *own)
{
	const struct facts *facts = own->facts;

	for (size_t i = 0; own->told && i < facts->dkim.count; i++) {
		const struct signature *signature = &facts->dkim.signatures[i];
		if (own->told[i] || signature->outcome.code != RESULT_PASS)
			continue;
		own->told[i] = true;
		dmarc_walk_add(own->walk, DMARC_BY_DKIM, signature->domain);
	}
	if (!own->told_sender && facts->spf.complete && facts->spf.outcome.code == RESULT_PASS) {
		own->told_sender = true;
		dmarc_walk_add(own->walk, DMARC_BY_SPF, facts->spf.domain);
	}
}

static void tell_hidden_signatures(struct dmarc_asker *own, bool by_clock)
{
	const struct facts *facts = own->facts;

	for (size_t i = 0; i < facts->dkim.count; i++)
		if (facts->dkim.signatures[i].outcome.code == RESULT_TEMPERROR
		    && (facts->dkim.signatures[i].outcome.reason == REASON_DKIM_CLOCK) == by_clock)
			dmarc_walk_add_hidden(own->walk, DMARC_BY_DKIM, facts->dkim.signatures[i].domain);
}

/*
 * A temporary error may hide the identifier that would have been aligned: the walk knows which would, and of several
 * names the first. A doubt about our clock has to be named before all others.
 */
static void tell_hidden(struct dmarc_asker *own)
{
	const struct facts *facts = own->facts;

	tell_hidden_signatures(own, true);
	tell_hidden_signatures(own, false);
	if (facts->spf.outcome.code == RESULT_TEMPERROR)
		dmarc_walk_add_hidden(own->walk, DMARC_BY_SPF, facts->spf.domain);
}

static void end(struct dmarc_asker *own, const struct dmarc_outcome *outcome)
{
	struct outcome_evidence *dmarc = &own->facts->dmarc;

	dmarc->outcome = result_of(own, outcome);
	dmarc->rfc8601 = dmarc_result_name(outcome->result);
	dmarc->domain = outcome->policy_domain;
	dmarc->policy_none = outcome->policy == DMARC_POLICY_NONE;
	dmarc->complete = true;
}

static void look(struct asker *asker)
{
	struct dmarc_asker *own = (struct dmarc_asker *)asker;
	const struct facts *facts = own->facts;

	if (facts->internal_error || !own->walk || facts->dmarc.complete)
		return;
	if (!own->closed) {
		tell_identifiers(own);
		own->closed = facts->dkim.complete && facts->spf.complete;
		if (own->closed) {
			tell_hidden(own);
			dmarc_walk_close(own->walk);
		}
	}
	if (dmarc_walk_step(own->walk) != DMARC_PENDING)
		end(own, dmarc_walk_outcome(own->walk));
}

/* Without one readable author there is no domain whose policy could be asked. */
static void begin(struct asker *asker, const struct wants *wants)
{
	struct dmarc_asker *own = (struct dmarc_asker *)asker;
	struct facts *facts = own->facts;

	if (!(wants_now(wants) & EVIDENCE_DMARC) || own->walk || facts->dmarc.complete)
		return;
	if (facts->author_status != MAILBOX_OK) {
		facts->dmarc.outcome = result_make(RESULT_PERMERROR, REASON_DMARC_PERMERROR, span_make(NULL, 0));
		facts->dmarc.rfc8601 = dmarc_result_name(DMARC_PERMERROR);
		facts->dmarc.complete = true;
		return;
	}
	own->walk = dmarc_walk_new(facts->arena, facts->author.domain, true);
	own->told = arena_array(facts->arena, facts->dkim.count, sizeof *own->told);
	if (!own->walk || !own->told)
		facts->internal_error = true;
	look(asker);
}

static const struct question *next(struct asker *asker, struct origin *origin_r)
{
	struct dmarc_asker *own = (struct dmarc_asker *)asker;
	if (!own->walk || own->facts->dmarc.complete)
		return NULL;
	*origin_r = (struct origin) { .purpose = PURPOSE_AUTHOR, .domain = own->facts->author.domain };
	return dmarc_walk_next(own->walk);
}

static void take_answer(struct asker *asker, const struct question *question, const struct answer *answer)
{
	struct dmarc_asker *own = (struct dmarc_asker *)asker;
	own->busy = own->busy || answer->status == ANSWER_BUSY;
	dmarc_walk_answer(own->walk, question, answer);
	look(asker);
}

static bool is_open(const struct asker *asker)
{
	const struct dmarc_asker *own = (const struct dmarc_asker *)asker;
	return own->walk && !own->facts->dmarc.complete;
}

static const struct asker_type type = { EVIDENCE_DMARC, begin, next, take_answer, look, is_open };

struct asker *dmarc_asker(struct facts *facts)
{
	struct dmarc_asker *own = arena_alloc(facts->arena, sizeof *own);
	if (!own)
		return NULL;
	*own = (struct dmarc_asker) { .asker = { &type }, .facts = facts };
	return &own->asker;
}
