/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define FILES_MAX 4096 /* that are remembered, so that none is read twice */
#define INFLATE_BUFFER (128 << 10)

struct identity {
	dev_t device;
	ino_t inode;
};

struct reader {
	struct entry_reader *entries;
	gzFile source; /* NULL: none */
	bool drained;  /* the source has no more */
	bool damaged;
	bool skipping; /* the rest of a line that is too long */
	size_t half;   /* bytes of an earlier source's last line at start; 0: none */
	size_t start;  /* of what is not read yet */
	size_t end;
	size_t searched; /* from start, where no line ends */
	struct reader_counts counts;
	size_t known_count;
	struct identity known[FILES_MAX];
	char buffer[ENTRY_LINE_MAX + 1]; /* a line and its end */
};

struct reader *reader_new(void)
{
	struct reader *reader = malloc(sizeof *reader);
	if (!reader)
		return NULL;
	memset(reader, 0, offsetof(struct reader, known));
	reader->entries = entry_reader_new();
	if (!reader->entries) {
		free(reader);
		return NULL;
	}
	return reader;
}

static void close_source(struct reader *reader)
{
	if (reader->source)
		gzclose_r(reader->source);
	reader->source = NULL;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	close_source(reader);
	entry_reader_free(reader->entries);
	free(reader);
}

const struct reader_counts *reader_counts(const struct reader *reader)
{
	return &reader->counts;
}

off_t reader_offset(const struct reader *reader)
{
	return reader->source ? gzoffset(reader->source) : 0;
}

bool reader_take(struct reader *reader, int descriptor)
{
	close_source(reader);
	reader->source = gzdopen(descriptor, "rb");
	if (!reader->source) {
		close(descriptor);
		return false;
	}
	gzbuffer(reader->source, INFLATE_BUFFER);
	reader->drained = false;
	reader->damaged = false;
	return true;
}

/* Why it cannot be read to its end; NULL: it can. */
static const char *unusable(const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return NULL;
	if (S_ISDIR(status->st_mode))
		return "it is a directory; name the files in it";
	if (S_ISFIFO(status->st_mode))
		return "it is a FIFO or pipe; name a regular file, or - for standard input";
	return "it is a socket or device; name a regular file, or - for standard input";
}

/* What other programs compress with, by the first bytes. */
static const char *packer(int descriptor)
{
	static const struct {
		const char *magic;
		size_t length;
		const char *problem;
	} packers[] = {
		{ "\xfd"
		  "7zXZ",
		  5, "it is compressed by xz; say xz -dc FILE | sfdc-relayctl ... -" },
		{ "BZh", 3, "it is compressed by bzip2; say bzip2 -dc FILE | sfdc-relayctl ... -" },
		{ "\x28\xb5\x2f\xfd", 4, "it is compressed by zstd; say zstd -dc FILE | sfdc-relayctl ... -" },
		{ "LPKSHHRH", 8, "it is a file of the journal; say journalctl -o json --file FILE | sfdc-relayctl ... -" },
	};
	char begin[8];
	ssize_t got = pread(descriptor, begin, sizeof begin, 0);
	for (size_t i = 0; i < sizeof packers / sizeof packers[0]; i++)
		if (got >= (ssize_t)packers[i].length && memcmp(begin, packers[i].magic, packers[i].length) == 0)
			return packers[i].problem;
	return NULL;
}

/* Whether a file was read before; it is remembered. */
static bool known(struct reader *reader, const struct stat *status)
{
	for (size_t i = 0; i < reader->known_count; i++)
		if (reader->known[i].device == status->st_dev && reader->known[i].inode == status->st_ino)
			return true;
	if (reader->known_count < FILES_MAX)
		reader->known[reader->known_count++] = (struct identity) { status->st_dev, status->st_ino };
	return false;
}

static const char *look_at(struct reader *reader, int descriptor, bool standard)
{
	struct stat status;
	const char *problem = NULL;
	entry_reader_until(reader->entries, (long long)time(NULL));
	if (fstat(descriptor, &status) != 0)
		return strerror(errno);
	if (!standard)
		problem = unusable(&status);
	if (!problem && S_ISREG(status.st_mode)) {
		if (known(reader, &status))
			return "it was read already, under this or another name; its lines would count twice";
		problem = packer(descriptor);
		entry_reader_until(reader->entries, (long long)status.st_mtime);
	}
	return problem;
}

bool reader_open(struct reader *reader, const char *path, char problem_r[READER_PROBLEM_SIZE])
{
	bool standard = strcmp(path, "-") == 0;
	/* A FIFO without a writer must not hold us up. */
	int in =
		standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (in < 0) {
		snprintf(problem_r, READER_PROBLEM_SIZE, "it cannot be read: %s", strerror(errno));
		return false;
	}
	const char *problem = look_at(reader, in, standard);
	if (problem) {
		snprintf(problem_r, READER_PROBLEM_SIZE, "%s", problem);
		close(in);
		return false;
	}
	if (reader_take(reader, in))
		return true;
	snprintf(problem_r, READER_PROBLEM_SIZE, "out of memory");
	return false;
}

/* More bytes. False: there are none. */
static bool fill(struct reader *reader)
{
	if (reader->start > 0) {
		memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	size_t room = sizeof reader->buffer - reader->end;
	if (reader->drained || room == 0)
		return false;
	int got = gzread(reader->source, reader->buffer + reader->end, (unsigned)room);
	int error = Z_OK;
	gzerror(reader->source, &error);
	reader->damaged = got < 0 || (got < (int)room && error != Z_OK);
	reader->drained = got <= 0 || reader->damaged;
	if (got > 0)
		reader->end += (size_t)got;
	return got > 0;
}

/*
 * The next line, without its end, in the buffer; it is taken. Half a line that an earlier source left is its beginning.
 * False: the source has no whole line any more.
 */
static bool next_line(struct reader *reader, struct span *line_r)
{
	for (;;) {
		char *from = reader->buffer + reader->start + reader->searched;
		char *end = memchr(from, '\n', reader->end - reader->start - reader->searched);
		if (end) {
			char *begin = reader->buffer + reader->start;
			*line_r = span_make(begin, (size_t)(end - begin));
			reader->start = (size_t)(end + 1 - reader->buffer);
			reader->searched = 0;
			return true;
		}
		reader->searched = reader->end - reader->start;
		if (reader->searched == sizeof reader->buffer) {
			/* Longer than any line of ours; what an earlier source left is no part of it. */
			reader->counts.cut += reader->half != 0;
			reader->half = 0;
			reader->skipping = true;
			reader->start = reader->end;
			reader->searched = 0;
		}
		if (!fill(reader))
			return false;
	}
}

static enum entry_status read_joined(struct reader *reader, struct span line, struct entry *entry)
{
	size_t half = reader->half;
	reader->half = 0;
	if (half == 0)
		return entry_read(reader->entries, line, entry);
	if (entry_read(reader->entries, line, entry) == ENTRY_OK)
		return ENTRY_OK;
	reader->counts.cut++;
	return entry_read(reader->entries, span_slice(line, half, line.length), entry);
}

/* Count a line. Whether it is an entry. */
static bool count(struct reader *reader, enum entry_status status, const struct entry *entry)
{
	switch (status) {
	case ENTRY_FOREIGN:
		reader->counts.foreign++;
		return false;
	case ENTRY_MALFORMED:
		reader->counts.malformed++;
		return false;
	case ENTRY_OK:
		reader->counts.entries++;
		reader->counts.later += entry->later;
		return true;
	}
	return false;
}

static bool read_whole(struct reader *reader, struct span line, struct entry *entry)
{
	return entry_read(reader->entries, line, entry) == ENTRY_OK && entry_is_whole(reader->entries);
}

/* What is left behind the last end of a line: a whole entry, or half a line that is kept. */
static bool take_rest(struct reader *reader, struct entry *entry)
{
	struct span rest = span_make(reader->buffer + reader->start, reader->end - reader->start);
	if (reader->skipping) {
		reader->skipping = false;
		reader->counts.too_long++;
		reader->start = reader->end = reader->searched = 0;
		return false;
	}
	if (rest.length == 0 || rest.length == reader->half)
		return false;
	bool whole = read_whole(reader, rest, entry);
	if (!whole && reader->half != 0 && read_whole(reader, span_slice(rest, reader->half, rest.length), entry)) {
		reader->counts.cut++;
		whole = true;
	}
	reader->half = whole ? 0 : rest.length;
	if (!whole)
		return false;
	reader->start = reader->end = reader->searched = 0;
	return count(reader, ENTRY_OK, entry);
}

enum reader_status reader_next(struct reader *reader, struct entry *entry_r, char problem_r[READER_PROBLEM_SIZE])
{
	struct span line;
	if (!reader->source)
		return READER_END;
	while (next_line(reader, &line)) {
		if (reader->skipping) {
			reader->skipping = false;
			reader->counts.too_long++;
		} else if (count(reader, read_joined(reader, line, entry_r), entry_r)) {
			return READER_ENTRY;
		}
	}
	if (take_rest(reader, entry_r))
		return READER_ENTRY;
	bool damaged = reader->damaged;
	int error = Z_OK;
	const char *said = gzerror(reader->source, &error);
	if (damaged && error == Z_BUF_ERROR)
		snprintf(problem_r, READER_PROBLEM_SIZE,
		         "its compressed data end too early: it was cut, or is still being written; all before that was read");
	else if (damaged)
		snprintf(problem_r, READER_PROBLEM_SIZE, "it cannot be read to its end: %s",
		         error == Z_ERRNO ? strerror(errno) : said);
	close_source(reader);
	return damaged ? READER_PROBLEM : READER_END;
}

void reader_finish(struct reader *reader)
{
	reader->counts.cut += reader->half != 0;
	reader->half = 0;
	reader->start = reader->end = reader->searched = 0;
}
