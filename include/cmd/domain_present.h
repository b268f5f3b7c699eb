/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_present: how what was found of a sending domain is shown: the table of what receivers see and what is to be changed
 * first, then the parts; or as JSON. One thread.
 */
#ifndef SFDC_CMD_DOMAIN_PRESENT_H
#define SFDC_CMD_DOMAIN_PRESENT_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/domain_findings.h"

void domain_present_plain(FILE *out, const struct domain_report *report);

/* One object: domain, findings, paths, at_relay. False without memory. */
bool domain_present_json(FILE *out, const struct domain_report *report);

#endif
