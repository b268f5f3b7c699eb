/* resolver_context: a libunbound context set up as the configuration says. */
#ifndef SFDC_EVIDENCE_RESOLVER_CONTEXT_H
#define SFDC_EVIDENCE_RESOLVER_CONTEXT_H

#include <unbound.h>

#include "core/settings.h"
#include "evidence/resolver.h"

/* Thread-safe. NULL: error_r says why. */
struct ub_ctx *resolver_context_new(const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE]);

/* Thread-safe, but not to be called from a thread of that context. */
void resolver_context_free(struct ub_ctx *context);

#endif
