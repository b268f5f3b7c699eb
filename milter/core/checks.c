#include "core/checks.h"

static const struct check_row rows[CHECK_COUNT] = {
#define X(enumerator, name, function, known_at, needs_body) [enumerator] = { name, known_at, needs_body, function },
	CHECKS(X)
#undef X
};

const struct check_row *check_row(enum check_id id)
{
	return &rows[id];
}

const char *check_name(enum check_id id)
{
	return rows[id].name;
}

bool check_from_name(struct span name, enum check_id *id_r)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (span_equal(name, span_of(rows[i].name))) {
			*id_r = (enum check_id)i;
			return true;
		}
	return false;
}
