/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_canon: the canonical forms of DKIM (RFC 6376 3.4), simple and relaxed, of header fields and body, on their way
 * into a hash.
 *
 * The body comes in pieces that may be cut anywhere. It is looked through once for each form and length that some
 * signature names, however many signatures share them; what does not change goes on in long runs. Memory is bounded and
 * small, whatever comes: of white space and line ends that may turn out to be the last ones only their number is kept.
 *
 * A line ends in CRLF and in nothing else. A CR or LF that stands alone is hashed as the byte it is, and told: other
 * verifiers make something else of it.
 *
 * Pure. One message, one thread.
 */
#ifndef SFDC_CORE_DKIM_CANON_H
#define SFDC_CORE_DKIM_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dkim_crypto.h"
#include "core/span.h"

enum dkim_form { DKIM_FORM_SIMPLE, DKIM_FORM_RELAXED };

#define DKIM_NO_LENGTH UINT64_MAX /* no l=: the body as a whole */
#define DKIM_STREAM_SIZE 2048     /* bytes: short runs are gathered before they are hashed */

/* Bytes on their way into a hash. */
struct dkim_stream {
	const struct dkim_crypto *crypto;
	struct dkim_hash *hash; /* NULL: none could be had */
	uint64_t length;        /* bytes that were put */
	uint64_t limit;         /* bytes that are hashed; the rest is counted only */
	size_t used;            /* of buffer */
	char buffer[DKIM_STREAM_SIZE];
};

/* Start. crypto is borrowed. False without a hash; the stream can be used all the same, and has no digest. */
bool dkim_stream_begin(struct dkim_stream *stream, const struct dkim_crypto *crypto, uint64_t limit);

/* Put bytes as they are. */
void dkim_stream_put(struct dkim_stream *stream, const char *at, size_t length);

/* Finish. False: there is no digest. The stream holds no hash any more. */
bool dkim_stream_end(struct dkim_stream *stream, unsigned char digest_r[DKIM_DIGEST_LENGTH]);

/* Release without a digest; harmless after dkim_stream_end(), and on zeroed memory. */
void dkim_stream_drop(struct dkim_stream *stream);

/*
 * Whether a field has a canonical form at all: no NUL byte, no vertical tab or form feed, and every CR and LF part of a
 * fold. Readers differ on all others. The value is without the line end that ends the field.
 */
bool dkim_canon_sound(struct span value);

/*
 * Put a field that dkim_canon_sound() takes (RFC 6376 3.4.1, 3.4.2), with its line end. Folds may be LF, as an MTA hands
 * them over: they are CRLF on the wire. leading_space: the value starts with what followed the colon; otherwise one
 * space stands there, which the MTA took away.
 */
void dkim_canon_field(struct dkim_stream *stream, enum dkim_form form, struct span name, struct span value,
                      bool leading_space);

/*
 * Put the DKIM-Signature field that is verified (RFC 6376 3.7): as above, but without what stands between the "=" of its
 * b= and the next ";" or the end, and without a line end. b points there, into value.
 */
void dkim_canon_signature(struct dkim_stream *stream, enum dkim_form form, struct span name, struct span value,
                          struct span b, bool leading_space);

/* A body on its way into a hash (RFC 6376 3.4.3, 3.4.4). Fields are the module's own, but for those that say otherwise. */
struct dkim_body {
	enum dkim_form form;
	struct dkim_stream stream; /* .length: of the canonical body so far, to be read at the end */
	uint64_t line_ends;        /* kept back: they may be the last ones */
	bool white;                /* kept back: white space of the line under way (relaxed) */
	bool cr;                   /* kept back: a CR, the last byte that came */
	bool bare;                 /* to be read: there was a CR or LF that is no line end */
};

/* Start. limit: the value of l=, or DKIM_NO_LENGTH. False without a hash, as for dkim_stream_begin(). */
bool dkim_body_begin(struct dkim_body *body, const struct dkim_crypto *crypto, enum dkim_form form, uint64_t limit);

/* The next piece. */
void dkim_body_put(struct dkim_body *body, struct span chunk);

/*
 * The body is complete: what is left, and the last line end, if there was none. False: there is no digest. With l=, the
 * digest is of the first limit bytes, or of all if there are fewer (in which case the signature is void, RFC 6376 3.5).
 */
bool dkim_body_end(struct dkim_body *body, unsigned char digest_r[DKIM_DIGEST_LENGTH]);

/* Release at any time; harmless after dkim_body_end(), and on zeroed memory. */
void dkim_body_drop(struct dkim_body *body);

#endif
