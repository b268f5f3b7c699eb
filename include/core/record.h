/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record: what the log says of one message, as ordered keys and values, before any format is chosen.
 *
 * Keys keep their names and meaning from one release to the next; unknown values are left out. Values are raw: the
 * formats escape them. Pure.
 */
#ifndef SFDC_CORE_RECORD_H
#define SFDC_CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/examine.h"

#define RECORD_ENTRIES_MAX 64
#define RECORD_VALUE_MAX 256 /* bytes of a value that are shown */

struct record_entry {
	const char *key;
	bool is_number;
	long long number;
	struct span text;
};

struct record {
	size_t count;
	struct record_entry entries[RECORD_ENTRIES_MAX];
};

void record_init(struct record *record);

/* Append. An absent or empty text is left out; so is a negative number. Past the limit entries are dropped. */
void record_text(struct record *record, const char *key, struct span text);
void record_number(struct record *record, const char *key, long long number);

/*
 * The record of one message: event "verdict", or "abort" when it ended before a verdict. Texts are borrowed from the
 * examination and its arena.
 */
void record_examination(struct examination *examination, struct record *record_r);

/*
 * Printable ASCII for logs: a backslash is doubled, control characters and bytes above 0x7e become \xNN; a value longer
 * than RECORD_VALUE_MAX bytes is cut there and "...LENGTH" appended. Writes at most size bytes, NUL included; size
 * RECORD_PRINTABLE_SIZE always suffices. Returns the length.
 */
#define RECORD_PRINTABLE_SIZE (RECORD_VALUE_MAX * 4 + 32)
size_t record_printable(struct span text, char *to, size_t size);

#endif
