/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sentence: policy sentences over check names, and their three-valued logic.
 *
 *   sentence   = [ or-list ]                       ; an empty sentence always holds
 *   or-list    = and-list *( "or" and-list )
 *   and-list   = operand *( "and" operand )        ; "and" binds tighter
 *   operand    = check / "(" or-list ")" / count "of" "(" or-list *( "," or-list ) ")"
 *
 * Keywords and check names are lower case, white space separates. Every operator is "at least N of its operands that
 * are not skipped": `or` is N = 1, `and` is all of them, and where fewer than N operands are left all of those must
 * hold. An operator all of whose operands are skipped is skipped; a skipped sentence holds. With false < skip < true
 * every operator is monotone: no better result of a check ever makes a sentence worse. A check whose result is not
 * known is a pair of bounds, [least, most], and so is a sentence; since sentences are monotone the bounds are exact.
 *
 * Immutable after parsing; evaluation is pure and thread-safe.
 */
#ifndef SFDC_CORE_SENTENCE_H
#define SFDC_CORE_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/checks.h"
#include "core/vocabulary.h"
#include "core/span.h"

#define SENTENCE_DEPTH_MAX 32
#define SENTENCE_NODES_MAX 256

enum truth { TRUTH_FALSE, TRUTH_SKIP, TRUTH_TRUE };

struct bounds {
	enum truth least; /* with every unknown taken as false */
	enum truth most;  /* with every unknown taken as true */
};

/* pass, skip, or false; pending and temperror are unknown. */
struct bounds bounds_of(enum result_code code);

/* A sentence holds already / can still hold. */
static inline bool bounds_hold(struct bounds bounds)
{
	return bounds.least != TRUTH_FALSE;
}

static inline bool bounds_possible(struct bounds bounds)
{
	return bounds.most != TRUTH_FALSE;
}

struct sentence_node;

struct sentence {
	const struct sentence_node *root; /* NULL: empty, always holds */
	struct span text;                 /* in canonical form: single spaces, needless parentheses left out */
	check_bits checks;                /* those it names */
};

struct sentence_error {
	size_t column;  /* 1-based, in the text that was parsed */
	char text[160]; /* what is wrong; what to do */
};

/* Parse text. *sentence_r lives in arena. False: *error_r says why (a check name is suggested where one is close). */
bool sentence_parse(struct span text, struct arena *arena, struct sentence *sentence_r, struct sentence_error *error_r);

/* The truth of a sentence, where checks[i] bounds check number i. A NULL sentence is empty. */
struct bounds sentence_evaluate(const struct sentence *sentence, const struct bounds checks[CHECK_COUNT]);

/* Some checks in the order in which a sentence names them, each once. */
struct check_list {
	size_t count;
	enum check_id ids[CHECK_COUNT];
};

/*
 * The false checks that are responsible for a broken sentence: under every operator that is false, all its false
 * operands. "False" is by the upper bound for_most = true (it can hold no more), or by the lower one (it does not
 * hold yet). Empty when the sentence is not false in that sense.
 */
void sentence_responsible(const struct sentence *sentence, const struct bounds checks[CHECK_COUNT], bool for_most,
                          struct check_list *list_r);

/* The unknown checks that can still change the sentence: those below operators that are still open. 0 when closed. */
check_bits sentence_open(const struct sentence *sentence, const struct bounds checks[CHECK_COUNT]);

#endif
