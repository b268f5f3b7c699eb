/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/spf.h"
#include "tap.h"

/* Records that are well-formed, and how many mechanisms they hold. */
static const struct {
	const char *text;
	size_t count;
	bool redirect;
} valid[] = {
	{ "v=spf1", 0, false },
	{ "V=SpF1 ", 0, false },
	{ "v=spf1 -all", 1, false },
	{ "v=spf1  +A   ?mX ~PTR -aLL  ", 4, false },
	{ "v=spf1 a:example.com a/24 a//64 a/24//64 a:example.com/0//0 mx:a.b/32//128", 6, false },
	{ "v=spf1 a:foo:bar/baz.example.com", 1, false },
	{ "v=spf1 a:%{d} a:%{D}/8 exists:%{i}._spf.%{d2}", 3, false },
	{ "v=spf1 exists:%{ir}.%{v}._spf.%{d2} exists:%{l1r-.+,/_=}.example.com", 2, false },
	{ "v=spf1 exists:%{d127} exists:%{d129} exists:%{d999999999999999999999999} exists:%{s0012R}", 4, false },
	{ "v=spf1 exists:%% exists:a%_b%-c%%.example.com exists:x.%-", 3, false },
	{ "v=spf1 exists:example.com. exists:a.xn--zckzah exists:a.1a exists:a.a1-2", 4, false },
	{ "v=spf1 exists:%{l}..%{d} a:%{d}..com.", 2, false },
	{ "v=spf1 ip4:1.2.3.4 ip4:1.2.3.4/0 ip4:255.255.255.255/32", 3, false },
	{ "v=spf1 ip6::: ip6:::1/0 ip6:2001:db8::/128 ip6:::ffff:1.2.3.4 ip6:1:2:3:4:5:6:7:8", 5, false },
	{ "v=spf1 redirect=example.com", 0, true },
	{ "v=spf1 REDIRECT=%{d} ?all eXp=%{d}", 1, true },
	{ "v=spf1 exp=a.example.com. -all", 1, false },
	{ "v=spf1 moo.cow-far_out=man:dog/cat a=b x= x= default=pass a=%{h} A=%%%_%-", 0, false },
	{ "v=spf1 include:_spf.example.com ptr:example.com ptr", 3, false },
	{ "v=spf1 op=auth match.sub-domains_9=yes", 0, false },
};

/* Records that are not: permerror, wherever the error stands. */
static const char *const invalid[] = {
	"v=spf1 moo",
	"v=spf1 -all moo",
	"v=spf1 all all2",
	"v=spf1 =all",
	"v=spf1 -",
	"v=spf1 +",
	"v=spf1 ++a",
	"v=spf1 -all.",
	"v=spf1 all:x.com",
	"v=spf1 all/8",
	"v=spf1 all:",
	"v=spf1 -all,",
	"v=spf1 a,mx",
	"v=spf1 include",
	"v=spf1 include:",
	"v=spf1 include:a.b/24",
	"v=spf1 include:%{d}/24",
	"v=spf1 exists",
	"v=spf1 exists:",
	"v=spf1 exists:a.b/24",
	"v=spf1 ptr/0",
	"v=spf1 ptr:",
	"v=spf1 ptr:a.b/24",
	"v=spf1 mx:",
	"v=spf1 a:",
	"v=spf1 a:/24",
	"v=spf1 a/33",
	"v=spf1 a//129",
	"v=spf1 a/024",
	"v=spf1 a//064",
	"v=spf1 a/24/64",
	"v=spf1 a//64/24",
	"v=spf1 a/",
	"v=spf1 a//",
	"v=spf1 a/1000000000000000000000",
	"v=spf1 a///64",
	"v=spf1 a:example.com/",
	"v=spf1 a:example.com:8080",
	"v=spf1 a:111.222.33.44",
	"v=spf1 a:abc.123",
	"v=spf1 a:museum",
	"v=spf1 a:museum.",
	"v=spf1 a:example.-com",
	"v=spf1 a:example.com-",
	"v=spf1 a:example..",
	"v=spf1 a:foo-bar",
	"v=spf1 a:x..y",
	"v=spf1 a:.com",
	"v=spf1 a:a%_..com",
	"v=spf1 mx:mail.example...com",
	"v=spf1 exists:a123456789012345678901234567890123456789012345678901234567890123.example.com",
	"v=spf1 include:x..y -all",
	"v=spf1 redirect=x..y",
	"v=spf1 exp=x..y -all",
	"v=spf1 a:%{d}.",
	"v=spf1 a:%{d}com",
	"v=spf1 a:%",
	"v=spf1 a:%a.com",
	"v=spf1 a:%{d",
	"v=spf1 a:%{}.com",
	"v=spf1 a:%{a}.com",
	"v=spf1 a:%{d0}.com",
	"v=spf1 a:%{d00r}.com",
	"v=spf1 a:%{dd}.com",
	"v=spf1 a:%{drr}.com",
	"v=spf1 a:%{d-1}.com",
	"v=spf1 a:%{d:}.com",
	"v=spf1 a:%{dr2}.com",
	"v=spf1 a:%%%(.com",
	"v=spf1 a:%{c}.com",
	"v=spf1 a:%{R}.com",
	"v=spf1 -all exp=%{t}.com",
	"v=spf1 x=%{c}",
	"v=spf1 x=%",
	"v=spf1 x=%{d",
	"v=spf1 ip4",
	"v=spf1 ip4:",
	"v=spf1 ip4/24",
	"v=spf1 ip4:1.2.3",
	"v=spf1 ip4:1.2.3.4/",
	"v=spf1 ip4:1.2.3.4/33",
	"v=spf1 ip4:1.2.3.4/032",
	"v=spf1 ip4:1.2.3.4//32",
	"v=spf1 ip4:1.2.3.4:25",
	"v=spf1 ip4:01.2.3.4",
	"v=spf1 ip4:1.2.3.256",
	"v=spf1 ip4:0x1.2.3.4",
	"v=spf1 ip4:::1",
	"v=spf1 ip4:1.2.3.4/+8",
	"v=spf1 ip4=1.2.3.4/33 ip4",
	"v=spf1 ip6",
	"v=spf1 ip6:",
	"v=spf1 ip6:1.2.3.4",
	"v=spf1 ip6::::1",
	"v=spf1 ip6:::1/129",
	"v=spf1 ip6:::1//33",
	"v=spf1 ip6::CAFE::BABE",
	"v=spf1 ip6:fe80::1%eth0",
	"v=spf1 ip6:12345::",
	"v=spf1 ip6:::1/",
	"v=spf1 ip6:::1/00",
	"v=spf1 ip6:1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
	"v=spf1 redirect=",
	"v=spf1 redirect=-all",
	"v=spf1 redirect:a.b",
	"v=spf1 redirect",
	"v=spf1 exp=",
	"v=spf1 exp=-all",
	"v=spf1 exp=a.b exp=a.b -all",
	"v=spf1 redirect=a.b Redirect=a.b",
	"v=spf1 1up=foo",
	"v=spf1 -x=y",
	"v=spf1 moo.cow/far_out=man",
	"v=spf1 moo.cow:far_out=man",
	"v=spf1 a\tmx",
	"v=spf1 a\r\n",
	"v=spf1 a\n",
	"v=spf1 \x80z -all",
	"v=spf1 a:\xef\xbb\xbfgarbage.example.net",
	"v=spf1 x=\x7f",
	"v=spf1 x=\x01",
};

/* What is no SPF record at all. */
static const char *const foreign[] = {
	"",          "v=spf",    "v=spf10",  "v=spf1mx",        " v=spf1 -all", "v=spf1\t-all", "v=spf2.0/mfrom -all",
	"spf1 -all", "v = spf1", "v=spf1\n", "\"v=spf1 -all\"",
};

static enum spf_policy_status parse(struct arena *arena, struct span text, struct spf_policy *policy_r)
{
	spf_parse(arena, text, policy_r);
	return policy_r->status;
}

static void tables(struct arena *arena)
{
	struct spf_policy policy;
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
		bool good =
			spf_is_record(span_of(valid[i].text)) && parse(arena, span_of(valid[i].text), &policy) == SPF_POLICY_RECORD;
		ok(good && policy.record->count == valid[i].count && policy.record->has_redirect == valid[i].redirect,
		   "well-formed: %s", valid[i].text);
		if (!good)
			printf("# %s\n", policy.problem.text ? policy.problem.text : "no problem named");
	}
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
		parse(arena, span_of(invalid[i]), &policy);
		bool named =
			policy.problem.text && (policy.problem.term.length != 0 || strpbrk(invalid[i], "\t\r\n\x01\x7f\x80\xef"));
		ok(spf_is_record(span_of(invalid[i])) && policy.status == SPF_POLICY_BROKEN && named, "broken %zu: %s", i,
		   policy.problem.text ? policy.problem.text : "(accepted)");
	}
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		ok(!spf_is_record(span_of(foreign[i])), "no SPF record %zu", i);
}

static void details(struct arena *arena)
{
	struct spf_policy policy;
	char text[] = "v=spf1 ~a:%{D2r-+}.x%%y.example.com/24//96 ?ip6:2001:db8::/33 redirect=b.example";
	spf_parse(arena, span_of(text), &policy);
	memset(text, 'x', sizeof text - 1);
	if (!ok(policy.status == SPF_POLICY_RECORD && policy.record->count == 2, "a record is copied"))
		return;
	const struct spf_term *term = &policy.record->terms[0];
	const struct spf_piece *piece = term->domain.pieces;
	ok(term->mechanism == SPF_A && term->result == SPF_SOFTFAIL, "mechanism and qualifier");
	ok(term->prefix4 == 24 && term->prefix6 == 96, "both prefix lengths");
	is_span(term->text, span_of("~a:%{D2r-+}.x%%y.example.com/24//96"), "the term's text");
	ok(term->domain.count == 4 && !term->domain.uses_p, "four pieces");
	ok(piece[0].letter == 'd' && piece[0].escape && piece[0].reverse && piece[0].parts == 2, "the macro");
	is_span(piece[0].text, span_of("-+"), "its delimiters");
	is_span(piece[1].text, span_of(".x"), "literal text");
	is_span(piece[2].text, span_of("%"), "an escaped percent sign");
	is_span(piece[3].text, span_of("y.example.com"), "literal text after it");
	term = &policy.record->terms[1];
	ok(term->mechanism == SPF_IP6 && term->result == SPF_NEUTRAL && term->prefix6 == 33, "ip6 and its prefix");
	ok(term->network.family == ADDRESS_IPV6 && term->network.bytes[0] == 0x20 && term->network.bytes[3] == 0xb8,
	   "its network");
	is_span(policy.record->redirect_text, span_of("redirect=b.example"), "redirect");
}

static void bytes_that_end_no_string(struct arena *arena)
{
	struct spf_policy policy;
	static const char inside[] = "v=spf1 a:foo.example.com\0 -all";
	static const char version[] = "v=spf1\0 -all";
	ok(parse(arena, span_make(inside, sizeof inside - 1), &policy) == SPF_POLICY_BROKEN, "NUL in a record");
	ok(!spf_is_record(span_make(version, sizeof version - 1)), "NUL after the version");
}

static void sizes(struct arena *arena)
{
	static char text[SPF_RECORD_MAX + 2];
	struct spf_policy policy;
	size_t length = (size_t)snprintf(text, sizeof text, "v=spf1");
	for (unsigned i = 0; i < 300; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, " ip4:10.1.%u.%u", i / 256, i % 256);
	length += (size_t)snprintf(text + length, sizeof text - length, " -all");
	spf_parse(arena, span_make(text, length), &policy);
	ok(policy.status == SPF_POLICY_RECORD && policy.record->count == 301
	       && policy.record->terms[300].mechanism == SPF_ALL,
	   "300 networks and -all");
	memset(text + length, ' ', sizeof text - length);
	ok(parse(arena, span_make(text, SPF_RECORD_MAX), &policy) == SPF_POLICY_RECORD, "the longest record");
	ok(parse(arena, span_make(text, SPF_RECORD_MAX + 1), &policy) == SPF_POLICY_BROKEN, "one byte more");
}

static void selection(struct arena *arena)
{
	struct spf_policy policy;
	struct answer_record records[3] = { { .text = span_of("v=spf1 -all") },
		                                { .text = span_of("other \x96") },
		                                { .text = span_of("v=SPF1 +all") } };
	struct answer answer = { .status = ANSWER_FOUND, .records = records, .count = 2 };
	spf_policy_of(arena, &answer, &policy);
	ok(policy.status == SPF_POLICY_RECORD, "one SPF record among others");
	answer.count = 3;
	spf_policy_of(arena, &answer, &policy);
	ok(policy.status == SPF_POLICY_BROKEN, "two SPF records");
	answer.records = records + 1;
	answer.count = 1;
	spf_policy_of(arena, &answer, &policy);
	ok(policy.status == SPF_POLICY_NONE, "another record only");
	answer.status = ANSWER_NXDOMAIN;
	spf_policy_of(arena, &answer, &policy);
	ok(policy.status == SPF_POLICY_NONE, "no such name");
	answer.status = ANSWER_NODATA;
	spf_policy_of(arena, &answer, &policy);
	ok(policy.status == SPF_POLICY_NONE, "no data");
	answer.status = ANSWER_TEMPFAIL;
	spf_policy_of(arena, &answer, &policy);
	ok(policy.status == SPF_POLICY_TEMPERROR, "a failing lookup");
	answer.status = ANSWER_BOGUS;
	spf_policy_of(arena, &answer, &policy);
	ok(policy.status == SPF_POLICY_TEMPERROR, "a bogus answer");
}

static void memory(void)
{
	static const char text[] = "v=spf1 a:%{d}.example.com include:x.%{i}.example.com -all";
	size_t limit = 0;
	enum spf_policy_status status = SPF_POLICY_TEMPERROR;
	bool other = false;
	while (status != SPF_POLICY_RECORD && limit < 100000) {
		struct arena small;
		struct spf_policy policy;
		limit += 16;
		arena_init(&small, limit);
		status = parse(&small, span_of(text), &policy);
		other = other || (status != SPF_POLICY_RECORD && status != SPF_POLICY_TEMPERROR);
		arena_clear(&small);
	}
	ok(status == SPF_POLICY_RECORD && !other, "without memory the policy is a temporary error (%zu bytes are enough)",
	   limit);
}

int main(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	tables(&arena);
	details(&arena);
	bytes_that_end_no_string(&arena);
	sizes(&arena);
	selection(&arena);
	memory();
	is_text(spf_result_name(SPF_PERMERROR), "permerror", "the name of a result");
	is_text(spf_result_name((enum spf_result)99), "invalid", "the name of no result");
	arena_clear(&arena);
	return done_testing();
}
