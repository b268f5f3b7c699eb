/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns_shared: an answer that is kept: immutable, reference-counted, in one block of memory. Thread-safe.
 */
#ifndef SFDC_EVIDENCE_DNS_SHARED_H
#define SFDC_EVIDENCE_DNS_SHARED_H

#include <stddef.h>

#include "core/answer.h"

struct dns_shared;

/* A deep copy of answer with one reference, or NULL without memory. */
struct dns_shared *dns_shared_new(const struct answer *answer);

/* One more reference. Returns its argument. */
struct dns_shared *dns_shared_take(struct dns_shared *response);

/* One reference less; the last one frees. NULL is harmless. */
void dns_shared_drop(struct dns_shared *response);

/* Valid as long as a reference is held. */
const struct answer *dns_shared_answer(const struct dns_shared *response);

/* Bytes it takes. */
size_t dns_shared_size(const struct dns_shared *response);

#endif
