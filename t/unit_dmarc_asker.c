/* SPDX-License-Identifier: BSD-2-Clause */
/* The asker for DMARC: what it asks, and what it makes of the identifiers that others write into the facts. */
#include "asker_run.h"
#include "core/dmarc.h"

static const struct span absent;

static const struct zone_row zone[] = {
	TXT("_dmarc.reject.example", "v=DMARC1; p=reject"),
	TXT("_dmarc.mild.example", "v=DMARC1; p=none"),
	TXT("_dmarc.lost.example", "!tempfail"),
	TXT("_dmarc.full.example", "!busy"),
	TXT("_dmarc.mute.example", "!pending"),
	{ NULL, RECORD_A, NULL, 0 },
};

/* An identifier, and what became of it; domain NULL: there is none. */
struct identifier {
	const char *domain;
	enum result_code code;
	enum reason reason;
};

static const struct dmarc_case {
	const char *what;
	const char *author;
	struct identifier signatures[2];
	struct identifier spf;
	struct {
		enum result_code code;
		enum reason reason;
		const char *rfc8601;
		const char *detail;
		const char *policy_domain;
	} want;
} dmarc_cases[] = {
	{ "an aligned signature",
	  "reject.example",
	  { { "reject.example", RESULT_PASS, REASON_NONE } },
	  { 0 },
	  { RESULT_PASS, REASON_NONE, "pass", "reject.example", "reject.example" } },
	{ "the second of two signatures",
	  "reject.example",
	  { { "stranger.test", RESULT_PASS, REASON_NONE }, { "mail.reject.example", RESULT_PASS, REASON_NONE } },
	  { 0 },
	  { RESULT_PASS, REASON_NONE, "pass", "mail.reject.example", "reject.example" } },
	{ "an aligned sender",
	  "reject.example",
	  { { 0 } },
	  { "bounce.reject.example", RESULT_PASS, REASON_NONE },
	  { RESULT_PASS, REASON_NONE, "pass", "bounce.reject.example", "reject.example" } },
	{ "aligned, and neither passes",
	  "reject.example",
	  { { "reject.example", RESULT_FAIL, REASON_DKIM_FAIL } },
	  { "reject.example", RESULT_FAIL, REASON_SPF_FAIL },
	  { RESULT_FAIL, REASON_DMARC_FAIL, "fail", "reject.example", "reject.example" } },
	{ "passing, and neither aligned",
	  "reject.example",
	  { { "stranger.test", RESULT_PASS, REASON_NONE } },
	  { "stranger.test", RESULT_PASS, REASON_NONE },
	  { RESULT_FAIL, REASON_DMARC_FAIL, "fail", "reject.example", "reject.example" } },
	{ "p=none",
	  "mild.example",
	  { { 0 } },
	  { 0 },
	  { RESULT_FAIL, REASON_DMARC_POLICY_NONE, "fail", "mild.example", "mild.example" } },
	{ "no record",
	  "nowhere.example",
	  { { "nowhere.example", RESULT_PASS, REASON_NONE } },
	  { 0 },
	  { RESULT_NONE, REASON_DMARC_NONE, "none", "nowhere.example", NULL } },
	{ "the record is not to be had",
	  "lost.example",
	  { { "lost.example", RESULT_PASS, REASON_NONE } },
	  { 0 },
	  { RESULT_TEMPERROR, REASON_DMARC_TEMPERROR, "temperror", "lost.example", NULL } },
	{ "no room for the question",
	  "full.example",
	  { { 0 } },
	  { 0 },
	  { RESULT_TEMPERROR, REASON_DNS_BUSY, "temperror", "full.example", NULL } },
	{ "an author domain that is none",
	  "[192.0.2.1]",
	  { { 0 } },
	  { 0 },
	  { RESULT_PERMERROR, REASON_DMARC_PERMERROR, "permerror", "[192.0.2.1]", NULL } },
	{ "a key that is not to be had",
	  "reject.example",
	  { { "reject.example", RESULT_TEMPERROR, REASON_DKIM_TEMPERROR } },
	  { 0 },
	  { RESULT_TEMPERROR, REASON_DMARC_TEMPERROR, "temperror", "reject.example", "reject.example" } },
	{ "no room for a key",
	  "reject.example",
	  { { "reject.example", RESULT_TEMPERROR, REASON_DNS_BUSY } },
	  { 0 },
	  { RESULT_TEMPERROR, REASON_DNS_BUSY, "temperror", "reject.example", "reject.example" } },
	{ "a doubt about our clock",
	  "reject.example",
	  { { "Mail.reject.example", RESULT_TEMPERROR, REASON_DKIM_CLOCK } },
	  { 0 },
	  { RESULT_TEMPERROR, REASON_DKIM_CLOCK, "temperror", "reject.example", "reject.example" } },
	{ "a doubt about our clock is named before others",
	  "reject.example",
	  { { "a.reject.example", RESULT_TEMPERROR, REASON_DNS_BUSY },
	    { "b.reject.example", RESULT_TEMPERROR, REASON_DKIM_CLOCK } },
	  { "reject.example", RESULT_TEMPERROR, REASON_DNS_BUSY },
	  { RESULT_TEMPERROR, REASON_DKIM_CLOCK, "temperror", "reject.example", "reject.example" } },
	{ "a stranger's key changes nothing",
	  "reject.example",
	  { { "stranger.test", RESULT_TEMPERROR, REASON_DKIM_CLOCK } },
	  { "stranger.test", RESULT_TEMPERROR, REASON_DNS_BUSY },
	  { RESULT_FAIL, REASON_DMARC_FAIL, "fail", "reject.example", "reject.example" } },
	{ "SPF that is not known",
	  "reject.example",
	  { { 0 } },
	  { "reject.example", RESULT_TEMPERROR, REASON_SPF_TEMPERROR },
	  { RESULT_TEMPERROR, REASON_DMARC_TEMPERROR, "temperror", "reject.example", "reject.example" } },
	{ "no room for SPF",
	  "reject.example",
	  { { "stranger.test", RESULT_TEMPERROR, REASON_DKIM_CLOCK } },
	  { "reject.example", RESULT_TEMPERROR, REASON_DNS_BUSY },
	  { RESULT_TEMPERROR, REASON_DNS_BUSY, "temperror", "reject.example", "reject.example" } },
	{ "a stranger's SPF does not say why",
	  "reject.example",
	  { { "reject.example", RESULT_TEMPERROR, REASON_DKIM_TEMPERROR } },
	  { "stranger.test", RESULT_TEMPERROR, REASON_DNS_BUSY },
	  { RESULT_TEMPERROR, REASON_DMARC_TEMPERROR, "temperror", "reject.example", "reject.example" } },
	{ "one that passes outweighs doubts",
	  "reject.example",
	  { { "a.reject.example", RESULT_TEMPERROR, REASON_DKIM_CLOCK }, { "reject.example", RESULT_PASS, REASON_NONE } },
	  { "reject.example", RESULT_TEMPERROR, REASON_SPF_TEMPERROR },
	  { RESULT_PASS, REASON_NONE, "pass", "reject.example", "reject.example" } },
};

static void author(struct run *run, const char *domain)
{
	run->facts.author_status = MAILBOX_OK;
	run->facts.author.domain = span_of(domain);
}

/* Signatures whose outcomes are not known yet. */
static void signatures_await(struct run *run, const struct identifier *identifiers, size_t count)
{
	run->facts.dkim.signatures = arena_array(&run->answers, count, sizeof *run->facts.dkim.signatures);
	for (size_t i = 0; i < count && identifiers[i].domain; i++)
		run->facts.dkim.signatures[run->facts.dkim.count++].domain = span_of(identifiers[i].domain);
}

static void signatures_come(struct run *run, const struct identifier *identifiers)
{
	for (size_t i = 0; i < run->facts.dkim.count; i++)
		run->facts.dkim.signatures[i].outcome = result_make(identifiers[i].code, identifiers[i].reason, absent);
	run->facts.dkim.complete = true;
}

static void spf_comes(struct run *run, const struct identifier *identifier)
{
	run->facts.spf.domain = span_of(identifier->domain);
	run->facts.spf.outcome = identifier->domain ? result_make(identifier->code, identifier->reason, absent)
	                                            : result_make(RESULT_NONE, REASON_SPF_NONE, absent);
	run->facts.spf.complete = true;
}

/* What comes when: the identifiers, and the record. */
enum order { ORDER_RECORD_LAST, ORDER_SPF_LAST, ORDER_SIGNATURES_LAST };

static void look_and_drive(struct run *run)
{
	look(run);
	drive(run);
}

static void dmarc_drive(struct run *run, const struct dmarc_case *row, enum order order)
{
	author(run, row->author);
	signatures_await(run, row->signatures, 2);
	run->asker = dmarc_asker(&run->facts);
	if (!run->asker)
		return;
	if (order != ORDER_RECORD_LAST) {
		begin(run, &wants_dmarc);
		drive(run);
	}
	if (order == ORDER_SIGNATURES_LAST) {
		spf_comes(run, &row->spf);
		look_and_drive(run);
		look_and_drive(run);
	}
	signatures_come(run, row->signatures);
	if (order == ORDER_SPF_LAST)
		look_and_drive(run);
	if (order != ORDER_SIGNATURES_LAST)
		spf_comes(run, &row->spf);
	begin(run, &wants_dmarc);
	look_and_drive(run);
}

/* Whatever comes first, the evidence or the record, the result is the same. */
static void dmarc_results(enum order order, const char *last)
{
	for (size_t i = 0; i < sizeof dmarc_cases / sizeof *dmarc_cases; i++) {
		const struct dmarc_case *row = &dmarc_cases[i];
		struct run run;
		run_init(&run, zone);
		dmarc_drive(&run, row, order);
		const struct outcome_evidence *dmarc = &run.facts.dmarc;
		ok(dmarc->complete && !is_open(&run) && result_is(&dmarc->outcome, row->want.code, row->want.reason),
		   "dmarc: %s last: %s", last, row->what);
		is_text(dmarc->rfc8601, row->want.rfc8601, "its keyword");
		is_span(dmarc->outcome.detail, span_of(row->want.detail), "its detail");
		is_span(dmarc->domain, span_of(row->want.policy_domain), "where the policy stands");
		ok(dmarc->policy_none == (row->want.reason == REASON_DMARC_POLICY_NONE), "whether it asks for nothing");
		run_clear(&run);
	}
}

static void dmarc_begin(void)
{
	static const struct identifier pass[] = { { "reject.example", RESULT_PASS, REASON_NONE } };
	struct run run;
	run_init(&run, zone);
	author(&run, "reject.example");
	signatures_await(&run, pass, 1);
	run.asker = dmarc_asker(&run.facts);
	ok(run.asker->type->evidence == EVIDENCE_DMARC, "dmarc: what it fetches");
	begin(&run, &wants_others);
	begin(&run, &wants_others_first);
	look(&run);
	ask(&run);
	ok(run.asked == 0 && !is_open(&run) && !run.facts.dmarc.complete, "dmarc: what is not wanted is not asked");
	begin(&run, &wants_dmarc);
	ask(&run);
	begin(&run, &wants_dmarc);
	begin(&run, &wants_others);
	ask(&run);
	ok(run.asked == 2 && times_asked(&run, "_dmarc.reject.example") == 1 && times_asked(&run, "_dmarc.example") == 1,
	   "dmarc: each question is handed out once, and what has begun goes on");
	ok(run.origins[0].purpose == PURPOSE_AUTHOR && span_equal(run.origins[0].domain, span_of("reject.example")),
	   "dmarc: where it comes from");
	drive(&run);
	ok(is_open(&run) && !run.facts.dmarc.complete, "dmarc: with the record alone nothing is known");
	run.facts.spf.domain = span_of("reject.example");
	run.facts.spf.outcome = result_make(RESULT_PASS, REASON_NONE, absent);
	look(&run);
	ok(!run.facts.dmarc.complete, "dmarc: SPF that is not complete does not count");
	signatures_come(&run, pass);
	look(&run);
	ok(run.facts.dmarc.complete && !is_open(&run) && result_is(&run.facts.dmarc.outcome, RESULT_PASS, REASON_NONE),
	   "dmarc: a signature that passes does not wait for SPF");
	run.facts.dmarc.outcome.detail = absent;
	begin(&run, &wants_dmarc);
	look(&run);
	ask(&run);
	ok(run.asked == 2 && span_absent(run.facts.dmarc.outcome.detail), "dmarc: what is complete stays as it is");
	run_clear(&run);
}

/* The walk takes so many identifiers and no more: none may take the place of another one by being told again. */
static void dmarc_told_once(bool signature_first)
{
	static const struct identifier stranger[] = { { "stranger.test", RESULT_PASS, REASON_NONE } };
	static const struct identifier own[] = { { "reject.example", RESULT_PASS, REASON_NONE } };
	struct run run;
	run_init(&run, zone);
	author(&run, "reject.example");
	signatures_await(&run, signature_first ? stranger : own, 1);
	run.asker = dmarc_asker(&run.facts);
	begin(&run, &wants_dmarc);
	if (signature_first)
		signatures_come(&run, stranger);
	else
		spf_comes(&run, stranger);
	drive(&run);
	for (unsigned i = 0; i < DMARC_IDENTIFIERS_MAX; i++)
		look(&run);
	if (signature_first)
		spf_comes(&run, own);
	else
		signatures_come(&run, own);
	look(&run);
	ok(result_is(&run.facts.dmarc.outcome, RESULT_PASS, REASON_NONE), "dmarc: however often it looks, %s is told once",
	   signature_first ? "a signature" : "a sender");
	run_clear(&run);
}

static void dmarc_unanswered(void)
{
	static const struct dmarc_case row = { .author = "mute.example",
		                                   .signatures = { { "mute.example", RESULT_PASS, REASON_NONE } } };
	struct run run;
	run_init(&run, zone);
	dmarc_drive(&run, &row, ORDER_RECORD_LAST);
	look(&run);
	ok(run.asked == 2 && is_open(&run) && !run.facts.dmarc.complete && run.facts.dmarc.outcome.code == RESULT_PENDING,
	   "dmarc: never answered, it stays pending");
	run.facts.internal_error = true;
	struct answer late = { .status = ANSWER_NXDOMAIN };
	run.asker->type->answer(run.asker, run.questions[0], &late);
	ok(!run.facts.dmarc.complete, "dmarc: nothing is judged after an internal error");
	run_clear(&run);
}

static void dmarc_no_author(enum mailbox_status status, const char *what)
{
	struct run run;
	run_init(&run, zone);
	author(&run, "reject.example");
	run.facts.author_status = status;
	run.asker = dmarc_asker(&run.facts);
	begin(&run, &wants_dmarc);
	begin(&run, &wants_dmarc);
	look(&run);
	ask(&run);
	ok(run.asked == 0 && !is_open(&run) && run.facts.dmarc.complete
	       && result_is(&run.facts.dmarc.outcome, RESULT_PERMERROR, REASON_DMARC_PERMERROR),
	   "dmarc: %s", what);
	is_text(run.facts.dmarc.rfc8601, "permerror", "its keyword");
	is_span(run.facts.dmarc.outcome.detail, absent, "it has no domain");
	run_clear(&run);
}

static const struct result *attempt(struct run *run)
{
	dmarc_drive(run, &dmarc_cases[1], ORDER_SPF_LAST);
	return run->asker ? &run->facts.dmarc.outcome : NULL;
}

int main(void)
{
	dmarc_results(ORDER_RECORD_LAST, "the record");
	dmarc_results(ORDER_SPF_LAST, "SPF");
	dmarc_results(ORDER_SIGNATURES_LAST, "signatures");
	dmarc_begin();
	dmarc_told_once(true);
	dmarc_told_once(false);
	dmarc_unanswered();
	dmarc_no_author(MAILBOX_UNSET, "no author");
	dmarc_no_author(MAILBOX_SEVERAL, "several authors");
	dmarc_no_author(MAILBOX_MALFORMED, "an author that cannot be read");
	scarcity("dmarc", zone, NULL, attempt);
	return done_testing();
}
