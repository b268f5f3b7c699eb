/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/drift.h"

const char *drift_name(enum drift_kind kind)
{
	switch (kind) {
	case DRIFT_NONE:
		return "";
	case DRIFT_IP:
		return "ip";
	case DRIFT_CERT:
		return "cert";
	case DRIFT_ORG:
		return "org";
	}
	return "";
}

static enum drift_kind kind_of(enum check_id check)
{
	return check == CHECK_IP ? DRIFT_IP : check == CHECK_CERT ? DRIFT_CERT : DRIFT_NONE;
}

/* The one check that a refusal rests on, if it is one that drifts. */
static enum drift_kind sole_cause(const struct settings *settings, const struct judgement *judgement)
{
	check_bits never = checks_hopeless(judgement->org ? judgement->org : &settings->any);
	enum drift_kind kind = DRIFT_NONE;
	unsigned causes = 0;

	if (!judgement->broken || !verdict_refuses(judgement->would))
		return DRIFT_NONE;
	for (size_t i = 0; i < judgement->why.count; i++) {
		if (never & CHECK_BIT(judgement->why.ids[i]))
			continue;
		kind = kind_of(judgement->why.ids[i]);
		causes++;
	}
	return causes == 1 ? kind : DRIFT_NONE;
}

static bool passes(const struct judgement *judgement, enum check_id check)
{
	return judgement->results[check].code == RESULT_PASS;
}

static struct span value_of(const struct facts *facts, enum drift_kind kind, enum reason reason)
{
	struct span value = kind == DRIFT_IP               ? facts->client_text
	                    : kind == DRIFT_ORG            ? span_of(facts->org_id.text)
	                    : reason == REASON_CERT_ISSUER ? facts->certificate.issuer
	                                                   : facts->certificate.name;
	return value.length != 0 ? value : span_of("none");
}

/* An owner of the author's domain whose mail this could be if the organization were served. */
static const struct org *owner_but_for_org(const struct settings *settings, const struct facts *facts,
                                           const struct judgement *judgement)
{
	struct bounds bounds[CHECK_COUNT];
	struct owner_cursor cursor = { 0 };
	const struct org *owner;

	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(i == CHECK_ORG ? RESULT_PASS : judgement->results[i].code);
	while ((owner = settings_next_owner(settings, facts->author.domain, &cursor)))
		if (bounds_possible(sentence_evaluate(&owner->reject_unless, bounds)))
			return owner;
	return NULL;
}

static const struct org *unknown_org_of(const struct settings *settings, const struct facts *facts,
                                        const struct judgement *judgement)
{
	bool vouched = passes(judgement, CHECK_CERT) || network_set_has(settings->any.ip.networks, &facts->client);
	if (judgement->org || judgement->results[CHECK_ORG].reason != REASON_ORG_UNKNOWN || !vouched
	    || facts->author_status != MAILBOX_OK || judgement->reason != REASON_ORG_UNKNOWN)
		return NULL;
	return owner_but_for_org(settings, facts, judgement);
}

struct drift drift_find(const struct settings *settings, const struct facts *facts, const struct judgement *judgement)
{
	struct drift drift = { .org = judgement->org, .reason = judgement->reason };

	if (facts->stage < STAGE_HEADER)
		return drift;
	if (!judgement->org) {
		drift.org = unknown_org_of(settings, facts, judgement);
		drift.kind = drift.org ? DRIFT_ORG : DRIFT_NONE;
	} else if (passes(judgement, CHECK_ORG) && passes(judgement, CHECK_FROM)
	           && (passes(judgement, CHECK_DKIM) || passes(judgement, CHECK_AUTH))) {
		drift.kind = sole_cause(settings, judgement);
	}
	if (drift.kind == DRIFT_IP)
		drift.reason = judgement->results[CHECK_IP].reason;
	if (drift.kind == DRIFT_CERT)
		drift.reason = judgement->results[CHECK_CERT].reason;
	drift.value = value_of(facts, drift.kind, drift.reason);
	return drift;
}

/* Something in the session that nobody can write there. */
static bool shows_salesforce(const struct settings *settings, const struct facts *facts,
                             const struct judgement *judgement)
{
	return passes(judgement, CHECK_CERT) || passes(judgement, CHECK_AUTH)
	       || network_set_has(settings->any.ip.networks, &facts->client)
	       || (facts->client_name_verified && scope_under_salesforce(facts->client_name));
}

bool drift_awaits(const struct settings *settings, const struct facts *facts, const struct judgement *judgement,
                  check_bits *wanted_r)
{
	*wanted_r = CHECK_BIT(CHECK_DKIM);
	if (sole_cause(settings, judgement) == DRIFT_NONE)
		return false;
	/* Whose it is, and whether it was signed, is not known before the header. */
	if (facts->stage < STAGE_HEADER)
		return shows_salesforce(settings, facts, judgement);
	return judgement->org && passes(judgement, CHECK_ORG) && passes(judgement, CHECK_FROM)
	       && !passes(judgement, CHECK_AUTH) && judgement->results[CHECK_DKIM].code == RESULT_PENDING;
}
