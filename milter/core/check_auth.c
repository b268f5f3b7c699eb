/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static struct result judge_none(const struct org *org)
{
	if (!org->auth.required)
		return result_make(RESULT_SKIP, REASON_NOT_REQUIRED, span_make(NULL, 0));
	return result_make(RESULT_NONE, REASON_AUTH_NONE, span_make(NULL, 0));
}

static struct result judge_user(const struct facts *facts, const struct org *org)
{
	if (facts->auth_authen.length == 0 || !set_has(org->auth.users, facts->auth_authen))
		return result_make(RESULT_FAIL, REASON_AUTH_USER, facts->auth_authen);
	if (set_count(org->auth.mechanisms) != 0 && !set_has(org->auth.mechanisms, facts->auth_type))
		return result_make(RESULT_FAIL, REASON_AUTH_MECHANISM, facts->auth_type);
	return result_make(RESULT_PASS, REASON_NONE, facts->auth_authen);
}

/*
 * Who may speak XCLIENT says so for others, and nobody showed a password here (Postfix's XCLIENT_README): no AUTH, unless
 * the mechanism is listed. In the union of organizations both may hold; the better one counts.
 */
static struct result judge_xclient(const struct facts *facts, const struct org *org)
{
	if (!org->auth.takes_xclient)
		return judge_none(org);
	struct result user = judge_user(facts, org);
	return user.code == RESULT_PASS || !org->auth.ignores_xclient ? user : judge_none(org);
}

static struct result judge(const struct facts *facts, const struct org *org)
{
	if (facts->auth_type.length == 0 && facts->auth_authen.length == 0)
		return judge_none(org);
	if (span_equal_nocase(facts->auth_type, span_of("XCLIENT")))
		return judge_xclient(facts, org);
	return judge_user(facts, org);
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
	.proves = PROVES_CLIENT,
	.offer = MTA_OFFERS_AUTH,
	.judge = judge,
	.skippable = skippable,
	.hopeless = hopeless,
	
	.remedies = {
		{ "Salesforce", "Setup, Email Relays: Enable SMTP Auth, with the user that the policy lists" },
		{ "main.cf", "smtpd_sasl_auth_enable = yes" },
		{ "policy", "auth.users, as the log's auth= shows them" },
	},
	.passes = "the session authenticated as a user that the organization may use",
	.asks = "SMTP AUTH",
};
