/* SPDX-License-Identifier: BSD-2-Clause */
/* certname: the macros of Postfix and Sendmail as they really come. Ids are those of the attack catalogue. */
#include "core/certname.h"
#include "tap.h"

static void test_decode(void)
{
	static const struct {
		const char *id;
		struct span value;
		struct span want;
	} cases[] = {
		{ "plain", SPAN_LITERAL("smtp-out.sfdc.test"), SPAN_LITERAL("smtp-out.sfdc.test") },
		{ "bytes", SPAN_LITERAL("Zo+C3+AB+20+28a+2Bb+29+20+3Cx+3E"), SPAN_LITERAL("Zo\xc3\xab (a+b) <x>") },
		{ "lower-case hex", SPAN_LITERAL("+c3+aB+fF+0a+99"), SPAN_LITERAL("\xc3\xab\xff\n\x99") },
		{ "plus decoded once", SPAN_LITERAL("+2B41"), SPAN_LITERAL("+41") },
		{ "C05 NUL", SPAN_LITERAL("a+00.evil"), SPAN_LITERAL("a\0.evil") },
		{ "empty", SPAN_LITERAL(""), SPAN_LITERAL("") },
		{ "absent", { NULL, 0 }, { NULL, 0 } },
		{ "at the end", SPAN_LITERAL("a+2E"), SPAN_LITERAL("a.") },
		{ "plus alone", SPAN_LITERAL("+"), { NULL, 0 } },
		{ "one digit", SPAN_LITERAL("a+2"), { NULL, 0 } },
		{ "no digit", SPAN_LITERAL("a+zz"), { NULL, 0 } },
		{ "second is none", SPAN_LITERAL("a+2g"), { NULL, 0 } },
		{ "sign", SPAN_LITERAL("++2Ba"), { NULL, 0 } },
	};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_span(certname_decode(cases[i].value, &arena), cases[i].want, cases[i].id);
	ok(!arena_failed(&arena), "no memory was short");
	arena_clear(&arena);
}

static void test_comparable(void)
{
	static const struct {
		const char *id;
		struct span name;
		bool comparable;
	} cases[] = {
		{ "plain", SPAN_LITERAL("smtp07-phx-sp3.mta.salesforce.com"), true },
		{ "C06", SPAN_LITERAL("SMTP07-PHX-SP3.MTA.SALESFORCE.COM"), true },
		{ "C10", SPAN_LITERAL("smtp-0a.core2.sfdc-lywfpd.mta.salesforce.com"), true },
		{ "C05", SPAN_LITERAL("smtp07.mta.salesforce.com\0.evil.example"), false },
		{ "C05 at the end", SPAN_LITERAL("smtp07.mta.salesforce.com\0"), false },
		{ "C07 dot", SPAN_LITERAL("smtp07.mta.salesforce.com."), false },
		{ "C07 space before", SPAN_LITERAL(" smtp07.mta.salesforce.com"), false },
		{ "C07 space behind", SPAN_LITERAL("smtp07.mta.salesforce.com "), false },
		{ "C04 dot before", SPAN_LITERAL(".mta.salesforce.com"), false },
		{ "C08", SPAN_LITERAL("/O=x/CN=smtp07.mta.salesforce.com"), false },
		{ "C09", SPAN_LITERAL("*"), false },
		{ "C09 top", SPAN_LITERAL("*.com"), false },
		{ "C09 literal", SPAN_LITERAL("*.mta.salesforce.com"), false },
		{ "C09 partial", SPAN_LITERAL("smtp*.mta.salesforce.com"), false },
		{ "C12 U-label", SPAN_LITERAL("smtp07.mta.sal\xd0\xb5sforce.com"), false },
		{ "C12 BMPString", SPAN_LITERAL("\0s\0m\0t\0p\0.\0c\0o\0m"), false },
		{ "address", SPAN_LITERAL("13.110.14.214"), false },
		{ "empty", SPAN_LITERAL(""), false },
		{ "absent", { NULL, 0 }, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ok(certname_comparable(cases[i].name) == cases[i].comparable, "comparable: %s", cases[i].id);
}

#define HOST "smtp07-phx-sp3.mta.salesforce.com"
#define SUBJECT "/C=US/O=Salesforce,+20Inc./CN=" HOST
#define ISSUER "/C=US/O=DigiCert/CN=Test+20Root+20CA"

static const struct {
	const char *id;
	enum mta mta;
	struct {
		const char *cert_subject;
		const char *cn_subject;
		const char *cert_issuer;
		const char *cn_issuer;
		const char *cert_verify;
	} macros; /* NULL: not sent */
	bool presented;
	bool verified;
	const char *name; /* NULL: absent */
	const char *issuer;
} reads[] = {
	{ "C01 Postfix", MTA_POSTFIX, { NULL, NULL, NULL, NULL, NULL }, false, false, NULL, NULL },
	{ "Postfix trusted", MTA_POSTFIX, { HOST, NULL, "Test Root CA", NULL, NULL }, true, true, HOST, "Test Root CA" },
	{ "Postfix no CN", MTA_POSTFIX, { "", NULL, "Test Root CA", NULL, NULL }, true, true, NULL, "Test Root CA" },
	{ "Postfix no issuer name", MTA_POSTFIX, { HOST, NULL, "", NULL, NULL }, true, true, HOST, NULL },
	{ "C03 no issuer", MTA_POSTFIX, { HOST, NULL, NULL, NULL, NULL }, true, false, HOST, NULL },
	{ "Postfix is not decoded",
	  MTA_POSTFIX,
	  { "Zo\xc3\xab +20<x>", NULL, "A+B", NULL, NULL },
	  true,
	  true,
	  "Zo\xc3\xab +20<x>",
	  "A+B" },
	{ "Postfix: what Sendmail sends", MTA_POSTFIX, { NULL, HOST, NULL, "CA", "OK" }, false, false, NULL, NULL },
	{ "C01 Sendmail plain", MTA_SENDMAIL, { NULL, NULL, NULL, NULL, NULL }, false, false, NULL, NULL },
	{ "C01 Sendmail TLS", MTA_SENDMAIL, { "", "", "", "", "NO" }, false, false, NULL, NULL },
	{ "C01 Sendmail not asked", MTA_SENDMAIL, { "", "", "", "", "NOT" }, false, false, NULL, NULL },
	{ "Sendmail trusted",
	  MTA_SENDMAIL,
	  { SUBJECT, HOST, ISSUER, "Test+20Root+20CA", "OK" },
	  true,
	  true,
	  HOST,
	  "Test Root CA" },
	{ "Sendmail without cn_issuer", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, NULL, "OK" }, true, true, HOST, ISSUER },
	{ "Sendmail issuer without CN",
	  MTA_SENDMAIL,
	  { SUBJECT, HOST, "/O=DigiCert", "BadCertificateUnknown", "OK" },
	  true,
	  true,
	  HOST,
	  "/O=DigiCert" },
	{ "issuer with NUL",
	  MTA_SENDMAIL,
	  { SUBJECT, HOST, ISSUER, "BadCertificateContainsNUL", "OK" },
	  true,
	  true,
	  HOST,
	  NULL },
	{ "issuer too long",
	  MTA_SENDMAIL,
	  { SUBJECT, HOST, ISSUER, "BadCertificateTooLong", "OK" },
	  true,
	  true,
	  HOST,
	  NULL },
	{ "issuer malformed", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, "Test+2", "OK" }, true, true, HOST, NULL },
	{ "UTF-8",
	  MTA_SENDMAIL,
	  { SUBJECT, "Zo+C3+AB+20+28a+2Bb+29", ISSUER, "CA", "OK" },
	  true,
	  true,
	  "Zo\xc3\xab (a+b)",
	  "CA" },
	{ "C02 failed", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, "CA", "FAIL" }, true, false, HOST, "CA" },
	{ "C02 verify not sent", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, "CA", NULL }, true, false, HOST, "CA" },
	{ "C02 verify empty", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, "CA", "" }, true, false, HOST, "CA" },
	{ "C02 verify in lower case", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, "CA", "ok" }, true, false, HOST, "CA" },
	{ "C02 verify with more", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, "CA", "OK " }, true, false, HOST, "CA" },
	{ "C02 DANE", MTA_SENDMAIL, { SUBJECT, HOST, ISSUER, "CA", "TRUSTED" }, true, false, HOST, "CA" },
	{ "C02 verify alone", MTA_SENDMAIL, { NULL, NULL, NULL, NULL, "FAIL" }, true, false, NULL, NULL },
	{ "C05 stand-in",
	  MTA_SENDMAIL,
	  { SUBJECT, "BadCertificateContainsNUL", ISSUER, "CA", "OK" },
	  true,
	  true,
	  NULL,
	  "CA" },
	{ "no CN", MTA_SENDMAIL, { "/C=US", "BadCertificateUnknown", ISSUER, "CA", "OK" }, true, true, NULL, "CA" },
	{ "CN too long", MTA_SENDMAIL, { SUBJECT, "BadCertificateTooLong", ISSUER, "CA", "OK" }, true, true, NULL, "CA" },
	{ "another stand-in",
	  MTA_SENDMAIL,
	  { SUBJECT, "badcertificate+4Dore", ISSUER, "CA", "OK" },
	  true,
	  true,
	  NULL,
	  "CA" },
	{ "a host called so",
	  MTA_SENDMAIL,
	  { SUBJECT, "BadCertificate.example", ISSUER, "CA", "OK" },
	  true,
	  true,
	  "BadCertificate.example",
	  "CA" },
	{ "malformed CN", MTA_SENDMAIL, { SUBJECT, HOST "+0", ISSUER, "CA", "OK" }, true, true, NULL, "CA" },
	{ "C08 the DN is not read", MTA_SENDMAIL, { "/O=x/CN=" HOST, NULL, ISSUER, "CA", "OK" }, true, true, NULL, "CA" },
	{ "C08 CN evil",
	  MTA_SENDMAIL,
	  { "/O=x/CN=" HOST "/CN=evil.example", "evil.example", ISSUER, "CA", "OK" },
	  true,
	  true,
	  "evil.example",
	  "CA" },
	{ "unknown MTA like Postfix", MTA_UNKNOWN, { HOST, NULL, "CA", NULL, NULL }, true, false, NULL, "CA" },
	{ "unknown MTA like Sendmail", MTA_UNKNOWN, { SUBJECT, HOST, ISSUER, "CA", "OK" }, true, true, HOST, "CA" },
};

static void test_read(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
		struct certificate_macros macros = {
			.cert_subject = span_of(reads[i].macros.cert_subject),
			.cn_subject = span_of(reads[i].macros.cn_subject),
			.cert_issuer = span_of(reads[i].macros.cert_issuer),
			.cn_issuer = span_of(reads[i].macros.cn_issuer),
			.cert_verify = span_of(reads[i].macros.cert_verify),
		};
		struct certificate certificate;
		memset(&certificate, 0xff, sizeof certificate);
		ok(certificate_read(reads[i].mta, &macros, &arena, &certificate), "read: %s", reads[i].id);
		ok(certificate.presented == reads[i].presented, "presented: %s", reads[i].id);
		ok(certificate.verified == reads[i].verified, "verified: %s", reads[i].id);
		is_span(certificate.name, span_of(reads[i].name), reads[i].id);
		is_span(certificate.issuer, span_of(reads[i].issuer), reads[i].id);
	}
	struct certificate_macros nul = { .cn_subject = SPAN_LITERAL(HOST "+00.evil.example"),
		                              .cert_verify = SPAN_LITERAL("OK") };
	struct certificate certificate;
	ok(certificate_read(MTA_SENDMAIL, &nul, &arena, &certificate) && certificate.verified, "C05 is read");
	is_span(certificate.name, span_make(HOST "\0.evil.example", sizeof HOST "\0.evil.example" - 1),
	        "C05 keeps its length");
	ok(!certname_comparable(certificate.name), "C05 is compared with nothing");
	arena_clear(&arena);
}

static void test_no_memory(void)
{
	static const enum mta mtas[] = { MTA_POSTFIX, MTA_SENDMAIL, MTA_UNKNOWN };
	struct certificate_macros macros = {
		.cert_subject = SPAN_LITERAL(HOST),
		.cn_subject = SPAN_LITERAL(HOST),
		.cert_issuer = SPAN_LITERAL("CA"),
		.cn_issuer = SPAN_LITERAL("CA"),
		.cert_verify = SPAN_LITERAL("OK"),
	};
	for (size_t i = 0; i < sizeof mtas / sizeof mtas[0]; i++) {
		struct arena arena;
		arena_init(&arena, 1);
		struct certificate certificate;
		ok(!certificate_read(mtas[i], &macros, &arena, &certificate), "no memory, %s", mta_name(mtas[i]));
		ok(!certificate.presented && !certificate.verified && span_absent(certificate.name), "nothing is verified");
		arena_clear(&arena);
	}
}

int main(void)
{
	test_decode();
	test_comparable();
	test_read();
	test_no_memory();
	return done_testing();
}
