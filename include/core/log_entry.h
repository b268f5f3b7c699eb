/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_entry: what the log says of one message, as ordered keys and values, before any format is chosen.
 *
 * Keys keep their names and meaning from one release to the next; unknown values are left out. Values are raw: the
 * formats escape them. Pure.
 */
#ifndef SFDC_CORE_LOG_ENTRY_H
#define SFDC_CORE_LOG_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/examine.h"

#define LOG_FIELDS_MAX 64
#define LOG_VALUE_MAX 256 /* bytes of a value that are shown */

struct log_field {
	const char *key;
	bool is_number;
	long long number;
	struct span text;
};

struct log_entry {
	size_t count;
	struct log_field fields[LOG_FIELDS_MAX];
};

void log_entry_init(struct log_entry *entry);

/* Append. An absent or empty text is left out; so is a negative number. Past the limit entries are dropped. */
void log_entry_text(struct log_entry *entry, const char *key, struct span text);
void log_entry_number(struct log_entry *entry, const char *key, long long number);

/*
 * The entry of one message: event "verdict", or "abort" when it ended before a verdict. Texts are borrowed from the
 * examination and its arena.
 */
void log_entry_examination(struct examination *examination, struct log_entry *entry_r);

/* Whether the entry of a message tells the result of that check. */
bool log_tells_result(const struct judgement *judgement, enum check_id id);

/*
 * Printable ASCII for logs: a backslash is doubled, control characters and bytes above 0x7e become \xNN; a value longer
 * than LOG_VALUE_MAX bytes is cut there and "...LENGTH" appended. Writes at most size bytes, NUL included; size
 * LOG_PRINTABLE_SIZE always suffices. Returns the length.
 */
#define LOG_PRINTABLE_SIZE (LOG_VALUE_MAX * 4 + 32)
size_t log_entry_printable(struct span text, char *to, size_t size);

#endif
