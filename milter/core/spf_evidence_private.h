/* SPDX-License-Identifier: BSD-2-Clause */
/* spf_evidence_private: what the askers that evaluate SPF records share. */
#ifndef SFDC_CORE_SPF_EVIDENCE_PRIVATE_H
#define SFDC_CORE_SPF_EVIDENCE_PRIVATE_H

#include "core/asker.h"

/* An evaluation for a client of the message whose facts these are. NULL without memory, which is noted in the facts. */
struct spf_walk *spf_evidence_walk(struct facts *facts, const struct address *client, struct span domain,
                                   struct span local);

/* The next question of an evaluation, and by whose choice; NULL: none for now. */
const struct question *spf_evidence_next(struct spf_walk *walk, enum purpose purpose, struct span domain,
                                         struct origin *origin_r);

#endif
