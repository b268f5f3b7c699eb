/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tap: the Test Anything Protocol for unit tests in C. ok() prints one line for each assertion; done_testing() prints
 * the plan and gives the exit code. A failure names file, line and what was got.
 */
#ifndef SFDC_TAP_H
#define SFDC_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/span.h"

static unsigned tap_run;
static unsigned tap_failed;

static inline bool tap_ok(bool good, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static inline bool tap_ok(bool good, const char *file, int line, const char *format, ...)
{
	char name[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(name, sizeof name, format, arguments);
	va_end(arguments);
	/* A name is one line. */
	for (char *end = strchr(name, '\n'); end; end = strchr(end, '\n'))
		*end = ' ';
	printf("%sok %u - %s\n", good ? "" : "not ", ++tap_run, name);
	if (!good) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return good;
}

#define ok(good, ...) tap_ok((good), __FILE__, __LINE__, __VA_ARGS__)

/* Compare two texts and show both when they differ. */
static inline bool tap_is(struct span got, struct span want, const char *file, int line, const char *what)
{
	bool good = span_equal(got, want) && span_absent(got) == span_absent(want);
	tap_ok(good, file, line, "%s", what);
	if (!good)
		printf("# got  [%.*s]%s\n# want [%.*s]%s\n", (int)got.length, got.at ? got.at : "", got.at ? "" : " absent",
		       (int)want.length, want.at ? want.at : "", want.at ? "" : " absent");
	return good;
}

#define is_span(got, want, what) tap_is((got), (want), __FILE__, __LINE__, (what))
#define is_text(got, want, what) tap_is(span_of(got), span_of(want), __FILE__, __LINE__, (what))

static inline int done_testing(void)
{
	printf("1..%u\n", tap_run);
	return tap_failed != 0 || tap_run == 0;
}

#endif
