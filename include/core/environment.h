/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * environment: what the examination of a message needs from outside, as functions that adapters, tests and tools provide.
 *
 * No port may block. Every function may be called from any thread, but for one evidence object only from one thread at
 * a time. A port that fails marks facts->trouble or leaves its evidence pending; none can make a
 * check pass by failing.
 */
#ifndef SFDC_CORE_ENVIRONMENT_H
#define SFDC_CORE_ENVIRONMENT_H

#include <stdbool.h>

#include "core/domain.h"
#include "core/facts.h"
#include "core/sentence.h"
#include "core/settings.h"

struct evidence; /* an adapter's state for one message */

/* Whom to tell that evidence came in, or may have. Called from any thread, often or never; it must not block. */
struct waker {
	void (*wake)(void *context); /* NULL: nobody */
	void *context;
};

/* What gather() came to. */
enum gathering {
	GATHERING_OVER, /* nothing more will come */
	GATHERING_CAME, /* something came in, or moved on */
	GATHERING_WAITS /* something is out; the waker is told when it comes */
};

/* What becomes of evidence that no check asks for, such as a signature by a stranger. */
enum others {
	OTHERS_LEFT,   /* it is not asked for */
	OTHERS_ASKED,  /* what comes of it in time is welcome */
	OTHERS_AWAITED /* it is waited for as any other */
};

/* What is wanted of the evidence. */
struct wants {
	check_bits checks; /* whose evidence can still change the outcome */
	check_bits first;  /* those of them that are asked before all else, since they may make it needless; 0: none */
	enum others others;
};

/* EVIDENCE_*, what is asked for now: of the checks that come first, where there are such. */
static inline unsigned wants_now(const struct wants *wants)
{
	return checks_evidence(wants->first != 0 ? wants->first : wants->checks);
}

struct count; /* one message on its way through a limiter */

/* How much organizations may send: the counters. Its functions obey the same rules as those of struct ports. */
struct limiter {
	void *context; /* handed to begin */

	/*
	 * Look whether the message stays within the limits of org, and count it if it does, in one step that none can come
	 * between. To be called once for a message. waker is told as in struct ports, never after end(). NULL without memory.
	 */
	struct count *(*begin)(void *context, const struct settings *settings, const struct org *org,
	                       const struct facts *facts, struct waker waker);

	/*
	 * What came of it, into facts->limit; texts are put into the arena of facts. False: it is not known yet; with late, which
	 * says that the message's time is up, never.
	 */
	bool (*look)(struct count *count, bool late, struct facts *facts);

	/* Release. NULL is harmless. */
	void (*end)(struct count *count);
};

struct environment {
	void *context; /* handed to every function */

	/* Monotonic milliseconds, and wall-clock seconds. */
	long long (*now_ms)(void *context);
	long long (*now)(void *context);

	domain_to_ascii to_ascii;

	const struct limiter *limiter; /* NULL: nothing is counted, as in tools, which must not touch a counter */

	/*
	 * Start with a message (facts are at STAGE_MAIL). waker is told as gather() says, never after end(). NULL: none could
	 * be had (the examination notes trouble).
	 */
	struct evidence *(*begin)(void *context, const struct settings *settings, struct facts *facts, struct waker waker);

	/* The field that facts->header took last; it stays where it is. Not told: those that are not kept. */
	void (*field)(struct evidence *evidence, const struct field *field);

	/* The header is complete. Write into the facts what it alone tells of the signatures; nothing is asked for yet. */
	void (*header_end)(struct evidence *evidence);

	/* Start what is wanted. The wants never grow from one call to the next, nor in gather(). */
	void (*start)(struct evidence *evidence, const struct wants *wants);

	/* A piece of the body. Returns whether more of it is needed. */
	bool (*body)(struct evidence *evidence, struct span chunk);

	/* The body has ended. Start what is wanted, and write what has come in into the facts. */
	enum gathering (*gather)(struct evidence *evidence, const struct wants *wants);

	/* Release. Look-ups that are under way are abandoned without waiting. */
	void (*end)(struct evidence *evidence);
};

#endif
