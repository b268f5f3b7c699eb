/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maildir: the names of the messages in a Maildir, and their files. Links are not followed. One thread.
 */
#ifndef SFDC_CMD_MAILDIR_H
#define SFDC_CMD_MAILDIR_H

#include <stdbool.h>

struct maildir;

/*
 * The directory that in is open on, which stays the caller's. NULL, with *problem_r saying why: it is no Maildir, cannot
 * be read, or there is no memory. *problem_r is static text.
 */
struct maildir *maildir_open(int in, const char **problem_r);

/*
 * The next message, those of cur before those of new, each in the order of their names: its name below the Maildir,
 * "cur/NAME", borrowed until maildir_close(). NULL: there is none left.
 */
const char *maildir_next(struct maildir *maildir);

/* Whether nothing follows the message that came last. */
bool maildir_ends(const struct maildir *maildir);

/* The file of the message that came last, to be read; -1 and errno. ELOOP: it is a link. */
int maildir_file(const struct maildir *maildir);

/* Bytes of all messages together. */
unsigned long long maildir_size(const struct maildir *maildir);

/* NULL is nothing. */
void maildir_close(struct maildir *maildir);

#endif
