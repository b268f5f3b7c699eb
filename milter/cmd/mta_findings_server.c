/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/access_table.h"
#include "core/facts.h"
#include "mta_findings_private.h"

static void check_local(struct audit *audit)
{
	struct span list = audit_value(audit, "non_smtpd_milters");
	bool ours = false;
	for (struct span item; postfix_next(&list, &item);)
		ours =
			ours || postfix_same_socket(audit->setup, NULL, postfix_milter_read(item).address, audit->expect->socket);
	if (ours)
		audit_add(
			audit, FINDING_ADVICE, "non-smtpd", audit_set(audit, "non_smtpd_milters", ""),
			"non_smtpd_milters has the milter, too: mail of sendmail(1) on this machine comes as from loopback, without TLS; "
			"what is refused at RCPT is retried for ever, the rest bounces");
	else
		audit_add(audit, FINDING_OK, "non-smtpd", audit_nothing(),
		          "mail that programs on this machine submit by sendmail(1) is not judged");
	for (size_t i = 0; i < audit->setup->shared_count; i++)
		if (span_equal(postfix_program(&audit->setup->services[i]), span_of("qmqpd"))) {
			struct audit shared = *audit;
			shared.shared = &audit->setup->services[i];
			audit_add(
				&shared, FINDING_ADVICE, "qmqpd", audit_nothing(),
				"qmqpd takes mail for anywhere from qmqpd_authorized_clients, and no smtpd_milters see it; see that Salesforce's "
				"addresses are not among them");
		}
}

static void check_differing(struct audit *audit)
{
	struct span first = span_of(NULL);
	struct audit other = *audit;
	for (size_t i = 0; i < audit->setup->shared_count; i++) {
		other.shared = &audit->setup->services[i];
		if (!audit_is_smtpd(other.shared) || !audit_is_guarded(audit, other.shared))
			continue;
		struct postfix_milter own = audit_own_milter(&other);
		struct span action =
			span_absent(own.default_action) ? audit_value(&other, "milter_default_action") : own.default_action;
		if (!span_absent(first) && !span_equal_nocase(first, action)) {
			audit_add(
				audit, FINDING_ADVICE, "default-actions", audit_nothing(),
				"services that hand mail to the milter differ in milter_default_action: the weakest decides what comes in "
				"while the milter is away");
			return;
		}
		first = span_absent(first) ? action : first;
	}
}

/* "TRANSPORT:NEXTHOP" */
static struct span transport_of(struct span value)
{
	return span_slice(value, 0, span_find(value, 0, ':'));
}

static bool is_nowhere(struct span transport)
{
	return span_equal(transport, span_of("error")) || span_equal(transport, span_of("discard"))
	       || span_equal(transport, span_of("retry"));
}

static void check_bounces(struct audit *audit)
{
	struct span relayhost = audit_value(audit, "relayhost");
	if (is_nowhere(transport_of(audit_value(audit, "default_transport"))))
		audit_add(
			audit, FINDING_ADVICE, "bounces", audit_nothing(),
			"default_transport sends mail nowhere: bounces with the null sender do not reach bnc.salesforce.com, and Salesforce "
			"does not learn which addresses are dead");
	else if (relayhost.length != 0)
		audit_add(
			audit, FINDING_ADVICE, "bounces", audit_nothing(),
			"mail leaves by relayhost %.*s: see that it takes the null sender, or bounces do not reach bnc.salesforce.com, and "
			"Salesforce does not learn which addresses are dead",
			TEXT(audit_shown(audit, relayhost)));
	else
		audit_add(audit, FINDING_OK, "bounces", audit_nothing(), "bounces to bnc.salesforce.com can leave");
}

static void check_clock(struct audit *audit)
{
	if (!audit->machine->clock_known)
		return;
	if (audit->machine->clock_right)
		audit_add(audit, FINDING_OK, "clock", audit_nothing(), "the clock is kept synchronized");
	else
		audit_add(
			audit, FINDING_ADVICE, "clock", span_of("timedatectl set-ntp true"),
			"the clock is not kept synchronized: when it is off by minutes, genuine DKIM signatures lie in the future or have "
			"expired, and certificates are not valid");
}

static void check_refusals(struct audit *audit)
{
	struct span others = audit_value(audit, "multi_instance_directories");
	if (audit_yes(audit, "soft_bounce"))
		audit_add(
			audit, FINDING_ADVICE, "soft-bounce", audit_set(audit, "soft_bounce", "no"),
			"soft_bounce is yes: what the milter refuses for good is only deferred, and comes again until it expires");
	if (others.length != 0)
		audit_add(
			audit, FINDING_ADVICE, "instances", audit_nothing(),
			"there are other instances of Postfix (multi_instance_directories %.*s), which are not looked at: see with "
			"--config-dir that none of them relays for Salesforce's addresses without the milter",
			TEXT(audit_shown(audit, others)));
}

void audit_server(struct audit *audit)
{
	check_refusals(audit);
	check_local(audit);
	check_differing(audit);
	check_bounces(audit);
	audit_size(audit);
	check_clock(audit);
}

static bool counts_inside(const struct audit *audit, struct span transport)
{
	return transport.length != 0 && !is_nowhere(transport)
	       && facts_mailer_stays_inside(audit->expect->local_mailers, transport);
}

static void inside(struct audit *audit, const char *where, struct span transport, struct span command)
{
	audit_add(
		audit, FINDING_FIX, "inside", command,
		"%s uses the transport %.*s, which counts as inside (local_mailers): with scope: salesforce mail of any customer of "
		"Salesforce to anybody passes unjudged; name a transport that leads out otherwise, such as smtp",
		where, TEXT(audit_shown(audit, transport)));
}

/* Rows of tables whose values begin with a transport; everywhere: only those for every destination. */
static bool check_tables(struct audit *audit, const char *name, bool everywhere)
{
	const struct table_reader *tables = &audit->machine->tables;
	struct span list = audit_value(audit, name);
	struct span key, value;
	bool found = false;
	for (struct span table; !found && postfix_next(&list, &table);) {
		struct span text = tables->read(tables->context, table);
		bool same = span_starts_nocase(table, span_of("static:"));
		if (same) {
			struct span transport = transport_of(span_slice(table, strlen("static:"), table.length));
			found = counts_inside(audit, transport);
			if (found)
				inside(audit, name, transport, audit_nothing());
		} else if (span_absent(text)) {
			audit_add(
				audit, FINDING_ADVICE, "inside-unknown", audit_nothing(),
				"%s asks %.*s, which cannot be told from here: see that it sends mail to other domains by no transport "
				"that counts as inside (local_mailers), or mail of any customer of Salesforce to anybody passes unjudged",
				name, TEXT(audit_shown(audit, table)));
		}
		while (!found && access_next_row(&text, &key, &value)) {
			struct span transport = transport_of(value);
			found = (!everywhere || span_equal(key, span_of("*"))) && counts_inside(audit, transport);
			if (found)
				inside(audit, name, transport, audit_nothing());
		}
	}
	return found;
}

void audit_inside(struct audit *audit)
{
	struct span transport = transport_of(audit_value(audit, "default_transport"));
	bool found = counts_inside(audit, transport);
	if (!audit->expect->salesforce_only)
		return;
	if (found)
		inside(audit, "default_transport", transport, audit_set(audit, "default_transport", "smtp"));
	found = check_tables(audit, "sender_dependent_default_transport_maps", false) || found;
	found = check_tables(audit, "transport_maps", true) || found;
	if (!found)
		audit_add(audit, FINDING_OK, "inside", audit_nothing(),
		          "mail to other domains leaves by a transport that counts as outside");
	if (audit_value(audit, "relay_domains").length != 0 && !set_has(audit->expect->local_mailers, span_of("relay")))
		audit_add(
			audit, FINDING_ADVICE, "local-mailers", audit_nothing(),
			"relay_domains is set, and relay is not in local_mailers: mail of other companies' Salesforce to your own people "
			"is refused; if relay hands your own domains and nothing else to inner servers, set local_mailers: [relay]");
}
