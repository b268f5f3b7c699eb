/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * case_environment: evidence as a case file writes it, in place of the adapters. What the case does not tell never comes.
 */
#ifndef SFDC_TEST_CASE_PORTS_H
#define SFDC_TEST_CASE_PORTS_H

#include "core/environment.h"

#define CASE_SIGNATURES_MAX 16
#define CASE_NOW 1800000000LL

struct case_evidence {
	struct arena *arena;
	struct facts *facts;
	bool has_dkim;
	size_t count;
	struct signature signatures[CASE_SIGNATURES_MAX];
	struct outcome_evidence spf;
	struct outcome_evidence dmarc;
	struct ip_spf *ip_spfs;
	struct limit_evidence limit; /* not complete: nothing counts, as in tools */
	unsigned counts;             /* how often the message was counted */
	struct limiter limiter;
	check_bits asked; /* every check whose evidence was asked for */
};

/* Read the lines of an evidence section. NULL, or what is wrong. */
const char *case_evidence_read(struct span text, struct arena *arena, struct case_evidence *evidence_r);

/* Ports that hand the evidence out. */
struct environment case_environment(struct case_evidence *evidence);

#endif
