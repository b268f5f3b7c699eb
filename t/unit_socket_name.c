/* SPDX-License-Identifier: BSD-2-Clause */
/* socket_name: each form taken apart; what is no such form. */
#include "core/socket_name.h"
#include "tap.h"

static void test_forms(void)
{
	static const struct {
		const char *text;
		enum socket_kind kind;
		const char *path, *port;
		unsigned long number;
		const char *host;
	} rows[] = {
		{ "unix:/run/a@b", SOCKET_UNIX, "/run/a@b", NULL, 0, NULL },
		{ "unix:", SOCKET_UNIX, "", NULL, 0, NULL },
		{ "inet:8891@127.0.0.1", SOCKET_INET, NULL, "8891", 8891, "127.0.0.1" },
		{ "inet6:65535@[::1]", SOCKET_INET6, NULL, "65535", 65535, "[::1]" },
		{ "inet:1", SOCKET_INET, NULL, "1", 1, NULL },
		{ "inet:1@", SOCKET_INET, NULL, "1", 1, "" },
		{ "inet:0@h", SOCKET_INET, NULL, "0", 0, "h" },
		{ "inet:65536@h", SOCKET_INET, NULL, "65536", 0, "h" },
		{ "inet:smtp@h", SOCKET_INET, NULL, "smtp", 0, "h" },
		{ "inet: 1@h", SOCKET_INET, NULL, " 1", 0, "h" },
		{ "inet:1@a@b", SOCKET_INET, NULL, "1", 1, "a@b" },
		{ "local:/run/a", SOCKET_NONE, NULL, NULL, 0, NULL },
		{ "INET:1@h", SOCKET_NONE, NULL, NULL, 0, NULL },
		{ "/run/a", SOCKET_NONE, NULL, NULL, 0, NULL },
		{ "", SOCKET_NONE, NULL, NULL, 0, NULL },
		{ NULL, SOCKET_NONE, NULL, NULL, 0, NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct socket_name name = socket_name_read(span_of(rows[i].text));
		const char *what = rows[i].text ? rows[i].text : "none";
		ok(name.kind == rows[i].kind && name.port_number == rows[i].number, "kind and port: %s", what);
		ok(name.has_host == (rows[i].host != NULL), "whether a host is named: %s", what);
		is_span(name.path, span_of(rows[i].path), what);
		is_span(name.port, span_of(rows[i].port), what);
		is_span(name.host, span_of(rows[i].host), what);
	}
}

static void test_bare(void)
{
	is_span(socket_name_bare(span_of("[::1]")), span_of("::1"), "without its brackets");
	is_span(socket_name_bare(span_of("::1")), span_of("::1"), "where there are none");
	is_span(socket_name_bare(span_of("[]")), span_of("[]"), "there has to be something in them");
	is_span(socket_name_bare(span_of("[::1")), span_of("[::1"), "and there have to be both");
}

int main(void)
{
	test_forms();
	test_bare();
	return done_testing();
}
