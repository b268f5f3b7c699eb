/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts: what was seen of one message and of the session that brought it.
 *
 * Facts are collected anew for every message, from zeroed memory: nothing is inherited from an earlier message of the
 * connection. The values that come from MTA macros are re-read at each MAIL command. Collecting never decides; what
 * cannot be parsed is kept as "malformed", which no check passes.
 *
 * All memory is in the message's arena; every span that is handed in is copied. One message belongs to one thread at
 * a time.
 */
#ifndef SFDC_CORE_FACTS_H
#define SFDC_CORE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/authres_claim.h"
#include "core/certname.h"
#include "core/checks.h"
#include "core/header.h"
#include "core/mailbox.h"
#include "core/vocabulary.h"
#include "core/network.h"
#include "core/orgid.h"
#include "core/verp.h"

struct org;
struct settings;

#define REMOVALS_MAX 200 /* header fields that are removed from one message; one with more is refused */

/*
 * The session as the MTA tells of it at MAIL. Absent spans: not told. The macros' names are those of the MTA's
 * documentation; client_resolve is Sendmail's and Postfix's {client_resolve} ("OK" or absent: client_name is verified).
 */
struct session_input {
	struct span mta_version; /* {v}: decides how certificate macros are read, see mta_from_version() */
	enum mta mta;            /* set: mta_version is not looked at */
	struct address client;
	struct span client_name;
	struct span client_resolve;
	struct span helo;
	struct span tls_version;
	struct span cipher;
	struct span cipher_bits;
	struct certificate_macros certificate;
	struct span auth_type;
	struct span auth_authen;
	struct span authserv_id; /* {j} */
	struct span queue_id;
	struct span mail_from; /* argument of MAIL, angle brackets included */
	bool incomplete;       /* something that was told is not known here: the message must be deferred */
};

/* Which MTA a {v} macro names: "Postfix ..." or a version such as "8.17.1"; MTA_UNKNOWN for anything else. */
enum mta mta_from_version(struct span version);

/* What X-SFDC-LK says. */
enum org_header { ORG_HEADER_ABSENT, ORG_HEADER_DUPLICATE, ORG_HEADER_MALFORMED, ORG_HEADER_OK };

/*
 * 2025-01-01, in seconds. A clock that stands before it is wrong: whatever depends on it is not known, and no reason to
 * refuse anything for ever.
 */
#define CLOCK_EARLIEST 1735689600LL

/* How a signature's d= relates to the From: domain, from the closest to none. */
enum relation { RELATION_NONE, RELATION_ORGANIZATION, RELATION_PARENT, RELATION_EQUAL };

/* One DKIM signature, as an adapter found it. */
struct signature {
	/*
	 * PASS only if signature, body hash and key are all good; PENDING while the key is awaited. With REASON_DKIM_CLOCK
	 * (TEMPERROR) or REASON_DKIM_FUTURE (FAIL) all that would be a PASS, but for its date.
	 */
	struct result outcome;
	const char *rfc8601; /* its result keyword */
	unsigned index;      /* 1 for the first DKIM-Signature field of the header, 2, ... */
	struct span domain;  /* d=, comparable form; absent when malformed */
	struct span selector;
	struct span b_prefix; /* first eight characters of b= */
	unsigned algorithm;   /* one of ALGORITHM_*, 0 = another */
	unsigned rsa_bits;    /* 0 for ed25519 */
	enum relation relation;
	long long timestamp;         /* t=, -1 = none */
	struct span signed_headers;  /* h=, as it stands */
	const struct set *key_chain; /* names the key was reached through */
	bool left;                   /* PENDING for good: nothing depends on it, so its key was not asked for */
};

/* Evidence that has to be fetched. Zeroed: not fetched yet. */
struct dkim_evidence {
	bool complete; /* signatures holds all that will ever be known */
	size_t count;
	struct signature *signatures;
};

struct outcome_evidence {
	bool complete;
	struct result outcome;
	const char *rfc8601; /* result keyword for Authentication-Results */
	struct span domain;  /* the domain that was judged */
	bool by_helo;        /* spf: the HELO name was judged */
	bool policy_none;    /* dmarc: p=none */
};

/* Whether the message stays within the limits of its organization. Zeroed: not counted yet. */
struct limit_evidence {
	bool complete;
	/* PASS; FAIL, whose detail is the limit and until when; or SKIP where nothing counts. */
	struct result outcome;
};

/* Whether one name of ip.spf vouches for the client. */
struct ip_spf {
	struct span name;
	bool complete;
	struct result outcome;
	struct ip_spf *next;
};

/* Results that are known from elsewhere: of those checks they stand, and the checks are not asked. */
struct recorded_results {
	check_bits checks;
	struct result results[CHECK_COUNT];
};

struct facts {
	struct arena *arena;
	domain_to_ascii to_ascii; /* may be NULL */
	enum stage stage;         /* the last stage that is complete */

	/* The session. */
	enum mta mta;
	struct address client;
	struct span client_text; /* the address as text; empty when it is not known */
	struct span client_name; /* as told */
	bool client_name_verified;
	struct span helo;
	struct span tls_version;
	struct span cipher;
	bool has_cipher_bits;
	unsigned cipher_bits;
	struct certificate certificate;
	struct span auth_type;
	struct span auth_authen;
	struct span authserv_id;

	/* The envelope. */
	struct span queue_id;
	struct span mail_from; /* as told */
	enum mailbox_status sender_status;
	struct mailbox sender;
	struct verp_author bounce_author; /* whom the sender names, if it is a bounce address of Salesforce's */
	unsigned recipients;
	struct span first_recipient;     /* as given to RCPT TO; absent where that is not told */
	bool some_recipient_leaves;      /* at least one recipient's mailer is not known to stay inside */
	const struct set *local_mailers; /* borrowed from the settings */

	/* The header; complete from STAGE_HEADER. */
	struct header header;
	struct span own_id; /* the name under which we speak: configured, or the MTA's own */
	struct authres_ids own_ids;
	unsigned claims; /* Authentication-Results that claim to be ours; no more is looked at past REMOVALS_MAX */
	unsigned claimed[REMOVALS_MAX];    /* their indexes */
	enum mailbox_status author_status; /* of the one From: field; MAILBOX_UNSET unless there is exactly one */
	struct mailbox author;
	enum mailbox_status
		header_sender_status; /* of the Sender: field, the first one; MAILBOX_UNSET where there is none */
	struct mailbox header_sender;
	struct span header_sender_text; /* as it stands, trimmed */
	enum org_header org_header;
	struct orgid org_id;  /* when ORG_HEADER_OK */
	struct span org_text; /* X-SFDC-LK as it stands, trimmed, of the first field */
	bool has_user;        /* exactly one X-SFDC-User, and it holds a user's ID: user_id */
	struct orgid user_id;
	struct span message_id;
	long long received; /* wall clock at end of header, seconds; see CLOCK_EARLIEST */

	/* The body. */
	size_t body_bytes;
	bool body_complete; /* body_bytes is the body's size; not when the rest was refused */
	bool body_nul;      /* a NUL byte in the body (raw files only; MTAs replace or refuse it) */

	/* Evidence. */
	struct dkim_evidence dkim;
	struct outcome_evidence spf;
	struct outcome_evidence dmarc;
	struct ip_spf *ip_spfs;
	struct limit_evidence limit;
	unsigned dns_queries;
	unsigned dns_ms;

	const struct recorded_results *recorded; /* for looking back, from a log; NULL: none */
	bool evidence_over;                      /* no more evidence will come: what is pending is a timeout */
	bool internal_error;                     /* something went wrong inside: the message must be deferred */
};

/* Whether a signature whose key is not known yet could still make org's dkim check pass (check_dkim.c). */
bool signature_hopeful(const struct facts *facts, const struct org *org, const struct signature *signature);

/* Start with the MAIL command. Afterwards facts->stage is STAGE_MAIL. */
void facts_begin(struct facts *facts, struct arena *arena, domain_to_ascii to_ascii, const struct settings *settings,
                 const struct session_input *input);

/*
 * One recipient that the MTA accepted so far. mailer is {rcpt_mailer}, absent when it was not told. It stays inside if
 * this is, to the letter, one of the mailers that both MTAs deliver by on the spot, or one of local_mailers; any other
 * name may be that of a way to the Internet, whatever it looks like.
 */
void facts_recipient(struct facts *facts, struct span path, struct span mailer);

/* Whether mail that is handed to this mailer counts as staying inside, as above. local_mailers may be NULL. */
bool facts_mailer_stays_inside(const struct set *local_mailers, struct span mailer);

/* The queue ID, as soon as it is known. */
void facts_queue_id(struct facts *facts, struct span queue_id);

/* One header field, raw. */
void facts_field(struct facts *facts, struct span name, struct span value, bool leading_space);

/* How many header fields are to be removed: as many as there are, however many are kept; past REMOVALS_MAX at least so many. */
unsigned facts_removals(const struct facts *facts);

/* The header is complete: parse what depends on all of it. now is the wall clock in seconds. */
void facts_header_end(struct facts *facts, long long now);

/* A piece of the body was seen. */
void facts_body(struct facts *facts, size_t bytes);

#endif
