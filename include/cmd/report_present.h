/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report_present: a report as text, as JSON and as a page.
 */
#ifndef SFDC_CMD_REPORT_PRESENT_H
#define SFDC_CMD_REPORT_PRESENT_H

#include <jansson.h>
#include <stdio.h>

#include "cmd/logs.h"
#include "history/report.h"

struct report_view {
	struct report *report; /* finished */
	const struct logs_summary *summary;
	const struct waiting_message *waiting;
	size_t waiting_count;
	long long now; /* seconds since 1970, of which the hours left are counted */
};

/* Lines that fit the screen. */
void report_text(FILE *out, const struct report_view *view);

/* One JSON object. False without memory. */
bool report_json(FILE *out, const struct report_view *view);

/* One self-contained HTML page, without script. False: it could not be written. */
bool report_html(FILE *out, const struct report_view *view);

/* The messages that wait, as an array. NULL without memory. */
json_t *report_waiting_json(const struct waiting_message *messages, size_t count, long long now);

/* Whether a name came up only in the last quarter of the time that the report covers. */
bool report_is_new(const struct report *report, const struct name *row);

/* The tables whose new names are told. */
extern const enum report_table report_new_tables[];
extern const size_t report_new_table_count;

/* per cent, of a whole that may be 0 */
double report_share(long long part, long long whole);

/* Name and counts of a verdict that is always shown. */
extern const enum verdict report_verdicts[];
extern const size_t report_verdict_count;

#define REPORT_FIRST_HOP                                                                                               \
	"This is the first hop, from Salesforce to this relay. What the relay does with the mail afterwards is not seen here."

#endif
