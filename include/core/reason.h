/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reason: the reason codes, and what each one says and answers.
 *
 * One table: code, SMTP reply code, enhanced status code, sentence. The code is the same in the log line, the SMTP
 * reply, JSON and metrics; once published it keeps its meaning. The sentence is for the person who reads the bounce:
 * it says what is wrong and what to do, in ASCII, and holds nothing the sender wrote.
 * Sources: RFC 3463, RFC 5321, RFC 7372, RFC 6376 6.3, RFC 3207.
 */
#ifndef SFDC_CORE_REASON_H
#define SFDC_CORE_REASON_H

#include <stdbool.h>

#include "core/span.h"

/* X(enumerator, code, SMTP code, enhanced code, sentence) */
#define REASONS(X)                                                                                                                                     \
	X(REASON_NONE, "", "250", "2.0.0", "")                                                                                                             \
	X(REASON_TLS_ABSENT, "tls-absent", "530", "5.7.0",                                                                                                 \
	  "this relay takes mail over TLS only; in Salesforce set TLS Setting of the Email Relay to Required")                                             \
	X(REASON_TLS_VERSION, "tls-version", "530", "5.7.0", "the TLS version is older than this relay accepts")                                           \
	X(REASON_TLS_CIPHER, "tls-cipher", "530", "5.7.0", "the TLS cipher is weaker than this relay accepts")                                             \
	X(REASON_CERT_ABSENT, "cert-absent", "550", "5.7.1",                                                                                               \
	  "this relay asks for a client certificate that it can verify")                                                                                   \
	X(REASON_CERT_UNVERIFIED, "cert-unverified", "550", "5.7.1", "the client certificate could not be verified")                                       \
	X(REASON_CERT_NAME, "cert-name", "550", "5.7.1",                                                                                                   \
	  "the name in the client certificate is not one this relay expects")                                                                              \
	X(REASON_CERT_ISSUER, "cert-issuer", "550", "5.7.1",                                                                                               \
	  "the issuer of the client certificate is not one this relay expects")                                                                            \
	X(REASON_CERT_CLIENT_NAME, "cert-client-name", "550", "5.7.1",                                                                                     \
	  "the name in the client certificate does not cover the client's DNS name")                                                                       \
	X(REASON_MESSAGE_NUL, "message-nul", "550", "5.6.0", "the message holds a NUL byte")                                                               \
	X(REASON_MESSAGE_BARE_CR, "message-bare-cr", "550", "5.6.0", "the header holds a CR or LF that ends no line")                                      \
	X(REASON_MESSAGE_NAME, "message-name", "550", "5.6.0", "a header field has a malformed name")                                                      \
	X(REASON_MESSAGE_LINE, "message-line", "550", "5.6.0", "the header holds a line that is no header field")                                          \
	X(REASON_MESSAGE_DUPLICATE, "message-duplicate", "550", "5.6.0",                                                                                   \
	  "a header field that may stand once stands more than once")                                                                                      \
	X(REASON_MESSAGE_LIMIT, "message-limit", "550", "5.6.0",                                                                                           \
	  "the header is larger than this relay accepts, or holds too many fields that may only come from this relay")                                     \
	X(REASON_MESSAGE_SENDER, "message-sender", "550", "5.6.0",                                                                                         \
	  "the Sender: field names somebody else than the organization or Salesforce")                                                                     \
	X(REASON_ORG_ABSENT, "org-absent", "550", "5.7.1",                                                                                                 \
	  "there is no X-SFDC-LK header field: the message does not come from a Salesforce organization")                                                  \
	X(REASON_ORG_DUPLICATE, "org-duplicate", "550", "5.7.1", "there is more than one X-SFDC-LK header field")                                          \
	X(REASON_ORG_MALFORMED, "org-malformed", "550", "5.7.1",                                                                                           \
	  "the X-SFDC-LK header field does not hold a Salesforce organization ID")                                                                         \
	X(REASON_ORG_UNKNOWN, "org-unknown", "550", "5.7.1",                                                                                               \
	  "this relay does not serve the Salesforce organization named in X-SFDC-LK")                                                                      \
	X(REASON_ORG_RELAY_MISMATCH, "org-relay-mismatch", "550", "5.7.1",                                                                                 \
	  "X-SFDCOrgRelay and X-SFDC-LK name different organizations")                                                                                     \
	X(REASON_FROM_ABSENT, "from-absent", "550", "5.6.0", "there is no From: header field")                                                             \
	X(REASON_FROM_DUPLICATE, "from-duplicate", "550", "5.7.1", "there is more than one From: header field")                                            \
	X(REASON_FROM_SEVERAL, "from-several", "550", "5.7.1", "the From: header field holds more than one mailbox")                                       \
	X(REASON_FROM_MALFORMED, "from-malformed", "550", "5.6.0", "the From: header field cannot be read as one mailbox")                                 \
	X(REASON_FROM_DOMAIN, "from-domain", "550", "5.7.1",                                                                                               \
	  "the domain of the From: address is not one of the organization's domains")                                                                      \
	X(REASON_ENVELOPE_UNKNOWN, "envelope-unknown", "550", "5.7.1", "the envelope sender was not told")                                                 \
	X(REASON_FROM_SUBSTITUTED, "from-substituted", "550", "5.7.1",                                                                                     \
	  "Salesforce replaced the address, since its domain is not verified there; in Salesforce create a DKIM key or an authorized email domain for it") \
	X(REASON_ENVELOPE_MALFORMED, "envelope-malformed", "550", "5.7.1", "the envelope sender is malformed")                                             \
	X(REASON_ENVELOPE_DOMAIN, "envelope-domain", "550", "5.7.1",                                                                                       \
	  "the domain of the envelope sender belongs neither to the organization nor to Salesforce's bounce management")                                   \
	X(REASON_ENVELOPE_NULL, "envelope-null", "550", "5.7.1",                                                                                           \
	  "this relay does not take mail with a null envelope sender")                                                                                     \
	X(REASON_VERP_NOT_BOUNCE, "verp-not-bounce", "250", "2.0.0",                                                                                       \
	  "the envelope sender is no Salesforce bounce address")                                                                                           \
	X(REASON_VERP_UNDECODABLE, "verp-undecodable", "550", "5.7.1", "the Salesforce bounce address cannot be decoded")                                  \
	X(REASON_VERP_ORG, "verp-org", "550", "5.7.1",                                                                                                     \
	  "the Salesforce bounce address belongs to another organization than X-SFDC-LK names")                                                            \
	X(REASON_VERP_FROM, "verp-from", "550", "5.7.1",                                                                                                   \
	  "the Salesforce bounce address was made for another From: address")                                                                              \
	X(REASON_AUTH_NONE, "auth-none", "530", "5.7.0",                                                                                                   \
	  "this relay asks for SMTP authentication; in Salesforce turn on Enable SMTP Auth in the Email Relay")                                            \
	X(REASON_AUTH_USER, "auth-user", "550", "5.7.1", "this SMTP user may not send for the organization")                                               \
	X(REASON_AUTH_MECHANISM, "auth-mechanism", "550", "5.7.1", "this SMTP authentication mechanism is not accepted")                                   \
	X(REASON_IP_UNKNOWN, "ip-unknown", "550", "5.7.1", "the address of the client is not known")                                                       \
	X(REASON_IP_UNLISTED, "ip-unlisted", "550", "5.7.1",                                                                                               \
	  "the address of the client is not one this relay takes the organization's mail from")                                                            \
	X(REASON_IP_SPF_CANARY, "ip-spf-canary", "550", "5.7.1",                                                                                           \
	  "the SPF name that should list the client's address lists every address")                                                                        \
	X(REASON_IP_SPF_ERROR, "ip-spf-error", "550", "5.7.1",                                                                                             \
	  "the SPF record that should list the client's address is broken")                                                                                \
	X(REASON_DKIM_NONE, "dkim-none", "550", "5.7.20",                                                                                                  \
	  "the message has no DKIM signature; create a DKIM key for the From: domain in Salesforce")                                                       \
	X(REASON_DKIM_FAIL, "dkim-fail", "550", "5.7.20", "no DKIM signature of the message is valid")                                                     \
	X(REASON_DKIM_BODYHASH, "dkim-bodyhash", "550", "5.7.20", "the body was changed after the message was signed")                                     \
	X(REASON_DKIM_KEY, "dkim-key", "550", "5.7.20",                                                                                                    \
	  "the DKIM key cannot be used: it is missing, revoked or malformed")                                                                              \
	X(REASON_DKIM_SYNTAX, "dkim-syntax", "550", "5.7.20", "the DKIM signature is malformed")                                                           \
	X(REASON_DKIM_EXPIRED, "dkim-expired", "550", "5.7.20", "the DKIM signature has expired")                                                          \
	X(REASON_DKIM_ALGORITHM, "dkim-algorithm", "550", "5.7.21",                                                                                        \
	  "the DKIM signature uses an algorithm that is not accepted")                                                                                     \
	X(REASON_DKIM_WEAK, "dkim-weak", "550", "5.7.21", "the DKIM key is too short")                                                                     \
	X(REASON_DKIM_LENGTH, "dkim-length", "550", "5.7.21", "the DKIM signature covers only a part of the body (l=)")                                    \
	X(REASON_DKIM_HEADERS, "dkim-headers", "550", "5.7.21",                                                                                            \
	  "the DKIM signature does not cover all header fields that it must")                                                                              \
	X(REASON_DKIM_SELECTOR, "dkim-selector", "550", "5.7.21", "the DKIM selector is not one this relay expects")                                       \
	X(REASON_DKIM_ZONE, "dkim-zone", "550", "5.7.21", "the DKIM key is not held where this relay expects it")                                          \
	X(REASON_DKIM_AGE, "dkim-age", "550", "5.7.21", "the DKIM signature is too old")                                                                   \
	X(REASON_DKIM_UNALIGNED, "dkim-unaligned", "550", "5.7.22",                                                                                        \
	  "no DKIM signature of the message is one of the From: domain")                                                                                   \
	X(REASON_DKIM_TEMPERROR, "dkim-temperror", "451", "4.7.5", "the DKIM key could not be fetched; try again later")                                   \
	X(REASON_DKIM_CLOCK, "dkim-clock", "451", "4.3.2",                                                                                                 \
	  "the signature is dated ahead of this relay's clock: check the time")                                                                            \
	X(REASON_DKIM_FUTURE, "dkim-future", "550", "5.7.20", "the DKIM signature is dated far in the future")                                             \
	X(REASON_SPF_NONE, "spf-none", "550", "5.7.23", "the domain of the envelope sender publishes no SPF record")                                       \
	X(REASON_SPF_FAIL, "spf-fail", "550", "5.7.23",                                                                                                    \
	  "SPF does not allow this client to send for the envelope sender's domain")                                                                       \
	X(REASON_SPF_SOFTFAIL, "spf-softfail", "550", "5.7.23",                                                                                            \
	  "SPF does not allow this client to send for the envelope sender's domain")                                                                       \
	X(REASON_SPF_NEUTRAL, "spf-neutral", "550", "5.7.23",                                                                                              \
	  "SPF says nothing about this client sending for the envelope sender's domain")                                                                   \
	X(REASON_SPF_PERMERROR, "spf-permerror", "550", "5.7.24",                                                                                          \
	  "the SPF record of the envelope sender's domain is broken")                                                                                      \
	X(REASON_SPF_TEMPERROR, "spf-temperror", "451", "4.4.3", "SPF could not be evaluated; try again later")                                            \
	X(REASON_DMARC_NONE, "dmarc-none", "550", "5.7.26", "the From: domain publishes no DMARC record")                                                  \
	X(REASON_DMARC_FAIL, "dmarc-fail", "550", "5.7.26", "neither DKIM nor SPF passes for the From: domain (DMARC)")                                    \
	X(REASON_DMARC_POLICY_NONE, "dmarc-policy-none", "550", "5.7.26",                                                                                  \
	  "neither DKIM nor SPF passes for the From: domain (DMARC, although its policy is none)")                                                         \
	X(REASON_DMARC_PERMERROR, "dmarc-permerror", "550", "5.7.26", "the DMARC record of the From: domain is broken")                                    \
	X(REASON_DMARC_TEMPERROR, "dmarc-temperror", "451", "4.4.3", "DMARC could not be evaluated; try again later")                                      \
	X(REASON_LIMIT_MESSAGES, "limit-messages", "451", "4.7.1", "the organization has reached its limit of messages")                                   \
	X(REASON_LIMIT_RECIPIENTS, "limit-recipients", "451", "4.7.1",                                                                                     \
	  "the organization has reached its limit of recipients")                                                                                          \
	X(REASON_LIMIT_USER, "limit-user", "451", "4.7.1",                                                                                                 \
	  "the user in X-SFDC-User has reached the limit of messages of one user")                                                                         \
	X(REASON_LIMIT_UNKNOWN, "limit-unknown", "451", "4.7.1",                                                                                           \
	  "how much the organization has sent cannot be looked up; try again later")                                                                       \
	X(REASON_LIMIT_UNSET, "limit-unset", "250", "2.0.0", "no limit is set for the organization")                                                       \
	X(REASON_LIMIT_NOT_COUNTED, "limit-not-counted", "250", "2.0.0", "only the milter counts what passes through it")                                  \
	X(REASON_DNS_ERROR, "dns-error", "451", "4.4.3", "a DNS look-up failed; try again later")                                                          \
	X(REASON_DNS_TIMEOUT, "dns-timeout", "451", "4.4.3", "a DNS look-up took too long; try again later")                                               \
	X(REASON_DNS_BUSY, "dns-busy", "451", "4.4.3",                                                                                                     \
	  "too many DNS look-ups are under way for mail like this; try again later")                                                                       \
	X(REASON_NOT_REQUIRED, "not-required", "250", "2.0.0", "there is none, and none is required")                                                      \
	X(REASON_EXEMPT, "exempt-client", "250", "2.0.0", "the client is exempt")                                                                          \
	X(REASON_NO_TRAIT, "no-salesforce-trait", "250", "2.0.0", "nothing in the message points to Salesforce")                                           \
	X(REASON_FOREIGN_ORG, "foreign-org", "250", "2.0.0",                                                                                               \
	  "mail of another company's Salesforce organization to local recipients")                                                                         \
	X(REASON_INTERNAL, "internal-error", "451", "4.3.2", "this relay has a problem of its own; try again later")

enum reason {
#define X(enumerator, code, smtp, enhanced, sentence) enumerator,
	REASONS(X)
#undef X
		REASON_COUNT
};

struct reason_row {
	const char *code;
	const char *smtp;
	const char *enhanced;
	const char *sentence;
};

/* The row of a reason; that of REASON_INTERNAL for a value outside the table. Static, never NULL. */
const struct reason_row *reason_row(enum reason reason);

/* reason_row(reason)->code. */
const char *reason_code(enum reason reason);

bool reason_from_code(struct span code, enum reason *reason_r);

#endif
