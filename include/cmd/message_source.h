/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message_source: the messages in what an admin names: a message file, an mbox, a Maildir, or standard input.
 *
 * One message is in memory at a time, of at most SOURCE_MESSAGE_MAX bytes; an mbox of any size is read once, from its
 * begin to its end.
 *
 * An mbox is a file whose first line begins with "From " and is no header field. A further message begins at each such
 * line behind an empty one; where the first of these lines holds a date as ctime() writes it, so must the others, and a
 * body that says "From here on" stays whole. One ">" is taken from lines that begin with any number of them and "From "
 * (mboxrd). Content-Length is not believed, since a sender may write it: it could hide messages. The empty line before
 * the next message belongs to the mbox.
 *
 * A Maildir is a directory that holds the directories cur and new. Its messages come in the order of their names, those
 * of cur first. Links are not followed, and subfolders not looked at.
 * Sources: RFC 4155; mbox(5) and maildir(5) of qmail; ctime(3). One thread.
 */
#ifndef SFDC_CMD_MESSAGE_SOURCE_H
#define SFDC_CMD_MESSAGE_SOURCE_H

#include <stdbool.h>

#include "core/span.h"

#define SOURCE_MESSAGE_MAX ((size_t)128 << 20)
#define SOURCE_PROBLEM_SIZE 200

struct message_source;

/* One message, or what should be one; everything is borrowed until the next call. */
struct source_item {
	const char *file;                  /* as it was given; in a Maildir the path of the message's file */
	unsigned long number;              /* its place in an mbox, from 1; 0 elsewhere */
	struct span raw;                   /* in an mbox with its "From " line */
	char problem[SOURCE_PROBLEM_SIZE]; /* why it cannot be judged, as a sentence; empty: it can */
	bool no_memory;                    /* that is the problem */
	bool last;                         /* nothing follows it */
};

/* Bytes there are to be read, for showing progress; 0 where that is not known. */
unsigned long long message_source_size(const char *operand);

/* "-" is standard input. NULL, with problem_r saying why: it cannot be read. */
struct message_source *message_source_open(const char *operand, char problem_r[SOURCE_PROBLEM_SIZE]);

/* The next one, in *item_r. False: there is none left. */
bool message_source_next(struct message_source *source, struct source_item *item_r);

/* Bytes of the messages given so far. */
unsigned long long message_source_position(const struct message_source *source);

/* NULL is nothing. */
void message_source_close(struct message_source *source);

#endif
