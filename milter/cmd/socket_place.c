/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/socket_place.h"

#include "core/socket_name.h"
#include "core/network.h"

struct socket_place socket_place_of(struct span socket)
{
	struct socket_name name = socket_name_read(socket);
	size_t colon = span_find(socket, 0, ':');
	struct socket_place place = {
		.kind = span_slice(socket, 0, colon),
		.path = span_slice(socket, colon + 1, socket.length),
		.port = name.port,
		.host = name.has_host ? name.host : span_of("localhost"),
	};
	return place;
}

struct span socket_place_postfix(const struct socket_place *place, struct arena *arena)
{
	if (span_equal(place->kind, span_of("unix")))
		return arena_printf(arena, "unix:%.*s", (int)place->path.length, place->path.at);
	bool brackets = span_find(place->host, 0, ':') != place->host.length && place->host.at[0] != '[';
	return arena_printf(arena, "inet:%s%.*s%s:%.*s", brackets ? "[" : "", (int)place->host.length, place->host.at,
	                    brackets ? "]" : "", (int)place->port.length, place->port.at);
}

bool socket_place_is_loopback(struct span host)
{
	struct address address;
	host = socket_name_bare(host);
	return span_equal_nocase(host, span_of("localhost"))
	       || (address_parse(host, &address) && address_is_loopback(&address));
}
