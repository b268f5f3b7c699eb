/* SPDX-License-Identifier: BSD-2-Clause */
/* dialogue: what is agreed on, what is answered, which macros count, and what becomes of a message when memory fails. */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "mta/dialogue.h"

/* Memory: the allocation of that number fails (0: none does). */
static int fail_allocation;
static int allocations;

static bool fails(void)
{
	allocations++;
	return fail_allocation > 0 && --fail_allocation == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *before, size_t size);
void *__wrap_realloc(void *before, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *before, size_t size)
{
	return fails() ? NULL : __real_realloc(before, size);
}

struct scene {
	struct test_evidence evidence;
	struct environment environment;
	struct live *live;
	struct log *log;
	struct shared shared;
	struct dialogue dialogue;
	enum dialogue_status status;
	struct buffer out;
	char answers[16384]; /* as letters; of changes and replies what they hold */
};

/* One organization; what its sentences need beside header and address is up to the test. */
static struct settings *settings_plain(const char *reject_unless, const char *quarantine_unless)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->org_count = 1;
	settings->headers.add_to = ADD_TO_ALL;
	settings->log.target = LOG_TARGET_STDERR;
	settings->log.level = LOG_LEVEL_ERROR;
	sentence_set(settings, &settings->orgs[0].reject_unless, reject_unless);
	sentence_set(settings, &settings->orgs[0].quarantine_unless, quarantine_unless);
	if (!settings_complete(settings, unite_options))
		exit(1);
	return settings;
}

static void scene_init(struct scene *scene, const char *reject_unless, const char *quarantine_unless)
{
	memset(scene, 0, sizeof *scene);
	fail_allocation = 0;
	scene->evidence = good_evidence();
	scene->environment = test_environment(&scene->evidence);
	struct settings *settings = settings_plain(reject_unless, quarantine_unless);
	scene->log = log_new("unit_dialogue");
	log_configure(scene->log, settings);
	scene->live = live_new(settings);
	shared_init(&scene->shared, scene->live, &scene->environment, scene->log);
	dialogue_begin(&scene->dialogue, &scene->shared, (struct waker) { NULL, NULL }, NULL);
}

static void scene_clear(struct scene *scene)
{
	fail_allocation = 0;
	dialogue_end(&scene->dialogue);
	dialogue_end(&scene->dialogue);
	ok(atomic_load(&scene->shared.open) == 0, "no message stays open");
	buffer_clear(&scene->out);
	live_free(scene->live);
	log_free(scene->log);
}

/* Read what was written as text: a reply's code, a change's letter, index and name, or the letter alone. */
static void hear(struct scene *scene)
{
	struct span rest = buffer_content(&scene->out);
	size_t used = strlen(scene->answers);
	while (rest.length >= PACKET_HEAD) {
		size_t size = 4 + ((size_t)(unsigned char)rest.at[2] << 8 | (unsigned char)rest.at[3]);
		char letter = rest.at[4];
		const char *data = rest.at + PACKET_HEAD;
		char text[80];
		if (letter == SMFIR_REPLYCODE)
			snprintf(text, sizeof text, "y%.9s|", data);
		else if (letter == SMFIR_CHGHEADER || letter == SMFIR_INSHEADER)
			snprintf(text, sizeof text, "%c%d %s=%.6s|", letter, data[3], data + 4, data + 4 + strlen(data + 4) + 1);
		else if (letter == SMFIR_QUARANTINE)
			snprintf(text, sizeof text, "q%.24s|", data);
		else
			snprintf(text, sizeof text, "%c", letter);
		used += (size_t)snprintf(scene->answers + used, sizeof scene->answers - used, "%s", text);
		rest = span_slice(rest, size, rest.length);
	}
	buffer_take(&scene->out, buffer_content(&scene->out).length);
}

static void say(struct scene *scene, char letter, const void *data, size_t length)
{
	struct packet packet = { letter, span_make(data, length) };
	if (scene->status != DIALOGUE_LISTENS)
		return;
	scene->status = dialogue_take(&scene->dialogue, &packet, &scene->out);
	hear(scene);
}

#define SAY(scene, letter, text) say((scene), (letter), (text), sizeof(text) - 1)

static void negotiate(struct scene *scene, uint32_t version, uint32_t actions, uint32_t steps)
{
	const uint32_t numbers[] = { version, actions, steps };
	char data[sizeof numbers];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(numbers[i / 4] >> (24 - 8 * (i % 4)) & 0xff);
	say(scene, 'O', data, sizeof data);
}

#define TLS "{tls_version}\0TLSv1.3\0{cipher}\0X\0{cipher_bits}\000256\0"

/* What comes before a message; steps is what the MTA offers. */
static void open_session(struct scene *scene, uint32_t steps)
{
	negotiate(scene, 6, 0x1ff, steps);
	SAY(scene, 'C',
	    "a.mta.salesforce.com\0"
	    "4\0\031"
	    "13.110.74.200\0");
	SAY(scene, 'H', "a.mta.salesforce.com\0");
	scene->answers[0] = '\0';
}

static void mail(struct scene *scene)
{
	SAY(scene, 'D', "M{client_addr}\00013.110.74.200\0j\0relay.test\0" TLS);
	SAY(scene, 'M', "<joe@example.com>\0SIZE=1\0");
}

static void rcpt(struct scene *scene)
{
	SAY(scene, 'D', "R{rcpt_mailer}\0relay\0i\0QUEUE1\0");
	SAY(scene, 'R', "<user@dest.test>\0");
}

static void header(struct scene *scene, bool with_org)
{
	SAY(scene, 'L', "From\0 joe@example.com\0");
	if (with_org)
		SAY(scene, 'L', "X-SFDC-LK\0 " ORG_A "\0");
	SAY(scene, 'L', "DKIM-Signature\0 v=1\0");
	SAY(scene, 'L', "X-SFDC-Relay\0 forged\0");
	SAY(scene, 'N', "");
}

static void end(struct scene *scene)
{
	SAY(scene, 'B', "line\r\n");
	SAY(scene, 'D', "Ei\0QUEUE1\0");
	SAY(scene, 'E', "");
}

static void message(struct scene *scene, bool with_org)
{
	mail(scene);
	rcpt(scene);
	header(scene, with_org);
	end(scene);
}

#define ALL_STEPS 0x1fffff

static void test_messages(void)
{
	struct scene scene;
	scene_init(&scene, "org and from and ip and tls", "auth");
	open_session(&scene, ALL_STEPS);
	message(&scene, true);
	is_text(scene.answers,
	        "ccsm1 X-SFDC-Relay=|i0 X-SFDC-Relay= relay|i0 Authentication-Results= relay|qsfdc-milter: auth-none (|c",
	        "removals, insertions, quarantine, in this order");
	scene.answers[0] = '\0';
	message(&scene, false);
	is_text(scene.answers, "cy550 5.7.1|", "a message that is refused is over");
	scene.answers[0] = '\0';
	message(&scene, true);
	ok(strlen(scene.answers) > 20 && scene.dialogue.packets == 38, "and the next is none the worse, at packet %llu",
	   scene.dialogue.packets);
	SAY(&scene, 'Q', "");
	ok(scene.status == DIALOGUE_OVER && !scene.dialogue.fault, "it is over when the MTA says so, and nobody's fault");
	scene_clear(&scene);

	scene_init(&scene, "org and from and ip", "");
	open_session(&scene, 0x7f);
	message(&scene, true);
	is_text(scene.answers, "ccccccccm1 X-SFDC-Relay=|i0 X-SFDC-Relay=relay.|i0 Authentication-Results=relay.|c",
	        "an MTA of old has an answer to each step, and no leading space");
	scene_clear(&scene);
}

static void test_negotiation(void)
{
	static const struct {
		const char *what;
		uint32_t version, actions, steps;
		const char *agreed; /* version, actions, steps; NULL: refused */
		const char *fault;
	} cases[] = {
		{ "version 6", 6, 0x1ff, 0x1fffff, "6 131 107780", NULL },
		{ "version 2", 2, 0x3f, 0x7f, "2 31 0", NULL },
		{ "version 3", 3, 0x3f, 0x7f, "3 31 0", NULL },
		{ "version 5", 5, 0x3f, 0x7ff, "5 31 780", NULL },
		{ "a newer version", 7, 0x1ff, 0x1fffff, "6 131 107780", NULL },
		{ "everything", 6, 0xffffffff, 0xffffffff, "6 131 107780", NULL },
		{ "no steps", 6, 0x1ff, 0, "6 131 0", NULL },
		{ "no list of macros", 6, 0xff, 0x1fffff, "6 31 107780", NULL },
		{ "version 1", 1, 0x1ff, 0x1fffff, NULL, "version too old" },
		{ "version 0", 0, 0x1ff, 0x1fffff, NULL, "version too old" },
		{ "a negative version", 0xffffffff, 0x1ff, 0x1fffff, NULL, "version too old" },
		{ "no actions", 6, 0, 0x1fffff, NULL, NULL },
		{ "no quarantine", 6, 0x1df, 0x1fffff, NULL, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene scene;
		uint32_t numbers[3] = { 0 };
		char text[80] = "";
		scene_init(&scene, "org", "");
		/* The log is not what is looked at. */
		log_free(scene.log);
		scene.shared.log = scene.log = log_new("unit_dialogue");
		const uint32_t offer[] = { cases[i].version, cases[i].actions, cases[i].steps };
		char data[sizeof offer];
		for (size_t at = 0; at < sizeof data; at++)
			data[at] = (char)(offer[at / 4] >> (24 - 8 * (at % 4)) & 0xff);
		struct packet packet = { 'O', span_make(data, sizeof data) };
		scene.status = dialogue_take(&scene.dialogue, &packet, &scene.out);
		struct span written = buffer_content(&scene.out);
		for (size_t at = 0; written.length >= PACKET_HEAD + 12 && at < 12; at++)
			numbers[at / 4] = numbers[at / 4] << 8 | (unsigned char)written.at[PACKET_HEAD + at];
		snprintf(text, sizeof text, "%x %x %x", numbers[0], numbers[1], numbers[2]);
		if (cases[i].agreed) {
			ok(scene.status == DIALOGUE_LISTENS, "%s: agreed", cases[i].what);
			is_text(text, cases[i].agreed, "on this");
			ok((written.length > PACKET_HEAD + 12) == ((numbers[1] & SMFIF_SETSYMLIST) != 0),
			   "with macros, where they can be asked for");
		} else {
			ok(scene.status == DIALOGUE_OVER && written.length == 0, "%s: refused without a word", cases[i].what);
			ok(cases[i].fault ? scene.dialogue.fault && strstr(scene.dialogue.fault, cases[i].fault)
			                  : !scene.dialogue.fault,
			   "and why");
		}
		scene_clear(&scene);
	}
}

/* Steps out of order: the commands of a conversation, "-" for a whole good message, and what is answered. */
static void test_order(void)
{
	static const struct {
		const char *commands;
		const char *answers;
	} cases[] = {
		{ "E", "" },
		{ "N", "" },
		{ "B", "" },
		{ "R", "" },
		{ "T", "" },
		{ "L", "" },
		{ "U", "c" },
		{ "MU", "c" },
		{ "MB", "" },
		{ "ML", "" },
		{ "MN", "" },
		{ "ME", "" },
		{ "MRE", "cy451 4.3.2|" },
		{ "MRNE", "cy550 5.7.1|" },
		{ "MRB", "cs" },
		{ "MRBE", "csy451 4.3.2|" },
		{ "MRT", "cc" },
		{ "MRTN", "ccy550 5.7.1|" },
		{ "MAE", "" },
		{ "MAR", "y451 4.3.2|" },
		{ "MRA", "c" },
		{ "MRAE", "c" },
		{ "AQ", "" },
		{ "O", "" },
		{ "C", "" },
		{ "K", "" },
		{ "MRAKCHMRR", "ctt" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene scene;
		scene_init(&scene, "org and from and ip", "");
		open_session(&scene, ALL_STEPS);
		log_free(scene.log);
		scene.shared.log = scene.log = log_new("unit_dialogue");
		for (const char *command = cases[i].commands; *command != '\0'; command++) {
			if (*command == 'M')
				mail(&scene);
			else if (*command == 'R')
				rcpt(&scene);
			else if (*command == 'L')
				SAY(&scene, 'L', "A\0b\0");
			else if (*command == 'C')
				SAY(&scene, 'C',
				    "x\0"
				    "4\0\031"
				    "192.0.2.1\0");
			else if (*command == 'H' || *command == 'U')
				say(&scene, *command, "x", 2);
			else if (*command == 'B')
				SAY(&scene, 'B', "x");
			else if (*command == 'O')
				negotiate(&scene, 6, 0, 0);
			else
				say(&scene, *command, "", 0);
		}
		is_text(scene.answers, cases[i].answers, cases[i].commands);
		scene_clear(&scene);
	}
}

/* Which macros count, and for how long: the certificate's names decide. */
static void test_macros(void)
{
	static const char with[] = "D" TLS, without[] = "Dj\0x\0";
	static const struct {
		const char *what;
		const char
			*steps; /* c h m r: macros with TLS for that stage; C H M R: macros without; else the command; - message */
		bool passes;
	} cases[] = {
		{ "told for MAIL", "m-", true },
		{ "not told", "M-", false },
		{ "told for a message before", "m-=", false },
		{ "told for one that was aborted", "mXA=", false },
		{ "told before HELO", "mG=", false },
		{ "told with HELO", "hG=", true },
		{ "told with HELO, and the next HELO tells none", "hGG=", false },
		{ "told with HELO, and the next HELO tells others", "hGHG=", false },
		{ "told with RCPT alone, before MAIL", "r=", false },
		{ "told with the end of a message, before MAIL", "e=", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene scene;
		scene_init(&scene, "org and from and ip and tls", "");
		log_free(scene.log);
		scene.shared.log = scene.log = log_new("unit_dialogue");
		open_session(&scene, ALL_STEPS);
		for (const char *step = cases[i].steps; *step != '\0'; step++) {
			char data[sizeof with];
			bool tells = strchr("hmre", *step) != NULL;
			bool tells_not = strchr("HM", *step) != NULL;
			size_t length = tells ? sizeof with - 1 : sizeof without - 1;
			memcpy(data, tells ? with : without, length);
			data[0] = (char)(tells ? *step - 'a' + 'A' : *step);
			scene.answers[0] = *step == 'A' ? scene.answers[0] : '\0';
			if (tells || tells_not) {
				say(&scene, 'D', data, length);
			} else if (*step == 'G') {
				SAY(&scene, 'H', "x\0");
			} else if (*step == 'A') {
				SAY(&scene, 'A', "");
			} else if (*step == 'X') {
				SAY(&scene, 'M', "<joe@example.com>\0");
			} else {
				SAY(&scene, 'M', "<joe@example.com>\0");
				rcpt(&scene);
				header(&scene, true);
				end(&scene);
			}
		}
		ok((strstr(scene.answers, "i0 X-SFDC-Relay") != NULL) == cases[i].passes, "TLS that is %s %s: %s",
		   cases[i].what, cases[i].passes ? "counts" : "does not count", scene.answers);
		scene_clear(&scene);
	}
}

static void quiet(struct scene *scene)
{
	log_free(scene->log);
	scene->shared.log = scene->log = log_new("unit_dialogue");
}

/* The end of a message waits for evidence. */
static void test_waiting(void)
{
	struct scene scene;
	scene_init(&scene, "org and from and dkim", "");
	open_session(&scene, ALL_STEPS);
	scene.evidence.absent = true;
	scene.evidence.body_wanted = 100;
	message(&scene, true);
	ok(scene.status == DIALOGUE_WAITS, "evidence is awaited");
	is_text(scene.answers, "ccc", "and the end is not answered yet");
	ok(dialogue_deadline_ms(&scene.dialogue) == 21000, "for so long");
	ok(dialogue_resume(&scene.dialogue, &scene.out) == DIALOGUE_WAITS, "it may still be out");
	scene.evidence.absent = false;
	scene.status = dialogue_resume(&scene.dialogue, &scene.out);
	hear(&scene);
	ok(scene.status == DIALOGUE_LISTENS, "when it is there it goes on");
	is_text(scene.answers, "cccm1 X-SFDC-Relay=|i0 X-SFDC-Relay= relay|i0 Authentication-Results= relay|c",
	        "with the answer");
	scene.answers[0] = '\0';
	scene.evidence.dkim = (struct result) { RESULT_FAIL, REASON_DKIM_BODYHASH, { NULL, 0 } };
	message(&scene, true);
	is_text(scene.answers, "cccy550 5.7.2|", "the next is judged by its own");
	scene.answers[0] = '\0';
	SAY(&scene, 'E', "");
	is_text(scene.answers, "", "and is over");
	scene.evidence.absent = true;
	message(&scene, true);
	ok(scene.status == DIALOGUE_WAITS, "one that waits");
	scene_clear(&scene);
	ok(scene.evidence.ended == 3, "can be left");
}

/* Version 2 to 5 may bring the last piece of the body with the end. */
static void test_body_in_end(void)
{
	struct scene scene;
	scene_init(&scene, "org and from and dkim", "");
	open_session(&scene, 0x7f);
	scene.evidence.body_wanted = 100;
	mail(&scene);
	rcpt(&scene);
	header(&scene, true);
	SAY(&scene, 'E', "line\r\n");
	ok(strstr(scene.answers, "|c") != NULL && scene.evidence.body == 6,
	   "the last piece of the body in the end of the message");
	scene_clear(&scene);
	scene_init(&scene, "org and from and ip", "");
	open_session(&scene, ALL_STEPS);
	mail(&scene);
	rcpt(&scene);
	header(&scene, true);
	SAY(&scene, 'B', "line\r\n");
	SAY(&scene, 'E', "line\r\n");
	ok(scene.status == DIALOGUE_OVER && scene.dialogue.fault && strcmp(scene.answers, "ccs") == 0,
	   "but not when no more was wanted");
	scene_clear(&scene);
}

static void test_stopping(void)
{
	struct scene scene;
	scene_init(&scene, "org and from and ip", "");
	open_session(&scene, ALL_STEPS);
	atomic_store(&scene.shared.stopping, true);
	message(&scene, true);
	is_text(scene.answers, "y421 4.3.2|y421 4.3.2|", "while stopping, 421");
	scene_clear(&scene);
}

/* Each allocation of a session fails in turn: what must not pass does not, and what passes is changed as it must be. */
static void test_memory(void)
{
	static const char whole[] = "ccsm1 X-SFDC-Relay=|i0 X-SFDC-Relay= relay|i0 Authentication-Results= relay|c";
	for (int good = 0; good < 2; good++) {
		struct scene scene;
		unsigned passed = 0, wrong = 0;
		int count = 1;
		for (int number = 1; number <= count; number++) {
			memset(&scene, 0, sizeof scene);
			scene_init(&scene, "org and from and ip", "");
			quiet(&scene);
			allocations = 0;
			fail_allocation = number;
			open_session(&scene, ALL_STEPS);
			message(&scene, good);
			fail_allocation = 0;
			bool passes = strstr(scene.answers, "i0 Auth") != NULL || strstr(scene.answers, "|c") != NULL;
			passed += passes;
			wrong += passes && !good;
			wrong += passes && strcmp(scene.answers, whole) != 0 && scene.status != DIALOGUE_OVER;
			wrong += scene.status == DIALOGUE_OVER && !scene.dialogue.starved;
			if (allocations >= number && count == number)
				count++;
			dialogue_end(&scene.dialogue);
			wrong += atomic_load(&scene.shared.open) != 0;
			buffer_clear(&scene.out);
			live_free(scene.live);
			log_free(scene.log);
		}
		ok(wrong == 0 && count > 8 && (passed != 0) == good, "%d allocations of a %s session: %u pass, %u wrong",
		   count - 1, good ? "good" : "bad", passed, wrong);
	}
}

int main(void)
{
	test_messages();
	test_negotiation();
	test_order();
	test_macros();
	test_waiting();
	test_body_in_end();
	test_stopping();
	test_memory();
	return done_testing();
}
