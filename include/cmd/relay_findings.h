/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relay_findings: what was seen of a relay, in words.
 */
#ifndef SFDC_CMD_RELAY_FINDINGS_H
#define SFDC_CMD_RELAY_FINDINGS_H

#include "cmd/preflight.h"
#include "cmd/probe_relay.h"

struct relay_report {
	struct preflight *preflight;
	long long now;      /* seconds since 1970 */
	unsigned warn_days; /* a certificate that is valid for fewer is told */
	bool some_deliver;  /* another address takes mail under Required Verify */
	const char *cafile; /* NULL: the system's store */
};

/* Add the diagnostics about one address and port. */
void relay_findings(const struct relay_report *report, const struct probe_view *view);

/* What becomes of mail under a setting, in words: "delivers, encrypted and verified", "fails: 451 4.7.5 ..." */
#define RELAY_OUTCOME_SIZE 2800
void relay_outcome_text(const struct probe_view *view, enum relay_setting setting, char text_r[RELAY_OUTCOME_SIZE]);

/* The line of the Email Log for it; empty when the mail is delivered. Printable. */
void relay_outcome_line(const struct probe_view *view, const struct relay_outcome *outcome,
                        char line_r[RELAY_OUTCOME_SIZE]);

/* Whole days from now until a time; negative: since. */
long long relay_days(long long now, long long until);

#endif
