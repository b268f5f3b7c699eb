/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz: what the fuzz targets share. A target is a file t/fuzz_NAME.c with fuzz_name and LLVMFuzzerTestOneInput(); it
 * runs under libFuzzer (configure --enable-fuzz) and, over the files of t/corpus/NAME, in `make check` (fuzz_replay.c).
 * A target states what must hold for every input, not what the answer is.
 */
#ifndef SFDC_FUZZ_H
#define SFDC_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/domain.h"
#include "core/span.h"

/* The name of the target: the folder below t/corpus. */
extern const char fuzz_name[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant; never compiled out. */
#define must(condition)                                                                                                \
	do {                                                                                                               \
		if (!(condition)) {                                                                                            \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
			abort();                                                                                                   \
		}                                                                                                              \
	} while (0)

static inline struct span fuzz_span(const uint8_t *data, size_t size)
{
	return span_make((const char *)data, size);
}

/* Take the bytes up to the next LF, or all that is left; *rest is what follows. */
static inline struct span fuzz_line(struct span *rest)
{
	size_t end = span_find(*rest, 0, '\n');
	struct span line = span_slice(*rest, 0, end);
	*rest = span_slice(*rest, end + 1, rest->length);
	return line;
}

/* Stands in for an IDNA library that may answer anything: bytes above ASCII become "x", everything else stays. */
static inline bool fuzz_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	if (domain.length > DOMAIN_LENGTH_MAX)
		return false;
	for (size_t i = 0; i < domain.length; i++)
		ascii_r[i] = (char)((unsigned char)domain.at[i] >= 0x80 ? 'x' : domain.at[i]);
	ascii_r[domain.length] = '\0';
	return true;
}

#endif
