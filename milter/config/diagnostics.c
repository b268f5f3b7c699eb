/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 60
#define PLACE_NAME_MAX 480

void problems_init(struct problems *problems)
{
	memset(problems, 0, sizeof *problems);
}

void problems_clear(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->items[i].text);
	free(problems->items);
	problems_init(problems);
}

/* The text of a format on the heap, after a prefix; NULL without memory. */
static char *format_text(const char *prefix, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static char *format_text(const char *prefix, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	size_t before = strlen(prefix);
	char *text = length < 0 ? NULL : malloc(before + (size_t)length + 1);
	if (!text)
		return NULL;
	memcpy(text, prefix, before);
	vsnprintf(text + before, (size_t)length + 1, format, arguments);
	return text;
}

/* Takes ownership of text. */
static void problems_append(struct problems *problems, enum problem_severity severity, char *text)
{
	if (severity == PROBLEM_ERROR)
		problems->errors++;
	struct problem *items = text ? realloc(problems->items, (problems->count + 1) * sizeof *items) : NULL;
	if (!items) {
		free(text);
		problems->no_memory = true;
		return;
	}
	problems->items = items;
	items[problems->count].severity = severity;
	items[problems->count].text = text;
	problems->count++;
}

void problems_add(struct problems *problems, enum problem_severity severity, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	problems_append(problems, severity, format_text("", format, arguments));
	va_end(arguments);
}

void diagnostics_init(struct diagnostics *diagnostics)
{
	memset(diagnostics, 0, sizeof *diagnostics);
}

void diagnostics_clear(struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->count; i++)
		free(diagnostics->items[i].text);
	free(diagnostics->items);
	diagnostics_init(diagnostics);
}

/*
 * Printable text of at most max bytes and three for the dots that say that something is missing; to holds max + 4. What
 * is no printable character of UTF-8 becomes \xNN. Returns the length.
 */
static size_t print(struct span value, char *to, size_t max)
{
	size_t at = 0;
	for (size_t i = 0; i < value.length;) {
		unsigned char c = (unsigned char)value.at[i];
		size_t length = c >= 0x80 ? span_utf8(value, i) : c >= 0x20 && c != 0x7f;
		if (at + (length != 0 ? length : sizeof "\\xNN" - 1) > max) {
			memcpy(to + at, "...", sizeof "..." - 1);
			at += sizeof "..." - 1;
			break;
		}
		if (length != 0)
			memcpy(to + at, value.at + i, length);
		else
			snprintf(to + at, sizeof "\\xNN", "\\x%02x", (unsigned)c);
		at += length != 0 ? length : sizeof "\\xNN" - 1;
		i += length != 0 ? length : 1;
	}
	to[at] = '\0';
	return at;
}

struct place_text place_text(struct place place)
{
	struct place_text text;
	size_t length = print(span_of(place.source->name), text.text, PLACE_NAME_MAX);
	if (place.line != 0)
		snprintf(text.text + length, sizeof text.text - length, ":%u:%u", place.line, place.column);
	return text;
}

static bool diagnostics_grow(struct diagnostics *diagnostics)
{
	size_t room = diagnostics->room ? diagnostics->room * 2 : 16;
	struct diagnostic *items = realloc(diagnostics->items, room * sizeof *items);
	if (!items)
		return false;
	diagnostics->items = items;
	diagnostics->room = room;
	return true;
}

static void add(struct diagnostics *diagnostics, enum problem_severity severity, struct place place, const char *format,
                va_list arguments) __attribute__((format(printf, 4, 0)));

static void add(struct diagnostics *diagnostics, enum problem_severity severity, struct place place, const char *format,
                va_list arguments)
{
	char prefix[sizeof(struct place_text) + 3];
	snprintf(prefix, sizeof prefix, "%s: ", place_text(place).text);
	if (severity == PROBLEM_ERROR)
		diagnostics->errors++;
	char *text = format_text(prefix, format, arguments);
	if (!text || (diagnostics->count == diagnostics->room && !diagnostics_grow(diagnostics))) {
		free(text);
		diagnostics->no_memory = true;
		return;
	}
	struct diagnostic finding = { severity, place.source->order, place.line, place.column, diagnostics->count, text };
	diagnostics->items[diagnostics->count++] = finding;
}

void diagnostic_error(struct diagnostics *diagnostics, struct place place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(diagnostics, PROBLEM_ERROR, place, format, arguments);
	va_end(arguments);
}

void diagnostic_warning(struct diagnostics *diagnostics, struct place place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(diagnostics, PROBLEM_WARNING, place, format, arguments);
	va_end(arguments);
}

static int compare(const void *left, const void *right)
{
	const struct diagnostic *a = left;
	const struct diagnostic *b = right;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

void diagnostics_deliver(struct diagnostics *diagnostics, struct problems *problems)
{
	if (diagnostics->count != 0)
		qsort(diagnostics->items, diagnostics->count, sizeof *diagnostics->items, compare);
	size_t room = problems->count + diagnostics->count;
	struct problem *items = diagnostics->count ? realloc(problems->items, room * sizeof *items) : NULL;
	if (items) {
		problems->items = items;
		for (size_t i = 0; i < diagnostics->count; i++) {
			struct problem problem = { diagnostics->items[i].severity, diagnostics->items[i].text };
			items[problems->count++] = problem;
		}
		diagnostics->count = 0;
	} else if (diagnostics->count != 0) {
		problems->no_memory = true;
	}
	problems->errors += diagnostics->errors;
	if (diagnostics->no_memory)
		problems->no_memory = true;
	diagnostics_clear(diagnostics);
}

struct shown shown_bare(struct span value)
{
	struct shown shown;
	print(value, shown.text, SHOWN_MAX);
	return shown;
}

struct shown shown(struct span value)
{
	struct shown shown;
	shown.text[0] = '"';
	size_t length = print(value, shown.text + 1, SHOWN_MAX);
	memcpy(shown.text + 1 + length, "\"", sizeof "\"");
	return shown;
}
