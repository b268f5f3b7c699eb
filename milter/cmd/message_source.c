/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/message_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/maildir.h"
#include "cmd/relayctl.h"
#include "core/header.h"

#define BUFFER_SIZE ((size_t)1 << 18)
#define LINE_SEEN ((size_t)1 << 10) /* bytes of a line that are looked at to know what it is */
#define MESSAGE_STEP ((size_t)1 << 16)

enum kind { KIND_FILE, KIND_MBOX, KIND_MAILDIR };

struct message_source {
	const char *operand;
	enum kind kind;
	bool dated; /* the first "From " line of the mbox holds a date */
	bool over;
	unsigned long number;
	struct maildir *maildir;
	char *path; /* of the message in a Maildir */

	int in;
	bool standard;
	int error; /* errno of a read that failed */
	bool ended;
	unsigned long long position;
	char buffer[BUFFER_SIZE];
	size_t begin; /* what was not taken yet is [begin, end) */
	size_t end;

	char *message;
	size_t length;
	size_t room;
	bool too_large;
	bool no_memory;
};

/* Read once more, if there is room. */
static void fill(struct message_source *source)
{
	if (source->begin > 0) {
		memmove(source->buffer, source->buffer + source->begin, source->end - source->begin);
		source->end -= source->begin;
		source->begin = 0;
	}
	ssize_t got = -1;
	do
		got = read(source->in, source->buffer + source->end, BUFFER_SIZE - source->end);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		source->error = errno;
	source->ended = got <= 0;
	if (got > 0) {
		source->end += (size_t)got;
		source->position += (unsigned long long)got;
	}
}

static struct span rest(const struct message_source *source)
{
	return span_make(source->buffer + source->begin, source->end - source->begin);
}

/* The line that begins here, its end included; of a long one its first bytes. Empty: there is nothing left. */
static struct span look(struct message_source *source)
{
	for (size_t seen = 0;;) {
		struct span text = rest(source);
		size_t end = span_find(text, seen, '\n');
		if (end < text.length)
			return span_slice(text, 0, end + 1);
		if (source->ended || text.length >= LINE_SEEN)
			return text;
		seen = text.length;
		fill(source);
	}
}

static bool grow(struct message_source *source, size_t needed)
{
	size_t room = source->room;
	while (room < needed)
		room = room * 2 + MESSAGE_STEP;
	room = room > SOURCE_MESSAGE_MAX ? SOURCE_MESSAGE_MAX : room;
	char *message = realloc(source->message, room);
	if (!message)
		return false;
	source->message = message;
	source->room = room;
	return true;
}

/* Take that many bytes over into the message, or past one that can be none. */
static void take(struct message_source *source, size_t count)
{
	size_t needed = source->length + count;
	if (count == 0)
		return;
	source->too_large = source->too_large || needed > SOURCE_MESSAGE_MAX;
	if (!source->too_large && !source->no_memory)
		source->no_memory = needed > source->room && !grow(source, needed);
	if (count != 0 && !source->too_large && !source->no_memory) {
		memcpy(source->message + source->length, source->buffer + source->begin, count);
		source->length = needed;
	}
	source->begin += count;
}

/* Take what belongs to the line that begins here, in pieces if it is long. */
static void take_line(struct message_source *source)
{
	for (bool whole = false; !whole;) {
		struct span text = rest(source);
		size_t end = span_find(text, 0, '\n');
		whole = end < text.length;
		take(source, whole ? end + 1 : text.length);
		if (!whole && !source->ended)
			fill(source);
		whole = whole || (source->ended && source->begin == source->end);
	}
}

/* "Thu Nov 26 10:00:00": the name of a day, that of a month, and a time stand in the line. */
static bool has_date(struct span line)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	for (size_t i = 5; i + 16 <= line.length; i++) {
		const char *at = line.at + i;
		if (at[-1] != ' ' || at[3] != ' ' || at[7] != ' ' || !ascii_digit(at[9]) || at[10] != ' ' || at[13] != ':')
			continue;
		for (size_t month = 0; month < sizeof months - 1; month += 3)
			if (memcmp(at + 4, months + month, 3) == 0)
				return true;
	}
	return false;
}

static bool is_separator(const struct message_source *source, struct span line)
{
	return message_begins_mbox(line) && (!source->dated || has_date(line));
}

static bool is_empty(struct span line)
{
	return span_equal(line, span_of("\n")) || span_equal(line, span_of("\r\n"));
}

/* The empty line before the next message, or at the end of the mbox. */
static void drop_empty_line(struct message_source *source)
{
	for (size_t length = 1; length <= 2; length++) {
		size_t at = source->length - length;
		if (source->length > length && source->message[at - 1] == '\n'
		    && is_empty(span_make(source->message + at, length))) {
			source->length = at;
			return;
		}
	}
}

/* ">From " is "From " that could not stand there, and so on. */
static void unquote(struct message_source *source)
{
	static const struct span from = SPAN_LITERAL("From ");
	struct span text = span_make(source->message, source->length);
	size_t to = 0;
	for (size_t at = 0; at < text.length;) {
		size_t end = span_find(text, at, '\n');
		size_t behind = at;
		while (behind < end && text.at[behind] == '>')
			behind++;
		if (behind > at && span_equal(span_slice(text, behind, behind + from.length), from))
			at++;
		end = end < text.length ? end + 1 : end;
		memmove(source->message + to, source->message + at, end - at);
		to += end - at;
		at = end;
	}
	source->length = to;
}

static void read_from_mbox(struct message_source *source)
{
	take_line(source);
	for (bool behind_empty = false;;) {
		struct span line = look(source);
		if (line.length == 0 || (behind_empty && is_separator(source, line)))
			break;
		behind_empty = is_empty(line);
		take_line(source);
	}
	if (!source->too_large && !source->no_memory) {
		drop_empty_line(source);
		unquote(source);
	}
}

static void read_all(struct message_source *source)
{
	while (!source->too_large && (!source->ended || source->begin < source->end)) {
		take(source, source->end - source->begin);
		if (!source->ended)
			fill(source);
	}
}

/* Why the bytes are no message, as a sentence; NULL: they may be one. */
static const char *unusable(struct span raw)
{
	static const struct {
		struct span start;
		const char *problem;
	} starts[] = {
		{ SPAN_LITERAL("\xef\xbb\xbf"),
		  "it begins with a UTF-8 byte order mark, which would be part of the first field's name; save it without" },
		{ SPAN_LITERAL("\xff\xfe"), "it is UTF-16; save the message as it was received, in ASCII or UTF-8" },
		{ SPAN_LITERAL("\xfe\xff"), "it is UTF-16; save the message as it was received, in ASCII or UTF-8" },
		{ SPAN_LITERAL("\x1f\x8b"),
		  "it is compressed by gzip; unpack it first, as in gzip -dc FILE | sfdc-relayctl check-message -" },
		{ SPAN_LITERAL("BZh"), "it is compressed by bzip2; unpack it first" },
		{ SPAN_LITERAL("\xfd"
		               "7zXZ"),
		  "it is compressed by xz; unpack it first" },
		{ SPAN_LITERAL("\x28\xb5\x2f\xfd"), "it is compressed by zstd; unpack it first" },
		{ SPAN_LITERAL("PK\x03\x04"), "it is a zip archive; unpack it first" },
		{ SPAN_LITERAL("\xd0\xcf\x11\xe0"), "it is a file of Outlook (.msg); save the message as .eml" },
	};
	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
		if (span_equal(span_slice(raw, 0, starts[i].start.length), starts[i].start))
			return starts[i].problem;
	if (span_trim(raw).length == 0)
		return "there is no message in it";
	if (raw.length > 3 && raw.at[0] != '\0' && raw.at[1] == '\0' && raw.at[2] != '\0' && raw.at[3] == '\0')
		return starts[1].problem;
	if (raw.length > 3 && raw.at[0] == '\0' && raw.at[1] != '\0' && raw.at[2] == '\0' && raw.at[3] != '\0')
		return starts[1].problem;
	struct span text = span_trim(raw);
	if (span_find(text, 0, '\n') == text.length && span_find(text, 0, '\r') != text.length)
		return "its lines end in CR alone; convert them to LF or CRLF";
	return NULL;
}

/* What was read, or why it is of no use. */
static void tell(const struct message_source *source, struct source_item *item)
{
	struct span raw = span_make(source->message ? source->message : "", source->length);
	size_t begin = source->kind == KIND_MBOX ? span_find(raw, 0, '\n') + 1 : 0;
	const char *problem = NULL;

	if (!source->no_memory && source->error == 0)
		problem = unusable(span_slice(raw, begin, raw.length));
	if (problem)
		snprintf(item->problem, sizeof item->problem, "%s", problem);
	else if (source->error != 0)
		snprintf(item->problem, sizeof item->problem, "it cannot be read: %s", strerror(source->error));
	else if (source->no_memory)
		snprintf(item->problem, sizeof item->problem, "there is no memory for it");
	else if (source->too_large)
		snprintf(item->problem, sizeof item->problem, "it is larger than %zu MiB, more than is judged",
		         SOURCE_MESSAGE_MAX >> 20);
	item->no_memory = source->no_memory;
	item->raw = raw;
}

static void begin_message(struct message_source *source)
{
	source->length = 0;
	source->too_large = false;
	source->no_memory = false;
}

static void begin_file(struct message_source *source, int in)
{
	source->in = in;
	source->error = 0;
	source->ended = false;
	source->begin = source->end = 0;
}

static void end_file(struct message_source *source)
{
	if (source->in >= 0 && !source->standard)
		close(source->in);
	source->in = -1;
}

/* "MAILDIR/cur/NAME" */
static bool set_path(struct message_source *source, const char *name)
{
	size_t length = strlen(source->operand);
	size_t size = length + strlen(name) + 2;
	char *path = realloc(source->path, size);
	if (!path)
		return false;
	source->path = path;
	snprintf(path, size, "%s%s%s", source->operand, source->operand[length - 1] == '/' ? "" : "/", name);
	return true;
}

static bool next_of_maildir(struct message_source *source, struct source_item *item)
{
	const char *name = maildir_next(source->maildir);
	struct stat status;
	const char *problem = NULL;

	if (!name)
		return false;
	item->file = set_path(source, name) ? source->path : name;
	item->last = maildir_ends(source->maildir);
	begin_file(source, maildir_file(source->maildir));
	if (source->in < 0 && errno == ELOOP)
		problem = "it is a symbolic link, which is not followed";
	else if (source->in < 0 && errno == ENOENT)
		problem = "it is no longer there: a mail program has moved or deleted it";
	else if (source->in < 0 || fstat(source->in, &status) != 0)
		problem = strerror(errno);
	else
		problem = S_ISDIR(status.st_mode) ? "it is a directory" : relayctl_endless(&status);
	if (problem) {
		snprintf(item->problem, sizeof item->problem, "%s", problem);
	} else {
		read_all(source);
		tell(source, item);
	}
	end_file(source);
	return true;
}

bool message_source_next(struct message_source *source, struct source_item *item_r)
{
	memset(item_r, 0, sizeof *item_r);
	item_r->file = source->operand;
	begin_message(source);
	if (source->kind == KIND_MAILDIR)
		return next_of_maildir(source, item_r);
	if (source->over)
		return false;
	if (source->kind == KIND_MBOX) {
		item_r->number = ++source->number;
		read_from_mbox(source);
		source->over = source->error != 0 || look(source).length == 0;
	} else {
		read_all(source);
		source->over = true;
	}
	item_r->last = source->over;
	tell(source, item_r);
	return true;
}

/* What the file is, by its first line. One whose lines end in CR alone is no mbox, whatever it begins with. */
static void look_at_start(struct message_source *source)
{
	struct span line = look(source);
	bool whole = line.length != 0 && (line.at[line.length - 1] == '\n' || source->ended);
	if (!whole || span_find(span_trim(line), 0, '\r') != span_trim(line).length || !message_begins_mbox(line))
		return;
	source->kind = KIND_MBOX;
	source->dated = has_date(line);
}

static bool open_operand(struct message_source *source, const char **problem_r)
{
	struct stat status;

	source->standard = strcmp(source->operand, "-") == 0;
	/* A FIFO without a writer must not hold us up. */
	begin_file(source,
	           source->standard ? STDIN_FILENO : open(source->operand, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	if (source->in < 0)
		return false;
	if (source->standard) {
		look_at_start(source);
		return true;
	}
	if (fstat(source->in, &status) != 0)
		return false;
	if (S_ISDIR(status.st_mode)) {
		source->kind = KIND_MAILDIR;
		source->maildir = maildir_open(source->in, problem_r);
		end_file(source);
		if (source->maildir && maildir_ends(source->maildir))
			*problem_r = "there is no message in this Maildir";
		return !*problem_r;
	}
	*problem_r = relayctl_endless(&status);
	if (!*problem_r)
		look_at_start(source);
	return !*problem_r;
}

struct message_source *message_source_open(const char *operand, char problem_r[SOURCE_PROBLEM_SIZE])
{
	struct message_source *source = calloc(1, sizeof *source);
	const char *problem = NULL;

	if (!source) {
		snprintf(problem_r, SOURCE_PROBLEM_SIZE, "there is no memory for it");
		return NULL;
	}
	source->operand = operand;
	source->in = -1;
	if (open_operand(source, &problem))
		return source;
	snprintf(problem_r, SOURCE_PROBLEM_SIZE, "%s%s",
	         problem ? "" : "it cannot be read: ", problem ? problem : strerror(errno));
	message_source_close(source);
	return NULL;
}

unsigned long long message_source_size(const char *operand)
{
	unsigned long long size = 0;
	struct stat status;
	const char *problem;
	int in = strcmp(operand, "-") == 0 ? -1 : open(operand, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (in < 0)
		return 0;
	if (fstat(in, &status) == 0 && S_ISREG(status.st_mode)) {
		size = (unsigned long long)status.st_size;
	} else {
		struct maildir *maildir = maildir_open(in, &problem);
		size = maildir ? maildir_size(maildir) : 0;
		maildir_close(maildir);
	}
	close(in);
	return size;
}

unsigned long long message_source_position(const struct message_source *source)
{
	return source->position - (unsigned long long)(source->end - source->begin);
}

void message_source_close(struct message_source *source)
{
	if (!source)
		return;
	end_file(source);
	maildir_close(source->maildir);
	free(source->path);
	free(source->message);
	free(source);
}
