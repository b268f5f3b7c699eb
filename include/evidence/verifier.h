/*
 * verifier: signatures of DKIM against header, body and key: the canonical forms of core/dkim_canon.h, hashed and verified
 * by OpenSSL (dkim_openssl.h). What is handed in was parsed, judged and chosen by the caller.
 *
 * A verification belongs to one message and to one thread at a time; the verifier is shared by all threads.
 */
#ifndef SFDC_EVIDENCE_VERIFIER_H
#define SFDC_EVIDENCE_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/dkimtags.h"
#include "core/span.h"

struct verifier;
struct verification;

/* NULL without memory. */
struct verifier *verifier_new(void);

/* After the last verification. NULL is harmless. */
void verifier_free(struct verifier *verifier);

/* Start with a message; NULL without memory. */
struct verification *verification_new(const struct verifier *verifier);

/* NULL is harmless, at any step. */
void verification_free(struct verification *verification);

/*
 * The next field of the header that some signature may cover, in the order of arrival, raw: name and value are borrowed
 * until the header is complete. leading_space: the value starts with the white space that followed the colon; otherwise
 * one space is put there. The value is one that dkim_canon_sound() takes. False without memory.
 */
bool verification_field(struct verification *verification, struct span name, struct span value, bool leading_space);

/*
 * The same for a DKIM-Signature field that is to be verified: they are numbered from 0 in the order in which they are
 * handed in. tags: what dkimtags_signature() read in this value, well-formed; borrowed until verification_free().
 */
bool verification_signature(struct verification *verification, struct span name, struct span value, bool leading_space,
                            const struct dkim_fields *tags);

/* The header is complete. False: nothing can be verified, for want of memory. */
bool verification_header_end(struct verification *verification);

/* A piece of the body, cut anywhere. False without memory. */
bool verification_body(struct verification *verification, struct span chunk);

/* The body is complete. False without memory. */
bool verification_body_end(struct verification *verification);

enum verification_status {
	VERIFICATION_OPEN,          /* the body is not complete yet: ask again then */
	VERIFICATION_GOOD,
	VERIFICATION_BAD_SIGNATURE, /* the header was changed, or the signature is not of this key */
	VERIFICATION_BAD_BODY,      /* the body was changed */
	VERIFICATION_BROKEN         /* no memory, OpenSSL out of order, or steps: nothing was found out */
};

/*
 * Verify signature number i with a public key (base64 without white space). After verification_header_end(); a first
 * call may come before the body is complete.
 */
enum verification_status verification_verify(struct verification *verification, size_t i, bool ed25519,
                                             struct span public_key);

#endif
