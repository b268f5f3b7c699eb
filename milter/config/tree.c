/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/tree.h"

#include <limits.h>
#include <yaml.h>

/* Deeper than anything the configuration has, and enough to report what is wrong at its place. */
#define DEPTH_MAX 12
#define BEYOND_MAX 20 /* how much deeper it may go on; libyaml's time grows with the square of the depth */

struct frame {
	struct node *node;  /* list or map */
	struct node **tail; /* where the next item or key goes */
	struct node *key;   /* of a map: the key that waits for its value */
};

struct builder {
	const struct source *source;
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct node *root;
	bool second; /* a second document has begun */
	unsigned depth;
	unsigned beyond; /* open collections below DEPTH_MAX, which are passed over */
	bool hopeless;   /* too deep to be read on, which was reported */
	struct frame frames[DEPTH_MAX];
};

static struct place mark_place(const struct source *source, yaml_mark_t mark)
{
	struct place place = { source, (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
	return place;
}

struct place node_place(const struct source *source, const struct node *node)
{
	struct place place = { source, node->line, node->column };
	return place;
}

bool node_is_empty(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->style == NODE_PLAIN && node->text.length == 0;
}

static struct node *node_new(struct builder *builder, enum node_kind kind, yaml_mark_t mark)
{
	struct node *node = arena_alloc(builder->arena, sizeof *node);
	if (!node)
		return NULL;
	node->kind = kind;
	node->line = (unsigned)mark.line + 1;
	node->column = (unsigned)mark.column + 1;
	node->index = (unsigned)mark.index;
	return node;
}

/* A key must be a word; one that is not keeps its place, so that its value is still looked at as a value. */
static void check_key(struct builder *builder, struct node *key)
{
	if (key->kind == NODE_LIST || key->kind == NODE_MAP) {
		diagnostic_error(builder->diagnostics, node_place(builder->source, key),
		                 "a key must be a word, not a %s; a value that begins with [ or { must be quoted",
		                 key->kind == NODE_LIST ? "list" : "map");
		key->kind = NODE_BAD;
	}
}

/* Put a node where the event stream is: as root, item, key or value. */
static void place_node(struct builder *builder, struct node *node)
{
	if (builder->depth == 0) {
		builder->root = node;
		return;
	}
	struct frame *frame = &builder->frames[builder->depth - 1];
	if (frame->key) {
		frame->key->first = node;
		frame->key = NULL;
		return;
	}
	*frame->tail = node;
	frame->tail = &node->next;
	frame->node->count++;
	if (frame->node->kind == NODE_MAP)
		frame->key = node;
}

static void check_extras(struct builder *builder, yaml_mark_t mark, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		diagnostic_error(builder->diagnostics, mark_place(builder->source, mark),
		                 "the anchor &%s is not supported; remove it (a value that begins with & must be quoted)",
		                 shown_bare(span_of((const char *)anchor)).text);
	if (tag)
		diagnostic_error(builder->diagnostics, mark_place(builder->source, mark),
		                 "the tag %s is not supported; remove it (a value that begins with ! must be quoted)",
		                 shown_bare(span_of((const char *)tag)).text);
}

static enum node_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return NODE_SINGLE_QUOTED;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return NODE_DOUBLE_QUOTED;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		return NODE_BLOCK;
	case YAML_ANY_SCALAR_STYLE:
	case YAML_PLAIN_SCALAR_STYLE:
		break;
	}
	return NODE_PLAIN;
}

static bool add_scalar(struct builder *builder, const yaml_event_t *event)
{
	check_extras(builder, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
	if (builder->beyond != 0)
		return true;
	struct node *node = node_new(builder, NODE_SCALAR, event->start_mark);
	if (!node)
		return false;
	node->style = style_of(event->data.scalar.style);
	node->text =
		arena_span(builder->arena, span_make((const char *)event->data.scalar.value, event->data.scalar.length));
	place_node(builder, node);
	return !span_absent(node->text);
}

static bool add_alias(struct builder *builder, const yaml_event_t *event)
{
	diagnostic_error(
		builder->diagnostics, mark_place(builder->source, event->start_mark),
		"the alias *%s is not supported; write the value itself (a value that begins with * must be quoted)",
		shown_bare(span_of((const char *)event->data.alias.anchor)).text);
	if (builder->beyond != 0)
		return true;
	struct node *node = node_new(builder, NODE_BAD, event->start_mark);
	if (node)
		place_node(builder, node);
	return node != NULL;
}

static bool open_collection(struct builder *builder, enum node_kind kind, yaml_mark_t mark)
{
	if (builder->beyond != 0 || builder->depth == DEPTH_MAX) {
		builder->hopeless = builder->beyond == BEYOND_MAX;
		if (builder->beyond++ != 0)
			return true;
		diagnostic_error(builder->diagnostics, mark_place(builder->source, mark),
		                 "nothing in a configuration is nested that deep; check the indentation and the brackets");
		kind = NODE_BAD;
	}
	struct node *node = node_new(builder, kind, mark);
	if (!node)
		return false;
	place_node(builder, node);
	if (kind == NODE_BAD)
		return true;
	struct frame *frame = &builder->frames[builder->depth++];
	frame->node = node;
	frame->tail = &node->first;
	frame->key = NULL;
	return true;
}

static void close_collection(struct builder *builder)
{
	if (builder->beyond != 0) {
		builder->beyond--;
		return;
	}
	builder->depth--;
	if (builder->depth == 0)
		return;
	struct frame *parent = &builder->frames[builder->depth - 1];
	struct node *node = builder->frames[builder->depth].node;
	if (parent->key == node) {
		check_key(builder, node);
		node->first = NULL;
	}
}

/* One event. False: memory is short. */
static bool take_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		builder->second = builder->root != NULL;
		if (builder->second)
			diagnostic_error(builder->diagnostics, mark_place(builder->source, event->start_mark),
			                 "a second document begins here; remove the line \"---\" and put everything into one");
		return true;
	case YAML_SCALAR_EVENT:
		return add_scalar(builder, event);
	case YAML_ALIAS_EVENT:
		return add_alias(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		check_extras(builder, event->start_mark, event->data.sequence_start.anchor, event->data.sequence_start.tag);
		return open_collection(builder, NODE_LIST, event->start_mark);
	case YAML_MAPPING_START_EVENT:
		check_extras(builder, event->start_mark, event->data.mapping_start.anchor, event->data.mapping_start.tag);
		return open_collection(builder, NODE_MAP, event->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_collection(builder);
		return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return true;
}

/* How many bytes the line break at text[at] has, 0 when there is none: YAML 1.1 knows CR, LF, NEL, LS and PS. */
static size_t line_break(struct span text, size_t at)
{
	struct span rest = span_slice(text, at, text.length);
	if (rest.length == 0)
		return 0;
	if (rest.at[0] == '\r')
		return rest.length > 1 && rest.at[1] == '\n' ? 2 : 1;
	if (rest.at[0] == '\n')
		return 1;
	if (rest.length > 1 && memcmp(rest.at, "\xc2\x85", 2) == 0)
		return 2;
	if (rest.length > 2 && (memcmp(rest.at, "\xe2\x80\xa8", 3) == 0 || memcmp(rest.at, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0U) != 0x80U;
}

static struct place offset_place(const struct source *source, size_t offset)
{
	struct place place = { source, 1, 1 };
	struct span text = source->text;
	for (size_t at = 0; at < text.length && at < offset;) {
		size_t length = line_break(text, at);
		if (length != 0) {
			place.line++;
			place.column = 1;
			at += length;
			continue;
		}
		at++;
		if (at >= text.length || starts_character(text.at[at]))
			place.column++;
	}
	return place;
}

/* The byte at which character number index begins. */
static size_t index_offset(struct span text, unsigned index)
{
	size_t at = 0;
	for (; at < text.length; at++)
		if (starts_character(text.at[at]) && index-- == 0)
			break;
	return at;
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_white(struct span text, size_t at)
{
	while (at < text.length && is_white(text.at[at]))
		at++;
	return at;
}

/* Where the text of a scalar begins in the file: behind the quote, or behind the first line of a block. */
static size_t text_begin(const struct source *source, const struct node *node)
{
	size_t at = index_offset(source->text, node->index);
	switch (node->style) {
	case NODE_PLAIN:
		break;
	case NODE_SINGLE_QUOTED:
	case NODE_DOUBLE_QUOTED:
		return at + 1;
	case NODE_BLOCK:
		while (at < source->text.length && line_break(source->text, at) == 0)
			at++;
		break;
	}
	return at;
}

/*
 * The text and the file are walked side by side; runs of white space count as equal, for folding changes them. At the
 * first other difference (an escape) the exact place is not known.
 */
struct place node_place_at(const struct source *source, const struct node *node, size_t offset)
{
	struct span file = source->text;
	struct span text = node->text;
	if (span_absent(file) || node->kind != NODE_SCALAR)
		return node_place(source, node);
	size_t at = text_begin(source, node);
	size_t behind = at; /* the last character that was matched */
	for (size_t i = 0;;) {
		size_t next = skip_white(text, i);
		if (next != i || i == 0)
			at = skip_white(file, at);
		i = next;
		if (i >= offset || i >= text.length)
			break;
		if (at >= file.length || file.at[at] != text.at[i])
			return node_place(source, node);
		at++;
		i++;
		behind = at;
	}
	bool at_text = offset < text.length && !is_white(text.at[offset]);
	if (at_text && (at >= file.length || file.at[at] != text.at[offset]))
		return node_place(source, node);
	return offset_place(source, at_text ? at : behind);
}

/* What an admin may have meant where libyaml gives up. */
static const char *syntax_hint(const struct source *source, size_t offset)
{
	char c = offset < source->text.length ? source->text.at[offset] : '\0';
	switch (c) {
	case '\t':
		return "indent with spaces, not with tabs";
	case '%':
	case '@':
	case '`':
	case '&':
	case '!':
	case '|':
	case '>':
		return "put a value that begins with this character in quotes";
	default:
		return "check indentation, colons, quotes and brackets here and in the line before";
	}
}

/* The word that begins there: up to white space, or what ends an item or a list. */
static struct span word_at(struct span text, size_t begin)
{
	size_t end = begin;
	while (end < text.length && !is_white(text.at[end]) && !strchr(",]}", text.at[end]))
		end++;
	return span_slice(text, begin, end);
}

/* libyaml takes a wildcard without quotes for an alias, of which it then finds no name. */
static bool report_wildcard(const struct source *source, const yaml_parser_t *parser, struct diagnostics *diagnostics)
{
	size_t begin = index_offset(source->text, (unsigned)parser->context_mark.index);
	if (!parser->context || begin >= source->text.length || source->text.at[begin] != '*')
		return false;
	struct span word = word_at(source->text, begin);
	diagnostic_error(diagnostics, mark_place(source, parser->context_mark),
	                 "a value that begins with * must be quoted; write \"%s\"", shown_bare(word).text);
	return true;
}

static void report_syntax(const struct source *source, const yaml_parser_t *parser, struct diagnostics *diagnostics)
{
	if (parser->error == YAML_MEMORY_ERROR) {
		diagnostics->no_memory = true;
	} else if (parser->error == YAML_READER_ERROR) {
		diagnostic_error(diagnostics, offset_place(source, parser->problem_offset),
		                 "this is no text: %s (0x%x); write the file in UTF-8 without control characters",
		                 parser->problem ? parser->problem : "unreadable", (unsigned)parser->problem_value);
	} else if (!report_wildcard(source, parser, diagnostics)) {
		const char *hint = syntax_hint(source, index_offset(source->text, (unsigned)parser->problem_mark.index));
		diagnostic_error(diagnostics, mark_place(source, parser->problem_mark), "this is no YAML: %s%s%s; %s",
		                 parser->problem ? parser->problem : "it cannot be parsed", parser->context ? " " : "",
		                 parser->context ? parser->context : "", hint);
	}
}

static bool build(struct builder *builder, yaml_parser_t *parser)
{
	for (bool done = false; !done;) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event)) {
			report_syntax(builder->source, parser, builder->diagnostics);
			return false;
		}
		bool good = take_event(builder, &event);
		done = event.type == YAML_STREAM_END_EVENT || builder->second || builder->hopeless;
		yaml_event_delete(&event);
		if (!good) {
			builder->diagnostics->no_memory = true;
			return false;
		}
	}
	return !builder->second && !builder->hopeless;
}

bool tree_parse(const struct source *source, struct arena *arena, struct diagnostics *diagnostics, struct node **root_r)
{
	struct builder builder = { .source = source, .arena = arena, .diagnostics = diagnostics };
	yaml_parser_t parser;
	*root_r = NULL;
	if (source->text.length >= UINT_MAX) {
		struct place place = { source, 0, 0 };
		diagnostic_error(diagnostics, place, "the file is too large; split it with include");
		return false;
	}
	if (!yaml_parser_initialize(&parser)) {
		diagnostics->no_memory = true;
		return false;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)source->text.at, source->text.length);
	bool good = build(&builder, &parser);
	yaml_parser_delete(&parser);
	if (good)
		*root_r = builder.root;
	return good;
}

const char *node_kind_name(const struct node *node)
{
	switch (node->kind) {
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	case NODE_SCALAR:
	case NODE_BAD:
		break;
	}
	return "a single value";
}
