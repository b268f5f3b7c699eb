#include "config.h"

#include "cmd/mtaside.h"

#include <string.h>

/* The parts of "inet:PORT@HOST" and "unix:PATH"; kind is "unix", "inet" or "inet6". */
struct place {
	struct span kind;
	struct span path;
	struct span port;
	struct span host;
};

static struct place place_of(struct span socket)
{
	size_t colon = span_find(socket, 0, ':');
	size_t at = span_find(socket, colon, '@');
	struct place place = {
		.kind = span_slice(socket, 0, colon),
		.path = span_slice(socket, colon + 1, socket.length),
		.port = span_slice(socket, colon + 1, at),
		.host = at < socket.length ? span_slice(socket, at + 1, socket.length) : span_of("localhost"),
	};
	return place;
}

/* An argument of "%.*s". */
#define TEXT(span) (int)(span).length, (span).at ? (span).at : ""

static void postfix_socket(FILE *out, const struct place *place)
{
	bool brackets = span_find(place->host, 0, ':') != place->host.length && place->host.at[0] != '[';

	if (span_equal(place->kind, span_of("unix")))
		fprintf(out, "unix:%.*s", TEXT(place->path));
	else
		fprintf(out, "inet:%s%.*s%s:%.*s", brackets ? "[" : "", TEXT(place->host), brackets ? "]" : "", TEXT(place->port));
}

static void print_postfix(FILE *out, const struct place *place)
{
	static const char *const options[] = {
		"milter_default_action=tempfail", "smtpd_tls_security_level=encrypt", "smtpd_tls_mandatory_protocols=>=TLSv1.2",
		"smtpd_tls_ask_ccert=yes", "smtpd_tls_auth_only=yes", "smtpd_delay_reject=yes", "smtpd_milter_maps=", "mynetworks=",
		"smtpd_client_restrictions=", "smtpd_helo_restrictions=",
		"smtpd_sender_restrictions=reject_non_fqdn_sender,check_sender_access,hash:/etc/postfix/sfdc_senders,reject",
		"smtpd_relay_restrictions=check_client_access,cidr:/etc/postfix/sfdc_clients.cidr,permit_sasl_authenticated,reject",
		"smtpd_recipient_restrictions=reject_non_fqdn_recipient", "smtpd_data_restrictions=reject_unauth_pipelining",
		"smtpd_discard_ehlo_keywords=chunking,silent-discard", "smtpd_forbid_bare_newline=yes", "receive_override_options=",
	};
	fputs("# master.cf: a port for Salesforce alone (25, 587, 10025 and 11025 can be chosen in the Email Relay)\n"
	      "10025 inet n - n - 50 smtpd\n  -o syslog_name=postfix/sfdc\n  -o smtpd_milters=", out);
	postfix_socket(out, place);
	fputc('\n', out);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		fprintf(out, "  -o %s\n", options[i]);
	fputs("\n# main.cf\n"
	      "message_reject_characters = \\0\n"
	      "milter_connect_timeout = 30s\nmilter_command_timeout = 30s\nmilter_content_timeout = 300s\n"
	      "\n# sfdc_senders (run postmap afterwards): your domains, Salesforce's bounce domain, the null sender\n"
	      "example.com            OK\nbnc.salesforce.com     OK\n<>                     OK\n", out);
	fputs("\nTo check:\n"
	      "- milter_default_action=tempfail: any other but shutdown (3.7.20 and later) lets mail through while the milter is down.\n"
	      "- smtpd_tls_ask_ccert=yes: without it no client certificate is ever seen, and cert finds none. Postfix tells of a\n"
	      "  certificate only when it verified the chain: smtpd_tls_CAfile must hold the CA that issued Salesforce's.\n"
	      "- smtpd_forbid_bare_newline=yes (Debian's default is no): else one message can smuggle in a second one.\n"
	      "- message_reject_characters = \\0: a milter sees a header field with a NUL only up to the NUL.\n"
	      "- smtpd_milter_maps stays empty: an entry there goes round the milter.\n"
	      "- non_smtpd_milters: mail that enters by sendmail(1) does not pass this port, and is not judged.\n"
	      "- AUTH: smtpd_sasl_auth_enable=yes if the Email Relay is set to authenticate.\n"
	      "- A milter only refuses. The port itself must relay, so end smtpd_relay_restrictions in reject. A static list of\n"
	      "  addresses refuses Salesforce's newer hosts before the milter can judge them; a port without one makes the\n"
	      "  milter the only lock: then set monitor_floor before you use monitor mode.\n", out);
	if (span_equal(place->kind, span_of("unix")))
		fprintf(out, "- The path is that of an smtpd that is not chrooted (fifth column \"n\"); user postfix must be able to open\n"
		             "  %.*s: make it a member of socket_group.\n", TEXT(place->path));
}

static void sendmail_socket(FILE *out, const struct place *place)
{
	if (span_equal(place->kind, span_of("unix")))
		fprintf(out, "local:%.*s", TEXT(place->path));
	else
		fprintf(out, "%.*s:%.*s@%.*s", TEXT(place->kind), TEXT(place->port), TEXT(place->host));
}

static void print_sendmail(FILE *out, const struct place *place)
{
	fputs("dnl sendmail.mc: a port for Salesforce alone\nMAIL_FILTER(`sfdc', `S=", out);
	sendmail_socket(out, place);
	fputs(", F=T, T=C:30s;S:30s;R:30s;E:5m')dnl\n"
	      "DAEMON_OPTIONS(`Port=10025, Name=SFDC, InputMailFilters=sfdc')dnl\n"
	      "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl\n"
	      "define(`confTLS_SRV_OPTIONS', `')dnl\n"
	      "\n# access: who may relay through this port\n"
	      "Connect:13.108       RELAY\n"
	      "\nTo check:\n"
	      "- F=T: with F= mail passes unfiltered while the milter is down, or when it is handed a header it cannot take.\n"
	      "  F=4 also ends the session, so that the next one reaches the milter again.\n"
	      "- confMAX_HEADERS_LENGTH keeps its default (32768): a larger header breaks the connection to the milter.\n"
	      "- confTLS_SRV_OPTIONS without V: Sendmail then asks for a client certificate. Only {verify} = OK counts; the milter\n"
	      "  asks for that macro itself.\n"
	      "- TLS is not required by the relay rules above: tls in reject_unless does it, or TLS_Clt in the access map.\n"
	      "- AUTH: TRUST_AUTH_MECH lists the mechanisms whose users may relay.\n"
	      "- Use MAIL_FILTER with InputMailFilters, so that other ports are left alone; INPUT_MAIL_FILTER takes all of them.\n"
	      "- FEATURE(`promiscuous_relay') must not be set: a milter only refuses.\n"
	      "- Mail that is submitted by sendmail -bs or -t does not pass this port, and is not judged.\n", out);
	if (!span_equal(place->kind, span_of("unix")))
		fputs("- Sendmail is faster over a unix: socket.\n", out);
}

void mtaside_print(FILE *out, enum mta mta, const struct settings *settings)
{
	struct place place = place_of(settings->socket);
	switch (mta) {
	case MTA_POSTFIX:
		print_postfix(out, &place);
		break;
	case MTA_SENDMAIL:
		print_sendmail(out, &place);
		break;
	case MTA_UNKNOWN:
		break;
	}
}
