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

/* The value of KEY= in a list separated by commas; absent if there is none. */
static struct span field(struct span list, const char *key)
{
	while (list.length != 0) {
		size_t comma = span_find(list, 0, ',');
		struct span part = span_trim(span_slice(list, 0, comma));
		size_t equals = span_find(part, 0, '=');
		if (equals != part.length && span_equal_nocase(span_trim(span_slice(part, 0, equals)), span_of(key))) {
			struct span value = span_trim(span_slice(part, equals + 1, part.length));
			return value.length != 0 ? value : span_of("");
		}
		list = span_slice(list, comma + 1, list.length);
	}
	return span_of(NULL);
}

static void read_filter(struct span line, struct sendmail_setup *setup)
{
	if (setup->filter_count == SENDMAIL_ITEMS_MAX)
		return;
	setup->filters[setup->filter_count++] = (struct sendmail_filter) {
		.name = span_trim(span_slice(line, 1, span_find(line, 0, ','))),
		.socket = field(line, "S"),
		.flag = field(line, "F"),
		.times = field(line, "T"),
	};
}

static void read_daemon(struct span options, struct sendmail_setup *setup)
{
	if (setup->daemon_count == SENDMAIL_ITEMS_MAX)
		return;
	struct span name = field(options, "Name");
	setup->daemons[setup->daemon_count++] = (struct sendmail_daemon) {
		.name = span_absent(name) ? field(options, "Port") : name,
		.filters = field(options, "InputMailFilters"),
	};
}

void sendmail_read(struct span text, struct sendmail_setup *setup_r)
{
	static const char daemon[] = "O DaemonPortOptions=";
	*setup_r = (struct sendmail_setup) { .text = text };
	for (struct span line; span_next_line(&text, &line);) {
		if (begins(line, "X"))
			read_filter(line, setup_r);
		else if (begins(line, daemon))
			read_daemon(behind(line, daemon), setup_r);
		else if (begins(line, "DZ"))
			setup_r->version = behind(line, "DZ");
		else if (begins(line, "DS"))
			setup_r->smart_host = behind(line, "DS");
	}
}

struct span sendmail_option(const struct sendmail_setup *setup, const char *name)
{
	struct span rest = setup->text, found = span_of(NULL);
	for (struct span line; span_next_line(&rest, &line);) {
		if (!begins(line, "O "))
			continue;
		size_t equals = span_find(line, 0, '=');
		if (!span_equal_nocase(span_trim(span_slice(line, 2, equals)), span_of(name)))
			continue;
		found = span_trim(span_slice(line, equals + 1, line.length));
		if (found.length == 0)
			found = span_of("");
	}
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
