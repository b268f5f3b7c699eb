/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/probe_smtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "evidence/resolver.h"

#define COMMAND_SIZE 1024

long long probe_step_end(const struct probe_clock *clock)
{
	long long end = resolver_now_ms() + (long long)clock->step_ms;
	return end < clock->end_ms ? end : clock->end_ms;
}

static bool fail(struct smtp_link *link, enum relay_failure failure)
{
	if (link->failure == RELAY_WORKED)
		link->failure = failure;
	return false;
}

/* Wait until the socket is ready. False: not before end_ms. */
static bool ready(struct smtp_link *link, short events, long long end_ms)
{
	for (;;) {
		long long left = end_ms - resolver_now_ms();
		struct pollfd poll_fd = { .fd = link->fd, .events = events };
		int got = left > 0 ? poll(&poll_fd, 1, left > 60000 ? 60000 : (int)left) : 0;
		if (got > 0)
			return true;
		if (left <= 0)
			return fail(link, RELAY_TIMEOUT);
		if (got < 0 && errno != EINTR)
			return fail(link, RELAY_CLOSED);
	}
}

static socklen_t to_sockaddr(const struct address *address, unsigned port, struct sockaddr_storage *storage_r)
{
	memset(storage_r, 0, sizeof *storage_r);
	if (address->family == ADDRESS_IPV6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage_r;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, address->bytes, 16);
		return sizeof *in6;
	}
	struct sockaddr_in *in = (struct sockaddr_in *)storage_r;
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	memcpy(&in->sin_addr, address->bytes, 4);
	return sizeof *in;
}

static void read_local(struct smtp_link *link)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof storage;
	if (getsockname(link->fd, (struct sockaddr *)&storage, &length) != 0)
		return;
	if (storage.ss_family == AF_INET6)
		link->local = address_from_bytes(&((struct sockaddr_in6 *)&storage)->sin6_addr, 16);
	else
		link->local = address_from_bytes(&((struct sockaddr_in *)&storage)->sin_addr, 4);
}

bool smtp_open(struct smtp_link *link, const struct address *address, unsigned port, const struct probe_clock *clock)
{
	struct sockaddr_storage storage;
	socklen_t length = to_sockaddr(address, port, &storage);
	int error = 0;
	socklen_t error_length = sizeof error;

	memset(link, 0, sizeof *link);
	link->clock = *clock;
	link->fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0) {
		snprintf(link->problem, sizeof link->problem, "%s", strerror(errno));
		return fail(link, RELAY_REFUSED);
	}
	if (connect(link->fd, (struct sockaddr *)&storage, length) != 0) {
		error = errno;
		if (error == EINPROGRESS) {
			if (!ready(link, POLLOUT, probe_step_end(clock))) {
				snprintf(link->problem, sizeof link->problem, "no answer in time");
				return false;
			}
			error = 0;
			getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &error_length);
		}
	}
	if (error != 0) {
		snprintf(link->problem, sizeof link->problem, "%s", strerror(error));
		return fail(link, error == ETIMEDOUT ? RELAY_TIMEOUT : RELAY_REFUSED);
	}
	read_local(link);
	return true;
}

/* What OpenSSL waits for; 0: nothing, it failed. */
static short wanted(struct smtp_link *link, int result)
{
	int error = SSL_get_error(link->ssl, result);
	return error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
}

/* The first thing that OpenSSL complained of. */
static void keep_problem(struct smtp_link *link)
{
	unsigned long error = ERR_peek_error();
	const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
	if (link->problem[0] == '\0')
		snprintf(link->problem, sizeof link->problem, "%s", reason ? reason : "the connection ended");
	ERR_clear_error();
}

/* More input. False: none; link->failure says why. */
static bool fill(struct smtp_link *link, long long end_ms)
{
	for (;;) {
		ssize_t got;
		short events = POLLIN;
		if (resolver_now_ms() >= end_ms)
			return fail(link, RELAY_TIMEOUT);
		ERR_clear_error();
		if (link->ssl) {
			int result = SSL_read(link->ssl, link->in, sizeof link->in);
			events = result > 0 ? POLLIN : wanted(link, result);
			got = result > 0 ? result : events != 0 ? -1 : 0;
			if (got == 0)
				keep_problem(link);
		} else {
			got = recv(link->fd, link->in, sizeof link->in, 0);
			if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				got = 0;
		}
		if (got > 0) {
			link->at = 0;
			link->end = (size_t)got;
			return true;
		}
		if (got == 0)
			return fail(link, RELAY_CLOSED);
		if (!ready(link, events, end_ms))
			return false;
	}
}

/* One line without its end: length_r bytes came, as many as fit are kept. */
static bool read_line(struct smtp_link *link, char line_r[SMTP_LINE_KEPT + 1], size_t *length_r, size_t *bytes,
                      long long end_ms)
{
	size_t kept = 0;
	size_t length = 0;
	char before = '\0';
	for (;;) {
		if (link->at == link->end && !fill(link, end_ms))
			return false;
		char c = link->in[link->at++];
		if (++*bytes > SMTP_REPLY_BYTES_MAX)
			return fail(link, RELAY_GARBAGE);
		if (c == '\n')
			break;
		length++;
		before = c;
		if (kept < SMTP_LINE_KEPT)
			line_r[kept++] = c;
	}
	length -= before == '\r';
	kept = kept < length ? kept : length;
	line_r[kept] = '\0';
	*length_r = length;
	return true;
}

static void keep(struct smtp_reply *reply, struct span text)
{
	if (reply->length + text.length + 1 > SMTP_TEXT_MAX)
		return;
	memcpy(reply->text + reply->length, text.at, text.length);
	reply->length += text.length;
	reply->text[reply->length++] = '\n';
	reply->text[reply->length] = '\0';
}

bool smtp_read(struct smtp_link *link, struct smtp_reply *reply_r)
{
	long long end_ms = probe_step_end(&link->clock);
	memset(reply_r, 0, sizeof *reply_r);
	for (;;) {
		size_t length = 0;
		if (link->failure != RELAY_WORKED || !read_line(link, reply_r->last, &length, &reply_r->bytes, end_ms))
			return false;
		const char *line = reply_r->last;
		reply_r->longest = length > reply_r->longest ? length : reply_r->longest;
		size_t kept = length < SMTP_LINE_KEPT ? length : SMTP_LINE_KEPT;
		bool coded = kept >= 3 && line[0] >= '2' && line[0] <= '5' && ascii_digit(line[1]) && ascii_digit(line[2])
		             && (kept == 3 || line[3] == ' ' || line[3] == '-');
		if (!coded)
			return fail(link, RELAY_GARBAGE);
		reply_r->code = (unsigned)(line[0] - '0') * 100 + (unsigned)(line[1] - '0') * 10 + (unsigned)(line[2] - '0');
		keep(reply_r, span_make(line + (kept > 4 ? 4 : kept), kept > 4 ? kept - 4 : 0));
		if (kept == 3 || line[3] == ' ')
			return true;
	}
}

static bool send_all(struct smtp_link *link, const char *bytes, size_t length)
{
	long long end_ms = probe_step_end(&link->clock);
	for (size_t sent = 0; sent < length;) {
		ssize_t put;
		short events = POLLOUT;
		ERR_clear_error();
		if (link->ssl) {
			int result = SSL_write(link->ssl, bytes + sent, (int)(length - sent));
			events = result > 0 ? POLLOUT : wanted(link, result);
			put = result > 0 ? result : events != 0 ? -1 : 0;
			if (put == 0)
				keep_problem(link);
		} else {
			put = send(link->fd, bytes + sent, length - sent, MSG_NOSIGNAL);
			if (put < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				put = 0;
		}
		if (put == 0)
			return fail(link, RELAY_CLOSED);
		if (put > 0)
			sent += (size_t)put;
		else if (!ready(link, events, end_ms))
			return false;
	}
	return true;
}

bool smtp_command(struct smtp_link *link, struct smtp_reply *reply_r, const char *format, ...)
{
	char line[COMMAND_SIZE + 2];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, COMMAND_SIZE, format, arguments);
	va_end(arguments);
	memset(reply_r, 0, sizeof *reply_r);
	if (link->failure != RELAY_WORKED || length < 0 || length >= COMMAND_SIZE)
		return false;
	memcpy(line + length, "\r\n", 2);
	return send_all(link, line, (size_t)length + 2) && smtp_read(link, reply_r);
}

bool smtp_handshake(struct smtp_link *link, SSL *ssl)
{
	long long end_ms = probe_step_end(&link->clock);
	/* What stands behind the reply to STARTTLS was not encrypted. */
	link->at = link->end = 0;
	link->ssl = ssl;
	if (!ssl || SSL_set_fd(ssl, link->fd) != 1)
		return fail(link, RELAY_TLS);
	for (;;) {
		ERR_clear_error();
		int result = SSL_connect(ssl);
		if (result == 1)
			return true;
		short events = wanted(link, result);
		if (events == 0) {
			keep_problem(link);
			return fail(link, RELAY_TLS);
		}
		if (!ready(link, events, end_ms)) {
			snprintf(link->problem, sizeof link->problem, "no answer in time");
			return false;
		}
	}
}

bool smtp_greet(struct smtp_link *link, struct smtp_reply *reply_r, const char *helo)
{
	if (!smtp_command(link, reply_r, "EHLO %s", helo))
		return false;
	link->helo_only = reply_r->code / 100 != 2 && reply_r->code != 421;
	if (link->helo_only && !smtp_command(link, reply_r, "HELO %s", helo))
		return false;
	if (reply_r->code / 100 != 2)
		return fail(link, RELAY_REFUSED);
	return true;
}

void smtp_close(struct smtp_link *link)
{
	if (link->fd >= 0 && link->failure == RELAY_WORKED) {
		static const char quit[] = "QUIT\r\n";
		if (link->ssl)
			(void)SSL_write(link->ssl, quit, sizeof quit - 1);
		else
			(void)send(link->fd, quit, sizeof quit - 1, MSG_NOSIGNAL);
	}
	SSL_free(link->ssl);
	ERR_clear_error();
	if (link->fd >= 0)
		close(link->fd);
	link->ssl = NULL;
	link->fd = -1;
}

struct span smtp_extension(const struct smtp_reply *reply, const char *keyword)
{
	struct span text = span_make(reply->text, reply->length);
	/* The first line is the server's name. */
	for (size_t at = span_find(text, 0, '\n') + 1; at < text.length;) {
		size_t end = span_find(text, at, '\n');
		struct span line = span_slice(text, at, end);
		size_t word = 0;
		while (word < line.length && line.at[word] != ' ' && line.at[word] != '=')
			word++;
		if (span_equal_nocase(span_slice(line, 0, word), span_of(keyword)))
			return span_trim(span_slice(line, word < line.length ? word + 1 : word, line.length));
		at = end + 1;
	}
	return span_make(NULL, 0);
}
