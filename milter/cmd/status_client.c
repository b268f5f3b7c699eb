/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/status_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/span.h"
#include "mta/listener.h"

#define STEP 65536

/* The beginning of it, if it is long. */
static json_t *fail(char problem_r[STATUS_PROBLEM_SIZE], const char *problem)
{
	snprintf(problem_r, STATUS_PROBLEM_SIZE, "%.*s", STATUS_PROBLEM_SIZE - 1, problem);
	return NULL;
}

/* What to do when the socket cannot be reached. */
static const char *remedy(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT:
		return "; is the daemon running, and was it restarted since metrics.listen was set?";
	case EACCES:
	case EPERM:
		return "; run this as root, or as a member of socket_group";
	case EAGAIN:
	case EINPROGRESS:
		return "; the daemon does not answer in time";
	default:
		return "";
	}
}

static json_t *fail_system(char problem_r[STATUS_PROBLEM_SIZE], const char *what)
{
	int error = errno;
	snprintf(problem_r, STATUS_PROBLEM_SIZE, "%s: %s%s", what, strerror(error), remedy(error));
	return NULL;
}

static bool send_all(int fd, const char *text)
{
	for (size_t left = strlen(text); left != 0;) {
		ssize_t sent = send(fd, text, left, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		text += sent;
		left -= (size_t)sent;
	}
	return true;
}

/* All that comes until the end; false: errno says why, EMSGSIZE: too much. */
static bool receive_all(int fd, char **bytes_r, size_t *length_r)
{
	size_t size = 0;
	for (;;) {
		if (size - *length_r < STEP) {
			char *more = size < STATUS_SIZE_MAX ? realloc(*bytes_r, size = size * 2 + 2 * STEP) : NULL;
			if (!more) {
				errno = size < STATUS_SIZE_MAX ? ENOMEM : EMSGSIZE;
				return false;
			}
			*bytes_r = more;
		}
		ssize_t got = recv(fd, *bytes_r + *length_r, size - *length_r, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		*length_r += (size_t)got;
	}
}

/* The body of an answer with status 200. False: problem_r says what it is. */
static bool read_answer(struct span answer, struct span *body_r, char problem_r[STATUS_PROBLEM_SIZE])
{
	static const char end[] = "\r\n\r\n";
	static const char good[] = "HTTP/1.1 200 ";
	size_t at = 0;
	while (at + 4 <= answer.length && memcmp(answer.at + at, end, 4) != 0)
		at++;
	if (at + 4 > answer.length) {
		(void)fail(problem_r, "what answers there speaks no HTTP; is it the metrics.listen of sfdc-milter?");
		return false;
	}
	if (answer.length < strlen(good) || memcmp(answer.at, good, strlen(good)) != 0) {
		(void)fail(problem_r, "what answers there has no /status; is it the metrics.listen of sfdc-milter?");
		return false;
	}
	*body_r = span_slice(answer, at + 4, answer.length);
	return true;
}

static json_t *ask(int fd, char problem_r[STATUS_PROBLEM_SIZE])
{
	static const struct timeval patience = { .tv_sec = STATUS_PATIENCE_SECONDS };
	char *bytes = NULL;
	size_t length = 0;
	struct span body;
	json_t *status = NULL;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (!send_all(fd, "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	    || !receive_all(fd, &bytes, &length)) {
		(void)fail_system(problem_r, "the daemon was asked, and");
	} else if (read_answer(span_make(bytes, length), &body, problem_r)) {
		json_error_t error;
		status = json_loadb(body.at, body.length, 0, &error);
		if (!json_is_object(status)) {
			json_decref(status);
			status = fail(problem_r, "what answers there is no status; is it the metrics.listen of sfdc-milter?");
		}
	}
	free(bytes);
	return status;
}

json_t *status_fetch(const char *socket, char problem_r[STATUS_PROBLEM_SIZE])
{
	char text[LISTENER_TEXT_SIZE];
	int fd = listener_connect(socket, STATUS_PATIENCE_SECONDS, text);
	if (fd < 0 && text[0] != '\0')
		return fail(problem_r, text);
	if (fd < 0)
		return fail_system(problem_r, "it cannot be reached");
	json_t *status = ask(fd, problem_r);
	close(fd);
	return status;
}
