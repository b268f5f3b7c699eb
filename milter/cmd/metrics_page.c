/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "evidence/environment.h"
#include "metrics_private.h"
#include "observe/openmetrics.h"

#define COUNTER(name, help)                                                                                            \
	{                                                                                                                  \
		"sfdc_milter_" name, METRIC_COUNTER, "", help                                                                  \
	}
#define GAUGE(name, unit, help)                                                                                        \
	{                                                                                                                  \
		"sfdc_milter_" name, METRIC_GAUGE, unit, help                                                                  \
	}
#define HISTOGRAM(name, unit, help)                                                                                    \
	{                                                                                                                  \
		"sfdc_milter_" name, METRIC_HISTOGRAM, unit, help                                                              \
	}

static const struct metric messages =
	COUNTER("messages", "Messages with a verdict, by organization, what was done, what enforcing would do, and mode.");
static const struct metric aborts =
	COUNTER("messages_aborted", "Messages that others ended before there was a verdict.");
static const struct metric results = COUNTER("check_results", "Results of checks, as the lines of messages tell them.");
static const struct metric reasons = COUNTER("reasons", "Messages by the reason code of what decided.");
static const struct metric duration =
	HISTOGRAM("message_duration_seconds", "seconds", "Time from a message's MAIL command to its verdict.");
static const struct metric dns_wait =
	HISTOGRAM("dns_wait_seconds", "seconds", "Time that a message with a verdict waited for the DNS.");
static const struct metric dns_queries = COUNTER("dns_queries", "Questions to the DNS by what they came to.");
static const struct metric cache_hits = COUNTER("dns_cache_hits", "Questions that the cache answered.");
static const struct metric cache_misses = COUNTER("dns_cache_misses", "Questions that the cache did not answer.");
static const struct metric cache_entries = GAUGE("dns_cache_entries", "", "Answers in the cache.");
static const struct metric limit_used =
	GAUGE("limit_used_ratio", "ratio", "How much of an organization's limit is used, as seen last.");
static const struct metric connections = GAUGE("connections", "", "Connections of the MTA.");
static const struct metric in_progress = GAUGE("messages_in_progress", "", "Messages that have begun and not ended.");
static const struct metric dropped_lines = COUNTER("log_dropped", "Lines of the log that were lost, by verdict.");
static const struct metric drift = COUNTER("drift", "Genuine messages that failed, by what changed (ev=drift).");
static const struct metric waiting =
	GAUGE("deferred_waiting", "", "Messages that were deferred and have not been accepted or refused since.");
static const struct metric deadlines = COUNTER("deadline", "Warnings of mail that is deferred for long (ev=deadline).");
static const struct metric last_accepted =
	GAUGE("last_accepted_timestamp_seconds", "seconds",
          "When the last message came that enforcing would accept; 0: none since the start.");
static const struct metric reload_success =
	GAUGE("config_reload_success", "", "Whether the last reload of the configuration succeeded.");
static const struct metric config_time =
	GAUGE("config_timestamp_seconds", "seconds", "When the configuration in force was taken over.");
static const struct metric build_info = GAUGE("build_info", "", "Always 1; the labels tell version and configuration.");

static const struct metric cpu = { "process_cpu_seconds", METRIC_COUNTER, "seconds",
	                               "User and system CPU time spent." };
static const struct metric start_time = { "process_start_time_seconds", METRIC_GAUGE, "seconds",
	                                      "When the process started." };
static const struct metric open_fds = { "process_open_fds", METRIC_GAUGE, "", "Open file descriptors." };
static const struct metric max_fds = { "process_max_fds", METRIC_GAUGE, "", "Most file descriptors that may be open." };
static const struct metric virtual_bytes = { "process_virtual_memory_bytes", METRIC_GAUGE, "bytes", "Virtual memory." };
static const struct metric resident_bytes = { "process_resident_memory_bytes", METRIC_GAUGE, "bytes",
	                                          "Resident memory." };

static struct span label_of(const struct org *org)
{
	return org ? org->label : span_of("none");
}

/* One number without labels, in a metric of its own. */
static void single(struct metrics_text *text, const struct metric *metric, double value)
{
	metrics_begin(text, metric);
	metrics_number(text, metric, NULL, 0, value);
}

static void single_count(struct metrics_text *text, const struct metric *metric, unsigned long long value)
{
	metrics_begin(text, metric);
	metrics_count(text, metric, NULL, 0, value);
}

static void write_messages_of(struct metrics_text *text, const struct counters *counters, const struct org *org,
                              enum mode mode)
{
	struct message_count counts[MESSAGE_COUNTS_MAX];
	size_t count = org && !org->counters ? 0 : counters_messages(counters, org ? org->counters : NULL, counts);
	/* Whoever watches for growth needs a number to begin with. */
	if (count == 0)
		counts[count++] = (struct message_count) { VERDICT_ACCEPT, VERDICT_ACCEPT, mode, 0, 0 };
	for (size_t i = 0; i < count; i++) {
		const struct label labels[] = { { "org", label_of(org) },
			                            { "verdict", span_of(verdict_name(counts[i].verdict)) },
			                            { "would", span_of(verdict_name(counts[i].would)) },
			                            { "mode", span_of(mode_name(counts[i].mode)) } };
		metrics_count(text, &messages, labels, 4, counts[i].count);
	}
}

static void write_messages(struct metrics_text *text, const struct counters *counters, const struct settings *settings)
{
	metrics_begin(text, &messages);
	write_messages_of(text, counters, NULL, settings->mode_most);
	for (size_t i = 0; i < settings->org_count; i++)
		write_messages_of(text, counters, &settings->orgs[i], settings->orgs[i].mode);
}

static void write_totals(struct metrics_text *text, const struct counters *counters)
{
	static const unsigned bounds[] = COUNTERS_BOUNDS;
	struct counter_totals totals;
	counters_total(counters, &totals);
	single_count(text, &aborts, totals.aborts);
	metrics_begin(text, &results);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		for (unsigned j = 0; j < RESULT_CODES; j++) {
			const struct label labels[] = { { "check", span_of(check_name((enum check_id)i)) },
				                            { "result", span_of(result_name((enum result_code)j)) } };
			metrics_count(text, &results, labels, 2, totals.results[i][j]);
		}
	metrics_begin(text, &reasons);
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const struct label label = { "reason", span_of(reason_code((enum reason)i)) };
		if (i != REASON_NONE)
			metrics_count(text, &reasons, &label, 1, totals.reasons[i]);
	}
	metrics_begin(text, &duration);
	metrics_histogram(text, &duration, bounds, COUNTERS_BUCKETS - 1, totals.duration.buckets, totals.duration.sum_ms);
	metrics_begin(text, &dns_wait);
	metrics_histogram(text, &dns_wait, bounds, COUNTERS_BUCKETS - 1, totals.dns_wait.buckets, totals.dns_wait.sum_ms);
}

static void write_dns(struct metrics_text *text, struct environment *environment)
{
	static const char *const names[ANSWER_STATUSES] = {
		[ANSWER_FOUND] = "found",       [ANSWER_NODATA] = "nodata", [ANSWER_NXDOMAIN] = "nxdomain",
		[ANSWER_TEMPFAIL] = "tempfail", [ANSWER_BOGUS] = "bogus",   [ANSWER_BUSY] = "busy"
	};
	struct resolver_counters counters;
	evidence_environment_count(environment, &counters);
	metrics_begin(text, &dns_queries);
	for (unsigned i = 0; i < ANSWER_STATUSES; i++) {
		const struct label label = { "result", span_of(names[i]) };
		if (names[i])
			metrics_count(text, &dns_queries, &label, 1, counters.answers[i]);
	}
	single_count(text, &cache_hits, counters.cached);
	single_count(text, &cache_misses, counters.asked - counters.cached);
	single_count(text, &cache_entries, counters.entries);
}

static void write_limits(struct metrics_text *text, struct limits *limits, const struct settings *settings)
{
	metrics_begin(text, &limit_used);
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		const struct rate rates[LIMIT_KINDS] = { org->limit.messages, org->limit.recipients, org->limit.per_user };
		for (unsigned kind = 0; kind < LIMIT_KINDS; kind++) {
			const char *name = strchr(limit_option((enum limit_kind)kind), '.') + 1;
			const struct label labels[] = { { "org", label_of(org) }, { "limit", span_of(name) } };
			if (rates[kind].count != 0)
				metrics_number(text, &limit_used, labels, 2, limits_ratio(limits, &org->id, (enum limit_kind)kind));
		}
	}
}

static void write_drift(struct metrics_text *text, const struct org *org, const struct watch_counts *counts)
{
	for (unsigned kind = DRIFT_NONE + 1; kind < DRIFT_KINDS; kind++) {
		const struct label labels[] = { { "kind", span_of(drift_name((enum drift_kind)kind)) },
			                            { "org", label_of(org) } };
		metrics_count(text, &drift, labels, 2, counts->drifts[kind]);
	}
}

/* The samples of one metric stand together, and so the organizations are gone through once; [0] is none. */
static void write_watched(struct metrics_text *text, const struct metrics *metrics, const struct settings *settings)
{
	const struct shared *shared = metrics->sources.shared;
	size_t count = settings->org_count + 1;
	struct watch_counts *counts = calloc(count, sizeof *counts);
	text->failed = text->failed || !counts;
	for (size_t i = 0; counts && i < count; i++)
		watch_counts(shared->watch, span_of(i == 0 ? "" : settings->orgs[i - 1].id.text), resolver_now_ms(),
		             &counts[i]);
	metrics_begin(text, &drift);
	for (size_t i = 1; counts && i < count; i++)
		write_drift(text, &settings->orgs[i - 1], &counts[i]);
	metrics_begin(text, &waiting);
	for (size_t i = 0; counts && i < count; i++) {
		const struct label label = { "org", label_of(i == 0 ? NULL : &settings->orgs[i - 1]) };
		metrics_count(text, &waiting, &label, 1, counts[i].waiting);
	}
	metrics_begin(text, &deadlines);
	for (size_t i = 0; counts && i < count; i++) {
		const struct label label = { "org", label_of(i == 0 ? NULL : &settings->orgs[i - 1]) };
		metrics_count(text, &deadlines, &label, 1, counts[i].deadlines);
	}
	free(counts);
}

static void write_accepted(struct metrics_text *text, const struct counters *counters, const struct settings *settings)
{
	metrics_begin(text, &last_accepted);
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		const struct label label = { "org", label_of(org) };
		if (org->counters)
			metrics_count(text, &last_accepted, &label, 1,
			              (unsigned long long)counters_last_accepted(counters, org->counters));
	}
}

static void write_dropped(struct metrics_text *text, struct log *log)
{
	struct line_counts counts;
	log_dropped(log, &counts);
	metrics_begin(text, &dropped_lines);
	for (unsigned i = VERDICT_UNDECIDED + 1; i < VERDICTS; i++) {
		const struct label label = { "verdict", span_of(verdict_name((enum verdict)i)) };
		metrics_count(text, &dropped_lines, &label, 1, counts.verdicts[i]);
	}
	const struct label abort_label = { "verdict", span_of("abort") };
	const struct label event_label = { "verdict", span_of("event") };
	metrics_count(text, &dropped_lines, &abort_label, 1, counts.aborts);
	metrics_count(text, &dropped_lines, &event_label, 1, counts.events);
}

static void write_config(struct metrics_text *text, const struct reload_state *reload, const struct settings *settings)
{
	const struct label labels[] = { { "version", span_of(VERSION) }, { "config_hash", span_of(settings->hash) } };
	single(text, &reload_success, atomic_load(&reload->success));
	single(text, &config_time, (double)atomic_load(&reload->configured));
	metrics_begin(text, &build_info);
	metrics_count(text, &build_info, labels, 2, 1);
}

static unsigned long long count_fds(void)
{
	unsigned long long count = 0;
	DIR *folder = opendir("/proc/self/fd");
	if (!folder)
		return 0;
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	/* That of the folder itself is gone. */
	return count > 0 ? count - 1 : 0;
}

/* In bytes; 0 where /proc does not tell. */
static void read_memory(unsigned long long *virtual_r, unsigned long long *resident_r)
{
	unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file || fscanf(file, "%llu %llu", virtual_r, resident_r) != 2)
		*virtual_r = *resident_r = 0;
	if (file)
		fclose(file);
	*virtual_r *= page;
	*resident_r *= page;
}

static void write_process(struct metrics_text *text, long long started)
{
	struct rusage usage;
	struct rlimit limit;
	unsigned long long virtual_memory;
	unsigned long long resident;
	memset(&usage, 0, sizeof usage);
	(void)getrusage(RUSAGE_SELF, &usage);
	single(text, &cpu,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
	           + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	single(text, &start_time, (double)started);
	single_count(text, &open_fds, count_fds());
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		single_count(text, &max_fds, limit.rlim_cur);
	read_memory(&virtual_memory, &resident);
	single_count(text, &virtual_bytes, virtual_memory);
	single_count(text, &resident_bytes, resident);
}

void metrics_page(void *context, struct span accept, struct http_answer *answer_r)
{
	const struct metrics *metrics = context;
	const struct metrics_sources *sources = &metrics->sources;
	struct metrics_text text = { .exposition = exposition_choose(accept) };
	struct snapshot *snapshot = live_take(sources->shared->live);
	const struct settings *settings = snapshot_settings(snapshot);
	write_messages(&text, sources->counters, settings);
	write_totals(&text, sources->counters);
	write_dns(&text, sources->environment);
	write_limits(&text, sources->limits, settings);
	single_count(&text, &connections, server_connections(sources->server));
	single_count(&text, &in_progress, atomic_load(&sources->shared->open));
	write_dropped(&text, sources->shared->log);
	write_watched(&text, metrics, settings);
	write_accepted(&text, sources->counters, settings);
	write_config(&text, sources->reload, settings);
	write_process(&text, sources->started);
	snapshot_drop(snapshot);
	bool good = metrics_end(&text);
	if (!good)
		free(text.at);
	answer_r->status = good ? 200 : 503;
	answer_r->type = exposition_type(text.exposition);
	answer_r->body = good ? text.at : NULL;
	answer_r->length = good ? text.length : 0;
}
