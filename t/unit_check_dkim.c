/* SPDX-License-Identifier: BSD-2-Clause */
/* check_dkim: what an organization asks of a signature, and which of several speaks. */
#include "bench.h"

static struct signature good_signature(void)
{
	struct signature signature = { .outcome = { RESULT_PASS, REASON_NONE, { NULL, 0 } },
		                           .domain = span_of("example.com"),
		                           .selector = span_of("s1"),
		                           .algorithm = ALGORITHM_RSA_SHA256,
		                           .rsa_bits = 2048,
		                           .relation = RELATION_EQUAL,
		                           .timestamp = -1,
		                           .signed_headers = span_of("from : To:subject") };
	return signature;
}

static void test_alignment(void)
{
	static const struct {
		enum relation relation;
		bool strict, parent, relaxed;
	} rows[] = {
		{ RELATION_EQUAL, true, true, true },
		{ RELATION_PARENT, false, true, true },
		{ RELATION_ORGANIZATION, false, false, true },
		{ RELATION_NONE, false, false, false },
	};
	struct bench bench;
	struct signature signature = good_signature();
	bench_begin(&bench);
	bench.facts.dkim = (struct dkim_evidence) { true, 1, &signature };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const bool wanted[] = { rows[i].strict, rows[i].parent, rows[i].relaxed, false };
		signature.relation = rows[i].relation;
		for (unsigned alignment = 0; alignment < 4; alignment++) {
			bench.org->dkim.alignment = (enum alignment)alignment;
			expect(check_dkim.judge(&bench.facts, bench.org), wanted[alignment] ? RESULT_PASS : RESULT_FAIL,
			       wanted[alignment] ? REASON_NONE : REASON_DKIM_UNALIGNED,
			       alignment == 0   ? "strict"
			       : alignment == 1 ? "parent"
			       : alignment == 2 ? "relaxed"
			                        : "no alignment at all");
		}
	}
	bench_end(&bench);
}

/* One thing about a good signature and what is asked of it is changed; what is not given stays. */
struct term {
	const char *what;
	enum reason reason;
	unsigned algorithm;
	unsigned rsa_bits;
	long long age; /* seconds */
	bool any_age, no_clock, unsigned_at_all;
	const char *selector, *field, *required, *zone, *reached_through, *signed_headers;
};

#define MAX_AGE (7 * 86400)

static const struct term terms[] = {
	{ .what = "good" },
	{ .what = "an algorithm that is not wanted",
	  .algorithm = ALGORITHM_ED25519_SHA256,
	  .reason = REASON_DKIM_ALGORITHM },
	{ .what = "an unknown algorithm", .algorithm = 1U << 7, .reason = REASON_DKIM_ALGORITHM },
	{ .what = "another selector", .selector = "s2", .reason = REASON_DKIM_SELECTOR },
	{ .what = "a selector that is listed", .selector = "S1" },
	{ .what = "a field that is not signed", .field = "Date", .reason = REASON_DKIM_HEADERS },
	{ .what = "a field that need not be", .field = "Cc" },
	{ .what = "a field not known by name", .required = "x-unknown", .reason = REASON_DKIM_HEADERS },
	{ .what = "a field not known by name that is signed", .required = "x-unknown", .signed_headers = "from:X-Unknown" },
	{ .what = "no h= at all", .unsigned_at_all = true, .reason = REASON_DKIM_HEADERS },
	{ .what = "as old as may be", .age = MAX_AGE },
	{ .what = "a second older", .age = MAX_AGE + 1, .reason = REASON_DKIM_AGE },
	{ .what = "from 1970, in its first second", .age = 1800000000, .reason = REASON_DKIM_AGE },
	{ .what = "of any age", .age = MAX_AGE + 1, .any_age = true },
	{ .what = "from the future", .age = -60 },
	{ .what = "without a clock", .age = 1, .no_clock = true, .reason = REASON_DKIM_CLOCK },
	{ .what = "without a clock, of any age", .age = 1, .no_clock = true, .any_age = true },
	{ .what = "without a clock, a key in no zone",
	  .age = 1,
	  .no_clock = true,
	  .zone = "*.keys.example",
	  .reason = REASON_DKIM_ZONE },
	{ .what = "a short key", .rsa_bits = 1023, .reason = REASON_DKIM_WEAK },
	{ .what = "a key just long enough", .rsa_bits = 1024 },
	{ .what = "a key in no zone", .zone = "*.keys.example", .reason = REASON_DKIM_ZONE },
	{ .what = "a key in another zone",
	  .zone = "*.keys.example",
	  .reached_through = "x.example",
	  .reason = REASON_DKIM_ZONE },
	{ .what = "a key reached through a zone", .zone = "*.keys.example", .reached_through = "s1.keys.example" },
};

static void apply(const struct term *term, struct bench *bench, struct signature *signature)
{
	struct settings *settings = bench->settings;
	struct org *org = bench->org;
	org->dkim.algorithms = ALGORITHM_RSA_SHA256;
	org->dkim.max_age = term->any_age ? 0 : MAX_AGE;
	if (term->algorithm)
		signature->algorithm = term->algorithm;
	if (term->rsa_bits)
		signature->rsa_bits = term->rsa_bits;
	if (term->age)
		signature->timestamp = bench->facts.received - term->age;
	if (term->no_clock)
		bench->facts.received = 0;
	if (term->unsigned_at_all)
		signature->signed_headers = span_make(NULL, 0);
	if (term->signed_headers)
		signature->signed_headers = span_of(term->signed_headers);
	if (term->selector)
		org->dkim.selectors = STRINGS(settings, SET_NOCASE, term->selector);
	if (term->field)
		facts_field(&bench->facts, span_of(term->field), span_of(" x"), true);
	if (term->required)
		org->dkim.required_headers = STRINGS(settings, SET_NOCASE, term->required);
	if (term->zone)
		org->dkim.key_zones = PATTERNS(settings, term->zone);
	if (term->reached_through)
		signature->key_chain = STRINGS(settings, SET_NOCASE, "first.example", term->reached_through);
}

static enum result_code result_of(enum reason reason)
{
	return reason == REASON_NONE ? RESULT_PASS : reason == REASON_DKIM_CLOCK ? RESULT_TEMPERROR : RESULT_FAIL;
}

static void test_terms(void)
{
	for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
		struct bench bench;
		struct signature signature = good_signature();
		bench_begin(&bench);
		bench.facts.dkim = (struct dkim_evidence) { true, 1, &signature };
		apply(&terms[i], &bench, &signature);
		expect(check_dkim.judge(&bench.facts, bench.org), result_of(terms[i].reason), terms[i].reason, terms[i].what);
		bench_end(&bench);
	}
}

/* The date is judged last: a signature that has another fault has that one, dated ahead or not. */
static void test_dates(void)
{
	static const enum reason dates[] = { REASON_DKIM_CLOCK, REASON_DKIM_FUTURE };
	for (size_t date = 0; date < 2; date++)
		for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
			struct bench bench;
			struct signature signature = good_signature();
			signature.outcome = result_make(result_of(dates[date]), dates[date], span_make(NULL, 0));
			bench_begin(&bench);
			bench.facts.dkim = (struct dkim_evidence) { true, 1, &signature };
			apply(&terms[i], &bench, &signature);
			enum reason reason = result_of(terms[i].reason) == RESULT_FAIL ? terms[i].reason : dates[date];
			expect(check_dkim.judge(&bench.facts, bench.org), result_of(reason), reason, terms[i].what);
			bench_end(&bench);
		}
	struct bench bench;
	struct signature both[2] = { good_signature(), good_signature() };
	static const enum reason others[] = { REASON_DKIM_TEMPERROR, REASON_DKIM_BODYHASH, REASON_DKIM_FUTURE };
	bench_begin(&bench);
	bench.facts.dkim = (struct dkim_evidence) { true, 2, both };
	for (size_t i = 0; i < 3; i++)
		for (size_t at = 0; at < 2; at++) {
			both[at].outcome = result_make(RESULT_TEMPERROR, REASON_DKIM_CLOCK, span_make(NULL, 0));
			both[!at].outcome = result_make(i == 0 ? RESULT_TEMPERROR : RESULT_FAIL, others[i], span_make(NULL, 0));
			expect(check_dkim.judge(&bench.facts, bench.org), RESULT_TEMPERROR, REASON_DKIM_CLOCK,
			       reason_code(others[i]));
		}
	both[1].outcome = result_make(RESULT_PASS, REASON_NONE, span_make(NULL, 0));
	expect(check_dkim.judge(&bench.facts, bench.org), RESULT_PASS, REASON_NONE,
	       "a pass beside one that is dated ahead");
	bench_end(&bench);
}

/* A required field that the header does not know by name: signed as often as it stands there. */
static void test_unknown_fields(void)
{
	static const struct {
		const char *signed_headers;
		unsigned there;
		bool good;
	} cases[] = {
		{ "from:to:subject:date", 0, true },
		{ "from:x-other", 0, true },
		{ "from:to:subject:date", 1, false },
		{ "from:X-Other", 1, true },
		{ "from:x-other", 2, false },
		{ "from:x-other:to: x-other ", 2, true },
		{ "from:x-other:x-other:x-other", 2, true },
		{ "from:x-other:x-others", 2, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench bench;
		struct signature signature = good_signature();
		bench_begin(&bench);
		for (unsigned there = 0; there < cases[i].there; there++)
			facts_field(&bench.facts, span_of("X-OTHER"), span_of(" x"), true);
		header_index(&bench.facts.header);
		bench.org->dkim.required_headers = STRINGS(bench.settings, SET_NOCASE, "x-other");
		signature.signed_headers = span_of(cases[i].signed_headers);
		bench.facts.dkim = (struct dkim_evidence) { true, 1, &signature };
		struct result got = check_dkim.judge(&bench.facts, bench.org);
		expect(got, cases[i].good ? RESULT_PASS : RESULT_FAIL, cases[i].good ? REASON_NONE : REASON_DKIM_HEADERS,
		       cases[i].signed_headers);
		ok(cases[i].good || span_equal(got.detail, span_of("x-other")), "the field that is not covered is named");
		bench_end(&bench);
	}
}

/* Which of two signatures speaks; the order does not matter. */
static void test_signatures(void)
{
	static const struct {
		enum result_code codes[2];
		bool second_aligned;
		enum result_code code;
	} rows[] = {
		{ { RESULT_FAIL, RESULT_PASS }, true, RESULT_PASS },
		{ { RESULT_PENDING, RESULT_PASS }, true, RESULT_PASS },
		{ { RESULT_PENDING, RESULT_PASS }, false, RESULT_PENDING },
		{ { RESULT_TEMPERROR, RESULT_PENDING }, true, RESULT_PENDING },
		{ { RESULT_TEMPERROR, RESULT_FAIL }, true, RESULT_TEMPERROR },
		{ { RESULT_PERMERROR, RESULT_PASS }, false, RESULT_PERMERROR },
		{ { RESULT_NONE, RESULT_PASS }, false, RESULT_FAIL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t turn = 0; turn < 2; turn++) {
			struct bench bench;
			struct signature signatures[2] = { good_signature(), good_signature() };
			bench_begin(&bench);
			signatures[turn].outcome.code = rows[i].codes[0];
			signatures[1 - turn].outcome.code = rows[i].codes[1];
			signatures[1 - turn].relation = rows[i].second_aligned ? RELATION_EQUAL : RELATION_NONE;
			bench.facts.dkim = (struct dkim_evidence) { true, 2, signatures };
			struct result got = check_dkim.judge(&bench.facts, bench.org);
			ok(got.code == rows[i].code, "%s and %s%s: %s", result_name(rows[i].codes[0]),
			   result_name(rows[i].codes[1]), rows[i].second_aligned ? "" : " of another domain",
			   result_name(got.code));
			bench_end(&bench);
		}

	struct bench bench;
	bench_begin(&bench);
	expect(check_dkim.judge(&bench.facts, bench.org), RESULT_NONE, REASON_DKIM_NONE, "no signature");
	bench.org->dkim.required = false;
	expect(check_dkim.judge(&bench.facts, bench.org), RESULT_SKIP, REASON_NOT_REQUIRED, "and none is needed");
	facts_field(&bench.facts, span_of("DKIM-Signature"), span_of(" v=1"), true);
	expect(check_dkim.judge(&bench.facts, bench.org), RESULT_PENDING, REASON_NONE, "one is there and not yet judged");
	bench.facts.dkim.complete = true;
	expect(check_dkim.judge(&bench.facts, bench.org), RESULT_SKIP, REASON_NOT_REQUIRED,
	       "one that could not be read is none");
	bench_end(&bench);
}

int main(void)
{
	test_alignment();
	test_terms();
	test_dates();
	test_unknown_fields();
	test_signatures();
	return done_testing();
}
