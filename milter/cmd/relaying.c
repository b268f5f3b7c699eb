/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/relaying.h"

#include "cmd/access_table.h"

#define DEPTH_MAX 5
#define RELAYS_EVERY (RELAYS_FOR_AUTH | RELAYS_FOR_SOME | RELAYS_FOR_SALESFORCE | RELAYS_FOR_INTERNET | RELAYS_FOR_ALL)
#define BLOCKS_MAX 64

const char *const relaying_salesforce[] = {
	"13.108.0.0/14",    "96.43.144.0/20",
	"136.146.0.0/15",   "204.14.232.0/21",
	"85.222.128.0/19",  "185.79.140.0/22",
	"101.53.160.0/19",  "182.50.76.0/22",
	"202.129.242.0/23", "161.71.0.0/16",
	"160.8.0.0/16",     "163.76.128.0/17",
	"163.79.128.0/17",  NULL,
};

/* One walk through a list of restrictions. */
struct walk {
	const struct postfix_setup *setup;
	const struct postfix_service *shared;
	const struct table_reader *reader;
	struct network blocks[BLOCKS_MAX]; /* Salesforce's */
	bool denied[BLOCKS_MAX];           /* by a restriction that came before */
	size_t count;
	struct relaying found;
	bool closed; /* nobody else relays */
	bool full;   /* nor gets through at all */
	bool warns;  /* behind warn_if_reject: what refuses does not */
};

static void add_block(const struct network *network, void *context)
{
	struct walk *walk = context;
	if (walk->count < BLOCKS_MAX)
		walk->blocks[walk->count++] = *network;
}

static bool all_denied(const struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		if (!walk->denied[i])
			return false;
	return true;
}

static void permit(struct walk *walk, unsigned whom, struct span by)
{
	if (whom & RELAYS_FOR_ALL)
		whom = all_denied(walk) ? RELAYS_FOR_SOME | RELAYS_FOR_INTERNET : RELAYS_EVERY;
	if ((whom & RELAYS_FOR_SALESFORCE) && !(walk->found.whom & RELAYS_FOR_SALESFORCE))
		walk->found.salesforce_by = by;
	walk->found.whom |= whom;
}

/* A network whose clients may relay, or may not. */
static void take_network(struct walk *walk, const struct network *network, bool may, struct span by)
{
	for (size_t i = 0; i < walk->count; i++) {
		if (walk->denied[i])
			continue;
		if (!may)
			walk->denied[i] = !walk->warns && network_covers(network, &walk->blocks[i]);
		else if (network_covers(network, &walk->blocks[i]) || network_covers(&walk->blocks[i], network))
			permit(walk, RELAYS_FOR_SALESFORCE | RELAYS_FOR_SOME, by);
	}
	if (!may)
		return;
	permit(walk, network->prefix == 0 ? RELAYS_FOR_ALL : RELAYS_FOR_SOME, by);
	if (!access_is_internal(network))
		permit(walk, RELAYS_FOR_INTERNET, by);
}

static bool table_is(struct span table, const char *type)
{
	return span_starts_nocase(table, span_of(type));
}

/* The action of "static:ACTION", for every key. */
static bool read_static(struct span table, enum access_action *action_r)
{
	if (!table_is(table, "static:"))
		return false;
	*action_r = access_read(span_slice(table, strlen("static:"), table.length));
	return true;
}

/* What an action means where anybody may have the key, or not have it. */
static void take_anybody(struct walk *walk, enum access_action action, struct span by)
{
	switch (action) {
	case ACCESS_PERMIT:
		permit(walk, RELAYS_FOR_ALL, by);
		break;
	case ACCESS_AUTH:
		permit(walk, RELAYS_FOR_AUTH, by);
		break;
	case ACCESS_UNKNOWN:
		permit(walk, RELAYS_FOR_UNKNOWN, by);
		break;
	case ACCESS_DENY:
	case ACCESS_PASS:
		break;
	}
}

/* A row whose key is the client's address or name. first: the first row that fits counts, so that what is refused stays refused. */
static void take_client(struct walk *walk, struct span key, enum access_action action, bool first, struct span by)
{
	struct network network;
	if (action == ACCESS_PASS)
		return;
	if (action == ACCESS_AUTH || action == ACCESS_UNKNOWN || (key.length != 0 && key.at[0] == '!'))
		take_anybody(walk, action, by);
	else if (access_network(key, &network)) {
		if (action == ACCESS_PERMIT || first)
			take_network(walk, &network, action == ACCESS_PERMIT, by);
	} else if (action == ACCESS_PERMIT)
		permit(walk, RELAYS_FOR_SOME | (access_names_salesforce(key) ? RELAYS_FOR_SALESFORCE : 0), by);
}

/* Rows whose keys are the client's address or name. */
static void take_clients(struct walk *walk, struct span table)
{
	struct span rest, key, value;
	enum access_action action;
	bool in_order = table_is(table, "cidr:");
	size_t within = 0;
	if (read_static(table, &action)) {
		take_anybody(walk, action, table);
		return;
	}
	rest = walk->reader->read(walk->reader->context, table);
	if (span_absent(rest))
		permit(walk, RELAYS_FOR_UNKNOWN, table);
	while (access_next_row(&rest, &key, &value)) {
		/* What stands within an "if" is for some of the clients that it names. */
		if (in_order && span_equal_nocase(key, span_of("if")))
			within++;
		else if (in_order && span_equal_nocase(key, span_of("endif")))
			within -= within != 0;
		else
			take_client(walk, key, access_read(value), in_order && within == 0, table);
	}
}

/* Rows with other keys. claimed: anybody may say that he has one, as the sender or the name of HELO. */
static void take_keys(struct walk *walk, struct span table, bool claimed)
{
	struct span rest, key, value;
	enum access_action action;
	if (read_static(table, &action)) {
		take_anybody(walk, action, table);
		return;
	}
	rest = walk->reader->read(walk->reader->context, table);
	if (span_absent(rest))
		permit(walk, RELAYS_FOR_UNKNOWN, table);
	while (access_next_row(&rest, &key, &value)) {
		action = access_read(value);
		take_anybody(walk, action == ACCESS_PERMIT && !claimed ? ACCESS_UNKNOWN : action, table);
	}
}

/* The items of a file that a list names by its path. */
static void take_file(struct walk *walk, struct span path)
{
	struct span name = arena_printf(walk->setup->arena, "texthash:%.*s", (int)path.length, path.at);
	struct span rest = walk->reader->read(walk->reader->context, name);
	struct span key, value;
	struct network network;
	if (span_absent(rest))
		permit(walk, RELAYS_FOR_UNKNOWN, path);
	while (access_next_row(&rest, &key, &value))
		do {
			if (access_network(key, &network))
				take_network(walk, &network, true, span_of("permit_mynetworks"));
			else if (key.at[0] != '#' && key.at[0] != '!')
				permit(walk, RELAYS_FOR_UNKNOWN, path);
		} while (postfix_next(&value, &key));
}

/* A network of mynetworks, or a file or a table that holds such. */
static void take_own(struct walk *walk, struct span item)
{
	struct network network;
	struct span rest, key, value;
	if (access_network(item, &network)) {
		take_network(walk, &network, true, span_of("permit_mynetworks"));
		return;
	}
	if (item.at[0] == '/') {
		take_file(walk, item);
		return;
	}
	rest = walk->reader->read(walk->reader->context, item);
	if (span_absent(rest))
		permit(walk, RELAYS_FOR_UNKNOWN, item);
	while (access_next_row(&rest, &key, &value))
		take_client(walk, key, ACCESS_PERMIT, false, span_of("permit_mynetworks"));
}

static void take_mynetworks(struct walk *walk)
{
	struct span list = postfix_value(walk->setup, walk->shared, "mynetworks");
	for (struct span item; postfix_next(&list, &item);)
		if (item.length != 0 && item.at[0] != '!')
			take_own(walk, item);
}

static bool tells_of_certificates(const struct walk *walk)
{
	return postfix_is_yes(postfix_value(walk->setup, walk->shared, "smtpd_tls_ask_ccert"))
	       || postfix_is_yes(postfix_value(walk->setup, walk->shared, "smtpd_tls_req_ccert"));
}

static void walk_list(struct walk *walk, struct span list, unsigned depth);

static void take_permit(struct walk *walk, struct span item)
{
	if (span_equal_nocase(item, span_of("permit"))) {
		permit(walk, RELAYS_FOR_ALL, item);
		walk->closed = walk->full = true;
	} else if (span_equal_nocase(item, span_of("permit_mynetworks"))) {
		take_mynetworks(walk);
	} else if (span_equal_nocase(item, span_of("permit_sasl_authenticated"))) {
		if (postfix_is_yes(postfix_value(walk->setup, walk->shared, "smtpd_sasl_auth_enable")))
			permit(walk, RELAYS_FOR_AUTH, item);
	} else if (span_equal_nocase(item, span_of("permit_tls_all_clientcerts"))) {
		if (tells_of_certificates(walk))
			permit(walk, RELAYS_FOR_SALESFORCE | RELAYS_FOR_SOME, item);
	} else if (span_equal_nocase(item, span_of("permit_inet_interfaces"))) {
		permit(walk, RELAYS_FOR_SOME, item);
	} else if (!span_equal_nocase(item, span_of("permit_auth_destination"))) {
		permit(walk, RELAYS_FOR_UNKNOWN, item);
	}
}

/* A restriction that asks a table or a service, which is the next item. */
static void take_check(struct walk *walk, struct span item, struct span table)
{
	static const char *const claims[] = { "check_sender_access", "check_helo_access" };
	bool claimed = false;
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
		claimed = claimed || span_equal_nocase(item, span_of(claims[i]));
	if (span_equal_nocase(item, span_of("check_client_access")))
		take_clients(walk, table);
	else
		take_keys(walk, table, claimed);
}

static void take_reject(struct walk *walk, struct span item)
{
	if (walk->warns)
		return;
	if (span_equal_nocase(item, span_of("reject")) || span_equal_nocase(item, span_of("defer")))
		walk->closed = walk->full = true;
	else if (span_equal_nocase(item, span_of("reject_unauth_destination"))
	         || span_equal_nocase(item, span_of("defer_unauth_destination")))
		walk->closed = true;
}

static void take_item(struct walk *walk, struct span item, struct span *rest, unsigned depth)
{
	struct span next;
	char name[64];
	if (span_starts_nocase(item, span_of("check_"))) {
		if (postfix_next(rest, &next))
			take_check(walk, item, next);
	} else if (span_starts_nocase(item, span_of("permit"))) {
		take_permit(walk, item);
	} else if (span_starts_nocase(item, span_of("reject")) || span_starts_nocase(item, span_of("defer"))) {
		take_reject(walk, item);
	} else if (span_find(item, 0, ':') != item.length) {
		take_keys(walk, item, true);
	} else if (depth < DEPTH_MAX && item.length < sizeof name) {
		memcpy(name, item.at, item.length);
		name[item.length] = '\0';
		if (postfix_lists(postfix_value(walk->setup, walk->shared, "smtpd_restriction_classes"), name))
			walk_list(walk, postfix_value(walk->setup, walk->shared, name), depth + 1);
	}
}

static void walk_list(struct walk *walk, struct span list, unsigned depth)
{
	bool warned = walk->warns;
	for (struct span item; !walk->closed && postfix_next(&list, &item);) {
		if (span_equal_nocase(item, span_of("warn_if_reject"))) {
			walk->warns = true;
			continue;
		}
		take_item(walk, item, &list, depth);
		walk->warns = warned;
	}
}

static struct walk walk_of(const struct walk *fresh, const char *list)
{
	struct walk walk = *fresh;
	walk_list(&walk, postfix_value(walk.setup, walk.shared, list), 0);
	return walk;
}

static void add_salesforce(struct walk *walk, const struct network_set *networks)
{
	struct network network;
	for (size_t i = 0; relaying_salesforce[i]; i++)
		if (network_parse(span_of(relaying_salesforce[i]), &network) == NETWORK_OK)
			add_block(&network, walk);
	network_set_each(networks, add_block, walk);
}

bool relaying_is_salesforce(struct span text, const struct network_set *networks)
{
	struct walk walk = { .setup = NULL };
	struct network network;
	add_salesforce(&walk, networks);
	if (!access_network(text, &network))
		return access_names_salesforce(text);
	take_network(&walk, &network, true, text);
	return (walk.found.whom & RELAYS_FOR_SALESFORCE) != 0;
}

/* Whether every domain counts as one's own: a refusal of others' then refuses none. */
static bool takes_every_domain(const struct walk *walk)
{
	static const char *const lists[] = { "relay_domains", "mydestination", "virtual_alias_domains",
		                                 "virtual_mailbox_domains" };
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		struct span list = postfix_value(walk->setup, walk->shared, lists[i]);
		for (struct span item; postfix_next(&list, &item);)
			if (table_is(item, "static:"))
				return true;
	}
	return false;
}

struct relaying relaying_find(const struct postfix_setup *setup, const struct postfix_service *shared,
                              const struct network_set *networks, const struct table_reader *reader)
{
	struct walk fresh = { .setup = setup, .shared = shared, .reader = reader };
	add_salesforce(&fresh, networks);
	struct walk walk = walk_of(&fresh, "smtpd_relay_restrictions");
	if (!walk.closed)
		walk = walk_of(&walk, "smtpd_recipient_restrictions");
	if (!walk.closed)
		permit(&walk, RELAYS_FOR_ALL, span_of("no restriction"));
	if (!walk.full && takes_every_domain(&walk))
		permit(&walk, RELAYS_FOR_ALL, span_of("relay_domains"));
	/* Whom the client's restrictions keep out does not relay, either; whom they let in may not be known. */
	struct walk clients = walk_of(&fresh, "smtpd_client_restrictions");
	if (clients.full && walk.found.whom != 0) {
		unsigned unknown = (walk.found.whom | clients.found.whom) & RELAYS_FOR_UNKNOWN;
		walk.found.whom = (walk.found.whom & clients.found.whom) | unknown;
	}
	return walk.found;
}

bool relaying_beyond_loopback(struct span list)
{
	struct network network;
	for (struct span item; postfix_next(&list, &item);)
		if (!span_equal_nocase(item, span_of("localhost"))
		    && (!access_network(item, &network) || network.prefix < 8 || !address_is_loopback(&network.address)))
			return true;
	return false;
}
