/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message_file: a whole message, as it lies in a file, through the examination: the steps in the order of SMTP, as an MTA
 * would take them. For tools and tests; the daemon is fed by its MTA.
 *
 * The fields are handed over as an MTA does: folds are "\n", the white space after the colon is kept. The body's lines
 * end in CRLF, whatever they end in in the file, the last one too. What only a raw message can show - a line that is
 * no header field, NUL in the body - becomes a defect of the facts. The steps end early where the SMTP dialogue would:
 * at a refusal of the last recipient or of the header. Pure.
 */
#ifndef SFDC_CORE_MESSAGE_FILE_H
#define SFDC_CORE_MESSAGE_FILE_H

#include <stddef.h>

#include "core/examine.h"

struct message_file {
	struct session_input session;
	const struct span *mailers; /* {rcpt_mailer} of each recipient; absent: not told */
	size_t recipients;
	struct span raw; /* the message */
	struct examine_terms terms;

	/* Called after each step; NULL: not wanted. */
	void (*watch)(void *context, const struct examination *examination);
	void *context;

	/* Handed to examine_finish(). */
	void (*wait)(void *wait_context, long long deadline_ms);
	void *wait_context;
};

/*
 * Run the message through. *examination has a verdict afterwards and is to be
 * released with examine_clear(). settings, ports, feed and what they point to must outlive it.
 */
void message_file_feed(struct examination *examination, const struct settings *settings,
                       const struct environment *environment, struct span sid, const struct message_file *feed);

#endif
