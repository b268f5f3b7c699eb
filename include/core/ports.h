/*
 * ports: what the examination of a message needs from outside, as functions that adapters, tests and tools provide.
 *
 * No port may block. Every function may be called from any thread, but for one evidence object only from one thread at
 * a time. A port that fails marks facts->trouble or leaves its evidence pending; none can make a
 * check pass by failing.
 */
#ifndef SFDC_CORE_PORTS_H
#define SFDC_CORE_PORTS_H

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

struct ports {
	void *context; /* handed to every function */

	/* Monotonic milliseconds, and wall-clock seconds. */
	long long (*now_ms)(void *context);
	long long (*now)(void *context);

	domain_to_ascii to_ascii;

	/*
	 * Start with a message (facts are at STAGE_MAIL). waker is told as gather() says, never after end(). NULL: none could
	 * be had (the examination notes trouble).
	 */
	struct evidence *(*begin)(void *context, const struct settings *settings, struct facts *facts, struct waker waker);

	/* The field that facts->header took last; it stays where it is. Not told: those that are not kept. */
	void (*field)(struct evidence *evidence, const struct field *field);

	/* The header is complete. wanted: checks that can still matter; look-ups for them are started here. */
	void (*header_end)(struct evidence *evidence, check_bits wanted);

	/* A piece of the body. Returns whether more of it is needed. */
	bool (*body)(struct evidence *evidence, struct span chunk);

	/* The body has ended. Start what the wanted checks still need, and write what has come in into the facts. */
	enum gathering (*gather)(struct evidence *evidence, check_bits wanted);

	/* Release. Look-ups that are under way are abandoned without waiting. */
	void (*end)(struct evidence *evidence);
};

#endif
