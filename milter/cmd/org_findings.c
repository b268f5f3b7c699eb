/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_findings.h"

#include <string.h>

#include "core/checks.h"
#include "core/log_entry.h"
#include "core/set.h"
#include "org_findings_private.h"

const char *org_show(struct shown *shown, struct span text)
{
	log_entry_printable(text, shown->text, sizeof shown->text);
	return shown->text;
}

/* A field that was not asked for, or has no usable value. */
bool org_is_unknown(const struct telling *telling, const struct org_record *record, enum org_field field,
                    const char *id, const char *about)
{
	const char *why = NULL;
	switch (record->values[field].state) {
	case ORG_VALUE:
		return false;
	case ORG_UNASKED:
		why = "was not asked for";
		break;
	case ORG_NULL:
		why = "has no value";
		break;
	case ORG_WRONG:
		why = "has a value of a wrong type or length";
		break;
	}
	TELL(telling, FINDING_ADVICE, id, "%s: %s %s, so that it is not known", about, org_field_name(field), why);
	return true;
}

/* The organization in the configuration there is; NULL: none. */
const struct org *org_configured(const struct telling *telling)
{
	const struct settings *config = telling->request->config;
	return config && telling->section->id_status == ORG_ID_GIVEN ? settings_org(config, &telling->section->id) : NULL;
}

bool org_needs(const struct org *org, const char *name)
{
	enum check_id check;
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = (struct bounds) { TRUTH_TRUE, TRUTH_TRUE };
	if (!check_by_name(span_of(name), &check))
		return false;
	bounds[check] = (struct bounds) { TRUTH_FALSE, TRUTH_FALSE };
	return !bounds_possible(sentence_evaluate(&org->reject_unless, bounds));
}

static void tell_troubles(const struct telling *telling)
{
	for (const struct org_trouble *trouble = telling->metadata->troubles; trouble; trouble = trouble->next) {
		struct shown file;
		TELL(telling, FINDING_ADVICE, "export", "%s: %.*s", org_show(&file, trouble->file), (int)trouble->text.length,
		     trouble->text.at);
	}
	for (unsigned i = 0; i < ORG_OBJECTS; i++)
		for (const struct org_record *record = telling->metadata->first[i]; record; record = record->next) {
			struct shown id;
			struct shown file;
			if (record->disputed)
				TELL(telling, FINDING_FIX, "dispute",
				     "the record %s of %s in %s differs from another one of it, so that neither proves anything; leave "
				     "the older one out",
				     org_show(&id, org_text(record, ORG_ID)), org_object_name((enum org_object)i),
				     org_show(&file, record->file));
		}
	for (unsigned i = 0; i < ORG_SETTINGS; i++)
		if (telling->metadata->settings[i] == ORG_FLAG_DISPUTED)
			TELL(telling, FINDING_FIX, "dispute",
			     "%s is true in one file and false in another; leave the older one out",
			     org_setting_name((enum org_setting)i));
}

/* Who may send through the relay by a filter. */
static void tell_senders(const struct telling *telling, const struct org_record *filter, const char *about)
{
	struct span list = org_text(filter, ORG_FROM_DOMAIN);
	enum org_state state = filter->values[ORG_FROM_DOMAIN].state;
	size_t at = 0;
	struct span entry;
	if ((state == ORG_UNASKED || state == ORG_WRONG)
	    && org_is_unknown(telling, filter, ORG_FROM_DOMAIN, "filter", about))
		return;
	if (span_trim(list).length == 0) {
		TELL(telling, FINDING_FIX, "filter",
		     "%s: it has no sender domain, so that mail from every domain comes to the relay; list the "
		     "organization's domains",
		     about);
		return;
	}
	while (org_next_domain(list, &at, &entry)) {
		struct shown shown;
		struct span trimmed = entry;
		/* Only "*", dots and public names remain: it is as wide as "*". */
		while (trimmed.length > 0 && (trimmed.at[0] == '*' || trimmed.at[0] == '.'))
			trimmed = span_slice(trimmed, 1, trimmed.length);
		bool wild = entry.at[0] == '*';
		bool all = trimmed.length == 0
		           || (wild
		               && (span_find(trimmed, 0, '.') == trimmed.length
		                   || (telling->request->public_suffix
		                       && telling->request->public_suffix(telling->request->context, trimmed))));
		if (all)
			TELL(telling, FINDING_FIX, "filter",
			     "%s: its sender domain is \"%s\", so that mail from domains of others comes to the relay; list the "
			     "organization's domains",
			     about, org_show(&shown, entry));
		else if (!org_list_covers(&telling->section->domains, entry))
			TELL(telling, FINDING_FIX, "filter",
			     "%s: it sends mail from \"%s\" here, which no active DKIM key proves; activate a key for it, or "
			     "take it out of "
			     "the filter",
			     about, org_show(&shown, entry));
	}
}

static void tell_filter(const struct telling *telling, const struct org_record *filter)
{
	struct span to = span_trim(org_text(filter, ORG_TO_DOMAIN));
	struct shown id;
	struct shown shown;
	char about[LOG_PRINTABLE_SIZE + 32];
	snprintf(about, sizeof about, "domain filter %s", org_show(&id, org_text(filter, ORG_ID)));
	tell_senders(telling, filter, about);
	if (to.length > 0 && !span_equal(to, span_of("*")))
		TELL(telling, FINDING_ADVICE, "filter-to",
		     "%s: only mail to \"%s\" comes to the relay; what goes elsewhere is sent another way, past this milter",
		     about, org_show(&shown, to));
}

static void tell_filters(const struct telling *telling)
{
	const struct org_metadata *metadata = telling->metadata;
	size_t active = 0;
	size_t unknown = 0;
	for (const struct org_record *filter = metadata->first[ORG_FILTER]; filter; filter = filter->next) {
		enum org_flag flag = org_flag(filter, ORG_IS_ACTIVE);
		if (!org_filter_is_ours(metadata, telling->request, filter))
			continue;
		active += flag == ORG_FLAG_YES ? 1 : 0;
		unknown += flag == ORG_FLAG_UNKNOWN || flag == ORG_FLAG_DISPUTED ? 1 : 0;
		if (flag != ORG_FLAG_NO)
			tell_filter(telling, filter);
	}
	if (active > 0)
		return;
	if (unknown > 0)
		TELL(telling, FINDING_ADVICE, "filter",
		     "IsActive of the domain filters is not known: without an active one nothing is relayed");
	else if (metadata->asked[ORG_FILTER])
		TELL(telling, FINDING_FIX, "filter",
		     "no domain filter is active, so that nothing is relayed: all mail goes another way, past this milter; "
		     "activate one "
		     "with the organization's domains");
	else
		TELL(telling, FINDING_ADVICE, "filter",
		     "no EmailDomainFilter is in these files: without an active one nothing is relayed, and one for * lets "
		     "mail from "
		     "every domain come");
}

/* Whether another key of the same domain counts. */
static bool is_replaced(const struct org_metadata *metadata, const struct org_record *key)
{
	struct span domain = span_trim(org_text(key, ORG_DOMAIN));
	for (const struct org_record *other = metadata->first[ORG_KEY]; other; other = other->next)
		if (other != key && org_key_signs(other) && span_equal_nocase(span_trim(org_text(other, ORG_DOMAIN)), domain))
			return true;
	return false;
}

static void tell_key(const struct telling *telling, const struct org_record *key)
{
	struct shown domain;
	struct shown selector;
	struct shown state;
	char about[2 * LOG_PRINTABLE_SIZE + 32];
	unsigned long bits = 0;
	snprintf(about, sizeof about, "DKIM key %s of %s", org_show(&selector, org_text(key, ORG_SELECTOR)),
	         org_show(&domain, org_text(key, ORG_DOMAIN)));
	enum org_flag flag = org_flag(key, ORG_IS_ACTIVE);
	if (flag == ORG_FLAG_NO && is_replaced(telling->metadata, key))
		TELL(telling, FINDING_OK, "dkim", "%s: it is not active, and another one of that domain is", about);
	else if (flag == ORG_FLAG_NO)
		TELL(telling, FINDING_FIX, "dkim",
		     "%s: it is not active, so that mail from there is not signed; publish its CNAME records and activate it",
		     about);
	else if (flag == ORG_FLAG_UNKNOWN)
		org_is_unknown(telling, key, ORG_IS_ACTIVE, "dkim", about);
	else if (flag == ORG_FLAG_YES && !org_key_signs(key))
		TELL(telling, FINDING_FIX, "dkim",
		     "%s: it is active, but its records are \"%s\": who looks for the key finds none", about,
		     org_show(&state, org_text(key, ORG_PUBLISH_STATE)));
	else if (flag == ORG_FLAG_YES && !org_key_counts(key))
		TELL(telling, FINDING_ADVICE, "dkim",
		     "%s: TxtRecordName is not known or empty, so that it does not prove its domain; ask for that field, or "
		     "make a new key",
		     about);
	if (flag == ORG_FLAG_YES && span_number(span_trim(org_text(key, ORG_KEY_SIZE)), 65535, &bits) && bits < 2048)
		TELL(telling, FINDING_ADVICE, "dkim-size", "%s: it has %lu bits; make one of 2048", about, bits);
}

static void tell_keys(const struct telling *telling)
{
	const struct org_metadata *metadata = telling->metadata;
	for (const struct org_record *key = metadata->first[ORG_KEY]; key; key = key->next)
		tell_key(telling, key);
	if (telling->section->domains.count > 0)
		return;
	if (metadata->asked[ORG_KEY])
		TELL(telling, FINDING_FIX, "domains",
		     "no active DKIM key proves a domain, so that the section has none; make a key for each domain");
	else
		TELL(telling, FINDING_ADVICE, "domains",
		     "no EmailDomainKey is in these files, so that no domain is proven and the section has none");
}

static void tell_addresses(const struct telling *telling)
{
	for (const struct org_record *one = telling->metadata->first[ORG_ADDRESS]; one; one = one->next) {
		struct span address = span_trim(org_text(one, ORG_EMAIL_ADDRESS));
		struct span domain = span_slice(address, span_find(address, 0, '@') + 1, address.length);
		struct shown shown;
		if (span_absent(address))
			continue;
		if (org_flag(one, ORG_IS_VERIFIED) == ORG_FLAG_NO)
			TELL(telling, FINDING_ADVICE, "address",
			     "organization-wide address %s: it is not verified, so that nothing is sent from it",
			     org_show(&shown, address));
		if (!org_list_covers(&telling->section->domains, domain))
			TELL(telling, FINDING_ADVICE, "address-domain",
			     "organization-wide address %s: its domain is not among those of the section, so that its mail is "
			     "refused",
			     org_show(&shown, address));
	}
}

static void tell_settings(const struct telling *telling)
{
	const enum org_flag *settings = telling->metadata->settings;
	const struct org *org = org_configured(telling);
	struct span bounce = span_of("x.bnc.salesforce.com");
	bool known = telling->section->bounce != ORG_BOUNCE_UNKNOWN;
	bool on = telling->section->bounce == ORG_BOUNCE_SALESFORCE;
	const char *what = settings[ORG_BOUNCE_MANAGEMENT] != ORG_FLAG_YES ? "email security compliance"
	                   : settings[ORG_COMPLIANCE] != ORG_FLAG_YES      ? "bounce management"
	                                                              : "bounce management and email security compliance";
	if (!known)
		TELL(telling, FINDING_ADVICE, "envelope",
		     "enableHandleBouncedEmails and enableEmailSpfCompliance of EmailAdministrationSettings are not both in "
		     "these files, so "
		     "that the envelope sender is not known");
	if (on && org && !pattern_match(org->envelope.bounce_domains, bounce) && org_needs(org, "envelope"))
		TELL(telling, FINDING_FIX, "envelope",
		     "%s: on, so that MAIL FROM is an address below bnc.salesforce.com, which envelope.bounce_domains of the "
		     "configuration does not have: all mail is refused",
		     what);
	if (on && telling->section->domains.count == 0 && telling->metadata->asked[ORG_KEY])
		TELL(telling, FINDING_FIX, "dmarc",
		     "%s: on, so that SPF speaks for bnc.salesforce.com and never for the author's domain; without an "
		     "active DKIM key, and unless this relay signs, "
		     "DMARC fails everywhere behind this relay",
		     what);
	else if (on)
		TELL(telling, FINDING_ADVICE, "dmarc",
		     "%s: on, so that SPF speaks for bnc.salesforce.com, whose record does not have this relay: behind it "
		     "DMARC rests on "
		     "DKIM alone; Salesforce advises to turn it off with a relay",
		     what);
	if (known && !on && org && pattern_match(org->envelope.bounce_domains, bounce))
		TELL(
			telling, FINDING_ADVICE, "envelope",
			"bounce management and compliance are off, so that envelope.bounce_domains of the configuration can be []");
	if (settings[ORG_SENDER_COMPLIANCE] == ORG_FLAG_YES && org
	    && !set_has(org->message.senders, span_of("no-reply@salesforce.com")))
		TELL(telling, FINDING_FIX, "sender",
		     "Sender ID compliance is on, so that mail has Sender: no-reply@salesforce.com, which message.senders "
		     "of the "
		     "configuration does not have");
	if (settings[ORG_SUBSTITUTE] == ORG_FLAG_YES)
		TELL(telling, FINDING_FIX, "substitute",
		     "substitute addresses are on: mail from domains that are not verified comes from sfcustomeremail.com, "
		     "and is refused; "
		     "verify the domains and turn them off");
}

static void tell_configured_dkim(const struct telling *telling, const struct org *org)
{
	const struct org_section *section = telling->section;
	struct shown shown;
	for (const struct org_item *item = section->selectors.first; item; item = item->next)
		if (set_count(org->dkim.selectors) > 0 && !set_has(org->dkim.selectors, item->text))
			TELL(telling, FINDING_FIX, "selectors",
			     "dkim.selectors of the configuration does not have %s, which Salesforce signs with, now or after "
			     "it changes keys",
			     org_show(&shown, item->text));
	for (const struct org_item *item = section->key_zones.first; item; item = item->next)
		if (set_count(org->dkim.key_zones) > 0 && !pattern_match(org->dkim.key_zones, item->text))
			TELL(telling, FINDING_FIX, "key-zones",
			     "dkim.key_zones of the configuration does not cover %s, where Salesforce keeps a key, so that what "
			     "it signs is "
			     "refused",
			     org_show(&shown, item->text));
}

/* The domains of the configuration against those of the metadata. */
static void tell_configured(const struct telling *telling)
{
	const struct org *org = org_configured(telling);
	struct shown shown;
	if (!org)
		return;
	for (size_t i = 0; i < set_count(org->domains); i++) {
		char pattern[DOMAIN_LENGTH_MAX + 3];
		struct span member = set_at(org->domains, i);
		bool wild = member.length > 0 && member.at[0] == '.';
		snprintf(pattern, sizeof pattern, "%s%.*s", wild ? "*" : "", (int)member.length, member.at);
		if (!org_list_covers(&telling->section->domains, span_of(pattern)))
			TELL(telling, FINDING_ADVICE, "domains",
			     "the configuration lists %s for this organization, which nothing in these files proves",
			     org_show(&shown, span_of(pattern)));
	}
	for (const struct org_item *item = telling->section->domains.first; item; item = item->next) {
		bool wild = item->text.at[0] == '*';
		/* A name that only a wildcard would cover stands for all of it. */
		struct span name =
			wild ? arena_printf(&telling->preflight->arena, "x%.*s", (int)item->text.length - 1, item->text.at + 1)
				 : item->text;
		if (!pattern_match(org->domains, name))
			TELL(telling, FINDING_ADVICE, "domains",
			     "the configuration does not list %s for this organization, so that mail from there is refused",
			     org_show(&shown, item->text));
	}
	tell_configured_dkim(telling, org);
}

static void tell_organization(const struct telling *telling)
{
	const struct org_section *section = telling->section;
	switch (section->id_status) {
	case ORG_ID_GIVEN:
		break;
	case ORG_ID_MISSING:
		TELL(telling, FINDING_FIX, "org",
		     "the organization's ID is not in these files; ask for Organization, or give --org");
		return;
	case ORG_ID_WRONG:
		TELL(telling, FINDING_FIX, "org", "the Id of Organization is not the ID of an organization");
		return;
	case ORG_ID_SEVERAL:
		TELL(telling, FINDING_FIX, "org", "these files are of several organizations; give those of one");
		return;
	}
	if (section->sandbox)
		TELL(telling, FINDING_ADVICE, "sandbox",
		     "it is a sandbox: its ID and its keys are not those of production, and whether its bounce addresses "
		     "are below "
		     "bnc.salesforce.com is not documented; look at the log before you enforce");
	if (telling->request->config && !org_configured(telling))
		TELL(telling, FINDING_OK, "org", "the configuration does not serve this organization yet");
}

void org_findings(const struct org_metadata *metadata, const struct org_request *request,
                  const struct org_section *section, struct preflight *preflight)
{
	struct telling telling = { metadata, request, section, preflight };
	tell_troubles(&telling);
	tell_organization(&telling);
	org_tell_relays(&telling);
	tell_filters(&telling);
	tell_keys(&telling);
	tell_addresses(&telling);
	tell_settings(&telling);
	tell_configured(&telling);
}
