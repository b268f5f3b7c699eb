#include "core/facts.h"
#include "core/settings.h"

struct result check_auth(const struct facts *facts, const struct org *org)
{
	bool has_type = facts->auth_type.length != 0;
	bool has_user = facts->auth_authen.length != 0;

	if (!has_type && !has_user) {
		if (!org->auth.required)
			return result_make(RESULT_SKIP, REASON_NOT_REQUIRED, span_make(NULL, 0));
		return result_make(RESULT_NONE, REASON_AUTH_NONE, span_make(NULL, 0));
	}
	if (!has_user || !set_has(org->auth.users, facts->auth_authen))
		return result_make(RESULT_FAIL, REASON_AUTH_USER, facts->auth_authen);
	if (set_count(org->auth.mechanisms) != 0 && !set_has(org->auth.mechanisms, facts->auth_type))
		return result_make(RESULT_FAIL, REASON_AUTH_MECHANISM, facts->auth_type);
	return result_make(RESULT_PASS, REASON_NONE, facts->auth_authen);
}
