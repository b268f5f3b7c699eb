/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vocabulary: the vocabulary shared by configuration, log, replies and tests, and the one table of its names.
 *
 * Every enumeration starts at a value that is safe when memory is merely zeroed: a zeroed result is pending, a zeroed
 * verdict is undecided; neither is ever an accept. xxx_name() returns a static string, "invalid" for a value outside
 * the table; xxx_by_name() compares exactly, returns false and sets nothing when the name is unknown. "unset" (mode)
 * and "unknown" (MTA) are shown but not read. All functions are pure and thread-safe.
 */
#ifndef SFDC_CORE_VOCABULARY_H
#define SFDC_CORE_VOCABULARY_H

#include <stdbool.h>

#include "core/span.h"

/* The result of one check. RESULT_SKIP: the check does not apply to this message. */
enum result_code {
	RESULT_PENDING,
	RESULT_PASS,
	RESULT_SKIP,
	RESULT_FAIL,
	RESULT_NONE,
	RESULT_PERMERROR,
	RESULT_TEMPERROR
};
#define RESULT_CODES 7

/* What is done with a message. */
enum verdict {
	VERDICT_UNDECIDED,
	VERDICT_ACCEPT,
	VERDICT_QUARANTINE,
	VERDICT_TEMPFAIL,
	VERDICT_REJECT,
	VERDICT_EXEMPT, /* the client is in exempt_clients: never judged */
	VERDICT_SKIP    /* out of scope: never judged */
};
#define VERDICTS 7

/* How far a message has come. A stage is reached when its facts are complete. */
enum stage {
	STAGE_CONNECT,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_HEADER, /* the whole header has been seen */
	STAGE_END     /* end of message: evidence may be waited for */
};
#define STAGES 5

enum mode { MODE_UNSET, MODE_MONITOR, MODE_DEFER, MODE_ENFORCE };
#define MODES 4

enum mta { MTA_UNKNOWN, MTA_POSTFIX, MTA_SENDMAIL };
#define MTAS 3

const char *result_name(enum result_code code);
bool result_by_name(struct span name, enum result_code *code_r);

const char *verdict_name(enum verdict verdict);
bool verdict_by_name(struct span name, enum verdict *verdict_r);

/* Whether the mail server does not take the message: VERDICT_REJECT or VERDICT_TEMPFAIL, or a value outside the enumeration. */
bool verdict_refuses(enum verdict verdict);

const char *stage_name(enum stage stage);

const char *mode_name(enum mode mode);
bool mode_by_name(struct span name, enum mode *mode_r);

const char *mta_name(enum mta mta);
bool mta_by_name(struct span name, enum mta *mta_r);

#endif
