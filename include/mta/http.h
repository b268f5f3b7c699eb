/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http: a small HTTP server for what the filter tells of itself, in a loop of its own (loop.h) that yields to all others.
 *
 * GET and HEAD, one request for each connection, which is closed after the answer. A request whose Host: is
 * neither the address it came to nor localhost gets 421, so that no page in a browser can ask under a name that its owner
 * lets point here. Connections, header, time and the bytes of answers that wait are bounded; where all connections are taken
 * the oldest that has not asked yet makes room.
 *
 * Source: RFC 9110, RFC 9112. What cannot be read is answered by libevent (400, 413, 501), or cut off.
 */
#ifndef SFDC_MTA_HTTP_H
#define SFDC_MTA_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/network.h"
#include "core/span.h"

#define HTTP_CONNECTIONS_MAX 64
#define HTTP_PATIENCE_MS 10000               /* for a request to come whole */
#define HTTP_ANSWER_MS 30000                 /* and for its answer to be taken */
#define HTTP_HEADER_MAX 8192                 /* bytes */
#define HTTP_WAITING_MAX ((size_t)128 << 20) /* bytes of answers that are not taken yet; beyond, 503 */

struct http_answer {
	int status;
	const char *type; /* static */
	char *body;       /* on the heap; goes over to the server */
	size_t length;
};

/* A path, and what is there. make fills in an answer that is zeroed; accept is the field Accept:, absent if there is none. */
struct http_page {
	const char *path;
	void (*make)(void *context, struct span accept, struct http_answer *answer_r);
};

struct http_options {
	int listener;                  /* a listening socket, which does not block; stays the caller's */
	const struct http_page *pages; /* borrowed; the last has no path */
	void (*tick)(void *context);   /* called in its loop when it begins and once a second */
	void *context;                 /* handed to all of them */
};

struct http;

/* Begin to serve. NULL: there is no thread or memory for it (errno). */
struct http *http_start(const struct http_options *options);

/* Close all connections and release. NULL is harmless. */
void http_stop(struct http *http);

/* Whether that is the value of a Host: that may ask at here (ADDRESS_NONE: a unix socket), any port. Pure. */
bool http_host_is_here(struct span host, const struct address *here);

#endif
