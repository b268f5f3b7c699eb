/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/relaying.h"

#include "cmd/socket_place.h"

#define DEPTH_MAX 5
#define RELAYS_EVERY (RELAYS_FOR_AUTH | RELAYS_FOR_SOME | RELAYS_FOR_SALESFORCE | RELAYS_FOR_ALL)
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
};

static void add_block(const struct network *network, void *context)
{
	struct walk *walk = context;
	if (walk->count < BLOCKS_MAX)
		walk->blocks[walk->count++] = *network;
}

/* Whether the first bits of both are the same. */
static bool covers(const struct network *wide, const struct network *narrow)
{
	if (wide->address.family != narrow->address.family || wide->prefix > narrow->prefix)
		return false;
	for (unsigned bit = 0; bit < wide->prefix; bit++) {
		unsigned differ = (unsigned)wide->address.bytes[bit / 8] ^ narrow->address.bytes[bit / 8];
		if ((differ >> (7 - bit % 8)) & 1U)
			return false;
	}
	return true;
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
		whom = all_denied(walk) ? RELAYS_FOR_SOME : RELAYS_EVERY;
	if ((whom & RELAYS_FOR_SALESFORCE) && !(walk->found.whom & RELAYS_FOR_SALESFORCE))
		walk->found.salesforce_by = by;
	walk->found.whom |= whom;
}

/* "13.108.0.0/14", "[2001:db8::]/32", and as in indexed tables "13.108". */
static bool read_network(struct span text, struct network *network_r)
{
	size_t slash = span_find(text, 0, '/');
	struct arena arena;
	arena_init(&arena, 0);
	struct span host = socket_place_bare(span_slice(text, 0, slash));
	struct span whole = slash == text.length ? host
	                                         : arena_printf(&arena, "%.*s%.*s", (int)host.length, host.at,
	                                                        (int)(text.length - slash), text.at + slash);
	bool good = network_parse(whole, network_r) != NETWORK_MALFORMED;
	if (!good && slash == text.length) {
		size_t dots = 0;
		for (size_t i = 0; i < text.length; i++)
			dots += text.at[i] == '.';
		static const char *const rest[] = { ".0.0.0/8", ".0.0/16", ".0/24" };
		if (dots < 3 && text.length != 0)
			good = network_parse(arena_printf(&arena, "%.*s%s", (int)text.length, text.at, rest[dots]), network_r)
			       == NETWORK_OK;
	}
	arena_clear(&arena);
	return good;
}

/* A network whose clients may relay, or may not. */
static void take_network(struct walk *walk, const struct network *network, bool may, struct span by)
{
	bool all = network->prefix == 0;
	for (size_t i = 0; i < walk->count; i++) {
		if (walk->denied[i])
			continue;
		if (!may)
			walk->denied[i] = covers(network, &walk->blocks[i]);
		else if (covers(network, &walk->blocks[i]) || covers(&walk->blocks[i], network))
			permit(walk, RELAYS_FOR_SALESFORCE | RELAYS_FOR_SOME, by);
	}
	if (may)
		permit(walk, all ? RELAYS_FOR_ALL : RELAYS_FOR_SOME, by);
}

bool relaying_next_row(struct span *rest, struct span *key_r, struct span *value_r)
{
	for (struct span line; span_next_line(rest, &line);) {
		/* A line that begins with white space goes on with the one before; what it adds changes no first word. */
		bool goes_on = line.length != 0 && (line.at[0] == ' ' || line.at[0] == '\t');
		line = span_trim(line);
		if (goes_on || line.length == 0 || line.at[0] == '#')
			continue;
		size_t space = 0;
		while (space < line.length && line.at[space] != ' ' && line.at[space] != '\t')
			space++;
		*key_r = span_slice(line, 0, space);
		*value_r = span_trim(span_slice(line, space, line.length));
		return true;
	}
	return false;
}

/* What an access table's row means: OK, a number, or a restriction by its name. */
enum action { ACTION_PERMIT, ACTION_AUTH, ACTION_DENY, ACTION_PASS };

static enum action read_action(struct span value)
{
	struct span word;
	bool number = true;
	if (!postfix_next(&value, &word))
		return ACTION_PASS;
	for (size_t i = 0; i < word.length; i++)
		number = number && ascii_digit(word.at[i]);
	if (span_equal_nocase(word, span_of("permit_sasl_authenticated")))
		return ACTION_AUTH;
	if (number || span_equal_nocase(word, span_of("OK")) || span_starts_nocase(word, span_of("permit")))
		return ACTION_PERMIT;
	if (span_starts_nocase(word, span_of("reject")) || span_starts_nocase(word, span_of("defer")) || word.at[0] == '4'
	    || word.at[0] == '5')
		return ACTION_DENY;
	return ACTION_PASS;
}

static bool table_is(struct span table, const char *type)
{
	return span_starts_nocase(table, span_of(type));
}

/* Rows whose keys are the client's address. */
static void take_clients(struct walk *walk, struct span table)
{
	struct span rest = walk->reader->read(walk->reader->context, table);
	struct span key, value;
	struct network network;
	if (table_is(table, "static:")) {
		if (read_action(span_slice(table, strlen("static:"), table.length)) == ACTION_PERMIT)
			permit(walk, RELAYS_FOR_ALL, table);
		return;
	}
	if (span_absent(rest)) {
		permit(walk, RELAYS_FOR_UNKNOWN, table);
		return;
	}
	while (relaying_next_row(&rest, &key, &value)) {
		enum action action = read_action(value);
		if (action == ACTION_PASS)
			continue;
		if (action == ACTION_AUTH)
			permit(walk, RELAYS_FOR_AUTH, table);
		else if (read_network(key, &network))
			take_network(walk, &network, action == ACTION_PERMIT, table);
		else if (action == ACTION_PERMIT)
			permit(walk, RELAYS_FOR_SOME, table);
	}
}

/* Rows whose keys anybody may claim: the sender, the name of HELO. */
static void take_claims(struct walk *walk, struct span table)
{
	struct span rest = walk->reader->read(walk->reader->context, table);
	struct span key, value;
	bool unknown = span_absent(rest) && !table_is(table, "static:");
	if (table_is(table, "static:"))
		rest = table;
	while (!unknown && relaying_next_row(&rest, &key, &value))
		if (read_action(value) == ACTION_PERMIT) {
			permit(walk, RELAYS_FOR_ALL, table);
			return;
		}
	if (unknown)
		permit(walk, RELAYS_FOR_UNKNOWN, table);
}

static void take_mynetworks(struct walk *walk)
{
	struct span list = postfix_value(walk->setup, walk->shared, "mynetworks");
	struct network network;
	for (struct span item; postfix_next(&list, &item);) {
		if (item.length != 0 && item.at[0] == '!')
			continue;
		if (read_network(item, &network))
			take_network(walk, &network, true, span_of("permit_mynetworks"));
		else
			permit(walk, RELAYS_FOR_UNKNOWN, item);
	}
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
	} else if (span_equal_nocase(item, span_of("permit_tls_clientcerts"))
	           || span_equal_nocase(item, span_of("permit_inet_interfaces"))) {
		permit(walk, RELAYS_FOR_SOME, item);
	} else if (!span_equal_nocase(item, span_of("permit_auth_destination"))) {
		permit(walk, RELAYS_FOR_UNKNOWN, item);
	}
}

/* A restriction that asks a table, which is the next item. */
static void take_check(struct walk *walk, struct span item, struct span table)
{
	static const char *const claims[] = { "check_sender_access", "check_helo_access", "check_recipient_access" };
	if (span_equal_nocase(item, span_of("check_client_access"))) {
		take_clients(walk, table);
		return;
	}
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
		if (span_equal_nocase(item, span_of(claims[i]))) {
			take_claims(walk, table);
			return;
		}
	if (span_equal_nocase(item, span_of("check_ccert_access")))
		permit(walk, RELAYS_FOR_SOME, item);
}

static void take_reject(struct walk *walk, struct span item)
{
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
	if (span_equal_nocase(item, span_of("warn_if_reject"))) {
		postfix_next(rest, &next);
	} else if (span_starts_nocase(item, span_of("check_"))) {
		if (postfix_next(rest, &next))
			take_check(walk, item, next);
	} else if (span_starts_nocase(item, span_of("permit"))) {
		take_permit(walk, item);
	} else if (span_starts_nocase(item, span_of("reject")) || span_starts_nocase(item, span_of("defer"))) {
		take_reject(walk, item);
	} else if (span_find(item, 0, ':') != item.length) {
		take_clients(walk, item);
	} else if (depth < DEPTH_MAX && item.length < sizeof name) {
		memcpy(name, item.at, item.length);
		name[item.length] = '\0';
		if (postfix_lists(postfix_value(walk->setup, walk->shared, "smtpd_restriction_classes"), name))
			walk_list(walk, postfix_value(walk->setup, walk->shared, name), depth + 1);
	}
}

static void walk_list(struct walk *walk, struct span list, unsigned depth)
{
	for (struct span item; !walk->closed && postfix_next(&list, &item);)
		take_item(walk, item, &list, depth);
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
	if (!read_network(text, &network))
		return false;
	take_network(&walk, &network, true, text);
	return (walk.found.whom & RELAYS_FOR_SALESFORCE) != 0;
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
		    && (!read_network(item, &network) || network.prefix < 8 || !address_is_loopback(&network.address)))
			return true;
	return false;
}
