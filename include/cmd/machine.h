/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine: what a configuration asks of this machine, and the loader cannot know: its user, its group, and a socket that the
 * MTA can reach.
 */
#ifndef SFDC_CMD_MACHINE_H
#define SFDC_CMD_MACHINE_H

#include <stdbool.h>

#include "config/loader.h"
#include "mta/listener.h"

/* As whom Postfix connects to a milter, where there is one (its mail_owner). Sendmail does as root, who gets everywhere. */
#define MACHINE_MTA_USER "postfix"

/* The socket's options of settings, whose strings they are; socket, if not NULL, overrides the one that is configured. */
void machine_listener(const struct settings *settings, const char *socket, struct listener_options *options_r);

/* The same of metrics.listen; false: there is none. */
bool machine_metrics_listener(const struct settings *settings, struct listener_options *options_r);

/*
 * Add to *problems, each with its place: as errors what keeps the filter from starting, as warnings what keeps the MTA from
 * reaching it. socket: as above. here: the filter is started by this process; else by root, as is usual.
 */
void machine_check(const struct settings *settings, const char *socket, bool here, struct problems *problems);

#endif
