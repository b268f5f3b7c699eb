/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/explain_log.h"
#include "cmd/relayctl.h"
#include "cmd/salesforce_words.h"
#include "core/log_entry.h"

#define INDENT 10

enum { FLAG_JSON = 1 };

static const struct argument arguments[] = {
	{ FLAG_JSON, 0, "json", NULL,
	  "print one JSON object: input, known, explanations (each with source, line, meaning, look, command), retry" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "the text or message is known" },
	{ RELAYCTL_REJECT, "it is not known" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "the message is not known, and some file could not be read" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
};

static int explain_main(int argc, char **argv);

const struct subcommand explain_subcommand = {
	.command = {
		.name = "sfdc-relayctl explain",
		.synopsis = "[--json] \"LOG TEXT\"\n"
		            "[--json] SESSION|QUEUE-ID|MESSAGE-ID [FILE]...",
		.about = "Say what a line of Salesforce's Email Log means: one of Salesforce's own, a reply of a mail server, or one of this "
		         "milter; where to look, and which command shows it. Or tell one message from the relay's own log, by the "
		         "session that stands in its reply, its queue ID or its Message-ID: what was seen, what failed, and what "
		         "would have to change. " LOGS_FILES,
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl explain \"451 4.7.5 [internal] remote node SSL \\\n"
		           "      certificate not signed by a valid CA\"\n"
		           "  sfdc-relayctl explain 1f2e3d4c5b6a7988 /var/log/mail.log\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = explain_main,
};

static const struct command *const command = &explain_subcommand.command;

/* What is said of one line. */
struct explanation {
	const char *source; /* "salesforce", "relay", "milter", "status" */
	const char *line;
	const char *meaning;
	const char *look;
	const char *show; /* a command; NULL: none */
};

/* Of several reasons of this milter, or one row. */
struct explanations {
	size_t count;
	struct explanation rows[WORDS_REASONS_MAX];
	char line[WORDS_LINE_SIZE];
	char look[LOG_PRINTABLE_SIZE + 200];
};

static void explain_reasons(struct span text, const enum reason reasons[], size_t count, struct explanations *to)
{
	struct span session = words_session(text);
	char shown[LOG_PRINTABLE_SIZE];
	terminal_escape(session, shown, sizeof shown);
	if (span_absent(session))
		snprintf(to->look, sizeof to->look,
		         "the line of this message in the relay's own log, which names the value at fault");
	else
		snprintf(to->look, sizeof to->look,
		         "the line with sid=%s in the relay's own log, which names the value at fault", shown);
	for (size_t i = 0; i < count; i++)
		to->rows[to->count++] =
			(struct explanation) { "milter", reason_code(reasons[i]), reason_row(reasons[i])->sentence, to->look,
			                       "sfdc-relayctl check-message --explain MESSAGE" };
}

static void explain_text(struct span text, struct explanations *to)
{
	enum reason reasons[WORDS_REASONS_MAX];
	size_t count = words_reasons(text, reasons);
	enum words words = words_find(text);
	struct span enhanced = words_enhanced(text);
	/* X.7.20 to X.7.29: DKIM, SPF, DMARC (RFC 7372). */
	bool authentication = enhanced.length == 6 && span_equal(span_slice(enhanced, 1, 5), span_of(".7.2"));
	memset(to, 0, sizeof *to);
	if (count > 0) {
		explain_reasons(text, reasons, count, to);
	} else if (words != WORDS_NONE) {
		const struct words_row *row = words_row(words);
		to->rows[to->count++] =
			(struct explanation) { row->source == WORDS_OF_SALESFORCE ? "salesforce" : "relay",
			                       words_line(words, to->line), row->meaning, row->look, row->command };
	} else if (words_status(enhanced)) {
		snprintf(to->line, sizeof to->line, "%.*s", (int)enhanced.length, enhanced.at);
		to->rows[to->count++] =
			(struct explanation) { "status", to->line, words_status(enhanced),
			                       "the text is not known here: the log of the server whose reply it is",
			                       authentication ? "sfdc-relayctl check-domain DOMAIN" : NULL };
	}
}

/* What Salesforce does with a code of that class; NULL: the text has none. */
static const char *retry_name(unsigned code)
{
	return code == 0 ? "" : code < 500 ? "soft" : "hard";
}

static const char *retry_sentence(unsigned code)
{
	if (code == 0)
		return "it has no SMTP reply code, so whether Salesforce tries again is not told";
	if (code < 500)
		return "a soft bounce: Salesforce tries again for 24 hours, at first after 5, 10 and 20 minutes, then every hour";
	return "a hard bounce: Salesforce does not try again, and flags the contact or lead, who gets no mail until that is lifted";
}

static void row(const char *title, const char *text)
{
	fprintf(stdout, "%-*s", INDENT, title);
	terminal_fold(stdout, span_of(text), INDENT, INDENT);
}

static void print_plain(const struct explanations *explanations, unsigned code)
{
	static const struct {
		const char *source;
		const char *words;
	} sources[] = {
		{ "salesforce", "Salesforce's own mail server" },
		{ "relay", "a mail server, as your relay" },
		{ "milter", "this milter on your relay" },
		{ "status", "unknown; what the status code says" },
	};
	for (size_t i = 0; i < explanations->count; i++) {
		const struct explanation *one = &explanations->rows[i];
		terminal_put(stdout, SHADE_STRONG, span_of(one->line), 0);
		fputc('\n', stdout);
		for (size_t j = 0; j < sizeof sources / sizeof sources[0]; j++)
			if (strcmp(one->source, sources[j].source) == 0)
				row("  by", sources[j].words);
		row("  means", one->meaning);
		row("  look at", one->look);
		if (one->show)
			row("  run", one->show);
	}
	row("  then", retry_sentence(code));
}

static bool print_json(struct span text, const struct explanations *explanations, unsigned code)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < explanations->count; i++) {
		const struct explanation *one = &explanations->rows[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "source", one->source, "line", one->line,
		                                      "meaning", one->meaning, "look", one->look, "command",
		                                      one->show ? one->show : ""));
	}
	return relayctl_json_print(stdout,
	                           json_pack("{s:o, s:b, s:o, s:s}", "input", relayctl_json_whole(text), "known",
	                                     explanations->count > 0, "explanations", list, "retry", retry_name(code)));
}

static bool is_known(struct span text)
{
	struct explanations explanations;
	explain_text(text, &explanations);
	return explanations.count > 0;
}

static int explain_line(const char *line, bool json)
{
	struct span text = span_trim(span_of(line));
	struct explanations explanations;
	char shown[LOG_PRINTABLE_SIZE];
	char *unfolded = malloc(text.length + 1);

	if (!unfolded) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	struct span words = span_make(unfolded, words_unfold(text, unfolded));
	unsigned code = words_code(words);
	explain_text(words, &explanations);
	free(unfolded);
	if (json && !print_json(text, &explanations, code)) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	if (!json && explanations.count > 0)
		print_plain(&explanations, code);
	if (explanations.count > 0)
		return RELAYCTL_GOOD;
	terminal_escape(text, shown, sizeof shown);
	if (!json)
		relayctl_complain("nothing is known of \"%s\"; %s", shown, retry_sentence(code));
	return RELAYCTL_REJECT;
}

static int explain_main(int argc, char **argv)
{
	char problem[ARGUMENTS_PROBLEM_SIZE];
	bool json = false;
	for (int id; (id = arguments_next(command, argc, argv, problem)) != ARGUMENTS_END;) {
		if (id != FLAG_JSON)
			return relayctl_end(command, id, problem);
		json = true;
	}
	if (optind == argc || span_trim(span_of(argv[optind])).length == 0)
		return relayctl_usage(command, "no text is given");
	struct span text = span_of(argv[optind]);
	struct logs logs = { .files = argv + optind + 1, .count = argc - optind - 1, .since = -1, .until = -1 };
	if (logs.count != 0 && !explain_log_is_id(text))
		return relayctl_usage(command, "there is more than one text; put the whole line in quotes");
	if (logs.count != 0 || (explain_log_is_id(text) && !is_known(text)))
		return explain_log(text, &logs, json);
	return explain_line(argv[optind], json);
}
