/* SPDX-License-Identifier: BSD-2-Clause */
/* session: what becomes of a message when memory, or the MTA, fails. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "mta/session.h"

/* Memory: the allocation of that number fails (0: none does). */
static int fail_allocation;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	return fail_allocation > 0 && --fail_allocation == 0 ? NULL : __real_calloc(count, size);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fail_allocation > 0 && --fail_allocation == 0 ? NULL : __real_strndup(text, size);
}

/* One organization that needs no evidence but the address. */
static struct settings *settings_plain(const char *quarantine_unless)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->org_count = 1;
	settings->headers.add_to = ADD_TO_ALL;
	settings->log.target = LOG_TARGET_STDERR;
	settings->log.level = LOG_LEVEL_ERROR;
	settings->reply_contact = span_of("100%");
	sentence_set(settings, &settings->orgs[0].reject_unless, "org and from and ip");
	sentence_set(settings, &settings->orgs[0].quarantine_unless, quarantine_unless);
	if (!settings_complete(settings, unite_options))
		exit(1);
	return settings;
}

struct scene {
	struct test_evidence evidence;
	struct environment environment;
	struct live *live;
	struct log *log;
	struct shared shared;
	struct session *session;
};

static void scene_init(struct scene *scene, const char *quarantine_unless, bool leading_space)
{
	memset(scene, 0, sizeof *scene);
	scene->environment = test_environment(&scene->evidence);
	struct settings *settings = settings_plain(quarantine_unless);
	scene->log = log_new("unit_session");
	log_configure(scene->log, settings);
	scene->live = live_new(settings);
	shared_init(&scene->shared, scene->live, &scene->environment, scene->log);
	struct negotiated negotiated = { .leading_space = leading_space, .skip = true, .answers_recipients = true };
	scene->session = session_new(&scene->shared, &negotiated, (struct waker) { NULL, NULL }, NULL);
	struct address client;
	address_parse(span_of("13.110.74.200"), &client);
	session_connect(scene->session, "a.mta.salesforce.com", &client);
	session_helo(scene->session, "a.mta.salesforce.com");
	fail_allocation = 0;
}

static void scene_clear(struct scene *scene)
{
	fail_allocation = 0;
	session_free(scene->session);
	live_free(scene->live);
	log_free(scene->log);
}

static void mail(struct scene *scene)
{
	struct session_input input = good_session();
	session_mail(scene->session, &input, span_of("13.110.74.200"));
}

/* A whole good message; whether it passes. */
static bool passes(struct scene *scene)
{
	static const char *const fields[][2] = { { "From", " joe@example.com" }, { "X-SFDC-LK", " " ORG_A } };
	struct session *session = scene->session;
	struct refusal refusal;
	struct edits edits;
	mail(scene);
	session_recipient(session, span_of("<joe@customer.example>"), span_of("relay"), span_of("QUEUE1"));
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		session_field(session, span_of(fields[i][0]), span_of(fields[i][1]));
	session_header_end(session, span_of("QUEUE1"));
	bool refused = !session_end(session, span_of("QUEUE1")) || session_refused(session, &refusal)
	               || !session_edits(session, &edits);
	session_close(session);
	return !refused;
}

/* Memory runs out at each allocation of a session in turn: nothing passes. */
static void test_memory(void)
{
	struct scene scene;
	struct refusal refusal;
	scene_init(&scene, "", true);
	fail_allocation = 1;
	mail(&scene);
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "no memory at MAIL: deferred");
	session_recipient(scene.session, span_of("<joe@customer.example>"), span_of("relay"), span_of("QUEUE1"));
	session_header_end(scene.session, span_of("QUEUE1"));
	ok(!session_body(scene.session, span_of("x")), "no body is wanted");
	session_end(scene.session, span_of("QUEUE1"));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "to its end");
	session_close(scene.session);
	ok(passes(&scene), "the next is none the worse");

	fail_allocation = 1;
	session_helo(scene.session, "b.mta.salesforce.com");
	mail(&scene);
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL,
	   "no memory at HELO: deferred at MAIL");
	scene_clear(&scene);

	struct negotiated negotiated = { 0 };
	fail_allocation = 1;
	ok(!session_new(&scene.shared, &negotiated, (struct waker) { NULL, NULL }, NULL), "no memory, no session");
	fail_allocation = 0;
	session_free(NULL);
}

/* What the MTA told is not all known: the message is deferred, whatever else is known of it, and no other. */
static void test_incomplete(void)
{
	struct scene scene;
	struct refusal refusal;
	struct session_input input = good_session();
	scene_init(&scene, "", true);
	input.incomplete = true;
	session_mail(scene.session, &input, span_of("13.110.74.200"));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL
	       && strncmp(refusal.reply.text, "internal-error", 14) == 0,
	   "at MAIL: deferred, with a reply of its own");
	session_recipient(scene.session, span_of("<joe@customer.example>"), span_of("relay"), span_of("QUEUE1"));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "and at RCPT");
	ok(passes(&scene), "the next is none the worse");
	scene_clear(&scene);
}

static void test_order(void)
{
	struct scene scene;
	struct refusal refusal;
	struct edits edits;
	scene_init(&scene, "", true);
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "without MAIL: deferred");
	ok(strcmp(refusal.reply.code, "451") == 0 && strcmp(refusal.reply.enhanced, "4.3.2") == 0
	       && strncmp(refusal.reply.text, "internal-error: ", 16) == 0,
	   "with a reply of its own");
	ok(!session_edits(scene.session, &edits), "and nothing to change");
	session_defer(scene.session);
	session_close(scene.session);
	mail(&scene);
	session_end(scene.session, span_make(NULL, 0));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL,
	   "the end straight after MAIL: deferred");
	ok(passes(&scene), "the next is none the worse");

	atomic_store(&scene.shared.stopping, true);
	mail(&scene);
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL
	       && strcmp(refusal.reply.code, "421") == 0,
	   "while stopping: deferred with 421");
	ok(atomic_load(&scene.shared.open) == 0, "and nothing is begun");
	scene_clear(&scene);
}

static void test_contradiction(void)
{
	static const struct {
		const char *macro;
		bool believed;
	} cases[] = { { "13.110.74.200", true },
		          { "13.110.74.201", false },
		          { "IPv6:2001:db8::1", false },
		          { NULL, true },
		          { "", false },
		          { "unknown", false },
		          { "13.7212758", false },
		          { "013.110.74.200", false },
		          { "IPv6:::ffff:13.110.74.200", true } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene scene;
		struct session_input input = good_session();
		scene_init(&scene, "", true);
		session_mail(scene.session, &input, span_of(cases[i].macro));
		bool believed = scene.session->message->examination.facts.client.family == ADDRESS_IPV4;
		ok(believed == cases[i].believed, "{client_addr} %s: the address is %sbelieved",
		   cases[i].macro ? cases[i].macro : "absent", believed ? "" : "not ");
		scene_clear(&scene);
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, SID_SIZE);
}

static void test_sid(void)
{
	enum { COUNT = 20000 };
	static char sids[COUNT][SID_SIZE];
	static struct shared shared;
	ok(shared_init(&shared, NULL, NULL, NULL), "a service");
	bool good = true;
	bool unique = true;
	for (int i = 0; i < COUNT; i++) {
		shared_sid(&shared, sids[i]);
		good = good && strspn(sids[i], "0123456789abcdef") == 16 && strlen(sids[i]) == 16;
	}
	qsort(sids, COUNT, SID_SIZE, compare);
	for (int i = 1; i < COUNT; i++)
		unique = unique && strcmp(sids[i - 1], sids[i]) != 0;
	ok(good, "identifiers are 16 hexadecimal digits");
	ok(unique, "and differ");
}

int main(void)
{
	test_memory();
	test_incomplete();
	test_order();
	test_contradiction();
	test_sid();
	return done_testing();
}
