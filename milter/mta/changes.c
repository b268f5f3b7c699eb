/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta/changes.h"

#include <stdio.h>

#include "mta/protocol.h"

static bool failed(struct session *session, const char *what)
{
	log_event(session->shared->log, LOG_LEVEL_ERROR, "error", "message %s is deferred: there is no memory to %s",
	          session->message->examination.sid, what);
	return false;
}

/* Removals come first: after an insertion the indexes of the incoming fields are no longer those that were counted. */
static bool write_edits(struct session *session, const struct edits *edits, struct buffer *out)
{
	/* Where values come with the white space after the colon, they must be given with it. */
	struct span space = session->negotiated.leading_space ? span_of(" ") : span_of("");
	for (size_t i = 0; i < edits->removal_count; i++)
		protocol_write_removal(out, edits->removals[i].name, edits->removals[i].index);
	for (size_t i = 0; i < edits->insertion_count; i++)
		protocol_write_insertion(out, edits->insertions[i].name, space, edits->insertions[i].value);
	return !out->failed || failed(session, "change its header");
}

static bool write_quarantine(struct session *session, struct buffer *out)
{
	const struct examination *examination = &session->message->examination;
	char text[128];
	snprintf(text, sizeof text, "sfdc-milter: %s (id %s)", reason_code(examination->judgement.reason),
	         examination->sid);
	protocol_write_quarantine(out, span_of(text));
	return !out->failed || failed(session, "hold it");
}

bool changes_write(struct session *session, struct buffer *out)
{
	struct edits edits;
	if (!session_edits(session, &edits) || !write_edits(session, &edits, out))
		return false;
	switch (session->message->examination.judgement.verdict) {
	case VERDICT_QUARANTINE:
		return write_quarantine(session, out);
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
