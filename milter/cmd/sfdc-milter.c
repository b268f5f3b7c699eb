/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon: options, configuration, and then the supervisor. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/arguments.h"
#include "cmd/configuration.h"
#include "cmd/filter.h"
#include "cmd/machine.h"
#include "cmd/privileges.h"
#include "cmd/terminal.h"
#include "cmd/supervisor.h"
#include "config/loader.h"
#include "core/log_entry.h"
#include "evidence/resolver.h"

#define DEFAULT_CONFIG SYSCONFDIR "/sfdc-milter/sfdc-milter.yaml"
#define PATIENCE 10 /* seconds beyond message_timeout that a stop may take */

enum { OPTION_CONFIG_FILE = 1, OPTION_FOREGROUND, OPTION_CHECK, OPTION_LISTEN, OPTION_VERSION };

static const struct argument arguments[] = {
	{ OPTION_CONFIG_FILE, 'c', NULL, "FILE", "read this configuration instead of " DEFAULT_CONFIG },
	{ OPTION_FOREGROUND, 'f', NULL, NULL, "stay in the foreground, as service managers want it" },
	{ OPTION_CHECK, 'n', NULL, NULL, "check the configuration, show errors and warnings, and exit" },
	{ OPTION_LISTEN, 'p', NULL, "SOCKET",
	  "listen there, whatever the configuration says: unix:/PATH, inet:PORT@HOST or inet6:PORT@HOST" },
	{ OPTION_VERSION, 'V', "version", NULL, "show the version and exit" },
};

static const struct exit_status exits[] = {
	{ STATUS_OK, "stopped as asked; in the background: started; -n: the configuration is good" },
	{ STATUS_USAGE, "wrong usage" },
	{ STATUS_CANNOT, "it cannot start now: the socket is in use, a file cannot be written, there is no memory" },
	{ STATUS_CONFIG, "the configuration has an error" },
};

static const struct command command = {
	.name = "sfdc-milter",
	.synopsis = "[-c FILE] [-f] [-n] [-p SOCKET] [-V]",
	.about =
		"Mail filter for relays that serve Salesforce Email Relay. Without -f it goes to the background, and returns when "
		"the filter can be used. SIGHUP makes it read its configuration again, SIGTERM finish what is in flight and end.",
	.arguments = arguments,
	.count = sizeof arguments / sizeof arguments[0],
	.exits = exits,
	.exit_count = sizeof exits / sizeof exits[0],
	.example = "  sfdc-milter -n -c sfdc-milter.yaml && sfdc-milter -f -c sfdc-milter.yaml\n",
	.manual = "sfdc-milter(8)",
};

struct options {
	const char *config;
	const char *socket;
	bool foreground;
	bool check_only;
	bool show_version;
	bool show_help;
};

static int usage(const char *problem)
{
	fprintf(stderr, "sfdc-milter: %s\n", problem);
	arguments_usage(stderr, &command);
	fputs("--help explains the options\n", stderr);
	return STATUS_USAGE;
}

/* False: problem_r says what is wrong. */
static bool read_options(int count, char **words, struct options *options_r, char problem_r[ARGUMENTS_PROBLEM_SIZE])
{
	memset(options_r, 0, sizeof *options_r);
	options_r->config = DEFAULT_CONFIG;
	for (int id; (id = arguments_next(&command, count, words, problem_r)) != ARGUMENTS_END;) {
		if (id == OPTION_CONFIG_FILE)
			options_r->config = optarg;
		else if (id == OPTION_FOREGROUND)
			options_r->foreground = true;
		else if (id == OPTION_CHECK)
			options_r->check_only = true;
		else if (id == OPTION_LISTEN)
			options_r->socket = optarg;
		else if (id == OPTION_VERSION)
			options_r->show_version = true;
		else if (id == ARGUMENTS_HELP)
			options_r->show_help = true;
		else
			return false;
	}
	if (optind == count)
		return true;
	char shown[LOG_PRINTABLE_SIZE];
	terminal_escape(span_of(words[optind]), shown, sizeof shown);
	snprintf(problem_r, ARGUMENTS_PROBLEM_SIZE, "%.100s is too much: there are only options", shown);
	return false;
}

static void print_problems(const struct problems *problems, bool with_warnings)
{
	for (size_t i = 0; i < problems->count; i++) {
		bool error = problems->items[i].severity == PROBLEM_ERROR;
		if (error || with_warnings)
			fprintf(stderr, "%s%s\n", error ? "" : "warning: ", problems->items[i].text);
	}
	if (problems->no_memory)
		fputs("not all problems can be shown: there is no memory\n", stderr);
}

static bool load(struct filter *filter, bool with_warnings)
{
	struct problems *problems = &filter->in_force.warnings;
	reading_load(&filter->in_force, filter->config);
	if (filter->in_force.settings)
		machine_check(filter->in_force.settings, filter->socket, true, problems);
	print_problems(problems, with_warnings);
	return filter->in_force.settings && problems->errors == 0 && !problems->no_memory;
}

/* Not before a start, since the filter is forked before any resolver exists: it looks itself. */
static int check_records(const struct filter *filter, size_t warnings)
{
	char error[RESOLVER_ERROR_SIZE];
	if (!resolver_check(filter->in_force.settings, error)) {
		fprintf(stderr, "%s\n", error);
		return STATUS_CONFIG;
	}
	printf("%s: the configuration is good", filter->config);
	if (warnings != 0)
		printf(", with %zu warning%s", warnings, warnings == 1 ? "" : "s");
	putchar('\n');
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_CANNOT;
}

static void print_line(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "%s\n", text);
}

/* Read everything again as the configured user, who this process becomes. */
static int read_as_user(struct filter *filter, const struct privileges *privileges)
{
	char text[PRIVILEGES_TEXT_SIZE];
	if (!privileges_drop(privileges, text)) {
		fprintf(stderr, "%s\n", text);
		return STATUS_CANNOT;
	}
	if (configuration_unreadable(filter->in_force.settings, privileges->user, print_line, NULL) != 0)
		return STATUS_CONFIG;
	reading_clear(&filter->in_force);
	reading_load(&filter->in_force, filter->config);
	print_problems(&filter->in_force.warnings, false);
	return filter->in_force.settings ? STATUS_OK : STATUS_CONFIG;
}

/* Whoever asks may be root, and read more than a reload can, which is done as the configured user. */
static int check_reload(struct filter *filter)
{
	char text[PRIVILEGES_TEXT_SIZE];
	struct privileges privileges;
	const struct settings *settings = filter->in_force.settings;
	size_t warnings = filter->in_force.warnings.count;
	int status = STATUS_OK;
	if (privileges_find(settings->user.at ? settings->user.at : "", &privileges, text) && privileges.change)
		status = read_as_user(filter, &privileges);
	return status == STATUS_OK ? check_records(filter, warnings) : status;
}

static int run_filter(void *context, const struct start *start)
{
	struct filter *filter = context;
	int status = filter_run(filter, start);
	filter_clear(filter);
	log_free(filter->log);
	return status;
}

static void read_again(void *context)
{
	struct filter *filter = context;
	reading_clear(&filter->changed);
	reading_load(&filter->changed, filter->config);
}

/* A filter that is started later starts with what the running one took over; it tells of the problems itself. */
static void settle(void *context, bool in_force)
{
	struct filter *filter = context;
	if (in_force && filter->changed.settings) {
		reading_clear(&filter->in_force);
		filter->in_force = filter->changed;
		memset(&filter->changed, 0, sizeof filter->changed);
		log_configure(filter->log, filter->in_force.settings);
	}
	reading_clear(&filter->changed);
}

static unsigned patience(void *context)
{
	const struct filter *filter = context;
	return filter->in_force.settings->message_timeout + PATIENCE;
}

static void complain(void *context, const char *text)
{
	filter_complain(context, text);
}

static bool attend(void *context)
{
	const struct filter *filter = context;
	return log_retry(filter->log);
}

static void clean_up(void *context)
{
	const struct filter *filter = context;
	struct listener_options listener;
	filter_listener(filter, filter->in_force.settings, &listener);
	listener_remove(listener.socket);
	listener_remove(filter->metrics.socket);
}

static int start(struct filter *filter, bool foreground)
{
	filter->log = log_new("sfdc-milter");
	if (!filter->log || !filter_fix(filter)) {
		fputs("sfdc-milter: there is no memory\n", stderr);
		return STATUS_CANNOT;
	}
	const struct settings *settings = filter->in_force.settings;
	log_configure(filter->log, settings);
	char pidfile[PATH_MAX];
	snprintf(pidfile, sizeof pidfile, "%.*s", (int)settings->pidfile.length,
	         settings->pidfile.at ? settings->pidfile.at : "");
	struct supervision supervision = {
		.foreground = foreground,
		.pidfile = pidfile,
		.context = filter,
		.filter = run_filter,
		.reload = read_again,
		.settle = settle,
		.complain = complain,
		.attend = attend,
		.ended = clean_up,
		.patience = patience,
	};
	int status = supervise(&supervision);
	log_free(filter->log);
	return status;
}

/* The background process changes its directory, and a reload must find the file again. */
static bool absolute(const char *path, char *absolute_r, size_t size)
{
	char here[PATH_MAX];
	if (path[0] == '/')
		return (size_t)snprintf(absolute_r, size, "%s", path) < size;
	return getcwd(here, sizeof here) && (size_t)snprintf(absolute_r, size, "%s/%s", here, path) < size;
}

int main(int count, char **words)
{
	struct options options;
	char problem[ARGUMENTS_PROBLEM_SIZE];
	if (!read_options(count, words, &options, problem))
		return usage(problem);
	if (options.show_help) {
		arguments_help(stdout, &command);
		return fflush(stdout) == 0 ? STATUS_OK : STATUS_CANNOT;
	}
	if (options.show_version) {
		puts("sfdc-milter " VERSION);
		return STATUS_OK;
	}
	char config[PATH_MAX];
	if (!absolute(options.config, config, sizeof config)) {
		fprintf(stderr, "sfdc-milter: %s: the path is too long; name a shorter one\n", options.config);
		return STATUS_USAGE;
	}
	struct filter filter = { .config = config, .socket = options.socket };
	struct listener_options listener = { .socket = options.socket };
	char text[LISTENER_TEXT_SIZE];
	const char *option;
	if (options.socket && listener_check(&listener, text, &option) == LISTENER_MALFORMED) {
		fprintf(stderr, "sfdc-milter: -p: %s\n", text);
		return STATUS_USAGE;
	}
	int status = STATUS_CONFIG;
	if (load(&filter, options.check_only))
		status = options.check_only ? check_reload(&filter) : start(&filter, options.foreground);
	filter_clear(&filter);
	return status;
}
