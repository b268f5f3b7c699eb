/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/examine_files.h"
#include "cmd/relayctl.h"
#include "cmd/session.h"
#include "cmd/session_log.h"
#include "core/log_entry.h"
#include "evidence/environment.h"

struct request {
	const char *config;
	const char *session_file;
	const char *log_line;
	bool json;
	bool explain;
	bool trace;
	bool trace_hops;
	struct session session;
};

/* Those of the session come first, each the number of its key and one. */
enum flag {
	FLAG_RCPT = SESSION_KEYS + 1,
	FLAG_SESSION,
	FLAG_FROM_LOG,
	FLAG_CONFIG,
	FLAG_JSON,
	FLAG_EXPLAIN,
	FLAG_TRACE,
	FLAG_TRACE_HOPS
};
#define SESSION_FLAG(key) ((int)(key) + 1)

static const struct argument arguments[] = {
	{ FLAG_CONFIG, 'c', NULL, "FILE", RELAYCTL_CONFIG_HELP },
	{ FLAG_SESSION, 0, "session", "FILE.json",
	  "the session as a JSON object, with the names below, _ for -; options override it" },
	{ FLAG_FROM_LOG, 0, "from-log", "LINE",
	  "the session of a message that was judged before, as its line in the daemon's log tells it; options override it" },
	{ SESSION_FLAG(SESSION_MTA), 0, "mta", "MTA",
	  "postfix (the default) or sendmail: whose macros the following values are" },
	{ SESSION_FLAG(SESSION_CLIENT_IP), 0, "client-ip", "ADDRESS", "the client's address" },
	{ SESSION_FLAG(SESSION_CLIENT_NAME), 0, "client-name", "NAME", "the client's DNS name, as the MTA confirmed it" },
	{ SESSION_FLAG(SESSION_HELO), 0, "helo", "NAME", "the argument of EHLO" },
	{ SESSION_FLAG(SESSION_MAIL_FROM), 0, "mail-from", "ADDRESS",
	  "the argument of MAIL FROM; \"\" or <> is the null sender" },
	{ FLAG_RCPT, 0, "rcpt", "ADDRESS[=MAILER]",
	  "a recipient, and the MTA's mailer for it, such as smtp or local; may be repeated" },
	{ SESSION_FLAG(SESSION_TLS_VERSION), 0, "tls-version", "VERSION",
	  "such as 1.3 or TLSv1.3; without it the session is in clear" },
	{ SESSION_FLAG(SESSION_CIPHER), 0, "cipher", "NAME", "the TLS cipher" },
	{ SESSION_FLAG(SESSION_CIPHER_BITS), 0, "cipher-bits", "BITS", "its strength, such as 256" },
	{ SESSION_FLAG(SESSION_CERT_SUBJECT), 0, "cert-subject", "NAME",
	  "of the client certificate, Postfix: its common name; Sendmail: its distinguished name" },
	{ SESSION_FLAG(SESSION_CN_SUBJECT), 0, "cn-subject", "NAME",
	  "Sendmail: the common name of the client certificate" },
	{ SESSION_FLAG(SESSION_CERT_ISSUER), 0, "cert-issuer", "NAME",
	  "its issuer; under Postfix this says that it was verified" },
	{ SESSION_FLAG(SESSION_CERT_VERIFY), 0, "cert-verify", "WORD", "Sendmail: OK says that it was verified" },
	{ SESSION_FLAG(SESSION_AUTH_TYPE), 0, "auth-type", "MECHANISM", "of SMTP AUTH, such as PLAIN" },
	{ SESSION_FLAG(SESSION_AUTH_AUTHEN), 0, "auth-authen", "USER", "who authenticated, as auth= in the log has it" },
	{ FLAG_JSON, 0, "json", NULL, "print one JSON object on a line for each message" },
	{ FLAG_EXPLAIN, 0, "explain", NULL,
	  "look at all checks, also at those that cannot matter, and explain each and every sentence" },
	{ FLAG_TRACE, 0, "trace", NULL, "print the judgement after each step of the session" },
	{ FLAG_TRACE_HOPS, 0, "trace-hops", NULL,
	  "show the way the message says it came, which hops were in clear, and what of it is only claimed" },
};
_Static_assert(FLAG_TRACE_HOPS < ARGUMENTS_ID_END && sizeof arguments / sizeof arguments[0] <= ARGUMENTS_MAX,
               "room for the options");

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "every message would be accepted, or is exempt or out of scope" },
	{ RELAYCTL_REJECT, "a message would be rejected" },
	{ RELAYCTL_QUARANTINE, "a message would be quarantined" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "a message, session file or log line cannot be used" },
	{ RELAYCTL_TEMPFAIL, "a message would be deferred; or there is no memory, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "the configuration has an error" },
};

static int check_message_main(int argc, char **argv);

const struct subcommand check_message_subcommand = {
	.command = {
		.name = "sfdc-relayctl check-message",
		.synopsis = "[OPTION]... MESSAGE|MBOX|MAILDIR|-...",
		.about = "Judge messages as the milter would, and show what it would do: message files, mboxes, Maildirs, or standard "
		         "input for -. What is not told of the session counts as not there.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl check-message --client-ip 13.110.74.200 \\\n"
		           "      --tls-version 1.3 --cipher-bits 256 \\\n"
		           "      --mail-from info@example.com --explain message.eml\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = check_message_main,
};

static const struct command *const command = &check_message_subcommand.command;

/* One option. RELAYCTL_GOOD or the exit code. */
static int take_flag(struct request *request, struct session *flags, int id)
{
	char problem[SESSION_PROBLEM_SIZE];
	char name[ARGUMENTS_PROBLEM_SIZE];

	if (id == FLAG_CONFIG)
		request->config = optarg;
	else if (id == FLAG_SESSION)
		request->session_file = optarg;
	else if (id == FLAG_FROM_LOG)
		request->log_line = optarg;
	else if (id == FLAG_JSON)
		request->json = true;
	else if (id == FLAG_EXPLAIN)
		request->explain = true;
	else if (id == FLAG_TRACE)
		request->trace = true;
	else if (id == FLAG_TRACE_HOPS)
		request->trace_hops = true;
	else if (id == FLAG_RCPT && !session_recipient(flags, session_mailer(span_of(optarg))))
		return relayctl_usage(command, "--rcpt: more than %d recipients", SESSION_RECIPIENTS_MAX);
	else if (id <= SESSION_KEYS && !session_set(flags, (enum session_key)(id - 1), span_of(optarg), problem))
		return relayctl_usage(command, "%s: %s", arguments_name(command, id, name), problem);
	return RELAYCTL_GOOD;
}

/* Values that are taken, but tell nothing; named as they were given. */
static void warn_unknown(const struct request *request, const struct session *flags)
{
	static const struct {
		enum session_key key;
		const char *problem;
	} rows[] = {
		{ SESSION_CLIENT_IP, "is no IP address, so the client's address is not known" },
		{ SESSION_TLS_VERSION, "is no TLS version, so the session's is not known; write 1.2 or 1.3" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span value = request->session.values[rows[i].key];
		struct address address;
		char shown[LOG_PRINTABLE_SIZE];
		char file[LOG_PRINTABLE_SIZE];
		char name[ARGUMENTS_PROBLEM_SIZE];
		bool known =
			rows[i].key == SESSION_CLIENT_IP ? address_parse(value, &address) : tls_version_parse(value) != TLS_UNKNOWN;
		if (value.length == 0 || known)
			continue;
		terminal_escape(value, shown, sizeof shown);
		terminal_escape(span_of(request->session_file ? request->session_file : ""), file, sizeof file);
		if (span_absent(flags->values[rows[i].key]))
			snprintf(name, sizeof name, "%.120s: %s", file, session_key_name(rows[i].key));
		else
			arguments_name(command, SESSION_FLAG(rows[i].key), name);
		relayctl_complain("warning: %s: \"%s\" %s", name, shown, rows[i].problem);
	}
}

static void warn_of_line(const char *text)
{
	relayctl_complain("warning: --from-log: %s", text);
}

/* Whose line it is can be told by the flags or the file only. */
static int take_line(struct request *request, const struct session *flags)
{
	static struct session logged; /* too large for the stack */
	char problem[SESSION_PROBLEM_SIZE];
	struct span told = flags->values[SESSION_MTA];
	enum mta mta = MTA_POSTFIX;

	if (span_absent(told))
		told = request->session.values[SESSION_MTA];
	if (!span_absent(told))
		mta_by_name(told, &mta);
	session_init(&logged);
	int code = RELAYCTL_GOOD;
	if (!session_take_log(&logged, mta, span_of(request->log_line), warn_of_line, problem)) {
		relayctl_complain("--from-log: %s", problem);
		code = RELAYCTL_INPUT;
	} else if (!session_override(&request->session, &logged)) {
		relayctl_complain("out of memory");
		code = RELAYCTL_TEMPFAIL;
	}
	session_clear(&logged);
	return code;
}

/* The session: what the file says, overridden by the log's line, and that by the flags. */
static int take_session(struct request *request, const struct session *flags)
{
	char problem[SESSION_PROBLEM_SIZE];
	char unread[RELAYCTL_PROBLEM_SIZE];
	char file[LOG_PRINTABLE_SIZE];
	struct span content;

	if (request->session_file) {
		if (!relayctl_read(request->session_file, &content, unread)) {
			relayctl_complain_of(request->session_file, unread);
			return RELAYCTL_INPUT;
		}
		terminal_escape(span_of(request->session_file), file, sizeof file);
		bool good = session_read(&request->session, file, content, problem);
		free((void *)(uintptr_t)content.at);
		if (!good) {
			relayctl_complain("%s", problem);
			return RELAYCTL_INPUT;
		}
	}
	if (request->log_line) {
		int code = take_line(request, flags);
		if (code != RELAYCTL_GOOD)
			return code;
	}
	if (!session_override(&request->session, flags)) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	warn_unknown(request, flags);
	return RELAYCTL_GOOD;
}

/* True: *code_r is the exit code, and nothing is left to do. */
static bool parse(int argc, char **argv, struct request *request, int *code_r)
{
	static struct session flags; /* too large for the stack */
	char problem[ARGUMENTS_PROBLEM_SIZE];
	bool over = false;

	*code_r = RELAYCTL_GOOD;
	session_init(&flags);
	for (int id; !over && (id = arguments_next(command, argc, argv, problem)) != ARGUMENTS_END;) {
		over = id == ARGUMENTS_HELP || id == ARGUMENTS_WRONG;
		*code_r = over ? relayctl_end(command, id, problem) : take_flag(request, &flags, id);
		over = over || *code_r != RELAYCTL_GOOD;
	}
	if (!over && optind == argc)
		*code_r = relayctl_usage(command, "no message is given");
	else if (!over)
		*code_r = take_session(request, &flags);
	session_clear(&flags);
	return over || *code_r != RELAYCTL_GOOD;
}

static int check_all(const struct request *request, char **files)
{
	char error[EVIDENCE_ERROR_SIZE];
	struct environment environment;
	struct problems problems;
	struct settings *settings = relayctl_load(request->config, &problems);

	relayctl_print_problems(request->config, &problems, false);
	problems_clear(&problems);
	if (!settings)
		return RELAYCTL_CONFIG;
	if (!evidence_environment_init(&environment, settings, error)) {
		relayctl_complain("%s", error);
		settings_free(settings);
		return RELAYCTL_TEMPFAIL;
	}
	struct examine_files files_request = { .settings = settings,
		                                   .environment = &environment,
		                                   .session = &request->session,
		                                   .json = request->json,
		                                   .explain = request->explain,
		                                   .trace = request->trace,
		                                   .trace_hops = request->trace_hops };
	int code = examine_files(&files_request, files);
	evidence_environment_clear(&environment);
	settings_free(settings);
	return code;
}

static int check_message_main(int argc, char **argv)
{
	static struct request request; /* too large for the stack */
	int code;
	request.config = RELAYCTL_CONFIG_FILE;
	session_init(&request.session);
	if (!parse(argc, argv, &request, &code))
		code = check_all(&request, argv + optind);
	session_clear(&request.session);
	return code;
}
