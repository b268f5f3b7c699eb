/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/remedies.h"

/* In the order of checks. */
static const struct remedy remedies[] = {
	{ CHECK_TLS, "Salesforce", "Setup, Email Relays: set TLS Setting to Required or Required Verify" },
	{ CHECK_TLS, "main.cf", "smtpd_tls_security_level = encrypt, and a certificate that Salesforce can verify" },
	{ CHECK_TLS, "policy", "tls.min_version, tls.min_cipher_bits" },
	{ CHECK_CERT, "main.cf", "smtpd_tls_ask_ccert = yes, and the client's issuer in smtpd_tls_CAfile" },
	{ CHECK_CERT, "policy", "cert.names, cert.issuers; cert.required: no where AUTH or an address proves enough" },
	{ CHECK_MESSAGE, "message",
	  "whatever makes it, in Salesforce or on the way: a header field is doubled, malformed or false" },
	{ CHECK_MESSAGE, "policy", "message.senders, where the Sender: field is at fault" },
	{ CHECK_ORG, "policy",
	  "orgs: the organization's ID, if its mail belongs here; Salesforce writes X-SFDC-LK itself" },
	{ CHECK_FROM, "Salesforce", "the sender's address or org-wide address, and a verified domain for it" },
	{ CHECK_FROM, "policy", "domains of the organization" },
	{ CHECK_ENVELOPE, "Salesforce", "Setup, Deliverability: bounce management and email security compliance" },
	{ CHECK_ENVELOPE, "policy", "domains, envelope.bounce_domains, envelope.null_sender" },
	{ CHECK_VERP, "message",
	  "the bounce address was made for another organization or author: a forgery, or forwarded mail" },
	{ CHECK_VERP, "policy", "verp.undecodable, where the address has a form that is not known" },
	{ CHECK_DKIM, "Salesforce", "Setup, DKIM Keys: an active key for the From: domain" },
	{ CHECK_DKIM, "DNS", "the CNAMEs of both selectors that Salesforce shows: sfdc-relayctl check-domain DOMAIN" },
	{ CHECK_DKIM, "main.cf", "smtpd_milters: this milter before any that changes the message" },
	{ CHECK_DKIM, "policy", "dkim.selectors, dkim.key_zones, dkim.alignment, dkim.required_headers, dkim.max_age" },
	{ CHECK_AUTH, "Salesforce", "Setup, Email Relays: Enable SMTP Auth, with the user that the policy lists" },
	{ CHECK_AUTH, "main.cf", "smtpd_sasl_auth_enable = yes" },
	{ CHECK_AUTH, "policy", "auth.users, as the log's auth= shows them" },
	{ CHECK_IP, "policy", "ip.networks, ip.spf" },
	{ CHECK_IP, "DNS", "a resolver that answers for the names of ip.spf" },
	{ CHECK_SPF, "DNS", "the SPF record of the envelope sender's domain has to list Salesforce" },
	{ CHECK_DMARC, "DNS", "the DMARC record of the From: domain, and DKIM or SPF that is aligned with it" },
	{ CHECK_DMARC, "policy", "dmarc.required" },
	{ CHECK_LIMIT, "policy", "limit.messages, limit.recipients, limit.per_user" },
};

const struct remedy *remedies_of(enum check_id check, size_t *count_r)
{
	size_t first = 0;
	*count_r = 0;
	while (first < sizeof remedies / sizeof remedies[0] && remedies[first].check != check)
		first++;
	for (size_t i = first; i < sizeof remedies / sizeof remedies[0] && remedies[i].check == check; i++)
		++*count_r;
	return *count_r != 0 ? &remedies[first] : NULL;
}
