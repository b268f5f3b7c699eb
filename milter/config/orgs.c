/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "config/loading.h"

struct org_label org_label(const struct org *org)
{
	struct org_label label;
	if (org->name.length != 0)
		snprintf(label.text, sizeof label.text, "%s (%.*s)", org->id.text, (int)org->name.length, org->name.at);
	else
		snprintf(label.text, sizeof label.text, "%s", org->id.text);
	return label;
}

static const struct node *given_to(const struct given *given, const char *key)
{
	return given->nodes[option_number(option_find(OPTION_ORG, span_of(key)))];
}

/* The place of an option's value where the map gave it one, else the other place. */
static struct place place_or(const struct source *source, const struct given *given, const char *key,
                             struct place other)
{
	const struct node *node = given_to(given, key);
	return node ? node_place(source, node) : other;
}

static const struct network_set *load_blocks(struct loading *loading, const struct source *source,
                                             const struct given *given, struct span path)
{
	const struct option *option = option_find(OPTION_ORG, span_of("ip.networks_file"));
	const struct node *node = given->nodes[option_number(option)];
	if (!node || node->kind != NODE_SCALAR || node->text.length == 0 || path.length == 0)
		return NULL;
	return networks_file_load(loading, node_place(source, node), option, path);
}

/* What ip.networks and ip.networks_file list together. Where one of them is empty, nothing is copied. */
static void join_networks(struct loading *loading, struct org *org, const struct network_set *blocks,
                          struct place place)
{
	if (network_set_count(blocks) == 0)
		return;
	bool reported = network_set_is_wide(org->ip.networks) || network_set_is_wide(blocks);
	struct network_set *both = network_set_new(&loading->settings->arena);
	if (!both || !network_set_add_all(both, org->ip.networks) || !network_set_add_all(both, blocks)) {
		loading->diagnostics.no_memory = true;
		return;
	}
	if (!reported)
		value_check_extent(loading, place, option_find(OPTION_ORG, span_of("ip.networks")), both);
	org->ip.networks = both;
}

/* Where the map lists networks; where it does not: place. */
static struct place networks_place(const struct source *source, const struct given *given, struct place place)
{
	return place_or(source, given, "ip.networks_file", place_or(source, given, "ip.networks", place));
}

void orgs_read_presets(struct loading *loading)
{
	struct source builtin = { "(built-in default)", 0, span_make(NULL, 0) };
	for (size_t i = 0; i < option_count(); i++) {
		const struct option *option = option_at(i);
		struct node *root = NULL;
		if (!option->preset || option->type == OPTION_DEFAULTS)
			continue;
		builtin.text = span_of(option->preset);
		void *holder = option->scope == OPTION_TOP ? (void *)loading->settings : (void *)&loading->settings->defaults;
		if (tree_parse(&builtin, &loading->scratch, &loading->diagnostics, &root) && root)
			value_read(loading, &builtin, option, root, holder);
	}
	loading->default_networks = loading->settings->defaults.ip.networks;
	loading->defaults_sound = true;
}

void orgs_read_defaults(struct loading *loading, const struct source *source, const struct node *map)
{
	struct org *defaults = &loading->settings->defaults;
	size_t errors = loading->diagnostics.errors;
	option_map_read(loading, source, map, OPTION_ORG, defaults, &loading->defaults);
	loading->default_networks = defaults->ip.networks;
	loading->default_blocks = load_blocks(loading, source, &loading->defaults, defaults->ip.networks_file);
	join_networks(loading, defaults, loading->default_blocks,
	              networks_place(source, &loading->defaults, node_place(source, map)));
	loading->defaults_sound = loading->diagnostics.errors == errors;
}

static void read_networks(struct loading *loading, const struct source *source, const struct given *given,
                          struct org *org, struct place place)
{
	bool own_list = given_to(given, "ip.networks") != NULL;
	bool own_file = given_to(given, "ip.networks_file") != NULL;
	if (!own_list && !own_file)
		return;
	if (!own_list)
		org->ip.networks = loading->default_networks;
	join_networks(loading, org,
	              own_file ? load_blocks(loading, source, given, org->ip.networks_file) : loading->default_blocks,
	              networks_place(source, given, place));
}

static bool grow(struct loading *loading)
{
	if (loading->org_count < loading->org_room)
		return true;
	size_t room = loading->org_room ? loading->org_room * 2 : 16;
	struct org *orgs = realloc(loading->orgs, room * sizeof *orgs);
	if (orgs)
		loading->orgs = orgs;
	struct origin *origins = realloc(loading->origins, room * sizeof *origins);
	if (origins)
		loading->origins = origins;
	if (orgs && origins)
		loading->org_room = room;
	return orgs && origins;
}

bool orgs_is_id(const struct node *key)
{
	struct orgid id;
	if (key->kind != NODE_SCALAR)
		return false;
	enum orgid_status status = orgid_parse(key->text, &id);
	return status == ORGID_OK || status == ORGID_CHECKSUM;
}

void orgs_report_misplaced(struct loading *loading, const struct source *source, const struct node *key)
{
	loading->org_keys++;
	diagnostic_error(&loading->diagnostics, node_place(source, key),
	                 "the organization ID %s stands outside orgs; put it below orgs, indented", shown(key->text).text);
}

static bool is_option(const struct node *key)
{
	return key->kind == NODE_SCALAR && (option_find(OPTION_ORG, key->text) || option_is_section(OPTION_ORG, key->text));
}

/* An option beside the IDs. Its value is looked at all the same, as the option's that it is. */
static void read_misplaced(struct loading *loading, const struct source *source, const struct node *key)
{
	struct node alone = *key;
	struct node map = {
		.kind = NODE_MAP, .line = key->line, .column = key->column, .index = key->index, .count = 1, .first = &alone
	};
	struct org org = loading->settings->defaults;
	struct given given;
	alone.next = NULL;
	diagnostic_error(&loading->diagnostics, node_place(source, key),
	                 "%s stands where an organization ID is expected; put it below the ID, indented, or below defaults",
	                 shown(key->text).text);
	option_map_read(loading, source, &map, OPTION_ORG, &org, &given);
}

static void report_id(struct loading *loading, struct place place, struct span text, enum orgid_status status)
{
	char checksum[3];
	if (status == ORGID_CHECKSUM) {
		orgid_checksum(text.at, checksum);
		diagnostic_error(&loading->diagnostics, place,
		                 "%s is not an organization ID: %s; write %.*s%.*s if these 15 are right, or copy the ID again",
		                 shown(text).text, orgid_problem(status), ORGID_SHORT, text.at, (int)sizeof checksum, checksum);
	} else {
		diagnostic_error(&loading->diagnostics, place,
		                 "%s is not an organization ID: %s; copy the ID from Setup, Company Information",
		                 shown(text).text, orgid_problem(status));
	}
}

/* The ID of a key, if it is one that was not there before. */
static bool read_id(struct loading *loading, struct place place, struct span text, struct orgid *id_r)
{
	enum orgid_status status = orgid_parse(text, id_r);
	if (status != ORGID_OK) {
		report_id(loading, place, text, status);
		return false;
	}
	size_t number = set_find(loading->ids, orgid_short(id_r));
	if (number == SET_ABSENT)
		return true;
	diagnostic_error(&loading->diagnostics, place, "the organization %s is given twice, first at %s; merge the two",
	                 id_r->text, place_text(loading->origins[number].key).text);
	return false;
}

static void keep_org(struct loading *loading, const struct org *org, const struct origin *origin)
{
	if (!grow(loading) || set_add(loading->ids, orgid_short(&org->id)) == SET_ABSENT) {
		loading->diagnostics.no_memory = true;
		return;
	}
	loading->orgs[loading->org_count] = *org;
	loading->origins[loading->org_count] = *origin;
	loading->org_count++;
}

/*
 * An empty list of domains in an organization that enforces. Where its sentences ask for them and nothing else is wrong,
 * the review says so, and which; here it is said of all others.
 */
static void check_domains(struct loading *loading, const struct source *source, const struct given *given,
                          const struct org *org, bool reviewed)
{
	const struct node *domains = given_to(given, "domains");
	check_bits asked =
		org->reject_unless.checks | org->defer_unless.checks | org->quarantine_unless.checks | org->warn_unless.checks;
	bool reported = reviewed && (asked & checks_asking_domains()) != 0;
	if (org->mode != MODE_MONITOR && domains && domains->kind == NODE_LIST && domains->count == 0 && !reported)
		diagnostic_error(&loading->diagnostics, node_place(source, domains),
		                 "domains: is empty in an organization that %ss; list the domains it sends from",
		                 mode_name(org->mode));
}

/* What stands below an ID is read even if the ID is wrong, so that all that is wrong is found at once. */
static void read_org(struct loading *loading, const struct source *source, const struct node *key)
{
	struct org org = loading->settings->defaults;
	struct given given;
	size_t errors = loading->diagnostics.errors;
	struct place place = node_place(source, key);
	bool good = read_id(loading, place, key->text, &org.id);
	const struct node *map = key->first;
	/* Where options stand beside the ID instead of below it, they are what is wrong. */
	bool beside = node_is_empty(map) && key->next && is_option(key->next);
	if (map->kind != NODE_MAP && map->kind != NODE_BAD && !beside)
		diagnostic_error(
			&loading->diagnostics, node_place(source, map),
			"%s: what belongs to an organization is a map; write its options below its ID, indented, or {}",
			shown(key->text).text);
	option_map_read(loading, source, map, OPTION_ORG, &org, &given);
	read_networks(loading, source, &given, &org, place);
	if (org.mode == MODE_UNSET)
		org.mode = loading->settings->mode;
	bool sound = loading->defaults_sound && loading->diagnostics.errors == errors && !beside;
	check_domains(loading, source, &given, &org, good && sound);
	if (!good)
		return;
	const struct given *defaults = &loading->defaults;
	struct origin origin = {
		.key = place,
		.domains = place_or(source, &given, "domains", place_or(loading->main, defaults, "domains", place)),
		.sentence =
			place_or(source, &given, "reject_unless", place_or(loading->main, defaults, "reject_unless", place)),
		.limit = place_or(source, &given, "limit.messages",
		                  place_or(source, &given, "limit.recipients",
		                           place_or(source, &given, "limit.per_user",
		                                    place_or(loading->main, defaults, "limit.messages",
		                                             place_or(loading->main, defaults, "limit.recipients",
		                                                      place_or(loading->main, defaults, "limit.per_user",
		                                                               place)))))),
		.sound = sound,
	};
	keep_org(loading, &org, &origin);
}

void orgs_read(struct loading *loading, const struct source *source, const struct node *map)
{
	for (const struct node *key = map->first; key; key = key->next) {
		loading->org_keys++;
		if (is_option(key))
			read_misplaced(loading, source, key);
		else if (key->kind == NODE_SCALAR)
			read_org(loading, source, key);
	}
}
