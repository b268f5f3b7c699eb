/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session_log: the session of a message that was judged before, from its line in the log of the daemon. One thread.
 */
#ifndef SFDC_CMD_SESSION_LOG_H
#define SFDC_CMD_SESSION_LOG_H

#include <stdbool.h>

#include "cmd/session.h"

/*
 * Take over what a line of any form that the log is kept in tells of the session (history/entry.h); mta is whose it was,
 * for the line does not say. What cannot be taken over as it was - values that the log cut, keys that are not known here,
 * what no line tells and this one's outcome shows to matter - is handed to warn, as a sentence. The recipients are as many
 * as the line says, with mailers that are not told.
 * False, with problem_r saying why: it is no such line, or there is no memory.
 */
bool session_take_log(struct session *session, enum mta mta, struct span line, void (*warn)(const char *text),
                      char problem_r[SESSION_PROBLEM_SIZE]);

#endif
