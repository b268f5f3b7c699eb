/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_walk: the DKIM signatures of one message (RFC 6376) as a pure, resumable machine.
 *
 * Every DKIM-Signature is read strictly; those that are worth it are chosen - aligned ones first, at most
 * dkim.max_signatures - and the walk says which keys it needs, makes the hashes, and writes into facts->dkim what comes of
 * each. A signature passes only if it is well-formed, its algorithm rsa-sha256 with 1024 bits at least or ed25519-sha256,
 * it covers the whole body, is neither expired nor of the future, exactly one key record fits it, and header and body are
 * as they were signed. What only concerns one organization's taste is left to the check.
 *
 * The header is hashed when it ends: a signature whose key comes before the body does and whose header was changed needs
 * no body. The body is hashed once for each canonical form, however many signatures share it.
 *
 * Decisions where RFC 6376 leaves room:
 * - A field that some signature covers must have one canonical form that all readers agree on (dkim_canon_sound()), or
 *   the signature is malformed. A body with a CR or LF that is no line end has none: its hash never fits.
 * - h= that counts the signature's own field among those of its name covers what cannot be signed, and fails.
 *
 * It asks nothing itself: dkim_walk_next() hands out questions, dkim_walk_answer() takes the answers, and nothing ever
 * waits. One message, one thread.
 */
#ifndef SFDC_CORE_DKIM_WALK_H
#define SFDC_CORE_DKIM_WALK_H

#include <stdbool.h>

#include "core/answer.h"
#include "core/asker.h"
#include "core/dkim_crypto.h"
#include "core/facts.h"
#include "core/environment.h"
#include "core/settings.h"

#define DKIM_SIGNATURES_SEEN_MAX 128 /* DKIM-Signature fields that are looked at; later ones are as good as absent */
#define DKIM_CLOCK_DRIFT 300         /* seconds that clocks may differ */
#define DKIM_AHEAD_MAX 86400         /* seconds that t= may be ahead of our clock and it is the clock that is doubted */
#define DKIM_RSA_BITS_VALID 1024     /* RFC 8301 3.2: shorter keys are never valid */

/* What the walk needs from outside. */
struct dkim_environment {
	const struct dkim_crypto *crypto;
	/* How a signature's domain is related to the author's, by organizational domains. */
	enum relation (*relation)(const void *context, struct span signer, struct span author);
	const void *context;
};

struct dkim_walk;

/* In the facts' arena; what is given is borrowed and must outlive it. NULL without memory. See dkim_walk_drop(). */
struct dkim_walk *dkim_walk_new(const struct settings *settings, struct facts *facts,
                                const struct dkim_environment *environment);

/* The walk as what gathers evidence drives it, beside header and body. */
struct asker *dkim_walk_asker(struct dkim_walk *walk);

/* A field that facts->header has just taken. */
void dkim_walk_field(struct dkim_walk *walk, const struct field *field);

/*
 * The header is complete, facts are at STAGE_HEADER. Fills facts->dkim.signatures; what needs a key stays pending, and is
 * not asked for yet.
 */
void dkim_walk_header_end(struct dkim_walk *walk);

/*
 * Choose the signatures that are verified, once, after the end of the header: those that can still make wants->checks
 * pass, the others as wants->others says. What is not chosen is left (facts.h).
 */
void dkim_walk_begin(struct dkim_walk *walk, const struct wants *wants);

/* Ask for the keys of what was chosen for these checks; and of the others, if that is wanted. */
void dkim_walk_ask(struct dkim_walk *walk, check_bits checks, bool others);

/* A piece of the body. Returns whether more of it is needed: not when no signature can pass any more. */
bool dkim_walk_body(struct dkim_walk *walk, struct span chunk);

/* The body is complete. */
void dkim_walk_body_end(struct dkim_walk *walk);

/*
 * The next question that has not been handed out, and whose key it asks for; or NULL. The closest signatures come first,
 * those that serve no check last. It stays valid as long as the arena.
 */
const struct question *dkim_walk_next(struct dkim_walk *walk, const struct signature **signature_r);

/* The next question whose key made a signature pass, and that; or NULL. Each is told once. */
const struct question *dkim_walk_proven(struct dkim_walk *walk, const struct signature **signature_r);

/* An answer to a question that was handed out; it must stay valid until dkim_walk_drop(). */
void dkim_walk_answer(struct dkim_walk *walk, const struct question *question, const struct answer *answer);

/*
 * Whether waiting makes sense: a signature is pending that was chosen for some check, or one of the others that are to be
 * awaited.
 */
bool dkim_walk_open(const struct dkim_walk *walk);

/* Nothing more is waited for; what is not worth waiting for stays pending. */
void dkim_walk_close(struct dkim_walk *walk);

/* Release the hashes under way. NULL is harmless, a second call too. The facts stay. */
void dkim_walk_drop(struct dkim_walk *walk);

#endif
