/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opinions: what libraries that many receivers use say of a message - libspf2 of each SPF evaluation, libopendkim of each
 * DKIM signature - for check-message --explain. Where the program was built without a library, it says nothing.
 */
#ifndef SFDC_CMD_OPINIONS_H
#define SFDC_CMD_OPINIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/examine.h"
#include "evidence/resolver.h"
#include "evidence/secondopinion.h"

/* Seconds that one opinion may take at most; the message_timeout if that is less. */
#define OPINION_SECONDS 5

/* Of one evaluation that came to an end: of the sender, of a name of ip.spf, or of a signature. */
struct opinion {
	unsigned evidence;   /* EVIDENCE_*, what it is about */
	bool sole;           /* there is never another about this evidence */
	struct span name;    /* the domain; of a signature the name of its key */
	const char *library; /* "libspf2" */
	const char *about;   /* what it was asked about: "record" */
	enum secondopinion_status status;
	const char *ours;    /* result keyword (RFC 8601) */
	const char *theirs;  /* the same; "" unless it was given */
	bool same;           /* given, and it comes to the same */
	const char *because; /* given and not the same, or withheld: why; NULL otherwise */
	const struct opinion *next;
};

/*
 * Ask about every evaluation: the sender's first, then the names of ip.spf in the order of the configuration, then the
 * signatures from the top of the header. raw: the message. NULL: there was none, or no memory. The list is in the
 * examination's arena. Answers come from resolver; those of the examination are in its cache.
 */
const struct opinion *opinions_get(struct examination *examination, struct resolver *resolver, struct span raw);

/* Whether it belongs to the row of that check. */
bool opinion_concerns(const struct opinion *opinion, enum check_id check);

/* Room for any sentence, NUL included. */
#define OPINION_SENTENCE_SIZE 320

/* What is said, as a sentence without full stop. */
void opinion_sentence(const struct opinion *opinion, char sentence_r[OPINION_SENTENCE_SIZE]);

/* A word for the status: "given", "withheld", "crashed", "late", "failed". */
const char *opinion_status(enum secondopinion_status status);

#endif
