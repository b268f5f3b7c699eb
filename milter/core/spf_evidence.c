/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_evidence_private.h"

struct spf_asker {
	struct asker asker;
	struct facts *facts;
	struct spf_walk *walk;
	bool busy; /* a question found no room */
};

struct spf_walk *spf_evidence_walk(struct facts *facts, const struct address *client, struct span domain,
                                   struct span local)
{
	struct spf_input input = {
		.client = *client, .domain = domain, .local = local, .helo = facts->helo, .look_ahead = true
	};
	struct spf_walk *walk = spf_walk_new(facts->arena, &input);
	if (!walk)
		facts->internal_error = true;
	return walk;
}

const struct question *spf_evidence_next(struct spf_walk *walk, enum purpose purpose, struct span domain,
                                         struct origin *origin_r)
{
	const struct question *question = spf_walk_next(walk);
	if (question)
		*origin_r =
			(struct origin) { .purpose = purpose, .domain = domain, .chooser = spf_walk_chooser(walk, question) };
	return question;
}

static struct result result_of(enum spf_result result, struct span domain, bool busy)
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
		return result_make(RESULT_TEMPERROR, busy ? REASON_DNS_BUSY : REASON_SPF_TEMPERROR, domain);
	case SPF_PERMERROR:
		return result_make(RESULT_PERMERROR, REASON_SPF_PERMERROR, domain);
	}
	return result_make(RESULT_PENDING, REASON_NONE, domain);
}

static void look(struct asker *asker)
{
	struct spf_asker *own = (struct spf_asker *)asker;
	struct outcome_evidence *spf = &own->facts->spf;
	if (own->facts->internal_error || !own->walk || spf->complete)
		return;
	enum spf_result result = spf_walk_step(own->walk);
	if (result == SPF_PENDING)
		return;
	spf->outcome = result_of(result, spf->domain, own->busy);
	spf->rfc8601 = spf_result_name(result);
	spf->complete = true;
}

/* RFC 7208 2.4: without a reverse-path the HELO name stands in. A sender that cannot be read has no domain. */
static void begin(struct asker *asker, const struct wants *wants)
{
	struct spf_asker *own = (struct spf_asker *)asker;
	struct facts *facts = own->facts;
	struct span local = span_make(NULL, 0);

	if (!(wants_now(wants) & EVIDENCE_SPF) || own->walk)
		return;
	if (facts->sender_status == MAILBOX_OK) {
		facts->spf.domain = facts->sender.domain;
		local = facts->sender.local_part;
	} else if (facts->sender_status == MAILBOX_NULL) {
		facts->spf.domain = facts->helo;
		facts->spf.by_helo = true;
	}
	own->walk = spf_evidence_walk(facts, &facts->client, facts->spf.domain, local);
	look(asker);
}

static const struct question *next(struct asker *asker, struct origin *origin_r)
{
	struct spf_asker *own = (struct spf_asker *)asker;
	if (!own->walk || own->facts->spf.complete)
		return NULL;
	return spf_evidence_next(own->walk, PURPOSE_SENDER, own->facts->spf.domain, origin_r);
}

static void take_answer(struct asker *asker, const struct question *question, const struct answer *answer)
{
	struct spf_asker *own = (struct spf_asker *)asker;
	own->busy = own->busy || answer->status == ANSWER_BUSY;
	spf_walk_answer(own->walk, question, answer, NULL);
	look(asker);
}

static bool is_open(const struct asker *asker)
{
	const struct spf_asker *own = (const struct spf_asker *)asker;
	return own->walk && !own->facts->spf.complete;
}

static const struct asker_type type = { EVIDENCE_SPF, begin, next, take_answer, look, is_open };

struct asker *spf_asker(struct facts *facts)
{
	struct spf_asker *own = arena_alloc(facts->arena, sizeof *own);
	if (!own)
		return NULL;
	*own = (struct spf_asker) { .asker = { &type }, .facts = facts };
	return &own->asker;
}
