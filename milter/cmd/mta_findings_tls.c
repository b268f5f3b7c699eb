/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/settings.h"
#include "mta_findings_private.h"

/* SSL_OP_NO_TICKET of <openssl/ssl.h>: tls_ssl_options takes numbers, too. */
#define OPTION_NO_TICKET 0x4000UL

enum security { SECURITY_NONE, SECURITY_MAY, SECURITY_ENCRYPT };

/* smtpd_tls_security_level, or what it took the place of. */
static enum security security_of(const struct audit *audit)
{
	struct span level = audit_value(audit, "smtpd_tls_security_level");
	if (audit_yes(audit, "smtpd_tls_wrappermode"))
		return SECURITY_ENCRYPT;
	if (level.length != 0)
		return span_equal_nocase(level, span_of("may"))    ? SECURITY_MAY
		       : span_equal_nocase(level, span_of("none")) ? SECURITY_NONE
		                                                   : SECURITY_ENCRYPT;
	if (audit_yes(audit, "smtpd_enforce_tls"))
		return SECURITY_ENCRYPT;
	return audit_yes(audit, "smtpd_use_tls") ? SECURITY_MAY : SECURITY_NONE;
}

static void check_level(struct audit *audit)
{
	struct span command = audit_set(audit, "smtpd_tls_security_level", "encrypt");
	switch (security_of(audit)) {
	case SECURITY_NONE:
		audit_add(
			audit, FINDING_FIX, "tls-level", command,
			"the service offers no TLS: mail can be read and changed on the way, and the milter refuses it where its "
			"policy asks for tls");
		break;
	case SECURITY_MAY:
		if (audit->expect->tls_needed)
			audit_add(audit, FINDING_OK, "tls-level", audit_nothing(),
			          "mail without TLS is left to the milter, which refuses it");
		else
			audit_add(
				audit, FINDING_FIX, "tls-level", command,
				"TLS is offered and not required, nor does every organization's policy: mail that somebody on the way "
				"reads or changes is taken");
		break;
	case SECURITY_ENCRYPT:
		audit_add(audit, FINDING_OK, "tls-level", audit_nothing(), "TLS is required");
		break;
	}
}

/* Without a certificate of its own an smtpd offers no STARTTLS. */
static void check_certificate(struct audit *audit)
{
	static const char *const names[] = { "smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file",
		                                 "smtpd_tls_dcert_file" };
	if (postfix_lists(audit_value(audit, "smtpd_discard_ehlo_keywords"), "starttls")) {
		audit_add(audit, FINDING_FIX, "starttls-hidden",
		          audit_set(audit, "smtpd_discard_ehlo_keywords", "chunking,silent-discard"),
		          "smtpd_discard_ehlo_keywords hides STARTTLS: no client sends by TLS, and genuine mail is refused");
		return;
	}
	struct span command = audit_set(audit, "smtpd_tls_chain_files", "/etc/postfix/relay.key,/etc/postfix/relay.crt");
	bool named = false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span list = audit_value(audit, names[i]);
		for (struct span file; postfix_next(&list, &file);) {
			if (span_equal_nocase(file, span_of("none")))
				continue;
			named = true;
			if (audit->machine->readable(audit->machine->context, file))
				continue;
			audit_add(audit, FINDING_FIX, "certificate", command,
			          "the file %.*s of %s cannot be read: no TLS is offered, and genuine mail is refused",
			          TEXT(audit_shown(audit, file)), names[i]);
			return;
		}
	}
	if (named)
		audit_add(audit, FINDING_OK, "certificate", audit_nothing(), "the port has a certificate");
	else
		audit_add(
			audit, FINDING_FIX, "certificate", command,
			"neither smtpd_tls_chain_files nor smtpd_tls_cert_file is set: no TLS is offered, and genuine mail is refused");
}

/* ">=TLSv1.2", "!SSLv3, !TLSv1", "TLSv1.2 TLSv1.3", and numbers as OpenSSL has them. */
static bool refuses_old(struct span protocols)
{
	static const char *const names[] = { "SSLv3", "TLSv1", "TLSv1.1" };
	bool refused[3] = { false, false, false };
	bool named = false;
	for (struct span item; postfix_next(&protocols, &item);) {
		if (span_starts_nocase(item, span_of("<=")))
			continue;
		if (span_starts_nocase(item, span_of(">="))) {
			struct span floor = span_slice(item, 2, item.length);
			if (span_equal_nocase(floor, span_of("TLSv1.2")) || span_equal_nocase(floor, span_of("TLSv1.3"))
			    || span_equal_nocase(floor, span_of("0303")) || span_equal_nocase(floor, span_of("0304")))
				return true;
			continue;
		}
		bool excluded = item.length != 0 && item.at[0] == '!';
		struct span name = excluded ? span_slice(item, 1, item.length) : item;
		named = named || !excluded;
		for (size_t i = 0; i < 3; i++)
			if (span_equal_nocase(name, span_of(names[i]))) {
				if (!excluded)
					return false;
				refused[i] = true;
			}
	}
	return named || (refused[0] && refused[1] && refused[2]);
}

static void check_floor(struct audit *audit)
{
	bool required = security_of(audit) == SECURITY_ENCRYPT;
	const char *name = required ? "smtpd_tls_mandatory_protocols" : "smtpd_tls_protocols";
	struct span value = audit_value(audit, name);
	if (security_of(audit) == SECURITY_NONE)
		return;
	if (refuses_old(value))
		audit_add(audit, FINDING_OK, "tls-floor", audit_nothing(), "no version of TLS before 1.2 is taken");
	else
		audit_add(
			audit, audit_need(!audit->expect->tls_needed), "tls-floor", audit_set(audit, name, ">=TLSv1.2"),
			"%s is %.*s: sessions with TLS before 1.2 are taken, which somebody on the way can force upon both and "
			"break%s",
			name, TEXT(audit_shown(audit, value)),
			audit->expect->tls_needed ? "; the milter refuses their mail, but only after it was sent" : "");
}

static bool asks(const struct audit *audit)
{
	return audit_yes(audit, "smtpd_tls_ask_ccert") || audit_yes(audit, "smtpd_tls_req_ccert");
}

static void check_asked(struct audit *audit)
{
	const struct expectations *expect = audit->expect;
	if (!expect->cert_counts)
		return;
	if (asks(audit))
		audit_add(audit, FINDING_OK, "ask-ccert", audit_nothing(), "a client certificate is asked for");
	else
		audit_add(
			audit, audit_need(expect->cert_needed), "ask-ccert", audit_set(audit, "smtpd_tls_ask_ccert", "yes"),
			"smtpd_tls_ask_ccert is no: the milter never hears of Salesforce's certificate, and genuine mail that %s is "
			"refused",
			expect->cert_needed ? "the policy wants one for" : "has nothing else to show");
	if (audit_yes(audit, "smtpd_tls_req_ccert"))
		audit_add(
			audit, FINDING_ADVICE, "req-ccert", audit_set(audit, "smtpd_tls_req_ccert", "no"),
			"smtpd_tls_req_ccert is yes: a Salesforce server that comes without a certificate, or with one that is not "
			"made for clients, is cut off with 421 before the milter can see and log what it sends");
}

/* Debian's file of public authorities, by the package that brings it where it is not there. */
static struct span name_authorities(struct audit *audit)
{
	static const char path[] = "/etc/ssl/certs/ca-certificates.crt";
	struct span command = audit_set(audit, "smtpd_tls_CAfile", path);
	if (audit->machine->readable(audit->machine->context, span_of(path)))
		return command;
	return audit_both(audit, span_of("apt-get install ca-certificates"), command);
}

/* A folder of authorities as the service sees it: it is looked into after chroot(2). */
static bool sees_folder(struct audit *audit, struct span folder)
{
	struct span queue = audit_value(audit, "queue_directory");
	struct span whole = arena_printf(&audit->found->arena, "%.*s%.*s", audit->shared->chrooted ? (int)queue.length : 0,
	                                 queue.at ? queue.at : "", TEXT(folder));
	return !span_absent(whole) && audit->machine->readable(audit->machine->context, whole);
}

static void check_authorities(struct audit *audit)
{
	const struct expectations *expect = audit->expect;
	struct span file = audit_value(audit, "smtpd_tls_CAfile");
	struct span folder = audit_value(audit, "smtpd_tls_CApath");
	struct span command = name_authorities(audit);
	bool system = audit_yes(audit, "tls_append_default_CA");
	bool (*readable)(void *context, struct span path) = audit->machine->readable;
	if (!expect->cert_counts || !asks(audit))
		return;
	if (file.length == 0 && folder.length == 0 && !system)
		audit_add(
			audit, audit_need(expect->cert_needed), "ca-file", command,
			"smtpd_tls_CAfile and smtpd_tls_CApath are empty: no authority vouches for Salesforce's certificate, the milter "
			"never hears of it, and genuine mail is refused");
	else if (file.length == 0 && folder.length != 0 && !sees_folder(audit, folder))
		audit_add(
			audit, audit_need(expect->cert_needed), "ca-file", command,
			"the folder %.*s of smtpd_tls_CApath is not there for the service%s: no authority vouches for Salesforce's "
			"certificate, the milter never hears of it, and genuine mail is refused",
			TEXT(audit_shown(audit, folder)), audit->shared->chrooted ? ", which is chrooted" : "");
	else if (file.length != 0 && !readable(audit->machine->context, file))
		audit_add(audit, FINDING_FIX, "ca-file", command,
		          "the file %.*s of smtpd_tls_CAfile cannot be read: TLS does not work",
		          TEXT(audit_shown(audit, file)));
	else
		audit_add(audit, FINDING_OK, "ca-file", audit_nothing(), "authorities are named for client certificates");
	if (system && !expect->issuers_pinned)
		audit_add(
			audit, FINDING_ADVICE, "default-ca", audit_set(audit, "tls_append_default_CA", "no"),
			"tls_append_default_CA is yes: besides the authorities of smtpd_tls_CAfile every public one can vouch for a "
			"name of Salesforce's");
}

/* "NO_TICKET", or a number with that bit. */
static bool gives_no_ticket(struct span options)
{
	for (struct span item; postfix_next(&options, &item);) {
		char text[24];
		if (span_equal_nocase(item, span_of("NO_TICKET")))
			return true;
		if (item.length > 2 && item.length < sizeof text && span_starts_nocase(item, span_of("0x"))) {
			memcpy(text, item.at, item.length);
			text[item.length] = '\0';
			if (strtoul(text, NULL, 16) & OPTION_NO_TICKET)
				return true;
		}
	}
	return false;
}

/* Another smtpd that asks for certificates and knows other authorities. */
static const struct postfix_service *other_authorities(const struct audit *audit)
{
	static const char *const names[] = { "smtpd_tls_CAfile", "smtpd_tls_CApath", "tls_append_default_CA" };
	for (size_t i = 0; i < audit->setup->shared_count; i++) {
		struct audit other = *audit;
		other.shared = &audit->setup->services[i];
		if (other.shared == audit->shared || !audit_is_smtpd(other.shared) || !asks(&other))
			continue;
		for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
			if (!span_equal(audit_value(audit, names[j]), audit_value(&other, names[j])))
				return other.shared;
	}
	return NULL;
}

static void check_tickets(struct audit *audit)
{
	const struct postfix_service *other;
	if (!audit->expect->cert_counts || !asks(audit))
		return;
	if (gives_no_ticket(audit_value(audit, "tls_ssl_options"))) {
		audit_add(audit, FINDING_OK, "tickets", audit_nothing(),
		          "no TLS session of another service can be resumed here");
	} else if (audit->expect->issuers_pinned) {
		audit_add(
			audit, FINDING_OK, "tickets", audit_nothing(),
			"TLS sessions of other services can be resumed here, but cert.issuers names who may vouch for a certificate");
	} else {
		other = other_authorities(audit);
		audit_add(
			audit, FINDING_FIX, "tickets", audit_set(audit, "tls_ssl_options", "NO_TICKET"),
			"TLS session tickets are handed out: whoever has a certificate that another port of this Postfix trusts%s%.*s%s "
			"can bring that session here, and the milter sees a verified certificate",
			other ? " (" : "", other ? (int)other->name.length : 0, other ? other->name.at : "",
			other ? " has authorities of its own)" : "");
	}
}

void audit_tls(struct audit *audit)
{
	check_level(audit);
	if (security_of(audit) != SECURITY_NONE)
		check_certificate(audit);
	check_floor(audit);
	check_asked(audit);
	check_authorities(audit);
	check_tickets(audit);
}

void audit_auth(struct audit *audit)
{
	const struct expectations *expect = audit->expect;
	bool offered = audit_yes(audit, "smtpd_sasl_auth_enable");
	if (!offered) {
		if (expect->auth_counts)
			audit_add(
				audit, audit_need(expect->auth_needed), "auth-off", audit_set(audit, "smtpd_sasl_auth_enable", "yes"),
				"smtpd_sasl_auth_enable is no, though auth.users names logins: genuine mail that shows itself by AUTH is "
				"refused");
		return;
	}
	if (security_of(audit) != SECURITY_ENCRYPT && !audit_yes(audit, "smtpd_tls_auth_only"))
		audit_add(
			audit, FINDING_FIX, "auth-in-clear", audit_set(audit, "smtpd_tls_auth_only", "yes"),
			"AUTH is offered without TLS: who reads along on the way learns the password, and sends as Salesforce");
	if (!postfix_lists(audit_value(audit, "smtpd_sasl_security_options"), "noanonymous")
	    || !postfix_lists(audit_value(audit, "smtpd_sasl_tls_security_options"), "noanonymous"))
		audit_add(
			audit, FINDING_FIX, "auth-anonymous",
			audit_both(audit, audit_set(audit, "smtpd_sasl_security_options", "noanonymous"),
		               audit_set(audit, "smtpd_sasl_tls_security_options", "noanonymous")),
			"smtpd_sasl_security_options is without noanonymous: anybody can log in without a password, and the port "
			"relays for who has logged in");
}
