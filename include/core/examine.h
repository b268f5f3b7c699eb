/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * examine: one message from MAIL to its verdict. The one way to reach a verdict, for daemon, tools, tests and fuzzers.
 *
 * Steps come in the order of SMTP: begin, recipient..., header_end (after its fields), body..., end, and resume until it
 * is decided. A step out of order marks trouble, which ends in a temporary failure. None of them waits. After a verdict other than VERDICT_UNDECIDED further steps
 * change nothing. Not thread-safe; one message belongs to one thread at a time.
 */
#ifndef SFDC_CORE_EXAMINE_H
#define SFDC_CORE_EXAMINE_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/drift.h"
#include "core/facts.h"
#include "core/judge.h"
#include "core/environment.h"
#include "core/settings.h"

#define EXAMINATION_MEMORY_MAX ((size_t)16 << 20) /* bytes one message may take */
#define SID_SIZE 17

/* Whether a refusal may wait, so that it is known whether genuine mail begins to fail. Asked once for a message at most. */
struct patience {
	bool (*grants)(void *context); /* NULL: none may; called from any thread */
	void *context;
};

/* How a message is examined. Zeroed: as its sentences need. */
struct examine_terms {
	bool gather_all;          /* gather all evidence, not only what the sentences need */
	struct waker waker;       /* told when examine_resume() is worth while */
	struct patience patience; /* whether a refusal may wait for the end of the message */
};

struct examination {
	struct arena arena;
	const struct settings *settings;       /* borrowed; the caller keeps its snapshot alive */
	const struct environment *environment; /* borrowed */
	struct evidence *evidence;
	struct count *count; /* of the message, once it was counted; NULL: not yet */
	struct facts facts;
	struct judgement judgement;
	char sid[SID_SIZE]; /* identifies the message in log and reply */
	struct examine_terms terms;
	bool patience_asked;
	bool refusal_waits; /* refusal is what the message comes to, whatever else is found out */
	struct judgement refusal;
	bool has_asked;
	check_bits asked;      /* whose evidence was wanted when it was asked for last */
	struct drift drift;    /* once it is decided: what the message shows of genuine mail that begins to fail */
	bool body_enough;      /* the evidence needs no more of the body */
	bool body_skipped;     /* the body's end will not be seen */
	bool waiting;          /* for evidence, at the end of the message */
	long long deadline_ms; /* when what is still out is given up; on the clock of the ports */
	long long began_ms;
	long long ended_ms; /* when the verdict was reached; 0 = not yet */
};

/*
 * Start with the MAIL command. sid is copied (16 characters at most); terms, too: NULL: none. May decide (exempt clients;
 * early_reject: mail).
 */
void examine_begin(struct examination *examination_r, const struct settings *settings,
                   const struct environment *environment, struct span sid, const struct session_input *input,
                   const struct examine_terms *terms);

/* One recipient the MTA accepted. A VERDICT_REJECT afterwards is the answer to this RCPT command. */
void examine_recipient(struct examination *examination, struct span path, struct span mailer);

/* The queue ID as soon as it is known; may be called at any step. */
void examine_queue_id(struct examination *examination, struct span queue_id);

/* One header field, raw. leading_space: the white space after the colon is still there. */
void examine_field(struct examination *examination, struct span name, struct span value, bool leading_space);

/* The header is complete. May decide. */
void examine_header_end(struct examination *examination);

/* Whether the body can still matter. Asked before, and after, each piece of it. */
bool examine_wants_body(const struct examination *examination);

/* A piece of the body. */
void examine_body(struct examination *examination, struct span chunk);

/* The body's end was not seen, because the rest was refused: its size stays unknown. */
void examine_body_skipped(struct examination *examination);

/*
 * End of message: starts what is still needed. True: it is decided. False: evidence is awaited, for
 * settings->message_timeout at most: examine_resume() is to be called when the waker was told, and at deadline_ms.
 */
bool examine_end(struct examination *examination);

/* Go on with what came in. Returns as examine_end(); from deadline_ms on it always decides. */
bool examine_resume(struct examination *examination);

/*
 * examine_end(), and examine_resume() until it is decided, for those who can wait. wait returns when the waker was told or
 * at deadline_ms; it may be NULL with ports that never have to be waited for.
 */
void examine_finish(struct examination *examination, void (*wait)(void *context, long long deadline_ms), void *context);

/*
 * Something went wrong with the message outside the examination: whatever it came to, in whatever mode, it is deferred. The
 * only way to change a verdict from outside.
 */
void examine_defer(struct examination *examination);

/* Release everything. Harmless on zeroed memory and when called twice. */
void examine_clear(struct examination *examination);

#endif
