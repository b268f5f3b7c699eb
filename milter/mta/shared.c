/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/shared.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool shared_init(struct shared *shared, struct live *live, const struct environment *environment, struct log *log)
{
	memset(shared, 0, sizeof *shared);
	shared->live = live;
	shared->environment = environment;
	shared->log = log;
	atomic_init(&shared->messages, 0);
	atomic_init(&shared->open, 0);
	atomic_init(&shared->stopping, false);
	atomic_init(&shared->told_symlist, false);
	atomic_init(&shared->told_probe, 0);
	return getentropy(&shared->seed, sizeof shared->seed) == 0;
}

void shared_sid(struct shared *shared, char sid_r[SID_SIZE])
{
	/* Every step is a bijection of 64 bits, so different counts give different identifiers (splitmix64). */
	uint64_t count = atomic_fetch_add(&shared->messages, 1) + 1;
	uint64_t x = shared->seed + count * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	snprintf(sid_r, SID_SIZE, "%016" PRIx64, x);
}
