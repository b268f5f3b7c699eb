/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_opinion: what libopendkim, which many receivers use, makes of the DKIM signatures of a message, beside what
 * core/dkim_walk.h makes of them. For tools; it never decides, and the daemon does not link it.
 *
 * libopendkim holds hundreds of asserts, and a header made for it lets it write behind its arrays. So it runs in a child
 * process that has nothing to do but this one message: a crash is a status, and the deadline holds. It asks nobody: it is
 * given the keys that the caller found.
 *
 * One thread; other threads of the process may go on.
 */
#ifndef SFDC_EVIDENCE_DKIM_OPINION_H
#define SFDC_EVIDENCE_DKIM_OPINION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/header.h"
#include "evidence/secondopinion.h"

#define DKIM_OPINIONS_MAX 128     /* DKIM-Signature fields that something is said of */
#define DKIM_OPINION_KEY_MAX 1024 /* characters of a key record; libopendkim has no room for more */

/* A key record, and the name it was found at. */
struct dkim_opinion_key {
	struct span name;
	struct span text;
};

struct dkim_opinion_input {
	const struct header *header; /* all of it: not over its limits */
	struct span body;            /* raw; its lines end in LF or CRLF */
	size_t key_count;
	const struct dkim_opinion_key *keys; /* of several with one name the first is taken */
};

struct dkim_opinion {
	enum secondopinion_status status;
	size_t count; /* GIVEN: signatures that something is said of, from the top of the header */
	bool passes[DKIM_OPINIONS_MAX];
};

/* Ask. Takes until deadline_ms (CLOCK_MONOTONIC, milliseconds) at most. */
void dkim_opinion_get(const struct dkim_opinion_input *input, long long deadline_ms, struct dkim_opinion *opinion_r);

#endif
