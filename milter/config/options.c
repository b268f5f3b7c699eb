/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/options.h"

#include <syslog.h>

#include "config/validators.h"
#include "core/settings.h"

/* Offsets of fields, which compile only if the field has the type that the option's type is stored in. */
#define FIELD(holder, member, type)                                                                                    \
	(offsetof(struct holder, member) + 0 * sizeof(char[_Generic(((struct holder *)0)->member, type : 1)]))
#define CHOICE_FIELD(holder, member)                                                                                   \
	(offsetof(struct holder, member) + 0 * sizeof(char[sizeof(((struct holder *)0)->member) == sizeof(int) ? 1 : -1]))
#define SPAN(holder, member) FIELD(holder, member, struct span)
#define BOOL(holder, member) FIELD(holder, member, bool)
#define UNSIGNED(holder, member) FIELD(holder, member, unsigned)
#define SENTENCE(holder, member) FIELD(holder, member, struct sentence)
#define RATE(holder, member) FIELD(holder, member, struct rate)
#define SET(holder, member) FIELD(holder, member, struct set *)
#define DURATIONS(holder, member) FIELD(holder, member, struct durations)
#define NETWORKS(holder, member) FIELD(holder, member, struct network_set *)

#define DAY (24UL * 60 * 60)

/* How the values of several organizations unite; why an option has no part in that. */
#define UNITE(how) UNITE_##how, NULL
#define NOT_SESSION(reason) UNITE_NOT_SESSION, reason

/* Rows: a value that is forgotten does not compile. */
#define TOP(key, type, preset, offset, choices, min, max, check, help)                                                 \
	{                                                                                                                  \
		key, OPTION_TOP, type, preset, offset, choices, min, max, check, UNITE_TOP, NULL, help                         \
	}
#define ORG(key, type, preset, offset, choices, min, max, check, united, help)                                         \
	{                                                                                                                  \
		key, OPTION_ORG, type, preset, offset, choices, min, max, check, united, help                                  \
	}

static const struct option_choice modes[] = {
	{ "monitor", MODE_MONITOR, NULL },
	{ "defer", MODE_DEFER, NULL },
	{ "enforce", MODE_ENFORCE, NULL },
	{ 0 },
};
static const struct option_choice scopes[] = {
	{ "all", SCOPE_ALL, NULL },
	{ "salesforce", SCOPE_SALESFORCE, NULL },
	{ 0 },
};
static const struct option_choice early[] = {
	{ "rcpt", EARLY_REJECT_RCPT, NULL },
	{ "mail", EARLY_REJECT_MAIL, NULL },
	{ 0 },
};
static const struct option_choice undecided[] = {
	{ "tempfail", VERDICT_TEMPFAIL, NULL },
	{ "reject", VERDICT_REJECT, NULL },
	{ "quarantine", VERDICT_QUARANTINE, NULL },
	{ "accept", VERDICT_ACCEPT, NULL },
	{ 0 },
};
static const struct option_choice targets[] = {
	{ "syslog", LOG_TARGET_SYSLOG, NULL },
	{ "stderr", LOG_TARGET_STDERR, NULL },
	{ "journal", LOG_TARGET_JOURNAL, NULL },
	{ 0 },
};
static const struct option_choice facilities[] = {
	{ "mail", LOG_MAIL, NULL },     { "daemon", LOG_DAEMON, NULL },
	{ "auth", LOG_AUTH, NULL },     { "authpriv", LOG_AUTHPRIV, NULL },
	{ "user", LOG_USER, NULL },     { "local0", LOG_LOCAL0, NULL },
	{ "local1", LOG_LOCAL1, NULL }, { "local2", LOG_LOCAL2, NULL },
	{ "local3", LOG_LOCAL3, NULL }, { "local4", LOG_LOCAL4, NULL },
	{ "local5", LOG_LOCAL5, NULL }, { "local6", LOG_LOCAL6, NULL },
	{ "local7", LOG_LOCAL7, NULL }, { 0 },
};
static const struct option_choice formats[] = {
	{ "logfmt", LOG_FORMAT_LOGFMT, NULL },
	{ "json", LOG_FORMAT_JSON, NULL },
	{ 0 },
};
static const struct option_choice levels[] = {
	{ "error", LOG_LEVEL_ERROR, NULL },
	{ "warning", LOG_LEVEL_WARNING, NULL },
	{ "info", LOG_LEVEL_INFO, NULL },
	{ "debug", LOG_LEVEL_DEBUG, NULL },
	{ 0 },
};
static const struct option_choice additions[] = {
	{ "local", ADD_TO_LOCAL, NULL },
	{ "all", ADD_TO_ALL, NULL },
	{ "none", ADD_TO_NONE, NULL },
	{ 0 },
};
static const struct option_choice aways[] = {
	{ "local", WHEN_AWAY_LOCAL, NULL },
	{ "pass", WHEN_AWAY_PASS, NULL },
	{ "defer", WHEN_AWAY_DEFER, NULL },
	{ 0 },
};
static const struct option_choice tls_versions[] = {
	{ "1.0", TLS_1_0, NULL }, { "1.1", TLS_1_1, NULL }, { "1.2", TLS_1_2, NULL }, { "1.3", TLS_1_3, NULL }, { 0 },
};
static const struct option_choice alignments[] = {
	{ "strict", ALIGNMENT_STRICT, NULL },
	{ "parent", ALIGNMENT_PARENT, NULL },
	{ "relaxed", ALIGNMENT_RELAXED, NULL },
	{ 0 },
};
static const struct option_choice algorithms[] = {
	{ "rsa-sha256", (int)ALGORITHM_RSA_SHA256, NULL },
	{ "ed25519-sha256", (int)ALGORITHM_ED25519_SHA256, NULL },
	{ "rsa-sha1", CHOICE_REFUSED, "leave it out: RFC 8301 forbids it" },
	{ 0 },
};
static const struct option_choice undecodables[] = {
	{ "fail", UNDECODABLE_FAIL, NULL },
	{ "skip", UNDECODABLE_SKIP, NULL },
	{ 0 },
};

static const struct option options[] = {
	TOP("socket", OPTION_TEXT, "unix:/run/sfdc-milter/sfdc-milter.sock", SPAN(settings, socket), NULL, 0, 0,
	    validator_socket, "where the MTA reaches the milter: unix:PATH, inet:PORT@HOST or inet6:PORT@HOST"),
	TOP("socket_mode", OPTION_OCTAL, "\"0660\"", UNSIGNED(settings, socket_mode), NULL, 0, 0777, NULL,
	    "permissions of a unix socket"),
	TOP("socket_group", OPTION_TEXT, "\"\"", SPAN(settings, socket_group), NULL, 0, 0, validator_group,
	    "group that a unix socket is given to; empty: it is left to root"),
	TOP("user", OPTION_TEXT, "sfdc-milter", SPAN(settings, user), NULL, 0, 0, validator_user,
	    "user the daemon runs as when it was started as root"),
	TOP("pidfile", OPTION_TEXT, "\"\"", SPAN(settings, pidfile), NULL, 0, 0, validator_pidfile,
	    "file that holds the process ID of the daemon; empty: none"),
	TOP("mode", OPTION_CHOICE, "monitor", CHOICE_FIELD(settings, mode), modes, 0, 0, NULL,
	    "monitor logs what would be done and accepts; defer does it, but no refusal is final; enforce does it"),
	TOP("workers", OPTION_NUMBER, "0", UNSIGNED(settings, workers), NULL, 0, 256, NULL,
	    "event loops that share the connections; 0: one for each CPU"),
	TOP("scope", OPTION_CHOICE, "all", CHOICE_FIELD(settings, scope), scopes, 0, 0, NULL,
	    "all mail is judged, or only mail with a trait of Salesforce"),
	TOP("local_mailers", OPTION_EXACT, "[]", SET(settings, local_mailers), NULL, 0, 0, validator_mailer,
	    "further mailers whose recipients stay inside"),
	TOP("authserv_id", OPTION_TEXT, "\"\"", SPAN(settings, authserv_id), NULL, 0, 0, validator_authserv_id,
	    "name of this relay in Authentication-Results; empty: the MTA's own name"),
	TOP("exempt_clients", OPTION_NETWORKS, "[]", NETWORKS(settings, exempt_clients), NULL, 0, 0, NULL,
	    "clients whose mail is never judged"),
	TOP("monitor_floor", OPTION_SENTENCE, "\"\"", SENTENCE(settings, monitor_floor), NULL, 0, 0, NULL,
	    "sentence that is enforced even in monitor mode"),
	TOP("early_reject", OPTION_CHOICE, "rcpt", CHOICE_FIELD(settings, early_reject), early, 0, 0, NULL,
	    "command at which a hopeless session is refused"),
	TOP("undecided", OPTION_CHOICE, "tempfail", CHOICE_FIELD(settings, undecided), undecided, 0, 0, NULL,
	    "what is done with a message whose sentence stays open"),
	TOP("reply_contact", OPTION_TEXT, "\"\"", SPAN(settings, reply_contact), NULL, 0, 0, validator_contact,
	    "what refusals end with, such as a URL or telephone number"),
	TOP("deadline_warning", OPTION_DURATIONS, "[1h, 20h]", DURATIONS(settings, deadline_warning), NULL, 1, DAY, NULL,
	    "how long a message has been deferred when the log warns of it, once for each; Salesforce gives up after 24h"),
	TOP("message_timeout", OPTION_NUMBER, "20", UNSIGNED(settings, message_timeout), NULL, 1, 240, NULL,
	    "seconds that one message may wait for lookups, all at its end"),
	TOP("include", OPTION_GLOBS, "[]", 0, NULL, 0, 0, validator_some,
	    "further files with organizations; patterns are relative to this file"),
	TOP("dns.nameservers", OPTION_EXACT, "[]", SET(settings, dns.nameservers), NULL, 0, 0, validator_nameserver,
	    "resolvers, ADDRESS or ADDRESS@PORT; empty: those of resolv.conf"),
	TOP("dns.trust_anchor", OPTION_FILE, "\"\"", SPAN(settings, dns.trust_anchor), NULL, 0, 0, NULL,
	    "file with the root's trust anchor, for DNSSEC; empty: none"),
	TOP("dns.local_data", OPTION_FILE, "\"\"", SPAN(settings, dns.local_data), NULL, 0, 0, NULL,
	    "file of resource records that are answered without asking; empty: none"),
	TOP("dns.cache_ttl_max", OPTION_NUMBER, "3600", UNSIGNED(settings, dns.cache_ttl_max), NULL, 0, 7 * DAY, NULL,
	    "seconds that an answer is cached at most"),
	TOP("dns.cache_negative_max", OPTION_NUMBER, "60", UNSIGNED(settings, dns.cache_negative_max), NULL, 0, DAY, NULL,
	    "seconds that the absence of an answer is cached at most"),
	TOP("log.target", OPTION_CHOICE, "syslog", CHOICE_FIELD(settings, log.target), targets, 0, 0, NULL,
	    "where log lines go"),
	TOP("log.facility", OPTION_CHOICE, "mail", CHOICE_FIELD(settings, log.facility), facilities, 0, 0, NULL,
	    "syslog facility"),
	TOP("log.format", OPTION_CHOICE, "logfmt", CHOICE_FIELD(settings, log.format), formats, 0, 0, NULL,
	    "key=value pairs or one JSON object per line"),
	TOP("log.level", OPTION_CHOICE, "info", CHOICE_FIELD(settings, log.level), levels, 0, 0, NULL,
	    "least severity that is logged; verdicts are info"),
	TOP("headers.authentication_results", OPTION_BOOLEAN, "yes", BOOL(settings, headers.authentication_results), NULL,
	    0, 0, NULL, "add an Authentication-Results field"),
	TOP("headers.result_header", OPTION_TEXT, "X-SFDC-Relay", SPAN(settings, headers.result_header), NULL, 0, 0,
	    validator_result_header, "name of the field that carries verdict and results"),
	TOP("headers.add_to", OPTION_CHOICE, "local", CHOICE_FIELD(settings, headers.add_to), additions, 0, 0, NULL,
	    "mail that gains these fields: that which stays inside, all or none"),
	TOP("headers.own_ids", OPTION_NOCASE, "[]", SET(settings, headers.own_ids), NULL, 0, 0, validator_own_id,
	    "further names of ours whose forged Authentication-Results are removed"),
	TOP("headers.remove_sfdc", OPTION_BOOLEAN, "no", BOOL(settings, headers.remove_sfdc), NULL, 0, 0, NULL,
	    "take X-SFDC-LK and what else shows who in Salesforce sent it from mail that leaves, unless it is signed"),
	TOP("metrics.listen", OPTION_TEXT, "\"\"", SPAN(settings, metrics.listen), NULL, 0, 0, validator_listen,
	    "where metrics, health and status are told by HTTP: as socket, for whom socket_mode and socket_group say; empty: nowhere"),
	TOP("limits.store", OPTION_STORE, "\"\"", SPAN(settings, limits.store), NULL, 0, 0, NULL,
	    "where a fleet counts together: redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss:// with TLS, or unix:PATH; empty: each "
	    "process counts for itself"),
	TOP("limits.store_file", OPTION_FILE, "\"\"", SPAN(settings, limits.store_file), NULL, 0, 0, NULL,
	    "file that holds the store, password and all, for nobody else to read; empty: none"),
	TOP("limits.store_cafile", OPTION_FILE, "\"\"", SPAN(settings, limits.store_cafile), NULL, 0, 0, NULL,
	    "file with the authorities that may vouch for a store with TLS; empty: those of the system"),
	TOP("limits.when_away", OPTION_CHOICE, "local", CHOICE_FIELD(settings, limits.when_away), aways, 0, 0, NULL,
	    "what a store that is away means: each process counts for itself, all passes, or what is limited is deferred"),
	TOP("defaults", OPTION_DEFAULTS, "{}", 0, NULL, 0, 0, NULL,
	    "values of per-organization options for all organizations"),
	TOP("orgs", OPTION_ORGS, NULL, 0, NULL, 0, 0, NULL, "the organizations served, by organization ID; at least one"),

	ORG("name", OPTION_TEXT, "\"\"", SPAN(org, name), NULL, 0, 0, validator_name, NOT_SESSION("is shown only"),
	    "name of the organization in the log"),
	ORG("mode", OPTION_CHOICE, NULL, CHOICE_FIELD(org, mode), modes, 0, 0, NULL,
	    NOT_SESSION("decides what is done, not what holds"),
	    "mode of the organization; default: that of the top level"),
	ORG("domains", OPTION_PATTERNS, "[]", SET(org, domains), NULL, 0, 0, validator_pattern, UNITE(UNION),
	    "domains that the organization sends from"),
	ORG("reject_unless", OPTION_SENTENCE,
	    "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)",
	    SENTENCE(org, reject_unless), NULL, 0, 0, NULL, NOT_SESSION("each sentence is tried for itself"),
	    "what must hold, else the message is refused"),
	ORG("defer_unless", OPTION_SENTENCE, "limit", SENTENCE(org, defer_unless), NULL, 0, 0, NULL,
	    NOT_SESSION("decides nothing before the header is in"), "what must hold, else the message is deferred"),
	ORG("quarantine_unless", OPTION_SENTENCE, "\"\"", SENTENCE(org, quarantine_unless), NULL, 0, 0, NULL,
	    NOT_SESSION("refuses nothing"), "what must hold, else the message is quarantined"),
	ORG("warn_unless", OPTION_SENTENCE, "\"\"", SENTENCE(org, warn_unless), NULL, 0, 0, NULL,
	    NOT_SESSION("refuses nothing"), "what must hold, else a warning is noted"),
	ORG("tls.min_version", OPTION_CHOICE, "\"1.2\"", CHOICE_FIELD(org, tls.min_version), tls_versions, 0, 0, NULL,
	    UNITE(LOWEST), "lowest TLS version"),
	ORG("tls.min_cipher_bits", OPTION_NUMBER, "128", UNSIGNED(org, tls.min_cipher_bits), NULL, 0, 256, NULL,
	    UNITE(LOWEST), "lowest strength of the cipher"),
	ORG("cert.names", OPTION_PATTERNS, "[\"*.mta.salesforce.com\"]", SET(org, cert.names), NULL, 0, 0,
	    validator_pattern, UNITE(UNION), "names that the client certificate may have"),
	ORG("cert.issuers", OPTION_EXACT, "[]", SET(org, cert.issuers), NULL, 0, 0, validator_some,
	    UNITE(UNION_EMPTY_IS_ALL), "issuers that the certificate may have, as the log shows them; empty: any"),
	ORG("cert.match_client_name", OPTION_BOOLEAN, "no", BOOL(org, cert.match_client_name), NULL, 0, 0, NULL,
	    UNITE(ANY_NO), "the certificate's name must be the client's verified DNS name"),
	ORG("cert.required", OPTION_BOOLEAN, "yes", BOOL(org, cert.required), NULL, 0, 0, NULL, UNITE(ANY_NO),
	    "no: a client without certificate is skipped"),
	ORG("envelope.bounce_domains", OPTION_PATTERNS, "[\"*.bnc.salesforce.com\"]", SET(org, envelope.bounce_domains),
	    NULL, 0, 0, validator_pattern, UNITE(UNION), "bounce domains that may stand in MAIL FROM"),
	ORG("envelope.null_sender", OPTION_BOOLEAN, "yes", BOOL(org, envelope.null_sender), NULL, 0, 0, NULL,
	    UNITE(ANY_YES), "MAIL FROM:<> is allowed"),
	ORG("message.senders", OPTION_NOCASE, "[no-reply@salesforce.com, noreply@salesforce.com]",
	    SET(org, message.senders), NULL, 0, 0, validator_address, UNITE(UNION),
	    "addresses outside the organization's domains that may stand in Sender"),
	ORG("dkim.alignment", OPTION_CHOICE, "parent", CHOICE_FIELD(org, dkim.alignment), alignments, 0, 0, NULL,
	    UNITE(MOST_LENIENT), "how a signature's d= must relate to the domain of From"),
	ORG("dkim.min_rsa_bits", OPTION_NUMBER, "1024", UNSIGNED(org, dkim.min_rsa_bits), NULL, 1024, 4096, NULL,
	    UNITE(LOWEST), "shortest RSA key"),
	ORG("dkim.algorithms", OPTION_CHOICES, "[rsa-sha256, ed25519-sha256]", UNSIGNED(org, dkim.algorithms), algorithms,
	    0, 0, NULL, UNITE(UNION), "signature algorithms"),
	ORG("dkim.selectors", OPTION_NOCASE, "[]", SET(org, dkim.selectors), NULL, 0, 0, validator_dns_name,
	    UNITE(UNION_EMPTY_IS_ALL), "selectors that a signature may have; empty: any"),
	ORG("dkim.key_zones", OPTION_PATTERNS, "[]", SET(org, dkim.key_zones), NULL, 0, 0, validator_pattern,
	    UNITE(UNION_EMPTY_IS_ALL), "names through which the key must be reached by CNAME; empty: any"),
	ORG("dkim.required_headers", OPTION_NOCASE, "[from, to, subject, date, content-type]",
	    SET(org, dkim.required_headers), NULL, 0, 0, validator_field, UNITE(INTERSECTION),
	    "fields that must be signed where they are present"),
	ORG("dkim.max_age", OPTION_DURATION, "7d", UNSIGNED(org, dkim.max_age), NULL, 0, 3650 * DAY, NULL,
	    UNITE(HIGHEST_ZERO_IS_ALL), "oldest signature by its t=, where it has one; 0: any"),
	ORG("dkim.max_signatures", OPTION_NUMBER, "8", UNSIGNED(org, dkim.max_signatures), NULL, 1, 64, NULL,
	    UNITE(HIGHEST_ZERO_IS_ALL), "how many signatures are looked at"),
	ORG("dkim.required", OPTION_BOOLEAN, "yes", BOOL(org, dkim.required), NULL, 0, 0, NULL, UNITE(ANY_NO),
	    "no: a message without signature is skipped"),
	ORG("limit.messages", OPTION_RATE, "\"\"", RATE(org, limit.messages), NULL, 1, 7 * DAY, NULL,
	    NOT_SESSION("is asked of a message whose organization is known"),
	    "most messages that the organization may send, such as 2000/1h; empty: no limit"),
	ORG("limit.recipients", OPTION_RATE, "\"\"", RATE(org, limit.recipients), NULL, 1, 7 * DAY, NULL,
	    NOT_SESSION("is asked of a message whose organization is known"),
	    "most recipients of its messages, such as 5000/6h; empty: no limit"),
	ORG("limit.per_user", OPTION_RATE, "\"\"", RATE(org, limit.per_user), NULL, 1, 7 * DAY, NULL,
	    NOT_SESSION("is asked of a message whose organization is known"),
	    "most messages of each of its users, whom X-SFDC-User names; empty: no limit"),
	ORG("verp.undecodable", OPTION_CHOICE, "skip", CHOICE_FIELD(org, verp.undecodable), undecodables, 0, 0, NULL,
	    UNITE(MOST_LENIENT), "result for a bounce address whose organization cannot be decoded"),
	ORG("auth.users", OPTION_EXACT, "[]", SET(org, auth.users), NULL, 0, 0, validator_some, UNITE(UNION),
	    "users that may authenticate, as auth= in the log shows them"),
	ORG("auth.mechanisms", OPTION_NOCASE, "[]", SET(org, auth.mechanisms), NULL, 0, 0, validator_mechanism,
	    UNITE(UNION_EMPTY_IS_ALL), "SASL mechanisms that may be used; empty: any"),
	ORG("auth.required", OPTION_BOOLEAN, "yes", BOOL(org, auth.required), NULL, 0, 0, NULL, UNITE(ANY_NO),
	    "no: a session without AUTH is skipped"),
	ORG("ip.networks", OPTION_NETWORKS, "[]", NETWORKS(org, ip.networks), NULL, 0, 0, NULL, UNITE(UNION),
	    "networks that the client may be in"),
	ORG("ip.networks_file", OPTION_BLOCKS, "\"\"", SPAN(org, ip.networks_file), NULL, 0, 0, NULL,
	    NOT_SESSION("is read into networks"), "file of further networks, one per line; empty: none"),
	ORG("ip.spf", OPTION_NOCASE, "[_spf.salesforce.com]", SET(org, ip.spf), NULL, 0, 0, validator_dns_name,
	    UNITE(UNION), "names whose SPF record may vouch for the client"),
	ORG("dmarc.required", OPTION_BOOLEAN, "no", BOOL(org, dmarc.required), NULL, 0, 0, NULL, UNITE(ANY_NO),
	    "no: a domain without DMARC record is skipped"),
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
