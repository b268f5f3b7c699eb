/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/relayctl.h"
#include "history/prefix.h"

#define STEP 16384 /* entries between two looks at how far it is */
#define BAR 30

extern char **environ;

/* One pass over the logs. */
struct pass {
	const struct logs *logs;
	bool (*take)(void *context, const struct entry *entry);
	void *context;
	struct logs_summary *summary;
	struct reader *reader;
	bool shown;       /* there is a bar on the screen */
	long long total;  /* bytes of all files; 0: not known */
	long long before; /* those of files that were read */
	unsigned long long seen;
	struct entry entry;
};

static long long midnight(long long now, int days_ago)
{
	time_t seconds = (time_t)now;
	struct tm tm;
	if (!localtime_r(&seconds, &tm))
		return now;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days_ago;
	tm.tm_isdst = -1;
	return (long long)mktime(&tm);
}

/* "7d", also "7d ago". */
static bool read_ago(struct span text, long long now, long long *time_r)
{
	static const struct {
		char unit;
		long long seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	unsigned long number;
	if (span_ends_nocase(text, span_of(" ago")))
		text.length -= 4;
	if (text.length < 2 || !span_number(span_slice(text, 0, text.length - 1), 100000000, &number))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text.at[text.length - 1] == units[i].unit) {
			*time_r = now - (long long)number * units[i].seconds;
			if (*time_r < 0)
				*time_r = 0;
			return true;
		}
	return false;
}

/* A date, with a time of day or without. */
static bool read_date(struct span text, long long *time_r)
{
	static const char *const tails[] = { "", " 00:00:00", ":00" };
	struct prefix_clock clock = { 0 };
	char whole[64];
	for (size_t i = 0; i < sizeof tails / sizeof tails[0] && text.length < 40; i++) {
		size_t used;
		int length = snprintf(whole, sizeof whole, "%.*s%s", (int)text.length, text.at, tails[i]);
		if (prefix_iso_time(&clock, span_make(whole, (size_t)length), &used, time_r) && used == (size_t)length)
			return true;
	}
	return false;
}

static bool read_time(const char *text, long long now, long long *time_r)
{
	struct span given = span_of(text);
	unsigned long seconds;
	if (given.length > 1 && given.at[0] == '@'
	    && span_number(span_slice(given, 1, given.length), 1UL << 40, &seconds)) {
		*time_r = (long long)seconds;
		return true;
	}
	if (span_equal(given, span_of("now")))
		*time_r = now;
	else if (span_equal(given, span_of("today")))
		*time_r = midnight(now, 0);
	else if (span_equal(given, span_of("yesterday")))
		*time_r = midnight(now, 1);
	else
		return read_ago(given, now, time_r) || read_date(given, time_r);
	return true;
}

int logs_take_time(const struct command *command, struct logs *logs, bool since)
{
	if (read_time(optarg, (long long)time(NULL), since ? &logs->since : &logs->until))
		return RELAYCTL_GOOD;
	return relayctl_usage(command, "%s is no time; write 2026-11-28, \"2026-11-28 13:00\" or 7d",
	                      since ? "--since" : "--until");
}

static void show_bar(struct pass *pass, bool last)
{
	if (!isatty(STDERR_FILENO) || (last && !pass->shown))
		return;
	if (last) {
		fprintf(stderr, "\r%*s\r", BAR + 40, "");
		return;
	}
	long long at = pass->before + (long long)reader_offset(pass->reader);
	int done = pass->total > 0 && at < pass->total ? (int)(at * BAR / pass->total) : 0;
	char bar[BAR + 1];
	memset(bar, '#', sizeof bar);
	memset(bar + done, '.', (size_t)(BAR - done));
	bar[BAR] = '\0';
	if (pass->total > 0)
		fprintf(stderr, "\r[%s] %3lld%%  %llu messages", bar, at * 100 / pass->total, pass->seen);
	else
		fprintf(stderr, "\r%llu messages", pass->seen);
	fflush(stderr);
	pass->shown = true;
}

/* Whether the entry is of the time that was asked for. */
static bool is_asked_for(struct pass *pass)
{
	const struct logs *logs = pass->logs;
	long long time = pass->entry.time;
	if (logs->since < 0 && logs->until < 0)
		return true;
	if (time < 0) {
		pass->summary->untimed++;
		return false;
	}
	if ((logs->since >= 0 && time < logs->since) || (logs->until >= 0 && time >= logs->until)) {
		pass->summary->outside++;
		return false;
	}
	return true;
}

/* All of one source. name: as it is complained of. False without memory. */
static bool read_source(struct pass *pass, const char *name)
{
	char problem[READER_PROBLEM_SIZE];
	enum reader_status status;
	while ((status = reader_next(pass->reader, &pass->entry, problem)) == READER_ENTRY) {
		if (++pass->seen % STEP == 0)
			show_bar(pass, false);
		if (is_asked_for(pass) && !pass->take(pass->context, &pass->entry))
			return false;
	}
	if (status == READER_PROBLEM) {
		show_bar(pass, true);
		relayctl_complain_of(name, problem);
		pass->summary->damaged++;
	}
	return true;
}

/* The time of a file's first entry; -1: not told, or not to be looked at twice. */
static long long first_time(const char *file)
{
	char problem[READER_PROBLEM_SIZE];
	struct reader *reader = strcmp(file, "-") == 0 ? NULL : reader_new();
	struct entry *entry = malloc(sizeof *entry);
	long long time = -1;
	if (reader && entry && reader_open(reader, file, problem))
		while (time < 0 && reader_next(reader, entry, problem) == READER_ENTRY)
			time = entry->time;
	reader_free(reader);
	free(entry);
	return time;
}

/* Shells put mail.log before mail.log.1: the files in the order of their first times, as far as they tell one. */
static void order_files(const struct logs *logs)
{
	long long *times = logs->count > 1 ? malloc((size_t)logs->count * sizeof *times) : NULL;
	for (int i = 0; times && i < logs->count; i++)
		times[i] = first_time(logs->files[i]);
	for (int i = 1; times && i < logs->count; i++)
		for (int j = i; j > 0 && times[j] >= 0 && times[j] < times[j - 1]; j--) {
			char *file = logs->files[j];
			long long time = times[j];
			logs->files[j] = logs->files[j - 1];
			logs->files[j - 1] = file;
			times[j] = times[j - 1];
			times[j - 1] = time;
		}
	free(times);
}

static bool read_files(struct pass *pass)
{
	char problem[READER_PROBLEM_SIZE];
	struct stat status;
	order_files(pass->logs);
	for (int i = 0; i < pass->logs->count; i++)
		if (stat(pass->logs->files[i], &status) == 0 && S_ISREG(status.st_mode))
			pass->total += (long long)status.st_size;
	for (int i = 0; i < pass->logs->count; i++) {
		const char *file = pass->logs->files[i];
		if (!reader_open(pass->reader, file, problem)) {
			show_bar(pass, true);
			relayctl_complain_of(file, problem);
			pass->summary->damaged++;
			continue;
		}
		if (!read_source(pass, file))
			return false;
		if (stat(file, &status) == 0 && S_ISREG(status.st_mode))
			pass->before += (long long)status.st_size;
	}
	return true;
}

/* Start journalctl; what it writes comes from *out_r. 0, or why not. */
static int start_journal(const struct logs *logs, pid_t *child_r, int *out_r)
{
	char since[40];
	char until[40];
	char *arguments[9] = { (char[]) { "journalctl" }, (char[]) { "--output=json" },
		                   (char[]) { "--identifier=" PREFIX_PROGRAM }, (char[]) { "--no-pager" },
		                   (char[]) { "--quiet" } };
	size_t count = 5;
	int ends[2];
	posix_spawn_file_actions_t actions;
	if (logs->since >= 0) {
		snprintf(since, sizeof since, "--since=@%lld", logs->since);
		arguments[count++] = since;
	}
	if (logs->until >= 0) {
		snprintf(until, sizeof until, "--until=@%lld", logs->until);
		arguments[count++] = until;
	}
	if (pipe(ends) != 0)
		return errno;
	(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	int error = posix_spawnp(child_r, "journalctl", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (error != 0)
		close(ends[0]);
	*out_r = ends[0];
	return error;
}

static bool read_journal(struct pass *pass)
{
	pid_t child;
	int out;
	int status = 0;
	int error = start_journal(pass->logs, &child, &out);
	if (error != 0) {
		relayctl_complain("the journal cannot be read: journalctl: %s; name the files of the log", strerror(error));
		pass->summary->damaged++;
		return true;
	}
	bool good = reader_take(pass->reader, out) && read_source(pass, "the journal");
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (good && status != 0) {
		relayctl_complain("the journal cannot be read: journalctl failed; name the files of the log");
		pass->summary->damaged++;
	}
	return good;
}

int logs_read(const struct logs *logs, bool (*take)(void *context, const struct entry *entry), void *context,
              struct logs_summary *summary_r)
{
	struct pass *pass = calloc(1, sizeof *pass);
	memset(summary_r, 0, sizeof *summary_r);
	if (pass) {
		*pass = (struct pass) { .logs = logs, .take = take, .context = context, .summary = summary_r };
		pass->reader = reader_new();
	}
	bool good = pass && pass->reader && (logs->count != 0 ? read_files(pass) : read_journal(pass));
	if (good) {
		show_bar(pass, true);
		reader_finish(pass->reader);
		summary_r->lines = *reader_counts(pass->reader);
	} else {
		relayctl_complain("out of memory");
		summary_r->no_memory = true;
	}
	if (pass)
		reader_free(pass->reader);
	free(pass);
	return !good ? RELAYCTL_TEMPFAIL : summary_r->damaged != 0 ? RELAYCTL_INPUT : RELAYCTL_GOOD;
}

unsigned long long logs_skipped(const struct logs_summary *summary)
{
	const struct reader_counts *lines = &summary->lines;
	return lines->foreign + lines->malformed + lines->too_long + lines->cut;
}

json_t *logs_json(const struct logs_summary *summary)
{
	const struct reader_counts *lines = &summary->lines;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i}", "foreign", (json_int_t)lines->foreign, "malformed",
	                 (json_int_t)lines->malformed, "too_long", (json_int_t)lines->too_long, "cut",
	                 (json_int_t)lines->cut, "later", (json_int_t)lines->later, "outside", (json_int_t)summary->outside,
	                 "untimed", (json_int_t)summary->untimed, "damaged_files", (int)summary->damaged);
}

static void print_count(FILE *out, unsigned long long count, const char *what)
{
	if (count != 0)
		fprintf(out, "  %10llu %s\n", count, what);
}

void logs_print(FILE *out, const struct logs_summary *summary)
{
	const struct reader_counts *lines = &summary->lines;
	print_count(out, lines->entries, "lines of this milter");
	print_count(out, lines->foreign, "lines of other programs");
	print_count(out, lines->malformed, "lines that claim to be ours, and are broken or false");
	print_count(out, lines->too_long, "lines longer than any of ours");
	print_count(out, lines->cut, "half lines at the end of a file");
	print_count(out, lines->later, "lines of a later version, read as far as they are known");
	print_count(out, summary->outside, "lines of other times");
	print_count(out, summary->untimed, "lines without a time, left out");
	print_count(out, summary->damaged, "files that could not be read, or not to their end");
}

const char *logs_show_time(long long time, char text_r[LOGS_TIME_SIZE])
{
	time_t seconds = (time_t)time;
	struct tm tm;
	if (time < 0 || !gmtime_r(&seconds, &tm) || strftime(text_r, LOGS_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(text_r, LOGS_TIME_SIZE, "-");
	return text_r;
}
