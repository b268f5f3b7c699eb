/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dkim_walk.h"

#include "core/domain.h"
#include "core/judge.h"
#include "core/set.h"
#include "dkim_private.h"

#define FORMS 2

/* The body in one canonical form. No signature with l= is verified, so its length is that of the body. */
struct hashed_body {
	struct dkim_body *body; /* NULL: no signature needs it, or it is over */
	bool known;
	unsigned char digest[DKIM_DIGEST_LENGTH];
};

struct dkim_walk {
	struct asker asker;
	const struct settings *settings;
	struct facts *facts;
	const struct dkim_environment *environment;
	bool begun; /* what is pending is being verified */
	bool body_done;
	struct hashed_body bodies[FORMS];
	bool awaits_others;
	size_t count;
	struct dkim_candidate *candidates[DKIM_SIGNATURES_SEEN_MAX];
};

static void drop_body(struct hashed_body *hashed)
{
	if (hashed->body)
		dkim_body_drop(hashed->body);
	hashed->body = NULL;
}

void dkim_walk_drop(struct dkim_walk *walk)
{
	for (size_t i = 0; walk && i < FORMS; i++)
		drop_body(&walk->bodies[i]);
}

void dkim_walk_field(struct dkim_walk *walk, const struct field *field)
{
	struct arena *arena = walk->facts->arena;
	if (field->id != FIELD_DKIM_SIGNATURE || walk->count == DKIM_SIGNATURES_SEEN_MAX)
		return;
	struct dkim_candidate *candidate = arena_alloc(arena, sizeof *candidate);
	if (!candidate || !dkim_tags_signature(field->value, arena, walk->facts->to_ascii, &candidate->tags))
		return;
	walk->candidates[walk->count++] = candidate;
	candidate->field = field;
	candidate->question.type = RECORD_TXT;
	candidate->question.name = candidate->tags.key_name;
	dkim_candidate_judge(candidate);
}

static unsigned algorithm_bit(enum dkim_algorithm algorithm)
{
	switch (algorithm) {
	case DKIM_ALGORITHM_RSA_SHA256:
		return ALGORITHM_RSA_SHA256;
	case DKIM_ALGORITHM_ED25519_SHA256:
		return ALGORITHM_ED25519_SHA256;
	case DKIM_ALGORITHM_OTHER:
		return 0;
	}
	return 0;
}

/* One entry of the facts for each chosen signature, in the order of the header. */
static bool write_facts(struct dkim_walk *walk, size_t chosen)
{
	struct dkim_evidence *dkim = &walk->facts->dkim;

	dkim->signatures = arena_array(walk->facts->arena, chosen, sizeof *dkim->signatures);
	if (!dkim->signatures)
		return false;
	for (size_t i = 0; i < walk->count; i++) {
		struct dkim_candidate *candidate = walk->candidates[i];
		if (!candidate->chosen)
			continue;
		struct signature *fact = &dkim->signatures[dkim->count++];
		candidate->fact = fact;
		fact->outcome = candidate->fault;
		fact->rfc8601 = candidate->rfc8601 ? candidate->rfc8601 : "none";
		fact->index = candidate->field->index;
		fact->domain = candidate->tags.domain;
		fact->selector = candidate->tags.selector;
		fact->b_prefix = candidate->tags.b_prefix;
		fact->algorithm = algorithm_bit(candidate->tags.algorithm);
		fact->relation = candidate->relation;
		fact->timestamp = candidate->tags.timestamp;
		fact->signed_headers = candidate->tags.signed_names;
	}
	return true;
}

static bool any_pending(const struct dkim_walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		if (dkim_candidate_pending(walk->candidates[i]))
			return true;
	return false;
}

/* Whether some signature still needs the body in that form. */
static bool validator_needed(const struct dkim_walk *walk, enum dkim_form form)
{
	for (size_t i = 0; i < walk->count; i++)
		if (dkim_candidate_pending(walk->candidates[i]) && walk->candidates[i]->tags.body_form == form)
			return true;
	return false;
}

/* Hash the header for all that is pending, and begin with the body. False without memory. */
static bool begin(struct dkim_walk *walk)
{
	struct arena *arena = walk->facts->arena;
	const struct dkim_crypto *crypto = walk->environment->crypto;
	struct dkim_header covered;

	if (!dkim_header_prepare(&covered, &walk->facts->header))
		return false;
	for (size_t i = 0; i < walk->count; i++)
		if (dkim_candidate_pending(walk->candidates[i])
		    && !dkim_candidate_hash_header(walk->candidates[i], &covered, crypto))
			return false;
	for (unsigned form = 0; form < FORMS; form++) {
		if (!validator_needed(walk, (enum dkim_form)form))
			continue;
		struct dkim_body *body = arena_alloc(arena, sizeof *body);
		if (!body || !dkim_body_begin(body, crypto, (enum dkim_form)form, DKIM_NO_LENGTH))
			return false;
		walk->bodies[form].body = body;
	}
	return true;
}

/* The header against the signature, as soon as there is a key. */
static void verify_header(struct dkim_walk *walk, struct dkim_candidate *candidate)
{
	const struct dkim_crypto *crypto = walk->environment->crypto;
	switch (crypto->verify(crypto->context, candidate->tags.algorithm == DKIM_ALGORITHM_ED25519_SHA256,
	                       candidate->key.public_key, candidate->digest, candidate->tags.b)) {
	case DKIM_VERIFIED:
		candidate->verified = true;
		return;
	case DKIM_MISMATCH:
		dkim_candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_FAIL, "fail");
		return;
	case DKIM_UNVERIFIABLE:
		walk->facts->internal_error = true;
		return;
	}
}

/* The body against bh=, once it is complete. */
static void compare_body(struct dkim_walk *walk, struct dkim_candidate *candidate)
{
	const struct hashed_body *hashed = &walk->bodies[candidate->tags.body_form];
	if (hashed->known && memcmp(hashed->digest, candidate->tags.body_hash.at, DKIM_DIGEST_LENGTH) == 0)
		dkim_candidate_settle_good(candidate, walk->facts->received);
	else
		dkim_candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_BODYHASH, "fail");
}

/* As far as key and body have come. */
static void verify(struct dkim_walk *walk, struct dkim_candidate *candidate)
{
	if (!walk->begun || walk->facts->internal_error || !candidate->answer || !dkim_candidate_pending(candidate))
		return;
	if (!candidate->has_key)
		dkim_candidate_take_key(candidate, walk->facts);
	if (candidate->has_key && !candidate->verified)
		verify_header(walk, candidate);
	if (candidate->verified && walk->body_done)
		compare_body(walk, candidate);
}

static void verify_all(struct dkim_walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		verify(walk, walk->candidates[i]);
	walk->facts->dkim.complete = !any_pending(walk);
}

void dkim_walk_header_end(struct dkim_walk *walk)
{
	struct facts *facts = walk->facts;
	const struct org *org = judge_org(walk->settings, facts);
	size_t max = org ? org->dkim.max_signatures : walk->settings->defaults.dkim.max_signatures;

	for (size_t i = 0; i < walk->count; i++)
		dkim_candidate_judge_in_header(walk->candidates[i], facts, walk->environment);
	/* The check of an organization that wants some field signed has to know how often it is there, too. */
	if (walk->count != 0 && !header_index(&facts->header))
		facts->internal_error = true;
	if (!write_facts(walk, dkim_candidates_choose(walk->candidates, walk->count, max))) {
		facts->internal_error = true;
		return;
	}
	facts->dkim.complete = !any_pending(walk);
}

/* Which of the checks a signature could still make pass. */
static check_bits serves(const struct dkim_walk *walk, const struct dkim_candidate *candidate)
{
	const struct org *org = judge_org(walk->settings, walk->facts);
	check_bits bits = candidate->near ? CHECK_BIT(CHECK_DMARC) : 0;
	if (signature_hopeful(walk->facts, org ? org : &walk->settings->any, candidate->fact))
		bits |= CHECK_BIT(CHECK_DKIM);
	return bits;
}

void dkim_walk_begin(struct dkim_walk *walk, const struct wants *wants)
{
	if (walk->begun || walk->facts->internal_error)
		return;
	walk->begun = true;
	walk->awaits_others = wants->others == OTHERS_AWAITED;
	for (size_t i = 0; i < walk->count; i++) {
		struct dkim_candidate *candidate = walk->candidates[i];
		if (!dkim_candidate_pending(candidate))
			continue;
		candidate->serves = serves(walk, candidate) & wants->checks;
		candidate->fact->left = candidate->serves == 0 && wants->others == OTHERS_LEFT;
	}
	if (any_pending(walk) && !begin(walk))
		walk->facts->internal_error = true;
	verify_all(walk);
}

void dkim_walk_ask(struct dkim_walk *walk, check_bits checks, bool others)
{
	for (size_t i = 0; i < walk->count; i++) {
		struct dkim_candidate *candidate = walk->candidates[i];
		if (walk->begun && dkim_candidate_pending(candidate)
		    && ((candidate->serves & checks) != 0 || (candidate->serves == 0 && others)))
			candidate->asks = true;
	}
}

bool dkim_walk_body(struct dkim_walk *walk, struct span chunk)
{
	bool needed = false;
	for (unsigned form = 0; form < FORMS; form++) {
		struct hashed_body *hashed = &walk->bodies[form];
		if (!hashed->body)
			continue;
		if (!validator_needed(walk, (enum dkim_form)form)) {
			drop_body(hashed);
			continue;
		}
		dkim_body_put(hashed->body, chunk);
		needed = true;
	}
	return needed && !walk->facts->internal_error;
}

/* A body with a CR or LF that is no line end has no hash that all would agree on: see core/dkim_canon.h. */
static void end_body(struct dkim_walk *walk, struct hashed_body *hashed)
{
	if (!hashed->body)
		return;
	if (!dkim_body_end(hashed->body, hashed->digest))
		walk->facts->internal_error = true;
	hashed->known = !hashed->body->bare;
	hashed->body = NULL;
}

void dkim_walk_body_end(struct dkim_walk *walk)
{
	if (!walk->begun || walk->body_done)
		return;
	walk->body_done = true;
	for (unsigned form = 0; form < FORMS; form++)
		end_body(walk, &walk->bodies[form]);
	verify_all(walk);
}

static struct dkim_candidate *next_to_ask(const struct dkim_walk *walk)
{
	struct dkim_candidate *next = NULL;
	for (size_t i = 0; i < walk->count; i++) {
		struct dkim_candidate *candidate = walk->candidates[i];
		if (!candidate->asks || candidate->asked)
			continue;
		if (!next || (candidate->serves != 0 && next->serves == 0)
		    || ((candidate->serves != 0) == (next->serves != 0) && candidate->relation > next->relation))
			next = candidate;
	}
	return next;
}

const struct question *dkim_walk_next(struct dkim_walk *walk, const struct signature **signature_r)
{
	struct dkim_candidate *candidate = next_to_ask(walk);
	if (!candidate)
		return NULL;
	candidate->asked = true;
	*signature_r = candidate->fact;
	return &candidate->question;
}

const struct question *dkim_walk_proven(struct dkim_walk *walk, const struct signature **signature_r)
{
	for (size_t i = 0; i < walk->count; i++) {
		struct dkim_candidate *candidate = walk->candidates[i];
		if (candidate->told || !candidate->fact || candidate->fact->outcome.code != RESULT_PASS)
			continue;
		candidate->told = true;
		*signature_r = candidate->fact;
		return &candidate->question;
	}
	return NULL;
}

void dkim_walk_answer(struct dkim_walk *walk, const struct question *question, const struct answer *answer)
{
	for (size_t i = 0; i < walk->count; i++) {
		struct dkim_candidate *candidate = walk->candidates[i];
		if (!candidate->asked || candidate->answer || !question_equal(&candidate->question, question))
			continue;
		candidate->answer = answer;
		verify(walk, candidate);
	}
	if (walk->begun)
		walk->facts->dkim.complete = !any_pending(walk);
}

bool dkim_walk_open(const struct dkim_walk *walk)
{
	for (size_t i = 0; i < walk->count && walk->begun; i++)
		if (dkim_candidate_pending(walk->candidates[i]) && (walk->candidates[i]->serves != 0 || walk->awaits_others))
			return true;
	return false;
}

void dkim_walk_close(struct dkim_walk *walk)
{
	walk->facts->dkim.complete = true;
}

static void ask_for_keys(struct asker *asker, const struct wants *wants)
{
	struct dkim_walk *walk = (struct dkim_walk *)asker;
	if (!(checks_evidence(wants->checks) & EVIDENCE_SIGNATURES))
		return;
	dkim_walk_begin(walk, wants);
	if (wants_now(wants) & EVIDENCE_SIGNATURES)
		dkim_walk_ask(walk, wants->first != 0 ? wants->first : wants->checks, wants->others != OTHERS_LEFT);
}

static const struct question *next_key(struct asker *asker, struct origin *origin_r)
{
	const struct signature *signature;
	const struct question *question = dkim_walk_next((struct dkim_walk *)asker, &signature);
	if (question)
		*origin_r =
			(struct origin) { .purpose = PURPOSE_KEY, .domain = signature->domain, .selector = signature->selector };
	return question;
}

static void take_key(struct asker *asker, const struct question *question, const struct answer *answer)
{
	dkim_walk_answer((struct dkim_walk *)asker, question, answer);
}

/* Signatures depend on nothing that others find. */
static void look(struct asker *asker)
{
	(void)asker;
}

static bool is_open(const struct asker *asker)
{
	return dkim_walk_open((const struct dkim_walk *)asker);
}

static const struct asker_type type = { EVIDENCE_SIGNATURES, ask_for_keys, next_key, take_key, look, is_open };

struct asker *dkim_walk_asker(struct dkim_walk *walk)
{
	return &walk->asker;
}

struct dkim_walk *dkim_walk_new(const struct settings *settings, struct facts *facts,
                                const struct dkim_environment *environment)
{
	struct dkim_walk *walk = arena_alloc(facts->arena, sizeof *walk);
	if (!walk)
		return NULL;
	walk->asker.type = &type;
	walk->settings = settings;
	walk->facts = facts;
	walk->environment = environment;
	return walk;
}
