/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/machine.h"
#include "cmd/relayctl.h"
#include "cmd/status_client.h"
#include "core/log_entry.h"

#define ORG_WIDTH 17
#define TITLE_WIDTH 15
#define WORDS_SIZE 64
#define TEXT_SIZE 600
#define MINUTE 60
#define HOUR 3600
#define DAY 86400

enum { FLAG_CONFIG = 1, FLAG_JSON };

static const struct argument arguments[] = {
	{ FLAG_CONFIG, 'c', NULL, "FILE", RELAYCTL_CONFIG_HELP },
	{ FLAG_JSON, 0, "json", NULL,
	  "print what the daemon answers as one JSON object, with file_hash: config_hash of the file" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "the daemon answered" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_TEMPFAIL, "the daemon does not answer, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "the configuration has an error, or no metrics.listen" },
};

static int status_main(int argc, char **argv);

const struct subcommand status_subcommand = {
	.command = {
		.name = "sfdc-relayctl status",
		.synopsis = "[-c FILE] [--json]",
		.about = "Show what the running daemon counts: today's verdicts of each organization, its last accepted mail, what waits, "
		         "drifts and is limited; and configuration, uptime and resolver.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl status -c /etc/sfdc-milter/sfdc-milter.yaml\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = status_main,
};

static const struct command *const command = &status_subcommand.command;

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* "3d 4h", "12m", "9s". */
static void say_span(long long seconds, char words_r[WORDS_SIZE])
{
	if (seconds < 0)
		seconds = 0;
	if (seconds >= DAY)
		snprintf(words_r, WORDS_SIZE, "%lldd %lldh", seconds / DAY, seconds % DAY / HOUR);
	else if (seconds >= HOUR)
		snprintf(words_r, WORDS_SIZE, "%lldh %lldm", seconds / HOUR, seconds % HOUR / MINUTE);
	else if (seconds >= MINUTE)
		snprintf(words_r, WORDS_SIZE, "%lldm", seconds / MINUTE);
	else
		snprintf(words_r, WORDS_SIZE, "%llds", seconds);
}

static void say_time(long long seconds, char words_r[WORDS_SIZE])
{
	time_t then = (time_t)seconds;
	struct tm here;
	if (!localtime_r(&then, &here) || strftime(words_r, WORDS_SIZE, "%Y-%m-%d %H:%M", &here) == 0)
		words_r[0] = '\0';
}

static void title(const char *text)
{
	terminal_put(stdout, SHADE_STRONG, span_of(text), TITLE_WIDTH);
}

static void row(const char *name, enum shade shade, const char *text)
{
	title(name);
	terminal_put(stdout, shade, span_of(text), 0);
	fputc('\n', stdout);
}

static void print_head(const json_t *status, const char *file_hash, long long now)
{
	char text[TEXT_SIZE];
	char up[WORDS_SIZE];
	char since[WORDS_SIZE];
	const json_t *resolver = json_object_get(status, "resolver");
	bool answers = json_is_true(json_object_get(resolver, "answers"));
	bool reloaded = json_is_true(json_object_get(status, "reload_success"));
	bool same = strcmp(file_hash, string_of(status, "config_hash")) == 0;

	say_span(now - number_of(status, "started"), up);
	snprintf(text, sizeof text, "%s, up %s, %lld loops, %lld connections, %lld in progress",
	         string_of(status, "version"), up, number_of(status, "workers"), number_of(status, "connections"),
	         number_of(status, "messages_in_progress"));
	row("sfdc-milter", SHADE_PLAIN, text);
	say_time(number_of(status, "configured"), since);
	snprintf(text, sizeof text, "%s since %s", string_of(status, "config_hash"), since);
	row("configuration", SHADE_PLAIN, text);
	if (!reloaded)
		row("", SHADE_BAD, "the last reload failed: see ev=reload in the log");
	if (!same)
		row("", SHADE_DOUBT, "the file says something else than is in force: reload");
	title("resolver");
	terminal_escape(span_of(string_of(resolver, "text")), text, sizeof text);
	terminal_fold(stdout, span_of(text), TITLE_WIDTH, TITLE_WIDTH);
	if (!answers)
		row("", SHADE_BAD, "/readyz says that this relay is not ready");
	snprintf(text, sizeof text, "%lld questions, %lld from the cache, %lld failed", number_of(resolver, "questions"),
	         number_of(resolver, "cached"), number_of(resolver, "failed"));
	row("", SHADE_PLAIN, text);
	say_time(number_of(status, "day_began"), since);
	printf("\nVerdicts since %s\n", since);
}

static void number(long long value, int width, enum shade shade)
{
	char text[WORDS_SIZE];
	snprintf(text, sizeof text, "%*lld", width, value);
	/* Wider ones would push all others aside; a million fits. */
	if (value >= 10000000)
		snprintf(text, sizeof text, "%*lldM", width - 1, value / 1000000);
	fputc(' ', stdout);
	terminal_put(stdout, value != 0 ? shade : SHADE_DIM, span_of(text), 0);
}

static void print_counts(const json_t *counts)
{
	number(number_of(counts, "accept"), 7, SHADE_GOOD);
	number(number_of(counts, "quarantine"), 5, SHADE_DOUBT);
	number(number_of(counts, "tempfail"), 6, SHADE_DOUBT);
	number(number_of(counts, "reject"), 7, SHADE_BAD);
}

static long long sum_of(const json_t *counts)
{
	const char *key;
	json_t *value;
	long long sum = 0;
	json_object_foreach((json_t *)(uintptr_t)counts, key, value) sum += (long long)json_integer_value(value);
	return sum;
}

/* The fullest limit. */
static void print_limit(const json_t *limits)
{
	const char *key;
	json_t *value;
	double most = -1;
	char text[WORDS_SIZE] = "   -";
	json_object_foreach((json_t *)(uintptr_t)limits, key, value)
	{
		double used = json_number_value(json_object_get(value, "used"));
		if (used > most)
			most = used;
	}
	if (most >= 0)
		snprintf(text, sizeof text, "%3.0f%%", most * 100 < 999 ? most * 100 : 999);
	fputc(' ', stdout);
	terminal_put(stdout, most >= 0.8 ? SHADE_BAD : SHADE_PLAIN, span_of(text), 0);
}

static void print_org(const json_t *org, long long now)
{
	const json_t *today = json_object_get(org, "today");
	const json_t *messages = json_object_get(today, "messages");
	const json_t *would = json_object_get(today, "would");
	const json_t *last = json_object_get(org, "last_accepted");
	char name[LOG_PRINTABLE_SIZE];
	char ago[WORDS_SIZE] = "-";

	terminal_escape(span_of(string_of(org, "name")), name, sizeof name);
	if (strlen(name) > ORG_WIDTH)
		memcpy(name + ORG_WIDTH - 2, "..", 3);
	terminal_put(stdout, SHADE_STRONG, span_of(name), ORG_WIDTH);
	fputc(' ', stdout);
	terminal_put(stdout, SHADE_PLAIN, span_of(string_of(org, "mode")), 7);
	print_counts(messages);
	if (json_is_integer(last))
		say_span(now - (long long)json_integer_value(last), ago);
	printf(" %8s", ago);
	number(number_of(org, "waiting"), 5, SHADE_DOUBT);
	number(sum_of(json_object_get(org, "drift")), 5, SHADE_BAD);
	print_limit(json_object_get(org, "limits"));
	fputc('\n', stdout);
	if (json_equal(messages, would))
		return;
	printf("%*s", ORG_WIDTH + 8, "would be");
	print_counts(would);
	fputc('\n', stdout);
}

static void print_plain(const json_t *status, const char *file_hash)
{
	long long now = (long long)time(NULL);
	const json_t *orgs = json_object_get(status, "orgs");
	const json_t *none = json_object_get(status, "none");
	print_head(status, file_hash, now);
	char heading[WORDS_SIZE * 2];
	snprintf(heading, sizeof heading, "%-*s %-7s %7s %5s %6s %7s %8s %5s %5s %4s", ORG_WIDTH, "organization", "mode",
	         "accept", "hold", "defer", "reject", "last", "wait", "drift", "used");
	terminal_put(stdout, SHADE_DIM, span_of(heading), 0);
	fputc('\n', stdout);
	for (size_t i = 0; i < json_array_size(orgs); i++)
		print_org(json_array_get(orgs, i), now);
	print_org(none, now);
}

static int show(const struct settings *settings, bool json)
{
	struct listener_options listener;
	char problem[STATUS_PROBLEM_SIZE];
	if (!machine_metrics_listener(settings, &listener)) {
		relayctl_complain("metrics.listen is empty, so that the daemon tells nothing; name a socket there, as in "
		                  "metrics: {listen: \"inet:9471@127.0.0.1\"}, and restart it");
		return RELAYCTL_CONFIG;
	}
	json_t *status = status_fetch(listener.socket, problem);
	if (!status) {
		relayctl_complain("%s: %s", listener.socket, problem);
		return RELAYCTL_TEMPFAIL;
	}
	if (!json) {
		print_plain(status, settings->hash);
		json_decref(status);
		return RELAYCTL_GOOD;
	}
	json_object_set_new(status, "file_hash", json_string(settings->hash));
	if (relayctl_json_print(stdout, status))
		return RELAYCTL_GOOD;
	relayctl_complain("out of memory");
	return RELAYCTL_TEMPFAIL;
}

static int status_main(int argc, char **argv)
{
	char wrong[ARGUMENTS_PROBLEM_SIZE];
	const char *path = RELAYCTL_CONFIG_FILE;
	struct problems problems;
	bool json = false;
	for (int id; (id = arguments_next(command, argc, argv, wrong)) != ARGUMENTS_END;) {
		if (id == FLAG_CONFIG)
			path = optarg;
		else if (id == FLAG_JSON)
			json = true;
		else
			return relayctl_end(command, id, wrong);
	}
	if (optind < argc)
		return relayctl_usage(command, "there are only options");
	struct settings *settings = relayctl_load(path, &problems);
	relayctl_print_problems(path, &problems, false);
	int code = settings ? show(settings, json) : RELAYCTL_CONFIG;
	problems_clear(&problems);
	settings_free(settings);
	return code;
}
