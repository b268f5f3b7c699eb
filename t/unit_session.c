/* session and apply: what becomes of a message when memory, or the MTA, fails. libmilter is played by this file. */
#include "config.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "mta/apply.h"
#include "mta/session.h"

/* The MTA: what it was asked, and which request it does not take (-1: takes all). */
static char asked[4096];
static int requests;
static int fails_at = -1;

static int ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int ask(const char *format, ...)
{
	if (requests++ == fails_at)
		return MI_FAILURE;
	size_t used = strlen(asked);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(asked + used, sizeof asked - used, format, arguments);
	va_end(arguments);
	return MI_SUCCESS;
}

int smfi_setreply(SMFICTX *context, char *code, char *enhanced, char *text)
{
	(void)context;
	return ask("reply %s %s %s|", code, enhanced, text);
}

int smfi_chgheader(SMFICTX *context, char *name, int index, char *value)
{
	(void)context;
	return ask("change %s %d %s|", name, index, value ? value : "-");
}

int smfi_insheader(SMFICTX *context, int index, char *name, char *value)
{
	(void)context;
	return ask("insert %d %s %.14s|", index, name, value);
}

int smfi_quarantine(SMFICTX *context, char *reason)
{
	(void)context;
	return ask("quarantine %.26s|", reason);
}

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
	struct ports ports;
	struct live *live;
	struct log *log;
	struct service service;
	struct session *session;
};

static void scene_init(struct scene *scene, const char *quarantine_unless, bool leading_space)
{
	memset(scene, 0, sizeof *scene);
	scene->ports = test_ports(&scene->evidence);
	struct settings *settings = settings_plain(quarantine_unless);
	scene->log = log_new("unit_session");
	log_configure(scene->log, settings);
	scene->live = live_new(settings);
	service_init(&scene->service, scene->live, &scene->ports, scene->log);
	struct agreement agreement = { .leading_space = leading_space, .skip = true, .answers_recipients = true };
	scene->session = session_new(&scene->service, &agreement, (struct waker){ NULL, NULL });
	struct address client;
	address_parse(span_of("13.110.74.200"), &client);
	session_connect(scene->session, "a.mta.salesforce.com", &client);
	session_helo(scene->session, "a.mta.salesforce.com");
	asked[0] = '\0';
	requests = 0;
	fails_at = -1;
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

/* A whole good message with a forged result header; what the MTA is answered at its end. */
static sfsistat message(struct scene *scene)
{
	static const char *const fields[][2] = { { "From", " joe@example.com" }, { "X-SFDC-LK", " " ORG_A },
	                                         { "X-SFDC-Relay", " forged" } };
	struct session *session = scene->session;
	struct refusal refusal;
	mail(scene);
	session_recipient(session, span_of("relay"), span_of("QUEUE1"));
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		session_field(session, span_of(fields[i][0]), span_of(fields[i][1]));
	session_header_end(session, span_of("QUEUE1"));
	session_end(session, span_of("QUEUE1"));
	bool refused = session_refused(session, &refusal);
	if (!refused && !apply_edits(NULL, session)) {
		session_defer(session);
		refused = session_refused(session, &refusal);
	}
	session_close(session);
	return refused ? apply_refusal(NULL, &refusal) : SMFIS_CONTINUE;
}

static void test_requests(void)
{
	struct scene scene;
	scene_init(&scene, "auth", true);
	ok(message(&scene) == SMFIS_CONTINUE, "a message that is held goes on");
	is_text(asked, "change X-SFDC-Relay 1 -|insert 0 X-SFDC-Relay  relay.test; v|insert 0 Authentication-Results  relay.test; n|"
	               "quarantine sfdc-milter: auth-none (id|", "removals, insertions, quarantine, in this order");
	scene_clear(&scene);
	scene_init(&scene, "", false);
	ok(message(&scene) == SMFIS_CONTINUE, "one that is not goes on");
	is_text(asked, "change X-SFDC-Relay 1 -|insert 0 X-SFDC-Relay relay.test; ve|insert 0 Authentication-Results relay.test; no|",
	        "without the leading space where none was agreed on");
	scene_clear(&scene);
}

/* Whatever the MTA does not take: the message is deferred. */
static void test_failing_requests(void)
{
	for (int i = 0; i < 4; i++) {
		struct scene scene;
		scene_init(&scene, "auth", true);
		fails_at = i;
		ok(message(&scene) == SMFIS_TEMPFAIL, "request %d is not taken: deferred", i);
		ok(strstr(asked, "reply 451 4.3.2 internal-error") != NULL, "with a reply of its own: %s", asked);
		ok(atomic_load(&scene.service.open) == 0, "and no message stays open");
		scene_clear(&scene);
	}
}

static void test_failing_reply(void)
{
	struct scene scene;
	scene_init(&scene, "", true);
	struct refusal refusal = { VERDICT_REJECT, { "550", "5.7.1", "100% wrong" } };
	ok(apply_refusal(NULL, &refusal) == SMFIS_REJECT, "a refusal");
	is_text(asked, "reply 550 5.7.1 100%% wrong|", "with its reply, percent signs doubled");
	fails_at = 1;
	ok(apply_refusal(NULL, &refusal) == SMFIS_REJECT, "is one without its reply too");
	refusal.verdict = VERDICT_TEMPFAIL;
	fails_at = 2;
	ok(apply_refusal(NULL, &refusal) == SMFIS_TEMPFAIL, "likewise the other kind");

	fails_at = -1;
	asked[0] = '\0';
	memset(refusal.reply.text, '%', REPLY_TEXT_MAX);
	refusal.reply.text[REPLY_TEXT_MAX] = '\0';
	apply_refusal(NULL, &refusal);
	ok(strlen(asked) == strlen("reply 550 5.7.1 |") + 2 * REPLY_TEXT_MAX, "the longest reply, all percent signs");
	scene_clear(&scene);
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
	session_recipient(scene.session, span_of("relay"), span_of("QUEUE1"));
	session_header_end(scene.session, span_of("QUEUE1"));
	ok(!session_body(scene.session, span_of("x")), "no body is wanted");
	session_end(scene.session, span_of("QUEUE1"));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "to its end");
	session_close(scene.session);
	ok(message(&scene) == SMFIS_CONTINUE, "the next is none the worse");

	fail_allocation = 1;
	session_helo(scene.session, "b.mta.salesforce.com");
	mail(&scene);
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "no memory at HELO: deferred at MAIL");
	scene_clear(&scene);

	struct agreement agreement = { 0 };
	fail_allocation = 1;
	ok(!session_new(&scene.service, &agreement, (struct waker){ NULL, NULL }), "no memory, no session");
	fail_allocation = 0;
	session_free(NULL);
}

/* What the MTA told did not all arrive: the message is deferred, whatever else is known of it, and no other. */
static void test_incomplete(void)
{
	struct scene scene;
	struct refusal refusal;
	struct session_input input = good_session();
	scene_init(&scene, "", true);
	input.incomplete = true;
	session_mail(scene.session, &input, span_of("13.110.74.200"));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL &&
	   strncmp(refusal.reply.text, "internal-error", 14) == 0, "at MAIL: deferred, with a reply of its own");
	session_recipient(scene.session, span_of("relay"), span_of("QUEUE1"));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "and at RCPT");
	ok(message(&scene) == SMFIS_CONTINUE, "the next is none the worse");

	mail(&scene);
	session_recipient(scene.session, span_of("local"), span_of("QUEUE1"));
	ok(!session_refused(scene.session, &refusal), "one recipient is told of");
	session_incomplete(scene.session);
	session_recipient(scene.session, span_of("local"), span_of("QUEUE1"));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "another is not: deferred");
	session_incomplete(scene.session);
	ok(message(&scene) == SMFIS_CONTINUE, "the next is none the worse");
	session_incomplete(scene.session);
	ok(atomic_load(&scene.service.open) == 0, "and without a message there is nothing to defer");
	scene_clear(&scene);
}

static void test_order(void)
{
	struct scene scene;
	struct refusal refusal;
	struct edits edits;
	scene_init(&scene, "", true);
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "without MAIL: deferred");
	ok(strcmp(refusal.reply.code, "451") == 0 && strcmp(refusal.reply.enhanced, "4.3.2") == 0 &&
	   strncmp(refusal.reply.text, "internal-error: ", 16) == 0, "with a reply of its own");
	ok(!session_edits(scene.session, &edits), "and nothing to change");
	session_defer(scene.session);
	session_close(scene.session);
	mail(&scene);
	session_end(scene.session, span_make(NULL, 0));
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL, "the end straight after MAIL: deferred");
	ok(message(&scene) == SMFIS_CONTINUE, "the next is none the worse");

	atomic_store(&scene.service.stopping, true);
	mail(&scene);
	ok(session_refused(scene.session, &refusal) && refusal.verdict == VERDICT_TEMPFAIL &&
	   strcmp(refusal.reply.code, "421") == 0, "while stopping: deferred with 421");
	ok(atomic_load(&scene.service.open) == 0, "and nothing is begun");
	scene_clear(&scene);
}

static void test_contradiction(void)
{
	static const struct {
		const char *macro;
		bool believed;
	} cases[] = { { "13.110.74.200", true }, { "13.110.74.201", false }, { "IPv6:2001:db8::1", false }, { NULL, true },
		      { "", false }, { "unknown", false }, { "13.7212758", false }, { "013.110.74.200", false }, { "IPv6:::ffff:13.110.74.200", true } };
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
	static struct service service;
	ok(service_init(&service, NULL, NULL, NULL), "a service");
	bool good = true;
	bool unique = true;
	for (int i = 0; i < COUNT; i++) {
		service_sid(&service, sids[i]);
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
	test_requests();
	test_failing_requests();
	test_failing_reply();
	test_memory();
	test_incomplete();
	test_order();
	test_contradiction();
	test_sid();
	return done_testing();
}
