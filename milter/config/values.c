/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "config/file.h"
#include "config/loading.h"
#include "config/store.h"

#define RATE_COUNT_MAX 1000000000UL

/* A value on its way to its field. */
struct value {
	struct loading *loading;
	const struct source *source;
	const struct option *option;
	const struct node *node;
	void *field;
};

static bool wrong(const struct value *value, const struct node *node, const char *problem)
{
	/* A store may hold a password, in whatever way it is mistyped. */
	const char *text = value->option->type == OPTION_STORE ? "what is written here" : shown(node->text).text;
	diagnostic_error(&value->loading->diagnostics, node_place(value->source, node), "%s: %s %s", value->option->key,
	                 text, problem);
	return false;
}

static bool no_memory(const struct value *value)
{
	value->loading->diagnostics.no_memory = true;
	return false;
}

static bool takes_white_space(enum option_type type)
{
	return type == OPTION_SENTENCE;
}

/* A scalar without control characters; what stands between the words of a sentence may be line breaks. */
static bool want_scalar(const struct value *value, const struct node *node)
{
	struct place place = node_place(value->source, node);
	if (node->kind == NODE_BAD)
		return false;
	if (node->kind != NODE_SCALAR) {
		diagnostic_error(&value->loading->diagnostics, place, "%s: this must be a single value, not %s; remove the %s",
		                 value->option->key, node_kind_name(node),
		                 node->kind == NODE_LIST ? "brackets or hyphens" : "keys in it");
		return false;
	}
	if (node_is_empty(node)) {
		diagnostic_error(&value->loading->diagnostics, place,
		                 "%s: there is no value; write one, \"\" for an empty one, or remove this", value->option->key);
		return false;
	}
	for (size_t i = 0; i < node->text.length; i++) {
		unsigned char c = (unsigned char)node->text.at[i];
		bool space = c == '\n' || c == '\t' || c == '\r';
		if ((c < ' ' || c == 0x7f) && !(space && takes_white_space(value->option->type)))
			return wrong(value, node,
			             "holds a line break or another control character; write it on one line without it");
	}
	return true;
}

static bool want_list(const struct value *value)
{
	const struct node *node = value->node;
	struct diagnostics *diagnostics = &value->loading->diagnostics;
	if (node->kind == NODE_LIST)
		return true;
	if (node_is_empty(node))
		diagnostic_error(diagnostics, node_place(value->source, node),
		                 "%s: there is no value; write [] for an empty list, or remove this", value->option->key);
	else if (node->kind == NODE_SCALAR)
		diagnostic_error(diagnostics, node_place(value->source, node),
		                 "%s: this must be a list; write it in brackets, as in [%s]", value->option->key,
		                 shown_bare(node->text).text);
	else if (node->kind == NODE_MAP)
		diagnostic_error(diagnostics, node_place(value->source, node),
		                 "%s: this must be a list, not a map; write its items as [a, b]", value->option->key);
	return false;
}

static bool want_map(const struct value *value)
{
	const struct node *node = value->node;
	bool orgs = value->option->type == OPTION_ORGS;
	if (node->kind == NODE_LIST)
		diagnostic_error(&value->loading->diagnostics, node_place(value->source, node),
		                 "%s: this must be a map, not a list; write %s without a hyphen or brackets, %s",
		                 value->option->key, orgs ? "each organization's ID" : "its keys",
		                 orgs ? "a colon behind it, its options below it" : "indented");
	else if (node->kind == NODE_SCALAR)
		diagnostic_error(
			&value->loading->diagnostics, node_place(value->source, node), "%s: %s; write %s", value->option->key,
			node_is_empty(node) ? "there is no value" : "this must be a map of keys and values",
			orgs ? "each organization's ID below it, indented, a colon behind the ID and its options below that"
				 : "its keys below it, indented, or remove it");
	return node->kind == NODE_MAP;
}

static bool pass_check(const struct value *value, const struct node *node)
{
	char problem[OPTION_PROBLEM_SIZE];
	return !value->option->check || value->option->check(node->text, problem) || wrong(value, node, problem);
}

static bool read_text(const struct value *value)
{
	struct span text = arena_span(&value->loading->settings->arena, value->node->text);
	if (!pass_check(value, value->node))
		return false;
	memcpy(value->field, &text, sizeof text);
	return !span_absent(text) || no_memory(value);
}

static bool read_file(const struct value *value)
{
	struct span path = value->node->text;
	char problem[FILE_PROBLEM_SIZE];
	path = path.length == 0 ? arena_span(&value->loading->settings->arena, path)
	                        : file_resolve(&value->loading->settings->arena, value->source->name, path);
	if (span_absent(path))
		return no_memory(value);
	if (path.length != 0)
		loading_names(value->loading, path);
	/* Blocks are read by the loader, which then says what is wrong with the file. */
	if (path.length != 0 && value->option->type == OPTION_FILE && !file_readable(path.at, problem)) {
		diagnostic_error(&value->loading->diagnostics, node_place(value->source, value->node),
		                 "%s: %s cannot be read: %s; correct the path or the permissions", value->option->key,
		                 shown(path).text, problem);
		return false;
	}
	memcpy(value->field, &path, sizeof path);
	return true;
}

static bool read_boolean(const struct value *value)
{
	static const struct {
		const char *name;
		bool meaning;
	} names[] = { { "yes", true },    { "no", false }, { "true", true },
		          { "false", false }, { "on", true },  { "off", false } };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (span_equal(value->node->text, span_of(names[i].name))) {
			memcpy(value->field, &names[i].meaning, sizeof names[i].meaning);
			return true;
		}
	return wrong(value, value->node, "is neither yes nor no; write yes or no");
}

static bool store_number(const struct value *value, unsigned long number)
{
	unsigned stored = (unsigned)number;
	memcpy(value->field, &stored, sizeof stored);
	return true;
}

static bool read_number(const struct value *value)
{
	char problem[OPTION_PROBLEM_SIZE];
	struct span text = value->node->text;
	unsigned long number = 0;
	if (span_number(text, value->option->max, &number) && number >= value->option->min
	    && (text.length == 1 || text.at[0] != '0'))
		return store_number(value, number);
	snprintf(problem, sizeof problem, "is no number from %lu to %lu; write one in plain digits", value->option->min,
	         value->option->max);
	return wrong(value, value->node, problem);
}

static bool read_octal(const struct value *value)
{
	struct span text = value->node->text;
	unsigned long number = 0;
	bool good = text.length == 3 || text.length == 4;
	for (size_t i = 0; good && i < text.length; i++) {
		good = text.at[i] >= '0' && text.at[i] <= '7';
		number = number * 8 + (unsigned long)(text.at[i] - '0');
	}
	if (good && number <= value->option->max)
		return store_number(value, number);
	return wrong(value, value->node, "is no file mode; write octal digits up to 0777, as in \"0660\"");
}

static unsigned long unit_seconds(char unit)
{
	switch (unit) {
	case 'd':
		return 24 * 60 * 60;
	case 'h':
		return 60 * 60;
	case 'm':
		return 60;
	case 's':
		return 1;
	default:
		return 0;
	}
}

/* A single duration of what the option allows. */
static bool take_duration(const struct value *value, const struct node *node, unsigned long *seconds_r)
{
	struct span text = node->text;
	char problem[OPTION_PROBLEM_SIZE];
	const char *zero = value->option->min == 0 ? ", or 0" : "";
	unsigned long number = 0;
	unsigned long unit = text.length > 1 ? unit_seconds(text.at[text.length - 1]) : 0;
	*seconds_r = 0;
	if (span_equal(text, span_of("0")) && value->option->min == 0)
		return true;
	if (unit == 0 || !span_number(span_slice(text, 0, text.length - 1), (unsigned long)-1, &number)) {
		snprintf(problem, sizeof problem,
		         "is no duration; write a number and d, h, m or s, as in 7d, 12h, 30m or 90s%s", zero);
		return wrong(value, node, problem);
	}
	*seconds_r = number * unit;
	if (number > value->option->max / unit) {
		snprintf(problem, sizeof problem, "is too long; write at most %lud", value->option->max / unit_seconds('d'));
		return wrong(value, node, problem);
	}
	return *seconds_r >= value->option->min || wrong(value, node, "is no time at all; write at least 1s");
}

static bool read_duration(const struct value *value)
{
	unsigned long seconds;
	return take_duration(value, value->node, &seconds) && store_number(value, seconds);
}

static bool read_durations(const struct value *value)
{
	char problem[OPTION_PROBLEM_SIZE];
	struct durations durations = { 0 };
	bool good = true;
	for (const struct node *item = value->node->first; item; item = item->next) {
		unsigned long seconds;
		if (!want_scalar(value, item) || !take_duration(value, item, &seconds)) {
			good = false;
		} else if (durations.count != 0 && seconds <= durations.seconds[durations.count - 1]) {
			good = wrong(value, item, "is not longer than the one before it; write each once, the shortest first");
		} else if (durations.count == DURATIONS_MAX) {
			snprintf(problem, sizeof problem, "is one too many; write at most %d", DURATIONS_MAX);
			return wrong(value, item, problem);
		} else {
			durations.seconds[durations.count++] = (unsigned)seconds;
		}
	}
	if (good)
		memcpy(value->field, &durations, sizeof durations);
	return good;
}

/* "2000/1h" */
static bool read_rate(const struct value *value)
{
	struct span text = value->node->text;
	size_t slash = span_find(text, 0, '/');
	struct rate rate = { 0, 0 };
	unsigned long count = 0;
	unsigned long number = 0;
	unsigned long unit = text.length > slash + 2 ? unit_seconds(text.at[text.length - 1]) : 0;
	char problem[OPTION_PROBLEM_SIZE];
	if (text.length == 0) {
		memcpy(value->field, &rate, sizeof rate);
		return true;
	}
	if (unit == 0 || !span_number(span_slice(text, 0, slash), (unsigned long)-1, &count)
	    || !span_number(span_slice(text, slash + 1, text.length - 1), (unsigned long)-1, &number))
		return wrong(
			value, value->node,
			"is no limit; write a number, a slash and a time with d, h, m or s, as in 2000/1h, or \"\" for none");
	if (count == 0 || count > RATE_COUNT_MAX) {
		snprintf(problem, sizeof problem, "allows too %s; write a number from 1 to %lu, or \"\" for no limit",
		         count == 0 ? "few" : "many", RATE_COUNT_MAX);
		return wrong(value, value->node, problem);
	}
	if (number == 0 || number > value->option->max / unit) {
		snprintf(problem, sizeof problem, "counts over too %s a time; write at least 1s and at most %lud",
		         number == 0 ? "short" : "long", value->option->max / unit_seconds('d'));
		return wrong(value, value->node, problem);
	}
	rate.count = (unsigned)count;
	rate.seconds = (unsigned)(number * unit);
	memcpy(value->field, &rate, sizeof rate);
	return true;
}

static bool read_store(const struct value *value)
{
	struct store_address address;
	char problem[OPTION_PROBLEM_SIZE];
	struct span text = arena_span(&value->loading->settings->arena, value->node->text);
	if (text.length != 0 && !store_parse(text, &address, problem))
		return wrong(value, value->node, problem);
	if (text.length != 0 && address.password[0] != '\0')
		diagnostic_warning(
			&value->loading->diagnostics, node_place(value->source, value->node),
			"%s: holds a password, which is better kept in a file of its own; name that in limits.store_file",
			value->option->key);
	memcpy(value->field, &text, sizeof text);
	store_forget(&address);
	return !span_absent(text) || no_memory(value);
}

/* "a, b or c" */
static void list_choices(const struct option_choice *choices, char *to, size_t size)
{
	size_t at = 0;
	size_t count = 0;
	size_t i = 0;
	to[0] = '\0';
	while (choices[count].name)
		count++;
	while (count > 0 && choices[count - 1].value == CHOICE_REFUSED)
		count--;
	for (; i < count && at < size; i++) {
		const char *join = i == 0 ? "" : i + 1 == count ? " or " : ", ";
		int length = snprintf(to + at, size - at, "%s%s", join, choices[i].name);
		at += length > 0 ? (size_t)length : 0;
	}
}

static bool find_choice(const struct value *value, const struct node *node, int *choice_r)
{
	char problem[OPTION_PROBLEM_SIZE];
	char names[OPTION_PROBLEM_SIZE / 2];
	for (const struct option_choice *choice = value->option->choices; choice->name; choice++) {
		if (!span_equal(node->text, span_of(choice->name)))
			continue;
		if (choice->value == CHOICE_REFUSED) {
			snprintf(problem, sizeof problem, "is not supported; %s", choice->instead);
			return wrong(value, node, problem);
		}
		*choice_r = choice->value;
		return true;
	}
	list_choices(value->option->choices, names, sizeof names);
	snprintf(problem, sizeof problem, "is not known here; write %s", names);
	return wrong(value, node, problem);
}

static bool read_choice(const struct value *value)
{
	int choice = 0;
	if (!find_choice(value, value->node, &choice))
		return false;
	memcpy(value->field, &choice, sizeof choice);
	return true;
}

static bool read_choices(const struct value *value)
{
	char names[OPTION_PROBLEM_SIZE / 2];
	unsigned bits = 0;
	bool good = true;
	for (const struct node *item = value->node->first; item; item = item->next) {
		int choice = 0;
		if (want_scalar(value, item) && find_choice(value, item, &choice))
			bits |= (unsigned)choice;
		else
			good = false;
	}
	if (good && bits == 0) {
		list_choices(value->option->choices, names, sizeof names);
		diagnostic_error(&value->loading->diagnostics, node_place(value->source, value->node),
		                 "%s: the list is empty, so that nothing could ever pass; write at least one of %s",
		                 value->option->key, names);
		good = false;
	}
	return good && store_number(value, bits);
}

static bool read_sentence(const struct value *value)
{
	struct sentence sentence;
	struct sentence_error error;
	struct arena *arena = &value->loading->settings->arena;
	if (sentence_parse(value->node->text, arena, &sentence, &error)) {
		memcpy(value->field, &sentence, sizeof sentence);
		return true;
	}
	if (arena_failed(arena))
		return no_memory(value);
	diagnostic_error(&value->loading->diagnostics, node_place_at(value->source, value->node, error.column - 1),
	                 "%s: %s", value->option->key, error.text);
	return false;
}

/* A wildcard below a public suffix covers what belongs to anybody. */
static void check_wildcard(const struct value *value, const struct node *item)
{
	const struct config_advice *advice = value->loading->advice;
	if (!advice || !span_starts_nocase(item->text, span_of("*.")))
		return;
	struct span domain = span_slice(item->text, 2, item->text.length);
	if (advice->public_suffix(advice->context, domain))
		diagnostic_warning(
			&value->loading->diagnostics, node_place(value->source, item),
			"%s: %s covers every name below %s, where anybody can have one; list the domains that are meant",
			value->option->key, shown(item->text).text, shown_bare(domain).text);
}

static bool read_set(const struct value *value)
{
	enum set_case set_case = value->option->type == OPTION_EXACT ? SET_EXACT : SET_NOCASE;
	struct set *set = set_new(&value->loading->settings->arena, set_case);
	bool good = set || no_memory(value);
	for (const struct node *item = value->node->first; set && item; item = item->next) {
		if (!want_scalar(value, item) || !pass_check(value, item)) {
			good = false;
			continue;
		}
		size_t number =
			value->option->type == OPTION_PATTERNS ? pattern_add(set, item->text) : set_add(set, item->text);
		if (number == SET_ABSENT)
			return no_memory(value);
		if (value->option->type == OPTION_PATTERNS)
			check_wildcard(value, item);
	}
	if (good)
		memcpy(value->field, &set, sizeof set);
	return good;
}

static bool read_networks(const struct value *value)
{
	struct network_set *set = network_set_new(&value->loading->settings->arena);
	bool good = set || no_memory(value);
	for (const struct node *item = value->node->first; set && item; item = item->next)
		if (!want_scalar(value, item)
		    || !value_add_network(value->loading, node_place(value->source, item), value->option, item->text, set))
			good = false;
	good = good && value_check_extent(value->loading, node_place(value->source, value->node), value->option, set);
	if (good)
		memcpy(value->field, &set, sizeof set);
	return good;
}

/* The loader looks at the names itself; here they are only checked. */
static bool read_globs(const struct value *value)
{
	bool good = true;
	for (const struct node *item = value->node->first; item; item = item->next)
		if (!want_scalar(value, item) || !pass_check(value, item))
			good = false;
	return good;
}

bool value_read(struct loading *loading, const struct source *source, const struct option *option,
                const struct node *node, void *holder)
{
	struct value value = { loading, source, option, node, (char *)holder + option->offset };
	switch (option->type) {
	case OPTION_TEXT:
		return want_scalar(&value, node) && read_text(&value);
	case OPTION_FILE:
	case OPTION_BLOCKS:
		return want_scalar(&value, node) && read_file(&value);
	case OPTION_BOOLEAN:
		return want_scalar(&value, node) && read_boolean(&value);
	case OPTION_NUMBER:
		return want_scalar(&value, node) && read_number(&value);
	case OPTION_OCTAL:
		return want_scalar(&value, node) && read_octal(&value);
	case OPTION_DURATION:
		return want_scalar(&value, node) && read_duration(&value);
	case OPTION_DURATIONS:
		return want_list(&value) && read_durations(&value);
	case OPTION_RATE:
		return want_scalar(&value, node) && read_rate(&value);
	case OPTION_STORE:
		return want_scalar(&value, node) && read_store(&value);
	case OPTION_CHOICE:
		return want_scalar(&value, node) && read_choice(&value);
	case OPTION_CHOICES:
		return want_list(&value) && read_choices(&value);
	case OPTION_SENTENCE:
		return want_scalar(&value, node) && read_sentence(&value);
	case OPTION_EXACT:
	case OPTION_NOCASE:
	case OPTION_PATTERNS:
		return want_list(&value) && read_set(&value);
	case OPTION_NETWORKS:
		return want_list(&value) && read_networks(&value);
	case OPTION_GLOBS:
		return want_list(&value) && read_globs(&value);
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		return want_map(&value);
	}
	return false;
}
