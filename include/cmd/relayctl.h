/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relayctl: what the subcommands of sfdc-relayctl share: their table, exit codes, files and JSON.
 *
 * Every entry point takes the arguments from its own name on, writes to standard output, complains on standard error,
 * and returns the exit code. One thread.
 */
#ifndef SFDC_CMD_RELAYCTL_H
#define SFDC_CMD_RELAYCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cmd/arguments.h"
#include "cmd/terminal.h"
#include "config/loader.h"
#include "core/span.h"

/* Exit codes; those from 64 on are of sysexits.h. */
enum relayctl_exit {
	RELAYCTL_GOOD = 0,
	RELAYCTL_REJECT = 1,     /* org-id: one is wrong; check-mta: there is a hole */
	RELAYCTL_QUARANTINE = 2, /* check-mta: there is advice */
	RELAYCTL_USAGE = 64,
	RELAYCTL_INPUT = 65,    /* unusable input */
	RELAYCTL_TEMPFAIL = 75, /* also: no memory, cannot write */
	RELAYCTL_CONFIG = 78
};

#define RELAYCTL_CONFIG_FILE SYSCONFDIR "/sfdc-milter/sfdc-milter.yaml"

/* A subcommand. Its entry point takes the arguments from its own name on. */
struct subcommand {
	struct command command;
	int (*run)(int argc, char **argv);
};

extern const struct subcommand check_config_subcommand;
extern const struct subcommand check_domain_subcommand;
extern const struct subcommand check_message_subcommand;
extern const struct subcommand check_mta_subcommand;
extern const struct subcommand check_relay_subcommand;
extern const struct subcommand explain_subcommand;
extern const struct subcommand import_org_subcommand;
extern const struct subcommand org_id_subcommand;
extern const struct subcommand reconcile_subcommand;
extern const struct subcommand replay_subcommand;
extern const struct subcommand report_subcommand;
extern const struct subcommand status_subcommand;
extern const struct subcommand waiting_subcommand;

/* What every subcommand says of -c. */
#define RELAYCTL_CONFIG_HELP "read this configuration instead of " RELAYCTL_CONFIG_FILE

/* Complain: "sfdc-relayctl: ..." on standard error. What others wrote is to be made printable by the caller. */
void relayctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complain of a file: "sfdc-relayctl: NAME: ...". */
void relayctl_complain_of(const char *file, const char *problem);

/* Complain and point to the help; returns RELAYCTL_USAGE. */
int relayctl_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * What is left to do for an id that is no option of the subcommand's own: ARGUMENTS_HELP shows the help and gives
 * RELAYCTL_GOOD, ARGUMENTS_WRONG complains of problem and gives RELAYCTL_USAGE.
 */
int relayctl_end(const struct command *command, int id, const char *problem);

/* Load a configuration; errors and warnings are in *problems_r, to be released. NULL: there was an error. To be released with settings_free(). */
struct settings *relayctl_load(const char *path, struct problems *problems_r);

/* Print problems, or the errors alone, on standard error. */
void relayctl_print_problems(const char *path, const struct problems *problems, bool warnings);

/*
 * Read a whole file; "-" is standard input. False, with problem_r saying why, when it cannot be read, or is no regular
 * file (opening a FIFO would wait, a device would never end). The bytes are on the heap, to be freed by the caller.
 */
#define RELAYCTL_PROBLEM_SIZE 160
bool relayctl_read(const char *path, struct span *content_r, char problem_r[RELAYCTL_PROBLEM_SIZE]);

/* Read a descriptor to its end, as above. False: errno says why; EFBIG: there are more than most bytes. */
bool relayctl_read_stream(int in, size_t most, struct span *content_r);

/* Why a file is none that can be read to its end, as a sentence; NULL: it is a regular file. */
const char *relayctl_endless(const struct stat *status);

/* Text that a sender may have written, as JSON: printable ASCII, as in the log. NULL without memory. */
json_t *relayctl_json_shown(struct span text);

/* Text of our own, or the admin's, whole; made printable if it is no UTF-8. NULL without memory. */
json_t *relayctl_json_whole(struct span text);

/* Print an object on a line of its own, and release it. False without memory. */
bool relayctl_json_print(FILE *out, json_t *object);

#endif
