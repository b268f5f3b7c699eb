/* SPDX-License-Identifier: BSD-2-Clause */
/* examine: the steps of a message in every wrong order, the ports that fail, and what each step tells the adapters. */
#include "engine.h"

#define FIELDS(...)                                                                                                    \
	(const char *const[])                                                                                              \
	{                                                                                                                  \
		__VA_ARGS__, NULL                                                                                              \
	}

struct scene {
	struct settings *settings;
	struct test_evidence evidence;
	struct environment environment;
	struct examination examination;
	struct examine_terms terms;
};

static void scene_init(struct scene *scene, enum mode mode)
{
	memset(scene, 0, sizeof *scene);
	scene->settings = settings_two(mode, mode);
	settings_complete(scene->settings, unite_options);
	scene->evidence = good_evidence();
	scene->environment = test_environment(&scene->evidence);
}

static void scene_clear(struct scene *scene)
{
	examine_clear(&scene->examination);
	examine_clear(&scene->examination);
	settings_free(scene->settings);
}

/*
 * One step by its letter: m MAIL, r recipient, f the good fields, h end of header, b a piece of the body, s the body's
 * end is not seen, e end of message.
 */
static void step(struct scene *scene, char letter)
{
	struct examination *examination = &scene->examination;
	struct session_input input = good_session();
	switch (letter) {
	case 'm':
		examine_begin(examination, scene->settings, &scene->environment, span_of("1f"), &input, &scene->terms);
		break;
	case 'r':
		examine_recipient(examination, span_of("<joe@customer.example>"), span_of("local"));
		break;
	case 'f':
		feed_fields(examination, FIELDS("From", " joe@example.com", "X-SFDC-LK", " " ORG_A, "DKIM-Signature", " v=1"));
		break;
	case 'h':
		examine_header_end(examination);
		break;
	case 'b':
		examine_body(examination, span_of("line\r\n"));
		break;
	case 's':
		examine_body_skipped(examination);
		break;
	case 'e':
		examine_end(examination);
		break;
	default:
		break;
	}
}

static void run(struct scene *scene, const char *steps)
{
	for (; *steps; steps++)
		step(scene, *steps);
}

static void test_order(void)
{
	static const struct {
		const char *steps;
		enum verdict verdict;
	} rows[] = {
		{ "mrfhbe", VERDICT_ACCEPT },   { "mrrfhbbbe", VERDICT_ACCEPT }, { "mfhe", VERDICT_ACCEPT },
		{ "mrfhse", VERDICT_ACCEPT },   { "me", VERDICT_TEMPFAIL },      { "mre", VERDICT_TEMPFAIL },
		{ "mrfe", VERDICT_TEMPFAIL },   { "mrbfhe", VERDICT_TEMPFAIL },  { "mrfhhe", VERDICT_TEMPFAIL },
		{ "mrfhfe", VERDICT_TEMPFAIL }, { "mrfhre", VERDICT_TEMPFAIL },  { "mrfhbre", VERDICT_TEMPFAIL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scene scene;
		scene_init(&scene, MODE_ENFORCE);
		run(&scene, rows[i].steps);
		ok(scene.examination.judgement.verdict == rows[i].verdict, "%s: %s", rows[i].steps,
		   verdict_name(scene.examination.judgement.verdict));
		enum verdict verdict = scene.examination.judgement.verdict;
		run(&scene, "rfhbe");
		ok(scene.examination.judgement.verdict == verdict, "and nothing changes it any more");
		scene_clear(&scene);
	}
}

static struct evidence *refuse_to_begin(void *context, const struct settings *settings, struct facts *facts,
                                        struct waker waker)
{
	(void)context, (void)settings, (void)facts, (void)waker;
	return NULL;
}

static unsigned header_ends;

static void count_header_end(struct evidence *opaque)
{
	(void)opaque;
	header_ends++;
}

static void test_no_evidence(void)
{
	static const struct {
		enum mode mode;
		enum verdict verdict;
	} rows[] = { { MODE_ENFORCE, VERDICT_TEMPFAIL }, { MODE_MONITOR, VERDICT_ACCEPT } };
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		scene_init(&scene, rows[i].mode);
		scene.environment.begin = refuse_to_begin;
		scene.environment.header_end = count_header_end;
		header_ends = 0;
		run(&scene, "mrfhbe");
		const struct judgement *judgement = &scene.examination.judgement;
		ok(judgement->verdict == rows[i].verdict && judgement->would == VERDICT_TEMPFAIL
		       && judgement->reason == REASON_INTERNAL,
		   "%s, no adapter to be had: %s", mode_name(rows[i].mode), verdict_name(judgement->verdict));
		scene_clear(&scene);
		ok(scene.evidence.ended == 0 && header_ends == 0, "what did not begin is asked nothing and not ended");
	}
}

/* now_ms() goes on by ten seconds at each look. */
static long long leap(void *context)
{
	struct test_evidence *evidence = context;
	return 1000 + 10000LL * evidence->gathers;
}

static enum gathering gather_nothing(struct evidence *opaque, const struct wants *wants)
{
	check_bits wanted = wants->checks;
	struct test_evidence *evidence = (struct test_evidence *)opaque;
	evidence->asked |= wanted;
	evidence->gathers++;
	return GATHERING_CAME;
}

static void test_deadline(void)
{
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	scene.environment.now_ms = leap;
	scene.environment.gather = gather_nothing;
	run(&scene, "mrfhbe");
	const struct judgement *judgement = &scene.examination.judgement;
	ok(judgement->verdict == VERDICT_TEMPFAIL && judgement->reason == REASON_DNS_TIMEOUT,
	   "when the time is up it is deferred");
	ok(scene.evidence.gathers == 2 && scene.evidence.asked == CHECK_BIT(CHECK_DKIM), "and was asked for until then");
	ok(scene.examination.deadline_ms == 1000 + 20000 && scene.examination.ended_ms == 1000 + 20000,
	   "the verdict has its time");
	scene_clear(&scene);
	ok(scene.evidence.ended == 1, "clearing twice ends once");
}

static long long at_ms;

static long long clock_ms(void *context)
{
	(void)context;
	return at_ms;
}

static void no_wake(void *context)
{
	(void)context;
}

/* What is not there yet: the examination can be resumed as often as one likes, and ends with the answer or the time. */
static void test_waiting(void)
{
	struct scene scene;
	int whom;
	for (int answered = 0; answered < 2; answered++) {
		at_ms = 1000;
		scene_init(&scene, MODE_ENFORCE);
		scene.environment.now_ms = clock_ms;
		scene.evidence.absent = true;
		scene.terms.waker = (struct waker) { no_wake, &whom };
		run(&scene, "mrfhb");
		ok(scene.evidence.waker.wake == no_wake && scene.evidence.waker.context == &whom,
		   "the adapter knows whom to tell");
		ok(examine_resume(&scene.examination) && scene.evidence.gathers == 0,
		   "before the end there is nothing to resume");
		ok(!examine_end(&scene.examination) && scene.examination.waiting, "evidence is awaited at the end");
		ok(scene.examination.deadline_ms == 21000 && scene.examination.judgement.verdict == VERDICT_UNDECIDED,
		   "for so long");
		at_ms = 20999;
		ok(!examine_resume(&scene.examination), "and still is at the last moment");
		scene.evidence.absent = !answered;
		at_ms += !answered;
		ok(examine_resume(&scene.examination) && !scene.examination.waiting, "%s it is decided",
		   answered ? "with the answer" : "when the time is up");
		const struct judgement *judgement = &scene.examination.judgement;
		ok(answered ? judgement->verdict == VERDICT_ACCEPT
		            : judgement->verdict == VERDICT_TEMPFAIL && judgement->reason == REASON_DNS_TIMEOUT,
		   "%s", verdict_name(judgement->verdict));
		unsigned gathers = scene.evidence.gathers;
		ok(examine_resume(&scene.examination) && scene.evidence.gathers == gathers, "for good");
		scene_clear(&scene);
	}
}

static void bring_at_third(void *context, long long deadline_ms)
{
	struct test_evidence *evidence = context;
	if (evidence->gathers == 3)
		evidence->absent = false;
	at_ms += deadline_ms == 21000;
}

/* For those who can wait. */
static void test_finish(void)
{
	struct scene scene;
	at_ms = 1000;
	scene_init(&scene, MODE_ENFORCE);
	scene.environment.now_ms = clock_ms;
	scene.evidence.absent = true;
	run(&scene, "mrfhb");
	examine_finish(&scene.examination, bring_at_third, &scene.evidence);
	ok(scene.examination.judgement.verdict == VERDICT_ACCEPT && scene.evidence.gathers == 4 && at_ms == 1003,
	   "it is waited for until it is decided");
	scene_clear(&scene);
	scene_init(&scene, MODE_ENFORCE);
	run(&scene, "mrfhb");
	examine_finish(&scene.examination, NULL, NULL);
	ok(scene.examination.judgement.verdict == VERDICT_ACCEPT, "or not at all");
	scene_clear(&scene);
}

static void test_pieces(void)
{
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	scene.evidence.body_wanted = 10;
	run(&scene, "mrf");
	ok(scene.examination.arena.limit == EXAMINATION_MEMORY_MAX, "a message has so much memory and no more");
	ok(!examine_wants_body(&scene.examination), "before the header is in no body is wanted");
	run(&scene, "h");
	ok(examine_wants_body(&scene.examination), "DKIM needs it");
	run(&scene, "b");
	ok(examine_wants_body(&scene.examination), "and more of it");
	run(&scene, "b");
	ok(!examine_wants_body(&scene.examination), "until the adapter has enough");
	run(&scene, "b");
	ok(scene.evidence.body == 12 && scene.examination.facts.body_bytes == 18, "the rest is counted, but not handed on");
	run(&scene, "se");
	ok(!scene.examination.facts.body_complete, "a body whose end was not seen has no size");
	scene_clear(&scene);
}

/* An adapter that has the answer already, as from its cache. */
static void answer_at_start(struct evidence *opaque, const struct wants *wants)
{
	test_gather(opaque, wants);
}

static void test_known_early(void)
{
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	scene.environment.start = answer_at_start;
	scene.evidence.dkim = (struct result) { RESULT_FAIL, REASON_DKIM_KEY, { NULL, 0 } };
	run(&scene, "mrfh");
	ok(scene.examination.judgement.verdict == VERDICT_REJECT && scene.examination.judgement.reason == REASON_DKIM_KEY,
	   "evidence that is there at the end of the header decides before the body comes");
	ok(!examine_wants_body(&scene.examination), "which is not wanted any more");
	scene_clear(&scene);

	scene_init(&scene, MODE_ENFORCE);
	scene.environment.header_end = count_header_end;
	header_ends = 0;
	run(&scene, "mr");
	feed_fields(&scene.examination, FIELDS("From", " joe@example.net", "X-SFDC-LK", " " ORG_A));
	run(&scene, "h");
	ok(scene.examination.judgement.verdict == VERDICT_REJECT && header_ends == 0,
	   "where the header alone decides nothing is asked");
	scene_clear(&scene);
}

static unsigned starts;
static struct wants last_wants;

static void count_start(struct evidence *opaque, const struct wants *wants)
{
	(void)opaque;
	starts++;
	last_wants = *wants;
}

/* An adapter that finds the only signature to be a stranger's. */
static void find_stranger(struct evidence *opaque)
{
	struct test_evidence *evidence = (struct test_evidence *)opaque;
	evidence->signature =
		(struct signature) { .relation = RELATION_NONE, .domain = span_of("attack.example"), .timestamp = -1 };
	evidence->facts->dkim = (struct dkim_evidence) { false, 1, &evidence->signature };
}

static bool body_brings_address(struct evidence *opaque, struct span chunk)
{
	struct test_evidence *evidence = (struct test_evidence *)opaque;
	(void)chunk;
	evidence->ip_spf_fact = (struct ip_spf) { span_of("_spf.salesforce.com"), true, evidence->ip_spf, NULL };
	evidence->facts->ip_spfs = &evidence->ip_spf_fact;
	return true;
}

/* X15: what the signatures alone tell is judged before anything is asked; and what comes first is asked alone. */
static void test_order_of_asking(void)
{
	static const struct {
		enum result_code ip_spf;
		enum verdict verdict;
		unsigned starts;
	} rows[] = { { RESULT_PASS, VERDICT_UNDECIDED, 2 }, { RESULT_FAIL, VERDICT_REJECT, 1 } };
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	scene.environment.header_end = find_stranger;
	scene.environment.start = count_start;
	starts = 0;
	run(&scene, "mrfh");
	ok(scene.examination.judgement.verdict == VERDICT_REJECT
	       && scene.examination.judgement.reason == REASON_DKIM_UNALIGNED && starts == 0,
	   "a stranger's signature alone is refused without a question");
	scene_clear(&scene);
	scene_init(&scene, MODE_MONITOR);
	scene.environment.header_end = find_stranger;
	scene.environment.start = count_start;
	run(&scene, "mrfh");
	ok(starts == 1 && last_wants.others == OTHERS_ASKED && last_wants.first == 0, "in monitor all is asked for");
	scene_clear(&scene);
	for (size_t i = 0; i < 2; i++) {
		scene_init(&scene, MODE_ENFORCE);
		sentence_set(scene.settings, &scene.settings->orgs[0].reject_unless, "org and dkim and ip");
		scene.settings->orgs[0].ip.spf = STRINGS(scene.settings, SET_NOCASE, "_spf.salesforce.com");
		scene.settings->orgs[0].ip.networks = NULL;
		scene.environment.start = count_start;
		scene.environment.body = body_brings_address;
		scene.evidence.ip_spf = (struct result) { rows[i].ip_spf, REASON_NONE, { NULL, 0 } };
		starts = 0;
		run(&scene, "mrfh");
		ok(starts == 1 && last_wants.first == CHECK_BIT(CHECK_IP) && last_wants.others == OTHERS_LEFT
		       && last_wants.checks == (CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_DKIM)),
		   "what may make the key needless is asked first");
		run(&scene, "b");
		ok(scene.examination.judgement.verdict == rows[i].verdict && starts == rows[i].starts, "%s: %s",
		   result_name(rows[i].ip_spf), rows[i].starts == 2 ? "then the key is" : "then the key is not");
		scene_clear(&scene);
	}
}

/* A session that nothing can save is refused at RCPT, which is when it ends. */
static void test_early(void)
{
	struct session_input input = good_session();
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	scene.environment.now_ms = leap;
	input.tls_version = span_make(NULL, 0);
	examine_begin(&scene.examination, scene.settings, &scene.environment, span_of("1f"), &input, NULL);
	ok(scene.examination.judgement.verdict == VERDICT_UNDECIDED && scene.examination.ended_ms == 0,
	   "without TLS: held back at MAIL");
	scene.evidence.gathers = 1;
	run(&scene, "r");
	ok(scene.examination.judgement.verdict == VERDICT_REJECT && scene.examination.ended_ms == 1000 + 10000,
	   "refused at RCPT");
	scene_clear(&scene);
}

/* What went wrong outside defers in every mode, before the end and after the verdict; and then nothing else is said. */
static void test_defer(void)
{
	static const enum mode modes[] = { MODE_MONITOR, MODE_ENFORCE };
	static const char *const steps[] = { "m", "mrf", "mrfhb", "mrfhbe" };
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 4; j++) {
			struct scene scene;
			scene_init(&scene, modes[i]);
			run(&scene, steps[j]);
			const struct judgement *judgement = &scene.examination.judgement;
			ok(judgement->verdict != VERDICT_TEMPFAIL, "not deferred by itself after %s", steps[j]);
			examine_defer(&scene.examination);
			ok(judgement->verdict == VERDICT_TEMPFAIL && judgement->would == VERDICT_TEMPFAIL
			       && judgement->reason == REASON_INTERNAL && judgement->why.count == 0 && judgement->warn.count == 0
			       && judgement->wanted == 0,
			   "deferred, and for that");
			ok(examine_resume(&scene.examination) && !examine_wants_body(&scene.examination)
			       && judgement->verdict == VERDICT_TEMPFAIL && scene.examination.ended_ms != 0,
			   "nothing is awaited any more");
			scene_clear(&scene);
		}
}

/* The identifier is cut to what there is room for; the queue ID comes when it comes. */
static void test_identifiers(void)
{
	struct session_input input = good_session();
	struct scene scene;
	scene_init(&scene, MODE_ENFORCE);
	examine_begin(&scene.examination, scene.settings, &scene.environment, span_of("0123456789abcdefg"), &input, NULL);
	is_text(scene.examination.sid, "0123456789abcdef", "sixteen characters");
	examine_queue_id(&scene.examination, span_of("4Xy"));
	is_span(scene.examination.facts.queue_id, span_of("4Xy"), "the queue ID");
	scene_clear(&scene);
	scene_init(&scene, MODE_ENFORCE);
	examine_begin(&scene.examination, scene.settings, &scene.environment, span_make(NULL, 0), &input, NULL);
	is_text(scene.examination.sid, "", "none");
	scene_clear(&scene);
}

/* Organizations with that many different sentences, all of which ask for TLS. */
static struct settings *settings_many(size_t count)
{
	static const char *const names[] = { "org", "from", "envelope", "dkim", "auth", "ip", "spf" };
	struct settings *settings = settings_new();
	settings->orgs = arena_array(&settings->arena, count, sizeof *settings->orgs);
	settings->org_count = count;
	for (size_t i = 0; i < count; i++) {
		char id[32];
		char text[128] = "tls and (";
		snprintf(id, sizeof id, "00D%012zu", i);
		for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
			if ((i + 1) >> j & 1) {
				strcat(text, text[9] ? " or " : "");
				strcat(text, names[j]);
			}
		strcat(text, ")");
		org_defaults(settings, &settings->orgs[i], id, MODE_ENFORCE, "example.com");
		sentence_set(settings, &settings->orgs[i].reject_unless, text);
	}
	settings_complete(settings, unite_options);
	return settings;
}

/* A refusal before the header is in has its price, which is bounded; beyond that it comes later, but it comes. */
static void test_many_sentences(void)
{
	for (size_t count = 64; count <= 65; count++) {
		struct session_input input = good_session();
		struct scene scene;
		scene_init(&scene, MODE_ENFORCE);
		settings_free(scene.settings);
		scene.settings = settings_many(count);
		input.tls_version = span_make(NULL, 0);
		examine_begin(&scene.examination, scene.settings, &scene.environment, span_of("1f"), &input, NULL);
		run(&scene, "r");
		ok(scene.settings->sentence_count == count
		       && (scene.examination.judgement.verdict == VERDICT_REJECT) == (count == 64),
		   "%zu sentences: %s at RCPT", count, verdict_name(scene.examination.judgement.verdict));
		run(&scene, "h");
		ok(scene.examination.judgement.verdict == VERDICT_REJECT, "refused at the end of the header");
		scene_clear(&scene);
	}
}

static struct count *count_nothing(void *context, const struct settings *settings, const struct org *org,
                                   const struct facts *facts, struct waker waker)
{
	(void)context, (void)settings, (void)org, (void)facts, (void)waker;
	return NULL;
}

static bool never_known(struct count *count, bool late, struct facts *facts)
{
	(void)count, (void)late, (void)facts;
	return false;
}

static void scene_limited(struct scene *scene, enum result_code code)
{
	scene_init(scene, MODE_ENFORCE);
	scene->settings->orgs[0].limit.messages = (struct rate) { 10, 3600 };
	scene->evidence.limit =
		result_make(code, code == RESULT_FAIL ? REASON_LIMIT_MESSAGES : REASON_NONE, span_make(NULL, 0));
	scene->environment = test_environment(&scene->evidence);
	scene->environment.now_ms = clock_ms;
	at_ms = 1000;
}

/* What a message is counted for, how often, and for how long that is waited for. */
static void test_limit(void)
{
	struct scene scene;
	for (int late = 0; late < 2; late++) {
		scene_limited(&scene, RESULT_FAIL);
		scene.evidence.limit_late = true;
		run(&scene, "mrfhb");
		ok(scene.evidence.counts == 0, "nothing is counted before the end");
		ok(!examine_end(&scene.examination) && !examine_resume(&scene.examination) && scene.evidence.counts == 1,
		   "the answer is waited for, and asked for once");
		if (late)
			at_ms = scene.examination.deadline_ms;
		else
			scene.evidence.limit_late = false;
		ok(examine_resume(&scene.examination) && scene.evidence.counts == 1, "until it comes or the time is up");
		ok(scene.examination.judgement.verdict == VERDICT_TEMPFAIL
		       && scene.examination.judgement.reason == REASON_LIMIT_MESSAGES,
		   "and decides");
		scene_clear(&scene);
		ok(scene.evidence.counts_open == 0, "what was asked is let go, once");
	}
	scene_limited(&scene, RESULT_PASS);
	scene.evidence.limit_late = true;
	run(&scene, "mrfhb");
	examine_end(&scene.examination);
	examine_clear(&scene.examination);
	ok(scene.evidence.counts == 1 && scene.evidence.counts_open == 0, "so it is when the connection ends meanwhile");
	scene_clear(&scene);

	scene_limited(&scene, RESULT_PASS);
	scene.evidence.limiter.begin = count_nothing;
	run(&scene, "mrfhbe");
	ok(scene.examination.judgement.verdict == VERDICT_TEMPFAIL && scene.examination.judgement.reason == REASON_INTERNAL,
	   "without memory the message is deferred");
	scene_clear(&scene);

	scene_limited(&scene, RESULT_PASS);
	scene.evidence.limiter.look = never_known;
	run(&scene, "mrfhbe");
	at_ms = scene.examination.deadline_ms;
	ok(examine_resume(&scene.examination) && scene.examination.judgement.verdict == VERDICT_TEMPFAIL
	       && scene.examination.judgement.reason == REASON_INTERNAL,
	   "a counter that breaks its word lets nothing pass");
	scene_clear(&scene);

	scene_limited(&scene, RESULT_PASS);
	scene.environment.limiter = NULL;
	run(&scene, "mrfhbe");
	ok(scene.examination.judgement.verdict == VERDICT_ACCEPT && scene.evidence.counts == 0
	       && scene.examination.judgement.results[CHECK_LIMIT].reason == REASON_LIMIT_NOT_COUNTED,
	   "without a limiter nothing is counted");
	scene_clear(&scene);
}

int main(void)
{
	struct examination zeroed = { 0 };
	examine_clear(&zeroed);
	test_order();
	test_no_evidence();
	test_deadline();
	test_waiting();
	test_finish();
	test_pieces();
	test_known_early();
	test_order_of_asking();
	test_early();
	test_defer();
	test_identifiers();
	test_many_sentences();
	test_limit();
	return done_testing();
}
