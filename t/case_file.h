/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * case_file: cases written as text, see t/README. Parsing is strict: a mistake in a file is a failed case, never a
 * case that tests nothing.
 */
#ifndef SFDC_TEST_CASE_FILE_H
#define SFDC_TEST_CASE_FILE_H

#include "cmd/session.h"
#include "core/arena.h"
#include "core/span.h"

enum case_section {
	CASE_CONFIG,
	CASE_CONFIG_MORE, /* "config+": appended to the configuration */
	CASE_SESSION,
	CASE_EVIDENCE,
	CASE_MESSAGE,
	CASE_FIELDS, /* changes to the header of the message */
	CASE_EXPECT,
	CASE_SECTIONS
};

struct case_text {
	struct span name; /* absent: what stands before the first case and serves them all */
	unsigned line;    /* of its title */
	struct span sections[CASE_SECTIONS];
};

/* The place of reading in a file. */
struct case_reader {
	struct span rest;
	unsigned line;
};

/* The next case, false at the end of the file. *problem_r: NULL, or what is wrong. */
bool case_next(struct case_reader *reader, struct case_text *case_r, const char **problem_r);

/* The next line of a section, without its end; comments ("# ...") and empty lines are left out. False at the end. */
bool case_line(struct span *rest, struct span *line_r);

/* Split "key: value"; both trimmed. False: there is no colon. */
bool case_pair(struct span line, struct span *key_r, struct span *value_r);

/* Configuration, session, message and evidence of a case, completed from the file's. NULL, or what is wrong. */
struct span case_config(const struct case_text *own, const struct case_text *common, struct arena *arena);
const char *case_session(const struct case_text *own, const struct case_text *common, struct session *session_r);
const char *case_message(const struct case_text *own, const struct case_text *common, struct arena *arena,
                         struct span *message_r);
struct span case_evidence_text(const struct case_text *own, const struct case_text *common);

/* Replace the escapes \\ \r \n \t \0 \xNN and \{COUNT:TEXT}. NULL, or what is wrong. */
const char *case_unescape(struct span text, struct arena *arena, struct span *bytes_r);

#endif
