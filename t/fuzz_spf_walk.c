/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spf_walk: an evaluation ends within its limits, and gives the same whichever way its questions are answered.
 * Input: lines: client address, local-part, domain, HELO, then answers. Which of them answers a question depends on the
 * question alone; an answer is "!" (fails), "-" (no data), nothing (no such name), or its records between tabs.
 */
#include "core/spf.h"
#include "fuzz.h"

#define ANSWERS 32
#define RECORDS 16
#define QUESTIONS 200

const char fuzz_name[] = "spf_walk";

struct given {
	struct spf_input input;
	size_t count;
	struct span answers[ANSWERS];
};

static void record_set(enum record_type type, struct span text, size_t i, struct answer_record *record_r)
{
	record_r->text = text;
	record_r->preference = (unsigned)(i % 3);
	if (type == RECORD_A || type == RECORD_AAAA) {
		record_r->address.family = type == RECORD_A ? ADDRESS_IPV4 : ADDRESS_IPV6;
		for (size_t j = 0; j < text.length && j < sizeof record_r->address.bytes; j++)
			record_r->address.bytes[j] = (uint8_t)text.at[j];
	}
}

static const struct answer *answer_to(struct arena *arena, const struct given *given, const struct question *question)
{
	struct answer *answer = arena_alloc(arena, sizeof *answer);
	struct answer_record *records = arena_array(arena, RECORDS, sizeof *records);
	size_t sum = (size_t)question->type;
	must(answer && records);
	for (size_t i = 0; i < question->name.length; i++)
		sum = sum * 31 + (unsigned char)question->name.at[i];
	struct span text = given->count != 0 ? given->answers[sum % given->count] : span_of("");
	answer->status = ANSWER_NXDOMAIN;
	if (text.length == 1 && (text.at[0] == '!' || text.at[0] == '-')) {
		answer->status = text.at[0] == '!' ? ANSWER_TEMPFAIL : ANSWER_NODATA;
		return answer;
	}
	for (size_t from = 0; from < text.length && answer->count < RECORDS; answer->count++) {
		size_t tab = span_find(text, from, '\t');
		record_set(question->type, span_slice(text, from, tab), answer->count, &records[answer->count]);
		from = tab + 1;
	}
	answer->records = records;
	if (answer->count != 0)
		answer->status = ANSWER_FOUND;
	return answer;
}

static void check_question(const struct question *question)
{
	size_t length = 0;
	must(question->name.length != 0 && question->name.length < ANSWER_NAME_SIZE);
	for (size_t i = 0; i < question->name.length; i++) {
		char c = question->name.at[i];
		must(c > 0x20 && c < 0x7f && c == ascii_lower(c));
		length = c == '.' ? 0 : length + 1;
		must(length != 0 || i + 1 < question->name.length);
		must(length <= (size_t)63 * 4);
	}
}

static struct spf_outcome evaluate(struct arena *arena, const struct given *given, bool ahead, bool backwards)
{
	const struct question *open[QUESTIONS];
	size_t count = 0;
	struct spf_input input = given->input;
	input.look_ahead = ahead;
	struct spf_walk *walk = spf_walk_new(arena, &input);
	must(walk);
	while (spf_walk_step(walk) == SPF_PENDING) {
		const struct question *question;
		while ((question = spf_walk_next(walk))) {
			check_question(question);
			must(count < QUESTIONS);
			open[count++] = question;
		}
		must(count != 0);
		do {
			count--;
			spf_walk_answer(walk, open[count], answer_to(arena, given, open[count]), NULL);
		} while (!backwards && count != 0);
	}
	const struct spf_outcome *outcome = spf_walk_outcome(walk);
	must(outcome->terms <= SPF_TERMS_MAX + 1 && outcome->voids <= SPF_VOIDS_MAX + 1 && outcome->questions <= QUESTIONS);
	must(outcome->terms <= SPF_TERMS_MAX || outcome->result == SPF_PERMERROR);
	must(outcome->voids <= SPF_VOIDS_MAX || outcome->result == SPF_PERMERROR);
	must(outcome->result != SPF_PASS || outcome->mechanism.length != 0);
	must(outcome->result != SPF_FAIL || (outcome->mechanism.length != 0 && outcome->mechanism.at[0] == '-'));
	return *outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct given given = { .count = 0 };
	struct span rest = fuzz_span(data, size);
	arena_init(&arena, 0);
	address_parse(fuzz_line(&rest), &given.input.client);
	given.input.local = fuzz_line(&rest);
	given.input.domain = fuzz_line(&rest);
	given.input.helo = fuzz_line(&rest);
	while (rest.length != 0 && given.count < ANSWERS)
		given.answers[given.count++] = fuzz_line(&rest);
	struct spf_outcome plain = evaluate(&arena, &given, false, false);
	for (unsigned manner = 1; manner < 4; manner++) {
		struct spf_outcome other = evaluate(&arena, &given, (manner & 1) != 0, (manner & 2) != 0);
		must(other.result == plain.result && other.terms == plain.terms && other.voids == plain.voids);
		must(span_equal(other.mechanism, plain.mechanism) && span_equal(other.domain, plain.domain));
	}
	arena_clear(&arena);
	return 0;
}
