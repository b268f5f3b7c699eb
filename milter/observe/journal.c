/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "observe/journal.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELD_SIZE (LOG_PRINTABLE_SIZE + 64)

/* "SFDC_" and the key in upper case; keys hold lower case letters, digits and underscores. */
static size_t put_key(char *to, const char *key)
{
	size_t length = (size_t)snprintf(to, 48, "SFDC_%.40s", key);
	for (size_t i = 0; i < length; i++)
		if (to[i] >= 'a' && to[i] <= 'z')
			to[i] = (char)(to[i] - ('a' - 'A'));
	return length;
}

/* Values are printable, so none holds the newline that ends a field. */
static size_t put_entry(char *to, const struct log_field *field)
{
	size_t length = put_key(to, field->key);
	to[length++] = '=';
	if (field->is_number)
		length += (size_t)snprintf(to + length, 24, "%lld", field->number);
	else
		length += log_entry_printable(field->text, to + length, LOG_PRINTABLE_SIZE);
	to[length++] = '\n';
	return length;
}

size_t journal_head(char head_r[JOURNAL_HEAD_SIZE], const char *program, int facility, int priority)
{
	/* A facility of syslog(3) is shifted by three bits; the journal takes its number. */
	return (size_t)snprintf(head_r, JOURNAL_HEAD_SIZE,
	                        "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%.64s\nMESSAGE=", priority,
	                        facility >> 3, program);
}

char *journal_fields(const struct log_entry *entry, size_t *length_r)
{
	*length_r = 0;
	char *fields = malloc(entry->count * FIELD_SIZE + 1);
	if (!fields)
		return NULL;
	for (size_t i = 0; i < entry->count; i++)
		*length_r += put_entry(fields + *length_r, &entry->fields[i]);
	/* It may wait for a while, in memory that is counted. */
	char *exact = realloc(fields, *length_r + 1);
	return exact ? exact : fields;
}
