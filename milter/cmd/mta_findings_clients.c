/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>

#include "mta_findings_private.h"

#define SIZE_OF_SALESFORCE 36700160UL /* 25 MB of attachments, and a third more for their encoding */
#define CONNECTIONS_OF_SALESFORCE 50UL
#define RECIPIENTS_OF_SALESFORCE 1000UL

bool audit_is_local(const struct audit *audit)
{
	return span_equal(audit->shared->type, span_of("unix")) || postfix_on_loopback(audit->shared);
}

/* What postscreen is told of a proxy before it: that of the first such service that is told anything. */
static struct span screen_protocol(const struct audit *audit)
{
	struct audit screen = *audit;
	for (size_t i = 0; i < audit->setup->shared_count; i++) {
		screen.shared = &audit->setup->services[i];
		struct span value = audit_value(&screen, "postscreen_upstream_proxy_protocol");
		if (span_equal(postfix_program(screen.shared), span_of("postscreen")) && value.length != 0
		    && !audit_is_local(&screen))
			return value;
	}
	return span_of("");
}

static void check_proxies(struct audit *audit)
{
	const struct postfix_service *shared = audit->shared;
	bool screened = span_equal(shared->type, span_of("pass"));
	const char *name = screened ? "postscreen_upstream_proxy_protocol" : "smtpd_upstream_proxy_protocol";
	struct span protocol = screened ? screen_protocol(audit) : audit_value(audit, name);
	if (protocol.length != 0 && !audit_is_local(audit))
		audit_add(
			audit, FINDING_FIX, "proxy-protocol", screened ? audit_nothing() : audit_set(audit, name, ""),
			"%s is %.*s: whoever reaches this port without the proxy says of himself what address he comes from, and ip, SPF "
			"and the list of clients believe it; let nobody but the proxy reach it, or do without",
			name, TEXT(audit_shown(audit, protocol)));
	if (screened)
		audit_add(
			audit, FINDING_ADVICE, "postscreen", audit_nothing(),
			"postscreen stands before this service: it offers no AUTH, defers clients that it does not know, and Salesforce "
			"comes from many addresses; give Salesforce a port of its own without it");
	else if (audit_is_local(audit) && protocol.length == 0)
		audit_add(
			audit, FINDING_ADVICE, "hidden-client", audit_nothing(),
			"only programs on this machine reach this service: what a proxy or content filter hands on there shows the "
			"milter its own address and no TLS, certificate or AUTH of Salesforce's; judge mail where it comes in");
}

static void check_claims(struct audit *audit)
{
	struct span xclient = audit_value(audit, "smtpd_authorized_xclient_hosts");
	struct span xforward = audit_value(audit, "smtpd_authorized_xforward_hosts");
	if (xclient.length == 0)
		audit_add(audit, FINDING_OK, "xclient", audit_nothing(), "no client may say that it is another");
	else
		audit_add(
			audit, audit_need(relaying_beyond_loopback(xclient)), "xclient",
			audit_set(audit, "smtpd_authorized_xclient_hosts", ""),
			"smtpd_authorized_xclient_hosts is %.*s: these clients say of themselves what address, name and login they have, "
			"and the milter believes it",
			TEXT(audit_shown(audit, xclient)));
	if (xforward.length != 0)
		audit_add(audit, FINDING_ADVICE, "xforward", audit_set(audit, "smtpd_authorized_xforward_hosts", ""),
		          "smtpd_authorized_xforward_hosts is %.*s: these clients can write another origin into Postfix's log",
		          TEXT(audit_shown(audit, xforward)));
}

static const char *const restrictions[] = {
	"smtpd_client_restrictions",      "smtpd_helo_restrictions",      "smtpd_sender_restrictions",
	"smtpd_relay_restrictions",       "smtpd_recipient_restrictions", "smtpd_data_restrictions",
	"smtpd_end_of_data_restrictions",
};

static void check_policies(struct audit *audit)
{
	for (size_t i = 0; i < sizeof restrictions / sizeof restrictions[0]; i++)
		if (postfix_lists(audit_value(audit, restrictions[i]), "check_policy_service")) {
			audit_add(
				audit, FINDING_ADVICE, "policy-service", audit_nothing(),
				"%s asks a policy service: greylisting delays Salesforce's mail for as long as its addresses change from one "
				"attempt to the next, and a permit of it is none of the milter's; leave this port out",
				restrictions[i]);
			return;
		}
}

static void check_parents(struct audit *audit)
{
	if (postfix_lists(audit_value(audit, "parent_domain_matches_subdomains"), "smtpd_access_maps")
	    && postfix_lists(audit_value(audit, "smtpd_sender_restrictions"), "check_sender_access"))
		audit_add(
			audit, FINDING_ADVICE, "parent-domains", audit_set(audit, "parent_domain_matches_subdomains", ""),
			"parent_domain_matches_subdomains holds smtpd_access_maps: an entry example.com in the table of senders takes "
			"every name below it, too, and .example.com takes none");
}

void audit_clients(struct audit *audit)
{
	check_proxies(audit);
	check_claims(audit);
	check_policies(audit);
	check_parents(audit);
}

/* A number that must not be below another; 0 is no limit. */
static void check_least(struct audit *audit, const char *id, const char *name, unsigned long least, const char *why)
{
	struct span value = audit_value(audit, name);
	unsigned long number;
	char wanted[32];
	if (!span_number(value, (unsigned long)-1 / 10, &number) || number == 0 || number >= least)
		return;
	snprintf(wanted, sizeof wanted, "%lu", least);
	audit_add(audit, FINDING_ADVICE, id, audit_set(audit, name, wanted), "%s is %lu: %s", name, number, why);
}

void audit_size(struct audit *audit)
{
	check_least(audit, "size", "message_size_limit", SIZE_OF_SALESFORCE,
	            "with attachments of 25 MB Salesforce's messages have up to 35 MB, and larger ones bounce");
}

void audit_limits(struct audit *audit)
{
	static const char *const rates[] = { "smtpd_client_connection_rate_limit", "smtpd_client_message_rate_limit",
		                                 "smtpd_client_recipient_rate_limit", "smtpd_client_new_tls_session_rate_limit",
		                                 "smtpd_client_auth_rate_limit" };
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		struct span value = audit_value(audit, rates[i]);
		if (value.length != 0 && !span_equal(value, span_of("0")))
			audit_add(audit, FINDING_ADVICE, "rate-limits", audit_set(audit, rates[i], "0"),
			          "%s is %.*s: Salesforce sends in bursts from few addresses, and what is above it is deferred",
			          rates[i], TEXT(audit_shown(audit, value)));
	}
	check_least(audit, "connections", "smtpd_client_connection_count_limit", CONNECTIONS_OF_SALESFORCE,
	            "Salesforce opens many connections from one address, and those above it are turned away with 421");
	check_least(audit, "recipients", "smtpd_recipient_limit", RECIPIENTS_OF_SALESFORCE,
	            "recipients above it are deferred until the next attempt");
	if (postfix_overrides(audit->shared, "message_size_limit"))
		audit_size(audit);
}
