#include "signatures_private.h"

#include "core/set.h"
#include "evidence/signatures.h"

static void find_fault(struct candidate *candidate, enum result_code code, enum reason reason, const char *rfc8601)
{
	if (candidate->fault.code != RESULT_PENDING)
		return;
	candidate->fault = result_make(code, reason, candidate->fields.domain);
	candidate->rfc8601 = rfc8601;
}

void candidate_judge(struct candidate *candidate)
{
	if (!candidate->fields.well_formed)
		find_fault(candidate, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "permerror");
	else if (candidate->fields.algorithm == DKIM_ALGORITHM_OTHER)
		find_fault(candidate, RESULT_FAIL, REASON_DKIM_ALGORITHM, "policy");
	else if (candidate->fields.partial)
		find_fault(candidate, RESULT_FAIL, REASON_DKIM_LENGTH, "policy");
}

static void judge_expiry(struct candidate *candidate, long long now)
{
	if (candidate->fields.expiry >= 0 && candidate->fields.expiry + SIGNATURES_DRIFT <= now && now >= CLOCK_EARLIEST)
		find_fault(candidate, RESULT_FAIL, REASON_DKIM_EXPIRED, "fail");
}

void candidate_judge_in_header(struct candidate *candidate, const struct facts *facts, const struct orgdomain *orgdomain,
                               bool over_limit)
{
	bool has_author = facts->author_status == MAILBOX_OK && facts->header.count[FIELD_FROM] == 1;

	if (has_author && !span_absent(candidate->fields.domain)) {
		candidate->relation = orgdomain_relation(orgdomain, candidate->fields.domain, facts->author.domain);
		candidate->near = candidate->relation != RELATION_NONE
		                  || orgdomain_near(candidate->fields.domain, facts->author.domain);
	}
	/* Without exactly one author a signature says nothing about one. */
	if (!has_author || over_limit)
		find_fault(candidate, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "permerror");
	judge_expiry(candidate, facts->received);
}

/* Sound ones that are aligned before all others, the closest first; others by how much their fault can tell. */
static unsigned rank(const struct candidate *candidate)
{
	bool sound = candidate->fault.code == RESULT_PENDING;
	if (candidate->relation == RELATION_NONE)
		return candidate->near && sound ? 2 : sound ? 1 : 0;
	return sound ? 3 + (unsigned)candidate->relation : 3;
}

#define RANKS 7

size_t candidates_choose(struct candidate *const *candidates, size_t count, size_t max)
{
	size_t chosen = 0;
	for (unsigned wanted = RANKS; wanted-- > 0;)
		for (size_t i = 0; i < count && chosen < max; i++)
			if (rank(candidates[i]) == wanted) {
				candidates[i]->chosen = true;
				chosen++;
			}
	return chosen;
}

bool candidate_pending(const struct candidate *candidate)
{
	return candidate->fact && candidate->fact->outcome.code == RESULT_PENDING;
}

void candidate_settle(struct candidate *candidate, enum result_code code, enum reason reason, const char *rfc8601)
{
	candidate->fact->outcome = result_make(code, reason, candidate->fields.domain);
	candidate->fact->rfc8601 = rfc8601;
}

void candidate_settle_good(struct candidate *candidate, long long now)
{
	long long ahead = candidate->fields.timestamp - now;
	bool dated = candidate->fields.timestamp >= 0 || candidate->fields.expiry >= 0;

	if (now < CLOCK_EARLIEST ? dated : ahead > SIGNATURES_DRIFT && ahead <= SIGNATURES_AHEAD_MAX)
		candidate_settle(candidate, RESULT_TEMPERROR, REASON_DKIM_CLOCK, "temperror");
	else if (now >= CLOCK_EARLIEST && ahead > SIGNATURES_AHEAD_MAX)
		candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_FUTURE, "fail");
	else
		candidate_settle(candidate, RESULT_PASS, REASON_NONE, "pass");
}

/* The one key among the records. Several that fit are told apart by nothing, and their order says nothing either. */
static enum dkim_key_status find_key(const struct candidate *candidate, struct arena *arena, struct dkim_key *key_r)
{
	enum dkim_key_status found = DKIM_KEY_ABSENT;

	for (size_t i = 0; i < candidate->answer->count; i++) {
		struct dkim_key key;
		enum dkim_key_status status =
		    dkimtags_key(candidate->answer->records[i].text, candidate->fields.algorithm, arena, &key);
		if (status == DKIM_KEY_NO_MEMORY)
			return status;
		if (status != DKIM_KEY_OK)
			continue;
		if (found == DKIM_KEY_OK
		    && (!span_equal(key.public_key, key_r->public_key) || key.same_domain != key_r->same_domain))
			return DKIM_KEY_MALFORMED;
		found = DKIM_KEY_OK;
		*key_r = key;
	}
	return found;
}

/* The names the key was reached through. */
static bool note_chain(const struct candidate *candidate, struct arena *arena)
{
	struct set *chain = set_new(arena, SET_NOCASE);
	for (size_t i = 0; chain && i < candidate->answer->chain_count; i++)
		if (set_add(chain, candidate->answer->chain[i]) == SET_ABSENT)
			return false;
	candidate->fact->key_chain = chain;
	return chain != NULL;
}

void candidate_take_key(struct candidate *candidate, struct facts *facts)
{
	struct arena *arena = facts->arena;

	if (answer_failed(candidate->answer)) {
		candidate_settle(candidate, RESULT_TEMPERROR, REASON_DKIM_TEMPERROR, "temperror");
		return;
	}
	enum dkim_key_status status = find_key(candidate, arena, &candidate->key);
	if (status == DKIM_KEY_NO_MEMORY || !note_chain(candidate, arena)) {
		facts->trouble = true;
		return;
	}
	if (status == DKIM_KEY_OK)
		candidate->fact->rsa_bits = candidate->key.rsa_bits;
	if (status != DKIM_KEY_OK
	    || (candidate->key.same_domain && !span_equal(candidate->fields.identity, candidate->fields.domain)))
		candidate_settle(candidate, RESULT_PERMERROR, REASON_DKIM_KEY, "permerror");
	else if (candidate->fields.algorithm == DKIM_ALGORITHM_RSA_SHA256
	         && candidate->key.rsa_bits < SIGNATURES_RSA_BITS_MIN)
		candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_WEAK, "policy");
	else
		candidate->has_key = true;
}

