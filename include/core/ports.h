/*
 * ports: what the examination of a message needs from outside, as functions that adapters, tests and tools provide.
 *
 * No port may block except gather(). Every function may be called from any thread, but for one evidence object only
 * from one thread at a time. A port that fails marks facts->trouble or leaves its evidence pending; none can make a
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

struct ports {
	void *context; /* handed to every function */

	/* Monotonic milliseconds, and wall-clock seconds. */
	long long (*now_ms)(void *context);
	long long (*now)(void *context);

	domain_to_ascii to_ascii;

	/* Start with a message (facts are at STAGE_MAIL). NULL: none could be had (the examination notes trouble). */
	struct evidence *(*begin)(void *context, const struct settings *settings, struct facts *facts);

	/* A header field, as it came; leading_space: value starts with the white space that followed the colon. */
	void (*field)(struct evidence *evidence, struct span name, struct span value, bool leading_space);

	/* The header is complete. wanted: checks that can still matter; look-ups for them are started here. */
	void (*header_end)(struct evidence *evidence, check_bits wanted);

	/* A piece of the body. Returns whether more of it is needed. */
	bool (*body)(struct evidence *evidence, struct span chunk);

	/*
	 * Wait until evidence for at least one of the wanted checks has come in, or deadline_ms (on now_ms) has passed;
	 * write what came into the facts. False: nothing more will come.
	 */
	bool (*gather)(struct evidence *evidence, check_bits wanted, long long deadline_ms);

	/* Release. Look-ups that are under way are abandoned without waiting. */
	void (*end)(struct evidence *evidence);
};

#endif
