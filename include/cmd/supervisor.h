/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * supervisor: the small parent process that keeps the filter running.
 *
 * It forks the filter before any thread exists, holds the signals, and starts the filter again when it ends without
 * having been asked to, after a pause that grows from a tenth of a second to half a minute. SIGHUP and SIGUSR1 reach
 * the filter as SIGUSR1 (reload); SIGTERM and SIGINT as SIGUSR2 (finish what is in flight and end).
 */
#ifndef SFDC_CMD_SUPERVISOR_H
#define SFDC_CMD_SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

/* Exit codes, of sysexits(3). */
#define STATUS_OK 0
#define STATUS_USAGE 64
#define STATUS_CANNOT 75 /* cannot start now */
#define STATUS_CONFIG 78

/* What the filter process needs of its parent. */
struct start {
	int news;    /* descriptor; see supervisor_ready() and supervisor_reloaded() */
	bool detach; /* standard streams go to /dev/null once the filter is ready */
	pid_t parent;
};

struct supervision {
	bool foreground;
	const char *pidfile; /* "" or NULL: none */
	void *context;

	/* The filter, in its own process; its result becomes that process's exit code. */
	int (*filter)(void *context, const struct start *start);

	/* In the parent: read a changed configuration. */
	void (*reload)(void *context);

	/*
	 * In the parent: what was last read is in force, for filters that are started later as well; or it is not, since the
	 * filter refused it.
	 */
	void (*settle)(void *context, bool in_force);

	/* Tell the admin of an error. */
	void (*complain)(void *context, const char *text);

	/* In the parent: do what was left undone, and say whether something still is; then it is called again in a second. */
	bool (*attend)(void *context);

	/* In the parent, when all is over, also after a start that failed. */
	void (*ended)(void *context);

	/* In the parent: seconds the filter has for finishing what is in flight. */
	unsigned (*patience)(void *context);
};

/*
 * Run until told to end. In the background the calling process returns as soon as the filter is ready; so this returns
 * in it and, at the end, in the parent. The result is the exit code.
 */
int supervise(const struct supervision *supervision);

/* In the filter: it can be used now. */
void supervisor_ready(const struct start *start);

/* In the filter: the result of a reload. */
void supervisor_reloaded(const struct start *start, bool in_force);

/* In the filter: end it when the parent is gone. To be called after the user was changed. False: it is gone. */
bool supervisor_follow(const struct start *start);

#endif
