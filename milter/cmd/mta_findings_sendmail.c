/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/access_table.h"
#include "cmd/socket_place.h"
#include "core/facts.h"
#include "mta_findings_private.h"

/* The largest header for which Sendmail's side of the milter protocol is sound. */
#define HEADERS_LENGTH_MAX 65535UL
#define REST_OF_WORK 10

struct sendmail_audit {
	struct audit base;
	const struct sendmail_setup *setup;
	const struct sendmail_filter *own; /* the filter that is looked at, which has our socket */
};

static bool same_socket(struct span address, struct span socket)
{
	struct socket_place ours = socket_place_of(socket);
	struct socket_place theirs = socket_place_of(address);
	bool local = span_equal_nocase(theirs.kind, span_of("unix")) || span_equal_nocase(theirs.kind, span_of("local"));
	if (span_equal(ours.kind, span_of("unix")))
		return span_equal(ours.path, local ? theirs.path : address);
	return !local && span_equal(ours.port, theirs.port)
	       && (span_equal_nocase(ours.host, theirs.host)
	           || (socket_place_is_loopback(ours.host) && socket_place_is_loopback(theirs.host)));
}

/* A line of sendmail.mc to set; the comment says what it is. */
static struct span line(struct sendmail_audit *audit, const char *text)
{
	return arena_printf(&audit->base.found->arena, "# sendmail.mc: %s", text);
}

static struct span filter_line(struct sendmail_audit *audit)
{
	struct arena *arena = &audit->base.found->arena;
	struct socket_place place = socket_place_of(audit->base.expect->socket);
	if (!preflight_value_safe(audit->base.expect->socket))
		return audit_nothing();
	struct span socket = span_equal(place.kind, span_of("unix")) ? arena_printf(arena, "local:%.*s", TEXT(place.path))
	                                                             : audit->base.expect->socket;
	if (!preflight_value_safe(audit->own->name))
		return audit_nothing();
	return arena_printf(arena, "# sendmail.mc: MAIL_FILTER(`%.*s', `S=%.*s, F=T, T=C:30s;S:30s;R:%us;E:5m')dnl",
	                    TEXT(audit->own->name), TEXT(socket), audit->base.expect->message_timeout + 40);
}

/* Whether the filter of that name has our socket. */
static const struct sendmail_filter *own_filter(const struct sendmail_audit *audit, struct span name)
{
	for (size_t i = 0; i < audit->setup->filter_count; i++) {
		const struct sendmail_filter *filter = &audit->setup->filters[i];
		if (span_equal(filter->name, name) && same_socket(filter->socket, audit->base.expect->socket))
			return filter;
	}
	return NULL;
}

/* The filter with our socket among those of a daemon; NULL: none. */
static const struct sendmail_filter *hands_over(const struct sendmail_audit *audit,
                                                const struct sendmail_daemon *daemon, bool *first_r)
{
	struct span list = sendmail_filters_of(audit->setup, daemon);
	*first_r = true;
	/* Sendmail separates them by semicolons within a daemon's options, by commas otherwise. */
	while (list.length != 0) {
		size_t end = 0;
		while (end < list.length && list.at[end] != ';' && list.at[end] != ',')
			end++;
		const struct sendmail_filter *own = own_filter(audit, span_trim(span_slice(list, 0, end)));
		if (own)
			return own;
		*first_r = false;
		list = span_slice(list, end + 1, list.length);
	}
	return NULL;
}

static void check_flag(struct sendmail_audit *audit)
{
	struct span flag = audit->own->flag;
	if (span_equal(flag, span_of("T")) || span_equal(flag, span_of("4")))
		audit_add(&audit->base, FINDING_OK, "default-action", audit_nothing(),
		          "while the milter is away mail is deferred");
	else if (span_equal(flag, span_of("R")))
		audit_add(&audit->base, FINDING_FIX, "default-action", filter_line(audit),
		          "the filter has F=R: while the milter is away, be it for a restart, genuine mail bounces for good");
	else
		audit_add(
			&audit->base, FINDING_FIX, "default-action", filter_line(audit),
			"the filter has neither F=T nor F=4: while the milter is away, or fails on a message made for that, whatever comes "
			"passes unjudged");
}

static void check_times(struct sendmail_audit *audit)
{
	unsigned long needed = (unsigned long)audit->base.expect->message_timeout + REST_OF_WORK;
	unsigned long reading = sendmail_time(audit->own, 'R');
	unsigned long end = sendmail_time(audit->own, 'E');
	if (reading >= needed && end >= needed)
		audit_add(&audit->base, FINDING_OK, "timeout", audit_nothing(),
		          "Sendmail waits long enough for the milter's answer");
	else
		audit_add(
			&audit->base, FINDING_FIX, "timeout", filter_line(audit),
			"the filter's T= has R:%lus and E:%lus, the milter's message_timeout is %u seconds: when the DNS is slow Sendmail "
			"gives up before the milter answers, and does what F= says instead",
			reading, end, audit->base.expect->message_timeout);
}

static void check_reach(struct sendmail_audit *audit)
{
	int error = 0;
	struct span user = sendmail_option(audit->setup, "RunAsUser");
	struct socket_place place = socket_place_of(audit->base.expect->socket);
	struct visit visit = {
		.address = socket_place_postfix(&place, &audit->base.found->arena),
		.user = span_slice(user, 0, span_find(user, 0, ':')),
		.folder = span_of("/"),
	};
	enum reach reach = audit->base.machine->reach(audit->base.machine->context, &visit, &error);
	audit_reach(&audit->base, &visit, reach, error);
}

static void check_headers(struct sendmail_audit *audit)
{
	struct span value = sendmail_option(audit->setup, "MaxHeadersLength");
	unsigned long number;
	if (span_absent(value)
	    || (span_number(value, (unsigned long)-1 / 10, &number) && number != 0 && number <= HEADERS_LENGTH_MAX))
		audit_add(&audit->base, FINDING_OK, "headers-length", audit_nothing(),
		          "headers too large for the milter are refused");
	else
		audit_add(
			&audit->base, FINDING_FIX, "headers-length", line(audit, "define(`confMAX_HEADERS_LENGTH', `32768')dnl"),
			"MaxHeadersLength is %.*s: a header of more than 64 KB breaks the connection to the milter, and what happens then "
			"is left to F=",
			TEXT(audit_shown(&audit->base, value)));
}

static void check_session(struct sendmail_audit *audit)
{
	const struct expectations *expect = audit->base.expect;
	struct span options = sendmail_option(audit->setup, "TLSSrvOptions");
	struct span file = sendmail_option(audit->setup, "CACertFile");
	bool asked = span_find(options, 0, 'V') == options.length;
	if (expect->cert_counts && !asked)
		audit_add(
			&audit->base, audit_need(expect->cert_needed), "ask-ccert",
			line(audit, "define(`confTLS_SRV_OPTIONS', `')dnl"),
			"TLSSrvOptions has V: no client certificate is asked for, and genuine mail that has nothing else to show is "
			"refused");
	if (expect->cert_counts && asked
	    && (file.length == 0 || !audit->base.machine->readable(audit->base.machine->context, file)))
		audit_add(
			&audit->base, audit_need(expect->cert_needed), "ca-file",
			line(audit, "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl"),
			"CACertFile is %.*s, or cannot be read: no authority vouches for Salesforce's certificate, {verify} is never OK, and "
			"genuine mail is refused",
			TEXT(audit_shown(&audit->base, file)));
	if (!expect->tls_needed)
		audit_add(
			&audit->base, FINDING_FIX, "tls-level", span_of("# sfdc-milter.yaml: reject_unless: tls and ..."),
			"Sendmail takes mail without TLS, and not every organization's policy asks for tls: mail that somebody on the way "
			"reads or changes is taken; add tls to reject_unless");
	if (expect->cert_counts && !expect->issuers_pinned)
		audit_add(
			&audit->base, FINDING_ADVICE, "tickets", audit_nothing(),
			"whether a TLS session of another port can be resumed here, with the trust it got there, is not known of Sendmail: "
			"name the authorities of Salesforce's certificate in cert.issuers, and it does not matter");
}

static void check_logins(struct sendmail_audit *audit)
{
	struct span mechanisms = sendmail_option(audit->setup, "AuthMechanisms");
	struct span options = sendmail_option(audit->setup, "AuthOptions");
	if (postfix_lists(mechanisms, "ANONYMOUS") && span_find(options, 0, 'y') == options.length)
		audit_add(
			&audit->base, FINDING_FIX, "auth-anonymous", line(audit, "define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl"),
			"AuthMechanisms has ANONYMOUS: anybody can log in without a password, and where TRUST_AUTH_MECH names it as well "
			"every port relays for who has logged in");
	if (audit->base.expect->auth_counts && span_find(options, 0, 'p') == options.length
	    && (postfix_lists(mechanisms, "PLAIN") || postfix_lists(mechanisms, "LOGIN")))
		audit_add(
			&audit->base, FINDING_FIX, "auth-in-clear", line(audit, "define(`confAUTH_OPTIONS', `A,p')dnl"),
			"AuthOptions is without p: PLAIN and LOGIN are offered without TLS, and who reads along on the way learns the "
			"password, and sends as Salesforce");
}

static bool is_salesforce(const struct sendmail_audit *audit, struct span client)
{
	return relaying_is_salesforce(client, audit->base.expect->networks);
}

/* Rows "Connect:13.108 RELAY" that hold addresses or names of Salesforce's. */
static bool access_relays_salesforce(struct sendmail_audit *audit, bool *known_r)
{
	const struct table_reader *tables = &audit->base.machine->tables;
	struct span table = sendmail_access(audit->setup, &audit->base.found->arena);
	struct span text = span_absent(table) ? span_of("") : tables->read(tables->context, table);
	struct span key, value;
	*known_r = *known_r && !span_absent(text);
	while (access_next_row(&text, &key, &value)) {
		if (!span_equal_nocase(value, span_of("RELAY")))
			continue;
		if (span_starts_nocase(key, span_of("Connect:")))
			key = span_slice(key, strlen("Connect:"), key.length);
		if (is_salesforce(audit, key))
			return true;
	}
	return false;
}

/* Class R: RELAY_DOMAIN and the file of relay domains. */
static bool class_relays_salesforce(struct sendmail_audit *audit, bool *known_r)
{
	const struct table_reader *tables = &audit->base.machine->tables;
	struct arena *arena = &audit->base.found->arena;
	struct span rest = audit->setup->text, words, word, value;
	bool file;
	while (sendmail_next_relayed(&rest, &words, &file)) {
		if (!file) {
			while (postfix_next(&words, &word))
				if (is_salesforce(audit, word))
					return true;
			continue;
		}
		if (!postfix_next(&words, &word) || word.at[0] != '/') {
			*known_r = false;
			continue;
		}
		struct span text = tables->read(tables->context, arena_printf(arena, "texthash:%.*s", TEXT(word)));
		/* It need not be there; what is there and cannot be read is not known. */
		if (span_absent(text) && audit->base.machine->readable(audit->base.machine->context, word))
			*known_r = false;
		while (access_next_row(&text, &word, &value))
			if (is_salesforce(audit, word))
				return true;
	}
	return false;
}

static void check_relaying(struct sendmail_audit *audit, bool others)
{
	bool known = true;
	bool salesforce = access_relays_salesforce(audit, &known);
	salesforce = class_relays_salesforce(audit, &known) || salesforce;
	bool shared = audit->base.expect->unlocked || audit->base.expect->floor_shared;
	bool all = sendmail_has_feature(audit->setup, "promiscuous_relay");
	if (all)
		audit_add(
			&audit->base, FINDING_FIX, "open-relay", line(audit, "dnl FEATURE(`promiscuous_relay')"),
			"FEATURE(`promiscuous_relay') makes every port relay for everybody: on those without the milter nothing stops it, "
			"and on the milter's own the milter is the only lock");
	if (sendmail_has_feature(audit->setup, "relay_local_from"))
		audit_add(&audit->base, FINDING_FIX, "open-relay", line(audit, "dnl FEATURE(`relay_local_from')"),
		          "FEATURE(`relay_local_from') relays for whoever writes a sender of your domain, which anybody can");
	if (sendmail_has_feature(audit->setup, "relay_mail_from"))
		audit_add(
			&audit->base, FINDING_FIX, "open-relay", line(audit, "dnl FEATURE(`relay_mail_from')"),
			"FEATURE(`relay_mail_from') relays for whoever writes a sender that the access map names, which anybody can");
	if (salesforce && others)
		audit_add(
			&audit->base, FINDING_FIX, "other-service",
			line(audit, "name InputMailFilters=sfdc in every DAEMON_OPTIONS, with scope: salesforce"),
			"the access map or class R relays for Salesforce's addresses on every port, and not every port hands its mail to the milter: "
			"every customer of Salesforce can send to anybody by another one; give all of them the milter, or let Salesforce "
			"authenticate and take its addresses out there");
	if (salesforce && shared)
		audit_add(
			&audit->base, FINDING_FIX, "open-relay",
			span_of("# sfdc-milter.yaml: monitor_floor: org and from and (cert or auth or ip)"),
			"the port relays for Salesforce's addresses, and an organization is in monitor mode without a monitor_floor that holds: "
			"until it enforces, every customer of Salesforce can send to anybody by this relay");
	if (!known)
		audit_add(
			&audit->base, FINDING_ADVICE, "relay-unknown", audit_nothing(),
			"whom the access map or class R relays for is not known: its text is not beside it; see that Salesforce's addresses are not "
			"among them while another port is without the milter");
}

static void check_inside(struct sendmail_audit *audit)
{
	struct span host = audit->setup->smart_host;
	struct span mailer = span_slice(host, 0, span_find(host, 0, ':'));
	if (!audit->base.expect->salesforce_only || host.length == 0)
		return;
	/* Without a mailer of its own the smart host is reached by relay. */
	if (mailer.length == host.length)
		mailer = span_of("relay");
	if (facts_mailer_stays_inside(audit->base.expect->local_mailers, mailer))
		audit_add(
			&audit->base, FINDING_FIX, "inside", line(audit, "define(`SMART_HOST', `esmtp:HOST')dnl"),
			"SMART_HOST uses the mailer %.*s, which counts as inside (local_mailers): with scope: salesforce mail of any "
			"customer of Salesforce to anybody passes unjudged",
			TEXT(audit_shown(&audit->base, mailer)));
}

/* Of what is older only the package knows whether it was mended. */
static bool refuses_bare_newlines(struct span version)
{
	unsigned long minor;
	size_t dot = span_find(version, 0, '.');
	struct span rest = span_slice(version, dot + 1, version.length);
	return span_equal(span_slice(version, 0, dot), span_of("8"))
	       && span_number(span_slice(rest, 0, span_find(rest, 0, '.')), 1000, &minor) && minor >= 18;
}

static void check_bare_newlines(struct sendmail_audit *audit)
{
	if (refuses_bare_newlines(audit->setup->version))
		audit_add(&audit->base, FINDING_OK, "bare-newline", audit_nothing(), "bare newlines end no message");
	else
		audit_add(
			&audit->base, FINDING_ADVICE, "bare-newline", span_of("dpkg-query -W sendmail-bin"),
			"whether this Sendmail, older than 8.18, refuses bare newlines is not known from its configuration; where it does "
			"not, another customer's message can hide a second one in your name; Debian's 8.17.1.9-2+deb12u2 refuses them");
}

static void check_version(struct sendmail_audit *audit)
{
	check_bare_newlines(audit);
	audit_add(
		&audit->base, FINDING_OK, "version", audit_nothing(),
		"Sendmail %.*s: a RCPT that it takes although the milter refused it (before 8.18.2) is refused again later",
		TEXT(audit_shown(&audit->base, audit->setup->version)));
	if (audit->base.machine->clock_known && !audit->base.machine->clock_right)
		audit_add(
			&audit->base, FINDING_ADVICE, "clock", span_of("timedatectl set-ntp true"),
			"the clock is not kept synchronized: when it is off by minutes, genuine DKIM signatures lie in the future or have "
			"expired, and certificates are not valid");
}

static void check_daemons(struct sendmail_audit *audit)
{
	struct postfix_service shown = { .type = span_of("daemon") };
	size_t guarded = 0;
	for (size_t i = 0; i < audit->setup->daemon_count; i++) {
		const struct sendmail_daemon *daemon = &audit->setup->daemons[i];
		bool first;
		audit->own = hands_over(audit, daemon, &first);
		if (!audit->own)
			continue;
		guarded++;
		shown.name = daemon->name;
		audit->base.shared = &shown;
		audit_add(&audit->base, FINDING_OK, "milter", audit_nothing(), "mail of this port is handed to the milter");
		check_flag(audit);
		check_times(audit);
		if (!first)
			audit_add(
				&audit->base, FINDING_ADVICE, "milter-order", audit_nothing(),
				"other filters come first in InputMailFilters: what they change, such as a footer or a header field, breaks the "
				"DKIM signature before it is judged, and genuine mail is refused; put this one first");
		audit->base.shared = NULL;
	}
	if (guarded == 0)
		audit_add(&audit->base, FINDING_FIX, "no-service",
		          line(audit, "DAEMON_OPTIONS(`Port=10025, Name=SFDC, InputMailFilters=sfdc')dnl"),
		          "no port of this Sendmail hands its mail to the milter's socket %.*s: none of it is judged",
		          TEXT(audit_shown(&audit->base, audit->base.expect->socket)));
	check_relaying(audit, guarded < audit->setup->daemon_count);
}

void sendmail_findings(struct preflight *found, const struct sendmail_setup *setup,
                       const struct expectations *expectations, const struct machine_questions *machine)
{
	struct sendmail_audit audit = {
		.base = { .found = found, .expect = expectations, .machine = machine },
		.setup = setup,
	};
	bool named = false;
	for (size_t i = 0; i < setup->filter_count; i++)
		named = named || own_filter(&audit, setup->filters[i].name);
	if (!named) {
		audit_add(
			&audit.base, FINDING_FIX, "no-service", span_of("sfdc-relayctl check-config --mta sendmail"),
			"no filter of this Sendmail has the milter's socket %.*s: no mail is judged; the command prints what gives "
			"Salesforce a port of its own",
			TEXT(audit_shown(&audit.base, expectations->socket)));
	} else {
		check_reach(&audit);
		check_daemons(&audit);
	}
	check_headers(&audit);
	check_session(&audit);
	check_logins(&audit);
	check_inside(&audit);
	check_version(&audit);
}
