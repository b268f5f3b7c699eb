/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * demand: what one message asks of its organization's limits, and what came of it.
 *
 * A message counts as one, and once for each recipient the MTA accepted; and as one of its user, whom exactly one well-formed
 * X-SFDC-User names. All that name none so are one user together. Nothing of a demand is as a sender wrote it: the
 * organization is one that is served, the user an ID with its checksum. Pure.
 */
#ifndef SFDC_LIMITS_DEMAND_H
#define SFDC_LIMITS_DEMAND_H

#include <stdbool.h>

#include "core/facts.h"
#include "core/settings.h"

enum limit_kind { LIMIT_MESSAGES, LIMIT_RECIPIENTS, LIMIT_USER };
#define LIMIT_KINDS 3
#define LIMIT_USERS_MAX 10000 /* users of an organization that are counted apart; all others are one user together */

struct demand {
	struct orgid org;
	struct orgid user;              /* zeroed: one of those that are not counted apart */
	struct rate rates[LIMIT_KINDS]; /* count 0: no limit */
	unsigned weights[LIMIT_KINDS];
};

enum tally_status {
	TALLY_UNKNOWN, /* nothing was counted, or nobody knows */
	TALLY_WITHIN,  /* the message was counted */
	TALLY_OVER     /* it was not, since it would be too much */
};

struct tally {
	enum tally_status status;
	enum limit_kind over;                 /* TALLY_OVER: the first limit that is in the way */
	long long wait_ms;                    /* TALLY_OVER: until it no longer is, if nothing else is counted */
	unsigned long long used[LIMIT_KINDS]; /* of what has a limit: how much counts, this message included if it does */
};

struct demand demand_make(const struct org *org, const struct facts *facts);

/* "limit.messages", ... */
const char *limit_option(enum limit_kind kind);

/* The evidence that comes of it. now: the wall clock in seconds. The detail is in the arena of facts. */
struct limit_evidence tally_evidence(const struct tally *tally, const struct demand *demand, long long now,
                                     const struct facts *facts);

#endif
