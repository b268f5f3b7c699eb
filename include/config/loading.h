/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loading: one load under way, shared by the parts of the loader. It lives as long as the load; one thread.
 */
#ifndef SFDC_CONFIG_LOADING_H
#define SFDC_CONFIG_LOADING_H

#include <stdbool.h>
#include <stddef.h>

#include "config/diagnostics.h"
#include "config/options.h"
#include "config/tree.h"
#include "core/settings.h"

/* The values that a map gave to options, by option_number(); NULL where it gave none. */
struct given {
	const struct node *nodes[OPTIONS_MAX];
};

/* Where an organization and what is said of it stand; inherited values stand under `defaults`. */
struct origin {
	struct place key;
	struct place domains;
	struct place sentence;
	struct place limit;
	bool sound; /* no error was found in it, nor in what it inherits */
};

struct loading {
	const struct config_advice *advice; /* NULL: none */
	struct settings *settings;          /* being filled; what it refers to is in its arena */
	struct diagnostics diagnostics;
	struct arena scratch; /* trees and whatever is not needed after the load */
	unsigned sources;     /* how many files were opened: the order of the next */

	const struct source *main;
	struct given top;      /* of the main file */
	struct given defaults; /* of its `defaults` */
	bool defaults_sound;
	struct network_set *default_networks;     /* ip.networks of `defaults` alone */
	const struct network_set *default_blocks; /* what its ip.networks_file holds; NULL = none */

	/* The organizations so far; orgs and origins run in parallel, ids holds the short form of each. */
	struct org *orgs;
	struct origin *origins;
	size_t org_count;
	size_t org_room;
	size_t org_keys; /* keys below `orgs`, well-formed or not */
	struct set *ids;

	struct set *included; /* paths of the files that were included */
	bool include_failed;

	/* Files of CIDR blocks that were read: member i of block_paths is in blocks[i]. */
	struct set *block_paths;
	struct network_set **blocks;
	size_t block_room;
};

/* A new source, or NULL without memory. name is copied; text is borrowed, without its byte order mark. */
struct source *source_new(struct loading *loading, const char *name, struct span text);

/* Note that the configuration names this file, or with a "/" at its end searches this folder (settings->files). */
void loading_names(struct loading *loading, struct span path);

/* Read one value of an option into its field in holder (struct settings or struct org). False: reported. */
bool value_read(struct loading *loading, const struct source *source, const struct option *option,
                const struct node *node, void *holder);

/* Add one CIDR block to set; key names the option. False: reported. */
bool value_add_network(struct loading *loading, struct place place, const struct option *option, struct span text,
                       struct network_set *set);

/* Report a set that holds more than half of all addresses. False: reported. */
bool value_check_extent(struct loading *loading, struct place place, const struct option *option,
                        const struct network_set *set);

/*
 * Read a map of options. given_r says which were there. False: an error was reported; all other values are read.
 */
bool option_map_read(struct loading *loading, const struct source *source, const struct node *map,
                     enum option_scope scope, void *holder, struct given *given_r);

/*
 * The set of the blocks in the file at path, read once. NULL: none could be read. An unreadable file is reported at
 * place, a malformed line at its own.
 */
const struct network_set *networks_file_load(struct loading *loading, struct place place, const struct option *option,
                                             struct span path);

/* Fill settings and settings->defaults with the built-in defaults. */
void orgs_read_presets(struct loading *loading);

/* Put the values of the map `defaults` over them. */
void orgs_read_defaults(struct loading *loading, const struct source *source, const struct node *map);

/* Read a map of organizations. */
void orgs_read(struct loading *loading, const struct source *source, const struct node *map);

/* Whether a key is an organization's ID, or was meant to be one. */
bool orgs_is_id(const struct node *key);

/* Report an ID that does not stand below `orgs`. */
void orgs_report_misplaced(struct loading *loading, const struct source *source, const struct node *key);

/* After settings_complete(): report what is allowed, but hardly meant, and enforcing that cannot work. */
void review(struct loading *loading);

/*
 * Patterns that cover one: itself first, then every wildcard above it, the closest first. *covering is zeroed but for
 * pattern, a number in settings->owned. SET_ABSENT: there is no other.
 */
struct covering {
	size_t pattern;
	bool begun;
	size_t cursor;
};
size_t covering_next(const struct settings *settings, struct covering *covering);

/* A part of it: organizations whose mode is not in force for mail of a domain that a stricter one owns as well. */
void review_modes(struct loading *loading);

/* A part of it: limits that can do harm, and those that do nothing. */
void review_limits(struct loading *loading);

/* What tells policies apart: their sentences, and what the parameters make of the checks. */
struct span policy_key(struct loading *loading, const struct org *org);

/* Read the store of limits from limits.store_file, if that is set. */
void store_file_read(struct loading *loading);

/* "00D... (name)", for messages. */
struct org_label {
	char text[120];
};
struct org_label org_label(const struct org *org);

#endif
