/* resolver_context: a libunbound context set up as the configuration says. */
#ifndef SFDC_EVIDENCE_RESOLVER_CONTEXT_H
#define SFDC_EVIDENCE_RESOLVER_CONTEXT_H

#include <unbound.h>

#include "core/settings.h"
#include "evidence/resolver.h"

/* NULL: error_r says why. To be released with ub_ctx_delete(). */
struct ub_ctx *resolver_context_new(const struct settings *settings, char error_r[RESOLVER_ERROR_SIZE]);

#endif
