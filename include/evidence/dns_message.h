/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_message: the answer to one question out of a DNS response in wire format (RFC 1035 4.1).
 *
 * Bounds are checked at every step and compression pointers only lead backwards, so any bytes may be given. Pure and
 * thread-safe.
 */
#ifndef SFDC_EVIDENCE_DNS_MESSAGE_H
#define SFDC_EVIDENCE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/answer.h"
#include "core/arena.h"

#define PACKET_CHAIN_MAX 16 /* CNAMEs that are followed */

/*
 * Read records and CNAME chain from the answer section: status becomes ANSWER_FOUND, or ANSWER_NODATA when the chain
 * ends in no record of the type asked; secure and ttl are left alone. What answer_r refers to is in arena. False: the
 * packet is malformed, its chain loops or is too long, or there is no memory.
 */
bool dns_message_parse(const void *packet, size_t length, const struct question *question, struct arena *arena,
                       struct answer *answer_r);

/* The number of a record type in the DNS (RFC 1035 3.2.2, RFC 3596). */
unsigned dns_message_type_number(enum record_type type);

#endif
