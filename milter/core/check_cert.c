/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

/* An issuer is compared whole; an empty list restricts nothing. */
static bool issuer_expected(const struct certificate *certificate, const struct org *org)
{
	return set_count(org->cert.issuers) == 0
	       || (!span_absent(certificate->issuer) && set_has(org->cert.issuers, certificate->issuer));
}

static struct result judge(const struct facts *facts, const struct org *org)
{
	const struct certificate *certificate = &facts->certificate;

	if (!certificate->presented) {
		if (!org->cert.required)
			return result_make(RESULT_SKIP, REASON_NOT_REQUIRED, span_make(NULL, 0));
		return result_make(RESULT_NONE, REASON_CERT_ABSENT, span_make(NULL, 0));
	}
	if (!certificate->verified)
		return result_make(RESULT_FAIL, REASON_CERT_UNVERIFIED, certificate->name);
	if (!certname_comparable(certificate->name) || !pattern_match(org->cert.names, certificate->name))
		return result_make(RESULT_FAIL, REASON_CERT_NAME, certificate->name);
	if (!issuer_expected(certificate, org))
		return result_make(RESULT_FAIL, REASON_CERT_ISSUER, certificate->issuer);
	if (org->cert.match_client_name
	    && (!facts->client_name_verified || !span_equal_nocase(certificate->name, facts->client_name)))
		return result_make(RESULT_FAIL, REASON_CERT_CLIENT_NAME, facts->client_name);
	return result_make(RESULT_PASS, REASON_NONE, certificate->name);
}

static bool skippable(const struct org *org)
{
	return !org->cert.required;
}

static const char *hopeless(const struct org *org)
{
	return set_count(org->cert.names) == 0 ? "cert.names" : NULL;
}

/* All that a milter sees is that some authority known to the mail server vouches for a name. */
static const char *rests_on(const struct org *org)
{
	return set_count(org->cert.issuers) != 0
	           ? NULL
	           : "also on each authority that the mail server trusts, on any of its ports\n"
	             "unless it hands out no TLS session tickets; or set cert.issuers";
}

const struct check check_cert = {
	CHECK_NAME("cert"),
	.known_at = STAGE_MAIL,
	.evidence = 0,
	.offer = MTA_OFFERS_CERTIFICATE,
	.proves = PROVES_CLIENT,
	.judge = judge,
	.skippable = skippable,
	.hopeless = hopeless,
	.rests_on = rests_on,
	
	.remedies = {
		{ "main.cf", "smtpd_tls_ask_ccert = yes, and the client's issuer in smtpd_tls_CAfile" },
		{ "policy", "cert.names, cert.issuers; cert.required: no where AUTH or an address proves enough" },
	},
	.passes = "the MTA verified the client certificate, and its name is one that is expected",
	.asks = "a verified client certificate",
};
