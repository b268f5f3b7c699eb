/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sentence_node: the tree of a parsed sentence, shared by its parser, its evaluator, and the reply that says what a
 * broken one asks for.
 */
#ifndef SFDC_CORE_SENTENCE_NODE_H
#define SFDC_CORE_SENTENCE_NODE_H

#include <stdbool.h>

#include "core/sentence.h"

/* A check, or "at least `needed` of the operands"; `or` needs one, `and` all of them. */
struct sentence_node {
	bool is_check;
	enum check_id check;
	unsigned needed;
	unsigned operands;
	enum sentence_operator { SENTENCE_AND, SENTENCE_OR, SENTENCE_OF } operator;
	struct sentence_node *first;
	struct sentence_node *next;
};

/* The truth of a node, where checks[i] bounds check number i; most: by the upper bounds, else by the lower ones. */
enum truth sentence_node_truth(const struct sentence_node *node, const struct bounds *checks, bool most);

#endif
