#include "config.h"

#include "evidence/publickeys.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* A new reference, or NULL: it cannot be decoded, or is of another kind. */
static EVP_PKEY *decode_key(bool ed25519, struct span text)
{
	unsigned char data[PUBLICKEYS_TEXT_MAX];
	int length = decode(text, data);
	if (length <= 0)
		return NULL;
	if (ed25519)
		return length == 32 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, data, 32) : NULL;
	const unsigned char *at = data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, length);
	if (key && at == data + length && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return key;
	EVP_PKEY_free(key);
	return NULL;
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

/* A new reference. Decoded without the lock, so that others need not wait; two may then do it at once. */
static EVP_PKEY *take_key(struct publickeys *publickeys, bool ed25519, struct span text)
{
	uint64_t hash = hash_text(text);
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&publickeys->lock);
	struct kept *kept = find(publickeys, ed25519, text, hash);
	if (holds(kept, ed25519, text, hash)) {
		kept->used = ++publickeys->asked;
		if (EVP_PKEY_up_ref(kept->key))
			key = kept->key;
	}
	pthread_mutex_unlock(&publickeys->lock);
	if (key)
		return key;

	key = decode_key(ed25519, text);
	if (!key)
		return NULL;
	pthread_mutex_lock(&publickeys->lock);
	kept = find(publickeys, ed25519, text, hash);
	if (!holds(kept, ed25519, text, hash))
		keep(kept, key, ed25519, text, hash);
	kept->used = ++publickeys->asked;
	pthread_mutex_unlock(&publickeys->lock);
	return key;
}

static bool verify_rsa(EVP_PKEY *key, const unsigned char *digest, const unsigned char *signature, size_t length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good = context && EVP_PKEY_verify_init(context) == 1
	            && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
	            && EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1
	            && EVP_PKEY_verify(context, signature, length, digest, PUBLICKEYS_DIGEST_LENGTH) == 1;
	EVP_PKEY_CTX_free(context);
	return good;
}

static bool verify_ed25519(EVP_PKEY *key, const unsigned char *digest, const unsigned char *signature, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1
	            && EVP_DigestVerify(context, signature, length, digest, PUBLICKEYS_DIGEST_LENGTH) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

enum publickey_status publickeys_verify(struct publickeys *publickeys, bool ed25519, struct span key,
                                        const unsigned char digest[PUBLICKEYS_DIGEST_LENGTH], struct span signature)
{
	unsigned char raw[PUBLICKEYS_SIGNATURE_MAX];

	if (key.length > PUBLICKEYS_TEXT_MAX)
		return PUBLICKEY_UNUSABLE;
	EVP_PKEY *decoded = take_key(publickeys, ed25519, key);
	int length = decoded && signature.length <= PUBLICKEYS_SIGNATURE_MAX ? decode(signature, raw) : -1;
	bool good = length > 0
	            && (ed25519 ? verify_ed25519 : verify_rsa)(decoded, digest, raw, (size_t)length);
	/* What OpenSSL complained of would otherwise pile up in this thread. */
	if (!good)
		ERR_clear_error();
	EVP_PKEY_free(decoded);
	return !decoded ? PUBLICKEY_UNUSABLE : good ? PUBLICKEY_GOOD : PUBLICKEY_MISMATCH;
}
