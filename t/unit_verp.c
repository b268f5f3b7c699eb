/* SPDX-License-Identifier: BSD-2-Clause */
/* verp: the public samples decode, near misses do not. Ids are those of the attack catalogue. */
#include "core/verp.h"
#include "tap.h"

static void test_label(void)
{
	static const struct {
		const char *id;
		struct span label;
		const char *org; /* NULL: no ORG label */
	} cases[] = {
		{ "um8", SPAN_LITERAL("8d-3trx3eag"), "00D8d000003TRx3EAG" },
		{ "na63", SPAN_LITERAL("a-hu5amac"), "00DA0000000Hu5aMAC" },
		{ "na150", SPAN_LITERAL("4x-4z0h4eai"), "00D4x000004z0H4EAI" },
		{ "na45", SPAN_LITERAL("3-1ffzneao"), "00D30000001FFZnEAO" },
		{ "can98", SPAN_LITERAL("gl-fp7yhuaz"), "00DgL00000Fp7YHUAZ" },
		{ "checksum of digits", SPAN_LITERAL("zz-zzzzz2a5"), "00DZZ00000ZZZZZ2A5" },
		{ "lowest digit", SPAN_LITERAL("zz-azazz2a0"), "00DZZ00000aZaZZ2A0" },
		{ "beyond the highest digit", SPAN_LITERAL("zz-zzzzz2a6"), NULL },
		{ "V06 upper case", SPAN_LITERAL("8D-3TRX3EAG"), "00D8d000003TRx3EAG" },
		{ "V06 mixed case", SPAN_LITERAL("gL-fP7yHuAz"), "00DgL00000Fp7YHUAZ" },
		{ "another zero is another org", SPAN_LITERAL("8d00000-trx3eag"), "00D8d000000TRx3EAG" },
		{ "a run folded in part", SPAN_LITERAL("8d00-3trx3eag"), "00D8d000003TRx3EAG" },
		{ "no zero folded", SPAN_LITERAL("8d00000-3trx3eag"), "00D8d000003TRx3EAG" },
		{ "V03 bit of the first digit", SPAN_LITERAL("8d-3trx3eah"), NULL },
		{ "V03 first character", SPAN_LITERAL("8d-3trx3fag"), NULL },
		{ "V03 other case is another org", SPAN_LITERAL("8d-3trx3eai"), "00D8d000003trX3EAI" },
		{ "V03 bit of a digit", SPAN_LITERAL("8d-3trx3eaw"), NULL },
		{ "V03 bit of a folded zero", SPAN_LITERAL("8d-3trx3ebg"), NULL },
		{ "V03 no checksum character", SPAN_LITERAL("8d-3trx3ea6"), NULL },
		{ "V03 D not marked", SPAN_LITERAL("8d-3trx3aag"), NULL },
		{ "V03 no checksum", SPAN_LITERAL("8d-3trx3"), NULL },
		{ "V04 no hyphen", SPAN_LITERAL("gpawymg"), NULL },
		{ "V04 whole ID", SPAN_LITERAL("00d8d000003trx3eag"), NULL },
		{ "V04 two hyphens", SPAN_LITERAL("8d-3tr-x3eag"), NULL },
		{ "V04 adjacent hyphens", SPAN_LITERAL("8d--3trx3eag"), NULL },
		{ "V04 hyphen first", SPAN_LITERAL("-8d3trx3eag"), NULL },
		{ "V04 hyphen last", SPAN_LITERAL("8d3trx3eag-"), NULL },
		{ "V04 hyphen alone", SPAN_LITERAL("-"), NULL },
		{ "V04 one too long", SPAN_LITERAL("8d000000-3trx3eag"), NULL },
		{ "V04 far too long", SPAN_LITERAL("8d-3trx3eag8d-3trx3eag8d3trx3eag"), NULL },
		{ "V04 empty", SPAN_LITERAL(""), NULL },
		{ "V04 absent", { NULL, 0 }, NULL },
		{ "V04 dot", SPAN_LITERAL("8d-3trx.eag"), NULL },
		{ "V04 NUL", SPAN_LITERAL("8d-3trx3eag\0"), NULL },
		{ "V04 8-bit",
		  SPAN_LITERAL("8d-3tr\xf8"
		               "3eag"),
		  NULL },
		{ "V04 underscore", SPAN_LITERAL("8d-3tr_3eag"), NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct orgid id;
		memset(&id, 0, sizeof id);
		ok(verp_decode_label(cases[i].label, &id) == (cases[i].org != NULL), "label: %s", cases[i].id);
		is_text(id.text, cases[i].org ? cases[i].org : "", cases[i].id);
	}
	struct orgid id;
	struct span good = SPAN_LITERAL("8d-3trx3eag");
	struct span bad = SPAN_LITERAL("gpawymg");
	bool borrowed = verp_decode_label(good, &id) && verp_decode_label(bad, &id);
	ok(!borrowed, "a label that is refused does not borrow from the one before");
}

static struct set *bounce_domains(struct arena *arena)
{
	static const char *const patterns[] = { "*.bnc.salesforce.com", "*.bnc.sandbox.salesforce.com",
		                                    "bounce.example.com" };
	struct set *set = set_new(arena, SET_NOCASE);
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		pattern_add(set, span_of(patterns[i]));
	return set;
}

#define POD ".um8.bnc.salesforce.com"
#define OTHER "gl-fp7yhuaz"
#define MINE "8d-3trx3eag"

static void test_domain(void)
{
	static const struct {
		const char *id;
		const char *domain;
		enum verp_status status;
		const char *org;
	} cases[] = {
		{ "V06 S4", "xqfk2ane5qjq38ec.gpawymg.8d-3trx3eag.um8.bnc.salesforce.com", VERP_OK, "00D8d000003TRx3EAG" },
		{ "V06 S1", "mmh2xurvokdh.a-hu5amac.na63.bnc.salesforce.com", VERP_OK, "00DA0000000Hu5aMAC" },
		{ "V06 S3", "5hnj2mufr87e4htv.z8av9w6ga66ox18b.61bv18b.4x-4z0h4eai.na150.bnc.salesforce.com", VERP_OK,
		  "00D4x000004z0H4EAI" },
		{ "V06 S8", "zihu5s1p6odwjt9p.s3cycftqbacrhjk9.hf76qay.3-1ffzneao.na45.bnc.salesforce.com", VERP_OK,
		  "00D30000001FFZnEAO" },
		{ "V06 S9", "ilrf8r9v3xuk.gl-fp7yhuaz.can98.bnc.salesforce.com", VERP_OK, "00DgL00000Fp7YHUAZ" },
		{ "V06 upper case", "X.8D-3TRX3EAG.UM8.BNC.SALESFORCE.COM", VERP_OK, "00D8d000003TRx3EAG" },
		{ "V06 usa pod", "x.8d-3trx3eag.usa1012s.bnc.salesforce.com", VERP_OK, "00D8d000003TRx3EAG" },
		{ "V06 no label before", MINE POD, VERP_OK, "00D8d000003TRx3EAG" },
		{ "V04 sandbox", "x." MINE ".um8.bnc.sandbox.salesforce.com", VERP_OK, "00D8d000003TRx3EAG" },
		{ "V01", "x." OTHER POD, VERP_OK, "00DgL00000Fp7YHUAZ" },
		{ "V02", "x." MINE "." OTHER POD, VERP_OK, "00DgL00000Fp7YHUAZ" },
		{ "V02 before an opaque label", "x." MINE ".gpawymg" POD, VERP_UNDECODABLE, NULL },
		{ "V02 as pod", "x." MINE ".bnc.salesforce.com", VERP_UNDECODABLE, NULL },
		{ "V03", "x.8d-3trx3eah" POD, VERP_UNDECODABLE, NULL },
		{ "V04 opaque", "x.gpawymg" POD, VERP_UNDECODABLE, NULL },
		{ "V04 pod alone", "um8.bnc.salesforce.com", VERP_UNDECODABLE, NULL },
		{ "V04 exact pattern", "bounce.example.com", VERP_UNDECODABLE, NULL },
		{ "V04 bare", "bnc.salesforce.com", VERP_NOT_BOUNCE, NULL },
		{ "V05 glued", "x." MINE ".um8.evilbnc.salesforce.com", VERP_NOT_BOUNCE, NULL },
		{ "V05 below evil", "x." MINE POD ".evil.example", VERP_NOT_BOUNCE, NULL },
		{ "V05 other parent", "x." MINE ".um8.bnc.salesforce.com.example", VERP_NOT_BOUNCE, NULL },
		{ "trailing dot", "x." MINE POD ".", VERP_NOT_BOUNCE, NULL },
		{ "empty label", MINE "..um8.bnc.salesforce.com", VERP_NOT_BOUNCE, NULL },
		{ "org of the customer", "example.com", VERP_NOT_BOUNCE, NULL },
		{ "null sender", NULL, VERP_NOT_BOUNCE, NULL },
	};
	struct arena arena;
	arena_init(&arena, 0);
	struct set *set = bounce_domains(&arena);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mailbox sender = { span_of("a=example.com__0-1"), span_of(cases[i].domain), span_of("unused") };
		struct verp verp;
		memset(&verp, 0xff, sizeof verp);
		ok(verp_decode(&sender, set, &arena, &verp) == cases[i].status, "domain: %s", cases[i].id);
		is_text(verp.org.text, cases[i].org ? cases[i].org : "", cases[i].id);
		ok(verp.has_author == (cases[i].status == VERP_OK), "author: %s", cases[i].id);
	}
	struct mailbox sender = { span_of("a"), span_of("x." MINE POD), span_of("unused") };
	struct verp verp;
	ok(verp_decode(&sender, NULL, &arena, &verp) == VERP_NOT_BOUNCE, "no bounce domain");
	struct set *several = set_new(&arena, SET_NOCASE);
	pattern_add(several, span_of("*.salesforce.com"));
	ok(verp_decode(&sender, several, &arena, &verp) == VERP_UNDECODABLE, "counted from the pattern's domain");
	pattern_add(several, span_of("*.bnc.salesforce.com"));
	ok(verp_decode(&sender, several, &arena, &verp) == VERP_OK, "the most specific pattern counts");
	arena_clear(&arena);
}

static void test_author(void)
{
	static const struct {
		const char *id;
		struct span local_part;
		const char *local; /* NULL: no author */
		const char *domain;
	} cases[] = {
		{ "S1", SPAN_LITERAL("support=akamai.com__9m4vlv27x6v0rxwe"), "support", "akamai.com" },
		{ "S4", SPAN_LITERAL("info=emjtpisc.com__0-1r12zvjmnf8rqu.l9azxrxo3x5g2pzm"), "info", "emjtpisc.com" },
		{ "upper case", SPAN_LITERAL("Info=EMJTPISC.com__0-1R"), "Info", "emjtpisc.com" },
		{ "equals in the local part", SPAN_LITERAL("a=b=example.com__tok"), "a=b", "example.com" },
		{ "underscores in the local part", SPAN_LITERAL("a__b=example.com__tok"), "a__b", "example.com" },
		{ "both, made to look like ours", SPAN_LITERAL("me=ours.example__tok=evil.example__tok"),
		  "me=ours.example__tok", "evil.example" },
		{ "no second guess", SPAN_LITERAL("me=ours.example__tok=evil_x.example__tok"), "me=ours.example__tok",
		  "evil_x.example" },
		{ "domain that ends early", SPAN_LITERAL("me=ours.example__x.evil.example__tok"), "me",
		  "ours.example__x.evil.example" },
		{ "underscore in the domain", SPAN_LITERAL("me=ours_x.example__tok"), "me", "ours_x.example" },
		{ "three underscores", SPAN_LITERAL("me=ours.example___tok"), "me", "ours.example_" },
		{ "one underscore", SPAN_LITERAL("me=ours.example_tok"), NULL, NULL },
		{ "three underscores and no domain", SPAN_LITERAL("me=___tok"), "me", "_" },
		{ "one underscore before the token", SPAN_LITERAL("me=ours_x.example_tok"), NULL, NULL },
		{ "underscore at the end", SPAN_LITERAL("me=ours.example_"), NULL, NULL },
		{ "no token", SPAN_LITERAL("me=ours.example__"), NULL, NULL },
		{ "no separator", SPAN_LITERAL("me=ours.example"), NULL, NULL },
		{ "odd token", SPAN_LITERAL("me=ours.example__a b"), NULL, NULL },
		{ "token with NUL", SPAN_LITERAL("me=ours.example__a\0"), NULL, NULL },
		{ "no local part", SPAN_LITERAL("=ours.example__tok"), NULL, NULL },
		{ "no domain", SPAN_LITERAL("me=__tok"), NULL, NULL },
		{ "trailing dot", SPAN_LITERAL("me=ours.example.__tok"), NULL, NULL },
		{ "two dots", SPAN_LITERAL("me=ours..example__tok"), NULL, NULL },
		{ "literal", SPAN_LITERAL("me=[192.0.2.1]__tok"), NULL, NULL },
		{ "U-label",
		  SPAN_LITERAL("me=b\xc3\xbc"
		               "cher.example__tok"),
		  NULL, NULL },
		{ "no equals", SPAN_LITERAL("bounce"), NULL, NULL },
		{ "equals alone", SPAN_LITERAL("="), NULL, NULL },
		{ "empty", SPAN_LITERAL(""), NULL, NULL },
		{ "absent", { NULL, 0 }, NULL, NULL },
	};
	struct arena arena;
	arena_init(&arena, 0);
	struct set *set = bounce_domains(&arena);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mailbox sender = { cases[i].local_part, span_of("x." MINE POD), span_of("unused") };
		struct verp verp;
		ok(verp_decode(&sender, set, &arena, &verp) == VERP_OK, "author: %s", cases[i].id);
		ok(verp.has_author == (cases[i].local != NULL), "author told: %s", cases[i].id);
		is_span(verp.author_local, span_of(cases[i].local), cases[i].id);
		is_span(verp.author_domain, span_of(cases[i].domain), cases[i].id);
	}
	ok(!arena_failed(&arena), "no memory was short");
	arena_clear(&arena);
}

static void test_no_memory(void)
{
	struct arena arena;
	struct arena short_of;
	arena_init(&arena, 0);
	arena_init(&short_of, 1);
	struct set *set = bounce_domains(&arena);
	struct mailbox sender = { span_of("a=example.com__0-1"), span_of("x." MINE POD), span_of("unused") };
	struct verp verp;
	ok(verp_decode(&sender, set, &short_of, &verp) == VERP_UNSET, "without memory nothing is decoded");
	ok(!verp.has_author && verp.org.text[0] == '\0' && arena_failed(&short_of), "and the arena is marked");
	arena_clear(&short_of);
	arena_clear(&arena);
}

int main(void)
{
	test_label();
	test_domain();
	test_author();
	test_no_memory();
	return done_testing();
}
