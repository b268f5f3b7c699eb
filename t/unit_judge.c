/* SPDX-License-Identifier: BSD-2-Clause */
/* judge and examine: from facts to a verdict, early and late, enforced and monitored. */
#include "core/edits.h"
#include "engine.h"

/* One message through the engine. */
struct run {
	struct settings *settings;
	struct session_input input;
	struct test_evidence evidence;
	struct environment environment;
	struct examination examination;
	struct examine_terms terms;
};

static void run_begin(struct run *run, enum mode a, enum mode b)
{
	memset(run, 0, sizeof *run);
	run->settings = settings_two(a, b);
	run->input = good_session();
	run->evidence = good_evidence();
}

static void run_mail(struct run *run)
{
	if (!settings_complete(run->settings, unite_options))
		printf("Bail out! settings\n");
	run->environment = test_environment(&run->evidence);
	examine_begin(&run->examination, run->settings, &run->environment, span_of("1f00"), &run->input, &run->terms);
	examine_recipient(&run->examination, span_of("<joe@customer.example>"), span_of("smtp"));
}

static void run_fields(struct run *run, const char *const *fields)
{
	run_mail(run);
	feed_fields(&run->examination, fields);
	examine_header_end(&run->examination);
}

static void run_end(struct run *run)
{
	examine_clear(&run->examination);
	settings_free(run->settings);
}

#define LK_A " 00D8d000003TRx3"
#define LK_B " 00DA0000000Hu5a"
#define FIELDS(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define GOOD_A                                                                                                         \
	"From", " Joe <joe@example.com>", "X-SFDC-LK", LK_A, "Subject", " hi", "DKIM-Signature", " v=1; d=example.com"

static enum verdict finish(struct run *run)
{
	examine_end(&run->examination);
	return run->examination.judgement.verdict;
}

static bool why_is(const struct run *run, const char *want)
{
	char got[200] = "";
	const struct check_list *why = &run->examination.judgement.why;
	for (size_t i = 0; i < why->count; i++) {
		strcat(got, i ? "," : "");
		strcat(got, check_name(why->ids[i]));
	}
	if (strcmp(got, want) != 0)
		printf("# why: got [%s] want [%s]\n", got, want);
	return strcmp(got, want) == 0;
}

static bool reason_is(const struct run *run, enum reason reason)
{
	if (run->examination.judgement.reason != reason)
		printf("# reason: got %s want %s\n", reason_code(run->examination.judgement.reason), reason_code(reason));
	return run->examination.judgement.reason == reason;
}

static void test_accept(void)
{
	struct run run;
	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run_fields(&run, FIELDS(GOOD_A));
	struct judgement *judgement = &run.examination.judgement;
	ok(judgement->verdict == VERDICT_UNDECIDED, "not decided while DKIM is out");
	ok(judgement->wanted == CHECK_BIT(CHECK_DKIM), "of all evidence only DKIM still matters");
	ok(examine_wants_body(&run.examination), "DKIM needs the body");
	ok(finish(&run) == VERDICT_ACCEPT && judgement->would == VERDICT_ACCEPT, "accepted");
	ok(judgement->mode == MODE_ENFORCE && judgement->org == &run.settings->orgs[0], "by its own org");
	ok(run.evidence.asked == CHECK_BIT(CHECK_DKIM), "nothing else was asked for");
	ok(why_is(&run, "") && judgement->warn.count == 0, "nothing to complain about");
	examine_clear(&run.examination);
	ok(run.evidence.ended == 1, "the evidence was released");
	run_end(&run);
}

static void test_wrong_org(void)
{
	const struct {
		const char *what;
		const char *const *fields;
		enum reason reason;
	} rows[] = {
		{ "O01 no X-SFDC-LK", FIELDS("From", " joe@example.com"), REASON_ORG_ABSENT },
		{ "O01 empty", FIELDS("From", " joe@example.com", "X-SFDC-LK", " "), REASON_ORG_MALFORMED },
		{ "O02 another org", FIELDS("From", " joe@example.com", "X-SFDC-LK", " 00D4600000115Jo"), REASON_ORG_UNKNOWN },
		{ "O03 one letter in another case", FIELDS("From", " joe@example.com", "X-SFDC-LK", " 00D8d000003TRX3"),
		  REASON_ORG_UNKNOWN },
		{ "O07 twice", FIELDS(GOOD_A, "X-SFDC-LK", LK_A), REASON_ORG_DUPLICATE },
		{ "O08 twice, another spelling", FIELDS(GOOD_A, "x-sfdc-lk ", LK_A), REASON_ORG_DUPLICATE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct run run;
		run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
		run_fields(&run, rows[i].fields);
		ok(run.examination.judgement.verdict == VERDICT_REJECT && why_is(&run, "org")
		       && reason_is(&run, rows[i].reason),
		   "%s: refused at the end of the header", rows[i].what);
		ok(!examine_wants_body(&run.examination), "no body is wanted");
		ok(finish(&run) == VERDICT_REJECT && run.evidence.gathers == 0, "and no evidence");
		run_end(&run);
		run_begin(&run, MODE_MONITOR, MODE_MONITOR);
		run_fields(&run, rows[i].fields);
		ok(run.examination.judgement.verdict == VERDICT_UNDECIDED, "monitor decides nothing early");
		ok(finish(&run) == VERDICT_ACCEPT && run.examination.judgement.would == VERDICT_REJECT
		       && reason_is(&run, rows[i].reason),
		   "monitor accepts and says what it would do");
		run_end(&run);
	}
}

/* A enforces, B is monitored: there is no way round A through B. */
static void test_rollout(void)
{
	const struct {
		const char *what;
		const char *const *fields;
		enum mode mode;
		enum verdict verdict;
		enum verdict would;
	} rows[] = {
		{ "B's own mail is monitored", FIELDS("From", " x@example.org", "X-SFDC-LK", LK_B, "Subject", " x"),
		  MODE_MONITOR, VERDICT_ACCEPT, VERDICT_REJECT },
		{ "naming B with A's From:", FIELDS("From", " joe@example.com", "X-SFDC-LK", LK_B), MODE_ENFORCE,
		  VERDICT_REJECT, VERDICT_REJECT },
		{ "naming B with a foreign From:", FIELDS("From", " joe@evil.test", "X-SFDC-LK", LK_B), MODE_MONITOR,
		  VERDICT_ACCEPT, VERDICT_REJECT },
		{ "naming B with two From:, A's among them",
		  FIELDS("From", " x@example.org", "From", " joe@example.com", "X-SFDC-LK", LK_B), MODE_ENFORCE, VERDICT_REJECT,
		  VERDICT_REJECT },
		{ "naming B with two mailboxes", FIELDS("From", " x@example.org, joe@example.com", "X-SFDC-LK", LK_B),
		  MODE_ENFORCE, VERDICT_REJECT, VERDICT_REJECT },
		{ "naming B without From:", FIELDS("X-SFDC-LK", LK_B), MODE_ENFORCE, VERDICT_REJECT, VERDICT_REJECT },
		{ "no X-SFDC-LK", FIELDS("From", " x@example.org"), MODE_ENFORCE, VERDICT_REJECT, VERDICT_REJECT },
		{ "two X-SFDC-LK", FIELDS("From", " x@example.org", "X-SFDC-LK", LK_B, "X-SFDC-LK", LK_B), MODE_ENFORCE,
		  VERDICT_REJECT, VERDICT_REJECT },
		{ "an unknown X-SFDC-LK", FIELDS("From", " x@example.org", "X-SFDC-LK", " 00D4600000115Jo"), MODE_ENFORCE,
		  VERDICT_REJECT, VERDICT_REJECT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct run run;
		run_begin(&run, MODE_ENFORCE, MODE_MONITOR);
		run.evidence.has_dkim = false;
		run_fields(&run, rows[i].fields);
		finish(&run);
		struct judgement *judgement = &run.examination.judgement;
		ok(judgement->mode == rows[i].mode && judgement->verdict == rows[i].verdict
		       && judgement->would == rows[i].would,
		   "%s: %s, would %s, mode %s", rows[i].what, verdict_name(judgement->verdict), verdict_name(judgement->would),
		   mode_name(judgement->mode));
		run_end(&run);
	}
}

/* The session alone, before any header. */
static void test_session(void)
{
	struct run run;

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.input.tls_version = span_make(NULL, 0);
	run_mail(&run);
	ok(run.examination.judgement.verdict == VERDICT_REJECT && why_is(&run, "tls") && reason_is(&run, REASON_TLS_ABSENT),
	   "a session that no org can accept is refused at RCPT");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.input.tls_version = span_make(NULL, 0);
	run.settings->early_reject = EARLY_REJECT_MAIL;
	settings_complete(run.settings, unite_options);
	run.environment = test_environment(&run.evidence);
	examine_begin(&run.examination, run.settings, &run.environment, span_of("1"), &run.input, NULL);
	ok(run.examination.judgement.verdict == VERDICT_REJECT, "early_reject: mail refuses it at MAIL");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_MONITOR);
	run.input.tls_version = span_make(NULL, 0);
	run_mail(&run);
	ok(run.examination.judgement.verdict == VERDICT_UNDECIDED, "not when one org is only monitored");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.input.tls_version = span_make(NULL, 0);
	sentence_set(run.settings, &run.settings->orgs[1].reject_unless, "dkim and from");
	run_mail(&run);
	ok(run.examination.judgement.verdict == VERDICT_UNDECIDED, "not when one org's sentence can still hold");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.input.tls_version = span_of("TLSv1.1");
	run.settings->orgs[1].tls.min_version = TLS_1_1;
	run_mail(&run);
	ok(run.examination.judgement.verdict == VERDICT_UNDECIDED, "not when one org's parameters allow it");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.input.tls_version = span_make(NULL, 0);
	run.settings->scope = SCOPE_SALESFORCE;
	run_mail(&run);
	ok(run.examination.judgement.verdict == VERDICT_UNDECIDED, "not before the header tells whether it is in scope");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	memset(&run.input.certificate, 0, sizeof run.input.certificate);
	address_parse(span_of("192.0.2.7"), &run.input.client);
	run_mail(&run);
	ok(run.examination.judgement.verdict == VERDICT_UNDECIDED, "not while SPF may still vouch for the address");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	memset(&run.input.certificate, 0, sizeof run.input.certificate);
	address_parse(span_of("192.0.2.7"), &run.input.client);
	run.settings->orgs[0].ip.spf = run.settings->orgs[1].ip.spf = NULL;
	run_mail(&run);
	ok(run.examination.judgement.verdict == VERDICT_REJECT && why_is(&run, "cert,auth,ip"),
	   "refused when certificate, login and address all fail");
	run_end(&run);
}

/* DNS trouble defers exactly the mail whose fate depends on it. */
static void test_open(void)
{
	struct run run;

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.evidence.late = true;
	run_fields(&run, FIELDS(GOOD_A));
	ok(finish(&run) == VERDICT_TEMPFAIL && why_is(&run, "dkim") && reason_is(&run, REASON_DNS_TIMEOUT),
	   "what depends on DNS is deferred");
	ok(run.examination.judgement.results[CHECK_DKIM].code == RESULT_TEMPERROR, "what was pending became a temperror");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.evidence.late = true;
	run_fields(&run, FIELDS("From", " joe@evil.test", "X-SFDC-LK", LK_A));
	ok(run.examination.judgement.verdict == VERDICT_REJECT && why_is(&run, "from,dkim"),
	   "what is refused anyway is refused");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.evidence.late = true;
	sentence_set(run.settings, &run.settings->orgs[0].reject_unless, "from and (dkim or cert)");
	run_fields(&run, FIELDS(GOOD_A));
	ok(!examine_wants_body(&run.examination), "what holds already needs no body");
	ok(finish(&run) == VERDICT_ACCEPT && run.evidence.gathers == 0, "and no DNS");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.evidence.dmarc = result_make(RESULT_FAIL, REASON_DMARC_FAIL, span_make(NULL, 0));
	run.evidence.spf = result_make(RESULT_FAIL, REASON_SPF_FAIL, span_make(NULL, 0));
	sentence_set(run.settings, &run.settings->orgs[0].quarantine_unless, "dmarc");
	sentence_set(run.settings, &run.settings->orgs[0].warn_unless, "spf");
	run_fields(&run, FIELDS(GOOD_A));
	ok(finish(&run) == VERDICT_QUARANTINE && why_is(&run, "dmarc"), "quarantine_unless");
	ok(run.examination.judgement.warn.count == 1 && run.examination.judgement.warn.ids[0] == CHECK_SPF, "warn_unless");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.evidence.dmarc = result_make(RESULT_TEMPERROR, REASON_DMARC_TEMPERROR, span_make(NULL, 0));
	sentence_set(run.settings, &run.settings->orgs[0].quarantine_unless, "dmarc");
	run_fields(&run, FIELDS(GOOD_A));
	ok(finish(&run) == VERDICT_TEMPFAIL && reason_is(&run, REASON_DMARC_TEMPERROR), "an open quarantine_unless defers");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.evidence.spf = result_make(RESULT_TEMPERROR, REASON_SPF_TEMPERROR, span_make(NULL, 0));
	sentence_set(run.settings, &run.settings->orgs[0].warn_unless, "spf");
	run_fields(&run, FIELDS(GOOD_A));
	ok(finish(&run) == VERDICT_ACCEPT && run.examination.judgement.warn.count == 1, "an open warn_unless only warns");
	run_end(&run);
}

static void test_undecided(void)
{
	static const enum verdict choices[] = { VERDICT_TEMPFAIL, VERDICT_REJECT, VERDICT_QUARANTINE, VERDICT_ACCEPT };
	for (size_t i = 0; i < 4; i++) {
		struct run run;
		run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
		run.evidence.late = true;
		run.settings->undecided = choices[i];
		run_fields(&run, FIELDS(GOOD_A));
		ok(finish(&run) == choices[i], "undecided: %s", verdict_name(choices[i]));
		run_end(&run);
	}
}

static void test_monitor(void)
{
	struct run run;

	run_begin(&run, MODE_MONITOR, MODE_MONITOR);
	run.input.tls_version = span_make(NULL, 0);
	run_fields(&run, FIELDS(GOOD_A));
	ok(run.examination.judgement.verdict == VERDICT_UNDECIDED, "monitor never decides early");
	ok(finish(&run) == VERDICT_ACCEPT && run.examination.judgement.would == VERDICT_REJECT && why_is(&run, "tls"),
	   "monitor accepts and says why it would not");
	ok(run.evidence.asked & CHECK_BIT(CHECK_DMARC) && run.evidence.asked & CHECK_BIT(CHECK_SPF),
	   "all evidence is gathered");
	run_end(&run);

	run_begin(&run, MODE_MONITOR, MODE_MONITOR);
	sentence_set(run.settings, &run.settings->monitor_floor, "auth");
	run_fields(&run, FIELDS(GOOD_A));
	ok(finish(&run) == VERDICT_REJECT && run.examination.judgement.would == VERDICT_ACCEPT && why_is(&run, "auth")
	       && run.examination.judgement.mode == MODE_MONITOR,
	   "monitor_floor is enforced even then");
	run_end(&run);

	run_begin(&run, MODE_MONITOR, MODE_MONITOR);
	sentence_set(run.settings, &run.settings->monitor_floor, "ip");
	run_fields(&run, FIELDS("From", " joe@evil.test"));
	ok(finish(&run) == VERDICT_ACCEPT && run.examination.judgement.would == VERDICT_REJECT,
	   "a floor that holds refuses nothing");
	run_end(&run);

	run_begin(&run, MODE_MONITOR, MODE_MONITOR);
	sentence_set(run.settings, &run.settings->monitor_floor, "dkim");
	run.evidence.late = true;
	run_fields(&run, FIELDS(GOOD_A));
	ok(finish(&run) == VERDICT_TEMPFAIL && why_is(&run, "dkim"), "an open floor defers");
	run_end(&run);
}

static void test_required_no(void)
{
	struct run run;
	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.settings->orgs[0].cert.required = run.settings->orgs[1].cert.required = false;
	memset(&run.input.certificate, 0, sizeof run.input.certificate);
	address_parse(span_of("192.0.2.7"), &run.input.client);
	run.evidence.ip_spf = result_make(RESULT_FAIL, REASON_IP_UNLISTED, span_make(NULL, 0));
	run_fields(&run, FIELDS(GOOD_A));
	ok(run.examination.judgement.results[CHECK_CERT].code == RESULT_SKIP, "no certificate is skipped");
	ok(finish(&run) == VERDICT_REJECT && why_is(&run, "auth,ip"), "cert: {required: no} opens nothing");
	run_end(&run);
}

static void test_trouble(void)
{
	struct run run;

	run_begin(&run, MODE_ENFORCE, MODE_MONITOR);
	run_mail(&run);
	examine_end(&run.examination);
	ok(run.examination.judgement.verdict == VERDICT_TEMPFAIL && reason_is(&run, REASON_INTERNAL),
	   "P03 end before the header");
	ok(run.examination.judgement.mode == MODE_ENFORCE && why_is(&run, ""),
	   "in the mode of whom it might be for, by no check");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_MONITOR);
	run_mail(&run);
	examine_body(&run.examination, span_of("x"));
	examine_header_end(&run.examination);
	ok(finish(&run) == VERDICT_TEMPFAIL, "P03 body before the header");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_MONITOR);
	run_fields(&run, FIELDS(GOOD_A));
	examine_field(&run.examination, span_of("X-SFDC-LK"), span_of(LK_B), true);
	ok(finish(&run) == VERDICT_TEMPFAIL, "P03 a field after the header");
	run_end(&run);

	run_begin(&run, MODE_MONITOR, MODE_MONITOR);
	run_mail(&run);
	feed_fields(&run.examination, FIELDS("Authentication-Results", " other.test; none", "X-SFDC-Relay", " forged"));
	examine_end(&run.examination);
	ok(run.examination.judgement.verdict == VERDICT_ACCEPT && run.examination.judgement.would == VERDICT_TEMPFAIL,
	   "in monitor mode trouble accepts with would=tempfail");
	ok(run.examination.judgement.mode == MODE_MONITOR, "and says that it is monitor mode");
	struct edits edits;
	ok(edits_plan(&run.examination, &edits) && edits.removal_count == 2 && edits.insertion_count == 0,
	   "whatever might be forged is removed, nothing is added");
	run_end(&run);

	run_begin(&run, MODE_MONITOR, MODE_MONITOR);
	sentence_set(run.settings, &run.settings->monitor_floor, "tls");
	run_mail(&run);
	examine_end(&run.examination);
	ok(run.examination.judgement.verdict == VERDICT_TEMPFAIL, "but not past a floor");
	run_end(&run);

	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run_mail(&run);
	run.examination.arena.limit = run.examination.arena.used;
	feed_fields(&run.examination, FIELDS(GOOD_A));
	examine_header_end(&run.examination);
	ok(finish(&run) == VERDICT_TEMPFAIL && reason_is(&run, REASON_INTERNAL), "out of memory defers");
	run_end(&run);
}

static void test_exempt(void)
{
	struct run run;
	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.settings->exempt_clients = networks(run.settings, "13.110.74.200/32");
	run_fields(&run, FIELDS("From", " evil@evil.test"));
	ok(run.examination.judgement.verdict == VERDICT_EXEMPT && reason_is(&run, REASON_EXEMPT),
	   "an exempt client is not judged");
	ok(!examine_wants_body(&run.examination) && finish(&run) == VERDICT_EXEMPT, "and stays so");
	run_end(&run);
}

/* Which mail scope: salesforce looks at. Each row changes one thing about mail that has no trait at all. */
/* R11: what is wrong inside is never a reason to refuse for good, however many fields would have to be removed. */
static void test_removals_in_trouble(void)
{
	for (unsigned exempt = 0; exempt < 2; exempt++)
		for (unsigned internal_error = 0; internal_error < 2; internal_error++) {
			struct run run;
			run_begin(&run, MODE_ENFORCE, MODE_MONITOR);
			run.settings->exempt_clients = networks(run.settings, exempt ? "13.110.74.200/32" : NULL);
			run_mail(&run);
			for (unsigned i = 0; i <= REMOVALS_MAX; i++)
				feed_fields(&run.examination, FIELDS("X-SFDC-Relay", " x"));
			feed_fields(&run.examination, FIELDS(GOOD_A));
			if (internal_error)
				run.examination.facts.internal_error = true;
			examine_header_end(&run.examination);
			ok(finish(&run) == (internal_error ? VERDICT_TEMPFAIL : VERDICT_REJECT)
			       && reason_is(&run, internal_error ? REASON_INTERNAL : REASON_MESSAGE_LIMIT),
			   "R11 %s, %s", exempt ? "exempt" : "judged", internal_error ? "in trouble: deferred" : "refused");
			run_end(&run);
		}
}

static void test_scope(void)
{
	const struct {
		const char *what;
		const char *helo, *mail_from, *client, *client_name, *cert, *user, *mailer;
		const char *const *fields;
		enum verdict verdict;
		enum reason reason;
	} rows[] = {
		{ "no trait", "mx.test", "<a@b.test>", "192.0.2.1", "mx.test", "", "", "smtp", FIELDS("From", " a@b.test"),
		  VERDICT_SKIP, REASON_NO_TRAIT },
		{ "X-SFDC-LK", "mx.test", "<a@b.test>", "192.0.2.1", "mx.test", "", "", "smtp",
		  FIELDS("From", " a@b.test", "X-SFDC-LK", " x"), VERDICT_REJECT, REASON_ORG_MALFORMED },
		{ "envelope", "mx.test", "<a@x.bnc.salesforce.com>", "192.0.2.1", "mx.test", "", "", "smtp",
		  FIELDS("From", " a@b.test"), VERDICT_REJECT, REASON_ORG_ABSENT },
		{ "envelope look-alike", "mx.test", "<a@notsalesforce.com>", "192.0.2.1", "mx.test", "", "", "smtp",
		  FIELDS("From", " a@b.test"), VERDICT_SKIP, REASON_NO_TRAIT },
		{ "HELO", "a.salesforce.com", "<a@b.test>", "192.0.2.1", "mx.test", "", "", "smtp", FIELDS("From", " a@b.test"),
		  VERDICT_REJECT, REASON_ORG_ABSENT },
		{ "client name", "mx.test", "<a@b.test>", "192.0.2.1", "A.Salesforce.com", "", "", "smtp",
		  FIELDS("From", " a@b.test"), VERDICT_REJECT, REASON_ORG_ABSENT },
		{ "client address", "mx.test", "<a@b.test>", "13.110.1.1", "mx.test", "", "", "smtp",
		  FIELDS("From", " a@b.test"), VERDICT_REJECT, REASON_ORG_ABSENT },
		{ "certificate", "mx.test", "<a@b.test>", "192.0.2.1", "mx.test", "a.mta.salesforce.com", "", "smtp",
		  FIELDS("From", " a@b.test"), VERDICT_REJECT, REASON_ORG_ABSENT },
		{ "login", "mx.test", "<a@b.test>", "192.0.2.1", "mx.test", "", "sfuser@relay.test", "smtp",
		  FIELDS("From", " a@b.test"), VERDICT_REJECT, REASON_ORG_ABSENT },
		{ "another company's Salesforce, to the Internet", "a.salesforce.com", "<a@b.test>", "192.0.2.1", "mx.test", "",
		  "", "smtp", FIELDS("From", " a@b.test", "X-SFDC-LK", " 00D4600000115Jo"), VERDICT_REJECT,
		  REASON_ORG_UNKNOWN },
		{ "another company's Salesforce, to us", "a.salesforce.com", "<a@b.test>", "192.0.2.1", "mx.test", "", "",
		  "local", FIELDS("From", " a@b.test", "X-SFDC-LK", " 00D4600000115Jo"), VERDICT_SKIP, REASON_FOREIGN_ORG },
		{ "the same with our From:", "a.salesforce.com", "<a@b.test>", "192.0.2.1", "mx.test", "", "", "local",
		  FIELDS("From", " a@example.com", "X-SFDC-LK", " 00D4600000115Jo"), VERDICT_REJECT, REASON_ORG_UNKNOWN },
		{ "the same with two From:", "a.salesforce.com", "<a@b.test>", "192.0.2.1", "mx.test", "", "", "local",
		  FIELDS("From", " a@b.test", "From", " a@b.test", "X-SFDC-LK", " 00D4600000115Jo"), VERDICT_REJECT,
		  REASON_ORG_UNKNOWN },
		{ "a mailer that is not told", "a.salesforce.com", "<a@b.test>", "192.0.2.1", "mx.test", "", "", NULL,
		  FIELDS("From", " a@b.test", "X-SFDC-LK", " 00D4600000115Jo"), VERDICT_REJECT, REASON_ORG_UNKNOWN },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct run run;
		run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
		run.settings->scope = SCOPE_SALESFORCE;
		run.input.helo = span_of(rows[i].helo);
		run.input.mail_from = span_of(rows[i].mail_from);
		run.input.client_name = span_of(rows[i].client_name);
		address_parse(span_of(rows[i].client), &run.input.client);
		memset(&run.input.certificate, 0, sizeof run.input.certificate);
		if (rows[i].cert[0]) {
			run.input.certificate.cert_subject = span_of(rows[i].cert);
			run.input.certificate.cert_issuer = span_of("CA");
		}
		run.input.auth_authen = span_of(rows[i].user);
		settings_complete(run.settings, unite_options);
		run.environment = test_environment(&run.evidence);
		examine_begin(&run.examination, run.settings, &run.environment, span_of("1"), &run.input, NULL);
		examine_recipient(&run.examination, span_of("<joe@customer.example>"), span_of(rows[i].mailer));
		feed_fields(&run.examination, rows[i].fields);
		examine_header_end(&run.examination);
		ok(finish(&run) == rows[i].verdict && reason_is(&run, rows[i].reason), "scope: %s", rows[i].what);
		run_end(&run);
	}
}

/* With everything gathered the verdict is the same, and every result is known. */
static void test_gather_all(void)
{
	struct run run;
	run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
	run.terms.gather_all = true;
	run_fields(&run, FIELDS("From", " joe@evil.test", "X-SFDC-LK", LK_A, "DKIM-Signature", " x"));
	ok(run.examination.judgement.verdict == VERDICT_UNDECIDED && examine_wants_body(&run.examination), "held back");
	ok(finish(&run) == VERDICT_REJECT && why_is(&run, "from"), "the verdict is the same");
	bool known = true;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		known = known && run.examination.judgement.results[i].code != RESULT_PENDING;
	ok(known, "every result is known");
	run_end(&run);
}

static unsigned long long random_state = 2463534242ULL;

static unsigned roll(unsigned below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state % below);
}

static void random_org(struct settings *settings, struct org *org)
{
	static const char *const sentences[] = { "tls and dkim",         "cert or auth",         "2 of (tls, cert, auth)",
		                                     "ip and auth",          "tls and (cert or ip)", "cert and from",
		                                     "auth and tls and from" };
	static const char *const blocks[] = { "13.110.74.0/24", "192.0.2.0/24", NULL };
	sentence_set(settings, &org->reject_unless, sentences[roll(7)]);
	org->tls.min_version = roll(2) ? TLS_1_2 : TLS_1_3;
	org->tls.min_cipher_bits = roll(2) ? 128 : 256;
	org->cert.required = roll(2);
	org->auth.required = roll(2);
	org->cert.match_client_name = roll(2);
	org->cert.issuers = roll(2) ? STRINGS(settings, SET_EXACT, "Other CA") : NULL;
	org->auth.users = roll(2) ? STRINGS(settings, SET_EXACT, "a@x") : STRINGS(settings, SET_EXACT, "b@x");
	org->auth.mechanisms = roll(2) ? STRINGS(settings, SET_NOCASE, "PLAIN") : NULL;
	org->ip.networks = networks(settings, blocks[roll(3)]);
	if (roll(2))
		org->ip.spf = NULL;
}

static void random_session(struct session_input *input)
{
	static const char *const versions[] = { "TLSv1.3", "TLSv1.2", "TLSv1.1", NULL };
	input->tls_version = span_of(versions[roll(4)]);
	input->cipher_bits = span_of(roll(2) ? "256" : "128");
	if (roll(2))
		memset(&input->certificate, 0, sizeof input->certificate);
	else if (roll(2))
		input->certificate.cert_issuer = span_of("Other CA");
	input->client_name = span_of(roll(2) ? "smtp07-ia4-sp3.mta.salesforce.com" : "unknown");
	input->auth_type = span_of(roll(2) ? "PLAIN" : NULL);
	input->auth_authen = span_of(input->auth_type.at ? (roll(2) ? "a@x" : "c@x") : NULL);
	address_parse(span_of(roll(2) ? "13.110.74.200" : "198.51.100.1"), &input->client);
}

/* Whether some org could still take mail of this session, each judged by its own parameters. */
static bool some_org_might(const struct run *run)
{
	for (size_t i = 0; i < run->settings->org_count; i++) {
		const struct org *org = &run->settings->orgs[i];
		struct bounds bounds[CHECK_COUNT];
		for (unsigned j = 0; j < CHECK_COUNT; j++) {
			const struct check *row = check_at((enum check_id)j);
			bounds[j] =
				bounds_of(row->known_at <= STAGE_RCPT ? row->judge(&run->examination.facts, org).code : RESULT_PENDING);
		}
		if (bounds_possible(sentence_evaluate(&org->reject_unless, bounds)))
			return true;
	}
	return false;
}

/* A refusal before the header is never wrong, whatever the organizations ask and the session brings. */
/* What comes first is what may make all else needless, whichever way it turns out. */
static void test_first(void)
{
	static const struct {
		const char *sentence;
		const char *quarantine;
		check_bits first;
		check_bits wanted;
	} rows[] = {
		{ "org and dkim and (cert or auth or ip)", "", 0, CHECK_BIT(CHECK_DKIM) },
		{ "org and dkim and (auth or ip)", "", CHECK_BIT(CHECK_IP), CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_IP) },
		{ "org and (dkim or ip)", "", CHECK_BIT(CHECK_IP), CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_IP) },
		{ "org and (dkim or ip)", "dmarc", 0, CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_DMARC) },
		{ "org and 2 of (dkim, ip, spf)", "", 0, CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_SPF) },
		{ "org and 2 of (dkim, ip)", "dmarc", CHECK_BIT(CHECK_IP),
		  CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_DMARC) },
		{ "org and ip", "", CHECK_BIT(CHECK_IP), CHECK_BIT(CHECK_IP) },
		{ "org and dkim", "", 0, CHECK_BIT(CHECK_DKIM) },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int monitor = 0; monitor < 2; monitor++) {
			struct run run;
			run_begin(&run, monitor ? MODE_MONITOR : MODE_ENFORCE, monitor ? MODE_MONITOR : MODE_ENFORCE);
			run.settings->orgs[0].ip.spf = STRINGS(run.settings, SET_NOCASE, "_spf.salesforce.com");
			run.settings->orgs[0].ip.networks = NULL;
			sentence_set(run.settings, &run.settings->orgs[0].reject_unless, rows[i].sentence);
			sentence_set(run.settings, &run.settings->orgs[0].quarantine_unless, rows[i].quarantine);
			run_fields(&run, FIELDS(GOOD_A));
			const struct judgement *judgement = &run.examination.judgement;
			ok(judgement->first == (monitor ? 0 : rows[i].first) && (monitor || judgement->wanted == rows[i].wanted),
			   "%s; %s: %x of %x first%s", rows[i].sentence, rows[i].quarantine, judgement->first, judgement->wanted,
			   monitor ? ", never in monitor" : "");
			run_end(&run);
		}
	}
}

static void test_union(void)
{
	unsigned wrong = 0;
	unsigned early = 0;
	for (unsigned i = 0; i < 3000; i++) {
		struct run run;
		run_begin(&run, MODE_ENFORCE, MODE_ENFORCE);
		random_org(run.settings, &run.settings->orgs[0]);
		random_org(run.settings, &run.settings->orgs[1]);
		random_session(&run.input);
		run_mail(&run);
		bool refused = run.examination.judgement.verdict == VERDICT_REJECT;
		early += refused;
		wrong += refused && some_org_might(&run);
		run_end(&run);
	}
	ok(wrong == 0, "no session is refused that some organization might have taken");
	ok(early > 300, "and %u of 3000 sessions were refused early", early);
}

static void test_zeroed(void)
{
	struct judgement judgement = { 0 };
	struct result result = { 0 };
	ok(result.code == RESULT_PENDING && judgement.verdict == VERDICT_UNDECIDED,
	   "zeroed memory is pending, never accepted");
	ok(bounds_of(result.code).least == TRUTH_FALSE, "and does not hold");
}

int main(void)
{
	test_zeroed();
	test_accept();
	test_wrong_org();
	test_rollout();
	test_session();
	test_open();
	test_undecided();
	test_monitor();
	test_required_no();
	test_trouble();
	test_exempt();
	test_removals_in_trouble();
	test_scope();
	test_gather_all();
	test_first();
	test_union();
	return done_testing();
}
