/*
 * apply: the one place where a verdict becomes calls of libmilter.
 */
#ifndef SFDC_MTA_APPLY_H
#define SFDC_MTA_APPLY_H

#include <stdbool.h>

#include <libmilter/mfapi.h>

#include "mta/session.h"

/*
 * What the callback is to return for a refusal; sets the SMTP reply. When that cannot be set the MTA's own text goes
 * with the same kind of refusal.
 */
sfsistat apply_refusal(SMFICTX *context, const struct refusal *refusal);

/*
 * Change, and quarantine where the verdict says so, the message that has reached its end without being refused. False:
 * something could not be asked of the MTA, and the message must be deferred.
 */
bool apply_edits(SMFICTX *context, struct session *session);

#endif
