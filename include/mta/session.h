/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session: one SMTP session as the MTA tells of it, and the message that is under way in it.
 *
 * A thin translator between the steps of the milter protocol and examine.h; it holds no policy and knows no libmilter.
 * Nothing of one message reaches the next: what belongs to a message lives in struct message, which is made at MAIL
 * with a snapshot of the configuration and released at its end. Each message that began ends in exactly one log line.
 *
 * Steps may come in any order, or not at all: a step without a message is answered with a temporary failure. Not
 * thread-safe; one session belongs to one thread at a time, which need not be the same from step to step.
 */
#ifndef SFDC_MTA_SESSION_H
#define SFDC_MTA_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/edits.h"
#include "core/examine.h"
#include "core/reply.h"
#include "mta/shared.h"
#include "observe/counters.h"

#define SESSION_TEXT_MAX 1000 /* bytes kept of a host name; longer than any that is valid */

/* What was agreed with the MTA when the session began. */
struct negotiated {
	bool leading_space;      /* header values come with, and need, the white space after the colon */
	bool skip;               /* the MTA understands that the rest of the body is not wanted */
	bool answers_mail;       /* MAIL can be refused */
	bool answers_recipients; /* RCPT can be refused */
};

/* What the MTA is to answer in place of its own reply; verdict is VERDICT_REJECT or VERDICT_TEMPFAIL. */
struct refusal {
	enum verdict verdict;
	struct reply reply;
};

struct message {
	bool open; /* being examined; false: it was refused, and refusal holds for whatever comes */
	bool by_smtp;
	struct snapshot *snapshot;
	struct examination examination;
	bool body_skipped;
	struct refusal refusal;
};

struct session {
	struct shared *shared; /* borrowed */
	struct waker waker;
	struct negotiated negotiated;
	bool lost; /* something of the session could not be kept: its messages must be deferred */
	struct address client;
	char *client_name;              /* as told at connect; may be NULL */
	char *helo;                     /* may be NULL */
	struct message *message;        /* NULL: none */
	struct loop_counters *counters; /* of the loop whose session it is; borrowed; NULL: nobody counts */
};

/*
 * Which commands must be answered under the configuration in force, for an negotiated that is zeroed but for what the MTA
 * offers. A reload may want answers later in the session; they are then given at the next step that has one.
 */
void session_negotiate(struct shared *shared, struct negotiated *negotiated_r);

/*
 * waker is told when session_resume() is worth while (core/environment.h); counters is where its messages are counted, from
 * one thread, or NULL. NULL without memory.
 */
struct session *session_new(struct shared *shared, const struct negotiated *negotiated, struct waker waker,
                            struct loop_counters *counters);

/* Ends the message that is under way, and the session. NULL is harmless. */
void session_free(struct session *session);

/* The client. name may be NULL. */
void session_connect(struct session *session, const char *name, const struct address *client);

/* HELO or EHLO, as often as it is said; ends a message that is under way. name may be NULL. */
void session_helo(struct session *session, const char *name);

/*
 * MAIL begins a message. The client's address and HELO of input are filled in here; so is its name where no macro told
 * it. claimed is the address the MTA told by macro, absent if it told none: when it is none, or differs from that of the
 * connection, neither is believed.
 */
void session_mail(struct session *session, struct session_input *input, struct span claimed);

void session_recipient(struct session *session, struct span path, struct span mailer, struct span queue_id);
void session_field(struct session *session, struct span name, struct span value);
void session_header_end(struct session *session, struct span queue_id);

/* A piece of the body. False: no more of it is wanted. */
bool session_body(struct session *session, struct span chunk);

/*
 * End of message. True: session_refused() knows the answer. False: evidence is awaited; session_resume() is to be called
 * when the waker was told, and at session_deadline_ms().
 */
bool session_end(struct session *session, struct span queue_id);

/* Go on with the end of the message. Returns as session_end(). */
bool session_resume(struct session *session);

/* When the message whose end waits is given up, on the clock of the ports. */
long long session_deadline_ms(const struct session *session);

/*
 * Whether the message is refused; *refusal_r then says how. To be asked at each step that can answer. The first time
 * it is, the message is logged and released; later steps of the same message get the same answer.
 */
bool session_refused(struct session *session, struct refusal *refusal_r);

/*
 * Whether a recipient of the message that is under way can be refused. Where that was not agreed on it cannot, nor where
 * the message did not come by SMTP: for a recipient that one of Postfix's non_smtpd_milters refuses, cleanup(8) puts the
 * message back and tries it again for ever. It is refused as a whole at a later step.
 */
bool session_answers_recipients(const struct session *session);

/* The changes to make to the message, which session_refused() let pass. False: it must be deferred. */
bool session_edits(struct session *session, struct edits *edits_r);

/* The message cannot be handled after all: session_refused() will defer it, whatever the verdict was. */
void session_defer(struct session *session);

/* The end of a message that was not refused, or that others ended: logged and released. Harmless without one. */
void session_close(struct session *session);

#endif
