/* SPDX-License-Identifier: BSD-2-Clause */
/* http: which Host: may ask. What comes over a connection is tried on the daemon, by t/metrics_hostile.t. */
#include "config.h"

#include "mta/http.h"

#include "tap.h"

int main(void)
{
	static const struct {
		const char *host;
		const char *here; /* "" = a unix socket */
		bool good;
	} rows[] = {
		{ "localhost", "127.0.0.1", true },
		{ "LocalHost:9471", "127.0.0.1", true },
		{ "localhost", "", true },
		{ "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1:80", "127.0.0.1", true },
		{ "127.0.0.2", "127.0.0.1", false },
		{ "127.0.0.1", "", false },
		{ "[::1]", "::1", true },
		{ "[::1]:9471", "::1", true },
		{ "::1", "::1", false },
		{ "[::1", "::1", false },
		{ "[::1]x", "::1", false },
		{ "[127.0.0.1]", "127.0.0.1", true },
		{ "[::2]:9471", "::1", false },
		{ "[IPv6:::1]", "::1", false },
		{ "192.0.2.1:9471", "192.0.2.1", true },
		{ "192.0.2.1:99999", "192.0.2.1", false },
		{ "192.0.2.1:x", "192.0.2.1", false },
		{ "192.0.2.1:", "192.0.2.1", false },
		{ "", "127.0.0.1", false },
		{ "localhost.", "127.0.0.1", false },
		{ "localhost.attacker.example", "127.0.0.1", false },
		{ "attacker.example", "127.0.0.1", false },
		{ "attacker.example:9471", "127.0.0.1", false },
		{ "127.1", "127.0.0.1", false },
		{ "2130706433", "127.0.0.1", false },
		{ "localhost@attacker.example", "127.0.0.1", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct address here = { 0 };
		if (rows[i].here[0] != '\0')
			address_parse(span_of(rows[i].here), &here);
		ok(http_host_is_here(span_of(rows[i].host), &here) == rows[i].good, "Host: %s at %s", rows[i].host,
		   rows[i].here[0] != '\0' ? rows[i].here : "a unix socket");
	}
	return done_testing();
}
