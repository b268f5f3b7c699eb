/*
 * publickeys: verifying with DKIM's public keys, by OpenSSL.
 *
 * To decode an RSA key takes several times as long as to verify with it, and a relay sees few keys: those used last are
 * kept decoded. What is kept changes no result: a key is known by all of its text. Thread-safe.
 */
#ifndef SFDC_EVIDENCE_PUBLICKEYS_H
#define SFDC_EVIDENCE_PUBLICKEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

#define PUBLICKEYS_KEPT 64             /* keys */
#define PUBLICKEYS_TEXT_MAX 1432       /* characters of a key in base64: all that dkimtags_key() reads */
#define PUBLICKEYS_SIGNATURE_MAX 2048  /* characters of a signature in base64 */
#define PUBLICKEYS_DIGEST_LENGTH 32    /* bytes: SHA-256 */

struct publickeys;

/* NULL without memory. */
struct publickeys *publickeys_new(void);

/* NULL is harmless. */
void publickeys_free(struct publickeys *publickeys);

enum publickey_status {
	PUBLICKEY_GOOD,
	PUBLICKEY_MISMATCH, /* the signature is not of this key and digest */
	PUBLICKEY_UNUSABLE, /* what the text holds is no key of that kind (core/dkimtags.h) */
	PUBLICKEY_BROKEN    /* a sound key that OpenSSL cannot use here and now: nothing is known of the signature */
};

/*
 * Verify a signature of a SHA-256 digest: with an RSA key (a SubjectPublicKeyInfo) by RSASSA-PKCS1-v1_5 (RFC 6376 3.3),
 * or with an Ed25519 key (32 bytes) by PureEdDSA over the digest (RFC 8463 3). Key and signature are base64 without
 * white space. Want of memory while OpenSSL verifies looks like PUBLICKEY_MISMATCH: watch what it allocates.
 */
enum publickey_status publickeys_verify(struct publickeys *publickeys, bool ed25519, struct span key,
                                        const unsigned char digest[PUBLICKEYS_DIGEST_LENGTH], struct span signature);

#endif
