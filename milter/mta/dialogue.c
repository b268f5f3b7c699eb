/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta/dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "mta/changes.h"

#define ACTIONS_NEEDED ((uint32_t)(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE))

/* The states of a dialogue are the steps taken last. */
enum state {
	STATE_NEW,
	STATE_NEGOTIATED,
	STATE_CONNECTED,
	STATE_HELO,
	STATE_MAIL,
	STATE_RCPT,
	STATE_DATA,
	STATE_HEADER,
	STATE_EOH,
	STATE_BODY,
	STATE_EOM,
	STATE_QUIT,
	STATE_ABORTED,
	STATE_UNKNOWN,
	STATE_QUIT_NC
};

/* Which commands can follow. */
static const char *const next[] = {
	[STATE_NEW] = "O",
	[STATE_NEGOTIATED] = "CU",
	[STATE_CONNECTED] = "HMU",
	[STATE_HELO] = "HMU",
	[STATE_MAIL] = "RAU",
	[STATE_RCPT] = "NLTBERAU",
	[STATE_DATA] = "NLA",
	[STATE_HEADER] = "NLA",
	[STATE_EOH] = "BEA",
	[STATE_BODY] = "BEA",
	[STATE_EOM] = "QMUK",
	[STATE_QUIT] = "",
	/* After RSET anything may come that can follow an unknown command. */
	[STATE_ABORTED] = "HMRATBUQK",
	[STATE_UNKNOWN] = "HMRATBUQK",
	[STATE_QUIT_NC] = "CU",
};

/* What becomes of a step. */
enum outcome {
	OUTCOME_SILENT, /* no answer */
	OUTCOME_CONTINUE,
	OUTCOME_SKIP,
	OUTCOME_REFUSED,  /* the reply is written */
	OUTCOME_DEFERRED, /* without a session there is nothing else to say */
	OUTCOME_WAITS,
	OUTCOME_OVER
};

/*
 * Asked for at MAIL, whatever the MTA's configuration says: a client that does not repeat EHLO after STARTTLS would
 * otherwise seem to have no TLS. At the other stages only what changes there.
 */
static const struct symbols symbols[] = {
	{ SMFIM_CONNECT, "j" },
	{ SMFIM_HELO, "j" },
	{ SMFIM_ENVFROM,
	  "{v} j i {client_addr} {client_name} {client_resolve} {tls_version} {cipher} {cipher_bits} "
	  "{cert_subject} {cert_issuer} {cn_subject} {cn_issuer} {verify} {auth_type} {auth_authen} {daemon_name}" },
	{ SMFIM_ENVRCPT, "i {rcpt_mailer}" },
	{ SMFIM_DATA, "i" },
	{ SMFIM_EOM, "i" },
	{ SMFIM_EOH, "i" },
};

static enum outcome starve(struct dialogue *dialogue)
{
	dialogue->starved = true;
	return OUTCOME_OVER;
}

static enum outcome cut(struct dialogue *dialogue, const char *fault)
{
	dialogue->fault = fault;
	return OUTCOME_OVER;
}

/* A connection that is not agreed on is closed, and the MTA then does as if the filter were down. */
static bool actions_offered(struct dialogue *dialogue, uint32_t offered)
{
	uint32_t missing = ACTIONS_NEEDED & ~offered;
	if (missing == 0)
		return true;
	log_event(dialogue->shared->log, LOG_LEVEL_ERROR, "error",
	          "the MTA is refused: this filter must be allowed to%s%s%s and by its milter protocol is not; "
	          "in Postfix set milter_protocol to 6, Sendmail must be 8.14 or newer",
	          missing & SMFIF_ADDHDRS ? " add header fields," : "",
	          missing & SMFIF_CHGHDRS ? " remove header fields," : "",
	          missing & SMFIF_QUARANTINE ? " quarantine messages," : "");
	return false;
}

/* The steps that this filter has no use for, or does not answer. */
static uint32_t choose_steps(struct dialogue *dialogue, struct negotiated *negotiated_r)
{
	session_negotiate(dialogue->shared, negotiated_r);
	negotiated_r->leading_space = (dialogue->offered & SMFIP_HDR_LEADSPC) != 0;
	negotiated_r->skip = (dialogue->offered & SMFIP_SKIP) != 0;
	uint32_t steps = SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR;
	if (!negotiated_r->answers_mail)
		steps |= SMFIP_NR_MAIL;
	if (!negotiated_r->answers_recipients)
		steps |= SMFIP_NR_RCPT;
	return steps | SMFIP_HDR_LEADSPC | SMFIP_SKIP;
}

static void tell_no_symbols(struct shared *shared)
{
	if (!atomic_exchange(&shared->told_symlist, true))
		log_event(
			shared->log, LOG_LEVEL_WARNING, "warning",
			"the MTA does not let this filter ask for macros: it must be configured to send them, see the manual page");
}

static enum outcome take_offer(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	struct offer offer = protocol_offer(data);
	struct negotiated negotiated = { 0 };
	if (offer.version < PROTOCOL_VERSION_MIN || offer.version > INT32_MAX)
		return cut(dialogue, "version too old: the MTA must speak version 2 to 6 of the milter protocol");
	if (!actions_offered(dialogue, offer.actions != 0 ? offer.actions : (uint32_t)SMFI_V1_ACTS))
		return OUTCOME_OVER;
	dialogue->offered = (offer.steps != 0 ? offer.steps : (uint32_t)SMFI_V1_PROT) & ~(uint32_t)SMFI_INTERNAL;
	dialogue->steps = choose_steps(dialogue, &negotiated);
	macros_forget_from(dialogue->macros, MACROS_OF_CONNECT);
	session_free(dialogue->session);
	dialogue->session = session_new(dialogue->shared, &negotiated, dialogue->waker, dialogue->counters);
	if (!dialogue->session)
		return starve(dialogue);
	bool asks = (offer.actions & SMFIF_SETSYMLIST) != 0;
	if (!asks)
		tell_no_symbols(dialogue->shared);
	struct offer agreed = { .version = offer.version < SMFI_PROT_VERSION ? offer.version : SMFI_PROT_VERSION,
		                    .actions = ACTIONS_NEEDED | (asks ? (uint32_t)SMFIF_SETSYMLIST : 0),
		                    .steps = dialogue->steps & dialogue->offered };
	protocol_write_agreement(out, &agreed, symbols, asks ? sizeof symbols / sizeof symbols[0] : 0);
	return OUTCOME_SILENT;
}

static enum outcome take_client(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)out;
	struct address address;
	struct span name = protocol_client(data, &address);
	if (dialogue->session)
		session_connect(dialogue->session, name.at, &address);
	return OUTCOME_SILENT;
}

static enum outcome take_helo(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)out;
	if (dialogue->session)
		session_helo(dialogue->session, protocol_text(data).at);
	return OUTCOME_SILENT;
}

static enum outcome refuse(struct buffer *out, const struct refusal *refusal)
{
	protocol_write_reply(out, &refusal->reply);
	return OUTCOME_REFUSED;
}

static enum outcome answer(struct dialogue *dialogue, struct buffer *out)
{
	struct refusal refusal;
	return session_refused(dialogue->session, &refusal) ? refuse(out, &refusal) : OUTCOME_CONTINUE;
}

static enum outcome take_mail(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	struct session *session = dialogue->session;
	/*
	 * Whether MAIL may be answered is not known without a session. A refusal that may not be sent would all the same
	 * end the message, and the steps that follow would be overlooked; they are answered instead.
	 */
	if (!session) {
		log_event(dialogue->shared->log, LOG_LEVEL_ERROR, "error",
		          "a message is deferred: the MTA did not negotiate the milter protocol for its session");
		return OUTCOME_CONTINUE;
	}
	struct session_input input;
	macros_read(dialogue->macros, &input);
	input.mail_from = protocol_text(data);
	session_mail(session, &input, macros_value(dialogue->macros, MACROS_OF_MAIL, "{client_addr}"));
	return session->negotiated.answers_mail ? answer(dialogue, out) : OUTCOME_SILENT;
}

static enum outcome take_recipient(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	struct session *session = dialogue->session;
	if (!session)
		return OUTCOME_DEFERRED;
	session_recipient(session, protocol_text(data), macros_own(dialogue->macros, MACROS_OF_RCPT, "{rcpt_mailer}"),
	                  macros_value(dialogue->macros, MACROS_OF_RCPT, "i"));
	if (session_answers_recipients(session))
		return answer(dialogue, out);
	return session->negotiated.answers_recipients ? OUTCOME_CONTINUE : OUTCOME_SILENT;
}

static enum outcome take_nothing(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)dialogue;
	(void)data;
	(void)out;
	return OUTCOME_CONTINUE;
}

static enum outcome take_field(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)out;
	struct span name, value;
	protocol_field(data, &name, &value);
	if (dialogue->session)
		session_field(dialogue->session, name, value);
	return OUTCOME_SILENT;
}

static enum outcome take_header_end(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)data;
	if (!dialogue->session)
		return OUTCOME_DEFERRED;
	session_header_end(dialogue->session, macros_value(dialogue->macros, MACROS_OF_EOH, "i"));
	return answer(dialogue, out);
}

static enum outcome take_body(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)out;
	if (!dialogue->session)
		return OUTCOME_DEFERRED;
	bool more = session_body(dialogue->session, data);
	return more || !dialogue->session->negotiated.skip ? OUTCOME_CONTINUE : OUTCOME_SKIP;
}

/* Never SMFIR_ACCEPT: some versions of Postfix carry it over to the next message of the session. */
static enum outcome conclude(struct dialogue *dialogue, struct buffer *out)
{
	struct session *session = dialogue->session;
	struct refusal refusal;
	bool refused = session_refused(session, &refusal);
	if (!refused && !changes_write(session, out)) {
		session_defer(session);
		refused = session_refused(session, &refusal);
	}
	session_close(session);
	return refused ? refuse(out, &refusal) : OUTCOME_CONTINUE;
}

static enum outcome take_end(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	struct session *session = dialogue->session;
	if (!session)
		return OUTCOME_DEFERRED;
	/* Up to version 5 the last piece of the body may come here. */
	if (data.length != 0 && !session_body(session, data) && session->negotiated.skip)
		return cut(dialogue, "the end of the message brings a piece of the body of which no more was wanted");
	return session_end(session, macros_value(dialogue->macros, MACROS_OF_EOM, "i")) ? conclude(dialogue, out)
	                                                                                : OUTCOME_WAITS;
}

static void end_message(struct dialogue *dialogue)
{
	if (dialogue->session)
		session_close(dialogue->session);
}

static enum outcome take_abort(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)data;
	(void)out;
	end_message(dialogue);
	return OUTCOME_SILENT;
}

static enum outcome take_quit_nc(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)data;
	(void)out;
	dialogue_end(dialogue);
	return OUTCOME_SILENT;
}

static enum outcome take_quit(struct dialogue *dialogue, struct span data, struct buffer *out)
{
	(void)take_quit_nc(dialogue, data, out);
	return OUTCOME_OVER;
}

#define NO_MACROS MACRO_LISTS

static const struct step {
	char command;
	enum state state;
	enum macro_stage stage; /* of its macros; NO_MACROS: has none */
	uint32_t unanswered;    /* SMFIP_NR_* that makes it a step without an answer */
	bool lasting;           /* a refusal does not end the message */
	enum outcome (*take)(struct dialogue *dialogue, struct span data, struct buffer *out);
} step_table[] = {
	{ SMFIC_OPTNEG, STATE_NEGOTIATED, NO_MACROS, 0, false, take_offer },
	{ SMFIC_CONNECT, STATE_CONNECTED, MACROS_OF_CONNECT, SMFIP_NR_CONN, false, take_client },
	{ SMFIC_HELO, STATE_HELO, MACROS_OF_HELO, SMFIP_NR_HELO, false, take_helo },
	{ SMFIC_MAIL, STATE_MAIL, MACROS_OF_MAIL, SMFIP_NR_MAIL, false, take_mail },
	{ SMFIC_RCPT, STATE_RCPT, MACROS_OF_RCPT, SMFIP_NR_RCPT, true, take_recipient },
	{ SMFIC_DATA, STATE_DATA, MACROS_OF_DATA, SMFIP_NR_DATA, false, take_nothing },
	{ SMFIC_HEADER, STATE_HEADER, NO_MACROS, SMFIP_NR_HDR, false, take_field },
	{ SMFIC_EOH, STATE_EOH, MACROS_OF_EOH, SMFIP_NR_EOH, false, take_header_end },
	{ SMFIC_BODY, STATE_BODY, NO_MACROS, SMFIP_NR_BODY, false, take_body },
	{ SMFIC_BODYEOB, STATE_EOM, MACROS_OF_EOM, 0, false, take_end },
	{ SMFIC_ABORT, STATE_ABORTED, NO_MACROS, 0, false, take_abort },
	{ SMFIC_UNKNOWN, STATE_UNKNOWN, NO_MACROS, SMFIP_NR_UNKN, true, take_nothing },
	{ SMFIC_QUIT_NC, STATE_QUIT_NC, NO_MACROS, 0, false, take_quit_nc },
	{ SMFIC_QUIT, STATE_QUIT, NO_MACROS, 0, false, take_quit },
};

static const struct step *step_of(char command)
{
	const struct step *step = step_table;
	while (step->command != command)
		step++;
	return step;
}

/* Keep the macros; those for a step that is not known are overlooked. */
static enum dialogue_status keep_macros(struct dialogue *dialogue, struct span data)
{
	struct span told;
	char command = protocol_macros(data, &told);
	const struct step *step = step_table;
	const struct step *end = step_table + sizeof step_table / sizeof step_table[0];
	while (step < end && (step->command != command || step->stage == NO_MACROS))
		step++;
	if (step == end)
		return DIALOGUE_LISTENS;
	if (!macros_keep(&dialogue->macros[step->stage], told)) {
		dialogue->starved = true;
		return DIALOGUE_OVER;
	}
	return DIALOGUE_LISTENS;
}

/* Whether a step can be taken in that state. */
static bool follows(unsigned state, char command)
{
	return strchr(next[state], command) != NULL;
}

static bool in_message(unsigned state)
{
	return state >= STATE_MAIL && state < STATE_EOM;
}

/* Write what the outcome of a step asks for. */
static enum dialogue_status reply(struct dialogue *dialogue, const struct step *step, enum outcome outcome,
                                  struct buffer *out)
{
	/* What was agreed to have no answer has none, whatever there is to say; an MTA that cannot do without has one. */
	uint32_t unanswered = step->unanswered & dialogue->steps;
	if (unanswered != 0 && outcome != OUTCOME_OVER)
		outcome = unanswered & ~dialogue->offered ? OUTCOME_CONTINUE : OUTCOME_SILENT;
	switch (outcome) {
	case OUTCOME_SILENT:
		break;
	case OUTCOME_CONTINUE:
		protocol_write(out, SMFIR_CONTINUE);
		break;
	case OUTCOME_SKIP:
		protocol_write(out, SMFIR_SKIP);
		break;
	case OUTCOME_DEFERRED:
		protocol_write(out, SMFIR_TEMPFAIL);
		dialogue->state = step->lasting ? dialogue->state : STATE_HELO;
		break;
	case OUTCOME_REFUSED:
		if (!step->lasting)
			dialogue->state = STATE_HELO;
		break;
	case OUTCOME_WAITS:
		return DIALOGUE_WAITS;
	case OUTCOME_OVER:
		return DIALOGUE_OVER;
	}
	dialogue->starved = out->failed;
	return out->failed ? DIALOGUE_OVER : DIALOGUE_LISTENS;
}

void dialogue_begin(struct dialogue *dialogue_r, struct shared *shared, struct waker waker,
                    struct loop_counters *counters)
{
	memset(dialogue_r, 0, sizeof *dialogue_r);
	dialogue_r->shared = shared;
	dialogue_r->waker = waker;
	dialogue_r->counters = counters;
}

enum dialogue_status dialogue_take(struct dialogue *dialogue, const struct packet *packet, struct buffer *out)
{
	dialogue->packets++;
	if (packet->letter == SMFIC_MACRO)
		return keep_macros(dialogue, packet->data);
	const struct step *step = step_of(packet->letter);
	if (!follows(dialogue->state, packet->letter)) {
		if (in_message(dialogue->state))
			end_message(dialogue);
		dialogue->state = STATE_HELO;
		if (!follows(dialogue->state, packet->letter))
			return packet->letter == SMFIC_QUIT ? DIALOGUE_OVER : DIALOGUE_LISTENS;
	}
	dialogue->state = step->state;
	if (step->stage != NO_MACROS)
		macros_settle(dialogue->macros, (enum macro_stage)step->stage);
	return reply(dialogue, step, step->take(dialogue, packet->data, out), out);
}

enum dialogue_status dialogue_resume(struct dialogue *dialogue, struct buffer *out)
{
	enum outcome outcome = session_resume(dialogue->session) ? conclude(dialogue, out) : OUTCOME_WAITS;
	return reply(dialogue, step_of(SMFIC_BODYEOB), outcome, out);
}

long long dialogue_deadline_ms(const struct dialogue *dialogue)
{
	return session_deadline_ms(dialogue->session);
}

void dialogue_blame(struct dialogue *dialogue, const char *fault)
{
	dialogue->packets++;
	dialogue->fault = fault;
}

void dialogue_end(struct dialogue *dialogue)
{
	session_free(dialogue->session);
	dialogue->session = NULL;
	macros_forget_from(dialogue->macros, MACROS_OF_CONNECT);
}
