/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static const struct vouch *find_vouch(const struct facts *facts, struct span name)
{
	const struct vouch *vouch = facts->vouches;
	while (vouch && !span_equal_nocase(vouch->name, name))
		vouch = vouch->next;
	return vouch;
}

/* One name that vouches is enough; short of that an answer that is still out is worth more than one that failed. */
static struct result judge_spf(const struct facts *facts, const struct org *org, struct result unlisted)
{
	struct result best = unlisted;
	for (size_t i = 0; i < set_count(org->ip.spf); i++) {
		const struct vouch *vouch = find_vouch(facts, set_at(org->ip.spf, i));
		if (!vouch || !vouch->complete) {
			best = result_make(RESULT_PENDING, REASON_NONE, unlisted.detail);
			continue;
		}
		if (vouch->outcome.code == RESULT_PASS)
			return vouch->outcome;
		if (best.code == RESULT_PENDING)
			continue;
		if (vouch->outcome.code == RESULT_TEMPERROR
		    || (vouch->outcome.code == RESULT_PERMERROR && best.code == RESULT_FAIL))
			best = vouch->outcome;
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
	.evidence = EVIDENCE_VOUCHES,
	.judge = judge,
	.hopeless = hopeless,
	.undecidable = undecidable,
	.passes = "the client's address is one that the organization's mail comes from",
	.asks = "a listed address",
};
