/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader: the entries of logs, one after another: files, plain or compressed by gzip, standard input, the journal.
 *
 * Memory is the same whatever is read: one buffer for one line. A line that does not fit is passed over and counted. Where
 * a file ends in half a line, the next one is looked at for the rest: logs that were rotated or cut in pieces are read as if
 * they were one if they are given in the order of time. One thread at a time.
 */
#ifndef SFDC_HISTORY_READER_H
#define SFDC_HISTORY_READER_H

#include <stdbool.h>
#include <sys/types.h>

#include "history/entry.h"

#define READER_PROBLEM_SIZE 200

/* Lines, by what they were. Together they are all lines. */
struct reader_counts {
	unsigned long long entries;
	unsigned long long foreign;   /* of others */
	unsigned long long malformed; /* they claim to be ours, and are not as we write them */
	unsigned long long too_long;
	unsigned long long cut;   /* half lines at the end of a file */
	unsigned long long later; /* of the entries, those of a later version: read as far as it is known */
};

enum reader_status {
	READER_ENTRY,
	READER_END,    /* of this source */
	READER_PROBLEM /* of this source, which ends here: it is damaged, or cannot be read */
};

struct reader;

/* NULL without memory. reader_free(NULL) is harmless. */
struct reader *reader_new(void);
void reader_free(struct reader *reader);

/*
 * Go on with a file; "-" is standard input. False, with problem_r saying why: it cannot be read, is no regular file, is
 * compressed in another way, or was read already under another name.
 */
bool reader_open(struct reader *reader, const char *path, char problem_r[READER_PROBLEM_SIZE]);

/* Go on with what is read from a descriptor, which the reader closes. False without memory. */
bool reader_take(struct reader *reader, int descriptor);

/* The next entry of the source; its values live until the next call. problem_r: with READER_PROBLEM, what is wrong. */
enum reader_status reader_next(struct reader *reader, struct entry *entry_r, char problem_r[READER_PROBLEM_SIZE]);

/* There are no more sources: what is left of half a line is counted. */
void reader_finish(struct reader *reader);

const struct reader_counts *reader_counts(const struct reader *reader);

/* Bytes of the source that were read so far, as they stand on the disk. */
off_t reader_offset(const struct reader *reader);

#endif
