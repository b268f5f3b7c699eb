/* SPDX-License-Identifier: BSD-2-Clause */
/* drift: what shows that genuine mail begins to fail, and that to wait for it changes no answer. */
#include "config.h"

#include "core/drift.h"

#include "core/log_entry.h"
#include "core/reply.h"
#include "engine.h"

#define FIELDS(...)                                                                                                    \
	(const char *const[])                                                                                              \
	{                                                                                                                  \
		__VA_ARGS__, NULL                                                                                              \
	}
#define STRANGER "00D4x000004z0H4EAI"

struct scene {
	struct settings *settings;
	struct test_evidence evidence;
	struct environment environment;
	struct examination examination;
	struct session_input input;
	const char *author;
	const char *org;
	bool grants;
	unsigned asked;
};

static bool grant(void *context)
{
	struct scene *scene = context;
	scene->asked++;
	return scene->grants;
}

static void scene_init(struct scene *scene, enum mode mode)
{
	memset(scene, 0, sizeof *scene);
	scene->settings = settings_two(mode, mode);
	scene->evidence = good_evidence();
	scene->evidence.ip_spf = result_make(RESULT_FAIL, REASON_IP_UNLISTED, span_of(""));
	scene->environment = test_environment(&scene->evidence);
	scene->input = good_session();
	scene->author = " joe@example.com";
	scene->org = " " ORG_A;
	scene->grants = true;
	for (unsigned i = 0; i < 2; i++) {
		scene->settings->orgs[i].ip.spf = STRINGS(scene->settings, SET_NOCASE);
		sentence_set(scene->settings, &scene->settings->orgs[i].reject_unless,
		             "tls and message and org and from and envelope and verp and dkim and cert and ip");
	}
}

/* As far as it goes, as a session would: what is decided goes no further. */
static void run(struct scene *scene)
{
	struct examination *examination = &scene->examination;
	settings_complete(scene->settings, unite_options);
	const struct examine_terms terms = { .patience = { grant, scene } };
	examine_begin(examination, scene->settings, &scene->environment, span_of("1f"), &scene->input, &terms);
	if (examination->judgement.verdict == VERDICT_UNDECIDED)
		examine_recipient(examination, span_of("<joe@customer.example>"), span_of("local"));
	if (examination->judgement.verdict != VERDICT_UNDECIDED)
		return;
	feed_fields(examination, FIELDS("From", scene->author, "X-SFDC-LK", scene->org, "DKIM-Signature", " v=1"));
	examine_header_end(examination);
	if (examination->judgement.verdict != VERDICT_UNDECIDED)
		return;
	examine_body(examination, span_of("line\r\n"));
	examine_end(examination);
}

static void clear(struct scene *scene)
{
	examine_clear(&scene->examination);
	settings_free(scene->settings);
}

enum change {
	NOTHING,
	ADDRESS = 1 << 0,
	CERTIFICATE = 1 << 1,
	NO_CERTIFICATE = 1 << 2,
	ISSUER = 1 << 3,
	NO_TLS = 1 << 4,
	SENDER = 1 << 5,
	AUTHOR = 1 << 6,
	SIGNATURE = 1 << 7,
	UNSIGNED = 1 << 8,
	LATE = 1 << 9,
	LOGIN = 1 << 10,
	UNKNOWN_ORG = 1 << 11,
	NO_ORG = 1 << 12,
	BAD_ORG = 1 << 13
};
#define CHANGES 14

static void change(struct scene *scene, unsigned changes)
{
	if (changes & ADDRESS)
		address_parse(span_of("198.51.100.9"), &scene->input.client);
	if (changes & CERTIFICATE)
		scene->input.certificate.cert_subject = span_of("mail.new.example");
	if (changes & NO_CERTIFICATE)
		scene->input.certificate = (struct certificate_macros) { .cert_subject = { NULL, 0 } };
	if (changes & ISSUER)
		scene->input.certificate.cert_issuer = span_of("New Root CA");
	if (changes & NO_TLS)
		scene->input.tls_version = span_make(NULL, 0);
	if (changes & SENDER)
		scene->input.mail_from = span_of("<joe@attack.example>");
	if (changes & AUTHOR)
		scene->author = " joe@attack.example";
	if (changes & SIGNATURE)
		scene->evidence.dkim = result_make(RESULT_FAIL, REASON_DKIM_FAIL, span_of("example.com"));
	if (changes & UNSIGNED)
		scene->evidence.has_dkim = false;
	if (changes & LATE)
		scene->evidence.late = true;
	if (changes & LOGIN) {
		scene->input.auth_type = span_of("PLAIN");
		scene->input.auth_authen = span_of("sfuser@relay.test");
	}
	if (changes & UNKNOWN_ORG)
		scene->org = " " STRANGER;
	if (changes & NO_ORG)
		scene->org = "";
	if (changes & BAD_ORG)
		scene->org = " 00D4x";
}

static void test_kinds(void)
{
	static const struct {
		const char *what;
		const char *sentence; /* NULL: the scene's */
		unsigned changes;
		enum drift_kind kind;
		const char *value, *reason;
	} rows[] = {
		{ "all is well", NULL, NOTHING, DRIFT_NONE, NULL, NULL },
		{ "an address that is not listed", NULL, ADDRESS, DRIFT_IP, "198.51.100.9", "ip-unlisted" },
		{ "another name in the certificate", NULL, CERTIFICATE, DRIFT_CERT, "mail.new.example", "cert-name" },
		{ "another issuer", NULL, ISSUER, DRIFT_CERT, "New Root CA", "cert-issuer" },
		{ "no certificate", NULL, NO_CERTIFICATE, DRIFT_CERT, "none", "cert-absent" },
		{ "both address and certificate", NULL, ADDRESS | CERTIFICATE, DRIFT_NONE, NULL, NULL },
		{ "no TLS, too", NULL, ADDRESS | NO_TLS, DRIFT_NONE, NULL, NULL },
		{ "another sender, too", NULL, ADDRESS | SENDER, DRIFT_NONE, NULL, NULL },
		{ "another author, too", NULL, ADDRESS | AUTHOR, DRIFT_NONE, NULL, NULL },
		{ "a broken signature, too", NULL, CERTIFICATE | SIGNATURE, DRIFT_NONE, NULL, NULL },
		{ "no signature, too", NULL, CERTIFICATE | UNSIGNED, DRIFT_NONE, NULL, NULL },
		{ "a key that does not come", NULL, ADDRESS | LATE, DRIFT_NONE, NULL, NULL },
		{ "another sender, which is not asked about", "org and from and dkim and ip", ADDRESS | SENDER, DRIFT_IP,
		  "198.51.100.9", "ip-unlisted" },
		{ "a broken signature and no login", "org and from and ip", ADDRESS | SIGNATURE, DRIFT_NONE, NULL, NULL },
		{ "a broken signature, but a login", "org and from and ip", ADDRESS | SIGNATURE | LOGIN, DRIFT_IP,
		  "198.51.100.9", "ip-unlisted" },
		{ "a login and no signature", "org and from and cert", CERTIFICATE | UNSIGNED | LOGIN, DRIFT_CERT,
		  "mail.new.example", "cert-name" },
		{ "a choice that another fulfills", "org and from and dkim and (cert or ip)", ADDRESS, DRIFT_NONE, NULL, NULL },
		{ "a choice of two that are false", "org and from and dkim and (cert or ip)", ADDRESS | CERTIFICATE, DRIFT_NONE,
		  NULL, NULL },
		{ "one that is not responsible", "org and from and dkim and ip and (cert or auth)", ADDRESS, DRIFT_IP,
		  "198.51.100.9", "ip-unlisted" },
		{ "an organization that is not served", NULL, UNKNOWN_ORG, DRIFT_ORG, STRANGER, "org-unknown" },
		{ "none that is named", NULL, NO_ORG, DRIFT_NONE, NULL, NULL },
		{ "one that cannot be", NULL, BAD_ORG, DRIFT_NONE, NULL, NULL },
		{ "not served, from an unknown address", NULL, UNKNOWN_ORG | ADDRESS, DRIFT_NONE, NULL, NULL },
		{ "not served, by certificate alone", "org and from and cert", UNKNOWN_ORG | ADDRESS, DRIFT_ORG, STRANGER,
		  "org-unknown" },
		{ "not served, by address alone", "org and from and ip", UNKNOWN_ORG | CERTIFICATE, DRIFT_ORG, STRANGER,
		  "org-unknown" },
		{ "not served, and nothing vouches", "org and from", UNKNOWN_ORG | ADDRESS | CERTIFICATE, DRIFT_NONE, NULL,
		  NULL },
		{ "not served, and somebody else's author", NULL, UNKNOWN_ORG | AUTHOR, DRIFT_NONE, NULL, NULL },
		{ "not served, and another sender", NULL, UNKNOWN_ORG | SENDER, DRIFT_NONE, NULL, NULL },
		{ "not served, and without TLS", NULL, UNKNOWN_ORG | NO_TLS, DRIFT_NONE, NULL, NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (enum mode mode = MODE_MONITOR; mode <= MODE_ENFORCE; mode++) {
			struct scene scene;
			scene_init(&scene, mode);
			for (unsigned j = 0; j < 2; j++) {
				struct org *org = &scene.settings->orgs[j];
				if (rows[i].sentence)
					sentence_set(scene.settings, &org->reject_unless, rows[i].sentence);
				if (rows[i].changes & ISSUER)
					org->cert.issuers = STRINGS(scene.settings, SET_EXACT, "Test Root CA");
			}
			change(&scene, rows[i].changes);
			run(&scene);
			const struct drift *drift = &scene.examination.drift;
			bool good = drift->kind == rows[i].kind;
			if (good && drift->kind != DRIFT_NONE)
				good = drift->org == &scene.settings->orgs[0] && span_equal(drift->value, span_of(rows[i].value))
				       && strcmp(reason_code(drift->reason), rows[i].reason) == 0;
			ok(good, "%s, %s: \"%s\" %.*s %s", mode_name(mode), rows[i].what, drift_name(drift->kind),
			   (int)drift->value.length, drift->value.at ? drift->value.at : "", reason_code(drift->reason));
			clear(&scene);
		}
}

/* What cannot pass is not what failed. */
static void test_hopeless(void)
{
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	for (unsigned i = 0; i < 2; i++) {
		struct org *org = &scene.settings->orgs[i];
		sentence_set(scene.settings, &org->reject_unless, "org and from and dkim and (cert or auth or ip)");
		org->auth.users = STRINGS(scene.settings, SET_EXACT);
		org->ip.networks = networks(scene.settings, NULL);
	}
	change(&scene, CERTIFICATE);
	run(&scene);
	ok(scene.examination.judgement.why.count == 3 && scene.examination.drift.kind == DRIFT_CERT,
	   "of three that are false two can never pass");
	clear(&scene);
}

/* A refusal that must not wait is given at once, and nothing is known. */
static void test_refused_patience(void)
{
	for (unsigned grants = 0; grants < 2; grants++) {
		struct scene scene;
		scene_init(&scene, MODE_ENFORCE);
		scene.grants = grants;
		change(&scene, CERTIFICATE);
		run(&scene);
		ok(scene.asked == 1, "it is asked once");
		ok(scene.examination.judgement.verdict == VERDICT_REJECT
		       && scene.examination.judgement.reason == REASON_CERT_NAME,
		   "refused");
		ok(scene.examination.facts.stage == (grants ? STAGE_END : STAGE_RCPT), "at %s",
		   stage_name(scene.examination.facts.stage));
		ok(scene.examination.drift.kind == (grants ? DRIFT_CERT : DRIFT_NONE), "%s is known",
		   grants ? "drift" : "nothing");
		ok((scene.evidence.asked != 0) == grants, "and the signature is verified if so");
		clear(&scene);
	}
}

/* The end of the header shows that it is none of ours: it waits no longer. */
static void test_waits_no_longer(void)
{
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	change(&scene, CERTIFICATE | AUTHOR);
	run(&scene);
	ok(scene.examination.facts.stage == STAGE_HEADER && scene.examination.judgement.reason == REASON_CERT_NAME
	       && scene.examination.judgement.why.count == 1 && scene.examination.judgement.org == &scene.settings->orgs[0],
	   "refused for what it was to be refused for, and the log knows whose it is");
	clear(&scene);
}

/* In trouble what had waited is given all the same. */
static void test_trouble(void)
{
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	change(&scene, ADDRESS);
	scene.environment.gather = NULL;
	settings_complete(scene.settings, unite_options);
	const struct examine_terms terms = { .patience = { grant, &scene } };
	examine_begin(&scene.examination, scene.settings, &scene.environment, span_of("1f"), &scene.input, &terms);
	ok(scene.examination.refusal_waits && scene.examination.judgement.verdict == VERDICT_UNDECIDED, "it waits");
	scene.examination.facts.internal_error = true;
	examine_recipient(&scene.examination, span_of("<joe@customer.example>"), span_of("local"));
	ok(scene.examination.judgement.verdict == VERDICT_REJECT && scene.examination.judgement.reason == REASON_IP_UNLISTED
	       && scene.examination.drift.kind == DRIFT_NONE,
	   "a doubt about ourselves changes no refusal");
	clear(&scene);
}

static bool lists_equal(const struct check_list *a, const struct check_list *b)
{
	return a->count == b->count && memcmp(a->ids, b->ids, a->count * sizeof a->ids[0]) == 0;
}

/* Whatever comes, and whatever waits: verdict, reasons and reply are the same. */
static void test_same_answer(void)
{
	static const char *const sentences[] = {
		"tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)",
		"org and from and dkim and cert and ip",
		"2 of (cert, ip, auth) and from",
		"org and (ip or dkim)",
		"cert",
		"ip and from",
		"",
	};
	unsigned compared = 0;
	unsigned waited = 0;
	unsigned wrong = 0;
	unsigned seen[DRIFT_KINDS] = { 0 };
	srandom(3);
	for (unsigned i = 0; i < 6000; i++) {
		unsigned changes = 0;
		for (unsigned j = 0; j < CHANGES; j++)
			changes |= random() % 6 == 0 ? 1U << j : 0;
		enum mode modes[2] = { (enum mode)(MODE_MONITOR + random() % 3), (enum mode)(MODE_MONITOR + random() % 3) };
		const char *reject = sentences[(size_t)random() % 7];
		const char *defer = random() % 3 ? "" : sentences[(size_t)random() % 7];
		enum early_reject early = random() % 2 ? EARLY_REJECT_MAIL : EARLY_REJECT_RCPT;
		struct scene scenes[2];
		struct reply replies[2];
		for (unsigned k = 0; k < 2; k++) {
			struct scene *scene = &scenes[k];
			scene_init(scene, MODE_ENFORCE);
			scene->grants = k;
			scene->settings->early_reject = early;
			for (unsigned j = 0; j < 2; j++) {
				scene->settings->orgs[j].mode = modes[j];
				sentence_set(scene->settings, &scene->settings->orgs[j].reject_unless, reject);
				sentence_set(scene->settings, &scene->settings->orgs[j].defer_unless, defer);
			}
			change(scene, changes);
			run(scene);
			const struct judgement *judgement = &scene->examination.judgement;
			reply_make(judgement->verdict, judgement, span_of("1f"), span_make(NULL, 0), &replies[k]);
		}
		const struct judgement *a = &scenes[0].examination.judgement;
		const struct judgement *b = &scenes[1].examination.judgement;
		bool same = a->verdict == b->verdict && a->would == b->would && a->reason == b->reason && a->mode == b->mode
		            && lists_equal(&a->why, &b->why) && strcmp(replies[0].code, replies[1].code) == 0
		            && strcmp(replies[0].enhanced, replies[1].enhanced) == 0;
		compared++;
		waited += scenes[1].examination.refusal_waits;
		seen[scenes[1].examination.drift.kind]++;
		if (!same && wrong++ < 3)
			printf("# changes %x, reject_unless: %s, defer_unless: %s: %s %s, when it waited %s %s\n", changes, reject,
			       defer, verdict_name(a->verdict), reason_code(a->reason), verdict_name(b->verdict),
			       reason_code(b->reason));
		clear(&scenes[0]);
		clear(&scenes[1]);
	}
	ok(wrong == 0 && waited > 200, "%u messages, of which %u waited, and %u had another answer for it", compared,
	   waited, wrong);
	ok(seen[DRIFT_IP] > 10 && seen[DRIFT_CERT] > 10 && seen[DRIFT_ORG] > 10, "drift of ip %u, cert %u, org %u",
	   seen[DRIFT_IP], seen[DRIFT_CERT], seen[DRIFT_ORG]);
}

int main(void)
{
	test_kinds();
	test_hopeless();
	test_refused_patience();
	test_waits_no_longer();
	test_trouble();
	test_same_answer();
	return done_testing();
}
