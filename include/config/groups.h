/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * groups: organizations of which the same is to be said: it is said once, at the first, with their number.
 *
 * For the review of one load, which lends its scratch memory; one thread.
 */
#ifndef SFDC_CONFIG_GROUPS_H
#define SFDC_CONFIG_GROUPS_H

#include "config/loading.h"

struct group {
	size_t first; /* the number of an organization in settings->orgs */
	size_t count;
};

struct groups {
	struct loading *loading;
	struct set *keys; /* member i stands for groups[i]; NULL without memory */
	struct group *groups;
	size_t room;
};

struct groups groups_make(struct loading *loading);

/* Put an organization to those with the same key. Want of memory is noted in the diagnostics, and keys is NULL then. */
void groups_add(struct groups *groups, size_t org, struct span key);

/* "00D... (production)", or "3 organizations (first 00D... (production))". */
struct group_label {
	char text[200];
};
struct group_label group_label(const struct loading *loading, const struct group *group);

#endif
