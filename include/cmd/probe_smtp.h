/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_smtp: one connection to a mail server that may be broken or hostile, as a client that gives nothing away.
 *
 * Every step has an end in time, however slowly the bytes come, and no answer takes more memory than struct smtp_reply. A
 * link that failed stays failed: later commands fail at once. One thread; SIGPIPE must be ignored.
 */
#ifndef SFDC_CMD_PROBE_SMTP_H
#define SFDC_CMD_PROBE_SMTP_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "cmd/relay_verdict.h"
#include "core/network.h"

#define SMTP_TEXT_MAX 8000                     /* bytes of a reply that are kept */
#define SMTP_LINE_KEPT 600                     /* of each line */
#define SMTP_REPLY_BYTES_MAX ((size_t)4 << 20) /* bytes of a reply that are read */

struct smtp_reply {
	unsigned code;  /* 200 to 599; 0: none */
	size_t bytes;   /* that came for it */
	size_t longest; /* line, without CRLF */
	size_t length;
	char text[SMTP_TEXT_MAX + 1];  /* lines without code, each ended by "\n" */
	char last[SMTP_LINE_KEPT + 1]; /* the last line as it came, code included */
};

/* How long a probe may take. */
struct probe_clock {
	long long end_ms; /* of everything, by resolver_now_ms() */
	unsigned step_ms; /* of each step */
};

struct smtp_link {
	int fd; /* -1: not connected */
	SSL *ssl;
	struct probe_clock clock;
	enum relay_failure failure;
	struct address local; /* the address it was made from */
	char problem[160];    /* of the system or of TLS, in words; may be empty */
	bool helo_only;       /* EHLO was refused and HELO tried */
	size_t at;
	size_t end;
	char in[4096];
};

/* The end of a step that begins now. */
long long probe_step_end(const struct probe_clock *clock);

/* Connect. False: link->failure is RELAY_TIMEOUT or RELAY_REFUSED. smtp_close() is needed in either case. */
bool smtp_open(struct smtp_link *link, const struct address *address, unsigned port, const struct probe_clock *clock);

/* Read one reply, of however many lines. False: link->failure says why; *reply_r holds what came. */
bool smtp_read(struct smtp_link *link, struct smtp_reply *reply_r);

/* Send a line and read the reply. */
bool smtp_command(struct smtp_link *link, struct smtp_reply *reply_r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Take up TLS on the connection: the handshake with ssl, which belongs to the link from then on. False: failure is RELAY_TLS, or as above. */
bool smtp_handshake(struct smtp_link *link, SSL *ssl);

/*
 * EHLO, and HELO if that is refused. True: the reply is 2yz. False: failure says why; RELAY_REFUSED with the reply.
 */
bool smtp_greet(struct smtp_link *link, struct smtp_reply *reply_r, const char *helo);

/* QUIT without waiting, and close. Harmless on a link that failed. */
void smtp_close(struct smtp_link *link);

/* The parameters of an extension in an EHLO reply ("SIZE" -> "10240000"); absent: not offered; empty: it has none. */
struct span smtp_extension(const struct smtp_reply *reply, const char *keyword);

#endif
