/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/loading.h"

#define TOLD_MAX 10 /* organizations of which this is said one by one */

/* The strictest of those that list the pattern, or a wildcard above it. */
static const struct org *strictest_owner(const struct settings *settings, size_t pattern)
{
	struct covering covering = { .pattern = pattern };
	const struct org *strictest = NULL;
	size_t next;

	while ((next = covering_next(settings, &covering)) != SET_ABSENT)
		for (const struct owner *owner = settings->owners[next]; owner; owner = owner->next)
			if (!strictest || owner->org->mode > strictest->mode)
				strictest = owner->org;
	return strictest;
}

static void tell(struct loading *loading, const struct org *org, const struct org *strictest, struct span pattern)
{
	diagnostic_warning(
		&loading->diagnostics, loading->origins[org - loading->settings->orgs].domains,
		"%s: %s is in force for no mail from \"%s%.*s\": %s, which also owns it, %ss; give both the same mode, "
		"or the domain to one of them",
		org_label(org).text, mode_name(org->mode), pattern.length != 0 && pattern.at[0] == '.' ? "*" : "",
		(int)pattern.length, pattern.at, org_label(strictest).text, mode_name(strictest->mode));
}

void review_modes(struct loading *loading)
{
	const struct settings *settings = loading->settings;
	bool *known = arena_array(&loading->scratch, settings->org_count, sizeof *known);
	size_t told = 0;
	const struct org *next = NULL;

	for (size_t i = 0; known && settings->mode_least != settings->mode_most && i < set_count(settings->owned); i++) {
		const struct org *strictest = strictest_owner(settings, i);
		for (const struct owner *owner = settings->owners[i]; owner; owner = owner->next) {
			if (owner->org->mode >= strictest->mode || known[owner->org - settings->orgs])
				continue;
			known[owner->org - settings->orgs] = true;
			if (told++ < TOLD_MAX)
				tell(loading, owner->org, strictest, set_at(settings->owned, i));
			else
				next = next ? next : owner->org;
		}
	}
	if (next)
		diagnostic_warning(
			&loading->diagnostics, loading->origins[next - settings->orgs].domains,
			"%s and %zu more: another organization that also owns a domain of theirs is stricter, and its mode is in "
			"force for that mail",
			org_label(next).text, told - TOLD_MAX - 1);
}
