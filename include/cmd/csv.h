/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * csv: rows of comma-separated values (RFC 4180), from whatever hands out bytes.
 *
 * Fields may be quoted and hold separators, doubled quotes and line breaks. A byte order mark is left out; the
 * separator is the one of ",", ";" and TAB that stands most often in the first line; rows end in LF, CRLF or CR.
 * Empty lines are no rows. Memory is the same whatever is read. One thread.
 */
#ifndef SFDC_CMD_CSV_H
#define SFDC_CMD_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/span.h"

#define CSV_ROW_MAX ((size_t)1 << 18) /* bytes of all fields */
#define CSV_FIELDS_MAX 256

enum csv_status {
	CSV_ROW,
	CSV_MALFORMED, /* larger than a row may be, or its last quote is missing: it was passed over */
	CSV_END,
	CSV_FAILED /* the bytes could not be read: errno */
};

struct csv_row {
	size_t count;
	const struct span *fields; /* any bytes; they live until the next call */
};

struct csv;

/* read: as read(2). NULL without memory. csv_free(NULL) is harmless. */
struct csv *csv_new(ssize_t (*read)(void *context, char *to, size_t size), void *context);
void csv_free(struct csv *csv);

enum csv_status csv_next(struct csv *csv, struct csv_row *row_r);

#endif
