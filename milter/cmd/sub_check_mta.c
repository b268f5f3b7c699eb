/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/inquiry.h"
#include "cmd/mta_findings.h"
#include "cmd/preflight.h"
#include "cmd/relayctl.h"
#include "core/log_entry.h"

#define SENDMAIL_FOLDER "/etc/mail"
/* For all that is read of the mail server, and found. */
#define MEMORY_MAX ((size_t)256 << 20)

enum { FLAG_CONFIG = 1, FLAG_FOLDER, FLAG_JSON };

static const struct argument arguments[] = {
	{ FLAG_CONFIG, 'c', NULL, "FILE", RELAYCTL_CONFIG_HELP },
	{ FLAG_FOLDER, 0, "config-dir", "DIR",
	  "the mail server's configuration folder; without it Postfix's own, or " SENDMAIL_FOLDER },
	{ FLAG_JSON, 0, "json", NULL,
	  "print one JSON object on a line: findings, each with level, id, text, command and what it is about" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "nothing is wrong" },
	{ RELAYCTL_REJECT, "there is a hole: a line begins with FIX" },
	{ RELAYCTL_QUARANTINE, "there is advice, and no hole" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "the mail server's configuration cannot be read" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "the milter's configuration has an error" },
};

static int check_mta(int argc, char **argv);

const struct subcommand check_mta_subcommand = {
	.command = {
		.name = "sfdc-relayctl check-mta",
		.synopsis = "[-c FILE] [postfix|sendmail] [--config-dir DIR]\n[--json]",
		.about = "Read the mail server's real configuration and tell what is right in it, and what an attacker or an accident could "
		         "do, with the command that mends it. Nothing is changed. Run it as root: the milter's socket is tried as the mail "
		         "server's user.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl check-mta postfix\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = check_mta,
};

struct request {
	const char *config;
	const char *folder; /* NULL: the usual one */
	enum mta mta;
	bool json;
};

/* What the diagnostics are about, each once, in their order; those about the whole server come last. */
static void print_plain(const struct preflight *found, const struct request *request)
{
	char about[LOG_PRINTABLE_SIZE];
	bool postfix = false;
	for (const struct diagnostic *finding = found->first, *earlier; finding; finding = finding->next) {
		postfix = postfix || (request->mta == MTA_POSTFIX && !span_absent(finding->command));
		for (earlier = found->first; earlier != finding && !span_equal(earlier->about, finding->about);)
			earlier = earlier->next;
		if (earlier != finding || span_absent(finding->about))
			continue;
		terminal_put(stdout, SHADE_STRONG, finding->about, 0);
		putchar('\n');
		snprintf(about, sizeof about, "%.*s", (int)finding->about.length, finding->about.at);
		preflight_print(stdout, found, about);
		putchar('\n');
	}
	terminal_put(stdout, SHADE_STRONG, span_of("The whole server"), 0);
	putchar('\n');
	preflight_print(stdout, found, NULL);
	if (postfix && request->folder && preflight_value_safe(span_of(request->folder)))
		printf("\nAfter the commands: postfix -c %s reload\n", request->folder);
	else if (postfix)
		printf("\nAfter the commands: postfix reload\n");
}

static bool look_at_postfix(const struct request *request, const struct expectations *expect,
                            const struct machine_questions *machine, struct preflight *found)
{
	char problem[INQUIRY_PROBLEM_SIZE];
	struct postfix_output output;
	struct postfix_setup setup;
	if (!inquiry_postconf(request->folder, &found->arena, &output, problem)) {
		relayctl_complain("%s", problem);
		return false;
	}
	if (postfix_read(&output, request->folder, &found->arena, &setup))
		postfix_findings(found, &setup, expect, machine);
	return true;
}

static bool look_at_sendmail(const struct request *request, const struct expectations *expect,
                             const struct machine_questions *machine, struct preflight *found)
{
	struct span path =
		arena_printf(&found->arena, "%s/sendmail.cf", request->folder ? request->folder : SENDMAIL_FOLDER);
	char problem[INQUIRY_PROBLEM_SIZE];
	struct span text;
	struct sendmail_setup setup;
	if (span_absent(path))
		return true;
	if (!inquiry_file(path.at, &found->arena, &text, problem)) {
		relayctl_complain_of(path.at, problem);
		return false;
	}
	sendmail_read(text, &setup);
	if (!arena_failed(&found->arena))
		sendmail_findings(found, &setup, expect, machine);
	return true;
}

static int report(const struct preflight *found, const struct request *request)
{
	bool good = !preflight_failed(found);
	if (good && request->json)
		good = relayctl_json_print(stdout, json_pack("{s:s, s:o}", "mta", mta_name(request->mta), "findings",
		                                             preflight_json(found)));
	else if (good)
		print_plain(found, request);
	if (!good) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	switch (preflight_worst(found)) {
	case FINDING_OK:
		return RELAYCTL_GOOD;
	case FINDING_ADVICE:
		return RELAYCTL_QUARANTINE;
	case FINDING_FIX:
		return RELAYCTL_REJECT;
	}
	return RELAYCTL_REJECT;
}

static int look(const struct request *request, const struct settings *settings)
{
	struct expectations expect;
	struct machine_questions machine;
	struct inquiry_tables tables;
	struct preflight found;
	preflight_init(&found);
	found.arena.limit = MEMORY_MAX;
	expectations_of(request->config, settings, &expect);
	inquiry_machine(&found.arena, &tables, &machine);
	bool read = request->mta == MTA_SENDMAIL ? look_at_sendmail(request, &expect, &machine, &found)
	                                         : look_at_postfix(request, &expect, &machine, &found);
	int code = read ? report(&found, request) : RELAYCTL_INPUT;
	preflight_clear(&found);
	return code;
}

/* The MTA that was named, else the one that is here. */
static bool choose_mta(struct request *request)
{
	if (request->mta == MTA_UNKNOWN && access(INQUIRY_POSTCONF, X_OK) == 0)
		request->mta = MTA_POSTFIX;
	else if (request->mta == MTA_UNKNOWN && access(SENDMAIL_FOLDER "/sendmail.cf", F_OK) == 0)
		request->mta = MTA_SENDMAIL;
	return request->mta != MTA_UNKNOWN;
}

static int check(struct request *request)
{
	struct problems problems;
	if (!choose_mta(request)) {
		relayctl_complain("there is neither " INQUIRY_POSTCONF " nor " SENDMAIL_FOLDER
		                  "/sendmail.cf; name the mail server and its "
		                  "--config-dir");
		return RELAYCTL_INPUT;
	}
	struct settings *settings = relayctl_load(request->config, &problems);
	relayctl_print_problems(request->config, &problems, false);
	int code = settings && problems.errors == 0 && !problems.no_memory ? look(request, settings) : RELAYCTL_CONFIG;
	problems_clear(&problems);
	settings_free(settings);
	return code;
}

static int check_mta(int argc, char **argv)
{
	const struct command *command = &check_mta_subcommand.command;
	struct request request = { .config = RELAYCTL_CONFIG_FILE };
	char wrong[ARGUMENTS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];

	for (int id; (id = arguments_next(command, argc, argv, wrong)) != ARGUMENTS_END;) {
		if (id == FLAG_CONFIG)
			request.config = optarg;
		else if (id == FLAG_FOLDER)
			request.folder = optarg;
		else if (id == FLAG_JSON)
			request.json = true;
		else
			return relayctl_end(command, id, wrong);
	}
	for (int i = optind; i < argc; i++)
		if (i != optind || !mta_by_name(span_of(argv[i]), &request.mta) || request.mta == MTA_UNKNOWN) {
			terminal_escape(span_of(argv[i]), shown, sizeof shown);
			return relayctl_usage(command, i != optind ? "%s is too much" : "\"%s\" is neither postfix nor sendmail",
			                      shown);
		}
	return check(&request);
}
