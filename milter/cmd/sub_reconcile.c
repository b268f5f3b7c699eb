/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/logs.h"
#include "cmd/reconciliation.h"
#include "cmd/relayctl.h"
#include "core/log_entry.h"

#define EMAIL_LOGS_MAX 32
#define SHOWN 5

enum { FLAG_EMAIL_LOG = 1, FLAG_JSON };

static const struct argument arguments[] = {
	{ FLAG_EMAIL_LOG, 0, "email-log", "CSV", "a file of Salesforce's Email Log; may be repeated; - is standard input" },
	{ FLAG_JSON, 0, "json", NULL, "print one JSON object" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "every message that Salesforce tried to send was accepted here" },
	{ RELAYCTL_REJECT, "a message never arrived, was delivered another way, or is not in Salesforce's log" },
	{ RELAYCTL_QUARANTINE, "none of these, but one was refused or deferred here" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "a file cannot be read, or is not what it should be" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
};

static int reconcile_main(int argc, char **argv);

const struct subcommand reconcile_subcommand = {
	.command = {
		.name = "sfdc-relayctl reconcile",
		.synopsis = "--email-log CSV... [--json] [FILE]...",
		.about = "Join Salesforce's Email Log with that of this milter by Message-ID, and tell what became of each "
		         "message: accepted, "
		         "refused, deferred, never arrived, or delivered another way. " LOGS_FILES,
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl reconcile --email-log EmailLog.csv /var/log/mail.log\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = reconcile_main,
};

static const struct command *const command = &reconcile_subcommand.command;

struct work {
	const char *email_logs[EMAIL_LOGS_MAX];
	size_t email_log_count;
	bool json;
	struct reconciliation *reconciliation;
	unsigned long long malformed;
	struct logs_summary logs;
};

/* True: *code_r is the exit code, and nothing is left to do. */
static bool parse(int argc, char **argv, struct work *work, int *code_r)
{
	char wrong[ARGUMENTS_PROBLEM_SIZE];
	*code_r = RELAYCTL_GOOD;
	for (int id; (id = arguments_next(command, argc, argv, wrong)) != ARGUMENTS_END;) {
		if (id == FLAG_JSON) {
			work->json = true;
		} else if (id != FLAG_EMAIL_LOG) {
			*code_r = relayctl_end(command, id, wrong);
			return true;
		} else if (work->email_log_count == EMAIL_LOGS_MAX) {
			*code_r = relayctl_usage(command, "--email-log is given more than %d times", EMAIL_LOGS_MAX);
			return true;
		} else {
			work->email_logs[work->email_log_count++] = optarg;
		}
	}
	if (work->email_log_count == 0)
		*code_r = relayctl_usage(command, "--email-log is missing");
	return *code_r != RELAYCTL_GOOD;
}

static ssize_t read_file(void *context, char *to, size_t size)
{
	return read(*(int *)context, to, size);
}

/* The descriptor of a regular file, or standard input; -1: problem_r says why there is none. */
static int open_csv(const char *path, char problem_r[RELAYCTL_PROBLEM_SIZE])
{
	struct stat status;
	unsigned char head[2] = { 0 };
	if (strcmp(path, "-") == 0)
		return STDIN_FILENO;
	int in = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *problem = NULL;
	if (in < 0 || fstat(in, &status) != 0)
		snprintf(problem_r, RELAYCTL_PROBLEM_SIZE, "it cannot be read: %s", strerror(errno));
	else if (!S_ISREG(status.st_mode))
		problem = "it is no regular file; name one, or - for standard input";
	else if (pread(in, head, sizeof head, 0) == (ssize_t)sizeof head) {
		if ((head[0] == 0x1f && head[1] == 0x8b) || (head[0] == 'P' && head[1] == 'K'))
			problem = "it is compressed; unpack it";
		else if ((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff))
			problem = "it is UTF-16; save it as CSV in UTF-8";
	}
	if (problem)
		snprintf(problem_r, RELAYCTL_PROBLEM_SIZE, "%s", problem);
	if (in >= 0 && (problem || problem_r[0] != '\0')) {
		close(in);
		return -1;
	}
	return in;
}

/* All rows. RELAYCTL_GOOD, or the exit code, with problem_r saying why. */
static int read_rows(struct work *work, struct csv *csv, char problem_r[RELAYCTL_PROBLEM_SIZE])
{
	struct email_columns columns;
	struct csv_row row;
	bool found = false;
	for (;;) {
		switch (csv_next(csv, &row)) {
		case CSV_MALFORMED:
			work->malformed++;
			continue;
		case CSV_FAILED:
			snprintf(problem_r, RELAYCTL_PROBLEM_SIZE, "it cannot be read: %s", strerror(errno));
			return RELAYCTL_INPUT;
		case CSV_END:
			if (found)
				return RELAYCTL_GOOD;
			snprintf(problem_r, RELAYCTL_PROBLEM_SIZE, "it has no rows");
			return RELAYCTL_INPUT;
		case CSV_ROW:
			break;
		}
		bool first = !found;
		if (first && !email_columns_find(&row, &columns)) {
			snprintf(problem_r, RELAYCTL_PROBLEM_SIZE,
			         "it is not Salesforce's Email Log: its first line names no columns Message ID Header and Mail "
			         "Event");
			return RELAYCTL_INPUT;
		}
		found = true;
		if (first && columns.named)
			continue;
		if (!reconciliation_row(work->reconciliation, &columns, &row)) {
			snprintf(problem_r, RELAYCTL_PROBLEM_SIZE,
			         "there are more than %d messages, or memory is short; give "
			         "fewer files",
			         RECONCILIATION_MAX);
			return RELAYCTL_TEMPFAIL;
		}
	}
}

static int read_email_log(struct work *work, const char *path)
{
	char problem[RELAYCTL_PROBLEM_SIZE] = "";
	int in = open_csv(path, problem);
	struct csv *csv = in >= 0 ? csv_new(read_file, &in) : NULL;
	int code = RELAYCTL_INPUT;
	if (csv) {
		code = read_rows(work, csv, problem);
	} else if (in >= 0) {
		snprintf(problem, sizeof problem, "out of memory");
		code = RELAYCTL_TEMPFAIL;
	}
	if (code != RELAYCTL_GOOD)
		relayctl_complain_of(path, problem);
	csv_free(csv);
	if (in > STDIN_FILENO)
		close(in);
	return code;
}

static bool take_entry(void *context, const struct entry *entry)
{
	reconciliation_entry(context, entry);
	return true;
}

/* "RDT" */
static const char *event_letters(unsigned events, char letters_r[5])
{
	size_t length = 0;
	for (unsigned i = 0; i < 4; i++)
		if ((events & 1U << i) != 0)
			letters_r[length++] = "RDTP"[i];
	letters_r[length] = '\0';
	return letters_r;
}

/* One line of what others wrote, which is cut where the screen ends. */
static void print_cut(const char *before, struct span text)
{
	char shown[LOG_PRINTABLE_SIZE];
	size_t room = terminal_width(stdout) - strlen(before);
	log_entry_printable(text, shown, sizeof shown);
	if (strlen(shown) > room)
		snprintf(shown + room - 3, sizeof shown - room + 3, "...");
	printf("%s%s\n", before, shown);
}

static void print_parcel(const struct parcel *parcel)
{
	char letters[5];
	char line[RELAYCTL_PROBLEM_SIZE];
	print_cut("    ", parcel->id);
	if (parcel->recipient.length > 0)
		print_cut("      to ", parcel->recipient);
	snprintf(line, sizeof line, "      Salesforce: %s%s", event_letters(parcel->events, letters),
	         parcel->stage.length > 0 ? ", " : "");
	print_cut(line, parcel->stage);
	if (parcel->relay.length > 0)
		print_cut("      by ", parcel->relay);
	if (parcel->reason[0] != '\0')
		print_cut("      here: ", span_of(parcel->reason));
}

/* Outcomes that somebody has to look at. */
static bool is_shown(enum outcome outcome)
{
	return outcome != OUTCOME_ACCEPTED && outcome != OUTCOME_NOT_TRIED;
}

static void print_examples(const struct work *work, const struct reconciliation_counts *counts)
{
	for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
		enum outcome outcome = (enum outcome)i;
		unsigned shown = 0;
		if (!is_shown(outcome) || counts->outcomes[i] == 0)
			continue;
		printf("\n%s\n", outcome_words(outcome));
		for (const struct parcel *parcel = reconciliation_first(work->reconciliation); parcel && shown < SHOWN;
		     parcel = parcel->next)
			if (parcel_outcome(parcel) == outcome) {
				print_parcel(parcel);
				shown++;
			}
		if (counts->outcomes[i] > shown)
			printf("    and %llu more\n", counts->outcomes[i] - shown);
	}
}

static void print_only_here(const struct work *work, const struct reconciliation_counts *counts)
{
	struct span ids[ONLY_HERE_SHOWN];
	size_t count = reconciliation_only_here(work->reconciliation, ids);
	if (counts->only_here == 0)
		return;
	puts("\naccepted here, and not in Salesforce's log of that time: others sent it, or the\nlog was asked for a "
	     "part of the mail only");
	for (size_t i = 0; i < count; i++)
		print_cut("    ", ids[i]);
	if (counts->only_here > count)
		printf("    and %llu more\n", counts->only_here - count);
}

static void print_row(unsigned long long count, const char *words)
{
	printf("  %10llu  %s\n", count, words);
}

static void print_plain(const struct work *work, const struct reconciliation_counts *counts)
{
	const struct email_range *range = reconciliation_range(work->reconciliation);
	const struct email_range *ours = reconciliation_ours(work->reconciliation);
	char first[LOGS_TIME_SIZE];
	char last[LOGS_TIME_SIZE];
	printf("Salesforce's Email Log: %llu messages in %llu rows\n", counts->messages, counts->rows);
	if (range)
		printf("  from %s to %s UTC\n", logs_show_time(range->first, first), logs_show_time(range->last, last));
	printf("This relay's log: %llu messages that came\n", counts->entries);
	if (ours)
		printf("  from %s to %s UTC\n", logs_show_time(ours->first, first), logs_show_time(ours->last, last));
	if (range && ours && (range->first < ours->first || range->last > ours->last))
		puts("  It is shorter than Salesforce's: what lies outside seems never to have arrived.");
	putchar('\n');
	for (unsigned i = 0; i < OUTCOME_COUNT; i++)
		if (counts->outcomes[i] > 0 || i != OUTCOME_EARLY)
			print_row(counts->outcomes[i], outcome_words((enum outcome)i));
	if (counts->held > 0)
		print_row(counts->held, "of those accepted here are held");
	if (counts->bounced > 0)
		print_row(counts->bounced, "of those accepted here Salesforce tells to have failed");
	if (counts->only_here > 0)
		print_row(counts->only_here, "accepted here, and not in Salesforce's log");
	if (counts->without_id > 0)
		print_row(counts->without_id, "rows without Message-ID, left out");
	if (counts->without_event > 0)
		print_row(counts->without_event, "rows whose Mail Event is not known");
	if (work->malformed > 0)
		print_row(work->malformed, "rows that are too large or not whole, left out");
	print_examples(work, counts);
	print_only_here(work, counts);
}

static json_t *parcel_json(const struct parcel *parcel)
{
	char letters[5];
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:s, s:i}", "msgid", relayctl_json_shown(parcel->id), "recipient",
	                 relayctl_json_shown(parcel->recipient), "events", event_letters(parcel->events, letters), "stage",
	                 relayctl_json_shown(parcel->stage), "relay", relayctl_json_shown(parcel->relay), "reason",
	                 parcel->reason, "rows", (int)parcel->rows);
}

/* {"refused": [...], ...}: as many of each as are shown, with the words that are counted. */
static json_t *examples_json(const struct work *work)
{
	json_t *object = json_object();
	for (unsigned i = 0; object && i < OUTCOME_COUNT; i++) {
		json_t *list = json_array();
		const struct parcel *parcel = reconciliation_first(work->reconciliation);
		if (!is_shown((enum outcome)i)) {
			json_decref(list);
			continue;
		}
		for (; list && parcel && json_array_size(list) < SHOWN; parcel = parcel->next)
			if (parcel_outcome(parcel) == (enum outcome)i && json_array_append_new(list, parcel_json(parcel)) != 0)
				break;
		if (json_object_set_new(object, outcome_key((enum outcome)i), list) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *only_here_json(const struct work *work)
{
	struct span ids[ONLY_HERE_SHOWN];
	size_t count = reconciliation_only_here(work->reconciliation, ids);
	json_t *list = json_array();
	for (size_t i = 0; list && i < count; i++)
		(void)json_array_append_new(list, relayctl_json_shown(ids[i]));
	return list;
}

static json_t *time_json(const struct email_range *range)
{
	return range ? json_pack("[I, I]", (json_int_t)range->first, (json_int_t)range->last) : json_null();
}

static bool print_json(const struct work *work, const struct reconciliation_counts *counts)
{
	json_t *outcomes = json_object();
	for (unsigned i = 0; outcomes && i < OUTCOME_COUNT; i++)
		(void)json_object_set_new(outcomes, outcome_key((enum outcome)i),
		                          json_integer((json_int_t)counts->outcomes[i]));
	return relayctl_json_print(stdout,
	                           json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}",
	                                     "messages", (json_int_t)counts->messages, "rows", (json_int_t)counts->rows,
	                                     "outcomes", outcomes, "held", (json_int_t)counts->held, "accepted_but_failed",
	                                     (json_int_t)counts->bounced, "only_here", (json_int_t)counts->only_here,
	                                     "rows_without_id", (json_int_t)counts->without_id, "rows_without_event",
	                                     (json_int_t)counts->without_event, "malformed_rows",
	                                     (json_int_t)work->malformed, "entries", (json_int_t)counts->entries, "time",
	                                     time_json(reconciliation_range(work->reconciliation)), "log_time",
	                                     time_json(reconciliation_ours(work->reconciliation)), "examples",
	                                     examples_json(work), "only_here_examples", only_here_json(work), "log",
	                                     logs_json(&work->logs)));
}

static int exit_code(const struct reconciliation_counts *counts)
{
	if (counts->outcomes[OUTCOME_NEVER] + counts->outcomes[OUTCOME_ANOTHER_WAY] + counts->only_here > 0)
		return RELAYCTL_REJECT;
	if (counts->outcomes[OUTCOME_REFUSED] + counts->outcomes[OUTCOME_EARLY] + counts->outcomes[OUTCOME_DEFERRED] > 0)
		return RELAYCTL_QUARANTINE;
	return RELAYCTL_GOOD;
}

static int reconcile(struct work *work, char **files, int count)
{
	struct logs logs = { .files = files, .count = count, .since = -1, .until = -1 };
	int code = RELAYCTL_GOOD;
	for (size_t i = 0; code == RELAYCTL_GOOD && i < work->email_log_count; i++)
		code = read_email_log(work, work->email_logs[i]);
	if (code != RELAYCTL_GOOD)
		return code;
	code = logs_read(&logs, take_entry, work->reconciliation, &work->logs);
	if (code != RELAYCTL_GOOD)
		return code; /* what a file that cannot be read has would seem never to have arrived */
	const struct reconciliation_counts *counts = reconciliation_finish(work->reconciliation);
	if (!work->json)
		print_plain(work, counts);
	else if (!print_json(work, counts)) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	return exit_code(counts);
}

static int reconcile_main(int argc, char **argv)
{
	struct work work = { .json = false };
	int code;
	if (parse(argc, argv, &work, &code))
		return code;
	work.reconciliation = reconciliation_new();
	if (work.reconciliation) {
		code = reconcile(&work, argv + optind, argc - optind);
	} else {
		relayctl_complain("out of memory");
		code = RELAYCTL_TEMPFAIL;
	}
	reconciliation_free(work.reconciliation);
	return code;
}
