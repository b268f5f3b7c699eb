#include "mta/apply.h"

#include <stdio.h>

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

sfsistat apply_refusal(SMFICTX *context, const struct refusal *refusal)
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
	log_event(session->service->log, LOG_LEVEL_ERROR, "error", "message %s is deferred: the MTA could not be asked to %s",
	          examination->sid, what);
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
	const char *space = session->agreement.leading_space ? " " : "";
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
	snprintf(text, sizeof text, "sfdc-milter: %s (id %s)", reason_code(examination->judgement.reason), examination->sid);
	return smfi_quarantine(context, text) == MI_SUCCESS || failed(session, "quarantine the message");
}

bool apply_edits(SMFICTX *context, struct session *session)
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
