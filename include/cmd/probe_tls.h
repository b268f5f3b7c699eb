/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_tls: TLS as a mail client speaks it that wants to know everything: which versions and what certificate, whether its
 * chain ends in a trusted CA and why not.
 *
 * OpenSSL's security level is 1, as in Postfix, and 0 where one version is tried: what is weak is seen and told. One thread.
 */
#ifndef SFDC_CMD_PROBE_TLS_H
#define SFDC_CMD_PROBE_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "cmd/relay_verdict.h"
#include "core/arena.h"
#include "core/span.h"

#define PROBE_TLS_PROBLEM_SIZE 320
#define PROBE_NAMES_MAX 100 /* names of a certificate that are looked at */
#define PROBE_CHAIN_DEPTH 9 /* certificates above the server's that are looked at, as in Postfix */

struct tls_options {
	const char *cafile; /* NULL: the system's store */
	const char *cert;   /* client certificate with its chain, PEM; NULL: none */
	const char *key;    /* NULL: in the same file */
};

/* What is used for all connections; NULL: problem_r says why. Release with SSL_CTX_free(). */
SSL_CTX *tls_context(const struct tls_options *options, char problem_r[PROBE_TLS_PROBLEM_SIZE]);

/* What one handshake showed. Zeroed: nothing. Texts are raw, in the arena. */
struct tls_seen {
	struct arena *arena;
	bool certificate_requested;
	const char *version; /* "TLSv1.3"; static */
	const char *cipher;  /* static */
	int bits;
	enum relay_chain chain;
	const char *chain_error; /* OpenSSL's words for it; static */
	struct span culprit;     /* subject of the certificate at which the chain fails */
	struct span missing; /* RELAY_CHAIN_MISSING, RELAY_CHAIN_ROOT: its issuer; where to get it, if it says, is fetch */
	struct span fetch;   /* URL of the issuer's certificate (AIA) */
	size_t sent;         /* certificates that came */
	bool disordered;     /* one that is not issued by the next */
	struct span subject;
	struct span issuer;
	struct span common_name;
	size_t name_count;
	struct span names[PROBE_NAMES_MAX]; /* subjectAltName, DNS */
	bool more_names;
	long long not_before; /* seconds since 1970 */
	long long not_after;
	long long chain_not_after; /* the earliest of all that were sent */
	const char *key_type;      /* "RSA"; static */
	int key_bits;
	const char *signature; /* "sha256WithRSAEncryption"; static */
	int weak_sent;         /* certificates that were sent and are signed with MD5 or SHA-1, a root not counted */
	int errors[8];         /* of verification, as they came */
	int error_count;
	int error_depth;
	int first_error;
};

/* A connection's TLS, for smtp_handshake(): version 0 for TLS 1.2 and newer, or exactly TLS1_VERSION, ... NULL without memory. */
SSL *tls_new(SSL_CTX *context, int version, struct tls_seen *seen);

/* After the handshake: read what it showed. */
void tls_read(SSL *ssl, struct tls_seen *seen);

/* Whether one of the certificate's names is the host's: the DNS names, or the common name where there is none of them. */
bool tls_name_matches(const struct tls_seen *seen, struct span host);

#endif
