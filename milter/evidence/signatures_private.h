/*
 * signatures_private: one DKIM-Signature field, and what is found out about it apart from cryptography.
 */
#ifndef SFDC_EVIDENCE_SIGNATURES_PRIVATE_H
#define SFDC_EVIDENCE_SIGNATURES_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/answer.h"
#include "core/dkimtags.h"
#include "core/facts.h"
#include "evidence/orgdomain.h"

/* One DKIM-Signature field. */
struct candidate {
	struct dkim_fields fields;
	enum relation relation;
	bool near;            /* DMARC may find it aligned */
	struct result fault;  /* what is wrong with it, whatever its key; PENDING: nothing */
	const char *rfc8601;  /* keyword of the fault */
	bool chosen;
	bool asks;            /* its key is wanted */
	bool asked;
	size_t number;        /* of those that are verified */
	struct question question;
	const struct answer *answer;
	struct dkim_key key;
	bool has_key;
	struct signature *fact;
};

/* What the field alone tells. */
void candidate_judge(struct candidate *candidate);

/* What the whole header tells. over_limit: it was not kept as a whole. */
void candidate_judge_in_header(struct candidate *candidate, const struct facts *facts, const struct orgdomain *orgdomain,
                               bool over_limit);

/* Mark those that are worth looking at, at most max of them; returns how many. */
size_t candidates_choose(struct candidate *const *candidates, size_t count, size_t max);

/* Whether it is chosen and its outcome is not known. */
bool candidate_pending(const struct candidate *candidate);

/* Set the outcome of one that is pending. */
void candidate_settle(struct candidate *candidate, enum result_code code, enum reason reason, const char *rfc8601);

/*
 * Set the outcome of one that is good but for its date, which is judged last: who forges a signature cannot make a
 * doubt about our clock of it. now: wall clock, seconds.
 */
void candidate_settle_good(struct candidate *candidate, long long now);

/* From the answer to the key: sets has_key, or settles what cannot be verified. */
void candidate_take_key(struct candidate *candidate, struct facts *facts);

#endif
