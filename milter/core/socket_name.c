/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/socket_name.h"

static bool takes(struct span *text, const char *scheme)
{
	size_t length = strlen(scheme);
	if (text->length < length || memcmp(text->at, scheme, length) != 0)
		return false;
	*text = span_slice(*text, length, text->length);
	return true;
}

struct socket_name socket_name_read(struct span text)
{
	struct socket_name name = { .kind = SOCKET_NONE };
	if (span_absent(text))
		return name;
	if (takes(&text, "unix:")) {
		name.kind = SOCKET_UNIX;
		name.path = text;
		return name;
	}
	name.kind = takes(&text, "inet:") ? SOCKET_INET : takes(&text, "inet6:") ? SOCKET_INET6 : SOCKET_NONE;
	if (name.kind == SOCKET_NONE)
		return name;
	size_t at = span_find(text, 0, '@');
	name.port = span_slice(text, 0, at);
	if (!span_number(name.port, 65535, &name.port_number))
		name.port_number = 0;
	name.has_host = at < text.length;
	if (name.has_host)
		name.host = span_slice(text, at + 1, text.length);
	return name;
}

struct span socket_name_bare(struct span host)
{
	if (host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
		return span_slice(host, 1, host.length - 1);
	return host;
}
