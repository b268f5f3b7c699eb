#include "config.h"

#include "evidence/dkim_openssl.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "evidence/reserve.h"

_Static_assert(PUBLICKEYS_DIGEST_LENGTH == DKIM_DIGEST_LENGTH, "one digest");

struct dkim_hash {
	EVP_MD_CTX *context;
	bool failed;
};

static void hash_drop(struct dkim_hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->context);
	free(hash);
}

static struct dkim_hash *hash_begin(void *context)
{
	(void)context;
	struct dkim_hash *hash = calloc(1, sizeof *hash);
	if (!hash)
		return NULL;
	hash->context = EVP_MD_CTX_new();
	if (hash->context && EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) == 1)
		return hash;
	hash_drop(hash);
	return NULL;
}

static void hash_update(struct dkim_hash *hash, const char *at, size_t length)
{
	hash->failed = EVP_DigestUpdate(hash->context, at, length) != 1 || hash->failed;
}

static bool hash_end(struct dkim_hash *hash, unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	bool done = !hash->failed && EVP_DigestFinal_ex(hash->context, digest_r, NULL) == 1;
	hash_drop(hash);
	return done;
}

static enum dkim_verification verify(void *context, bool ed25519, struct span public_key,
                                     const unsigned char digest[DKIM_DIGEST_LENGTH], struct span signature)
{
	/* Without memory OpenSSL takes a good signature for a bad one. */
	unsigned long refusals = reserve_openssl_refusals();
	enum publickey_status status = publickeys_verify(context, ed25519, public_key, digest, signature);
	if (reserve_openssl_refusals() != refusals)
		return DKIM_UNVERIFIABLE;
	switch (status) {
	case PUBLICKEY_GOOD:
		return DKIM_VERIFIED;
	case PUBLICKEY_MISMATCH:
	case PUBLICKEY_UNUSABLE:
		return DKIM_MISMATCH;
	case PUBLICKEY_BROKEN:
		break;
	}
	return DKIM_UNVERIFIABLE;
}

void dkim_openssl_init(struct dkim_crypto *crypto_r, struct publickeys *publickeys)
{
	*crypto_r = (struct dkim_crypto){ publickeys, hash_begin, hash_update, hash_end, hash_drop, verify };
}
