/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool service_init(struct service *service, struct live *live, const struct ports *ports, struct log *log)
{
	memset(service, 0, sizeof *service);
	service->live = live;
	service->ports = ports;
	service->log = log;
	atomic_init(&service->messages, 0);
	atomic_init(&service->open, 0);
	atomic_init(&service->stopping, false);
	atomic_init(&service->told_symlist, false);
	atomic_init(&service->told_canary, 0);
	return getentropy(&service->seed, sizeof service->seed) == 0;
}

void service_sid(struct service *service, char sid_r[SID_SIZE])
{
	/* Every step is a bijection of 64 bits, so different counts give different identifiers (splitmix64). */
	uint64_t count = atomic_fetch_add(&service->messages, 1) + 1;
	uint64_t x = service->seed + count * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	snprintf(sid_r, SID_SIZE, "%016" PRIx64, x);
}
