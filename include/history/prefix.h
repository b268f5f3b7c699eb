/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prefix: what others put before a line of the log: syslog daemons (RFC 3164, RFC 5424, rsyslog's ISO form), journalctl's
 * short forms, container engines. Strict: what is of no known form is not ours.
 */
#ifndef SFDC_HISTORY_PREFIX_H
#define SFDC_HISTORY_PREFIX_H

#include <stdbool.h>

#include "core/span.h"

#define PREFIX_PROGRAM "sfdc-milter"

/* For times without a year or a zone; zeroed at first. */
struct prefix_clock {
	long long until; /* see entry_reader_until() */
	/* The last minute of local time that was looked up. */
	bool known;
	int year;
	int month;
	int day;
	int hour;
	int minute;
	long long minute_time;
	/* The last answer to "which year", with all that it was made of. */
	bool year_known;
	int year_month;
	int year_day;
	int year_hour;
	long long year_until;
	int year_found;
};

struct prefix {
	struct span rest; /* the line behind it */
	long long time;   /* -1: not told */
	bool has_program; /* a program is named, and it is ours */
};

/*
 * False: another program is named. Without any prefix that is known here the rest is the whole line, without leading NUL
 * bytes, which a machine that lost its power leaves in files.
 */
bool prefix_read(struct prefix_clock *clock, struct span line, struct prefix *prefix_r);

/* "2026-11-28T23:20:01.5Z", and the usual variants; without a zone it is local time. False: it is none. *used_r is its length. */
bool prefix_iso_time(struct prefix_clock *clock, struct span text, size_t *used_r, long long *time_r);

#endif
