/* SPDX-License-Identifier: BSD-2-Clause */
#include "evidence/orgdomain.h"

#include <libpsl.h>
#include <stdlib.h>

#include "core/domain.h"
#include "core/substitute.h"

struct orgdomain {
	psl_ctx_t *list;
};

struct orgdomain *orgdomain_new(void)
{
	struct orgdomain *orgdomain = malloc(sizeof *orgdomain);
	if (!orgdomain)
		return NULL;
	orgdomain->list = psl_latest(NULL);
	if (!orgdomain->list) {
		free(orgdomain);
		return NULL;
	}
	return orgdomain;
}

void orgdomain_free(struct orgdomain *orgdomain)
{
	if (!orgdomain)
		return;
	psl_free(orgdomain->list);
	free(orgdomain);
}

/* The library compares as it is given: a capital, a trailing dot or an address would get an answer, a wrong one. */
static bool lower(struct span domain, char name_r[DOMAIN_LENGTH_MAX + 1])
{
	if (!domain_valid(domain))
		return false;
	for (size_t i = 0; i < domain.length; i++)
		name_r[i] = ascii_lower(domain.at[i]);
	name_r[domain.length] = '\0';
	return true;
}

bool orgdomain_is_public(const struct orgdomain *orgdomain, struct span domain)
{
	char name[DOMAIN_LENGTH_MAX + 1];
	if (!lower(domain, name))
		return false;
	return substitute_is_suffix(domain)
	       || psl_is_public_suffix2(orgdomain->list, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

struct span orgdomain_find(const struct orgdomain *orgdomain, struct span domain)
{
	char name[DOMAIN_LENGTH_MAX + 1];

	if (!lower(domain, name) || substitute_is_suffix(domain))
		return span_make(NULL, 0);
	if (!span_absent(substitute_customer(domain)))
		return substitute_customer(domain);
	const char *found = psl_registrable_domain(orgdomain->list, name);
	return found ? span_slice(domain, (size_t)(found - name), domain.length) : span_make(NULL, 0);
}

enum relation orgdomain_relation(const struct orgdomain *orgdomain, struct span signer, struct span author)
{
	if (!domain_valid(signer) || !domain_valid(author))
		return RELATION_NONE;
	if (span_equal_nocase(signer, author))
		return RELATION_EQUAL;
	struct span signer_org = orgdomain_find(orgdomain, signer);
	if (span_absent(signer_org) || !span_equal_nocase(signer_org, orgdomain_find(orgdomain, author)))
		return RELATION_NONE;
	return domain_within(author, signer) ? RELATION_PARENT : RELATION_ORGANIZATION;
}
