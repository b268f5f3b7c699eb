/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_tags_private.h"

/* One element of DER with a definite length; what follows it stays in *rest. */
static bool der_element(struct span *rest, unsigned char tag, struct span *content_r)
{
	const unsigned char *at = (const unsigned char *)rest->at;
	if (rest->length < 2 || at[0] != tag)
		return false;
	size_t length = at[1];
	size_t used = 2;
	if (length >= 0x80) {
		size_t count = length & 0x7f;
		if (count == 0 || count > 2 || rest->length < 2 + count)
			return false;
		length = count == 1 ? at[2] : (size_t)at[2] << 8 | at[3];
		used += count;
	}
	if (length > rest->length - used)
		return false;
	*content_r = span_slice(*rest, used, used + length);
	*rest = span_slice(*rest, used + length, rest->length);
	return true;
}

/* The bytes of a positive INTEGER in its shortest form, without the zero byte before a first bit that is set. */
static bool der_positive(struct span *rest, struct span *number_r)
{
	struct span integer;
	if (!der_element(rest, 0x02, &integer) || integer.length == 0)
		return false;
	const unsigned char *at = (const unsigned char *)integer.at;
	if (at[0] >= 0x80 || (at[0] == 0 && (integer.length == 1 || at[1] < 0x80)))
		return false;
	*number_r = span_slice(integer, at[0] == 0, integer.length);
	return true;
}

static unsigned bits_of(struct span number)
{
	unsigned bits = (unsigned)number.length * 8;
	for (unsigned top = 0x80; ((unsigned char)number.at[0] & top) == 0; top >>= 1)
		bits--;
	return bits;
}

static bool is_odd(struct span number)
{
	return (number.at[number.length - 1] & 1) != 0;
}

/* RFC 3279 2.3.1: the parameters are NULL. Some leave them out. */
static bool is_rsa_encryption(struct span algorithm)
{
	static const char text[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
	struct span whole = span_make(text, sizeof text - 1);
	return span_equal(algorithm, whole) || span_equal(algorithm, span_slice(whole, 0, whole.length - 2));
}

bool dkim_tags_rsa_key(struct span der, struct rsa_key *key_r)
{
	struct span info, algorithm, bits, key;

	if (!der_element(&der, 0x30, &info) || der.length != 0 || !der_element(&info, 0x30, &algorithm)
	    || !is_rsa_encryption(algorithm) || !der_element(&info, 0x03, &bits) || info.length != 0 || bits.length == 0
	    || bits.at[0] != 0)
		return false;
	bits = span_slice(bits, 1, bits.length);
	if (!der_element(&bits, 0x30, &key) || bits.length != 0 || !der_positive(&key, &key_r->modulus)
	    || !der_positive(&key, &key_r->exponent) || key.length != 0)
		return false;
	unsigned exponent_bits = bits_of(key_r->exponent);
	key_r->bits = bits_of(key_r->modulus);
	return is_odd(key_r->modulus) && is_odd(key_r->exponent) && exponent_bits >= 2 && exponent_bits <= 64
	       && key_r->bits >= DKIM_RSA_BITS_MIN && key_r->bits <= DKIM_RSA_BITS_MAX;
}

/* A record of another version or kind under the key's name is not a key; one that says DKIM1 must say it first. */
static bool is_key_record(const struct tag_list *list)
{
	struct span v = dkim_tags_find(list, "v");
	if (list->count == 0 || span_absent(dkim_tags_find(list, "p")))
		return false;
	return span_absent(v) || (span_equal(v, span_of("DKIM1")) && span_equal(list->tags[0].name, span_of("v")));
}

static bool key_suits(const struct tag_list *list, enum dkim_algorithm algorithm)
{
	struct span h = dkim_tags_find(list, "h");
	struct span k = dkim_tags_find(list, "k");
	struct span s = dkim_tags_find(list, "s");
	const char *kind = algorithm == DKIM_ALGORITHM_ED25519_SHA256 ? "ed25519" : "rsa";

	if (algorithm == DKIM_ALGORITHM_OTHER || !span_equal(span_absent(k) ? span_of("rsa") : k, span_of(kind)))
		return false;
	return (span_absent(h) || dkim_tags_lists(h, "sha256"))
	       && (span_absent(s) || dkim_tags_lists(s, "*") || dkim_tags_lists(s, "email"));
}

enum dkim_key_status dkim_tags_key(struct span text, enum dkim_algorithm algorithm, struct arena *arena,
                                   struct dkim_key *key_r)
{
	static const char *const known[] = { "v", "h", "k", "n", "p", "s", "t", NULL };
	struct tag_list list;

	memset(key_r, 0, sizeof *key_r);
	if (text.length > DKIM_KEY_LENGTH_MAX)
		return DKIM_KEY_MALFORMED;
	bool sound = dkim_tags_split(text, &list) && !dkim_tags_disguised(&list, known);
	if (!is_key_record(&list))
		return sound ? DKIM_KEY_ABSENT : DKIM_KEY_MALFORMED;
	if (!sound)
		return DKIM_KEY_MALFORMED;
	struct span encoded = dkim_tags_find(&list, "p");
	if (encoded.length == 0)
		return DKIM_KEY_REVOKED;
	if (!key_suits(&list, algorithm))
		return DKIM_KEY_UNSUITED;
	struct span key = dkim_tags_base64(encoded, arena);
	struct span der = dkim_tags_decode(key, arena);
	if (arena_failed(arena))
		return DKIM_KEY_NO_MEMORY;
	if (span_absent(key))
		return DKIM_KEY_MALFORMED;
	struct rsa_key rsa = { .bits = 0 };
	if (algorithm == DKIM_ALGORITHM_ED25519_SHA256 ? der.length != 32 : !dkim_tags_rsa_key(der, &rsa))
		return DKIM_KEY_MALFORMED;
	key_r->rsa_bits = rsa.bits;
	key_r->public_key = key;
	key_r->same_domain = dkim_tags_lists(dkim_tags_find(&list, "t"), "s");
	key_r->testing = dkim_tags_lists(dkim_tags_find(&list, "t"), "y");
	return DKIM_KEY_OK;
}

enum dkim_key_status dkim_tags_only_key(const struct answer *answer, enum dkim_algorithm algorithm, struct arena *arena,
                                        struct dkim_key *key_r)
{
	enum dkim_key_status found = DKIM_KEY_ABSENT;

	for (size_t i = 0; i < answer->count; i++) {
		struct dkim_key key;
		enum dkim_key_status status = dkim_tags_key(answer->records[i].text, algorithm, arena, &key);
		if (status == DKIM_KEY_NO_MEMORY)
			return status;
		if (status != DKIM_KEY_OK)
			continue;
		if (found == DKIM_KEY_OK
		    && (!span_equal(key.public_key, key_r->public_key) || key.same_domain != key_r->same_domain))
			return DKIM_KEY_MALFORMED;
		found = DKIM_KEY_OK;
		*key_r = key;
	}
	return found;
}
