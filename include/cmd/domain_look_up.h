/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_look_up: answers for domain_predict.h from a resolver: each question is asked once and waited for, within bounds
 * of time and number that no zone can widen. What is not answered within them is ANSWER_TEMPFAIL. One thread.
 */
#ifndef SFDC_CMD_DOMAIN_LOOK_UP_H
#define SFDC_CMD_DOMAIN_LOOK_UP_H

#include "cmd/domain_predict.h"
#include "evidence/resolver.h"

#define LOOK_UPS_MAX 600

struct look_up {
	struct question question; /* its name is in the arena */
	struct query *query;      /* NULL: none could be had, or it was given up */
	long long limit_ms;       /* until when it is waited for */
};

struct look_ups {
	struct resolver *resolver; /* the caller's */
	struct arena *arena;       /* the caller's */
	long long end_ms;          /* of all; resolver_now_ms() */
	unsigned step_ms;          /* for one */
	bool late;                 /* a bound was reached */
	size_t count;
	struct look_up look_ups[LOOK_UPS_MAX];
};

/* Fill in what is the caller's before. */
struct domain_dns look_ups_dns(struct look_ups *look_ups);

/* Ask by a name in any case. Never NULL. */
const struct answer *look_ups_ask(struct look_ups *look_ups, enum record_type type, struct span name);

/* Ask what will be wanted, without waiting, so that several answers come in one time. */
void look_ups_begin(struct look_ups *look_ups, enum record_type type, struct span name);

/* Drop the queries; answers end with them. Before the resolver is dropped. */
void look_ups_clear(struct look_ups *look_ups);

#endif
