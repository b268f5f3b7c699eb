/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

static struct result judge(const struct facts *facts, const struct org *org)
{
	if (span_absent(facts->tls_version) || facts->tls_version.length == 0)
		return result_make(RESULT_FAIL, REASON_TLS_ABSENT, span_make(NULL, 0));
	enum tls_version version = tls_version_parse(facts->tls_version);
	if (version == TLS_UNKNOWN || version < org->tls.min_version)
		return result_make(RESULT_FAIL, REASON_TLS_VERSION, facts->tls_version);
	if (!facts->has_cipher_bits || facts->cipher_bits < org->tls.min_cipher_bits)
		return result_make(RESULT_FAIL, REASON_TLS_CIPHER, facts->cipher);
	return result_make(RESULT_PASS, REASON_NONE, facts->tls_version);
}

const struct check check_tls = {
	CHECK_NAME("tls"),       .known_at = STAGE_MAIL, .evidence = 0,
	.offer = MTA_OFFERS_TLS, .judge = judge,         
	.remedies = {
		{ "Salesforce", "Setup, Email Relays: set TLS Setting to Required or Required Verify" },
		{ "main.cf", "smtpd_tls_security_level = encrypt, and a certificate that Salesforce can verify" },
		{ "policy", "tls.min_version, tls.min_cipher_bits" },
	},
	.passes = "the session is encrypted as strongly as asked",
	.asks = "strong TLS",
};
