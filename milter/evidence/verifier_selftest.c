#include "config.h"

#include "evidence/verifier_selftest.h"

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

static bool give_message(struct verification *verification, struct arena *arena, struct dkim_fields tags[COUNT(rows)])
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!dkimtags_signature(span_of(rows[i].signature), arena, NULL, &tags[i]) || !tags[i].well_formed
		    || !verification_signature(verification, span_of("DKIM-Signature"), span_of(rows[i].signature), true, &tags[i]))
			return false;
	for (size_t i = 0; i < COUNT(fields); i++)
		if (!verification_field(verification, span_of(fields[i].name), span_of(fields[i].value), true))
			return false;
	return verification_header_end(verification) && verification_body(verification, span_of(body))
	       && verification_body_end(verification);
}

const char *verifier_selftest(struct verifier *verifier)
{
	const char *failed = NULL;
	struct arena arena;
	struct dkim_fields tags[COUNT(rows)];
	arena_init(&arena, 0);
	struct verification *verification = verification_new(verifier);
	bool given = verification && give_message(verification, &arena, tags);
	for (size_t i = 0; i < COUNT(rows) && !failed; i++)
		if (!given
		    || verification_verify(verification, i, rows[i].ed25519, span_of(rows[i].key)) != VERIFICATION_GOOD)
			failed = rows[i].algorithm;
	verification_free(verification);
	arena_clear(&arena);
	return failed;
}
