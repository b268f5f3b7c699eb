/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/session.h"

#include <stdlib.h>
#include <string.h>

#include "core/log_entry.h"

void session_negotiate(struct shared *shared, struct negotiated *negotiated_r)
{
	struct snapshot *snapshot = live_take(shared->live);
	const struct settings *settings = snapshot_settings(snapshot);
	negotiated_r->answers_recipients = settings->mode_least > MODE_MONITOR;
	negotiated_r->answers_mail = negotiated_r->answers_recipients && settings->early_reject == EARLY_REJECT_MAIL;
	snapshot_drop(snapshot);
}

struct session *session_new(struct shared *shared, const struct negotiated *negotiated, struct waker waker,
                            struct loop_counters *counters)
{
	struct session *session = calloc(1, sizeof *session);
	if (!session)
		return NULL;
	session->shared = shared;
	session->negotiated = *negotiated;
	session->waker = waker;
	session->counters = counters;
	return session;
}

/* A name that vouches for everybody is a fault of the configuration or of the name server: told once for each reload. */
static void warn_probe(struct session *session, const struct message *message)
{
	struct shared *shared = session->shared;
	unsigned long generation = snapshot_generation(message->snapshot);
	for (const struct ip_spf *ip_spf = message->examination.facts.ip_spfs; ip_spf; ip_spf = ip_spf->next) {
		if (ip_spf->outcome.reason != REASON_IP_SPF_CANARY
		    || atomic_exchange(&shared->told_probe, generation) == generation)
			continue;
		log_event(shared->log, LOG_LEVEL_WARNING, "warning",
		          "ip.spf: %.*s vouches for every address, 192.0.2.1 included, and "
		          "so for none; see whether its record is right, and whether the name server invents answers",
		          (int)ip_spf->name.length, ip_spf->name.at);
	}
}

/* End the examination with its one log line, and count what that says. */
static void message_log(struct session *session, struct message *message)
{
	if (!message->open)
		return;
	struct log_entry entry;
	log_entry_init(&entry);
	log_entry_examination(&message->examination, &entry);
	if (session->counters)
		counters_message(session->counters, &message->examination,
		                 session->shared->environment->now(session->shared->environment->context));
	log_write(session->shared->log, LOG_LEVEL_INFO, &entry);
	if (session->shared->watch)
		watch_message(session->shared->watch, &message->examination, session->shared->log);
	warn_probe(session, message);
	examine_clear(&message->examination);
	snapshot_drop(message->snapshot);
	message->snapshot = NULL;
	message->open = false;
	atomic_fetch_sub(&session->shared->open, 1);
}

void session_close(struct session *session)
{
	if (!session->message)
		return;
	message_log(session, session->message);
	free(session->message);
	session->message = NULL;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	session_close(session);
	free(session->client_name);
	free(session->helo);
	free(session);
}

/* Replace a text of the session. Bytes beyond the limit make no valid host name and are left out. */
static void keep(struct session *session, char **kept, const char *text)
{
	free(*kept);
	*kept = NULL;
	if (!text)
		return;
	*kept = strndup(text, SESSION_TEXT_MAX);
	if (!*kept)
		session->lost = true;
}

void session_connect(struct session *session, const char *name, const struct address *client)
{
	session_close(session);
	session->client = *client;
	keep(session, &session->client_name, name);
	keep(session, &session->helo, NULL);
}

void session_helo(struct session *session, const char *name)
{
	session_close(session);
	keep(session, &session->helo, name);
}

static void refuse_internal(struct refusal *refusal_r)
{
	const struct judgement judgement = { .reason = REASON_INTERNAL };
	refusal_r->verdict = VERDICT_TEMPFAIL;
	reply_make(VERDICT_TEMPFAIL, &judgement, span_make(NULL, 0), span_make(NULL, 0), &refusal_r->reply);
}

/* 421 makes the MTA end the SMTP session, so that the client's next one finds the next instance (RFC 5321 3.8). */
static void refuse_stopping(struct refusal *refusal_r)
{
	static const struct reply reply = { "421", "4.3.2", "this relay's filter is being restarted; try again later" };
	refusal_r->verdict = VERDICT_TEMPFAIL;
	refusal_r->reply = reply;
}

/* The client's address; none when the MTA contradicts itself. */
static struct address client_address(struct session *session, struct span claimed)
{
	struct address address;
	if (session->client.family == ADDRESS_NONE || span_absent(claimed))
		return session->client;
	bool read = address_parse(claimed, &address);
	if (read && address_equal(&address, &session->client))
		return session->client;
	char connection[ADDRESS_TEXT_SIZE];
	char macro[ADDRESS_TEXT_SIZE] = "what is no address";
	address_format(&session->client, connection);
	if (read)
		address_format(&address, macro);
	log_event(session->shared->log, LOG_LEVEL_WARNING, "warning",
	          "the MTA says that the client is %s, and in {client_addr} %s; neither is believed", connection, macro);
	memset(&address, 0, sizeof address);
	return address;
}

static bool grants_wait(void *context)
{
	const struct shared *shared = context;
	return shared->watch && watch_grants(shared->watch, shared->environment->now_ms(shared->environment->context));
}

void session_mail(struct session *session, struct session_input *input, struct span claimed)
{
	session_close(session);
	struct shared *shared = session->shared;
	struct message *message = calloc(1, sizeof *message);
	session->message = message;
	if (!message)
		return;
	/* Postfix gives the address without its brackets when it did not come by SMTP. */
	message->by_smtp = input->mail_from.length != 0 && input->mail_from.at[0] == '<';
	/* Counted before the flag is read: whoever sets it and then sees no open message can be sure that none begins. */
	atomic_fetch_add(&shared->open, 1);
	if (atomic_load(&shared->stopping)) {
		atomic_fetch_sub(&shared->open, 1);
		refuse_stopping(&message->refusal);
		return;
	}
	message->open = true;
	message->snapshot = live_take(shared->live);
	input->client = client_address(session, claimed);
	input->helo = span_of(session->helo);
	input->incomplete = input->incomplete || session->lost;
	if (span_absent(input->client_name))
		input->client_name = span_of(session->client_name);
	char sid[SID_SIZE];
	shared_sid(shared, sid);
	const struct examine_terms terms = { .waker = session->waker, .patience = { grants_wait, shared } };
	examine_begin(&message->examination, snapshot_settings(message->snapshot), shared->environment, span_of(sid), input,
	              &terms);
}

/* The examination that is under way, or NULL. */
static struct examination *current(struct session *session)
{
	return session->message && session->message->open ? &session->message->examination : NULL;
}

static void note_queue_id(struct examination *examination, struct span queue_id)
{
	if (queue_id.length != 0)
		examine_queue_id(examination, queue_id);
}

void session_recipient(struct session *session, struct span path, struct span mailer, struct span queue_id)
{
	struct examination *examination = current(session);
	if (!examination)
		return;
	note_queue_id(examination, queue_id);
	examine_recipient(examination, path, mailer);
}

void session_field(struct session *session, struct span name, struct span value)
{
	struct examination *examination = current(session);
	if (examination)
		examine_field(examination, name, value, session->negotiated.leading_space);
}

void session_header_end(struct session *session, struct span queue_id)
{
	struct examination *examination = current(session);
	if (!examination)
		return;
	note_queue_id(examination, queue_id);
	examine_header_end(examination);
}

bool session_body(struct session *session, struct span chunk)
{
	struct examination *examination = current(session);
	if (!examination || session->message->body_skipped)
		return false;
	if (examine_wants_body(examination)) {
		examine_body(examination, chunk);
		if (examine_wants_body(examination))
			return true;
	}
	/* Also without SKIP, when the rest comes and is ignored: its size is not counted. */
	session->message->body_skipped = true;
	examine_body_skipped(examination);
	return false;
}

/* The contract is that what does not wait is decided; anything else must not pass for an accept. */
static bool ended(struct session *session, bool over)
{
	if (over && current(session)->judgement.verdict == VERDICT_UNDECIDED)
		session_defer(session);
	return over;
}

bool session_end(struct session *session, struct span queue_id)
{
	struct examination *examination = current(session);
	if (!examination)
		return true;
	note_queue_id(examination, queue_id);
	return ended(session, examine_end(examination));
}

bool session_resume(struct session *session)
{
	struct examination *examination = current(session);
	return !examination || ended(session, examine_resume(examination));
}

long long session_deadline_ms(const struct session *session)
{
	return session->message->examination.deadline_ms;
}

bool session_refused(struct session *session, struct refusal *refusal_r)
{
	struct message *message = session->message;
	if (!message) {
		refuse_internal(refusal_r);
		return true;
	}
	if (message->open) {
		struct examination *examination = &message->examination;
		if (!verdict_refuses(examination->judgement.verdict))
			return false;
		message->refusal.verdict = examination->judgement.verdict;
		reply_make(examination->judgement.verdict, &examination->judgement, span_of(examination->sid),
		           examination->settings->reply_contact, &message->refusal.reply);
		message_log(session, message);
	}
	*refusal_r = message->refusal;
	return true;
}

bool session_answers_recipients(const struct session *session)
{
	return session->negotiated.answers_recipients && (!session->message || session->message->by_smtp);
}

bool session_edits(struct session *session, struct edits *edits_r)
{
	struct examination *examination = current(session);
	return examination && edits_plan(examination, edits_r);
}

void session_defer(struct session *session)
{
	struct examination *examination = current(session);
	if (examination)
		examine_defer(examination);
}
