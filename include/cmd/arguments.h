/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arguments: the command line of a program or subcommand, from one table: what getopt takes, and what --help explains,
 * so that there is no option without its explanation.
 *
 * Every command line also takes -h and --help. One thread, since getopt has state of its own.
 */
#ifndef SFDC_CMD_ARGUMENTS_H
#define SFDC_CMD_ARGUMENTS_H

#include <stddef.h>
#include <stdio.h>

#include "core/span.h"

#define ARGUMENTS_MAX 32
#define ARGUMENTS_PROBLEM_SIZE 200

struct argument {
	int id;            /* what arguments_next() returns; 0 < id < ARGUMENTS_ID_END */
	char letter;       /* 'c' for -c, or 0 */
	const char *name;  /* "client-ip" for --client-ip, or NULL */
	const char *value; /* what its value is called, or NULL: it takes none */
	const char *help;
};

struct exit_status {
	int code;
	const char *meaning;
};

/* A program, or one of its subcommands. Static. */
struct command {
	const char *name;     /* as it is called: "sfdc-relayctl check-config" */
	const char *synopsis; /* what follows the name; lines are separated by "\n" */
	const char *about;    /* what it does */
	const struct argument *arguments;
	size_t count; /* <= ARGUMENTS_MAX */
	const struct exit_status *exits;
	size_t exit_count;
	const char *example; /* whole lines */
	const char *manual;  /* "sfdc-relayctl(1)" */
};

#define ARGUMENTS_ID_END 48 /* below the letters and digits */

#define ARGUMENTS_END (-1)
#define ARGUMENTS_HELP 1000
#define ARGUMENTS_WRONG 1001

/*
 * The next option of the command line: its id, with its value in optarg; ARGUMENTS_HELP; ARGUMENTS_WRONG, with problem_r
 * saying what is wrong, the option named as it was typed; or ARGUMENTS_END, and optind is the first operand. Options may
 * stand behind operands.
 */
int arguments_next(const struct command *command, int argc, char **argv, char problem_r[ARGUMENTS_PROBLEM_SIZE]);

/* "--client-ip", or "-c". Of a row there is. */
const char *arguments_name(const struct command *command, int id, char name_r[ARGUMENTS_PROBLEM_SIZE]);

/* What may have been meant by a word: the name closest to it, or NULL if there is none close. */
const char *arguments_closest(struct span word, const char *const *names, size_t count);

/* "usage: NAME SYNOPSIS" */
void arguments_usage(FILE *out, const struct command *command);

/* A row for each option, folded at the width of the screen. */
void arguments_list(FILE *out, const struct command *command);

/* The whole explanation, folded at the width of the screen. */
void arguments_help(FILE *out, const struct command *command);

#endif
