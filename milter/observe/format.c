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
static size_t entry_room(const struct record_entry *entry)
{
	return strlen(entry->key) + (entry->is_number ? NUMBER_SIZE : 2 * RECORD_PRINTABLE_SIZE) + 4;
}

static char *put_text(char *to, struct span text)
{
	char printable[RECORD_PRINTABLE_SIZE];
	size_t length = record_printable(text, printable, sizeof printable);

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

static char *format_logfmt(const struct record *record)
{
	size_t room = 1;
	for (size_t i = 0; i < record->count; i++)
		room += entry_room(&record->entries[i]);
	char *line = malloc(room);
	if (!line)
		return NULL;

	char *to = line;
	for (size_t i = 0; i < record->count; i++) {
		const struct record_entry *entry = &record->entries[i];
		size_t key = strlen(entry->key);
		if (i != 0)
			*to++ = ' ';
		memcpy(to, entry->key, key);
		to += key;
		*to++ = '=';
		if (entry->is_number)
			to += snprintf(to, NUMBER_SIZE, "%lld", entry->number);
		else
			to = put_text(to, entry->text);
	}
	*to = '\0';
	return line;
}

static json_t *json_value(const struct record_entry *entry)
{
	char printable[RECORD_PRINTABLE_SIZE];
	if (entry->is_number)
		return json_integer(entry->number);
	return json_stringn(printable, record_printable(entry->text, printable, sizeof printable));
}

static char *format_json(const struct record *record)
{
	json_t *object = json_object();
	bool good = object != NULL;

	for (size_t i = 0; good && i < record->count; i++)
		good = json_object_set_new(object, record->entries[i].key, json_value(&record->entries[i])) == 0;
	char *line = good ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(object);
	return line;
}

char *format_record(enum log_format format, const struct record *record)
{
	switch (format) {
	case LOG_FORMAT_LOGFMT:
		return format_logfmt(record);
	case LOG_FORMAT_JSON:
		return format_json(record);
	}
	return NULL;
}
