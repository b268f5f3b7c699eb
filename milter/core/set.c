/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/set.h"

#include <stdint.h>

#include "core/domain.h"

#define SLOTS_MIN ((size_t)16)
#define MEMBERS_MAX ((size_t)UINT32_MAX)

/* A place of the hash table. Part of the hash is kept, so that a foreign member is rarely compared byte by byte. */
struct slot {
	uint32_t hash;
	uint32_t number; /* of the member, plus 1; 0 = free */
};

struct set {
	struct arena *arena;
	enum set_case set_case;
	struct slot *slots; /* slot_count of them, a power of two, at most half of them taken */
	size_t slot_count;
	struct span *members; /* room for slot_count / 2 */
	size_t count;
};

/* FNV-1a; the last lines spread what similar keys leave alike in the low bits. */
static uint32_t hash_of(enum set_case set_case, struct span key)
{
	uint64_t hash = 0xcbf29ce484222325U;
	for (size_t i = 0; i < key.length; i++) {
		char c = set_case == SET_NOCASE ? ascii_lower(key.at[i]) : key.at[i];
		hash = (hash ^ (unsigned char)c) * 0x100000001b3U;
	}
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93U;
	return (uint32_t)(hash >> 32);
}

struct set *set_new(struct arena *arena, enum set_case set_case)
{
	struct set *set = arena_alloc(arena, sizeof *set);
	if (!set)
		return NULL;
	set->arena = arena;
	set->set_case = set_case;
	return set;
}

static bool member_equal(const struct set *set, size_t number, struct span key)
{
	struct span member = set->members[number];
	return set->set_case == SET_NOCASE ? span_equal_nocase(member, key) : span_equal(member, key);
}

/* The slot that holds key, or the free one where it belongs. The table is never full, so the walk ends. */
static struct slot *slot_find(const struct set *set, uint32_t hash, struct span key)
{
	size_t mask = set->slot_count - 1;
	size_t i = hash & mask;
	while (set->slots[i].number != 0) {
		if (set->slots[i].hash == hash && member_equal(set, set->slots[i].number - 1, key))
			break;
		i = (i + 1) & mask;
	}
	return &set->slots[i];
}

/* Twice the room. What was used before stays in the arena: altogether as much as what is used now. */
static bool grow(struct set *set)
{
	size_t slot_count = set->slot_count ? set->slot_count * 2 : SLOTS_MIN;
	struct slot *slots = arena_array(set->arena, slot_count, sizeof *slots);
	struct span *members = arena_array(set->arena, slot_count / 2, sizeof *members);
	if (!slots || !members)
		return false;
	for (size_t i = 0; i < set->slot_count; i++) {
		if (set->slots[i].number == 0)
			continue;
		size_t place = set->slots[i].hash & (slot_count - 1);
		while (slots[place].number != 0)
			place = (place + 1) & (slot_count - 1);
		slots[place] = set->slots[i];
	}
	if (set->count != 0)
		memcpy(members, set->members, set->count * sizeof *members);
	set->slots = slots;
	set->slot_count = slot_count;
	set->members = members;
	return true;
}

static struct span member_copy(struct set *set, struct span member)
{
	char *copy = arena_text(set->arena, member);
	if (!copy)
		return span_make(NULL, 0);
	if (set->set_case == SET_NOCASE)
		for (size_t i = 0; i < member.length; i++)
			copy[i] = ascii_lower(copy[i]);
	return span_make(copy, member.length);
}

size_t set_add(struct set *set, struct span member)
{
	if (span_absent(member))
		return SET_ABSENT;
	size_t number = set_find(set, member);
	if (number != SET_ABSENT)
		return number;
	if (set->count >= MEMBERS_MAX - 1 || (set->count >= set->slot_count / 2 && !grow(set)))
		return SET_ABSENT;
	struct span copy = member_copy(set, member);
	if (span_absent(copy))
		return SET_ABSENT;
	uint32_t hash = hash_of(set->set_case, copy);
	struct slot *slot = slot_find(set, hash, copy);
	set->members[set->count] = copy;
	set->count++;
	slot->hash = hash;
	slot->number = (uint32_t)set->count;
	return set->count - 1;
}

bool set_add_all(struct set *set, const struct set *from)
{
	for (size_t i = 0; i < set_count(from); i++)
		if (set_add(set, set_at(from, i)) == SET_ABSENT)
			return false;
	return true;
}

size_t set_find(const struct set *set, struct span member)
{
	if (!set || set->count == 0 || span_absent(member))
		return SET_ABSENT;
	const struct slot *slot = slot_find(set, hash_of(set->set_case, member), member);
	return slot->number != 0 ? slot->number - 1 : SET_ABSENT;
}

bool set_has(const struct set *set, struct span member)
{
	return set_find(set, member) != SET_ABSENT;
}

size_t set_count(const struct set *set)
{
	return set ? set->count : 0;
}

struct span set_at(const struct set *set, size_t i)
{
	return i < set_count(set) ? set->members[i] : span_make(NULL, 0);
}

static bool is_wildcard(struct span text)
{
	return text.length >= 2 && text.at[0] == '*' && text.at[1] == '.';
}

bool pattern_valid(struct span text)
{
	return domain_valid(is_wildcard(text) ? span_slice(text, 2, text.length) : text);
}

size_t pattern_add(struct set *set, struct span pattern)
{
	if (!pattern_valid(pattern))
		return SET_ABSENT;
	return set_add(set, is_wildcard(pattern) ? span_slice(pattern, 1, pattern.length) : pattern);
}

bool pattern_match(const struct set *set, struct span domain)
{
	size_t cursor = 0;
	return pattern_next(set, domain, &cursor) != SET_ABSENT;
}

/* The cursor is 0 before the exact name was tried, afterwards 1 + the place from which the next dot is looked for. */
size_t pattern_next(const struct set *set, struct span domain, size_t *cursor)
{
	if (set_count(set) == 0 || !domain_valid(domain))
		return SET_ABSENT;
	if (*cursor == 0) {
		*cursor = 1;
		size_t number = set_find(set, domain);
		if (number != SET_ABSENT)
			return number;
	}
	size_t dot;
	while ((dot = span_find(domain, *cursor - 1, '.')) < domain.length) {
		*cursor = dot + 2;
		size_t number = set_find(set, span_slice(domain, dot, domain.length));
		if (number != SET_ABSENT)
			return number;
	}
	*cursor = domain.length + 1;
	return SET_ABSENT;
}
