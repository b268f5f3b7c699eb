/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * certname: the client certificate as an MTA's macros describe it.
 *
 * Postfix: {cert_subject} is the bare common name in raw UTF-8 and {cert_issuer} the issuer's; both are sent only when
 * the chain is trusted, so a {cert_issuer} that is there means "verified". {verify} and {cn_subject} are never sent.
 * Sendmail: {cert_subject} is a one-line DN, which is ambiguous and not used; {cn_subject} and {cn_issuer} are the
 * common names; bytes are encoded as +XX; all are sent for untrusted certificates too, so only {verify} = "OK" means
 * "verified". "BadCertificateUnknown", "BadCertificateTooLong" and "BadCertificateContainsNUL" stand for a name that is
 * missing or cannot be shown; whatever begins like them and has no dot is no name. An MTA of unknown kind is read like
 * Sendmail, the stricter of the two.
 *
 * Source: postfix MILTER_README, smtpd_milter.c; sendmail doc/op (STARTTLS macros), tls.c xtextify(). Pure.
 */
#ifndef SFDC_CORE_CERTNAME_H
#define SFDC_CORE_CERTNAME_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/vocabulary.h"
#include "core/span.h"

/* Macro values as they came; absent spans where the MTA sent none. */
struct certificate_macros {
	struct span cert_subject;
	struct span cn_subject;
	struct span cert_issuer; /* Postfix: the issuer's CN; Sendmail: its one-line DN */
	struct span cn_issuer;   /* Sendmail's {cn_issuer} where it was sent */
	struct span cert_verify; /* Sendmail's {verify} */
};

struct certificate {
	bool presented;     /* the MTA told of a certificate, verified or not */
	bool verified;      /* the MTA verified its chain */
	struct span name;   /* decoded common name, not empty; absent when there is none or it is malformed; any bytes */
	struct span issuer; /* decoded CN; the DN as sent where there is no CN; absent when neither can be read */
};

/* Fill *certificate_r; what it holds is copied into arena. False, and *certificate_r zeroed, when the arena failed. */
bool certificate_read(enum mta mta, const struct certificate_macros *macros, struct arena *arena,
                      struct certificate *certificate_r);

/*
 * Decode Sendmail's +XX encoding: a plus and two hexadecimal digits are one byte. A plus that is not followed by two
 * hexadecimal digits makes the value malformed: the absent span is returned, as without memory.
 */
struct span certname_decode(struct span value, struct arena *arena);

/* Whether a decoded name is a plain host name that may be compared: a valid domain (domain.h), no wildcard. */
bool certname_comparable(struct span name);

#endif
