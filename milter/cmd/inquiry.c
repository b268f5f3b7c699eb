/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/inquiry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/relayctl.h"

#define POSTCONF_SECONDS 60

/* The child: standard output is the pipe, everything else leads nowhere. */
static _Noreturn void be_postconf(int pipe, const char *folder, const char *flag)
{
	const char *arguments[6] = { INQUIRY_POSTCONF };
	char *const environment[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	size_t count = 1;
	int nowhere = open("/dev/null", O_RDWR);
	if (folder) {
		arguments[count++] = "-c";
		arguments[count++] = folder;
	}
	if (flag)
		arguments[count++] = flag;
	if (nowhere >= 0 && dup2(nowhere, STDIN_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0
	    && dup2(pipe, STDOUT_FILENO) >= 0) {
		alarm(POSTCONF_SECONDS);
		execve(INQUIRY_POSTCONF, (char *const *)(uintptr_t)arguments, environment);
	}
	_exit(127);
}

/* What was read, in the arena instead of on the heap. */
static bool keep(struct span content, struct arena *arena, struct span *text_r)
{
	*text_r = arena_span(arena, content);
	free((void *)(uintptr_t)content.at);
	return !span_absent(*text_r);
}

bool inquiry_file(const char *path, struct arena *arena, struct span *text_r, char problem_r[INQUIRY_PROBLEM_SIZE])
{
	struct span content;
	struct stat status;
	int in = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *problem = in >= 0 && fstat(in, &status) == 0 ? relayctl_endless(&status) : NULL;
	bool good = in >= 0 && !problem && relayctl_read_stream(in, INQUIRY_BYTES_MAX, &content);
	if (!good)
		snprintf(problem_r, INQUIRY_PROBLEM_SIZE, "%s%s", problem ? "" : "it cannot be read: ",
		         problem          ? problem
		         : errno == EFBIG ? "it has more than 16 MB"
		                          : strerror(errno));
	if (in >= 0)
		close(in);
	return good && keep(content, arena, text_r);
}

static bool run_postconf(const char *folder, const char *flag, struct arena *arena, struct span *text_r)
{
	int ends[2], status = -1;
	if (pipe(ends) != 0)
		return false;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		be_postconf(ends[1], folder, flag);
	close(ends[1]);
	struct span content;
	bool good = child > 0 && relayctl_read_stream(ends[0], INQUIRY_BYTES_MAX, &content) && keep(content, arena, text_r);
	close(ends[0]);
	int error = errno;
	if (child > 0 && !good)
		kill(child, SIGKILL);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	errno = error;
	return good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool inquiry_postconf(const char *folder, struct arena *arena, struct postfix_output *output_r,
                      char problem_r[INQUIRY_PROBLEM_SIZE])
{
	const struct {
		const char *flag;
		struct span *text;
	} runs[] = {
		{ NULL, &output_r->parameters },
		{ "-x", &output_r->expanded },
		{ "-M", &output_r->services },
		{ "-P", &output_r->options },
	};
	for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
		*runs[i].text = span_of("");
		errno = 0;
		if (!run_postconf(folder, runs[i].flag, arena, runs[i].text)) {
			char shown[200];
			terminal_escape(span_of(folder ? folder : ""), shown, sizeof shown);
			snprintf(problem_r, INQUIRY_PROBLEM_SIZE, "%s %s%s%s; run %s%s%s%s%s to see why", INQUIRY_POSTCONF,
			         errno == EFBIG ? "tells more than 16 MB of the configuration" : "cannot tell the configuration",
			         folder ? " in " : "", shown, INQUIRY_POSTCONF, folder ? " -c " : "", shown,
			         runs[i].flag ? " " : "", runs[i].flag ? runs[i].flag : "");
			return false;
		}
	}
	return true;
}

/* Tables whose text can be told: kept as text, or made from a file of that name; and those that hold it themselves. */
static struct span read_text(struct arena *arena, struct span table)
{
	static const char *const types[] = { "cidr:", "texthash:", "hash:", "btree:", "lmdb:", "cdb:", "dbm:" };
	struct span text = span_of(NULL);
	if (span_starts_nocase(table, span_of("proxy:")))
		table = span_slice(table, strlen("proxy:"), table.length);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		char problem[INQUIRY_PROBLEM_SIZE];
		struct span name = span_slice(table, strlen(types[i]), table.length);
		if (!span_starts_nocase(table, span_of(types[i])))
			continue;
		if (name.length >= 2 && name.at[0] == '{' && name.at[name.length - 1] == '}') {
			text = span_of("");
			struct span rows = span_slice(name, 1, name.length - 1);
			for (struct span row; postfix_next(&rows, &row);)
				text = arena_printf(arena, "%.*s%.*s\n", (int)text.length, text.at, (int)row.length, row.at);
			return text;
		}
		const char *path = arena_text(arena, name);
		bool good = path && *path == '/' && inquiry_file(path, arena, &text, problem);
		return good ? text : span_of(NULL);
	}
	return text;
}

struct inquiry_table {
	struct span name;
	struct span text; /* absent: it cannot be told */
	struct inquiry_table *next;
};

static struct span read_table(void *context, struct span name)
{
	struct inquiry_tables *tables = context;
	for (const struct inquiry_table *known = tables->first; known; known = known->next)
		if (span_equal(known->name, name))
			return known->text;
	struct inquiry_table *table = arena_alloc(tables->arena, sizeof *table);
	if (!table)
		return span_of(NULL);
	*table = (struct inquiry_table) { arena_span(tables->arena, name), read_text(tables->arena, name), tables->first };
	tables->first = table;
	return table->text;
}

static bool readable(void *context, struct span path)
{
	char name[PATH_MAX];
	(void)context;
	if (path.length >= sizeof name)
		return false;
	memcpy(name, path.at, path.length);
	name[path.length] = '\0';
	/* Who is not root may not see what the server does. */
	return access(name, R_OK) == 0 || (errno == EACCES && geteuid() != 0);
}

static enum reach ask_reach(void *context, const struct visit *visit, int *error_r)
{
	(void)context;
	return inquiry_reach(visit, error_r);
}

void inquiry_machine(struct arena *arena, struct inquiry_tables *tables_r, struct machine_questions *machine_r)
{
	*tables_r = (struct inquiry_tables) { arena, NULL };
	struct timex clock = { .modes = 0 };
	int state = adjtimex(&clock);
	*machine_r = (struct machine_questions) {
		.reach = ask_reach,
		.readable = readable,
		.clock_known = state >= 0,
		.clock_right = state >= 0 && state != TIME_ERROR && !(clock.status & STA_UNSYNC),
		.tables = { read_table, tables_r },
	};
}
