#include "config/options.h"

#include <syslog.h>

#include "config/forms.h"
#include "core/settings.h"

/* Offsets of fields, which compile only if the field has the type that the option's type is stored in. */
#define FIELD(holder, member, type) \
	(offsetof(struct holder, member) + 0 * sizeof(char[_Generic(((struct holder *)0)->member, type : 1)]))
#define CHOICE_FIELD(holder, member) \
	(offsetof(struct holder, member) \
	 + 0 * sizeof(char[sizeof(((struct holder *)0)->member) == sizeof(int) ? 1 : -1]))
#define SPAN(holder, member) FIELD(holder, member, struct span)
#define BOOL(holder, member) FIELD(holder, member, bool)
#define UNSIGNED(holder, member) FIELD(holder, member, unsigned)
#define SENTENCE(holder, member) FIELD(holder, member, struct sentence)
#define SET(holder, member) FIELD(holder, member, struct set *)
#define NETWORKS(holder, member) FIELD(holder, member, struct network_set *)

#define DAY (24UL * 60 * 60)
#define NONE 0, NULL, 0, 0, NULL

static const struct option_choice modes[] = {
	{ "monitor", MODE_MONITOR, NULL }, { "enforce", MODE_ENFORCE, NULL }, { 0 },
};
static const struct option_choice scopes[] = {
	{ "all", SCOPE_ALL, NULL }, { "salesforce", SCOPE_SALESFORCE, NULL }, { 0 },
};
static const struct option_choice early[] = {
	{ "rcpt", EARLY_REJECT_RCPT, NULL }, { "mail", EARLY_REJECT_MAIL, NULL }, { 0 },
};
static const struct option_choice undecided[] = {
	{ "tempfail", VERDICT_TEMPFAIL, NULL },     { "reject", VERDICT_REJECT, NULL },
	{ "quarantine", VERDICT_QUARANTINE, NULL }, { "accept", VERDICT_ACCEPT, NULL }, { 0 },
};
static const struct option_choice targets[] = {
	{ "syslog", LOG_TARGET_SYSLOG, NULL }, { "stderr", LOG_TARGET_STDERR, NULL },
	{ "journal", LOG_TARGET_JOURNAL, NULL }, { 0 },
};
static const struct option_choice facilities[] = {
	{ "mail", LOG_MAIL, NULL },     { "daemon", LOG_DAEMON, NULL }, { "auth", LOG_AUTH, NULL },
	{ "authpriv", LOG_AUTHPRIV, NULL }, { "user", LOG_USER, NULL }, { "local0", LOG_LOCAL0, NULL },
	{ "local1", LOG_LOCAL1, NULL }, { "local2", LOG_LOCAL2, NULL }, { "local3", LOG_LOCAL3, NULL },
	{ "local4", LOG_LOCAL4, NULL }, { "local5", LOG_LOCAL5, NULL }, { "local6", LOG_LOCAL6, NULL },
	{ "local7", LOG_LOCAL7, NULL }, { 0 },
};
static const struct option_choice formats[] = {
	{ "logfmt", LOG_FORMAT_LOGFMT, NULL }, { "json", LOG_FORMAT_JSON, NULL }, { 0 },
};
static const struct option_choice levels[] = {
	{ "error", LOG_LEVEL_ERROR, NULL }, { "warning", LOG_LEVEL_WARNING, NULL },
	{ "info", LOG_LEVEL_INFO, NULL },   { "debug", LOG_LEVEL_DEBUG, NULL }, { 0 },
};
static const struct option_choice additions[] = {
	{ "local", ADD_TO_LOCAL, NULL }, { "all", ADD_TO_ALL, NULL }, { "none", ADD_TO_NONE, NULL }, { 0 },
};
static const struct option_choice tls_versions[] = {
	{ "1.0", TLS_1_0, NULL }, { "1.1", TLS_1_1, NULL }, { "1.2", TLS_1_2, NULL }, { "1.3", TLS_1_3, NULL }, { 0 },
};
static const struct option_choice alignments[] = {
	{ "strict", ALIGNMENT_STRICT, NULL }, { "parent", ALIGNMENT_PARENT, NULL },
	{ "relaxed", ALIGNMENT_RELAXED, NULL }, { 0 },
};
static const struct option_choice algorithms[] = {
	{ "rsa-sha256", (int)ALGORITHM_RSA_SHA256, NULL },
	{ "ed25519-sha256", (int)ALGORITHM_ED25519_SHA256, NULL },
	{ "rsa-sha1", CHOICE_REFUSED, "leave it out: RFC 8301 forbids it" }, { 0 },
};
static const struct option_choice undecodables[] = {
	{ "fail", UNDECODABLE_FAIL, NULL }, { "skip", UNDECODABLE_SKIP, NULL }, { 0 },
};

static const struct option options[] = {
	{ "socket", OPTION_TOP, OPTION_TEXT, "unix:/run/sfdc-milter/sfdc-milter.sock", SPAN(settings, socket), NULL, 0, 0,
	  form_socket, "where the MTA reaches the milter: unix:PATH, inet:PORT@HOST or inet6:PORT@HOST" },
	{ "socket_mode", OPTION_TOP, OPTION_OCTAL, "\"0660\"", UNSIGNED(settings, socket_mode), NULL, 0, 0777, NULL,
	  "permissions of a unix socket" },
	{ "socket_group", OPTION_TOP, OPTION_TEXT, "\"\"", SPAN(settings, socket_group), NULL, 0, 0, form_group,
	  "group that a unix socket is given to; empty: the user's" },
	{ "user", OPTION_TOP, OPTION_TEXT, "sfdc-milter", SPAN(settings, user), NULL, 0, 0, form_user,
	  "user the daemon runs as when it was started as root" },
	{ "pidfile", OPTION_TOP, OPTION_TEXT, "\"\"", SPAN(settings, pidfile), NULL, 0, 0, form_pidfile,
	  "file that holds the process ID of the daemon; empty: none" },
	{ "mode", OPTION_TOP, OPTION_CHOICE, "monitor", CHOICE_FIELD(settings, mode), modes, 0, 0, NULL,
	  "monitor logs what would be done and accepts; enforce does it" },
	{ "scope", OPTION_TOP, OPTION_CHOICE, "all", CHOICE_FIELD(settings, scope), scopes, 0, 0, NULL,
	  "all mail is judged, or only mail with a trait of Salesforce" },
	{ "authserv_id", OPTION_TOP, OPTION_TEXT, "\"\"", SPAN(settings, authserv_id), NULL, 0, 0, form_authserv_id,
	  "name of this relay in Authentication-Results; empty: the MTA's own name" },
	{ "exempt_clients", OPTION_TOP, OPTION_NETWORKS, "[]", NETWORKS(settings, exempt_clients), NULL, 0, 0, NULL,
	  "clients whose mail is never judged" },
	{ "monitor_floor", OPTION_TOP, OPTION_SENTENCE, "\"\"", SENTENCE(settings, monitor_floor), NULL, 0, 0, NULL,
	  "sentence that is enforced even in monitor mode" },
	{ "early_reject", OPTION_TOP, OPTION_CHOICE, "rcpt", CHOICE_FIELD(settings, early_reject), early, 0, 0, NULL,
	  "command at which a hopeless session is refused" },
	{ "undecided", OPTION_TOP, OPTION_CHOICE, "tempfail", CHOICE_FIELD(settings, undecided), undecided, 0, 0, NULL,
	  "what is done with a message whose sentence stays open" },
	{ "reply_contact", OPTION_TOP, OPTION_TEXT, "\"\"", SPAN(settings, reply_contact), NULL, 0, 0, form_contact,
	  "what refusals end with, such as a URL or telephone number" },
	{ "message_timeout", OPTION_TOP, OPTION_NUMBER, "20", UNSIGNED(settings, message_timeout), NULL, 1, 240, NULL,
	  "seconds that one message may wait for lookups, all at its end" },
	{ "include", OPTION_TOP, OPTION_GLOBS, "[]", 0, NULL, 0, 0, form_some,
	  "further files with organizations; patterns are relative to this file" },
	{ "dns.nameservers", OPTION_TOP, OPTION_EXACT, "[]", SET(settings, dns.nameservers), NULL, 0, 0, form_nameserver,
	  "resolvers, ADDRESS or ADDRESS@PORT; empty: those of resolv.conf" },
	{ "dns.trust_anchor", OPTION_TOP, OPTION_FILE, "\"\"", SPAN(settings, dns.trust_anchor), NULL, 0, 0, NULL,
	  "file with the root's trust anchor, for DNSSEC; empty: none" },
	{ "dns.local_data", OPTION_TOP, OPTION_FILE, "\"\"", SPAN(settings, dns.local_data), NULL, 0, 0, NULL,
	  "file of resource records that are answered without asking; empty: none" },
	{ "dns.cache_ttl_max", OPTION_TOP, OPTION_NUMBER, "3600", UNSIGNED(settings, dns.cache_ttl_max), NULL, 0, 7 * DAY,
	  NULL, "seconds that an answer is cached at most" },
	{ "dns.cache_negative_max", OPTION_TOP, OPTION_NUMBER, "60", UNSIGNED(settings, dns.cache_negative_max), NULL, 0,
	  DAY, NULL, "seconds that the absence of an answer is cached at most" },
	{ "log.target", OPTION_TOP, OPTION_CHOICE, "syslog", CHOICE_FIELD(settings, log.target), targets, 0, 0, NULL,
	  "where log lines go" },
	{ "log.facility", OPTION_TOP, OPTION_CHOICE, "mail", CHOICE_FIELD(settings, log.facility), facilities, 0, 0, NULL,
	  "syslog facility" },
	{ "log.format", OPTION_TOP, OPTION_CHOICE, "logfmt", CHOICE_FIELD(settings, log.format), formats, 0, 0, NULL,
	  "key=value pairs or one JSON object per line" },
	{ "log.level", OPTION_TOP, OPTION_CHOICE, "info", CHOICE_FIELD(settings, log.level), levels, 0, 0, NULL,
	  "least severity that is logged; verdicts are info" },
	{ "headers.authentication_results", OPTION_TOP, OPTION_BOOLEAN, "yes",
	  BOOL(settings, headers.authentication_results), NULL, 0, 0, NULL, "add an Authentication-Results field" },
	{ "headers.result_header", OPTION_TOP, OPTION_TEXT, "X-SFDC-Relay", SPAN(settings, headers.result_header), NULL, 0,
	  0, form_result_header, "name of the field that carries verdict and results" },
	{ "headers.add_to", OPTION_TOP, OPTION_CHOICE, "local", CHOICE_FIELD(settings, headers.add_to), additions, 0, 0,
	  NULL, "mail that gains these fields: that which stays inside, all or none" },
	{ "headers.own_ids", OPTION_TOP, OPTION_NOCASE, "[]", SET(settings, headers.own_ids), NULL, 0, 0, form_own_id,
	  "further names of ours whose forged Authentication-Results are removed" },
	{ "defaults", OPTION_TOP, OPTION_DEFAULTS, "{}", NONE, "values of per-organization options for all organizations" },
	{ "orgs", OPTION_TOP, OPTION_ORGS, NULL, NONE, "the organizations served, by organization ID; at least one" },

	{ "name", OPTION_ORG, OPTION_TEXT, "\"\"", SPAN(org, name), NULL, 0, 0, form_name,
	  "name of the organization in the log" },
	{ "mode", OPTION_ORG, OPTION_CHOICE, NULL, CHOICE_FIELD(org, mode), modes, 0, 0, NULL,
	  "mode of the organization; default: that of the top level" },
	{ "domains", OPTION_ORG, OPTION_PATTERNS, "[]", SET(org, domains), NULL, 0, 0, form_pattern,
	  "domains that the organization sends from" },
	{ "reject_unless", OPTION_ORG, OPTION_SENTENCE,
	  "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)",
	  SENTENCE(org, reject_unless), NULL, 0, 0, NULL, "what must hold, else the message is refused" },
	{ "quarantine_unless", OPTION_ORG, OPTION_SENTENCE, "\"\"", SENTENCE(org, quarantine_unless), NULL, 0, 0, NULL,
	  "what must hold, else the message is quarantined" },
	{ "warn_unless", OPTION_ORG, OPTION_SENTENCE, "\"\"", SENTENCE(org, warn_unless), NULL, 0, 0, NULL,
	  "what must hold, else a warning is noted" },
	{ "tls.min_version", OPTION_ORG, OPTION_CHOICE, "\"1.2\"", CHOICE_FIELD(org, tls.min_version), tls_versions, 0, 0,
	  NULL, "lowest TLS version" },
	{ "tls.min_cipher_bits", OPTION_ORG, OPTION_NUMBER, "128", UNSIGNED(org, tls.min_cipher_bits), NULL, 0, 256, NULL,
	  "lowest strength of the cipher" },
	{ "cert.names", OPTION_ORG, OPTION_PATTERNS, "[\"*.mta.salesforce.com\"]", SET(org, cert.names), NULL, 0, 0,
	  form_pattern, "names that the client certificate may have" },
	{ "cert.issuers", OPTION_ORG, OPTION_EXACT, "[]", SET(org, cert.issuers), NULL, 0, 0, form_some,
	  "issuers that the certificate may have, as the log shows them; empty: any" },
	{ "cert.match_client_name", OPTION_ORG, OPTION_BOOLEAN, "no", BOOL(org, cert.match_client_name), NULL, 0, 0, NULL,
	  "the certificate's name must be the client's verified DNS name" },
	{ "cert.required", OPTION_ORG, OPTION_BOOLEAN, "yes", BOOL(org, cert.required), NULL, 0, 0, NULL,
	  "no: a client without certificate is skipped" },
	{ "envelope.bounce_domains", OPTION_ORG, OPTION_PATTERNS, "[\"*.bnc.salesforce.com\"]",
	  SET(org, envelope.bounce_domains), NULL, 0, 0, form_pattern, "bounce domains that may stand in MAIL FROM" },
	{ "envelope.null_sender", OPTION_ORG, OPTION_BOOLEAN, "yes", BOOL(org, envelope.null_sender), NULL, 0, 0, NULL,
	  "MAIL FROM:<> is allowed" },
	{ "message.senders", OPTION_ORG, OPTION_NOCASE, "[no-reply@salesforce.com, noreply@salesforce.com]",
	  SET(org, message.senders), NULL, 0, 0, form_address,
	  "addresses outside the organization's domains that may stand in Sender" },
	{ "dkim.alignment", OPTION_ORG, OPTION_CHOICE, "parent", CHOICE_FIELD(org, dkim.alignment), alignments, 0, 0, NULL,
	  "how a signature's d= must relate to the domain of From" },
	{ "dkim.min_rsa_bits", OPTION_ORG, OPTION_NUMBER, "1024", UNSIGNED(org, dkim.min_rsa_bits), NULL, 1024, 4096, NULL,
	  "shortest RSA key" },
	{ "dkim.algorithms", OPTION_ORG, OPTION_CHOICES, "[rsa-sha256, ed25519-sha256]", UNSIGNED(org, dkim.algorithms),
	  algorithms, 0, 0, NULL, "signature algorithms" },
	{ "dkim.selectors", OPTION_ORG, OPTION_NOCASE, "[]", SET(org, dkim.selectors), NULL, 0, 0, form_dns_name,
	  "selectors that a signature may have; empty: any" },
	{ "dkim.key_zones", OPTION_ORG, OPTION_PATTERNS, "[]", SET(org, dkim.key_zones), NULL, 0, 0, form_pattern,
	  "names through which the key must be reached by CNAME; empty: any" },
	{ "dkim.required_headers", OPTION_ORG, OPTION_NOCASE, "[from, to, subject, date, content-type]",
	  SET(org, dkim.required_headers), NULL, 0, 0, form_field, "fields that must be signed where they are present" },
	{ "dkim.max_age", OPTION_ORG, OPTION_DURATION, "7d", UNSIGNED(org, dkim.max_age), NULL, 0, 3650 * DAY, NULL,
	  "oldest signature by its t=, where it has one; 0: any" },
	{ "dkim.max_signatures", OPTION_ORG, OPTION_NUMBER, "8", UNSIGNED(org, dkim.max_signatures), NULL, 1, 64, NULL,
	  "how many signatures are looked at" },
	{ "dkim.required", OPTION_ORG, OPTION_BOOLEAN, "yes", BOOL(org, dkim.required), NULL, 0, 0, NULL,
	  "no: a message without signature is skipped" },
	{ "verp.undecodable", OPTION_ORG, OPTION_CHOICE, "skip", CHOICE_FIELD(org, verp.undecodable), undecodables, 0, 0,
	  NULL, "result for a bounce address whose organization cannot be decoded" },
	{ "auth.users", OPTION_ORG, OPTION_EXACT, "[]", SET(org, auth.users), NULL, 0, 0, form_some,
	  "users that may authenticate, as auth= in the log shows them" },
	{ "auth.mechanisms", OPTION_ORG, OPTION_NOCASE, "[]", SET(org, auth.mechanisms), NULL, 0, 0, form_mechanism,
	  "SASL mechanisms that may be used; empty: any" },
	{ "auth.required", OPTION_ORG, OPTION_BOOLEAN, "yes", BOOL(org, auth.required), NULL, 0, 0, NULL,
	  "no: a session without AUTH is skipped" },
	{ "ip.networks", OPTION_ORG, OPTION_NETWORKS, "[]", NETWORKS(org, ip.networks), NULL, 0, 0, NULL,
	  "networks that the client may be in" },
	{ "ip.networks_file", OPTION_ORG, OPTION_BLOCKS, "\"\"", SPAN(org, ip.networks_file), NULL, 0, 0, NULL,
	  "file of further networks, one per line; empty: none" },
	{ "ip.spf", OPTION_ORG, OPTION_NOCASE, "[_spf.salesforce.com]", SET(org, ip.spf), NULL, 0, 0, form_dns_name,
	  "names whose SPF record may vouch for the client" },
	{ "dmarc.required", OPTION_ORG, OPTION_BOOLEAN, "no", BOOL(org, dmarc.required), NULL, 0, 0, NULL,
	  "no: a domain without DMARC record is skipped" },
};

_Static_assert(sizeof options / sizeof options[0] <= OPTIONS_MAX, "OPTIONS_MAX is too small");

size_t option_count(void)
{
	return sizeof options / sizeof options[0];
}

const struct option *option_at(size_t i)
{
	return &options[i];
}

size_t option_number(const struct option *option)
{
	return (size_t)(option - options);
}

/* Whether the row's key begins with key and then comes the byte after. Keys from a file may hold any byte. */
static bool begins(const struct option *option, enum option_scope scope, struct span key, char after)
{
	return option->scope == scope && key.length != 0 && strlen(option->key) >= key.length
	       && memcmp(option->key, key.at, key.length) == 0 && option->key[key.length] == after;
}

const struct option *option_find(enum option_scope scope, struct span key)
{
	for (size_t i = 0; i < option_count(); i++)
		if (begins(&options[i], scope, key, '\0'))
			return &options[i];
	return NULL;
}

bool option_is_section(enum option_scope scope, struct span key)
{
	for (size_t i = 0; i < option_count(); i++)
		if (begins(&options[i], scope, key, '.'))
			return true;
	return false;
}

const char *option_type_name(enum option_type type)
{
	switch (type) {
	case OPTION_TEXT:
		return "text";
	case OPTION_FILE:
	case OPTION_BLOCKS:
		return "file";
	case OPTION_BOOLEAN:
		return "yes or no";
	case OPTION_NUMBER:
		return "number";
	case OPTION_OCTAL:
		return "octal number";
	case OPTION_DURATION:
		return "duration";
	case OPTION_CHOICE:
		return "choice";
	case OPTION_CHOICES:
		return "list of choices";
	case OPTION_SENTENCE:
		return "sentence";
	case OPTION_EXACT:
	case OPTION_NOCASE:
		return "list";
	case OPTION_PATTERNS:
		return "list of domains";
	case OPTION_NETWORKS:
		return "list of networks";
	case OPTION_GLOBS:
		return "list of files";
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		return "map";
	}
	return "value";
}
