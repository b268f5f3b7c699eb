/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policies: SPF and DMARC evidence of one message: runs the pure evaluators (core/spf.h, core/dmarc.h) over the facts
 * and turns their outcomes into facts.
 *
 * Three kinds: the SPF result of the envelope sender (of the HELO name where the sender is null); for each name of
 * ip.spf whether its record vouches for the client, and does not vouch for everybody; the DMARC result of the author
 * domain. Like core/dkim_walk.h they hand out questions, take answers and never wait. Not thread-safe.
 */
#ifndef SFDC_EVIDENCE_POLICIES_H
#define SFDC_EVIDENCE_POLICIES_H

#include <stdbool.h>

#include "core/answer.h"
#include "core/facts.h"
#include "core/sentence.h"
#include "core/settings.h"
#include "evidence/standing.h"

struct policies;

/* In the facts' arena. Enters facts->vouches, one for each name that some organization lists. NULL without memory. */
struct policies *policies_new(const struct settings *settings, struct facts *facts);

/* Begin what the wanted checks need: CHECK_IP, CHECK_SPF, CHECK_DMARC. What has begun goes on. From STAGE_HEADER on. */
void policies_begin(struct policies *policies, check_bits wanted);

/* The next question that has not been handed out, or NULL, and what it is for. It stays valid as long as the arena. */
const struct question *policies_next(struct policies *policies, struct origin *origin_r);

/* An answer to a question that was handed out for that purpose; it must stay valid until the message ends. */
void policies_answer(struct policies *policies, enum purpose purpose, const struct question *question,
                     const struct answer *answer);

/* The DKIM facts have changed, or are complete: look again. */
void policies_look(struct policies *policies);

/* The checks of wanted whose evidence is still out here. */
check_bits policies_open(const struct policies *policies, check_bits wanted);

#endif
