/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server: takes the MTA's connections and spreads them over event loops, one for each CPU.
 *
 * No more connections are taken than there are descriptors for, with some left for look-ups; others wait their turn in
 * the listening socket's queue, and so do all while the system has no descriptor or memory to spare.
 */
#ifndef SFDC_MTA_SERVER_H
#define SFDC_MTA_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "mta/connection.h"

#define SERVER_TEXT_SIZE 200
#define SERVER_WORKERS_MAX 256

struct server;

struct server_options {
	int listener;                    /* the listening socket, which does not block; stays the caller's */
	unsigned workers;                /* event loops; 0: one for each CPU this process may use */
	size_t connections_max;          /* 0: as many as there are descriptors for */
	struct connection_limits limits; /* zeroed: as the protocol has them */
	size_t reserved;                 /* descriptors that connections must leave to others */
	struct shared *shared;           /* borrowed */
	struct counters *counters;       /* borrowed, of server_loops() loops; NULL: nobody counts */
};

/* How many loops so many workers are. */
size_t server_loops(unsigned workers);

/*
 * Start the loops; when this returns they turn. Some loops that cannot be had do not matter; the log says so. NULL: not
 * even one can be had; text_r says why.
 */
struct server *server_start(const struct server_options *options, char text_r[SERVER_TEXT_SIZE]);

/* Begin to take connections. */
void server_open(struct server *server);

/* Connections that are open. From any thread. */
size_t server_connections(struct server *server);

/*
 * Have each loop show that it turns. now_ms: on a clock that does not go back. One thread at a time. Returns for how long the
 * loop has not answered that has not for the longest, in milliseconds.
 */
long long server_beat(struct server *server, long long now_ms);

/*
 * Finish: messages that begin are refused, as service->stopping has it, those under way go on to their end, for
 * patience_ms at most. Then all connections are closed, and everything is released. Returns how many messages did not
 * come to their end.
 */
unsigned server_stop(struct server *server, long long patience_ms);

#endif
