/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics_private: what the pages share: metrics.c serves them and looks after health, metrics_page.c writes /metrics and
 * metrics_status.c /status. All run in the loop of the HTTP server, one at a time.
 */
#ifndef SFDC_CMD_METRICS_PRIVATE_H
#define SFDC_CMD_METRICS_PRIVATE_H

#include "cmd/metrics.h"
#include "evidence/resolver.h"

#define PROBE_TEXT_SIZE 400

/* Whether the name servers answer, as a question of our own shows from time to time. */
struct resolver_probe {
	struct resolver *resolver; /* of the question that is out; NULL: none is */
	struct query *query;
	long long asked_ms;
	long long next_ms; /* when it is asked again */
	bool known;        /* there was an answer, or none in time */
	bool answers;
	char text[PROBE_TEXT_SIZE]; /* what was asked and what came of it */
};

struct metrics {
	struct metrics_sources sources;
	struct http *http;
	struct resolver_probe probe;
	long long stuck_ms; /* for how long a loop has not turned */
	int day;            /* of the year and */
	int year;
	long long day_began; /* seconds: midnight, or the start */
};

void metrics_page(void *context, struct span accept, struct http_answer *answer_r);
void status_page(void *context, struct span accept, struct http_answer *answer_r);

#endif
