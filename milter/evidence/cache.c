/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/siphash.h"

struct entry {
	struct entry *next;  /* in the bucket */
	struct entry *newer; /* in the order of use */
	struct entry *older;
	uint64_t hash;
	long long expires_ms;
	struct dns_shared *response;
	size_t size;
	enum record_type type;
	size_t name_length;
	char name[];
};

struct cache {
	uint64_t key[2];
	size_t entries_max;
	size_t bytes_max;
	size_t entries;
	size_t bytes;
	size_t mask; /* number of buckets less one */
	struct entry *newest;
	struct entry *oldest;
	struct entry **buckets;
};

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	siphash_round(v);
	v[0] ^= word;
}

uint64_t cache_hash(const uint64_t key[2], const struct question *question)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU, key[0] ^ 0x6c7967656e657261U,
		              key[1] ^ 0x7465646279746573U };
	uint64_t word = 0;
	size_t i;

	for (i = 0; i < question->name.length; i++) {
		word |= (uint64_t)(unsigned char)ascii_lower(question->name.at[i]) << (i % 8 * 8);
		if (i % 8 == 7) {
			sip_word(v, word);
			word = 0;
		}
	}
	sip_word(v, word);
	sip_word(v, (uint64_t)question->type << 56 | i);
	v[2] ^= 0xff;
	for (int round = 0; round < 3; round++)
		siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct cache *cache_new(size_t entries, size_t bytes)
{
	struct cache *cache = calloc(1, sizeof *cache);
	if (!cache)
		return NULL;
	size_t buckets = 16;
	while (buckets < entries && buckets <= SIZE_MAX / 4 / sizeof(struct entry *))
		buckets *= 2;
	cache->buckets = calloc(buckets, sizeof(struct entry *));
	if (!cache->buckets || getrandom(cache->key, sizeof cache->key, 0) != (ssize_t)sizeof cache->key) {
		cache_free(cache);
		return NULL;
	}
	cache->mask = buckets - 1;
	cache->entries_max = entries;
	cache->bytes_max = bytes;
	return cache;
}

static void use_link(struct cache *cache, struct entry *entry)
{
	entry->older = cache->newest;
	entry->newer = NULL;
	if (cache->newest)
		cache->newest->newer = entry;
	else
		cache->oldest = entry;
	cache->newest = entry;
}

static void use_unlink(struct cache *cache, struct entry *entry)
{
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void entry_remove(struct cache *cache, struct entry *entry)
{
	struct entry **link = &cache->buckets[entry->hash & cache->mask];
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	use_unlink(cache, entry);
	cache->entries--;
	cache->bytes -= entry->size;
	dns_shared_drop(entry->response);
	free(entry);
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	while (cache->oldest)
		entry_remove(cache, cache->oldest);
	free(cache->buckets);
	free(cache);
}

static struct entry *entry_find(const struct cache *cache, const struct question *question, uint64_t hash)
{
	struct entry *entry = cache->buckets[hash & cache->mask];
	for (; entry; entry = entry->next)
		if (entry->hash == hash && entry->type == question->type
		    && span_equal_nocase(span_make(entry->name, entry->name_length), question->name))
			return entry;
	return NULL;
}

struct dns_shared *cache_find(struct cache *cache, const struct question *question, long long now_ms)
{
	struct entry *entry = entry_find(cache, question, cache_hash(cache->key, question));
	if (!entry)
		return NULL;
	if (entry->expires_ms <= now_ms) {
		entry_remove(cache, entry);
		return NULL;
	}
	use_unlink(cache, entry);
	use_link(cache, entry);
	return dns_shared_take(entry->response);
}

void cache_add(struct cache *cache, const struct question *question, struct dns_shared *response, long long expires_ms)
{
	uint64_t hash = cache_hash(cache->key, question);
	size_t size = sizeof(struct entry) + question->name.length + dns_shared_size(response);
	struct entry *old = entry_find(cache, question, hash);

	if (old)
		entry_remove(cache, old);
	if (size > cache->bytes_max)
		return;
	struct entry *entry = malloc(sizeof *entry + question->name.length);
	if (!entry)
		return;
	while (cache->oldest && (cache->entries >= cache->entries_max || cache->bytes > cache->bytes_max - size))
		entry_remove(cache, cache->oldest);
	entry->hash = hash;
	entry->expires_ms = expires_ms;
	entry->response = dns_shared_take(response);
	entry->size = size;
	entry->type = question->type;
	entry->name_length = question->name.length;
	if (question->name.length != 0)
		memcpy(entry->name, question->name.at, question->name.length);
	entry->next = cache->buckets[hash & cache->mask];
	cache->buckets[hash & cache->mask] = entry;
	use_link(cache, entry);
	cache->entries++;
	cache->bytes += size;
}

size_t cache_entries(const struct cache *cache)
{
	return cache->entries;
}
