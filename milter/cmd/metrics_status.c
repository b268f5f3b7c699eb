/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <jansson.h>
#include <string.h>

#include "evidence/environment.h"
#include "metrics_private.h"

/* What one verdict of messages came to. */
struct tallies {
	json_int_t verdicts[VERDICTS];
	json_int_t would[VERDICTS];
	json_int_t today[VERDICTS];
	json_int_t would_today[VERDICTS];
};

static struct tallies tally(const struct counters *counters, const struct org_counters *org)
{
	struct message_count counts[MESSAGE_COUNTS_MAX];
	struct tallies tallies;
	memset(&tallies, 0, sizeof tallies);
	size_t count = counters_messages(counters, org, counts);
	for (size_t i = 0; i < count; i++) {
		tallies.verdicts[counts[i].verdict] += (json_int_t)counts[i].count;
		tallies.would[counts[i].would] += (json_int_t)counts[i].count;
		tallies.today[counts[i].verdict] += (json_int_t)counts[i].today;
		tallies.would_today[counts[i].would] += (json_int_t)counts[i].today;
	}
	return tallies;
}

static json_t *make_counts(const json_int_t counts[VERDICTS])
{
	json_t *object = json_object();
	for (unsigned i = VERDICT_UNDECIDED + 1; i < VERDICTS; i++)
		json_object_set_new(object, verdict_name((enum verdict)i), json_integer(counts[i]));
	return object;
}

static json_t *make_time(long long seconds)
{
	return seconds != 0 ? json_integer((json_int_t)seconds) : json_null();
}

static json_t *make_limits(struct limits *limits, const struct org *org)
{
	const struct rate rates[LIMIT_KINDS] = { org->limit.messages, org->limit.recipients, org->limit.per_user };
	json_t *object = json_object();
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++) {
		char rate[RATE_TEXT_SIZE];
		rate_text(rates[kind], rate);
		if (rates[kind].count != 0)
			json_object_set_new(object, strchr(limit_option((enum limit_kind)kind), '.') + 1,
			                    json_pack("{s:s, s:f}", "limit", rate, "used",
			                              limits_ratio(limits, &org->id, (enum limit_kind)kind)));
	}
	return object;
}

static json_t *make_drift(const struct watch_counts *counts)
{
	json_t *object = json_object();
	for (unsigned kind = DRIFT_NONE + 1; kind < DRIFT_KINDS; kind++)
		json_object_set_new(object, drift_name((enum drift_kind)kind), json_integer((json_int_t)counts->drifts[kind]));
	return object;
}

/* org NULL: the mail of none. */
static json_t *make_org(const struct metrics *metrics, const struct settings *settings, const struct org *org)
{
	const struct metrics_sources *sources = &metrics->sources;
	struct tallies tallies = tally(sources->counters, org ? org->counters : NULL);
	struct watch_counts watched;
	watch_counts(sources->shared->watch, span_of(org ? org->id.text : ""), resolver_now_ms(), &watched);
	json_t *object =
		json_pack("{s:s%, s:s, s:s, s:o, s:o, s:{s:o, s:o}, s:o, s:I, s:I}", "name", org ? org->label.at : "none",
	              org ? org->label.length : strlen("none"), "id", org ? org->id.text : "", "mode",
	              mode_name(org ? org->mode : settings->mode_most), "messages", make_counts(tallies.verdicts), "would",
	              make_counts(tallies.would), "today", "messages", make_counts(tallies.today), "would",
	              make_counts(tallies.would_today), "last_accepted",
	              make_time(counters_last_accepted(sources->counters, org ? org->counters : NULL)), "waiting",
	              (json_int_t)watched.waiting, "deadlines", (json_int_t)watched.deadlines);
	json_object_set_new(object, "drift", make_drift(&watched));
	json_object_set_new(object, "limits", org ? make_limits(sources->limits, org) : json_object());
	return object;
}

static json_t *make_resolver(const struct metrics *metrics)
{
	struct resolver_counters counters;
	evidence_environment_count(metrics->sources.environment, &counters);
	return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "answers", metrics->probe.answers, "text",
	                 metrics->probe.text, "questions", (json_int_t)counters.asked, "cached",
	                 (json_int_t)counters.cached, "failed", (json_int_t)counters.failed, "busy",
	                 (json_int_t)counters.busy, "under_way", (json_int_t)counters.under_way, "entries",
	                 (json_int_t)counters.entries);
}

static json_t *make_status(const struct metrics *metrics, const struct settings *settings)
{
	const struct metrics_sources *sources = &metrics->sources;
	json_t *orgs = json_array();
	for (size_t i = 0; i < settings->org_count; i++)
		json_array_append_new(orgs, make_org(metrics, settings, &settings->orgs[i]));
	return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "version", VERSION, "config_hash",
	                 settings->hash, "reload_success", atomic_load(&sources->reload->success), "started",
	                 (json_int_t)sources->started, "configured", (json_int_t)atomic_load(&sources->reload->configured),
	                 "day_began", (json_int_t)metrics->day_began, "workers",
	                 (json_int_t)server_loops(settings->workers), "connections",
	                 (json_int_t)server_connections(sources->server), "messages_in_progress",
	                 (json_int_t)atomic_load(&sources->shared->open), "resolver", make_resolver(metrics), "none",
	                 make_org(metrics, settings, NULL), "orgs", orgs);
}

void status_page(void *context, struct span accept, struct http_answer *answer_r)
{
	const struct metrics *metrics = context;
	(void)accept;
	struct snapshot *snapshot = live_take(metrics->sources.shared->live);
	json_t *object = make_status(metrics, snapshot_settings(snapshot));
	snapshot_drop(snapshot);
	answer_r->body = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	answer_r->status = answer_r->body ? 200 : 503;
	answer_r->type = "application/json";
	answer_r->length = answer_r->body ? strlen(answer_r->body) : 0;
}
