/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: how much of each limit is used, as it was seen last, and who is to be warned of it.
 *
 * Of each organization that is served a few numbers; of its users those who came near their limit, USAGE_USERS_MAX at most.
 * Thread-safe. The time is given, in milliseconds of a clock that does not go back.
 */
#ifndef SFDC_LIMITS_USAGE_H
#define SFDC_LIMITS_USAGE_H

#include <stdbool.h>

#include "limits/demand.h"

#define USAGE_WARNED_PERCENT 80 /* of a limit: this is told once... */
#define USAGE_CALM_PERCENT 60   /* ...and again only after it was less than this */
#define USAGE_USERS_MAX 20      /* users of an organization who are told of within a window */

struct usage;

/* NULL without memory. */
struct usage *usage_new(void);
void usage_free(struct usage *usage);

/* Take in what was seen of a demand. warn_r[kind]: the limit has come to USAGE_WARNED_PERCENT, and that was not told yet. */
void usage_note(struct usage *usage, const struct demand *demand, const struct tally *tally, long long now_ms,
                bool warn_r[LIMIT_KINDS]);

/*
 * How much of a limit is used: 0 to 1, and more where one message was larger than a whole limit. Of users the one who has used
 * most. 0 where nothing was seen for as long as the limit's window.
 */
double usage_ratio(struct usage *usage, const struct orgid *org, enum limit_kind kind, long long now_ms);

/* Forget the organizations that settings do not serve. */
void usage_keep(struct usage *usage, const struct settings *settings);

#endif
