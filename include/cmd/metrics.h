/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics: what the running filter tells of itself by HTTP: /metrics, /healthz, /readyz and /status (sfdc-milter(8),
 * METRICS AND HEALTH).
 *
 * Nothing that is told was written by a sender: no user, address, domain of a sender or Message-ID.
 */
#ifndef SFDC_CMD_METRICS_H
#define SFDC_CMD_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "limits/limits.h"
#include "mta/http.h"
#include "mta/server.h"
#include "mta/shared.h"
#include "observe/counters.h"

/* What the last reload came to; the start counts as one. */
struct reload_state {
	atomic_bool success;
	atomic_llong configured; /* when the configuration in force was taken over, seconds */
};

/* All borrowed; they live until metrics_stop() has returned. */
struct metrics_sources {
	struct shared *shared;
	struct environment *environment;
	struct limits *limits;
	struct counters *counters;
	struct server *server;
	const struct reload_state *reload;
	long long started; /* seconds */
};

struct metrics;

/* Serve on a listening socket, which stays the caller's. NULL: errno says why. */
struct metrics *metrics_start(const struct metrics_sources *sources, int listener);

/* NULL is harmless. */
void metrics_stop(struct metrics *metrics);

#endif
