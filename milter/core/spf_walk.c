/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_private.h"

#define NIBBLES 32

static const struct span absent;

/* The value of %{i} and the name of the PTR records: dotted quad, or 32 nibbles (RFC 7208 7.3, RFC 3596 2.5). */
static bool client_names(struct spf_walk *walk)
{
	static const char hex[] = "0123456789abcdef";
	const struct address *client = &walk->input.client;
	struct arena *arena = walk->arena;
	const uint8_t *b = client->bytes;
	char forward[2 * NIBBLES];
	char backward[2 * NIBBLES];
	if (client->family == ADDRESS_IPV4) {
		walk->values.client = arena_printf(arena, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
		walk->reverse = arena_printf(arena, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
	} else {
		for (size_t i = 0; i < NIBBLES; i++) {
			char nibble = hex[i % 2 == 0 ? b[i / 2] >> 4 : b[i / 2] & 15];
			forward[2 * i] = nibble;
			forward[2 * i + 1] = '.';
			backward[2 * (NIBBLES - 1 - i)] = nibble;
			backward[2 * (NIBBLES - 1 - i) + 1] = '.';
		}
		walk->values.client = arena_span(arena, span_make(forward, sizeof forward - 1));
		walk->reverse = arena_printf(arena, "%.*sip6.arpa", (int)sizeof backward, backward);
		walk->values.ipv6 = true;
	}
	return !span_absent(walk->values.client) && !span_absent(walk->reverse);
}

/* RFC 4291 2.5.5.2; RFC 7208 5: such a client is an IPv4 client. */
static struct address unmapped(const struct address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	if (address->family == ADDRESS_IPV6 && memcmp(address->bytes, mapped, sizeof mapped) == 0)
		return address_from_bytes(address->bytes + sizeof mapped, 4);
	return *address;
}

/* A domain that check_host() can begin with (4.3): several labels of letters, digits, hyphens and underscores. */
static bool domain_usable(struct span domain)
{
	for (size_t i = 0; i < domain.length; i++)
		if (!ascii_alnum(domain.at[i]) && !memchr("-_.", domain.at[i], 3))
			return false;
	return span_find(domain, 0, '.') < domain.length && answer_name_plain(domain);
}

/* Copy what macros stand for; "postmaster" where there is no local-part (4.3). */
static bool values_copy(struct spf_walk *walk, const struct spf_input *input, struct span domain)
{
	static const struct span nobody = SPAN_LITERAL("postmaster");
	struct arena *arena = walk->arena;
	struct spf_values *values = &walk->values;
	values->sender = arena_span(arena, domain.length != 0 ? domain : span_of(""));
	values->local = arena_span(arena, input->local.length != 0 ? input->local : nobody);
	values->helo = arena_span(arena, input->helo);
	size_t length = values->local.length + 1 + domain.length;
	char *address = arena_alloc(arena, length);
	if (!address || arena_failed(arena))
		return false;
	memcpy(address, values->local.at, values->local.length);
	address[values->local.length] = '@';
	memcpy(address + values->local.length + 1, values->sender.at, domain.length);
	values->address = span_make(address, length);
	return true;
}

static bool first_frame(struct spf_walk *walk)
{
	char name[ANSWER_NAME_SIZE];
	size_t length = answer_name_write(walk->values.sender, name);
	walk->frames[0].domain = walk->values.sender;
	walk->frames[0].name = arena_span(walk->arena, span_make(name, length));
	walk->depth = 1;
	return !span_absent(walk->frames[0].name) && client_names(walk);
}

struct spf_walk *spf_walk_new(struct arena *arena, const struct spf_input *input)
{
	struct spf_walk *walk = arena_alloc(arena, sizeof *walk);
	if (!walk)
		return NULL;
	struct span domain = input->domain;
	if (domain.length != 0 && domain.at[domain.length - 1] == '.')
		domain.length--;
	walk->arena = arena;
	walk->lookups_end = &walk->lookups;
	walk->input.client = unmapped(&input->client);
	walk->input.look_ahead = input->look_ahead;
	if (!values_copy(walk, input, domain))
		return NULL;
	walk->outcome.domain = walk->values.sender;
	if (walk->input.client.family == ADDRESS_NONE) {
		walk->outcome.result = SPF_NONE;
		walk->outcome.problem.text = "no client address";
	} else if (!domain_usable(domain)) {
		walk->outcome.result = SPF_NONE;
		walk->outcome.problem.text = "a domain that is no DNS name of several labels";
	} else if (!first_frame(walk)) {
		return NULL;
	}
	return walk;
}

static struct spf_frame *current(struct spf_walk *walk)
{
	return &walk->frames[walk->depth - 1];
}

enum spf_step spf_walk_fail(struct spf_walk *walk, enum spf_result result, const char *text, struct span term)
{
	walk->outcome.result = result;
	walk->outcome.problem.text = text;
	walk->outcome.problem.term = term;
	walk->outcome.problem_domain = current(walk)->domain;
	return SPF_STEP_END;
}

enum spf_step spf_walk_no_memory(struct spf_walk *walk)
{
	return spf_walk_fail(walk, SPF_TEMPERROR, "out of memory", absent);
}

static struct spf_lookup *lookup_find(const struct spf_walk *walk, enum record_type type, struct span name)
{
	struct question question = { type, name };
	struct spf_lookup *lookup = walk->lookups;
	while (lookup && !question_equal(&lookup->question, &question))
		lookup = lookup->next;
	return lookup;
}

const struct spf_lookup *spf_walk_lookup(struct spf_walk *walk, enum record_type type, struct span name)
{
	struct spf_lookup *lookup = lookup_find(walk, type, name);
	if (!lookup) {
		lookup = arena_alloc(walk->arena, sizeof *lookup);
		struct span copy = arena_span(walk->arena, name);
		if (!lookup || span_absent(copy)) {
			spf_walk_no_memory(walk);
			return NULL;
		}
		lookup->question.type = type;
		lookup->question.name = copy;
		lookup->chooser = walk->chooser;
		*walk->lookups_end = lookup;
		walk->lookups_end = &lookup->next;
		walk->noted++;
	}
	return lookup->answer ? lookup : NULL;
}

enum spf_chooser spf_walk_chooser(const struct spf_walk *walk, const struct question *question)
{
	const struct spf_lookup *lookup = lookup_find(walk, question->type, question->name);
	return lookup ? lookup->chooser : SPF_CHOSEN_BY_CLIENT;
}

const struct question *spf_walk_next(struct spf_walk *walk)
{
	struct spf_lookup *lookup = walk->lookups;
	while (lookup && (lookup->handed_out || lookup->answer))
		lookup = lookup->next;
	if (!lookup || walk->outcome.result != SPF_PENDING)
		return NULL;
	lookup->handed_out = true;
	walk->outcome.questions++;
	return &lookup->question;
}

void spf_walk_answer(struct spf_walk *walk, const struct question *question, const struct answer *answer,
                     const struct spf_policy *policy)
{
	struct spf_lookup *lookup = lookup_find(walk, question->type, question->name);
	if (!lookup || lookup->answer || answer->status == ANSWER_PENDING)
		return;
	lookup->answer = answer;
	if (policy && policy->status != SPF_POLICY_PENDING)
		lookup->policy = policy;
}

/* The policy of a TXT lookup, made when it is first needed. NULL without memory. */
static const struct spf_policy *policy_of(struct spf_walk *walk, struct spf_lookup *lookup)
{
	if (!lookup->policy) {
		struct spf_policy *policy = arena_alloc(walk->arena, sizeof *policy);
		if (!policy)
			return NULL;
		spf_policy_of(walk->arena, lookup->answer, policy);
		lookup->policy = policy;
	}
	return lookup->policy;
}

/* Begin a record: at the bottom "none" is a result, for include and redirect it is an error (5.2, 6.1). */
static enum spf_step frame_begin(struct spf_walk *walk)
{
	struct spf_frame *frame = current(walk);
	walk->chooser = frame->chooser;
	if (!spf_walk_lookup(walk, RECORD_TXT, frame->name))
		return walk->outcome.result == SPF_PENDING ? SPF_STEP_WAIT : SPF_STEP_END;
	const struct spf_policy *policy = policy_of(walk, lookup_find(walk, RECORD_TXT, frame->name));
	if (!policy)
		return spf_walk_no_memory(walk);
	switch (policy->status) {
	case SPF_POLICY_RECORD:
		frame->record = policy->record;
		return SPF_STEP_ENTER;
	case SPF_POLICY_NONE:
		if (frame->target)
			return spf_walk_fail(walk, SPF_PERMERROR, "the target of include or redirect has no SPF record", absent);
		return spf_walk_fail(walk, SPF_NONE, policy->problem.text, absent);
	case SPF_POLICY_BROKEN:
		return spf_walk_fail(walk, SPF_PERMERROR, policy->problem.text, policy->problem.term);
	case SPF_POLICY_TEMPERROR:
	case SPF_POLICY_PENDING:
		break;
	}
	return spf_walk_fail(walk, SPF_TEMPERROR, "the lookup of the SPF record failed", absent);
}

/* Count a term that causes lookups, once however often its evaluation is resumed. */
static bool count_term(struct spf_walk *walk, struct spf_frame *frame, struct span text)
{
	if (frame->counted)
		return true;
	frame->counted = true;
	if (++walk->outcome.terms <= SPF_TERMS_MAX)
		return true;
	spf_walk_fail(walk, SPF_PERMERROR, "more than ten terms that cause lookups", text);
	return false;
}

/* Go to the record of another domain: on top of the current one (include), or in its place (redirect). */
static enum spf_step enter(struct spf_walk *walk, const struct spf_domain *domain, struct span text, bool replace)
{
	struct spf_frame *frame = current(walk);
	struct spf_target target;
	bool is_void = false;
	enum spf_step step = spf_term_target(walk, frame, domain, text, &is_void, &target);
	if (step != SPF_STEP_NEXT)
		return step;
	walk->outcome.voids += is_void;
	if (!target.valid || !memchr(target.bytes, '.', target.length))
		return spf_walk_fail(walk, SPF_PERMERROR, "a target of include or redirect that is no DNS name", text);
	struct spf_frame next = { .target = true, .chooser = walk->chooser };
	next.domain = arena_span(walk->arena, span_make(target.bytes, target.length));
	next.name = arena_span(walk->arena, span_make(target.name, target.name_length));
	if (span_absent(next.domain) || span_absent(next.name))
		return spf_walk_no_memory(walk);
	if (replace)
		*frame = next;
	else
		walk->frames[walk->depth++] = next;
	if (walk->depth == 1)
		walk->outcome.domain = next.domain;
	return SPF_STEP_ENTER;
}

/* The terms are through without a match: redirect, or neutral (4.7). */
static enum spf_step frame_end(struct spf_walk *walk, struct spf_frame *frame, enum spf_result *result_r)
{
	if (!frame->record->has_redirect) {
		*result_r = SPF_NEUTRAL;
		return SPF_STEP_MATCH;
	}
	if (!count_term(walk, frame, frame->record->redirect_text))
		return SPF_STEP_END;
	return enter(walk, &frame->record->redirect, frame->record->redirect_text, true);
}

static enum spf_step term_step(struct spf_walk *walk, struct spf_frame *frame, const struct spf_term *term)
{
	bool counts = term->mechanism != SPF_ALL && term->mechanism != SPF_IP4 && term->mechanism != SPF_IP6;
	if (counts && !count_term(walk, frame, term->text))
		return SPF_STEP_END;
	if (term->mechanism == SPF_INCLUDE)
		return enter(walk, &term->domain, term->text, false);
	return spf_term_judge(walk, frame, term);
}

static void term_done(struct spf_frame *frame)
{
	frame->position++;
	frame->counted = false;
}

/* A record gave a result. At the bottom it is the outcome; else it decides whether the include above matches (5.2). */
static enum spf_step frame_result(struct spf_walk *walk, enum spf_result result, struct span mechanism)
{
	while (walk->depth > 1) {
		walk->depth--;
		struct spf_frame *frame = current(walk);
		const struct spf_term *term = &frame->record->terms[frame->position];
		if (result != SPF_PASS) {
			term_done(frame);
			return SPF_STEP_ENTER;
		}
		result = term->result;
		mechanism = term->text;
	}
	walk->outcome.result = result;
	walk->outcome.mechanism = mechanism;
	return SPF_STEP_END;
}

/* One step in the current record. */
static enum spf_step frame_step(struct spf_walk *walk)
{
	struct spf_frame *frame = current(walk);
	enum spf_result result = SPF_PENDING;
	struct span mechanism = absent;
	enum spf_step step;
	if (!frame->record)
		return frame_begin(walk);
	if (frame->position < frame->record->count) {
		const struct spf_term *term = &frame->record->terms[frame->position];
		step = term_step(walk, frame, term);
		result = term->result;
		mechanism = term->text;
	} else {
		step = frame_end(walk, frame, &result);
	}
	if (step == SPF_STEP_MATCH)
		return frame_result(walk, result, mechanism);
	if (step == SPF_STEP_NEXT) {
		term_done(frame);
		return SPF_STEP_ENTER;
	}
	return step;
}

enum spf_result spf_walk_step(struct spf_walk *walk)
{
	if (walk->outcome.result != SPF_PENDING)
		return walk->outcome.result;
	enum spf_step step;
	do
		step = frame_step(walk);
	while (step == SPF_STEP_ENTER);
	if (step == SPF_STEP_WAIT && walk->input.look_ahead)
		spf_term_look_ahead(walk);
	return walk->outcome.result;
}

void spf_walk_expire(struct spf_walk *walk)
{
	if (walk->outcome.result == SPF_PENDING)
		spf_walk_fail(walk, SPF_TEMPERROR, "time is up", absent);
}

const struct spf_outcome *spf_walk_outcome(const struct spf_walk *walk)
{
	return &walk->outcome;
}
