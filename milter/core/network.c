/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/network.h"

#include <arpa/inet.h>
#include <stdio.h>

#define IPV4_BITS 32U
#define IPV6_BITS 128U
#define MAPPED_BITS 96U /* the length of ::ffff:0:0/96 */

/*
 * A node of a path-compressed trie: the bits before `prefix` lead to it, the bit behind them chooses the child. Each
 * node is a block of the set or has two children, so there are fewer than two nodes for each block.
 */
struct network_node {
	uint8_t bytes[16]; /* zero from bit `prefix` on */
	uint8_t prefix;
	bool member;
	struct network_node *child[2];
};
_Static_assert(sizeof(struct network_node) < 64, "a node fits a cache line");

struct network_set {
	struct arena *arena;
	struct network_node *ipv4;
	struct network_node *ipv6;
	size_t count;
};

static unsigned family_bits(enum address_family family)
{
	switch (family) {
	case ADDRESS_NONE:
		return 0;
	case ADDRESS_IPV4:
		return IPV4_BITS;
	case ADDRESS_IPV6:
		return IPV6_BITS;
	}
	return 0;
}

static bool is_mapped(const struct address *address)
{
	static const uint8_t mapped[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };
	return address->family == ADDRESS_IPV6 && memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

static struct address normalized(const struct address *address)
{
	return is_mapped(address) ? address_from_bytes(address->bytes + sizeof address->bytes - 4, 4) : *address;
}

/* inet_pton(3) with nothing taken away or put before. False also for text that holds a NUL. */
static bool parse_plain(struct span text, struct address *address_r)
{
	char copy[ADDRESS_TEXT_SIZE];
	if (text.length == 0 || text.length >= sizeof copy || memchr(text.at, '\0', text.length))
		return false;
	memcpy(copy, text.at, text.length);
	copy[text.length] = '\0';
	struct address address = { ADDRESS_NONE, { 0 } };
	if (inet_pton(AF_INET, copy, address.bytes) == 1)
		address.family = ADDRESS_IPV4;
	else if (inet_pton(AF_INET6, copy, address.bytes) == 1)
		address.family = ADDRESS_IPV6;
	else
		return false;
	*address_r = address;
	return true;
}

bool address_parse(struct span text, struct address *address_r)
{
	static const struct span tag = SPAN_LITERAL("IPv6:");
	bool tagged = span_starts_nocase(text, tag);
	struct address address;
	if (!parse_plain(tagged ? span_slice(text, tag.length, text.length) : text, &address))
		return false;
	if (tagged && address.family != ADDRESS_IPV6)
		return false;
	*address_r = normalized(&address);
	return true;
}

bool address_resembles(struct span text)
{
	size_t last = text.length;
	while (last > 0 && text.at[last - 1] != '.')
		last--;
	struct span part = span_slice(text, last, text.length);
	bool hexadecimal = span_starts_nocase(part, span_of("0x"));
	for (size_t i = hexadecimal ? 2 : 0; i < part.length; i++) {
		char c = ascii_lower(part.at[i]);
		if (!ascii_digit(c) && !(hexadecimal && c >= 'a' && c <= 'f'))
			return false;
	}
	return part.length != 0;
}

struct address address_from_bytes(const void *bytes, size_t length)
{
	struct address address = { ADDRESS_NONE, { 0 } };
	if (length != 4 && length != 16)
		return address;
	memcpy(address.bytes, bytes, length);
	address.family = length == 4 ? ADDRESS_IPV4 : ADDRESS_IPV6;
	return normalized(&address);
}

void address_format(const struct address *address, char text_r[ADDRESS_TEXT_SIZE])
{
	text_r[0] = '\0';
	if (address->family == ADDRESS_NONE)
		return;
	int family = address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6;
	if (!inet_ntop(family, address->bytes, text_r, ADDRESS_TEXT_SIZE))
		text_r[0] = '\0';
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family != ADDRESS_NONE && a->family == b->family
	       && memcmp(a->bytes, b->bytes, family_bits(a->family) / 8) == 0;
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	struct address plain = normalized(address);
	switch (plain.family) {
	case ADDRESS_NONE:
		return false;
	case ADDRESS_IPV4:
		return plain.bytes[0] == 127;
	case ADDRESS_IPV6:
		return memcmp(plain.bytes, loopback, sizeof loopback) == 0;
	}
	return false;
}

/* Clear the bits from `prefix` on. Returns whether one was set. */
static bool mask(uint8_t bytes[16], unsigned prefix)
{
	bool cleared = false;
	for (unsigned i = prefix / 8; i < 16; i++) {
		unsigned keep = i == prefix / 8 ? 0xff00U >> prefix % 8 & 0xffU : 0;
		cleared = cleared || (bytes[i] & ~keep) != 0;
		bytes[i] = (uint8_t)(bytes[i] & keep);
	}
	return cleared;
}

/* The block without bits beyond its prefix; one inside ::ffff:0:0/96 as its IPv4 block. */
static struct network canonical(const struct network *network, bool *host_bits_r)
{
	struct network plain = *network;
	*host_bits_r = mask(plain.address.bytes, plain.prefix);
	if (plain.prefix >= MAPPED_BITS && is_mapped(&plain.address)) {
		plain.address = normalized(&plain.address);
		plain.prefix -= MAPPED_BITS;
	}
	return plain;
}

enum network_status network_parse(struct span text, struct network *network_r)
{
	size_t slash = span_find(text, 0, '/');
	struct network network;
	if (!parse_plain(span_slice(text, 0, slash), &network.address))
		return NETWORK_MALFORMED;
	unsigned long prefix = family_bits(network.address.family);
	if (slash < text.length) {
		struct span digits = span_slice(text, slash + 1, text.length);
		if (!span_number(digits, prefix, &prefix) || (digits.length > 1 && digits.at[0] == '0'))
			return NETWORK_MALFORMED;
	}
	network.prefix = (unsigned)prefix;
	bool host_bits;
	*network_r = canonical(&network, &host_bits);
	return host_bits ? NETWORK_HOST_BITS : NETWORK_OK;
}

void network_format(const struct network *network, char text_r[NETWORK_TEXT_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];
	address_format(&network->address, address);
	if (address[0] == '\0')
		text_r[0] = '\0';
	else
		snprintf(text_r, NETWORK_TEXT_SIZE, "%s/%u", address, network->prefix);
}

static unsigned bit_at(const uint8_t bytes[16], unsigned bit)
{
	return (unsigned)bytes[bit / 8] >> (7 - bit % 8) & 1U;
}

/* How many leading bits a and b share, at most `limit`. */
static unsigned shared_bits(const uint8_t a[16], const uint8_t b[16], unsigned limit)
{
	unsigned byte = 0;
	while (byte < limit / 8 && a[byte] == b[byte])
		byte++;
	unsigned bit = byte * 8;
	while (bit < limit && bit_at(a, bit) == bit_at(b, bit))
		bit++;
	return bit;
}

bool address_shares(const struct address *a, const struct address *b, unsigned bits)
{
	return a->family == b->family && shared_bits(a->bytes, b->bytes, bits) == bits;
}

bool network_covers(const struct network *wide, const struct network *narrow)
{
	return wide->prefix <= narrow->prefix && address_shares(&wide->address, &narrow->address, wide->prefix);
}

struct network_set *network_set_new(struct arena *arena)
{
	struct network_set *set = arena_alloc(arena, sizeof *set);
	if (set)
		set->arena = arena;
	return set;
}

static struct network_node *node_new(struct arena *arena, const uint8_t bytes[16], unsigned prefix, bool member)
{
	struct network_node *node = arena_alloc(arena, sizeof *node);
	if (!node)
		return NULL;
	memcpy(node->bytes, bytes, sizeof node->bytes);
	mask(node->bytes, prefix);
	node->prefix = (uint8_t)prefix;
	node->member = member;
	return node;
}

/* The two part at bit `shared`, before either ends: put a fork above both. */
static bool fork_above(struct arena *arena, struct network_node **place, const struct network *network, unsigned shared)
{
	struct network_node *leaf = node_new(arena, network->address.bytes, network->prefix, true);
	struct network_node *fork = node_new(arena, network->address.bytes, shared, false);
	if (!leaf || !fork)
		return false;
	unsigned side = bit_at(network->address.bytes, shared);
	fork->child[side] = leaf;
	fork->child[!side] = *place;
	*place = fork;
	return true;
}

/* What lies below a block of the set is covered by it and need not be kept. */
static bool trie_add(struct arena *arena, struct network_node **place, const struct network *network)
{
	const uint8_t *bytes = network->address.bytes;
	while (*place) {
		struct network_node *node = *place;
		unsigned end = node->prefix < network->prefix ? node->prefix : network->prefix;
		unsigned shared = shared_bits(node->bytes, bytes, end);
		if (shared < end)
			return fork_above(arena, place, network, shared);
		if (network->prefix <= node->prefix)
			break;
		if (node->member)
			return true;
		place = &node->child[bit_at(bytes, node->prefix)];
	}
	struct network_node *leaf = node_new(arena, bytes, network->prefix, true);
	if (leaf)
		*place = leaf;
	return leaf != NULL;
}

static struct network_node **root_of(struct network_set *set, enum address_family family)
{
	return family == ADDRESS_IPV4 ? &set->ipv4 : &set->ipv6;
}

bool network_set_add(struct network_set *set, const struct network *network)
{
	enum address_family family = network->address.family;
	if (family == ADDRESS_NONE || network->prefix > family_bits(family))
		return false;
	bool host_bits;
	struct network plain = canonical(network, &host_bits);
	if (!trie_add(set->arena, root_of(set, plain.address.family), &plain))
		return false;
	set->count++;
	return true;
}

static struct network block_of(enum address_family family, const struct network_node *node)
{
	struct network network = { { family, { 0 } }, node->prefix };
	memcpy(network.address.bytes, node->bytes, sizeof node->bytes);
	return network;
}

/* Not deeper than a prefix can be long. */
static bool trie_add_all(struct network_set *set, enum address_family family, const struct network_node *node)
{
	if (!node)
		return true;
	if (!node->member)
		return trie_add_all(set, family, node->child[0]) && trie_add_all(set, family, node->child[1]);
	struct network network = block_of(family, node);
	return trie_add(set->arena, root_of(set, family), &network);
}

bool network_set_add_all(struct network_set *set, const struct network_set *from)
{
	if (!from)
		return true;
	if (!trie_add_all(set, ADDRESS_IPV4, from->ipv4) || !trie_add_all(set, ADDRESS_IPV6, from->ipv6))
		return false;
	set->count += from->count;
	return true;
}

bool network_set_has(const struct network_set *set, const struct address *address)
{
	if (!set || address->family == ADDRESS_NONE)
		return false;
	struct address plain = normalized(address);
	const struct network_node *node = plain.family == ADDRESS_IPV4 ? set->ipv4 : set->ipv6;
	while (node && shared_bits(node->bytes, plain.bytes, node->prefix) == node->prefix) {
		if (node->member)
			return true;
		node = node->child[bit_at(plain.bytes, node->prefix)];
	}
	return false;
}

/* Not deeper than a prefix can be long. */
static void trie_each(enum address_family family, const struct network_node *node,
                      void (*visit)(const struct network *network, void *context), void *context)
{
	if (!node)
		return;
	if (node->member) {
		struct network network = block_of(family, node);
		visit(&network, context);
		return;
	}
	trie_each(family, node->child[0], visit, context);
	trie_each(family, node->child[1], visit, context);
}

void network_set_each(const struct network_set *set, void (*visit)(const struct network *network, void *context),
                      void *context)
{
	if (!set)
		return;
	trie_each(ADDRESS_IPV4, set->ipv4, visit, context);
	trie_each(ADDRESS_IPV6, set->ipv6, visit, context);
}

/* Addresses of IPv4, and blocks of /63 of IPv6. */
struct extent {
	uint64_t ipv4;
	uint64_t ipv6;
	uint64_t assigned; /* in 2000::/3 */
};

static void add_extent(const struct network *network, void *context)
{
	enum { UNIT = 63, ASSIGNED_BITS = 3 };
	struct extent *extent = context;
	unsigned prefix = network->prefix;
	unsigned first = network->address.bytes[0] >> (8 - ASSIGNED_BITS);
	if (network->address.family == ADDRESS_IPV4) {
		extent->ipv4 += UINT64_C(1) << (IPV4_BITS - prefix);
	} else if (prefix <= UNIT) {
		extent->ipv6 += UINT64_C(1) << (UNIT - prefix);
		if (prefix >= ASSIGNED_BITS && first == 1)
			extent->assigned += UINT64_C(1) << (UNIT - prefix);
		else if (prefix < ASSIGNED_BITS && first == 0)
			extent->assigned += UINT64_C(1) << (UNIT - ASSIGNED_BITS);
	}
}

bool network_set_is_wide(const struct network_set *set)
{
	struct extent extent = { 0 };
	network_set_each(set, add_extent, &extent);
	return extent.ipv4 > UINT64_C(1) << 31 || extent.ipv6 > UINT64_C(1) << 62 || extent.assigned > UINT64_C(1) << 59;
}

size_t network_set_count(const struct network_set *set)
{
	return set ? set->count : 0;
}
