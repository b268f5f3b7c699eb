/* SPDX-License-Identifier: BSD-2-Clause */
/* orgdomain: relations of domains, with the traps of a public suffix list. */
#include "evidence/orgdomain.h"
#include "tap.h"

static const char *const relation_names[] = { "none", "organization", "parent", "equal" };

static void test_find(const struct orgdomain *orgdomain)
{
	static const struct {
		const char *domain;
		const char *found; /* NULL: none */
	} cases[] = {
		{ "example.com", "example.com" },
		{ "a.b.Example.COM", "Example.COM" },
		{ "a.example.co.uk", "example.co.uk" },
		{ "A.B.CO.UK", "B.CO.UK" },
		{ "a.www.ck", "www.ck" },
		{ "b.c.ck", "b.c.ck" },
		{ "c.ck", NULL },
		{ "x.blogspot.com", "x.blogspot.com" },
		{ "a.example.test", "example.test" },
		{ "test", NULL },
		{ "com", NULL },
		{ "CO.UK", NULL },
		{ "blogspot.com", NULL },
		{ "localhost", NULL },
		{ "example.com.", NULL },
		{ "a..co.uk", NULL },
		{ ".com", NULL },
		{ "192.0.2.1", NULL },
		{ "[192.0.2.1]", NULL },
		{ "a_b.com", "a_b.com" },
		{ "x.a_b.com", "a_b.com" },
		{ "_x.example.com", "example.com" },
		{ "b\xc3\xbc"
		  "cher.example",
		  NULL },
		{ "sfcustomeremail.com", NULL },
		{ "00Dx.SFcustomeremail.com", "00Dx.SFcustomeremail.com" },
		{ "a.00Dx.sfcustomeremail.com", "00Dx.sfcustomeremail.com" },
		{ "x.evilsfcustomeremail.com", "evilsfcustomeremail.com" },
		{ "", NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_span(orgdomain_find(orgdomain, span_of(cases[i].domain)), span_of(cases[i].found), cases[i].domain);
	ok(span_absent(orgdomain_find(orgdomain, span_make("a.com\0.org", 10))), "a NUL byte");
	ok(span_absent(orgdomain_find(orgdomain, span_make(NULL, 0))), "absent");
}

static void test_relation(const struct orgdomain *orgdomain)
{
	static const struct {
		const char *signer;
		const char *author;
		enum relation relation;
	} cases[] = {
		{ "example.com", "example.com", RELATION_EQUAL },
		{ "Example.com", "eXample.COM", RELATION_EQUAL },
		{ "example.com", "mail.example.com", RELATION_PARENT },
		{ "mail.example.com", "a.b.mail.example.com", RELATION_PARENT },
		{ "EXAMPLE.com", "mail.example.COM", RELATION_PARENT },
		{ "mail.example.com", "example.com", RELATION_ORGANIZATION },
		{ "a.example.com", "b.example.com", RELATION_ORGANIZATION },
		{ "example.co.uk", "a.example.co.uk", RELATION_PARENT },
		{ "co.uk", "example.co.uk", RELATION_NONE },
		{ "com", "example.com", RELATION_NONE },
		{ "sfcustomeremail.com", "a.sfcustomeremail.com", RELATION_NONE },
		{ "b.sfcustomeremail.com", "a.sfcustomeremail.com", RELATION_NONE },
		{ "a.sfcustomeremail.com", "x.a.sfcustomeremail.com", RELATION_PARENT },
		{ "uk", "example.co.uk", RELATION_NONE },
		{ "other.co.uk", "example.co.uk", RELATION_NONE },
		{ "evil.com", "x.com", RELATION_NONE },
		{ "evil.co", "t.co", RELATION_NONE },
		{ "evil.co.uk", "a.co.uk", RELATION_NONE },
		{ "evilexample.com", "example.com", RELATION_NONE },
		{ "example.com.evil.test", "example.com", RELATION_NONE },
		{ "xample.com", "example.com", RELATION_NONE },
		{ "blogspot.com", "a.blogspot.com", RELATION_NONE },
		{ "a.blogspot.com", "b.blogspot.com", RELATION_NONE },
		{ "blogspot.com", "blogspot.com", RELATION_EQUAL },
		{ "test", "a.test", RELATION_NONE },
		{ "a.internal.test", "internal.test", RELATION_ORGANIZATION },
		{ "example.com.", "example.com", RELATION_NONE },
		{ "example.com", "example.com.", RELATION_NONE },
		{ "192.0.2.1", "192.0.2.1", RELATION_NONE },
		{ "9.0.2.1", "192.0.2.1", RELATION_NONE },
		{ "", "", RELATION_NONE },
		{ "example.com", "", RELATION_NONE },
		{ NULL, NULL, RELATION_NONE },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum relation relation = orgdomain_relation(orgdomain, span_of(cases[i].signer), span_of(cases[i].author));
		ok(relation == cases[i].relation, "%s for %s: %s", cases[i].signer ? cases[i].signer : "(absent)",
		   cases[i].author ? cases[i].author : "(absent)", relation_names[relation]);
	}
}

static void test_near(void)
{
	static const struct {
		const char *a;
		const char *b;
		bool near;
	} cases[] = {
		{ "example.com", "example.com", true },
		{ "a.Example.com", "b.example.COM", true },
		{ "a.co.uk", "b.co.uk", true },
		{ "example.com", "other.com", false },
		{ "xexample.com", "example.com", false },
		{ "example.com", "xexample.com", false },
		{ "com", "com", false },
		{ "com", "example.com", false },
		{ "example.com.", "example.com", false },
		{ "", "", false },
		{ "a.b.example.com", "example.com", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ok(domain_near(span_of(cases[i].a), span_of(cases[i].b)) == cases[i].near, "%s near %s", cases[i].a,
		   cases[i].b);
}

static void test_public(const struct orgdomain *orgdomain)
{
	static const struct {
		const char *domain;
		bool public;
	} cases[] = {
		{ "com", true },
		{ "co.uk", true },
		{ "CO.UK", true },
		{ "blogspot.com", true },
		{ "example.com", false },
		{ "test", false },
		{ "internal", false },
		{ "sfcustomeremail.com", true },
		{ "a.sfcustomeremail.com", false },
		{ "salesforce.com", false },
		{ "", false },
		{ "com.", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ok(orgdomain_is_public(orgdomain, span_of(cases[i].domain)) == cases[i].public,
		   "anybody can be below \"%s\": %d", cases[i].domain, cases[i].public);
}

int main(void)
{
	test_near();
	struct orgdomain *orgdomain = orgdomain_new();
	ok(orgdomain != NULL, "there is a list");
	if (orgdomain) {
		test_find(orgdomain);
		test_relation(orgdomain);
		test_public(orgdomain);
	}
	orgdomain_free(orgdomain);
	orgdomain_free(NULL);
	return done_testing();
}
