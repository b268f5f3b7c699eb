/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cmd/relayctl.h"
#include "cmd/report_present.h"
#include "cmd/suggestion.h"

enum { FLAG_JSON = 1, OPTION_HTML, OPTION_SINCE, OPTION_UNTIL, FLAG_SUGGEST, OPTION_ORG };

static const struct argument arguments[] = {
	{ OPTION_SINCE, 0, "since", "T", LOGS_SINCE_HELP },
	{ OPTION_UNTIL, 0, "until", "T", LOGS_UNTIL_HELP },
	{ OPTION_HTML, 0, "html", "OUT",
	  "write one self-contained page for browsers to this file, or - for standard output" },
	{ FLAG_SUGGEST, 0, "suggest", NULL,
	  "instead of the report print an organization's section of the configuration, learnt from its mail; needs --org" },
	{ OPTION_ORG, 0, "org", "ID", "the organization that --suggest is for; its ID is never learnt" },
	{ FLAG_JSON, 0, "json", NULL, "print one JSON object" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "all was read" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "some file could not be read, or not to its end; the report is of the rest" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
};

static int report_main(int argc, char **argv);

const struct subcommand report_subcommand = {
	.command = {
		.name = "sfdc-relayctl report",
		.synopsis = "[--since T] [--until T] [--html OUT | --json]\n[FILE]...\n"
		            "--suggest --org ID [--json] [FILE]...",
		.about = "Sum up logs of the milter: what became of the mail and why, by organization, check, reason, network and "
		         "certificate; how much came over TLS; who sent it; what is new; what waits. " LOGS_FILES,
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl report --since 7d --html week.html\n"
		           "  sfdc-relayctl report /var/log/mail.log.1.gz /var/log/mail.log\n"
		           "  sfdc-relayctl report --suggest --org 00D8d000003TRx3EAG /var/log/mail.log\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = report_main,
};

static const struct command *const command = &report_subcommand.command;

static bool take(void *context, const struct entry *entry)
{
	return report_add(context, entry);
}

/* Into a file that is whole or not there. */
static bool write_page(const char *path, const struct report_view *view)
{
	if (strcmp(path, "-") == 0)
		return report_html(stdout, view);
	FILE *out = fopen(path, "w");
	bool good = out && report_html(out, view);
	int error = errno;
	if (out && fclose(out) != 0) {
		good = false;
		error = errno;
	}
	if (!good)
		relayctl_complain_of(path, strerror(error));
	return good;
}

static int print(struct report *report, const struct logs *logs, const struct logs_summary *summary, const char *html,
                 bool json)
{
	struct report_view view = { .report = report, .summary = summary };
	view.now = logs->until >= 0 ? logs->until : (long long)time(NULL);
	view.waiting = waiting_list(report->waiting, &view.waiting_count);
	report_finish(report);
	bool good = true;
	if (html)
		good = write_page(html, &view);
	if (json && !report_json(stdout, &view)) {
		relayctl_complain("out of memory");
		good = false;
	}
	if (!json && !html)
		report_text(stdout, &view);
	return good ? RELAYCTL_GOOD : RELAYCTL_TEMPFAIL;
}

static int report(const struct logs *logs, const char *html, bool json)
{
	struct logs_summary summary;
	struct report *sums = report_new();
	if (!sums) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	int code = logs_read(logs, take, sums, &summary);
	if (!summary.no_memory) {
		int printed = print(sums, logs, &summary, html, json);
		code = printed != RELAYCTL_GOOD ? printed : code;
	}
	report_free(sums);
	return code;
}

static int report_main(int argc, char **argv)
{
	char problem[ARGUMENTS_PROBLEM_SIZE];
	struct logs logs = { .since = -1, .until = -1 };
	const char *html = NULL;
	const char *org = NULL;
	bool json = false;
	bool suggest = false;
	for (int id; (id = arguments_next(command, argc, argv, problem)) != ARGUMENTS_END;) {
		switch (id) {
		case FLAG_JSON:
			json = true;
			break;
		case OPTION_HTML:
			html = optarg;
			break;
		case FLAG_SUGGEST:
			suggest = true;
			break;
		case OPTION_ORG:
			org = optarg;
			break;
		case OPTION_SINCE:
		case OPTION_UNTIL:
			if (logs_take_time(command, &logs, id == OPTION_SINCE) != RELAYCTL_GOOD)
				return RELAYCTL_USAGE;
			break;
		default:
			return relayctl_end(command, id, problem);
		}
	}
	logs.files = argv + optind;
	logs.count = argc - optind;
	if (suggest && html)
		return relayctl_usage(command, "--suggest prints a section of the configuration, no page; leave --html out");
	if (suggest != (org != NULL))
		return relayctl_usage(command, "--suggest and --org belong together: the ID is never learnt from a log");
	return suggest ? suggestion_print(command, &logs, org, json) : report(&logs, html, json);
}
