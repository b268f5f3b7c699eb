/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orgdomain: organizational domains by the Public Suffix List (libpsl), and how two domains are related by them.
 *
 * What is not a well-formed domain (core/domain.h) has no organizational domain and is related to nothing; neither is
 * a public suffix aligned with the names below it. A top-level domain that the list does not know counts as a public
 * suffix. The list is read once and immutable afterwards, so any number of threads may ask.
 */
#ifndef SFDC_EVIDENCE_ORGDOMAIN_H
#define SFDC_EVIDENCE_ORGDOMAIN_H

#include <stdbool.h>

#include "core/facts.h"
#include "core/span.h"

struct orgdomain;

/* Read the newest list the system has: the package's or the one built in. NULL when there is none, or no memory. */
struct orgdomain *orgdomain_new(void);

/* NULL is harmless. */
void orgdomain_free(struct orgdomain *orgdomain);

/* The organizational domain of domain, a part of it; absent when it has none. Any case. */
struct span orgdomain_find(const struct orgdomain *orgdomain, struct span domain);

/*
 * Whether anybody can have a name below this domain: a public suffix that the list knows, or Salesforce's domain of
 * substitute addresses, of which each of its customers has a label. Any case.
 */
bool orgdomain_is_public(const struct orgdomain *orgdomain, struct span domain);

/* How the domain of a signature is related to the author's domain. Neither needs to be well-formed. Any case. */
enum relation orgdomain_relation(const struct orgdomain *orgdomain, struct span signer, struct span author);

#endif
