/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/dkim_keys.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/dkim_tags.h"
#include "core/dkim_selftest.h"
#include "tap.h"

#define TEXT_SIZE 2100
#define MANY (DKIM_KEYS_KEPT + 16)
#define THREADS 4

/* A key pair and what it made of a digest. */
struct pair {
	EVP_PKEY *key;
	bool ed25519;
	char text[TEXT_SIZE];      /* the public key, base64 */
	char signature[TEXT_SIZE]; /* of the digest, base64 */
};

/* What of OpenSSL is out of order. */
enum broken { NOTHING, HASHES, RSA_KEYS, RSA_VERIFYING, ED25519_KEYS, ED25519_VERIFYING };
static enum broken broken = NOTHING;

int __real_EVP_PKEY_fromdata_init(EVP_PKEY_CTX *context);
int __wrap_EVP_PKEY_fromdata_init(EVP_PKEY_CTX *context);
int __real_EVP_PKEY_verify_init(EVP_PKEY_CTX *context);
int __wrap_EVP_PKEY_verify_init(EVP_PKEY_CTX *context);
EVP_PKEY *__real_EVP_PKEY_new_raw_public_key(int type, ENGINE *engine, const unsigned char *data, size_t length);
EVP_PKEY *__wrap_EVP_PKEY_new_raw_public_key(int type, ENGINE *engine, const unsigned char *data, size_t length);
int __real_EVP_DigestVerifyInit(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const EVP_MD *md, ENGINE *engine,
                                EVP_PKEY *key);
int __wrap_EVP_DigestVerifyInit(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const EVP_MD *md, ENGINE *engine,
                                EVP_PKEY *key);

int __real_EVP_DigestInit_ex2(EVP_MD_CTX *context, const EVP_MD *md, const OSSL_PARAM *parameters);
int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *context, const EVP_MD *md, const OSSL_PARAM *parameters);

int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *context, const EVP_MD *md, const OSSL_PARAM *parameters)
{
	return broken == HASHES ? 0 : __real_EVP_DigestInit_ex2(context, md, parameters);
}

int __wrap_EVP_PKEY_fromdata_init(EVP_PKEY_CTX *context)
{
	return broken == RSA_KEYS ? 0 : __real_EVP_PKEY_fromdata_init(context);
}

int __wrap_EVP_PKEY_verify_init(EVP_PKEY_CTX *context)
{
	return broken == RSA_VERIFYING ? 0 : __real_EVP_PKEY_verify_init(context);
}

EVP_PKEY *__wrap_EVP_PKEY_new_raw_public_key(int type, ENGINE *engine, const unsigned char *data, size_t length)
{
	return broken == ED25519_KEYS ? NULL : __real_EVP_PKEY_new_raw_public_key(type, engine, data, length);
}

int __wrap_EVP_DigestVerifyInit(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const EVP_MD *md, ENGINE *engine,
                                EVP_PKEY *key)
{
	return broken == ED25519_VERIFYING ? 0 : __real_EVP_DigestVerifyInit(context, key_context, md, engine, key);
}

static const unsigned char digest[DKIM_DIGEST_LENGTH] = "thirty-two bytes of some digest";

static void encode(const unsigned char *data, size_t length, char *to)
{
	EVP_EncodeBlock((unsigned char *)to, data, (int)length);
}

static void encode_spki(EVP_PKEY *key, size_t more, char *to)
{
	unsigned char data[1500] = { 0 };
	unsigned char *at = data;
	int length = i2d_PUBKEY(key, &at);
	encode(data, (size_t)length + more, to);
}

static void sign(struct pair *pair, const EVP_MD *md)
{
	unsigned char data[1024];
	size_t length = sizeof data;
	if (pair->ed25519) {
		EVP_MD_CTX *context = EVP_MD_CTX_new();
		EVP_DigestSignInit(context, NULL, NULL, NULL, pair->key);
		EVP_DigestSign(context, data, &length, digest, sizeof digest);
		EVP_MD_CTX_free(context);
	} else {
		EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair->key, NULL);
		EVP_PKEY_sign_init(context);
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
		EVP_PKEY_CTX_set_signature_md(context, md);
		EVP_PKEY_sign(context, data, &length, digest, md == EVP_sha1() ? 20 : sizeof digest);
		EVP_PKEY_CTX_free(context);
	}
	encode(data, length, pair->signature);
}

static struct pair make_rsa(unsigned bits)
{
	struct pair pair = { .key = EVP_RSA_gen(bits) };
	encode_spki(pair.key, 0, pair.text);
	sign(&pair, EVP_sha256());
	return pair;
}

/* Five primes: two take minutes to find. To whoever verifies it is a key like any other. */
static struct pair make_longest_rsa(void)
{
	struct pair pair = { .key = NULL };
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY_keygen_init(context);
	EVP_PKEY_CTX_set_rsa_keygen_bits(context, DKIM_RSA_BITS_MAX);
	EVP_PKEY_CTX_set_rsa_keygen_primes(context, 5);
	EVP_PKEY_generate(context, &pair.key);
	EVP_PKEY_CTX_free(context);
	encode_spki(pair.key, 0, pair.text);
	sign(&pair, EVP_sha256());
	return pair;
}

static struct pair make_ed25519(void)
{
	struct pair pair = { .key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), .ed25519 = true };
	unsigned char raw[32];
	size_t length = sizeof raw;
	EVP_PKEY_get_raw_public_key(pair.key, raw, &length);
	encode(raw, length, pair.text);
	sign(&pair, NULL);
	return pair;
}

static enum dkim_verification verify(struct dkim_keys *keys, bool ed25519, const char *key, const char *signature)
{
	const struct dkim_crypto *crypto = dkim_keys_crypto(keys);
	return crypto->verify(crypto->context, ed25519, span_of(key), digest, span_of(signature));
}

static void good_and_bad(struct dkim_keys *keys, const struct pair *pair, const struct pair *other, const char *name)
{
	static const unsigned char another[DKIM_DIGEST_LENGTH] = "thirty-two bytes of another one";
	char changed[TEXT_SIZE];

	for (int round = 1; round <= 2; round++) {
		ok(verify(keys, pair->ed25519, pair->text, pair->signature) == DKIM_VERIFIED, "%s: good, call %d", name, round);
		const struct dkim_crypto *crypto = dkim_keys_crypto(keys);
		ok(crypto->verify(crypto->context, pair->ed25519, span_of(pair->text), another, span_of(pair->signature))
		       == DKIM_MISMATCH,
		   "%s: of another digest, call %d", name, round);
		ok(verify(keys, pair->ed25519, pair->text, other->signature) == DKIM_MISMATCH, "%s: of another key, call %d",
		   name, round);
	}
	memcpy(changed, pair->signature, sizeof changed);
	changed[10] = changed[10] == 'A' ? 'B' : 'A';
	ok(verify(keys, pair->ed25519, pair->text, changed) == DKIM_MISMATCH, "%s: a signature with a bit changed", name);
	changed[strlen(changed) - 4] = '\0';
	ok(verify(keys, pair->ed25519, pair->text, changed) == DKIM_MISMATCH, "%s: a signature cut short", name);
	ok(verify(keys, !pair->ed25519, pair->text, pair->signature) == DKIM_UNVERIFIABLE, "%s: taken for the other kind",
	   name);
	ok(verify(keys, pair->ed25519, pair->text, pair->signature) == DKIM_VERIFIED, "%s: still good after all that",
	   name);
}

static void bad_signatures(struct dkim_keys *keys, const struct pair *pair)
{
	static const char *const texts[] = { "", "A", "AAA", "AAAA----", "AA*A", "====", "AAAAA" };
	char long_text[DKIM_KEYS_SIGNATURE_MAX + 5];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		ok(verify(keys, false, pair->text, texts[i]) == DKIM_MISMATCH, "no signature: \"%s\"", texts[i]);
	memset(long_text, 'A', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	ok(verify(keys, false, pair->text, long_text) == DKIM_MISMATCH, "a signature that is too long");
	long_text[DKIM_KEYS_SIGNATURE_MAX] = '\0';
	ok(verify(keys, false, pair->text, long_text) == DKIM_MISMATCH, "the longest that is looked at");
}

static void bad_keys(struct dkim_keys *keys, const struct pair *pair)
{
	static const char *const texts[] = { "", "AAAA", "MIIBIjANBgkq", "AAAA----", "*", "A" };
	char text[TEXT_SIZE];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		ok(verify(keys, false, texts[i], pair->signature) == DKIM_UNVERIFIABLE, "no RSA key: \"%s\"", texts[i]);
		ok(verify(keys, true, texts[i], pair->signature) == DKIM_UNVERIFIABLE, "no Ed25519 key: \"%s\"", texts[i]);
	}
	encode_spki(pair->key, 3, text);
	ok(verify(keys, false, text, pair->signature) == DKIM_UNVERIFIABLE, "bytes behind the key");
	memset(text, 'A', DKIM_KEYS_TEXT_MAX + 4);
	text[DKIM_KEYS_TEXT_MAX + 4] = '\0';
	ok(verify(keys, false, text, pair->signature) == DKIM_UNVERIFIABLE, "a key that is too long");
	EVP_PKEY *curve = EVP_EC_gen("P-256");
	encode_spki(curve, 0, text);
	ok(verify(keys, false, text, pair->signature) == DKIM_UNVERIFIABLE, "a key of an elliptic curve");
	EVP_PKEY_free(curve);
	EVP_PKEY *pss = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY_keygen_init(context);
	EVP_PKEY_CTX_set_rsa_keygen_bits(context, 1024);
	if (EVP_PKEY_generate(context, &pss) == 1)
		encode_spki(pss, 0, text);
	EVP_PKEY_CTX_free(context);
	ok(pss && verify(keys, false, text, pair->signature) == DKIM_UNVERIFIABLE, "a key for RSA-PSS only");
	EVP_PKEY_free(pss);
}

/* OpenSSL out of order says nothing about a key; a text that is no key stays one. */
static void out_of_order(const struct pair *rsa, const struct pair *ed)
{
	static const struct {
		enum broken broken;
		bool ed25519;
		const char *what;
	} rows[] = {
		{ RSA_KEYS, false, "RSA keys cannot be made" },
		{ RSA_VERIFYING, false, "RSA cannot verify" },
		{ ED25519_KEYS, true, "Ed25519 keys cannot be made" },
		{ ED25519_VERIFYING, true, "Ed25519 cannot verify" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct pair *pair = rows[i].ed25519 ? ed : rsa;
		const struct pair *other = rows[i].ed25519 ? rsa : ed;
		struct dkim_keys *keys = dkim_keys_new();
		broken = rows[i].broken;
		for (int round = 1; round <= 2; round++)
			ok(verify(keys, pair->ed25519, pair->text, pair->signature) == DKIM_UNVERIFIABLE, "%s: unknown, call %d",
			   rows[i].what, round);
		ok(verify(keys, pair->ed25519, "AAAA", pair->signature) == DKIM_UNVERIFIABLE, "%s: a bad key, too",
		   rows[i].what);
		ok(verify(keys, other->ed25519, other->text, other->signature) == DKIM_VERIFIED, "%s: the other kind goes on",
		   rows[i].what);
		broken = NOTHING;
		ok(verify(keys, pair->ed25519, pair->text, pair->signature) == DKIM_VERIFIED, "%s: good once it is over",
		   rows[i].what);
		dkim_keys_free(keys);
	}
}

static void selftest(void)
{
	static const enum broken kinds[] = { NOTHING, HASHES, RSA_KEYS, RSA_VERIFYING, ED25519_KEYS, ED25519_VERIFYING };
	static const char *const names[] = { NULL,         "rsa-sha256",     "rsa-sha256",
		                                 "rsa-sha256", "ed25519-sha256", "ed25519-sha256" };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct dkim_keys *keys = dkim_keys_new();
		broken = kinds[i];
		const char *failed = dkim_selftest(dkim_keys_crypto(keys));
		broken = NOTHING;
		ok(failed == names[i] || (failed && names[i] && strcmp(failed, names[i]) == 0), "the built-in message: %s",
		   failed ? failed : "good");
		dkim_keys_free(keys);
	}
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

/* What core reads as an RSA key is one to OpenSSL's own reader, too, and can be used: spoilt keys, a byte or two each. */
static void spoilt_keys(struct dkim_keys *keys, const struct pair *pair)
{
	unsigned char whole[1500];
	unsigned char *end = whole;
	size_t length = (size_t)i2d_PUBKEY(pair->key, &end);
	unsigned state = 1;
	unsigned taken = 0;
	unsigned wrong = 0;
	char text[TEXT_SIZE];

	for (unsigned i = 0; i < 20000; i++) {
		unsigned char der[1500];
		memcpy(der, whole, length);
		for (unsigned spoil = next_random(&state) % 2; spoil < 2; spoil++)
			der[next_random(&state) % (i % 2 ? length : 48)] = (unsigned char)next_random(&state);
		encode(der, length, text);
		enum dkim_verification status = verify(keys, false, text, pair->signature);
		struct rsa_key numbers;
		if (!dkim_tags_rsa_key(span_make((const char *)der, length), &numbers))
			continue;
		const unsigned char *at = der;
		EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)length);
		taken++;
		wrong += !key || at != der + length || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || status == DKIM_UNVERIFIABLE;
		EVP_PKEY_free(key);
	}
	ERR_clear_error();
	ok(taken > 1000 && taken < 19000 && wrong == 0, "spoilt keys: %u of 20000 are keys, %u of them not to OpenSSL",
	   taken, wrong);
}

/* Keys by turns, more than are kept; each result must be that of its own key. */
static void *turn(void *argument)
{
	struct {
		struct dkim_keys *keys;
		const struct pair *pairs;
	} *given = argument;
	uintptr_t wrong = 0;
	for (size_t i = 0; i < 10 * (size_t)MANY; i++) {
		const struct pair *pair = &given->pairs[i % MANY];
		const struct pair *next = &given->pairs[(i + 1) % MANY];
		wrong += verify(given->keys, true, pair->text, pair->signature) != DKIM_VERIFIED;
		wrong += verify(given->keys, true, pair->text, next->signature) != DKIM_MISMATCH;
	}
	return (void *)wrong;
}

static void many_keys(void)
{
	static struct pair pairs[MANY];
	struct {
		struct dkim_keys *keys;
		const struct pair *pairs;
	} given = { dkim_keys_new(), pairs };
	pthread_t threads[THREADS];

	for (size_t i = 0; i < MANY; i++)
		pairs[i] = make_ed25519();
	ok(turn(&given) == NULL, "more keys than are kept, by turns");
	bool good = true;
	for (size_t i = 0; i < THREADS; i++)
		good = pthread_create(&threads[i], NULL, turn, &given) == 0 && good;
	for (size_t i = 0; good && i < THREADS; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		good = wrong == NULL && good;
	}
	ok(good, "by %d threads at once", THREADS);
	dkim_keys_free(given.keys);
	for (size_t i = 0; i < MANY; i++)
		EVP_PKEY_free(pairs[i].key);
}

int main(void)
{
	struct dkim_keys *keys = dkim_keys_new();
	struct pair rsa = make_rsa(2048);
	struct pair other = make_rsa(1024);
	struct pair longest = make_longest_rsa();
	struct pair ed = make_ed25519();
	struct pair ed_other = make_ed25519();
	struct pair sha1 = { .key = rsa.key };

	good_and_bad(keys, &rsa, &other, "RSA");
	good_and_bad(keys, &other, &rsa, "RSA with 1024 bits");
	good_and_bad(keys, &longest, &other, "RSA with 8192 bits");
	good_and_bad(keys, &ed, &ed_other, "Ed25519");
	sign(&sha1, EVP_sha1());
	ok(verify(keys, false, rsa.text, sha1.signature) == DKIM_MISMATCH, "a signature of SHA-1");
	bad_signatures(keys, &rsa);
	bad_keys(keys, &rsa);
	spoilt_keys(keys, &other);
	out_of_order(&rsa, &ed);
	selftest();
	dkim_keys_free(keys);
	dkim_keys_free(NULL);
	many_keys();
	EVP_PKEY_free(rsa.key);
	EVP_PKEY_free(other.key);
	EVP_PKEY_free(longest.key);
	EVP_PKEY_free(ed.key);
	EVP_PKEY_free(ed_other.key);
	return done_testing();
}
