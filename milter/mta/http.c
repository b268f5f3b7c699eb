/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/http.h"

#include <errno.h>
#include <fcntl.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mta/loop.h"

#define NICENESS 10
#define MISDIRECTED 421    /* RFC 9110 15.5.20 */
#define ROOM_MS 1          /* how often it is looked for room */
#define TIMEOUT_SECONDS 20 /* of libevent, between two reads or writes; the visitor's own limits come first */
#define METHODS                                                                                                        \
	(EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS      \
	 | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

/* A connection, as long as libevent has it: of its end nothing tells, but that nobody listens to its stream any more. */
struct visitor {
	struct bufferevent *stream; /* a reference of our own; libevent closes the socket */
	long long until_ms;         /* when it is cut off */
	bool asked;                 /* its request is whole */
	bool cut;
	struct visitor *next; /* the one that came after it */
};

struct http {
	struct http_options options;
	struct loop *loop;
	struct evhttp *server;
	struct evhttp_bound_socket *bound;
	struct event *tick;
	struct event *room; /* all places are taken: somebody has to go */
	struct visitor *oldest;
	struct visitor **newest;
	size_t count;
	bool full; /* no more are taken until one is gone */
	size_t waiting;
	bool ending;
	bool good;
	int error;
	sem_t begun;
	struct task task;
};

bool http_host_is_here(struct span host, const struct address *here)
{
	struct address address;
	size_t end = host.length;
	bool bracketed = host.length != 0 && host.at[0] == '[';
	size_t from = bracketed ? span_find(host, 0, ']') : 0;
	size_t colon = span_find(host, from, ':');
	if (colon < host.length) {
		unsigned long port;
		if (!span_number(span_slice(host, colon + 1, host.length), 65535, &port))
			return false;
		end = colon;
	}
	struct span name = span_slice(host, 0, end);
	if (span_equal_nocase(name, span_of("localhost")))
		return true;
	if (bracketed) {
		if (name.length < 2 || name.at[name.length - 1] != ']')
			return false;
		name = span_slice(name, 1, name.length - 1);
	}
	return !span_starts_nocase(name, span_of("IPv6:")) && address_parse(name, &address)
	       && address_equal(&address, here);
}

/* What the listener is asked to do when the last place was taken, and when one is free. */
static void set_full(struct http *http, bool full)
{
	if (full == http->full || http->ending)
		return;
	http->full = full;
	if (full)
		evconnlistener_disable(evhttp_bound_socket_get_listener(http->bound));
	else
		evconnlistener_enable(evhttp_bound_socket_get_listener(http->bound));
}

/* libevent sees the end of the connection, and closes it. */
static void cut(struct visitor *visitor)
{
	evutil_socket_t fd = bufferevent_getfd(visitor->stream);
	visitor->cut = true;
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

static bool is_gone(const struct visitor *visitor)
{
	bufferevent_data_cb on_read = NULL;
	bufferevent_data_cb on_write = NULL;
	bufferevent_event_cb on_event = NULL;
	bufferevent_getcb(visitor->stream, &on_read, &on_write, &on_event, NULL);
	return !on_read && !on_write && !on_event;
}

/* Forget those that have gone. */
static void sweep(struct http *http)
{
	struct visitor **link = &http->oldest;
	while (*link) {
		struct visitor *visitor = *link;
		if (!is_gone(visitor)) {
			link = &visitor->next;
			continue;
		}
		*link = visitor->next;
		bufferevent_decref(visitor->stream);
		free(visitor);
		http->count--;
	}
	http->newest = link;
	set_full(http, http->count >= HTTP_CONNECTIONS_MAX);
}

/*
 * Half of the places, of those that have not asked yet the oldest; where all have, that whose answer waits for the longest.
 * Whoever has sent its request when it is accepted has asked before this is looked at.
 */
static void make_room(struct http *http)
{
	unsigned left = HTTP_CONNECTIONS_MAX / 2;
	bool some = false;
	for (struct visitor *visitor = http->oldest; visitor && left > 0; visitor = visitor->next) {
		some = some || visitor->cut;
		if (visitor->asked || visitor->cut)
			continue;
		cut(visitor);
		some = true;
		left--;
	}
	if (!some && http->oldest)
		cut(http->oldest);
}

static void look_for_room(struct http *http)
{
	static const struct timeval soon = { .tv_usec = ROOM_MS * 1000 };
	sweep(http);
	if (http->count < HTTP_CONNECTIONS_MAX)
		return;
	make_room(http);
	event_add(http->room, &soon);
}

static void on_room(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	look_for_room(context);
}

/* Of a connection that is accepted. NULL: libevent makes a stream of its own. */
static struct bufferevent *on_visitor(struct event_base *base, void *context)
{
	struct http *http = context;
	struct visitor *visitor = calloc(1, sizeof *visitor);
	struct bufferevent *stream = visitor ? bufferevent_socket_new(base, -1, 0) : NULL;
	if (!stream) {
		free(visitor);
		return NULL;
	}
	sweep(http);
	bufferevent_incref(stream);
	visitor->stream = stream;
	visitor->until_ms = loop_now_ms() + HTTP_PATIENCE_MS;
	*http->newest = visitor;
	http->newest = &visitor->next;
	/* Nobody listens to it yet, so that it must not be looked at. */
	if (++http->count >= HTTP_CONNECTIONS_MAX) {
		static const struct timeval now = { 0, 0 };
		set_full(http, true);
		event_add(http->room, &now);
	}
	return stream;
}

static struct visitor *visitor_of(struct http *http, struct evhttp_request *request)
{
	const struct bufferevent *stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	struct visitor *visitor = http->oldest;
	while (visitor && visitor->stream != stream)
		visitor = visitor->next;
	return visitor;
}

/* The address a connection came to; ADDRESS_NONE: a unix socket. */
static struct address address_here(const struct visitor *visitor)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	evutil_socket_t fd = bufferevent_getfd(visitor->stream);
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&name, &length) != 0)
		return address_from_bytes(NULL, 0);
	if (name.ss_family == AF_INET)
		return address_from_bytes(&((struct sockaddr_in *)(void *)&name)->sin_addr, 4);
	if (name.ss_family == AF_INET6)
		return address_from_bytes(&((struct sockaddr_in6 *)(void *)&name)->sin6_addr, 16);
	return address_from_bytes(NULL, 0);
}

struct lease {
	struct http *http;
	size_t length;
};

static void on_taken(const void *body, size_t length, void *context)
{
	struct lease *lease = context;
	(void)length;
	lease->http->waiting -= lease->length;
	free((void *)(uintptr_t)body);
	free(lease);
}

static void add_field(struct evhttp_request *request, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* Takes over the body. */
static void answer_with(struct http *http, struct evhttp_request *request, struct http_answer *answer)
{
	struct evbuffer *buffer = evbuffer_new();
	struct lease *lease = malloc(sizeof *lease);
	bool head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
	char length[32];
	snprintf(length, sizeof length, "%zu", answer->length);
	add_field(request, "Connection", "close");
	add_field(request, "Cache-Control", "no-store");
	add_field(request, "X-Content-Type-Options", "nosniff");
	add_field(request, "Content-Type", answer->type);
	add_field(request, "Content-Length", length);
	if (answer->status == HTTP_BADMETHOD)
		add_field(request, "Allow", "GET, HEAD");
	if (buffer && lease && !head && answer->length != 0) {
		*lease = (struct lease) { http, answer->length };
		if (evbuffer_add_reference(buffer, answer->body, answer->length, on_taken, lease) == 0) {
			http->waiting += answer->length;
			answer->body = NULL;
			lease = NULL;
		}
	}
	bool failed = !buffer || (answer->body && !head && answer->length != 0);
	free(lease);
	free(answer->body);
	if (failed)
		evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
	else
		evhttp_send_reply(request, answer->status, answer->status == MISDIRECTED ? "Misdirected Request" : NULL,
		                  buffer);
	if (buffer)
		evbuffer_free(buffer);
}

static void answer_words(struct http *http, struct evhttp_request *request, int status, const char *words)
{
	struct http_answer answer = { .status = status, .type = "text/plain; charset=utf-8", .body = strdup(words) };
	answer.length = answer.body ? strlen(words) : 0;
	answer_with(http, request, &answer);
}

/* The one value of Host:. False: there are several. */
static bool read_host(struct evhttp_request *request, const char **host_r)
{
	const struct evkeyvalq *fields = evhttp_request_get_input_headers(request);
	const struct evkeyval *field;
	*host_r = NULL;
	TAILQ_FOREACH(field, fields, next)
	{
		if (strcasecmp(field->key, "Host") != 0)
			continue;
		if (*host_r)
			return false;
		*host_r = field->value;
	}
	return true;
}

/* Why a request is not answered with a page; NULL: it may be. */
static const char *refuse(const struct visitor *visitor, struct evhttp_request *request, int *status_r)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *asked = uri ? evhttp_uri_get_host(uri) : NULL;
	const char *host;
	struct address here = address_here(visitor);
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (!uri || !read_host(request, &host)) {
		*status_r = HTTP_BADREQUEST;
		return "this is no request that can be read\n";
	}
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		*status_r = HTTP_BADMETHOD;
		return "only GET and HEAD are answered\n";
	}
	if ((host && !http_host_is_here(span_of(host), &here)) || (asked && !http_host_is_here(span_of(asked), &here))) {
		*status_r = MISDIRECTED;
		return "Host is neither the address of this listener nor localhost; ask by one of these\n";
	}
	return NULL;
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct http *http = context;
	struct visitor *visitor = visitor_of(http, request);
	struct http_answer answer = { 0 };
	int status = HTTP_SERVUNAVAIL;
	if (!visitor) {
		evhttp_send_error(request, status, NULL);
		return;
	}
	visitor->asked = true;
	visitor->until_ms = loop_now_ms() + HTTP_ANSWER_MS;
	const char *words = refuse(visitor, request, &status);
	if (words) {
		answer_words(http, request, status, words);
		return;
	}
	if (http->waiting > HTTP_WAITING_MAX) {
		answer_words(http, request, HTTP_SERVUNAVAIL, "too many answers wait to be read\n");
		return;
	}
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
	const struct http_page *page = http->options.pages;
	while (page->path && (!path || strcmp(path, page->path) != 0))
		page++;
	if (!page->path) {
		answer_words(http, request, HTTP_NOTFOUND, "there are /metrics, /healthz, /readyz and /status\n");
		return;
	}
	page->make(http->options.context, span_of(evhttp_find_header(evhttp_request_get_input_headers(request), "Accept")),
	           &answer);
	answer_with(http, request, &answer);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct http *http = context;
	long long now = loop_now_ms();
	(void)fd;
	(void)what;
	sweep(http);
	for (struct visitor *visitor = http->oldest; visitor; visitor = visitor->next)
		if (!visitor->cut && now >= visitor->until_ms)
			cut(visitor);
	http->options.tick(http->options.context);
}

static bool set_up(struct http *http)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct event_base *base = loop_base(http->loop);
	http->server = evhttp_new(base);
	http->tick = event_new(base, -1, EV_PERSIST, on_tick, http);
	http->room = event_new(base, -1, 0, on_room, http);
	if (!http->server || !http->tick || !http->room || event_add(http->tick, &second) != 0)
		return false;
	evhttp_set_allowed_methods(http->server, METHODS);
	evhttp_set_max_headers_size(http->server, HTTP_HEADER_MAX);
	evhttp_set_max_body_size(http->server, HTTP_HEADER_MAX);
	evhttp_set_timeout(http->server, TIMEOUT_SECONDS);
	evhttp_set_bevcb(http->server, on_visitor, http);
	evhttp_set_gencb(http->server, on_request, http);
	/* The socket stays the caller's. */
	int fd = fcntl(http->options.listener, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return false;
	struct evconnlistener *listener =
		evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		close(fd);
		return false;
	}
	http->bound = evhttp_bind_listener(http->server, listener);
	if (!http->bound)
		evconnlistener_free(listener);
	return http->bound != NULL;
}

static void release(struct http *http)
{
	http->ending = true;
	if (http->tick)
		event_free(http->tick);
	if (http->room)
		event_free(http->room);
	if (http->server)
		evhttp_free(http->server);
}

/* libevent releases what was let go in a later turn. */
static void finish(evutil_socket_t fd, short what, void *context)
{
	struct http *http = context;
	(void)fd;
	(void)what;
	loop_end(http->loop);
}

static void begin(struct task *task)
{
	struct http *http = (struct http *)(void *)((char *)task - offsetof(struct http, task));
	/* Of this thread alone, in Linux. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
	http->good = set_up(http);
	http->error = errno != 0 ? errno : ENOMEM;
	if (http->good)
		http->options.tick(http->options.context);
	sem_post(&http->begun);
}

static void end(struct task *task)
{
	struct http *http = (struct http *)(void *)((char *)task - offsetof(struct http, task));
	static const struct timeval soon = { .tv_usec = 1000 };
	release(http);
	sweep(http);
	if (event_base_once(loop_base(http->loop), -1, EV_TIMEOUT, finish, http, &soon) != 0)
		loop_end(http->loop);
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	http->task.run = end;
	loop_post(http->loop, &http->task);
	loop_join(http->loop);
	loop_free(http->loop);
	sem_destroy(&http->begun);
	free(http);
}

struct http *http_start(const struct http_options *options)
{
	struct http *http = calloc(1, sizeof *http);
	if (!http)
		return NULL;
	http->options = *options;
	http->newest = &http->oldest;
	http->task.run = begin;
	http->loop = loop_start("metrics", 1);
	if (!http->loop) {
		free(http);
		return NULL;
	}
	sem_init(&http->begun, 0, 0);
	loop_post(http->loop, &http->task);
	while (sem_wait(&http->begun) != 0)
		continue;
	if (http->good)
		return http;
	int error = http->error;
	http_stop(http);
	errno = error;
	return NULL;
}
