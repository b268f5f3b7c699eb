/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_crypto: what DKIM needs of cryptography, as functions that the environment provides.
 *
 * Both algorithms that are accepted, rsa-sha256 and ed25519-sha256 (RFC 8301, RFC 8463), sign a SHA-256 digest.
 */
#ifndef SFDC_CORE_DKIM_CRYPTO_H
#define SFDC_CORE_DKIM_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

#define DKIM_DIGEST_LENGTH 32 /* bytes */

struct dkim_hash; /* a SHA-256 under way: the environment's own */

enum dkim_verification {
	DKIM_VERIFIED,
	DKIM_MISMATCH,    /* the signature is not of this key and digest */
	DKIM_UNVERIFIABLE /* it cannot be found out here and now, for want of memory or the like */
};

/* One table serves many messages at once, from any thread; a hash belongs to one thread at a time. */
struct dkim_crypto {
	void *context; /* handed to every function without a hash */

	/* Start a hash. NULL: none can be had. */
	struct dkim_hash *(*hash_begin)(void *context);

	/* Add bytes. What fails is told by hash_end(). */
	void (*hash_update)(struct dkim_hash *hash, const char *at, size_t length);

	/* Finish and release. False: something failed since hash_begin(), and there is no digest. */
	bool (*hash_end)(struct dkim_hash *hash, unsigned char digest_r[DKIM_DIGEST_LENGTH]);

	/* Release without a digest. NULL is harmless. */
	void (*hash_drop)(struct dkim_hash *hash);

	/*
	 * Verify a signature of a digest with a key that dkim_tags_key() has read. Both are base64 without white space.
	 * Whatever else than the bytes of key, digest and signature is at fault is DKIM_UNVERIFIABLE.
	 */
	enum dkim_verification (*verify)(void *context, bool ed25519, struct span public_key,
	                                 const unsigned char digest[DKIM_DIGEST_LENGTH], struct span signature);
};

#endif
