/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_private: one DKIM-Signature field on its way to a result, and what is found out about it apart from hashes.
 */
#ifndef SFDC_CORE_DKIM_PRIVATE_H
#define SFDC_CORE_DKIM_PRIVATE_H

#include "core/dkim_canon.h"
#include "core/dkim_walk.h"
#include "core/dkim_tags.h"

struct dkim_candidate {
	const struct field *field;
	struct dkim_fields tags;
	enum relation relation;
	bool near;           /* DMARC may find it aligned */
	struct result fault; /* what is wrong with it, whatever its key; PENDING: nothing */
	const char *rfc8601; /* keyword of the fault */
	bool chosen;
	check_bits serves; /* the checks it may make pass */
	bool told;         /* that its key proved good */
	bool asks;         /* its key is wanted */
	bool asked;
	struct question question;
	const struct answer *answer;
	struct dkim_key key;
	bool has_key;
	bool verified;                            /* the header is as it was signed with this key */
	unsigned char digest[DKIM_DIGEST_LENGTH]; /* of the header; once the walk has begun */
	struct signature *fact;
};

/* What the field alone tells. */
void dkim_candidate_judge(struct dkim_candidate *candidate);

/* What the whole header tells. */
void dkim_candidate_judge_in_header(struct dkim_candidate *candidate, const struct facts *facts,
                                    const struct dkim_environment *environment);

/* Mark those that are worth looking at, at most max of them; returns how many. */
size_t dkim_candidates_choose(struct dkim_candidate *const *candidates, size_t count, size_t max);

/* Whether it is chosen and its outcome is not known. */
bool dkim_candidate_pending(const struct dkim_candidate *candidate);

/* Set the outcome of one that is pending. */
void dkim_candidate_settle(struct dkim_candidate *candidate, enum result_code code, enum reason reason,
                           const char *rfc8601);

/*
 * Set the outcome of one that is good but for its date, which is judged last: who forges a signature cannot make a
 * doubt about our clock of it. now: wall clock, seconds.
 */
void dkim_candidate_settle_good(struct dkim_candidate *candidate, long long now);

/* From the answer to the key: sets has_key, or settles what cannot be verified. */
void dkim_candidate_take_key(struct dkim_candidate *candidate, struct facts *facts);

/* The header that signatures cover. */
struct dkim_header {
	const struct header *header;  /* with an index */
	const struct field **cursors; /* room for one for each name of the header */
	const struct set *disguised;  /* names that a field might have to other readers, and has not here; NULL: none */
};

/* Prepare: after header_index(). False without memory. */
bool dkim_header_prepare(struct dkim_header *covered_r, struct header *header);

/*
 * Hash the header as the signature covers it (RFC 6376 3.7, 5.4.2). Settles what covers a field that has no canonical
 * form, or a name that is in disguise. False: there is no hash.
 */
bool dkim_candidate_hash_header(struct dkim_candidate *candidate, const struct dkim_header *covered,
                                const struct dkim_crypto *crypto);

#endif
