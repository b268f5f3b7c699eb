/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dkim_selftest.h"

#include "core/dkim_canon.h"
#include "core/dkim_tags.h"

/* RFC 8463, appendix A.3. No signature covers the other. */
static const struct {
	const char *algorithm;
	bool ed25519;
	const char *key;
	const char *signature;
} rows[] = {
	{ "rsa-sha256", false,
	  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91"
	  "y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
	  " v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	  " d=football.example.com; i=@football.example.com;\r\n"
	  " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	  " date : message-id : from : subject : date;\r\n"
	  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	  " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	  " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	  " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=" },
	{ "ed25519-sha256", true, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
	  " v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	  " d=football.example.com; i=@football.example.com;\r\n"
	  " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	  " subject : date : message-id : from : subject : date;\r\n"
	  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	  " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	  " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==" },
};

static const struct {
	const char *name;
	const char *value;
} fields[] = {
	{ "From", " Joe SixPack <joe@football.example.com>" },
	{ "To", " Suzie Q <suzie@shopping.example.net>" },
	{ "Subject", " Is dinner ready?" },
	{ "Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)" },
	{ "Message-ID", " <20030712040037.46341.5F8J@football.example.com>" },
};

static const char body[] = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The header without the signature's field. */
static bool hash_header(const struct dkim_crypto *crypto, const struct dkim_fields *tags, struct span signature,
                        unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	struct dkim_stream stream;
	if (!dkim_stream_begin(&stream, crypto, DKIM_NO_LENGTH))
		return false;
	for (size_t i = 0; i < COUNT(fields); i++)
		dkim_canon_field(&stream, tags->header_form, span_of(fields[i].name), span_of(fields[i].value), true);
	dkim_canon_signature(&stream, tags->header_form, span_of("DKIM-Signature"), signature, tags->b_raw, true);
	return dkim_stream_end(&stream, digest_r);
}

static bool hash_body(const struct dkim_crypto *crypto, const struct dkim_fields *tags,
                      unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	struct dkim_body hashed;
	if (!dkim_body_begin(&hashed, crypto, tags->body_form, DKIM_NO_LENGTH))
		return false;
	dkim_body_put(&hashed, span_of(body));
	return dkim_body_end(&hashed, digest_r);
}

static bool verifies(const struct dkim_crypto *crypto, size_t row, struct arena *arena)
{
	struct span signature = span_of(rows[row].signature);
	struct dkim_fields tags;
	unsigned char header_digest[DKIM_DIGEST_LENGTH];
	unsigned char body_digest[DKIM_DIGEST_LENGTH];
	return dkim_tags_signature(signature, arena, NULL, &tags) && tags.well_formed
	       && hash_header(crypto, &tags, signature, header_digest) && hash_body(crypto, &tags, body_digest)
	       && memcmp(body_digest, tags.body_hash.at, DKIM_DIGEST_LENGTH) == 0
	       && crypto->verify(crypto->context, rows[row].ed25519, span_of(rows[row].key), header_digest, tags.b)
	              == DKIM_VERIFIED;
}

const char *dkim_selftest(const struct dkim_crypto *crypto)
{
	const char *failed = NULL;
	for (size_t i = 0; i < COUNT(rows) && !failed; i++) {
		struct arena arena;
		arena_init(&arena, 0);
		if (!verifies(crypto, i, &arena))
			failed = rows[i].algorithm;
		arena_clear(&arena);
	}
	return failed;
}
