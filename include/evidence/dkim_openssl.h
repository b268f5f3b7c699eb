/*
 * dkim_openssl: the cryptography of DKIM (core/dkim_crypto.h) by OpenSSL.
 */
#ifndef SFDC_EVIDENCE_DKIM_OPENSSL_H
#define SFDC_EVIDENCE_DKIM_OPENSSL_H

#include "core/dkim_crypto.h"
#include "evidence/publickeys.h"

/* Fill the table. publickeys is borrowed, and is the context. */
void dkim_openssl_init(struct dkim_crypto *crypto_r, struct publickeys *publickeys);

#endif
