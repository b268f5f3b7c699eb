/* SPDX-License-Identifier: BSD-2-Clause */
/* postfix_setup: what postconf prints: values with names in them, lists, times, versions, sockets. */
#include <stdio.h>

#include "postfix_stand_in.h"
#include "tap.h"

static void test_values(void)
{
	static const struct {
		const char *value;
		const char *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "$mail_name $mail_version", "Postfix 3.7.11" },
		{ "${mail_name}$(mail_version)", "Postfix3.7.11" },
		{ "a$$b", "a$b" },
		{ "$mynetworks", "" }, /* the service's own */
		{ "${relayhost?x}${relayhost:y}", "y" },
		{ "${mail_name?{a $mail_name}:{b}}", "a Postfix" },
		{ "${relayhost?{a}:{b}}", "b" },
		{ "$service_name", "10025" },
		{ "$loop", "$loop" },
		{ "$nothing", "" },
		{ "$", "" },
		{ "${", "" },
	};
	struct arena arena;
	struct postfix_setup setup;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char option[128];
		arena_init(&arena, 0);
		snprintf(option, sizeof option, "10025/inet/loop = %s", rows[i].value);
		struct postfix_output output = changed("", option, "", &arena);
		ok(postfix_read(&output, NULL, &arena, &setup), "read");
		is_span(postfix_value(&setup, &setup.services[1], "loop"), span_of(rows[i].want), rows[i].value);
		arena_clear(&arena);
	}
}

static void test_lists(void)
{
	struct span list = span_of(" a, b\tinline:{x=y, z},{ unix:/s, default_action=accept } ");
	static const char *const want[] = { "a", "b", "inline:{x=y, z}", "unix:/s, default_action=accept" };
	struct span item;
	for (size_t i = 0; i < 4; i++) {
		ok(postfix_next(&list, &item), "there is an item");
		is_span(item, span_of(want[i]), want[i]);
	}
	ok(!postfix_next(&list, &item), "and no more");
	static const struct {
		const char *text;
		bool good;
		unsigned long seconds;
	} times[] = { { "30s", true, 30 },    { "5m", true, 300 },    { "20", true, 20 }, { "1h", true, 3600 },
		          { "2D", true, 172800 }, { "1w", true, 604800 }, { "", false, 0 },   { "x", false, 0 },
		          { "-1s", false, 0 },    { "s", false, 0 } };
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		unsigned long seconds = 0;
		ok(postfix_seconds(span_of(times[i].text), &seconds) == times[i].good && seconds == times[i].seconds,
		   "time [%s]", times[i].text);
	}
	static const struct {
		const char *version;
		bool mended;
	} versions[] = { { "3.7.11", false }, { "3.7.22", true },        { "3.10.12", false }, { "3.10.13", true },
		             { "3.11.6", true },  { "3.12-20260716", true }, { "3.6.19", false },  { "4.0.0", true },
		             { "", false },       { "x.y", false } };
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
		ok(postfix_mended(span_of(versions[i].version)) == versions[i].mended, "version %s", versions[i].version);
}

static void test_sockets(void)
{
	static const struct {
		const char *theirs;
		const char *ours;
		bool same; /* for the chrooted service and the other */
		bool same_chrooted;
	} rows[] = {
		{ "unix:/run/s", "unix:/run/s", true, true },
		{ "unix:/sfdc/s", "unix:/var/spool/postfix/sfdc/s", false, true },
		{ "unix:sfdc/s", "unix:/var/spool/postfix/sfdc/s", true, true },
		{ "unix:/run/s", "unix:/run/t", false, false },
		{ "unix:/var/run/s", "unix:/run/s", true, true },
		{ "unix:/run//s", "unix:/run/s", true, true },
		{ "unix:/varrun/s", "unix:/run/s", false, false },
		{ "unix:sfdc//s", "unix:/var/spool/postfix/sfdc/s", true, true },
		{ "inet:127.0.0.1:8891", "inet:8891@127.0.0.1", true, true },
		{ "inet:localhost:8891", "inet:8891@127.0.0.1", true, true },
		{ "inet:[::1]:8891", "inet6:8891@::1", true, true },
		{ "inet:localhost:8892", "inet:8891@127.0.0.1", false, false },
		{ "inet:192.0.2.1:8891", "inet:8891@127.0.0.1", false, false },
		{ "inet:192.0.2.1:8891", "inet:8891@0.0.0.0", true, true },
		{ "unix:/run/s", "inet:8891@127.0.0.1", false, false },
		{ "inet:127.0.0.1:8891", "unix:/run/s", false, false },
		{ "", "unix:/run/s", false, false },
	};
	struct arena arena;
	struct postfix_setup setup;
	arena_init(&arena, 0);
	struct postfix_output output = changed("", "", "", &arena);
	ok(postfix_read(&output, NULL, &arena, &setup), "read");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ok(postfix_same_socket(&setup, &setup.services[1], span_of(rows[i].theirs), span_of(rows[i].ours))
		       == rows[i].same,
		   "%s and %s", rows[i].theirs, rows[i].ours);
		ok(postfix_same_socket(&setup, &setup.services[0], span_of(rows[i].theirs), span_of(rows[i].ours))
		       == rows[i].same_chrooted,
		   "%s and %s, chrooted", rows[i].theirs, rows[i].ours);
	}
	arena_clear(&arena);
}

int main(void)
{
	test_values();
	test_lists();
	test_sockets();
	return done_testing();
}
