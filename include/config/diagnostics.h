/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diagnostics: what is wrong with a configuration, collected while it is read and delivered in the order of its files.
 *
 * Every finding has a place. Findings are sorted by file, line and column, whatever the order in which they were made.
 * Want of memory is remembered and counts as an error. One load, one thread.
 */
#ifndef SFDC_CONFIG_DIAGNOSTICS_H
#define SFDC_CONFIG_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/loader.h"
#include "core/span.h"

/* A file under its name, as messages show it. */
struct source {
	const char *name;
	unsigned order;   /* diagnostics are sorted by it first */
	struct span text; /* its content, without a byte order mark; absent once it is not needed any more */
};

/* Lines and columns (in characters) count from 1. Line 0: the file as a whole. */
struct place {
	const struct source *source;
	unsigned line;
	unsigned column;
};

struct diagnostic {
	enum problem_severity severity;
	unsigned order, line, column;
	size_t number; /* keeps what stands at one place in the order in which it was found */
	char *text;
};

struct diagnostics {
	size_t count;
	size_t room;
	size_t errors;
	struct diagnostic *items;
	bool no_memory;
};

void diagnostics_init(struct diagnostics *diagnostics);
void diagnostics_clear(struct diagnostics *diagnostics);

/* "what is wrong; what to do", without the place, which is put before it. */
void diagnostic_error(struct diagnostics *diagnostics, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void diagnostic_warning(struct diagnostics *diagnostics, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sort what was found and append it to problems. diagnostics is empty afterwards. */
void diagnostics_deliver(struct diagnostics *diagnostics, struct problems *problems);

/* "FILE:LINE:COLUMN" of a place, for messages that name a second one; printable like a value that is shown. */
struct place_text {
	char text[512];
};
struct place_text place_text(struct place place);

/*
 * A value as messages show it: in quotes, control characters and what is no UTF-8 as \xNN, cut when it is long. To be
 * used as shown(value).text, which lives as long as the expression.
 */
struct shown {
	char text[96];
};
struct shown shown(struct span value);

/* The same without the quotes. */
struct shown shown_bare(struct span value);

#endif
