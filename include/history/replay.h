/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay: what another configuration makes of a message, from its line in the log, by the one engine (core/judge).
 *
 * tls, cert, auth, ip by networks, org, from and envelope are judged again from the logged values; the other checks keep
 * their recorded result, and limit is left out. What the line does not tell is tried in every way it may have been: only if
 * all come to the same is the message determined. Thread-safe.
 */
#ifndef SFDC_HISTORY_REPLAY_H
#define SFDC_HISTORY_REPLAY_H

#include "core/judge.h"
#include "history/entry.h"

struct replay {
	const struct settings *settings; /* the configuration to try */
	const struct settings *before;   /* the one that the log was written with; NULL: taken to have the same options */
	domain_to_ascii to_ascii;        /* may be NULL */
};

struct replayed {
	bool determined; /* else the rest is not set */
	enum verdict verdict;
	enum verdict would;
	enum mode mode;
	enum reason reason;
	size_t why_count;
	enum check_id why[CHECK_COUNT];
	char org[40]; /* as configured: the name, cut, or the ID; "none" */
};

/* entry: of a verdict. False without memory. */
bool replay_message(const struct replay *replay, const struct entry *entry, struct replayed *replayed_r);

#endif
