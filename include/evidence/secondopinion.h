/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secondopinion: what libspf2, which many receivers use, makes of one SPF check, beside what core/spf.h makes of it.
 * For tools and tests; it never decides, and the daemon does not link it.
 *
 * Records of strangers can make libspf2 abort or write past its buffers. So it runs in a child process that has nothing
 * to do but this one check and that asks its parent for every answer: a crash is a status, and the deadline holds.
 * The library is given answers of the caller's resolver only; of TXT answers the SPF records, and those only that
 * core/spf.h finds well-formed; after SECONDOPINION_LOOKUPS_MAX lookups nothing but failures. Explanations (exp=), in
 * which its known crashes are, are never fetched.
 *
 * One thread; other threads of the process may go on.
 */
#ifndef SFDC_EVIDENCE_SECONDOPINION_H
#define SFDC_EVIDENCE_SECONDOPINION_H

#include <stdbool.h>

#include "core/answer.h"
#include "core/spf.h"

#define SECONDOPINION_LOOKUPS_MAX 128 /* what an evaluation within the limits of RFC 7208 4.6.4 can need, and some */

enum secondopinion_status {
	SECONDOPINION_FAILED, /* no memory, no process; also zeroed memory */
	SECONDOPINION_GIVEN,
	SECONDOPINION_WITHHELD, /* libspf2 was not asked, or its result would say nothing: because says why */
	SECONDOPINION_CRASHED,
	SECONDOPINION_LATE /* it came to no end before the deadline */
};

struct secondopinion {
	enum secondopinion_status status;
	enum spf_result ours;   /* of core/spf.h, with the same answers */
	enum spf_result theirs; /* SECONDOPINION_GIVEN */
	const char *because; /* GIVEN and different: why, "for a reason not known" if that cannot be told; WITHHELD: why */
	unsigned lookups;    /* that libspf2 asked for */
};

/* Where answers come from. */
struct secondopinion_source {
	void *context;
	/*
	 * The answer to a question, or NULL if there is none by deadline_ms (monotonic clock). It must stay valid until the
	 * opinion is given. Questions repeat.
	 */
	const struct answer *(*answer)(void *context, const struct question *question, long long deadline_ms);
};

/* Evaluate input twice. Takes until deadline_ms (CLOCK_MONOTONIC, milliseconds) at most. */
void secondopinion_get(const struct spf_input *input, const struct secondopinion_source *source, long long deadline_ms,
                       struct secondopinion *opinion_r);

#endif
