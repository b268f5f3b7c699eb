#include "core/facts.h"
#include "core/settings.h"

struct result check_spf(const struct facts *facts, const struct org *org)
{
	(void)org;
	if (!facts->spf.complete)
		return result_make(RESULT_PENDING, REASON_NONE, span_make(NULL, 0));
	return facts->spf.outcome;
}
