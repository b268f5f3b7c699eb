/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/judge.h"

bool scope_under_salesforce(struct span domain)
{
	static const struct span salesforce = SPAN_LITERAL("salesforce.com");
	return domain_valid(domain) && domain_within(domain, salesforce);
}

/* Something that points to Salesforce, or to an organization that is served here. */
static bool has_trait(const struct settings *settings, const struct facts *facts)
{
	const struct org *any = &settings->any;
	return facts->header.count[FIELD_X_SFDC_LK] != 0
	       || (facts->sender_status == MAILBOX_OK && scope_under_salesforce(facts->sender.domain))
	       || scope_under_salesforce(facts->helo)
	       || (facts->client_name_verified && scope_under_salesforce(facts->client_name))
	       || network_set_has(any->ip.networks, &facts->client)
	       || (!span_absent(facts->certificate.name) && pattern_match(any->cert.names, facts->certificate.name))
	       || (facts->auth_authen.length != 0 && set_has(any->auth.users, facts->auth_authen));
}

/* The header names an organization that is not served, and an author whose domain nobody here owns. */
static bool is_foreign(const struct settings *settings, const struct facts *facts)
{
	struct owner_cursor cursor = { 0 };
	return facts->org_header == ORG_HEADER_OK && !settings_org(settings, &facts->org_id)
	       && facts->author_status == MAILBOX_OK && !settings_next_owner(settings, facts->author.domain, &cursor);
}

bool scope_excludes(const struct settings *settings, const struct facts *facts, enum reason *reason_r)
{
	if (settings->scope == SCOPE_ALL || facts->internal_error)
		return false;
	if (!has_trait(settings, facts)) {
		*reason_r = REASON_NO_TRAIT;
		return true;
	}
	if (facts->recipients != 0 && !facts->some_recipient_leaves && is_foreign(settings, facts)) {
		*reason_r = REASON_FOREIGN_ORG;
		return true;
	}
	return false;
}
