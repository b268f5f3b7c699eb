/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static const struct ip_spf *find_ip_spf(const struct facts *facts, struct span name)
{
	const struct ip_spf *ip_spf = facts->ip_spfs;
	while (ip_spf && !span_equal_nocase(ip_spf->name, name))
		ip_spf = ip_spf->next;
	return ip_spf;
}

/* One name that vouches is enough; short of that an answer that is still out is worth more than one that failed. */
static struct result judge_spf(const struct facts *facts, const struct org *org, struct result unlisted)
{
	struct result best = unlisted;
	for (size_t i = 0; i < set_count(org->ip.spf); i++) {
		const struct ip_spf *ip_spf = find_ip_spf(facts, set_at(org->ip.spf, i));
		if (!ip_spf || !ip_spf->complete) {
			best = result_make(RESULT_PENDING, REASON_NONE, unlisted.detail);
			continue;
		}
		if (ip_spf->outcome.code == RESULT_PASS)
			return ip_spf->outcome;
		if (best.code == RESULT_PENDING)
			continue;
		if (ip_spf->outcome.code == RESULT_TEMPERROR
		    || (ip_spf->outcome.code == RESULT_PERMERROR && best.code == RESULT_FAIL))
			best = ip_spf->outcome;
	}
	return best;
}

static struct result judge(const struct facts *facts, const struct org *org)
{
	if (facts->client.family == ADDRESS_NONE)
		return result_make(RESULT_FAIL, REASON_IP_UNKNOWN, span_make(NULL, 0));
	if (network_set_has(org->ip.networks, &facts->client))
		return result_make(RESULT_PASS, REASON_NONE, facts->client_text);
	struct result unlisted = result_make(RESULT_FAIL, REASON_IP_UNLISTED, facts->client_text);
	if (address_is_loopback(&facts->client))
		return unlisted;
	return judge_spf(facts, org, unlisted);
}

static const char *hopeless(const struct org *org)
{
	return network_set_count(org->ip.networks) == 0 && set_count(org->ip.spf) == 0 ? "ip.networks and ip.spf" : NULL;
}

static bool undecidable(const struct org *org)
{
	return set_count(org->ip.spf) != 0;
}

const struct check check_ip = {
	CHECK_NAME("ip"),
	.known_at = STAGE_MAIL,
	.evidence = EVIDENCE_IP_SPF,
	.proves = PROVES_CLIENT,
	.judge = judge,
	.hopeless = hopeless,
	.undecidable = undecidable,
	
	.remedies = {
		{ "policy", "ip.networks, ip.spf" },
		{ "DNS", "a resolver that answers for the names of ip.spf" },
	},
	.passes = "the client's address is one that the organization's mail comes from",
	.asks = "a listed address",
};
