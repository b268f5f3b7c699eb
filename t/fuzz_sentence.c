/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sentence: the canonical text parses to the same, evaluation is monotone, and the responsible checks are false ones.
 * Input: results of the checks, one byte each, and a sentence.
 */
#include "core/sentence.h"
#include "fuzz.h"

const char fuzz_name[] = "sentence";

static bool same_bounds(struct bounds a, struct bounds b)
{
	return a.least == b.least && a.most == b.most;
}

static void check_error(const struct sentence_error *error, struct span text)
{
	must(error->column >= 1 && error->column <= text.length + 1);
	must(memchr(error->text, '\0', sizeof error->text) != NULL && error->text[0] != '\0');
}

static void check_truth(const struct sentence *sentence, struct bounds *checks)
{
	struct bounds truth = sentence_evaluate(sentence, checks);
	must(truth.least <= truth.most);
	check_bits open = sentence_open(sentence, checks);
	must((open & ~sentence->checks) == 0 && (truth.least != truth.most || open == 0));
	for (unsigned most = 0; most < 2; most++) {
		struct check_list list;
		sentence_responsible(sentence, checks, most, &list);
		must((list.count != 0) == ((most ? truth.most : truth.least) == TRUTH_FALSE));
		for (size_t i = 0; i < list.count; i++) {
			must(sentence->checks & CHECK_BIT(list.ids[i]));
			must((most ? checks[list.ids[i]].most : checks[list.ids[i]].least) == TRUTH_FALSE);
		}
	}
	for (unsigned id = 0; id < CHECK_COUNT; id++) {
		struct bounds kept = checks[id];
		bool idle = kept.least != kept.most && !(open & CHECK_BIT(id));
		for (unsigned better = kept.least; better <= TRUTH_TRUE; better++) {
			checks[id].least = checks[id].most = (enum truth)better;
			struct bounds now = sentence_evaluate(sentence, checks);
			must(now.least >= truth.least && (better < kept.most || now.most >= truth.most));
			must(!idle || (bounds_hold(now) == bounds_hold(truth) && bounds_possible(now) == bounds_possible(truth)));
		}
		checks[id] = kept;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct sentence sentence;
	struct sentence again;
	struct sentence_error error;
	struct bounds checks[CHECK_COUNT];
	if (size < CHECK_COUNT)
		return 0;
	for (unsigned id = 0; id < CHECK_COUNT; id++)
		checks[id] = bounds_of((enum result_code)(data[id] % RESULT_CODES));
	struct span text = fuzz_span(data + CHECK_COUNT, size - CHECK_COUNT);
	arena_init(&arena, 0);
	memset(&error, 0, sizeof error);
	if (!sentence_parse(text, &arena, &sentence, &error)) {
		check_error(&error, text);
	} else {
		must(sentence_parse(sentence.text, &arena, &again, &error));
		must(span_equal(sentence.text, again.text) && sentence.checks == again.checks);
		must(same_bounds(sentence_evaluate(&sentence, checks), sentence_evaluate(&again, checks)));
		check_truth(&sentence, checks);
	}
	arena_clear(&arena);
	return 0;
}
