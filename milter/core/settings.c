/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/settings.h"

#include <stdio.h>
#include <stdlib.h>

struct settings *settings_new(void)
{
	struct settings *settings = calloc(1, sizeof *settings);
	if (settings)
		arena_init(&settings->arena, 0);
	return settings;
}

void settings_free(struct settings *settings)
{
	if (settings)
		arena_clear(&settings->arena);
	free(settings);
}

static bool index_ids(struct settings *settings)
{
	settings->org_ids = set_new(&settings->arena, SET_EXACT);
	if (!settings->org_ids)
		return false;
	for (size_t i = 0; i < settings->org_count; i++)
		if (set_add(settings->org_ids, orgid_short(&settings->orgs[i].id)) == SET_ABSENT)
			return false;
	return true;
}

static bool index_owners(struct settings *settings)
{
	settings->owned = set_new(&settings->arena, SET_NOCASE);
	if (!settings->owned)
		return false;
	for (size_t i = 0; i < settings->org_count; i++)
		if (!set_add_all(settings->owned, settings->orgs[i].domains))
			return false;
	settings->owners = arena_array(&settings->arena, set_count(settings->owned), sizeof *settings->owners);
	if (!settings->owners)
		return false;
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		for (size_t j = 0; j < set_count(org->domains); j++) {
			size_t pattern = set_find(settings->owned, set_at(org->domains, j));
			struct owner *owner = arena_alloc(&settings->arena, sizeof *owner);
			if (!owner || pattern == SET_ABSENT)
				return false;
			owner->org = org;
			owner->next = settings->owners[pattern];
			settings->owners[pattern] = owner;
		}
	}
	return true;
}

/* Orgs mostly share a few sentences; each different one is kept once. */
static bool collect_sentences(struct settings *settings)
{
	struct set *texts = set_new(&settings->arena, SET_EXACT);
	settings->sentences = arena_array(&settings->arena, settings->org_count, sizeof *settings->sentences);
	if (!texts || !settings->sentences)
		return false;
	settings->sentence_count = 0;
	for (size_t i = 0; i < settings->org_count; i++) {
		struct sentence *sentence = &settings->orgs[i].reject_unless;
		struct span text = sentence->root ? sentence->text : span_of("");
		size_t number = set_add(texts, text);
		if (number == SET_ABSENT)
			return false;
		if (number == settings->sentence_count)
			settings->sentences[settings->sentence_count++] = sentence;
	}
	return true;
}

static void note_xclient(struct settings *settings)
{
	settings->any.auth.takes_xclient = settings->any.auth.ignores_xclient = false;
	for (size_t i = 0; i < settings->org_count; i++) {
		struct org *org = &settings->orgs[i];
		org->auth.takes_xclient = set_has(org->auth.mechanisms, span_of("XCLIENT"));
		org->auth.ignores_xclient = !org->auth.takes_xclient;
		settings->any.auth.takes_xclient |= org->auth.takes_xclient;
		settings->any.auth.ignores_xclient |= org->auth.ignores_xclient;
	}
}

/* Whether a label of that text would be taken for another organization, or for none. */
static bool names_another(struct span name)
{
	struct orgid id;
	return span_equal(name, span_of("none")) || orgid_parse(name, &id) == ORGID_OK;
}

/* A name that several have tells none of them apart. */
static bool label_orgs(struct settings *settings)
{
	struct set *names = set_new(&settings->arena, SET_EXACT);
	size_t *first = arena_array(&settings->arena, settings->org_count, sizeof *first);
	if (!names || (!first && settings->org_count != 0))
		return false;
	for (size_t i = 0; i < settings->org_count; i++) {
		struct org *org = &settings->orgs[i];
		size_t known = set_count(names);
		org->label = span_of(org->id.text);
		if (org->name.length == 0 || names_another(org->name))
			continue;
		size_t number = set_add(names, org->name);
		if (number == SET_ABSENT)
			return false;
		if (number == known) {
			first[number] = i;
			org->label = org->name;
		} else {
			settings->orgs[first[number]].label = span_of(settings->orgs[first[number]].id.text);
		}
	}
	return true;
}

bool settings_complete(struct settings *settings, settings_unite unite)
{
	settings->mode_least = settings->org_count != 0 ? MODE_ENFORCE : MODE_MONITOR;
	settings->mode_most = MODE_MONITOR;
	for (size_t i = 0; i < settings->org_count; i++) {
		enum mode mode = settings->orgs[i].mode == MODE_UNSET ? MODE_MONITOR : settings->orgs[i].mode;
		if (mode < settings->mode_least)
			settings->mode_least = mode;
		if (mode > settings->mode_most)
			settings->mode_most = mode;
	}
	if (!index_ids(settings) || !index_owners(settings) || !unite(settings))
		return false;
	note_xclient(settings);
	return collect_sentences(settings) && label_orgs(settings) && !arena_failed(&settings->arena);
}

const struct org *settings_org(const struct settings *settings, const struct orgid *id)
{
	size_t number = set_find(settings->org_ids, orgid_short(id));
	return number == SET_ABSENT ? NULL : &settings->orgs[number];
}

const struct org *settings_next_owner(const struct settings *settings, struct span domain,
                                      struct owner_cursor *cursor_r)
{
	while (!cursor_r->owner) {
		size_t pattern = pattern_next(settings->owned, domain, &cursor_r->pattern);
		if (pattern == SET_ABSENT)
			return NULL;
		cursor_r->owner = settings->owners[pattern];
	}
	const struct org *org = cursor_r->owner->org;
	cursor_r->owner = cursor_r->owner->next;
	return org;
}

void rate_text(struct rate rate, char text_r[RATE_TEXT_SIZE])
{
	static const struct {
		unsigned seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;
	text_r[0] = '\0';
	if (rate.count == 0)
		return;
	while (rate.seconds % units[i].seconds != 0)
		i++;
	snprintf(text_r, RATE_TEXT_SIZE, "%u/%u%c", rate.count, rate.seconds / units[i].seconds, units[i].unit);
}

static const struct {
	const char *name;
	enum tls_version version;
} tls_names[] = {
	{ "TLSv1.3", TLS_1_3 }, { "TLSv1.2", TLS_1_2 }, { "TLSv1.1", TLS_1_1 },
	{ "TLSv1", TLS_1_0 },   { "TLSv1.0", TLS_1_0 },
};

enum tls_version tls_version_parse(struct span name)
{
	for (size_t i = 0; i < sizeof tls_names / sizeof tls_names[0]; i++)
		if (span_equal(name, span_of(tls_names[i].name)))
			return tls_names[i].version;
	return TLS_UNKNOWN;
}
