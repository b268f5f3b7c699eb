/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmarc: an evaluation ends within its limits, and gives the same whichever way its questions are answered.
 * Input: lines: author domain, up to eight identifiers ("d" or "s", or "D" or "S" for one
 * that an error hides, and a domain) up to an empty line, then answers as
 * in fuzz_spf_walk.c.
 */
#include "core/dmarc.h"
#include "fuzz.h"

#define ANSWERS 32
#define RECORDS 8
#define IDENTIFIERS 8

const char fuzz_name[] = "dmarc";

struct given {
	struct span author;
	size_t identifiers;
	struct span identifier[IDENTIFIERS];
	size_t count;
	struct span answers[ANSWERS];
};

static const struct answer *answer_to(struct arena *arena, const struct given *given, const struct question *question)
{
	struct answer *answer = arena_alloc(arena, sizeof *answer);
	struct answer_record *records = arena_array(arena, RECORDS, sizeof *records);
	size_t sum = (size_t)question->type;
	must(answer && records && domain_queryable(question->name));
	for (size_t i = 0; i < question->name.length; i++)
		sum = sum * 31 + (unsigned char)question->name.at[i];
	struct span text = given->count != 0 ? given->answers[sum % given->count] : span_of("");
	answer->status = ANSWER_NXDOMAIN;
	if (text.length == 1) {
		answer->status = text.at[0] == '!' ? ANSWER_BOGUS : ANSWER_NODATA;
		return answer;
	}
	for (size_t from = 0; from < text.length && answer->count < RECORDS; answer->count++) {
		size_t tab = span_find(text, from, '\t');
		records[answer->count].text = span_slice(text, from, tab);
		from = tab + 1;
	}
	answer->records = records;
	if (answer->count != 0)
		answer->status = ANSWER_FOUND;
	return answer;
}

static struct dmarc_outcome evaluate(struct arena *arena, const struct given *given, bool ahead)
{
	struct dmarc_walk *walk = dmarc_walk_new(arena, given->author, ahead);
	must(walk);
	bool some_known = false;
	for (size_t i = 0; i < given->identifiers; i++) {
		char kind = given->identifier[i].at[0];
		bool is_hidden = kind == 'D' || kind == 'S';
		some_known = some_known || !is_hidden;
		(is_hidden ? dmarc_walk_add_hidden
		           : dmarc_walk_add)(walk, ascii_lower(kind) == 'd' ? DMARC_BY_DKIM : DMARC_BY_SPF,
		                             span_slice(given->identifier[i], 1, given->identifier[i].length));
	}
	dmarc_walk_close(walk);
	while (dmarc_walk_step(walk) == DMARC_PENDING) {
		const struct question *question = dmarc_walk_next(walk);
		must(question);
		for (; question; question = dmarc_walk_next(walk))
			dmarc_walk_answer(walk, question, answer_to(arena, given, question));
	}
	const struct dmarc_outcome *outcome = dmarc_walk_outcome(walk);
	must(outcome->questions <= DMARC_TREE_MAX * (IDENTIFIERS + 1) + 1);
	must((outcome->result == DMARC_PASS) == (outcome->by != DMARC_BY_NOTHING));
	must(outcome->result != DMARC_PASS || some_known);
	must((outcome->result != DMARC_PASS && outcome->result != DMARC_FAIL) || outcome->policy != DMARC_POLICY_UNSET);
	must(outcome->requested <= outcome->policy);
	must(outcome->policy_domain.length == 0 || domain_within(given->author, outcome->policy_domain));
	must(outcome->organizational.length == 0 || domain_within(given->author, outcome->organizational));
	must(outcome->result != DMARC_PASS || outcome->organizational.length == 0
	     || domain_within(outcome->aligned, outcome->organizational));
	return *outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct given given = { .count = 0 };
	struct span rest = fuzz_span(data, size);
	struct dmarc_record record;
	arena_init(&arena, 0);
	given.author = fuzz_line(&rest);
	struct span line;
	while ((line = fuzz_line(&rest)).length != 0)
		if (given.identifiers < IDENTIFIERS)
			given.identifier[given.identifiers++] = line;
	while (rest.length != 0 && given.count < ANSWERS) {
		struct span text = fuzz_line(&rest);
		given.answers[given.count++] = text;
		must(!dmarc_is_record(text) || !dmarc_parse(text, &record) || record.p != DMARC_POLICY_UNSET);
	}
	struct dmarc_outcome plain = evaluate(&arena, &given, false);
	struct dmarc_outcome other = evaluate(&arena, &given, true);
	must(plain.result == other.result && plain.policy == other.policy);
	must(span_equal(plain.policy_domain, other.policy_domain));
	arena_clear(&arena);
	return 0;
}
