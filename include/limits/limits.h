/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits: how much organizations may send: counts in the store that is configured, and says what a store that is away means.
 *
 * One for the process; thread-safe. What passes in a common store is counted here as well, so that the count goes on from there
 * when that store is lost and each process counts for itself (limits.when_away: local).
 */
#ifndef SFDC_LIMITS_LIMITS_H
#define SFDC_LIMITS_LIMITS_H

#include <stdbool.h>

#include "core/environment.h"
#include "limits/demand.h"
#include "observe/log.h"

#define LIMITS_ERROR_SIZE 512

struct limits;

/* log is borrowed. After a fork only: a thread may be started. NULL: error_r says why. */
struct limits *limits_new(const struct settings *settings, struct log *log, char error_r[LIMITS_ERROR_SIZE]);

/* After the last message has ended. NULL is harmless. */
void limits_free(struct limits *limits);

/* Follow changed settings. False: everything stays as it was; error_r says why. One thread at a time. */
bool limits_reload(struct limits *limits, const struct settings *settings, char error_r[LIMITS_ERROR_SIZE]);

/* For struct ports. Borrowed from limits. */
const struct limiter *limits_limiter(const struct limits *limits);

/* How much of a limit is used, 0 to 1 and more, as it was seen last; see usage.h. */
double limits_ratio(struct limits *limits, const struct orgid *org, enum limit_kind kind);

#endif
