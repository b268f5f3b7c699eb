#include "config.h"

#include "evidence/verifier.h"

#include <sys/types.h>

#include <opendkim/dkim.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/publickeys.h"
#include "evidence/reserve.h"

struct verifier {
	DKIM_LIB *library;
	struct publickeys *keys;
};

struct verification {
	DKIM *handle;
	struct publickeys *keys; /* borrowed */
	struct reserve *reserve;
	bool starved;   /* memory failed on the way: what was found is not to be believed */
	char *line; /* the field under way */
	size_t line_size;
	char last[2]; /* the last two bytes of the body */
	bool body_seen;
	bool body_done;
};

/* Memory failed in a step of the library that began when OpenSSL had been refused it so often. */
static bool starved(struct verification *verification, unsigned long refusals)
{
	if (reserve_touched(verification->reserve) || reserve_openssl_refusals() != refusals)
		verification->starved = true;
	return verification->starved;
}

/* The library makes the hashes and is never asked to verify: it would decode the key each time. */
static DKIM_CBSTAT no_key(DKIM *handle, DKIM_SIGINFO *signature, u_char *buffer, size_t size)
{
	(void)handle;
	(void)signature;
	(void)buffer;
	(void)size;
	return DKIM_CBSTAT_NOTFOUND;
}

/* Called when the hash of the body is complete; the library would now verify. */
static DKIM_CBSTAT stop_there(DKIM *handle, DKIM_SIGINFO **signatures, int count)
{
	(void)handle;
	(void)signatures;
	(void)count;
	return DKIM_CBSTAT_TRYAGAIN;
}

struct verifier *verifier_new(void)
{
	unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES | DKIM_LIBFLAGS_DELAYSIGPROC;
	struct verifier *verifier = calloc(1, sizeof *verifier);
	if (!verifier)
		return NULL;
	reserve_watch_openssl();
	verifier->keys = publickeys_new();
	verifier->library = dkim_init(reserve_allocate, reserve_release);
	if (verifier->keys && verifier->library
	    && dkim_options(verifier->library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) == DKIM_STAT_OK
	    && dkim_set_key_lookup(verifier->library, no_key) == DKIM_STAT_OK
	    && dkim_set_final(verifier->library, stop_there) == DKIM_STAT_OK)
		return verifier;
	verifier_free(verifier);
	return NULL;
}

void verifier_free(struct verifier *verifier)
{
	if (!verifier)
		return;
	if (verifier->library)
		dkim_close(verifier->library);
	publickeys_free(verifier->keys);
	free(verifier);
}

struct verification *verification_new(struct verifier *verifier)
{
	DKIM_STAT status;
	struct verification *verification = calloc(1, sizeof *verification);
	if (!verification)
		return NULL;
	verification->reserve = reserve_new();
	if (verification->reserve)
		verification->handle = dkim_verify(verifier->library, (const unsigned char *)"message", verification->reserve,
		                                   &status);
	if (!verification->handle) {
		verification_free(verification);
		return NULL;
	}
	verification->keys = verifier->keys;
	return verification;
}

void verification_free(struct verification *verification)
{
	if (!verification)
		return;
	if (verification->handle)
		dkim_free(verification->handle);
	reserve_free(verification->reserve);
	free(verification->line);
	free(verification);
}

bool verification_takes(struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		char next = i + 1 < value.length ? value.at[i + 1] : '\0';
		switch (value.at[i]) {
		case '\0':
		case '\v':
		case '\f':
			return false;
		case '\r':
			if (next != '\n')
				return false;
			break;
		case '\n':
			if (next != ' ' && next != '\t')
				return false;
			break;
		default:
			break;
		}
	}
	return true;
}

/* Room for a field with every LF turned into CRLF. */
static bool make_room(struct verification *verification, struct span name, struct span value)
{
	size_t size = name.length + value.length * 2 + 4;
	if (size <= verification->line_size)
		return true;
	char *line = realloc(verification->line, size);
	if (!line)
		return false;
	verification->line = line;
	verification->line_size = size;
	return true;
}

/* An MTA hands over folds as LF; on the wire, where they were signed, they were CRLF. */
static size_t write_field(char *to, struct span name, struct span value, bool leading_space)
{
	size_t length = name.length;

	memcpy(to, name.at, name.length);
	to[length++] = ':';
	if (!leading_space)
		to[length++] = ' ';
	for (size_t i = 0; i < value.length; i++) {
		if (value.at[i] == '\n' && (i == 0 || value.at[i - 1] != '\r'))
			to[length++] = '\r';
		to[length++] = value.at[i];
	}
	return length;
}

static bool give_field(struct verification *verification, size_t length)
{
	unsigned long refusals = reserve_openssl_refusals();
	if (verification->starved)
		return false;
	DKIM_STAT status = dkim_header(verification->handle, (u_char *)verification->line, length);
	/* DKIM_STAT_SYNTAX: the library leaves the field out, and a signature that covers it will fail. */
	return !starved(verification, refusals) && (status == DKIM_STAT_OK || status == DKIM_STAT_SYNTAX);
}

bool verification_field(struct verification *verification, struct span name, struct span value, bool leading_space)
{
	if (name.length == 0)
		return true;
	if (!make_room(verification, name, value))
		return false;
	return give_field(verification, write_field(verification->line, name, value, leading_space));
}

bool verification_header_end(struct verification *verification)
{
	/*
	 * With all fields of the message named in h= and one more name after them, the library writes behind the end of
	 * its array. A field that nothing can name keeps the array one longer than what can be found.
	 */
	unsigned long refusals = reserve_openssl_refusals();
	if (!verification_field(verification, span_of("x padding"), span_of("x"), true))
		return false;
	DKIM_STAT status = dkim_eoh(verification->handle);
	return !starved(verification, refusals) && status == DKIM_STAT_OK;
}

bool verification_body(struct verification *verification, struct span chunk)
{
	if (chunk.length == 0)
		return true;
	verification->last[0] = chunk.length > 1 ? chunk.at[chunk.length - 2] : verification->last[1];
	verification->last[1] = chunk.at[chunk.length - 1];
	verification->body_seen = true;
	unsigned long refusals = reserve_openssl_refusals();
	if (verification->starved)
		return false;
	/* The library reads only, though its type does not say so. */
	DKIM_STAT status = dkim_body(verification->handle, (u_char *)(uintptr_t)chunk.at, chunk.length);
	return !starved(verification, refusals) && status == DKIM_STAT_OK;
}

bool verification_body_end(struct verification *verification)
{
	if (verification->body_done)
		return true;
	/* A body without its last line end would not be hashed at all. RFC 6376 3.4.3 and 3.4.4 add it. */
	bool ended = !verification->body_seen || (verification->last[0] == '\r' && verification->last[1] == '\n');
	if (!ended && !verification_body(verification, span_of("\r\n")))
		return false;
	unsigned long refusals = reserve_openssl_refusals();
	if (verification->starved)
		return false;
	DKIM_STAT status = dkim_eom(verification->handle, NULL);
	verification->body_done = !starved(verification, refusals) && status == DKIM_STAT_CBTRYAGAIN;
	return verification->body_done;
}

/* A tag of a signature as the library read it, without white space; empty when there is none. */
static struct span tag_value(DKIM_SIGINFO *signature, const char *name)
{
	char copy[4];
	snprintf(copy, sizeof copy, "%s", name);
	const u_char *value = dkim_sig_gettagvalue(signature, false, (u_char *)copy);
	return span_of(value ? (const char *)value : "");
}

static bool body_matches(DKIM_SIGINFO *signature, const unsigned char *digest)
{
	unsigned char text[2 * PUBLICKEYS_DIGEST_LENGTH];
	int length = EVP_EncodeBlock(text, digest, PUBLICKEYS_DIGEST_LENGTH);
	return span_equal(tag_value(signature, "bh"), span_make((const char *)text, (size_t)length));
}

/* What was hashed is compared with what was signed. */
static enum verification_status compare(const struct verification *verification, DKIM_SIGINFO *signature, bool ed25519,
                                        struct span public_key)
{
	void *header;
	void *body;
	size_t header_length;
	size_t body_length;

	/* With a fault that the library found there are no hashes. */
	if (dkim_sig_geterror(signature) != DKIM_SIGERROR_UNKNOWN || (dkim_sig_getflags(signature) & DKIM_SIGFLAG_IGNORE) != 0)
		return VERIFICATION_REFUSED;
	if (dkim_sig_gethashes(signature, &header, &header_length, &body, &body_length) != DKIM_STAT_OK
	    || header_length != PUBLICKEYS_DIGEST_LENGTH || body_length != PUBLICKEYS_DIGEST_LENGTH)
		return VERIFICATION_BROKEN;
	switch (publickeys_verify(verification->keys, ed25519, public_key, header, tag_value(signature, "b"))) {
	case PUBLICKEY_UNUSABLE:
		return VERIFICATION_BAD_KEY;
	case PUBLICKEY_MISMATCH:
		return VERIFICATION_BAD_SIGNATURE;
	case PUBLICKEY_GOOD:
		return body_matches(signature, body) ? VERIFICATION_GOOD : VERIFICATION_BAD_BODY;
	case PUBLICKEY_BROKEN:
		return VERIFICATION_BROKEN;
	}
	return VERIFICATION_BROKEN;
}

enum verification_status verification_verify(struct verification *verification, size_t i, bool ed25519,
                                             struct span public_key)
{
	DKIM_SIGINFO **signatures = NULL;
	int count = 0;

	unsigned long refusals = reserve_openssl_refusals();
	if (verification->starved || dkim_getsiglist(verification->handle, &signatures, &count) != DKIM_STAT_OK ||
	    i >= (size_t)count)
		return VERIFICATION_BROKEN;
	if (!verification->body_done)
		return VERIFICATION_OPEN;
	enum verification_status status = compare(verification, signatures[i], ed25519, public_key);
	return starved(verification, refusals) ? VERIFICATION_BROKEN : status;
}
