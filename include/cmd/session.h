/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session: what is told of the SMTP session of a message file, by flags or by a JSON object, as an MTA's macros would
 * tell it.
 *
 * A value that is not told is absent; an empty one is an empty macro. Copies everything it is given.
 */
#ifndef SFDC_CMD_SESSION_H
#define SFDC_CMD_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/facts.h"
#include "core/span.h"

/* The single values; the recipients are a list beside them. */
enum session_key {
	SESSION_MTA,
	SESSION_CLIENT_IP,
	SESSION_CLIENT_NAME,
	SESSION_HELO,
	SESSION_TLS_VERSION,
	SESSION_CIPHER,
	SESSION_CIPHER_BITS,
	SESSION_CERT_SUBJECT,
	SESSION_CN_SUBJECT,
	SESSION_CERT_ISSUER,
	SESSION_CERT_VERIFY,
	SESSION_AUTH_TYPE,
	SESSION_AUTH_AUTHEN,
	SESSION_MAIL_FROM,
	SESSION_QUEUE_ID,
	SESSION_KEYS
};

#define SESSION_RECIPIENTS_MAX 1000
#define SESSION_PROBLEM_SIZE 256

struct session {
	struct arena arena;
	struct span values[SESSION_KEYS];
	size_t recipients;
	struct span mailers[SESSION_RECIPIENTS_MAX]; /* {rcpt_mailer} of each; absent: not told */
};

/* *session is large: keep it off the stacks of threads. */
void session_init(struct session *session);
void session_clear(struct session *session);

/* "client_ip". */
const char *session_key_name(enum session_key key);
bool session_key_by_name(struct span name, enum session_key *key_r);

/*
 * Set a value. A TLS version may be given in digits, as in 1.3. False, with problem_r saying why in a sentence that begins
 * with the value: the MTA is none we know, cipher_bits is no number; or no memory. A client_ip that is no address and a
 * tls_version that is none are taken: they are not known.
 */
bool session_set(struct session *session, enum session_key key, struct span value,
                 char problem_r[SESSION_PROBLEM_SIZE]);

/* The mailer in "ADDRESS=MAILER": what stands behind the last "=" of the domain; absent where there is none. */
struct span session_mailer(struct span told);

/* Add a recipient; the milter looks at its mailer only. False when there are too many, or without memory. */
bool session_recipient(struct session *session, struct span mailer);

/*
 * Read one JSON object; name stands for its file in problem_r. Unknown keys, keys given twice and wrong types are
 * errors, told in one line, what comes from the file in printable ASCII. Every key is optional; "rcpt" is an array of
 * strings, as session_mailer() takes them, "cipher_bits" a number or a string of digits.
 */
bool session_read(struct session *session, const char *name, struct span json, char problem_r[SESSION_PROBLEM_SIZE]);

/* Take over what other tells; it wins. False without memory. */
bool session_override(struct session *session, const struct session *other);

/* The facts of the session, as borrowed spans. The MTA is Postfix unless told otherwise; MAIL "" is "<>". */
void session_input(const struct session *session, struct session_input *input_r);

#endif
