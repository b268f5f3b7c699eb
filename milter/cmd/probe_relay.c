/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/probe_relay.h"

#include <stdio.h>
#include <string.h>

#include "evidence/resolver.h"

/* The traits of a message of Salesforce that anybody can write. The address is nobody's: its organization does not exist. */
#define FORGED_HELO "smtp07-ia4-sp3.mta.salesforce.com"
#define FORGED_SENDER "probe=example.com__0-1r12zvjmnf8rqu@xqfk2ane5qjq38ec.gpawymg.8d-3trx3eag.um8.bnc.salesforce.com"
#define PLAIN_SENDER "check-relay@example.com"

static const struct {
	int number;
	const char *name;
} versions[PROBE_VERSIONS] = {
	[PROBE_TLS_1_0] = { TLS1_VERSION, "TLSv1" },
	[PROBE_TLS_1_1] = { TLS1_1_VERSION, "TLSv1.1" },
	[PROBE_TLS_1_2] = { TLS1_2_VERSION, "TLSv1.2" },
	[PROBE_TLS_1_3] = { TLS1_3_VERSION, "TLSv1.3" },
};

const char *probe_version_name(enum probe_version version)
{
	return versions[version].name;
}

/* One connection and the place where it stands. */
struct session {
	const struct probe_plan *plan;
	struct smtp_link link;
	struct smtp_reply reply;
	char helo[ADDRESS_TEXT_SIZE + 16];
	enum relay_step step;
};

static const char *helo_of(const struct session *session)
{
	return session->plan->helo ? session->plan->helo : session->helo;
}

/* RFC 5321 4.1.3 */
static void make_helo(struct session *session)
{
	char text[ADDRESS_TEXT_SIZE];
	address_format(&session->link.local, text);
	snprintf(session->helo, sizeof session->helo, "[%s%s]", session->link.local.family == ADDRESS_IPV6 ? "IPv6:" : "",
	         text);
}

/* Connect, banner, EHLO. helo: NULL for the usual one. view: where to keep what is seen on the way; NULL: nowhere. */
static bool begin(struct session *session, const struct probe_plan *plan, struct probe_view *view, const char *helo)
{
	memset(session, 0, sizeof *session);
	session->plan = plan;
	session->step = RELAY_CONNECT;
	if (!smtp_open(&session->link, &view->address, view->port, &plan->clock))
		return false;
	make_helo(session);
	session->step = RELAY_BANNER;
	if (!smtp_read(&session->link, &session->reply))
		return false;
	if (session->reply.code / 100 != 2) {
		session->link.failure = RELAY_REFUSED;
		return false;
	}
	if (view->banner_bytes == 0) {
		struct span text = span_make(session->reply.text, session->reply.length);
		text = span_slice(text, 0, span_find(text, 0, '\n'));
		snprintf(view->software, sizeof view->software, "%.*s", (int)text.length, text.at);
		view->banner_bytes = session->reply.bytes;
		view->longest_line = session->reply.longest;
	}
	session->step = RELAY_EHLO;
	if (!smtp_greet(&session->link, &session->reply, helo ? helo : helo_of(session)))
		return false;
	session->step = RELAY_STARTTLS;
	return true;
}

/* STARTTLS, handshake, EHLO. version: 0 for any that Salesforce has. */
static bool secure(struct session *session, int version, struct tls_seen *seen, bool greeted, const char *helo)
{
	session->step = RELAY_STARTTLS;
	if (!smtp_command(&session->link, &session->reply, "STARTTLS"))
		return false;
	if (session->reply.code / 100 != 2) {
		session->link.failure = RELAY_REFUSED;
		return false;
	}
	session->step = RELAY_HANDSHAKE;
	if (!smtp_handshake(&session->link, tls_new(session->plan->tls, version, seen)))
		return false;
	session->step = RELAY_TLS_EHLO;
	if (!greeted)
		return true;
	if (!smtp_greet(&session->link, &session->reply, helo ? helo : helo_of(session)))
		return false;
	session->step = RELAY_DONE;
	return true;
}

static void read_extensions(struct probe_view *view, const struct smtp_reply *reply, bool encrypted)
{
	struct span auth = smtp_extension(reply, "AUTH");
	struct span size = smtp_extension(reply, "SIZE");
	bool offered = !span_absent(auth);

	view->longest_line = reply->longest > view->longest_line ? reply->longest : view->longest_line;
	if (encrypted)
		view->auth_with_tls = offered;
	else
		view->auth_in_clear = offered;
	if (offered)
		snprintf(view->mechanisms, sizeof view->mechanisms, "%.*s", (int)auth.length, auth.at);
	view->size_offered = span_absent(size) ? PROBE_NO : PROBE_YES;
	snprintf(view->size, sizeof view->size, "%.*s", (int)size.length, size.at ? size.at : "");
}

/* Whether a port that says nothing by itself takes a TLS handshake. */
static bool takes_handshake(const struct probe_plan *plan, const struct probe_view *view,
                            const struct probe_clock *clock)
{
	struct smtp_link link;
	bool good =
		smtp_open(&link, &view->address, view->port, clock) && smtp_handshake(&link, tls_new(plan->tls, 0, NULL));
	link.failure = RELAY_CLOSED;
	smtp_close(&link);
	return good;
}

/* What is on the port instead of SMTP. A server that says nothing by itself is asked. */
static void find_out(struct probe_view *view, struct session *session)
{
	struct smtp_link *link = &session->link;
	if (session->step == RELAY_BANNER && link->failure == RELAY_TIMEOUT) {
		link->failure = RELAY_WORKED;
		link->clock.step_ms = link->clock.step_ms < 2000 ? link->clock.step_ms : 2000;
		smtp_command(link, &session->reply, "EHLO %s", helo_of(session));
		link->failure = RELAY_TIMEOUT;
		view->speaks_tls = session->reply.bytes == 0 && takes_handshake(session->plan, view, &link->clock);
	}
	view->speaks_http = span_starts_nocase(span_of(session->reply.last), span_of("HTTP/"));
}

static void keep_failure(struct probe_view *view, struct session *session)
{
	if (session->step <= RELAY_EHLO)
		find_out(view, session);
	if (session->link.failure == RELAY_REFUSED || session->link.failure == RELAY_GARBAGE || session->reply.code >= 400)
		snprintf(view->reply, sizeof view->reply, "%s", session->reply.last);
	snprintf(view->problem, sizeof view->problem, "%s", session->link.problem);
}

/* The session that Salesforce would have with TLS. */
static void look_at_tls(const struct probe_plan *plan, struct probe_view *view)
{
	struct session session;
	bool good = begin(&session, plan, view, NULL);

	view->local = session.link.local;
	if (good) {
		view->seen.starttls_offered = !span_absent(smtp_extension(&session.reply, "STARTTLS"));
		view->helo_only = session.link.helo_only;
		read_extensions(view, &session.reply, false);
		good = view->seen.starttls_offered && secure(&session, 0, &view->tls, true, NULL);
	}
	if (session.step > RELAY_HANDSHAKE)
		tls_read(session.link.ssl, &view->tls);
	if (good)
		read_extensions(view, &session.reply, true);
	else
		keep_failure(view, &session);
	view->seen.step = session.step;
	view->seen.failure = session.link.failure;
	view->seen.chain = view->tls.chain;
	view->seen.name_matches = tls_name_matches(&view->tls, plan->host);
	smtp_close(&session.link);
}

/* Whether MAIL in clear is refused for want of TLS (RFC 3207 4: 530). Another refusal says nothing of TLS. */
static void look_in_clear(const struct probe_plan *plan, struct probe_view *view)
{
	struct session session;
	if (begin(&session, plan, view, NULL) && smtp_command(&session.link, &session.reply, "MAIL FROM:<>")) {
		struct span text = span_make(session.reply.text, session.reply.length);
		bool told = span_holds_nocase(text, span_of("TLS")) || span_holds_nocase(text, span_of("encrypt"))
		            || (session.reply.code == 530 && !span_holds_nocase(text, span_of("auth")));
		view->seen.mail_wants_tls = told && session.reply.code / 100 >= 4;
		snprintf(view->clear_reply, sizeof view->clear_reply, "%s", session.reply.last);
	}
	smtp_close(&session.link);
}

static void try_version(const struct probe_plan *plan, struct probe_view *view, enum probe_version version)
{
	struct session session;
	if (view->tls.version && strcmp(view->tls.version, versions[version].name) == 0) {
		view->versions[version] = PROBE_YES;
		return;
	}
	if (begin(&session, plan, view, NULL)) {
		bool good = secure(&session, versions[version].number, NULL, false, NULL);
		view->versions[version] = good ? PROBE_YES : session.step == RELAY_HANDSHAKE ? PROBE_NO : PROBE_UNKNOWN;
	}
	smtp_close(&session.link);
}

/* RCPT for a recipient elsewhere, over TLS where there is any, and no DATA. */
static void try_rcpt(const struct probe_plan *plan, struct probe_view *view, enum probe_forging forging)
{
	struct session session;
	struct probe_rcpt *rcpt = &view->rcpt[forging];
	const char *helo = forging == PROBE_FORGED ? FORGED_HELO : NULL;
	bool good = begin(&session, plan, view, helo);

	if (good && view->seen.step == RELAY_DONE)
		good = secure(&session, 0, NULL, true, helo);
	if (good) {
		rcpt->command = "MAIL";
		good = smtp_command(&session.link, &session.reply, "MAIL FROM:<%s>",
		                    forging == PROBE_FORGED ? FORGED_SENDER : PLAIN_SENDER);
	}
	if (good && session.reply.code / 100 == 2) {
		rcpt->command = "RCPT";
		good = smtp_command(&session.link, &session.reply, "RCPT TO:<%s>", plan->recipient);
	}
	if (good) {
		rcpt->taken = session.reply.code / 100 == 2 ? PROBE_YES : PROBE_NO;
		snprintf(rcpt->reply, sizeof rcpt->reply, "%s", session.reply.last);
		smtp_command(&session.link, &session.reply, "RSET");
	}
	smtp_close(&session.link);
}

static bool in_time(const struct probe_plan *plan, struct probe_view *view)
{
	view->late = view->late || resolver_now_ms() >= plan->clock.end_ms;
	return !view->late;
}

void probe_relay(const struct probe_plan *plan, struct arena *arena, struct probe_view *view)
{
	view->host = plan->host;
	view->tls.arena = arena;
	look_at_tls(plan, view);
	if (view->seen.step >= RELAY_STARTTLS && in_time(plan, view))
		look_in_clear(plan, view);
	if (view->seen.starttls_offered && (view->seen.step != RELAY_STARTTLS))
		for (unsigned i = 0; i < PROBE_VERSIONS && in_time(plan, view); i++)
			try_version(plan, view, (enum probe_version)i);
	if (plan->recipient && view->seen.step >= RELAY_STARTTLS)
		for (unsigned i = 0; i < PROBE_FORGINGS && in_time(plan, view); i++)
			try_rcpt(plan, view, (enum probe_forging)i);
	in_time(plan, view);
}

void probe_ports(const struct probe_clock *clock, const struct address *address, const unsigned *environment,
                 size_t count, bool *answers_r)
{
	/* One after the other, each with its share of the step: a firewall that drops costs one step in all. */
	for (size_t i = 0; i < count; i++) {
		struct smtp_link link;
		struct probe_clock share = *clock;
		share.step_ms = clock->step_ms / (unsigned)count;
		answers_r[i] = smtp_open(&link, address, environment[i], &share);
		/* Without a word: nothing was read, so nothing is to be said. */
		link.failure = RELAY_CLOSED;
		smtp_close(&link);
	}
}
