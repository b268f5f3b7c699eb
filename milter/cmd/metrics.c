/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evidence/environment.h"
#include "metrics_private.h"

#define STUCK_MS 10000       /* a loop that has not turned for so long hangs */
#define PROBE_EVERY_MS 10000 /* what is answered, and */
#define PROBE_AGAIN_MS 2000  /* what is not */
#define PROBE_PATIENCE_MS 5000
#define PROBE_NAME "salesforce.com" /* where the configuration names none */

/* A name that this configuration asks for anyway. */
static struct span probe_name(const struct settings *settings)
{
	const struct set *names = settings->any.ip.spf;
	return set_count(names) != 0 ? set_at(names, 0) : span_of(PROBE_NAME);
}

static void probe_end(struct resolver_probe *probe)
{
	query_drop(probe->query);
	resolver_drop(probe->resolver);
	probe->query = NULL;
	probe->resolver = NULL;
}

static void probe_begin(struct metrics *metrics, long long now_ms)
{
	struct resolver_probe *probe = &metrics->probe;
	struct snapshot *snapshot = live_take(metrics->sources.shared->live);
	struct span name = probe_name(snapshot_settings(snapshot));
	const struct question question = { RECORD_TXT, name };
	probe->resolver = evidence_environment_resolver(metrics->sources.environment);
	probe->query = resolver_ask_anew(probe->resolver, &question);
	probe->asked_ms = now_ms;
	if (!probe->known)
		snprintf(probe->text, sizeof probe->text, "the name servers were asked for %.*s and have not answered yet",
		         (int)name.length, name.at);
	snapshot_drop(snapshot);
	if (!probe->query)
		probe_end(probe);
}

/* NULL: it tells nothing of the name servers. */
static const char *words_of(enum answer_status status, bool *answers_r)
{
	*answers_r = true;
	switch (status) {
	case ANSWER_FOUND:
	case ANSWER_NODATA:
	case ANSWER_NXDOMAIN:
		return "the name servers answer";
	case ANSWER_TEMPFAIL:
		*answers_r = false;
		return "the name servers answer with a failure, or not at all";
	case ANSWER_BOGUS:
		*answers_r = false;
		return "what the name servers answer is not signed as dns.trust_anchor wants it";
	case ANSWER_PENDING:
	case ANSWER_BUSY:
		break;
	}
	return NULL;
}

static void probe_note(struct resolver_probe *probe, enum answer_status status, long long now_ms)
{
	bool answers;
	const char *words = words_of(status, &answers);
	if (words) {
		probe->known = true;
		probe->answers = answers;
		snprintf(probe->text, sizeof probe->text, "%s", words);
	}
	probe->next_ms = now_ms + (answers ? PROBE_EVERY_MS : PROBE_AGAIN_MS);
	probe_end(probe);
}

/* Look what came of the question, and ask again when it is time. */
static void probe_go_on(struct metrics *metrics, long long now_ms)
{
	struct resolver_probe *probe = &metrics->probe;
	if (probe->query) {
		const struct answer *answer = query_answer(probe->query);
		if (answer)
			probe_note(probe, answer->status, now_ms);
		else if (now_ms - probe->asked_ms >= PROBE_PATIENCE_MS)
			probe_note(probe, ANSWER_TEMPFAIL, now_ms);
	} else if (now_ms >= probe->next_ms) {
		probe_begin(metrics, now_ms);
	}
}

static void follow_calendar(struct metrics *metrics)
{
	time_t now = time(NULL);
	struct tm here;
	if (!localtime_r(&now, &here) || (here.tm_yday == metrics->day && here.tm_year == metrics->year))
		return;
	/* What was counted before the first look belongs to the first day. */
	if (metrics->day_began == 0) {
		metrics->day_began = metrics->sources.started;
	} else {
		counters_begin_day(metrics->sources.counters);
		metrics->day_began = (long long)now;
	}
	metrics->day = here.tm_yday;
	metrics->year = here.tm_year;
}

static void tick(void *context)
{
	struct metrics *metrics = context;
	long long now_ms = resolver_now_ms();
	follow_calendar(metrics);
	metrics->stuck_ms = server_beat(metrics->sources.server, now_ms);
	probe_go_on(metrics, now_ms);
}

static void answer_words(struct http_answer *answer_r, int status, const char *words)
{
	size_t size = strlen(words) + 2;
	answer_r->type = "text/plain; charset=utf-8";
	answer_r->status = status;
	answer_r->body = malloc(size);
	if (answer_r->body)
		answer_r->length = (size_t)snprintf(answer_r->body, size, "%s\n", words);
}

static bool is_healthy(const struct metrics *metrics, char words_r[PROBE_TEXT_SIZE])
{
	bool turns = metrics->stuck_ms < STUCK_MS;
	if (turns)
		snprintf(words_r, PROBE_TEXT_SIZE, "ok");
	else
		snprintf(words_r, PROBE_TEXT_SIZE, "an event loop has not turned for %lld seconds", metrics->stuck_ms / 1000);
	return turns;
}

static void healthz_page(void *context, struct span accept, struct http_answer *answer_r)
{
	char words[PROBE_TEXT_SIZE];
	(void)accept;
	bool good = is_healthy(context, words);
	answer_words(answer_r, good ? 200 : 503, words);
}

/* There is always a configuration in force; the resolver is what may be missing. */
static void readyz_page(void *context, struct span accept, struct http_answer *answer_r)
{
	struct metrics *metrics = context;
	char words[PROBE_TEXT_SIZE];
	(void)accept;
	probe_go_on(metrics, resolver_now_ms());
	bool good = is_healthy(metrics, words);
	if (good && atomic_load(&metrics->sources.shared->stopping)) {
		good = false;
		snprintf(words, sizeof words, "the filter is stopping");
	} else if (good && !metrics->probe.answers) {
		good = false;
		snprintf(words, sizeof words, "%s", metrics->probe.text);
	}
	answer_words(answer_r, good ? 200 : 503, words);
}

static const struct http_page pages[] = {
	{ "/metrics", metrics_page },
	{ "/healthz", healthz_page },
	{ "/readyz", readyz_page },
	{ "/status", status_page },
	{ NULL, NULL },
};

struct metrics *metrics_start(const struct metrics_sources *sources, int listener)
{
	struct metrics *metrics = calloc(1, sizeof *metrics);
	if (!metrics)
		return NULL;
	metrics->sources = *sources;
	snprintf(metrics->probe.text, sizeof metrics->probe.text, "the name servers were not asked yet");
	const struct http_options options = { listener, pages, tick, metrics };
	metrics->http = http_start(&options);
	if (metrics->http)
		return metrics;
	probe_end(&metrics->probe);
	free(metrics);
	return NULL;
}

void metrics_stop(struct metrics *metrics)
{
	if (!metrics)
		return;
	http_stop(metrics->http);
	probe_end(&metrics->probe);
	free(metrics);
}
