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

struct filter {
	const char *config;        /* absolute path of the configuration file */
	const char *socket;        /* NULL: the configured one */
	struct log *log;
	struct settings *settings; /* in force when a filter starts; owned */
	struct problems warnings;  /* of those settings; owned */
};

/* The socket's options under these settings. The strings belong to them. */
void filter_listener(const struct filter *filter, const struct settings *settings, struct listener_options *options_r);

/* Tell the admin of an error, in the log and, where that is elsewhere, on standard error. */
void filter_complain(const struct filter *filter, const char *text);

/* The life of the filter process. Takes over filter->settings. Returns its exit code. */
int filter_run(struct filter *filter, const struct start *start);

#endif
