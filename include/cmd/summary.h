/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * summary: many examined messages at a glance: a line for each, and what they come to together. One thread.
 */
#ifndef SFDC_CMD_SUMMARY_H
#define SFDC_CMD_SUMMARY_H

#include <stdio.h>

#include "cmd/output.h"
#include "core/reason.h"

#define SUMMARY_VERDICTS (VERDICT_SKIP + 1)

/* Zeroed: nothing was counted. */
struct summary {
	unsigned long messages; /* those that could be judged */
	unsigned long unusable;
	unsigned long done[SUMMARY_VERDICTS];
	unsigned long would[SUMMARY_VERDICTS];
	unsigned long reasons[REASON_COUNT]; /* of the checks responsible; a message may have several */
};

void summary_count(struct summary *summary, const struct judgement *judgement);

/* "reject      org-unknown, from-domain           inbox:2" */
void summary_line(FILE *out, const struct view *view);

/* The table. */
void summary_print(FILE *out, const struct summary *summary);

#endif
