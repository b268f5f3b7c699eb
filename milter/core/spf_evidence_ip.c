/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/judge.h"
#include "spf_evidence_private.h"

/* A name of ip.spf. The probe is a client that no record lists unless it lists all. */
struct listing {
	struct ip_spf *ip_spf;
	struct spf_walk *walk;
	struct spf_walk *probe; /* matters when the walk passes; begun with it, so that both take one time */
	struct listing *next;
};

struct ip_spf_asker {
	struct asker asker;
	const struct settings *settings;
	struct facts *facts;
	struct listing *listings;
	bool busy; /* a question found no room */
};

static const struct address probe_client = { ADDRESS_IPV4, { 192, 0, 2, 1 } };

static void end(struct listing *listing, enum result_code code, enum reason reason)
{
	listing->ip_spf->outcome = result_make(code, reason, listing->ip_spf->name);
	listing->ip_spf->complete = true;
}

/* The client is listed: so it counts, unless everybody is. */
static void take_probe(struct listing *listing, enum reason doubt)
{
	switch (spf_walk_step(listing->probe)) {
	case SPF_PENDING:
		return;
	case SPF_PASS:
		end(listing, RESULT_PERMERROR, REASON_IP_SPF_CANARY);
		return;
	case SPF_NONE:
	case SPF_NEUTRAL:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_PERMERROR:
		end(listing, RESULT_PASS, REASON_NONE);
		return;
	case SPF_TEMPERROR:
		end(listing, RESULT_TEMPERROR, doubt);
		return;
	}
}

/* A record that is missing or broken is the configuration's fault, not the client's. */
static void step(struct listing *listing, enum reason doubt)
{
	if (!listing->walk || !listing->probe || listing->ip_spf->complete)
		return;
	spf_walk_step(listing->probe);
	switch (spf_walk_step(listing->walk)) {
	case SPF_PENDING:
		return;
	case SPF_PASS:
		take_probe(listing, doubt);
		return;
	case SPF_NEUTRAL:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
		end(listing, RESULT_FAIL, REASON_IP_UNLISTED);
		return;
	case SPF_TEMPERROR:
		end(listing, RESULT_TEMPERROR, doubt);
		return;
	case SPF_NONE:
	case SPF_PERMERROR:
		end(listing, RESULT_PERMERROR, REASON_IP_SPF_ERROR);
		return;
	}
}

static void look(struct asker *asker)
{
	struct ip_spf_asker *own = (struct ip_spf_asker *)asker;
	if (own->facts->internal_error)
		return;
	for (struct listing *listing = own->listings; listing; listing = listing->next)
		step(listing, own->busy ? REASON_DNS_BUSY : REASON_DNS_ERROR);
}

static void begin(struct asker *asker, const struct wants *wants)
{
	struct ip_spf_asker *own = (struct ip_spf_asker *)asker;
	struct facts *facts = own->facts;
	const struct org *org = judge_org(own->settings, facts);

	if (!(wants_now(wants) & EVIDENCE_IP_SPF))
		return;
	for (struct listing *listing = own->listings; listing; listing = listing->next)
		if (!listing->walk && (!org || set_has(org->ip.spf, listing->ip_spf->name))) {
			listing->walk = spf_evidence_walk(facts, &facts->client, listing->ip_spf->name, span_make(NULL, 0));
			listing->probe = spf_evidence_walk(facts, &probe_client, listing->ip_spf->name, span_make(NULL, 0));
		}
	look(asker);
}

static const struct question *next_of(const struct listing *listing, struct origin *origin_r)
{
	const struct question *question = NULL;
	struct span name = listing->ip_spf->name;
	if (listing->ip_spf->complete)
		return NULL;
	if (listing->walk)
		question = spf_evidence_next(listing->walk, PURPOSE_IP_SPF, name, origin_r);
	if (!question && listing->probe)
		question = spf_evidence_next(listing->probe, PURPOSE_IP_SPF, name, origin_r);
	return question;
}

static const struct question *next(struct asker *asker, struct origin *origin_r)
{
	const struct question *question = NULL;
	for (const struct listing *listing = ((struct ip_spf_asker *)asker)->listings; listing && !question;
	     listing = listing->next)
		question = next_of(listing, origin_r);
	return question;
}

static void take_answer(struct asker *asker, const struct question *question, const struct answer *answer)
{
	struct ip_spf_asker *own = (struct ip_spf_asker *)asker;
	own->busy = own->busy || answer->status == ANSWER_BUSY;
	for (struct listing *listing = own->listings; listing; listing = listing->next) {
		if (listing->walk)
			spf_walk_answer(listing->walk, question, answer, NULL);
		if (listing->probe)
			spf_walk_answer(listing->probe, question, answer, NULL);
	}
	look(asker);
}

static bool is_open(const struct asker *asker)
{
	for (const struct listing *listing = ((const struct ip_spf_asker *)asker)->listings; listing;
	     listing = listing->next)
		if (listing->walk && !listing->ip_spf->complete)
			return true;
	return false;
}

static const struct asker_type type = { EVIDENCE_IP_SPF, begin, next, take_answer, look, is_open };

struct asker *ip_spf_asker(const struct settings *settings, struct facts *facts)
{
	struct ip_spf_asker *own = arena_alloc(facts->arena, sizeof *own);
	if (!own)
		return NULL;
	*own = (struct ip_spf_asker) { .asker = { &type }, .settings = settings, .facts = facts };
	struct listing **end_of_listings = &own->listings;
	struct ip_spf **end_of_facts = &facts->ip_spfs;
	for (size_t i = 0; i < set_count(settings->any.ip.spf); i++) {
		struct listing *listing = arena_alloc(facts->arena, sizeof *listing);
		struct ip_spf *ip_spf = arena_alloc(facts->arena, sizeof *ip_spf);
		if (!listing || !ip_spf)
			return NULL;
		ip_spf->name = set_at(settings->any.ip.spf, i);
		listing->ip_spf = ip_spf;
		*end_of_listings = listing;
		end_of_listings = &listing->next;
		*end_of_facts = ip_spf;
		end_of_facts = &ip_spf->next;
	}
	return &own->asker;
}
