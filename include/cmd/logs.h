/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logs: what the subcommands that look back share: which logs are read, from when until when, and how far it is.
 *
 * Files are complained of on standard error, and the others are read nevertheless; a progress bar is shown on a terminal
 * only. One thread.
 */
#ifndef SFDC_CMD_LOGS_H
#define SFDC_CMD_LOGS_H

#include <jansson.h>
#include <stdbool.h>

#include "history/reader.h"

/* What every such subcommand says of its operands and options. */
#define LOGS_SINCE_HELP                                                                                                 \
	"read from then on: 2026-11-28, \"2026-11-28 13:00\", 2026-11-28T13:00:00Z, today, yesterday, 90m, 12h or 7d ago, " \
	"or @SECONDS"
#define LOGS_UNTIL_HELP "read up to before then"
#define LOGS_FILES                                                                                                     \
	"FILE is a log as it was written, or as syslog, the journal (journalctl -o json) or a container engine keeps it, " \
	"plain or compressed by gzip; - is standard input; without any the journal is read. Files are read "               \
	"in the order of their first times. Times without a zone are local ones."

struct command;

struct logs {
	char **files;
	int count;       /* 0: the journal */
	long long since; /* seconds since 1970; -1: from the beginning */
	long long until; /* up to before then; -1: to the end */
};

/* What came of reading. */
struct logs_summary {
	struct reader_counts lines;
	unsigned long long outside; /* entries of other times */
	unsigned long long untimed; /* entries without a time, left out because a time was asked for */
	unsigned damaged;           /* files that could not be read, or not to their end */
	bool no_memory;             /* nothing of it can be relied on */
};

/* Take the argument (optarg) of --since or --until. RELAYCTL_GOOD, or the exit code after the complaint. */
int logs_take_time(const struct command *command, struct logs *logs, bool since);

/*
 * Hand over every entry. take gives false to stop for want of memory. The exit code so far: RELAYCTL_GOOD,
 * RELAYCTL_INPUT where something could not be read, RELAYCTL_TEMPFAIL without memory.
 */
int logs_read(const struct logs *logs, bool (*take)(void *context, const struct entry *entry), void *context,
              struct logs_summary *summary_r);

/* Lines that were no entries. */
unsigned long long logs_skipped(const struct logs_summary *summary);

/* {"foreign", "malformed", "too_long", "cut", "later", "outside", "untimed", "damaged_files"}. NULL without memory. */
json_t *logs_json(const struct logs_summary *summary);

/* The same in a few lines, where there is something to say. */
void logs_print(FILE *out, const struct logs_summary *summary);

/* "2026-11-28 13:00:05" in UTC; "-" for no time. */
#define LOGS_TIME_SIZE 24
const char *logs_show_time(long long time, char text_r[LOGS_TIME_SIZE]);

#endif
