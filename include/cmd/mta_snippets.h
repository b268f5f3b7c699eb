/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mta_snippets: what Postfix or Sendmail has to be told so that this milter sees what it needs and is never passed by.
 */
#ifndef SFDC_CMD_MTA_SNIPPETS_H
#define SFDC_CMD_MTA_SNIPPETS_H

#include <stdio.h>

#include "core/settings.h"

/* The port that they make for Salesforce, in Postfix and in Sendmail. */
#define MTA_SNIPPETS_PORT 10025

/*
 * Print what that MTA (MTA_POSTFIX or MTA_SENDMAIL) needs for the socket, domains, networks and AUTH users of settings, and
 * what is to be known besides. For Postfix all of it is input for a shell, what is to be known in comments; a socket whose
 * path would need quoting gives no command. They are the settings of conf/postfix-master.cf and sendmail.mc:
 * t/relayctl_config.t compares them.
 */
void mta_snippets_print(FILE *out, enum mta mta, const struct settings *settings);

#endif
