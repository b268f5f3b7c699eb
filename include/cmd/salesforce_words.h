/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * salesforce_words: what an admin reads in Salesforce's Email Log, and what it means.
 *
 * One table for all that explains such lines: sfdc-relayctl explain finds the row of a text, check-relay tells the line that
 * a failure will leave. The lines marked [internal] are those of Salesforce's own mail server, word for word; the others are
 * replies of a relay that Salesforce passes on. Replies of this milter are not in it: they are made from the reason table
 * (core/reason.h), and so are their explanations.
 * Sources: Salesforce Knowledge 000388924; Momentum, "Message Responses". Pure.
 */
#ifndef SFDC_CMD_SALESFORCE_WORDS_H
#define SFDC_CMD_SALESFORCE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/reason.h"
#include "core/span.h"

enum words {
	WORDS_NONE,
	WORDS_CHAIN,
	WORDS_CHAIN_CA,
	WORDS_NAME,
	WORDS_NAME_SUBJECT,
	WORDS_EXPIRED,
	WORDS_NOT_YET,
	WORDS_STARTTLS_ABSENT,
	WORDS_STARTTLS_UNSENT,
	WORDS_STARTTLS_REFUSED,
	WORDS_HANDSHAKE,
	WORDS_TLS_MEMORY,
	WORDS_NULL_MX,
	WORDS_NO_ADDRESS,
	WORDS_LOOKUP_FAILED,
	WORDS_NO_DOMAIN,
	WORDS_PRIVATE,
	WORDS_UNREACHABLE,
	WORDS_NO_HOSTS,
	WORDS_MX_UNREACHABLE,
	WORDS_CONNECT_TIMEOUT,
	WORDS_NO_BANNER,
	WORDS_NO_EHLO,
	WORDS_EHLO_UNSENT,
	WORDS_NO_MAIL,
	WORDS_NO_RCPT,
	WORDS_NO_DATA,
	WORDS_NO_BODY,
	WORDS_CLOSED,
	WORDS_TOO_OLD,
	WORDS_TOO_OFTEN,
	WORDS_NOT_TRIED,
	WORDS_PURGED,
	WORDS_POLICY,
	WORDS_BODY_MISSING,
	WORDS_TLS_WANTED,
	WORDS_AUTH_WANTED,
	WORDS_AUTH_FAILED,
	WORDS_AUTH_TROUBLE,
	WORDS_AUTH_MECHANISM,
	WORDS_RELAY_DENIED,
	WORDS_CLIENT_REFUSED,
	WORDS_SENDER_REFUSED,
	WORDS_RECIPIENT_REFUSED,
	WORDS_SIZE,
	WORDS_SIZE_NOW,
	WORDS_SPACE,
	WORDS_MILTER_DOWN,
	WORDS_GREYLISTED,
	WORDS_BUSY,
	WORDS_RATE,
	WORDS_TLS_TROUBLE,
	WORDS_BARE_LINE_END,
	WORDS_COUNT
};

/* Who says it. */
enum words_source { WORDS_OF_SALESFORCE, WORDS_OF_RELAY };

struct words_row {
	enum words_source source;
	const char *code;    /* "451 4.7.5" */
	const char *text;    /* as it is logged; alternatives are separated by '|', the usual one first */
	const char *meaning; /* a sentence without full stop, as the two below */
	const char *look;    /* where to look, what to do */
	const char *command; /* which of our tools shows it; NULL: none */
};

/* The row. Static, never NULL; for WORDS_NONE all texts are empty. */
const struct words_row *words_row(enum words words);

/* The whole line: code and the usual text. Returns line_r. */
#define WORDS_LINE_SIZE 160
const char *words_line(enum words words, char line_r[WORDS_LINE_SIZE]);

/*
 * Undo what mail programs, browsers and spreadsheets do to a long line: line breaks and other white space become one space,
 * and nothing behind a hyphen or the "=" of quoted-printable. Writes line.length bytes at most; returns their number.
 */
size_t words_unfold(struct span line, char *to);

/*
 * The row whose text stands in a line, without regard to case; of several the one that is longest. In a line that was cut,
 * the row whose text the end of the line begins, if that is only one. WORDS_NONE: none.
 */
enum words words_find(struct span line);

/*
 * The reason codes of this milter, without regard to case, that stand before the first colon of a reply
 * ("550 5.7.1 cert-absent,ip-unlisted: ..."); in a line that lost them, those whose sentence stands in it.
 */
#define WORDS_REASONS_MAX 4
size_t words_reasons(struct span line, enum reason reasons_r[WORDS_REASONS_MAX]);

/* The identifier of the session, "(id SID)", in a reply of this milter; absent when there is none. Any bytes. */
struct span words_session(struct span line);

/* The first SMTP reply code 4yz or 5yz of the line that stands alone: 451, 550, ...; 0 if there is none. */
unsigned words_code(struct span line);

/* The first enhanced status code (RFC 3463), "4.7.5"; absent if there is none. */
struct span words_enhanced(struct span line);

/* What an enhanced status code says by itself (RFC 3463, RFC 7372), whatever its class; NULL: it says nothing more. */
const char *words_status(struct span enhanced);

#endif
