/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/dkim_keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/dkim_tags.h"
#include "evidence/openssl_memory.h"

_Static_assert(DKIM_KEYS_TEXT_MAX >= DKIM_KEY_TEXT_MAX, "every key that is read can be kept");

#define DKIM_KEYS_ED25519_LENGTH 32 /* bytes of a key */

struct signature_bytes {
	const unsigned char *at;
	size_t length;
};

/* A key that is kept. */
struct kept {
	EVP_PKEY *key; /* NULL: the place is free */
	bool ed25519;
	uint64_t hash; /* spares most comparisons */
	size_t length;
	char text[DKIM_KEYS_TEXT_MAX];
	unsigned long long used; /* when it was last asked for, in look-ups */
};

struct dkim_keys {
	struct dkim_crypto crypto;
	EVP_MD *sha256;       /* NULL: OpenSSL does not have it */
	pthread_mutex_t lock; /* protects the rest */
	unsigned long long asked;
	struct kept kept[DKIM_KEYS_KEPT];
};

struct dkim_hash {
	EVP_MD_CTX *context;
	bool failed;
};

static struct dkim_hash *hash_begin(void *context)
{
	const struct dkim_keys *keys = context;
	struct dkim_hash *hash = keys->sha256 ? calloc(1, sizeof *hash) : NULL;
	if (!hash)
		return NULL;
	hash->context = EVP_MD_CTX_new();
	if (hash->context && EVP_DigestInit_ex2(hash->context, keys->sha256, NULL) == 1)
		return hash;
	EVP_MD_CTX_free(hash->context);
	free(hash);
	return NULL;
}

static void hash_update(struct dkim_hash *hash, const char *at, size_t length)
{
	if (EVP_DigestUpdate(hash->context, at, length) != 1)
		hash->failed = true;
}

static void hash_drop(struct dkim_hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->context);
	free(hash);
}

static bool hash_end(struct dkim_hash *hash, unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	bool good = EVP_DigestFinal_ex(hash->context, digest_r, NULL) == 1 && !hash->failed;
	hash_drop(hash);
	return good;
}

/* FNV-1a. Who finds texts that collide gains that one of his keys is compared in full. */
static uint64_t hash_text(struct span text)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < text.length; i++)
		hash = (hash ^ (unsigned char)text.at[i]) * 0x100000001b3u;
	return hash;
}

/* The length, or -1 where text is no base64. room: at least three quarters of the text, and 3. */
static int decode(struct span text, unsigned char *to)
{
	if (text.length == 0 || text.length % 4 != 0)
		return -1;
	int length = EVP_DecodeBlock(to, (const unsigned char *)text.at, (int)text.length);
	if (length != (int)(text.length / 4 * 3))
		return -1;
	for (size_t i = text.length; length > 0 && i > text.length - 2 && text.at[i - 1] == '='; i--)
		length--; /* padding is decoded as zero bytes */
	return length;
}

/* The key that the numbers make, or NULL. */
static EVP_PKEY *make_rsa(const struct rsa_key *numbers)
{
	BIGNUM *n = BN_bin2bn((const unsigned char *)numbers->modulus.at, (int)numbers->modulus.length, NULL);
	BIGNUM *e = BN_bin2bn((const unsigned char *)numbers->exponent.at, (int)numbers->exponent.length, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *parameters = n && e && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n)
	                                 && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e)
	                             ? OSSL_PARAM_BLD_to_param(builder)
	                             : NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (!parameters || !context || EVP_PKEY_fromdata_init(context) != 1
	    || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	BN_free(e);
	BN_free(n);
	return key;
}

/* A new reference, or NULL. OpenSSL is given nothing but what is sound, so that what it refuses is its own fault. */
static EVP_PKEY *decode_key(bool ed25519, struct span text)
{
	unsigned char data[DKIM_KEYS_TEXT_MAX];
	struct rsa_key numbers;
	int length = decode(text, data);

	if (length <= 0
	    || (ed25519 ? length != DKIM_KEYS_ED25519_LENGTH
	                : !dkim_tags_rsa_key(span_make((const char *)data, (size_t)length), &numbers)))
		return NULL;
	return ed25519 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, data, DKIM_KEYS_ED25519_LENGTH)
	               : make_rsa(&numbers);
}

static bool holds(const struct kept *kept, bool ed25519, struct span text, uint64_t hash)
{
	return kept->key && kept->hash == hash && kept->ed25519 == ed25519
	       && span_equal(span_make(kept->text, kept->length), text);
}

/* With the lock held: the place of a key, or else the one to put it in: free, or not asked for the longest time. */
static struct kept *find(struct dkim_keys *keys, bool ed25519, struct span text, uint64_t hash)
{
	struct kept *oldest = &keys->kept[0];
	for (size_t i = 0; i < DKIM_KEYS_KEPT; i++) {
		struct kept *kept = &keys->kept[i];
		if (holds(kept, ed25519, text, hash))
			return kept;
		if (oldest->key && (!kept->key || kept->used < oldest->used))
			oldest = kept;
	}
	return oldest;
}

static void keep(struct kept *kept, EVP_PKEY *key, bool ed25519, struct span text, uint64_t hash)
{
	if (!EVP_PKEY_up_ref(key))
		return;
	EVP_PKEY_free(kept->key);
	kept->key = key;
	kept->ed25519 = ed25519;
	kept->hash = hash;
	kept->length = text.length;
	memcpy(kept->text, text.at, text.length);
}

static EVP_PKEY *take_kept(struct dkim_keys *keys, bool ed25519, struct span text, uint64_t hash)
{
	EVP_PKEY *key = NULL;
	pthread_mutex_lock(&keys->lock);
	struct kept *kept = find(keys, ed25519, text, hash);
	if (holds(kept, ed25519, text, hash)) {
		kept->used = ++keys->asked;
		if (EVP_PKEY_up_ref(kept->key))
			key = kept->key;
	}
	pthread_mutex_unlock(&keys->lock);
	return key;
}

/* A new reference, or NULL. Decoded without the lock, so that others need not wait; two may then do it at once. */
static EVP_PKEY *take_key(struct dkim_keys *keys, bool ed25519, struct span text)
{
	uint64_t hash = hash_text(text);
	EVP_PKEY *key = take_kept(keys, ed25519, text, hash);
	if (key)
		return key;
	key = decode_key(ed25519, text);
	if (!key)
		return NULL;
	pthread_mutex_lock(&keys->lock);
	struct kept *kept = find(keys, ed25519, text, hash);
	if (!holds(kept, ed25519, text, hash))
		keep(kept, key, ed25519, text, hash);
	kept->used = ++keys->asked;
	pthread_mutex_unlock(&keys->lock);
	return key;
}

static enum dkim_verification verify_rsa(EVP_PKEY *key, const unsigned char *digest, struct signature_bytes signature)
{
	enum dkim_verification status = DKIM_UNVERIFIABLE;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	if (context && EVP_PKEY_verify_init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
	    && EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1)
		status = EVP_PKEY_verify(context, signature.at, signature.length, digest, DKIM_DIGEST_LENGTH) == 1
		             ? DKIM_VERIFIED
		             : DKIM_MISMATCH;
	EVP_PKEY_CTX_free(context);
	return status;
}

static enum dkim_verification verify_ed25519(EVP_PKEY *key, const unsigned char *digest,
                                             struct signature_bytes signature)
{
	enum dkim_verification status = DKIM_UNVERIFIABLE;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1)
		status = EVP_DigestVerify(context, signature.at, signature.length, digest, DKIM_DIGEST_LENGTH) == 1
		             ? DKIM_VERIFIED
		             : DKIM_MISMATCH;
	EVP_MD_CTX_free(context);
	return status;
}

static enum dkim_verification verify(void *context, bool ed25519, struct span public_key,
                                     const unsigned char digest[DKIM_DIGEST_LENGTH], struct span signature)
{
	unsigned long refusals = openssl_memory_refusals();
	enum dkim_verification status = DKIM_UNVERIFIABLE;
	unsigned char raw[DKIM_KEYS_SIGNATURE_MAX];
	EVP_PKEY *key = public_key.length <= DKIM_KEYS_TEXT_MAX ? take_key(context, ed25519, public_key) : NULL;

	if (key) {
		int length = signature.length <= DKIM_KEYS_SIGNATURE_MAX ? decode(signature, raw) : -1;
		struct signature_bytes bytes = { raw, (size_t)length };
		status = length <= 0 ? DKIM_MISMATCH : (ed25519 ? verify_ed25519 : verify_rsa)(key, digest, bytes);
		EVP_PKEY_free(key);
	}
	/* What OpenSSL complained of would otherwise pile up in this thread. */
	if (status != DKIM_VERIFIED)
		ERR_clear_error();
	return openssl_memory_refusals() == refusals ? status : DKIM_UNVERIFIABLE;
}

struct dkim_keys *dkim_keys_new(void)
{
	static const struct dkim_crypto functions = { .hash_begin = hash_begin,
		                                          .hash_update = hash_update,
		                                          .hash_end = hash_end,
		                                          .hash_drop = hash_drop,
		                                          .verify = verify };
	struct dkim_keys *keys = calloc(1, sizeof *keys);
	if (!keys)
		return NULL;
	if (pthread_mutex_init(&keys->lock, NULL) != 0) {
		free(keys);
		return NULL;
	}
	openssl_memory_watch();
	keys->crypto = functions;
	keys->crypto.context = keys;
	keys->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ERR_clear_error();
	return keys;
}

void dkim_keys_free(struct dkim_keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < DKIM_KEYS_KEPT; i++)
		EVP_PKEY_free(keys->kept[i].key);
	EVP_MD_free(keys->sha256);
	pthread_mutex_destroy(&keys->lock);
	free(keys);
}

const struct dkim_crypto *dkim_keys_crypto(struct dkim_keys *keys)
{
	return &keys->crypto;
}
