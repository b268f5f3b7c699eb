/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/session_log.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/terminal.h"
#include "core/reason.h"
#include "history/entry.h"

#define WARNING_SIZE (ENTRY_UNKNOWN_NAMED * LOG_PRINTABLE_SIZE + 200)

/* What the certificate's check made of it shows whether the MTA had verified it. */
enum verified { VERIFIED_UNTOLD, VERIFIED_NO, VERIFIED_YES };

struct taking {
	struct session *session;
	const struct entry *entry;
	void (*warn)(const char *text);
	bool failed;
};

static bool names_reason(const struct entry *entry, enum reason reason)
{
	struct span reasons = entry_value(entry, LOG_KEY_REASONS);
	if (span_equal(entry_value(entry, LOG_KEY_REASON), span_of(reason_code(reason))))
		return true;
	for (size_t at = 0; at < reasons.length;) {
		size_t end = span_find(reasons, at, ',');
		if (span_equal(span_slice(reasons, at, end), span_of(reason_code(reason))))
			return true;
		at = end + 1;
	}
	return false;
}

/* Whether a check that rests on what the MTA offers came to that. */
static bool offer_came_to(const struct entry *entry, enum mta_offer offer, enum result_code code)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (check_at((enum check_id)i)->offer == offer && entry->results[i] == code)
			return true;
	return false;
}

static enum verified verified_of(const struct entry *entry)
{
	if (offer_came_to(entry, MTA_OFFERS_CERTIFICATE, RESULT_PASS) || names_reason(entry, REASON_CERT_NAME)
	    || names_reason(entry, REASON_CERT_ISSUER) || names_reason(entry, REASON_CERT_CLIENT_NAME))
		return VERIFIED_YES;
	return names_reason(entry, REASON_CERT_UNVERIFIED) ? VERIFIED_NO : VERIFIED_UNTOLD;
}

static void set(struct taking *taking, enum session_key key, struct span value)
{
	char problem[SESSION_PROBLEM_SIZE];
	if (!span_absent(value) && !session_set(taking->session, key, value, problem))
		taking->failed = true;
}

/* What was cut is not known; a name that is known in part could match where the whole one would not. */
static struct span whole(struct taking *taking, enum log_key key)
{
	char text[160];
	if (!entry_is_cut(taking->entry, key))
		return entry_value(taking->entry, key);
	snprintf(text, sizeof text, "the line holds only the first %d bytes of %s: it counts as not told", LOG_VALUE_MAX,
	         log_key_name(key));
	taking->warn(text);
	return span_make(NULL, 0);
}

/* Postfix tells of a verified one by its issuer, Sendmail by {verify}; Sendmail writes "+" as "+2B". */
static void take_certificate(struct taking *taking, enum mta mta)
{
	const struct entry *entry = taking->entry;
	struct span name = whole(taking, LOG_KEY_CERT);
	struct span issuer = whole(taking, LOG_KEY_CERT_ISSUER);
	enum verified verified = verified_of(entry);
	if (mta != MTA_SENDMAIL) {
		if (verified == VERIFIED_YES && span_absent(issuer))
			issuer = span_of("");
		set(taking, SESSION_CERT_SUBJECT, name);
		set(taking, SESSION_CERT_ISSUER, verified == VERIFIED_NO ? span_make(NULL, 0) : issuer);
		return;
	}
	char *encoded = span_absent(name) ? NULL : malloc(3 * name.length + 1);
	size_t length = 0;
	for (size_t i = 0; encoded && i < name.length; i++) {
		encoded[length++] = name.at[i];
		if (name.at[i] == '+') {
			encoded[length++] = '2';
			encoded[length++] = 'B';
		}
	}
	taking->failed = taking->failed || (!encoded && !span_absent(name));
	set(taking, SESSION_CN_SUBJECT, span_make(encoded, encoded ? length : 0));
	set(taking, SESSION_CERT_ISSUER, issuer);
	if (verified != VERIFIED_UNTOLD)
		set(taking, SESSION_CERT_VERIFY, span_of(verified == VERIFIED_YES ? "OK" : "FAIL"));
	else if (!span_absent(name) || !span_absent(issuer))
		taking->warn(
			"the line does not tell whether Sendmail verified the certificate: it counts as not verified; give "
			"--cert-verify");
	free(encoded);
}

static void take_values(struct taking *taking)
{
	static const struct {
		enum log_key from;
		enum session_key to;
	} rows[] = {
		{ LOG_KEY_CLIENT, SESSION_CLIENT_IP }, { LOG_KEY_CLIENT_NAME, SESSION_CLIENT_NAME },
		{ LOG_KEY_HELO, SESSION_HELO },        { LOG_KEY_TLS, SESSION_TLS_VERSION },
		{ LOG_KEY_CIPHER, SESSION_CIPHER },    { LOG_KEY_BITS, SESSION_CIPHER_BITS },
		{ LOG_KEY_AUTH, SESSION_AUTH_AUTHEN }, { LOG_KEY_FROM, SESSION_MAIL_FROM },
		{ LOG_KEY_QID, SESSION_QUEUE_ID },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		set(taking, rows[i].to, whole(taking, rows[i].from));
}

static void take_recipients(struct taking *taking)
{
	long long count = taking->entry->numbers[LOG_KEY_RCPTS];
	if (count > SESSION_RECIPIENTS_MAX)
		taking->warn("the line counts more recipients than are looked at here");
	for (long long i = 0; i < count && i < SESSION_RECIPIENTS_MAX; i++)
		taking->failed = !session_recipient(taking->session, span_make(NULL, 0)) || taking->failed;
}

static void warn_unknown(const struct taking *taking)
{
	const struct entry *entry = taking->entry;
	char text[WARNING_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	size_t length = 0;
	if (entry->unknown == 0)
		return;
	length += (size_t)snprintf(text, sizeof text, "keys that are not known here, and were passed over:");
	for (size_t i = 0; i < entry->unknown && i < ENTRY_UNKNOWN_NAMED; i++) {
		terminal_escape(entry->unknown_names[i], shown, sizeof shown);
		length += (size_t)snprintf(text + length, sizeof text - length, "%s %s", i != 0 ? "," : "", shown);
	}
	if (entry->unknown > ENTRY_UNKNOWN_NAMED)
		snprintf(text + length, sizeof text - length, ", and %u more", entry->unknown - ENTRY_UNKNOWN_NAMED);
	taking->warn(text);
}

/* What no line tells, where this one shows that it decided. */
static void warn_untold(const struct taking *taking)
{
	const struct entry *entry = taking->entry;
	bool used = !span_absent(entry_value(entry, LOG_KEY_AUTH));
	if (used && (offer_came_to(entry, MTA_OFFERS_AUTH, RESULT_NONE) || names_reason(entry, REASON_AUTH_MECHANISM)))
		taking->warn("the mechanism of AUTH, which the line does not tell, was not accepted then; give --auth-type");
	if (names_reason(entry, REASON_CERT_CLIENT_NAME))
		taking->warn("the line does not tell whether the client's name was confirmed: it counts as confirmed; give "
		             "--client-name \"\" if it was not");
}

static void take(struct taking *taking, enum mta mta)
{
	warn_unknown(taking);
	take_values(taking);
	take_certificate(taking, mta);
	take_recipients(taking);
	warn_untold(taking);
}

bool session_take_log(struct session *session, enum mta mta, struct span line, void (*warn)(const char *text),
                      char problem_r[SESSION_PROBLEM_SIZE])
{
	struct entry_reader *reader = entry_reader_new();
	struct entry *entry = calloc(1, sizeof *entry);
	struct taking taking = { session, entry, warn, false };
	const char *problem = NULL;

	if (!reader || !entry) {
		problem = "out of memory";
	} else {
		switch (entry_read(reader, span_trim(line), entry)) {
		case ENTRY_FOREIGN:
			problem = "it is no line of the log of sfdc-milter";
			break;
		case ENTRY_MALFORMED:
			problem = "it is not as sfdc-milter writes a line: changed, cut, or not all of it";
			break;
		case ENTRY_OK:
			if (entry->event != ENTRY_VERDICT && entry->event != ENTRY_ABORT)
				problem = "it is no line of a message (ev=verdict or ev=abort), so there is no session in it";
			else
				take(&taking, mta);
			if (!problem && !entry_is_whole(reader))
				warn("the line ends before its last key: what is not in it counts as not told");
			break;
		}
	}
	if (taking.failed)
		problem = "out of memory";
	if (problem)
		snprintf(problem_r, SESSION_PROBLEM_SIZE, "%s", problem);
	free(entry);
	entry_reader_free(reader);
	return problem == NULL;
}
