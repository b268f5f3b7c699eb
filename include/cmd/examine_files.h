/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * examine_files: the messages of files, mboxes and Maildirs through the engine, one after the other, and what is shown of
 * them. One thread.
 */
#ifndef SFDC_CMD_EXAMINE_FILES_H
#define SFDC_CMD_EXAMINE_FILES_H

#include <stdbool.h>

#include "cmd/session.h"
#include "core/environment.h"
#include "core/settings.h"

struct examine_files {
	const struct settings *settings;
	struct environment *environment;
	const struct session *session; /* of every message */
	bool json;
	bool explain;
	bool trace;
	bool trace_hops;
};

/*
 * operands end in NULL. A message alone gets a block of lines; of several each gets one line, unless more is asked for, and
 * they are summed up. What cannot be used is complained of, and the next one taken. Returns the exit code, of several the
 * worst: unusable input, then reject, tempfail, quarantine.
 */
int examine_files(const struct examine_files *request, char *const *operands);

#endif
