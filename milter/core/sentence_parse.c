/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "core/sentence.h"
#include "core/sentence_node.h"

struct parser {
	struct span text;
	size_t at;
	unsigned depth;
	unsigned nodes;
	struct arena *arena;
	struct sentence_error *error;
	check_bits checks;
};

static struct sentence_node *parse_or(struct parser *parser);

static struct sentence_node *fail(struct parser *parser, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static struct sentence_node *fail(struct parser *parser, size_t at, const char *format, ...)
{
	va_list arguments;
	parser->error->column = at + 1;
	va_start(arguments, format);
	vsnprintf(parser->error->text, sizeof parser->error->text, format, arguments);
	va_end(arguments);
	return NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_punctuation(char c)
{
	return c == '(' || c == ')' || c == ',';
}

/* The next token without consuming it: punctuation, or a run of anything else; empty at the end. */
static struct span peek(struct parser *parser)
{
	while (parser->at < parser->text.length && is_space(parser->text.at[parser->at]))
		parser->at++;
	size_t end = parser->at;
	if (end < parser->text.length && is_punctuation(parser->text.at[end]))
		return span_slice(parser->text, end, end + 1);
	while (end < parser->text.length && !is_space(parser->text.at[end]) && !is_punctuation(parser->text.at[end]))
		end++;
	return span_slice(parser->text, parser->at, end);
}

static bool take(struct parser *parser, const char *word)
{
	struct span token = peek(parser);
	if (!span_equal(token, span_of(word)))
		return false;
	parser->at += token.length;
	return true;
}

static struct sentence_node *node_new(struct parser *parser)
{
	if (++parser->nodes > SENTENCE_NODES_MAX)
		return fail(parser, parser->at, "the sentence is too long; use at most %d operands", SENTENCE_NODES_MAX);
	struct sentence_node *node = arena_alloc(parser->arena, sizeof *node);
	return node ? node : fail(parser, parser->at, "out of memory");
}

static const char *closest_check(struct span word)
{
	const char *best = NULL;
	unsigned best_distance = 3;
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		unsigned d = span_distance(word, span_of(check_name((enum check_id)i)));
		if (d < best_distance && d < word.length) {
			best = check_name((enum check_id)i);
			best_distance = d;
		}
	}
	return best;
}

static struct sentence_node *fail_operand(struct parser *parser, struct span token)
{
	int shown = (int)(token.length > 30 ? 30 : token.length);
	if (token.length == 0)
		return fail(parser, parser->at, "the sentence ends where a check is expected; complete it");
	if (is_punctuation(token.at[0]) || span_equal(token, span_of("and")) || span_equal(token, span_of("or"))
	    || span_equal(token, span_of("of")))
		return fail(parser, parser->at, "\"%.*s\" stands where a check is expected; write a check before it", shown,
		            token.at);
	if (span_equal(token, span_of("not")))
		return fail(parser, parser->at, "there is no \"not\"; a sentence says what must hold");
	const char *closest = closest_check(token);
	if (closest)
		return fail(parser, parser->at, "unknown check \"%.*s\"; did you mean \"%s\"?", shown, token.at, closest);
	return fail(parser, parser->at, "unknown check \"%.*s\"; the checks are listed in sfdc-milter.yaml(5)", shown,
	            token.at);
}

static void append(struct sentence_node *parent, struct sentence_node *child)
{
	struct sentence_node **end = &parent->first;
	while (*end)
		end = &(*end)->next;
	*end = child;
	parent->operands++;
}

/* count "of" "(" or-list *( "," or-list ) ")" */
static struct sentence_node *parse_count(struct parser *parser, unsigned long count, size_t count_at)
{
	if (!take(parser, "of"))
		return fail(parser, parser->at, "\"of\" is expected after a number, as in \"2 of (cert, auth, ip)\"");
	if (!take(parser, "("))
		return fail(parser, parser->at, "\"(\" is expected after \"of\", as in \"2 of (cert, auth, ip)\"");
	struct sentence_node *node = node_new(parser);
	if (!node)
		return NULL;
	node->operator= SENTENCE_OF;
	node->needed = (unsigned)count;
	do {
		struct sentence_node *child = parse_or(parser);
		if (!child)
			return NULL;
		append(node, child);
	} while (take(parser, ","));
	if (!take(parser, ")"))
		return fail(parser, parser->at, "\",\" or \")\" is expected here; close the parenthesis");
	if (count == 0 || count > node->operands)
		return fail(parser, count_at, "%lu of %u can%s hold; write a number from 1 to %u", count, node->operands,
		            count == 0 ? " only" : " never", node->operands);
	return node;
}

static struct sentence_node *parse_operand(struct parser *parser)
{
	struct span token = peek(parser);
	unsigned long count;
	enum check_id id;

	if (take(parser, "(")) {
		struct sentence_node *node = parse_or(parser);
		if (node && !take(parser, ")"))
			return fail(parser, parser->at, "\"and\", \"or\" or \")\" is expected here; close the parenthesis");
		return node;
	}
	if (token.length != 0 && ascii_digit(token.at[0]) && span_number(token, SENTENCE_NODES_MAX, &count)) {
		size_t count_at = parser->at;
		parser->at += token.length;
		return parse_count(parser, count, count_at);
	}
	if (!check_by_name(token, &id))
		return fail_operand(parser, token);
	parser->at += token.length;
	struct sentence_node *node = node_new(parser);
	if (!node)
		return NULL;
	node->is_check = true;
	node->check = id;
	parser->checks |= CHECK_BIT(id);
	return node;
}

/* A list of operands with one keyword between them; a list of one is its operand. */
static struct sentence_node *parse_list(struct parser *parser, enum sentence_operator operator, const char * keyword,
                                        struct sentence_node *(*operand)(struct parser *parser))
{
	struct sentence_node *first = operand(parser);
	if (!first || !take(parser, keyword))
		return first;
	struct sentence_node *list = node_new(parser);
	if (!list)
		return NULL;
	list->operator= operator;
	append(list, first);
	do {
		struct sentence_node *child = operand(parser);
		if (!child)
			return NULL;
		append(list, child);
	} while (take(parser, keyword));
	list->needed = operator== SENTENCE_AND ? list->operands : 1;
	return list;
}

static struct sentence_node *parse_and(struct parser *parser)
{
	return parse_list(parser, SENTENCE_AND, "and", parse_operand);
}

static struct sentence_node *parse_or(struct parser *parser)
{
	if (++parser->depth > SENTENCE_DEPTH_MAX)
		return fail(parser, parser->at, "the parentheses are nested too deeply; use at most %d levels",
		            SENTENCE_DEPTH_MAX);
	struct sentence_node *node = parse_list(parser, SENTENCE_OR, "or", parse_and);
	parser->depth--;
	return node;
}

/* Append to a text whose room was measured before; to == NULL only measures. */
static size_t put(char *to, size_t at, const char *text)
{
	size_t length = strlen(text);
	if (to)
		memcpy(to + at, text, length);
	return at + length;
}

static size_t write_node(const struct sentence_node *node, const struct sentence_node *parent, char *to, size_t at)
{
	char count[16];
	if (node->is_check)
		return put(to, at, check_name(node->check));
	bool parentheses = node->operator== SENTENCE_OF ||(
		parent && parent->operator!= SENTENCE_OF && !(parent->operator== SENTENCE_OR && node->operator== SENTENCE_AND));
	const char *separator = node->operator== SENTENCE_AND ? " and " : node->operator== SENTENCE_OR ? " or " : ", ";
	if (node->operator== SENTENCE_OF) {
		snprintf(count, sizeof count, "%u of ", node->needed);
		at = put(to, at, count);
	}
	if (parentheses)
		at = put(to, at, "(");
	for (const struct sentence_node *child = node->first; child; child = child->next) {
		at = write_node(child, node, to, at);
		if (child->next)
			at = put(to, at, separator);
	}
	return parentheses ? put(to, at, ")") : at;
}

static struct span canonical(const struct sentence_node *root, struct arena *arena)
{
	if (!root)
		return span_of("");
	size_t length = write_node(root, NULL, NULL, 0);
	char *text = arena_alloc(arena, length + 1);
	if (text)
		write_node(root, NULL, text, 0);
	return span_make(text, text ? length : 0);
}

bool sentence_parse(struct span text, struct arena *arena, struct sentence *sentence_r, struct sentence_error *error_r)
{
	struct parser parser = { .text = text, .arena = arena, .error = error_r };
	struct sentence_node *root = NULL;
	memset(sentence_r, 0, sizeof *sentence_r);
	if (peek(&parser).length != 0) {
		root = parse_or(&parser);
		if (!root)
			return false;
		struct span rest = peek(&parser);
		if (rest.length != 0) {
			fail(&parser, parser.at, "\"and\" or \"or\" is expected before \"%.*s\"",
			     (int)(rest.length > 30 ? 30 : rest.length), rest.at);
			return false;
		}
	}
	sentence_r->root = root;
	sentence_r->checks = parser.checks;
	sentence_r->text = canonical(root, arena);
	if (span_absent(sentence_r->text)) {
		fail(&parser, 0, "out of memory");
		return false;
	}
	return true;
}
