/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_predict: what a receiver behind the relay will see of mail that Salesforce sends through it: SPF, DKIM and DMARC,
 * with bounce management on and off, with and without a footer that the relay adds.
 *
 * SPF and DMARC are what core/spf.h and core/dmarc.h make of the answers of the DNS; nothing is reckoned a second time here.
 * What is not known (the relay's address, whether Salesforce signs) stays unknown: DMARC is then evaluated for all that it
 * may be, and is known where that changes nothing. Looks nothing up but by the function that is handed in. Not thread-safe.
 */
#ifndef SFDC_CMD_DOMAIN_PREDICT_H
#define SFDC_CMD_DOMAIN_PREDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/answer.h"
#include "core/arena.h"
#include "core/dmarc.h"
#include "core/spf.h"

/* How questions are answered. Never NULL, never ANSWER_PENDING; an answer stays valid as long as context. */
struct domain_dns {
	void *context;
	const struct answer *(*ask)(void *context, const struct question *question);
};

/* The SPF check of one sender; outcome_r may be NULL. SPF_TEMPERROR without memory. */
enum spf_result domain_spf(const struct domain_dns *dns, struct arena *arena, const struct spf_input *input,
                           struct spf_outcome *outcome_r);

/* Whether the sender's local-part or the HELO name is part of what is looked up, so that another sender may fare otherwise. */
bool domain_spf_by_sender(const struct domain_dns *dns, struct arena *arena, const struct spf_input *input);

/*
 * As domain_spf(), for a client of Salesforce's whose address is not known: _spf.salesforce.com is taken to be the record
 * that is documented, and to list the client, which is one that no other record lists unless it lists all.
 */
enum spf_result domain_spf_salesforce(const struct domain_dns *dns, struct arena *arena, struct span domain,
                                      struct spf_outcome *outcome_r);

/* The client of domain_spf_salesforce(), of a network that nobody has (RFC 1112 4). */
extern const struct address domain_nobody;

/* A DKIM signature as a receiver finds it. */
enum signature_state {
	SIGNATURE_UNKNOWN, /* no selector is known, or those that are known differ */
	SIGNATURE_NONE,    /* there is none */
	SIGNATURE_PASS,
	SIGNATURE_FAIL,     /* the key does not fit, or the message was changed */
	SIGNATURE_TEMPERROR /* the key cannot be had */
};

/* "not known", "none", "pass", "fail", "temperror" */
const char *signature_name(enum signature_state signature);

/* What a message is to be authenticated by. Domains may be absent where the state is none or unknown. */
struct authentication {
	enum spf_result spf;
	struct span sender; /* the domain that it is about */
	enum signature_state dkim;
	struct span signer; /* d= */
	enum signature_state relay_dkim;
	struct span relay_signer;
};

/* The DMARC result of that. What is unknown is none. */
enum dmarc_result domain_dmarc(const struct domain_dns *dns, struct arena *arena, struct span author,
                               const struct authentication *authentication, struct dmarc_outcome *outcome_r);

/* One sending domain and one relay. Domains are comparable (core/domain.h). */
struct mail_path {
	struct span author;             /* of From: */
	struct span sender;             /* of the envelope, bounce management off */
	struct span bounce;             /* of the envelope, bounce management on */
	bool bounce_rewritten;          /* bounce is what the relay makes of Salesforce's bounce addresses */
	bool bounce_assumed;            /* bounce is an example: that it has no SPF record says nothing of the real ones */
	struct address relay;           /* from which the relay connects; ADDRESS_NONE: not known */
	enum signature_state signature; /* as it leaves Salesforce */
	struct span signer;             /* its d= */
	/* What the relay adds when all else is done, as the author's domain; SIGNATURE_NONE where it does not sign. */
	enum signature_state relay_signature;
};

/* What changes the outcome for the better. */
#define REMEDY_SPF 1U       /* the sender's SPF vouches for the relay */
#define REMEDY_SIGN 2U      /* Salesforce signs, with a key that is published */
#define REMEDY_UNTOUCHED 4U /* no footer, or one before a signature of the relay's */
#define REMEDY_OFF 8U       /* bounce management is off, and the sender's SPF vouches for the relay */

struct prediction {
	bool bounce_management;
	bool footer;
	struct span sender;
	enum spf_result spf; /* SPF_PENDING: not known */
	bool spf_aligned;    /* the sender's domain with the author's, whatever spf is */
	enum signature_state dkim;
	bool dkim_aligned;               /* likewise, the signer's */
	enum signature_state relay_dkim; /* the relay's own */
	enum dmarc_result dmarc;         /* the worst that it may be */
	enum dmarc_result dmarc_best;    /* the best */
	enum dmarc_policy requested;     /* what the domain asks receivers to do with DMARC_FAIL */
	unsigned remedies; /* each of which alone makes it DMARC_PASS; 0 where it is already, or where none does */
};

#define PREDICTIONS 4

/* In the order off, off with footer, on, on with footer. */
void domain_predict(const struct domain_dns *dns, struct arena *arena, const struct mail_path *path,
                    struct prediction predictions_r[PREDICTIONS]);

#define PREDICTIONS_AT_RELAY 2

/*
 * What the relay itself sees, of a client of Salesforce's (domain_spf_salesforce()) and before anything is changed: bounce
 * management off, where the author's domain is the sender's, and on. There are no remedies.
 */
void domain_predict_at_relay(const struct domain_dns *dns, struct arena *arena, const struct mail_path *path,
                             struct prediction predictions_r[PREDICTIONS_AT_RELAY]);

/* Whether a receiver sees the same, so that both can be told at once. */
bool predictions_equal(const struct prediction a[PREDICTIONS], const struct prediction b[PREDICTIONS]);

#endif
