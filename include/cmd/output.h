/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output: one examined message, for people and as JSON.
 */
#ifndef SFDC_CMD_OUTPUT_H
#define SFDC_CMD_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd/hops.h"
#include "cmd/opinions.h"
#include "cmd/terminal.h"
#include "core/edits.h"
#include "core/examine.h"
#include "core/log_entry.h"
#include "core/reply.h"

/* What is shown of one message; everything is borrowed. */
struct view {
	const char *name;     /* of the message, for people */
	const char *file;     /* that it is in */
	unsigned long number; /* its place in an mbox, from 1; 0 elsewhere */
	const struct examination *examination;
	struct reply reply;             /* to what is done, or else to what would be done */
	struct edits edits;             /* empty for a message that is refused */
	const struct opinion *opinions; /* of libspf2; NULL: not asked for */
	const struct hops *hops;        /* NULL: not asked for */
};

/* Fill *view_r; the file is that of the name. False without memory. */
bool view_make(const char *name, struct examination *examination, struct view *view_r);

/* The worse of what is done and what would be done: VERDICT_REJECT before TEMPFAIL before QUARANTINE before the rest. */
enum verdict view_outcome(const struct view *view);

/* How a verdict is set off. */
enum shade output_shade(enum verdict verdict);

/*
 * An aligned block of lines. explained: every check, with the second opinions on it, and every sentence is told in words, and
 * lines are folded at the width of the screen.
 */
void output_plain(FILE *out, const struct view *view, bool explained);

/* One JSON object on a line of its own. False without memory. */
bool output_json(FILE *out, const struct view *view);

/* The state of the judgement after a step. */
void output_trace(FILE *out, const struct examination *examination);

/* Where the words of a check begin in its row. */
#define PRESENT_WORDS_COLUMN 25
#define PRESENT_WORDS_SIZE (LOG_PRINTABLE_SIZE + 512)

/*
 * The words of a check, with its reason and detail, and the second opinions on it: the rest of its row. needed: the check
 * decided, so what to do is told as well.
 */
void output_words(FILE *out, const struct view *view, enum check_id check, bool needed);

/* Every sentence and its state. */
void output_sentences(FILE *out, const struct view *view);

/* The bounds of every check as the judgement has it. */
void output_bounds(const struct judgement *judgement, struct bounds bounds_r[CHECK_COUNT]);

/* "holds", "is broken" or "is open". */
const char *output_state(const struct sentence *sentence, const struct bounds bounds[CHECK_COUNT]);

#endif
