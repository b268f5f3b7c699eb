/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge: from facts to a verdict. The heart; pure.
 *
 * The organization is the one that exactly one well-formed X-SFDC-LK names; anything else is refused with its org-*
 * reason. The message is judged in the strictest mode of the organization it names and of all that own its From: domain;
 * if it names none that is served, or its author cannot be read, in the strictest of all. See the manual's section POLICY.
 *
 *   reject_unless cannot hold any more      -> reject, at whatever stage
 *   defer_unless broken, or open to the end -> tempfail, once reject_unless holds or no more evidence can come
 *   reject_unless or quarantine_unless open -> as `undecided` says (tempfail), once no more evidence can come
 *   quarantine_unless broken                -> quarantine
 *   otherwise                               -> accept, at the end of the message
 *
 * How much an organization sends is counted last and once: `limit` is taken to pass until everything else leads to accept or
 * quarantine at the end of the message; only then it is wanted, whatever the mode, and what it comes to is judged. A message
 * that would not pass anyway is not counted.
 *
 * A message from which more than REMOVALS_MAX header fields would have to be removed is refused whatever mode, scope,
 * verdict or exemption say, as soon as it is known what it `would` have come to.
 *
 * In defer mode a rejection is a tempfail. In monitor mode the same is computed as what it `would` do, nothing is decided early, and the message is accepted
 * unless monitor_floor says otherwise.
 */
#ifndef SFDC_CORE_JUDGE_H
#define SFDC_CORE_JUDGE_H

#include <stdbool.h>

#include "core/checks.h"
#include "core/facts.h"
#include "core/sentence.h"
#include "core/settings.h"

struct judgement {
	enum verdict verdict; /* what is done; VERDICT_UNDECIDED while nothing is decided */
	enum verdict would;   /* what enforcing does or would do; VERDICT_UNDECIDED likewise */
	enum mode mode;       /* effective */
	const struct org
		*mode_by;          /* whose mode that is; NULL: the strictest of all, of a message that names nobody for sure */
	const struct org *org; /* NULL: none that is served */
	struct result results[CHECK_COUNT];
	struct check_list why;         /* the responsible checks of what decided; empty for an accept */
	const struct sentence *broken; /* the sentence that can hold no more, and that decided; NULL: none did */
	enum reason reason;            /* the first of them; or why the message is exempt, out of scope or deferred */
	struct check_list warn;        /* the responsible checks of a broken warn_unless */
	check_bits wanted;             /* pending checks whose evidence can still change the outcome */
	check_bits first; /* those of them that may make all others needless, and ask only names of the configuration */
};

/*
 * Judge the facts as they are; facts->stage says how far they go. Called at STAGE_MAIL and STAGE_RCPT it decides only
 * what no header can change, and only when every organization enforces; at STAGE_HEADER it may refuse; at STAGE_END
 * it decides unless judgement->wanted is not 0 and facts->evidence_over is not set.
 */
void judge(const struct settings *settings, const struct facts *facts, struct judgement *judgement_r);

/* The org a message is judged by: the one it names; NULL if it names none that is served. */
const struct org *judge_org(const struct settings *settings, const struct facts *facts);

/* Whether the scope leaves the message out; *reason_r says why. To be asked from STAGE_HEADER on. */
bool scope_excludes(const struct settings *settings, const struct facts *facts, enum reason *reason_r);

/* Whether a domain is Salesforce's own: salesforce.com, or one below it. */
bool scope_under_salesforce(struct span domain);

#endif
