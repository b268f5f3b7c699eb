/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * openssl_memory: whether OpenSSL got the memory it asked for.
 *
 * Without memory OpenSSL takes a good signature for a bad one, and says nothing that could be relied on. So what it is
 * refused is counted; whoever has something verified asks afterwards whether it was so, and believes nothing then.
 */
#ifndef SFDC_EVIDENCE_OPENSSL_MEMORY_H
#define SFDC_EVIDENCE_OPENSSL_MEMORY_H

/* Count from now on. To be called before OpenSSL is used; later it has no effect. */
void openssl_memory_watch(void);

/* How often OpenSSL was refused memory in this thread. */
unsigned long openssl_memory_refusals(void);

#endif
