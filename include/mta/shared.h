/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shared: what all sessions share.
 *
 * Set up once before the first session and kept until the last has ended; thread-safe from then on.
 */
#ifndef SFDC_MTA_SHARED_H
#define SFDC_MTA_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/live.h"
#include "core/examine.h"
#include "core/environment.h"
#include "observe/log.h"
#include "observe/watch.h"

struct shared {
	struct live *live;                     /* borrowed */
	const struct environment *environment; /* borrowed */
	struct log *log;                       /* borrowed */
	struct watch *watch;                   /* borrowed; NULL, as shared_init() leaves it: nobody watches */
	uint64_t seed;
	atomic_ullong messages;   /* begun since the start */
	atomic_uint open;         /* begun and not ended */
	atomic_bool stopping;     /* no message may begin any more */
	atomic_bool told_symlist; /* the admin was told that the MTA takes no list of macros */
	atomic_ulong
		told_probe; /* of which generation of settings the admin was told that a name of ip.spf lists everybody */
};

/* False when no randomness can be had. */
bool shared_init(struct shared *shared, struct live *live, const struct environment *environment, struct log *log);

/* An identifier of 16 hexadecimal digits, different for every message of this service and, but by chance, of others. */
void shared_sid(struct shared *shared, char sid_r[SID_SIZE]);

#endif
