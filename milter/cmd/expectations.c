/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/mta_findings.h"
#include "core/proof.h"

/* Whether the mail server's offer is needed: no mail gets in without it, however good everything else is. */
static bool needs(const struct org *org, enum mta_offer offer)
{
	struct bounds checks[CHECK_COUNT];
	check_bits without = checks_offered(offer);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		checks[i] = bounds_of(without & CHECK_BIT(i) ? RESULT_FAIL : RESULT_PASS);
	return !bounds_hold(sentence_evaluate(&org->reject_unless, checks));
}

static bool counts(const struct org *org, enum mta_offer offer)
{
	return (org->reject_unless.checks & checks_offered(offer)) != 0;
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
		expect->floor_shared = proof_floor_is_shared(settings);
	}
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		bool users = set_count(org->auth.users) != 0;
		expect->tls_needed = expect->tls_needed && needs(org, MTA_OFFERS_TLS) && org->tls.min_version >= TLS_1_2;
		expect->cert_counts = expect->cert_counts || counts(org, MTA_OFFERS_CERTIFICATE);
		expect->cert_needed = expect->cert_needed || needs(org, MTA_OFFERS_CERTIFICATE);
		if (counts(org, MTA_OFFERS_CERTIFICATE) && set_count(org->cert.issuers) == 0)
			expect->issuers_pinned = false;
		expect->auth_counts = expect->auth_counts || (users && counts(org, MTA_OFFERS_AUTH));
		expect->auth_needed = expect->auth_needed || (users && needs(org, MTA_OFFERS_AUTH));
	}
}
