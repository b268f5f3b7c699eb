/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmarc: RFC 9989 as a pure, resumable machine: policy discovery, organizational domains by DNS tree walk, alignment.
 *
 * A tree walk asks at most eight names for one domain. Identifiers that do not lie within the organizational domain of
 * the author domain cannot align, so no name of theirs is ever asked: what a stranger's zone answers, or fails to
 * answer, changes nothing.
 *
 * Decisions where RFC 9989 leaves room:
 * - A record in which a known tag is given twice is discarded as a whole (RFC 6376 3.2), as are all records of a name
 *   that has several.
 * - Names of tags and their values are compared without case, DMARC1 exactly.
 * - A record of a top-level domain counts as psd=y unless it says psd=n: a registry's name is nobody's organization.
 * - A lookup that fails and that could change the result gives DMARC_TEMPERROR.
 * - Whether a name exists is asked only where np= and sp= differ and the message fails.
 *
 * An evaluation belongs to one thread at a time. Deadlines are the driver's: dmarc_walk_expire().
 */
#ifndef SFDC_CORE_DMARC_H
#define SFDC_CORE_DMARC_H

#include <stdbool.h>
#include <stddef.h>

#include "core/answer.h"
#include "core/arena.h"
#include "core/span.h"

/* Names asked for one tree walk, at most (4.10). */
#define DMARC_TREE_MAX 8

/*
 * Identifiers that are looked at; those handed in later than this many are ignored (never aligned). As many signatures as
 * dkim.max_signatures allows, and SPF.
 */
#define DMARC_IDENTIFIERS_MAX 65

enum dmarc_result {
	DMARC_PENDING,
	DMARC_NONE, /* no record applies */
	DMARC_PASS, /* an identifier is aligned */
	DMARC_FAIL, /* a record applies and no identifier is aligned */
	DMARC_TEMPERROR,
	DMARC_PERMERROR /* the author domain is no domain */
};
#define DMARC_RESULTS 6

/* The keyword of RFC 8601, "pending" for DMARC_PENDING, "invalid" for a value outside the enumeration. */
const char *dmarc_result_name(enum dmarc_result result);

enum dmarc_policy { DMARC_POLICY_UNSET, DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };
#define DMARC_POLICIES 4

/* "unset", "none", "quarantine", "reject"; "invalid" for a value outside the enumeration. */
const char *dmarc_policy_name(enum dmarc_policy policy);

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

/* A record, errors in single tags already replaced by defaults (4.8, 4.10.1). */
struct dmarc_record {
	bool applies; /* false: it counts for the tree walk, but "no DMARC processing" follows from it */
	enum dmarc_policy p;
	enum dmarc_policy sp; /* DMARC_POLICY_UNSET: not given */
	enum dmarc_policy np; /* DMARC_POLICY_UNSET: not given */
	bool strict_dkim;     /* adkim=s */
	bool strict_spf;      /* aspf=s */
	bool testing;         /* t=y */
	enum dmarc_psd psd;
};

/* Whether text (one TXT record) is to be taken for a DMARC record: it begins with the version tag. */
bool dmarc_is_record(struct span text);

/* Parse a record that dmarc_is_record() accepted. False: it is to be discarded. Pure, keeps nothing of text. */
bool dmarc_parse(struct span text, struct dmarc_record *record_r);

/* The value of a tag of a record, name without case; absent if it is not there. It points into text. Pure. */
struct span dmarc_tag(struct span text, const char *name);

enum dmarc_identifier { DMARC_BY_NOTHING, DMARC_BY_DKIM, DMARC_BY_SPF };

struct dmarc_outcome {
	enum dmarc_result result;
	enum dmarc_policy policy;    /* of the policy domain for the author domain; unset when none applies */
	enum dmarc_policy requested; /* the same, one level lower where t=y */
	bool testing;
	struct span policy_domain;  /* where the record was found */
	struct span organizational; /* of the author domain; absent where it was not needed */
	enum dmarc_identifier by;   /* DMARC_PASS: what aligned */
	struct span aligned;        /* DMARC_PASS: the identifier; of several the first that was seen to align */
	struct span hidden;         /* DMARC_TEMPERROR: the first aligned one that an error hides; absent: it is not that */
	const char *problem;        /* static English phrase; NULL: nothing is wrong */
	unsigned questions;         /* handed out */
};

struct dmarc_walk;

/*
 * An evaluation for one author domain (A-labels), in arena, which must outlive it. look_ahead: the names of a tree
 * walk are handed out all at once. NULL without memory.
 */
struct dmarc_walk *dmarc_walk_new(struct arena *arena, struct span author, bool look_ahead);

/*
 * Add an authenticated identifier: the d= of a signature that passed, or the domain for which SPF passed: MAIL FROM's, and
 * with a null sender the HELO name (RFC 7208 2.4), but never the HELO name beside another sender. At any time before
 * dmarc_walk_close(). What is no domain is ignored.
 */
void dmarc_walk_add(struct dmarc_walk *walk, enum dmarc_identifier by, struct span domain);

/*
 * Add an identifier that a temporary error keeps from being authenticated: were it aligned, the result is
 * DMARC_TEMPERROR unless another one passes.
 */
void dmarc_walk_add_hidden(struct dmarc_walk *walk, enum dmarc_identifier by, struct span domain);

/* No further identifier will come. */
void dmarc_walk_close(struct dmarc_walk *walk);

/*
 * Go on as far as answers and identifiers allow. DMARC_PENDING: a question is open, or identifiers may still come.
 * Any other result is final. DMARC_PASS does not wait for dmarc_walk_close().
 */
enum dmarc_result dmarc_walk_step(struct dmarc_walk *walk);

/* The next question that has not been handed out yet, or NULL. Each is handed out once. */
const struct question *dmarc_walk_next(struct dmarc_walk *walk);

/* Hand in an answer, which must stay unchanged until the evaluation is over. As spf_walk_answer(). */
void dmarc_walk_answer(struct dmarc_walk *walk, const struct question *question, const struct answer *answer);

/* Time is up: an evaluation that is still pending ends in DMARC_TEMPERROR. */
void dmarc_walk_expire(struct dmarc_walk *walk);

/* How it stands, at any time. */
const struct dmarc_outcome *dmarc_walk_outcome(const struct dmarc_walk *walk);

#endif
