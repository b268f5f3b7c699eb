/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_walk: whatever the order of answers and the cuts of the body, the same comes of each signature; what passes was
 * verified over the header and the body that a reference makes of the message; every hash is released.
 * Input: a line of choices, a line with the key record, then the raw message. "bh=!r" and "bh=!s" in a signature stand for
 * the right hash of the body, relaxed or simple; a signature is good if its b= begins with a capital letter.
 */
#include "core/dkim_walk.h"

#include "core/dkim_tags.h"
#include "dkim_all.h"
#include "dkim_record.h"
#include "dkim_reference.h"
#include "engine.h"
#include "fuzz.h"

#define SIGNATURES_MAX 8
#define FIELDS_MAX 512

const char fuzz_name[] = "dkim_walk";

/* One evaluation: how it is done, and what came of it. */
struct evaluation {
	bool early;   /* answer before the body comes; else after it */
	size_t piece; /* of the body */
	struct arena arena;
	struct facts facts;
	struct dkim_walk *walk;
	struct span record;
	char bh[2][45]; /* simple, relaxed */
	unsigned questions;
};

/* What was verified: the digest, and by which signature. */
static struct {
	unsigned char digest[DKIM_DIGEST_LENGTH];
	struct span signature;
} verified[SIGNATURES_MAX];
static size_t verified_count;

static enum dkim_verification verify(void *context, bool ed25519, struct span public_key,
                                     const unsigned char digest[DKIM_DIGEST_LENGTH], struct span signature)
{
	(void)context;
	(void)ed25519;
	must(public_key.length != 0 && signature.length != 0);
	if (signature.at[0] < 'A' || signature.at[0] > 'Z')
		return DKIM_MISMATCH;
	must(verified_count < SIGNATURES_MAX);
	memcpy(verified[verified_count].digest, digest, DKIM_DIGEST_LENGTH);
	verified[verified_count++].signature = signature;
	return DKIM_VERIFIED;
}

static enum relation relation(const void *context, struct span signer, struct span author)
{
	(void)context;
	return span_equal_nocase(signer, author) ? RELATION_EQUAL : RELATION_NONE;
}

static void append(char *to, size_t *length, struct span part)
{
	memcpy(to + *length, part.at, part.length);
	*length += part.length;
}

/* The value with the right hash for the first "bh=!". */
static struct span fill(struct evaluation *evaluation, struct span value)
{
	for (size_t at = 0; at + 5 <= value.length; at++) {
		if (memcmp(value.at + at, "bh=!", 4) != 0)
			continue;
		char *filled = arena_alloc(&evaluation->arena, value.length + 44);
		size_t length = 0;
		must(filled);
		append(filled, &length, span_slice(value, 0, at + 3));
		append(filled, &length, span_of(evaluation->bh[value.at[at + 4] == 'r']));
		append(filled, &length, span_slice(value, at + 5, value.length));
		return span_make(filled, length);
	}
	return value;
}

static bool take(void *context, struct span name, struct span value)
{
	struct evaluation *evaluation = context;
	facts_field(&evaluation->facts, name, fill(evaluation, value), true);
	if (evaluation->facts.header.latest)
		dkim_walk_field(evaluation->walk, evaluation->facts.header.latest);
	return true;
}

static bool skip(void *context, struct span name, struct span value)
{
	(void)context, (void)name, (void)value;
	return true;
}

static void answer_all(struct evaluation *evaluation)
{
	const struct question *question;
	const struct signature *signature;
	while ((question = dkim_walk_next(evaluation->walk, &signature))) {
		struct answer *answer = arena_alloc(&evaluation->arena, sizeof *answer);
		struct answer_record *record = arena_alloc(&evaluation->arena, sizeof *record);
		must(answer && record && domain_queryable(question->name) && ++evaluation->questions <= SIGNATURES_MAX);
		record->text = evaluation->record;
		answer->status = evaluation->record.length != 0 ? ANSWER_FOUND : ANSWER_NXDOMAIN;
		answer->count = evaluation->record.length != 0;
		answer->records = record;
		dkim_walk_answer(evaluation->walk, question, answer);
	}
}

static void evaluate(struct evaluation *evaluation, const struct settings *settings, struct span raw,
                     struct span *body_r)
{
	static struct dkim_crypto crypto;
	static struct dkim_environment environment;
	struct session_input input = good_session();
	unsigned defects;

	crypto = dkim_recorder;
	crypto.verify = verify;
	environment = (struct dkim_environment) { &crypto, relation, NULL };
	verified_count = 0;
	dkim_hashes_begun = 0;
	arena_init(&evaluation->arena, 0);
	facts_begin(&evaluation->facts, &evaluation->arena, fuzz_to_ascii, settings, &input);
	evaluation->walk = dkim_walk_new(settings, &evaluation->facts, &environment);
	must(evaluation->walk && message_split(raw, take, evaluation, body_r, &defects));
	facts_header_end(&evaluation->facts, 1800000000);
	dkim_walk_header_end(evaluation->walk);
	dkim_verify_all(evaluation->walk);
	if (evaluation->early)
		answer_all(evaluation);
	for (size_t at = 0; at < body_r->length; at += evaluation->piece)
		if (!dkim_walk_body(evaluation->walk, span_slice(*body_r, at, at + evaluation->piece)))
			break;
	dkim_walk_body_end(evaluation->walk);
	answer_all(evaluation);
	must(!evaluation->facts.internal_error && evaluation->facts.dkim.complete && !dkim_walk_open(evaluation->walk));
	must(dkim_hashes_begun <= evaluation->facts.dkim.count + 2);
	dkim_walk_drop(evaluation->walk);
	must(dkim_hashes_live == 0);
}

/* RFC 6376 3.4.1 and 3.4.2, byte by byte. */
static void put_field(char *to, size_t *length, bool relaxed, const struct field *field, struct span value)
{
	size_t start;
	if (!relaxed) {
		append(to, length, field->raw_name);
		to[(*length)++] = ':';
		for (size_t i = 0; i < value.length; i++) {
			if (value.at[i] == '\n' && (i == 0 || value.at[i - 1] != '\r'))
				to[(*length)++] = '\r';
			to[(*length)++] = value.at[i];
		}
		return;
	}
	for (size_t i = 0; i < field->name.length; i++)
		to[(*length)++] = ascii_lower(field->name.at[i]);
	to[(*length)++] = ':';
	start = *length;
	for (size_t i = 0; i < value.length; i++) {
		bool white = memchr(" \t\r\n", value.at[i], 4) != NULL;
		if (!white)
			to[(*length)++] = value.at[i];
		else if (*length != start && to[*length - 1] != ' ')
			to[(*length)++] = ' ';
	}
	while (*length != start && to[*length - 1] == ' ')
		(*length)--;
}

/* What a signature signs, by going up the header for each name of h=. */
static size_t reference_header(const struct header *header, const struct field *own, const struct dkim_fields *tags,
                               char *to)
{
	const struct field *fields[FIELDS_MAX];
	size_t count = 0;
	size_t length = 0;
	bool relaxed = tags->header_form == DKIM_FORM_RELAXED;
	for (const struct field *field = header->first; field && count < FIELDS_MAX; field = field->next)
		fields[count++] = field;
	for (size_t from = 0; from <= tags->signed_names.length;) {
		size_t end = span_find(tags->signed_names, from, ':');
		struct span name = span_trim(span_slice(tags->signed_names, from, end));
		from = end + 1;
		for (size_t i = count; i-- > 0;) {
			if (!fields[i] || !span_equal_nocase(fields[i]->name, name))
				continue;
			put_field(to, &length, relaxed, fields[i], fields[i]->value);
			append(to, &length, span_of("\r\n"));
			fields[i] = NULL;
			break;
		}
	}
	char *value = malloc(own->value.length + 1);
	size_t value_length = 0;
	must(value);
	size_t b = (size_t)(tags->b_raw.at - own->value.at);
	append(value, &value_length, span_slice(own->value, 0, b));
	append(value, &value_length, span_slice(own->value, b + tags->b_raw.length, own->value.length));
	put_field(to, &length, relaxed, own, span_make(value, value_length));
	free(value);
	return length;
}

/* A signature of that domain and start of b= that signs what the reference makes, and was found good. */
static bool is_good(struct evaluation *evaluation, const struct signature *fact, struct span body, char *room)
{
	const struct header *header = &evaluation->facts.header;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	for (const struct field *field = header->first; field; field = field->next) {
		struct dkim_fields tags;
		if (field->id != FIELD_DKIM_SIGNATURE)
			continue;
		must(dkim_tags_signature(field->value, &evaluation->arena, fuzz_to_ascii, &tags));
		if (!tags.well_formed || tags.partial || !span_equal(tags.domain, fact->domain)
		    || !span_equal(tags.b_prefix, fact->b_prefix) || dkim_reference_bare(body))
			continue;
		size_t length = dkim_reference_body(body, tags.body_form == DKIM_FORM_RELAXED, room);
		record_digest(room, length, digest);
		if (memcmp(digest, tags.body_hash.at, DKIM_DIGEST_LENGTH) != 0)
			continue;
		length = reference_header(header, field, &tags, room);
		record_digest(room, length, digest);
		for (size_t i = 0; i < verified_count; i++)
			if (memcmp(verified[i].digest, digest, DKIM_DIGEST_LENGTH) == 0
			    && span_equal(verified[i].signature, tags.b))
				return true;
	}
	return false;
}

static void check_passes(struct evaluation *evaluation, struct span body, size_t size)
{
	const struct dkim_evidence *dkim = &evaluation->facts.dkim;
	/* Every name of h= may bring a field, and the whole header each signature. */
	char *room = malloc(4 * size + 1024 + (size_t)DKIM_SIGNED_NAMES_MAX * 2);
	must(room);
	for (size_t i = 0; i < dkim->count; i++) {
		const struct signature *fact = &dkim->signatures[i];
		bool good = fact->outcome.code == RESULT_PASS || fact->outcome.reason == REASON_DKIM_CLOCK
		            || fact->outcome.reason == REASON_DKIM_FUTURE;
		must(fact->outcome.code != RESULT_PENDING);
		must(!good || (evaluation->facts.header.count[FIELD_FROM] == 1 && is_good(evaluation, fact, body, room)));
	}
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings *settings;
	static struct evaluation one;
	static struct evaluation other;
	struct span rest = fuzz_span(data, size);
	struct span choices = fuzz_line(&rest);
	struct span record = fuzz_line(&rest);
	struct span body = { NULL, 0 };
	unsigned defects;

	if (!settings) {
		settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
		settings_complete(settings, unite_options);
	}
	memset(&one, 0, sizeof one);
	memset(&other, 0, sizeof other);
	one.record = other.record = record;
	one.early = true;
	one.piece = rest.length + 1;
	other.piece = 1 + (choices.length != 0 ? (unsigned char)choices.at[0] % 64 : 0);
	must(message_split(rest, skip, NULL, &body, &defects));
	char *room = malloc(2 * body.length + 2);
	must(room);
	for (unsigned form = 0; form < 2; form++) {
		unsigned char digest[DKIM_DIGEST_LENGTH];
		record_digest(room, dkim_reference_body(body, form == 1, room), digest);
		record_base64(digest, one.bh[form]);
		memcpy(other.bh[form], one.bh[form], sizeof other.bh[form]);
	}
	free(room);

	evaluate(&one, settings, rest, &body);
	check_passes(&one, body, size + (size_t)DKIM_SIGNATURES_SEEN_MAX * 44);
	evaluate(&other, settings, rest, &body);
	check_passes(&other, body, size + (size_t)DKIM_SIGNATURES_SEEN_MAX * 44);
	must(one.facts.dkim.count == other.facts.dkim.count);
	for (size_t i = 0; i < one.facts.dkim.count; i++) {
		const struct result *a = &one.facts.dkim.signatures[i].outcome;
		const struct result *b = &other.facts.dkim.signatures[i].outcome;
		must(a->code == b->code && a->reason == b->reason);
	}
	arena_clear(&one.arena);
	arena_clear(&other.arena);
	return 0;
}
