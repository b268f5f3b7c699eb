/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_relay: everything that is looked at of one address and port of a relay, by connections of its own for each question.
 * A message is never sent.
 */
#ifndef SFDC_CMD_PROBE_RELAY_H
#define SFDC_CMD_PROBE_RELAY_H

#include <stdbool.h>

#include "cmd/probe_smtp.h"
#include "cmd/probe_tls.h"
#include "cmd/relay_verdict.h"

/* Versions that are tried one by one. */
enum probe_version { PROBE_TLS_1_0, PROBE_TLS_1_1, PROBE_TLS_1_2, PROBE_TLS_1_3, PROBE_VERSIONS };

const char *probe_version_name(enum probe_version version);

enum probe_answer { PROBE_UNKNOWN, PROBE_YES, PROBE_NO };

/* What became of RCPT for a recipient elsewhere. */
struct probe_rcpt {
	enum probe_answer taken;
	char reply[SMTP_LINE_KEPT + 1];
	const char *command; /* that the reply is to; static */
};

enum probe_forging { PROBE_PLAIN, PROBE_FORGED, PROBE_FORGINGS };

struct probe_plan {
	SSL_CTX *tls;
	struct probe_clock clock;
	struct span host;      /* the name a certificate must have */
	const char *helo;      /* NULL: the address that the connection comes from */
	const char *recipient; /* of the open-relay probe; NULL: no such probe */
};

/* One address and port, as it was seen. Zeroed: not looked at. */
struct probe_view {
	struct span host;
	struct address address;
	unsigned port;
	struct address local; /* the address probed from */
	struct relay_seen seen;
	char reply[SMTP_LINE_KEPT + 1];       /* the reply, or what came in its place, at which a session stopped */
	char clear_reply[SMTP_LINE_KEPT + 1]; /* to MAIL in clear */
	char problem[160];                    /* of the system or TLS, in words */
	bool speaks_http;
	bool speaks_tls;     /* from the start, without STARTTLS */
	bool helo_only;      /* EHLO is refused, HELO is not */
	size_t longest_line; /* of banner and EHLO */
	size_t banner_bytes;
	char software[200]; /* the banner's first line */
	bool auth_in_clear;
	bool auth_with_tls;
	char mechanisms[200]; /* of AUTH over TLS, or in clear without TLS */
	enum probe_answer size_offered;
	char size[24];
	struct tls_seen tls;
	enum probe_answer versions[PROBE_VERSIONS];
	struct probe_rcpt rcpt[PROBE_FORGINGS];
	bool late; /* time ran out before everything was looked at */
};

/* Look at view->address and port; host and the address are set by the caller. arena outlives the view. */
void probe_relay(const struct probe_plan *plan, struct arena *arena, struct probe_view *view);

/*
 * Which of count ports of an address answer: those that can be connected to, all tried within one step. False in
 * answers_r for the others.
 */
void probe_ports(const struct probe_clock *clock, const struct address *address, const unsigned *environment,
                 size_t count, bool *answers_r);

#endif
