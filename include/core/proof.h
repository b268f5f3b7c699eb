/*
 * proof: does a policy prove that the customer sent the mail?
 *
 * Sentences are monotone, so the minimal sets of checks that get mail accepted describe a policy completely. They are
 * enumerated over all subsets (2^CHECK_COUNT); checks that can be skipped (verp, dmarc where no record is required,
 * and auth, cert, dkim with `required: no`) count as skipped when they are not in the set, and prove nothing.
 *
 * A set proves the customer if it contains `from` and one of: `auth`; `dkim`; `org` with `cert`; `org` with `ip` and
 * `tls`. Which check proves it is said too, for `dkim` alone can be replayed. Pure.
 */
#ifndef SFDC_CORE_PROOF_H
#define SFDC_CORE_PROOF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/settings.h"

#define PROOF_SETS_MAX 10

enum proof_strength {
	PROOF_WEAK,       /* does not prove the customer */
	PROOF_REPLAYABLE, /* by DKIM alone: a message that was once sent can be sent again by anyone */
	PROOF_CUSTOMER
};

struct proof_set {
	check_bits checks;
	enum proof_strength strength;
};

struct proof {
	size_t minimal;    /* how many minimal sets there are */
	size_t weak;       /* how many of them are weak */
	size_t shown;      /* how many are in sets: weak ones first, then by size */
	struct proof_set sets[PROOF_SETS_MAX];
};

/* The proof of one organization's reject_unless. */
void proof_make(const struct org *org, struct proof *proof_r);

/* The strength of one set. skippable: checks that prove nothing. */
enum proof_strength proof_strength(check_bits set, check_bits skippable);

/* Checks that can be skipped under the parameters of org. */
check_bits proof_skippable(const struct org *org);

/* "tls and from" for a set; "nothing" for the empty one. Writes at most size bytes, NUL included. */
void proof_set_text(check_bits set, char *to, size_t size);

/* Why a weak set is weak, as a clause: "every Salesforce customer shares these addresses". */
const char *proof_weakness(check_bits set, check_bits skippable);

#endif
