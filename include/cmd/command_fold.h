/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command_fold: commands for a shell, printed no wider than the screen, so that they can be pasted as they stand.
 */
#ifndef SFDC_CMD_COMMAND_FOLD_H
#define SFDC_CMD_COMMAND_FOLD_H

#include <stddef.h>
#include <stdio.h>

#include "core/span.h"

/*
 * Print each line of command, "$ " before it, at column indent. What is wider is cut between words, with a backslash at the
 * end; a word in single quotes that is wider still is cut behind commas, and goes on in the first column.
 */
void command_fold(FILE *out, struct span command, size_t indent);

#endif
