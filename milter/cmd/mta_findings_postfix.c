/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta_findings_private.h"

static void look_at(struct audit *audit)
{
	audit_milter(audit);
	audit_tls(audit);
	audit_auth(audit);
	audit_content(audit);
	audit_clients(audit);
	audit_limits(audit);
	audit_relaying(audit);
}

void postfix_findings(struct preflight *found, const struct postfix_setup *setup,
                      const struct expectations *expectations, const struct machine_questions *machine)
{
	struct attempt attempt = { .made = false };
	struct audit audit = {
		.found = found, .setup = setup, .expect = expectations, .machine = machine, .attempt = &attempt
	};
	size_t guarded = 0;
	for (size_t i = 0; i < setup->shared_count; i++) {
		audit.shared = &setup->services[i];
		if (!audit_is_smtpd(audit.shared) || !audit_is_guarded(&audit, audit.shared))
			continue;
		guarded++;
		look_at(&audit);
	}
	audit.shared = NULL;
	if (guarded == 0)
		audit_add(
			&audit, FINDING_FIX, "no-service", span_of("sfdc-relayctl check-config --mta postfix"),
			"no service of this Postfix hands its mail to the milter's socket %.*s: none of it is judged; the command prints "
			"what gives Salesforce a port of its own",
			TEXT(audit_shown(&audit, expectations->socket)));
	audit_ways_round(&audit);
	audit_inside(&audit);
	audit_server(&audit);
}
