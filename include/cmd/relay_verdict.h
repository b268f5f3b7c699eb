/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relay_verdict: from what was seen of a relay to what becomes of mail under each of Salesforce's TLS settings.
 *
 * The rules are those of a mail client that does what each setting says, and are compared with Postfix's client: Off is its
 * level none, Preferred may, Required encrypt, Required Verify verify with the host's name, TLS 1.2 at least. Salesforce
 * documents Preferred Verify in two ways, so there are two of it: the connection ends where the certificate cannot be
 * verified (object reference of EmailRelay), or the mail goes on in clear (help page). Pure, thread-safe.
 */
#ifndef SFDC_CMD_RELAY_VERDICT_H
#define SFDC_CMD_RELAY_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/salesforce_words.h"
#include "core/span.h"

/* X(enumerator, name for programs, name as Salesforce has it) */
#define RELAY_SETTINGS_LIST(X)                                                                                         \
	X(RELAY_OFF, "off", "Off")                                                                                         \
	X(RELAY_PREFERRED, "preferred", "Preferred")                                                                       \
	X(RELAY_PREFERRED_VERIFY_ENDS, "preferred_verify_ends", "Preferred Verify, if it disconnects")                     \
	X(RELAY_PREFERRED_VERIFY_CLEAR, "preferred_verify_clear", "Preferred Verify, if it goes on in clear")              \
	X(RELAY_REQUIRED, "required", "Required")                                                                          \
	X(RELAY_REQUIRED_VERIFY, "required_verify", "Required Verify")

enum relay_setting {
#define X(enumerator, name, title) enumerator,
	RELAY_SETTINGS_LIST(X)
#undef X
		RELAY_SETTINGS
};

const char *relay_setting_name(enum relay_setting setting);
const char *relay_setting_title(enum relay_setting setting);

/* The steps of a session with TLS. */
enum relay_step {
	RELAY_CONNECT,
	RELAY_BANNER,
	RELAY_EHLO,
	RELAY_STARTTLS,
	RELAY_HANDSHAKE,
	RELAY_TLS_EHLO,
	RELAY_DONE
};

/* Why a step failed. */
enum relay_failure {
	RELAY_WORKED,
	RELAY_TIMEOUT, /* no answer in time */
	RELAY_CLOSED,  /* the connection ended */
	RELAY_REFUSED, /* connect: nobody listens; otherwise a reply that is no 2yz */
	RELAY_GARBAGE, /* an answer that is none */
	RELAY_TLS      /* the handshake failed */
};

/* Of a certificate's chain, the worst first. */
enum relay_chain {
	RELAY_CHAIN_GOOD,
	RELAY_CHAIN_ABSENT,      /* no certificate */
	RELAY_CHAIN_SELF_SIGNED, /* the server's certificate signs itself */
	RELAY_CHAIN_ROOT,        /* it ends in a root that is not trusted here */
	RELAY_CHAIN_MISSING,     /* it ends below a certificate that was not sent and is not known here */
	RELAY_CHAIN_EXPIRED,
	RELAY_CHAIN_NOT_YET,
	RELAY_CHAIN_PURPOSE, /* not for servers */
	RELAY_CHAIN_LONG,
	RELAY_CHAIN_OTHER /* a signature that is wrong, a CA that may be none, ... */
};

struct relay_seen {
	enum relay_step step; /* at which the session with TLS stopped; RELAY_DONE: at none */
	enum relay_failure failure;
	bool starttls_offered;
	bool mail_wants_tls; /* MAIL in clear is refused for want of TLS */
	enum relay_chain chain;
	bool name_matches;
};

struct relay_outcome {
	bool delivers;  /* as far as this can be told without a message */
	bool encrypted; /* when it delivers */
	bool verified;
	enum words words; /* what the Email Log has when it does not; WORDS_NONE: the relay's own reply */
	bool fallback;    /* delivers in clear although the relay offers STARTTLS, since TLS failed */
};

struct relay_outcome relay_judge(const struct relay_seen *seen, enum relay_setting setting);

/*
 * Whether a name of a certificate is that of host (RFC 6125 6.4): equal without case, or "*." and what follows host's first
 * label, if that has more than one label itself. A "*" anywhere else is no wildcard. A trailing dot of host does not count.
 */
bool relay_name_matches(struct span host, struct span name);

/* Whether Salesforce can be told this port. */
bool relay_port_allowed(unsigned port);

#define RELAY_PORTS 4
extern const unsigned relay_ports[RELAY_PORTS];

#endif
