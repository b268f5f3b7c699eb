/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>

#include "cmd/access_table.h"
#include "mta_findings_private.h"

/* Seconds that the milter may need for the rest of its work. */
#define REST_OF_WORK 10

bool audit_is_smtpd(const struct postfix_service *shared)
{
	return span_equal(postfix_program(shared), span_of("smtpd"))
	       && (span_equal(shared->type, span_of("inet")) || span_equal(shared->type, span_of("pass"))
	           || span_equal(shared->type, span_of("unix")));
}

static bool list_has_us(const struct audit *audit, const struct postfix_service *shared, struct span list,
                        struct postfix_milter *own_r, bool *first_r)
{
	bool first = true;
	for (struct span item; postfix_next(&list, &item); first = false) {
		struct postfix_milter milter = postfix_milter_read(item);
		if (!postfix_same_socket(audit->setup, shared, milter.address, audit->expect->socket))
			continue;
		*own_r = milter;
		*first_r = first;
		return true;
	}
	return false;
}

/* Whether some entry of the tables is the milter's socket. */
static bool maps_have_us(const struct audit *audit, const struct postfix_service *shared)
{
	const struct table_reader *tables = &audit->machine->tables;
	struct span list = postfix_value(audit->setup, shared, "smtpd_milter_maps");
	struct span key, value;
	struct postfix_milter own;
	bool first;
	for (struct span table; postfix_next(&list, &table);) {
		struct span text = tables->read(tables->context, table);
		while (access_next_row(&text, &key, &value))
			if (list_has_us(audit, shared, value, &own, &first))
				return true;
	}
	return false;
}

bool audit_is_guarded(const struct audit *audit, const struct postfix_service *shared)
{
	struct postfix_milter own;
	bool first;
	return list_has_us(audit, shared, postfix_value(audit->setup, shared, "smtpd_milters"), &own, &first)
	       || maps_have_us(audit, shared);
}

struct postfix_milter audit_own_milter(const struct audit *audit)
{
	struct postfix_milter own = { .address = span_of(NULL) };
	bool first;
	if (!list_has_us(audit, audit->shared, audit_value(audit, "smtpd_milters"), &own, &first))
		own.address = span_of(NULL);
	return own;
}

/* The list with our entry alone, without options of its own. */
static struct span plain_entry(struct audit *audit, const struct postfix_milter *own)
{
	return audit_set_read(audit, "smtpd_milters", own->address);
}

static void check_order(struct audit *audit)
{
	struct postfix_milter own;
	bool first = true;
	if (list_has_us(audit, audit->shared, audit_value(audit, "smtpd_milters"), &own, &first) && !first)
		audit_add(
			audit, FINDING_ADVICE, "milter-order", audit_nothing(),
			"other milters come first in smtpd_milters: what they change, such as a footer or a header field, breaks the "
			"DKIM signature before it is judged, and genuine mail is refused; put this one first");
}

/* Whether the path is the one outside the folder to which the service is chrooted. */
static bool is_outside(const struct audit *audit, const struct postfix_milter *own)
{
	struct span path = span_slice(own->address, span_find(own->address, 0, ':') + 1, own->address.length);
	struct span socket = audit->expect->socket;
	struct postfix_service outside = *audit->shared;
	outside.chrooted = false;
	return audit->shared->chrooted && span_starts_nocase(socket, span_of("unix:")) && path.length != 0
	       && path.at[0] == '/' && postfix_same_socket(audit->setup, &outside, own->address, socket);
}

static struct span leave_chroot(struct audit *audit)
{
	struct span shared = audit_service_name(audit);
	if (span_absent(shared))
		return shared;
	return audit_postconf(audit, "-F", arena_printf(&audit->found->arena, "%.*s/chroot=n", TEXT(shared)));
}

static bool same_visit(const struct visit *a, const struct visit *b)
{
	return span_equal(a->address, b->address) && span_equal(a->user, b->user) && span_equal(a->folder, b->folder)
	       && a->chrooted == b->chrooted;
}

static enum reach try_visit(struct audit *audit, const struct visit *visit, int *error_r)
{
	struct attempt *attempt = audit->attempt;
	if (!attempt->made || !same_visit(&attempt->visit, visit)) {
		*attempt = (struct attempt) { .made = true, .visit = *visit };
		attempt->reach = audit->machine->reach(audit->machine->context, visit, &attempt->error);
	}
	*error_r = attempt->error;
	return attempt->reach;
}

/* A socket outside may have been made to appear inside as well: what the try found out counts. */
static void check_place(struct audit *audit, const struct postfix_milter *own)
{
	int error = 0;
	struct visit visit = {
		.address = own->address,
		.user = audit->shared->as_root ? span_of("") : audit_value(audit, "mail_owner"),
		.folder = postfix_value(audit->setup, NULL, "queue_directory"),
		.chrooted = audit->shared->chrooted,
	};
	enum reach reach = try_visit(audit, &visit, &error);
	if (is_outside(audit, own) && reach != REACH_GOOD) {
		audit_add(
			audit, FINDING_FIX, "chroot", leave_chroot(audit),
			"the service is chrooted to %.*s and cannot see the milter's socket, which is outside: every message is "
			"deferred, or passes unjudged, as milter_default_action says",
			TEXT(audit_shown(audit, visit.folder)));
		return;
	}
	audit_add(audit, FINDING_OK, "chroot", audit_nothing(), "the service sees the place of the milter's socket");
	audit_reach(audit, &visit, reach, error);
}

static struct span or_else(struct span own, struct span general)
{
	return span_absent(own) ? general : own;
}

static void check_default_action(struct audit *audit, const struct postfix_milter *own)
{
	struct span action = or_else(own->default_action, audit_value(audit, "milter_default_action"));
	struct span command = audit_set(audit, "milter_default_action", "tempfail");
	const char *id = "default-action";
	if (!span_absent(own->default_action))
		command = audit_both(audit, command, plain_entry(audit, own));
	if (span_equal_nocase(action, span_of("tempfail")) || span_equal_nocase(action, span_of("shutdown")))
		audit_add(audit, FINDING_OK, id, audit_nothing(), "while the milter is away mail is deferred");
	else if (span_equal_nocase(action, span_of("reject")))
		audit_add(
			audit, FINDING_FIX, id, command,
			"milter_default_action is reject: while the milter is away, be it for a restart, genuine mail bounces for good");
	else if (span_equal_nocase(action, span_of("quarantine")))
		audit_add(
			audit, FINDING_FIX, id, command,
			"milter_default_action is quarantine: what comes while the milter is away is taken unjudged and held; forged "
			"mail lies among it, and whoever releases the queue delivers it");
	else
		audit_add(
			audit, FINDING_FIX, id, command,
			"milter_default_action is %.*s: while the milter is away, or fails on a message made for that, whatever comes "
			"passes unjudged",
			TEXT(audit_shown(audit, action)));
}

static void check_maps(struct audit *audit)
{
	struct span maps = audit_value(audit, "smtpd_milter_maps");
	if (maps.length == 0) {
		audit_add(audit, FINDING_OK, "milter-maps", audit_nothing(),
		          "no table chooses another milter by the client's address");
		return;
	}
	audit_add(
		audit, FINDING_FIX, "milter-maps", audit_set(audit, "smtpd_milter_maps", ""),
		"smtpd_milter_maps is %.*s: for the clients that it names another milter or none is used, and their mail goes "
		"round this one",
		TEXT(audit_shown(audit, maps)));
}

static void check_protocol(struct audit *audit, const struct postfix_milter *own)
{
	struct span version = or_else(own->protocol, audit_value(audit, "milter_protocol"));
	unsigned long number;
	if (span_number(version, 100, &number) && number >= 6)
		return;
	audit_add(
		audit, FINDING_ADVICE, "protocol", audit_set(audit, "milter_protocol", "6"),
		"milter_protocol is %.*s: the milter is not told the white space behind a field's colon, and genuine DKIM "
		"signatures that cover it to the letter (c=simple) fail",
		TEXT(audit_shown(audit, version)));
}

static void check_timeout(struct audit *audit, const struct postfix_milter *own)
{
	struct span value = or_else(own->content_timeout, audit_value(audit, "milter_content_timeout"));
	unsigned long needed = (unsigned long)audit->expect->message_timeout + REST_OF_WORK;
	unsigned long seconds;
	char wanted[32];
	if (postfix_seconds(value, &seconds) && seconds >= needed) {
		audit_add(audit, FINDING_OK, "timeout", audit_nothing(), "Postfix waits long enough for the milter's answer");
		return;
	}
	snprintf(wanted, sizeof wanted, "%us", audit->expect->message_timeout + 40);
	audit_add(
		audit, FINDING_FIX, "timeout", audit_set(audit, "milter_content_timeout", wanted),
		"milter_content_timeout is %.*s, the milter's message_timeout %u seconds: when the DNS is slow Postfix gives up "
		"before the milter answers, and does what milter_default_action says instead",
		TEXT(audit_shown(audit, value)), audit->expect->message_timeout);
}

static bool mentions(struct span text, const char *word)
{
	size_t length = strlen(word);
	for (size_t i = 0; i + length <= text.length; i++)
		if (memcmp(text.at + i, word, length) == 0)
			return true;
	return false;
}

/* What Postfix tells the milter in place of what it saw. */
static void check_macros(struct audit *audit)
{
	static const char *const trusted[] = { "auth_", "cert_", "tls_", "cipher", "client_", "verify", "cn_" };
	struct span defaults = audit_value(audit, "milter_macro_defaults");
	struct span version = audit_value(audit, "milter_macro_v");
	for (size_t i = 0; i < sizeof trusted / sizeof trusted[0]; i++)
		if (mentions(defaults, trusted[i])) {
			audit_add(
				audit, FINDING_FIX, "macros", audit_set(audit, "milter_macro_defaults", ""),
				"milter_macro_defaults tells the milter of TLS, a certificate, a login or a client where there is none: "
				"any session looks trusted");
			break;
		}
	if (version.length != 0 && !span_starts_nocase(version, span_of("Postfix")))
		audit_add(
			audit, FINDING_FIX, "macros", audit_set(audit, "milter_macro_v", "Postfix/$mail_version"),
			"milter_macro_v (or mail_name) hides that this is Postfix: the milter believes no certificate, and genuine "
			"mail is refused");
}

static void check_overrides(struct audit *audit)
{
	struct span list = audit_value(audit, "receive_override_options");
	if (!postfix_lists(list, "no_milters")) {
		audit_add(audit, FINDING_OK, "no-milters", audit_nothing(), "the service lets no mail past its milters");
		return;
	}
	struct span kept = span_of("");
	for (struct span item; postfix_next(&list, &item);)
		if (!span_equal_nocase(item, span_of("no_milters")))
			kept =
				arena_printf(&audit->found->arena, "%.*s%s%.*s", TEXT(kept), kept.length != 0 ? "," : "", TEXT(item));
	audit_add(audit, FINDING_FIX, "no-milters",
	          kept.length != 0 ? audit_set_read(audit, "receive_override_options", kept)
	                           : audit_set(audit, "receive_override_options", ""),
	          "receive_override_options has no_milters: all mail of this service goes round the milter");
}

void audit_milter(struct audit *audit)
{
	struct postfix_milter own = audit_own_milter(audit);
	if (!span_absent(own.address))
		check_place(audit, &own);
	check_default_action(audit, &own);
	check_overrides(audit);
	check_maps(audit);
	check_order(audit);
	check_protocol(audit, &own);
	check_timeout(audit, &own);
	check_macros(audit);
}
