/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/mta_findings.h"
#include "core/proof.h"

/* Whether a sentence cannot hold without a check, however good everything else is. */
static bool needs(const struct sentence *sentence, enum check_id check)
{
	struct bounds checks[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		checks[i] = (struct bounds) { TRUTH_TRUE, TRUTH_TRUE };
	checks[check] = (struct bounds) { TRUTH_FALSE, TRUTH_FALSE };
	return !bounds_hold(sentence_evaluate(sentence, checks));
}

static bool counts(const struct org *org, enum check_id check)
{
	return (org->reject_unless.checks & CHECK_BIT(check)) != 0;
}

void expectations_of(const char *config, const struct settings *settings, struct expectations *expectations_r)
{
	struct expectations *expect = expectations_r;
	*expect = (struct expectations) {
		.config = config,
		.socket = settings->socket,
		.message_timeout = settings->message_timeout,
		.tls_needed = settings->org_count != 0,
		.issuers_pinned = true,
		.unlocked = settings->mode_least == MODE_MONITOR && !settings->monitor_floor.root,
		.salesforce_only = settings->scope == SCOPE_SALESFORCE,
		.local_mailers = settings->local_mailers,
		.networks = settings->any.ip.networks,
	};
	if (settings->mode_least == MODE_MONITOR && settings->monitor_floor.root) {
		struct proof proof;
		proof_floor(settings, &proof);
		expect->floor_weak = proof.weak != 0;
	}
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		bool users = set_count(org->auth.users) != 0;
		expect->tls_needed =
			expect->tls_needed && needs(&org->reject_unless, CHECK_TLS) && org->tls.min_version >= TLS_1_2;
		expect->cert_counts = expect->cert_counts || counts(org, CHECK_CERT);
		expect->cert_needed = expect->cert_needed || needs(&org->reject_unless, CHECK_CERT);
		if (counts(org, CHECK_CERT) && set_count(org->cert.issuers) == 0)
			expect->issuers_pinned = false;
		expect->auth_counts = expect->auth_counts || (users && counts(org, CHECK_AUTH));
		expect->auth_needed = expect->auth_needed || (users && needs(&org->reject_unless, CHECK_AUTH));
	}
}
