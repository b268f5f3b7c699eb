/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/sentence_node.h"

#define ASKED_SIZE 400

struct text {
	char *to;
	size_t size;
	size_t length;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whole, or not at all. */
static void put(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text->to + text->length, text->size - text->length, format, arguments);
	va_end(arguments);
	if (length > 0 && (size_t)length < text->size - text->length)
		text->length += (size_t)length;
	text->to[text->length] = '\0';
}

/* A refusal that the mode makes a deferral. */
static bool is_put_off(const struct judgement *judgement)
{
	return judgement->mode == MODE_DEFER && judgement->would == VERDICT_REJECT
	       && judgement->verdict == VERDICT_TEMPFAIL;
}

static bool is_dns(enum reason reason)
{
	return reason == REASON_DNS_ERROR || reason == REASON_DNS_TIMEOUT;
}

static bool awaits_key(const struct judgement *judgement)
{
	return judgement->why.count != 0 && judgement->why.ids[0] == CHECK_DKIM;
}

static void put_enhanced(char class, const struct reason_row *row, const struct judgement *judgement,
                         struct reply *reply)
{
	size_t size = sizeof reply->enhanced;
	if (class == '4' && is_dns(judgement->reason))
		snprintf(reply->enhanced, size, "%s", awaits_key(judgement) ? "4.7.5" : "4.4.3");
	else if (row->smtp[0] == class)
		snprintf(reply->enhanced, size, "%s", row->enhanced);
	else if (class == '4' && row->smtp[0] == '5')
		snprintf(reply->enhanced, size, "4%s", row->enhanced + 1);
	else
		snprintf(reply->enhanced, size, "%s", class == '5' ? "5.7.1" : "4.3.2");
}

static bool has_reason(const enum reason *reasons, size_t count, enum reason reason)
{
	for (size_t i = 0; i < count; i++)
		if (reasons[i] == reason)
			return true;
	return false;
}

/* Those of the checks responsible, each once; without such checks the one there is. */
static void put_reasons(struct text *text, const struct judgement *judgement)
{
	enum reason reasons[REPLY_REASONS_MAX] = { judgement->reason };
	size_t count = 1;
	put(text, "%s", reason_code(judgement->reason));
	for (size_t i = 0; i < judgement->why.count; i++) {
		enum reason reason = judgement->results[judgement->why.ids[i]].reason;
		if (reason == REASON_NONE || has_reason(reasons, count, reason))
			continue;
		if (count == REPLY_REASONS_MAX) {
			put(text, ",...");
			return;
		}
		reasons[count++] = reason;
		put(text, ",%s", reason_code(reason));
	}
}

/* What the false parts of a node ask for. */
static void put_asked(struct text *text, const struct sentence_node *node, const struct bounds *bounds)
{
	if (node->is_check) {
		put(text, "%s", check_at(node->check)->asks);
		return;
	}
	const char *join = "";
	for (const struct sentence_node *child = node->first; child; child = child->next)
		if (sentence_node_truth(child, bounds, true) == TRUTH_FALSE) {
			put(text, "%s", join);
			put_asked(text, child, bounds);
			join = node->operator== SENTENCE_AND ? " with " : " or ";
		}
}

struct choice {
	const struct sentence_node *node;
	unsigned missing; /* how many of its false operands would have to hold */
};

/* The broken choice in which the first responsible check stands; its node is NULL where every false operand is asked for. */
static struct choice first_choice(const struct sentence_node *node, const struct bounds *bounds)
{
	struct choice choice = { NULL, 0 };
	while (node && !node->is_check) {
		const struct sentence_node *first = NULL;
		unsigned hold = 0;
		unsigned broken = 0;
		for (const struct sentence_node *child = node->first; child; child = child->next) {
			enum truth truth = sentence_node_truth(child, bounds, true);
			hold += truth == TRUTH_TRUE;
			broken += truth == TRUTH_FALSE;
			if (truth == TRUTH_FALSE && !first)
				first = child;
		}
		unsigned needed = node->needed < hold + broken ? node->needed : hold + broken;
		if (needed - hold < broken) {
			choice.node = node;
			choice.missing = needed - hold;
			return choice;
		}
		node = first;
	}
	return choice;
}

/* Empty where nothing is left to choose. */
static void put_choice(struct text *text, const struct judgement *judgement)
{
	static const char *const numbers[] = { "none", "one", "two", "three", "four", "five", "six", "seven", "eight" };
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(judgement->results[i].code);
	struct choice choice = { NULL, 0 };
	if (judgement->broken && !bounds_possible(sentence_evaluate(judgement->broken, bounds)))
		choice = first_choice(judgement->broken->root, bounds);
	if (!choice.node)
		return;
	if (choice.missing < sizeof numbers / sizeof numbers[0])
		put(text, "%s", numbers[choice.missing]);
	else
		put(text, "%u", choice.missing);
	put(text, " of these %s asked for: ", choice.missing == 1 ? "is" : "are");
	const char *join = "";
	for (const struct sentence_node *child = choice.node->first; child; child = child->next)
		if (sentence_node_truth(child, bounds, true) == TRUTH_FALSE) {
			put(text, "%s", join);
			put_asked(text, child, bounds);
			join = ", ";
		}
}

/* What no sender has written may be told. */
static void put_detail(struct text *text, enum check_id check, const struct judgement *judgement)
{
	struct span detail = judgement->results[check].detail;
	if (check_at(check)->detail_told && detail.length != 0)
		put(text, ", %.*s", (int)detail.length, detail.at);
}

static void put_sentence(struct text *text, const struct reason_row *row, const struct judgement *judgement)
{
	char told[ASKED_SIZE] = "";
	struct text choice = { told, sizeof told, 0 };
	put_choice(&choice, judgement);
	put(text, ": %s", choice.length != 0 ? told : row->sentence);
	if (choice.length == 0 && judgement->why.count != 0)
		put_detail(text, judgement->why.ids[0], judgement);
	if (is_put_off(judgement))
		put(text, "; not final, the relay is in defer mode");
}

void reply_make(enum verdict verdict, const struct judgement *judgement, struct span sid, struct span contact,
                struct reply *reply_r)
{
	const struct reason_row *row = reason_row(judgement->reason);
	char class = verdict == VERDICT_REJECT ? '5' : verdict == VERDICT_TEMPFAIL ? '4' : '2';
	struct text text = { reply_r->text, sizeof reply_r->text, 0 };

	memset(reply_r, 0, sizeof *reply_r);
	if (class == '2')
		return;
	snprintf(reply_r->code, sizeof reply_r->code, "%s",
	         row->smtp[0] == class ? row->smtp
	         : class == '5'        ? "550"
	                               : "451");
	put_enhanced(class, row, judgement, reply_r);
	put_reasons(&text, judgement);
	put_sentence(&text, row, judgement);
	put(&text, " (id %.*s)", (int)sid.length, sid.at ? sid.at : "");
	if (contact.length != 0)
		put(&text, " %.*s", (int)contact.length, contact.at ? contact.at : "");
}
