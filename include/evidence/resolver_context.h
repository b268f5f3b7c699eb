/* SPDX-License-Identifier: BSD-2-Clause */
/* resolver_context: a libunbound context set up as the configuration says. */
#ifndef SFDC_EVIDENCE_RESOLVER_CONTEXT_H
#define SFDC_EVIDENCE_RESOLVER_CONTEXT_H

#include <unbound.h>

#include "core/settings.h"
#include "evidence/resolver.h"

/*
 * One name server is asked in one lane, or some are where there are more than lanes; with fewer, one is asked in several.
 * In a lane a packet is waited for as long as resolver_patience_ms() says, so a failure that comes earlier is one that
 * a name server answered; and a packet that was lost is made up for in another lane. No lane keeps answers, or failures,
 * from one question to the next.
 */
#define LANES 3

/* Half of message_timeout, ten seconds at most. */
unsigned resolver_patience_ms(const struct settings *settings);

/* How many name servers there are to ask, counted up to LANES. */
unsigned resolver_servers(const struct settings *settings);

/* The context of a lane, which asks range questions at once at most. Thread-safe. NULL: error_r says why. */
struct ub_ctx *resolver_context_new(const struct settings *settings, unsigned lane, unsigned range,
                                    char error_r[RESOLVER_ERROR_SIZE]);

/* Thread-safe, but not to be called from a thread of that context. */
void resolver_context_free(struct ub_ctx *context);

#endif
