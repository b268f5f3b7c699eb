/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remedies: what would have to change for a check to pass, and where: in Salesforce, in the DNS, in the mail server, in the
 * policy. Static.
 */
#ifndef SFDC_CMD_REMEDIES_H
#define SFDC_CMD_REMEDIES_H

#include "core/checks.h"

struct remedy {
	enum check_id check;
	const char *where; /* "Salesforce", "DNS", "main.cf", "policy", "message" */
	const char *what;
};

/* The remedies of a check: the first, and how many follow one another. */
const struct remedy *remedies_of(enum check_id check, size_t *count_r);

#endif
