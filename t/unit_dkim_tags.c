/* SPDX-License-Identifier: BSD-2-Clause */
/* dkim_tags: DKIM-Signature fields and key records, valid ones and every way to write them badly. */
#include <stdlib.h>

#include "core/dkim_tags.h"
#include "tap.h"

#define KEY_512                                                                                                        \
	"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL2iQDDtf9o9jW1H6rPI6I89aZ1CBSV4y7PwS4IZdyWoDSH3fZA+c91PylgK7qsPfJhF"             \
	"xQyWUJqSw9lV/oZ61B0CAwEAAQ=="
#define KEY_1023                                                                                                       \
	"MIGeMA0GCSqGSIb3DQEBAQUAA4GMADCBiAKBgF6/nu5Zb56KlfpHJkPtPk1anjacLrsFe/+oLoGVqwL6VzaP4BxUSx4ye50j2hpW"             \
	"rWIGp3bj3Ifkd72Yrzd/9pTdZCUD0X/Xb7ATTLEcrGIL9ApvGJlslpuQ3lYRacmMx6xI0bDbVQqadFeXFNUBQAGsvPclOjSG+Jx5"             \
	"/cHrMwgnAgMBAAE="
#define KEY_1024                                                                                                       \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC9pJX4G3Do00R9NcfSL4za3jLAVjx88ncO1Lp/aM1VSCQLvs53RsITmCuaMilJ"             \
	"bz7t0Z7CXIuVdeKRbkQjc2CKSetyV/Sw6y9LyjVk/dnHKuAO4GTmN3W9gDZoSoT36Zps9zw3rydEoc5ku9DsbI2aCq23HxaHd4gR"             \
	"LkosKckXXQIDAQAB"
#define KEY_ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

#define B "AAAA"
#define BH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define GOOD "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=" B

/* A text as one line of the test's output. */
static const char *shown(const char *text)
{
	static char line[400];
	size_t i = 0;
	for (; text[i] && i < sizeof line - 1; i++)
		line[i] = (char)(text[i] >= ' ' && text[i] < 0x7f && text[i] != '#' ? text[i] : '.');
	line[i] = '\0';
	return line;
}

static void test_split(void)
{
	static const struct {
		const char *text;
		bool good;
		size_t count;
	} cases[] = {
		{ "a=1", true, 1 },          { " a = 1 ; b=2 ; ", true, 2 },
		{ "a=", true, 1 },           { "a=;b=", true, 2 },
		{ "a=1;\r\n b=2", true, 2 }, { "a=1;\n\tb=2", true, 2 },
		{ "a=x y=z", true, 1 },      { "A1_b=1", true, 1 },
		{ "a=! ~", true, 1 },        { "", false, 0 },
		{ ";", false, 0 },           { "a", false, 0 },
		{ "a=1;;b=2", false, 1 },    { "a=1;b", false, 1 },
		{ "a=1;a=1", false, 1 },     { "a=1;A=2", false, 1 },
		{ "1a=1", false, 0 },        { "!a=1", false, 0 },
		{ "a b=1", false, 0 },       { "=1", false, 0 },
		{ "a=1\rb=2", false, 0 },    { "a=1\nb=2", false, 0 },
		{ "a=1\r\nb=2", false, 0 },  { "a=\x01", false, 0 },
		{ "a=\x7f", false, 0 },      { "a=\xc3\xa4", false, 0 },
		{ "a=\v1", false, 0 },
	};
	struct tag_list list;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool good = dkim_tags_split(span_of(cases[i].text), &list);
		ok(good == cases[i].good && list.count == cases[i].count, "split [%s] (%zu)", shown(cases[i].text), list.count);
	}
	ok(!dkim_tags_split(span_make("a=\0001", 4), &list), "NUL");
	ok(!dkim_tags_split(span_make(NULL, 0), &list), "absent");
	dkim_tags_split(span_of("a=1; b= x y "), &list);
	is_span(dkim_tags_find(&list, "b"), span_of("x y"), "the value without the space around it");
	ok(span_absent(dkim_tags_find(&list, "c")) && span_absent(dkim_tags_find(&list, "A")), "names are exact");
}

static void test_many_tags(void)
{
	static char text[DKIM_TAGS_MAX * 8 + 8];
	struct tag_list list;
	size_t length = 0;
	for (int i = 0; i < DKIM_TAGS_MAX; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "t%d=1;", i);
	ok(dkim_tags_split(span_make(text, length), &list) && list.count == DKIM_TAGS_MAX, "as many tags as are allowed");
	snprintf(text + length, sizeof text - length, "x=1");
	ok(!dkim_tags_split(span_of(text), &list), "one more");
}

/* Stands in for the IDNA library. */
static bool fake_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	static const struct {
		const char *unicode;
		const char *ascii;
	} known[] = {
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example" },
		{ "B\xc3\x9c"
		  "CHER.example",
		  "xn--bcher-kva.example" },
		{ "m\xc3\xbc.b\xc3\xbc"
		  "cher.example",
		  "xn--m-xga.xn--bcher-kva.example" },
		{ "ex\xd0\xb0mple.com", "xn--exmple-4nf.com" },
		{ "s\xc3\xa9l.\xc3\xbc", "xn--sl-bja.xn--tda" },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (span_equal(domain, span_of(known[i].unicode))) {
			memcpy(ascii_r, known[i].ascii, strlen(known[i].ascii) + 1);
			return true;
		}
	return false;
}

static void test_signature(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ GOOD, true },
		{ " " GOOD ";", true },
		{ GOOD "; i=@example.com", true },
		{ GOOD "; i=joe@a.Example.com", true },
		{ GOOD "; i=\"a@b\"@example.com", true },
		{ GOOD "; t=1; x=2", true },
		{ GOOD "; t=4102444800", true },
		{ GOOD "; q=dns/txt", true },
		{ GOOD "; q=foo : dns/txt", true },
		{ GOOD "; c=relaxed", true },
		{ GOOD "; c=relaxed/simple", true },
		{ GOOD "; l=0", true },
		{ GOOD "; z=From:a@b|To:c", true },
		{ GOOD "; unknown=x y", true },
		{ "v=1; a=rsa-sha1; d=example.com; s=sel; h=from; bh=AAAA; b=" B, true },
		{ "v=1; a=rsa-sha256; d=EXAMPLE.com; s=a.b_c; h=To : FROM\r\n : x; bh=" BH "; b=AA\r\n AA", true },
		{ "a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=2; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; d=example.com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=; d=example.com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example .com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com.; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=exa(mple.com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=\"example.com\"; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=192.0.2.1; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; D=example.com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=a..b; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=a b; h=from:to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; "
		  "h=from:to; bh=" BH "; b=" B,
		  false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from::to; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:t o; bh=" BH "; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=AAAA; b=" B, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH, false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=", false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=AAA", false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=A.AA", false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=A===", false },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=AA=A", false },
		{ "v=1; a=ed25519-sha256; d=example.com; s=sel; h=from:to; bh=" BH "; b=" B, false },
		{ GOOD "; d=example.com", false },
		{ GOOD "; b=" B, false },
		{ GOOD "; L=0", false },
		{ GOOD "; C=relaxed/relaxed", false },
		{ GOOD "; c=nofws", false },
		{ GOOD "; c=relaxed/", false },
		{ GOOD "; c=", false },
		{ GOOD "; i=joe", false },
		{ GOOD "; i=@other.example", false },
		{ GOOD "; i=@notexample.com", false },
		{ GOOD "; i=@com", false },
		{ GOOD "; q=http", false },
		{ GOOD "; q=dns", false },
		{ GOOD "; q=", false },
		{ GOOD "; l=-1", false },
		{ GOOD "; l=", false },
		{ GOOD "; t=-1", false },
		{ GOOD "; t=", false },
		{ GOOD "; t=1234567890123", false },
		{ GOOD "; x=1e3", false },
		{ GOOD "; t=2; x=2", false },
		{ GOOD "; t=3; x=2", false },
		{ GOOD ";;", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct dkim_fields fields;
		arena_init(&arena, 0);
		bool done = dkim_tags_signature(span_of(cases[i].text), &arena, fake_to_ascii, &fields);
		ok(done && fields.well_formed == cases[i].good, "signature [%s]", shown(cases[i].text));
		arena_clear(&arena);
	}
}

#define WITH(d, s, rest) "v=1; a=rsa-sha256; d=" d "; s=" s "; h=from:to; bh=" BH "; b=" B rest
#define BUECHER                                                                                                        \
	"b\xc3\xbc"                                                                                                        \
	"cher.example"
#define XN_BUECHER "xn--bcher-kva.example"

/* RFC 8616: U-labels and UTF-8 where they may stand, and nowhere else. */
static void test_internationalized(void)
{
	static const struct {
		const char *text;
		const char *domain; /* NULL: it is not well-formed */
		const char *key_name;
		const char *identity;
	} cases[] = {
		{ WITH(BUECHER, "sel", ""), XN_BUECHER, "sel._domainkey." XN_BUECHER, XN_BUECHER },
		{ WITH("B\xc3\x9c"
		       "CHER.example",
		       "sel", ""),
		  XN_BUECHER, "sel._domainkey." XN_BUECHER, XN_BUECHER },
		{ WITH(XN_BUECHER, "sel", "; i=@m\xc3\xbc." BUECHER), XN_BUECHER, "sel._domainkey." XN_BUECHER,
		  "xn--m-xga." XN_BUECHER },
		{ WITH(BUECHER, "sel", "; i=j\xc3\xb6@" XN_BUECHER), XN_BUECHER, "sel._domainkey." XN_BUECHER, XN_BUECHER },
		{ WITH("example.com", "sel", "; i=\xe2\x98\x83@a.example.com"), "example.com", "sel._domainkey.example.com",
		  "a.example.com" },
		{ WITH("example.com", "s\xc3\xa9l.\xc3\xbc", ""), "example.com", "xn--sl-bja.xn--tda._domainkey.example.com",
		  "example.com" },
		{ WITH("example.com", "sel",
		       "; z=Subject:Gr\xc3\xbc\xc3\x9f"
		       "e"),
		  "example.com", "sel._domainkey.example.com", "example.com" },
		/* A homograph is another domain. */
		{ WITH("ex\xd0\xb0mple.com", "sel", ""), "xn--exmple-4nf.com", "sel._domainkey.xn--exmple-4nf.com",
		  "xn--exmple-4nf.com" },
		{ WITH("example.com", "sel", "; i=@ex\xd0\xb0mple.com"), NULL, NULL, NULL },
		/* What IDN mapping would change has no A-labels. */
		{ WITH("exam\xe2\x80\x8bple.com", "sel", ""), NULL, NULL, NULL },
		{ WITH("example.com", "se\xc2\xadl", ""), NULL, NULL, NULL },
		{ WITH("example.com", "sel", "; i=@exam\xe2\x80\x8bple.com"), NULL, NULL, NULL },
		/* Not UTF-8, and control characters in it. */
		{ WITH("b\xfc"
		       "cher.example",
		       "sel", ""),
		  NULL, NULL, NULL },
		{ WITH("example.com", "sel", "; i=\xff@example.com"), NULL, NULL, NULL },
		{ WITH("example.com", "sel", "; i=\xc2\x85@example.com"), NULL, NULL, NULL },
		{ WITH("example.com", "sel", "; z=\xed\xa0\x80"), NULL, NULL, NULL },
		/* UTF-8 in other places. */
		{ WITH("example.com", "sel", "; unknown=\xc3\xbc"), NULL, NULL, NULL },
		{ WITH("example.com", "sel", "; q=dns/txt:\xc3\xbc"), NULL, NULL, NULL },
		{ WITH("example.com", "sel", "; \xc3\xbc=x"), NULL, NULL, NULL },
		{ WITH("example.com", "sel", " \xc2\xa0"), NULL, NULL, NULL },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:\xc3\xbc; bh=" BH "; b=" B, NULL, NULL, NULL },
		{ "v=1; a=rsa-sha256; d=\xc2\xa0"
		  "example.com; s=sel; h=from; bh=" BH "; b=" B,
		  NULL, NULL, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct dkim_fields fields;
		arena_init(&arena, 0);
		ok(dkim_tags_signature(span_of(cases[i].text), &arena, fake_to_ascii, &fields)
		       && fields.well_formed == (cases[i].domain != NULL),
		   "internationalized %zu: %s", i, cases[i].domain ? "well-formed" : "malformed");
		if (cases[i].domain) {
			is_span(fields.domain, span_of(cases[i].domain), "d=");
			is_span(fields.key_name, span_of(cases[i].key_name), "the key's name");
			is_span(fields.identity, span_of(cases[i].identity), "i=");
		}
		arena_clear(&arena);
	}
	struct arena arena;
	struct dkim_fields fields;
	struct dkim_key key;
	struct tag_list list;
	arena_init(&arena, 0);
	dkim_tags_signature(span_of(WITH(BUECHER, "sel", "")), &arena, NULL, &fields);
	ok(!fields.well_formed, "without IDNA a U-label is malformed");
	ok(!dkim_tags_split(span_of("d=\xc3\xbc"), &list), "a tag list is ASCII");
	ok(dkim_tags_key(span_of("v=DKIM1; n=\xc3\xbc; p="), DKIM_ALGORITHM_RSA_SHA256, &arena, &key) == DKIM_KEY_MALFORMED,
	   "and so is a key record");
	arena_clear(&arena);
}

/* Where b= stands, with all white space around it, and c=. */
static void test_places(void)
{
	static const struct {
		const char *text;
		const char *b_raw;
		enum dkim_form header, body;
	} cases[] = {
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=" BH "; b=" B, B, DKIM_FORM_SIMPLE, DKIM_FORM_SIMPLE },
		{ "v=1; b= \r\n\t" B " ; c=relaxed; a=rsa-sha256; d=example.com; s=sel; h=from; bh=" BH, " \r\n\t" B " ",
		  DKIM_FORM_RELAXED, DKIM_FORM_SIMPLE },
		{ "v=1; b=AA AA;c=simple/relaxed; a=rsa-sha256; d=example.com; s=sel; h=from; bh=" BH, "AA AA",
		  DKIM_FORM_SIMPLE, DKIM_FORM_RELAXED },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=" BH "; c=relaxed/relaxed; b =\n " B " ;", "\n " B " ",
		  DKIM_FORM_RELAXED, DKIM_FORM_RELAXED },
		{ "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=" BH "; c=relaxed/simple; b=" B "\r\n ", B "\r\n ",
		  DKIM_FORM_RELAXED, DKIM_FORM_SIMPLE },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct dkim_fields fields;
		struct span text = span_of(cases[i].text);
		arena_init(&arena, 0);
		dkim_tags_signature(text, &arena, NULL, &fields);
		ok(fields.well_formed && fields.header_form == cases[i].header && fields.body_form == cases[i].body, "c= %zu",
		   i);
		is_span(fields.b_raw, span_of(cases[i].b_raw), "b=");
		ok(fields.b_raw.at > text.at && fields.b_raw.at[-1] == '='
		       && fields.b_raw.at + fields.b_raw.length <= text.at + text.length,
		   "it is a part of the value");
		arena_clear(&arena);
	}
}

static void test_signature_fields(void)
{
	struct arena arena;
	struct dkim_fields fields;
	arena_init(&arena, 0);
	dkim_tags_signature(
		span_of("v=1; a=ed25519-sha256; d=Example.COM; s=Sel.X; i=a@Sub.example.com; h=From : To; t=12; x=34; "
	            "l=5; bh=" BH "; b=AB\r\n CDEFGHIJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	            "AAAAAAAAAAAAAAAAAA=="),
		&arena, fake_to_ascii, &fields);
	ok(fields.well_formed && fields.algorithm == DKIM_ALGORITHM_ED25519_SHA256, "a=");
	is_span(fields.domain, span_of("example.com"), "d=");
	is_span(fields.selector, span_of("sel.x"), "s=");
	is_span(fields.key_name, span_of("sel.x._domainkey.example.com"), "the key's name");
	is_span(fields.identity, span_of("sub.example.com"), "i=");
	is_span(fields.signed_names, span_of("From : To"), "h=");
	is_span(fields.b_prefix, span_of("ABCDEFGH"), "start of b=");
	ok(fields.partial && fields.timestamp == 12 && fields.expiry == 34, "l=, t=, x=");
	dkim_tags_signature(span_of("v=2; d=example.com; s=sel; b=AAAA"), &arena, fake_to_ascii, &fields);
	ok(!fields.well_formed, "malformed");
	is_span(fields.domain, span_of("example.com"), "a malformed signature still tells its domain");
	dkim_tags_signature(span_of(GOOD), &arena, fake_to_ascii, &fields);
	is_span(fields.b, span_of(B), "b=");
	ok(fields.body_hash.length == DKIM_DIGEST_LENGTH, "bh=, decoded");
	ok(fields.header_form == DKIM_FORM_SIMPLE && fields.body_form == DKIM_FORM_SIMPLE, "no c=");
	ok(!fields.partial && fields.timestamp == -1 && fields.expiry == -1, "no l=, t=, x=");
	is_span(fields.identity, span_of("example.com"), "i= defaults to d=");
	arena_clear(&arena);
}

static void test_limits(void)
{
	static const struct {
		size_t names;
		size_t padding;
		bool good;
	} cases[] = { { DKIM_SIGNED_NAMES_MAX, 0, true },
		          { DKIM_SIGNED_NAMES_MAX + 1, 0, false },
		          { 1, DKIM_SIGNED_LENGTH_MAX, false },
		          { 1, DKIM_SIGNATURE_LENGTH_MAX, false } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct dkim_fields fields;
		char *text = malloc(DKIM_SIGNATURE_LENGTH_MAX * 2);
		size_t length = (size_t)sprintf(text, "v=1; a=rsa-sha256; d=example.com; s=sel; bh=" BH "; b=" B "; h=from");
		for (size_t n = 1; n < cases[i].names; n++)
			length += (size_t)sprintf(text + length, ":a");
		memset(text + length, 'a', cases[i].padding);
		length += cases[i].padding;
		arena_init(&arena, 0);
		ok(dkim_tags_signature(span_make(text, length), &arena, fake_to_ascii, &fields)
		       && fields.well_formed == cases[i].good,
		   "%zu names, %zu bytes", cases[i].names, length);
		arena_clear(&arena);
		free(text);
	}
	struct arena arena;
	struct dkim_fields fields;
	struct dkim_key key;
	static char record[DKIM_KEY_LENGTH_MAX + 1];
	memset(record, 'a', sizeof record);
	memcpy(record, "n=", 2);
	memcpy(record + DKIM_KEY_LENGTH_MAX - 5, "; p=;", 5);
	arena_init(&arena, 0);
	ok(dkim_tags_key(span_make(record, DKIM_KEY_LENGTH_MAX), DKIM_ALGORITHM_RSA_SHA256, &arena, &key)
	       == DKIM_KEY_REVOKED,
	   "a key record as long as may be");
	ok(dkim_tags_key(span_make(record, DKIM_KEY_LENGTH_MAX + 1), DKIM_ALGORITHM_RSA_SHA256, &arena, &key)
	       == DKIM_KEY_MALFORMED,
	   "one byte more");
	arena_clear(&arena);
	arena_init(&arena, 8);
	ok(!dkim_tags_signature(span_of(GOOD), &arena, fake_to_ascii, &fields) && !fields.well_formed,
	   "no memory for a signature");
	arena_clear(&arena);
	ok(dkim_tags_key(span_of("p=" KEY_1024), DKIM_ALGORITHM_RSA_SHA256, &arena, &key) == DKIM_KEY_NO_MEMORY,
	   "no memory for a key");
	arena_clear(&arena);
}

static void test_key(void)
{
	static const struct {
		const char *text;
		enum dkim_algorithm algorithm;
		enum dkim_key_status status;
		unsigned bits;
		bool same_domain;
	} cases[] = {
		{ "v=DKIM1; k=rsa; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 1024, false },
		{ "p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 1024, false },
		{ "p=" KEY_1023 ";", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 1023, false },
		{ "p=" KEY_512, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 512, false },
		{ "v=DKIM1; k=ed25519; p=" KEY_ED25519, DKIM_ALGORITHM_ED25519_SHA256, DKIM_KEY_OK, 0, false },
		{ "v=DKIM1; t=y:s; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 1024, true },
		{ "v=DKIM1; t=y; n=x=y z; g=; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 1024, false },
		{ "v=DKIM1; h=sha1:sha256; s=foo : email; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 1024, false },
		{ "v=DKIM1; s=*; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_OK, 1024, false },
		{ "v=DKIM1; p=", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_REVOKED, 0, false },
		{ "v=DKIM1; h=sha1; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_UNSUITED, 0, false },
		{ "v=DKIM1; s=other; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_UNSUITED, 0, false },
		{ "v=DKIM1; s=; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_UNSUITED, 0, false },
		{ "v=DKIM1; k=RSA; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_UNSUITED, 0, false },
		{ "v=DKIM1; k=ed25519; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_UNSUITED, 0, false },
		{ "v=DKIM1; p=" KEY_ED25519, DKIM_ALGORITHM_ED25519_SHA256, DKIM_KEY_UNSUITED, 0, false },
		{ "v=DKIM1; p=" KEY_1024, DKIM_ALGORITHM_OTHER, DKIM_KEY_UNSUITED, 0, false },
		{ "v=DKIM1; k=ed25519; p=" KEY_1024, DKIM_ALGORITHM_ED25519_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "v=DKIM1; p=" KEY_ED25519, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "v=DKIM1; p=AAAA", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "v=DKIM1; p=garbage!", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "v=DKIM1; p=" KEY_1024 "; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "v=DKIM1; p=" KEY_1024 "; K=rsa", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "v=DKIM1; p=" KEY_1024 "; \xc3\xa4=1", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "v=DKIM1 p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_ABSENT, 0, false },
		{ "v=DKIM2; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_ABSENT, 0, false },
		{ "v=dkim1; p=" KEY_1024, DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_ABSENT, 0, false },
		{ "p=" KEY_1024 "; v=DKIM1", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_ABSENT, 0, false },
		{ "v=spf1 -all", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_ABSENT, 0, false },
		{ "v=DKIM1; k=rsa", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_ABSENT, 0, false },
		{ "", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
		{ "hello", DKIM_ALGORITHM_RSA_SHA256, DKIM_KEY_MALFORMED, 0, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct dkim_key key;
		arena_init(&arena, 0);
		enum dkim_key_status status = dkim_tags_key(span_of(cases[i].text), cases[i].algorithm, &arena, &key);
		ok(status == cases[i].status && key.same_domain == cases[i].same_domain
		       && (status != DKIM_KEY_OK || key.rsa_bits == cases[i].bits),
		   "key [%s] (%d, %u)", shown(cases[i].text), (int)status, key.rsa_bits);
		arena_clear(&arena);
	}
}

/* The one key among several records, and its flags. */
static void test_only_key(void)
{
	static const struct {
		const char *what;
		const char *texts[3];
		enum dkim_key_status status;
		bool testing;
	} cases[] = {
		{ "one", { "v=DKIM1; p=" KEY_1024 }, DKIM_KEY_OK, false },
		{ "one that tests", { "v=DKIM1; t=s:y; p=" KEY_1024 }, DKIM_KEY_OK, true },
		{ "a flag that only looks so", { "v=DKIM1; t=yes; p=" KEY_1024 }, DKIM_KEY_OK, false },
		{ "one beside others", { "v=spf1 -all", "p=" KEY_1024, "v=DKIM1; p=" }, DKIM_KEY_OK, false },
		{ "the same twice", { "p=" KEY_1024, "v=DKIM1; p=" KEY_1024 }, DKIM_KEY_OK, false },
		{ "two", { "p=" KEY_1024, "p=" KEY_1023 }, DKIM_KEY_MALFORMED, false },
		{ "revoked", { "v=DKIM1; p=" }, DKIM_KEY_ABSENT, false },
		{ "none", { NULL }, DKIM_KEY_ABSENT, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct dkim_key key;
		struct answer_record records[3] = { { .preference = 0 } };
		struct answer answer = { .status = ANSWER_FOUND, .records = records };
		arena_init(&arena, 0);
		for (; answer.count < 3 && cases[i].texts[answer.count]; answer.count++)
			records[answer.count].text = span_of(cases[i].texts[answer.count]);
		enum dkim_key_status status = dkim_tags_only_key(&answer, DKIM_ALGORITHM_RSA_SHA256, &arena, &key);
		ok(status == cases[i].status && (status != DKIM_KEY_OK || key.testing == cases[i].testing),
		   "of the records: %s", cases[i].what);
		arena_clear(&arena);
	}
}

/* The modulus, the exponent and the frame of an RSA key, each spoilt in turn. */
static void test_rsa_key(void)
{
	static const struct {
		const char *what;
		const char *key;
		bool good;
	} cases[] = {
		{ "e=65537",
		  "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAwEAAQ==",
		  true },
		{ "e=3",
		  "MFowDQYJKoZIhvcNAQEBBQADSQAwRgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAQM=",
		  true },
		{ "e=2^32+1",
		  "MF4wDQYJKoZIhvcNAQEBBQADTQAwSgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECBQEAAAAB",
		  true },
		{ "e of 64 bits",
		  "MGIwDQYJKoZIhvcNAQEBBQADUQAwTgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECCQD//////////w==",
		  true },
		{ "e of 65 bits",
		  "MGIwDQYJKoZIhvcNAQEBBQADUQAwTgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECCQEAAAAAAAAAAQ==",
		  false },
		{ "e=1",
		  "MFowDQYJKoZIhvcNAQEBBQADSQAwRgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAQE=",
		  false },
		{ "e even",
		  "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAwEAAA==",
		  false },
		{ "e=0",
		  "MFowDQYJKoZIhvcNAQEBBQADSQAwRgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAQA=",
		  false },
		{ "511 bits",
		  "MFkwDQYJKoZIhvcNAQEBBQADSAAwRQJAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAQIBAw==",
		  false },
		{ "bytes after the key",
		  "MFowDQYJKoZIhvcNAQEBBQADSQAwRgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAQMA",
		  false },
		{ "bytes inside the key",
		  "MF0wDQYJKoZIhvcNAQEBBQADTAAwSQJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAQMCAQE=",
		  false },
		{ "unused bits",
		  "MFowDQYJKoZIhvcNAQEBBQADSQEwRgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAQM=",
		  false },
		{ "another algorithm",
		  "MFYwCQYHKoZIzj0CAQNJADBGAkEAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAQIBAw==",
		  false },
		{ "negative modulus",
		  "MFowDQYJKoZIhvcNAQEBBQADSQAwRgJBgAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
		  "AQEBAQEBAQEBAQEBAQECAQM=",
		  false },
		{ "a bare RSAPublicKey",
		  "MEYCQQCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAgED", false },
		{ "a length past the end",
		  "MFowDQYJKoZIhvcNAQEBBQADSQAwRgJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAECAQ==",
		  false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct dkim_key key;
		arena_init(&arena, 0);
		struct span text = arena_printf(&arena, "p=%s", cases[i].key);
		enum dkim_key_status status = dkim_tags_key(text, DKIM_ALGORITHM_RSA_SHA256, &arena, &key);
		ok((status == DKIM_KEY_OK) == cases[i].good && (cases[i].good || status == DKIM_KEY_MALFORMED), "%s",
		   cases[i].what);
		arena_clear(&arena);
	}
}

#define MODULUS_BYTES 64

/* A SubjectPublicKeyInfo with a modulus of 512 bits and e=3: where each tag stands, its length follows. */
enum {
	INFO = 0,
	ALGORITHM = 2,
	OID = 4,
	BIT_STRING = 17,
	UNUSED_BITS = 19,
	KEY = 20,
	MODULUS = 22,
	EXPONENT = 24 + MODULUS_BYTES + 1
};
#define DER_LENGTH (EXPONENT + 3)

static void make_der(unsigned char der[DER_LENGTH])
{
	static const unsigned char head[] = { 0x30,
		                                  DER_LENGTH - 2,
		                                  0x30,
		                                  13,
		                                  0x06,
		                                  9,
		                                  0x2a,
		                                  0x86,
		                                  0x48,
		                                  0x86,
		                                  0xf7,
		                                  0x0d,
		                                  0x01,
		                                  0x01,
		                                  0x01,
		                                  0x05,
		                                  0,
		                                  0x03,
		                                  DER_LENGTH - 19,
		                                  0,
		                                  0x30,
		                                  DER_LENGTH - 22,
		                                  0x02,
		                                  MODULUS_BYTES + 1,
		                                  0,
		                                  0x80 };
	memset(der, 0, DER_LENGTH);
	memcpy(der, head, sizeof head);
	der[EXPONENT - 1] = 1;
	der[EXPONENT] = 0x02;
	der[EXPONENT + 1] = 1;
	der[EXPONENT + 2] = 3;
}

static enum dkim_key_status read_der(const unsigned char *der, size_t length, unsigned *bits_r)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[4096] = "p=";
	size_t at = 2;
	struct arena arena;
	struct dkim_key key;
	for (size_t i = 0; i < length; i += 3) {
		unsigned long word = (unsigned long)der[i] << 16 | (unsigned long)(i + 1 < length ? der[i + 1] : 0) << 8
		                     | (i + 2 < length ? der[i + 2] : 0);
		for (unsigned digit = 0; digit < 4; digit++)
			text[at++] = i + digit <= length ? digits[word >> (18 - 6 * digit) & 63] : '=';
	}
	arena_init(&arena, 0);
	enum dkim_key_status status = dkim_tags_key(span_make(text, at), DKIM_ALGORITHM_RSA_SHA256, &arena, &key);
	*bits_r = status == DKIM_KEY_OK ? key.rsa_bits : 0;
	arena_clear(&arena);
	return status;
}

static size_t put_head(unsigned char *at, unsigned char tag, size_t length)
{
	at[0] = tag;
	at[1] = 0x82;
	at[2] = (unsigned char)(length >> 8);
	at[3] = (unsigned char)(length & 0xff);
	return 4;
}

/* The smallest modulus and the largest. */
static void test_der_sizes(void)
{
	static const struct {
		unsigned bits;
		enum dkim_key_status status;
	} rows[] = { { 511, DKIM_KEY_MALFORMED },
		         { 512, DKIM_KEY_OK },
		         { 2047, DKIM_KEY_OK },
		         { 8192, DKIM_KEY_OK },
		         { 8193, DKIM_KEY_MALFORMED } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static const unsigned char exponent[] = { 0x02, 1, 3 };
		unsigned char small[DER_LENGTH];
		unsigned char der[2200] = { 0 };
		size_t lead = rows[i].bits % 8 == 0; /* a first bit that is set would make it negative */
		size_t modulus = lead + (rows[i].bits + 7) / 8;
		size_t key = 4 + modulus + sizeof exponent;
		size_t at = put_head(der, 0x30, 15 + 4 + 1 + 4 + key);
		unsigned bits;
		make_der(small);
		memcpy(der + at, small + ALGORITHM, 15);
		at += 15;
		at += put_head(der + at, 0x03, 1 + 4 + key) + 1;
		at += put_head(der + at, 0x30, key);
		at += put_head(der + at, 0x02, modulus);
		der[at + lead] = (unsigned char)((2U << (rows[i].bits - 1) % 8) - 1);
		at += modulus;
		der[at - 1] = 1;
		memcpy(der + at, exponent, sizeof exponent);
		ok(read_der(der, at + sizeof exponent, &bits) == rows[i].status
		       && bits == (rows[i].status == DKIM_KEY_OK ? rows[i].bits : 0),
		   "a modulus of %u bits", rows[i].bits);
	}
}

/* Each byte of the frame is spoilt, and each beginning is tried; the lengths are written in every form. */
static void test_der(void)
{
	static const int frame[] = { INFO,    INFO + 1,    ALGORITHM,      ALGORITHM + 1, OID, OID + 1,
		                         OID + 5, BIT_STRING,  BIT_STRING + 1, UNUSED_BITS,   KEY, KEY + 1,
		                         MODULUS, MODULUS + 1, EXPONENT,       EXPONENT + 1 };
	unsigned char der[DER_LENGTH + 2];
	unsigned bits = 0;
	make_der(der);
	ok(read_der(der, DER_LENGTH, &bits) == DKIM_KEY_OK && bits == 512, "a key of 512 bits");
	for (size_t i = 0; i < sizeof frame / sizeof frame[0]; i++)
		for (unsigned change = 0; change < 3; change++) {
			static const unsigned char other[] = { 0x01, 0x40, 0x80 };
			make_der(der);
			der[frame[i]] ^= other[change];
			ok(read_der(der, DER_LENGTH, &bits) == DKIM_KEY_MALFORMED, "byte %d changed by %02x", frame[i],
			   other[change]);
		}
	for (size_t length = 1; length < DER_LENGTH; length++) {
		make_der(der);
		if (read_der(der, length, &bits) != DKIM_KEY_MALFORMED)
			ok(false, "the first %zu bytes are no key", length);
	}
	static const struct {
		unsigned char form[3];
		size_t length;
		enum dkim_key_status status;
	} forms[] = {
		{ { 0x81, DER_LENGTH - 2, 0 }, 2, DKIM_KEY_OK }, { { 0x82, 0, DER_LENGTH - 2 }, 3, DKIM_KEY_OK },
		{ { 0x80, 0, 0 }, 1, DKIM_KEY_MALFORMED },       { { 0x82, 1, DER_LENGTH - 2 }, 3, DKIM_KEY_MALFORMED },
		{ { 0x83, 0, 0 }, 3, DKIM_KEY_MALFORMED },       { { 0x81, DER_LENGTH - 1, 0 }, 2, DKIM_KEY_MALFORMED },
	};
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		unsigned char whole[DER_LENGTH + 2];
		make_der(der);
		whole[0] = der[0];
		memcpy(whole + 1, forms[i].form, forms[i].length);
		memcpy(whole + 1 + forms[i].length, der + 2, DER_LENGTH - 2);
		ok(read_der(whole, DER_LENGTH - 1 + forms[i].length, &bits) == forms[i].status,
		   "a length that begins %02x %02x", forms[i].form[0], forms[i].form[1]);
	}
	make_der(der);
	der[EXPONENT - 1] = 2;
	ok(read_der(der, DER_LENGTH, &bits) == DKIM_KEY_MALFORMED, "an even modulus");
	make_der(der);
	der[MODULUS + 3] = 0x7f;
	ok(read_der(der, DER_LENGTH, &bits) == DKIM_KEY_MALFORMED, "a modulus with a zero byte too many");
	make_der(der);
	memmove(der + BIT_STRING - 2, der + BIT_STRING, DER_LENGTH - BIT_STRING);
	der[INFO + 1] -= 2;
	der[ALGORITHM + 1] -= 2;
	ok(read_der(der, DER_LENGTH - 2, &bits) == DKIM_KEY_OK, "an algorithm without parameters");
	make_der(der);
	der[BIT_STRING - 2] = 0x02;
	ok(read_der(der, DER_LENGTH, &bits) == DKIM_KEY_MALFORMED, "an algorithm with other parameters");
	static const unsigned char cut[] = { 0x30, 0x82, 0x01 };
	ok(read_der(cut, 2, &bits) == DKIM_KEY_MALFORMED && read_der(cut, 3, &bits) == DKIM_KEY_MALFORMED,
	   "a length that is cut");
}

int main(void)
{
	test_der();
	test_der_sizes();
	test_split();
	test_many_tags();
	test_signature();
	test_internationalized();
	test_places();
	test_signature_fields();
	test_limits();
	test_key();
	test_only_key();
	test_rsa_key();
	return done_testing();
}
