/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/reason.h"

static const struct reason_row rows[REASON_COUNT] = {
#define X(enumerator, code, smtp, enhanced, sentence) [enumerator] = { code, smtp, enhanced, sentence },
	REASONS(X)
#undef X
};

const struct reason_row *reason_row(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? &rows[reason] : &rows[REASON_INTERNAL];
}

const char *reason_code(enum reason reason)
{
	return reason_row(reason)->code;
}

bool reason_from_code(struct span code, enum reason *reason_r)
{
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (span_equal(code, span_of(rows[i].code))) {
			*reason_r = (enum reason)i;
			return true;
		}
	return false;
}
