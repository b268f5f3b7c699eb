/* The daemon: options, configuration, and then the supervisor. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/filter.h"
#include "cmd/privileges.h"
#include "cmd/supervisor.h"
#include "config/loader.h"
#include "evidence/resolver.h"

#define DEFAULT_CONFIG SYSCONFDIR "/sfdc-milter/sfdc-milter.yaml"
#define PATIENCE 10 /* seconds beyond message_timeout that a stop may take */

struct options {
	const char *config;
	const char *socket;
	bool foreground;
	bool check_only;
	bool show_version;
};

static int usage(void)
{
	fputs("usage: sfdc-milter [-c FILE] [-f] [-n] [-p SOCKET] [-V]\n", stderr);
	return STATUS_USAGE;
}

static bool read_options(int count, char **arguments, struct options *options_r)
{
	int option;
	memset(options_r, 0, sizeof *options_r);
	options_r->config = DEFAULT_CONFIG;
	while ((option = getopt(count, arguments, "c:fnp:V")) != -1) {
		switch (option) {
		case 'c':
			options_r->config = optarg;
			break;
		case 'f':
			options_r->foreground = true;
			break;
		case 'n':
			options_r->check_only = true;
			break;
		case 'p':
			options_r->socket = optarg;
			break;
		case 'V':
			options_r->show_version = true;
			break;
		default:
			return false;
		}
	}
	return optind == count;
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

/* What the loader cannot know: this machine's users, groups and paths. False: an error was printed. */
static bool check_machine(const struct filter *filter, bool with_warnings)
{
	struct privileges privileges;
	struct listener_options listener;
	char text[PRIVILEGES_TEXT_SIZE];
	char listener_text[LISTENER_TEXT_SIZE];
	const struct settings *settings = filter->in_force.settings;
	bool good = privileges_find(settings->user.at ? settings->user.at : "", &privileges, text);

	if (text[0] != '\0' && (!good || with_warnings))
		fprintf(stderr, "%s%s\n", good ? "warning: " : "", text);
	filter_listener(filter, settings, &listener);
	bool listens = listener_check(&listener, listener_text) == LISTENER_OK;
	if (listener_text[0] != '\0' && (!listens || with_warnings))
		fprintf(stderr, "%s%s\n", listens ? "warning: " : "", listener_text);
	bool pidfile = settings->pidfile.length == 0 || settings->pidfile.at[0] == '/';
	if (!pidfile)
		fputs("pidfile must be an absolute path\n", stderr);
	return good && listens && pidfile;
}

static bool load(struct filter *filter, bool with_warnings)
{
	reading_load(&filter->in_force, filter->config);
	print_problems(&filter->in_force.warnings, with_warnings);
	return filter->in_force.settings && check_machine(filter, with_warnings);
}

/* Not before a start, since the filter is forked before any resolver exists: it looks itself. */
static int check_records(const struct filter *filter)
{
	char error[RESOLVER_ERROR_SIZE];
	if (resolver_check(filter->in_force.settings, error))
		return STATUS_OK;
	fprintf(stderr, "%s\n", error);
	return STATUS_CONFIG;
}

static int run_filter(void *context, const struct start *start)
{
	struct filter *filter = context;
	int status = filter_run(filter, start);
	reading_clear(&filter->in_force);
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

static void clean_up(void *context)
{
	const struct filter *filter = context;
	struct listener_options listener;
	filter_listener(filter, filter->in_force.settings, &listener);
	listener_remove(listener.socket);
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
	snprintf(pidfile, sizeof pidfile, "%.*s", (int)settings->pidfile.length, settings->pidfile.at ? settings->pidfile.at : "");
	struct supervision supervision = {
		.foreground = foreground,
		.pidfile = pidfile,
		.context = filter,
		.filter = run_filter,
		.reload = read_again,
		.settle = settle,
		.complain = complain,
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

int main(int count, char **arguments)
{
	struct options options;
	if (!read_options(count, arguments, &options))
		return usage();
	if (options.show_version) {
		puts("sfdc-milter " VERSION);
		return STATUS_OK;
	}
	char config[PATH_MAX];
	if (!absolute(options.config, config, sizeof config)) {
		fprintf(stderr, "sfdc-milter: %s: the path is too long\n", options.config);
		return STATUS_USAGE;
	}
	struct filter filter = { .config = config, .socket = options.socket };
	struct listener_options listener = { .socket = options.socket };
	char text[LISTENER_TEXT_SIZE];
	if (options.socket && listener_check(&listener, text) == LISTENER_MALFORMED) {
		fprintf(stderr, "sfdc-milter: %s\n", text);
		return STATUS_USAGE;
	}
	int status = STATUS_CONFIG;
	if (load(&filter, options.check_only))
		status = options.check_only ? check_records(&filter) : start(&filter, options.foreground);
	filter_clear(&filter);
	return status;
}
