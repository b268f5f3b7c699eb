/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter: the process that does the work: listens, examines messages, reloads and stops when it is told to.
 */
#ifndef SFDC_CMD_FILTER_H
#define SFDC_CMD_FILTER_H

#include <stdbool.h>

#include "cmd/supervisor.h"
#include "config/loader.h"
#include "core/settings.h"
#include "mta/listener.h"
#include "observe/log.h"

/* A configuration and what is to be said of it. Zeroed: none. */
struct reading {
	struct settings *settings;
	struct problems warnings;
};

struct filter {
	const char *config; /* absolute path of the configuration file */
	const char *socket; /* NULL: the configured one */
	struct log *log;
	struct reading in_force; /* when a filter starts */
	struct reading changed;  /* was read since, and is not in force yet */
	/* What the program was started with, and what a reload does not change. */
	struct listener_options listener; /* socket NULL: nothing is kept yet */
	struct listener_options metrics;  /* socket "": there is none */
	const char *user;
	char *kept[4]; /* their strings, and the user; owned */
};

/* Load the configuration; settings are NULL when it has an error, which the warnings then tell. */
void reading_load(struct reading *reading_r, const char *config);

/* Release it. Harmless on zeroed memory. */
void reading_clear(struct reading *reading);

/* Keep the socket's options and the user of the configuration in force for as long as the program runs. False: no memory. */
bool filter_fix(struct filter *filter);

/* Release the configurations and what filter_fix() keeps. */
void filter_clear(struct filter *filter);

/* The socket's options: those that are kept, or those of these settings, to which the strings then belong. */
void filter_listener(const struct filter *filter, const struct settings *settings, struct listener_options *options_r);

/* Tell the admin of an error, in the log and, where that is elsewhere, on standard error. */
void filter_complain(const struct filter *filter, const char *text);

/* The life of the filter process. Takes over filter->in_force. Returns its exit code. */
int filter_run(struct filter *filter, const struct start *start);

#endif
