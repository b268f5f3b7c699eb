/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather: the evidence of one message: drives the machines that need the DNS - signatures, SPF, DMARC - and writes what
 * they find into the facts.
 *
 * A machine hands out questions and takes answers; neither it nor what drives it ever waits. Everything that is asked goes
 * through one list, and whoever drives is told when an answer on which a wanted check waits is there. Abandoned look-ups
 * end by themselves (resolver.h).
 */
#ifndef SFDC_EVIDENCE_GATHER_H
#define SFDC_EVIDENCE_GATHER_H

#include <stdbool.h>

#include "core/dkim_walk.h"
#include "core/facts.h"
#include "core/environment.h"
#include "core/settings.h"
#include "evidence/resolver.h"

/* What messages share. */
struct gather_sources {
	struct resolver *resolver;
	const struct dkim_environment *dkim;
};

/*
 * Start with a message: the functions of struct ports (core/environment.h), with struct evidence. Takes over a reference to
 * the resolver in any case; the other sources are borrowed. NULL without memory.
 */
struct evidence *gather_begin(const struct gather_sources *sources, const struct settings *settings,
                              struct facts *facts, struct waker waker);
void gather_field(struct evidence *evidence, const struct field *field);
void gather_header_end(struct evidence *evidence);
void gather_start(struct evidence *evidence, const struct wants *wants);
bool gather_body(struct evidence *evidence, struct span chunk);
enum gathering gather_answers(struct evidence *evidence, const struct wants *wants);
void gather_end(struct evidence *evidence);

#endif
