/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * standing: what room the questions of one message have (admission.h): what their names are to the configuration, and
 * who asks.
 *
 * Keys of domains that an organization lists are in ROOM_NAMED if the selector is listed too, in ROOM_BELOW else: a sender
 * can invent selectors, so a message has at most STANDING_KEYS_MAX questions for them, and proves them good by passing
 * (resolver_learn()). So are all names below a wildcard, which a sender can invent as well. SPF of ip.spf, and SPF and DMARC
 * of listed domains, are in ROOM_NAMED with all that their evaluation leads to; but for names into which a macro puts what the
 * sender chose, which are in ROOM_BELOW, and those that the client's reverse zone gives. Everything else is a stranger's.
 *
 * One message, one thread.
 */
#ifndef SFDC_EVIDENCE_STANDING_H
#define SFDC_EVIDENCE_STANDING_H

#include <stdbool.h>

#include "core/answer.h"
#include "core/asker.h"
#include "core/facts.h"
#include "core/settings.h"
#include "evidence/admission.h"

#define STANDING_KEYS_MAX 2

struct standing {
	const struct settings *settings;
	const struct facts *facts;
	unsigned option_map_left;
};

void standing_init(struct standing *standing, const struct settings *settings, const struct facts *facts);

/* False without memory (of the facts' arena). standing must outlive what is done with *applicant_r. */
bool standing_applicant(struct standing *standing, const struct origin *origin, const struct question *question,
                        struct applicant *applicant_r);

/* Whether a key of a domain may be learnt, once it made a signature pass: it is one that some organization lists. */
bool standing_owns(const struct standing *standing, struct span domain);

#endif
