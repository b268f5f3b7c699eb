/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_private.h"

#include "core/domain.h"
#include "core/set.h"

static void find_fault(struct dkim_candidate *candidate, enum result_code code, enum reason reason, const char *rfc8601)
{
	if (candidate->fault.code != RESULT_PENDING)
		return;
	candidate->fault = result_make(code, reason, candidate->tags.domain);
	candidate->rfc8601 = rfc8601;
}

void dkim_candidate_judge(struct dkim_candidate *candidate)
{
	if (!candidate->tags.well_formed)
		find_fault(candidate, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "permerror");
	else if (candidate->tags.algorithm == DKIM_ALGORITHM_OTHER)
		find_fault(candidate, RESULT_FAIL, REASON_DKIM_ALGORITHM, "policy");
	else if (candidate->tags.partial)
		find_fault(candidate, RESULT_FAIL, REASON_DKIM_LENGTH, "policy");
}

static void judge_expiry(struct dkim_candidate *candidate, long long now)
{
	if (candidate->tags.expiry >= 0 && candidate->tags.expiry + DKIM_CLOCK_DRIFT <= now && now >= CLOCK_EARLIEST)
		find_fault(candidate, RESULT_FAIL, REASON_DKIM_EXPIRED, "fail");
}

void dkim_candidate_judge_in_header(struct dkim_candidate *candidate, const struct facts *facts,
                                    const struct dkim_environment *environment)
{
	bool has_author = facts->author_status == MAILBOX_OK && facts->header.count[FIELD_FROM] == 1;
	struct span domain = candidate->tags.domain;

	if (has_author && !span_absent(domain)) {
		candidate->relation = environment->relation(environment->context, domain, facts->author.domain);
		candidate->near = candidate->relation != RELATION_NONE || domain_near(domain, facts->author.domain);
	}
	/* Without exactly one author a signature says nothing about one; of a header over its limit not all is known. */
	if (!has_author || (facts->header.defects & HEADER_OVER_LIMIT) != 0)
		find_fault(candidate, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "permerror");
	judge_expiry(candidate, facts->received);
}

/* Sound ones that are aligned before all others, the closest first; others by how much their fault can tell. */
static unsigned rank(const struct dkim_candidate *candidate)
{
	bool sound = candidate->fault.code == RESULT_PENDING;
	if (candidate->relation == RELATION_NONE)
		return candidate->near && sound ? 2 : sound ? 1 : 0;
	return sound ? 3 + (unsigned)candidate->relation : 3;
}

#define RANKS 7

size_t dkim_candidates_choose(struct dkim_candidate *const *candidates, size_t count, size_t max)
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

bool dkim_candidate_pending(const struct dkim_candidate *candidate)
{
	return candidate->fact && !candidate->fact->left && candidate->fact->outcome.code == RESULT_PENDING;
}

void dkim_candidate_settle(struct dkim_candidate *candidate, enum result_code code, enum reason reason,
                           const char *rfc8601)
{
	candidate->fact->outcome = result_make(code, reason, candidate->tags.domain);
	candidate->fact->rfc8601 = rfc8601;
}

void dkim_candidate_settle_good(struct dkim_candidate *candidate, long long now)
{
	long long ahead = candidate->tags.timestamp - now;
	bool dated = candidate->tags.timestamp >= 0 || candidate->tags.expiry >= 0;

	if (now < CLOCK_EARLIEST ? dated : ahead > DKIM_CLOCK_DRIFT && ahead <= DKIM_AHEAD_MAX)
		dkim_candidate_settle(candidate, RESULT_TEMPERROR, REASON_DKIM_CLOCK, "temperror");
	else if (now >= CLOCK_EARLIEST && ahead > DKIM_AHEAD_MAX)
		dkim_candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_FUTURE, "fail");
	else
		dkim_candidate_settle(candidate, RESULT_PASS, REASON_NONE, "pass");
}

/* The names the key was reached through. */
static bool note_chain(const struct dkim_candidate *candidate, struct arena *arena)
{
	struct set *chain = set_new(arena, SET_NOCASE);
	for (size_t i = 0; chain && i < candidate->answer->chain_count; i++)
		if (set_add(chain, candidate->answer->chain[i]) == SET_ABSENT)
			return false;
	candidate->fact->key_chain = chain;
	return chain != NULL;
}

void dkim_candidate_take_key(struct dkim_candidate *candidate, struct facts *facts)
{
	struct arena *arena = facts->arena;

	if (answer_failed(candidate->answer)) {
		dkim_candidate_settle(candidate, RESULT_TEMPERROR,
		                      candidate->answer->status == ANSWER_BUSY ? REASON_DNS_BUSY : REASON_DKIM_TEMPERROR,
		                      "temperror");
		return;
	}
	enum dkim_key_status status =
		dkim_tags_only_key(candidate->answer, candidate->tags.algorithm, arena, &candidate->key);
	if (status == DKIM_KEY_NO_MEMORY || !note_chain(candidate, arena)) {
		facts->internal_error = true;
		return;
	}
	if (status == DKIM_KEY_OK)
		candidate->fact->rsa_bits = candidate->key.rsa_bits;
	if (status != DKIM_KEY_OK
	    || (candidate->key.same_domain && !span_equal(candidate->tags.identity, candidate->tags.domain)))
		dkim_candidate_settle(candidate, RESULT_PERMERROR, REASON_DKIM_KEY, "permerror");
	else if (candidate->tags.algorithm == DKIM_ALGORITHM_RSA_SHA256 && candidate->key.rsa_bits < DKIM_RSA_BITS_VALID)
		dkim_candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_WEAK, "policy");
	else
		candidate->has_key = true;
}

/* Visible ASCII; a colon has ended the name (ftext of RFC 5322 3.6.8). */
static bool is_name_byte(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

/*
 * A name with bytes that no name has, but for white space before the colon, may be another one to other readers: without
 * those bytes, or as far as the first of them.
 */
static bool add_disguised(struct set *disguised, struct arena *arena, struct span name)
{
	size_t run = 0;
	size_t length = 0;
	while (run < name.length && is_name_byte(name.at[run]))
		run++;
	size_t end = run;
	while (end < name.length && (name.at[end] == ' ' || name.at[end] == '\t'))
		end++;
	if (end == name.length)
		return true;
	char *plain = arena_alloc(arena, name.length);
	for (size_t i = 0; plain && i < name.length; i++)
		if (is_name_byte(name.at[i]))
			plain[length++] = name.at[i];
	return plain && set_add(disguised, span_make(plain, length)) != SET_ABSENT
	       && set_add(disguised, span_slice(name, 0, run)) != SET_ABSENT;
}

bool dkim_header_prepare(struct dkim_header *covered_r, struct header *header)
{
	struct set *disguised = NULL;
	covered_r->header = header;
	covered_r->cursors = arena_array(header->arena, set_count(header->names), sizeof *covered_r->cursors);
	if (!covered_r->cursors)
		return false;
	if ((header->defects & (HEADER_NAME | HEADER_NUL)) != 0) {
		disguised = set_new(header->arena, SET_NOCASE);
		if (!disguised)
			return false;
		for (const struct field *field = header->first; field; field = field->next)
			if (!add_disguised(disguised, header->arena, field->raw_name))
				return false;
	}
	covered_r->disguised = disguised;
	return true;
}

/* The fields that h= names, each name taking its fields from the bottom up. False: something is not sound. */
static bool put_fields(const struct dkim_candidate *candidate, const struct dkim_header *covered,
                       struct dkim_stream *stream)
{
	const struct header *header = covered->header;
	struct span list = candidate->tags.signed_names;
	for (size_t i = 0; i < set_count(header->names); i++)
		covered->cursors[i] = header->groups[i].last;
	for (size_t from = 0; from <= list.length;) {
		size_t to = span_find(list, from, ':');
		struct span name = span_trim(span_slice(list, from, to));
		size_t number = set_find(header->names, name);
		const struct field *field = number != SET_ABSENT ? covered->cursors[number] : NULL;
		from = to + 1;
		if (set_has(covered->disguised, name) || (field && !dkim_canon_sound(field->value)))
			return false;
		if (!field)
			continue;
		dkim_canon_field(stream, candidate->tags.header_form, field->raw_name, field->value, field->leading_space);
		covered->cursors[number] = field->above;
	}
	return true;
}

bool dkim_candidate_hash_header(struct dkim_candidate *candidate, const struct dkim_header *covered,
                                const struct dkim_crypto *crypto)
{
	const struct field *own = candidate->field;
	struct dkim_stream stream;

	if (!dkim_stream_begin(&stream, crypto, DKIM_NO_LENGTH))
		return false;
	if (!dkim_canon_sound(own->value) || !put_fields(candidate, covered, &stream)) {
		dkim_stream_drop(&stream);
		dkim_candidate_settle(candidate, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "permerror");
		return true;
	}
	dkim_canon_signature(&stream, candidate->tags.header_form, own->raw_name, own->value, candidate->tags.b_raw,
	                     own->leading_space);
	return dkim_stream_end(&stream, candidate->digest);
}
