/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store: the address of a store that counts for a whole fleet (limits.store).
 *
 *     redis://[USER:PASSWORD@]HOST[:PORT][/DB]     Redis 6 or later, or Valkey
 *     rediss://...                                 the same with TLS
 *     unix:PATH                                    on a socket of this machine
 *
 * USER and PASSWORD may hold any byte but NUL, written %XX where it has a meaning in the address (RFC 3986 2.1); without
 * USER the default user is meant. HOST is a name, an IPv4 address or an IPv6 address in brackets. Pure and thread-safe.
 */
#ifndef SFDC_CONFIG_STORE_H
#define SFDC_CONFIG_STORE_H

#include <stdbool.h>

#include "config/options.h"
#include "core/span.h"

#define STORE_HOST_MAX 253
#define STORE_PATH_MAX 107 /* sun_path of the systems we know holds 108 bytes */
#define STORE_USER_MAX 128
#define STORE_PASSWORD_MAX 512
#define STORE_PORT 6379
#define STORE_DB_MAX 65535

struct store_address {
	bool tls;
	char path[STORE_PATH_MAX + 1]; /* "": by host and port */
	char host[STORE_HOST_MAX + 1]; /* an IPv6 address without its brackets */
	unsigned port;
	unsigned db;
	char user[STORE_USER_MAX + 1];         /* "": the default user */
	char password[STORE_PASSWORD_MAX + 1]; /* "": none; never to be shown */
};

/*
 * Read an address. False: problem_r holds the rest of a sentence that begins with what was read, as in option_check, and
 * nothing of the address itself, which may hold a password.
 */
bool store_parse(struct span text, struct store_address *address_r, char problem_r[OPTION_PROBLEM_SIZE]);

/* Overwrite the password. */
void store_forget(struct store_address *address);

/* The address as it may be shown, "redis://USER:***@HOST"; "" for "". Whatever stands where a password may is left out. */
#define STORE_TEXT_SIZE 640
void store_text(struct span text, char text_r[STORE_TEXT_SIZE]);

#endif
