/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/sendmail_setup.h"

#include "cmd/postfix_setup.h"

static bool begins(struct span line, const char *word)
{
	return line.length >= strlen(word) && memcmp(line.at, word, strlen(word)) == 0;
}

static struct span behind(struct span line, const char *word)
{
	return span_trim(span_slice(line, strlen(word), line.length));
}

/* The value of KEY= in a list separated by commas; absent if there is none. Sendmail looks at its first letter alone. */
static struct span field(struct span list, char key)
{
	struct span found = span_of(NULL);
	while (list.length != 0) {
		size_t comma = span_find(list, 0, ',');
		struct span part = span_trim(span_slice(list, 0, comma));
		size_t equals = span_find(part, 0, '=');
		if (equals != part.length && part.at[0] == key) {
			struct span value = span_trim(span_slice(part, equals + 1, part.length));
			found = value.length != 0 ? value : span_of("");
		}
		list = span_slice(list, comma + 1, list.length);
	}
	return found;
}

static void read_filter(struct span line, struct sendmail_setup *setup)
{
	if (setup->filter_count == SENDMAIL_ITEMS_MAX)
		return;
	size_t comma = span_find(line, 0, ',');
	struct span behind_comma = span_slice(line, comma + 1, line.length);
	setup->filters[setup->filter_count++] = (struct sendmail_filter) {
		.name = span_trim(span_slice(line, 1, comma)),
		.socket = field(behind_comma, 'S'),
		.flag = field(behind_comma, 'F'),
		.times = field(behind_comma, 'T'),
	};
}

static void read_daemon(struct span options, struct sendmail_setup *setup)
{
	if (setup->daemon_count == SENDMAIL_ITEMS_MAX)
		return;
	struct span name = field(options, 'N');
	setup->daemons[setup->daemon_count++] = (struct sendmail_daemon) {
		.name = span_absent(name) ? field(options, 'P') : name,
		.filters = field(options, 'I'),
	};
}

/* The value of a line "O NAME=VALUE". */
static bool option_value(struct span line, const char *name, struct span *value_r)
{
	size_t equals = span_find(line, 0, '=');
	if (!begins(line, "O ") || equals == line.length
	    || !span_equal_nocase(span_trim(span_slice(line, 2, equals)), span_of(name)))
		return false;
	*value_r = span_trim(span_slice(line, equals + 1, line.length));
	if (value_r->length == 0)
		*value_r = span_of("");
	return true;
}

void sendmail_read(struct span text, struct sendmail_setup *setup_r)
{
	struct span value;
	*setup_r = (struct sendmail_setup) { .text = text };
	for (struct span line; span_next_line(&text, &line);) {
		if (begins(line, "X"))
			read_filter(line, setup_r);
		else if (option_value(line, "DaemonPortOptions", &value))
			read_daemon(value, setup_r);
		else if (begins(line, "DZ"))
			setup_r->version = behind(line, "DZ");
		else if (begins(line, "DS"))
			setup_r->smart_host = behind(line, "DS");
	}
}

struct span sendmail_option(const struct sendmail_setup *setup, const char *name)
{
	struct span rest = setup->text, found = span_of(NULL);
	for (struct span line; span_next_line(&rest, &line);)
		option_value(line, name, &found);
	return found;
}

bool sendmail_has_feature(const struct sendmail_setup *setup, const char *name)
{
	struct span rest = setup->text;
	size_t length = strlen(name);
	for (struct span line; span_next_line(&rest, &line);) {
		/* "#####  $Id: NAME.m4,v 8.13 ..." */
		struct span word;
		if (!begins(line, "#####") || !postfix_next(&line, &word) || !postfix_next(&line, &word)
		    || !postfix_next(&line, &word))
			continue;
		if (begins(word, name) && span_equal(span_slice(word, length, word.length), span_of(".m4")))
			return true;
	}
	return false;
}

struct span sendmail_access(const struct sendmail_setup *setup, struct arena *arena)
{
	struct span rest = setup->text;
	for (struct span line; span_next_line(&rest, &line);) {
		struct span words[2] = { span_of(""), span_of("") };
		if (!begins(line, "Kaccess "))
			continue;
		line = behind(line, "Kaccess ");
		for (struct span word; postfix_next(&line, &word);) {
			words[0] = words[0].length == 0 ? word : words[0];
			words[1] = word;
		}
		return arena_printf(arena, "%.*s:%.*s", (int)words[0].length, words[0].at, (int)words[1].length, words[1].at);
	}
	return span_of(NULL);
}

bool sendmail_next_relayed(struct span *rest, struct span *words_r, bool *file_r)
{
	for (struct span line; span_next_line(rest, &line);) {
		if (line.length < 3 || (line.at[0] != 'C' && line.at[0] != 'F'))
			continue;
		bool named = begins(span_slice(line, 1, line.length), "{R}");
		if (!named && line.at[1] != 'R')
			continue;
		*file_r = line.at[0] == 'F';
		*words_r = span_trim(span_slice(line, named ? 4 : 2, line.length));
		if (*file_r && begins(*words_r, "-o"))
			*words_r = behind(*words_r, "-o");
		return true;
	}
	return false;
}

struct span sendmail_filters_of(const struct sendmail_setup *setup, const struct sendmail_daemon *daemon)
{
	struct span general = sendmail_option(setup, "InputMailFilters");
	return span_absent(daemon->filters) ? general : daemon->filters;
}

unsigned long sendmail_time(const struct sendmail_filter *filter, char which)
{
	struct span rest = filter->times;
	while (rest.length != 0) {
		size_t end = span_find(rest, 0, ';');
		struct span part = span_trim(span_slice(rest, 0, end));
		unsigned long seconds;
		if (part.length > 2 && part.at[0] == which && part.at[1] == ':'
		    && postfix_seconds(span_slice(part, 2, part.length), &seconds))
			return seconds;
		rest = span_slice(rest, end + 1, rest.length);
	}
	return which == 'C' || which == 'E' ? 300 : 10;
}
