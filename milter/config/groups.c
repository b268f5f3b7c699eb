/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/groups.h"

#include <stdio.h>

void groups_add(struct groups *groups, size_t org, struct span key)
{
	struct arena *arena = &groups->loading->scratch;
	size_t known = set_count(groups->keys);
	size_t number = set_add(groups->keys, key);
	if (number != SET_ABSENT && number < known) {
		groups->groups[number].count++;
		return;
	}
	if (number != SET_ABSENT && number >= groups->room) {
		size_t room = groups->room * 2 + 16;
		struct group *more = arena_array(arena, room, sizeof *more);
		if (more && known != 0)
			memcpy(more, groups->groups, known * sizeof *more);
		groups->groups = more ? more : groups->groups;
		groups->room = more ? room : groups->room;
	}
	if (number == SET_ABSENT || number >= groups->room) {
		groups->loading->diagnostics.no_memory = true;
		groups->keys = NULL;
		return;
	}
	groups->groups[number] = (struct group) { org, 1 };
}

struct groups groups_make(struct loading *loading)
{
	struct groups groups = { loading, set_new(&loading->scratch, SET_EXACT), NULL, 0 };
	return groups;
}

struct group_label group_label(const struct loading *loading, const struct group *group)
{
	struct group_label label;
	const char *first = org_label(&loading->settings->orgs[group->first]).text;
	if (group->count == 1)
		snprintf(label.text, sizeof label.text, "%s", first);
	else
		snprintf(label.text, sizeof label.text, "%zu organizations (first %s)", group->count, first);
	return label;
}
