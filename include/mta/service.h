/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service: what all sessions share.
 *
 * Set up once before the first session and kept until the last has ended; thread-safe from then on.
 */
#ifndef SFDC_MTA_SERVICE_H
#define SFDC_MTA_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/live.h"
#include "core/examine.h"
#include "core/ports.h"
#include "observe/log.h"
#include "observe/watch.h"

struct service {
	struct live *live;         /* borrowed */
	const struct ports *ports; /* borrowed */
	struct log *log;           /* borrowed */
	struct watch *watch;       /* borrowed; NULL, as service_init() leaves it: nobody watches */
	uint64_t seed;
	atomic_ullong messages;    /* begun since the start */
	atomic_uint open;          /* begun and not ended */
	atomic_bool stopping;      /* no message may begin any more */
	atomic_bool told_symlist;  /* the admin was told that the MTA takes no list of macros */
	atomic_uintptr_t told_canary; /* the settings of which the admin was told that a name in ip.spf vouches for everybody */
};

/* False when no randomness can be had. */
bool service_init(struct service *service, struct live *live, const struct ports *ports, struct log *log);

/* An identifier of 16 hexadecimal digits, different for every message of this service and, but by chance, of others. */
void service_sid(struct service *service, char sid_r[SID_SIZE]);

#endif
