/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry: one line of the log, read again: logfmt or JSON, as it is or as `journalctl -o json`, a syslog daemon, systemd or a
 * container engine handed it on.
 *
 * Reading undoes to the byte what observe/format.h did. What is not exactly as the daemon writes it is no entry: text of
 * others, even text that was made to look like ours, has another program's name before it, or a form the daemon never
 * writes. Keys unknown here, of later versions, are passed over.
 *
 * Nothing here reads a file; the local time zone is asked for times that come without one. One reader belongs to one
 * thread at a time.
 */
#ifndef SFDC_HISTORY_ENTRY_H
#define SFDC_HISTORY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/log_entry.h"
#include "core/log_keys.h"
#include "core/span.h"

#define ENTRY_LINE_MAX                                                                                                 \
	((size_t)512 << 10) /* bytes; the longest line that the daemon and the journal can make is shorter */
#define ENTRY_VERSION 1 /* of the log line, that is known here */

#define ENTRY_UNKNOWN_NAMED 8

enum entry_event {
	ENTRY_OTHER, /* of a later version */
	ENTRY_VERDICT,
	ENTRY_ABORT,
	ENTRY_START,
	ENTRY_RELOAD,
	ENTRY_STOP,
	ENTRY_WARNING,
	ENTRY_ERROR,
	ENTRY_DRIFT,
	ENTRY_DEADLINE
};

struct entry {
	enum entry_event event;
	/* Raw bytes as the daemon had them, NUL and all; those that it cut are LOG_VALUE_MAX long. Absent: not told. */
	struct span values[LOG_KEY_COUNT];
	size_t whole[LOG_KEY_COUNT];      /* the length of the value before it was cut; that of the value, if it was not */
	long long numbers[LOG_KEY_COUNT]; /* of keys that are numbers; -1: not told */
	long long time;                   /* seconds since 1970, as whoever keeps the log noted it; -1: not told */
	unsigned unknown;                 /* keys that are not known here; the first of them: */
	struct span unknown_names[ENTRY_UNKNOWN_NAMED];
	bool later; /* of a later version, or with keys or names that are not known here */
	/* By name; RESULT_PENDING, VERDICT_UNDECIDED and MODE_UNSET where it is not told or not known here. */
	enum verdict verdict;
	enum verdict would;
	enum mode mode;
	enum result_code results[CHECK_COUNT];
};

enum entry_status {
	ENTRY_FOREIGN, /* another program's, or no line of a log at all */
	ENTRY_OK,
	ENTRY_MALFORMED /* it claims to be ours, and is not as we write it */
};

struct entry_reader;

/* NULL without memory. entry_reader_free(NULL) is harmless. */
struct entry_reader *entry_reader_new(void);
void entry_reader_free(struct entry_reader *reader);

/*
 * The time, in seconds since 1970, that no line is later than, by more than a day: tells the year of times that come
 * without one. Before it is told they belong to 1970.
 */
void entry_reader_until(struct entry_reader *reader, long long time);

/*
 * Read one line without its end. *entry_r is whole only with ENTRY_OK; its values live until the next call. A line longer
 * than ENTRY_LINE_MAX is malformed.
 */
enum entry_status entry_read(struct entry_reader *reader, struct span line, struct entry *entry_r);

/* Whether a line that ENTRY_OK was given for cannot be the beginning of a longer one. */
bool entry_is_whole(const struct entry_reader *reader);

/* A value of an entry; absent when it is not told. */
static inline struct span entry_value(const struct entry *entry, enum log_key key)
{
	return entry->values[key];
}

/* Whether the daemon cut it. */
static inline bool entry_is_cut(const struct entry *entry, enum log_key key)
{
	return entry->whole[key] > entry->values[key].length;
}

#endif
