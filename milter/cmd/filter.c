/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/filter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/configuration.h"
#include "cmd/machine.h"
#include "cmd/metrics.h"
#include "cmd/privileges.h"
#include "config/live.h"
#include "core/log_entry.h"
#include "evidence/environment.h"
#include "evidence/resolver.h"
#include "limits/limits.h"
#include "mta/server.h"
#include "mta/shared.h"
#include "observe/outlet.h"

#define COMPLAINT_SIZE 1024 /* bytes */

/* The running filter: what its threads share. */
struct running {
	struct filter *filter;
	struct start start;
	struct live *live;
	struct environment environment;
	struct limits *limits;
	struct shared shared;
	struct watch *watch;
	struct server *server;
	struct counters *counters;
	struct reload_state reload;
	long long started;       /* seconds */
	int listener;            /* where the MTA finds the filter; -1: not open */
	int metrics_listener;    /* -1: not open */
	struct metrics *metrics; /* NULL: nobody asks */
	sigset_t signals;
};

void reading_load(struct reading *reading_r, const char *config)
{
	reading_r->settings = configuration_load(config, &reading_r->warnings);
}

void reading_clear(struct reading *reading)
{
	settings_free(reading->settings);
	problems_clear(&reading->warnings);
	memset(reading, 0, sizeof *reading);
}

bool filter_fix(struct filter *filter)
{
	struct listener_options listener;
	const struct settings *settings = filter->in_force.settings;
	filter_listener(filter, settings, &listener);
	const char *const texts[] = { listener.socket, listener.group ? listener.group : "",
		                          settings->user.at ? settings->user.at : "",
		                          settings->metrics.listen.at ? settings->metrics.listen.at : "" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		filter->kept[i] = strdup(texts[i]);
		if (!filter->kept[i])
			return false;
	}
	filter->listener.socket = filter->kept[0];
	filter->listener.group = filter->kept[1];
	filter->listener.mode = listener.mode;
	filter->user = filter->kept[2];
	(void)machine_metrics_listener(settings, &filter->metrics);
	filter->metrics.socket = filter->kept[3];
	filter->metrics.group = filter->kept[1];
	return true;
}

void filter_clear(struct filter *filter)
{
	reading_clear(&filter->in_force);
	reading_clear(&filter->changed);
	for (size_t i = 0; i < sizeof filter->kept / sizeof filter->kept[0]; i++)
		free(filter->kept[i]);
}

void filter_listener(const struct filter *filter, const struct settings *settings, struct listener_options *options_r)
{
	if (filter->listener.socket) {
		*options_r = filter->listener;
		return;
	}
	machine_listener(settings, filter->socket, options_r);
}

void filter_complain(const struct filter *filter, const char *text)
{
	log_event(filter->log, LOG_LEVEL_ERROR, "error", "%s", text);
	const struct settings *settings = filter->in_force.settings;
	if (settings && settings->log.target != LOG_TARGET_STDERR) {
		char line[COMPLAINT_SIZE];
		snprintf(line, sizeof line, "sfdc-milter: %s", text);
		outlet_say(line);
	}
}

static void log_problems(struct log *log, const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		bool error = problems->items[i].severity == PROBLEM_ERROR;
		log_event(log, error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, error ? "error" : "warning", "%s",
		          problems->items[i].text);
	}
	if (problems->no_memory)
		log_event(log, LOG_LEVEL_ERROR, "error", "not all problems can be shown: there is no memory");
}

/* Of how many organizations that is the mode. */
static struct span how_many(const struct settings *settings, enum mode mode)
{
	size_t count = 0;
	for (size_t i = 0; i < settings->org_count; i++)
		count += settings->orgs[i].mode == mode;
	return span_of(count == 0 ? "none" : count == settings->org_count ? "all" : "some");
}

static void log_lifecycle(const struct running *running, const char *event, const char *result)
{
	struct snapshot *snapshot = live_take(running->live);
	const struct settings *settings = snapshot_settings(snapshot);
	struct listener_options listener;
	struct log_entry entry;
	filter_listener(running->filter, settings, &listener);
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of(event));
	log_entry_number(&entry, "v", 1);
	log_entry_text(&entry, "result", span_of(result));
	log_entry_text(&entry, "version", span_of(VERSION));
	log_entry_text(&entry, "config", span_of(running->filter->config));
	log_entry_text(&entry, "config_hash", span_of(settings->hash));
	log_entry_text(&entry, "socket", span_of(listener.socket));
	log_entry_number(&entry, "orgs", (long long)settings->org_count);
	log_entry_text(&entry, "enforce", how_many(settings, MODE_ENFORCE));
	log_entry_text(&entry, "defer", how_many(settings, MODE_DEFER));
	log_write(running->filter->log, LOG_LEVEL_INFO, &entry);
	snapshot_drop(snapshot);
}

static bool same(struct span a, struct span b)
{
	return span_equal(a, b);
}

/* What was done once, at start, stays as it is. */
static void warn_fixed(const struct filter *filter, const struct settings *before, const struct settings *after)
{
	const struct {
		const char *name;
		bool changed;
	} fixed[] = {
		{ "socket", !filter->socket && !same(before->socket, after->socket) },
		{ "socket_mode", before->socket_mode != after->socket_mode },
		{ "socket_group", !same(before->socket_group, after->socket_group) },
		{ "user", !same(before->user, after->user) },
		{ "pidfile", !same(before->pidfile, after->pidfile) },
		{ "workers", before->workers != after->workers },
		{ "metrics.listen", !same(before->metrics.listen, after->metrics.listen) },
	};
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (fixed[i].changed)
			log_event(filter->log, LOG_LEVEL_WARNING, "warning", "%s was changed, which takes effect at the next start",
			          fixed[i].name);
}

static void reload(struct running *running)
{
	const struct filter *filter = running->filter;
	char error[EVIDENCE_ERROR_SIZE];
	struct problems problems;
	struct settings *settings = configuration_load(filter->config, &problems);
	struct snapshot *before = live_take(running->live);
	log_problems(filter->log, &problems);
	problems_clear(&problems);
	if (settings)
		warn_fixed(filter, snapshot_settings(before), settings);
	snapshot_drop(before);
	if (settings && !evidence_environment_reload(&running->environment, settings, error)) {
		log_event(filter->log, LOG_LEVEL_ERROR, "error", "%s", error);
		settings_free(settings);
		settings = NULL;
	}
	if (settings && !limits_reload(running->limits, settings, error)) {
		log_event(filter->log, LOG_LEVEL_ERROR, "error", "%s", error);
		settings_free(settings);
		settings = NULL;
	}
	if (settings && !counters_adopt(running->counters, settings))
		log_event(filter->log, LOG_LEVEL_ERROR, "error",
		          "not all organizations are counted apart: there is no memory; their mail counts as that of none");
	if (settings && live_replace(running->live, settings)) {
		struct snapshot *now = live_take(running->live);
		log_configure(filter->log, snapshot_settings(now));
		snapshot_drop(now);
		atomic_store(&running->reload.configured, (long long)time(NULL));
		atomic_store(&running->reload.success, true);
		supervisor_reloaded(&running->start, true);
		log_lifecycle(running, "reload", "ok");
	} else {
		atomic_store(&running->reload.success, false);
		supervisor_reloaded(&running->start, false);
		log_lifecycle(running, "reload", "failed");
	}
}

/* Finish what is in flight; what does not come to its end in time is tried again by the MTA. */
static void stop(struct running *running)
{
	struct snapshot *snapshot = live_take(running->live);
	long long patience_ms = (long long)snapshot_settings(snapshot)->message_timeout * 1000 + 1000;
	snapshot_drop(snapshot);
	metrics_stop(running->metrics);
	unsigned left = server_stop(running->server, patience_ms);
	if (left != 0)
		log_event(
			running->filter->log, LOG_LEVEL_WARNING, "warning",
			"%u messages had not come to their end when the time for it was up: their connections were closed, and "
			"the MTA defers them",
			left);
	watch_end(running->watch, running->filter->log);
	log_lifecycle(running, "stop", NULL);
}

/* Until one of them says stop. */
static void obey_signals(struct running *running)
{
	static const struct timespec pause = { .tv_sec = 1 };
	for (;;) {
		bool untidy = evidence_environment_tidy(&running->environment);
		int signal = untidy ? sigtimedwait(&running->signals, NULL, &pause) : sigwaitinfo(&running->signals, NULL);
		if (signal == SIGUSR1)
			reload(running);
		else if (signal > 0)
			return;
	}
}

/* Of the parent, of its death, and of whoever stops the filter alone. */
static void block_signals(struct running *running)
{
	static const int obeyed[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGINT };
	sigemptyset(&running->signals);
	for (size_t i = 0; i < sizeof obeyed / sizeof obeyed[0]; i++)
		sigaddset(&running->signals, obeyed[i]);
	sigprocmask(SIG_BLOCK, &running->signals, NULL);
}

/* Every SMTP session takes a descriptor. */
static void raise_limits(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Whoever started the filter may read what its user may not. */
static void warn_unreadable(void *context, const char *text)
{
	const struct filter *filter = context;
	log_event(filter->log, LOG_LEVEL_WARNING, "warning", "%s", text);
}

/* The sockets, and then the user who no longer could open them. */
static int open_and_drop(struct running *running)
{
	struct filter *filter = running->filter;
	struct privileges privileges;
	struct listener_options options;
	char text[PRIVILEGES_TEXT_SIZE];
	char listener_text[LISTENER_TEXT_SIZE];

	if (!privileges_find(filter->user, &privileges, text)) {
		filter_complain(filter, text);
		return STATUS_CONFIG;
	}
	filter_listener(filter, filter->in_force.settings, &options);
	enum listener_status status = listener_open(&options, &running->listener, listener_text);
	if (status != LISTENER_OK) {
		filter_complain(filter, listener_text);
		return status == LISTENER_MALFORMED ? STATUS_CONFIG : STATUS_CANNOT;
	}
	if (filter->metrics.socket[0] != '\0') {
		status = listener_open(&filter->metrics, &running->metrics_listener, listener_text);
		if (status != LISTENER_OK) {
			char complaint[LISTENER_TEXT_SIZE + 32];
			snprintf(complaint, sizeof complaint, "metrics.listen: %s", listener_text);
			filter_complain(filter, complaint);
			return status == LISTENER_MALFORMED ? STATUS_CONFIG : STATUS_CANNOT;
		}
	}
	raise_limits();
	if (!privileges_drop(&privileges, text)) {
		filter_complain(filter, text);
		return STATUS_CANNOT;
	}
	(void)configuration_unreadable(filter->in_force.settings, privileges.user, warn_unreadable, filter);
	return STATUS_OK;
}

static int fail(const struct filter *filter, const char *text)
{
	filter_complain(filter, text);
	return STATUS_CANNOT;
}

/* Whoever started it by hand is told that it runs, and where. */
static void greet(const struct running *running)
{
	static const char *const targets[] = {
		[LOG_TARGET_SYSLOG] = "syslog",
		[LOG_TARGET_STDERR] = "this terminal",
		[LOG_TARGET_JOURNAL] = "the journal",
	};
	struct listener_options listener;
	if (running->start.detach || !isatty(STDERR_FILENO))
		return;
	struct snapshot *snapshot = live_take(running->live);
	const struct settings *settings = snapshot_settings(snapshot);
	filter_listener(running->filter, settings, &listener);
	char line[COMPLAINT_SIZE];
	snprintf(line, sizeof line, "sfdc-milter: running, and listening on %s; the log goes to %s; Ctrl-C ends it",
	         listener.socket, targets[settings->log.target]);
	outlet_say(line);
	snapshot_drop(snapshot);
}

/* In the configuration that is in force when the filter starts. */
static bool start_counting(struct running *running)
{
	struct settings *settings = running->filter->in_force.settings;
	running->started = (long long)time(NULL);
	atomic_init(&running->reload.success, true);
	atomic_init(&running->reload.configured, running->started);
	running->counters = counters_new(server_loops(settings->workers));
	return running->counters && counters_adopt(running->counters, settings);
}

/* Whoever asks for what is counted must not keep mail from being judged. */
static void start_metrics(struct running *running)
{
	const struct metrics_sources sources = { &running->shared,  &running->environment, running->limits,
		                                     running->counters, running->server,       &running->reload,
		                                     running->started };
	if (running->metrics_listener < 0)
		return;
	running->metrics = metrics_start(&sources, running->metrics_listener);
	if (!running->metrics)
		log_event(running->filter->log, LOG_LEVEL_ERROR, "error",
		          "metrics.listen: nothing is told there: %s; restart when there is more memory", strerror(errno));
}

static int serve(struct running *running)
{
	struct filter *filter = running->filter;
	const struct start *start = &running->start;
	char text[SERVER_TEXT_SIZE];
	char error[EVIDENCE_ERROR_SIZE];
	if (!evidence_environment_init(&running->environment, filter->in_force.settings, error)) {
		filter_complain(filter, error);
		/* It is a file that the configuration names, or the system. */
		return resolver_check(filter->in_force.settings, error) ? STATUS_CANNOT : STATUS_CONFIG;
	}
	struct server_options options = { .listener = running->listener,
		                              .workers = filter->in_force.settings->workers,
		                              .reserved = running->metrics_listener >= 0 ? HTTP_CONNECTIONS_MAX + 8 : 0,
		                              .shared = &running->shared };
	if (!evidence_environment_selftest(&running->environment, error))
		return fail(filter, error);
	running->limits = limits_new(filter->in_force.settings, filter->log, error);
	if (!running->limits)
		return fail(filter, error);
	running->environment.limiter = limits_limiter(running->limits);
	if (!start_counting(running))
		return fail(filter, "there is no memory");
	options.counters = running->counters;
	running->live = live_new(filter->in_force.settings);
	filter->in_force.settings = NULL;
	if (!running->live)
		return fail(filter, "there is no memory");
	running->watch = watch_new(WATCH_DEFERRED_MAX);
	if (!running->watch)
		return fail(filter, "there is no memory, or no randomness");
	if (!shared_init(&running->shared, running->live, &running->environment, filter->log))
		return fail(filter, "there is no randomness to be had from the system");
	running->shared.watch = running->watch;
	running->server = server_start(&options, text);
	if (!running->server)
		return fail(filter, text);
	log_problems(filter->log, &filter->in_force.warnings);
	log_lifecycle(running, "start", NULL);
	start_metrics(running);
	server_open(running->server);
	supervisor_ready(start);
	greet(running);
	if (supervisor_follow(start))
		obey_signals(running);
	stop(running);
	return STATUS_OK;
}

int filter_run(struct filter *filter, const struct start *start)
{
	struct running running = { .filter = filter, .start = *start, .listener = -1, .metrics_listener = -1 };
	umask(077);
	log_forked(filter->log);
	block_signals(&running);
	int status = open_and_drop(&running);
	/* No thread is there when the user is changed. */
	if (status == STATUS_OK)
		status =
			log_start(filter->log) ? serve(&running) : fail(filter, "the thread that writes the log cannot be started");
	limits_free(running.limits);
	evidence_environment_clear(&running.environment);
	watch_free(running.watch);
	live_free(running.live);
	counters_free(running.counters);
	if (running.listener >= 0)
		close(running.listener);
	if (running.metrics_listener >= 0)
		close(running.metrics_listener);
	log_stop(filter->log);
	return status;
}
