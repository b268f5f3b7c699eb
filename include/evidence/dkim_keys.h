/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_keys: hashing and verifying for DKIM, by OpenSSL.
 *
 * To decode an RSA key takes several times as long as to verify with it, and a relay sees few keys: those used last are
 * kept decoded. What is kept changes no result: a key is known by all of its text. Thread-safe.
 */
#ifndef SFDC_EVIDENCE_DKIM_KEYS_H
#define SFDC_EVIDENCE_DKIM_KEYS_H

#include "core/dkim_crypto.h"

#define DKIM_KEYS_KEPT 64            /* keys */
#define DKIM_KEYS_TEXT_MAX 1432      /* characters of a key in base64: all that dkim_tags_key() reads */
#define DKIM_KEYS_SIGNATURE_MAX 2048 /* characters of a signature in base64; longer ones fit no key */

struct dkim_keys;

/* NULL without memory. */
struct dkim_keys *dkim_keys_new(void);

/* After the last hash. NULL is harmless. */
void dkim_keys_free(struct dkim_keys *keys);

/*
 * The functions, for as long as keys live. RSA keys (SubjectPublicKeyInfo) verify by RSASSA-PKCS1-v1_5 (RFC 6376 3.3),
 * Ed25519 keys (32 bytes) by PureEdDSA over the digest (RFC 8463 3). A text that holds no key is DKIM_UNVERIFIABLE, too.
 */
const struct dkim_crypto *dkim_keys_crypto(struct dkim_keys *keys);

#endif
