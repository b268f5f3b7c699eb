/*
 * mtaside: what Postfix or Sendmail has to be told so that this milter sees what it needs and is never passed by.
 */
#ifndef SFDC_CMD_MTASIDE_H
#define SFDC_CMD_MTASIDE_H

#include <stdio.h>

#include "core/settings.h"

/* Print the lines for that MTA (MTA_POSTFIX or MTA_SENDMAIL) and the socket of settings, and what to check besides. */
void mtaside_print(FILE *out, enum mta mta, const struct settings *settings);

#endif
