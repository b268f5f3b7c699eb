/* SPDX-License-Identifier: BSD-2-Clause */
/* changes: what is done at its end with a message that was not refused, in packets. */
#ifndef SFDC_MTA_CHANGES_H
#define SFDC_MTA_CHANGES_H

#include "mta/buffer.h"
#include "mta/session.h"

/* Write the edits of the header, and the quarantine. False: it cannot be done, which is logged; the message is deferred. */
bool changes_write(struct session *session, struct buffer *out);

#endif
