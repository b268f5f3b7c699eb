/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * email_log: rows of Salesforce's Email Log, by the names of its columns.
 *
 * Columns may stand in any order, and be more or fewer than those that are documented; without a row of names they
 * are those of the documentation. Times are GMT where they tell no zone. Whether 3/06/2009 is in March or in June is
 * not documented: both are kept, and email_times_settle() says what fits a whole log. Source: Salesforce's help,
 * "Email Log Reference". Pure.
 */
#ifndef SFDC_CMD_EMAIL_LOG_H
#define SFDC_CMD_EMAIL_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/csv.h"
#include "core/span.h"

enum email_column {
	EMAIL_DATE,
	EMAIL_EVENT,
	EMAIL_RECIPIENT,
	EMAIL_MESSAGE_ID,
	EMAIL_STAGE,
	EMAIL_RELAY,
	EMAIL_COLUMNS
};

struct email_columns {
	size_t at[EMAIL_COLUMNS]; /* EMAIL_ABSENT: there is none */
	bool named;               /* the row that they were found by is one of names */
};
#define EMAIL_ABSENT ((size_t)-1)

/* Find the columns by the first row. False: it is not the Email Log; Message-ID and Mail Event are the least. */
bool email_columns_find(const struct csv_row *row, struct email_columns *columns_r);

/* A field; absent where the row is too short. */
struct span email_field(const struct email_columns *columns, const struct csv_row *row, enum email_column column);

/* Or-ed over the rows of a message. */
enum email_event {
	EMAIL_RECEIVED = 1, /* by Salesforce's own server */
	EMAIL_DELIVERED = 2,
	EMAIL_TRANSIENT = 4, /* Salesforce tries again */
	EMAIL_PERMANENT = 8
};

/* "D", "D - Delivery", "Delivery"; 0: none of them. */
unsigned email_event(struct span text);

/* A Message-ID without the brackets and white space around it. */
struct span email_message_id(struct span text);

/* The times of a log: the earliest and the latest, with the month first, and with the day first. */
struct email_times {
	struct email_range {
		bool some;
		bool impossible; /* a time that cannot be read in this way */
		long long first; /* seconds since 1970 */
		long long last;
	} ranges[2];
};

/* Add one. False: it is no time. *times is zeroed at first. */
bool email_times_add(struct email_times *times, struct span text);

/*
 * What fits: the way in which every time can be read; of both the shorter, since a log is of a week at most. NULL: none.
 */
const struct email_range *email_times_settle(const struct email_times *times);

#endif
