/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/substitute.h"

#include "core/domain.h"

static const struct span suffix = SPAN_LITERAL("sfcustomeremail.com");

bool substitute_is_suffix(struct span domain)
{
	return span_equal_nocase(domain, suffix);
}

struct span substitute_customer(struct span domain)
{
	if (!domain_valid(domain) || !domain_within(domain, suffix) || substitute_is_suffix(domain))
		return span_make(NULL, 0);
	size_t at = domain.length - suffix.length - 1;
	while (at > 0 && domain.at[at - 1] != '.')
		at--;
	return span_slice(domain, at, domain.length);
}
