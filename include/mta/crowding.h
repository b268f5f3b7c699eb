/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crowding: tells that all connections are taken, in one log line each time they are, and at most one a minute. They count
 * as free again when an eighth of them is. Not thread-safe.
 */
#ifndef SFDC_MTA_CROWDING_H
#define SFDC_MTA_CROWDING_H

#include <stdbool.h>
#include <stddef.h>

#include "observe/log.h"

/* Zeroed: nothing was told yet. */
struct crowding {
	bool crowded;
	long long told_ms; /* monotonic */
};

/*
 * To be called whenever connections are taken: open is how many there are, most how many there can be. Where the system
 * has no descriptor for another one, most is open.
 */
void crowding_note(struct crowding *crowding, struct log *log, size_t open, size_t most);

#endif
