/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal: text for people: its width, its colors, and bytes that somebody else wrote.
 *
 * Colors are used on a terminal only, and not where NO_COLOR is set or TERM is "dumb". One thread.
 */
#ifndef SFDC_CMD_TERMINAL_H
#define SFDC_CMD_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

#include "core/span.h"

/* How text is set off on the screen. */
enum shade { SHADE_GOOD, SHADE_BAD, SHADE_DOUBT, SHADE_DIM, SHADE_STRONG };

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

#endif
