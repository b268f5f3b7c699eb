/* SPDX-License-Identifier: BSD-2-Clause */
/* dkim_all: for tests that want every signature verified, whatever the checks need. */
#ifndef SFDC_TEST_DKIM_ALL_H
#define SFDC_TEST_DKIM_ALL_H

#include "core/dkim_walk.h"

/* After dkim_walk_header_end(). */
static inline void dkim_verify_all(struct dkim_walk *walk)
{
	struct wants wants = { .checks = CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_DMARC), .others = OTHERS_AWAITED };
	dkim_walk_begin(walk, &wants);
	dkim_walk_ask(walk, wants.checks, true);
}

#endif
