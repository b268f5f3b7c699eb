/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relay_present: what check-relay found, as text, as JSON, and as a line for a monitor.
 */
#ifndef SFDC_CMD_RELAY_PRESENT_H
#define SFDC_CMD_RELAY_PRESENT_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/preflight.h"
#include "cmd/probe_relay.h"

struct relay_view {
	const struct preflight *preflight;
	const struct probe_view *views;
	size_t count;
	long long now;
	unsigned warn_days;
};

/* For people: a block for the whole, then one for each address and port, with the settings and the diagnostics about it. */
void relay_present_plain(FILE *out, const struct relay_view *view);

/*
 * One object: {"diagnostics": [...], "endpoints": [{"host", "address", "port", "from", "settings": {NAME: {"delivers",
 * "encrypted", "verified", "line"}}, "tls": {...}, "certificate": {...}}]}. False without memory.
 */
bool relay_present_json(FILE *out, const struct relay_view *view);

/*
 * As plug-ins of Nagios answer: "RELAY OK|WARNING|CRITICAL - what is worst | days=N;WARN;0", then a line for each finding
 * that is not ok. What was read from outside holds no '|'.
 */
void relay_present_nagios(FILE *out, const struct relay_view *view);

/* "HOST [ADDRESS]:PORT", printable: what the diagnostics about it are about. */
#define RELAY_ABOUT_SIZE 1200
const char *relay_about(const struct probe_view *view, char about_r[RELAY_ABOUT_SIZE]);

#endif
