/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/mta_snippets.h"

#include <string.h>

#include "cmd/socket_place.h"

/* An argument of "%.*s". */
#define TEXT(span) (int)(span).length, (span).at ? (span).at : ""

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

/* The port and its cleanup service as in conf/postfix-master.cf. */
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
	{ "smtpd_tls_CAfile=/etc/ssl/certs/ca-certificates.crt", ALWAYS },
	{ "tls_ssl_options=NO_TICKET", ALWAYS },
	{ "smtpd_tls_auth_only=yes", ALWAYS },
	{ "smtpd_sasl_auth_enable=yes", WITH_AUTH },
	{ "smtpd_sasl_type=cyrus", WITH_AUTH },
	{ "smtpd_sasl_path=smtpd", WITH_AUTH },
	{ "smtpd_sasl_security_options=noanonymous", WITH_AUTH },
	{ "cyrus_sasl_config_path=/etc/postfix/sasl", WITH_AUTH },
	{ "smtpd_sasl_auth_enable=no", WITHOUT_AUTH },
	{ "smtpd_delay_reject=yes", ALWAYS },
	{ "mynetworks=", ALWAYS },
	{ "parent_domain_matches_subdomains=", ALWAYS },
	{ "smtpd_client_restrictions=", ALWAYS },
	{ "smtpd_helo_restrictions=", ALWAYS },
	{ "smtpd_sender_restrictions=reject_non_fqdn_sender,check_sender_access,texthash:/etc/postfix/sfdc_senders,reject",
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
	{ "cleanup_service_name=sfdc-cleanup", ALWAYS },
};

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

static void postfix_clients(FILE *out, const struct org *any, bool auth)
{
	fputs("\n# Addresses that may relay without AUTH: ip.networks.\n"
	      "cat > /etc/postfix/sfdc_clients.cidr <<'END'\n",
	      out);
	if (network_set_count(any->ip.networks) == 0)
		fputs("# ADDRESSES OK, as in 192.0.2.0/24 OK: those your organization sends from.\n", out);
	network_set_each(any->ip.networks, postfix_network, out);
	fputs("END\n", out);
	if (network_set_count(any->ip.networks) == 0)
		fputs(auth ? "# ip.networks names none: only AUTH may relay.\n"
		           : "# ip.networks names none, and no organization has auth.users: the port relays for\n"
		             "# nobody until you set one of them, check again and paste again.\n",
		      out);
}

/* A wildcard is kept with a leading dot, and that is how Postfix writes one. */
static void postfix_senders(FILE *out, const struct org *any)
{
	fputs("\n# Envelope senders: your domains, Salesforce's bounce domains, the null sender.\n"
	      "cat > /etc/postfix/sfdc_senders <<'END'\n",
	      out);
	for (size_t i = 0; i < set_count(any->domains); i++)
		postfix_access(out, set_at(any->domains, i));
	for (size_t i = 0; i < set_count(any->envelope.bounce_domains); i++)
		if (!set_has(any->domains, set_at(any->envelope.bounce_domains, i)))
			postfix_access(out, set_at(any->envelope.bounce_domains, i));
	if (any->envelope.null_sender)
		postfix_access(out, span_of("<>"));
	fputs("END\n", out);
}

/* Whether the text means itself within a shell's single quotes and a value of master.cf. */
static bool pasteable(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@,=+-[]", text.at[i]))
			return false;
	return true;
}

static void postfix_port(FILE *out, const struct socket_place *place, const struct settings *settings)
{
	bool auth = authenticates(settings);
	struct arena arena;

	if (!pasteable(settings->socket)) {
		fputs("\n# The port is left out: the path of the milter's socket holds characters that a shell or\n"
		      "# Postfix could take for something else. Give it another one and check again.\n",
		      out);
		return;
	}
	fputs("\n# The port. It is not chrooted (fifth column \"n\"), so that it sees the milter's socket.\n"
	      "postconf -M '10025/inet=10025 inet n - n - 50 smtpd'\n"
	      "postconf -P '10025/inet/syslog_name=postfix/sfdc' \\\n",
	      out);
	arena_init(&arena, 0);
	struct span socket = socket_place_postfix(place, &arena);
	fprintf(out, "    '10025/inet/smtpd_milters=%.*s' \\\n", TEXT(socket));
	arena_clear(&arena);
	for (size_t i = 0; i < sizeof port_options / sizeof port_options[0]; i++)
		if (port_options[i].when == ALWAYS || (port_options[i].when == WITH_AUTH) == auth)
			fprintf(out, "    '10025/inet/%s' \\\n", port_options[i].text);
	fprintf(out, "    '10025/inet/milter_content_timeout=%us'\n", patience(settings));
	fputs("# The port's own way into the queue: it refuses a NUL, which no milter can see.\n"
	      "postconf -M 'sfdc-cleanup/unix=sfdc-cleanup unix n - n - 0 cleanup'\n"
	      "postconf -P 'sfdc-cleanup/unix/message_reject_characters=\\0'\n",
	      out);
}

static void postfix_advice(FILE *out, const struct socket_place *place, bool auth)
{
	fputs("\n# Then: postfix reload\n"
	      "# The way back: postconf -MX 10025/inet sfdc-cleanup/unix && postfix reload\n"
	      "#\n"
	      "# To know:\n"
	      "# - The certificate the port shows is that of main.cf. Salesforce's \"Required Verify\" asks\n"
	      "#   that a public authority signed it and that it names the host set in Salesforce. To give\n"
	      "#   this port one of its own, key first:\n"
	      "#   postconf -P '10025/inet/smtpd_tls_chain_files=/etc/postfix/relay.key,/etc/postfix/relay.crt'\n"
	      "# - smtpd_tls_ask_ccert, smtpd_tls_CAfile: Postfix tells a milter only of a certificate that\n"
	      "#   it asked for and verified. Name the fewest authorities that vouch for Salesforce's.\n"
	      "# - tls_ssl_options=NO_TICKET: else a client can bring a TLS session from another port of this\n"
	      "#   Postfix, and with it a certificate that only the CA file there vouches for.\n"
	      "# - smtpd_forbid_bare_newline=reject (Debian 12's default is no; yes only repairs line ends):\n"
	      "#   else one message can smuggle in a second one. Needs Postfix 3.6.14, 3.7.10, 3.8.5 or 3.9.\n"
	      "# - milter_default_action=tempfail: any other but shutdown (3.7.20 and later) lets mail\n"
	      "#   through while the milter is down.\n"
	      "# - smtpd_milter_maps stays empty: an entry there goes round the milter.\n"
	      "# - parent_domain_matches_subdomains stays empty: else example.com in sfdc_senders takes every\n"
	      "#   name below it, too, and .example.com, which stands for those names, takes none.\n"
	      "# - milter_content_timeout must be more than message_timeout of the milter.\n"
	      "# - Mail that enters by sendmail(1) does not pass this port, and is not judged.\n",
	      out);
	fputs(auth ? "# - AUTH: logins that are used for nothing else, the milter knows those of auth.users. With\n"
	             "#   Dovecot set smtpd_sasl_type=dovecot and smtpd_sasl_path to its socket.\n"
	           : "# - AUTH is not offered, since no organization has auth.users. Set them if the Email Relay\n"
	             "#   authenticates.\n",
	      out);
	fputs("# - A milter only refuses. The port itself must relay: to the listed addresses and to AUTH. A\n"
	      "#   static list refuses Salesforce's newer hosts before the milter can judge them; a port\n"
	      "#   without one makes the milter the only lock: then set monitor_floor before monitor mode.\n",
	      out);
	if (span_equal(place->kind, span_of("unix")) && pasteable(place->path))
		fprintf(out, "# - User postfix must be able to open %.*s:\n#   socket_group: postfix.\n", TEXT(place->path));
}

static void print_postfix(FILE *out, const struct socket_place *place, const struct settings *settings)
{
	fputs("# Postfix: a port for Salesforce alone (25, 587, 10025 and 11025 can be chosen in the Email\n"
	      "# Relay). Paste what follows into a shell of root. Other ports stay as they are.\n",
	      out);
	postfix_clients(out, &settings->any, authenticates(settings));
	postfix_senders(out, &settings->any);
	postfix_port(out, place, settings);
	postfix_advice(out, place, authenticates(settings));
}

static void sendmail_socket(FILE *out, const struct socket_place *place)
{
	if (span_equal(place->kind, span_of("unix")))
		fprintf(out, "local:%.*s", TEXT(place->path));
	else
		fprintf(out, "%.*s:%.*s@%.*s", TEXT(place->kind), TEXT(place->port), TEXT(place->host));
}

/* As in conf/sendmail.mc. */
static void sendmail_mc(FILE *out, const struct socket_place *place, const struct settings *settings)
{
	fputs("dnl sendmail.mc: a port for Salesforce alone\nMAIL_FILTER(`sfdc', `S=", out);
	sendmail_socket(out, place);
	fprintf(out, ", F=T, T=C:30s;S:30s;R:%us;E:5m')dnl\n", patience(settings));
	fputs("DAEMON_OPTIONS(`Port=10025, Name=SFDC, InputMailFilters=sfdc')dnl\n"
	      "dnl The first DAEMON_OPTIONS takes the place of port 25. If there is no other, add this to keep that port:\n"
	      "dnl DAEMON_OPTIONS(`Port=smtp, Name=MTA')dnl\n"
	      "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl\n"
	      "define(`confTLS_SRV_OPTIONS', `')dnl\n",
	      out);
	if (authenticates(settings))
		fputs("define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl\n"
		      "TRUST_AUTH_MECH(`PLAIN LOGIN')dnl\n"
		      "define(`confAUTH_OPTIONS', `A,p')dnl\n",
		      out);
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
		                 : snprintf(text + used, sizeof text - used, "%s%x",
		                            i ? ":" : "IPv6:", ((unsigned)pair[0] << 8 | pair[1]) + last);
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
		fputs(
			"# Connect:ADDRESS RELAY: those your organization sends from (ip.networks names none). An entry covers whole\n"
			"# octets: 13.108.0.0/14 takes four, Connect:13.108 to Connect:13.111.\n",
			out);
	network_set_each(any->ip.networks, sendmail_network, out);
}

static void sendmail_advice(FILE *out, const struct socket_place *place, bool auth)
{
	fputs(
		"\nTo check:\n"
		"- F=T: with F= mail passes unfiltered while the milter is down, or when it is handed a header it cannot take.\n"
		"  F=4 also ends the session, so that the next one reaches the milter again.\n"
		"- R: and E: must be more than message_timeout of the milter.\n"
		"- confMAX_HEADERS_LENGTH keeps its default (32768): a larger header breaks the connection to the milter.\n"
		"- confTLS_SRV_OPTIONS without V: Sendmail then asks for a client certificate. Only {verify} = OK counts; the milter\n"
		"  asks for that macro itself. confCACERT must hold the CA that issued Salesforce's.\n"
		"- TLS is not required by the relay rules above: tls in reject_unless does it, or TLS_Clt in the access map.\n",
		out);
	fputs(
		auth
			? "- AUTH: TRUST_AUTH_MECH lists the mechanisms whose users may relay.\n"
			: "- AUTH: not offered, since no organization has auth.users. Set them if the Email Relay authenticates.\n",
		out);
	fputs(
		"- Use MAIL_FILTER with InputMailFilters, so that other ports are left alone; INPUT_MAIL_FILTER takes all of them.\n"
		"- FEATURE(`promiscuous_relay') must not be set: a milter only refuses.\n"
		"- Mail that is submitted by sendmail -bs or -t does not pass this port, and is not judged.\n",
		out);
	if (!span_equal(place->kind, span_of("unix")))
		fputs("- Sendmail is faster over a unix: socket.\n", out);
}

static void print_sendmail(FILE *out, const struct socket_place *place, const struct settings *settings)
{
	sendmail_mc(out, place, settings);
	sendmail_access(out, &settings->any);
	sendmail_advice(out, place, authenticates(settings));
}

void mta_snippets_print(FILE *out, enum mta mta, const struct settings *settings)
{
	struct socket_place place = socket_place_of(settings->socket);
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
