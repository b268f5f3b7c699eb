/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checks: the table of checks, and the sheet of each.
 *
 * A check is a pure function from the facts of one message and the parameters of one organization to a result. It is one
 * file, check_NAME.c, which ends in its sheet; the table names the sheets. Judging, proof, review, log, reply, header
 * and explanation walk the table: nothing else knows a check by name, but where the design itself does (org chooses the
 * organization, the proof rests on some, dkim, spf and dmarc feed Authentication-Results).
 *
 * Until the header is in, the checks of the session are asked with the union of all organizations' parameters, so each
 * must be monotone in them: wider parameters never give a worse result.
 */
#ifndef SFDC_CORE_CHECKS_H
#define SFDC_CORE_CHECKS_H

#include <stdbool.h>

#include "core/vocabulary.h"
#include "core/reason.h"
#include "core/span.h"

struct facts;
struct org;

/* X(enumerator, sheet) in the order of the log line */
#define CHECKS(X)                                                                                                      \
	X(CHECK_TLS, check_tls)                                                                                            \
	X(CHECK_CERT, check_cert)                                                                                          \
	X(CHECK_MESSAGE, check_message)                                                                                    \
	X(CHECK_ORG, check_org)                                                                                            \
	X(CHECK_FROM, check_from)                                                                                          \
	X(CHECK_ENVELOPE, check_envelope)                                                                                  \
	X(CHECK_VERP, check_verp)                                                                                          \
	X(CHECK_DKIM, check_dkim)                                                                                          \
	X(CHECK_AUTH, check_auth)                                                                                          \
	X(CHECK_IP, check_ip)                                                                                              \
	X(CHECK_SPF, check_spf)                                                                                            \
	X(CHECK_DMARC, check_dmarc)                                                                                        \
	X(CHECK_LIMIT, check_limit)

enum check_id {
#define X(enumerator, sheet) enumerator,
	CHECKS(X)
#undef X
		CHECK_COUNT
};

/* A set of checks. */
typedef unsigned check_bits;
#define CHECK_BIT(check) (1U << (check))

/* One result. detail is what was seen, for people: a value the sender may have written, to be escaped where shown. */
struct result {
	enum result_code code;
	enum reason reason;
	struct span detail;
};

/* What has to be fetched or computed outside the facts of session and header, as bits. */
#define EVIDENCE_SIGNATURES 1U /* DKIM signatures, which need the body */
#define EVIDENCE_SPF 2U        /* SPF of the envelope sender */
#define EVIDENCE_IP_SPF 4U     /* the names of ip.spf */
#define EVIDENCE_DMARC 8U      /* the DMARC record of the author's domain */
#define EVIDENCE_LIMIT 16U     /* how much the organization has sent; counted last and once, see judge.h */

/* What a pass shows of who sent the message. */
enum proves {
	PROVES_NOTHING, /* anybody can write what it looks at, or it speaks of something else */
	PROVES_CLIENT,  /* who the client is: no message brings that along */
	PROVES_SIGNER   /* who signed the message, which whoever has it can send again */
};

/* What the mail server has to be set up for, or the check never passes. */
enum mta_offer { MTA_OFFERS_NOTHING, MTA_OFFERS_TLS, MTA_OFFERS_CERTIFICATE, MTA_OFFERS_AUTH };

/* What would have to change for a check to pass, and where: in Salesforce, the DNS, main.cf, the policy, the message. */
struct remedy {
	const char *where;
	const char *what;
};
#define REMEDIES_MAX 5

/* The sheet of a check. facts and org are never NULL. Static and immutable. */
struct check {
	const char *name;    /* in sentences, the log and everywhere else */
	const char *log_key; /* of its result */
	enum stage known_at; /* from which its facts are complete; before, its result is pending without asking it */
	unsigned evidence;   /* EVIDENCE_* */
	enum proves proves;
	enum mta_offer offer;
	struct result (*judge)(const struct facts *facts, const struct org *org);
	bool (*skippable)(const struct org *org); /* whether it can come to skip, and so proves nothing; NULL: never */
	/* The options that are empty, for which it can never pass; NULL: it can. A NULL function: it always can. */
	const char *(*hopeless)(const struct org *org);
	bool (*undecidable)(const struct org *org); /* whether the DNS can leave it open; NULL: where it has evidence */
	const char *(*rests_on)(
		const struct org *org);           /* what its pass is worth beside the policy, in lines; NULL: itself */
	bool asks_domains;                    /* compares with the organization's domains */
	bool detail_told;                     /* the detail of what is not a pass is ours alone, and stands in the reply */
	struct remedy remedies[REMEDIES_MAX]; /* up to one whose where is NULL */
	const char *passes;                   /* what its pass says, for people */
	const char *asks;                     /* what it asks for, for a sender of whom nothing was seen */
};

/* Both in a sheet. */
#define CHECK_NAME(text) .name = text, .log_key = "r_" text

#define X(enumerator, sheet) extern const struct check sheet;
CHECKS(X)
#undef X

/* The sheet of a check. Never NULL. */
const struct check *check_at(enum check_id id);

const char *check_name(enum check_id id);
bool check_by_name(struct span name, enum check_id *id_r);

/* Those that can come to skip, can never pass, can be left open by the DNS; and that compare with domains. */
check_bits checks_skippable(const struct org *org);
check_bits checks_hopeless(const struct org *org);
check_bits checks_undecidable(const struct org *org);
check_bits checks_asking_domains(void);

/* Those whose pass shows that, that rest on that offer, and that need some of that evidence. */
check_bits checks_proving(enum proves proves);
check_bits checks_offered(enum mta_offer offer);
check_bits checks_needing(unsigned evidence);

/* EVIDENCE_*, all that the checks need. */
unsigned checks_evidence(check_bits checks);

static inline struct result result_make(enum result_code code, enum reason reason, struct span detail)
{
	struct result result = { code, reason, detail };
	return result;
}

#endif
