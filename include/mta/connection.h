/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connection: one connection of an MTA, from its bytes to its dialogue (dialogue.h) and back, in the loop that owns it.
 *
 * What is read is taken packet by packet, and what is answered to it goes out in one piece. A peer that does not read
 * what it is answered is not read from; neither is one whose message waits for evidence, and it is told of progress.
 * Memory is taken for bytes that came, never for what a packet says is to come, and given back when there is nothing to
 * keep. Belongs to the thread of its loop, from its adoption on.
 */
#ifndef SFDC_MTA_CONNECTION_H
#define SFDC_MTA_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "mta/loop.h"
#include "mta/protocol.h"
#include "mta/shared.h"

#define CONNECTION_ROOM (2 * PACKET_MAX) /* bytes of a loop's room that connections need */

/* Limits, in milliseconds. */
struct connection_limits {
	long long idle;     /* between packets */
	long long packet;   /* from a packet's first byte to its last */
	long long stall;    /* of a peer that does not read what it is answered */
	long long progress; /* how often it is told that its message still waits */
};

struct connection;

/* What the connections of one loop share. Set up before the loop starts, but for connections. */
struct connection_home {
	struct loop *loop;
	struct shared *shared;
	struct loop_counters *counters; /* of that loop; borrowed; NULL: nobody counts */
	struct connection_limits limits;
	struct connection *connections; /* all that the loop has adopted */
	atomic_uint open;               /* those, and those that are on their way */
	atomic_uint *unsent;            /* connections for which something waits to be sent */
	void (*closed)(void *context);  /* called in the loop after a connection was closed */
	void *context;
};

/*
 * Hand an accepted socket, which does not block, to a loop; from any thread, here: from that of the loop. It is the connection's then, which lives until
 * it ends by itself or connection_close_all(). False: there is no memory for it, and the socket stays the caller's.
 */
bool connection_adopt(struct connection_home *home, int fd, bool here);

/* Close those that have nothing to send any more; or all of them. */
void connection_close_all(struct connection_home *home, bool unsent_too);

#endif
