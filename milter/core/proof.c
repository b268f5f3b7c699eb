/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/proof.h"

#include <stdio.h>

struct proof_terms proof_terms(const struct settings *settings, const struct org *org)
{
	struct proof_terms terms = { checks_skippable(org), 0, checks_hopeless(org) };
	if (settings->undecided == VERDICT_ACCEPT)
		terms.undecidable = checks_undecidable(org);
	return terms;
}

bool proof_terms_equal(const struct proof_terms *a, const struct proof_terms *b)
{
	return a->skippable == b->skippable && a->undecidable == b->undecidable && a->hopeless == b->hopeless;
}

/* What a check is when it does not pass, at best. */
static enum result_code result_without(const struct proof_terms *terms, check_bits bit)
{
	if (terms->undecidable & bit)
		return RESULT_PENDING;
	return terms->skippable & bit ? RESULT_SKIP : RESULT_FAIL;
}

enum result_code proof_best(const struct proof_terms *terms, enum check_id check)
{
	return terms->hopeless & CHECK_BIT(check) ? result_without(terms, CHECK_BIT(check)) : RESULT_PASS;
}

static bool has(check_bits set, check_bits bits)
{
	return (set & bits) == bits;
}

enum proof_strength proof_strength(check_bits set, const struct proof_terms *terms)
{
	check_bits evidence = set & ~terms->skippable;
	if (!has(evidence, CHECK_BIT(CHECK_FROM)))
		return PROOF_WEAK;
	if (has(evidence, CHECK_BIT(CHECK_AUTH)) || has(evidence, CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_CERT))
	    || has(evidence, CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_TLS)))
		return PROOF_CUSTOMER;
	return has(evidence, CHECK_BIT(CHECK_DKIM)) ? PROOF_REPLAYABLE : PROOF_WEAK;
}

/* A floor is there to keep strangers out; who of Salesforce's customers comes is left to the policy. */
static enum proof_strength floor_strength(check_bits set, const struct proof_terms *terms)
{
	check_bits told = checks_proving(PROVES_CLIENT) | checks_proving(PROVES_SIGNER);
	return set & ~terms->skippable & told ? PROOF_CUSTOMER : PROOF_WEAK;
}

/* What is undecided counts as holding: it is there only where it does. */
static bool refuses(const struct sentence *sentence, check_bits set, const struct proof_terms *terms)
{
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(set & CHECK_BIT(i) ? RESULT_PASS : result_without(terms, CHECK_BIT(i)));
	return !bounds_possible(sentence_evaluate(sentence, bounds));
}

bool proof_defers(const struct sentence *defer_unless, check_bits set, const struct proof_terms *terms)
{
	check_bits passing = set | checks_needing(EVIDENCE_LIMIT);
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(passing & CHECK_BIT(i)            ? RESULT_PASS
		                      : terms->skippable & CHECK_BIT(i) ? RESULT_SKIP
		                                                        : RESULT_FAIL);
	return !bounds_hold(sentence_evaluate(defer_unless, bounds));
}

/* What mail has to fulfill; defer: NULL where nothing is deferred. */
struct policy {
	const struct sentence *reject;
	const struct sentence *defer;
};

/* Whether mail with these passing checks is let in. */
static bool lets_in(const struct policy *policy, check_bits set, const struct proof_terms *terms)
{
	return !refuses(policy->reject, set, terms) && !(policy->defer && proof_defers(policy->defer, set, terms));
}

/* Sentences are monotone: a set is minimal when none of its members can be left out. */
static bool is_minimal(const struct policy *policy, check_bits set, const struct proof_terms *terms)
{
	if (!lets_in(policy, set, terms))
		return false;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if ((set & CHECK_BIT(i)) && lets_in(policy, set & ~CHECK_BIT(i), terms))
			return false;
	return true;
}

static unsigned size_of(check_bits set)
{
	unsigned size = 0;
	for (; set != 0; set &= set - 1)
		size++;
	return size;
}

static bool shown_before(const struct proof_set *a, const struct proof_set *b)
{
	if ((a->strength == PROOF_WEAK) != (b->strength == PROOF_WEAK))
		return a->strength == PROOF_WEAK;
	return size_of(a->checks) < size_of(b->checks);
}

/* Keep the sets that are shown first, in order. */
static void insert(struct proof *proof, struct proof_set set)
{
	size_t at = proof->shown;
	while (at > 0 && shown_before(&set, &proof->sets[at - 1]))
		at--;
	if (at >= PROOF_SETS_MAX)
		return;
	if (proof->shown < PROOF_SETS_MAX)
		proof->shown++;
	for (size_t i = proof->shown - 1; i > at; i--)
		proof->sets[i] = proof->sets[i - 1];
	proof->sets[at] = set;
}

static void enumerate(const struct policy *policy, const struct proof_terms *terms,
                      enum proof_strength (*strength)(check_bits set, const struct proof_terms *terms),
                      struct proof *proof_r)
{
	check_bits members = policy->reject->checks & ~terms->undecidable;

	if (policy->defer)
		members |= policy->defer->checks & ~checks_needing(EVIDENCE_LIMIT);
	members &= ~terms->hopeless;
	memset(proof_r, 0, sizeof *proof_r);
	for (check_bits set = 0; set < CHECK_BIT(CHECK_COUNT); set++) {
		if ((set & ~members) != 0 || !is_minimal(policy, set, terms))
			continue;
		struct proof_set found = { set, strength(set, terms) };
		proof_r->minimal++;
		if (found.strength == PROOF_WEAK)
			proof_r->weak++;
		insert(proof_r, found);
	}
}

void proof_make(const struct settings *settings, const struct org *org, struct proof *proof_r)
{
	struct proof_terms terms = proof_terms(settings, org);
	struct policy policy = { &org->reject_unless, &org->defer_unless };
	enumerate(&policy, &terms, proof_strength, proof_r);
}

check_bits proof_undecidable(const struct settings *settings, const struct org *org)
{
	return proof_terms(settings, org).undecidable & org->reject_unless.checks & ~org->defer_unless.checks;
}

void proof_floor(const struct settings *settings, struct proof *proof_r)
{
	struct proof_terms terms = proof_terms(settings, &settings->any);
	struct policy policy = { &settings->monitor_floor, NULL };
	terms.undecidable = 0;
	enumerate(&policy, &terms, floor_strength, proof_r);
}

bool proof_floor_is_shared(const struct settings *settings)
{
	const check_bits own = CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_AUTH) | CHECK_BIT(CHECK_DKIM);
	struct proof_terms terms = proof_terms(settings, &settings->any);
	terms.undecidable = 0;
	return !refuses(&settings->monitor_floor, (CHECK_BIT(CHECK_COUNT) - 1) & ~own, &terms);
}

/* With these checks passing, those skipped, and what can be left undecided left so. */
static bool let_in_below_floor(const struct settings *settings, const struct org *org, const struct proof_terms *terms,
                               check_bits passing, check_bits skipped)
{
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(passing & CHECK_BIT(i)              ? RESULT_PASS
		                      : terms->undecidable & CHECK_BIT(i) ? RESULT_PENDING
		                      : skipped & CHECK_BIT(i)            ? RESULT_SKIP
		                                                          : RESULT_FAIL);
	return bounds_possible(sentence_evaluate(&org->reject_unless, bounds))
	       && !bounds_hold(sentence_evaluate(&settings->monitor_floor, bounds));
}

bool proof_implies_floor(const struct settings *settings, const struct org *org, check_bits *witness_r)
{
	struct proof_terms terms = proof_terms(settings, org);
	check_bits asked = org->reject_unless.checks | settings->monitor_floor.checks;
	check_bits members = asked & ~(terms.undecidable | terms.hopeless);
	bool implied = true;

	for (check_bits passing = 0; passing < CHECK_BIT(CHECK_COUNT); passing++) {
		if ((passing & ~members) != 0 || (!implied && size_of(passing) >= size_of(*witness_r)))
			continue;
		check_bits skippable = asked & terms.skippable & ~(terms.undecidable | passing);
		bool found = let_in_below_floor(settings, org, &terms, passing, 0);
		/* Every other subset of what can be skipped. */
		for (check_bits skipped = skippable; skipped != 0 && !found; skipped = (skipped - 1) & skippable)
			found = let_in_below_floor(settings, org, &terms, passing, skipped);
		if (found) {
			implied = false;
			*witness_r = passing;
		}
	}
	return implied;
}

void proof_set_text(check_bits set, char *to, size_t size)
{
	size_t at = 0;
	if (size == 0)
		return;
	snprintf(to, size, "%s", set == 0 ? "nothing" : "");
	for (unsigned i = 0; i < CHECK_COUNT && at < size; i++)
		if (set & CHECK_BIT(i)) {
			int length = snprintf(to + at, size - at, "%s%s", at ? " and " : "", check_name((enum check_id)i));
			at += length > 0 ? (size_t)length : 0;
		}
}

const char *proof_weakness(check_bits set, const struct proof_terms *terms)
{
	check_bits evidence = set & ~terms->skippable;
	bool from = has(evidence, CHECK_BIT(CHECK_FROM));

	if (has(evidence, CHECK_BIT(CHECK_AUTH)) || has(evidence, CHECK_BIT(CHECK_DKIM)))
		return "without from the author may be anybody";
	if (has(evidence, CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_CERT))
	    || has(evidence, CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_TLS)))
		return "without from a customer of Salesforce can write in anybody's name";
	if (has(evidence, CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_IP)) && from)
		return "without tls anyone on the path can put in mail";
	if (has(evidence, CHECK_BIT(CHECK_CERT)))
		return "every Salesforce customer's mail comes with this certificate";
	if (has(evidence, CHECK_BIT(CHECK_IP)))
		return "every Salesforce customer shares these addresses";
	if (has(evidence, CHECK_BIT(CHECK_ORG)) || from)
		return "anyone can write these header fields";
	return "none of this is peculiar to the customer";
}
