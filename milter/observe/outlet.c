/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "observe/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "observe/journal.h"

#define SYSLOG_HEAD_SIZE 192
#define PARTS_MAX 3

void outlet_init(struct outlet *outlet, const char *program)
{
	outlet->program = program;
	outlet->syslog = -1;
	outlet->syslog_streams = false;
	outlet->journal = -1;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void outlet_close(struct outlet *outlet)
{
	drop(&outlet->syslog);
	drop(&outlet->journal);
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

/* A socket connected to that path; -1: nobody is there, or not yet. */
static int join(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool join_syslog(struct outlet *outlet)
{
	outlet->syslog_streams = false;
	outlet->syslog = join(SYSLOG_SOCKET, SOCK_DGRAM);
	if (outlet->syslog < 0 && errno == EPROTOTYPE) {
		outlet->syslog_streams = true;
		outlet->syslog = join(SYSLOG_SOCKET, SOCK_STREAM);
	}
	return outlet->syslog >= 0;
}

static size_t total(const struct iovec *parts, size_t count)
{
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		length += parts[i].iov_len;
	return length;
}

/* Leave out what was written already. */
static void skip(struct iovec *parts, size_t count, size_t written)
{
	for (size_t i = 0; i < count && written != 0; i++) {
		size_t part = written < parts[i].iov_len ? written : parts[i].iov_len;
		parts[i].iov_base = (char *)parts[i].iov_base + part;
		parts[i].iov_len -= part;
		written -= part;
	}
}

/* -1 with errno, or how many bytes were sent and errno 0. */
static ssize_t send_parts(int fd, struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	ssize_t sent;
	do {
		errno = 0;
		sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

/* The part of a line that a stream took. */
static enum outlet_status note_written(struct line *line, size_t whole, ssize_t sent)
{
	line->written += (size_t)sent;
	return line->written < whole ? OUTLET_WAIT : OUTLET_TAKEN;
}

/* Whether what was tried is to be tried once more, over a new connection. */
static bool is_broken(int error)
{
	return error != 0 && !would_block(error) && error != EMSGSIZE;
}

/* As syslog(3) of the C library writes it, in the locale "C" (RFC 3164 4.1). */
static size_t syslog_head(char head_r[SYSLOG_HEAD_SIZE], const char *program, const struct line *line)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;
	if (!localtime_r(&line->time, &tm))
		memset(&tm, 0, sizeof tm);
	return (size_t)snprintf(head_r, SYSLOG_HEAD_SIZE,
	                        "<%d>%s %2d %02d:%02d:%02d %.64s[%ld]: ", line->facility | line->priority,
	                        months[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, program,
	                        (long)getpid());
}

static enum outlet_status try_syslog(struct outlet *outlet, struct line *line)
{
	static char end[1];
	char head[SYSLOG_HEAD_SIZE];
	struct iovec parts[PARTS_MAX] = {
		{ head, syslog_head(head, outlet->program, line) },
		{ line->text, line->length },
		{ end, sizeof end }, /* of a line in a stream */
	};
	size_t count = outlet->syslog_streams ? 3 : 2;
	size_t whole = total(parts, count);
	if (outlet->syslog_streams)
		skip(parts, count, line->written);
	ssize_t sent = send_parts(outlet->syslog, parts, count);
	if (sent >= 0)
		return outlet->syslog_streams ? note_written(line, whole, sent) : OUTLET_TAKEN;
	return errno == EMSGSIZE ? OUTLET_LOST : OUTLET_WAIT;
}

static enum outlet_status put_syslog(struct outlet *outlet, struct line *line)
{
	/* A second time over a new connection: syslogd may have been started again. */
	for (int i = 0; i < 2; i++) {
		bool joined = outlet->syslog >= 0;
		if (!joined) {
			line->written = 0;
			if (!join_syslog(outlet))
				return OUTLET_WAIT;
		}
		enum outlet_status status = try_syslog(outlet, line);
		if (status != OUTLET_WAIT || !is_broken(errno))
			return status;
		drop(&outlet->syslog);
		if (!joined)
			break;
	}
	return OUTLET_WAIT;
}

/* Of a pipe or terminal, an open description of our own, for the flags of the common one are not ours; -1: none. */
static int own_stderr(void)
{
	return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool takes_now(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	return poll(&one, 1, 0) == 1 && (one.revents & POLLOUT) != 0;
}

/* Where no description of our own is to be had: as much as a pipe that says so has room for. */
static ssize_t write_if_taken(const char *bytes, size_t length)
{
	if (takes_now(STDERR_FILENO))
		return write(STDERR_FILENO, bytes, length < PIPE_BUF ? length : PIPE_BUF);
	errno = EAGAIN;
	return -1;
}

/* -1 with errno, or how many bytes standard error took without waiting for its reader. */
static ssize_t write_stderr(const char *bytes, size_t length)
{
	struct stat status;
	struct iovec part = { (char *)(size_t)bytes, length };
	if (fstat(STDERR_FILENO, &status) != 0)
		return -1;
	if (S_ISSOCK(status.st_mode))
		return send_parts(STDERR_FILENO, &part, 1);
	if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
		return write(STDERR_FILENO, bytes, length);
	int fd = own_stderr();
	if (fd < 0)
		return write_if_taken(bytes, length);
	ssize_t written = write(fd, bytes, length);
	int error = errno;
	close(fd);
	errno = error;
	return written;
}

static enum outlet_status put_stderr(struct line *line)
{
	while (line->written < line->length + 1) {
		ssize_t written = write_stderr(line->text + line->written, line->length + 1 - line->written);
		if (written >= 0)
			line->written += (size_t)written;
		else if (would_block(errno))
			return OUTLET_WAIT;
		else if (errno != EINTR)
			return OUTLET_LOST;
	}
	return OUTLET_TAKEN;
}

static enum outlet_status put_journal(struct outlet *outlet, struct line *line)
{
	char head[JOURNAL_HEAD_SIZE];
	/* What was begun on standard error ends there. */
	for (int i = 0; i < 2 && line->written == 0; i++) {
		bool joined = outlet->journal >= 0;
		if (!joined)
			outlet->journal = join(JOURNAL_SOCKET, SOCK_DGRAM);
		if (outlet->journal < 0)
			break;
		struct iovec parts[PARTS_MAX] = {
			{ head, journal_head(head, outlet->program, line->facility, line->priority) },
			{ line->text, line->length + 1 },
			{ line->fields, line->fields_length },
		};
		if (send_parts(outlet->journal, parts, 3) >= 0)
			return OUTLET_TAKEN;
		if (would_block(errno))
			return OUTLET_WAIT;
		if (!is_broken(errno))
			break;
		drop(&outlet->journal);
		if (!joined)
			break;
	}
	return put_stderr(line);
}

enum outlet_status outlet_put(struct outlet *outlet, enum log_target target, struct line *line)
{
	if (line->target != target)
		line->written = 0;
	line->target = target;
	switch (target) {
	case LOG_TARGET_SYSLOG:
		return put_syslog(outlet, line);
	case LOG_TARGET_JOURNAL:
		return put_journal(outlet, line);
	case LOG_TARGET_STDERR:
		return put_stderr(line);
	}
	return OUTLET_LOST;
}

int outlet_descriptor(const struct outlet *outlet, enum log_target target)
{
	switch (target) {
	case LOG_TARGET_SYSLOG:
		return outlet->syslog;
	case LOG_TARGET_JOURNAL:
		return outlet->journal >= 0 ? outlet->journal : STDERR_FILENO;
	case LOG_TARGET_STDERR:
		return STDERR_FILENO;
	}
	return -1;
}

void outlet_wait(int descriptor, int milliseconds)
{
	struct pollfd one = { .fd = descriptor, .events = POLLOUT };
	(void)poll(&one, descriptor >= 0 ? 1 : 0, milliseconds);
}

void outlet_say(const char *text)
{
	char line[1200];
	int length = snprintf(line, sizeof line - 1, "%s", text);
	size_t end = length < 0 ? 0 : (size_t)length < sizeof line - 1 ? (size_t)length : sizeof line - 2;
	line[end] = '\n';
	(void)write_stderr(line, end + 1);
}
