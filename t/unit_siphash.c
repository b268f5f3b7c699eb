/* SPDX-License-Identifier: BSD-2-Clause */
/* siphash: against OpenSSL's, in any pieces. */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/siphash.h"
#include "tap.h"

#define LENGTH_MAX 200

static bool reference(const unsigned char *key, const unsigned char *text, size_t length, unsigned char output_r[16])
{
	size_t size = 16;
	OSSL_PARAM parameters[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
	bool good = context && EVP_MAC_init(context, key, SIPHASH_KEY, parameters) && EVP_MAC_update(context, text, length)
	            && EVP_MAC_final(context, output_r, &size, 16) && size == 16;
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(mac);
	return good;
}

int main(void)
{
	unsigned char key[SIPHASH_KEY];
	unsigned char text[LENGTH_MAX];
	unsigned wrong = 0;
	unsigned compared = 0;

	srandom(1);
	for (size_t length = 0; length <= LENGTH_MAX; length++) {
		unsigned char want[16];
		unsigned char got[16];
		struct siphash hash;
		for (size_t i = 0; i < sizeof key; i++)
			key[i] = (unsigned char)random();
		for (size_t i = 0; i < length; i++)
			text[i] = (unsigned char)random();
		if (!reference(key, text, length, want))
			continue;
		siphash_begin(&hash, key);
		for (size_t from = 0; from < length;) {
			size_t piece = (size_t)random() % (length - from + 1);
			siphash_put(&hash, text + from, piece);
			from += piece;
		}
		struct siphash_value value = siphash_end(&hash);
		for (unsigned i = 0; i < 16; i++)
			got[i] = (unsigned char)(value.words[i / 8] >> (8 * (i % 8)));
		compared++;
		wrong += memcmp(got, want, 16) != 0;
	}
	ok(compared == LENGTH_MAX + 1 && wrong == 0, "%u texts as OpenSSL hashes them, %u otherwise", compared, wrong);
	return done_testing();
}
