/* SPDX-License-Identifier: BSD-2-Clause */
/* letter: a message as an MTA hands it to a milter, field by field. */
#ifndef SFDC_BENCH_LETTER_H
#define SFDC_BENCH_LETTER_H

#include <stdbool.h>
#include <stddef.h>

/* One field of a header: the value as it followed the colon, folds as LF and white space. */
struct field {
	const char *name;
	const char *value;
};

struct letter {
	struct field *fields;
	size_t field_count;
	const char *body; /* lines end in CRLF */
	size_t body_length;
};

/* Cut a message with CRLF line ends into its parts, which then refer to text. False without memory or header. */
bool letter_parse(char *text, size_t length, struct letter *letter_r);

#endif
