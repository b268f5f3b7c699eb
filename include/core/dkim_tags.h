/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_tags: strict reading of DKIM-Signature fields and DKIM key records (RFC 6376 3.2, 3.5, 3.6.1; RFC 8301; RFC 8463).
 *
 * Stricter than the libraries on purpose: a tag that stands twice, a known tag's name in another case, white space
 * inside a domain or a selector, a byte outside printable ASCII or a tag list that ends early makes the whole value
 * malformed, so that no two readers of one value can understand it differently. Values are compared as they stand. UTF-8
 * may stand in d=, s=, i= and z= of a signature (RFC 8616 5): U-labels are compared and asked as A-labels, and taken only
 * as domain_comparable() takes them.
 * Pure and thread-safe; what is copied lives in the caller's arena. Cost is linear in the length, but for a bounded
 * number of tags.
 */
#ifndef SFDC_CORE_DKIM_TAGS_H
#define SFDC_CORE_DKIM_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/answer.h"
#include "core/arena.h"
#include "core/dkim_canon.h"
#include "core/domain.h"
#include "core/span.h"

#define DKIM_SIGNATURE_LENGTH_MAX 32768 /* bytes of a DKIM-Signature value */
#define DKIM_KEY_LENGTH_MAX 8192        /* bytes of a key record */
#define DKIM_TAGS_MAX 64                /* tags of one list */
#define DKIM_SIGNED_NAMES_MAX 512       /* names in h= */
#define DKIM_SIGNED_LENGTH_MAX 4000     /* bytes of h= */
#define DKIM_RSA_BITS_MIN 512           /* of a key that is read; whether it is strong enough is decided elsewhere */
#define DKIM_RSA_BITS_MAX 8192          /* verifying with longer ones would cost more than a message may */
#define DKIM_KEY_TEXT_MAX 1432          /* characters of the longest p= that can be read, without white space */

struct tag {
	struct span name;
	struct span value; /* without the white space around it */
	struct span raw;   /* with it */
};

struct tag_list {
	size_t count;
	struct tag tags[DKIM_TAGS_MAX];
};

/*
 * Split a tag list in ASCII (RFC 6376 3.2). Folds may be CRLF or LF. False: not well-formed, a name twice (without case), more
 * than DKIM_TAGS_MAX tags. *list_r then holds what was read before the fault.
 */
bool dkim_tags_split(struct span text, struct tag_list *list_r);

/* The value of a tag of that exact name, absent when there is none. */
struct span dkim_tags_find(const struct tag_list *list, const char *name);

enum dkim_algorithm { DKIM_ALGORITHM_OTHER, DKIM_ALGORITHM_RSA_SHA256, DKIM_ALGORITHM_ED25519_SHA256 };

/* One DKIM-Signature field. */
struct dkim_fields {
	bool well_formed; /* else only domain, selector, b_prefix and signed_names may be set, for the log */
	enum dkim_algorithm algorithm;
	struct span domain;                    /* d=, A-labels in lower case, in arena */
	struct span selector;                  /* s=, A-labels in lower case, in arena */
	struct span key_name;                  /* selector._domainkey.domain, in arena */
	struct span identity;                  /* domain of i=, A-labels in lower case, in arena; d= when there is no i= */
	struct span signed_names;              /* h=, in arena */
	struct span b_prefix;                  /* first eight characters of b=, in arena */
	enum dkim_form header_form, body_form; /* c= */
	struct span b;                         /* b= without white space, in arena */
	struct span body_hash; /* bh= decoded, in arena: DKIM_DIGEST_LENGTH bytes, but for other algorithms */
	struct span b_raw;     /* what stands between the "=" of b= and the next ";" or the end; part of the value read */
	bool partial;          /* there is an l= */
	long long timestamp;   /* t=, seconds, -1 = none */
	long long expiry;      /* x=, seconds, -1 = none */
};

/* Read the value of a DKIM-Signature field, raw, which b_raw borrows; to_ascii may be NULL. False only without memory. */
bool dkim_tags_signature(struct span value, struct arena *arena, domain_to_ascii to_ascii,
                         struct dkim_fields *fields_r);

/* How often h= (names separated by colons, white space allowed around them) lists a name, without case. */
unsigned dkim_tags_times_signed(struct span signed_names, struct span name);

enum dkim_key_status {
	DKIM_KEY_OK,
	DKIM_KEY_ABSENT, /* not a key record at all: no p= in it, or another version */
	DKIM_KEY_MALFORMED,
	DKIM_KEY_REVOKED,  /* p= is empty */
	DKIM_KEY_UNSUITED, /* k=, h= or s= do not allow the use */
	DKIM_KEY_NO_MEMORY
};

struct dkim_key {
	struct span public_key; /* p=, base64 without white space, in arena */
	unsigned rsa_bits;      /* exact length of the modulus; 0 for ed25519 */
	bool same_domain;       /* t=s: i= must name d= itself */
	bool testing;           /* t=y: the domain tests DKIM; changes no result */
};

/* The numbers of an RSA key: big-endian, the first byte not zero. */
struct rsa_key {
	struct span modulus;
	struct span exponent;
	unsigned bits; /* of the modulus */
};

/*
 * Read a SubjectPublicKeyInfo with an RSA key (RFC 5280 4.1, RFC 3279 2.3.1, RFC 8017 A.1.1): a modulus of
 * DKIM_RSA_BITS_MIN to DKIM_RSA_BITS_MAX bits and an exponent of 2 to 64 bits, both odd and in their shortest form. The
 * spans point into der. What is read here is a key to every other reader, too.
 */
bool dkim_tags_rsa_key(struct span der, struct rsa_key *key_r);

/*
 * Read one TXT record as the key for a signature of that algorithm. *key_r is set for DKIM_KEY_OK. An RSA key is what
 * dkim_tags_rsa_key() reads; an Ed25519 key has 32 bytes.
 */
enum dkim_key_status dkim_tags_key(struct span text, enum dkim_algorithm algorithm, struct arena *arena,
                                   struct dkim_key *key_r);

/*
 * The one key among the TXT records of an answer: several that fit are told apart by nothing, and their order says nothing
 * either, so that they are DKIM_KEY_MALFORMED unless they are the same. DKIM_KEY_ABSENT: none can be used.
 */
enum dkim_key_status dkim_tags_only_key(const struct answer *answer, enum dkim_algorithm algorithm, struct arena *arena,
                                        struct dkim_key *key_r);

#endif
