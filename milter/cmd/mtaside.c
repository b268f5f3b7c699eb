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

/* More than the milter waits for look-ups: there is the rest of its work, too. At most 280. */
static unsigned patience(const struct settings *settings)
{
	return settings->message_timeout + 40;
}

static bool authenticates(const struct settings *settings)
{
	return set_count(settings->any.auth.users) != 0;
}

/* With AUTH and without it the port is told other things. */
enum when { ALWAYS, WITH_AUTH, WITHOUT_AUTH };

/* As in conf/postfix-master.cf. */
static const struct {
	const char *text;
	enum when when;
} port_options[] = {
	{ "milter_default_action=tempfail", ALWAYS },
	{ "milter_macro_daemon_name=SFDC", ALWAYS },
	{ "smtpd_milter_maps=", ALWAYS },
	{ "smtpd_tls_security_level=encrypt", ALWAYS },
	{ "smtpd_tls_mandatory_protocols=>=TLSv1.2", ALWAYS },
	{ "smtpd_tls_ask_ccert=yes", ALWAYS },
	{ "smtpd_tls_auth_only=yes", ALWAYS },
	{ "smtpd_sasl_auth_enable=yes", WITH_AUTH },
	{ "smtpd_delay_reject=yes", ALWAYS },
	{ "mynetworks=", ALWAYS },
	{ "parent_domain_matches_subdomains=", ALWAYS },
	{ "smtpd_client_restrictions=", ALWAYS },
	{ "smtpd_helo_restrictions=", ALWAYS },
	{ "smtpd_sender_restrictions=reject_non_fqdn_sender,check_sender_access,hash:/etc/postfix/sfdc_senders,reject",
	  ALWAYS },
	{ "smtpd_relay_restrictions=check_client_access,cidr:/etc/postfix/sfdc_clients.cidr,permit_sasl_authenticated,reject",
	  WITH_AUTH },
	{ "smtpd_relay_restrictions=check_client_access,cidr:/etc/postfix/sfdc_clients.cidr,reject", WITHOUT_AUTH },
	{ "smtpd_recipient_restrictions=reject_non_fqdn_recipient", ALWAYS },
	{ "smtpd_data_restrictions=reject_unauth_pipelining", ALWAYS },
	{ "smtpd_end_of_data_restrictions=", ALWAYS },
	{ "smtpd_discard_ehlo_keywords=chunking,silent-discard", ALWAYS },
	{ "smtpd_forbid_bare_newline=reject", ALWAYS },
	{ "smtpd_forbid_bare_newline_exclusions=", ALWAYS },
	{ "receive_override_options=", ALWAYS },
};

static void postfix_port(FILE *out, const struct place *place, bool auth)
{
	fputs("# master.cf: a port for Salesforce alone (25, 587, 10025 and 11025 can be chosen in the Email Relay)\n"
	      "10025 inet n - n - 50 smtpd\n  -o syslog_name=postfix/sfdc\n  -o smtpd_milters=", out);
	postfix_socket(out, place);
	fputc('\n', out);
	for (size_t i = 0; i < sizeof port_options / sizeof port_options[0]; i++)
		if (port_options[i].when == ALWAYS || (port_options[i].when == WITH_AUTH) == auth)
			fprintf(out, "  -o %s\n", port_options[i].text);
}

/* As in conf/postfix-main.cf. */
static void postfix_main(FILE *out, const struct settings *settings)
{
	fputs("\n# main.cf: the server's certificate, the authorities that may vouch for Salesforce's (the fewest that do)\n"
	      "smtpd_tls_cert_file = /etc/postfix/relay.crt\n"
	      "smtpd_tls_key_file = /etc/postfix/relay.key\n"
	      "smtpd_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n"
	      "message_reject_characters = \\0\n", out);
	if (authenticates(settings))
		fputs("smtpd_sasl_type = cyrus\n"
		      "smtpd_sasl_path = smtpd\n"
		      "smtpd_sasl_security_options = noanonymous\n", out);
	fprintf(out, "milter_content_timeout = %us\n", patience(settings));
}

static void postfix_access(FILE *out, struct span key)
{
	fprintf(out, "%-30.*s OK\n", TEXT(key));
}

static void postfix_network(const struct network *network, void *context)
{
	char text[NETWORK_TEXT_SIZE];
	network_format(network, text);
	postfix_access(context, span_of(text));
}

/* A wildcard is kept with a leading dot, and that is how Postfix writes one. */
static void postfix_lists(FILE *out, const struct org *any)
{
	fputs("\n# sfdc_senders (run postmap afterwards): your domains, Salesforce's bounce domains, the null sender\n", out);
	for (size_t i = 0; i < set_count(any->domains); i++)
		postfix_access(out, set_at(any->domains, i));
	for (size_t i = 0; i < set_count(any->envelope.bounce_domains); i++)
		if (!set_has(any->domains, set_at(any->envelope.bounce_domains, i)))
			postfix_access(out, set_at(any->envelope.bounce_domains, i));
	if (any->envelope.null_sender)
		postfix_access(out, span_of("<>"));
	fputs("\n# sfdc_clients.cidr: the addresses that may relay without AUTH\n", out);
	if (network_set_count(any->ip.networks) == 0)
		fputs("# ADDRESSES OK, as in 192.0.2.0/24 OK: those your organization sends from (ip.networks names none)\n",
		      out);
	network_set_each(any->ip.networks, postfix_network, out);
}

static void postfix_advice(FILE *out, const struct place *place, bool auth)
{
	fputs("\nTo check:\n"
	      "- milter_default_action=tempfail: any other but shutdown (3.7.20 and later) lets mail through while the milter is down.\n"
	      "- smtpd_tls_ask_ccert=yes: without it no client certificate is ever seen, and cert finds none. Postfix tells of a\n"
	      "  certificate only when it verified the chain: smtpd_tls_CAfile must hold the CA that issued Salesforce's.\n"
	      "- smtpd_forbid_bare_newline=reject (Debian's default is no; yes only repairs line ends): else one message can\n"
	      "  smuggle in a second one. It needs Postfix 3.6.14, 3.7.10, 3.8.5 or 3.9.\n"
	      "- message_reject_characters = \\0: a milter sees a header field with a NUL only up to the NUL.\n"
	      "- smtpd_milter_maps stays empty: an entry there goes round the milter.\n"
	      "- parent_domain_matches_subdomains stays empty: else example.com in sfdc_senders takes every name below it, too,\n"
	      "  and .example.com, which stands for those names, takes none.\n"
	      "- milter_content_timeout must be more than message_timeout of the milter.\n"
	      "- non_smtpd_milters: mail that enters by sendmail(1) does not pass this port, and is not judged.\n", out);
	fputs(auth ? "- AUTH: logins that are used for nothing else; the milter knows those of auth.users.\n"
	           : "- AUTH: not offered, since no organization has auth.users. Set them if the Email Relay authenticates.\n",
	      out);
	fputs("- A milter only refuses. The port itself must relay, so end smtpd_relay_restrictions in reject. A static list of\n"
	      "  addresses refuses Salesforce's newer hosts before the milter can judge them; a port without one makes the\n"
	      "  milter the only lock: then set monitor_floor before you use monitor mode.\n", out);
	if (span_equal(place->kind, span_of("unix")))
		fprintf(out, "- The path is that of an smtpd that is not chrooted (fifth column \"n\"); user postfix must be able to open\n"
		             "  %.*s: make it a member of socket_group.\n", TEXT(place->path));
}

static void print_postfix(FILE *out, const struct place *place, const struct settings *settings)
{
	postfix_port(out, place, authenticates(settings));
	postfix_main(out, settings);
	postfix_lists(out, &settings->any);
	postfix_advice(out, place, authenticates(settings));
}

static void sendmail_socket(FILE *out, const struct place *place)
{
	if (span_equal(place->kind, span_of("unix")))
		fprintf(out, "local:%.*s", TEXT(place->path));
	else
		fprintf(out, "%.*s:%.*s@%.*s", TEXT(place->kind), TEXT(place->port), TEXT(place->host));
}

/* As in conf/sendmail.mc. */
static void sendmail_mc(FILE *out, const struct place *place, const struct settings *settings)
{
	fputs("dnl sendmail.mc: a port for Salesforce alone\nMAIL_FILTER(`sfdc', `S=", out);
	sendmail_socket(out, place);
	fprintf(out, ", F=T, T=C:30s;S:30s;R:%us;E:5m')dnl\n", patience(settings));
	fputs("DAEMON_OPTIONS(`Port=10025, Name=SFDC, InputMailFilters=sfdc')dnl\n"
	      "dnl The first DAEMON_OPTIONS takes the place of port 25. If there is no other, add this to keep that port:\n"
	      "dnl DAEMON_OPTIONS(`Port=smtp, Name=MTA')dnl\n"
	      "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl\n"
	      "define(`confTLS_SRV_OPTIONS', `')dnl\n", out);
	if (authenticates(settings))
		fputs("define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl\n"
		      "TRUST_AUTH_MECH(`PLAIN LOGIN')dnl\n"
		      "define(`confAUTH_OPTIONS', `A,p')dnl\n", out);
}

/* Entries of the access map end between octets, or groups of IPv6: a block that does not takes several. */
#define ENTRIES_MAX 256U

static void sendmail_entry(FILE *out, const struct address *address, unsigned groups, unsigned more)
{
	char text[ADDRESS_TEXT_SIZE + 8];
	size_t used = 0;
	for (unsigned i = 0; i < groups; i++) {
		unsigned last = i + 1 == groups ? more : 0;
		const uint8_t *pair = &address->bytes[i * 2];
		int length = address->family == ADDRESS_IPV4
			? snprintf(text + used, sizeof text - used, "%s%u", i ? "." : "", address->bytes[i] + last)
			: snprintf(text + used, sizeof text - used, "%s%x", i ? ":" : "IPv6:", ((unsigned)pair[0] << 8 | pair[1]) + last);
		used += (size_t)length;
	}
	fprintf(out, "Connect:%-22s RELAY\n", text);
}

static void sendmail_network(const struct network *network, void *context)
{
	unsigned group = network->address.family == ADDRESS_IPV4 ? 8 : 16;
	unsigned groups = network->prefix == 0 ? 1 : (network->prefix + group - 1) / group;
	unsigned entries = 1U << (groups * group - network->prefix);
	char text[NETWORK_TEXT_SIZE];
	network_format(network, text);
	if (entries > ENTRIES_MAX) {
		fprintf(context, "# %s: %u entries, too many to show\n", text, entries);
		return;
	}
	if (entries > 1)
		fprintf(context, "# %s\n", text);
	for (unsigned i = 0; i < entries; i++)
		sendmail_entry(context, &network->address, groups, i);
}

static void sendmail_access(FILE *out, const struct org *any)
{
	fputs("\n# access: who may relay without AUTH (on every port)\n", out);
	if (network_set_count(any->ip.networks) == 0)
		fputs("# Connect:ADDRESS RELAY: those your organization sends from (ip.networks names none). An entry covers whole\n"
		      "# octets: 13.108.0.0/14 takes four, Connect:13.108 to Connect:13.111.\n", out);
	network_set_each(any->ip.networks, sendmail_network, out);
}

static void sendmail_advice(FILE *out, const struct place *place, bool auth)
{
	fputs("\nTo check:\n"
	      "- F=T: with F= mail passes unfiltered while the milter is down, or when it is handed a header it cannot take.\n"
	      "  F=4 also ends the session, so that the next one reaches the milter again.\n"
	      "- R: and E: must be more than message_timeout of the milter.\n"
	      "- confMAX_HEADERS_LENGTH keeps its default (32768): a larger header breaks the connection to the milter.\n"
	      "- confTLS_SRV_OPTIONS without V: Sendmail then asks for a client certificate. Only {verify} = OK counts; the milter\n"
	      "  asks for that macro itself. confCACERT must hold the CA that issued Salesforce's.\n"
	      "- TLS is not required by the relay rules above: tls in reject_unless does it, or TLS_Clt in the access map.\n", out);
	fputs(auth ? "- AUTH: TRUST_AUTH_MECH lists the mechanisms whose users may relay.\n"
	           : "- AUTH: not offered, since no organization has auth.users. Set them if the Email Relay authenticates.\n",
	      out);
	fputs("- Use MAIL_FILTER with InputMailFilters, so that other ports are left alone; INPUT_MAIL_FILTER takes all of them.\n"
	      "- FEATURE(`promiscuous_relay') must not be set: a milter only refuses.\n"
	      "- Mail that is submitted by sendmail -bs or -t does not pass this port, and is not judged.\n", out);
	if (!span_equal(place->kind, span_of("unix")))
		fputs("- Sendmail is faster over a unix: socket.\n", out);
}

static void print_sendmail(FILE *out, const struct place *place, const struct settings *settings)
{
	sendmail_mc(out, place, settings);
	sendmail_access(out, &settings->any);
	sendmail_advice(out, place, authenticates(settings));
}

void mtaside_print(FILE *out, enum mta mta, const struct settings *settings)
{
	struct place place = place_of(settings->socket);
	switch (mta) {
	case MTA_POSTFIX:
		print_postfix(out, &place, settings);
		break;
	case MTA_SENDMAIL:
		print_sendmail(out, &place, settings);
		break;
	case MTA_UNKNOWN:
		break;
	}
}
