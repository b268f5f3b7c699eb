/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drift: genuine mail that begins to fail, since Salesforce or the configuration has changed: from an address that is not
 * listed, with a certificate that is not expected, for an organization that is not served. Pure.
 *
 *   ip, cert   nothing else is responsible for the refusal, org and from pass, and dkim or auth
 *   org        only org-unknown is false: an organization here owns the domain of From:, whose reject_unless could hold
 *              but for that, and cert passes, or ip without a look-up
 *
 * A check that can never pass under an organization's options is not counted as responsible.
 */
#ifndef SFDC_CORE_DRIFT_H
#define SFDC_CORE_DRIFT_H

#include <stdbool.h>

#include "core/facts.h"
#include "core/judge.h"
#include "core/settings.h"

enum drift_kind { DRIFT_NONE, DRIFT_IP, DRIFT_CERT, DRIFT_ORG };
#define DRIFT_KINDS 4

struct drift {
	enum drift_kind kind;
	const struct org *org; /* whose mail it is; borrowed from the settings */
	struct span value;     /* address, certificate's name or issuer, or organization ID; "none" where there is none */
	enum reason reason;
};

/* What a judgement shows, as it is; kind is DRIFT_NONE when it shows nothing. */
struct drift drift_find(const struct settings *settings, const struct facts *facts, const struct judgement *judgement);

/*
 * Whether a judgement that is about to refuse may turn out to be drift when the message goes on; *wanted_r: the checks
 * whose evidence is needed for that. Before the header only where certificate, login, listed address or verified DNS name
 * show that it comes from Salesforce, or from the organization.
 */
bool drift_awaits(const struct settings *settings, const struct facts *facts, const struct judgement *judgement,
                  check_bits *wanted_r);

/* "ip", "cert", "org"; "" for DRIFT_NONE. */
const char *drift_name(enum drift_kind kind);

#endif
