#include "config.h"

#include "evidence/publickeys.h"

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

#include "core/dkimtags.h"

_Static_assert(PUBLICKEYS_TEXT_MAX >= DKIM_KEY_TEXT_MAX, "every key that is read can be kept");

#define PUBLICKEYS_ED25519_LENGTH 32 /* bytes of a key */

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
	char text[PUBLICKEYS_TEXT_MAX];
	unsigned long long used; /* when it was last asked for, in look-ups */
};

struct publickeys {
	pthread_mutex_t lock; /* protects the rest */
	unsigned long long asked;
	struct kept kept[PUBLICKEYS_KEPT];
};

struct publickeys *publickeys_new(void)
{
	struct publickeys *publickeys = calloc(1, sizeof *publickeys);
	if (!publickeys)
		return NULL;
	if (pthread_mutex_init(&publickeys->lock, NULL) == 0)
		return publickeys;
	free(publickeys);
	return NULL;
}

void publickeys_free(struct publickeys *publickeys)
{
	if (!publickeys)
		return;
	for (size_t i = 0; i < PUBLICKEYS_KEPT; i++)
		EVP_PKEY_free(publickeys->kept[i].key);
	pthread_mutex_destroy(&publickeys->lock);
	free(publickeys);
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

/* GOOD: *key_r is a new reference. OpenSSL is given nothing but what is sound, so that what it refuses is its own fault. */
static enum publickey_status decode_key(bool ed25519, struct span text, EVP_PKEY **key_r)
{
	unsigned char data[PUBLICKEYS_TEXT_MAX];
	struct rsa_key numbers;
	int length = decode(text, data);

	*key_r = NULL;
	if (length <= 0 || (ed25519 ? length != PUBLICKEYS_ED25519_LENGTH
	                            : !dkimtags_rsa_key(span_make((const char *)data, (size_t)length), &numbers)))
		return PUBLICKEY_UNUSABLE;
	*key_r = ed25519 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, data, PUBLICKEYS_ED25519_LENGTH)
	                 : make_rsa(&numbers);
	return *key_r ? PUBLICKEY_GOOD : PUBLICKEY_BROKEN;
}

static bool holds(const struct kept *kept, bool ed25519, struct span text, uint64_t hash)
{
	return kept->key && kept->hash == hash && kept->ed25519 == ed25519
	       && span_equal(span_make(kept->text, kept->length), text);
}

/* With the lock held: the place of a key, or else the one to put it in: free, or not asked for the longest time. */
static struct kept *find(struct publickeys *publickeys, bool ed25519, struct span text, uint64_t hash)
{
	struct kept *oldest = &publickeys->kept[0];
	for (size_t i = 0; i < PUBLICKEYS_KEPT; i++) {
		struct kept *kept = &publickeys->kept[i];
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

static EVP_PKEY *take_kept(struct publickeys *publickeys, bool ed25519, struct span text, uint64_t hash)
{
	EVP_PKEY *key = NULL;
	pthread_mutex_lock(&publickeys->lock);
	struct kept *kept = find(publickeys, ed25519, text, hash);
	if (holds(kept, ed25519, text, hash)) {
		kept->used = ++publickeys->asked;
		if (EVP_PKEY_up_ref(kept->key))
			key = kept->key;
	}
	pthread_mutex_unlock(&publickeys->lock);
	return key;
}

/* GOOD: *key_r is a new reference. Decoded without the lock, so that others need not wait; two may then do it at once. */
static enum publickey_status take_key(struct publickeys *publickeys, bool ed25519, struct span text, EVP_PKEY **key_r)
{
	uint64_t hash = hash_text(text);

	*key_r = take_kept(publickeys, ed25519, text, hash);
	if (*key_r)
		return PUBLICKEY_GOOD;
	enum publickey_status status = decode_key(ed25519, text, key_r);
	if (status != PUBLICKEY_GOOD)
		return status;
	pthread_mutex_lock(&publickeys->lock);
	struct kept *kept = find(publickeys, ed25519, text, hash);
	if (!holds(kept, ed25519, text, hash))
		keep(kept, *key_r, ed25519, text, hash);
	kept->used = ++publickeys->asked;
	pthread_mutex_unlock(&publickeys->lock);
	return PUBLICKEY_GOOD;
}

static enum publickey_status verify_rsa(EVP_PKEY *key, const unsigned char *digest, struct signature_bytes signature)
{
	enum publickey_status status = PUBLICKEY_BROKEN;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	if (context && EVP_PKEY_verify_init(context) == 1
	    && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
	    && EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1)
		status = EVP_PKEY_verify(context, signature.at, signature.length, digest, PUBLICKEYS_DIGEST_LENGTH) == 1
		             ? PUBLICKEY_GOOD
		             : PUBLICKEY_MISMATCH;
	EVP_PKEY_CTX_free(context);
	return status;
}

static enum publickey_status verify_ed25519(EVP_PKEY *key, const unsigned char *digest, struct signature_bytes signature)
{
	enum publickey_status status = PUBLICKEY_BROKEN;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1)
		status = EVP_DigestVerify(context, signature.at, signature.length, digest, PUBLICKEYS_DIGEST_LENGTH) == 1
		             ? PUBLICKEY_GOOD
		             : PUBLICKEY_MISMATCH;
	EVP_MD_CTX_free(context);
	return status;
}

enum publickey_status publickeys_verify(struct publickeys *publickeys, bool ed25519, struct span key,
                                        const unsigned char digest[PUBLICKEYS_DIGEST_LENGTH], struct span signature)
{
	unsigned char raw[PUBLICKEYS_SIGNATURE_MAX];
	EVP_PKEY *decoded;

	if (key.length > PUBLICKEYS_TEXT_MAX)
		return PUBLICKEY_UNUSABLE;
	enum publickey_status status = take_key(publickeys, ed25519, key, &decoded);
	if (status == PUBLICKEY_GOOD) {
		int length = signature.length <= PUBLICKEYS_SIGNATURE_MAX ? decode(signature, raw) : -1;
		struct signature_bytes bytes = { raw, (size_t)length };
		status = length <= 0 ? PUBLICKEY_MISMATCH : (ed25519 ? verify_ed25519 : verify_rsa)(decoded, digest, bytes);
		EVP_PKEY_free(decoded);
	}
	/* What OpenSSL complained of would otherwise pile up in this thread. */
	if (status != PUBLICKEY_GOOD)
		ERR_clear_error();
	return status;
}
