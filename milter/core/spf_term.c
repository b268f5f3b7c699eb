/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_private.h"

/* Names of the client that were validated (RFC 7208 5.5), in the order they were checked. */
struct validated {
	size_t count;
	struct span names[SPF_NAMES_MAX];
};

/* A lookup for a term: its answer. *is_void is set when there is none; the term then counts as void, once. */
enum fetch { FETCH_WAIT, FETCH_FOUND, FETCH_VOID, FETCH_FAILED, FETCH_END };

static enum fetch fetch(struct spf_walk *walk, enum record_type type, struct span name, struct span term, bool *is_void,
                        const struct answer **answer_r)
{
	const struct spf_lookup *lookup = spf_walk_lookup(walk, type, name);
	if (!lookup)
		return walk->outcome.result == SPF_PENDING ? FETCH_WAIT : FETCH_END;
	*answer_r = lookup->answer;
	if (answer_failed(lookup->answer))
		return FETCH_FAILED;
	if (lookup->answer->status == ANSWER_FOUND && lookup->answer->count != 0)
		return FETCH_FOUND;
	*is_void = true;
	if (walk->outcome.voids < SPF_VOIDS_MAX)
		return FETCH_VOID;
	walk->outcome.voids++;
	spf_walk_fail(walk, SPF_PERMERROR, "more than two terms with void lookups", term);
	return FETCH_END;
}

static enum record_type address_type(const struct spf_walk *walk)
{
	return walk->input.client.family == ADDRESS_IPV6 ? RECORD_AAAA : RECORD_A;
}

/* Whether an address of the answer shares its first bits with the client's. */
static bool lists_client(const struct spf_walk *walk, const struct answer *answer, unsigned prefix4, unsigned prefix6)
{
	unsigned bits = walk->input.client.family == ADDRESS_IPV6 ? prefix6 : prefix4;
	for (size_t i = 0; i < answer->count; i++)
		if (address_shares(&answer->records[i].address, &walk->input.client, bits))
			return true;
	return false;
}

static int name_compare(struct span a, struct span b)
{
	for (size_t i = 0; i < a.length && i < b.length; i++) {
		unsigned char left = (unsigned char)ascii_lower(a.at[i]);
		unsigned char right = (unsigned char)ascii_lower(b.at[i]);
		if (left != right)
			return left < right ? -1 : 1;
	}
	return (a.length > b.length) - (a.length < b.length);
}

static bool record_before(const struct answer_record *a, const struct answer_record *b)
{
	return a->preference != b->preference ? a->preference < b->preference : name_compare(a->text, b->text) < 0;
}

/* The first records of an answer in an order that does not depend on the response's. Returns how many. */
static size_t records_first(const struct answer *answer, const struct answer_record *first_r[SPF_NAMES_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < answer->count; i++) {
		const struct answer_record *record = &answer->records[i];
		size_t at = count < SPF_NAMES_MAX ? count++ : SPF_NAMES_MAX;
		if (at == SPF_NAMES_MAX && !record_before(record, first_r[--at]))
			continue;
		for (; at > 0 && record_before(record, first_r[at - 1]); at--)
			first_r[at] = first_r[at - 1];
		first_r[at] = record;
	}
	return count;
}

/* The question's form of a plain name. */
static struct span asked(struct span name, char buffer[ANSWER_NAME_SIZE])
{
	return span_make(buffer, answer_name_write(name, buffer));
}

/* All names are asked about at once; the answers are judged in order. */
static enum spf_step validate(struct spf_walk *walk, struct span term, bool *is_void, struct validated *validated_r)
{
	const struct answer *answer;
	const struct answer_record *records[SPF_NAMES_MAX];
	enum spf_step step = SPF_STEP_NEXT;
	validated_r->count = 0;
	walk->chooser = SPF_CHOSEN_BY_CLIENT;
	switch (fetch(walk, RECORD_PTR, walk->reverse, term, is_void, &answer)) {
	case FETCH_WAIT:
		return SPF_STEP_WAIT;
	case FETCH_END:
		return SPF_STEP_END;
	case FETCH_VOID:
	case FETCH_FAILED:
		return SPF_STEP_NEXT;
	case FETCH_FOUND:
		break;
	}
	size_t count = records_first(answer, records);
	for (size_t i = 0; i < count; i++) {
		char buffer[ANSWER_NAME_SIZE];
		if (!answer_name_plain(records[i]->text))
			continue;
		enum fetch got = fetch(walk, address_type(walk), asked(records[i]->text, buffer), term, is_void, &answer);
		if (got == FETCH_END)
			return SPF_STEP_END;
		if (got == FETCH_WAIT)
			step = SPF_STEP_WAIT;
		else if (got == FETCH_FOUND && lists_client(walk, answer, 32, 128))
			validated_r->names[validated_r->count++] = records[i]->text;
	}
	return step;
}

/* Whether name is parent or lies below it. */
static bool name_within(struct span name, struct span parent)
{
	if (!span_ends_nocase(name, parent))
		return false;
	return name.length == parent.length || name.at[name.length - parent.length - 1] == '.';
}

/* The value of %{p}: the domain itself, else a name below it, else any, else "unknown" (RFC 7208 7.3). */
static struct span best_name(const struct validated *validated, struct span domain)
{
	for (size_t i = 0; i < validated->count; i++)
		if (span_equal_nocase(validated->names[i], domain))
			return validated->names[i];
	for (size_t i = 0; i < validated->count; i++)
		if (name_within(validated->names[i], domain))
			return validated->names[i];
	return validated->count != 0 ? validated->names[0] : span_of("unknown");
}

/* Within a record whose name somebody chose, he has chosen all. */
static enum spf_chooser chooser_of(const struct spf_frame *frame, const struct spf_domain *domain)
{
	enum spf_chooser chooser = domain->uses_p ? SPF_CHOSEN_BY_CLIENT : SPF_CHOSEN_BY_RECORD;
	for (size_t i = 0; i < domain->count; i++) {
		char letter = domain->pieces[i].letter;
		if (chooser == SPF_CHOSEN_BY_RECORD && letter != '\0' && memchr("slh", letter, 3))
			chooser = SPF_CHOSEN_BY_SENDER;
	}
	return chooser > frame->chooser ? chooser : frame->chooser;
}

enum spf_step spf_term_target(struct spf_walk *walk, const struct spf_frame *frame, const struct spf_domain *domain,
                              struct span text, bool *is_void, struct spf_target *target_r)
{
	struct spf_values values = walk->values;
	struct validated validated;
	values.domain = frame->domain;
	if (domain->uses_p) {
		enum spf_step step = validate(walk, text, is_void, &validated);
		if (step != SPF_STEP_NEXT)
			return step;
		values.ptr = best_name(&validated, frame->domain);
	}
	walk->chooser = chooser_of(frame, domain);
	spf_macro_expand(domain, &values, target_r);
	return SPF_STEP_NEXT;
}

/* a, exists. */
static enum spf_step judge_address(struct spf_walk *walk, const struct spf_term *term, struct span name, bool *is_void)
{
	const struct answer *answer;
	bool exists = term->mechanism == SPF_EXISTS;
	switch (fetch(walk, exists ? RECORD_A : address_type(walk), name, term->text, is_void, &answer)) {
	case FETCH_WAIT:
		return SPF_STEP_WAIT;
	case FETCH_END:
		return SPF_STEP_END;
	case FETCH_VOID:
		return SPF_STEP_NEXT;
	case FETCH_FAILED:
		return spf_walk_fail(walk, SPF_TEMPERROR, "an address lookup failed", term->text);
	case FETCH_FOUND:
		break;
	}
	return exists || lists_client(walk, answer, term->prefix4, term->prefix6) ? SPF_STEP_MATCH : SPF_STEP_NEXT;
}

/* The hosts are judged in order of preference; those after one that is awaited are asked about already. */
static enum spf_step judge_hosts(struct spf_walk *walk, const struct spf_term *term, const struct answer *answer,
                                 bool *is_void)
{
	const struct answer_record *records[SPF_NAMES_MAX];
	size_t count = records_first(answer, records);
	bool waits = false;
	for (size_t i = 0; i < count; i++) {
		char buffer[ANSWER_NAME_SIZE];
		if (!answer_name_plain(records[i]->text))
			continue;
		struct span name = asked(records[i]->text, buffer);
		if (waits) {
			if (walk->input.look_ahead)
				spf_walk_lookup(walk, address_type(walk), name);
			continue;
		}
		enum spf_step step = judge_address(walk, term, name, is_void);
		if (step == SPF_STEP_WAIT)
			waits = true;
		else if (step != SPF_STEP_NEXT)
			return step;
	}
	return waits ? SPF_STEP_WAIT : SPF_STEP_NEXT;
}

static enum spf_step judge_mx(struct spf_walk *walk, const struct spf_term *term, struct span name, bool *is_void)
{
	const struct answer *answer;
	switch (fetch(walk, RECORD_MX, name, term->text, is_void, &answer)) {
	case FETCH_WAIT:
		return SPF_STEP_WAIT;
	case FETCH_END:
		return SPF_STEP_END;
	case FETCH_VOID:
		return SPF_STEP_NEXT;
	case FETCH_FAILED:
		return spf_walk_fail(walk, SPF_TEMPERROR, "an MX lookup failed", term->text);
	case FETCH_FOUND:
		break;
	}
	if (answer->count > SPF_NAMES_MAX)
		return spf_walk_fail(walk, SPF_PERMERROR, "more than ten MX hosts", term->text);
	return judge_hosts(walk, term, answer, is_void);
}

static enum spf_step judge_ptr(struct spf_walk *walk, const struct spf_term *term, struct span target, bool *is_void)
{
	struct validated validated;
	enum spf_step step = validate(walk, term->text, is_void, &validated);
	if (step != SPF_STEP_NEXT)
		return step;
	for (size_t i = 0; i < validated.count; i++)
		if (name_within(validated.names[i], target))
			return SPF_STEP_MATCH;
	return SPF_STEP_NEXT;
}

static enum spf_step judge_named(struct spf_walk *walk, const struct spf_frame *frame, const struct spf_term *term)
{
	/* Evaluated anew when it is resumed, so it counts as void only once it is through. */
	bool is_void = false;
	struct spf_target target;
	enum spf_step step = spf_term_target(walk, frame, &term->domain, term->text, &is_void, &target);
	struct span name = span_make(target.name, target.name_length);
	if (step == SPF_STEP_NEXT && target.valid) {
		if (term->mechanism == SPF_MX)
			step = judge_mx(walk, term, name, &is_void);
		else if (term->mechanism == SPF_PTR)
			step = judge_ptr(walk, term, span_make(target.bytes, target.length), &is_void);
		else
			step = judge_address(walk, term, name, &is_void);
	}
	if (step == SPF_STEP_NEXT || step == SPF_STEP_MATCH)
		walk->outcome.voids += is_void;
	return step;
}

enum spf_step spf_term_judge(struct spf_walk *walk, const struct spf_frame *frame, const struct spf_term *term)
{
	const struct address *client = &walk->input.client;
	switch (term->mechanism) {
	case SPF_ALL:
		return SPF_STEP_MATCH;
	case SPF_IP4:
		return address_shares(&term->network, client, term->prefix4) ? SPF_STEP_MATCH : SPF_STEP_NEXT;
	case SPF_IP6:
		return address_shares(&term->network, client, term->prefix6) ? SPF_STEP_MATCH : SPF_STEP_NEXT;
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS:
		return judge_named(walk, frame, term);
	case SPF_INCLUDE:
		break; /* the walk's own business */
	}
	return spf_walk_fail(walk, SPF_PERMERROR, "an unknown mechanism", term->text);
}

/*
 * So many questions at most are noted before their term is reached: whoever writes a tree of includes gets no more
 * look-ups for it than these and one for each term that counts.
 */
#define AHEAD_MAX 16

/* Note the first question of a term, unless its name has to wait for %{p}. */
static void ahead(struct spf_walk *walk, const struct spf_frame *frame, enum record_type type,
                  const struct spf_domain *domain)
{
	struct spf_target target;
	bool is_void = false;
	if (domain->uses_p || walk->noted >= AHEAD_MAX)
		return;
	if (spf_term_target(walk, frame, domain, span_make(NULL, 0), &is_void, &target) == SPF_STEP_NEXT && target.valid)
		spf_walk_lookup(walk, type, span_make(target.name, target.name_length));
}

/* Returns false when nothing after this term can matter. */
static bool ahead_term(struct spf_walk *walk, const struct spf_frame *frame, const struct spf_term *term,
                       unsigned *terms)
{
	switch (term->mechanism) {
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
		return spf_term_judge(walk, frame, term) != SPF_STEP_MATCH;
	case SPF_PTR:
		walk->chooser = SPF_CHOSEN_BY_CLIENT;
		if (walk->noted < AHEAD_MAX)
			spf_walk_lookup(walk, RECORD_PTR, walk->reverse);
		break;
	case SPF_A:
		ahead(walk, frame, address_type(walk), &term->domain);
		break;
	case SPF_MX:
		ahead(walk, frame, RECORD_MX, &term->domain);
		break;
	case SPF_EXISTS:
		ahead(walk, frame, RECORD_A, &term->domain);
		break;
	case SPF_INCLUDE:
		ahead(walk, frame, RECORD_TXT, &term->domain);
		break;
	}
	++*terms;
	return true;
}

void spf_term_look_ahead(struct spf_walk *walk)
{
	unsigned terms = walk->outcome.terms;
	for (size_t depth = walk->depth; depth > 0; depth--) {
		const struct spf_frame *frame = &walk->frames[depth - 1];
		size_t i = frame->position + 1;
		bool more = true;
		if (!frame->record)
			continue;
		for (; i < frame->record->count && terms < SPF_TERMS_MAX && more; i++)
			more = ahead_term(walk, frame, &frame->record->terms[i], &terms);
		if (i == frame->record->count && more && frame->record->has_redirect && terms++ < SPF_TERMS_MAX)
			ahead(walk, frame, RECORD_TXT, &frame->record->redirect);
	}
}
