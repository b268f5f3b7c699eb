/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta_findings_private.h"

/* Postfix's list of whom the service relays for, as it stands. */
static struct relaying relaying_of(const struct audit *audit)
{
	return relaying_find(audit->setup, audit->shared, audit->expect->networks, &audit->machine->tables);
}

/* The floor, before the organizations and as far to the right as they are. */
static struct span set_floor(struct audit *audit)
{
	struct span file = span_of(audit->expect->config);
	if (!preflight_value_safe(file))
		return audit_nothing();
	return arena_printf(&audit->found->arena,
	                    "floor='monitor_floor: org and from and (cert or auth or ip)'\n"
	                    "sed -i -e '/^ *monitor_floor:/d' -e \"s/^\\( *\\)orgs:/\\1$floor\\n&/\" %.*s\n"
	                    "systemctl reload sfdc-milter",
	                    TEXT(file));
}

static void check_open(struct audit *audit, const struct relaying *relaying)
{
	bool all = (relaying->whom & RELAYS_FOR_ALL) != 0;
	bool salesforce = (relaying->whom & RELAYS_FOR_SALESFORCE) != 0;
	bool shared = audit->expect->unlocked || audit->expect->floor_shared;
	if ((shared && (all || salesforce)) || (audit->expect->floor_weak && all))
		audit_add(
			audit, FINDING_FIX, "open-relay", set_floor(audit),
			"the port relays for %s, and an organization is in monitor mode without a monitor_floor that holds: until it enforces, %s can "
			"send to anybody by this relay, in your name or any other that the port takes",
			all ? "everybody" : "all of Salesforce's addresses", all ? "anybody" : "every customer of Salesforce");
	else if (shared && (relaying->whom & RELAYS_FOR_INTERNET))
		audit_add(
			audit, FINDING_FIX, "open-relay", set_floor(audit),
			"the port relays for addresses of the Internet, and an organization is in monitor mode without a monitor_floor "
			"that holds: where they are Salesforce's, as those of Hyperforce, every customer of it can send to anybody by this "
			"relay until it enforces");
	else if (all)
		audit_add(
			audit, FINDING_ADVICE, "open-relay", audit_nothing(),
			"the port relays for everybody: the milter is the only lock, and its policy must prove the customer (check-config "
			"says whether it does)");
	else if (!(relaying->whom & RELAYS_FOR_UNKNOWN))
		audit_add(audit, FINDING_OK, "open-relay", audit_nothing(), "%s",
		          relaying->whom == 0 ? "the port relays for nobody yet: neither AUTH nor an address is listed"
		                              : "whom the port relays for is listed, or judged even in monitor mode");
	if (relaying->whom & RELAYS_FOR_UNKNOWN)
		audit_add(
			audit, FINDING_ADVICE, "relay-unknown", audit_nothing(),
			"whom the port relays for cannot all be told from here: a table or restriction in its relay rules asks elsewhere; "
			"see that it permits nobody but your own");
	if (!all && (relaying->whom & RELAYS_FOR_SOME) && !(relaying->whom & RELAYS_FOR_AUTH))
		audit_add(
			audit, FINDING_ADVICE, "static-list", audit_nothing(),
			"the port relays for a list of addresses and not for AUTH: newer servers of Salesforce (Hyperforce) come from "
			"addresses that no list holds, and their mail is refused before the milter sees it; let Salesforce authenticate");
}

static void check_mynetworks(struct audit *audit)
{
	static const char *const lists[] = { "smtpd_relay_restrictions", "smtpd_recipient_restrictions",
		                                 "smtpd_client_restrictions" };
	struct span networks = audit_value(audit, "mynetworks");
	bool permitted = false;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		permitted = permitted || postfix_lists(audit_value(audit, lists[i]), "permit_mynetworks");
	if (!permitted || networks.length == 0)
		return;
	audit_add(
		audit, audit_need(audit->expect->unlocked && relaying_beyond_loopback(networks)), "mynetworks",
		audit_set(audit, "mynetworks", ""),
		"the port relays for mynetworks, which is %.*s: programs and machines there that are not Salesforce may use it%s",
		TEXT(audit_shown(audit, networks)),
		audit->expect->unlocked ? ", and in monitor mode nothing stops them"
								: "; the milter refuses them, as it should");
}

void audit_relaying(struct audit *audit)
{
	struct relaying relaying = relaying_of(audit);
	check_open(audit, &relaying);
	check_mynetworks(audit);
}

/* Rules before those of the service, by which Salesforce's addresses reach its own domains and no others. */
static struct span refuse_salesforce(struct audit *audit)
{
	struct arena *arena = &audit->found->arena;
	struct span relay = audit_value(audit, "smtpd_relay_restrictions");
	struct span folder =
		audit->setup->folder ? span_of(audit->setup->folder) : postfix_value(audit->setup, NULL, "config_directory");
	struct span rules = span_of(""), rows = span_of("");
	for (struct span item; postfix_next(&relay, &item);) {
		if (!preflight_value_safe(item))
			return audit_nothing();
		rules = arena_printf(arena, "%.*s,%.*s", TEXT(rules), TEXT(item));
	}
	for (size_t i = 0; relaying_salesforce[i]; i++)
		rows = arena_printf(arena, "%.*s %s", TEXT(rows), relaying_salesforce[i]);
	if (!preflight_value_safe(folder))
		return audit_nothing();
	struct span table = arena_printf(arena, "%.*s/sfdc_elsewhere.cidr", TEXT(folder));
	struct span value = arena_printf(arena, "check_client_access,cidr:%.*s%.*s", TEXT(table), TEXT(rules));
	struct span write =
		arena_printf(arena, "printf '%%s reject_unauth_destination\\n'%.*s > %.*s", TEXT(rows), TEXT(table));
	return audit_both(audit, write, audit_set_read(audit, "smtpd_relay_restrictions", value));
}

static void check_other(struct audit *audit)
{
	struct relaying relaying = relaying_of(audit);
	if ((relaying.whom & RELAYS_FOR_SALESFORCE) && audit_is_local(audit))
		audit_add(
			audit, FINDING_ADVICE, "other-service", audit_nothing(),
			"this service relays without the milter for Salesforce's addresses (by %.*s), and only programs on this machine "
			"reach it: see that none of them hands on what comes from elsewhere, as a proxy for TLS does",
			TEXT(audit_shown(audit, relaying.salesforce_by)));
	else if (relaying.whom & RELAYS_FOR_SALESFORCE)
		audit_add(
			audit, FINDING_FIX, "other-service", refuse_salesforce(audit),
			"this service relays for Salesforce's addresses (by %.*s) and does not hand its mail to the milter: every "
			"customer of Salesforce can send to anybody by it",
			TEXT(audit_shown(audit, relaying.salesforce_by)));
	else if (relaying.whom & RELAYS_FOR_UNKNOWN)
		audit_add(
			audit, FINDING_ADVICE, "other-service", audit_nothing(),
			"whom this service relays for without the milter cannot all be told from here; see that Salesforce's addresses "
			"are not among them");
	else
		audit_add(audit, FINDING_OK, "other-service", audit_nothing(), "it does not relay for Salesforce's addresses");
	if (audit->expect->auth_counts && (relaying.whom & RELAYS_FOR_AUTH))
		audit_add(
			audit, FINDING_ADVICE, "other-auth", audit_nothing(),
			"this service relays for AUTH without the milter: if the logins of auth.users work here, whoever has Salesforce's "
			"password sends round the milter; let them work on the milter's port alone");
}

void audit_ways_round(struct audit *audit)
{
	struct audit other = *audit;
	for (size_t i = 0; i < audit->setup->shared_count; i++) {
		other.shared = &audit->setup->services[i];
		if (audit_is_smtpd(other.shared) && !audit_is_guarded(audit, other.shared))
			check_other(&other);
	}
}
