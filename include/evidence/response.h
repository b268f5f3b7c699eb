/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * response: an answer that is kept: immutable, reference-counted, in one block of memory. Thread-safe.
 */
#ifndef SFDC_EVIDENCE_RESPONSE_H
#define SFDC_EVIDENCE_RESPONSE_H

#include <stddef.h>

#include "core/answer.h"

struct response;

/* A deep copy of answer with one reference, or NULL without memory. */
struct response *response_new(const struct answer *answer);

/* One more reference. Returns its argument. */
struct response *response_take(struct response *response);

/* One reference less; the last one frees. NULL is harmless. */
void response_drop(struct response *response);

/* Valid as long as a reference is held. */
const struct answer *response_answer(const struct response *response);

/* Bytes it takes. */
size_t response_size(const struct response *response);

#endif
