/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS 2
#define PREFIX 4 /* "cur/" */

static const char *const parts[PARTS] = { "cur", "new" };

struct maildir {
	int folders[PARTS];
	char **names; /* "cur/NAME" */
	size_t count;
	size_t room;
	size_t next;
};

static unsigned part_of(const char *name)
{
	return name[0] == 'c' ? 0 : 1;
}

/* "cur" sorts before "new". */
static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add(struct maildir *maildir, const char *part, const char *name)
{
	if (maildir->count == maildir->room) {
		size_t room = maildir->room * 2 + 64;
		char **names = realloc(maildir->names, room * sizeof *names);
		if (!names)
			return false;
		maildir->names = names;
		maildir->room = room;
	}
	size_t size = PREFIX + strlen(name) + 1;
	char *path = malloc(size);
	if (!path)
		return false;
	snprintf(path, size, "%s/%s", part, name);
	maildir->names[maildir->count++] = path;
	return true;
}

/* Names with a dot before them are no messages. */
static bool list(struct maildir *maildir, unsigned part)
{
	int in = fcntl(maildir->folders[part], F_DUPFD_CLOEXEC, 0);
	DIR *folder = in >= 0 ? fdopendir(in) : NULL;
	if (!folder) {
		if (in >= 0)
			close(in);
		return false;
	}
	bool good = true;
	errno = 0;
	for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;)
		good = entry->d_name[0] == '.' || add(maildir, parts[part], entry->d_name);
	good = good && errno == 0;
	closedir(folder);
	return good;
}

struct maildir *maildir_open(int in, const char **problem_r)
{
	struct maildir *maildir = calloc(1, sizeof *maildir);
	bool found = true;
	bool good = maildir != NULL;

	*problem_r = NULL;
	for (unsigned i = 0; good && i < PARTS; i++)
		maildir->folders[i] = -1;
	for (unsigned i = 0; good && i < PARTS; i++) {
		maildir->folders[i] = openat(in, parts[i], O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
		if (maildir->folders[i] < 0)
			found = errno == EACCES && found;
	}
	if (good && (maildir->folders[0] < 0 || maildir->folders[1] < 0)) {
		*problem_r = found ? "its cur and new may not be read"
		                   : "it is a directory, and no Maildir: there is no cur and new in it; name the files in it";
		good = false;
	}
	for (unsigned i = 0; good && i < PARTS; i++)
		good = list(maildir, i);
	if (!good) {
		if (!*problem_r)
			*problem_r = "its messages cannot be listed";
		maildir_close(maildir);
		return NULL;
	}
	if (maildir->count != 0)
		qsort(maildir->names, maildir->count, sizeof *maildir->names, compare);
	return maildir;
}

const char *maildir_next(struct maildir *maildir)
{
	return maildir->next < maildir->count ? maildir->names[maildir->next++] : NULL;
}

bool maildir_ends(const struct maildir *maildir)
{
	return maildir->next >= maildir->count;
}

int maildir_file(const struct maildir *maildir)
{
	const char *name = maildir->names[maildir->next - 1];
	return openat(maildir->folders[part_of(name)], name + PREFIX,
	              O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
}

unsigned long long maildir_size(const struct maildir *maildir)
{
	unsigned long long size = 0;
	struct stat status;
	for (size_t i = 0; i < maildir->count; i++) {
		const char *name = maildir->names[i];
		if (fstatat(maildir->folders[part_of(name)], name + PREFIX, &status, AT_SYMLINK_NOFOLLOW) == 0
		    && S_ISREG(status.st_mode))
			size += (unsigned long long)status.st_size;
	}
	return size;
}

void maildir_close(struct maildir *maildir)
{
	if (!maildir)
		return;
	for (unsigned i = 0; i < PARTS; i++)
		if (maildir->folders[i] >= 0)
			close(maildir->folders[i]);
	for (size_t i = 0; i < maildir->count; i++)
		free(maildir->names[i]);
	free(maildir->names);
	free(maildir);
}
