/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sentence.h"

#include "core/sentence_node.h"

struct bounds bounds_of(enum result_code code)
{
	struct bounds bounds = { TRUTH_FALSE, TRUTH_FALSE };
	switch (code) {
	case RESULT_PASS:
		bounds.least = bounds.most = TRUTH_TRUE;
		break;
	case RESULT_SKIP:
		bounds.least = bounds.most = TRUTH_SKIP;
		break;
	case RESULT_PENDING:
	case RESULT_TEMPERROR:
		bounds.most = TRUTH_TRUE;
		break;
	case RESULT_FAIL:
	case RESULT_NONE:
	case RESULT_PERMERROR:
		break;
	}
	return bounds;
}

/* Which of the two readings of the unknown a walk is about. */
static enum truth truth_pick(struct bounds bounds, bool most)
{
	return most ? bounds.most : bounds.least;
}

enum truth sentence_node_truth(const struct sentence_node *node, const struct bounds *checks, bool most)
{
	if (node->is_check)
		return truth_pick(checks[node->check], most);
	unsigned left = 0;
	unsigned hold = 0;
	for (const struct sentence_node *child = node->first; child; child = child->next) {
		enum truth truth = sentence_node_truth(child, checks, most);
		if (truth == TRUTH_SKIP)
			continue;
		left++;
		if (truth == TRUTH_TRUE)
			hold++;
	}
	if (left == 0)
		return TRUTH_SKIP;
	unsigned needed = node->needed < left ? node->needed : left;
	return hold >= needed ? TRUTH_TRUE : TRUTH_FALSE;
}

static struct bounds node_bounds(const struct sentence_node *node, const struct bounds *checks)
{
	struct bounds bounds = { sentence_node_truth(node, checks, false), sentence_node_truth(node, checks, true) };
	return bounds;
}

struct bounds sentence_evaluate(const struct sentence *sentence, const struct bounds checks[CHECK_COUNT])
{
	if (!sentence || !sentence->root) {
		struct bounds skipped = { TRUTH_SKIP, TRUTH_SKIP };
		return skipped;
	}
	return node_bounds(sentence->root, checks);
}

static void list_add(struct check_list *list, enum check_id id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return;
	if (list->count < CHECK_COUNT)
		list->ids[list->count++] = id;
}

static void node_responsible(const struct sentence_node *node, const struct bounds *checks, bool most,
                             struct check_list *list)
{
	if (sentence_node_truth(node, checks, most) != TRUTH_FALSE)
		return;
	if (node->is_check)
		list_add(list, node->check);
	else
		for (const struct sentence_node *child = node->first; child; child = child->next)
			node_responsible(child, checks, most, list);
}

void sentence_responsible(const struct sentence *sentence, const struct bounds checks[CHECK_COUNT], bool for_most,
                          struct check_list *list_r)
{
	list_r->count = 0;
	if (sentence && sentence->root)
		node_responsible(sentence->root, checks, for_most, list_r);
}

static check_bits node_open(const struct sentence_node *node, const struct bounds *checks)
{
	struct bounds bounds = node_bounds(node, checks);
	if (bounds.least == bounds.most)
		return 0;
	if (node->is_check)
		return CHECK_BIT(node->check);
	check_bits open = 0;
	for (const struct sentence_node *child = node->first; child; child = child->next)
		open |= node_open(child, checks);
	return open;
}

check_bits sentence_open(const struct sentence *sentence, const struct bounds checks[CHECK_COUNT])
{
	if (!sentence || !sentence->root)
		return 0;
	struct bounds bounds = node_bounds(sentence->root, checks);
	if (bounds_hold(bounds) || !bounds_possible(bounds))
		return 0;
	return node_open(sentence->root, checks);
}
