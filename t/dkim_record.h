/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_record: a dkim_crypto whose hashes record the bytes they are given, for tests. The digest is no SHA-256: it is the
 * first bytes of a checksum, so that equal digests mean equal bytes. What was recorded last is in dkim_recorded.
 */
#ifndef SFDC_DKIM_RECORD_H
#define SFDC_DKIM_RECORD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/dkim_crypto.h"

struct dkim_hash {
	char *at;
	size_t length;
	size_t size;
	unsigned updates;
};

static struct dkim_hash dkim_recorded; /* what the last hash_end() finished */
static unsigned dkim_hashes_begun;
static int dkim_hashes_live;
static int dkim_hashes_allowed = -1;                          /* how many may be begun; -1: any number */
static void (*dkim_hash_seen)(const char *at, size_t length); /* told of what each hash was given when it ends */

static struct dkim_hash *record_begin(void *context)
{
	(void)context;
	if (dkim_hashes_allowed == 0)
		return NULL;
	dkim_hashes_allowed -= dkim_hashes_allowed > 0;
	dkim_hashes_begun++;
	dkim_hashes_live++;
	return calloc(1, sizeof(struct dkim_hash));
}

static void record_update(struct dkim_hash *hash, const char *at, size_t length)
{
	if (hash->length + length > hash->size) {
		hash->size = (hash->length + length) * 2;
		hash->at = realloc(hash->at, hash->size);
		if (!hash->at)
			abort();
	}
	memcpy(hash->at + hash->length, at, length);
	hash->length += length;
	hash->updates++;
}

static void record_drop(struct dkim_hash *hash)
{
	if (!hash)
		return;
	dkim_hashes_live--;
	free(hash->at);
	free(hash);
}

static void record_digest(const char *at, size_t length, unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	for (unsigned part = 0; part < 4; part++) {
		uint64_t sum = 0xcbf29ce484222325u + part;
		for (size_t i = 0; i < length; i++)
			sum = (sum ^ (unsigned char)at[i]) * 0x100000001b3u;
		memcpy(digest_r + 8 * (size_t)part, &sum, sizeof sum);
	}
}

static bool record_end(struct dkim_hash *hash, unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	record_digest(hash->at, hash->length, digest_r);
	if (dkim_hash_seen)
		dkim_hash_seen(hash->at, hash->length);
	free(dkim_recorded.at);
	dkim_recorded = *hash;
	free(hash);
	dkim_hashes_live--;
	return true;
}

/* The bh= of a digest: 44 characters and NUL. */
static inline void record_base64(const unsigned char digest[DKIM_DIGEST_LENGTH], char text_r[45])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char bytes[33] = { 0 };
	memcpy(bytes, digest, DKIM_DIGEST_LENGTH);
	for (size_t i = 0; i < 11; i++) {
		unsigned long word =
			(unsigned long)bytes[3 * i] << 16 | (unsigned long)bytes[3 * i + 1] << 8 | bytes[3 * i + 2];
		for (unsigned digit = 0; digit < 4; digit++)
			text_r[4 * i + digit] = digits[word >> (18 - 6 * digit) & 63];
	}
	text_r[43] = '=';
	text_r[44] = '\0';
}

static inline void record_forget(void)
{
	free(dkim_recorded.at);
	memset(&dkim_recorded, 0, sizeof dkim_recorded);
}

static const struct dkim_crypto dkim_recorder = {
	.hash_begin = record_begin, .hash_update = record_update, .hash_end = record_end, .hash_drop = record_drop
};

#endif
