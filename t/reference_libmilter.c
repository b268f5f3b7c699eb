/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reference_libmilter: the same sessions as the daemon's, on libmilter, for t/reference.t.
 *
 *     reference_libmilter CONFIG SOCKET      SOCKET as libmilter has it, unix:PATH
 *
 * Says "ready" on standard output when it listens, and ends at the end of standard input. libmilter holds a thread for each
 * message that waits, and its sockets know no packet that is false; it is here for how it answers those that are sound.
 */
#include "config.h"

#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/loader.h"
#include "evidence/environment.h"
#include "evidence/waiter.h"
#include "mta/session.h"

static struct shared shared;

/* MTAs take the reply for a format: a single percent sign would be dropped, or the whole reply with it. */
static void double_percent(const char *from, char *to, size_t size)
{
	size_t used = 0;
	for (; *from != '\0' && used + 2 < size; from++) {
		if (*from == '%')
			to[used++] = '%';
		to[used++] = *from;
	}
	to[used] = '\0';
}

static sfsistat apply_refusal(SMFICTX *context, const struct refusal *refusal)
{
	char code[sizeof refusal->reply.code];
	char enhanced[sizeof refusal->reply.enhanced];
	char text[2 * REPLY_TEXT_MAX + 2];
	snprintf(code, sizeof code, "%s", refusal->reply.code);
	snprintf(enhanced, sizeof enhanced, "%s", refusal->reply.enhanced);
	double_percent(refusal->reply.text, text, sizeof text);
	/* Without a reply of ours the MTA's default goes with the status; it refuses all the same. */
	(void)smfi_setreply(context, code, enhanced, text);
	return refusal->verdict == VERDICT_REJECT ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static bool failed(struct session *session, const char *what)
{
	const struct examination *examination = &session->message->examination;
	log_event(session->shared->log, LOG_LEVEL_ERROR, "error",
	          "message %s is deferred: the MTA could not be asked to %s", examination->sid, what);
	return false;
}

/* Removals come first: after an insertion the indexes of the incoming fields are no longer those that were counted. */
static bool apply_plan(SMFICTX *context, struct session *session, const struct edits *edits)
{
	struct arena *arena = &session->message->examination.arena;
	for (size_t i = 0; i < edits->removal_count; i++) {
		char *name = arena_text(arena, edits->removals[i].name);
		if (!name || smfi_chgheader(context, name, (int)edits->removals[i].index, NULL) != MI_SUCCESS)
			return failed(session, "remove a header field");
	}
	/* Where values come with the white space after the colon, they must be given with it. */
	const char *space = session->negotiated.leading_space ? " " : "";
	for (size_t i = 0; i < edits->insertion_count; i++) {
		const struct insertion *insertion = &edits->insertions[i];
		char *name = arena_text(arena, insertion->name);
		struct span text = arena_printf(arena, "%s%.*s", space, (int)insertion->value.length, insertion->value.at);
		char *value = arena_text(arena, text);
		if (!name || span_absent(text) || !value || smfi_insheader(context, 0, name, value) != MI_SUCCESS)
			return failed(session, "insert a header field");
	}
	return true;
}

static bool quarantine(SMFICTX *context, struct session *session)
{
	const struct examination *examination = &session->message->examination;
	char text[128];
	snprintf(text, sizeof text, "sfdc-milter: %s (id %s)", reason_code(examination->judgement.reason),
	         examination->sid);
	return smfi_quarantine(context, text) == MI_SUCCESS || failed(session, "quarantine the message");
}

static bool apply_edits(SMFICTX *context, struct session *session)
{
	struct edits edits;
	if (!session_edits(session, &edits))
		return false;
	if (!apply_plan(context, session, &edits))
		return false;
	switch (session->message->examination.judgement.verdict) {
	case VERDICT_QUARANTINE:
		return quarantine(context, session);
	case VERDICT_ACCEPT:
	case VERDICT_EXEMPT:
	case VERDICT_SKIP:
		return true;
	case VERDICT_UNDECIDED:
	case VERDICT_TEMPFAIL:
	case VERDICT_REJECT:
		return false;
	}
	return false;
}

#define ACTIONS_NEEDED (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE)

/*
 * Asked for at MAIL, whatever the MTA's configuration says: a client that does not repeat EHLO after STARTTLS would
 * otherwise seem to have no TLS. At the other stages only what changes there.
 */
static const struct {
	int stage;
	const char *macros;
} symbols[] = {
	{ SMFIM_CONNECT, "j" },
	{ SMFIM_HELO, "j" },
	{ SMFIM_ENVFROM,
	  "{v} j i {client_addr} {client_name} {client_resolve} {tls_version} {cipher} {cipher_bits} "
	  "{cert_subject} {cert_issuer} {cn_subject} {cn_issuer} {verify} {auth_type} {auth_authen} {daemon_name}" },
	{ SMFIM_ENVRCPT, "i {rcpt_mailer}" },
	{ SMFIM_DATA, "i" },
	{ SMFIM_EOH, "i" },
	{ SMFIM_EOM, "i" },
};

/* A session, and how its thread waits for evidence. */
struct conversation {
	struct session *session;
	struct waiter waiter;
};

static struct session *session_of(SMFICTX *context)
{
	struct conversation *conversation = smfi_getpriv(context);
	return conversation ? conversation->session : NULL;
}

static void leave(struct conversation *conversation)
{
	if (!conversation)
		return;
	session_free(conversation->session);
	waiter_destroy(&conversation->waiter);
	free(conversation);
}

/* NULL without memory. */
static struct conversation *enter(const struct negotiated *negotiated)
{
	struct conversation *conversation = calloc(1, sizeof *conversation);
	if (!conversation || !waiter_init(&conversation->waiter)) {
		free(conversation);
		return NULL;
	}
	conversation->session = session_new(&shared, negotiated, waiter_waker(&conversation->waiter), NULL);
	if (conversation->session)
		return conversation;
	leave(conversation);
	return NULL;
}

static struct span symbol(SMFICTX *context, const char *name)
{
	char buffer[32];
	size_t length = strlen(name);
	if (length >= sizeof buffer)
		return span_make(NULL, 0);
	memcpy(buffer, name, length + 1);
	return span_of(smfi_getsymval(context, buffer));
}

static bool ask_symbols(SMFICTX *context)
{
	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		char macros[320];
		size_t length = strlen(symbols[i].macros);
		if (length >= sizeof macros)
			return false;
		memcpy(macros, symbols[i].macros, length + 1);
		if (smfi_setsymlist(context, symbols[i].stage, macros) != MI_SUCCESS)
			return false;
	}
	return true;
}

/* libmilter closes the connection when negotiation is refused, and the MTA then does as if the filter were down. */
static bool actions_offered(unsigned long offered)
{
	unsigned long missing = ACTIONS_NEEDED & ~offered;
	if (missing == 0)
		return true;
	log_event(shared.log, LOG_LEVEL_ERROR, "error",
	          "the MTA is refused: this filter must be allowed to%s%s%s and by its milter protocol is not; "
	          "in Postfix set milter_protocol to 6, Sendmail must be 8.14 or newer",
	          missing & SMFIF_ADDHDRS ? " add header fields," : "",
	          missing & SMFIF_CHGHDRS ? " remove header fields," : "",
	          missing & SMFIF_QUARANTINE ? " quarantine messages," : "");
	return false;
}

static void agree(unsigned long offered, unsigned long *steps_r, struct negotiated *negotiated_r)
{
	session_negotiate(&shared, negotiated_r);
	negotiated_r->leading_space = (offered & SMFIP_HDR_LEADSPC) != 0;
	negotiated_r->skip = (offered & SMFIP_SKIP) != 0;
	unsigned long steps = SMFIP_NODATA | SMFIP_NOUNKNOWN;
	steps |= SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR;
	if (!negotiated_r->answers_mail)
		steps |= SMFIP_NR_MAIL;
	if (!negotiated_r->answers_recipients)
		steps |= SMFIP_NR_RCPT;
	steps |= SMFIP_HDR_LEADSPC | SMFIP_SKIP;
	*steps_r = steps & offered;
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long steps, unsigned long unused_2,
                             unsigned long unused_3, unsigned long *actions_r, unsigned long *steps_r,
                             unsigned long *unused_2_r, unsigned long *unused_3_r)
{
	(void)unused_2;
	(void)unused_3;
	if (!actions_offered(actions))
		return SMFIS_REJECT;
	struct negotiated negotiated = { 0 };
	agree(steps, steps_r, &negotiated);
	*actions_r = ACTIONS_NEEDED;
	*unused_2_r = 0;
	*unused_3_r = 0;
	if (actions & SMFIF_SETSYMLIST) {
		*actions_r |= SMFIF_SETSYMLIST;
		if (!ask_symbols(context))
			return SMFIS_REJECT;
	} else if (!atomic_exchange(&shared.told_symlist, true)) {
		log_event(
			shared.log, LOG_LEVEL_WARNING, "warning",
			"the MTA does not let this filter ask for macros: it must be configured to send them, see the manual page");
	}
	leave(smfi_getpriv(context));
	struct conversation *conversation = enter(&negotiated);
	smfi_setpriv(context, conversation);
	return conversation ? SMFIS_CONTINUE : SMFIS_REJECT;
}

static struct address address_of(const struct sockaddr *from)
{
	struct address none = { 0 };
	if (!from)
		return none;
	if (from->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, from, sizeof in);
		return address_from_bytes(&in.sin_addr, 4);
	}
	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, from, sizeof in6);
		return address_from_bytes(&in6.sin6_addr, 16);
	}
	return none;
}

/* The macros of a message, and where each goes in struct session_input. */
static const struct {
	const char *name;
	size_t place;
} macros[] = {
	{ "{v}", offsetof(struct session_input, mta_version) },
	{ "{client_name}", offsetof(struct session_input, client_name) },
	{ "{client_resolve}", offsetof(struct session_input, client_resolve) },
	{ "{tls_version}", offsetof(struct session_input, tls_version) },
	{ "{cipher}", offsetof(struct session_input, cipher) },
	{ "{cipher_bits}", offsetof(struct session_input, cipher_bits) },
	{ "{cert_subject}", offsetof(struct session_input, certificate.cert_subject) },
	{ "{cn_subject}", offsetof(struct session_input, certificate.cn_subject) },
	{ "{cert_issuer}", offsetof(struct session_input, certificate.cert_issuer) },
	{ "{cn_issuer}", offsetof(struct session_input, certificate.cn_issuer) },
	{ "{verify}", offsetof(struct session_input, certificate.cert_verify) },
	{ "{auth_type}", offsetof(struct session_input, auth_type) },
	{ "{auth_authen}", offsetof(struct session_input, auth_authen) },
	{ "j", offsetof(struct session_input, authserv_id) },
	{ "i", offsetof(struct session_input, queue_id) },
};

static void read_macros(SMFICTX *context, struct session_input *input_r)
{
	memset(input_r, 0, sizeof *input_r);
	for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
		struct span value = symbol(context, macros[i].name);
		memcpy((char *)input_r + macros[i].place, &value, sizeof value);
	}
}

/* A session that was never negotiated here has no private data; each of its messages is deferred. */
static sfsistat on_connect(SMFICTX *context, char *name, _SOCK_ADDR *from)
{
	struct session *session = session_of(context);
	if (session) {
		struct address client = address_of((const struct sockaddr *)from);
		session_connect(session, name, &client);
	}
	return SMFIS_NOREPLY;
}

static sfsistat on_helo(SMFICTX *context, char *name)
{
	struct session *session = session_of(context);
	if (session)
		session_helo(session, name);
	return SMFIS_NOREPLY;
}

/* What a step that can be answered gives back. */
static sfsistat answer(SMFICTX *context, struct session *session)
{
	struct refusal refusal;
	return session_refused(session, &refusal) ? apply_refusal(context, &refusal) : SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
	struct session *session = session_of(context);
	/*
	 * Whether MAIL may be answered is not known without a session. A refusal that may not be sent would all the same
	 * end the message for libmilter, which then ignores the steps that follow; they are answered instead.
	 */
	if (!session) {
		log_event(shared.log, LOG_LEVEL_ERROR, "error",
		          "a message is deferred: the MTA did not negotiate the milter protocol for its session");
		return SMFIS_CONTINUE;
	}
	struct session_input input;
	read_macros(context, &input);
	input.mail_from = span_of(arguments[0]);
	session_mail(session, &input, symbol(context, "{client_addr}"));
	return session->negotiated.answers_mail ? answer(context, session) : SMFIS_NOREPLY;
}

static sfsistat on_recipient(SMFICTX *context, char **arguments)
{
	struct session *session = session_of(context);
	if (!session)
		return SMFIS_TEMPFAIL;
	session_recipient(session, span_of(arguments[0]), symbol(context, "{rcpt_mailer}"), symbol(context, "i"));
	if (session_answers_recipients(session))
		return answer(context, session);
	return session->negotiated.answers_recipients ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat on_field(SMFICTX *context, char *name, char *value)
{
	struct session *session = session_of(context);
	if (session)
		session_field(session, span_of(name), span_of(value));
	return SMFIS_NOREPLY;
}

static sfsistat on_header_end(SMFICTX *context)
{
	struct session *session = session_of(context);
	if (!session)
		return SMFIS_TEMPFAIL;
	session_header_end(session, symbol(context, "i"));
	return answer(context, session);
}

static sfsistat on_body(SMFICTX *context, unsigned char *chunk, size_t length)
{
	struct session *session = session_of(context);
	if (!session)
		return SMFIS_TEMPFAIL;
	bool more = session_body(session, span_make((const char *)chunk, length));
	return more || !session->negotiated.skip ? SMFIS_CONTINUE : SMFIS_SKIP;
}

/* Never SMFIS_ACCEPT: some versions of Postfix carry it over to the next message of the session. */
static sfsistat on_end(SMFICTX *context)
{
	struct session *session = session_of(context);
	if (!session)
		return SMFIS_TEMPFAIL;
	bool over = session_end(session, symbol(context, "i"));
	while (!over) {
		waiter_wait(&((struct conversation *)smfi_getpriv(context))->waiter, session_deadline_ms(session));
		over = session_resume(session);
	}
	struct refusal refusal;
	bool refused = session_refused(session, &refusal);
	if (!refused && !apply_edits(context, session)) {
		session_defer(session);
		refused = session_refused(session, &refusal);
	}
	session_close(session);
	return refused ? apply_refusal(context, &refusal) : SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *context)
{
	struct session *session = session_of(context);
	if (session)
		session_close(session);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
	leave(smfi_getpriv(context));
	smfi_setpriv(context, NULL);
	return SMFIS_CONTINUE;
}

static bool register_filter(char *socket_name)
{
	char name[] = "reference";
	struct smfiDesc description = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS_NEEDED,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_recipient,
		.xxfi_header = on_field,
		.xxfi_eoh = on_header_end,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};
	return smfi_register(description) == MI_SUCCESS && smfi_setconn(socket_name) == MI_SUCCESS
	       && smfi_opensocket(true) == MI_SUCCESS;
}

/* Nobody waits for libmilter to stop. */
static void *end_with_input(void *unused)
{
	(void)unused;
	char byte;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	char error[EVIDENCE_ERROR_SIZE];
	struct problems problems;
	struct environment environment;
	pthread_t thread;
	struct log *log = log_new("reference");
	struct settings *settings = argc == 3 ? config_load(argv[1], &problems) : NULL;
	if (!log || !settings || !evidence_environment_init(&environment, settings, error)) {
		fprintf(stderr, "reference_libmilter: %s\n", settings ? error : "the configuration cannot be used");
		return 2;
	}
	struct live *live = live_new(settings);
	if (!live || !shared_init(&shared, live, &environment, log) || !register_filter(argv[2])
	    || pthread_create(&thread, NULL, end_with_input, NULL) != 0)
		return 2;
	puts("ready");
	fflush(stdout);
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
