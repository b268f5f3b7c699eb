/* SPDX-License-Identifier: BSD-2-Clause */
/* network: what is an address and a block, exact edges, 100,000 blocks. Ids are those of the attack catalogue. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/network.h"
#include "tap.h"

static void test_address(void)
{
	static const struct {
		const char *id;
		struct span text;
		const char *want; /* canonical text; NULL: no address */
	} cases[] = {
		{ "IPv4", SPAN_LITERAL("13.110.14.214"), "13.110.14.214" },
		{ "zero", SPAN_LITERAL("0.0.0.0"), "0.0.0.0" },
		{ "IPv6", SPAN_LITERAL("2001:DB8:0:0::5"), "2001:db8::5" },
		{ "any", SPAN_LITERAL("::"), "::" },
		{ "longest", SPAN_LITERAL("1111:2222:3333:4444:5555:6666:177.188.199.200"),
		  "1111:2222:3333:4444:5555:6666:b1bc:c7c8" },
		{ "I02 mapped", SPAN_LITERAL("::ffff:13.110.14.214"), "13.110.14.214" },
		{ "I02 mapped in hex", SPAN_LITERAL("::FFFF:d6e:ed6"), "13.110.14.214" },
		{ "I02 tag", SPAN_LITERAL("IPv6:2001:db8::5"), "2001:db8::5" },
		{ "I02 tag in lower case", SPAN_LITERAL("ipv6:2001:db8::5"), "2001:db8::5" },
		{ "I02 tag and mapped", SPAN_LITERAL("IPv6:::ffff:13.110.14.214"), "13.110.14.214" },
		{ "I02 compatible is not mapped", SPAN_LITERAL("::13.110.14.214"), "::13.110.14.214" },
		{ "I02 tag before IPv4", SPAN_LITERAL("IPv6:13.110.14.214"), NULL },
		{ "I02 two tags", SPAN_LITERAL("IPv6:IPv6:::1"), NULL },
		{ "I02 tag alone", SPAN_LITERAL("IPv6:"), NULL },
		{ "I03 octal", SPAN_LITERAL("013.110.014.214"), NULL },
		{ "I03 zero in front", SPAN_LITERAL("13.110.014.214"), NULL },
		{ "I03 two parts", SPAN_LITERAL("13.7212758"), NULL },
		{ "I03 hex", SPAN_LITERAL("0x0d.110.14.214"), NULL },
		{ "I03 one number", SPAN_LITERAL("225316566"), NULL },
		{ "I03 octal mapped", SPAN_LITERAL("::ffff:013.110.14.214"), NULL },
		{ "I05 nothing", SPAN_LITERAL(""), NULL },
		{ "I05 absent", { NULL, 0 }, NULL },
		{ "I05 unknown", SPAN_LITERAL("unknown"), NULL },
		{ "256", SPAN_LITERAL("13.110.14.256"), NULL },
		{ "five parts", SPAN_LITERAL("13.110.14.214.1"), NULL },
		{ "space before", SPAN_LITERAL(" 13.110.14.214"), NULL },
		{ "space behind", SPAN_LITERAL("13.110.14.214 "), NULL },
		{ "NUL behind", SPAN_LITERAL("13.110.14.214\0"), NULL },
		{ "NUL and more", SPAN_LITERAL("13.110.14.214\0.evil"), NULL },
		{ "scope", SPAN_LITERAL("fe80::1%eth0"), NULL },
		{ "brackets", SPAN_LITERAL("[2001:db8::5]"), NULL },
		{ "CIDR", SPAN_LITERAL("13.110.14.0/24"), NULL },
		{ "one too long", SPAN_LITERAL("0000:0000:0000:0000:0000:0000:255.255.255.2550"), NULL },
		{ "too long", SPAN_LITERAL("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct address address = { ADDRESS_NONE, { 0 } };
		char text[ADDRESS_TEXT_SIZE];
		ok(address_parse(cases[i].text, &address) == (cases[i].want != NULL), "address: %s", cases[i].id);
		address_format(&address, text);
		is_text(text, cases[i].want ? cases[i].want : "", cases[i].id);
	}
}

static void test_bytes(void)
{
	static const uint8_t v4[4] = { 13, 110, 14, 214 };
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 13, 110, 14, 214 };
	static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 5 };
	struct address a = address_from_bytes(v4, 4);
	struct address b = address_from_bytes(mapped, 16);
	struct address c = address_from_bytes(v6, 16);
	struct address none = address_from_bytes(v6, 8);
	ok(a.family == ADDRESS_IPV4 && address_equal(&a, &b), "I02 mapped bytes are IPv4");
	ok(c.family == ADDRESS_IPV6 && !address_equal(&a, &c) && address_equal(&c, &c), "IPv6 bytes");
	ok(none.family == ADDRESS_NONE && !address_equal(&none, &none), "I05 no address equals nothing");
	ok(address_from_bytes(v6, 0).family == ADDRESS_NONE, "I05 no bytes");
}

static struct address address_of(const char *text)
{
	struct address address = { ADDRESS_NONE, { 0 } };
	if (!address_parse(span_of(text), &address))
		memset(&address, 0, sizeof address);
	return address;
}

static void test_loopback(void)
{
	static const struct {
		const char *text;
		bool loopback;
	} cases[] = {
		{ "127.0.0.1", true },  { "127.255.255.255", true }, { "::1", true },   { "::ffff:127.0.0.1", true },
		{ "126.0.0.1", false }, { "128.0.0.0", false },      { "::2", false },  { "::", false },
		{ "0.0.0.0", false },   { "1::1", false },           { "none", false }, { "::127.0.0.1", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct address address = address_of(cases[i].text);
		ok(address_is_loopback(&address) == cases[i].loopback, "I06 loopback: %s", cases[i].text);
	}
}

static void test_parse(void)
{
	static const struct {
		const char *id;
		struct span text;
		enum network_status status;
		const char *want;
	} cases[] = {
		{ "block", SPAN_LITERAL("13.108.0.0/14"), NETWORK_OK, "13.108.0.0/14" },
		{ "host", SPAN_LITERAL("13.110.14.214"), NETWORK_OK, "13.110.14.214/32" },
		{ "host /32", SPAN_LITERAL("13.110.14.214/32"), NETWORK_OK, "13.110.14.214/32" },
		{ "IPv6", SPAN_LITERAL("2001:DB8::/32"), NETWORK_OK, "2001:db8::/32" },
		{ "IPv6 host", SPAN_LITERAL("2001:db8::1"), NETWORK_OK, "2001:db8::1/128" },
		{ "I02 mapped", SPAN_LITERAL("::ffff:13.108.0.0/110"), NETWORK_OK, "13.108.0.0/14" },
		{ "I02 all mapped", SPAN_LITERAL("::ffff:0:0/96"), NETWORK_OK, "0.0.0.0/0" },
		{ "I02 mapped host", SPAN_LITERAL("::ffff:13.110.14.214"), NETWORK_OK, "13.110.14.214/32" },
		{ "I04 /0", SPAN_LITERAL("0.0.0.0/0"), NETWORK_OK, "0.0.0.0/0" },
		{ "I04 ::/0", SPAN_LITERAL("::/0"), NETWORK_OK, "::/0" },
		{ "I04 host bits", SPAN_LITERAL("10.1.2.3/8"), NETWORK_HOST_BITS, "10.0.0.0/8" },
		{ "I04 host bits /31", SPAN_LITERAL("10.1.2.3/31"), NETWORK_HOST_BITS, "10.1.2.2/31" },
		{ "I04 host bits /0", SPAN_LITERAL("10.0.0.0/0"), NETWORK_HOST_BITS, "0.0.0.0/0" },
		{ "I04 host bits IPv6", SPAN_LITERAL("2001:db8::1/33"), NETWORK_HOST_BITS, "2001:db8::/33" },
		{ "I04 host bits mapped", SPAN_LITERAL("::ffff:10.1.2.3/104"), NETWORK_HOST_BITS, "10.0.0.0/8" },
		{ "I04 wider than mapped", SPAN_LITERAL("::ffff:10.1.2.3/80"), NETWORK_HOST_BITS, "::/80" },
		{ "I04 /33", SPAN_LITERAL("10.0.0.0/33"), NETWORK_MALFORMED, NULL },
		{ "I04 /129", SPAN_LITERAL("::/129"), NETWORK_MALFORMED, NULL },
		{ "I04 /08", SPAN_LITERAL("10.0.0.0/08"), NETWORK_MALFORMED, NULL },
		{ "I04 /00", SPAN_LITERAL("0.0.0.0/00"), NETWORK_MALFORMED, NULL },
		{ "I04 no bits", SPAN_LITERAL("10.0.0.0/"), NETWORK_MALFORMED, NULL },
		{ "I04 sign", SPAN_LITERAL("10.0.0.0/+8"), NETWORK_MALFORMED, NULL },
		{ "I04 negative", SPAN_LITERAL("10.0.0.0/-1"), NETWORK_MALFORMED, NULL },
		{ "I04 space", SPAN_LITERAL("10.0.0.0/8 "), NETWORK_MALFORMED, NULL },
		{ "I04 netmask", SPAN_LITERAL("10.0.0.0/255.0.0.0"), NETWORK_MALFORMED, NULL },
		{ "I04 huge", SPAN_LITERAL("10.0.0.0/4294967304"), NETWORK_MALFORMED, NULL },
		{ "I04 two slashes", SPAN_LITERAL("10.0.0.0/8/8"), NETWORK_MALFORMED, NULL },
		{ "I04 three parts", SPAN_LITERAL("10.0.0/8"), NETWORK_MALFORMED, NULL },
		{ "I03 octal", SPAN_LITERAL("010.0.0.0/8"), NETWORK_MALFORMED, NULL },
		{ "tag", SPAN_LITERAL("IPv6:2001:db8::/32"), NETWORK_MALFORMED, NULL },
		{ "slash alone", SPAN_LITERAL("/8"), NETWORK_MALFORMED, NULL },
		{ "empty", SPAN_LITERAL(""), NETWORK_MALFORMED, NULL },
		{ "absent", { NULL, 0 }, NETWORK_MALFORMED, NULL },
		{ "name", SPAN_LITERAL("example.com"), NETWORK_MALFORMED, NULL },
		{ "NUL", SPAN_LITERAL("10.0.0.0\0/8"), NETWORK_MALFORMED, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct network network = { { ADDRESS_NONE, { 0 } }, 0 };
		char text[NETWORK_TEXT_SIZE];
		ok(network_parse(cases[i].text, &network) == cases[i].status, "network: %s", cases[i].id);
		network_format(&network, text);
		is_text(text, cases[i].want ? cases[i].want : "", cases[i].id);
	}
}

static bool add(struct network_set *set, const char *text)
{
	struct network network;
	return network_parse(span_of(text), &network) == NETWORK_OK && network_set_add(set, &network);
}

static bool has(const struct network_set *set, const char *text)
{
	struct address address = address_of(text);
	return network_set_has(set, &address);
}

static void test_edges(void)
{
	static const char *const blocks[] = {
		"13.108.0.0/14",    "96.43.144.0/20",          "85.222.128.0/19", "10.0.0.1",
		"10.0.0.2/31",      "192.0.2.128/25",          "192.0.2.0/26",    "2001:db8::/33",
		"2001:db8:ffff::7", "::ffff:198.51.100.0/120", "161.71.0.0/17",
	};
	static const struct {
		const char *address;
		bool held;
	} cases[] = {
		{ "13.107.255.255", false },
		{ "13.108.0.0", true },
		{ "13.111.255.255", true },
		{ "13.112.0.0", false },
		{ "96.43.143.255", false },
		{ "96.43.144.0", true },
		{ "96.43.159.255", true },
		{ "96.43.160.0", false },
		{ "85.222.127.255", false },
		{ "85.222.128.0", true },
		{ "85.222.159.255", true },
		{ "85.222.160.0", false },
		{ "10.0.0.0", false },
		{ "10.0.0.1", true },
		{ "10.0.0.2", true },
		{ "10.0.0.3", true },
		{ "10.0.0.4", false },
		{ "192.0.2.0", true },
		{ "192.0.2.63", true },
		{ "192.0.2.64", false },
		{ "192.0.2.127", false },
		{ "192.0.2.128", true },
		{ "192.0.2.255", true },
		{ "192.0.3.0", false },
		{ "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false },
		{ "2001:db8::", true },
		{ "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", true },
		{ "2001:db8:8000::", false },
		{ "2001:db8:ffff::6", false },
		{ "2001:db8:ffff::7", true },
		{ "2001:db8:ffff::8", false },
		{ "198.51.99.255", false },
		{ "198.51.100.0", true },
		{ "198.51.100.255", true },
		{ "198.51.101.0", false },
		{ "::ffff:13.110.14.214", true },
		{ "IPv6:::ffff:13.110.14.214", true },
		{ "::13.110.14.214", false },
		{ "d6c::", false },
		{ "none", false },
		{ "0.0.0.0", false },
		{ "::", false },
	};
	struct arena arena;
	arena_init(&arena, 0);
	struct network_set *set = network_set_new(&arena);
	ok(!has(NULL, "10.0.0.1") && !has(set, "10.0.0.1") && network_set_count(NULL) == 0, "empty sets hold nothing");
	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
		ok(add(set, blocks[i]), "added %s", blocks[i]);
	ok(network_set_count(set) == sizeof blocks / sizeof blocks[0], "counted");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ok(has(set, cases[i].address) == cases[i].held, "I01 %s", cases[i].address);
	struct network_set *copy = network_set_new(&arena);
	ok(add(copy, "203.0.113.0/24") && network_set_add_all(copy, set) && network_set_add_all(copy, NULL), "added all");
	bool same = true;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		same = same && has(copy, cases[i].address) == cases[i].held;
	ok(same && has(copy, "203.0.113.9"), "I01 the union has the same edges");
	ok(network_set_count(copy) == sizeof blocks / sizeof blocks[0] + 1, "the union is counted");
	arena_clear(&arena);
}

static void test_whole(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct network_set *set = network_set_new(&arena);
	struct address none = { ADDRESS_NONE, { 0 } };
	struct network nothing = { none, 0 };
	ok(!network_set_add(set, &nothing) && network_set_count(set) == 0, "no address is no block");
	ok(add(set, "0.0.0.0/0") && has(set, "0.0.0.0") && has(set, "255.255.255.255"), "I04 all of IPv4");
	ok(!has(set, "::") && !has(set, "2001:db8::1"), "is not IPv6");
	ok(!network_set_has(set, &none), "I05 no address is not even in 0.0.0.0/0");
	set = network_set_new(&arena);
	ok(add(set, "::/0") && has(set, "::") && has(set, "ffff::") && has(set, "::13.110.14.214"), "I04 all of IPv6");
	ok(!has(set, "13.110.14.214") && !has(set, "::ffff:13.110.14.214"), "I02 is not IPv4, mapped or not");
	ok(!network_set_has(set, &none), "I05 no address is not even in ::/0");
	struct network raw = { { ADDRESS_IPV6, { [10] = 0xff, [11] = 0xff, 10, 1, 2, 3 } }, 104 };
	ok(network_set_add(set, &raw) && has(set, "10.255.0.1") && !has(set, "11.0.0.0"), "I02 a block made by hand");
	ok(network_set_has(set, &raw.address), "I02 an address made by hand");
	ok(!address_is_loopback(&none), "I06 no address is not loopback");
	struct network bad = { { ADDRESS_IPV4, { 10 } }, 33 };
	ok(!network_set_add(set, &bad), "I04 a prefix made by hand");
	arena_clear(&arena);
}

/* Blocks within blocks, in either order, are the wider one. */
static void test_cover(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct network_set *set = network_set_new(&arena);
	ok(add(set, "10.1.0.0/16") && add(set, "10.1.2.0/24") && add(set, "10.1.0.0/16"), "narrower and equal");
	ok(has(set, "10.1.3.1") && has(set, "10.1.2.1") && !has(set, "10.2.0.0"), "nothing changes");
	ok(add(set, "10.2.3.4") && add(set, "10.0.0.0/8"), "wider than what is there");
	ok(has(set, "10.0.0.0") && has(set, "10.2.3.4") && has(set, "10.255.255.255") && !has(set, "11.0.0.0"),
	   "it counts");
	ok(network_set_count(set) == 5, "every addition is counted");
	arena_clear(&arena);
}

struct listing {
	char text[256];
	size_t length;
};

static void list(const struct network *network, void *context)
{
	struct listing *listing = context;
	char text[NETWORK_TEXT_SIZE];
	network_format(network, text);
	listing->length +=
		(size_t)snprintf(listing->text + listing->length, sizeof listing->text - listing->length, "%s ", text);
}

static void test_each(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct network_set *set = network_set_new(&arena);
	struct listing listing = { "", 0 };
	network_set_each(NULL, list, &listing);
	network_set_each(set, list, &listing);
	ok(listing.length == 0, "none in an empty set");
	ok(add(set, "2001:db8::/33") && add(set, "192.0.2.1") && add(set, "10.1.2.0/24") && add(set, "10.1.0.0/16")
	       && add(set, "10.1.3.0/24") && add(set, "2001:db8:8000::/33"),
	   "blocks");
	network_set_each(set, list, &listing);
	ok(strcmp(listing.text, "10.1.0.0/16 192.0.2.1/32 2001:db8::/33 2001:db8:8000::/33 ") == 0,
	   "each that is not covered, in order (%s)", listing.text);
	arena_clear(&arena);
	arena_init(&arena, 0);
	listing = (struct listing) { "", 0 };
	set = network_set_new(&arena);
	ok(add(set, "10.0.0.0/8") && add(set, "0.0.0.0/0") && add(set, "::/0"), "everything");
	network_set_each(set, list, &listing);
	ok(strcmp(listing.text, "0.0.0.0/0 ::/0 ") == 0, "as two blocks (%s)", listing.text);
	arena_clear(&arena);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8 ^ *state << 16;
}

static struct network random_network(uint32_t *state, bool wide)
{
	uint8_t bytes[16];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(next_random(state) & (wide ? 0xffU : 0x11U));
	bool v6 = next_random(state) & 1U;
	bytes[0] |= 0x20;
	struct network network = { address_from_bytes(bytes, v6 ? 16 : 4), 0 };
	network.prefix = next_random(state) % (v6 ? 120 : 28) + (v6 ? 9 : 5);
	return network;
}

/* The plain definition, to compare the trie with. */
static bool holds(const struct network *network, const struct address *address)
{
	if (network->address.family != address->family)
		return false;
	for (unsigned bit = 0; bit < network->prefix; bit++)
		if ((network->address.bytes[bit / 8] ^ address->bytes[bit / 8]) & 0x80U >> bit % 8)
			return false;
	return true;
}

static void test_against_definition(void)
{
	uint32_t state = 1;
	unsigned wrong = 0;
	unsigned held = 0;
	for (unsigned round = 0; round < 100; round++) {
		struct arena arena;
		arena_init(&arena, 0);
		struct network_set *set = network_set_new(&arena);
		struct network blocks[12];
		for (size_t i = 0; i < 12; i++) {
			blocks[i] = random_network(&state, false);
			network_set_add(set, &blocks[i]);
		}
		for (unsigned i = 0; i < 100; i++) {
			struct address address = random_network(&state, false).address;
			bool want = false;
			for (size_t k = 0; k < 12; k++)
				want = want || holds(&blocks[k], &address);
			wrong += network_set_has(set, &address) != want;
			held += want;
		}
		arena_clear(&arena);
	}
	ok(wrong == 0, "the trie agrees with the definition (%u differ)", wrong);
	ok(held > 100 && held < 9900, "both answers occur (%u held)", held);
}

#define MANY 100000U

static void test_many(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct network_set *set = network_set_new(&arena);
	uint32_t state = 7;
	bool added = true;
	for (unsigned i = 0; i < MANY; i++) {
		struct network network = random_network(&state, true);
		network.prefix = network.address.family == ADDRESS_IPV4 ? 32 : 128;
		added = added && network_set_add(set, &network);
	}
	ok(added && network_set_count(set) == MANY, "100,000 blocks are added");
	state = 7;
	bool found = true;
	unsigned others = 0;
	for (unsigned i = 0; i < MANY; i++) {
		struct address address = random_network(&state, true).address;
		found = found && network_set_has(set, &address);
		address.bytes[0] ^= 0x20;
		others += network_set_has(set, &address);
	}
	ok(found, "all are found");
	ok(others == 0, "others are not");
	ok(arena.used < 2 * 64 * (size_t)MANY, "less than 64 bytes for a node (%zu in all)", arena.used);
	arena_clear(&arena);
}

static void test_no_memory(void)
{
	unsigned sound = 0;
	unsigned whole = 0;
	for (size_t limit = 1; limit <= 800; limit += 8) {
		struct arena arena;
		arena_init(&arena, limit);
		struct network_set *set = network_set_new(&arena);
		bool first = set && add(set, "10.0.0.0/24");
		bool second = set && add(set, "10.0.1.0/24");
		bool third = set && add(set, "2001:db8::/32");
		struct network_set *copy = network_set_new(&arena);
		bool copied = copy && network_set_add_all(copy, set);
		whole += copied
		         == (copy && has(copy, "10.0.0.1") == first && has(copy, "10.0.1.1") == second
		             && has(copy, "2001:db8::1") == third);
		sound += !set
		         || (has(set, "10.0.0.1") == first && has(set, "10.0.1.1") == second && has(set, "2001:db8::1") == third
		             && !has(set, "10.0.2.1") && network_set_count(set) == (size_t)first + second + third);
		arena_clear(&arena);
	}
	ok(whole == 100, "a copy is whole or has failed (%u of 100 limits)", whole);
	ok(sound == 100, "a failed addition leaves the set as it was (%u of 100 limits)", sound);
}

static void test_wide(void)
{
	static const struct {
		const char *blocks[5];
		bool wide;
	} cases[] = {
		{ { NULL }, false },
		{ { "0.0.0.0/1" }, false },
		{ { "0.0.0.0/1", "0.0.0.0/2", "10.0.0.1" }, false },
		{ { "0.0.0.0/1", "128.0.0.0" }, true },
		{ { "128.0.0.0/1", "64.0.0.0/2" }, true },
		{ { "0.0.0.0/2", "128.0.0.0/3", "192.0.0.0/3" }, false },
		{ { "2000::/3" }, true },
		{ { "2000::/4" }, false },
		{ { "2000::/4", "3000::/63" }, true },
		{ { "2000::/4", "3000::/64" }, false },
		{ { "::/1" }, true },
		{ { "::/2" }, true },
		{ { "8000::/1" }, false },
		{ { "8000::/1", "4000::/63" }, true },
		{ { "fc00::/7", "fe80::/10", "10.0.0.0/8" }, false },
	};
	struct arena arena;
	arena_init(&arena, 0);
	ok(!network_set_is_wide(NULL), "no set is not wide");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct network_set *set = network_set_new(&arena);
		for (size_t j = 0; cases[i].blocks[j]; j++) {
			struct network network;
			if (network_parse(span_of(cases[i].blocks[j]), &network) != NETWORK_OK || !network_set_add(set, &network))
				ok(false, "%s is a block", cases[i].blocks[j]);
		}
		ok(network_set_is_wide(set) == cases[i].wide, "X16 %s and so on: %s",
		   cases[i].blocks[0] ? cases[i].blocks[0] : "nothing", cases[i].wide ? "wide" : "not wide");
	}
	arena_clear(&arena);
}

/* What getaddrinfo(3) would read as an address, and inet_pton(3) not always. */
static void test_resembles(void)
{
	static const char *const alike[] = { "0",         "127.1", "0x7f000001", "010.0.0.1",
		                                 "127.0.0.1", "a.0x",  "mail.1",     "0X1.0xFf" };
	static const char *const names[] = { "", "localhost", "a.test", "1.a", "::1", "0x1g", "127.0.0.1.", "1-2" };
	for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
		ok(address_resembles(span_of(alike[i])), "I09 %s is no host name", alike[i]);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ok(!address_resembles(span_of(names[i])), "\"%s\" is not alike", names[i]);
}

/* I04 the first bits, of which the last octet may count in part. */
static void test_share(void)
{
	static const struct {
		const char *wide;
		const char *narrow;
		bool covers;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.2.0/24", true },
		{ "10.1.2.0/24", "10.0.0.0/8", false },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "0.0.0.0/0", "203.0.113.7/32", true },
		{ "13.108.0.0/14", "13.111.255.255/32", true },
		{ "13.108.0.0/14", "13.112.0.0/32", false },
		{ "192.0.2.128/25", "192.0.2.127/32", false },
		{ "192.0.2.7/32", "192.0.2.7/32", true },
		{ "192.0.2.7/32", "192.0.2.6/32", false },
		{ "2001:db8::/33", "2001:db8:7fff::/48", true },
		{ "2001:db8::/33", "2001:db8:8000::/48", false },
		{ "::/0", "10.0.0.0/8", false },
		{ "0.0.0.0/0", "2001:db8::/32", false },
		{ "2001:db8::1/128", "2001:db8::1/128", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct network wide;
		struct network narrow;
		ok(network_parse(span_of(cases[i].wide), &wide) == NETWORK_OK
		       && network_parse(span_of(cases[i].narrow), &narrow) == NETWORK_OK,
		   "%s and %s", cases[i].wide, cases[i].narrow);
		ok(network_covers(&wide, &narrow) == cases[i].covers, "%s %s %s", cases[i].wide,
		   cases[i].covers ? "covers" : "does not cover", cases[i].narrow);
	}
	struct address a;
	struct address b;
	ok(address_parse(span_of("10.1.2.0"), &a) && address_parse(span_of("10.0.0.0"), &b), "two addresses");
	ok(address_shares(&a, &b, 0) && address_shares(&a, &b, 8) && address_shares(&a, &b, 15), "their first 15 bits");
	ok(!address_shares(&a, &b, 16) && !address_shares(&a, &b, 32), "and no more");
	ok(address_shares(&a, &a, 32), "all of one");
	ok(address_parse(span_of("a01:200::"), &b) && !address_shares(&a, &b, 8) && !address_shares(&a, &b, 0),
	   "none of another family");
}

int main(void)
{
	test_address();
	test_bytes();
	test_loopback();
	test_parse();
	test_edges();
	test_whole();
	test_cover();
	test_share();
	test_each();
	test_against_definition();
	test_many();
	test_wide();
	test_resembles();
	test_no_memory();
	return done_testing();
}
