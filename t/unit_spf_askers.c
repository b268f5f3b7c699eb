/* SPDX-License-Identifier: BSD-2-Clause */
/* The askers for SPF and ip.spf: what they ask, and what they write into the facts. */
#include "asker_run.h"

#define ORG_A "00D8d000003TRx3EAG"
#define ORG_UNKNOWN "00DA0000000Hu5aMAC"

static const struct span absent;

static const struct zone_row zone[] = {
	TXT("pass.example", "v=spf1 ip4:192.0.2.10 -all"),
	TXT("fail.example", "v=spf1 -all"),
	TXT("softfail.example", "v=spf1 ~all"),
	TXT("neutral.example", "v=spf1 ?all"),
	TXT("other.example", "not SPF"),
	TXT("broken.example", "v=spf1 moo"),
	TXT("tempfail.example", "!tempfail"),
	TXT("bogus.example", "!bogus"),
	TXT("busy.example", "!busy"),
	TXT("silent.example", "!pending"),
	TXT("everybody.example", "v=spf1 +all"),
	TXT("softly.example", "v=spf1 ip4:192.0.2.10 ~all"),
	TXT("neutrally.example", "v=spf1 ip4:192.0.2.10 ?all"),
	/* What differs between the client, 192.0.2.10, and the probe, 192.0.2.1. */
	TXT("macro.example", "v=spf1 exists:%{i}.macro.example -all"),
	A("192.0.2.10.macro.example", "127.0.0.2"),
	TXT("probefails.example", "v=spf1 exists:%{i}.probefails.example -all"),
	A("192.0.2.10.probefails.example", "127.0.0.2"),
	A("192.0.2.1.probefails.example", "!tempfail"),
	TXT("probebusy.example", "v=spf1 exists:%{i}.probebusy.example -all"),
	A("192.0.2.10.probebusy.example", "127.0.0.2"),
	A("192.0.2.1.probebusy.example", "!busy"),
	TXT("probesilent.example", "v=spf1 exists:%{i}.probesilent.example -all"),
	A("192.0.2.10.probesilent.example", "127.0.0.2"),
	A("192.0.2.1.probesilent.example", "!pending"),
	TXT("probevoid.example", "v=spf1 exists:%{i}.probevoid.example exists:%{i}.v.example exists:%{i}.w.example -all"),
	A("192.0.2.10.probevoid.example", "127.0.0.2"),
	/* Who chooses a name. */
	TXT("chosen.example", "v=spf1 exists:%{l}.local.example exists:%{h}.helo.example ptr -all"),
	A("joe.local.example", "!tempfail"),
	{ NULL, RECORD_A, NULL, 0 },
};

static void sender(struct run *run, const char *domain)
{
	run->facts.sender_status = MAILBOX_OK;
	run->facts.sender.local_part = span_of("joe");
	run->facts.sender.domain = span_of(domain);
}

static const struct origin *origin_of(const struct run *run, const char *name)
{
	static const struct origin none = { .purpose = PURPOSE_KEY };
	for (unsigned i = 0; i < run->asked; i++)
		if (span_equal(run->questions[i]->name, span_of(name)))
			return &run->origins[i];
	return &none;
}

/* SPF of the sender. */

static const struct {
	const char *domain;
	enum result_code code;
	enum reason reason;
	const char *rfc8601;
} senders[] = {
	{ "pass.example", RESULT_PASS, REASON_NONE, "pass" },
	{ "fail.example", RESULT_FAIL, REASON_SPF_FAIL, "fail" },
	{ "softfail.example", RESULT_FAIL, REASON_SPF_SOFTFAIL, "softfail" },
	{ "neutral.example", RESULT_FAIL, REASON_SPF_NEUTRAL, "neutral" },
	{ "other.example", RESULT_NONE, REASON_SPF_NONE, "none" },
	{ "nowhere.example", RESULT_NONE, REASON_SPF_NONE, "none" },
	{ "broken.example", RESULT_PERMERROR, REASON_SPF_PERMERROR, "permerror" },
	{ "tempfail.example", RESULT_TEMPERROR, REASON_SPF_TEMPERROR, "temperror" },
	{ "bogus.example", RESULT_TEMPERROR, REASON_SPF_TEMPERROR, "temperror" },
	{ "busy.example", RESULT_TEMPERROR, REASON_DNS_BUSY, "temperror" },
};

static void spf_results(void)
{
	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		struct run run;
		run_init(&run, zone);
		sender(&run, senders[i].domain);
		run.asker = spf_asker(&run.facts);
		begin(&run, &wants_spf);
		bool waited = is_open(&run);
		drive(&run);
		const struct outcome_evidence *spf = &run.facts.spf;
		ok(waited && spf->complete && !is_open(&run) && result_is(&spf->outcome, senders[i].code, senders[i].reason),
		   "spf: %s", senders[i].domain);
		is_text(spf->rfc8601, senders[i].rfc8601, "its keyword");
		is_span(spf->outcome.detail, span_of(senders[i].domain), "and what was judged");
		ok(run.asked == 1 && span_equal(spf->domain, span_of(senders[i].domain)) && !spf->by_helo, "by the sender");
		run_clear(&run);
	}
}

static void spf_begin(void)
{
	struct run run;
	run_init(&run, zone);
	sender(&run, "pass.example");
	run.asker = spf_asker(&run.facts);
	ok(run.asker->type->evidence == EVIDENCE_SPF, "spf: what it fetches");
	begin(&run, &wants_others);
	begin(&run, &wants_others_first);
	look(&run);
	ask(&run);
	ok(run.asked == 0 && !is_open(&run) && !run.facts.spf.complete, "spf: what is not wanted is not asked");
	begin(&run, &wants_spf);
	ask(&run);
	begin(&run, &wants_spf);
	begin(&run, &wants_others);
	ask(&run);
	ok(run.asked == 1 && is_open(&run), "spf: a question is handed out once, and what has begun goes on");
	const struct origin *origin = &run.origins[0];
	ok(origin->purpose == PURPOSE_SENDER && origin->chooser == SPF_CHOSEN_BY_RECORD
	       && span_equal(origin->domain, span_of("pass.example")),
	   "spf: where it comes from");
	drive(&run);
	run.facts.spf.outcome.detail = absent;
	look(&run);
	begin(&run, &wants_spf);
	ask(&run);
	ok(run.asked == 1 && span_absent(run.facts.spf.outcome.detail), "spf: what is complete stays as it is");
	run_clear(&run);
}

static void spf_unanswered(void)
{
	struct run run;
	run_init(&run, zone);
	sender(&run, "silent.example");
	run.asker = spf_asker(&run.facts);
	begin(&run, &wants_spf);
	drive(&run);
	look(&run);
	ok(run.asked == 1 && is_open(&run) && !run.facts.spf.complete && run.facts.spf.outcome.code == RESULT_PENDING,
	   "spf: never answered, it stays pending");
	run.facts.internal_error = true;
	struct answer late = { .status = ANSWER_NXDOMAIN };
	run.asker->type->answer(run.asker, run.questions[0], &late);
	ok(!run.facts.spf.complete, "spf: nothing is judged after an internal error");
	run_clear(&run);
}

static void spf_helo(const char *helo, enum result_code code, enum reason reason)
{
	struct run run;
	run_init(&run, zone);
	run.facts.helo = span_of(helo);
	run.facts.sender_status = MAILBOX_NULL;
	run.asker = spf_asker(&run.facts);
	begin(&run, &wants_spf);
	drive(&run);
	ok(run.facts.spf.complete && run.facts.spf.by_helo && result_is(&run.facts.spf.outcome, code, reason),
	   "spf: null sender, HELO %s", helo);
	is_span(run.facts.spf.domain, span_of(helo), "the HELO name is what was judged");
	run_clear(&run);
}

/* Without a domain, or without a client, there is nothing to ask. */
static void spf_nothing_to_ask(enum mailbox_status status, bool client, const char *what)
{
	struct run run;
	run_init(&run, zone);
	sender(&run, "pass.example");
	run.facts.sender_status = status;
	if (!client)
		run.facts.client = (struct address) { .family = ADDRESS_NONE };
	run.asker = spf_asker(&run.facts);
	begin(&run, &wants_spf);
	ask(&run);
	ok(run.asked == 0 && run.facts.spf.complete && !run.facts.spf.by_helo
	       && result_is(&run.facts.spf.outcome, RESULT_NONE, REASON_SPF_NONE),
	   "spf: %s", what);
	is_span(run.facts.spf.domain, status == MAILBOX_OK ? span_of("pass.example") : absent, "what was judged");
	run_clear(&run);
}

static void spf_choosers(void)
{
	struct run run;
	run_init(&run, zone);
	sender(&run, "chosen.example");
	run.asker = spf_asker(&run.facts);
	begin(&run, &wants_spf);
	drive(&run);
	ok(origin_of(&run, "chosen.example")->chooser == SPF_CHOSEN_BY_RECORD
	       && origin_of(&run, "joe.local.example")->chooser == SPF_CHOSEN_BY_SENDER
	       && origin_of(&run, "helo.example.helo.example")->chooser == SPF_CHOSEN_BY_SENDER
	       && origin_of(&run, "10.2.0.192.in-addr.arpa")->chooser == SPF_CHOSEN_BY_CLIENT,
	   "spf: who chose each name");
	ok(origin_of(&run, "10.2.0.192.in-addr.arpa")->purpose == PURPOSE_SENDER
	       && span_equal(origin_of(&run, "joe.local.example")->domain, span_of("chosen.example")),
	   "spf: and all of them are asked for the sender's domain");
	run_clear(&run);
}

/* The names of ip.spf. */

static void settings_make(struct settings *settings, const char *const *names, const char *const *of_org)
{
	memset(settings, 0, sizeof *settings);
	arena_init(&settings->arena, 0);
	settings->any.ip.spf = set_new(&settings->arena, SET_NOCASE);
	settings->org_ids = set_new(&settings->arena, SET_EXACT);
	settings->orgs = arena_array(&settings->arena, 1, sizeof *settings->orgs);
	settings->org_count = 1;
	orgid_parse(span_of(ORG_A), &settings->orgs[0].id);
	settings->orgs[0].ip.spf = set_new(&settings->arena, SET_NOCASE);
	set_add(settings->org_ids, orgid_short(&settings->orgs[0].id));
	for (; *names; names++)
		set_add(settings->any.ip.spf, span_of(*names));
	for (; of_org && *of_org; of_org++)
		set_add(settings->orgs[0].ip.spf, span_of(*of_org));
}

#define NAMES(...)                                                                                                     \
	(const char *const[])                                                                                              \
	{                                                                                                                  \
		__VA_ARGS__, NULL                                                                                              \
	}

static const struct {
	const char *name;
	enum result_code code;
	enum reason reason;
} listings[] = {
	{ "pass.example", RESULT_PASS, REASON_NONE },
	{ "softly.example", RESULT_PASS, REASON_NONE },
	{ "neutrally.example", RESULT_PASS, REASON_NONE },
	{ "macro.example", RESULT_PASS, REASON_NONE },
	{ "probevoid.example", RESULT_PASS, REASON_NONE },
	{ "fail.example", RESULT_FAIL, REASON_IP_UNLISTED },
	{ "softfail.example", RESULT_FAIL, REASON_IP_UNLISTED },
	{ "neutral.example", RESULT_FAIL, REASON_IP_UNLISTED },
	{ "other.example", RESULT_PERMERROR, REASON_IP_SPF_ERROR },
	{ "nowhere.example", RESULT_PERMERROR, REASON_IP_SPF_ERROR },
	{ "broken.example", RESULT_PERMERROR, REASON_IP_SPF_ERROR },
	{ "everybody.example", RESULT_PERMERROR, REASON_IP_SPF_CANARY },
	{ "tempfail.example", RESULT_TEMPERROR, REASON_DNS_ERROR },
	{ "bogus.example", RESULT_TEMPERROR, REASON_DNS_ERROR },
	{ "busy.example", RESULT_TEMPERROR, REASON_DNS_BUSY },
	{ "probefails.example", RESULT_TEMPERROR, REASON_DNS_ERROR },
	{ "probebusy.example", RESULT_TEMPERROR, REASON_DNS_BUSY },
};

static void ip_results(void)
{
	for (size_t i = 0; i < sizeof listings / sizeof *listings; i++) {
		struct settings settings;
		struct run run;
		settings_make(&settings, NAMES(listings[i].name), NULL);
		run_init(&run, zone);
		run.asker = ip_spf_asker(&settings, &run.facts);
		const struct ip_spf *ip_spf = run.facts.ip_spfs;
		begin(&run, &wants_ip);
		bool waited = is_open(&run) && !ip_spf->complete;
		drive(&run);
		ok(waited && ip_spf->complete && !is_open(&run)
		       && result_is(&ip_spf->outcome, listings[i].code, listings[i].reason),
		   "ip.spf: %s", listings[i].name);
		is_span(ip_spf->outcome.detail, span_of(listings[i].name), "and which name it was");
		ok(!ip_spf->next && span_equal(ip_spf->name, span_of(listings[i].name)), "one name, one fact");
		run_clear(&run);
		arena_clear(&settings.arena);
	}
}

/* A name that passes counts only once the probe has been answered. */
static void ip_unanswered(const char *name)
{
	struct settings settings;
	struct run run;
	settings_make(&settings, NAMES(name), NULL);
	run_init(&run, zone);
	run.asker = ip_spf_asker(&settings, &run.facts);
	begin(&run, &wants_ip);
	drive(&run);
	look(&run);
	ok(run.asked != 0 && is_open(&run) && !run.facts.ip_spfs->complete
	       && run.facts.ip_spfs->outcome.code == RESULT_PENDING,
	   "ip.spf: %s: never answered, it stays pending", name);
	run.facts.internal_error = true;
	struct answer late = { .status = ANSWER_NXDOMAIN };
	for (unsigned i = 0; i < run.asked; i++)
		run.asker->type->answer(run.asker, run.questions[i], &late);
	ok(!run.facts.ip_spfs->complete, "ip.spf: %s: nothing is judged after an internal error", name);
	run_clear(&run);
	arena_clear(&settings.arena);
}

static void ip_begin(void)
{
	struct settings settings;
	struct run run;
	settings_make(&settings, NAMES("macro.example"), NULL);
	run_init(&run, zone);
	run.asker = ip_spf_asker(&settings, &run.facts);
	ok(run.asker->type->evidence == EVIDENCE_IP_SPF, "ip.spf: what it fetches");
	begin(&run, &wants_others);
	begin(&run, &wants_others_first);
	look(&run);
	ask(&run);
	ok(run.asked == 0 && !is_open(&run) && !run.facts.ip_spfs->complete, "ip.spf: what is not wanted is not asked");
	begin(&run, &wants_ip);
	ask(&run);
	unsigned begun = run.asked;
	begin(&run, &wants_ip);
	begin(&run, &wants_others);
	ask(&run);
	ok(begun != 0 && run.asked == begun && is_open(&run), "ip.spf: what has begun goes on");
	drive(&run);
	unsigned asked = run.asked;
	begin(&run, &wants_ip);
	ask(&run);
	ok(run.asked == asked && times_asked(&run, "192.0.2.10.macro.example") == 1
	       && times_asked(&run, "192.0.2.1.macro.example") == 1,
	   "ip.spf: the client and the probe are asked for, once each");
	bool good = true;
	for (unsigned i = 0; i < run.asked; i++)
		good = good && run.origins[i].purpose == PURPOSE_IP_SPF && run.origins[i].chooser == SPF_CHOSEN_BY_RECORD
		       && span_equal(run.origins[i].domain, span_of("macro.example"));
	ok(good, "ip.spf: where the questions come from");
	run_clear(&run);
	arena_clear(&settings.arena);
}

/* Which names are asked: those of the organization, and all of them where none is known. */
static void ip_names(const char *org, bool first, bool second, const char *what)
{
	struct settings settings;
	struct run run;
	settings_make(&settings, NAMES("fail.example", "pass.example"), NAMES("PASS.example"));
	run_init(&run, zone);
	run.facts.org_header = org ? ORG_HEADER_OK : ORG_HEADER_ABSENT;
	if (org)
		orgid_parse(span_of(org), &run.facts.org_id);
	run.asker = ip_spf_asker(&settings, &run.facts);
	const struct ip_spf *fail = run.facts.ip_spfs;
	const struct ip_spf *pass = fail->next;
	begin(&run, &wants_ip);
	drive(&run);
	ok(fail->complete == first && (times_asked(&run, "fail.example") != 0) == first, "ip.spf: %s: fail.example", what);
	ok(pass->complete == second && (times_asked(&run, "pass.example") != 0) == second, "ip.spf: %s: pass.example",
	   what);
	ok(!first || result_is(&fail->outcome, RESULT_FAIL, REASON_IP_UNLISTED), "each name has a result of its own");
	ok(!second || result_is(&pass->outcome, RESULT_PASS, REASON_NONE), "and one does not touch the other");
	ok(!is_open(&run), "what was not begun is not waited for");
	run_clear(&run);
	arena_clear(&settings.arena);
}

/* One name that is out is waited for, though another one is known. */
static void ip_one_out(void)
{
	struct settings settings;
	struct run run;
	settings_make(&settings, NAMES("pass.example", "silent.example"), NULL);
	run_init(&run, zone);
	run.asker = ip_spf_asker(&settings, &run.facts);
	begin(&run, &wants_ip);
	drive(&run);
	ok(run.facts.ip_spfs->complete && !run.facts.ip_spfs->next->complete && is_open(&run),
	   "ip.spf: one name is out, the other one known");
	run_clear(&run);
	arena_clear(&settings.arena);
}

static void ip_no_client(void)
{
	struct settings settings;
	struct run run;
	settings_make(&settings, NAMES("everybody.example"), NULL);
	run_init(&run, zone);
	run.facts.client = (struct address) { .family = ADDRESS_NONE };
	run.asker = ip_spf_asker(&settings, &run.facts);
	begin(&run, &wants_ip);
	ask(&run);
	ok(run.facts.ip_spfs->complete && run.facts.ip_spfs->outcome.code == RESULT_PERMERROR && run.asked == 0,
	   "ip.spf: without a client address nothing is asked, and nobody vouches");
	run_clear(&run);
	arena_clear(&settings.arena);
}

static void ip_no_names(void)
{
	struct settings settings;
	struct run run;
	settings_make(&settings, &(const char *) { NULL }, NULL);
	run_init(&run, zone);
	run.asker = ip_spf_asker(&settings, &run.facts);
	begin(&run, &wants_ip);
	ask(&run);
	ok(run.asked == 0 && !is_open(&run) && !run.facts.ip_spfs, "ip.spf: no name, no question, no fact");
	run_clear(&run);
	arena_clear(&settings.arena);
}

static const struct result *attempt_spf(struct run *run)
{
	sender(run, "macro.example");
	run->asker = spf_asker(&run->facts);
	if (!run->asker)
		return NULL;
	begin(run, &wants_spf);
	drive(run);
	return &run->facts.spf.outcome;
}

static const struct result *attempt_ip(struct run *run)
{
	run->asker = ip_spf_asker(run->settings, &run->facts);
	if (!run->asker)
		return NULL;
	begin(run, &wants_ip);
	drive(run);
	return &run->facts.ip_spfs->outcome;
}

static void scarcities(void)
{
	struct settings settings;
	settings_make(&settings, NAMES("macro.example"), NULL);
	scarcity("spf", zone, NULL, attempt_spf);
	scarcity("ip.spf", zone, &settings, attempt_ip);
	arena_clear(&settings.arena);
}

static void spf_all(void)
{
	spf_results();
	spf_begin();
	spf_unanswered();
	spf_helo("pass.example", RESULT_PASS, REASON_NONE);
	spf_helo("fail.example", RESULT_FAIL, REASON_SPF_FAIL);
	spf_helo("[192.0.2.10]", RESULT_NONE, REASON_SPF_NONE);
	spf_nothing_to_ask(MAILBOX_MALFORMED, true, "a sender that cannot be read");
	spf_nothing_to_ask(MAILBOX_UNSET, true, "a sender that was not told");
	spf_nothing_to_ask(MAILBOX_OK, false, "no client address");
	spf_choosers();
}

static void ip_all(void)
{
	ip_results();
	ip_unanswered("silent.example");
	ip_unanswered("probesilent.example");
	ip_begin();
	ip_names(NULL, true, true, "no organization");
	ip_names(ORG_UNKNOWN, true, true, "an unknown organization");
	ip_names(ORG_A, false, true, "an organization with one of the names");
	ip_one_out();
	ip_no_client();
	ip_no_names();
}

int main(void)
{
	spf_all();
	ip_all();
	scarcities();
	return done_testing();
}
