/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proof: does a policy prove that the customer sent the mail?
 *
 * Sentences are monotone, so the minimal sets of checks that get mail accepted describe a policy completely. They are
 * enumerated over all subsets (2^CHECK_COUNT). Accepted is what reject_unless and defer_unless let in; there is room in
 * the limits. A check that can be skipped (verp, dmarc where no record is required, and
 * auth, cert, dkim with `required: no`) counts as skipped when it is not in the set, and proves nothing. Where
 * `undecided` is accept, what look-ups can leave undecided (dkim, spf, dmarc, and ip where it asks for SPF) is in a set
 * only where defer_unless asks for it, which must hold: as for reject_unless, a sender can see to it that it stays open,
 * and so holds. A check that can never pass, since its list is empty, is in no set.
 *
 * A set proves the customer if it contains `from` and one of: `auth`; `dkim`; `org` with `cert`; `org` with `ip` and
 * `tls`. Which check proves it is said too, for `dkim` alone can be replayed. Of monitor_floor a set is weak if it holds
 * none of `auth`, `dkim`, `cert` and `ip`, so that anyone passes. Pure.
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
	size_t minimal; /* how many minimal sets there are */
	size_t weak;    /* how many of them are weak */
	size_t shown;   /* how many are in sets: weak ones first, then by size */
	struct proof_set sets[PROOF_SETS_MAX];
};

/* What the parameters of an organization make of the checks. */
struct proof_terms {
	check_bits skippable;
	check_bits undecidable; /* and `undecided: accept` takes what is undecided */
	check_bits hopeless;    /* can never pass */
};

/* The terms under which mail of org is judged. */
struct proof_terms proof_terms(const struct settings *settings, const struct org *org);
bool proof_terms_equal(const struct proof_terms *a, const struct proof_terms *b);

/* The best that a check can come to under these terms. */
enum result_code proof_best(const struct proof_terms *terms, enum check_id check);

/* The proof of one organization's policy. */
void proof_make(const struct settings *settings, const struct org *org, struct proof *proof_r);

/* What its reject_unless asks for and `undecided` makes no evidence of. */
check_bits proof_undecidable(const struct settings *settings, const struct org *org);

/* Whether mail of which only these checks pass is deferred, though there is room in the limits. */
bool proof_defers(const struct sentence *defer_unless, check_bits set, const struct proof_terms *terms);

/*
 * The minimal sets of monitor_floor, under the widest parameters of any organization, for it holds for mail that names
 * none as well; `undecided` has no say in it. Those that are not weak are PROOF_CUSTOMER.
 */
void proof_floor(const struct settings *settings, struct proof *proof_r);

/*
 * Whether mail fulfills monitor_floor with what all customers of Salesforce have in common, its addresses and its
 * certificate, and with what any of them can write: without `org`, `auth` and `dkim`.
 */
bool proof_floor_is_shared(const struct settings *settings);

/*
 * Whether all mail that reject_unless of org lets in fulfills monitor_floor. If not, *witness_r is one of the smallest
 * sets of passing checks with which mail is let in and the floor is not fulfilled.
 */
bool proof_implies_floor(const struct settings *settings, const struct org *org, check_bits *witness_r);

/* The strength of one minimal set. */
enum proof_strength proof_strength(check_bits set, const struct proof_terms *terms);

/* "tls and from" for a set; "nothing" for the empty one. Writes at most size bytes, NUL included. */
void proof_set_text(check_bits set, char *to, size_t size);

/* Why a weak set is weak, as a clause: "every Salesforce customer shares these addresses". */
const char *proof_weakness(check_bits set, const struct proof_terms *terms);

#endif
