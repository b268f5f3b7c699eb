/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/probe_tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static bool problem(char problem_r[PROBE_TLS_PROBLEM_SIZE], const char *file, const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
	snprintf(problem_r, PROBE_TLS_PROBLEM_SIZE, "%.150s: %s%s%.60s", file, what, reason ? ": " : "",
	         reason ? reason : "");
	ERR_clear_error();
	return false;
}

/* The server wants a certificate; the one that there is, if any, was set before. */
static int requested(SSL *ssl, void *argument)
{
	struct tls_seen *seen = SSL_get_app_data(ssl);
	(void)argument;
	if (seen)
		seen->certificate_requested = true;
	return 1;
}

/* Go on whatever is wrong, and keep it: what is nearest to the root is the reason, as in Postfix. */
static int verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_seen *seen = ssl ? SSL_get_app_data(ssl) : NULL;
	int depth = X509_STORE_CTX_get_error_depth(store);
	int error = good ? X509_V_OK : X509_STORE_CTX_get_error(store);

	if (depth > PROBE_CHAIN_DEPTH)
		error = X509_V_ERR_CERT_CHAIN_TOO_LONG;
	if (error == X509_V_OK || !seen)
		return 1;
	for (int i = 0; i < seen->error_count; i++)
		if (seen->errors[i] == error)
			return 1;
	if (seen->error_count < (int)(sizeof seen->errors / sizeof seen->errors[0]))
		seen->errors[seen->error_count++] = error;
	if (seen->error_count == 1) {
		X509 *at = X509_STORE_CTX_get_current_cert(store);
		char *name = at ? X509_NAME_oneline(X509_get_subject_name(at), NULL, 0) : NULL;
		seen->first_error = error;
		seen->error_depth = depth;
		seen->culprit = arena_span(seen->arena, span_of(name));
		OPENSSL_free(name);
	}
	return 1;
}

static bool load(SSL_CTX *context, const struct tls_options *options, char problem_r[PROBE_TLS_PROBLEM_SIZE])
{
	const char *key = options->key ? options->key : options->cert;
	if (options->cafile && SSL_CTX_load_verify_file(context, options->cafile) != 1)
		return problem(problem_r, options->cafile, "no certificates of CAs can be read from it");
	if (!options->cafile && SSL_CTX_set_default_verify_paths(context) != 1)
		return problem(problem_r, "the system's CA store", "it cannot be used");
	if (options->cert && SSL_CTX_use_certificate_chain_file(context, options->cert) != 1)
		return problem(problem_r, options->cert, "no certificate can be read from it");
	if (key && SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return problem(problem_r, key, "no private key that belongs to the certificate can be read from it");
	return true;
}

/* A key in need of a passphrase must not make us ask for one. */
static int no_passphrase(char *to, int size, int writing, void *context)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)context;
	return 0;
}

SSL_CTX *tls_context(const struct tls_options *options, char problem_r[PROBE_TLS_PROBLEM_SIZE])
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	problem_r[0] = '\0';
	if (!context) {
		problem(problem_r, "OpenSSL", "it cannot be used");
		return NULL;
	}
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify);
	SSL_CTX_set_verify_depth(context, PROBE_CHAIN_DEPTH + 1);
	SSL_CTX_set_cert_cb(context, requested, NULL);
	if (SSL_CTX_set_cipher_list(context, "HIGH:MEDIUM:!aNULL:!eNULL") != 1 || !load(context, options, problem_r)) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

SSL *tls_new(SSL_CTX *context, int version, struct tls_seen *seen)
{
	SSL *ssl = SSL_new(context);
	if (!ssl)
		return NULL;
	SSL_set_app_data(ssl, seen);
	/* What TLS 1.0 and 1.1 are made of is below level 1. */
	SSL_set_security_level(ssl, version != 0 ? 0 : 1);
	if (SSL_set_min_proto_version(ssl, version != 0 ? version : TLS1_2_VERSION) == 1
	    && SSL_set_max_proto_version(ssl, version) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static struct span keep_name(struct arena *arena, const X509_NAME *name)
{
	char *text = X509_NAME_oneline(name, NULL, 0);
	struct span kept = arena_span(arena, span_of(text));
	OPENSSL_free(text);
	return kept;
}

static struct span keep_string(struct arena *arena, const ASN1_STRING *string)
{
	return arena_span(arena,
	                  span_make((const char *)ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)));
}

static long long seconds(const ASN1_TIME *time)
{
	struct tm parts;
	memset(&parts, 0, sizeof parts);
	return ASN1_TIME_to_tm(time, &parts) == 1 ? (long long)timegm(&parts) : 0;
}

static void read_names(X509 *certificate, struct tls_seen *seen)
{
	int at = X509_NAME_get_index_by_NID(X509_get_subject_name(certificate), NID_commonName, -1);
	if (at >= 0) {
		unsigned char *utf8 = NULL;
		X509_NAME_ENTRY *entry = X509_NAME_get_entry(X509_get_subject_name(certificate), at);
		int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
		if (length >= 0)
			seen->common_name = arena_span(seen->arena, span_make((const char *)utf8, (size_t)length));
		OPENSSL_free(utf8);
	}
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		if (seen->name_count == PROBE_NAMES_MAX)
			seen->more_names = true;
		else
			seen->names[seen->name_count++] = keep_string(seen->arena, name->d.dNSName);
	}
	GENERAL_NAMES_free(names);
}

/* Whether a signature is made with what collisions are known of. */
static bool is_weak(X509 *certificate)
{
	int digest = NID_undef;
	int key = NID_undef;
	if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, &key) != 1)
		return false;
	return digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1 || digest == NID_md4 || digest == NID_md2;
}

static bool signs_itself(X509 *certificate)
{
	return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

static void read_chain(SSL *ssl, struct tls_seen *seen)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	seen->sent = chain ? (size_t)sk_X509_num(chain) : 0;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);
		X509 *next = i + 1 < sk_X509_num(chain) ? sk_X509_value(chain, i + 1) : NULL;
		long long end = seconds(X509_get0_notAfter(certificate));
		if (i == 0 || end < seen->chain_not_after)
			seen->chain_not_after = end;
		if (is_weak(certificate) && !(i > 0 && signs_itself(certificate)))
			seen->weak_sent++;
		if (next && X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(next)) != 0)
			seen->disordered = true;
	}
}

static void read_key(X509 *certificate, struct tls_seen *seen)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	seen->key_type = "unknown";
	if (key) {
		int id = EVP_PKEY_get_base_id(key);
		const char *type = OBJ_nid2sn(id);
		seen->key_type = id == EVP_PKEY_RSA ? "RSA" : id == EVP_PKEY_EC ? "ECDSA" : type ? type : "unknown";
		seen->key_bits = EVP_PKEY_get_bits(key);
	}
	const char *signature = OBJ_nid2ln(X509_get_signature_nid(certificate));
	seen->signature = signature ? signature : "unknown";
}

/* The certificate that the chain ends with, of those that were sent: whose issuer is not known. */
static void read_missing(SSL *ssl, struct tls_seen *seen)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);
		char *name = X509_NAME_oneline(X509_get_subject_name(certificate), NULL, 0);
		bool same = name && span_equal(span_of(name), seen->culprit);
		OPENSSL_free(name);
		if (!same)
			continue;
		seen->missing = keep_name(seen->arena, X509_get_issuer_name(certificate));
		AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
		for (int j = 0; j < sk_ACCESS_DESCRIPTION_num(access); j++) {
			const ACCESS_DESCRIPTION *row = sk_ACCESS_DESCRIPTION_value(access, j);
			if (OBJ_obj2nid(row->method) == NID_ad_ca_issuers && row->location->type == GEN_URI
			    && span_absent(seen->fetch))
				seen->fetch = keep_string(seen->arena, row->location->d.uniformResourceIdentifier);
		}
		AUTHORITY_INFO_ACCESS_free(access);
		return;
	}
}

static enum relay_chain classify(const struct tls_seen *seen)
{
	if (seen->error_count == 0)
		return RELAY_CHAIN_GOOD;
	switch (seen->first_error) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return RELAY_CHAIN_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return RELAY_CHAIN_ROOT;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return RELAY_CHAIN_MISSING;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return RELAY_CHAIN_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return RELAY_CHAIN_NOT_YET;
	case X509_V_ERR_INVALID_PURPOSE:
		return RELAY_CHAIN_PURPOSE;
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return RELAY_CHAIN_LONG;
	default:
		return RELAY_CHAIN_OTHER;
	}
}

void tls_read(SSL *ssl, struct tls_seen *seen)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	seen->version = SSL_get_version(ssl);
	seen->cipher = SSL_get_cipher_name(ssl);
	seen->bits = SSL_get_cipher_bits(ssl, NULL);
	if (!certificate) {
		seen->chain = RELAY_CHAIN_ABSENT;
		seen->chain_error = "there is no certificate";
		return;
	}
	seen->subject = keep_name(seen->arena, X509_get_subject_name(certificate));
	seen->issuer = keep_name(seen->arena, X509_get_issuer_name(certificate));
	seen->not_before = seconds(X509_get0_notBefore(certificate));
	seen->not_after = seconds(X509_get0_notAfter(certificate));
	read_names(certificate, seen);
	read_key(certificate, seen);
	read_chain(ssl, seen);
	seen->chain = classify(seen);
	seen->chain_error = X509_verify_cert_error_string(seen->first_error);
	if (seen->chain == RELAY_CHAIN_MISSING || seen->chain == RELAY_CHAIN_ROOT)
		read_missing(ssl, seen);
}

bool tls_name_matches(const struct tls_seen *seen, struct span host)
{
	for (size_t i = 0; i < seen->name_count; i++)
		if (relay_name_matches(host, seen->names[i]))
			return true;
	return seen->name_count == 0 && relay_name_matches(host, seen->common_name);
}
