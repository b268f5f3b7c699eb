/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_place: the parts of a milter's socket as the configuration writes it. Pure.
 */
#ifndef SFDC_CMD_SOCKET_PLACE_H
#define SFDC_CMD_SOCKET_PLACE_H

#include "core/arena.h"
#include "core/span.h"

/* "inet:PORT@HOST", "inet6:PORT@HOST" or "unix:PATH"; borrowed from it. */
struct socket_place {
	struct span kind; /* "unix", "inet" or "inet6" */
	struct span path; /* of unix */
	struct span port; /* of the others, as the rest */
	struct span host; /* as it is written, with brackets or without; "localhost" where none is named */
};
struct socket_place socket_place_of(struct span socket);

/* The socket as Postfix writes it: "unix:PATH", "inet:HOST:PORT". Absent without memory. */
struct span socket_place_postfix(const struct socket_place *place, struct arena *arena);

/* Whether the host is this machine's own loopback, by address or as "localhost". */
bool socket_place_is_loopback(struct span host);

#endif
