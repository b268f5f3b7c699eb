/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file: reading the files of a configuration, which are regular files: nothing here ever waits for a pipe or device.
 * Thread-safe.
 */
#ifndef SFDC_CONFIG_FILE_H
#define SFDC_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/arena.h"

#define FILE_SIZE_MAX ((size_t)64 << 20)
#define FILE_PROBLEM_SIZE 128

/* The bytes of a file on the heap. False: problem_r says why, "No such file or directory". */
bool file_read(const char *path, char **bytes_r, size_t *length_r, char problem_r[FILE_PROBLEM_SIZE]);

/* Who may read a secret, beside root and the effective user: one user, and the group that is this user's own. */
struct file_reader {
	uid_t user;  /* (uid_t)-1: nobody */
	gid_t group; /* (gid_t)-1: none */
};

/*
 * The same of a file that holds a secret: it belongs to root, the effective user or the reader, who alone may write it, and
 * nobody else may read it but the reader's group.
 */
bool file_read_secret(const char *path, struct file_reader reader, char **bytes_r, size_t *length_r,
                      char problem_r[FILE_PROBLEM_SIZE]);

/* Whether the file is there and can be read by the effective user. */
bool file_readable(const char *path, char problem_r[FILE_PROBLEM_SIZE]);

/* Whether the effective user can search the folder and see what is in it. */
bool folder_readable(const char *path, char problem_r[FILE_PROBLEM_SIZE]);

/* path, or where it is relative: path in the folder of the file `base`. Absent without memory. NUL-terminated. */
struct span file_resolve(struct arena *arena, const char *base, struct span path);

#endif
