/*
 * signatures: the DKIM evidence of one message.
 *
 * Collects the header, parses every DKIM-Signature strictly, chooses those that are worth verifying - aligned ones
 * first, at most dkim.max_signatures - says which keys it needs, and writes into facts->dkim what comes of each. A
 * signature passes only if it is well-formed, its algorithm rsa-sha256 with 1024 bits at least or ed25519-sha256, it
 * covers the whole body, is neither expired nor of the future, exactly one key record fits it, and header and body are
 * as they were signed. What only concerns one organization's taste is left to the check.
 *
 * It asks nothing itself: signatures_next() hands out questions, signatures_answer() takes the answers, and nothing
 * ever waits. Not thread-safe; one message, one thread.
 */
#ifndef SFDC_EVIDENCE_SIGNATURES_H
#define SFDC_EVIDENCE_SIGNATURES_H

#include <stdbool.h>

#include "core/answer.h"
#include "core/facts.h"
#include "core/settings.h"
#include "evidence/orgdomain.h"
#include "evidence/verifier.h"

#define SIGNATURES_SEEN_MAX 128 /* DKIM-Signature fields that are looked at; later ones are as good as absent */
#define SIGNATURES_EARLY_MAX 8  /* keys that are asked for before the header is complete */
#define SIGNATURES_DRIFT 300    /* seconds that clocks may differ */
#define SIGNATURES_AHEAD_MAX 86400 /* seconds that t= may be ahead of our clock and it is the clock that is doubted */
#define SIGNATURES_RSA_BITS_MIN 1024 /* RFC 8301 3.2: shorter keys are never valid */

struct signatures;

/* In the facts' arena; what is given must outlive it. NULL without memory. To be released with signatures_free(). */
struct signatures *signatures_new(const struct settings *settings, struct facts *facts,
                                  const struct orgdomain *orgdomain, struct verifier *verifier);

/* The next header field, as it came (see ports.h). */
void signatures_field(struct signatures *signatures, struct span name, struct span value, bool leading_space);

/*
 * The header is complete, facts are at STAGE_HEADER. Fills facts->dkim.signatures; what needs a key stays pending.
 * verify: their results can matter.
 */
void signatures_header_end(struct signatures *signatures, bool verify);

/* A piece of the body. Returns whether more of it is needed: not when no signature can pass any more. */
bool signatures_body(struct signatures *signatures, struct span chunk);

/* The body is complete. */
void signatures_body_end(struct signatures *signatures);

/* The next question that has not been handed out, or NULL. It stays valid as long as the arena. */
const struct question *signatures_next(struct signatures *signatures);

/* An answer to a question that was handed out; it must stay valid until signatures_free(). */
void signatures_answer(struct signatures *signatures, const struct question *question, const struct answer *answer);

/*
 * Whether waiting makes sense: a signature is pending that may be aligned; or, where no signature may be, any is.
 * The others are verified if their keys come in time, and nobody waits for them.
 */
bool signatures_open(const struct signatures *signatures);

/* Nothing more is waited for; what is not worth waiting for stays pending. */
void signatures_close(struct signatures *signatures);

/* NULL is harmless. The facts stay. */
void signatures_free(struct signatures *signatures);

#endif
