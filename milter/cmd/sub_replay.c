/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/logs.h"
#include "cmd/relayctl.h"
#include "core/reason.h"
#include "evidence/idn.h"
#include "history/names.h"
#include "history/replay.h"

#define EXAMPLES_MAX 10
#define CHANGES_MAX 64 /* more than there are */
#define NAMES_MAX 200

enum { OPTION_CONFIG = 1, OPTION_OLD, OPTION_SINCE, OPTION_UNTIL, FLAG_FAIL, FLAG_EACH, FLAG_JSON };

static const struct argument arguments[] = {
	{ OPTION_CONFIG, 'c', NULL, "NEW", "the configuration to try" },
	{ OPTION_OLD, 0, "old", "OLD",
	  "the configuration that the logs were written with; a result whose options differ in NEW then counts as unknown" },
	{ OPTION_SINCE, 0, "since", "T", LOGS_SINCE_HELP },
	{ OPTION_UNTIL, 0, "until", "T", LOGS_UNTIL_HELP },
	{ FLAG_FAIL, 0, "fail-on-new-rejects", NULL,
	  "exit with 1 if NEW refuses a message for good that was not refused so" },
	{ FLAG_EACH, 0, "each", NULL,
	  "print one JSON object for each message: sid, msgid, verdict, would, reason, or undetermined" },
	{ FLAG_JSON, 0, "json", NULL,
	  "print one JSON object: messages, unchanged, undetermined, changed, orgs, checks, reasons, examples" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "all was read and judged" },
	{ RELAYCTL_REJECT, "NEW refuses mail that was not refused (--fail-on-new-rejects)" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "some file could not be read, or not to its end; the sums are of the rest" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "a configuration is wrong" },
};

static int replay_main(int argc, char **argv);

const struct subcommand replay_subcommand = {
	.command = {
		.name = "sfdc-relayctl replay",
		.synopsis = "-c NEW [--old OLD] [--since T] [--until T]\n[--fail-on-new-rejects] [--each | --json] [FILE]...",
		.about = "Say what another configuration would have done with the messages of a log. tls, cert, auth, ip by networks, "
		         "org, from and envelope are judged again; the other checks keep their result, and limit is left out. A "
		         "message whose fate hangs on something that was never found out is undetermined. " LOGS_FILES,
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl replay -c enforce.yaml --fail-on-new-rejects /var/log/mail.log\n"
		           "  sfdc-relayctl replay -c new.yaml --old /etc/sfdc-milter/sfdc-milter.yaml\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = replay_main,
};

static const struct command *const command = &replay_subcommand.command;

/* A message that would fare otherwise. */
struct example {
	enum verdict from;
	enum verdict to;
	enum reason reason;
	char sid[40];
	char msgid[LOG_VALUE_MAX + 1];
	size_t msgid_length;
	char author[LOG_VALUE_MAX + 1];
	size_t author_length;
	char org[40];
};

struct sums {
	struct replay replay;
	bool each;
	long long messages;
	long long unchanged;
	long long undetermined;
	long long new_rejects;
	long long changed[VERDICTS][VERDICTS];
	struct names orgs; /* of changed messages */
	struct names checks;
	struct names reasons;
	size_t example_count;
	struct example examples[EXAMPLES_MAX];
};

static size_t keep(char *to, size_t size, struct span text)
{
	size_t length = text.length < size ? text.length : size - 1;
	if (length != 0)
		memcpy(to, text.at, length);
	to[length] = '\0';
	return length;
}

static void keep_example(struct sums *sums, const struct entry *entry, const struct replayed *replayed,
                         enum verdict from, enum verdict to)
{
	if (sums->example_count == EXAMPLES_MAX)
		return;
	struct example *example = &sums->examples[sums->example_count++];
	*example = (struct example) { .from = from, .to = to, .reason = replayed->reason };
	keep(example->sid, sizeof example->sid, entry_value(entry, LOG_KEY_SID));
	example->msgid_length = keep(example->msgid, sizeof example->msgid, entry_value(entry, LOG_KEY_MSGID));
	example->author_length = keep(example->author, sizeof example->author, entry_value(entry, LOG_KEY_HFROM));
	keep(example->org, sizeof example->org, span_of(replayed->org));
}

static bool count_change(struct sums *sums, const struct entry *entry, const struct replayed *replayed,
                         enum verdict from, enum verdict to)
{
	bool good = names_add(&sums->orgs, span_of(replayed->org), entry);
	sums->changed[from][to]++;
	sums->new_rejects += to == VERDICT_REJECT;
	keep_example(sums, entry, replayed, from, to);
	for (size_t i = 0; good && i < replayed->why_count; i++)
		good = names_add(&sums->checks, span_of(check_name(replayed->why[i])), entry);
	if (good && replayed->reason != REASON_NONE)
		good = names_add(&sums->reasons, span_of(reason_code(replayed->reason)), entry);
	return good;
}

/* Whether a limit decided, which is left out: what the message would have come to without it is not known. */
static bool was_limited(const struct entry *entry)
{
	struct span reason = entry_value(entry, LOG_KEY_REASON);
	return span_starts_nocase(reason, span_of("limit-"));
}

static void print_each(const struct entry *entry, const struct replayed *replayed)
{
	json_t *object = json_pack("{s:o, s:o}", "sid", relayctl_json_shown(entry_value(entry, LOG_KEY_SID)), "msgid",
	                           relayctl_json_shown(entry_value(entry, LOG_KEY_MSGID)));
	if (replayed->determined) {
		json_object_set_new(object, "verdict", json_string(verdict_name(replayed->verdict)));
		json_object_set_new(object, "would", json_string(verdict_name(replayed->would)));
		json_object_set_new(object, "reason", json_string(reason_code(replayed->reason)));
	} else {
		json_object_set_new(object, "undetermined", json_true());
	}
	relayctl_json_print(stdout, object);
}

static bool take(void *context, const struct entry *entry)
{
	struct sums *sums = context;
	struct replayed replayed;
	if (entry->event != ENTRY_VERDICT)
		return true;
	if (!replay_message(&sums->replay, entry, &replayed))
		return false;
	sums->messages++;
	if (sums->each)
		print_each(entry, &replayed);
	bool passes = replayed.would == VERDICT_ACCEPT || replayed.would == VERDICT_QUARANTINE;
	if (!replayed.determined || entry->verdict == VERDICT_UNDECIDED || (was_limited(entry) && passes)) {
		sums->undetermined++;
		return true;
	}
	if (replayed.verdict != entry->verdict)
		return count_change(sums, entry, &replayed, entry->verdict, replayed.verdict);
	if (replayed.would != entry->would)
		return count_change(sums, entry, &replayed, entry->would, replayed.would);
	sums->unchanged++;
	return true;
}

/* --- output --- */

static void change_name(enum verdict from, enum verdict to, char text_r[40])
{
	snprintf(text_r, 40, "%s>%s", verdict_name(from), verdict_name(to));
}

static void print_names(const char *title, const struct names *names)
{
	if (names->count == 0)
		return;
	printf("\n%s\n", title);
	for (size_t i = 0; i < names->count; i++) {
		printf("  %10lld  ", names->rows[i].count);
		terminal_printable(stdout, span_make(names->rows[i].text, names->rows[i].length));
		putchar('\n');
	}
}

static void print_examples(const struct sums *sums)
{
	if (sums->example_count != 0)
		puts("\nExamples");
	for (size_t i = 0; i < sums->example_count; i++) {
		const struct example *example = &sums->examples[i];
		char change[40];
		change_name(example->from, example->to, change);
		printf("  %-20s %-20s session ", change, reason_code(example->reason));
		terminal_printable(stdout, span_of(example->sid));
		fputs("\n    ", stdout);
		terminal_printable(stdout, span_make(example->author, example->author_length));
		fputs("\n    ", stdout);
		terminal_printable(stdout, span_make(example->msgid, example->msgid_length));
		putchar('\n');
	}
}

static void print_plain(const struct sums *sums, const struct logs_summary *summary)
{
	printf("%lld messages\n", sums->messages);
	logs_print(stdout, summary);
	printf("\nUnder the new configuration\n  %10lld  fare as before\n", sums->unchanged);
	if (sums->undetermined != 0)
		printf("  %10lld  are undetermined: it hangs on what was never found out\n", sums->undetermined);
	for (unsigned i = 0; i < VERDICTS; i++)
		for (unsigned j = 0; j < VERDICTS; j++)
			if (sums->changed[i][j] != 0)
				printf("  %10lld  %s instead of %s\n", sums->changed[i][j], verdict_name((enum verdict)j),
				       verdict_name((enum verdict)i));
	print_names("Changed, by organization", &sums->orgs);
	print_names("Changed, by check that decides", &sums->checks);
	print_names("Changed, by reason", &sums->reasons);
	print_examples(sums);
}

static json_t *names_json(const struct names *names)
{
	json_t *object = json_object();
	for (size_t i = 0; i < names->count; i++) {
		char shown[LOG_PRINTABLE_SIZE];
		log_entry_printable(span_make(names->rows[i].text, names->rows[i].length), shown, sizeof shown);
		json_object_set_new(object, shown, json_integer(names->rows[i].count));
	}
	return object;
}

static json_t *examples_json(const struct sums *sums)
{
	json_t *list = json_array();
	for (size_t i = 0; i < sums->example_count; i++) {
		const struct example *example = &sums->examples[i];
		char change[40];
		change_name(example->from, example->to, change);
		json_array_append_new(list,
		                      json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "change", change, "reason",
		                                reason_code(example->reason), "org", relayctl_json_shown(span_of(example->org)),
		                                "sid", relayctl_json_shown(span_of(example->sid)), "msgid",
		                                relayctl_json_shown(span_make(example->msgid, example->msgid_length)), "hfrom",
		                                relayctl_json_shown(span_make(example->author, example->author_length))));
	}
	return list;
}

static bool print_json(const struct sums *sums, const struct logs_summary *summary)
{
	json_t *changed = json_object();
	for (unsigned i = 0; i < VERDICTS; i++)
		for (unsigned j = 0; j < VERDICTS; j++) {
			char name[40];
			change_name((enum verdict)i, (enum verdict)j, name);
			if (sums->changed[i][j] != 0)
				json_object_set_new(changed, name, json_integer(sums->changed[i][j]));
		}
	return relayctl_json_print(stdout,
	                           json_pack("{s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:o}", "messages",
	                                     (json_int_t)sums->messages, "unchanged", (json_int_t)sums->unchanged,
	                                     "undetermined", (json_int_t)sums->undetermined, "changed", changed,
	                                     "new_rejects", (json_int_t)sums->new_rejects, "orgs", names_json(&sums->orgs),
	                                     "checks", names_json(&sums->checks), "reasons", names_json(&sums->reasons),
	                                     "examples", examples_json(sums), "skipped_lines",
	                                     (json_int_t)logs_skipped(summary), "skipped", logs_json(summary)));
}

/* --- */

static struct settings *load(const char *path)
{
	struct problems problems;
	struct settings *settings = relayctl_load(path, &problems);
	relayctl_print_problems(path, &problems, false);
	problems_clear(&problems);
	return settings;
}

static int run(struct sums *sums, const struct logs *logs, bool fail, bool json)
{
	struct logs_summary summary;
	if (!names_init(&sums->orgs, NAMES_MAX) || !names_init(&sums->checks, NAMES_MAX)
	    || !names_init(&sums->reasons, NAMES_MAX)) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	int code = logs_read(logs, take, sums, &summary);
	if (summary.no_memory)
		return code;
	names_sort(&sums->orgs, NAMES_BY_COUNT);
	names_sort(&sums->checks, NAMES_BY_COUNT);
	names_sort(&sums->reasons, NAMES_BY_COUNT);
	if (!sums->replay.before)
		fputs(
			"note: without --old the results of message, verp, dkim, dmarc and of the names in ip.spf are taken as they\n"
			"      were logged, as if their options were the same\n",
			stderr);
	if (json && !print_json(sums, &summary)) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	if (!json && !sums->each)
		print_plain(sums, &summary);
	return code == RELAYCTL_GOOD && fail && sums->new_rejects != 0 ? RELAYCTL_REJECT : code;
}

static int replay(const char *path, const char *old, const struct logs *logs, bool fail, bool each, bool json)
{
	struct sums *sums = calloc(1, sizeof *sums);
	if (!sums) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	struct settings *settings = load(path);
	struct settings *before = settings && old ? load(old) : NULL;
	int code = RELAYCTL_CONFIG;
	if (settings && (before || !old)) {
		sums->replay = (struct replay) { settings, before, idn_to_ascii };
		sums->each = each;
		code = run(sums, logs, fail, json);
	}
	names_clear(&sums->orgs);
	names_clear(&sums->checks);
	names_clear(&sums->reasons);
	settings_free(settings);
	settings_free(before);
	free(sums);
	return code;
}

static int replay_main(int argc, char **argv)
{
	char problem[ARGUMENTS_PROBLEM_SIZE];
	struct logs logs = { .since = -1, .until = -1 };
	const char *path = NULL;
	const char *old = NULL;
	bool fail = false;
	bool each = false;
	bool json = false;
	for (int id; (id = arguments_next(command, argc, argv, problem)) != ARGUMENTS_END;) {
		switch (id) {
		case OPTION_CONFIG:
			path = optarg;
			break;
		case OPTION_OLD:
			old = optarg;
			break;
		case FLAG_FAIL:
			fail = true;
			break;
		case FLAG_EACH:
			each = true;
			break;
		case FLAG_JSON:
			json = true;
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
	if (!path)
		return relayctl_usage(command, "no configuration to try is given; say -c NEW");
	logs.files = argv + optind;
	logs.count = argc - optind;
	if (each && json)
		return relayctl_usage(command, "--each and --json are two forms of output; say one");
	return replay(path, old, &logs, fail, each, json);
}
