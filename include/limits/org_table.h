/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_table: something for each organization, found by its ID. Grows with the organizations that are served alone, if
 * org_table_keep() follows every change of the settings. Not thread-safe.
 */
#ifndef SFDC_LIMITS_ORG_TABLE_H
#define SFDC_LIMITS_ORG_TABLE_H

#include <stddef.h>

#include "core/settings.h"

/* First member of what is kept, which is zeroed at first. */
struct org_entry {
	struct orgid id; /* first */
	struct org_entry *next;
};

/* size and clear are set by whoever has the table; all else is zeroed. */
struct org_table {
	size_t size;                            /* of what is kept */
	void (*clear)(struct org_entry *entry); /* before it is set free; NULL: nothing is to be done */
	void *tree;
	struct org_entry *first;
};

/* For tsearch(3): IDs, or what begins with one. */
int org_table_compare(const void *a, const void *b);

/* NULL: there is none. */
struct org_entry *org_table_find(const struct org_table *table, const struct orgid *id);

/* The one there is, or a new one. NULL without memory. */
struct org_entry *org_table_get(struct org_table *table, const struct orgid *id);

/* Forget the organizations that settings do not serve; NULL: all. */
void org_table_keep(struct org_table *table, const struct settings *settings);

#endif
