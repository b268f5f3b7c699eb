/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backlog: log lines that wait until they can be written, in at most BACKLOG_MAX bytes of memory.
 *
 * Lines leave in the order in which they came. When there is no room for another one, the oldest lines of the lowest
 * rank are dropped for it, or it is dropped itself when all that wait are of a higher rank. What is dropped is counted
 * by what it was. Not thread-safe.
 */
#ifndef SFDC_OBSERVE_BACKLOG_H
#define SFDC_OBSERVE_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "core/vocabulary.h"
#include "core/log_entry.h"
#include "core/settings.h"

#define BACKLOG_MAX ((size_t)8 << 20) /* bytes, what keeps the lines together included */

/* What lines were, and how many of each: verdicts by verdict, messages that ended before one, all other events. */
enum line_kind { LINE_VERDICT, LINE_ABORT, LINE_EVENT };

struct line_counts {
	unsigned long long verdicts[VERDICTS];
	unsigned long long aborts;
	unsigned long long events;
};

/* Dropped first to last. */
enum line_rank { LINE_REFUSAL, LINE_MESSAGE, LINE_OTHER };
#define LINE_RANKS 3

struct line {
	enum line_kind kind;
	enum verdict verdict; /* of LINE_VERDICT */
	bool tells;           /* it is the warning that tells of lost lines */
	int facility;         /* of syslog(3) */
	int priority;         /* of syslog(3) */
	time_t time;          /* when it was logged */
	size_t length;        /* of text, the newline not counted */
	char *text;           /* ends in a newline, not in NUL; on the heap */
	size_t fields_length;
	char *fields;           /* for the journal (journal.h); on the heap, NULL: none */
	size_t written;         /* bytes of it that its target took, where that takes lines in pieces */
	enum log_target target; /* that took them */
	unsigned long long number;
	struct line *next;
};

struct backlog {
	struct {
		struct line *first;
		struct line *last;
	} ranks[LINE_RANKS];
	size_t used;
	unsigned long long numbers;
	struct line_counts dropped;
};

/*
 * A line of text on the heap, as format_entry() makes it, and of fields; both then belong to the line. kind and verdict
 * are those of entry. NULL without memory, or if text is NULL: both are then released.
 */
struct line *line_new(const struct log_entry *entry, char *text, char *fields, size_t fields_length);

/* NULL is harmless. */
void line_free(struct line *line);

/* Count a line of that entry; release a line that is lost and count it. */
void line_count_entry(struct line_counts *counts, const struct log_entry *entry);
void line_lose(struct line_counts *counts, struct line *line);

unsigned long long line_counts_total(const struct line_counts *counts);

/* Zeroed memory is an empty backlog. Takes over the line, which may be dropped at once. */
void backlog_put(struct backlog *backlog, struct line *line);

/* Take out the line that came first; NULL: none waits. */
struct line *backlog_take(struct backlog *backlog);

bool backlog_empty(const struct backlog *backlog);

/* Release all lines; with counts, they are counted as dropped. */
void backlog_clear(struct backlog *backlog, bool counts);

#endif
