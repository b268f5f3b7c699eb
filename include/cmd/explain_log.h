/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain_log: one message in words, from its lines in the log: what was seen, what failed, what would have to change.
 */
#ifndef SFDC_CMD_EXPLAIN_LOG_H
#define SFDC_CMD_EXPLAIN_LOG_H

#include <stdbool.h>

#include "cmd/logs.h"

/* Whether text may be a session ID, a queue ID or a Message-ID: one word that looks like one. */
bool explain_log_is_id(struct span text);

/*
 * Explain the message of that ID. The exit code: RELAYCTL_GOOD, RELAYCTL_REJECT where no line has it, RELAYCTL_INPUT where
 * no line has it and a file could not be read, RELAYCTL_TEMPFAIL without memory.
 */
int explain_log(struct span id, const struct logs *logs, bool json);

#endif
