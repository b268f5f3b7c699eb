/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_name: the one reader of a socket as it is written in the configuration and at -p. Pure; thread-safe.
 *
 *   unix:PATH | inet:PORT@HOST | inet6:PORT@HOST      (HOST may be left out: every address)
 *
 * It takes apart and judges nothing but the port: what a path or a host may be is up to who asks.
 */
#ifndef SFDC_CORE_SOCKET_NAME_H
#define SFDC_CORE_SOCKET_NAME_H

#include <stdbool.h>

#include "core/span.h"

enum socket_kind { SOCKET_NONE, SOCKET_UNIX, SOCKET_INET, SOCKET_INET6 };

/* Spans are borrowed from the text. */
struct socket_name {
	enum socket_kind kind;     /* SOCKET_NONE: it is none of these */
	struct span path;          /* SOCKET_UNIX */
	struct span port;          /* of the others: as it is written */
	unsigned long port_number; /* 1 to 65535; 0: the port is no such number */
	bool has_host;             /* there is an "@" */
	struct span host;          /* behind it, as it is written, with brackets or without; absent: no "@" */
};
struct socket_name socket_name_read(struct span text);

/* A host without the brackets around it. */
struct span socket_name_bare(struct span host);

#endif
