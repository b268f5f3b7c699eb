/* SPDX-License-Identifier: BSD-2-Clause */
/* What the SPF walk asks, in which order, and what it says about the way it came to its result. */
#include "core/spf.h"
#include "tap.h"
#include "zone.h"

#define LONG63 "a12345678901234567890123456789012345678901234567890123456789012"
#define LONG253 LONG63 "." LONG63 "." LONG63 ".abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwx.t.example"

static const struct zone_row zone[] = {
	{ "terms.example", RECORD_TXT,
	  "v=spf1 ip4:10.0.0.0/8 include:i.example a mx:m.example ptr exists:%{l}.e.example redirect=r.example", 0 },
	{ "match.example", RECORD_TXT, "v=spf1 include:i.example ip4:192.0.2.0/24 a:later.example -all", 0 },
	{ "all.example", RECORD_TXT, "v=spf1 include:i.example -all a:later.example redirect=later.example", 0 },
	{ "p.example", RECORD_TXT, "v=spf1 include:i.example a:%{p}.later.example exists:%{l}..x.example -all", 0 },
	{ "limit.example", RECORD_TXT,
	  "v=spf1 include:i.example a:1.x a:2.x a:3.x a:4.x a:5.x a:6.x a:7.x a:8.x a:9.x a:10.x a:11.x redirect=r.example",
	  0 },
	{ "limitred.example", RECORD_TXT,
	  "v=spf1 include:i.example a:1.x a:2.x a:3.x a:4.x a:5.x a:6.x a:7.x a:8.x redirect=r.example", 0 },
	{ "i.example", RECORD_TXT, "v=spf1 a:inner.example -all", 0 },
	{ "nested.example", RECORD_TXT, "v=spf1 include:j.example exists:outer.example -all", 0 },
	{ "j.example", RECORD_TXT, "v=spf1 a:j1.example a:j2.example -all", 0 },
	{ "mx.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "mx.example", RECORD_MX, "1 one.example", 0 },
	{ "mx.example", RECORD_MX, "2 two.example", 0 },
	{ "mx.example", RECORD_MX, "3 three.example", 0 },
	/* Equal preferences: the order of the response means nothing. */
	{ "tie1.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "tie1.example", RECORD_MX, "5 a.fail.example", 0 },
	{ "tie1.example", RECORD_MX, "5 B.good.example", 0 },
	{ "tie2.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "tie2.example", RECORD_MX, "5 B.good.example", 0 },
	{ "tie2.example", RECORD_MX, "5 a.fail.example", 0 },
	{ "tie3.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "tie3.example", RECORD_MX, "5 ab.example", 0 },
	{ "tie3.example", RECORD_MX, "5 ab.exampl", 0 },
	{ "tie4.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "tie4.example", RECORD_MX, "5 ab.exampl", 0 },
	{ "tie4.example", RECORD_MX, "5 ab.example", 0 },
	{ "a.fail.example", RECORD_A, "!tempfail", 0 },
	{ "b.good.example", RECORD_A, "192.0.2.1", 0 },
	{ "ab.example", RECORD_A, "!tempfail", 0 },
	{ "ab.exampl", RECORD_A, "192.0.2.1", 0 },
	/* Where results come from. */
	{ "red.example", RECORD_TXT, "v=spf1 redirect=target.example", 0 },
	{ "target.example", RECORD_TXT, "v=spf1 ~all", 0 },
	{ "incred.example", RECORD_TXT, "v=spf1 include:red.example ?all", 0 },
	{ "incbad.example", RECORD_TXT, "v=spf1 include:bad.example ?all", 0 },
	{ "bad.example", RECORD_TXT, "v=spf1 a ip4:1.2.3 -all", 0 },
	{ "longest.example", RECORD_TXT, "v=spf1 exists:" LONG253 " exists:%{h} -all", 0 },
	{ LONG253, RECORD_A, "127.0.0.2", 0 },
	{ "empty.example", RECORD_TXT, "v=spf1 a:x.example a:y.example a:z.example +all", 0 },
	/* Who chose the names. */
	{ "chosen.example", RECORD_TXT,
	  "v=spf1 a a:%{i}.%{d}.c.example a:%{l}.c.example a:%{h}.h.example a:%{s}.s.example include:%{l}.inc.example "
	  "a:%{p}.p.example ptr -all",
	  0 },
	{ "user.inc.example", RECORD_TXT, "v=spf1 a:inner.example ?all", 0 },
	{ "1.2.0.192.in-addr.arpa", RECORD_PTR, "host.client.example", 0 },
	{ "host.client.example", RECORD_A, "192.0.2.1", 0 },
	{ NULL, RECORD_A, NULL, 0 },
};

static struct spf_walk *begin(struct arena *arena, const char *domain, bool ahead)
{
	struct spf_input input = { .client = { ADDRESS_IPV4, { 192, 0, 2, 1 } },
		                       .domain = span_of(domain),
		                       .local = span_of("user"),
		                       .look_ahead = ahead };
	return spf_walk_new(arena, &input);
}

/* Answer all that was handed out, step, and return how many questions are new. */
static unsigned round_trip(struct arena *arena, struct spf_walk *walk, const struct question *open[64], unsigned count)
{
	const struct question *question;
	for (unsigned i = 0; i < count; i++)
		spf_walk_answer(walk, open[i], zone_answer(arena, zone, open[i]), NULL);
	spf_walk_step(walk);
	for (count = 0; count < 64 && (question = spf_walk_next(walk)); count++)
		open[count] = question;
	return count;
}

/* How many questions each round has, and the names of the second. */
static const struct {
	const char *domain;
	bool ahead;
	unsigned rounds[3];
	const char *names; /* of the second round, each with a space behind it */
} rounds[] = {
	{ "terms.example", false, { 1, 1, 1 }, "i.example " },
	{ "terms.example",
	  true,
	  { 1, 6, 1 },
	  "i.example terms.example m.example 1.2.0.192.in-addr.arpa user.e.example r.example " },
	{ "match.example", true, { 1, 1, 1 }, "i.example " },
	{ "all.example", true, { 1, 1, 1 }, "i.example " },
	{ "p.example", true, { 1, 1, 1 }, "i.example " },
	{ "limit.example", true, { 1, 10, 1 }, "i.example 1.x 2.x 3.x 4.x 5.x 6.x 7.x 8.x 9.x " },
	{ "limitred.example", true, { 1, 10, 1 }, "i.example 1.x 2.x 3.x 4.x 5.x 6.x 7.x 8.x r.example " },
	{ "nested.example", false, { 1, 1, 1 }, "j.example " },
	{ "nested.example", true, { 1, 2, 2 }, "j.example outer.example " },
	{ "mx.example", false, { 1, 1, 1 }, "mx.example " },
	{ "mx.example", true, { 1, 1, 3 }, "mx.example " },
};

static void asking(void)
{
	for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
		struct arena arena;
		const struct question *open[64];
		unsigned count = 0;
		unsigned total = 0;
		arena_init(&arena, 0);
		struct spf_walk *walk = begin(&arena, rounds[i].domain, rounds[i].ahead);
		for (unsigned round = 0; round < 3; round++) {
			struct span names = span_of("");
			count = round_trip(&arena, walk, open, count);
			total += count;
			ok(count == rounds[i].rounds[round], "%s, %s: round %u asks %u", rounds[i].domain,
			   rounds[i].ahead ? "looking ahead" : "one at a time", round, count);
			for (unsigned j = 0; j < count; j++)
				names = arena_printf(&arena, "%.*s%.*s ", (int)names.length, names.at, (int)open[j]->name.length,
				                     open[j]->name.at);
			if (round == 1)
				is_span(names, span_of(rounds[i].names), "the names, the awaited one first");
		}
		ok(spf_walk_outcome(walk)->questions == total, "questions are counted");
		arena_clear(&arena);
	}
}

static const struct {
	const char *domain;
	enum spf_result result;
	const char *decided;   /* outcome.domain */
	const char *mechanism; /* NULL: none */
	const char *term;      /* problem.term; NULL: none */
	const char *where;     /* problem_domain; NULL: none */
} ends[] = {
	{ "tie1.example", SPF_TEMPERROR, "tie1.example", NULL, "mx", "tie1.example" },
	{ "tie2.example", SPF_TEMPERROR, "tie2.example", NULL, "mx", "tie2.example" },
	{ "tie3.example", SPF_PASS, "tie3.example", "mx", NULL, NULL },
	{ "tie4.example", SPF_PASS, "tie4.example", "mx", NULL, NULL },
	{ "red.example", SPF_SOFTFAIL, "target.example", "~all", NULL, NULL },
	{ "incred.example", SPF_NEUTRAL, "incred.example", "?all", NULL, NULL },
	{ "incbad.example", SPF_PERMERROR, "incbad.example", NULL, "ip4:1.2.3", "bad.example" },
	{ "longest.example", SPF_PASS, "longest.example", "exists:" LONG253, NULL, NULL },
	{ "gone.example", SPF_NONE, "gone.example", NULL, NULL, "gone.example" },
	{ "nested.example", SPF_PERMERROR, "nested.example", NULL, "exists:outer.example", "nested.example" },
};

static void ending(void)
{
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct arena arena;
		const struct question *open[64];
		unsigned count = 0;
		arena_init(&arena, 0);
		struct spf_walk *walk = begin(&arena, ends[i].domain, false);
		while (spf_walk_step(walk) == SPF_PENDING)
			count = round_trip(&arena, walk, open, count);
		const struct spf_outcome *outcome = spf_walk_outcome(walk);
		ok(outcome->result == ends[i].result, "%s gives %s", ends[i].domain, spf_result_name(outcome->result));
		is_span(outcome->domain, span_of(ends[i].decided), "the domain that decided");
		is_span(outcome->mechanism, span_of(ends[i].mechanism), "the mechanism");
		is_span(outcome->problem.term, span_of(ends[i].term), "the term that is wrong");
		is_span(outcome->problem_domain, span_of(ends[i].where), "where");
		arena_clear(&arena);
	}
}

/* By macros the sender chooses names, by its reverse zone the client; and all that a record says whose name was chosen. */
static void choosing(void)
{
	static const struct {
		const char *name;
		enum spf_chooser chooser;
	} names[] = {
		{ "chosen.example", SPF_CHOSEN_BY_RECORD },
		{ "192.0.2.1.chosen.example.c.example", SPF_CHOSEN_BY_RECORD },
		{ "user.c.example", SPF_CHOSEN_BY_SENDER },
		{ "helo.client.test.h.example", SPF_CHOSEN_BY_SENDER },
		{ "user@chosen.example.s.example", SPF_CHOSEN_BY_SENDER },
		{ "user.inc.example", SPF_CHOSEN_BY_SENDER },
		{ "inner.example", SPF_CHOSEN_BY_SENDER },
		{ "1.2.0.192.in-addr.arpa", SPF_CHOSEN_BY_CLIENT },
		{ "host.client.example", SPF_CHOSEN_BY_CLIENT },
		{ "host.client.example.p.example", SPF_CHOSEN_BY_CLIENT },
	};
	for (int ahead = 0; ahead < 2; ahead++) {
		struct arena arena;
		unsigned seen = 0;
		unsigned wrong = 0;
		const struct question *question;
		arena_init(&arena, 0);
		struct spf_input input = { .client = { ADDRESS_IPV4, { 192, 0, 2, 1 } },
			                       .domain = span_of("chosen.example"),
			                       .local = span_of("user"),
			                       .helo = span_of("helo.client.test"),
			                       .look_ahead = ahead };
		struct spf_walk *walk = spf_walk_new(&arena, &input);
		/* Void lookups would end it. */
		struct answer_record elsewhere = { .address = { ADDRESS_IPV4, { 10, 0, 0, 1 } } };
		struct answer other = { .status = ANSWER_FOUND, .count = 1, .records = &elsewhere };
		while (spf_walk_step(walk) == SPF_PENDING)
			while ((question = spf_walk_next(walk))) {
				for (size_t i = 0; i < sizeof names / sizeof *names; i++)
					if (span_equal(question->name, span_of(names[i].name))) {
						seen |= 1U << i;
						wrong += spf_walk_chooser(walk, question) != names[i].chooser;
					}
				const struct answer *answer = zone_answer(&arena, zone, question);
				spf_walk_answer(walk, question, answer->status == ANSWER_FOUND ? answer : &other, NULL);
			}
		ok(wrong == 0, "%s: whoever chose is told", ahead ? "looking ahead" : "one at a time");
		ok(seen == (1U << sizeof names / sizeof *names) - 1, "of all kinds of names: %x", seen);
		arena_clear(&arena);
	}
}

/* An answer that claims records and has none is a void one. */
static void found_nothing(void)
{
	struct arena arena;
	const struct question *open[64];
	struct answer answer = { .status = ANSWER_FOUND };
	arena_init(&arena, 0);
	struct spf_walk *walk = begin(&arena, "empty.example", false);
	unsigned count = round_trip(&arena, walk, open, 0);
	count = round_trip(&arena, walk, open, count);
	while (spf_walk_step(walk) == SPF_PENDING) {
		spf_walk_answer(walk, open[0], &answer, NULL);
		count = round_trip(&arena, walk, open, 0);
	}
	ok(spf_walk_step(walk) == SPF_PERMERROR && spf_walk_outcome(walk)->voids == 3, "three answers without records");
	arena_clear(&arena);
}

int main(void)
{
	asking();
	ending();
	choosing();
	found_nothing();
	return done_testing();
}
