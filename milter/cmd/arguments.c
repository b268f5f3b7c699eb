/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/arguments.h"

#include <getopt.h>
#include <string.h>

#include "cmd/terminal.h"

#define COLUMN 26 /* where explanations begin */

static const struct argument *find(const struct command *command, int id)
{
	for (size_t i = 0; i < command->count; i++)
		if (command->arguments[i].id == id)
			return &command->arguments[i];
	return NULL;
}

static const struct argument *find_letter(const struct command *command, char letter)
{
	for (size_t i = 0; i < command->count; i++)
		if (letter != 0 && command->arguments[i].letter == letter)
			return &command->arguments[i];
	return NULL;
}

static void name_of(const struct argument *argument, char *name_r, size_t size)
{
	if (argument->name)
		snprintf(name_r, size, "--%s", argument->name);
	else
		snprintf(name_r, size, "-%c", argument->letter);
}

const char *arguments_name(const struct command *command, int id, char name_r[ARGUMENTS_PROBLEM_SIZE])
{
	const struct argument *argument = find(command, id);
	name_r[0] = '\0';
	if (argument)
		name_of(argument, name_r, ARGUMENTS_PROBLEM_SIZE);
	return name_r;
}

const char *arguments_closest(struct span word, const char *const *names, size_t count)
{
	const char *best = NULL;
	unsigned least = word.length < 4 ? 2 : word.length < 9 ? 3 : 4; /* one more than what is taken for a slip */
	for (size_t i = 0; i < count; i++) {
		unsigned distance = span_distance(word, span_of(names[i]));
		if (distance < least) {
			least = distance;
			best = names[i];
		}
	}
	return best;
}

/* A letter alone: the word in which it stands may hold others that are right. */
static void report_letter(char letter, bool unknown, char problem_r[ARGUMENTS_PROBLEM_SIZE])
{
	char shown[8];
	terminal_escape(span_make(&letter, 1), shown, sizeof shown);
	snprintf(problem_r, ARGUMENTS_PROBLEM_SIZE, unknown ? "-%s is no option" : "-%s needs a value", shown);
}

/* The word as it was typed, without the value behind "=". */
static void report_word(const struct command *command, const char *typed, bool unknown,
                        char problem_r[ARGUMENTS_PROBLEM_SIZE])
{
	const char *names[ARGUMENTS_MAX + 1] = { "help" };
	size_t count = 1;
	char shown[80];
	struct span word = span_of(typed);
	word = span_slice(word, 0, span_find(word, 0, '='));
	terminal_escape(span_slice(word, 0, 60), shown, sizeof shown);
	for (size_t i = 0; i < command->count && count < sizeof names / sizeof names[0]; i++)
		if (command->arguments[i].name)
			names[count++] = command->arguments[i].name;
	const char *closest = unknown ? arguments_closest(span_slice(word, 2, word.length), names, count) : NULL;
	snprintf(problem_r, ARGUMENTS_PROBLEM_SIZE, "%s %s%s%s%s", shown, unknown ? "is no option" : "needs a value",
	         closest ? "; did you mean --" : "", closest ? closest : "", closest ? "?" : "");
}

/* getopt's tables, from ours. */
static void make_tables(const struct command *command, char letters_r[2 * ARGUMENTS_MAX + 4],
                        struct option options_r[ARGUMENTS_MAX + 2])
{
	size_t at = 0;
	size_t count = 0;
	letters_r[at++] = ':';
	letters_r[at++] = 'h';
	options_r[count++] = (struct option) { "help", no_argument, NULL, ARGUMENTS_HELP };
	for (size_t i = 0; i < command->count && i < ARGUMENTS_MAX; i++) {
		const struct argument *argument = &command->arguments[i];
		if (argument->letter != 0) {
			letters_r[at++] = argument->letter;
			if (argument->value)
				letters_r[at++] = ':';
		}
		if (argument->name)
			options_r[count++] = (struct option) { argument->name, argument->value ? required_argument : no_argument,
				                                   NULL, argument->id };
	}
	letters_r[at] = '\0';
	options_r[count] = (struct option) { NULL, 0, NULL, 0 };
}

/* What getopt found, as it tells: the letter, or the id of a long option; neither can be taken for the other. */
static const struct argument *find_told(const struct command *command, int told)
{
	return told >= ARGUMENTS_ID_END ? find_letter(command, (char)told) : find(command, told);
}

/* Of a long option that is not known getopt tells nothing in optopt. */
static void report(const struct command *command, const char *word, bool unknown,
                   char problem_r[ARGUMENTS_PROBLEM_SIZE])
{
	if (optopt != 0 && optopt != ARGUMENTS_HELP && optopt >= ARGUMENTS_ID_END)
		report_letter((char)optopt, unknown, problem_r);
	else if (optopt != 0 && unknown)
		snprintf(problem_r, ARGUMENTS_PROBLEM_SIZE, "--%s takes no value",
		         optopt == ARGUMENTS_HELP ? "help" : find(command, optopt)->name);
	else
		report_word(command, word, unknown, problem_r);
}

int arguments_next(const struct command *command, int argc, char **argv, char problem_r[ARGUMENTS_PROBLEM_SIZE])
{
	char letters[2 * ARGUMENTS_MAX + 4];
	struct option options[ARGUMENTS_MAX + 2];
	make_tables(command, letters, options);
	problem_r[0] = '\0';
	opterr = 0;
	int told = getopt_long(argc, argv, letters, options, NULL);
	if (told == -1)
		return ARGUMENTS_END;
	if (told == 'h' || told == ARGUMENTS_HELP)
		return ARGUMENTS_HELP;
	if (told != '?' && told != ':')
		return find_told(command, told)->id;
	report(command, argv[optind - 1], told == '?', problem_r);
	return ARGUMENTS_WRONG;
}

void arguments_usage(FILE *out, const struct command *command)
{
	int indent = fprintf(out, "usage: %s ", command->name);
	for (const char *at = command->synopsis; *at; at++) {
		putc(*at, out);
		if (*at == '\n')
			fprintf(out, "%*s", indent, "");
	}
	putc('\n', out);
}

static void help_row(FILE *out, const char *left, const char *right)
{
	size_t used = (size_t)fprintf(out, "  %s", left);
	if (used + 2 > COLUMN) {
		putc('\n', out);
		used = 0;
	}
	terminal_fold(out, span_of(right), used, COLUMN);
}

static void help_argument(FILE *out, const struct argument *argument)
{
	char left[ARGUMENTS_PROBLEM_SIZE];
	char letter[] = { '-', argument->letter, '\0' };
	snprintf(left, sizeof left, "%s%s%s%s%s%s", argument->letter != 0 ? letter : "",
	         argument->letter != 0 && argument->name ? ", " : "", argument->name ? "--" : "",
	         argument->name ? argument->name : "", argument->value ? " " : "", argument->value ? argument->value : "");
	help_row(out, left, argument->help);
}

void arguments_list(FILE *out, const struct command *command)
{
	for (size_t i = 0; i < command->count; i++)
		help_argument(out, &command->arguments[i]);
	help_row(out, "-h, --help", "show this text and exit");
}

void arguments_help(FILE *out, const struct command *command)
{
	char code[16];
	arguments_usage(out, command);
	putc('\n', out);
	terminal_fold(out, span_of(command->about), 0, 0);
	putc('\n', out);
	arguments_list(out, command);
	fputs("\nExit status:\n", out);
	for (size_t i = 0; i < command->exit_count; i++) {
		snprintf(code, sizeof code, "%d", command->exits[i].code);
		fprintf(out, "  %-4s", code);
		terminal_fold(out, span_of(command->exits[i].meaning), 6, 6);
	}
	fprintf(out, "\nExample:\n%s\nSee %s.\n", command->example, command->manual);
}
