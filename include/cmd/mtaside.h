/*
 * mtaside: what Postfix or Sendmail has to be told so that this milter sees what it needs and is never passed by.
 */
#ifndef SFDC_CMD_MTASIDE_H
#define SFDC_CMD_MTASIDE_H

#include <stdio.h>

#include "core/settings.h"

/*
 * Print the lines for that MTA (MTA_POSTFIX or MTA_SENDMAIL) and the socket, domains, networks and AUTH users of settings,
 * and what to check besides. They are those of conf/postfix-main.cf, postfix-master.cf and sendmail.mc: t/relayctl_config.t
 * compares them.
 */
void mtaside_print(FILE *out, enum mta mta, const struct settings *settings);

#endif
