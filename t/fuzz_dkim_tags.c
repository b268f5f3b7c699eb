/* SPDX-License-Identifier: BSD-2-Clause */
/* dkim_tags: what is taken for well-formed is, and cannot be read in two ways. Input: a field's value, or a key record. */
#include "core/dkim_tags.h"
#include "fuzz.h"

const char fuzz_name[] = "dkim_tags";

static struct span joined(struct arena *arena, struct span a, const char *b)
{
	struct span text = { arena_alloc(arena, a.length + strlen(b)), a.length + strlen(b) };
	must(text.at);
	memcpy((char *)(uintptr_t)text.at, a.at, a.length);
	memcpy((char *)(uintptr_t)text.at + a.length, b, strlen(b));
	return text;
}

static void check_signature(struct arena *arena, struct span value)
{
	struct dkim_fields fields, again;

	must(dkim_tags_signature(value, arena, fuzz_to_ascii, &fields));
	must(fields.timestamp >= -1 && fields.expiry >= -1);
	must(span_absent(fields.domain) || domain_valid(fields.domain));
	must(span_absent(fields.selector) || domain_queryable(fields.selector));
	if (!fields.well_formed)
		return;
	must(domain_queryable(fields.key_name) && domain_within(fields.identity, fields.domain));
	must(span_ends_nocase(fields.key_name, fields.domain) && span_starts_nocase(fields.key_name, fields.selector));
	must(fields.signed_names.length >= 4 && fields.b_prefix.length != 0 && fields.b_prefix.length <= 8);
	must(fields.timestamp < 0 || fields.expiry < 0 || fields.expiry > fields.timestamp);
	struct span twice[] = { joined(arena, value, ";d=example.com"), joined(arena, value, ";D=example.com"),
		                    joined(arena, value, ";BH=x"), joined(arena, value, ";;") };
	for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
		must(dkim_tags_signature(twice[i], arena, fuzz_to_ascii, &again));
		must(!again.well_formed);
	}
}

static void check_key(struct arena *arena, struct span text, enum dkim_algorithm algorithm)
{
	struct dkim_key key, again;
	enum dkim_key_status status = dkim_tags_key(text, algorithm, arena, &key);

	must(status != DKIM_KEY_NO_MEMORY);
	must((status == DKIM_KEY_OK) == !span_absent(key.public_key));
	if (status != DKIM_KEY_OK)
		return;
	must(algorithm != DKIM_ALGORITHM_OTHER);
	must(algorithm == DKIM_ALGORITHM_ED25519_SHA256 ? key.rsa_bits == 0 : key.rsa_bits >= 512 && key.rsa_bits <= 16384);
	must(dkim_tags_key(joined(arena, text, ";p=AAAA"), algorithm, arena, &again) != DKIM_KEY_OK);
	struct span bare = joined(arena, span_of("k=ed25519;p="), "");
	if (algorithm == DKIM_ALGORITHM_RSA_SHA256)
		bare = span_of("p=");
	char *encoded = arena_text(arena, key.public_key);
	must(encoded && dkim_tags_key(joined(arena, bare, encoded), algorithm, arena, &again) == DKIM_KEY_OK);
	must(again.rsa_bits == key.rsa_bits && span_equal(again.public_key, key.public_key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct span text = fuzz_span(data, size);
	check_signature(&arena, text);
	check_key(&arena, text, DKIM_ALGORITHM_RSA_SHA256);
	check_key(&arena, text, DKIM_ALGORITHM_ED25519_SHA256);
	check_key(&arena, text, DKIM_ALGORITHM_OTHER);
	arena_clear(&arena);
	return 0;
}
