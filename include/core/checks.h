/*
 * checks: the table of checks.
 *
 * A check is a pure function from the facts of one message and the parameters of one organization to a result. One
 * row here, one function in a file of its own, and the rows of its options in the option table make a check; nothing
 * else has to know it.
 *
 * known_at is the stage from which its facts are complete; before that its result is pending without asking it.
 * needs_body tells whether its evidence is drawn from the body. Until
 * the header is in, the checks of the session are asked with the union of all organizations' parameters, so each must
 * be monotone in them: wider parameters never give a worse result.
 */
#ifndef SFDC_CORE_CHECKS_H
#define SFDC_CORE_CHECKS_H

#include <stdbool.h>

#include "core/names.h"
#include "core/reason.h"
#include "core/span.h"

struct facts;
struct org;

/* X(enumerator, name, function, known at, needs body) in the order of the log line */
#define CHECKS(X) \
	X(CHECK_TLS, "tls", check_tls, STAGE_MAIL, false) \
	X(CHECK_CERT, "cert", check_cert, STAGE_MAIL, false) \
	X(CHECK_MESSAGE, "message", check_message, STAGE_HEADER, false) \
	X(CHECK_ORG, "org", check_org, STAGE_HEADER, false) \
	X(CHECK_FROM, "from", check_from, STAGE_HEADER, false) \
	X(CHECK_ENVELOPE, "envelope", check_envelope, STAGE_HEADER, false) \
	X(CHECK_VERP, "verp", check_verp, STAGE_HEADER, false) \
	X(CHECK_DKIM, "dkim", check_dkim, STAGE_HEADER, true) \
	X(CHECK_AUTH, "auth", check_auth, STAGE_MAIL, false) \
	X(CHECK_IP, "ip", check_ip, STAGE_MAIL, false) \
	X(CHECK_SPF, "spf", check_spf, STAGE_MAIL, false) \
	X(CHECK_DMARC, "dmarc", check_dmarc, STAGE_HEADER, true)

enum check_id {
#define X(enumerator, name, function, known_at, needs_body) enumerator,
	CHECKS(X)
#undef X
	CHECK_COUNT
};

/* One result. detail is what was seen, for people: a value the sender may have written, to be escaped where shown. */
struct result {
	enum result_code code;
	enum reason reason;
	struct span detail;
};

struct check_row {
	const char *name;
	enum stage known_at;
	bool needs_body;
	struct result (*judge)(const struct facts *facts, const struct org *org);
};

/* The row of a check. Static, never NULL. */
const struct check_row *check_row(enum check_id id);

const char *check_name(enum check_id id);
bool check_from_name(struct span name, enum check_id *id_r);

/* The check functions. facts and org are never NULL. */
#define X(enumerator, name, function, known_at, needs_body) struct result function(const struct facts *facts, const struct org *org);
CHECKS(X)
#undef X

static inline struct result result_make(enum result_code code, enum reason reason, struct span detail)
{
	struct result result = { code, reason, detail };
	return result;
}

#endif
