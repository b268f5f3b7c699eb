/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/unite.h"

#include <string.h>

#include "config/options.h"

static void *field_of(const struct org *org, const struct option *option)
{
	return (char *)org + option->offset;
}

static struct set *set_of(const struct org *org, const struct option *option)
{
	struct set *set;
	memcpy(&set, field_of(org, option), sizeof set);
	return set;
}

static void set_store(struct org *any, const struct option *option, struct set *set)
{
	memcpy(field_of(any, option), &set, sizeof set);
}

static enum set_case case_of(const struct option *option)
{
	return option->type == OPTION_EXACT ? SET_EXACT : SET_NOCASE;
}

/* A list that many organizations inherit is one: what was merged last need not be merged again. */
static bool unite_sets(struct settings *settings, const struct option *option)
{
	struct set *all = set_new(&settings->arena, case_of(option));
	const struct set *merged = NULL;
	if (!all)
		return false;
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct set *set = set_of(&settings->orgs[i], option);
		if (set && set != merged && !set_add_all(all, set))
			return false;
		merged = set;
	}
	set_store(&settings->any, option, all);
	return true;
}

static bool some_empty(const struct settings *settings, const struct option *option)
{
	for (size_t i = 0; i < settings->org_count; i++)
		if (set_count(set_of(&settings->orgs[i], option)) == 0)
			return true;
	return false;
}

static bool unite_restrictions(struct settings *settings, const struct option *option)
{
	if (!some_empty(settings, option))
		return unite_sets(settings, option);
	set_store(&settings->any, option, NULL);
	return true;
}

static bool all_have(const struct settings *settings, const struct option *option, struct span member)
{
	const struct set *found = NULL;
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct set *set = set_of(&settings->orgs[i], option);
		if (set == found && found)
			continue;
		if (!set_has(set, member))
			return false;
		found = set;
	}
	return true;
}

static bool intersect(struct settings *settings, const struct option *option)
{
	struct set *common = set_new(&settings->arena, case_of(option));
	const struct set *first = set_of(&settings->orgs[0], option);
	if (!common)
		return false;
	for (size_t i = 0; i < set_count(first); i++)
		if (all_have(settings, option, set_at(first, i)) && set_add(common, set_at(first, i)) == SET_ABSENT)
			return false;
	set_store(&settings->any, option, common);
	return true;
}

static bool unite_networks(struct settings *settings, const struct option *option)
{
	struct network_set *all = network_set_new(&settings->arena);
	const struct network_set *merged = NULL;
	if (!all)
		return false;
	for (size_t i = 0; i < settings->org_count; i++) {
		struct network_set *set;
		memcpy(&set, field_of(&settings->orgs[i], option), sizeof set);
		if (set && set != merged && !network_set_add_all(all, set))
			return false;
		merged = set;
	}
	memcpy(field_of(&settings->any, option), &all, sizeof all);
	return true;
}

static void unite_bits(struct settings *settings, const struct option *option)
{
	unsigned all = 0;
	for (size_t i = 0; i < settings->org_count; i++)
		all |= *(const unsigned *)field_of(&settings->orgs[i], option);
	*(unsigned *)field_of(&settings->any, option) = all;
}

/* yes: whether one organization's yes is the union's. */
static void unite_booleans(struct settings *settings, const struct option *option, bool yes)
{
	bool found = false;
	for (size_t i = 0; i < settings->org_count; i++)
		found = found || *(const bool *)field_of(&settings->orgs[i], option) == yes;
	*(bool *)field_of(&settings->any, option) = found == yes;
}

static bool union_of(struct settings *settings, const struct option *option)
{
	switch (option->type) {
	case OPTION_NETWORKS:
		return unite_networks(settings, option);
	case OPTION_CHOICES:
		unite_bits(settings, option);
		return true;
	case OPTION_EXACT:
	case OPTION_NOCASE:
	case OPTION_PATTERNS:
		return unite_sets(settings, option);
	case OPTION_TEXT:
	case OPTION_FILE:
	case OPTION_BOOLEAN:
	case OPTION_NUMBER:
	case OPTION_OCTAL:
	case OPTION_DURATION:
	case OPTION_DURATIONS:
	case OPTION_RATE:
	case OPTION_STORE:
	case OPTION_CHOICE:
	case OPTION_SENTENCE:
	case OPTION_BLOCKS:
	case OPTION_GLOBS:
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		break;
	}
	return false;
}

/* Numbers, and choices, which are declared from the strictest to the most lenient. */
static void choose_number(struct settings *settings, const struct option *option, bool highest, bool zero_is_all)
{
	unsigned best;
	memcpy(&best, field_of(&settings->orgs[0], option), sizeof best);
	for (size_t i = 1; i < settings->org_count; i++) {
		unsigned value;
		memcpy(&value, field_of(&settings->orgs[i], option), sizeof value);
		bool wider = zero_is_all && (best == 0 || value == 0) ? value == 0 : highest ? value > best : value < best;
		if (wider)
			best = value;
	}
	memcpy(field_of(&settings->any, option), &best, sizeof best);
}

static bool unite(struct settings *settings, const struct option *option)
{
	switch (option->unite) {
	case UNITE_UNION:
		return union_of(settings, option);
	case UNITE_UNION_EMPTY_IS_ALL:
		return unite_restrictions(settings, option);
	case UNITE_INTERSECTION:
		return intersect(settings, option);
	case UNITE_LOWEST:
		choose_number(settings, option, false, false);
		return true;
	case UNITE_HIGHEST_ZERO_IS_ALL:
		choose_number(settings, option, true, true);
		return true;
	case UNITE_MOST_LENIENT:
		choose_number(settings, option, true, false);
		return true;
	case UNITE_ANY_YES:
		unite_booleans(settings, option, true);
		return true;
	case UNITE_ANY_NO:
		unite_booleans(settings, option, false);
		return true;
	case UNITE_NOT_SESSION:
	case UNITE_TOP:
		return true;
	}
	return false;
}

bool unite_options(struct settings *settings)
{
	settings->any = settings->defaults;
	memset(&settings->any.id, 0, sizeof settings->any.id);
	for (size_t i = 0; i < option_count() && settings->org_count != 0; i++)
		if (option_at(i)->scope == OPTION_ORG && !unite(settings, option_at(i)))
			return false;
	return true;
}
