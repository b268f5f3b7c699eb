/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_findings: what is to be told of a sending domain: its name, SPF, DKIM keys, DMARC, and what a receiver behind the
 * relay sees of its mail. One thread.
 */
#ifndef SFDC_CMD_DOMAIN_FINDINGS_H
#define SFDC_CMD_DOMAIN_FINDINGS_H

#include "cmd/domain_look_up.h"
#include "cmd/domain_predict.h"
#include "cmd/preflight.h"

#define DOMAIN_RELAYS_MAX 16
#define DOMAIN_SELECTORS_MAX 16

/* What the admin said of a habit: of Salesforce's or the relay's. */
enum habit { HABIT_EITHER, HABIT_NO, HABIT_YES };

struct domain_relay {
	struct address address; /* ADDRESS_NONE: none was given */
	enum spf_result spf;    /* of the sender's domain */
	struct prediction predictions[PREDICTIONS];
};

struct domain_report {
	struct preflight *preflight;
	struct look_ups *look_ups;
	struct arena *arena;

	/* What is asked for. */
	struct span domain; /* of From: */
	struct span sender; /* of the envelope, bounce management off */
	struct span bounce; /* of the envelope, bounce management on */
	bool bounce_assumed;
	bool bounce_rewritten;      /* it is none of Salesforce's: the relay rewrites bounce addresses */
	struct span signer;         /* d= of Salesforce's signatures */
	bool unsigned_mail;         /* Salesforce does not sign */
	struct span relay_selector; /* absent: the relay does not sign */
	bool spf_wanted;            /* the policy asks for SPF at the relay */
	enum habit bounce_management;
	enum habit footer;
	size_t selector_count;
	struct span selectors[DOMAIN_SELECTORS_MAX];
	size_t relay_count; /* at least one, which may be ADDRESS_NONE */
	struct domain_relay relays[DOMAIN_RELAYS_MAX];

	/* What was found. */
	bool exists;
	bool undecided;                 /* something could not be looked up */
	enum signature_state signature; /* as mail leaves Salesforce */
	enum signature_state relay_signature;
	enum dmarc_result dmarc;  /* DMARC_NONE: there is no record */
	enum dmarc_policy policy; /* of the record, t= left out */
	enum dmarc_policy requested;
	struct prediction at_relay[PREDICTIONS_AT_RELAY];
};

/* Bytes of others in findings: made printable, and cut. */
struct shown {
	char text[1100];
};
const char *domain_show(struct shown *shown, struct span text);

/* A TXT record as it stands in a zone file, for preflight_record(); NULL when text is not printable ASCII. In arena. */
const char *domain_txt_record(struct arena *arena, struct span name, struct span text);

/* Where the key of a selector stands. In arena. */
struct span domain_key_name(struct arena *arena, struct span selector, struct span signer);

/* That a look-up failed: told once for each id. */
void domain_tell_failure(struct domain_report *report, const char *id, struct span name);

/* The parts, in this order. Findings are added under the title of each, see preflight_about(). */
void domain_tell_name(struct domain_report *report);  /* existence, MX, wildcards */
void domain_tell_spf(struct domain_report *report);   /* fills in relays[].spf */
void domain_tell_dkim(struct domain_report *report);  /* fills in signature */
void domain_tell_dmarc(struct domain_report *report); /* fills in dmarc, policy, requested */
void domain_tell_paths(struct domain_report *report); /* fills in predictions, at_relay */

#define DOMAIN_ABOUT_NAME "Domain"
#define DOMAIN_ABOUT_SPF "SPF"
#define DOMAIN_ABOUT_DKIM "DKIM"
#define DOMAIN_ABOUT_DMARC "DMARC"
#define DOMAIN_ABOUT_PATHS "Behind the relay"

#endif
