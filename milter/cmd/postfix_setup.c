/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/postfix_setup.h"

#include "cmd/socket_place.h"

#define DEPTH_MAX 20
#define NAMES_MAX 2000
#define EXPANDED_MAX ((size_t)1 << 20)
#define SERVICES_MAX 2000

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
	return ascii_alnum(c) || c == '_';
}

static size_t count_lines(struct span text)
{
	size_t count = 1;
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] == '\n')
			count++;
	return count;
}

static bool table_init(struct postfix_table *table, size_t room, struct arena *arena)
{
	table->names = set_new(arena, SET_EXACT);
	table->values = arena_array(arena, room, sizeof table->values[0]);
	table->room = room;
	return table->names && table->values;
}

static bool table_put(struct postfix_table *table, struct span name, struct span value)
{
	size_t i = set_add(table->names, name);
	if (i >= table->room)
		return false;
	table->values[i] = value;
	return true;
}

static struct span table_get(const struct postfix_table *table, struct span name)
{
	size_t i = set_find(table->names, name);
	return i == SET_ABSENT ? span_of(NULL) : table->values[i];
}

/* "NAME = VALUE" */
static bool split(struct span line, struct span *name_r, struct span *value_r)
{
	size_t equals = span_find(line, 0, '=');
	if (equals == line.length)
		return false;
	*name_r = span_trim(span_slice(line, 0, equals));
	*value_r = span_trim(span_slice(line, equals + 1, line.length));
	if (value_r->length == 0)
		*value_r = span_of("");
	return name_r->length != 0;
}

static bool read_table(struct span text, struct postfix_table *table, struct arena *arena)
{
	struct span line, name, value;
	if (!table_init(table, count_lines(text), arena))
		return false;
	while (span_next_line(&text, &line))
		if (split(line, &name, &value) && !table_put(table, name, value))
			return false;
	return true;
}

static struct span next_field(struct span *rest)
{
	size_t from = 0;
	while (from < rest->length && is_space(rest->at[from]))
		from++;
	size_t to = from;
	while (to < rest->length && !is_space(rest->at[to]))
		to++;
	struct span field = span_slice(*rest, from, to);
	*rest = span_slice(*rest, to, rest->length);
	return field;
}

/* "-" in the column is the default: chrooted where compatibility_level is 0. */
static bool is_chrooted(const struct postfix_setup *setup, struct span field)
{
	struct span level = table_get(&setup->raw, span_of("compatibility_level"));
	if (span_equal(field, span_of("-")))
		return level.length == 0 || level.at[0] == '0';
	return span_equal(field, span_of("y"));
}

static struct postfix_service *find_service(struct postfix_setup *setup, struct span name, struct span type)
{
	for (size_t i = 0; i < setup->shared_count; i++)
		if (span_equal(setup->services[i].name, name) && span_equal(setup->services[i].type, type))
			return &setup->services[i];
	return NULL;
}

/* NAME TYPE PRIVATE UNPRIV CHROOT WAKEUP MAXPROC COMMAND; of two of a name Postfix uses the last. */
static bool read_service(struct span line, struct postfix_setup *setup, size_t room)
{
	struct span fields[7];
	for (size_t i = 0; i < 7; i++)
		fields[i] = next_field(&line);
	struct span command = span_trim(line);
	if (command.length == 0)
		return true;
	struct postfix_service *shared = find_service(setup, fields[0], fields[1]);
	if (!shared && setup->shared_count == room)
		return false;
	if (!shared)
		shared = &setup->services[setup->shared_count++];
	*shared = (struct postfix_service) {
		.name = fields[0],
		.type = fields[1],
		.command = command,
		.chrooted = is_chrooted(setup, fields[4]),
		.as_root = span_equal(fields[3], span_of("n")),
	};
	return true;
}

static bool read_services(struct span text, struct postfix_setup *setup, struct arena *arena)
{
	struct span line;
	size_t room = count_lines(text);
	if (room > SERVICES_MAX)
		return false;
	setup->services = arena_array(arena, room, sizeof setup->services[0]);
	while (setup->services && span_next_line(&text, &line))
		if (!read_service(line, setup, room))
			return false;
	return setup->services != NULL;
}

/* "SERVICE/TYPE/NAME = VALUE"; NULL: it is none, or there is no such service. */
static struct postfix_service *read_option(struct postfix_setup *setup, struct span line, struct span *name_r,
                                           struct span *value_r)
{
	struct span key;
	if (!split(line, &key, value_r))
		return NULL;
	/* An address may hold a slash no more than a name of a service or of a parameter. */
	size_t first = span_find(key, 0, '/');
	size_t second = span_find(key, first + 1, '/');
	*name_r = span_slice(key, second + 1, key.length);
	return second < key.length ? find_service(setup, span_slice(key, 0, first), span_slice(key, first + 1, second))
	                           : NULL;
}

/* First as many as there are of each service, then what they are. */
static bool read_options(struct span text, struct postfix_setup *setup, struct arena *arena)
{
	struct span line, name, value;
	struct postfix_service *shared;
	for (struct span rest = text; span_next_line(&rest, &line);) {
		shared = read_option(setup, line, &name, &value);
		if (shared)
			shared->options.room++;
	}
	for (size_t i = 0; i < setup->shared_count; i++)
		if (setup->services[i].options.room != 0
		    && !table_init(&setup->services[i].options, setup->services[i].options.room, arena))
			return false;
	while (span_next_line(&text, &line)) {
		shared = read_option(setup, line, &name, &value);
		if (shared && !table_put(&shared->options, name, value))
			return false;
	}
	return true;
}

bool postfix_read(const struct postfix_output *output, const char *folder, struct arena *arena,
                  struct postfix_setup *setup_r)
{
	*setup_r = (struct postfix_setup) { .arena = arena, .folder = folder };
	return read_table(output->parameters, &setup_r->raw, arena)
	       && read_table(output->expanded, &setup_r->expanded, arena) && read_services(output->services, setup_r, arena)
	       && read_options(output->options, setup_r, arena);
}

bool postfix_overrides(const struct postfix_service *shared, const char *name)
{
	return shared && set_has(shared->options.names, span_of(name));
}

static struct span raw_value(const struct postfix_setup *setup, const struct postfix_service *shared, struct span name)
{
	if (shared && set_has(shared->options.names, name))
		return table_get(&shared->options, name);
	if (shared && span_equal(name, span_of("service_name")))
		return shared->name;
	return table_get(&setup->raw, name);
}

/* What grows while names are replaced. A text that cannot be told, or grows beyond all measure, is not good. */
struct expansion {
	const struct postfix_setup *setup;
	const struct postfix_service *shared;
	char *text;
	size_t length, room;
	unsigned names; /* that were replaced */
	bool good;
};

static void append(struct expansion *expansion, struct span more)
{
	size_t needed = expansion->length + more.length;
	if (more.length == 0 || !expansion->good)
		return;
	if (needed > expansion->room) {
		size_t room = needed * 2;
		char *larger = room <= EXPANDED_MAX ? arena_alloc(expansion->setup->arena, room) : NULL;
		expansion->good = larger != NULL;
		if (!larger)
			return;
		if (expansion->length != 0)
			memcpy(larger, expansion->text, expansion->length);
		expansion->text = larger;
		expansion->room = room;
	}
	memcpy(expansion->text + expansion->length, more.at, more.length);
	expansion->length = needed;
}

static void expand(struct expansion *expansion, struct span value, unsigned depth);

static void expand_name(struct expansion *expansion, struct span name, unsigned depth)
{
	struct span value = raw_value(expansion->setup, expansion->shared, name);
	expansion->good = expansion->good && ++expansion->names <= NAMES_MAX;
	if (!span_absent(value))
		expand(expansion, value, depth + 1);
}

/* Without the braces around it, if there are any. */
static struct span bare(struct span text)
{
	text = span_trim(text);
	if (text.length >= 2 && text.at[0] == '{' && text.at[text.length - 1] == '}')
		return span_trim(span_slice(text, 1, text.length - 1));
	return text;
}

/* Where the bracket that stands at from is closed; the length if it is not. */
static size_t closing(struct span text, size_t from, char open, char close)
{
	size_t depth = 0;
	for (size_t i = from; i < text.length; i++) {
		if (text.at[i] == open)
			depth++;
		else if (text.at[i] == close && --depth == 0)
			return i;
	}
	return text.length;
}

/* "name", "name?text", "name:text", "name?{text}:{text}"; comparisons are left to postconf. */
static void expand_braced(struct expansion *expansion, struct span inside, unsigned depth)
{
	size_t end = 0;
	while (end < inside.length && is_word(inside.at[end]))
		end++;
	struct span name = span_slice(inside, 0, end);
	struct span rest = span_slice(inside, end + 1, inside.length);
	if (end == inside.length) {
		expand_name(expansion, name, depth);
		return;
	}
	if (end == 0 || (inside.at[end] != '?' && inside.at[end] != ':')) {
		expansion->good = false;
		return;
	}
	bool full = raw_value(expansion->setup, expansion->shared, name).length != 0;
	struct span otherwise = span_of("");
	if (inside.at[end] == '?' && rest.length != 0 && rest.at[0] == '{') {
		size_t close = closing(rest, 0, '{', '}');
		size_t colon = span_find(rest, close, ':');
		otherwise = span_slice(rest, colon + 1, rest.length);
		rest = span_slice(rest, 0, close + 1);
	}
	if (inside.at[end] == ':')
		expand(expansion, full ? span_of("") : bare(rest), depth + 1);
	else
		expand(expansion, bare(full ? rest : otherwise), depth + 1);
}

static void expand(struct expansion *expansion, struct span value, unsigned depth)
{
	expansion->good = expansion->good && depth <= DEPTH_MAX;
	for (size_t at = 0; expansion->good && at < value.length;) {
		size_t dollar = span_find(value, at, '$');
		append(expansion, span_slice(value, at, dollar));
		at = dollar + 1;
		if (at >= value.length)
			return;
		size_t end = at;
		if (value.at[at] == '$') {
			append(expansion, span_of("$"));
			end = at + 1;
		} else if (value.at[at] == '{' || value.at[at] == '(') {
			bool brace = value.at[at] == '{';
			size_t close = closing(value, at, value.at[at], brace ? '}' : ')');
			expand_braced(expansion, span_slice(value, at + 1, close), depth);
			end = close + 1;
		} else {
			while (end < value.length && is_word(value.at[end]))
				end++;
			expand_name(expansion, span_slice(value, at, end), depth);
		}
		at = end;
	}
}

struct span postfix_value(const struct postfix_setup *setup, const struct postfix_service *shared, const char *name)
{
	struct span raw = raw_value(setup, shared, span_of(name));
	if (span_absent(raw) || span_find(raw, 0, '$') == raw.length)
		return raw;
	struct expansion expansion = { .setup = setup, .shared = shared, .good = true };
	expand(&expansion, raw, 0);
	if (expansion.good)
		return expansion.length != 0 ? span_make(expansion.text, expansion.length) : span_of("");
	struct span told = table_get(&setup->expanded, span_of(name));
	return postfix_overrides(shared, name) || span_absent(told) ? raw : told;
}

bool postfix_is_yes(struct span value)
{
	return span_equal_nocase(value, span_of("yes"));
}

bool postfix_seconds(struct span value, unsigned long *seconds_r)
{
	static const struct {
		char unit;
		unsigned long seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	unsigned long factor = 1;
	if (value.length == 0)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (ascii_lower(value.at[value.length - 1]) == units[i].unit) {
			factor = units[i].seconds;
			value.length--;
			break;
		}
	if (!span_number(value, 100000000UL, seconds_r))
		return false;
	*seconds_r *= factor;
	return true;
}

bool postfix_next(struct span *rest, struct span *item_r)
{
	size_t from = 0;
	while (from < rest->length && (is_space(rest->at[from]) || rest->at[from] == ','))
		from++;
	if (from >= rest->length)
		return false;
	size_t to = from;
	if (rest->at[from] == '{') {
		to = closing(*rest, from, '{', '}');
		*item_r = span_trim(span_slice(*rest, from + 1, to));
		to++;
	} else {
		while (to < rest->length && !is_space(rest->at[to]) && rest->at[to] != ',') {
			/* A table may hold a list of its own: "inline:{a=b, c=d}". */
			if (rest->at[to] == '{')
				to = closing(*rest, to, '{', '}');
			to++;
		}
		*item_r = span_slice(*rest, from, to);
	}
	*rest = span_slice(*rest, to, rest->length);
	return true;
}

bool postfix_lists(struct span list, const char *item)
{
	for (struct span one; postfix_next(&list, &one);)
		if (span_equal_nocase(one, span_of(item)))
			return true;
	return false;
}

const struct postfix_service *postfix_unix_service(const struct postfix_setup *setup, struct span name)
{
	for (size_t i = 0; i < setup->shared_count; i++)
		if (span_equal(setup->services[i].name, name) && span_equal(setup->services[i].type, span_of("unix")))
			return &setup->services[i];
	return NULL;
}

struct span postfix_program(const struct postfix_service *shared)
{
	struct span rest = shared->command;
	return next_field(&rest);
}

/* HOST:PORT, [HOST]:PORT or PORT. */
bool postfix_on_loopback(const struct postfix_service *shared)
{
	size_t colon = span_last(shared->name, ':');
	return colon != shared->name.length && socket_place_is_loopback(span_slice(shared->name, 0, colon));
}

struct postfix_milter postfix_milter_read(struct span item)
{
	struct postfix_milter milter = { .address = span_of(NULL) };
	struct span part, name, value;
	if (!postfix_next(&item, &milter.address))
		return milter;
	while (postfix_next(&item, &part)) {
		if (!split(part, &name, &value))
			continue;
		if (span_equal(name, span_of("default_action")))
			milter.default_action = value;
		else if (span_equal(name, span_of("content_timeout")))
			milter.content_timeout = value;
		else if (span_equal(name, span_of("protocol")))
			milter.protocol = value;
	}
	return milter;
}

/* The first releases of each line without the defects. */
bool postfix_mended(struct span version)
{
	static const struct {
		unsigned long minor, patch;
	} mended[] = { { 7, 22 }, { 8, 20 }, { 9, 14 }, { 10, 13 }, { 11, 6 } };
	unsigned long parts[3] = { 0, 0, 0 };
	for (size_t i = 0, at = 0; i < 3; i++) {
		size_t end = at;
		while (end < version.length && ascii_digit(version.at[end]))
			end++;
		/* Snapshots, as "3.12-20260716", have two numbers. */
		if (!span_number(span_slice(version, at, end), 100000, &parts[i]))
			return false;
		if (end >= version.length || version.at[end] != '.')
			break;
		at = end + 1;
	}
	for (size_t i = 0; parts[0] == 3 && i < sizeof mended / sizeof mended[0]; i++)
		if (parts[1] == mended[i].minor)
			return parts[2] >= mended[i].patch;
	return parts[0] > 3 || (parts[0] == 3 && parts[1] > 11);
}
