/*
 * reserve: memory for libraries that cannot bear to get none.
 *
 * Without memory libopendkim crashes, and OpenSSL takes a good key or signature for a bad one. So libopendkim gets what
 * the system refuses from a block that was set aside before, and can finish its step; and what OpenSSL is refused is
 * counted. Whoever uses them asks afterwards whether it was so, and believes nothing that came of it.
 */
#ifndef SFDC_EVIDENCE_RESERVE_H
#define SFDC_EVIDENCE_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

#define RESERVE_SIZE ((size_t)64 << 10) /* bytes; one step of libopendkim takes less unless a field is longer */

struct reserve;

/* NULL without memory. One reserve belongs to one thread at a time. */
struct reserve *reserve_new(void);

/* After all that was allocated from it. NULL is harmless. */
void reserve_free(struct reserve *reserve);

/* Whether it had to help out, or memory was refused for good. */
bool reserve_touched(const struct reserve *reserve);

/* For dkim_init(): closure is a reserve, or NULL for plain memory. */
void *reserve_allocate(void *closure, size_t size);
void reserve_release(void *closure, void *block);

/* Count from now on what OpenSSL is refused. To be called before OpenSSL is used; later it has no effect. */
void reserve_watch_openssl(void);

/* How often OpenSSL was refused memory in this thread. */
unsigned long reserve_openssl_refusals(void);

#endif
