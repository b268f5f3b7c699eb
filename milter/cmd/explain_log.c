/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/explain_log.h"

#include <stdlib.h>

#include "cmd/relayctl.h"
#include "core/reason.h"

#define ATTEMPTS_MAX 20
#define LABEL 12

/* One line of a message, for the list of attempts. */
struct attempt {
	long long time;
	enum entry_event event;
	enum verdict verdict;
	enum reason reason;
	char sid[24];
};

struct search {
	struct span id; /* without angle brackets */
	unsigned long long count;
	struct attempt attempts[ATTEMPTS_MAX]; /* the last ones */
	struct entry last;                     /* its values are in texts */
	char texts[LOG_KEY_COUNT * (LOG_VALUE_MAX + 1)];
};

static struct span bare(struct span id)
{
	if (id.length > 2 && id.at[0] == '<' && id.at[id.length - 1] == '>')
		return span_slice(id, 1, id.length - 1);
	return id;
}

bool explain_log_is_id(struct span text)
{
	bool digit = false;
	if (text.length < 6 || text.length > LOG_VALUE_MAX)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] <= ' ' || text.at[i] > 0x7e)
			return false;
		digit = digit || ascii_digit(text.at[i]);
	}
	if (span_find(text, 0, '@') != text.length)
		return true;
	for (size_t i = 0; i < text.length; i++)
		if (!ascii_alnum(text.at[i]))
			return false;
	return digit;
}

static bool matches(const struct search *search, const struct entry *entry)
{
	return span_equal(entry_value(entry, LOG_KEY_SID), search->id)
	       || span_equal(entry_value(entry, LOG_KEY_QID), search->id)
	       || span_equal(bare(entry_value(entry, LOG_KEY_MSGID)), search->id);
}

/* A copy that outlives the line. */
static void keep(struct search *search, const struct entry *entry)
{
	char *to = search->texts;
	search->last = *entry;
	for (unsigned i = 0; i < LOG_KEY_COUNT; i++) {
		struct span value = entry->values[i];
		if (span_absent(value))
			continue;
		memcpy(to, value.at, value.length);
		search->last.values[i] = span_make(to, value.length);
		to += value.length;
		*to++ = '\0';
	}
}

static bool take(void *context, const struct entry *entry)
{
	struct search *search = context;
	if ((entry->event != ENTRY_VERDICT && entry->event != ENTRY_ABORT) || !matches(search, entry))
		return true;
	if (search->count >= ATTEMPTS_MAX)
		memmove(search->attempts, search->attempts + 1, sizeof search->attempts - sizeof search->attempts[0]);
	struct attempt *attempt = &search->attempts[search->count < ATTEMPTS_MAX ? search->count : ATTEMPTS_MAX - 1];
	*attempt = (struct attempt) { .time = entry->time, .event = entry->event, .verdict = entry->verdict };
	reason_from_code(entry_value(entry, LOG_KEY_REASON), &attempt->reason);
	struct span sid = entry_value(entry, LOG_KEY_SID);
	log_entry_printable(span_slice(sid, 0, sizeof attempt->sid - 8), attempt->sid, sizeof attempt->sid);
	search->count++;
	if (search->count == 1 || entry->time < 0 || entry->time >= search->last.time)
		keep(search, entry);
	return true;
}

/* --- words --- */

static void row(const char *label, const char *text)
{
	printf("  %-*s", LABEL - 2, label);
	terminal_fold(stdout, span_of(text), LABEL, LABEL);
}

/* "LABEL VALUE (MORE)" where there is a value. */
static void value_row(const char *label, const struct entry *entry, enum log_key key, enum log_key more)
{
	struct span value = entry_value(entry, key);
	if (value.length == 0)
		return;
	printf("  %-*s", LABEL - 2, label);
	terminal_printable(stdout, value);
	if (more != key && entry_value(entry, more).length != 0) {
		fputs(" (", stdout);
		terminal_printable(stdout, entry_value(entry, more));
		putchar(')');
	}
	putchar('\n');
}

/* The checks of a list such as why=, in its order. */
static size_t read_checks(struct span list, enum check_id checks_r[CHECK_COUNT])
{
	size_t count = 0;
	for (size_t from = 0; from < list.length && count < CHECK_COUNT;) {
		size_t to = span_find(list, from, ',');
		if (check_by_name(span_slice(list, from, to), &checks_r[count]))
			count++;
		from = to + 1;
	}
	return count;
}

/* The reason of check number i of why=. */
static enum reason reason_of(const struct entry *entry, size_t number)
{
	struct span list = entry_value(entry, LOG_KEY_REASONS);
	enum reason reason = REASON_NONE;
	size_t from = 0;
	if (list.length == 0)
		list = number == 0 ? entry_value(entry, LOG_KEY_REASON) : span_make(NULL, 0);
	for (size_t i = 0; i < number && from < list.length; i++)
		from = span_find(list, from, ',') + 1;
	if (from < list.length)
		reason_from_code(span_slice(list, from, span_find(list, from, ',')), &reason);
	return reason;
}

static const char *outcome(const struct entry *entry)
{
	switch (entry->verdict) {
	case VERDICT_ACCEPT:
		return entry->would == VERDICT_ACCEPT ? "it was accepted" : "it was accepted, since the mode is monitor";
	case VERDICT_QUARANTINE:
		return "it was accepted and held in the mail server's quarantine";
	case VERDICT_TEMPFAIL:
		return "it was deferred: Salesforce tries again for 24 hours";
	case VERDICT_REJECT:
		return "it was refused for good: Salesforce does not try again, and flags the contact or lead";
	case VERDICT_EXEMPT:
		return "it was not judged: the client is exempt";
	case VERDICT_SKIP:
		return "it was not judged: it is out of scope";
	case VERDICT_UNDECIDED:
		return entry->event == ENTRY_ABORT ? "it ended by others' doing, before a verdict"
		                                   : "its verdict is not known here";
	}
	return "";
}

static void print_seen(const struct entry *entry)
{
	value_row("client", entry, LOG_KEY_CLIENT, LOG_KEY_CLIENT_NAME);
	value_row("helo", entry, LOG_KEY_HELO, LOG_KEY_HELO);
	if (entry_value(entry, LOG_KEY_TLS).length != 0)
		value_row("TLS", entry, LOG_KEY_TLS, LOG_KEY_CIPHER);
	else
		row("TLS", "none: the message came in clear");
	value_row("cert", entry, LOG_KEY_CERT, LOG_KEY_CERT_ISSUER);
	value_row("AUTH", entry, LOG_KEY_AUTH, LOG_KEY_AUTH);
	value_row("envelope", entry, LOG_KEY_FROM, LOG_KEY_FROM);
	value_row("rcpt", entry, LOG_KEY_RCPT, LOG_KEY_RCPT);
	value_row("From:", entry, LOG_KEY_HFROM, LOG_KEY_HFROM);
	value_row("LK", entry, LOG_KEY_LK, LOG_KEY_ORG_NAME);
	value_row("DKIM", entry, LOG_KEY_DKIM_D, LOG_KEY_DKIM_S);
	value_row("ID", entry, LOG_KEY_MSGID, LOG_KEY_QID);
	value_row("sent by", entry, LOG_KEY_SF_USER, LOG_KEY_SF_CATEGORY);
}

static void print_results(const struct entry *entry)
{
	static const enum result_code codes[] = { RESULT_PASS,      RESULT_SKIP,      RESULT_FAIL,   RESULT_NONE,
		                                      RESULT_PERMERROR, RESULT_TEMPERROR, RESULT_PENDING };
	for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++) {
		char names[256] = "";
		size_t at = 0;
		for (unsigned i = 0; i < CHECK_COUNT; i++)
			if (!span_absent(entry->values[LOG_KEY_RESULTS + i]) && entry->results[i] == codes[j])
				at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "",
				                       check_name((enum check_id)i));
		if (at != 0)
			row(result_name(codes[j]), names);
	}
}

static void print_failed(const struct entry *entry)
{
	enum check_id checks[CHECK_COUNT];
	size_t count = read_checks(entry_value(entry, LOG_KEY_WHY), checks);
	for (size_t i = 0; i < count; i++) {
		char text[512];
		enum reason reason = reason_of(entry, i);
		const struct remedy *remedy = check_at(checks[i])->remedies;
		snprintf(text, sizeof text, "%s (%s): %s", check_name(checks[i]),
		         reason == REASON_NONE ? result_name(entry->results[checks[i]]) : reason_code(reason),
		         reason == REASON_NONE ? check_at(checks[i])->asks : reason_row(reason)->sentence);
		printf("\n  %-*s", LABEL - 2, i == 0 ? "failed" : "and");
		terminal_fold(stdout, span_of(text), LABEL, LABEL);
		if (i == 0)
			value_row("value", entry, LOG_KEY_DETAIL, LOG_KEY_DETAIL);
		for (size_t j = 0; j < REMEDIES_MAX && remedy[j].where; j++) {
			snprintf(text, sizeof text, "in %s: %s", remedy[j].where, remedy[j].what);
			row(j == 0 ? "change" : "or", text);
		}
	}
	if (count == 0 && entry_value(entry, LOG_KEY_REASON).length != 0) {
		enum reason reason;
		value_row("reason", entry, LOG_KEY_REASON, LOG_KEY_REASON);
		if (reason_from_code(entry_value(entry, LOG_KEY_REASON), &reason))
			row("means", reason_row(reason)->sentence);
	}
}

static enum shade shade_of(const struct entry *entry)
{
	return entry->verdict == VERDICT_REJECT ? SHADE_BAD : entry->would == VERDICT_ACCEPT ? SHADE_GOOD : SHADE_DOUBT;
}

static void print_attempts(const struct search *search)
{
	char time_text[LOGS_TIME_SIZE];
	size_t shown = search->count < ATTEMPTS_MAX ? (size_t)search->count : ATTEMPTS_MAX;
	if (search->count < 2)
		return;
	printf("\n  %llu lines of this message:\n", search->count);
	for (size_t i = 0; i < shown; i++) {
		const struct attempt *attempt = &search->attempts[i];
		printf("    %s  %-10s %-16s %s\n", logs_show_time(attempt->time, time_text),
		       attempt->event == ENTRY_ABORT ? "abort" : verdict_name(attempt->verdict), attempt->sid,
		       reason_code(attempt->reason));
	}
}

static void print_plain(const struct search *search)
{
	const struct entry *entry = &search->last;
	char time_text[LOGS_TIME_SIZE];
	terminal_put(stdout, shade_of(entry), span_of(entry->event == ENTRY_ABORT ? "abort" : verdict_name(entry->verdict)),
	             0);
	if (entry->would != entry->verdict && entry->event == ENTRY_VERDICT)
		printf(" (would be %s)", verdict_name(entry->would));
	printf("  %s UTC, session ", logs_show_time(entry->time, time_text));
	terminal_printable(stdout, entry_value(entry, LOG_KEY_SID));
	putchar('\n');
	row("means", outcome(entry));
	value_row("mode", entry, LOG_KEY_MODE, LOG_KEY_MODE_BY);
	value_row("org", entry, LOG_KEY_ORG, LOG_KEY_ORG_NAME);
	value_row("reply", entry, LOG_KEY_REPLY, LOG_KEY_REPLY);
	print_seen(entry);
	print_results(entry);
	print_failed(entry);
	value_row("warned", entry, LOG_KEY_WARN, LOG_KEY_WARN);
	print_attempts(search);
}

/* --- JSON --- */

static json_t *seen_json(const struct entry *entry)
{
	json_t *object = json_object();
	for (unsigned i = 0; i < LOG_KEY_COUNT; i++) {
		enum log_key key = (enum log_key)i;
		if (log_key_is_number(key) && entry->numbers[i] >= 0)
			json_object_set_new(object, log_key_name(key), json_integer(entry->numbers[i]));
		else if (!log_key_is_number(key) && !span_absent(entry->values[i]))
			json_object_set_new(object, log_key_name(key), relayctl_json_shown(entry->values[i]));
	}
	return object;
}

static json_t *failed_json(const struct entry *entry)
{
	enum check_id checks[CHECK_COUNT];
	size_t count = read_checks(entry_value(entry, LOG_KEY_WHY), checks);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		enum reason reason = reason_of(entry, i);
		const struct remedy *remedy = check_at(checks[i])->remedies;
		json_t *change = json_array();
		for (size_t j = 0; j < REMEDIES_MAX && remedy[j].where; j++)
			json_array_append_new(change, json_pack("{s:s, s:s}", "where", remedy[j].where, "what", remedy[j].what));
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "check", check_name(checks[i]), "result",
		                                      result_name(entry->results[checks[i]]), "reason", reason_code(reason),
		                                      "meaning", reason_row(reason)->sentence, "change", change));
	}
	return list;
}

static bool print_json(const struct search *search)
{
	size_t shown = search->count < ATTEMPTS_MAX ? (size_t)search->count : ATTEMPTS_MAX;
	json_t *attempts = json_array();
	for (size_t i = 0; i < shown; i++) {
		const struct attempt *attempt = &search->attempts[i];
		json_array_append_new(attempts,
		                      json_pack("{s:I, s:s, s:s, s:s}", "time", (json_int_t)attempt->time, "verdict",
		                                attempt->event == ENTRY_ABORT ? "abort" : verdict_name(attempt->verdict), "sid",
		                                attempt->sid, "reason", reason_code(attempt->reason)));
	}
	return relayctl_json_print(stdout, json_pack("{s:o, s:b, s:I, s:I, s:s, s:o, s:o, s:o}", "input",
	                                             relayctl_json_shown(search->id), "known", true, "lines",
	                                             (json_int_t)search->count, "time", (json_int_t)search->last.time,
	                                             "outcome", outcome(&search->last), "seen", seen_json(&search->last),
	                                             "failed", failed_json(&search->last), "attempts", attempts));
}

static void complain_unknown(struct span id, bool json)
{
	char shown[LOG_PRINTABLE_SIZE];
	terminal_escape(id, shown, sizeof shown);
	if (json)
		relayctl_json_print(stdout, json_pack("{s:o, s:b}", "input", relayctl_json_shown(id), "known", false));
	else
		relayctl_complain(
			"no line of the log has the session, queue or Message-ID \"%s\"; name the files of the log that "
			"are of its time",
			shown);
}

int explain_log(struct span id, const struct logs *logs, bool json)
{
	struct logs_summary summary;
	struct search *search = calloc(1, sizeof *search);
	if (!search) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	search->id = bare(id);
	int code = logs_read(logs, take, search, &summary);
	if (code != RELAYCTL_TEMPFAIL && search->count == 0) {
		complain_unknown(id, json);
		code = code == RELAYCTL_GOOD ? RELAYCTL_REJECT : code;
	} else if (code != RELAYCTL_TEMPFAIL) {
		code = RELAYCTL_GOOD;
		if (!json)
			print_plain(search);
		else if (!print_json(search)) {
			relayctl_complain("out of memory");
			code = RELAYCTL_TEMPFAIL;
		}
	}
	free(search);
	return code;
}
