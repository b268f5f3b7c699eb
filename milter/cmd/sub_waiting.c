/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <time.h>
#include <unistd.h>

#include "cmd/relayctl.h"
#include "cmd/report_present.h"
#include "core/reason.h"

enum { FLAG_JSON = 1, OPTION_SINCE, OPTION_UNTIL };

static const struct argument arguments[] = {
	{ OPTION_SINCE, 0, "since", "T", LOGS_SINCE_HELP },
	{ OPTION_UNTIL, 0, "until", "T", LOGS_UNTIL_HELP "; the hours left are counted from there" },
	{ FLAG_JSON, 0, "json", NULL,
	  "print a JSON array: msgid, org, org_name, from, rcpt, reason, sid, first, last, attempts, hours_left" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "all was read, whether or not anything waits" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "some file could not be read, or not to its end; the list is of the rest" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
};

static int waiting_main(int argc, char **argv);

const struct subcommand waiting_subcommand = {
	.command = {
		.name = "sfdc-relayctl waiting",
		.synopsis = "[--since T] [--until T] [--json] [FILE]...",
		.about = "List the messages that were deferred and have neither been accepted nor refused since, the oldest first, with what to mend and the "
		         "hours that are left until Salesforce gives up. " LOGS_FILES,
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl waiting --since 2d\n"
		           "  sfdc-relayctl waiting --json /var/log/mail.log.1 /var/log/mail.log\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = waiting_main,
};

static const struct command *const command = &waiting_subcommand.command;

static void put(const char *label, struct span text)
{
	if (text.length == 0)
		return;
	printf("  %-8s ", label);
	terminal_printable(stdout, text);
	putchar('\n');
}

static void print_one(const struct waiting_message *one, long long now)
{
	char time_text[LOGS_TIME_SIZE];
	long long left = waiting_hours_left(one, now);
	enum reason reason;
	if (one->first >= 0 && left == 0 && now - one->first >= WAITING_SECONDS)
		terminal_put(stdout, SHADE_BAD, span_of("given up"), 0);
	else
		printf("%lld hours left", left);
	printf(", %lld attempts since %s UTC\n", one->attempts, logs_show_time(one->first, time_text));
	put("message", one->msgid);
	put("org", one->org_name.length != 0 ? one->org_name : one->org);
	put("from", one->from);
	put("rcpt", one->rcpt);
	put("session", one->sid);
	put("reason", one->reason);
	if (reason_from_code(one->reason, &reason)) {
		fputs("  mend     ", stdout);
		terminal_fold(stdout, span_of(reason_row(reason)->sentence), 11, 11);
	}
	putchar('\n');
}

static void print_plain(const struct waiting_message *messages, size_t count, long long untold, long long now)
{
	for (size_t i = 0; i < count; i++)
		print_one(&messages[i], now);
	if (untold != 0)
		printf("%lld more were deferred, too many to be followed.\n", untold);
	if (count == 0)
		puts("No message waits.");
	else
		puts("sfdc-relayctl explain SESSION tells what would have to change.");
}

static bool take(void *context, const struct entry *entry)
{
	return waiting_add(context, entry);
}

static int list(const struct logs *logs, bool json)
{
	struct logs_summary summary;
	struct waiting *waiting = waiting_new();
	size_t count;
	if (!waiting) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	int code = logs_read(logs, take, waiting, &summary);
	if (!summary.no_memory) {
		long long now = logs->until >= 0 ? logs->until : (long long)time(NULL);
		const struct waiting_message *messages = waiting_list(waiting, &count);
		if (!json) {
			print_plain(messages, count, waiting_untold(waiting), now);
		} else if (!relayctl_json_print(stdout, report_waiting_json(messages, count, now))) {
			relayctl_complain("out of memory");
			code = RELAYCTL_TEMPFAIL;
		}
	}
	waiting_free(waiting);
	return code;
}

static int waiting_main(int argc, char **argv)
{
	char problem[ARGUMENTS_PROBLEM_SIZE];
	struct logs logs = { .since = -1, .until = -1 };
	bool json = false;
	for (int id; (id = arguments_next(command, argc, argv, problem)) != ARGUMENTS_END;) {
		if (id == FLAG_JSON)
			json = true;
		else if (id != OPTION_SINCE && id != OPTION_UNTIL)
			return relayctl_end(command, id, problem);
		else if (logs_take_time(command, &logs, id == OPTION_SINCE) != RELAYCTL_GOOD)
			return RELAYCTL_USAGE;
	}
	logs.files = argv + optind;
	logs.count = argc - optind;
	return list(&logs, json);
}
