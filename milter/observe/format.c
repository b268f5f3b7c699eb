/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/format.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_SIZE 24

/* What may stand in a logfmt value without quotes. */
static bool is_bare(char c)
{
	return ascii_alnum(c) || (c != '\0' && strchr("@._:/+-", c) != NULL);
}

static bool needs_quotes(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_bare(text[i]))
			return true;
	return length == 0;
}

/* Room for an entry: its key, "=", the value with every byte escaped once more, quotes and the space before it. */
static size_t field_room(const struct log_field *field)
{
	return strlen(field->key) + (field->is_number ? NUMBER_SIZE : 2 * LOG_PRINTABLE_SIZE) + 4;
}

static char *put_text(char *to, struct span text)
{
	char printable[LOG_PRINTABLE_SIZE];
	size_t length = log_entry_printable(text, printable, sizeof printable);

	if (!needs_quotes(printable, length)) {
		memcpy(to, printable, length);
		return to + length;
	}
	*to++ = '"';
	for (size_t i = 0; i < length; i++) {
		if (printable[i] == '"')
			*to++ = '\\';
		*to++ = printable[i];
	}
	*to++ = '"';
	return to;
}

static char *format_logfmt(const struct log_entry *entry)
{
	size_t room = 1;
	for (size_t i = 0; i < entry->count; i++)
		room += field_room(&entry->fields[i]);
	char *line = malloc(room);
	if (!line)
		return NULL;

	char *to = line;
	for (size_t i = 0; i < entry->count; i++) {
		const struct log_field *field = &entry->fields[i];
		size_t key = strlen(field->key);
		if (i != 0)
			*to++ = ' ';
		memcpy(to, field->key, key);
		to += key;
		*to++ = '=';
		if (field->is_number)
			to += snprintf(to, NUMBER_SIZE, "%lld", field->number);
		else
			to = put_text(to, field->text);
	}
	*to = '\0';
	return line;
}

static json_t *json_value(const struct log_field *field)
{
	char printable[LOG_PRINTABLE_SIZE];
	if (field->is_number)
		return json_integer(field->number);
	return json_stringn(printable, log_entry_printable(field->text, printable, sizeof printable));
}

static char *format_json(const struct log_entry *entry)
{
	json_t *object = json_object();
	bool good = object != NULL;

	for (size_t i = 0; good && i < entry->count; i++)
		good = json_object_set_new(object, entry->fields[i].key, json_value(&entry->fields[i])) == 0;
	char *line = good ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(object);
	return line;
}

char *format_entry(enum log_format format, const struct log_entry *entry)
{
	switch (format) {
	case LOG_FORMAT_LOGFMT:
		return format_logfmt(entry);
	case LOG_FORMAT_JSON:
		return format_json(entry);
	}
	return NULL;
}
