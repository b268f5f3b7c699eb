/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain: domain names as they are compared here: A-labels, lower case, without trailing dot.
 *
 * Sources: RFC 1035 2.3.1 and RFC 1123 2.1 (letters, digits, hyphen), RFC 2181 11 and RFC 7208 4.3 (a domain need not be
 * a host name: underscores), RFC 5890 (A-labels), RFC 5321 4.1.2.
 * U-labels are turned into A-labels by an adapter outside the core; here they are simply not well-formed.
 * All functions are pure and thread-safe.
 */
#ifndef SFDC_CORE_DOMAIN_H
#define SFDC_CORE_DOMAIN_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/span.h"

#define DOMAIN_LENGTH_MAX 253
#define DOMAIN_LABEL_MAX 63

/*
 * A domain of mail, or a host name: one or more labels of 1 to 63 letters, digits, underscores and inner hyphens, 253
 * bytes in all, no trailing dot, the last label not all digits (so no IPv4 address passes). Either case.
 */
bool domain_valid(struct span domain);

/* A copy of a valid domain in lower case, in arena. Absent when domain is not valid, or without memory. */
struct span domain_lower(struct arena *arena, struct span domain);

/*
 * A name that can be asked in the DNS, and what it is made of (selectors): like domain_valid(), but an all-digit last
 * label is allowed.
 */
bool domain_queryable(struct span name);

/* Whether child equals parent or lies below it, label by label, without case. Both must be valid domains. */
bool domain_within(struct span child, struct span parent);

/* Port to an IDNA library: writes the A-label form (UTS 46, IDNA2008), NUL-terminated, of a UTF-8 domain. */
typedef bool (*domain_to_ascii)(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1]);

/*
 * The comparable form of a domain from the wire: ASCII is checked and lower-cased; with 8-bit bytes to_ascii is asked
 * (NULL: not well-formed) and its answer is checked in turn. A domain that mapping would change beyond case has none, for
 * the next reader would see another name: it is to_ascii that refuses it. Absent when not well-formed, or without memory.
 */
struct span domain_comparable(struct arena *arena, domain_to_ascii to_ascii, struct span domain);

/*
 * Whether two domains may have an organizational domain in common by any reckoning: they share the last two labels.
 * DMARC (RFC 9989) finds organizational domains in the DNS and not in a list.
 */
bool domain_near(struct span a, struct span b);

#endif
