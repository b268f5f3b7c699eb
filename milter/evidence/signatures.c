#include "evidence/signatures.h"

#include <string.h>

#include "core/header.h"
#include "core/judge.h"
#include "core/set.h"
#include "signatures_private.h"

/* One field of the header. */
struct kept {
	struct span name;
	struct span value;
	bool leading_space;
	struct candidate *candidate; /* NULL: no DKIM-Signature field */
	struct kept *next;
};

struct signatures {
	const struct settings *settings;
	struct facts *facts;
	const struct orgdomain *orgdomain;
	struct verifier *verifier;
	struct verification *verification; /* NULL: nothing is verified */
	struct kept *first;
	struct kept **end;
	size_t fields;
	size_t bytes;
	bool over_limit;
	bool body_done;
	size_t early;
	size_t count;
	struct candidate *candidates[SIGNATURES_SEEN_MAX];
};

struct signatures *signatures_new(const struct settings *settings, struct facts *facts,
                                  const struct orgdomain *orgdomain, struct verifier *verifier)
{
	struct signatures *signatures = arena_alloc(facts->arena, sizeof *signatures);
	if (!signatures)
		return NULL;
	signatures->settings = settings;
	signatures->facts = facts;
	signatures->orgdomain = orgdomain;
	signatures->verifier = verifier;
	signatures->end = &signatures->first;
	return signatures;
}

void signatures_free(struct signatures *signatures)
{
	if (!signatures)
		return;
	verification_free(signatures->verification);
	signatures->verification = NULL;
}

/* A key of a domain that is ours is worth asking for at once: the answer is there when the header ends. */
static void ask_early(struct signatures *signatures, struct candidate *candidate)
{
	if (candidate->fault.code != RESULT_PENDING || signatures->early == SIGNATURES_EARLY_MAX
	    || !pattern_match(signatures->settings->owned, candidate->fields.domain))
		return;
	signatures->early++;
	candidate->asks = true;
}

static struct candidate *add_candidate(struct signatures *signatures, struct span value)
{
	struct arena *arena = signatures->facts->arena;
	if (signatures->count == SIGNATURES_SEEN_MAX)
		return NULL;
	struct candidate *candidate = arena_alloc(arena, sizeof *candidate);
	if (!candidate || !dkimtags_signature(value, arena, signatures->facts->to_ascii, &candidate->fields))
		return NULL;
	signatures->candidates[signatures->count++] = candidate;
	candidate->question.type = RECORD_TXT;
	candidate->question.name = candidate->fields.key_name;
	candidate_judge(candidate);
	ask_early(signatures, candidate);
	return candidate;
}

void signatures_field(struct signatures *signatures, struct span name, struct span value, bool leading_space)
{
	struct arena *arena = signatures->facts->arena;
	bool signs = field_from_name(name) == FIELD_DKIM_SIGNATURE;

	signatures->fields++;
	signatures->bytes += name.length + value.length;
	if (signatures->fields > HEADER_FIELDS_MAX || signatures->bytes > HEADER_BYTES_MAX) {
		signatures->over_limit = true;
		return;
	}
	struct kept *kept = arena_alloc(arena, sizeof *kept);
	if (!kept)
		return;
	kept->name = arena_span(arena, name);
	kept->value = arena_span(arena, value);
	kept->leading_space = leading_space;
	if (signs) {
		kept->candidate = add_candidate(signatures, kept->value);
		if (!kept->candidate)
			return; /* as if it were not there */
	}
	*signatures->end = kept;
	signatures->end = &kept->next;
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
static bool write_facts(struct signatures *signatures, size_t chosen)
{
	struct dkim_evidence *dkim = &signatures->facts->dkim;

	dkim->signatures = arena_array(signatures->facts->arena, chosen, sizeof *dkim->signatures);
	if (!dkim->signatures)
		return false;
	for (size_t i = 0; i < signatures->count; i++) {
		struct candidate *candidate = signatures->candidates[i];
		if (!candidate->chosen)
			continue;
		struct signature *fact = &dkim->signatures[dkim->count++];
		candidate->fact = fact;
		fact->outcome = candidate->fault;
		fact->rfc8601 = candidate->rfc8601 ? candidate->rfc8601 : "none";
		fact->domain = candidate->fields.domain;
		fact->selector = candidate->fields.selector;
		fact->b_prefix = candidate->fields.b_prefix;
		fact->algorithm = algorithm_bit(candidate->fields.algorithm);
		fact->relation = candidate->relation;
		fact->timestamp = candidate->fields.timestamp;
		fact->signed_headers = candidate->fields.signed_names;
	}
	return true;
}

/* The names that some signature to be verified covers. */
static bool add_names(struct set *names, struct span list)
{
	for (size_t from = 0; from <= list.length;) {
		size_t to = span_find(list, from, ':');
		if (set_add(names, span_trim(span_slice(list, from, to))) == SET_ABSENT)
			return false;
		from = to + 1;
	}
	return true;
}

static struct set *signed_names(const struct signatures *signatures)
{
	struct set *names = set_new(signatures->facts->arena, SET_NOCASE);
	for (size_t i = 0; names && i < signatures->count; i++)
		if (candidate_pending(signatures->candidates[i]) && !add_names(names, signatures->candidates[i]->fields.signed_names))
			return NULL;
	return names;
}

/* Whether a field goes to the verification: it is covered by a signature, or is one that is to be verified. */
static bool goes_in(const struct kept *kept, const struct set *names)
{
	return (kept->candidate && candidate_pending(kept->candidate)) || set_has(names, span_trim(kept->name));
}

/* Visible ASCII; a colon has ended the name (ftext of RFC 5322 3.6.8). */
static bool is_name_byte(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

/*
 * Whether a field that is not taken for a covered one might be one to other readers: its name holds bytes that no name
 * has, and without them, or as far as the first of them, it is covered.
 */
static bool is_disguised(const struct signatures *signatures, const struct kept *kept, const struct set *names)
{
	struct span name = kept->name;
	size_t run = 0;
	size_t length = 0;
	while (run < name.length && is_name_byte(name.at[run]))
		run++;
	size_t end = run;
	while (end < name.length && (name.at[end] == ' ' || name.at[end] == '\t'))
		end++;
	if (end == name.length)
		return false;
	char *plain = arena_alloc(signatures->facts->arena, name.length);
	if (!plain)
		return true;
	for (size_t i = 0; i < name.length; i++)
		if (is_name_byte(name.at[i]))
			plain[length++] = name.at[i];
	return set_has(names, span_make(plain, length)) || set_has(names, span_slice(name, 0, run));
}

/* Nothing that some signature covers is left out, or read in two ways. */
static bool header_sound(const struct signatures *signatures, const struct set *names)
{
	for (const struct kept *kept = signatures->first; kept; kept = kept->next)
		if (is_disguised(signatures, kept, names) || (goes_in(kept, names) && !dkim_canon_sound(kept->value)))
			return false;
	return true;
}

static bool give_header(struct signatures *signatures, const struct set *names)
{
	size_t number = 0;
	for (struct kept *kept = signatures->first; kept; kept = kept->next) {
		if (!goes_in(kept, names))
			continue;
		bool verified = kept->candidate && candidate_pending(kept->candidate);
		if (verified)
			kept->candidate->number = number++;
		if (verified ? !verification_signature(signatures->verification, kept->name, kept->value, kept->leading_space,
		                                       &kept->candidate->fields)
		             : !verification_field(signatures->verification, kept->name, kept->value, kept->leading_space))
			return false;
	}
	return verification_header_end(signatures->verification);
}

/* Set up the verification of what is pending. Out of memory the message is deferred. */
static void start(struct signatures *signatures)
{
	const struct set *names = signed_names(signatures);
	if (names && !header_sound(signatures, names)) {
		for (size_t i = 0; i < signatures->count; i++)
			if (candidate_pending(signatures->candidates[i]))
				candidate_settle(signatures->candidates[i], RESULT_PERMERROR, REASON_DKIM_SYNTAX, "permerror");
		return;
	}
	signatures->verification = verification_new(signatures->verifier);
	if (!names || !signatures->verification || !give_header(signatures, names))
		signatures->facts->trouble = true;
}

/* The check of an organization that wants some field signed has to know whether it is there. */
static bool note_names(struct signatures *signatures)
{
	struct arena *arena = signatures->facts->arena;
	size_t fields = 0;
	for (const struct kept *kept = signatures->first; kept; kept = kept->next)
		fields++;
	struct set *names = set_new(arena, SET_NOCASE);
	unsigned *counts = arena_alloc(arena, fields * sizeof *counts);
	if (!names || !counts)
		return false;
	memset(counts, 0, fields * sizeof *counts);
	for (const struct kept *kept = signatures->first; kept; kept = kept->next) {
		size_t number = set_add(names, span_trim(kept->name));
		if (number == SET_ABSENT)
			return false;
		counts[number]++;
	}
	signatures->facts->field_names = signatures->over_limit ? NULL : names;
	signatures->facts->field_counts = counts;
	return true;
}

static bool any_pending(const struct signatures *signatures)
{
	for (size_t i = 0; i < signatures->count; i++)
		if (candidate_pending(signatures->candidates[i]))
			return true;
	return false;
}

/* As far as key and body have come. */
static void verify(struct signatures *signatures, struct candidate *candidate)
{
	if (!signatures->verification || signatures->facts->trouble || !candidate->answer || !candidate_pending(candidate))
		return;
	if (!candidate->has_key)
		candidate_take_key(candidate, signatures->facts);
	if (!candidate->has_key)
		return;
	switch (verification_verify(signatures->verification, candidate->number,
	                            candidate->fields.algorithm == DKIM_ALGORITHM_ED25519_SHA256, candidate->key.public_key)) {
	case VERIFICATION_OPEN:
		return;
	case VERIFICATION_GOOD:
		candidate_settle_good(candidate, signatures->facts->received);
		return;
	case VERIFICATION_BAD_SIGNATURE:
		candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_FAIL, "fail");
		return;
	case VERIFICATION_BAD_BODY:
		candidate_settle(candidate, RESULT_FAIL, REASON_DKIM_BODYHASH, "fail");
		return;
	case VERIFICATION_BROKEN:
		signatures->facts->trouble = true;
		return;
	}
}

static void verify_all(struct signatures *signatures)
{
	for (size_t i = 0; i < signatures->count; i++)
		verify(signatures, signatures->candidates[i]);
	signatures->facts->dkim.complete = !any_pending(signatures);
}

void signatures_header_end(struct signatures *signatures, bool verify_them)
{
	const struct org *org = judge_org(signatures->settings, signatures->facts);
	size_t max = org ? org->dkim.max_signatures : signatures->settings->defaults.dkim.max_signatures;

	for (size_t i = 0; i < signatures->count; i++)
		candidate_judge_in_header(signatures->candidates[i], signatures->facts, signatures->orgdomain,
		                          signatures->over_limit);
	if (signatures->count != 0 && !note_names(signatures))
		signatures->facts->trouble = true;
	if (!write_facts(signatures, candidates_choose(signatures->candidates, signatures->count, max))) {
		signatures->facts->trouble = true;
		return;
	}
	if (verify_them && any_pending(signatures))
		start(signatures);
	/* From here on only for the keys of what is verified; an early answer is used now. */
	for (size_t i = 0; i < signatures->count; i++)
		signatures->candidates[i]->asks = signatures->verification && candidate_pending(signatures->candidates[i]);
	verify_all(signatures);
}

bool signatures_body(struct signatures *signatures, struct span chunk)
{
	if (!signatures->verification || !any_pending(signatures) || signatures->body_done)
		return false;
	if (!verification_body(signatures->verification, chunk))
		signatures->facts->trouble = true;
	return !signatures->facts->trouble;
}

void signatures_body_end(struct signatures *signatures)
{
	if (!signatures->verification || signatures->body_done || !any_pending(signatures))
		return;
	signatures->body_done = true;
	if (!verification_body_end(signatures->verification))
		signatures->facts->trouble = true;
	verify_all(signatures);
}

const struct question *signatures_next(struct signatures *signatures)
{
	for (size_t i = 0; i < signatures->count; i++) {
		struct candidate *candidate = signatures->candidates[i];
		if (!candidate->asks || candidate->asked)
			continue;
		candidate->asked = true;
		return &candidate->question;
	}
	return NULL;
}

void signatures_answer(struct signatures *signatures, const struct question *question, const struct answer *answer)
{
	for (size_t i = 0; i < signatures->count; i++) {
		struct candidate *candidate = signatures->candidates[i];
		if (!candidate->asked || candidate->answer || !question_equal(&candidate->question, question))
			continue;
		candidate->answer = answer;
		verify(signatures, candidate);
	}
	if (signatures->facts->stage >= STAGE_HEADER)
		signatures->facts->dkim.complete = !any_pending(signatures);
}

bool signatures_open(const struct signatures *signatures)
{
	bool near = false;
	bool near_pending = false;
	for (size_t i = 0; i < signatures->count; i++) {
		const struct candidate *candidate = signatures->candidates[i];
		if (!candidate->chosen || !candidate->near)
			continue;
		near = true;
		near_pending = near_pending || candidate_pending(candidate);
	}
	return signatures->verification && (near ? near_pending : any_pending(signatures));
}

void signatures_close(struct signatures *signatures)
{
	signatures->facts->dkim.complete = true;
}
