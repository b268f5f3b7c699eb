#include "core/proof.h"

#include <stdio.h>

check_bits proof_skippable(const struct org *org)
{
	check_bits bits = CHECK_BIT(CHECK_VERP);
	if (!org->auth.required)
		bits |= CHECK_BIT(CHECK_AUTH);
	if (!org->cert.required)
		bits |= CHECK_BIT(CHECK_CERT);
	if (!org->dkim.required)
		bits |= CHECK_BIT(CHECK_DKIM);
	if (!org->dmarc.required)
		bits |= CHECK_BIT(CHECK_DMARC);
	return bits;
}

static bool has(check_bits set, check_bits bits)
{
	return (set & bits) == bits;
}

enum proof_strength proof_strength(check_bits set, check_bits skippable)
{
	check_bits evidence = set & ~skippable;
	if (!has(evidence, CHECK_BIT(CHECK_FROM)))
		return PROOF_WEAK;
	if (has(evidence, CHECK_BIT(CHECK_AUTH)) || has(evidence, CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_CERT))
	    || has(evidence, CHECK_BIT(CHECK_ORG) | CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_TLS)))
		return PROOF_CUSTOMER;
	return has(evidence, CHECK_BIT(CHECK_DKIM)) ? PROOF_REPLAYABLE : PROOF_WEAK;
}

static bool holds(const struct sentence *sentence, check_bits set, check_bits skippable)
{
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(set & CHECK_BIT(i) ? RESULT_PASS : skippable & CHECK_BIT(i) ? RESULT_SKIP : RESULT_FAIL);
	return bounds_hold(sentence_evaluate(sentence, bounds));
}

/* Sentences are monotone: a set is minimal when none of its members can be left out. */
static bool is_minimal(const struct sentence *sentence, check_bits set, check_bits skippable)
{
	if (!holds(sentence, set, skippable))
		return false;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if ((set & CHECK_BIT(i)) && holds(sentence, set & ~CHECK_BIT(i), skippable))
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

void proof_make(const struct org *org, struct proof *proof_r)
{
	const struct sentence *sentence = &org->reject_unless;
	check_bits skippable = proof_skippable(org);

	memset(proof_r, 0, sizeof *proof_r);
	for (check_bits set = 0; set < CHECK_BIT(CHECK_COUNT); set++) {
		if ((set & ~sentence->checks) != 0 || !is_minimal(sentence, set, skippable))
			continue;
		struct proof_set found = { set, proof_strength(set, skippable) };
		proof_r->minimal++;
		if (found.strength == PROOF_WEAK)
			proof_r->weak++;
		insert(proof_r, found);
	}
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

const char *proof_weakness(check_bits set, check_bits skippable)
{
	check_bits evidence = set & ~skippable;
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
