/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * local: what organizations have sent, counted in this process.
 *
 * Bounded: an organization takes its two windows and at most LIMIT_USERS_MAX users; users who have not sent for the length of
 * the window make room for others. Windows whose length was changed begin anew. Thread-safe; a call holds a lock for some
 * microseconds and never waits for anything else. The time is given, in milliseconds of a clock that does not go back.
 */
#ifndef SFDC_LIMITS_LOCAL_H
#define SFDC_LIMITS_LOCAL_H

#include <stddef.h>

#include "limits/demand.h"

struct local;

/* NULL without memory. */
struct local *local_new(void);
void local_free(struct local *local);

/* Look whether the demand stays within its limits, and count it if it does, as one. TALLY_UNKNOWN: there is no memory. */
void local_count(struct local *local, const struct demand *demand, long long now_ms, struct tally *tally_r);

/* Count what passed elsewhere, whatever the limits. Want of memory is no harm. */
void local_add(struct local *local, const struct demand *demand, long long now_ms);

/* Forget the organizations that settings do not serve. */
void local_keep(struct local *local, const struct settings *settings);

#endif
