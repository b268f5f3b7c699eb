/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dialogue: which step of the milter protocol is due on a connection, what each means for the session (session.h), and
 * what is answered.
 *
 * Versions 2 to 6 are spoken; what the MTA does not offer is not asked for. Order and answers are those of libmilter
 * (Sendmail's libmilter/engine.c): a step out of order ends the message that is under way, and is taken if it could follow
 * HELO, else overlooked without an answer; QUIT_NC ends the session, and what follows it without a negotiation is
 * deferred. Macros are told with a step and belong to it: those for MAIL and RCPT to the next one only, those for CONNECT
 * and HELO to the rest of the session.
 *
 * No I/O, never blocks. Not thread-safe; a dialogue belongs to one thread at a time.
 */
#ifndef SFDC_MTA_DIALOGUE_H
#define SFDC_MTA_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mta/buffer.h"
#include "mta/macros.h"
#include "mta/protocol.h"
#include "mta/shared.h"
#include "mta/session.h"

struct dialogue {
	struct shared *shared; /* borrowed */
	struct waker waker;
	struct loop_counters *counters; /* borrowed; NULL: nobody counts */
	struct session *session;        /* NULL: nothing was negotiated */
	unsigned state;                 /* the last step taken */
	uint32_t steps;                 /* SMFIP_* of this filter */
	uint32_t offered;               /* SMFIP_* of the MTA */
	struct macro_list macros[MACRO_LISTS];
	unsigned long long packets; /* taken, the one at fault included */
	const char *fault; /* of the MTA, because of which the connection is cut off, for an admin to read; NULL: none */
	bool starved;      /* there was no memory to go on */
};

enum dialogue_status {
	DIALOGUE_LISTENS, /* the next packet may come */
	DIALOGUE_WAITS,   /* the end of a message waits for evidence; no packet may come */
	DIALOGUE_OVER     /* the connection is to be closed when what was written has been sent */
};

/*
 * waker is told, from any thread, when it is worth while to call dialogue_resume() (core/environment.h). counters is where
 * messages are counted, or NULL.
 */
void dialogue_begin(struct dialogue *dialogue_r, struct shared *shared, struct waker waker,
                    struct loop_counters *counters);

/* The next packet; what is answered is written to out. Want of memory there ends the dialogue. */
enum dialogue_status dialogue_take(struct dialogue *dialogue, const struct packet *packet, struct buffer *out);

/* Evidence may have come, or the time may be up: go on with the end of the message. */
enum dialogue_status dialogue_resume(struct dialogue *dialogue, struct buffer *out);

/* When the message that waits is given up, in milliseconds of the service's clock. */
long long dialogue_deadline_ms(const struct dialogue *dialogue);

/* A packet that is no packet came: why it cuts the connection off. */
void dialogue_blame(struct dialogue *dialogue, const char *fault);

/* Ends the session, and the message that is under way. Harmless when called twice. */
void dialogue_end(struct dialogue *dialogue);

#endif
