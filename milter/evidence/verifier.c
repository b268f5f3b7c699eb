#include "config.h"

#include "evidence/verifier.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/dkim_openssl.h"
#include "evidence/publickeys.h"
#include "evidence/reserve.h"

#define FIELDS_STEP 64 /* room for so many fields more at a time */

struct verifier {
	struct publickeys *keys;
	struct dkim_crypto crypto;
};

struct field_given {
	struct span raw_name;
	struct span name; /* without white space around it */
	struct span value;
	bool leading_space;
	const struct signature_given *taken; /* the signature whose h= took this field last */
};

struct signature_given {
	size_t field;
	const struct dkim_fields *tags;
	unsigned char header[DKIM_DIGEST_LENGTH];
	struct signature_given *next;
};

struct body_given {
	bool used;
	struct dkim_body body;
	unsigned char digest[DKIM_DIGEST_LENGTH];
};

struct verification {
	const struct verifier *verifier;
	size_t count;
	size_t room;
	struct field_given *fields;
	struct signature_given *signatures;
	struct signature_given **signatures_end;
	struct body_given bodies[2]; /* by enum dkim_form */
	bool header_done;
	bool body_done;
};

struct verifier *verifier_new(void)
{
	struct verifier *verifier = calloc(1, sizeof *verifier);
	if (!verifier)
		return NULL;
	reserve_watch_openssl();
	verifier->keys = publickeys_new();
	if (!verifier->keys) {
		free(verifier);
		return NULL;
	}
	dkim_openssl_init(&verifier->crypto, verifier->keys);
	return verifier;
}

void verifier_free(struct verifier *verifier)
{
	if (!verifier)
		return;
	publickeys_free(verifier->keys);
	free(verifier);
}

struct verification *verification_new(const struct verifier *verifier)
{
	struct verification *verification = calloc(1, sizeof *verification);
	if (!verification)
		return NULL;
	verification->verifier = verifier;
	verification->signatures_end = &verification->signatures;
	return verification;
}

void verification_free(struct verification *verification)
{
	if (!verification)
		return;
	for (size_t i = 0; i < 2; i++)
		if (verification->bodies[i].used)
			dkim_body_drop(&verification->bodies[i].body);
	while (verification->signatures) {
		struct signature_given *next = verification->signatures->next;
		free(verification->signatures);
		verification->signatures = next;
	}
	free(verification->fields);
	free(verification);
}

static bool make_room(struct verification *verification)
{
	if (verification->count < verification->room)
		return true;
	size_t room = verification->room + FIELDS_STEP;
	struct field_given *fields = realloc(verification->fields, room * sizeof *fields);
	if (!fields)
		return false;
	verification->fields = fields;
	verification->room = room;
	return true;
}

bool verification_field(struct verification *verification, struct span name, struct span value, bool leading_space)
{
	if (!make_room(verification))
		return false;
	verification->fields[verification->count++] =
	    (struct field_given){ name, span_trim(name), value, leading_space, NULL };
	return true;
}

bool verification_signature(struct verification *verification, struct span name, struct span value, bool leading_space,
                            const struct dkim_fields *tags)
{
	struct signature_given *signature = calloc(1, sizeof *signature);
	if (!signature)
		return false;
	signature->field = verification->count;
	signature->tags = tags;
	*verification->signatures_end = signature;
	verification->signatures_end = &signature->next;
	return verification_field(verification, name, value, leading_space);
}

/*
 * The lowest field of that name that the signature has not taken yet (RFC 6376 5.4.2). Its own is one of them, as it is to
 * other verifiers: no signer can have covered what was not made yet, so that a h= that reaches it fails.
 */
static struct field_given *take_field(struct verification *verification, const struct signature_given *signature,
                                      struct span name)
{
	for (size_t i = verification->count; i-- > 0;) {
		struct field_given *field = &verification->fields[i];
		if (field->taken == signature || !span_equal_nocase(field->name, name))
			continue;
		field->taken = signature;
		return field;
	}
	return NULL;
}

/* The header hash (RFC 6376 3.7). False: there is none. */
static bool hash_header(struct verification *verification, struct signature_given *signature)
{
	const struct field_given *own = &verification->fields[signature->field];
	const struct dkim_fields *tags = signature->tags;
	struct dkim_stream stream;
	bool begun = dkim_stream_begin(&stream, &verification->verifier->crypto, DKIM_NO_LENGTH);

	for (size_t from = 0; begun && from <= tags->signed_names.length;) {
		size_t to = span_find(tags->signed_names, from, ':');
		struct span name = span_trim(span_slice(tags->signed_names, from, to));
		const struct field_given *field = take_field(verification, signature, name);
		if (field)
			dkim_canon_field(&stream, tags->header_form, field->raw_name, field->value, field->leading_space);
		from = to + 1;
	}
	if (begun)
		dkim_canon_signature(&stream, tags->header_form, own->raw_name, own->value, tags->b_raw, own->leading_space);
	return dkim_stream_end(&stream, signature->header);
}

static bool begin_body(struct verification *verification, enum dkim_form form)
{
	struct body_given *body = &verification->bodies[form];
	if (body->used)
		return true;
	body->used = true;
	return dkim_body_begin(&body->body, &verification->verifier->crypto, form, DKIM_NO_LENGTH);
}

bool verification_header_end(struct verification *verification)
{
	for (struct signature_given *signature = verification->signatures; signature; signature = signature->next)
		if (!hash_header(verification, signature) || !begin_body(verification, signature->tags->body_form))
			return false;
	verification->header_done = true;
	return true;
}

bool verification_body(struct verification *verification, struct span chunk)
{
	for (size_t i = 0; i < 2 && !verification->body_done; i++)
		if (verification->bodies[i].used)
			dkim_body_put(&verification->bodies[i].body, chunk);
	return true;
}

bool verification_body_end(struct verification *verification)
{
	bool done = true;
	if (verification->body_done)
		return true;
	for (size_t i = 0; i < 2; i++)
		if (verification->bodies[i].used)
			done = dkim_body_end(&verification->bodies[i].body, verification->bodies[i].digest) && done;
	verification->body_done = done;
	return done;
}

/* What verifiers hash differently matches nothing. */
static bool body_matches(const struct verification *verification, const struct signature_given *signature)
{
	const struct body_given *body = &verification->bodies[signature->tags->body_form];
	unsigned char text[2 * DKIM_DIGEST_LENGTH];
	int length = EVP_EncodeBlock(text, body->digest, DKIM_DIGEST_LENGTH);
	return !body->body.bare && span_equal(signature->tags->bh, span_make((const char *)text, (size_t)length));
}

enum verification_status verification_verify(struct verification *verification, size_t i, bool ed25519,
                                             struct span public_key)
{
	const struct dkim_crypto *crypto = &verification->verifier->crypto;
	const struct signature_given *signature = verification->signatures;

	while (signature && i-- > 0)
		signature = signature->next;
	if (!signature || !verification->header_done)
		return VERIFICATION_BROKEN;
	if (!verification->body_done)
		return VERIFICATION_OPEN;
	switch (crypto->verify(crypto->context, ed25519, public_key, signature->header, signature->tags->b)) {
	case DKIM_VERIFIED:
		return body_matches(verification, signature) ? VERIFICATION_GOOD : VERIFICATION_BAD_BODY;
	case DKIM_MISMATCH:
		return VERIFICATION_BAD_SIGNATURE;
	case DKIM_UNVERIFIABLE:
		break;
	}
	return VERIFICATION_BROKEN;
}
