/* SPDX-License-Identifier: BSD-2-Clause */
/* watch: which messages are kept in mind, what is said of them and of drift, and how often. */
#include "config.h"

#include "observe/watch.h"

#include <pthread.h>
#include <unistd.h>

#include "engine.h"

#define HOUR (60LL * 60 * 1000)
#define OUTPUT_MAX 262144

struct scene {
	struct settings *settings;
	struct log *log;
	struct watch *watch;
	struct environment environment;
	FILE *output;
	long long now_ms;
};

/* One message as it has ended. */
struct ended {
	enum verdict verdict;
	enum check_id passes; /* CHECK_COUNT: nothing does */
	int org;              /* its number; -1: none */
	const char *msgid, *from, *rcpt;
	enum drift_kind kind;
	const char *value;
};

static long long now_ms(void *context)
{
	return ((struct scene *)context)->now_ms;
}

static long long now(void *context)
{
	return 1800000000 + ((struct scene *)context)->now_ms / 1000;
}

static void scene_init(struct scene *scene, size_t capacity)
{
	memset(scene, 0, sizeof *scene);
	scene->settings = settings_two(MODE_DEFER, MODE_DEFER);
	scene->settings->deadline_warning = (struct durations) { 2, { 3600, 72000 } };
	scene->settings->orgs[0].name = span_of("production");
	scene->settings->log.target = LOG_TARGET_STDERR;
	scene->settings->log.level = LOG_LEVEL_WARNING;
	settings_complete(scene->settings, unite_options);
	scene->output = tmpfile();
	fflush(stderr);
	if (scene->output)
		dup2(fileno(scene->output), STDERR_FILENO);
	scene->log = log_new("unit_watch");
	log_configure(scene->log, scene->settings);
	scene->watch = watch_new(capacity);
	scene->environment = (struct environment) { .context = scene, .now_ms = now_ms, .now = now };
}

static void scene_clear(struct scene *scene)
{
	watch_free(scene->watch);
	log_free(scene->log);
	settings_free(scene->settings);
	fclose(scene->output);
}

static void end(struct scene *scene, const struct ended *ended)
{
	static _Thread_local struct examination examination;
	memset(&examination, 0, sizeof examination);
	examination.settings = scene->settings;
	examination.environment = &scene->environment;
	snprintf(examination.sid, sizeof examination.sid, "1f");
	const struct org *org = ended->org < 0 ? NULL : &scene->settings->orgs[ended->org];
	examination.facts.message_id = span_of(ended->msgid);
	examination.facts.mail_from = span_of(ended->from ? ended->from : "<joe@example.com>");
	examination.facts.first_recipient = span_of(ended->rcpt ? ended->rcpt : "<ann@customer.example>");
	examination.judgement.verdict = ended->verdict;
	examination.judgement.org = org;
	examination.judgement.reason = REASON_FROM_DOMAIN;
	if (ended->passes < CHECK_COUNT)
		examination.judgement.results[ended->passes].code = RESULT_PASS;
	examination.drift = (struct drift) { ended->kind, org, span_of(ended->value), REASON_IP_UNLISTED };
	watch_message(scene->watch, &examination, scene->log);
}

/* What was logged since it was asked last; to be read at once. */
static const char *said(struct scene *scene)
{
	static char text[OUTPUT_MAX];
	rewind(scene->output);
	size_t length = fread(text, 1, sizeof text - 1, scene->output);
	text[length] = '\0';
	if (ftruncate(fileno(scene->output), 0) != 0)
		ok(false, "the output can be cut");
	rewind(scene->output);
	lseek(STDERR_FILENO, 0, SEEK_SET);
	return text;
}

static unsigned count(const char *text, const char *part)
{
	unsigned found = 0;
	for (; (text = strstr(text, part)); text++)
		found++;
	return found;
}

static size_t waiting(struct scene *scene, const char *org)
{
	struct watch_counts counts;
	watch_counts(scene->watch, span_of(org), scene->now_ms, &counts);
	return counts.waiting;
}

static void test_deadline(void)
{
	struct scene scene;
	struct ended ended = { VERDICT_TEMPFAIL, CHECK_CERT, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL };
	struct watch_counts counts;
	scene_init(&scene, 100);
	end(&scene, &ended);
	scene.now_ms = HOUR - 1;
	end(&scene, &ended);
	is_text(said(&scene), "", "in the first hour nothing is said");
	ok(waiting(&scene, ORG_A) == 1 && waiting(&scene, ORG_B) == 0 && waiting(&scene, "") == 0, "it waits");
	scene.now_ms = HOUR;
	ended.rcpt = "<other@customer.example>";
	end(&scene, &ended);
	is_text(
		said(&scene),
		"ev=deadline v=1 org=" ORG_A " org_name=production msgid=\"<1@sfdc.net>\" from=joe@example.com "
		"rcpt=other@customer.example reason=from-domain first=1800000000 attempts=3 hours_left=23 after=3600 sid=1f\n",
		"after an hour one line");
	scene.now_ms = 2 * HOUR;
	end(&scene, &ended);
	is_text(said(&scene), "", "once");
	scene.now_ms = 24 * HOUR + 1;
	end(&scene, &ended);
	const char *text = said(&scene);
	ok(count(text, "ev=deadline") == 1 && strstr(text, "attempts=5 hours_left=0 after=72000"), "after 20 h another");
	watch_counts(scene.watch, span_of(ORG_A), scene.now_ms, &counts);
	ok(counts.deadlines == 2 && counts.waiting == 1, "which are counted");
	scene.now_ms = 25 * HOUR;
	ok(waiting(&scene, ORG_A) == 0, "after 25 h it waits no more");
	end(&scene, &ended);
	is_text(said(&scene), "", "and what comes then is another");
	scene_clear(&scene);
}

static void test_identity(void)
{
	static const struct ended first = { VERDICT_TEMPFAIL, CHECK_IP, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL };
	static const struct {
		const char *what;
		struct ended ended;
		bool same;
	} rows[] = {
		{ "the same", { VERDICT_TEMPFAIL, CHECK_IP, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL }, true },
		{ "another recipient",
		  { VERDICT_TEMPFAIL, CHECK_IP, 0, "<1@sfdc.net>", NULL, "<x@y.example>", DRIFT_NONE, NULL },
		  true },
		{ "other evidence", { VERDICT_TEMPFAIL, CHECK_DKIM, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL }, true },
		{ "another Message-ID",
		  { VERDICT_TEMPFAIL, CHECK_IP, 0, "<2@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL },
		  false },
		{ "no Message-ID", { VERDICT_TEMPFAIL, CHECK_IP, 0, NULL, NULL, NULL, DRIFT_NONE, NULL }, false },
		{ "a recipient that reads like it",
		  { VERDICT_TEMPFAIL, CHECK_IP, 0, NULL, NULL, "<1@sfdc.net>", DRIFT_NONE, NULL },
		  false },
		{ "another sender",
		  { VERDICT_TEMPFAIL, CHECK_IP, 0, "<1@sfdc.net>", "<jane@example.com>", NULL, DRIFT_NONE, NULL },
		  false },
		{ "another organization",
		  { VERDICT_TEMPFAIL, CHECK_IP, 1, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL },
		  false },
		{ "no organization", { VERDICT_TEMPFAIL, CHECK_IP, -1, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL }, false },
		{ "nothing that vouches for it",
		  { VERDICT_TEMPFAIL, CHECK_TLS, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL },
		  false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scene scene;
		scene_init(&scene, 100);
		end(&scene, &first);
		scene.now_ms = HOUR;
		end(&scene, &rows[i].ended);
		ok(count(said(&scene), "ev=deadline") == rows[i].same, "%s: %s message", rows[i].what,
		   rows[i].same ? "the same" : "another");
		scene_clear(&scene);
	}
}

static void test_entrance(void)
{
	for (unsigned check = 0; check <= CHECK_COUNT; check++) {
		struct scene scene;
		struct ended ended = {
			VERDICT_TEMPFAIL, (enum check_id)check, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_NONE, NULL
		};
		bool enters = check == CHECK_CERT || check == CHECK_IP || check == CHECK_AUTH || check == CHECK_DKIM;
		scene_init(&scene, 100);
		end(&scene, &ended);
		ok(waiting(&scene, ORG_A) == enters, "%s: %s",
		   check < CHECK_COUNT ? check_name((enum check_id)check) : "nothing", enters ? "kept in mind" : "not");
		scene_clear(&scene);
	}
}

static void test_ending(void)
{
	static const struct {
		enum verdict verdict;
		enum check_id passes;
		int before, after; /* organizations */
		const char *id_before;
		bool forgotten;
	} rows[] = {
		{ VERDICT_ACCEPT, CHECK_COUNT, 0, 0, "<1@sfdc.net>", true },
		{ VERDICT_QUARANTINE, CHECK_COUNT, 0, 0, "<1@sfdc.net>", true },
		{ VERDICT_EXEMPT, CHECK_COUNT, -1, -1, "<1@sfdc.net>", true },
		{ VERDICT_ACCEPT, CHECK_COUNT, -1, 0, "<1@sfdc.net>", true },
		{ VERDICT_ACCEPT, CHECK_COUNT, -1, 0, NULL, true },
		{ VERDICT_ACCEPT, CHECK_COUNT, 0, 1, "<1@sfdc.net>", false },
		{ VERDICT_REJECT, CHECK_CERT, 0, 0, "<1@sfdc.net>", true },
		{ VERDICT_REJECT, CHECK_COUNT, 0, 0, "<1@sfdc.net>", false },
		{ VERDICT_UNDECIDED, CHECK_CERT, 0, 0, "<1@sfdc.net>", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scene scene;
		struct ended ended = { VERDICT_TEMPFAIL, CHECK_CERT, rows[i].before, rows[i].id_before, NULL, NULL,
			                   DRIFT_NONE,       NULL };
		const char *org = rows[i].before < 0 ? "" : ORG_A;
		scene_init(&scene, 100);
		end(&scene, &ended);
		ended.verdict = rows[i].verdict;
		ended.passes = rows[i].passes;
		ended.org = rows[i].after;
		ended.msgid = "<1@sfdc.net>";
		end(&scene, &ended);
		ok(waiting(&scene, org) == !rows[i].forgotten, "%s: %s", verdict_name(rows[i].verdict),
		   rows[i].forgotten ? "forgotten" : "waits");
		scene_clear(&scene);
	}
}

/* Junk that names the organization, or none, and of which one piece of evidence passes. */
static void test_flood(void)
{
	struct scene scene;
	char ids[2][40];
	unsigned told = 0;
	scene_init(&scene, 300);
	for (unsigned hour = 0; hour <= 20; hour++) {
		scene.now_ms = hour * HOUR;
		for (unsigned i = 0; i < 50; i++) {
			snprintf(ids[0], sizeof ids[0], "<%u@sfdc.net>", i);
			struct ended ended = { VERDICT_TEMPFAIL, CHECK_CERT, 0, ids[0], NULL, NULL, DRIFT_NONE, NULL };
			end(&scene, &ended);
		}
		told += count(said(&scene), "hours_left=4");
		for (unsigned i = 0; i < 3000 && hour > 0; i++) {
			snprintf(ids[1], sizeof ids[1], "<%u.%u@junk.example>", hour, i);
			struct ended ended = {
				VERDICT_TEMPFAIL, CHECK_CERT, (int)(i % 3) - 1, ids[1], NULL, NULL, DRIFT_NONE, NULL
			};
			end(&scene, &ended);
		}
	}
	ok(told == 50, "60,000 pieces of junk: all 50 that near their end are told of (%u)", told);
	ok(waiting(&scene, ORG_A) == 100 && waiting(&scene, ORG_B) == 100 && waiting(&scene, "") == 100,
	   "each keeps to its share");
	scene_clear(&scene);
}

static void test_drift(void)
{
	struct scene scene;
	struct ended ended = { VERDICT_REJECT, CHECK_DKIM, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_IP, "198.51.100.9" };
	struct watch_counts counts;
	scene_init(&scene, 100);
	end(&scene, &ended);
	is_text(said(&scene),
	        "ev=drift v=1 kind=ip org=" ORG_A " org_name=production value=198.51.100.9 reason=ip-unlisted sid=1f\n",
	        "the first is told");
	for (unsigned i = 0; i < 5; i++)
		end(&scene, &ended);
	is_text(said(&scene), "", "and not again on that day");
	ended.kind = DRIFT_CERT;
	end(&scene, &ended);
	ended.org = 1;
	end(&scene, &ended);
	ok(count(said(&scene), "ev=drift") == 2, "but another kind is, and another organization");
	ended = (struct ended) { VERDICT_REJECT, CHECK_DKIM, 0, "<1@sfdc.net>", NULL, NULL, DRIFT_IP, NULL };
	char value[32];
	for (unsigned i = 0; i < 50; i++) {
		snprintf(value, sizeof value, "198.51.100.%u", i);
		ended.value = value;
		end(&scene, &ended);
	}
	const char *text = said(&scene);
	ok(count(text, "ev=drift") == 18 && !strstr(text, "more="), "of an organization 20 on a day");
	watch_counts(scene.watch, span_of(ORG_A), scene.now_ms, &counts);
	ok(counts.drifts[DRIFT_IP] == 56 && counts.drifts[DRIFT_CERT] == 1, "all are counted");
	scene.now_ms = WATCH_DRIFT_MS - 1;
	ended.kind = DRIFT_NONE;
	end(&scene, &ended);
	is_text(said(&scene), "", "until the day is over");
	scene.now_ms = WATCH_DRIFT_MS;
	end(&scene, &ended);
	is_text(said(&scene), "ev=drift v=1 org=" ORG_A " org_name=production more=31\n", "then one line counts the rest");
	ended.kind = DRIFT_IP;
	ended.value = "198.51.100.9";
	end(&scene, &ended);
	ok(count(said(&scene), "value=198.51.100.9") == 1, "and what was told may be told again");
	for (unsigned i = 0; i < 50; i++) {
		snprintf(value, sizeof value, "198.51.100.%u", i);
		ended.value = value;
		end(&scene, &ended);
	}
	said(&scene);
	watch_end(scene.watch, scene.log);
	is_text(said(&scene), "ev=drift v=1 org=" ORG_A " org_name=production more=30\n",
	        "at the end the rest is told, too");
	watch_end(scene.watch, scene.log);
	is_text(said(&scene), "", "once");
	scene_clear(&scene);
}

static void test_waits(void)
{
	struct watch *watch = watch_new(10);
	unsigned granted[3] = { 0 };
	for (unsigned i = 0; i < 30; i++)
		granted[0] += watch_grants(watch, 1000 * i);
	ok(granted[0] == 10, "ten may wait");
	granted[0] = 0;
	for (long long at = 30000; at < 60000; at += 100)
		granted[0] += watch_grants(watch, at);
	ok(granted[0] == 0 && watch_grants(watch, 60000) && !watch_grants(watch, 60000) && watch_grants(watch, 61000),
	   "in any minute");
	for (long long at = 62000; at < 662000; at += 250)
		granted[1] += watch_grants(watch, at);
	ok(granted[1] == 100, "and so on: %u in ten minutes", granted[1]);
	watch_free(watch);
}

#define THREADS 4
#define EACH 200
#define PHASES 2 /* an hour apart */

struct worker {
	struct scene scene; /* the common one, with a clock of its own */
	pthread_barrier_t *barrier;
	unsigned number;
	unsigned granted;
};

/* A message that is deferred, at last accepted if its number is odd, and another one that shows drift. */
static void work_one(struct worker *worker, unsigned number, bool last)
{
	char id[32], value[32];
	struct watch_counts counts;
	snprintf(id, sizeof id, "<%u.%u@sfdc.net>", worker->number, number);
	snprintf(value, sizeof value, "mta%u.new%u.example", worker->number, number);
	struct ended deferred = { VERDICT_TEMPFAIL, CHECK_CERT, 0, id, NULL, NULL, DRIFT_NONE, NULL };
	struct ended accepted = { VERDICT_ACCEPT, CHECK_CERT, 0, id, NULL, NULL, DRIFT_NONE, NULL };
	struct ended drifted = { VERDICT_REJECT, CHECK_DKIM, 1, "<new@sfdc.net>", NULL, NULL, DRIFT_CERT, value };

	end(&worker->scene, &deferred);
	end(&worker->scene, &drifted);
	worker->granted += watch_grants(worker->scene.watch, worker->scene.now_ms);
	watch_counts(worker->scene.watch, span_of(ORG_A), worker->scene.now_ms, &counts);
	if (last && number % 2)
		end(&worker->scene, &accepted);
}

static void *work(void *context)
{
	struct worker *worker = context;
	for (unsigned phase = 0; phase < PHASES; phase++) {
		worker->scene.now_ms = phase * HOUR;
		for (unsigned number = 0; number < EACH; number++)
			work_one(worker, number, phase + 1 == PHASES);
		pthread_barrier_wait(worker->barrier);
	}
	return NULL;
}

/* Whatever their order, nothing is lost and nothing said twice. */
static void test_threads(void)
{
	static struct worker workers[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;
	struct scene scene;
	struct watch_counts counts[2];
	unsigned granted = 0;
	char more[32];

	scene_init(&scene, 3 * THREADS * EACH);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker) { scene, &barrier, i, 0 };
		workers[i].scene.environment.context = &workers[i].scene;
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		granted += workers[i].granted;
	}
	watch_counts(scene.watch, span_of(ORG_A), HOUR, &counts[0]);
	watch_counts(scene.watch, span_of(ORG_B), HOUR, &counts[1]);
	watch_end(scene.watch, scene.log);
	const char *text = said(&scene);
	ok(count(text, "ev=deadline") == THREADS * EACH && counts[0].deadlines == THREADS * EACH,
	   "of %u threads each message is told of once (%u)", THREADS, count(text, "ev=deadline"));
	ok(count(text, "attempts=2 ") == THREADS * EACH, "all their attempts are counted");
	ok(counts[0].waiting == THREADS * EACH / 2, "what was accepted waits no more (%zu)", counts[0].waiting);
	ok(count(text, "kind=cert") == WATCH_DRIFTS_MAX, "drift is told %u times", WATCH_DRIFTS_MAX);
	ok(counts[1].drifts[DRIFT_CERT] == PHASES * THREADS * EACH, "and each is counted");
	snprintf(more, sizeof more, " more=%u\n", PHASES * (THREADS * EACH - WATCH_DRIFTS_MAX));
	ok(count(text, more) == 1, "the rest of it is told in one line");
	ok(granted == PHASES * WATCH_WAITS_MAX, "in each hour %u may wait (%u)", WATCH_WAITS_MAX, granted);
	pthread_barrier_destroy(&barrier);
	scene_clear(&scene);
	watch_free(NULL);
}

int main(void)
{
	test_deadline();
	test_identity();
	test_entrance();
	test_ending();
	test_flood();
	test_drift();
	test_waits();
	test_threads();
	return done_testing();
}
