/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/postfix_setup.h"
#include "cmd/socket_place.h"
#include "core/socket_name.h"

static bool takes(struct span *text, const char *word)
{
	if (!span_starts_nocase(*text, span_of(word)))
		return false;
	*text = span_slice(*text, strlen(word), text->length);
	return true;
}

/* HOST:PORT, as Postfix writes it; the last colon counts. */
static struct socket_place inet_place(struct span text)
{
	size_t colon = span_last(text, ':');
	struct socket_place place = {
		.host = span_slice(text, 0, colon),
		.port = span_slice(text, colon + 1, text.length),
	};
	return place;
}

static bool is_any(struct span host)
{
	return span_equal(host, span_of("0.0.0.0")) || span_equal(host, span_of("::"));
}

/* A path with one slash for several, and as /run where it begins with /var/run. */
static struct span plain_path(const struct postfix_setup *setup, struct span path)
{
	char *plain = arena_alloc(setup->arena, path.length + 1);
	size_t length = 0;
	if (!plain)
		return path;
	for (size_t i = 0; i < path.length; i++)
		if (path.at[i] != '/' || length == 0 || plain[length - 1] != '/')
			plain[length++] = path.at[i];
	struct span whole = span_make(plain, length);
	static const char run[] = "/var/run/";
	return span_starts_nocase(whole, span_of(run)) ? span_slice(whole, strlen("/var"), length) : whole;
}

/* A relative path begins in the queue's folder, and so does every path of a service that is chrooted there. */
static bool same_path(const struct postfix_setup *setup, const struct postfix_service *shared, struct span path,
                      struct span ours)
{
	struct span queue = postfix_value(setup, NULL, "queue_directory");
	bool absolute = path.length != 0 && path.at[0] == '/';
	ours = plain_path(setup, ours);
	if (absolute && span_equal(plain_path(setup, path), ours))
		return true;
	if (absolute && !(shared && shared->chrooted))
		return false;
	struct span real = arena_printf(setup->arena, "%.*s%s%.*s", (int)queue.length, queue.at ? queue.at : "",
	                                absolute ? "" : "/", (int)path.length, path.at);
	return span_equal(plain_path(setup, real), ours);
}

bool postfix_same_socket(const struct postfix_setup *setup, const struct postfix_service *shared, struct span address,
                         struct span socket)
{
	struct socket_place ours = socket_place_of(socket);
	if (span_equal(ours.kind, span_of("unix")))
		return (takes(&address, "unix:") || takes(&address, "local:")) && same_path(setup, shared, address, ours.path);
	if (!takes(&address, "inet6:") && !takes(&address, "inet:"))
		return false;
	struct socket_place theirs = inet_place(address);
	struct span host = socket_name_bare(ours.host);
	return span_equal(theirs.port, ours.port)
	       && (span_equal_nocase(socket_name_bare(theirs.host), host) || is_any(host)
	           || (socket_place_is_loopback(theirs.host) && socket_place_is_loopback(host)));
}
