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
		{ SPAN_LITERAL("bu\314\210cher.example"), "xn--bcher-kva.example" },   /* u and a combining diaeresis */
		{ SPAN_LITERAL("stra\303\237e.example"), "xn--strae-oqa.example" },    /* non-transitional: not "strasse" */
		{ SPAN_LITERAL("xn--bcher-kva.example"), "xn--bcher-kva.example" },
		{ SPAN_LITERAL("\357\274\245xample.com"), "example.com" },             /* full-width E */
		{ SPAN_LITERAL("example\343\200\202com"), "example.com" },             /* ideographic full stop */
		{ SPAN_LITERAL(""), NULL },
		{ SPAN_LITERAL("\377\376.example"), NULL },                            /* not UTF-8 */
		{ SPAN_LITERAL("\303.example"), NULL },
		{ SPAN_LITERAL("b\303\274cher\0.example"), NULL },
		{ SPAN_LITERAL("b\303\274 cher.example"), NULL },
		{ SPAN_LITERAL("b\303\274_cher.example"), NULL },
		{ SPAN_LITERAL("xn--\303\274.example"), NULL },
		{ SPAN_LITERAL("a\342\200\213\303\274b..example"), NULL },             /* an empty label */
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char ascii[DOMAIN_LENGTH_MAX + 1] = "";
		/* Whoever asks checks the answer in turn. */
		bool found = idn_to_ascii(cases[i].domain, ascii) && domain_valid(span_of(ascii));
		ok(cases[i].ascii ? found && strcmp(ascii, cases[i].ascii) == 0 : !found, "case %zu: %s \"%s\"", i,
		   found ? "found" : "none", found ? ascii : "");
	}
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
