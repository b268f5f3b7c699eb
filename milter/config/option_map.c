/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "config/loading.h"

#define KEY_SIZE 64
#define LIST_SIZE 400
#define FEW_KEYS 8

struct walk {
	struct loading *loading;
	const struct source *source;
	enum option_scope scope;
	void *holder;
	struct given *given;
};

/* A growing text of alternatives: "a", "a and b", "a, b and c". */
struct names {
	char text[LIST_SIZE];
	const char *last;
	size_t last_length;
	size_t count;
};

static void names_flush(struct names *names, const char *join)
{
	size_t at = strlen(names->text);
	if (names->count != 0)
		snprintf(names->text + at, sizeof names->text - at, "%s%.*s", at ? join : "", (int)names->last_length,
		         names->last);
}

/* Adding the same name twice in a row adds it once. */
static void names_add(struct names *names, const char *name, size_t length)
{
	if (names->count != 0 && names->last_length == length && memcmp(names->last, name, length) == 0)
		return;
	names_flush(names, ", ");
	names->last = name;
	names->last_length = length;
	names->count++;
}

/* What follows the prefix "tls." (or "") in the row's key, up to the next dot; absent for rows elsewhere. */
static struct span segment(const struct option *option, struct span prefix)
{
	struct span key = span_of(option->key);
	if (key.length <= prefix.length || memcmp(key.at, prefix.at, prefix.length) != 0)
		return span_make(NULL, 0);
	return span_slice(key, prefix.length, span_find(key, prefix.length, '.'));
}

static struct span last_segment(const struct option *option)
{
	struct span key = span_of(option->key);
	size_t dot = span_find(key, 0, '.');
	return dot == key.length ? key : span_slice(key, dot + 1, key.length);
}

/* The sections of the scope that have a key of this name: "auth, cert and dkim". */
static struct names sections_with(enum option_scope scope, struct span key)
{
	struct names names = { .count = 0 };
	for (size_t i = 0; i < option_count(); i++) {
		const struct option *option = option_at(i);
		size_t dot = span_find(span_of(option->key), 0, '.');
		if (option->scope == scope && option->key[dot] == '.' && span_equal(last_segment(option), key))
			names_add(&names, option->key, dot);
	}
	names_flush(&names, " or ");
	return names;
}

static struct span closest(enum option_scope scope, struct span prefix, struct span key)
{
	struct span best = { NULL, 0 };
	unsigned least = key.length < 4 ? 2 : key.length < 9 ? 3 : 4; /* one more than what is taken for a slip */
	for (size_t i = 0; i < option_count(); i++) {
		struct span name = segment(option_at(i), prefix);
		if (option_at(i)->scope != scope || span_absent(name))
			continue;
		unsigned distance = span_distance(key, name);
		if (distance < least) {
			least = distance;
			best = name;
		}
	}
	return best;
}

static struct names option_map_of(enum option_scope scope, struct span prefix)
{
	struct names names = { .count = 0 };
	for (size_t i = 0; i < option_count(); i++) {
		struct span name = segment(option_at(i), prefix);
		if (option_at(i)->scope == scope && !span_absent(name))
			names_add(&names, name.at, name.length);
	}
	names_flush(&names, " and ");
	return names;
}

static bool known_in(enum option_scope scope, struct span key)
{
	return option_find(scope, key) || option_is_section(scope, key);
}

/* The key was written with a dot: "tls.min_version". */
static bool report_dotted(const struct walk *walk, struct place place, struct span prefix, struct span key)
{
	size_t dot = span_find(key, 0, '.');
	if (dot == key.length || prefix.length != 0 || !option_find(walk->scope, key))
		return false;
	diagnostic_error(&walk->loading->diagnostics, place, "unknown key %s; write it as %.*s: {%.*s: ...}",
	                 shown(key).text, (int)dot, key.at, (int)(key.length - dot - 1), key.at + dot + 1);
	return true;
}

/* The key exists, but elsewhere. */
static bool report_misplaced(const struct walk *walk, struct place place, struct span prefix, struct span key)
{
	struct diagnostics *diagnostics = &walk->loading->diagnostics;
	enum option_scope other = walk->scope == OPTION_TOP ? OPTION_ORG : OPTION_TOP;
	if (prefix.length != 0 && known_in(walk->scope, key)) {
		diagnostic_error(diagnostics, place, "%s is no key of %.*s; move it one level up, out of %.*s", shown(key).text,
		                 (int)prefix.length - 1, prefix.at, (int)prefix.length - 1, prefix.at);
		return true;
	}
	if (known_in(other, key)) {
		diagnostic_error(diagnostics, place, "%s has no place here; %s", shown(key).text,
		                 other == OPTION_ORG
		                     ? "it is an option of organizations: put it below an organization's ID or below defaults"
		                     : "put it at the top level of the configuration");
		return true;
	}
	struct names sections = sections_with(walk->scope, key);
	if (sections.count == 0)
		return false;
	diagnostic_error(diagnostics, place, "%s has no place here; put it below %s", shown(key).text, sections.text);
	return true;
}

static void report_unknown(const struct walk *walk, const struct node *node, struct span prefix)
{
	struct diagnostics *diagnostics = &walk->loading->diagnostics;
	struct place place = node_place(walk->source, node);
	struct span key = node->text;
	if (orgs_is_id(node)) {
		orgs_report_misplaced(walk->loading, walk->source, node);
		return;
	}
	if (report_dotted(walk, place, prefix, key) || report_misplaced(walk, place, prefix, key))
		return;
	struct span name = closest(walk->scope, prefix, key);
	if (!span_absent(name))
		diagnostic_error(diagnostics, place, "unknown key %s; did you mean %.*s?", shown(key).text, (int)name.length,
		                 name.at);
	else if (prefix.length != 0)
		diagnostic_error(diagnostics, place, "unknown key %s; the keys of %.*s are %s", shown(key).text,
		                 (int)prefix.length - 1, prefix.at, option_map_of(walk->scope, prefix).text);
	else
		diagnostic_error(diagnostics, place, "unknown key %s; remove it (sfdc-milter.yaml(5) lists the keys)",
		                 shown(key).text);
}

/* Where a map has many keys, those seen so far are found by hashing. */
struct seen {
	struct set *set;
	const struct node **keys;
};

static const struct node *seen_before(struct walk *walk, struct seen *seen, const struct node *map,
                                      const struct node *key)
{
	if (map->count <= FEW_KEYS) {
		for (const struct node *other = map->first; other != key; other = other->next)
			if (other->kind == NODE_SCALAR && span_equal(other->text, key->text))
				return other;
		return NULL;
	}
	struct arena *arena = &walk->loading->scratch;
	if (!seen->set) {
		seen->set = set_new(arena, SET_EXACT);
		seen->keys = arena_array(arena, map->count, sizeof *seen->keys);
	}
	if (!seen->set || !seen->keys)
		return NULL;
	size_t count = set_count(seen->set);
	size_t number = set_add(seen->set, key->text);
	if (number == SET_ABSENT)
		return NULL;
	if (number < count)
		return seen->keys[number];
	seen->keys[number] = key;
	return NULL;
}

static void walk_map(struct walk *walk, struct span prefix, const struct node *map);

static void walk_section(struct walk *walk, struct span key, const struct node *value)
{
	char prefix[KEY_SIZE];
	int length = snprintf(prefix, sizeof prefix, "%.*s.", (int)key.length, key.at);
	if (value->kind == NODE_MAP) {
		walk_map(walk, span_make(prefix, (size_t)length), value);
		return;
	}
	if (value->kind == NODE_BAD)
		return;
	diagnostic_error(&walk->loading->diagnostics, node_place(walk->source, value),
	                 "%.*s: %s; write its keys below it, indented, or remove it", (int)key.length, key.at,
	                 node_is_empty(value) ? "there is no value" : "this must be a map of keys and values");
}

static void walk_key(struct walk *walk, struct span prefix, const struct node *key)
{
	char name[KEY_SIZE];
	if (prefix.length + key->text.length >= sizeof name || span_find(key->text, 0, '.') != key->text.length) {
		report_unknown(walk, key, prefix);
		return;
	}
	memcpy(name, prefix.at, prefix.length);
	memcpy(name + prefix.length, key->text.at, key->text.length);
	struct span full = { name, prefix.length + key->text.length };
	const struct option *option = option_find(walk->scope, full);
	if (option && option->type == OPTION_ORGS && node_is_empty(key->first) && key->next && orgs_is_id(key->next)) {
		/* What should stand below it stands behind it, and is reported there. */
		walk->given->nodes[option_number(option)] = key->first;
	} else if (option) {
		walk->given->nodes[option_number(option)] = key->first;
		value_read(walk->loading, walk->source, option, key->first, walk->holder);
	} else if (option_is_section(walk->scope, full)) {
		walk_section(walk, full, key->first);
	} else {
		report_unknown(walk, key, prefix);
	}
}

static void walk_map(struct walk *walk, struct span prefix, const struct node *map)
{
	struct seen seen = { NULL, NULL };
	for (const struct node *key = map->first; key; key = key->next) {
		if (key->kind != NODE_SCALAR)
			continue;
		const struct node *before = seen_before(walk, &seen, map, key);
		if (before)
			diagnostic_error(&walk->loading->diagnostics, node_place(walk->source, key),
			                 "the key %s is given twice, first at %s; remove one of the two", shown(key->text).text,
			                 place_text(node_place(walk->source, before)).text);
		else
			walk_key(walk, prefix, key);
	}
}

bool option_map_read(struct loading *loading, const struct source *source, const struct node *map,
                     enum option_scope scope, void *holder, struct given *given_r)
{
	size_t errors = loading->diagnostics.errors;
	struct walk walk = { loading, source, scope, holder, given_r };
	memset(given_r, 0, sizeof *given_r);
	if (map->kind == NODE_MAP)
		walk_map(&walk, span_of(""), map);
	return loading->diagnostics.errors == errors;
}
