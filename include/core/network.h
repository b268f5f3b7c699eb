/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * network: IP addresses and sets of networks (CIDR blocks).
 *
 * Addresses are accepted in the forms of inet_pton(3) only, so "013.110.0.1" or "0x0d.1" is no address. An IPv4-mapped
 * IPv6 address (::ffff:a.b.c.d) is normalized to IPv4, on input and in sets, so that a block such as ::/0 holds no IPv4
 * address. Look-up in a set is one walk down a radix trie, at most as deep as an address has bits, whatever the set's
 * size; sets are immutable once built and may then be used from any number of threads.
 */
#ifndef SFDC_CORE_NETWORK_H
#define SFDC_CORE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/span.h"

enum address_family { ADDRESS_NONE, ADDRESS_IPV4, ADDRESS_IPV6 };

/* Network byte order; 4 or 16 bytes are used. Zeroed memory is "no address". */
struct address {
	enum address_family family;
	uint8_t bytes[16];
};

/* Room for any address in text, NUL included. */
#define ADDRESS_TEXT_SIZE 46

/* Parse an address; "IPv6:" before an IPv6 address is accepted (RFC 5321 4.1.3, Postfix's macro). False: not one. */
bool address_parse(struct span text, struct address *address_r);

/*
 * Whether inet_aton(3), and so getaddrinfo(3), may take the text for an address, be it one or not: its last part is a
 * number. No host name is like that (RFC 1123 2.1).
 */
bool address_resembles(struct span text);

/* From raw bytes in network order; length 4 or 16, else ADDRESS_NONE. */
struct address address_from_bytes(const void *bytes, size_t length);

/* Canonical text (inet_ntop(3)); "" for ADDRESS_NONE. */
void address_format(const struct address *address, char text_r[ADDRESS_TEXT_SIZE]);

/* Whether both are the same address. ADDRESS_NONE equals nothing. */
bool address_equal(const struct address *a, const struct address *b);

/* Whether they are of one family and their first bits, at most as many as that has, are the same. */
bool address_shares(const struct address *a, const struct address *b, unsigned bits);

/* 127.0.0.0/8 or ::1. */
bool address_is_loopback(const struct address *address);

struct network {
	struct address address;
	unsigned prefix; /* bits, 0..32 or 0..128 */
};

enum network_status {
	NETWORK_OK,
	NETWORK_MALFORMED, /* not ADDRESS or ADDRESS/BITS; BITS is decimal without leading zero */
	NETWORK_HOST_BITS  /* bits are set beyond the prefix; *network_r then holds the network that was probably meant */
};

/*
 * Parse "ADDRESS/BITS", or "ADDRESS" for a single host, without an "IPv6:" tag. A v4-mapped block of at least /96
 * becomes its IPv4 block. *network_r is not set when the text is malformed.
 */
enum network_status network_parse(struct span text, struct network *network_r);

/* "ADDRESS/BITS"; "" without an address. */
#define NETWORK_TEXT_SIZE (ADDRESS_TEXT_SIZE + 4)
void network_format(const struct network *network, char text_r[NETWORK_TEXT_SIZE]);

/* Whether wide holds all of narrow. Bits beyond a prefix are not looked at. */
bool network_covers(const struct network *wide, const struct network *narrow);

struct network_set;

/* An empty set in arena, NULL without memory. */
struct network_set *network_set_new(struct arena *arena);

/*
 * Add one block; adding one that is covered already is no error, bits beyond the prefix are not looked at. False without
 * memory, and for what is no block: ADDRESS_NONE, or a prefix longer than an address.
 */
bool network_set_add(struct network_set *set, const struct network *network);

/* Add every block of another set; NULL is an empty one. False without memory. */
bool network_set_add_all(struct network_set *set, const struct network_set *from);

/* Whether a block of the set holds the address. A NULL set is empty; ADDRESS_NONE is in no set, 0.0.0.0/0 included. */
bool network_set_has(const struct network_set *set, const struct address *address);

/* Hand over each block that no other one covers, in the order of addresses, IPv4 before IPv6. A NULL set is empty. */
void network_set_each(const struct network_set *set, void (*visit)(const struct network *network, void *context),
                      void *context);

/*
 * Whether the set holds more than half of all addresses that a client can have: of IPv4, or of what IPv6 has assigned
 * (2000::/3), or of all IPv6. Blocks longer than /63 are not counted. A NULL set is empty.
 */
bool network_set_is_wide(const struct network_set *set);

/* How many blocks were added, covered ones included (for messages to the admin); 0 for NULL. */
size_t network_set_count(const struct network_set *set);

#endif
