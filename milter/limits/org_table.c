/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "limits/org_table.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

int org_table_compare(const void *a, const void *b)
{
	return memcmp(((const struct orgid *)a)->text, ((const struct orgid *)b)->text, ORGID_LONG);
}

struct org_entry *org_table_find(const struct org_table *table, const struct orgid *id)
{
	void *found = tfind(id, &table->tree, org_table_compare);
	return found ? *(struct org_entry **)found : NULL;
}

struct org_entry *org_table_get(struct org_table *table, const struct orgid *id)
{
	struct org_entry *entry = org_table_find(table, id);
	if (entry)
		return entry;
	entry = calloc(1, table->size);
	if (!entry)
		return NULL;
	entry->id = *id;
	if (!tsearch(entry, &table->tree, org_table_compare)) {
		free(entry);
		return NULL;
	}
	entry->next = table->first;
	table->first = entry;
	return entry;
}

void org_table_keep(struct org_table *table, const struct settings *settings)
{
	struct org_entry **link = &table->first;
	while (*link) {
		struct org_entry *entry = *link;
		if (settings && settings_org(settings, &entry->id)) {
			link = &entry->next;
			continue;
		}
		*link = entry->next;
		if (table->clear)
			table->clear(entry);
		tdelete(entry, &table->tree, org_table_compare);
		free(entry);
	}
}
