/* SPDX-License-Identifier: BSD-2-Clause */
/* idn: domains to A-labels. */
#include "evidence/idn.h"
#include "tap.h"

static void test_table(void)
{
	static const struct {
		struct span domain;
		const char *ascii; /* NULL: there is none */
	} cases[] = {
		{ SPAN_LITERAL("example.com"), "example.com" },
		{ SPAN_LITERAL("EXAMPLE.Com"), "example.com" },
		{ SPAN_LITERAL("b\303\274cher.example"), "xn--bcher-kva.example" },
		{ SPAN_LITERAL("B\303\234CHER.example"), "xn--bcher-kva.example" },
		{ SPAN_LITERAL("stra\303\237e.example"), "xn--strae-oqa.example" }, /* non-transitional: not "strasse" */
		{ SPAN_LITERAL("xn--bcher-kva.example"), "xn--bcher-kva.example" },
		{ SPAN_LITERAL("XN--BCHER-KVA.example"), "xn--bcher-kva.example" },
		{ SPAN_LITERAL("xn--bcher-kva.b\303\274cher.Example"), "xn--bcher-kva.xn--bcher-kva.example" },
		{ SPAN_LITERAL("\320\237\320\240\320\230\320\234\320\225\320\240.example"),
		  "xn--e1afmkfd.example" },                                                 /* capitals */
		{ SPAN_LITERAL("\316\243\316\221\317\203.example"), "xn--mxa9ab.example" }, /* Sigma and small sigma */
		{ SPAN_LITERAL(""), NULL },
		{ SPAN_LITERAL("\377\376.example"), NULL }, /* not UTF-8 */
		{ SPAN_LITERAL("\303.example"), NULL },
		{ SPAN_LITERAL("b\303\274cher\0.example"), NULL },
		{ SPAN_LITERAL("b\303\274 cher.example"), NULL },
		{ SPAN_LITERAL("b\303\274_cher.example"), NULL },
		{ SPAN_LITERAL("xn--\303\274.example"), NULL },
		{ SPAN_LITERAL("a\342\200\213\303\274b..example"), NULL }, /* an empty label */
		/* D10: what the mapping changes beyond case. */
		{ SPAN_LITERAL("\357\274\245xample.com"), NULL },            /* full-width E */
		{ SPAN_LITERAL("\357\275\205xample.com"), NULL },            /* full-width e */
		{ SPAN_LITERAL("example\343\200\202com"), NULL },            /* ideographic full stop */
		{ SPAN_LITERAL("example\357\274\216com"), NULL },            /* full-width full stop */
		{ SPAN_LITERAL("b\303\274cher\357\275\241example"), NULL },  /* half-width full stop */
		{ SPAN_LITERAL("exam\342\200\213ple.com"), NULL },           /* zero-width space */
		{ SPAN_LITERAL("\342\200\213example.com"), NULL },           /* in front */
		{ SPAN_LITERAL("example.com\342\200\213"), NULL },           /* at the end */
		{ SPAN_LITERAL("example.\342\200\213.com"), NULL },          /* instead of a label */
		{ SPAN_LITERAL("b\303\274ch\342\200\213er.example"), NULL }, /* beside a U-label */
		{ SPAN_LITERAL("exam\302\255ple.com"), NULL },               /* soft hyphen */
		{ SPAN_LITERAL("exam\342\200\215ple.com"), NULL },           /* zero-width joiner */
		{ SPAN_LITERAL("exam\342\201\240ple.com"), NULL },           /* word joiner */
		{ SPAN_LITERAL("exam\357\273\277ple.com"), NULL },           /* byte order mark */
		{ SPAN_LITERAL("exam\357\270\217ple.com"), NULL },           /* variation selector */
		{ SPAN_LITERAL("\342\204\252example.com"), NULL },           /* Kelvin sign */
		{ SPAN_LITERAL("\342\204\253b.example"), NULL },             /* Angstrom sign */
		{ SPAN_LITERAL("e\305\277ample.com"), NULL },                /* long s */
		{ SPAN_LITERAL("\342\223\224xample.com"), NULL },            /* circled e */
		{ SPAN_LITERAL("\360\235\220\236xample.com"), NULL },        /* mathematical e */
		{ SPAN_LITERAL("o\357\254\203ce.example"), NULL },           /* ligature ffi */
		{ SPAN_LITERAL("example\302\262.com"), NULL },               /* superscript two */
		{ SPAN_LITERAL("bu\314\210cher.example"), NULL },            /* u and a combining diaeresis */
		{ SPAN_LITERAL("stra\341\272\236e.example"), NULL },         /* capital sharp s: ss to some */
		{ SPAN_LITERAL("\304\260b.example"), NULL },                 /* I with a dot */
	};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[32];
		snprintf(name, sizeof name, "case %zu", i);
		is_span(domain_comparable(&arena, idn_to_ascii, cases[i].domain), span_of(cases[i].ascii), name);
	}
	arena_clear(&arena);
}

static void test_length(void)
{
	char text[2000];
	char ascii[DOMAIN_LENGTH_MAX + 1];
	for (size_t i = 0; i + 1 < sizeof text; i += 2)
		memcpy(text + i, "\303\274", 2);
	ok(!idn_to_ascii(span_make(text, 128), ascii), "a label that is too long");
	ok(!idn_to_ascii(span_make(text, sizeof text), ascii), "a text that is too long");
	for (size_t i = 8; i < sizeof text; i += 9)
		text[i] = '.';
	ok(!idn_to_ascii(span_make(text, 900), ascii), "a domain that is too long");
}

int main(void)
{
	test_table();
	test_length();
	return done_testing();
}
