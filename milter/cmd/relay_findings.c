/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/relay_findings.h"

#include <string.h>
#include <time.h>

#include "cmd/terminal.h"
#include "core/log_entry.h"

#define LINE_MAX_RFC 512    /* RFC 5321 4.5.3.1.5, CRLF included */
#define SIZE_USUAL 10240000 /* Postfix's default */
#define RSA_BITS 2048
#define EC_BITS 224
#define DAY 86400
#define NAMES_TOLD 5

/* What others wrote, made printable. */
struct shown {
	char text[LOG_PRINTABLE_SIZE];
};

static const char *show(struct shown *shown, struct span text)
{
	terminal_escape(text, shown->text, sizeof shown->text);
	return shown->text;
}

long long relay_days(long long now, long long until)
{
	long long days = (until - now) / DAY;
	return until < now && (until - now) % DAY != 0 ? days - 1 : days;
}

void relay_outcome_line(const struct probe_view *view, const struct relay_outcome *outcome,
                        char line_r[RELAY_OUTCOME_SIZE])
{
	struct shown reply;
	char line[WORDS_LINE_SIZE];
	line_r[0] = '\0';
	if (outcome->delivers)
		return;
	if (outcome->words == WORDS_NONE || outcome->words == WORDS_TLS_WANTED)
		snprintf(line_r, RELAY_OUTCOME_SIZE, "%s",
		         show(&reply, span_of(outcome->words == WORDS_NONE ? view->reply : view->clear_reply)));
	else
		snprintf(line_r, RELAY_OUTCOME_SIZE, "%s", words_line(outcome->words, line));
}

void relay_outcome_text(const struct probe_view *view, enum relay_setting setting, char text_r[RELAY_OUTCOME_SIZE])
{
	struct relay_outcome outcome = relay_judge(&view->seen, setting);
	char line[RELAY_OUTCOME_SIZE];
	relay_outcome_line(view, &outcome, line);
	if (!outcome.delivers)
		snprintf(text_r, RELAY_OUTCOME_SIZE, "fails: %.*s", (int)(RELAY_OUTCOME_SIZE - 16), line);
	else if (!outcome.encrypted)
		snprintf(text_r, RELAY_OUTCOME_SIZE, "delivers in clear%s", outcome.fallback ? ", since TLS fails" : "");
	else
		snprintf(text_r, RELAY_OUTCOME_SIZE, "delivers, encrypted%s",
		         outcome.verified ? " and verified" : ", not verified");
}

/* "A.B.C.D:PORT" or "HOST:PORT", to look with; "" when it is not to be offered. */
static const char *look_command(const struct probe_view *view, const char *more, char command_r[400])
{
	command_r[0] = '\0';
	if (preflight_value_safe(view->host))
		snprintf(command_r, 400, "openssl s_client -starttls smtp -connect %.*s:%u%s", (int)view->host.length,
		         view->host.at, view->port, more);
	return command_r[0] != '\0' ? command_r : NULL;
}

static void tell_session(const struct relay_report *report, const struct probe_view *view, const char *line)
{
	static const char *const ids[] = { "connect", "banner", "ehlo", "starttls", "handshake", "tls-session", "tls" };
	static const char *const whys[] = {
		[RELAY_WORKED] = "",
		[RELAY_TIMEOUT] = "no answer in time",
		[RELAY_CLOSED] = "the connection was ended",
		[RELAY_REFUSED] = "refused",
		[RELAY_GARBAGE] = "what came is no SMTP",
		[RELAY_TLS] = "the handshake failed",
	};
	static const char *const steps[] = { "a connection",      "the greeting",        "EHLO", "STARTTLS",
		                                 "the TLS handshake", "EHLO after STARTTLS", "" };
	const struct relay_seen *seen = &view->seen;
	struct shown reply;
	struct shown problem;
	char command[400];
	bool spare = seen->step == RELAY_CONNECT && report->some_deliver;
	const char *hint = "";
	if (view->speaks_http)
		hint = ": this is HTTP, not SMTP";
	else if (view->speaks_tls)
		hint = ": this port speaks TLS from the start, as 465 does; Salesforce needs one with STARTTLS";
	else if (view->tls.certificate_requested && (seen->step == RELAY_HANDSHAKE || seen->step == RELAY_TLS_EHLO))
		hint =
			": the server asked for a client certificate and may demand one; show yours with --cert, and do not demand it "
			"(smtpd_tls_req_ccert=no, smtpd_tls_ask_ccert=yes)";
	else if (spare)
		hint = "; Salesforce goes on to the next address";
	if (seen->step == RELAY_STARTTLS && !seen->starttls_offered) {
		preflight_add(report->preflight, FINDING_FIX, ids[seen->step], NULL,
		              "STARTTLS is not offered%s; the Email Log has, under Required and Required Verify: %s",
		              view->helo_only ? ", since EHLO is refused" : "", line);
		return;
	}
	preflight_add(report->preflight, spare ? FINDING_ADVICE : FINDING_FIX, ids[seen->step],
	              seen->step >= RELAY_STARTTLS ? look_command(view, "", command) : NULL,
	              "%s fails: %s%s%s%s%s%s; the Email Log has: %s", steps[seen->step], whys[seen->failure],
	              view->problem[0] ? " (" : "", show(&problem, span_of(view->problem)), view->problem[0] ? ")" : "",
	              hint,
	              view->reply[0] != '\0' && seen->failure == RELAY_GARBAGE ? show(&reply, span_of(view->reply)) : "",
	              line);
}

static void tell_chain(const struct relay_report *report, const struct probe_view *view)
{
	const struct tls_seen *tls = &view->tls;
	const char *store = report->cafile ? "in the file of --cafile" : "in this system's store";
	struct shown culprit;
	struct shown missing;
	struct shown fetch;
	char line[WORDS_LINE_SIZE];
	char why[LOG_PRINTABLE_SIZE * 3 + 300];
	char command[400];
	show(&culprit, tls->culprit);
	show(&missing, tls->missing);
	show(&fetch, tls->fetch);
	switch (tls->chain) {
	case RELAY_CHAIN_GOOD:
		preflight_add(report->preflight, FINDING_OK, "chain", NULL,
		              "the chain ends in a CA that is trusted here; %zu certificate%s sent", tls->sent,
		              tls->sent == 1 ? " is" : "s are");
		return;
	case RELAY_CHAIN_EXPIRED:
		snprintf(why, sizeof why, "%s is no longer valid", culprit.text);
		break;
	case RELAY_CHAIN_NOT_YET:
		snprintf(why, sizeof why, "%s is not valid yet", culprit.text);
		break;
	case RELAY_CHAIN_SELF_SIGNED:
		snprintf(why, sizeof why, "the certificate %s signs itself; Salesforce needs one of a public CA", culprit.text);
		break;
	case RELAY_CHAIN_ROOT:
		snprintf(why, sizeof why, "it ends in %s, which is not %s", culprit.text, store);
		break;
	case RELAY_CHAIN_MISSING:
		snprintf(
			why, sizeof why,
			"%s was issued by %s, an intermediate certificate that the server does not send, or a CA that is not %s%s%s",
			culprit.text, missing.text, store, fetch.text[0] ? "; get it from " : "", fetch.text);
		break;
	case RELAY_CHAIN_ABSENT:
	case RELAY_CHAIN_PURPOSE:
	case RELAY_CHAIN_LONG:
	case RELAY_CHAIN_OTHER:
		snprintf(why, sizeof why, "%s%s%s", culprit.text, culprit.text[0] ? ": " : "", tls->chain_error);
		break;
	}
	preflight_add(report->preflight, FINDING_FIX, "chain", look_command(view, " -showcerts", command),
	              "the certificate is not trusted: %s; the Email Log has, under Required Verify: %s", why,
	              words_line(WORDS_CHAIN, line));
}

static void tell_name(const struct relay_report *report, const struct probe_view *view)
{
	const struct tls_seen *tls = &view->tls;
	struct shown host;
	struct shown name;
	struct address address;
	char line[WORDS_LINE_SIZE];
	char names[1500] = "";
	size_t length = 0;
	show(&host, view->host);
	if (view->seen.name_matches) {
		preflight_add(report->preflight, FINDING_OK, "name", NULL, "the certificate names %s", host.text);
		return;
	}
	for (size_t i = 0; i < tls->name_count && i < NAMES_TOLD; i++) {
		int put =
			snprintf(names + length, sizeof names - length, "%s%.250s", i > 0 ? ", " : "", show(&name, tls->names[i]));
		length += put > 0 && (size_t)put < sizeof names - length ? (size_t)put : 0;
	}
	if (tls->name_count == 0)
		snprintf(names, sizeof names, "common name %.250s, no DNS name",
		         span_absent(tls->common_name) ? "none" : show(&name, tls->common_name));
	else if (tls->name_count > NAMES_TOLD || tls->more_names)
		snprintf(names + length, sizeof names - length, " and %zu%s more", tls->name_count - NAMES_TOLD,
		         tls->more_names ? " or" : "");
	preflight_add(report->preflight, FINDING_FIX, "name", NULL,
	              "the certificate does not name %s%s; it names: %s; the Email Log has, under Required Verify: %s",
	              host.text,
	              address_parse(view->host, &address)
	                  ? ", an address, and no certificate's DNS name is one: give Salesforce a host name"
	                  : "",
	              names, words_line(WORDS_NAME, line));
}

static void date_of(long long when, char date_r[32])
{
	time_t seconds = (time_t)when;
	struct tm parts;
	if (!gmtime_r(&seconds, &parts) || strftime(date_r, 32, "%Y-%m-%d %H:%M UTC", &parts) == 0)
		snprintf(date_r, 32, "an unknown date");
}

static void tell_dates(const struct relay_report *report, const struct probe_view *view)
{
	const struct tls_seen *tls = &view->tls;
	long long days = relay_days(report->now, tls->not_after);
	char date[32];
	date_of(report->now < tls->not_before ? tls->not_before : tls->not_after, date);
	if (report->now < tls->not_before)
		preflight_add(report->preflight, FINDING_FIX, "expiry", NULL,
		              "the certificate is not valid before %s; compare the clocks", date);
	else if (report->now > tls->not_after)
		preflight_add(
			report->preflight, FINDING_FIX, "expiry", "postfix reload",
			"the certificate is no longer valid, since %s; if it was renewed already, the mail server has to be reloaded",
			date);
	else
		preflight_add(
			report->preflight, days < (long long)report->warn_days ? FINDING_ADVICE : FINDING_OK, "expiry",
			days < (long long)report->warn_days ? "postfix reload" : NULL,
			"the certificate is valid for %lld more day%s, until %s; once it is renewed the mail server has to be reloaded, "
			"which goes on with the old one until then",
			days, days == 1 ? "" : "s", date);
	if (tls->sent > 1 && tls->chain_not_after < tls->not_after && tls->chain_not_after > report->now
	    && relay_days(report->now, tls->chain_not_after) < (long long)report->warn_days) {
		date_of(tls->chain_not_after, date);
		preflight_add(report->preflight, FINDING_ADVICE, "chain-expiry", NULL,
		              "a certificate that is sent above the server's ends on %s", date);
	}
}

static void tell_strength(const struct relay_report *report, const struct probe_view *view)
{
	const struct tls_seen *tls = &view->tls;
	bool short_key = (strcmp(tls->key_type, "RSA") == 0 && tls->key_bits < RSA_BITS)
	                 || (strcmp(tls->key_type, "ECDSA") == 0 && tls->key_bits < EC_BITS);
	preflight_add(report->preflight, short_key ? FINDING_ADVICE : FINDING_OK, "key", NULL, "the key is %s of %d bits%s",
	              tls->key_type, tls->key_bits, short_key ? ", too short to be trusted: clients may refuse it" : "");
	preflight_add(report->preflight, tls->weak_sent > 0 ? FINDING_ADVICE : FINDING_OK, "signature", NULL,
	              "the certificate is signed with %s%s", tls->signature,
	              tls->weak_sent > 0 ? "; MD5 or SHA-1 is in the chain, which clients refuse" : "");
	if (tls->disordered)
		preflight_add(report->preflight, FINDING_ADVICE, "chain-order", NULL,
		              "the certificates are not sent in order, each followed by its issuer's (RFC 5246 7.4.2)");
}

static void tell_versions(const struct relay_report *report, const struct probe_view *view)
{
	char accepted[80] = "";
	char refused[80] = "";
	bool old = view->versions[PROBE_TLS_1_0] == PROBE_YES || view->versions[PROBE_TLS_1_1] == PROBE_YES;
	for (unsigned i = 0; i < PROBE_VERSIONS; i++) {
		char *to = view->versions[i] == PROBE_YES ? accepted : view->versions[i] == PROBE_NO ? refused : NULL;
		size_t length = to ? strlen(to) : 0;
		if (to)
			snprintf(to + length, sizeof accepted - length, "%s%s", length > 0 ? ", " : "",
			         probe_version_name((enum probe_version)i));
	}
	if (accepted[0] == '\0' && refused[0] == '\0')
		return;
	preflight_add(report->preflight, old ? FINDING_ADVICE : FINDING_OK, "tls-versions",
	              old ? "postconf -e 'smtpd_tls_protocols = >=TLSv1.2' 'smtpd_tls_mandatory_protocols = >=TLSv1.2'"
	                  : NULL,
	              "TLS versions accepted: %s; refused: %s%s", accepted[0] ? accepted : "none",
	              refused[0] ? refused : "none",
	              old ? "; what is older than TLS 1.2 is not used by Salesforce and should be refused" : "");
}

/* Whether a word stands in a list that is separated by spaces. */
static bool lists(const char *list, const char *word)
{
	struct span text = span_of(list);
	for (size_t at = 0; at < text.length;) {
		size_t end = span_find(text, at, ' ');
		if (span_equal_nocase(span_slice(text, at, end), span_of(word)))
			return true;
		at = end + 1;
	}
	return false;
}

static void tell_auth(const struct relay_report *report, const struct probe_view *view)
{
	struct shown mechanisms;
	bool usable = lists(view->mechanisms, "PLAIN") || lists(view->mechanisms, "LOGIN");
	show(&mechanisms, span_of(view->mechanisms));
	if (view->auth_in_clear)
		preflight_add(report->preflight, FINDING_ADVICE, "auth-clear", "postconf -e smtpd_tls_auth_only=yes",
		              "AUTH is offered without TLS: a client would send its password in clear");
	if (view->auth_with_tls)
		preflight_add(report->preflight, usable ? FINDING_OK : FINDING_ADVICE, "auth-mechanisms", NULL,
		              "AUTH over TLS: %s%s", mechanisms.text,
		              usable ? "" : "; Salesforce has PLAIN and LOGIN only, so its SMTP AUTH would fail");
	else if (view->seen.step == RELAY_DONE)
		preflight_add(report->preflight, FINDING_OK, "auth-mechanisms", NULL,
		              "AUTH is not offered: leave it off in Salesforce's Email Relay");
}

static void tell_rest(const struct relay_report *report, const struct probe_view *view)
{
	struct shown size;
	struct shown reply;
	unsigned long limit = 0;
	bool known = span_number(span_of(view->size), 4294967295UL, &limit);
	if (view->seen.step == RELAY_DONE)
		preflight_add(
			report->preflight, FINDING_OK, "client-certificate", NULL, "%s",
			view->tls.certificate_requested
				? "a client certificate is asked for"
				: "no client certificate is asked for, so that the check cert can never pass (smtpd_tls_ask_ccert=yes)");
	if (view->size_offered == PROBE_YES)
		preflight_add(report->preflight, known && limit > 0 && limit < SIZE_USUAL ? FINDING_ADVICE : FINDING_OK, "size",
		              NULL, "SIZE: %s%s", known && limit == 0 ? "no fixed limit" : show(&size, span_of(view->size)),
		              known && limit > 0 && limit < SIZE_USUAL
		                  ? ", less than usual: larger messages are refused for good"
		                  : "");
	if (view->clear_reply[0] != '\0')
		preflight_add(report->preflight, FINDING_OK, "clear", NULL, "mail in clear is %s: %s",
		              view->seen.mail_wants_tls ? "refused" : "not refused for want of TLS",
		              show(&reply, span_of(view->clear_reply)));
	if (view->helo_only)
		preflight_add(report->preflight, FINDING_ADVICE, "ehlo", NULL,
		              "EHLO is refused and HELO is not: without EHLO there is neither TLS nor AUTH");
	if (view->longest_line + 2 > LINE_MAX_RFC)
		preflight_add(report->preflight, FINDING_ADVICE, "long-line", NULL,
		              "a line of the greeting has %zu bytes; more than 510 are not allowed (RFC 5321 4.5.3.1.5)",
		              view->longest_line);
	if (view->late)
		preflight_add(report->preflight, FINDING_ADVICE, "late", NULL,
		              "time ran out before everything was looked at; see --timeout");
}

static void tell_open_relay(const struct relay_report *report, const struct probe_view *view)
{
	static const char *const how[] = {
		[PROBE_PLAIN] = "without AUTH and without traits of Salesforce",
		[PROBE_FORGED] = "with forged traits of Salesforce",
	};
	static const char *const ids[] = { [PROBE_PLAIN] = "open-relay", [PROBE_FORGED] = "open-relay-forged" };
	char from[ADDRESS_TEXT_SIZE];
	address_format(&view->local, from);
	for (unsigned i = 0; i < PROBE_FORGINGS; i++) {
		const struct probe_rcpt *rcpt = &view->rcpt[i];
		struct shown reply;
		if (rcpt->taken == PROBE_UNKNOWN)
			continue;
		bool taken = rcpt->taken == PROBE_YES;
		preflight_add(
			report->preflight, taken ? FINDING_FIX : FINDING_OK, ids[i], NULL,
			"a recipient elsewhere is %s %s (reply to %s: %s)%s; probed from %s: this means nothing if the relay trusts that address",
			taken ? "taken" : "refused", how[i], rcpt->command, show(&reply, span_of(rcpt->reply)),
			taken
				? ", so that only a refusal at the message itself, which is not tried, keeps it from being an open relay"
				: "",
			from);
	}
}

static bool is_private(const struct address *address)
{
	const uint8_t *b = address->bytes;
	if (address->family == ADDRESS_IPV6)
		return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
	return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168)
	       || (b[0] == 169 && b[1] == 254) || (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static void tell_place(const struct relay_report *report, const struct probe_view *view)
{
	char line[WORDS_LINE_SIZE];
	if (address_is_loopback(&view->address))
		preflight_add(report->preflight, FINDING_OK, "address", NULL,
		              "probed over loopback: the network and firewalls between Salesforce and this relay were not");
	else if (is_private(&view->address))
		preflight_add(
			report->preflight, FINDING_ADVICE, "address", NULL,
			"this is a private address, which Salesforce cannot reach; if it gets the same from the DNS, the Email Log has: %s",
			words_line(WORDS_PRIVATE, line));
	else if (view->address.family == ADDRESS_IPV6)
		preflight_add(report->preflight, FINDING_ADVICE, "address", NULL,
		              "there is no IPv4 address; that Salesforce connects over IPv6 is not documented");
	if (!relay_port_allowed(view->port))
		preflight_add(report->preflight, FINDING_ADVICE, "port", NULL,
		              "Salesforce's Email Relay has the ports 25, 587, 10025 and 11025 only, not %u", view->port);
}

void relay_findings(const struct relay_report *report, const struct probe_view *view)
{
	char line[RELAY_OUTCOME_SIZE];
	struct relay_outcome outcome = relay_judge(&view->seen, RELAY_REQUIRED_VERIFY);
	relay_outcome_line(view, &outcome, line);
	tell_place(report, view);
	if (view->seen.step != RELAY_DONE)
		tell_session(report, view, line);
	if (view->tls.version) {
		tell_chain(report, view);
		if (!span_absent(view->tls.subject)) {
			tell_name(report, view);
			tell_dates(report, view);
			tell_strength(report, view);
		}
	}
	tell_versions(report, view);
	tell_auth(report, view);
	tell_rest(report, view);
	tell_open_relay(report, view);
}
