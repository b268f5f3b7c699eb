/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suggestion: an organization's section of the configuration, learnt from logs (history/suggest.h).
 */
#ifndef SFDC_CMD_SUGGESTION_H
#define SFDC_CMD_SUGGESTION_H

#include <stdbool.h>

#include "cmd/logs.h"
#include "cmd/relayctl.h"

/* Read the logs and print it, as YAML or as JSON. The exit code. */
int suggestion_print(const struct command *command, const struct logs *logs, const char *org, bool json);

#endif
