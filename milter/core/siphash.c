/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/siphash.h"

#include <string.h>

static uint64_t word_at(const unsigned char *at)
{
	uint64_t word = 0;
	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)at[i] << (8 * i);
	return word;
}

static void rounds(uint64_t v[4], unsigned count)
{
	while (count-- > 0)
		siphash_round(v);
}

void siphash_begin(struct siphash *hash, const unsigned char key[SIPHASH_KEY])
{
	uint64_t k0 = word_at(key);
	uint64_t k1 = word_at(key + 8);
	memset(hash, 0, sizeof *hash);
	hash->v[0] = k0 ^ UINT64_C(0x736f6d6570736575);
	hash->v[1] = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee;
	hash->v[2] = k0 ^ UINT64_C(0x6c7967656e657261);
	hash->v[3] = k1 ^ UINT64_C(0x7465646279746573);
}

static void compress(struct siphash *hash, uint64_t word)
{
	hash->v[3] ^= word;
	rounds(hash->v, 2);
	hash->v[0] ^= word;
}

void siphash_put(struct siphash *hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < length; i++) {
		hash->part[hash->length++ % 8] = at[i];
		if (hash->length % 8 == 0)
			compress(hash, word_at(hash->part));
	}
}

struct siphash_value siphash_end(struct siphash *hash)
{
	struct siphash_value value;
	memset(hash->part + hash->length % 8, 0, 8 - hash->length % 8);
	hash->part[7] = (unsigned char)hash->length;
	compress(hash, word_at(hash->part));
	hash->v[2] ^= 0xee;
	rounds(hash->v, 4);
	value.words[0] = hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
	hash->v[1] ^= 0xdd;
	rounds(hash->v, 4);
	value.words[1] = hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
	return value;
}
