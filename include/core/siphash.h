/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * siphash: SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012): a keyed hash of texts that others write,
 * so that none of them can aim at another's. Pure.
 */
#ifndef SFDC_CORE_SIPHASH_H
#define SFDC_CORE_SIPHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16 /* bytes */

static inline uint64_t siphash_rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

/* SipRound, of which every SipHash is made. */
static inline void siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = siphash_rotate(v[1], 13) ^ v[0];
	v[0] = siphash_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = siphash_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = siphash_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = siphash_rotate(v[1], 17) ^ v[2];
	v[2] = siphash_rotate(v[2], 32);
}

struct siphash {
	uint64_t v[4];
	unsigned char part[8];
	size_t length;
};

struct siphash_value {
	uint64_t words[2];
};

void siphash_begin(struct siphash *hash, const unsigned char key[SIPHASH_KEY]);
void siphash_put(struct siphash *hash, const void *bytes, size_t length);

/* The first word holds the first eight bytes of the output, little-endian. */
struct siphash_value siphash_end(struct siphash *hash);

static inline bool siphash_equal(struct siphash_value a, struct siphash_value b)
{
	return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

#endif
