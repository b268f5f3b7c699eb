#include "core/facts.h"
#include "core/settings.h"

struct result check_dmarc(const struct facts *facts, const struct org *org)
{
	if (!facts->dmarc.complete)
		return result_make(RESULT_PENDING, REASON_NONE, span_make(NULL, 0));
	if (facts->dmarc.outcome.code == RESULT_NONE && !org->dmarc.required)
		return result_make(RESULT_SKIP, facts->dmarc.outcome.reason, facts->dmarc.outcome.detail);
	return facts->dmarc.outcome;
}
