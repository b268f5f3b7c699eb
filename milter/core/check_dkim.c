/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dkim_tags.h"
#include "core/facts.h"
#include "core/settings.h"

static bool aligned(enum relation relation, enum alignment alignment)
{
	switch (alignment) {
	case ALIGNMENT_STRICT:
		return relation == RELATION_EQUAL;
	case ALIGNMENT_PARENT:
		return relation == RELATION_EQUAL || relation == RELATION_PARENT;
	case ALIGNMENT_RELAXED:
		return relation == RELATION_EQUAL || relation == RELATION_PARENT || relation == RELATION_ORGANIZATION;
	}
	return false;
}

/* How often a field stands in the header; where its names are not known, once at least. */
static unsigned times_present(const struct facts *facts, struct span name)
{
	enum field_name id = field_by_name(name);
	if (id != FIELD_OTHER)
		return facts->header.count[id];
	if (!facts->header.names)
		return 1;
	size_t number = set_find(facts->header.names, name);
	return number != SET_ABSENT ? facts->header.groups[number].count : 0;
}

/*
 * The first required field that is present more often than it is signed, absent if there is none: h= covers fields from
 * the bottom up, and readers show the uppermost.
 */
static struct span uncovered(const struct facts *facts, const struct org *org, const struct signature *signature)
{
	for (size_t i = 0; i < set_count(org->dkim.required_headers); i++) {
		struct span name = set_at(org->dkim.required_headers, i);
		if (dkim_tags_times_signed(signature->signed_headers, name) < times_present(facts, name))
			return name;
	}
	return span_make(NULL, 0);
}

static bool key_in_zones(const struct signature *signature, const struct org *org)
{
	if (set_count(org->dkim.key_zones) == 0)
		return true;
	for (size_t i = 0; i < set_count(signature->key_chain); i++)
		if (pattern_match(org->dkim.key_zones, set_at(signature->key_chain, i)))
			return true;
	return false;
}

/* Whether all is well with a signature but perhaps its date. */
static bool verified(const struct signature *signature)
{
	return signature->outcome.code == RESULT_PASS || signature->outcome.reason == REASON_DKIM_CLOCK
	       || signature->outcome.reason == REASON_DKIM_FUTURE;
}

static bool has_age(const struct org *org, const struct signature *signature)
{
	return org->dkim.max_age != 0 && signature->timestamp >= 0;
}

static bool too_old(const struct facts *facts, const struct org *org, const struct signature *signature)
{
	return has_age(org, signature) && facts->received >= CLOCK_EARLIEST
	       && facts->received - signature->timestamp > (long long)org->dkim.max_age;
}

/* By a clock that is wrong no age can be told. */
static bool age_unknown(const struct facts *facts, const struct org *org, const struct signature *signature)
{
	return has_age(org, signature) && facts->received < CLOCK_EARLIEST;
}

/* What the organization asks of a signature beyond being valid; what does not need the key comes first. */
static struct result judge_terms(const struct facts *facts, const struct org *org, const struct signature *signature)
{
	struct span domain = signature->domain;
	/* Of which domain it is nobody can tell. */
	if (span_absent(domain))
		return signature->outcome;
	if (!aligned(signature->relation, org->dkim.alignment))
		return result_make(RESULT_FAIL, REASON_DKIM_UNALIGNED, domain);
	if ((signature->algorithm & org->dkim.algorithms) == 0)
		return result_make(RESULT_FAIL, REASON_DKIM_ALGORITHM, domain);
	if (set_count(org->dkim.selectors) != 0 && !set_has(org->dkim.selectors, signature->selector))
		return result_make(RESULT_FAIL, REASON_DKIM_SELECTOR, signature->selector);
	struct span missing = uncovered(facts, org, signature);
	if (!span_absent(missing))
		return result_make(RESULT_FAIL, REASON_DKIM_HEADERS, missing);
	if (too_old(facts, org, signature))
		return result_make(RESULT_FAIL, REASON_DKIM_AGE, domain);
	if (!verified(signature))
		return signature->outcome;
	if (signature->algorithm == ALGORITHM_RSA_SHA256 && signature->rsa_bits < org->dkim.min_rsa_bits)
		return result_make(RESULT_FAIL, REASON_DKIM_WEAK, domain);
	if (!key_in_zones(signature, org))
		return result_make(RESULT_FAIL, REASON_DKIM_ZONE, domain);
	if (signature->outcome.code == RESULT_PASS && age_unknown(facts, org, signature))
		return result_make(RESULT_TEMPERROR, REASON_DKIM_CLOCK, domain);
	return signature->outcome;
}

bool signature_hopeful(const struct facts *facts, const struct org *org, const struct signature *signature)
{
	return judge_terms(facts, org, signature).code == RESULT_PENDING;
}

/*
 * How much a result tells: a pass decides, what is still out may, a doubt about our clock is not for `undecided` to
 * settle as others are, and a fault of an aligned signature beats another's.
 */
static unsigned weight(struct result result, const struct signature *signature)
{
	switch (result.code) {
	case RESULT_PASS:
		return 6;
	case RESULT_PENDING:
		return 5;
	case RESULT_TEMPERROR:
		return result.reason == REASON_DKIM_CLOCK ? 4 : 3;
	case RESULT_FAIL:
	case RESULT_PERMERROR:
		return result.reason == REASON_DKIM_UNALIGNED || span_absent(signature->domain) ? 1 : 2;
	case RESULT_NONE:
	case RESULT_SKIP:
		return 0;
	}
	return 0;
}

static struct result judge(const struct facts *facts, const struct org *org)
{
	struct result best = result_make(RESULT_NONE, REASON_DKIM_NONE, span_make(NULL, 0));
	unsigned best_weight = 0;

	for (size_t i = 0; i < facts->dkim.count; i++) {
		const struct signature *signature = &facts->dkim.signatures[i];
		struct result result = judge_terms(facts, org, signature);
		unsigned result_weight = weight(result, signature);
		if (result_weight > best_weight) {
			best = result;
			best_weight = result_weight;
		}
	}
	if (best.code == RESULT_NONE && facts->header.count[FIELD_DKIM_SIGNATURE] != 0 && !facts->dkim.complete)
		return result_make(RESULT_PENDING, REASON_NONE, span_make(NULL, 0));
	if (best.code == RESULT_NONE && !org->dkim.required)
		return result_make(RESULT_SKIP, REASON_NOT_REQUIRED, span_make(NULL, 0));
	return best;
}

static bool skippable(const struct org *org)
{
	return !org->dkim.required;
}

const struct check check_dkim = {
	CHECK_NAME("dkim"),
	.known_at = STAGE_HEADER,
	.evidence = EVIDENCE_SIGNATURES,
	.proves = PROVES_SIGNER,
	.judge = judge,
	.skippable = skippable,
	
	.remedies = {
		{ "Salesforce", "Setup, DKIM Keys: an active key for the From: domain" },
		{ "DNS", "the CNAMEs of both selectors that Salesforce shows: sfdc-relayctl check-domain DOMAIN" },
		{ "main.cf", "smtpd_milters: this milter before any that changes the message" },
		{ "policy", "dkim.selectors, dkim.key_zones, dkim.alignment, dkim.required_headers, dkim.max_age" },
	},
	.passes = "a good signature vouches for the From: domain",
	.asks = "a DKIM signature of the From: domain",
};
