/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/relayctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/configuration.h"
#include "core/log_entry.h"
#include "evidence/resolver.h"

#define USAGE_SIZE 1400
#define READ_STEP ((size_t)1 << 16)

static const struct subcommand *const subcommands[] = {
	&check_config_subcommand, &check_domain_subcommand, &check_message_subcommand, &check_mta_subcommand,
	&check_relay_subcommand,  &explain_subcommand,      &import_org_subcommand,    &org_id_subcommand,
	&reconcile_subcommand,    &replay_subcommand,       &report_subcommand,        &status_subcommand,
	&waiting_subcommand,
};

#define SUBCOMMANDS (sizeof subcommands / sizeof subcommands[0])

void relayctl_complain(const char *format, ...)
{
	va_list arguments;
	fflush(stdout);
	fputs("sfdc-relayctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void relayctl_complain_of(const char *file, const char *problem)
{
	char shown[LOG_PRINTABLE_SIZE];
	terminal_escape(span_of(file), shown, sizeof shown);
	relayctl_complain("%s: %s", shown, problem);
}

int relayctl_usage(const struct command *command, const char *format, ...)
{
	va_list arguments;
	char text[USAGE_SIZE];
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	bool question = text[0] != '\0' && text[strlen(text) - 1] == '?';
	fprintf(stderr, "%s: %s%s %s --help\n", command->name, text, question ? " See" : "; see", command->name);
	return RELAYCTL_USAGE;
}

int relayctl_end(const struct command *command, int id, const char *problem)
{
	if (id != ARGUMENTS_HELP)
		return relayctl_usage(command, "%s", problem);
	arguments_help(stdout, command);
	return RELAYCTL_GOOD;
}

struct settings *relayctl_load(const char *path, struct problems *problems_r)
{
	problems_init(problems_r);
	struct settings *settings = configuration_load(path, problems_r);
	char error[RESOLVER_ERROR_SIZE];
	if (settings && !resolver_check(settings, error)) {
		problems_add(problems_r, PROBLEM_ERROR, "%s", error);
		settings_free(settings);
		settings = NULL;
	}
	return settings;
}

void relayctl_print_problems(const char *path, const struct problems *problems, bool warnings)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];
		bool warning = problem->severity == PROBLEM_WARNING;
		if (warnings || !warning)
			fprintf(stderr, "%s%s\n", warning ? "warning: " : "", problem->text);
	}
	if (problems->no_memory)
		relayctl_complain_of(path, "out of memory");
}

bool relayctl_read_stream(int in, size_t most, struct span *content_r)
{
	char *bytes = NULL;
	size_t length = 0;
	size_t room = 0;

	for (;;) {
		if (length == room) {
			char *more = room > SIZE_MAX / 2 - READ_STEP ? NULL : realloc(bytes, room = room * 2 + READ_STEP);
			if (!more) {
				free(bytes);
				errno = ENOMEM;
				return false;
			}
			bytes = more;
		}
		ssize_t got = read(in, bytes + length, room - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got > 0 && (size_t)got > most - length) {
			errno = EFBIG;
			got = -1;
		}
		if (got < 0) {
			free(bytes);
			return false;
		}
		if (got == 0)
			break;
		length += (size_t)got;
	}
	*content_r = span_make(bytes, length);
	return true;
}

const char *relayctl_endless(const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return NULL;
	if (S_ISDIR(status->st_mode))
		return "it is a directory; name the files in it";
	if (S_ISFIFO(status->st_mode))
		return "it is a FIFO or pipe; name a regular file, or - for standard input";
	if (S_ISSOCK(status->st_mode))
		return "it is a socket; name a regular file";
	return "it is a device; name a regular file, or - for standard input";
}

bool relayctl_read(const char *path, struct span *content_r, char problem_r[RELAYCTL_PROBLEM_SIZE])
{
	bool standard = strcmp(path, "-") == 0;
	struct stat status;
	const char *problem = NULL;
	/* A FIFO without a writer must not hold us up. */
	int in = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool good = in >= 0;
	if (good && !standard) {
		good = fstat(in, &status) == 0;
		problem = good ? relayctl_endless(&status) : NULL;
	}
	good = good && !problem && relayctl_read_stream(in, SIZE_MAX, content_r);
	if (!good)
		snprintf(problem_r, RELAYCTL_PROBLEM_SIZE, "%s%s",
		         problem ? "" : "it cannot be read: ", problem ? problem : strerror(errno));
	if (!standard && in >= 0)
		close(in);
	return good;
}

json_t *relayctl_json_shown(struct span text)
{
	char printable[LOG_PRINTABLE_SIZE];
	return json_stringn(printable, log_entry_printable(text, printable, sizeof printable));
}

json_t *relayctl_json_whole(struct span text)
{
	json_t *value = json_stringn(text.at ? text.at : "", text.length);
	return value ? value : relayctl_json_shown(text);
}

bool relayctl_json_print(FILE *out, json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	bool good = line != NULL && fprintf(out, "%s\n", line) > 0;
	free(line);
	json_decref(object);
	return good;
}

/* The subcommand's own word: what stands behind the program's. */
static const char *own_name(const struct subcommand *subcommand)
{
	return strchr(subcommand->command.name, ' ') + 1;
}

static const struct subcommand *find(const char *name)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(name, own_name(subcommands[i])) == 0)
			return subcommands[i];
	return NULL;
}

enum { PROGRAM_VERSION = 1 };

static const struct argument arguments[] = {
	{ PROGRAM_VERSION, 'V', "version", NULL, "show the version and exit" },
};

static const struct command program = {
	.name = "sfdc-relayctl",
	.synopsis = "SUBCOMMAND [OPTION]... [ARGUMENT]...",
	.arguments = arguments,
	.count = sizeof arguments / sizeof arguments[0],
};

static int help(FILE *out)
{
	arguments_usage(out, &program);
	fputs("\nSubcommands:\n", out);
	for (size_t i = 0; i < SUBCOMMANDS; i++) {
		size_t used = (size_t)fprintf(out, "  %s", own_name(subcommands[i]));
		terminal_fold(out, span_of(subcommands[i]->command.about), used, 17);
	}
	fputs(
		"  help           this text; with the name of a subcommand its options, exit\n                 status and an example\n\n"
		"Options:\n",
		out);
	arguments_list(out, &program);
	fputs("\nSee sfdc-relayctl(1).\n", out);
	return RELAYCTL_GOOD;
}

static int unknown(const char *word)
{
	const char *names[SUBCOMMANDS + 1] = { "help" };
	char shown[LOG_PRINTABLE_SIZE];
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		names[i + 1] = own_name(subcommands[i]);
	const char *closest = arguments_closest(span_of(word), names, SUBCOMMANDS + 1);
	terminal_escape(span_of(word), shown, sizeof shown);
	relayctl_complain("%s is no subcommand%s%s%s sfdc-relayctl help", shown, closest ? "; did you mean " : "",
	                  closest ? closest : "", closest ? "? See" : "; see");
	return RELAYCTL_USAGE;
}

static int help_with(const char *name)
{
	const struct subcommand *subcommand = name ? find(name) : NULL;
	if (!name)
		return help(stdout);
	if (!subcommand)
		return unknown(name);
	arguments_help(stdout, &subcommand->command);
	return RELAYCTL_GOOD;
}

/* Output that could not be written must not look like success. */
static int finish(int code)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		relayctl_complain("cannot write the output: %s", strerror(errno));
		return RELAYCTL_TEMPFAIL;
	}
	return code;
}

/* An option where a subcommand belongs. */
static int take_option(char **argv)
{
	char problem[ARGUMENTS_PROBLEM_SIZE];
	switch (arguments_next(&program, 2, argv, problem)) {
	case PROGRAM_VERSION:
		printf("sfdc-relayctl %s\n", PACKAGE_VERSION);
		return RELAYCTL_GOOD;
	case ARGUMENTS_HELP:
		return help(stdout);
	default:
		return relayctl_usage(&program, "%s", problem[0] != '\0' ? problem : "a subcommand is missing");
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return RELAYCTL_USAGE;
	}
	const struct subcommand *subcommand = find(argv[1]);
	if (subcommand)
		return finish(subcommand->run(argc - 1, argv + 1));
	if (strcmp(argv[1], "help") == 0)
		return finish(help_with(argc > 2 ? argv[2] : NULL));
	return argv[1][0] == '-' ? finish(take_option(argv)) : unknown(argv[1]);
}
