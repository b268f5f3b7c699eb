/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply: the SMTP reply that goes with a verdict.
 *
 *   CODE ENHANCED REASON[,REASON...]: sentence (id SID) [contact]
 *
 * The reasons are those of the checks responsible, each once and at most REPLY_REASONS_MAX, then ",...". The sentence is
 * that of the first one; where the first stands in an `or` or `N of` that broke, it names what would have mended that:
 * "one of these is asked for: a verified client certificate, SMTP AUTH, a listed address".
 *
 * ASCII, at most REPLY_TEXT_MAX characters, nothing the sender wrote (RFC 5321 4.2, RFC 3463). The text here has single
 * "%" characters; whoever hands it to the MTA doubles them, and is still below the 980 characters that an MTA takes,
 * since only the contact can hold any. Pure.
 */
#ifndef SFDC_CORE_REPLY_H
#define SFDC_CORE_REPLY_H

#include "core/judge.h"

#define REPLY_TEXT_MAX 740
#define REPLY_REASONS_MAX 4

struct reply {
	char code[4];     /* "550"; "" when the verdict needs no reply */
	char enhanced[8]; /* "5.7.1" */
	char text[REPLY_TEXT_MAX + 1];
};

/*
 * The reply for a refusal (VERDICT_REJECT or VERDICT_TEMPFAIL); empty strings for other verdicts. Of the judgement count
 * the reason, the checks responsible with their results, and the sentence that broke. A reason whose own reply is a 5xx and
 * that defers, by defer_unless or in defer mode, gets a 451, and its enhanced code the class 4 (530 5.7.0: 451 4.7.0); in
 * defer mode the sentence says so. A reason that has no reply of its own gets 550 5.7.1, or 451 4.3.2. Deferred for reasons
 * of DNS: 451 4.4.3, or 451 4.7.5 when it is a DKIM key that did not come (RFC 6376 6.1.2).
 */
void reply_make(enum verdict verdict, const struct judgement *judgement, struct span sid, struct span contact,
                struct reply *reply_r);

#endif
