/* SPDX-License-Identifier: BSD-2-Clause */
/* sendmail_findings: what is made of sendmail.cf. */
#include "mta_stand_in.h"
#include "tap.h"

static void test_sendmail(void)
{
	static const char filter[] = "Xsfdc, S=local:/run/sfdc-milter/sfdc-milter.sock, F=T, T=C:30s;S:30s;R:60s;E:5m\n";
	static const char daemon[] = "O DaemonPortOptions=Port=10025, Name=SFDC, InputMailFilters=sfdc\n";
	static const char rest[] = "DZ8.17.1.9\nO CACertFile=/ca.pem\nKaccess hash -T<TMPF> /etc/mail/other\n";
	static const struct {
		const char *text; /* replaces nothing, comes last */
		const char *filter;
		const char *daemon;
		const char *fixes;
		const char *advice;
	} rows[] = {
		{ "", filter, daemon, "", "relay-unknown tickets bare-newline" },
		{ "", "", daemon, "no-service", "tickets bare-newline" },
		{ "", filter, "O DaemonPortOptions=Name=MTA\n", "no-service", "relay-unknown tickets bare-newline" },
		{ "O InputMailFilters=sfdc\n", filter, "O DaemonPortOptions=Name=MTA\n", "",
		  "relay-unknown tickets bare-newline" },
		{ "O InputMailFilters=other,sfdc\n", filter, "O DaemonPortOptions=Name=MTA\n", "",
		  "milter-order relay-unknown tickets bare-newline" },
		{ "", "Xsfdc, S=unix:/run/sfdc-milter/sfdc-milter.sock, F=, T=R:60s\n", daemon, "default-action",
		  "relay-unknown tickets bare-newline" },
		{ "", "Xsfdc, S=/run/sfdc-milter/sfdc-milter.sock, F=R, T=R:60s\n", daemon, "default-action",
		  "relay-unknown tickets bare-newline" },
		{ "", "Xsfdc, S=local:/run/sfdc-milter/sfdc-milter.sock, F=4\n", daemon, "timeout",
		  "relay-unknown tickets bare-newline" },
		{ "O MaxHeadersLength=0\n", filter, daemon, "headers-length", "relay-unknown tickets bare-newline" },
		{ "O MaxHeadersLength=100000\n", filter, daemon, "headers-length", "relay-unknown tickets bare-newline" },
		{ "O MaxHeadersLength=32768\n", filter, daemon, "", "relay-unknown tickets bare-newline" },
		{ "", filter, "O DaemonPortOptions=Name=SFDC, I=sfdc\n", "", "relay-unknown tickets bare-newline" },
		{ "O InputMailFilters=sfdc\n", filter, "O DaemonPortOptions = Name=MTA, I=\n", "no-service",
		  "relay-unknown tickets bare-newline" },
		{ "Xagain, S=local:/run/sfdc-milter/sfdc-milter.sock, F=\nO DaemonPortOptions=Name=B, Input=again\n", filter,
		  daemon, "default-action timeout", "relay-unknown tickets bare-newline" },
		{ "O DaemonPortOptions=Name=B\nCR192.0.2 13.108\n", filter, daemon, "other-service",
		  "relay-unknown tickets bare-newline" },
		{ "O DaemonPortOptions=Name=B\nC{R}mta.salesforce.com\n", filter, daemon, "other-service",
		  "relay-unknown tickets bare-newline" },
		{ "O DaemonPortOptions=Name=B\nFR-o /relay-domains %[^\\#]\n", filter, daemon, "other-service",
		  "relay-unknown tickets bare-newline" },
		{ "O DaemonPortOptions=Name=B\nF{R}/gone\nCRdest.test\n", filter, daemon, "",
		  "relay-unknown tickets bare-newline" },
		{ "#####  $Id: relay_mail_from.m4,v 8.13 2013-11-22 20:51:11 ca Exp $  #####\n", filter, daemon, "open-relay",
		  "relay-unknown tickets bare-newline" },
		{ "DZ8.18.1\n", filter, daemon, "", "relay-unknown tickets" },
		{ "DZ9\n", filter, daemon, "", "relay-unknown tickets bare-newline" },
		{ "O AuthMechanisms=PLAIN ANONYMOUS\n", filter, daemon, "auth-anonymous",
		  "relay-unknown tickets bare-newline" },
		{ "O AuthMechanisms=PLAIN ANONYMOUS\nO AuthOptions=A,y\n", filter, daemon, "",
		  "relay-unknown tickets bare-newline" },
		{ "O TLSSrvOptions=V\n", filter, daemon, "", "relay-unknown ask-ccert tickets bare-newline" },
		{ "O CACertFile=/gone\n", filter, daemon, "", "relay-unknown ca-file tickets bare-newline" },
		{ "#####  $Id: promiscuous_relay.m4,v 8.13 2013-11-22 20:51:11 ca Exp $  #####\n", filter, daemon, "open-relay",
		  "relay-unknown tickets bare-newline" },
		{ "#####  $Id: relay_local_from.m4,v 8.13 2013-11-22 20:51:11 ca Exp $  #####\n", filter, daemon, "open-relay",
		  "relay-unknown tickets bare-newline" },
	};
	struct expectations expect = expectations();
	char got[512], want[128];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena arena;
		struct preflight found;
		struct sendmail_setup setup;
		arena_init(&arena, 0);
		preflight_init(&found);
		sendmail_read(arena_printf(&arena, "%s%s%s%s", rest, rows[i].filter, rows[i].daemon, rows[i].text), &setup);
		sendmail_findings(&found, &setup, &expect, &machine);
		snprintf(want, sizeof want, "Sendmail [%s%s%s]", rows[i].text, rows[i].filter, rows[i].daemon);
		ids(&found, FINDING_FIX, got, sizeof got);
		is_text(got, rows[i].fixes, want);
		ids(&found, FINDING_ADVICE, got, sizeof got);
		is_text(got, rows[i].advice, "and advice");
		preflight_clear(&found);
		arena_clear(&arena);
	}
}

static void test_sendmail_ways_round(void)
{
	static const char text[] = "Xsfdc, S=local:/run/sfdc-milter/sfdc-milter.sock, F=T, T=R:60s\nO CACertFile=/ca.pem\n"
							   "O DaemonPortOptions=Port=10025, Name=SFDC, InputMailFilters=sfdc\n"
							   "O DaemonPortOptions=Port=smtp, Name=MTA\nKaccess hash -T<TMPF> /etc/mail/access\n"
							   "O AuthMechanisms=PLAIN LOGIN\nO AuthOptions=A\nDSrelay:[10.0.0.1]\n";
	struct expectations expect = expectations();
	struct arena arena;
	struct preflight found;
	struct sendmail_setup setup;
	char got[512];
	arena_init(&arena, 0);
	struct set *mailers = set_new(&arena, SET_EXACT);
	set_add(mailers, span_of("relay"));
	expect.unlocked = expect.auth_counts = expect.salesforce_only = true;
	expect.local_mailers = mailers;
	preflight_init(&found);
	sendmail_read(span_of(text), &setup);
	sendmail_findings(&found, &setup, &expect, &machine);
	ids(&found, FINDING_FIX, got, sizeof got);
	is_text(got, "other-service open-relay auth-in-clear inside", "Sendmail: ways round the milter, and W02");
	ok(preflight_worst(&found) == FINDING_FIX, "the worst counts");
	preflight_clear(&found);
	arena_clear(&arena);
}

int main(void)
{
	test_sendmail();
	test_sendmail_ways_round();
	return done_testing();
}
