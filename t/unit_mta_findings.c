/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mta_findings: what is made of postconf's output. Each row changes one thing in a setup that is right, and says what is
 * to be found then; the machine is a stand-in (mta_stand_in.h). Ids are those of the attack catalogue.
 */
#include <stdio.h>

#include "mta_stand_in.h"
#include "postfix_stand_in.h"
#include "tap.h"

static void check_row(const char *main_line, const char *option, const char *shared, const struct expectations *expect,
                      const char *fixes, const char *advice)
{
	struct arena arena;
	struct preflight found;
	struct postfix_setup setup;
	char got[1024], name[256];
	arena_init(&arena, 0);
	struct postfix_output output = changed(main_line, option, shared, &arena);
	preflight_init(&found);
	ok(postfix_read(&output, NULL, &arena, &setup), "the setup is read");
	postfix_findings(&found, &setup, expect, &machine);
	snprintf(name, sizeof name, "[%s] [%s] [%s]: to fix", main_line, option, shared);
	ids(&found, FINDING_FIX, got, sizeof got);
	is_text(got, fixes, name);
	ids(&found, FINDING_ADVICE, got, sizeof got);
	is_text(got, advice, "and advice");
	bool unknown = false;
	for (const struct diagnostic *finding = found.first; finding; finding = finding->next)
		unknown = unknown || strcmp(finding->id, "relay-unknown") == 0;
	ids(&found, FINDING_OK, got, sizeof got);
	ok(!unknown || !strstr(got, "open-relay"), "what is not known is not right");
	for (const struct diagnostic *finding = found.first; finding; finding = finding->next)
		if (finding->text.length == 0 || (finding->level == FINDING_OK && !span_absent(finding->command)))
			ok(false, "%s has its text, and a command only where something is wrong", finding->id);
	preflight_clear(&found);
	arena_clear(&arena);
}

static void test_postfix(void)
{
	static const struct {
		const char *option; /* of 10025/inet, unless it names another */
		const char *fixes;
		const char *advice;
	} rows[] = {
		{ "", "", "" },
		{ "milter_default_action = accept", "default-action", "" },
		{ "milter_default_action = reject", "default-action", "" },
		{ "milter_default_action = quarantine", "default-action", "" },
		{ "milter_default_action = shutdown", "", "" },
		{ "smtpd_milters = { unix:/run/sfdc-milter/sfdc-milter.sock, default_action=accept }", "default-action", "" },
		{ "smtpd_milters = inet:localhost:1 unix:/run/sfdc-milter/sfdc-milter.sock", "", "milter-order" },
		{ "smtpd_milters = inet:localhost:1", "no-service", "" },
		{ "smtpd_milter_maps = cidr:/maps", "milter-maps", "" },
		{ "receive_override_options = no_address_mappings, no_milters", "no-milters", "" },
		{ "milter_protocol = 2", "", "protocol" },
		{ "milter_content_timeout = 10s", "timeout", "" },
		{ "milter_content_timeout = 1m", "", "" },
		{ "milter_macro_defaults = {auth_authen}=x", "macros", "" },
		{ "mail_name = Mail", "macros", "" },
		{ "smtpd_tls_security_level = none", "tls-level", "" },
		{ "smtpd_tls_security_level = may", "", "tls-floor" },
		{ "smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3", "", "tls-floor" },
		{ "smtpd_tls_mandatory_protocols = !SSLv3, !TLSv1, !TLSv1.1", "", "" },
		{ "smtpd_tls_mandatory_protocols = TLSv1.2 TLSv1.3", "", "" },
		{ "smtpd_tls_mandatory_protocols = TLSv1.1 TLSv1.3", "", "tls-floor" },
		{ "smtpd_tls_ask_ccert = no", "", "ask-ccert" },
		{ "smtpd_tls_req_ccert = yes", "", "req-ccert" },
		{ "smtpd_tls_CAfile =", "", "ca-file" },
		{ "smtpd_tls_cert_file =", "certificate", "" },
		{ "smtpd_discard_ehlo_keywords = chunking, STARTTLS", "starttls-hidden", "" },
		{ "smtpd_tls_cert_file = none", "certificate", "" },
		{ "smtpd_tls_cert_file = /gone", "certificate", "" },
		{ "smtpd_tls_chain_files = /cert.pem, /gone", "certificate", "" },
		{ "smtpd_tls_cert_file =\n10025/inet/smtpd_tls_chain_files = /cert.pem", "", "" },
		{ "smtpd_tls_CAfile =\n10025/inet/smtpd_tls_CApath = /authorities", "", "" },
		{ "smtpd_tls_CAfile =\n10025/inet/smtpd_tls_CApath = /gone", "", "ca-file" },
		{ "smtpd_tls_CAfile = /gone", "ca-file", "" },
		{ "tls_append_default_CA = yes", "", "default-ca" },
		{ "tls_ssl_options =", "tickets", "" }, /* C14 */
		{ "tls_ssl_options = NO_RENEGOTIATION", "tickets", "" },
		{ "tls_ssl_options = 0x4000", "", "" },
		{ "smtpd_sasl_security_options = noplaintext", "auth-anonymous", "" },
		{ "smtpd_forbid_bare_newline = no", "bare-newline", "" }, /* W01 */
		{ "smtpd_forbid_bare_newline = note", "bare-newline", "" },
		{ "smtpd_forbid_bare_newline = normalize", "", "" },
		{ "smtpd_forbid_bare_newline_exclusions = 192.0.2.0/24", "bare-newline-exclusions", "" },
		{ "mynetworks = 192.0.2.0/24", "bare-newline-exclusions", "" },
		{ "cleanup_service_name = cleanup", "nul", "" },
		{ "smtpd_proxy_filter = 127.0.0.1:10026", "proxy-filter", "" },
		{ "content_filter = x:y", "", "content-filter" },
		{ "smtpd_end_of_data_restrictions = check_x", "version", "" },
		{ "smtpd_authorized_xclient_hosts = 192.0.2.7", "xclient", "" },
		{ "smtpd_authorized_xclient_hosts = 0.0.0.0/0", "xclient", "" },
		{ "smtpd_authorized_xclient_hosts = 127.0.0.1 [::1]", "", "xclient" },
		{ "smtpd_authorized_xforward_hosts = 127.0.0.1", "", "xforward" },
		{ "smtpd_upstream_proxy_protocol = haproxy", "proxy-protocol", "" },
		{ "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10023", "", "policy-service" },
		{ "smtpd_client_message_rate_limit = 10", "", "rate-limits" },
		{ "smtpd_client_connection_count_limit = 5", "", "connections" },
		{ "smtpd_recipient_limit = 50", "", "recipients" },
		{ "smtpd_relay_restrictions = permit", "", "open-relay" },
		{ "smtpd_relay_restrictions = ldap:/x, reject", "", "relay-unknown" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/clients, reject", "", "static-list" },
		{ "sfdc-cleanup/unix/header_checks = pcre:/x", "", "header-checks" },
		{ "sfdc-cleanup/unix/sender_canonical_maps = tcp:localhost:10001", "", "rewriting" },
	};
	struct expectations expect = expectations();
	char option[256];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool whole = strncmp(rows[i].option, "sfdc-", 5) == 0 || rows[i].option[0] == '\0';
		snprintf(option, sizeof option, "%s%s", whole ? "" : "10025/inet/", rows[i].option);
		check_row("", option, "", &expect, rows[i].fixes, rows[i].advice);
	}
}

static void test_server(void)
{
	static const struct {
		const char *parameter;
		const char *shared;
		const char *fixes;
		const char *advice;
	} rows[] = {
		{ "", "10025 inet n - y - 50 smtpd", "chroot", "" },
		{ "", "10025 inet n - - - 50 smtpd", "", "" },
		{ "compatibility_level = 0", "10025 inet n - - - 50 smtpd", "chroot", "" },
		{ "mynetworks = 13.110.74.0/24", "", "other-service", "" },
		{ "mynetworks = 192.0.2.0/24", "", "", "" },
		{ "smtpd_relay_restrictions = check_client_access hash:/old, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/inside, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/denied, reject", "", "", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/all, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access static:OK, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/denied, permit_mynetworks, reject_unauth_destination",
		  "", "", "" },
		{ "smtpd_relay_restrictions = check_sender_access hash:/senders, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = warn_if_reject reject, permit", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access ldap:x, reject", "", "", "other-service" },
		{ "smtpd_relay_restrictions = warn_if_reject permit_mynetworks, reject\nmynetworks = 13.110.74.0/24", "",
		  "other-service", "" },
		{ "smtpd_relay_restrictions = warn_if_reject check_client_access cidr:/denied, permit", "", "other-service",
		  "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/continued, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/list, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/within, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/not, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access hash:/names, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_client_access cidr:/class, reject", "", "", "other-service" },
		{ "smtpd_relay_restrictions = check_recipient_access hash:/senders, reject", "", "", "other-service" },
		{ "smtpd_relay_restrictions = check_recipient_access static:OK, reject", "", "other-service", "" },
		{ "smtpd_relay_restrictions = check_policy_service unix:private/policy, reject", "", "", "other-service" },
		{ "smtpd_relay_restrictions = check_reverse_client_hostname_access hash:/names, reject", "", "",
		  "other-service" },
		{ "smtpd_relay_restrictions = check_sender_mx_access cidr:/refused, reject_unauth_destination", "", "", "" },
		{ "smtpd_relay_restrictions = permit_tls_clientcerts, reject", "", "", "other-service" },
		{ "mynetworks = cidr:/salesforce", "", "other-service", "" },
		{ "mynetworks = ldap:x", "", "", "other-service" },
		{ "mynetworks = /networks", "", "other-service", "" },
		{ "mynetworks = /gone", "", "", "other-service" },
		{ "soft_bounce = yes", "", "", "soft-bounce" },
		{ "relay_domains = static:all", "", "other-service", "" },
		{ "relay_domains = static:all\nsmtpd_relay_restrictions = permit_mynetworks, reject", "", "", "" },
		{ "multi_instance_directories = /etc/postfix-out", "", "", "instances" },
		{ "smtpd_relay_restrictions =", "", "other-service", "" },
		{ "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = reject_unauth_destination", "", "", "" },
		{ "smtpd_relay_restrictions = permit\nsmtpd_client_restrictions = check_client_access cidr:/clients, reject",
		  "", "", "static-list" },
		{ "smtpd_restriction_classes = ours\nours = permit\nsmtpd_relay_restrictions = ours, reject", "",
		  "other-service", "" },
		{ "smtpd_tls_ask_ccert = yes\nsmtpd_relay_restrictions = permit_tls_all_clientcerts, reject", "",
		  "other-service", "" },
		{ "non_smtpd_milters = unix:/run/sfdc-milter/sfdc-milter.sock", "", "", "non-smtpd" },
		{ "relayhost = [mx.example]", "", "", "bounces" },
		{ "default_transport = error:no", "", "", "bounces" },
		{ "message_size_limit = 10240000", "", "", "size" },
		{ "", "628 unix n - n - - qmqpd", "", "qmqpd" },
		{ "", "smtpd pass - - n - - smtpd", "", "" },
		{ "smtpd_forbid_bare_newlin = no", "", "", "" },
	};
	struct expectations expect = expectations();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		reach_answer = strcmp(rows[i].fixes, "chroot") == 0 ? REACH_REFUSED : REACH_GOOD;
		check_row(rows[i].parameter, "", rows[i].shared, &expect, rows[i].fixes, rows[i].advice);
	}
	reach_answer = REACH_GOOD;
	check_row(
		"",
		"20025/inet/smtpd_milters = unix:/run/sfdc-milter/sfdc-milter.sock\n20025/inet/milter_default_action = accept",
		"127.0.0.1:20025 inet n - n - - smtpd\n20025 inet n - n - - smtpd", &expect, "default-action bare-newline nul",
		"tls-floor ask-ccert static-list mynetworks default-actions");
}

/* Who reaches a service. */
static void test_reached(void)
{
	struct expectations expect = expectations();
	/* In its chroot. */
	check_row("", "10025/inet/smtpd_tls_CAfile =\n10025/inet/smtpd_tls_CApath = /authorities",
	          "10025 inet n - y - 50 smtpd", &expect, "", "ca-file");
	check_row("", "127.0.0.1:10026/inet/smtpd_relay_restrictions = permit", "127.0.0.1:10026 inet n - n - - smtpd",
	          &expect, "", "other-service");
	check_row("", "x/unix/smtpd_relay_restrictions = permit", "x unix n - n - - smtpd", &expect, "", "other-service");
	check_row("", "10026/inet/smtpd_relay_restrictions = permit", "10026 inet n - n - - smtpd", &expect,
	          "other-service", "");
	/* What postscreen is told counts for the service behind it. */
	check_row(
		"",
		"25/inet/postscreen_upstream_proxy_protocol = haproxy\nsmtpd/pass/smtpd_milters = unix:/run/sfdc-milter/sfdc-milter.sock",
		"smtpd pass - - n - - smtpd\n25 inet n - n - 1 postscreen", &expect, "bare-newline nul proxy-protocol",
		"tls-floor ask-ccert postscreen static-list mynetworks");
}

/* What the policy asks decides how bad a want is. */
static void test_policy(void)
{
	static const char salesforce[] =
		"10025/inet/smtpd_relay_restrictions = check_client_access cidr:/salesforce, reject";
	struct expectations expect = expectations();
	reach_answer = REACH_UNTRIED;
	check_row("", "", "", &expect, "", "socket");
	for (reach_answer = REACH_NO_USER; reach_answer <= REACH_NO_MILTER; reach_answer++)
		check_row("", "", "", &expect, "socket", "");
	reach_answer = REACH_GOOD;
	check_row("", salesforce, "", &expect, "", "static-list");
	expect.unlocked = true;
	check_row("", salesforce, "", &expect, "open-relay", "static-list");
	check_row("", "", "", &expect, "", "");
	check_row("", "10025/inet/smtpd_relay_restrictions = permit", "", &expect, "open-relay", "");
	check_row("", "10025/inet/smtpd_relay_restrictions = check_client_access cidr:/hyperforce, reject", "", &expect,
	          "open-relay", "static-list");
	check_row("", "10025/inet/smtpd_relay_restrictions = check_client_access cidr:/denied, permit", "", &expect,
	          "open-relay", "");
	expect.unlocked = false;
	expect.floor_shared = true;
	check_row("", salesforce, "", &expect, "open-relay", "static-list");
	expect.floor_shared = false;
	expect.floor_weak = true;
	check_row("", "10025/inet/smtpd_relay_restrictions = permit", "", &expect, "open-relay", "");
	check_row("", salesforce, "", &expect, "", "static-list");
	expect.unlocked = true;
	check_row("",
	          "10025/inet/mynetworks = 192.0.2.0/24\n10025/inet/smtpd_relay_restrictions = permit_mynetworks, reject",
	          "", &expect, "bare-newline-exclusions mynetworks", "static-list");
	expect = expectations();
	expect.cert_needed = true;
	check_row("", "10025/inet/smtpd_tls_ask_ccert = no", "", &expect, "ask-ccert", "");
	check_row("", "10025/inet/smtpd_tls_CAfile =", "", &expect, "ca-file", "");
	expect = expectations();
	expect.issuers_pinned = true;
	check_row("", "10025/inet/tls_ssl_options =", "", &expect, "", "");
	expect.cert_counts = false;
	check_row("", "10025/inet/smtpd_tls_ask_ccert = no", "", &expect, "", "");
	expect = expectations();
	expect.tls_needed = false;
	check_row("", "10025/inet/smtpd_tls_security_level = may", "", &expect, "tls-level tls-floor", "");
	expect = expectations();
	expect.auth_counts = expect.auth_needed = true;
	check_row("", "10025/inet/smtpd_sasl_auth_enable = no", "", &expect, "auth-off", "static-list");
	check_row("smtpd_sasl_auth_enable = yes", "", "", &expect, "", "other-auth");
	check_row("", "10025/inet/smtpd_tls_auth_only = no\n10025/inet/smtpd_tls_security_level = may", "", &expect,
	          "auth-in-clear", "tls-floor");
}

/* W02: where mail to everybody leaves by a name that counts as inside. */
static void test_inside(void)
{
	struct expectations expect = expectations();
	struct arena arena;
	arena_init(&arena, 0);
	struct set *mailers = set_new(&arena, SET_EXACT);
	set_add(mailers, span_of("relay"));
	check_row("default_transport = lmtp:x", "", "", &expect, "", "");
	expect.salesforce_only = true;
	check_row("default_transport = lmtp:x", "", "", &expect, "inside", "");
	check_row("default_transport = relay", "", "", &expect, "", "");
	check_row("relay_domains = dest.test", "", "", &expect, "", "local-mailers");
	expect.local_mailers = mailers;
	check_row("relay_domains = dest.test", "", "", &expect, "", "");
	check_row("default_transport = relay:[10.0.0.1]", "", "", &expect, "inside", "");
	check_row("transport_maps = texthash:/star", "", "", &expect, "inside", "");
	check_row("transport_maps = texthash:/domains", "", "", &expect, "", "");
	check_row("transport_maps = static:relay:[10.0.0.1]", "", "", &expect, "inside", "");
	check_row("transport_maps = pcre:/x", "", "", &expect, "", "inside-unknown");
	check_row("sender_dependent_default_transport_maps = texthash:/domains", "", "", &expect, "inside", "");
	arena_clear(&arena);
}

/* No value that a shell could take for something else becomes part of a command. */
static void test_commands(void)
{
	static const char *const bad[] = { "",     "a b", "a'b", "$(x)", "a;b",  "a\nb",
		                               "a\"b", "a`b", "{a}", "a*b",  "a\\b", "\x80" };
	struct arena arena;
	struct preflight found;
	struct postfix_setup setup;
	struct expectations expect = expectations();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ok(!preflight_value_safe(span_of(bad[i])), "[%s] is not pasted", bad[i]);
	ok(!preflight_value_safe(span_make("a\0b", 3)), "nor is NUL");
	ok(preflight_value_safe(span_of("azAZ09._:/@,=+-")), "the rest is");
	arena_init(&arena, 0);
	struct postfix_output output = changed(
		"mynetworks = 13.110.74.0/24 x;touch$(id)\nsmtpd_relay_restrictions = permit_mynetworks, check_x {a;b}, reject",
		"a;b/inet/milter_default_action = accept\na;b/inet/smtpd_milters = unix:/run/sfdc-milter/sfdc-milter.sock",
		"a;b inet n - n - - smtpd", &arena);
	preflight_init(&found);
	ok(postfix_read(&output, NULL, &arena, &setup), "read");
	postfix_findings(&found, &setup, &expect, &machine);
	for (const struct diagnostic *finding = found.first; finding; finding = finding->next)
		if (span_find(finding->command, 0, ';') != finding->command.length)
			ok(false, "%s: [%.*s]", finding->id, (int)finding->command.length, finding->command.at);
	preflight_clear(&found);
	arena_clear(&arena);
}

int main(void)
{
	reach_answer = REACH_GOOD;
	test_postfix();
	test_server();
	test_reached();
	test_policy();
	test_inside();
	test_commands();
	return done_testing();
}
