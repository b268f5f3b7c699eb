/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX (ORG_JSON_MAX + 1)

static bool complain(const struct org_files *files, const char *path, const char *problem)
{
	files->complain(path, problem);
	return false;
}

static bool complain_errno(const struct org_files *files, const char *path)
{
	char problem[ORG_PROBLEM_SIZE];
	snprintf(problem, sizeof problem, "it cannot be read: %s", strerror(errno));
	return complain(files, path, problem);
}

/* At most READ_MAX bytes. NULL with errno. */
static char *read_all(int in, size_t *length_r)
{
	size_t room = (size_t)1 << 16;
	size_t length = 0;
	char *bytes = malloc(room);
	while (bytes) {
		ssize_t got = read(in, bytes + length, room - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(bytes);
			return NULL;
		}
		length += (size_t)got;
		if (got == 0 || length >= READ_MAX)
			break;
		if (length < room)
			continue;
		room = room * 2 < READ_MAX ? room * 2 : READ_MAX;
		char *more = realloc(bytes, room);
		if (!more)
			free(bytes);
		bytes = more;
	}
	*length_r = length;
	return bytes;
}

/* Of a project most JSON is not ours; what names one of our objects is. */
static bool looks_ours(const char *path, struct span bytes)
{
	const char *slash = strrchr(path, '/');
	if (span_starts_nocase(span_of(slash ? slash + 1 : path), span_of("Email")))
		return true;
	for (unsigned i = 0; i < ORG_OBJECTS; i++)
		if (i != ORG_ORGANIZATION && span_holds_nocase(bytes, span_of(org_object_name((enum org_object)i))))
			return true;
	return false;
}

static bool read_file(struct org_files *files, int in, const char *path, bool named)
{
	char problem[ORG_PROBLEM_SIZE] = "";
	size_t length = 0;
	char *bytes = read_all(in, &length);
	if (!bytes)
		return complain_errno(files, path);
	files->bytes += length;
	bool good = files->bytes <= ORG_FILES_BYTES
	            || complain(files, path, "the files are too large together; name those that matter");
	if (good)
		switch (org_metadata_read(files->metadata, span_of(path), span_make(bytes, length), problem)) {
		case ORG_READ:
			break;
		case ORG_NOT_OURS:
			good = !named
			       || complain(
					   files, path,
					   "it holds no record of EmailRelay, EmailDomainFilter, EmailDomainKey, OrgWideEmailAddress or "
					   "Organization, and no settings of email");
			break;
		case ORG_BROKEN:
			good = (!named && !looks_ours(path, span_make(bytes, length))) || complain(files, path, problem);
			break;
		}
	free(bytes);
	return good;
}

static bool is_candidate(const char *name)
{
	struct span text = span_of(name);
	return span_ends_nocase(text, span_of(".json")) || span_ends_nocase(text, span_of(".xml"))
	       || span_ends_nocase(text, span_of(".settings"));
}

static bool is_left_out(const char *name)
{
	return name[0] == '.' || strcmp(name, "node_modules") == 0;
}

static bool read_folder(struct org_files *files, int folder, const char *path, unsigned depth);

static bool read_entry(struct org_files *files, int folder, const char *path, const char *name, unsigned depth)
{
	char whole[PATH_MAX];
	struct stat status;
	int length = snprintf(whole, sizeof whole, "%s/%s", path, name);
	if (length < 0 || (size_t)length >= sizeof whole)
		return complain(files, path, "a name below it is too long");
	if (++files->entries > ORG_FILES_ENTRIES)
		return complain(files, path, "there are too many files; name those that matter");
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || complain_errno(files, whole);
	files->links += S_ISLNK(status.st_mode) ? 1 : 0;
	bool is_folder = S_ISDIR(status.st_mode);
	if (!is_folder && (!S_ISREG(status.st_mode) || !is_candidate(name)))
		return true;
	if (is_folder && depth == ORG_FILES_DEPTH)
		return complain(files, whole, "its folders are too deep");
	/* It may have become something else meanwhile. */
	int in =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (is_folder ? O_DIRECTORY : 0));
	if (in < 0)
		return errno == ENOENT || complain_errno(files, whole);
	if (is_folder)
		return read_folder(files, in, whole, depth + 1);
	bool good = fstat(in, &status) != 0 || !S_ISREG(status.st_mode) || read_file(files, in, whole, false);
	close(in);
	return good;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, in order. False without memory, or when it cannot be read. */
static bool list_names(DIR *stream, char ***names_r, size_t *count_r)
{
	size_t room = 0;
	struct dirent *entry;
	for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0) {
		if (is_left_out(entry->d_name))
			continue;
		if (*count_r == room) {
			char **more = realloc(*names_r, (room = room * 2 + 64) * sizeof *more);
			if (!more)
				return false;
			*names_r = more;
		}
		(*names_r)[*count_r] = strdup(entry->d_name);
		if (!(*names_r)[*count_r])
			return false;
		if (++*count_r > ORG_FILES_ENTRIES)
			break; /* which is complained of when they are looked at */
	}
	if (*count_r > 1)
		qsort(*names_r, *count_r, sizeof **names_r, by_name);
	return errno == 0;
}

/* Closes folder. */
static bool read_folder(struct org_files *files, int folder, const char *path, unsigned depth)
{
	char **names = NULL;
	size_t count = 0;
	DIR *stream = fdopendir(folder);
	if (!stream) {
		close(folder);
		return complain_errno(files, path);
	}
	bool good = list_names(stream, &names, &count) || complain_errno(files, path);
	for (size_t i = 0; good && i < count; i++)
		good = read_entry(files, folder, path, names[i], depth);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	closedir(stream);
	return good;
}

bool org_files_read(struct org_files *files, const char *path)
{
	struct stat status;
	if (strcmp(path, "-") == 0)
		return read_file(files, STDIN_FILENO, "-", true);
	int in = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (in < 0 && errno == ELOOP)
		return complain(files, path, "it is a symbolic link, and none is followed; name what it points to");
	if (in < 0 || fstat(in, &status) != 0) {
		bool good = complain_errno(files, path);
		if (in >= 0)
			close(in);
		return good;
	}
	if (S_ISDIR(status.st_mode))
		return read_folder(files, in, path, 0);
	bool good = S_ISREG(status.st_mode) ? read_file(files, in, path, true)
	                                    : complain(files, path, "it is neither a regular file nor a folder");
	close(in);
	return good;
}
