/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache: answers by name and type, until their time is up.
 *
 * Bounded in entries and in bytes; the entry that was not asked for the longest goes first. The hash is keyed with
 * random bytes, so a sender who chooses names cannot make look-ups slow. Not thread-safe: the resolver holds its lock.
 */
#ifndef SFDC_EVIDENCE_CACHE_H
#define SFDC_EVIDENCE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "core/answer.h"
#include "evidence/dns_shared.h"

struct cache;

/* NULL without memory. entries is at least 1. */
struct cache *cache_new(size_t entries, size_t bytes);

/* Drops all it holds. NULL is harmless. */
void cache_free(struct cache *cache);

/* A new reference to the answer to question, or NULL. now_ms: monotonic milliseconds. */
struct dns_shared *cache_find(struct cache *cache, const struct question *question, long long now_ms);

/*
 * Keep an answer until expires_ms, in place of an older one. Takes a reference of its own. An answer that is too large,
 * or for which there is no memory, is simply not kept.
 */
void cache_add(struct cache *cache, const struct question *question, struct dns_shared *response, long long expires_ms);

size_t cache_entries(const struct cache *cache);

/* Keyed hash (SipHash-1-3) of a question, without case. */
uint64_t cache_hash(const uint64_t key[2], const struct question *question);

#endif
