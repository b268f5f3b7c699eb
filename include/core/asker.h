/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asker: what fetches one kind of evidence of one message: DKIM keys, SPF of the sender, SPF names for `ip`, DMARC records.
 * Each is a pure, resumable machine, which hands out questions, takes answers, writes what it finds into the facts, and
 * never waits. Whoever drives them (evidence/gather.c) knows them by this type alone:
 *
 *     begin  what is wanted; what has begun goes on. From STAGE_HEADER on.
 *     next   the next question that has not been handed out
 *     answer what came back
 *     look   the facts of other askers have changed
 *     open   whether waiting for an answer makes sense
 *
 * An asker lives in the facts' arena, and what it hands out as long. One message, one thread.
 */
#ifndef SFDC_CORE_ASKER_H
#define SFDC_CORE_ASKER_H

#include <stdbool.h>

#include "core/answer.h"
#include "core/environment.h"
#include "core/span.h"
#include "core/spf.h"

/* What a question is asked for. */
enum purpose {
	PURPOSE_KEY,    /* of a signature; domain is its d= */
	PURPOSE_IP_SPF, /* whether a name of ip.spf lists the client; domain is that name */
	PURPOSE_SENDER, /* SPF of the domain that stands for the sender */
	PURPOSE_AUTHOR  /* DMARC of the author's domain; domain is that */
};

#define PURPOSES 4

/* Where a question comes from: whoever answers gives room by that. */
struct origin {
	enum purpose purpose;
	struct span domain;
	struct span selector;     /* PURPOSE_KEY */
	enum spf_chooser chooser; /* PURPOSE_IP_SPF, PURPOSE_SENDER: who chose the name */
};

struct asker;

struct asker_type {
	unsigned evidence; /* EVIDENCE_*, what it fetches */
	void (*begin)(struct asker *asker, const struct wants *wants);
	const struct question *(*next)(struct asker *asker, struct origin *origin_r); /* NULL: none for now */
	/* To a question of its own; it must stay valid until the message ends. */
	void (*answer)(struct asker *asker, const struct question *question, const struct answer *answer);
	void (*look)(struct asker *asker);
	bool (*open)(const struct asker *asker);
};

/* To be embedded, as the first member. */
struct asker {
	const struct asker_type *type;
};

/* NULL without memory. settings and facts are borrowed. */
struct asker *ip_spf_asker(const struct settings *settings, struct facts *facts);
struct asker *spf_asker(struct facts *facts);
struct asker *dmarc_asker(struct facts *facts);

#endif
