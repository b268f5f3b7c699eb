#include "config.h"

#include "cmd/relayctl.h"
#include "evidence/resolver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP ((size_t)1 << 16)

static const struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *synopsis;
	const char *help;
} subcommands[] = {
	{ "check-config", check_config_main, "[-c FILE] [--mta postfix|sendmail]",
	  "check the configuration, say whether its policy proves the customer, show the MTA's side" },
	{ "check-message", check_message_main,
	  "[-c FILE] [--json] [--explain] [--trace] [--session FILE.json] [--mta postfix|sendmail]\n"
	  "                 [--client-ip A] [--client-name N] [--helo H] [--mail-from S] [--rcpt R]...\n"
	  "                 [--tls-version V] [--cipher C] [--cipher-bits N] [--cert-subject N] [--cn-subject N]\n"
	  "                 [--cert-issuer N] [--cert-verify OK] [--auth-type T] [--auth-authen U] MESSAGE|-...",
	  "judge message files as the milter would; what is not told of the session counts as not there" },
	{ "org-id", org_id_main, "[--json] ID|BOUNCE-ADDRESS...",
	  "validate and convert organization IDs, decode bounce addresses" },
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

int relayctl_usage(const char *subcommand, const char *format, ...)
{
	va_list arguments;
	fprintf(stderr, "sfdc-relayctl %s: ", subcommand);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "; see sfdc-relayctl help\n");
	return RELAYCTL_USAGE;
}

struct settings *relayctl_settings(const char *path, bool warnings)
{
	struct problems problems;
	problems_init(&problems);
	struct settings *settings = config_load(path, &problems);
	for (size_t i = 0; i < problems.count; i++) {
		const struct problem *problem = &problems.items[i];
		bool warning = problem->severity == PROBLEM_WARNING;
		if (warnings || !warning)
			fprintf(stderr, "%s%s\n", warning ? "warning: " : "", problem->text);
	}
	if (problems.no_memory)
		relayctl_complain("%s: out of memory", path);
	problems_clear(&problems);
	char error[RESOLVER_ERROR_SIZE];
	if (settings && !resolver_check(settings, error)) {
		fprintf(stderr, "%s\n", error);
		settings_free(settings);
		settings = NULL;
	}
	return settings;
}

static bool read_stream(FILE *in, struct span *content_r)
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
		size_t got = fread(bytes + length, 1, room - length, in);
		length += got;
		if (got == 0)
			break;
	}
	if (ferror(in)) {
		free(bytes);
		return false;
	}
	*content_r = span_make(bytes, length);
	return true;
}

bool relayctl_read(const char *path, struct span *content_r)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *in = standard ? stdin : fopen(path, "rb");
	if (!in)
		return false;
	bool good = read_stream(in, content_r);
	int error = errno;
	if (!standard)
		fclose(in);
	errno = error;
	return good;
}

static void help_subcommand(FILE *out, const struct subcommand *subcommand)
{
	fprintf(out, "  %-13s  %s\n                 %s\n", subcommand->name, subcommand->synopsis, subcommand->help);
}

static int help(FILE *out)
{
	fprintf(out, "usage: sfdc-relayctl SUBCOMMAND ...\n\n");
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		help_subcommand(out, &subcommands[i]);
	fprintf(out, "  %-13s  this text\n\nThe configuration is %s unless -c names another. See sfdc-relayctl(1).\n", "help",
	        RELAYCTL_CONFIG_FILE);
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

static bool asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run(const struct subcommand *subcommand, int argc, char **argv)
{
	if (argc < 2 || !asks_for_help(argv[1]))
		return subcommand->run(argc, argv);
	help_subcommand(stdout, subcommand);
	return RELAYCTL_GOOD;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return RELAYCTL_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || asks_for_help(argv[1]))
		return finish(help(stdout));
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("sfdc-relayctl %s\n", PACKAGE_VERSION);
		return finish(RELAYCTL_GOOD);
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return finish(run(&subcommands[i], argc - 1, argv + 1));
	relayctl_complain("there is no subcommand %s; see sfdc-relayctl help", argv[1]);
	return RELAYCTL_USAGE;
}
