/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * macros: what an MTA tells of a session beside its steps, kept as it came (MILTER: the D command). Not thread-safe; one
 * connection has its own.
 */
#ifndef SFDC_MTA_MACROS_H
#define SFDC_MTA_MACROS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/facts.h"
#include "core/span.h"

/* The steps for which an MTA tells macros, in the order of a session. */
enum macro_stage {
	MACROS_OF_CONNECT,
	MACROS_OF_HELO,
	MACROS_OF_MAIL,
	MACROS_OF_RCPT,
	MACROS_OF_DATA,
	MACROS_OF_EOH,
	MACROS_OF_EOM,
	MACRO_LISTS
};

/* The macros of one step; zeroed: none. */
struct macro_list {
	char *bytes;
	size_t length;
	bool due; /* told since the last step of that kind */
};

/* Keep what is told for a step, in place of what was told before, until macros_settle(). False without memory. */
bool macros_keep(struct macro_list *list, struct span told);

/* A step is taken: its own macros are those told since the last one of its kind; those of later stages are out of date. */
void macros_settle(struct macro_list macros[MACRO_LISTS], enum macro_stage stage);

/* What was told for the step; absent: nothing. And what was told for it, or for the closest one before it. */
struct span macros_own(const struct macro_list macros[MACRO_LISTS], enum macro_stage stage, const char *name);
struct span macros_value(const struct macro_list macros[MACRO_LISTS], enum macro_stage stage, const char *name);

/* All that MAIL asks of them; *input_r is zeroed first and borrows from macros. */
void macros_read(const struct macro_list macros[MACRO_LISTS], struct session_input *input_r);

/* Release those of one step, or of all from one stage on. */
void macros_forget(struct macro_list *list);
void macros_forget_from(struct macro_list macros[MACRO_LISTS], unsigned stage);

#endif
