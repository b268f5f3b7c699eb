/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L

#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(int error, char problem_r[FILE_PROBLEM_SIZE])
{
	if (strerror_r(error, problem_r, FILE_PROBLEM_SIZE) != 0)
		snprintf(problem_r, FILE_PROBLEM_SIZE, "error %d", error);
	return false;
}

/* Nothing else is ever read: a pipe or device may have no end, or make whoever opens it wait. */
static bool check_kind(const struct stat *status, char problem_r[FILE_PROBLEM_SIZE])
{
	mode_t mode = status->st_mode;
	if (S_ISDIR(mode))
		return fail(EISDIR, problem_r);
	const char *kind = S_ISFIFO(mode)                   ? "a pipe"
	                   : S_ISSOCK(mode)                 ? "a socket"
	                   : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
	                                                    : "something else";
	if (!S_ISREG(mode))
		snprintf(problem_r, FILE_PROBLEM_SIZE, "it is no regular file, but %s", kind);
	return S_ISREG(mode);
}

static bool read_all(int file, size_t expected, char **bytes_r, size_t *length_r, char problem_r[FILE_PROBLEM_SIZE])
{
	size_t room = expected < FILE_SIZE_MAX ? expected + 1 : FILE_SIZE_MAX + 1;
	size_t length = 0;
	char *bytes = malloc(room);
	while (bytes) {
		ssize_t got = read(file, bytes + length, room - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			fail(errno, problem_r);
			free(bytes);
			return false;
		}
		length += (size_t)got;
		if (got == 0 || length > FILE_SIZE_MAX)
			break;
		if (length < room)
			continue;
		room = room > FILE_SIZE_MAX / 2 ? FILE_SIZE_MAX + 1 : room * 2 + 4096;
		char *more = realloc(bytes, room);
		if (!more)
			free(bytes);
		bytes = more;
	}
	if (!bytes)
		return fail(ENOMEM, problem_r);
	if (length > FILE_SIZE_MAX) {
		free(bytes);
		return fail(EFBIG, problem_r);
	}
	*bytes_r = bytes;
	*length_r = length;
	return true;
}

static bool is_secret(const struct stat *status, const struct file_reader *reader, char problem_r[FILE_PROBLEM_SIZE])
{
	mode_t others = status->st_gid == reader->group ? (S_IRWXG & ~S_IRGRP) | S_IRWXO : S_IRWXG | S_IRWXO;
	if ((status->st_mode & others) != 0)
		snprintf(problem_r, FILE_PROBLEM_SIZE,
		         "its mode %04o lets others read or write it; make that 0640, and its group the one of the "
		         "filter's user",
		         (unsigned)(status->st_mode & 07777));
	else if (status->st_uid != 0 && status->st_uid != geteuid() && status->st_uid != reader->user)
		snprintf(problem_r, FILE_PROBLEM_SIZE, "it belongs to user %lu; give it to the user the filter runs as",
		         (unsigned long)status->st_uid);
	else
		return true;
	return false;
}

/* reader: NULL, or whose secret it is. */
static bool may_read(const struct stat *status, const struct file_reader *reader, char problem_r[FILE_PROBLEM_SIZE])
{
	return check_kind(status, problem_r) && (!reader || is_secret(status, reader, problem_r));
}

static bool read_file(const char *path, const struct file_reader *reader, char **bytes_r, size_t *length_r,
                      char problem_r[FILE_PROBLEM_SIZE])
{
	struct stat status;
	/* Looked at before it is opened, which already does something to some devices, and then again. */
	if (stat(path, &status) != 0)
		return fail(errno, problem_r);
	if (!may_read(&status, reader, problem_r))
		return false;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file < 0)
		return fail(errno, problem_r);
	bool good = (fstat(file, &status) == 0 || fail(errno, problem_r)) && may_read(&status, reader, problem_r)
	            && read_all(file, status.st_size > 0 ? (size_t)status.st_size : 0, bytes_r, length_r, problem_r);
	close(file);
	return good;
}

bool file_read(const char *path, char **bytes_r, size_t *length_r, char problem_r[FILE_PROBLEM_SIZE])
{
	return read_file(path, NULL, bytes_r, length_r, problem_r);
}

bool file_read_secret(const char *path, struct file_reader reader, char **bytes_r, size_t *length_r,
                      char problem_r[FILE_PROBLEM_SIZE])
{
	return read_file(path, &reader, bytes_r, length_r, problem_r);
}

bool file_readable(const char *path, char problem_r[FILE_PROBLEM_SIZE])
{
	struct stat status;
	if (stat(path, &status) != 0)
		return fail(errno, problem_r);
	return check_kind(&status, problem_r)
	       && (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 || fail(errno, problem_r));
}

bool folder_readable(const char *path, char problem_r[FILE_PROBLEM_SIZE])
{
	return faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) == 0 || fail(errno, problem_r);
}

struct span file_resolve(struct arena *arena, const char *base, struct span path)
{
	const char *slash = strrchr(base, '/');
	if (!slash || (path.length != 0 && path.at[0] == '/'))
		return arena_span(arena, path);
	return arena_printf(arena, "%.*s/%.*s", (int)(slash - base), base, (int)path.length, path.at);
}
