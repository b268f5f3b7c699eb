#include "core/facts.h"
#include "core/settings.h"

static struct result judge(const struct facts *facts, const struct org *org)
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

static bool skippable(const struct org *org)
{
	return !org->auth.required;
}

static const char *hopeless(const struct org *org)
{
	return set_count(org->auth.users) == 0 ? "auth.users" : NULL;
}

const struct check check_auth = {
	CHECK_NAME("auth"),
	.known_at = STAGE_MAIL,
	.evidence = 0,
	.judge = judge,
	.skippable = skippable,
	.hopeless = hopeless,
	.passes = "the session authenticated as a user that the organization may use",
	.asks = "SMTP AUTH",
};
