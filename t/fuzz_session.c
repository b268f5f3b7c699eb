/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session: a session that is read holds nothing that a flag would not be allowed, survives being handed on, and can be
 * judged; one that is refused is refused in one line of printable ASCII that names its file. Input: the JSON object.
 */
#include "cmd/session.h"

#include "core/message_file.h"
#include "core/log_entry.h"
#include "engine.h"
#include "fuzz.h"

const char fuzz_name[] = "session";

static const char file[] = "s.json";

static void check_problem(const char problem[SESSION_PROBLEM_SIZE])
{
	must(memchr(problem, '\0', SESSION_PROBLEM_SIZE) && strncmp(problem, file, sizeof file - 1) == 0);
	must(problem[sizeof file - 1] == ':' && strlen(problem) > sizeof file + 1);
	for (; *problem; problem++)
		must(*problem >= ' ' && *problem <= '~');
}

/* Each value can be set again, and gives the same once more. */
static void check_values(const struct session *session)
{
	static struct session again;
	char problem[SESSION_PROBLEM_SIZE];
	must(session->recipients <= SESSION_RECIPIENTS_MAX);
	session_init(&again);
	for (unsigned i = 0; i < SESSION_KEYS; i++) {
		enum session_key key = (enum session_key)i;
		enum session_key found = SESSION_KEYS;
		must(session_key_by_name(span_of(session_key_name(key)), &found) && found == key);
		if (span_absent(session->values[key]))
			continue;
		must(session_set(&again, key, session->values[key], problem));
		must(span_equal(again.values[key], session->values[key]));
	}
	session_clear(&again);
}

static void check_override(const struct session *session)
{
	static struct session other;
	struct session_input input;
	struct session_input again;
	char problem[SESSION_PROBLEM_SIZE];
	session_init(&other);
	must(session_set(&other, SESSION_HELO, span_of("other.example"), problem)
	     && session_recipient(&other, span_of("smtp")));
	must(session_override(&other, session));
	session_input(session, &input);
	session_input(&other, &again);
	must(other.recipients == (session->recipients != 0 ? session->recipients : 1));
	must(input.mta == again.mta && (input.mta == MTA_POSTFIX || input.mta == MTA_SENDMAIL));
	must(input.client.family == again.client.family && span_equal(input.mail_from, again.mail_from));
	must(span_equal(again.helo, span_absent(input.helo) ? span_of("other.example") : input.helo));
	must(span_absent(input.mail_from) || input.mail_from.length != 0);
	session_clear(&other);
}

static const struct settings *one_settings(void)
{
	static struct settings *settings;
	if (!settings) {
		settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
		must(settings_complete(settings, unite_options));
	}
	return settings;
}

/* Whatever is told of the session, the message has its verdict, and an accepted one came over TLS. */
static void check_verdict(const struct session *session)
{
	static const struct span raw =
		SPAN_LITERAL("From: joe@example.com\nX-SFDC-LK: 00D8d000003TRx3\nDKIM-Signature: v=1\n\nx\n");
	struct examination examination = { 0 };
	struct test_evidence evidence = good_evidence();
	struct environment environment = test_environment(&evidence);
	struct message_file feed = { .mailers = session->mailers, .recipients = session->recipients, .raw = raw };
	struct log_entry entry;
	session_input(session, &feed.session);
	message_file_feed(&examination, one_settings(), &environment, span_of("1f"), &feed);
	must(examination.judgement.verdict == VERDICT_REJECT || examination.judgement.verdict == VERDICT_ACCEPT);
	if (examination.judgement.verdict == VERDICT_ACCEPT)
		must(span_equal(feed.session.tls_version, span_of("TLSv1.2"))
		     || span_equal(feed.session.tls_version, span_of("TLSv1.3")));
	log_entry_examination(&examination, &entry);
	must(entry.count < LOG_FIELDS_MAX);
	examine_clear(&examination);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session session; /* too large for the stack */
	char problem[SESSION_PROBLEM_SIZE];
	memset(problem, '?', sizeof problem);
	session_init(&session);
	if (session_read(&session, file, fuzz_span(data, size), problem)) {
		check_values(&session);
		check_override(&session);
		check_verdict(&session);
	} else {
		check_problem(problem);
	}
	session_clear(&session);
	return 0;
}
