/*
 * verifier: the cryptography of DKIM: canonical forms and hashes by libopendkim, RSA and Ed25519 by OpenSSL
 * (publickeys.h). Nothing else of libopendkim decides: signatures and keys are parsed, judged and chosen by the caller,
 * and only what is well-formed and within bounds is handed to it.
 *
 * A verification belongs to one message and to one thread at a time; the verifier is shared by all threads.
 */
#ifndef SFDC_EVIDENCE_VERIFIER_H
#define SFDC_EVIDENCE_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

struct verifier;
struct verification;

/* NULL without memory. */
struct verifier *verifier_new(void);

/* After the last verification. NULL is harmless. */
void verifier_free(struct verifier *verifier);

/* Start with a message; NULL without memory. */
struct verification *verification_new(struct verifier *verifier);

/* NULL is harmless, at any step. */
void verification_free(struct verification *verification);

/*
 * Whether a field can be verified at all: a NUL byte, a CR or LF that belongs to no fold, or a vertical tab or form
 * feed would be read by the library as something it is not.
 */
bool verification_takes(struct span value);

/*
 * The next field of the header, in the order of arrival, raw; a DKIM-Signature field only if it is to be verified: they
 * are numbered from 0 in the order in which they are handed in. leading_space: the value starts with the white space
 * that followed the colon; otherwise one space is put there. False without memory.
 */
bool verification_field(struct verification *verification, struct span name, struct span value, bool leading_space);

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
	VERIFICATION_BAD_KEY,       /* the key cannot be decoded */
	VERIFICATION_REFUSED,       /* the library finds another fault with the signature */
	VERIFICATION_BROKEN         /* no memory, OpenSSL out of order, or steps: nothing was found out */
};

/*
 * Verify signature number i with a public key (base64 without white space). After verification_header_end(); a first
 * call may come before the body is complete.
 */
enum verification_status verification_verify(struct verification *verification, size_t i, bool ed25519,
                                             struct span public_key);

#endif
