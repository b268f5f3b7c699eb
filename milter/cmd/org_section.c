/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_section.h"

#include <string.h>

#include "config/options.h"
#include "core/log_entry.h"
#include "core/set.h"
#include "core/substitute.h"

/* The work on one section. */
struct making {
	struct org_metadata *metadata;
	const struct org_request *request;
	struct org_section *section;
};

static bool is_wildcard(struct span pattern)
{
	return pattern.length > 2 && pattern.at[0] == '*' && pattern.at[1] == '.';
}

/* What a wildcard stands above; the domain itself of one that is none. */
static struct span base(struct span pattern)
{
	return is_wildcard(pattern) ? span_slice(pattern, 2, pattern.length) : pattern;
}

static bool strictly_below(struct span domain, struct span parent)
{
	return domain.length > parent.length && domain_within(domain, parent);
}

bool org_pattern_covers(struct span pattern, struct span other)
{
	if (!domain_valid(base(pattern)) || !domain_valid(base(other)))
		return false;
	if (!is_wildcard(pattern))
		return span_equal_nocase(pattern, other);
	return is_wildcard(other) ? domain_within(base(other), base(pattern)) : strictly_below(other, base(pattern));
}

bool org_list_covers(const struct org_list *list, struct span pattern)
{
	for (const struct org_item *item = list->first; item; item = item->next)
		if (org_pattern_covers(item->text, pattern))
			return true;
	return false;
}

static void add(struct making *making, struct org_list *list, struct span text, struct span file, const char *why)
{
	for (struct org_item *item = list->first; item; item = item->next)
		if (span_equal_nocase(item->text, text))
			return;
	making->section->overflow = making->section->overflow || list->count == ORG_LIST_MAX;
	struct org_item *item = making->section->overflow ? NULL : arena_alloc(&making->metadata->arena, sizeof *item);
	if (!item)
		return;
	item->text = arena_span(&making->metadata->arena, text);
	item->file = file;
	item->why = why;
	if (list->last)
		list->last->next = item;
	else
		list->first = item;
	list->last = item;
	list->count++;
}

/* Whether a value may stand in the option. */
static bool may_stand(const char *key, struct span value)
{
	char problem[OPTION_PROBLEM_SIZE];
	const struct option *option = option_find(OPTION_ORG, span_of(key));
	return option && (!option->check || option->check(value, problem));
}

/* The comparable form of a domain or "*." and a domain; absent where there is none. */
static struct span comparable(struct making *making, struct span text)
{
	struct arena *arena = &making->metadata->arena;
	struct span domain = domain_comparable(arena, making->request->to_ascii, base(text));
	if (span_absent(domain) || !is_wildcard(text))
		return domain;
	return arena_printf(arena, "*.%.*s", (int)domain.length, domain.at);
}

/* Whether a pattern names what belongs to anybody, or to Salesforce. */
static bool is_public(const struct org_request *request, struct span pattern)
{
	struct span domain = base(pattern);
	if (substitute_is_suffix(domain) || !span_absent(substitute_customer(domain)))
		return true;
	if (domain_within(domain, span_of("salesforce.com")) || domain_within(span_of("salesforce.com"), domain))
		return true;
	return span_find(domain, 0, '.') == domain.length
	       || (request->public_suffix && request->public_suffix(request->context, domain));
}

bool org_key_signs(const struct org_record *key)
{
	const struct org_value *state = &key->values[ORG_PUBLISH_STATE];
	return org_flag(key, ORG_IS_ACTIVE) == ORG_FLAG_YES
	       && (state->state == ORG_UNASKED || state->state == ORG_NULL
	           || span_equal_nocase(org_text(key, ORG_PUBLISH_STATE), span_of("Published")));
}

bool org_key_counts(const struct org_record *key)
{
	return org_key_signs(key) && span_trim(org_text(key, ORG_RECORD_NAME)).length > 0;
}

bool org_relay_is_ours(const struct org_request *request, const struct org_record *relay)
{
	return span_absent(request->relay) || span_equal_nocase(request->relay, span_trim(org_text(relay, ORG_HOST)));
}

bool org_filter_is_ours(const struct org_metadata *metadata, const struct org_request *request,
                        const struct org_record *filter)
{
	struct span id = org_text(filter, ORG_RELAY_ID);
	for (const struct org_record *relay = metadata->first[ORG_RELAY]; relay && id.length >= 15; relay = relay->next) {
		struct span other = org_text(relay, ORG_ID);
		if (other.length >= 15 && span_equal(span_slice(id, 0, 15), span_slice(other, 0, 15)))
			return org_relay_is_ours(request, relay);
	}
	return true;
}

/* What of a pattern an entry of a filter sends here; absent: nothing. Both comparable. */
static struct span meet(struct span pattern, struct span entry)
{
	if (org_pattern_covers(entry, pattern))
		return pattern;
	return org_pattern_covers(pattern, entry) ? entry : span_make(NULL, 0);
}

/* "*example.com" stands for the domain and what is below it, and for more that cannot be a part of what is proven. */
static bool meet_entry(struct making *making, struct span pattern, struct span entry, struct span file)
{
	struct org_list *domains = &making->section->domains;
	struct span all = span_of("*");
	if (span_equal(entry, all)) {
		add(making, domains, pattern, file, NULL);
		return true;
	}
	bool loose = entry.length > 1 && entry.at[0] == '*' && entry.at[1] != '.';
	struct span domain = comparable(making, loose ? span_slice(entry, 1, entry.length) : entry);
	if (span_absent(domain) && span_find(entry, 0, '*') < entry.length) {
		/* A wildcard of another kind: all of it may come here. */
		add(making, domains, pattern, file, NULL);
		return true;
	}
	if (span_absent(domain))
		return false;
	struct span part = meet(pattern, domain);
	bool some = !span_absent(part);
	if (some)
		add(making, domains, part, file, NULL);
	if (loose) {
		part = meet(pattern, arena_printf(&making->metadata->arena, "*.%.*s", (int)domain.length, domain.at));
		if (!span_absent(part))
			add(making, domains, part, file, NULL);
		some = some || !span_absent(part);
	}
	return some;
}

/* Keep what active filters send here of a proven pattern; whether that is something. */
static bool take_proven(struct making *making, struct span pattern, struct span file)
{
	bool filtered = false;
	bool some = false;
	for (const struct org_record *filter = making->metadata->first[ORG_FILTER]; filter; filter = filter->next) {
		const struct org_value *from = &filter->values[ORG_FROM_DOMAIN];
		size_t at = 0;
		struct span entry;
		if (org_flag(filter, ORG_IS_ACTIVE) != ORG_FLAG_YES
		    || !org_filter_is_ours(making->metadata, making->request, filter))
			continue;
		filtered = true;
		bool empty = from->state != ORG_VALUE || span_trim(from->text).length == 0;
		if (empty)
			some = meet_entry(making, pattern, span_of("*"), file) || some;
		while (!empty && org_next_domain(from->text, &at, &entry))
			some = meet_entry(making, pattern, entry, file) || some;
	}
	if (!filtered)
		add(making, &making->section->domains, pattern, file, NULL);
	else if (!some)
		add(making, &making->section->left_out, pattern, file, "no active domain filter sends its mail here");
	return !filtered || some;
}

/* The functions below say whether something of it is among the domains. */
static bool take_pattern(struct making *making, struct span pattern, const struct org_record *key)
{
	struct org_list *left_out = &making->section->left_out;
	if (is_public(making->request, pattern))
		add(making, left_out, pattern, key->file, "anybody can have a name there");
	else if (!may_stand("domains", pattern))
		add(making, left_out, pattern, key->file, "it is no domain");
	else
		return take_proven(making, pattern, key->file);
	return false;
}

/* The patterns that a key's DomainMatch comes to: at most two. */
static size_t match_patterns(struct making *making, const struct org_record *key, struct span domain,
                             struct span patterns_r[2])
{
	struct span match = org_text(key, ORG_DOMAIN_MATCH);
	bool both = span_equal_nocase(match, span_of("DomainAndSubdomains"));
	size_t count = 0;
	/* Not asked for: the least that it can be, if it is not the subdomains alone, which prove the domain as well. */
	bool none = key->values[ORG_DOMAIN_MATCH].state == ORG_UNASKED || key->values[ORG_DOMAIN_MATCH].state == ORG_NULL;
	if (both || none || span_equal_nocase(match, span_of("DomainOnly")))
		patterns_r[count++] = domain;
	if (both || span_equal_nocase(match, span_of("SubdomainsOnly")))
		patterns_r[count++] = arena_printf(&making->metadata->arena, "*.%.*s", (int)domain.length, domain.at);
	return count;
}

/* A key's own list of patterns, as far as it stays within the domain, and within DomainMatch where there is one. */
static bool take_list(struct making *making, const struct org_record *key, struct span domain, struct span list)
{
	struct span bounds[2];
	size_t count = match_patterns(making, key, domain, bounds);
	bool bound = key->values[ORG_DOMAIN_MATCH].state == ORG_VALUE;
	bool taken = false;
	size_t at = 0;
	struct span entry;
	while (org_next_domain(list, &at, &entry)) {
		struct span pattern = comparable(making, entry);
		if (span_absent(pattern) || !domain_within(base(pattern), domain)) {
			add(making, &making->section->left_out, entry, key->file, "it is not within the domain of its key");
			continue;
		}
		bool some = !bound;
		if (!bound)
			taken = take_pattern(making, pattern, key) || taken;
		for (size_t i = 0; bound && i < count; i++) {
			struct span part = meet(bounds[i], pattern);
			if (span_absent(part))
				continue;
			taken = take_pattern(making, part, key) || taken;
			some = true;
		}
		if (!some)
			add(making, &making->section->left_out, entry, key->file, "the DomainMatch of its key leaves it out");
	}
	return taken;
}

static bool take_key_domains(struct making *making, const struct org_record *key)
{
	struct span told = span_trim(org_text(key, ORG_DOMAIN));
	struct span domain = is_wildcard(told) ? span_make(NULL, 0) : comparable(making, told);
	struct span list = org_text(key, ORG_MATCH_PATTERN);
	struct span patterns[2];
	if (span_absent(domain)) {
		if (told.length > 0)
			add(making, &making->section->left_out, told, key->file, "it is no domain");
		return false;
	}
	if (is_public(making->request, domain)) {
		add(making, &making->section->left_out, domain, key->file, "anybody can have a name there");
		return false;
	}
	if (span_trim(list).length > 0)
		return take_list(making, key, domain, list);
	bool taken = false;
	size_t count = match_patterns(making, key, domain, patterns);
	for (size_t i = 0; i < count; i++)
		taken = take_pattern(making, patterns[i], key) || taken;
	if (count == 0)
		add(making, &making->section->left_out, domain, key->file, "the DomainMatch of its key is not known");
	return taken;
}

/* A name of the DNS as it may stand in an option, without the dot at its end; absent: none. */
static struct span option_name(struct making *making, const char *option, struct span text)
{
	struct span name = span_trim(text);
	if (name.length > 1 && name.at[name.length - 1] == '.')
		name = span_slice(name, 0, name.length - 1);
	return name.length > 0 && may_stand(option, name) && span_find(name, 0, '*') == name.length
	           ? arena_span(&making->metadata->arena, name)
	           : span_make(NULL, 0);
}

static void take_selectors(struct making *making, const struct org_record *key)
{
	struct org_section *section = making->section;
	struct span selector = option_name(making, "dkim.selectors", org_text(key, ORG_SELECTOR));
	struct span other = option_name(making, "dkim.selectors", org_text(key, ORG_OTHER_SELECTOR));
	if (span_absent(selector) || span_absent(other)) {
		section->no_selectors = "the selectors of a key are not all known: ask for Selector and AlternateSelector";
		return;
	}
	add(making, &section->selectors, selector, key->file, NULL);
	add(making, &section->selectors, other, key->file, NULL);
}

static void take_key_zones(struct making *making, const struct org_record *key)
{
	struct org_section *section = making->section;
	struct span name = option_name(making, "dkim.key_zones", org_text(key, ORG_RECORD_NAME));
	struct span other = option_name(making, "dkim.key_zones", org_text(key, ORG_OTHER_RECORD_NAME));
	if (org_flag(key, ORG_DNS_DELEGATED) == ORG_FLAG_YES)
		section->no_key_zones = "a domain's DNS is delegated to Salesforce, so that its keys need no CNAME";
	else if (span_absent(name) || span_absent(other))
		section->no_key_zones =
			"the records of a key are not all known: ask for TxtRecordName and AlternateTxtRecordName";
	else if (!strictly_below(name, span_of("salesforce.com")) || !strictly_below(other, span_of("salesforce.com")))
		section->no_key_zones = "a key's record is not below salesforce.com";
	else {
		add(making, &section->key_zones, name, key->file, NULL);
		add(making, &section->key_zones, other, key->file, NULL);
	}
}

/* Whether a key's domain and one of the section's have mail in common that it may sign. */
static bool may_sign_here(struct making *making, const struct org_record *key)
{
	struct span domain = comparable(making, span_trim(org_text(key, ORG_DOMAIN)));
	for (const struct org_item *item = making->section->domains.first; item; item = item->next)
		if (span_absent(domain) || domain_within(base(item->text), base(domain))
		    || domain_within(base(domain), base(item->text)))
			return true;
	return false;
}

/* A list that restricts must not lack what another key signs with. */
static void leave_lists_out(struct making *making, const char *why)
{
	making->section->no_selectors = why;
	making->section->no_key_zones = why;
}

static void take_keys(struct making *making)
{
	size_t keys = 0;
	for (const struct org_record *key = making->metadata->first[ORG_KEY]; key; key = key->next) {
		if (!org_key_counts(key) || !take_key_domains(making, key))
			continue;
		take_selectors(making, key);
		take_key_zones(making, key);
		keys++;
	}
	for (const struct org_record *key = making->metadata->first[ORG_KEY]; key; key = key->next)
		if (!org_key_counts(key) && org_flag(key, ORG_IS_ACTIVE) != ORG_FLAG_NO && may_sign_here(making, key))
			leave_lists_out(making, "another key may sign for these domains, of which too little is known");
	if (keys == 0)
		leave_lists_out(making, "no active key proves a domain");
	else if (making->metadata->partial)
		leave_lists_out(making, "an answer is not whole, so that there may be other keys");
}

/* Why a key proves nothing. */
static const char *no_proof(const struct org_record *key)
{
	if (!org_key_signs(key))
		return "its DKIM key is not known to be active";
	return key->values[ORG_RECORD_NAME].state == ORG_UNASKED
	           ? "TxtRecordName of its DKIM key was not asked for"
	           : "its DKIM key has no record of Salesforce's, as those that nobody looked at when they were activated";
}

static void leave_out(struct making *making, struct span domain, struct span file, const char *why)
{
	struct span pattern = comparable(making, domain);
	const struct org_section *section = making->section;
	if (span_absent(pattern)) {
		if (!span_equal(domain, span_of("*")))
			add(making, &making->section->left_out, domain, file, "it is no domain");
		return;
	}
	if (!org_list_covers(&section->domains, pattern))
		add(making, &making->section->left_out, pattern, file, why);
}

/* What the organization sends from, or means to, and what nothing proves. */
static void take_unproven(struct making *making)
{
	for (const struct org_record *key = making->metadata->first[ORG_KEY]; key; key = key->next)
		if (!org_key_counts(key) && !span_absent(org_text(key, ORG_DOMAIN)))
			leave_out(making, span_trim(org_text(key, ORG_DOMAIN)), key->file, no_proof(key));
	for (const struct org_record *filter = making->metadata->first[ORG_FILTER]; filter; filter = filter->next) {
		size_t at = 0;
		struct span entry;
		if (!org_filter_is_ours(making->metadata, making->request, filter))
			continue;
		while (org_next_domain(org_text(filter, ORG_FROM_DOMAIN), &at, &entry))
			leave_out(making, entry, filter->file, "a domain filter lists it, but no active DKIM key proves it");
	}
	for (const struct org_record *one = making->metadata->first[ORG_ADDRESS]; one; one = one->next) {
		struct span address = span_trim(org_text(one, ORG_EMAIL_ADDRESS));
		size_t at = span_find(address, 0, '@');
		if (at < address.length)
			leave_out(making, span_slice(address, at + 1, address.length), one->file,
			          "an organization-wide address is in it, but no active DKIM key proves it");
	}
}

static void take_organization(struct making *making)
{
	struct org_section *section = making->section;
	const struct org_record *organization = making->metadata->first[ORG_ORGANIZATION];
	section->id_status = ORG_ID_MISSING;
	if (making->request->id) {
		section->id = *making->request->id;
		section->id_status = ORG_ID_GIVEN;
	}
	for (; organization; organization = organization->next) {
		struct orgid id;
		struct span name = span_trim(org_text(organization, ORG_NAME));
		if (span_absent(org_text(organization, ORG_ID)))
			continue;
		if (orgid_parse(org_text(organization, ORG_ID), &id) != ORGID_OK) {
			section->id_status = ORG_ID_WRONG;
			return;
		}
		if (section->id_status == ORG_ID_GIVEN && !orgid_equal(&id, &section->id)) {
			section->id_status = ORG_ID_SEVERAL;
			return;
		}
		section->id = id;
		section->id_file = organization->file;
		section->id_status = ORG_ID_GIVEN;
		section->sandbox = section->sandbox || org_flag(organization, ORG_IS_SANDBOX) == ORG_FLAG_YES;
		bool good = name.length > 0 && may_stand("name", name);
		section->name = good ? name : section->name;
		section->name_left_out = name.length > 0 && !good;
	}
}

static void take_bounce(struct making *making)
{
	const enum org_flag *settings = making->metadata->settings;
	enum org_flag bounce = settings[ORG_BOUNCE_MANAGEMENT];
	enum org_flag compliance = settings[ORG_COMPLIANCE];
	if (bounce == ORG_FLAG_YES || compliance == ORG_FLAG_YES)
		making->section->bounce = ORG_BOUNCE_SALESFORCE;
	else if (bounce == ORG_FLAG_NO && compliance == ORG_FLAG_NO)
		making->section->bounce = ORG_BOUNCE_NONE;
}

static size_t count_domains(struct span list)
{
	size_t count = 0;
	size_t at = 0;
	struct span domain;
	while (org_next_domain(list, &at, &domain))
		count++;
	return count;
}

/* Each domain that is listed is compared with each key. */
static bool is_too_much(const struct org_metadata *metadata)
{
	size_t keys = 1;
	size_t domains = 1;
	for (const struct org_record *key = metadata->first[ORG_KEY]; key; key = key->next) {
		keys++;
		domains += count_domains(org_text(key, ORG_MATCH_PATTERN));
	}
	for (const struct org_record *filter = metadata->first[ORG_FILTER]; filter; filter = filter->next)
		domains += count_domains(org_text(filter, ORG_FROM_DOMAIN));
	return domains > ORG_COMPARED_MAX / keys;
}

static void make(struct making *making)
{
	take_keys(making);
	take_unproven(making);
	take_bounce(making);
}

void org_section_make(struct org_metadata *metadata, const struct org_request *request, struct org_section *section_r)
{
	struct making making = { metadata, request, section_r };
	memset(section_r, 0, sizeof *section_r);
	section_r->arena = &metadata->arena;
	take_organization(&making);
	section_r->overflow = is_too_much(metadata);
	if (!section_r->overflow)
		make(&making);
}
