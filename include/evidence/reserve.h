/*
 * reserve: what OpenSSL is refused of memory. It takes a good key or signature for a bad one then, so whoever uses it asks
 * afterwards whether it was so, and believes nothing that came of it.
 */
#ifndef SFDC_EVIDENCE_RESERVE_H
#define SFDC_EVIDENCE_RESERVE_H

/* Count from now on what OpenSSL is refused. To be called before OpenSSL is used; later it has no effect. */
void reserve_watch_openssl(void);

/* How often OpenSSL was refused memory in this thread. */
unsigned long reserve_openssl_refusals(void);

#endif
