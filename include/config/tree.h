/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree: a YAML file as a tree of nodes with their places, by libyaml's events.
 *
 * Nothing is interpreted: a scalar is its text. What the configuration language leaves out of YAML - anchors, aliases,
 * tags, keys that are no words, several documents - is reported here.
 */
#ifndef SFDC_CONFIG_TREE_H
#define SFDC_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/diagnostics.h"
#include "core/arena.h"

enum node_kind {
	NODE_BAD, /* reported already; to be passed over in silence */
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP
};

enum node_style { NODE_PLAIN, NODE_SINGLE_QUOTED, NODE_DOUBLE_QUOTED, NODE_BLOCK };

struct node {
	enum node_kind kind;
	enum node_style style; /* of a scalar */
	unsigned line;
	unsigned column;
	unsigned index;     /* characters before it in the file */
	unsigned count;     /* items of a list, keys of a map */
	struct span text;   /* of a scalar: never absent */
	struct node *first; /* first item of a list or key of a map; of a key: its value, never NULL */
	struct node *next;  /* next item or key */
};

/*
 * The tree of source's text, in arena. False when it is no YAML or memory is short, which was reported. *root_r is NULL
 * when the text holds no more than comments.
 */
bool tree_parse(const struct source *source, struct arena *arena, struct diagnostics *diagnostics,
                struct node **root_r);

/* Where a node begins. */
struct place node_place(const struct source *source, const struct node *node);

/* Whether nothing was written where the value belongs. */
bool node_is_empty(const struct node *node);

/*
 * The place of byte number offset of a scalar's text (offset may be its length: the end). Exact where the text stands
 * in the file as it is, but for white space; else where the scalar begins.
 */
struct place node_place_at(const struct source *source, const struct node *node, size_t offset);

/* "a list", "a map" or "a single value". */
const char *node_kind_name(const struct node *node);

#endif
