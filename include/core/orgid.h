/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orgid: Salesforce organization IDs, 15 characters (case-sensitive) or 18 (with a checksum of the letters' case).
 *
 * An ID is "00D" and 12 more letters or digits. The three further characters of the long form encode, for each group
 * of five, which of them are upper-case letters (A-Z and 0-5 stand for 0..31, lowest bit first).
 * Source: Salesforce's description of 15- and 18-character IDs. Pure and thread-safe.
 */
#ifndef SFDC_CORE_ORGID_H
#define SFDC_CORE_ORGID_H

#include <stdbool.h>

#include "core/span.h"

#define ORGID_SHORT 15
#define ORGID_LONG 18

/* Always holds the 18-character form, NUL-terminated; the short form is its first 15 characters. */
struct orgid {
	char text[ORGID_LONG + 1];
};

enum orgid_status {
	ORGID_UNSET,
	ORGID_OK,
	ORGID_LENGTH,    /* neither 15 nor 18 characters */
	ORGID_CHARACTER, /* something else than letters and digits */
	ORGID_PREFIX,    /* does not begin with 00D */
	ORGID_CHECKSUM   /* 18 characters whose last three do not fit the first 15 */
};

/* Parse the exact text of an ID, no white space around it. *id_r is set for ORGID_OK only. */
enum orgid_status orgid_parse(struct span text, struct orgid *id_r);

/*
 * The ID of a user, which has the same form but for its prefix, "005". *id_r is the long form of either, and set only if
 * true is returned.
 */
bool userid_parse(struct span text, struct orgid *id_r);

/* Whether two IDs name the same organization: the first 15 characters, case-sensitive. Zeroed memory equals no ID. */
bool orgid_equal(const struct orgid *a, const struct orgid *b);

/* The 15-character form, borrowed from id; absent for zeroed memory. */
struct span orgid_short(const struct orgid *id);

/* What is wrong, as the end of a sentence "... is not an organization ID: %s". */
const char *orgid_problem(enum orgid_status status);

/* Compute the three checksum characters of 15 letters and digits. */
void orgid_checksum(const char text[ORGID_SHORT], char checksum_r[3]);

#endif
