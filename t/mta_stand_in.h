/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mta_stand_in: for tests of mta_findings: a machine that answers as it is told, tables, and what a usual policy asks.
 */
#ifndef SFDC_MTA_STAND_IN_H
#define SFDC_MTA_STAND_IN_H

#include <stdio.h>

#include "cmd/mta_findings.h"
#include "cmd/relayctl.h"

/* No test writes JSON. */
json_t *relayctl_json_whole(struct span text)
{
	(void)text;
	return NULL;
}

static enum reach reach_answer = REACH_GOOD;

static inline enum reach reach(void *context, const struct visit *visit, int *error_r)
{
	(void)context;
	(void)visit;
	*error_r = 13;
	return reach_answer;
}

static inline bool readable(void *context, struct span path)
{
	(void)context;
	return span_equal(path, span_of("/ca.pem")) || span_equal(path, span_of("/cert.pem"))
	       || span_equal(path, span_of("/authorities"));
}

static inline struct span read_table(void *context, struct span table)
{
	static const char *const tables[][2] = {
		{ "cidr:/clients", "# ours\n192.0.2.0/24 OK\n" },
		{ "cidr:/salesforce", "96.43.144.0/20 OK\n" },
		{ "cidr:/inside", "192.0.2.1 REJECT\n13.110.74.200/32 OK\n" },
		{ "cidr:/denied", "13.108.0.0/14 REJECT\n13.108.0.0/14 OK\n" },
		{ "cidr:/all", "0.0.0.0/0 OK\n" },
		{ "cidr:/continued", "# a row of two lines\n13.108.0.0/14\n# and\n\n  OK\n" },
		{ "cidr:/list", "13.108.0.0/14 reject_unknown_sender_domain, permit\n" },
		{ "cidr:/within", "if 13.108.0.0/24\n0.0.0.0/0 REJECT\nendif\n13.108.0.0/14 OK\n" },
		{ "cidr:/not", "!192.0.2.0/24 OK\n" },
		{ "cidr:/class", "13.108.0.0/14 some_class\n" },
		{ "cidr:/refused", "127.0.0.0/8 REJECT no\n" },
		{ "cidr:/hyperforce", "3.231.0.0/24 OK\n" },
		{ "hash:/names", ".salesforce.com OK\n" },
		{ "texthash:/networks", "# ours\n192.0.2.0/24 127.0.0.0/8,\n  13.110.74.0/24 # theirs\n" },
		{ "texthash:/relay-domains", "# ours\ndest.test\n13.108\n" },
		{ "hash:/old", "13.108 OK\n" },
		{ "hash:/senders", "example.com OK\n" },
		{ "cidr:/maps", "127.0.0.0/8 DISABLE\n0.0.0.0/0 unix:/run/sfdc-milter/sfdc-milter.sock\n" },
		{ "texthash:/star", "dest.test relay:[10.0.0.1]\n*\trelay:[192.0.2.7]\n" },
		{ "texthash:/domains", "dest.test relay:[10.0.0.1]\n" },
		{ "hash:/etc/mail/access", "Connect:13.108 RELAY\n" },
	};
	(void)context;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		if (span_equal(table, span_of(tables[i][0])))
			return span_of(tables[i][1]);
	return span_of(NULL);
}

static inline struct expectations expectations(void)
{
	struct expectations expect = {
		.config = "/etc/sfdc-milter/sfdc-milter.yaml",
		.socket = span_of("unix:/run/sfdc-milter/sfdc-milter.sock"),
		.message_timeout = 20,
		.tls_needed = true,
		.cert_counts = true,
	};
	return expect;
}

static const struct machine_questions machine = {
	.reach = reach,
	.readable = readable,
	.clock_known = true,
	.clock_right = true,
	.tables = { read_table, NULL },
};

/* The diagnostics of a level, by id, as "tickets nul"; of one service if it is named. */
static inline void ids(const struct preflight *found, enum diagnostic_level level, char *text, size_t size)
{
	size_t used = 0;
	text[0] = '\0';
	for (const struct diagnostic *finding = found->first; finding; finding = finding->next)
		if (finding->level == level)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", finding->id);
}

#endif
