#include "config.h"

#include "evidence/publickeys.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define TEXT_SIZE 2100
#define MANY (PUBLICKEYS_KEPT + 16)
#define THREADS 4

/* A key pair and what it made of a digest. */
struct pair {
	EVP_PKEY *key;
	bool ed25519;
	char text[TEXT_SIZE];      /* the public key, base64 */
	char signature[TEXT_SIZE]; /* of the digest, base64 */
};

static const unsigned char digest[PUBLICKEYS_DIGEST_LENGTH] = "thirty-two bytes of some digest";

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

static enum publickey_status verify(struct publickeys *keys, bool ed25519, const char *key, const char *signature)
{
	return publickeys_verify(keys, ed25519, span_of(key), digest, span_of(signature));
}

static void good_and_bad(struct publickeys *keys, const struct pair *pair, const struct pair *other, const char *name)
{
	static const unsigned char another[PUBLICKEYS_DIGEST_LENGTH] = "thirty-two bytes of another one";
	char changed[TEXT_SIZE];

	for (int round = 1; round <= 2; round++) {
		ok(verify(keys, pair->ed25519, pair->text, pair->signature) == PUBLICKEY_GOOD, "%s: good, call %d", name, round);
		ok(publickeys_verify(keys, pair->ed25519, span_of(pair->text), another, span_of(pair->signature))
		       == PUBLICKEY_MISMATCH, "%s: of another digest, call %d", name, round);
		ok(verify(keys, pair->ed25519, pair->text, other->signature) == PUBLICKEY_MISMATCH,
		   "%s: of another key, call %d", name, round);
	}
	memcpy(changed, pair->signature, sizeof changed);
	changed[10] = changed[10] == 'A' ? 'B' : 'A';
	ok(verify(keys, pair->ed25519, pair->text, changed) == PUBLICKEY_MISMATCH, "%s: a signature with a bit changed", name);
	changed[strlen(changed) - 4] = '\0';
	ok(verify(keys, pair->ed25519, pair->text, changed) == PUBLICKEY_MISMATCH, "%s: a signature cut short", name);
	ok(verify(keys, !pair->ed25519, pair->text, pair->signature) == PUBLICKEY_UNUSABLE, "%s: taken for the other kind",
	   name);
	ok(verify(keys, pair->ed25519, pair->text, pair->signature) == PUBLICKEY_GOOD, "%s: still good after all that", name);
}

static void bad_signatures(struct publickeys *keys, const struct pair *pair)
{
	static const char *const texts[] = { "", "A", "AAA", "AAAA----", "AA*A", "====", "AAAAA" };
	char long_text[PUBLICKEYS_SIGNATURE_MAX + 5];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		ok(verify(keys, false, pair->text, texts[i]) == PUBLICKEY_MISMATCH, "no signature: \"%s\"", texts[i]);
	memset(long_text, 'A', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	ok(verify(keys, false, pair->text, long_text) == PUBLICKEY_MISMATCH, "a signature that is too long");
	long_text[PUBLICKEYS_SIGNATURE_MAX] = '\0';
	ok(verify(keys, false, pair->text, long_text) == PUBLICKEY_MISMATCH, "the longest that is looked at");
}

static void bad_keys(struct publickeys *keys, const struct pair *pair)
{
	static const char *const texts[] = { "", "AAAA", "MIIBIjANBgkq", "AAAA----", "*", "A" };
	char text[TEXT_SIZE];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		ok(verify(keys, false, texts[i], pair->signature) == PUBLICKEY_UNUSABLE, "no RSA key: \"%s\"", texts[i]);
		ok(verify(keys, true, texts[i], pair->signature) == PUBLICKEY_UNUSABLE, "no Ed25519 key: \"%s\"", texts[i]);
	}
	encode_spki(pair->key, 3, text);
	ok(verify(keys, false, text, pair->signature) == PUBLICKEY_UNUSABLE, "bytes behind the key");
	memset(text, 'A', PUBLICKEYS_TEXT_MAX + 4);
	text[PUBLICKEYS_TEXT_MAX + 4] = '\0';
	ok(verify(keys, false, text, pair->signature) == PUBLICKEY_UNUSABLE, "a key that is too long");
	EVP_PKEY *curve = EVP_EC_gen("P-256");
	encode_spki(curve, 0, text);
	ok(verify(keys, false, text, pair->signature) == PUBLICKEY_UNUSABLE, "a key of an elliptic curve");
	EVP_PKEY_free(curve);
	EVP_PKEY *pss = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY_keygen_init(context);
	EVP_PKEY_CTX_set_rsa_keygen_bits(context, 1024);
	if (EVP_PKEY_generate(context, &pss) == 1)
		encode_spki(pss, 0, text);
	EVP_PKEY_CTX_free(context);
	ok(pss && verify(keys, false, text, pair->signature) == PUBLICKEY_UNUSABLE, "a key for RSA-PSS only");
	EVP_PKEY_free(pss);
}

/* Keys by turns, more than are kept; each result must be that of its own key. */
static void *turn(void *argument)
{
	struct { struct publickeys *keys; const struct pair *pairs; } *given = argument;
	uintptr_t wrong = 0;
	for (size_t i = 0; i < 10 * (size_t)MANY; i++) {
		const struct pair *pair = &given->pairs[i % MANY];
		const struct pair *next = &given->pairs[(i + 1) % MANY];
		wrong += verify(given->keys, true, pair->text, pair->signature) != PUBLICKEY_GOOD;
		wrong += verify(given->keys, true, pair->text, next->signature) != PUBLICKEY_MISMATCH;
	}
	return (void *)wrong;
}

static void many_keys(void)
{
	static struct pair pairs[MANY];
	struct { struct publickeys *keys; const struct pair *pairs; } given = { publickeys_new(), pairs };
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
	publickeys_free(given.keys);
	for (size_t i = 0; i < MANY; i++)
		EVP_PKEY_free(pairs[i].key);
}

int main(void)
{
	struct publickeys *keys = publickeys_new();
	struct pair rsa = make_rsa(2048);
	struct pair other = make_rsa(1024);
	struct pair ed = make_ed25519();
	struct pair ed_other = make_ed25519();
	struct pair sha1 = { .key = rsa.key };

	good_and_bad(keys, &rsa, &other, "RSA");
	good_and_bad(keys, &other, &rsa, "RSA with 1024 bits");
	good_and_bad(keys, &ed, &ed_other, "Ed25519");
	sign(&sha1, EVP_sha1());
	ok(verify(keys, false, rsa.text, sha1.signature) == PUBLICKEY_MISMATCH, "a signature of SHA-1");
	bad_signatures(keys, &rsa);
	bad_keys(keys, &rsa);
	publickeys_free(keys);
	publickeys_free(NULL);
	many_keys();
	EVP_PKEY_free(rsa.key);
	EVP_PKEY_free(other.key);
	EVP_PKEY_free(ed.key);
	EVP_PKEY_free(ed_other.key);
	return done_testing();
}
