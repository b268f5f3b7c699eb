/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal: text for people: its width, its colors, and bytes that somebody else wrote.
 *
 * Colors are used on a terminal only, and not where NO_COLOR is set or TERM is "dumb". One thread.
 */
#ifndef SFDC_CMD_TERMINAL_H
#define SFDC_CMD_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/span.h"

/* How text is set off on the screen. */
enum shade { SHADE_PLAIN, SHADE_GOOD, SHADE_BAD, SHADE_DOUBT, SHADE_DIM, SHADE_STRONG };

/* Columns of a line: what COLUMNS says, else what the terminal has, else 80. Between 40 and 1000. */
size_t terminal_width(FILE *out);

/* Print text padded to width, in color if out is a terminal that wants it. Bytes are made printable (record.h). */
void terminal_put(FILE *out, enum shade shade, struct span text, int width);

/* Print bytes that somebody else wrote, made printable. */
void terminal_printable(FILE *out, struct span text);

/* The same into memory, ended by NUL; what does not fit is cut. */
void terminal_escape(struct span text, char *to, size_t size);

/*
 * Print printable text and a line break, folded between words so that no line is wider than the screen, unless a word
 * alone is. used columns of the first line are taken; its text, and that of the following lines, begins at column indent.
 */
void terminal_fold(FILE *out, struct span text, size_t used, size_t indent);

/*
 * A line that shows how far a long work is, "[=====>     ]  42%  1234 messages", the last of the screen; on a terminal
 * only, else these do nothing. It is drawn when the percentage changes, and every TERMINAL_PROGRESS_STEP items.
 */
#define TERMINAL_PROGRESS_STEP 100

struct progress {
	FILE *out;                /* NULL: no terminal */
	unsigned long long total; /* 0: not known, so there is no bar */
	unsigned percent;
	bool shown;
};

void progress_init(struct progress *progress, FILE *out, unsigned long long total);

/* done of total; items, and what they are: "messages". */
void progress_show(struct progress *progress, unsigned long long done, unsigned long items, const char *what);

/* Take it away, before something else is printed and at the end. */
void progress_clear(struct progress *progress);

#endif
