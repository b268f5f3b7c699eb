/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/socket_name.h"
#include "config/validators.h"

#include <stdio.h>

#include "core/domain.h"
#include "core/network.h"
#include "core/set.h"

#define SOCKET_PATH_MAX 107 /* sun_path of the systems we know holds 108 bytes */
#define ACCOUNT_MAX 32
#define CONTACT_MAX 200
#define NAME_MAX_LENGTH 64
#define FIELD_NAME_MAX 76
#define LOCAL_PART_MAX 64
#define MECHANISM_MAX 20
#define MAILER_MAX 64

static bool wrong(char problem_r[OPTION_PROBLEM_SIZE], const char *problem)
{
	snprintf(problem_r, OPTION_PROBLEM_SIZE, "%s", problem);
	return false;
}

static bool all_printable(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] < ' ' || value.at[i] > '~')
			return false;
	return true;
}

static bool has_8bit(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if ((unsigned char)value.at[i] >= 0x80)
			return true;
	return false;
}

static bool starts(struct span value, const char *with)
{
	size_t length = strlen(with);
	return value.length >= length && memcmp(value.at, with, length) == 0;
}

static bool is_host(struct span host, enum address_family family)
{
	struct address address;
	if (domain_valid(host) && !address_resembles(host))
		return true;
	return !span_starts_nocase(host, span_of("IPv6:")) && address_parse(host, &address) && address.family == family;
}

static bool inet_socket(const struct socket_name *name, enum address_family family, char problem_r[OPTION_PROBLEM_SIZE])
{
	if (name->port_number == 0)
		return wrong(problem_r, "has no port; write a number from 1 to 65535, as in inet:8891@127.0.0.1");
	if (!name->has_host)
		return wrong(problem_r, "names no host; add one, as in inet:8891@127.0.0.1");
	if (!is_host(name->host, family))
		return wrong(problem_r, family == ADDRESS_IPV6
		                            ? "names no host; write an IPv6 address or a host name, as in inet6:8891@::1"
		                            : "names no host; write an IPv4 address or a host name, as in inet:8891@127.0.0.1");
	return true;
}

bool validator_socket(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	struct socket_name name = socket_name_read(value);
	if (name.kind == SOCKET_INET)
		return inet_socket(&name, ADDRESS_IPV4, problem_r);
	if (name.kind == SOCKET_INET6)
		return inet_socket(&name, ADDRESS_IPV6, problem_r);
	if (starts(value, "local:") || starts(value, "/"))
		return wrong(problem_r,
		             "is no socket; write unix: before the path, as in unix:/run/sfdc-milter/sfdc-milter.sock");
	if (name.kind != SOCKET_UNIX)
		return wrong(problem_r, "is no socket; write unix:PATH, inet:PORT@HOST or inet6:PORT@HOST");
	struct span path = name.path;
	if (path.length == 0 || path.at[0] != '/' || path.at[path.length - 1] == '/')
		return wrong(problem_r, "names no file; write the whole path, beginning with /");
	if (path.length > SOCKET_PATH_MAX)
		return wrong(problem_r, "has a path of more than 107 bytes, which no socket can have; choose a shorter one");
	return true;
}

bool validator_listen(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	return value.length == 0 || validator_socket(value, problem_r);
}

static bool is_account(struct span value)
{
	bool all_digits = true;
	if (value.length == 0 || value.length > ACCOUNT_MAX || value.at[0] == '-' || value.at[0] == '.')
		return false;
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		if (!ascii_alnum(c) && c != '_' && c != '-' && c != '.')
			return false;
		all_digits = all_digits && ascii_digit(c);
	}
	return !all_digits;
}

bool validator_user(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	if (value.length == 0)
		return wrong(problem_r, "names no user; name one (to run as root, write root)");
	return is_account(value)
	       || wrong(problem_r, "is no user name; write a name (no number) of letters, digits, \"_\", \"-\" and \".\"");
}

bool validator_group(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	return value.length == 0 || is_account(value)
	       || wrong(problem_r, "is no group name; write a name (no number) of letters, digits, \"_\", \"-\" and \".\"");
}

bool validator_pidfile(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	return value.length == 0 || (value.at[0] == '/' && value.at[value.length - 1] != '/')
	       || wrong(problem_r, "is not the whole path of a file; begin with /, as in /run/sfdc-milter/sfdc-milter.pid");
}

static bool is_token(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] <= ' ' || value.at[i] > '~' || strchr("()<>@,;:\\\"/[]?=", value.at[i]))
			return false;
	return value.length != 0 && value.length <= DOMAIN_LENGTH_MAX;
}

bool validator_authserv_id(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	return value.length == 0 || validator_own_id(value, problem_r);
}

bool validator_own_id(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	/* A dot at its end is not part of it, and what is left must be something. */
	return (is_token(value) && value.at[0] != '.')
	       || wrong(problem_r, "is no authentication service identifier; write a host name, as in relay.example.com");
}

bool validator_contact(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	if (!all_printable(value))
		return wrong(problem_r, "holds a character that an SMTP reply cannot carry; use printable ASCII only");
	return value.length <= CONTACT_MAX || wrong(problem_r, "is longer than 200 characters; shorten it");
}

bool validator_name(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	if (!all_printable(value))
		return wrong(problem_r, "holds something else than printable ASCII; the log needs plain characters");
	return value.length <= NAME_MAX_LENGTH || wrong(problem_r, "is longer than 64 characters; shorten it");
}

bool validator_nameserver(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	size_t at = span_find(value, 0, '@');
	struct span host = span_slice(value, 0, at);
	struct address address;
	unsigned long port = 53;
	if (span_starts_nocase(host, span_of("IPv6:")) || !address_parse(host, &address))
		return wrong(problem_r, "is no resolver's address; write ADDRESS or ADDRESS@PORT, as in 127.0.0.1@53");
	if (at != value.length && !span_number(span_slice(value, at + 1, value.length), 65535, &port))
		port = 0;
	return port != 0 || wrong(problem_r, "has no port after @; write a number from 1 to 65535, or no @");
}

static bool is_field_name(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] <= ' ' || value.at[i] > '~' || value.at[i] == ':')
			return false;
	return value.length != 0 && value.length <= FIELD_NAME_MAX;
}

bool validator_field(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	return is_field_name(value)
	       || wrong(problem_r, "is no name of a header field; write it without colon, as in subject");
}

/* Fields that mail needs as they came: incoming fields of the result header's name are removed. */
static bool is_taken(struct span name)
{
	static const char *const taken[] = {
		"Accept-Language",
		"Approved",
		"Auto-Submitted",
		"Autocrypt",
		"Bcc",
		"Cc",
		"Comments",
		"Date",
		"Delivered-To",
		"Encoding",
		"Encrypted",
		"Envelope-To",
		"Errors-To",
		"Expires",
		"From",
		"Importance",
		"In-Reply-To",
		"Keywords",
		"Mail-From",
		"Message-ID",
		"MIME-Version",
		"Organization",
		"Precedence",
		"Priority",
		"Received",
		"References",
		"Reply-By",
		"Reply-To",
		"Require-Recipient-Valid-Since",
		"Return-Path",
		"Sender",
		"Sensitivity",
		"Status",
		"Subject",
		"To",
		"X-SFDC-LK",
		"X-SFDC-User",
		"X-SFDC-Interface",
		"X-SFDC-Binding",
		"X-SFDC-EmailCategory",
		"X-SFDC-EntityId",
		"X-SFDC-TLS-NoRelay",
		"X-SFDC-Restrict",
		"X-SFDC-OrgType",
		"X-Priority",
		"X-Mailer",
		"X-Sender",
		"X-mail_abuse_inquiries",
		"Authentication-Results",
		"DKIM-Signature",
		"DomainKey-Signature",
	};
	static const char *const families[] = {
		"ARC-",      "Content-", "Disposition-", "DKIM-",     "Downgraded-", "List-",       "MMHS-",     "Original-",
		"Received-", "Resent-",  "TLS-",         "X-SFDC-X-", "X-SFDCOrg",   "X-SFDCRelay", "X-SFDCTLS",
	};
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (span_equal_nocase(name, span_of(taken[i])))
			return true;
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
		if (span_starts_nocase(name, span_of(families[i])))
			return true;
	return false;
}

bool validator_result_header(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	for (size_t i = 0; i < value.length; i++)
		if (!ascii_alnum(value.at[i]) && value.at[i] != '-' && value.at[i] != '_')
			return wrong(problem_r, "is no plain field name; use letters, digits and hyphens, as in X-SFDC-Relay");
	if (!is_field_name(value))
		return wrong(problem_r, "is no field name; write up to 76 letters, digits and hyphens, as in X-SFDC-Relay");
	return !is_taken(value)
	       || wrong(problem_r, "is a field that mail carries already, and it would be removed; "
	                           "choose one that begins with X-");
}

/* Why a text is no domain, for the mistakes that are made. */
static const char *domain_mistake(struct span value)
{
	struct address address;
	if (value.length == 0)
		return "is empty; write a domain, as in example.com";
	if (has_8bit(value))
		return "holds characters outside ASCII, perhaps some that cannot be seen; retype it, or write its A-label form, which "
			   "begins with xn--";
	if (address_parse(value, &address))
		return "is an address, not a domain; write a domain, as in example.com";
	if (span_find(value, 0, '@') != value.length)
		return "is a mail address; write only what stands behind the @";
	if (span_find(value, 0, '/') != value.length || span_find(value, 0, ':') != value.length)
		return "is no domain; write it without scheme, port and path, as in example.com";
	if (value.at[value.length - 1] == '.')
		return "ends in a dot; leave the dot out";
	return "is no domain; write labels of letters, digits, underscores and inner hyphens, joined by dots, as in example.com";
}

bool validator_pattern(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	if (pattern_valid(value))
		return true;
	size_t star = span_find(value, 0, '*');
	if (value.length > 1 && value.at[0] == '.' && domain_valid(span_slice(value, 1, value.length)))
		return wrong(problem_r, "begins with a dot; for every name below it write \"*.\" and the domain");
	if (star == 0 && starts(value, "*.") && span_find(value, 1, '*') == value.length)
		return wrong(problem_r, domain_mistake(span_slice(value, 2, value.length)));
	if (star != value.length)
		return wrong(problem_r, "has a wildcard in a place where none is known; "
		                        "only \"*.\" before a domain is one, as in \"*.example.com\"");
	return wrong(problem_r, domain_mistake(value));
}

bool validator_dns_name(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	struct address address;
	if (domain_queryable(value) && !address_parse(value, &address))
		return true;
	if (span_find(value, 0, '*') != value.length)
		return wrong(problem_r, "holds a wildcard, which this list does not know; write each name out");
	return wrong(problem_r, domain_mistake(value));
}

bool validator_address(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	size_t at = value.length;
	while (at > 0 && value.at[at - 1] != '@')
		at--;
	if (at < 2 || at - 1 > LOCAL_PART_MAX || !domain_valid(span_slice(value, at, value.length)))
		return wrong(problem_r, "is no mail address; write local@domain, as in no-reply@salesforce.com");
	for (size_t i = 0; i + 1 < at; i++)
		if (value.at[i] <= ' ' || value.at[i] > '~' || strchr("()<>,;:\\\"[]@", value.at[i]))
			return wrong(problem_r, "is no plain mail address; write local@domain without brackets, quotes and spaces");
	return true;
}

bool validator_mechanism(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	bool good = value.length != 0 && value.length <= MECHANISM_MAX;
	for (size_t i = 0; good && i < value.length; i++)
		good = ascii_alnum(value.at[i]) || value.at[i] == '-' || value.at[i] == '_';
	return good || wrong(problem_r, "is no SASL mechanism; write its name, as in PLAIN or LOGIN");
}

bool validator_mailer(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	bool good = value.length != 0 && value.length <= MAILER_MAX;
	for (size_t i = 0; good && i < value.length; i++)
		good = value.at[i] > ' ' && value.at[i] <= '~';
	return good
	       || wrong(problem_r,
	                "is no mailer; write the name of a transport of master.cf or a mailer of sendmail.cf, as in relay");
}

bool validator_some(struct span value, char problem_r[OPTION_PROBLEM_SIZE])
{
	if (value.length == 0)
		return wrong(problem_r, "is empty; write a value or leave the item out");
	return span_trim(value).length == value.length || wrong(problem_r, "begins or ends with white space; remove it");
}
