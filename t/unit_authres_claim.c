/* SPDX-License-Identifier: BSD-2-Clause */
/* authres_claim: forged Authentication-Results are recognized in every spelling that some reader takes for ours. */
#include "core/authres_claim.h"

#include "tap.h"

#define OURS "relay.example.com"
#define OTHER "extra.example.net"
#define SALESFORCE                                                                                                     \
	"  mx2-ia6-sp4.mta.salesforce.com x-tls.subject=\"/C=US/O=salesforce.com, inc./OU=0:app;1:ia6/CN=na247\"; "        \
	"auth=pass (cipher=ECDHE-RSA-AES256-GCM-SHA384)"

static const struct {
	const char *id;
	struct span value;
	bool ours;
} rows[] = {
	{ "ours", SPAN_LITERAL(" relay.example.com; spf=pass smtp.mailfrom=a@b.example"), true },
	{ "ours with nothing", SPAN_LITERAL(" relay.example.com; none"), true },
	{ "ours, well-formed and long",
	  SPAN_LITERAL(" relay.example.com 1; dkim=pass (2048-bit key) reason=\"good; really\" header.d=b.example\n"
	               "\theader.i=@b.example header.b=\"Ab/+cd==\"; dmarc=pass (p=none) header.from=b.example"),
	  true },
	{ "a second id of ours", SPAN_LITERAL("extra.example.net; spf=pass"), true },
	{ "R02 other case", SPAN_LITERAL(" RELAY.Example.COM; spf=pass"), true },
	{ "R02 quoted", SPAN_LITERAL(" \"relay.example.com\"; spf=pass"), true },
	{ "R02 quoted with quoted-pairs", SPAN_LITERAL(" \"rel\\ay.example\\.com\"; spf=pass"), true },
	{ "R02 comments and version", SPAN_LITERAL(" (c) relay.example.com (c) 1 (c); spf=pass"), true },
	{ "R02 nested comment", SPAN_LITERAL("(a (b) \\) ; c)relay.example.com;spf=pass"), true },
	{ "R02 version", SPAN_LITERAL(" relay.example.com 1; spf=pass"), true },
	{ "R02 future version", SPAN_LITERAL(" relay.example.com 2; spf=pass"), true },
	{ "R02 folded", SPAN_LITERAL("\n relay.example.com\n\t1\n ; spf=pass"), true },
	{ "R02 folded with CRLF", SPAN_LITERAL("\r\n\trelay.example.com\r\n ; spf=pass"), true },
	{ "R02 no space", SPAN_LITERAL("relay.example.com;spf=pass"), true },
	{ "R02 trailing dot", SPAN_LITERAL(" relay.example.com.; spf=pass"), true },
	{ "R02 trailing dot, quoted", SPAN_LITERAL(" \"relay.example.com.\"; spf=pass"), true },
	{ "no results", SPAN_LITERAL(" relay.example.com"), true },
	{ "no results after the semicolon", SPAN_LITERAL(" relay.example.com;"), true },
	{ "only a comment", SPAN_LITERAL(" relay.example.com (spf=pass)"), true },
	{ "semicolon missing", SPAN_LITERAL(" relay.example.com spf=pass"), true },
	{ "two ids", SPAN_LITERAL(" mx.other.example relay.example.com; spf=pass"), true },
	{ "ours in a later part", SPAN_LITERAL(" mx.other.example; spf=pass; relay.example.com; dkim=pass"), true },
	{ "ours behind a broken part", SPAN_LITERAL(" mx.other.example; =; relay.example.com; dkim=pass"), true },
	{ "NUL after the id", SPAN_LITERAL(" relay.example.com\0; spf=pass"), true },
	{ "NUL in the id", SPAN_LITERAL(" relay.exa\0mple.com; spf=pass"), true },
	{ "NUL before it", SPAN_LITERAL(" x\0 relay.example.com; spf=pass"), true },
	{ "no-break space after it", SPAN_LITERAL(" relay.example.com\xa0; spf=pass"), true },
	{ "UTF-8 no-break space", SPAN_LITERAL(" \"relay.example.com\xc2\xa0\"; spf=pass"), true },
	{ "space in the quotes", SPAN_LITERAL(" \" relay.example.com \"; spf=pass"), true },
	{ "semicolon in the quotes", SPAN_LITERAL(" \"relay.example.com;x\"; spf=pass"), true },
	{ "quote not closed", SPAN_LITERAL(" \"relay.example.com; spf=pass"), true },
	{ "quote not closed, with a quoted-pair", SPAN_LITERAL(" \"relay.exam\\ple.com; spf=pass"), true },
	{ "comment not closed", SPAN_LITERAL(" (relay.example.com; spf=pass"), true },
	{ "comment nested too deep", SPAN_LITERAL("((((((((((x)))))))))) relay.example.com; spf=pass"), true },
	{ "port", SPAN_LITERAL(" relay.example.com:25; spf=pass"), true },
	{ "slash", SPAN_LITERAL(" relay.example.com/1; spf=pass"), true },
	{ "encoded word", SPAN_LITERAL(" =?us-ascii?q?relay.example.com?=; spf=pass"), true },
	{ "DEL after it", SPAN_LITERAL(" relay.example.com\x7f; spf=pass"), true },
	{ "ours behind none", SPAN_LITERAL(" mx.other.example; none relay.example.com"), true },
	{ "control in a comment", SPAN_LITERAL(" mx.other.example (\x01 relay.example.com); none"), true },
	{ "control in a quoted string", SPAN_LITERAL(" mx.other.example; a=b reason=\"\x01 relay.example.com\""), true },
	{ "bare LF in a comment", SPAN_LITERAL(" mx.other.example (\nrelay.example.com); none"), true },
	{ "bare LF", SPAN_LITERAL(" relay.example.com\n; spf=pass"), true },
	{ "malformed value with our id", SPAN_LITERAL(" mx.other.example; spf=pass smtp.mailfrom=<a@relay.example.com>"),
	  true },

	{ "foreign", SPAN_LITERAL(" mx.other.example; spf=pass smtp.mailfrom=a@b.example"), false },
	{ "foreign with nothing", SPAN_LITERAL(" mx.other.example; none"), false },
	{ "foreign, our id in a comment", SPAN_LITERAL(" mx.other.example (relay.example.com); none"), false },
	{ "foreign, our id in a comment before", SPAN_LITERAL(" (relay.example.com) mx.other.example; none"), false },
	{ "foreign, our id in a property", SPAN_LITERAL(" mx.other.example; spf=pass smtp.helo=relay.example.com"), false },
	{ "foreign, our id in a quoted property",
	  SPAN_LITERAL(" mx.other.example; spf=pass smtp.mailfrom=\"x; relay.example.com\"@b.example"), false },
	{ "foreign, our id in a reason", SPAN_LITERAL(" mx.other.example; spf=fail reason=\"relay.example.com said\""),
	  false },
	{ "foreign, large but well-formed",
	  SPAN_LITERAL(
		  " mx.google.com;\r\n       dkim=pass header.i=@b.example header.s=sel header.b=AbCd/EfG;\r\n"
		  "       spf=pass (google.com: domain of a=b@relay.example.com designates 192.0.2.1 as permitted sender)"
		  " smtp.mailfrom=\"a=b@relay.example.com\";\r\n"
		  "       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=relay.example.com"),
	  false },
	{ "foreign, spaces everywhere",
	  SPAN_LITERAL(" mx.other.example ; spf / 1 = pass smtp . mailfrom = relay.example.com (x) ; dkim = none "),
	  false },
	{ "foreign, with a version", SPAN_LITERAL(" mx.other.example 1; spf=pass smtp.helo=relay.example.com"), false },
	{ "foreign, with a version of two digits",
	  SPAN_LITERAL(" mx.other.example 10; spf=pass smtp.helo=relay.example.com"), false },
	{ "foreign, every mark of a token in the id",
	  SPAN_LITERAL(" !#$%&'*+-.^_`{|}~; spf=pass smtp.helo=relay.example.com"), false },
	{ "name below ours", SPAN_LITERAL(" mx.relay.example.com; spf=pass"), false },
	{ "name that ends like ours", SPAN_LITERAL(" evil-relay.example.com; spf=pass"), false },
	{ "name that begins like ours", SPAN_LITERAL(" relay.example.com.evil.example; spf=pass"), false },
	{ "part of ours", SPAN_LITERAL(" example.com; spf=pass"), false },
	{ "R04 Salesforce's own", SPAN_LITERAL(SALESFORCE), false },
	{ "R04 empty", SPAN_LITERAL(""), false },
	{ "R04 semicolons", SPAN_LITERAL(" ;;;"), false },
	{ "R04 no id", SPAN_LITERAL(" ; spf=pass"), false },
	{ "R04 only white space", SPAN_LITERAL(" \n "), false },
	{ "R04 comment not closed", SPAN_LITERAL(" (mx.other.example; spf=pass"), false },
	{ "R04 control characters", SPAN_LITERAL(" \x01\x02\x7f"), false },
	{ "R04 part of our id, then the end", SPAN_LITERAL(" \"relay.example.co"), false },

	{ "R12 white space in it", SPAN_LITERAL(" relay . example\t.\n com ; spf=pass"), true },
	{ "R12 a comment in it", SPAN_LITERAL(" relay.(x)example.com; spf=pass"), true },
	{ "R12 the rest of it in a comment", SPAN_LITERAL(" relay.(example.com); spf=pass"), true },
	{ "R12 comments in it, nested", SPAN_LITERAL(" relay(x(y)\\)z).example(;).com; spf=pass"), true },
	{ "R12 a stray closing parenthesis", SPAN_LITERAL(" rel)ay.example.com; spf=pass"), true },
	{ "R12 a stray opening parenthesis", SPAN_LITERAL(" relay.(example.com; spf=pass"), true },
	{ "R12 a comment and a stray parenthesis", SPAN_LITERAL(" rel(x)ay.(example.com; spf=pass"), true },
	{ "R12 a quoted parenthesis", SPAN_LITERAL(" relay.\"(\"example.com; spf=pass"), true },
	{ "R12 a comment begins in quotes for one, outside for another",
	  SPAN_LITERAL(" \"(\" relay.(x)example.com \")\"; spf=pass"), true },
	{ "R12 a comment for one that knows quoted-pairs alone", SPAN_LITERAL(" \"relay(x\\)y\").example(z).com; spf=pass"),
	  true },
	{ "R12 a comment for one that knows quotes alone", SPAN_LITERAL(" relay\"(\".(x\\)example.com\")\"; spf=pass"),
	  true },
	{ "R10 UTF-8 in a word of ISO-8859-1", SPAN_LITERAL(" =?iso-8859-1?q?=72elay\xc2\xad.example.com?=; spf=pass"),
	  true },
	{ "R12 quotes and backslashes within", SPAN_LITERAL(" re\"lay\".\\example\"\".com; spf=pass"), true },
	{ "R12 a no-break space in it",
	  SPAN_LITERAL(" relay.\xc2\xa0"
	               "example.com; spf=pass"),
	  true },
	{ "R12 a next-line control in it",
	  SPAN_LITERAL(" relay.\xc2\x85"
	               "example.com; spf=pass"),
	  true },
	{ "R12 a soft hyphen and a zero-width space in it",
	  SPAN_LITERAL(" re\xc2\xadlay.exa\xe2\x80\x8bmple.com; spf=pass"), true },
	{ "R12 the version joined to it", SPAN_LITERAL(" relay.example.com 25; none"), true },
	{ "R12 well-formed, ours with its version", SPAN_LITERAL(" mx 1; spf=pass smtp.helo=x"), true },
	{ "R12 well-formed, ours with a comment before", SPAN_LITERAL(" (relay.)example.com; spf=pass"), true },
	{ "R12 well-formed, before a semicolon in a comment", SPAN_LITERAL(" (relay.example.com;) mx.other.example; none"),
	  true },
	{ "R10 q", SPAN_LITERAL(" =?utf-8?q?relay=2Eexample.com?=; spf=pass"), true },
	{ "R10 Q, whole value", SPAN_LITERAL(" =?UTF-8?Q?=72elay.example.com=3B_dkim=3Dpass?="), true },
	{ "R10 b", SPAN_LITERAL(" =?us-ascii?b?cmVsYXkuZXhhbXBsZS5jb20=?=; spf=pass"), true },
	{ "R10 B without padding", SPAN_LITERAL(" =?us-ascii?B?cmVsYXkuZXhhbXBsZS5jb20?=; spf=pass"), true },
	{ "R10 b with padding in it", SPAN_LITERAL(" =?us-ascii?b?cm=VsYXkuZXhhbXBsZS5jb20=?=; spf=pass"), true },
	{ "R10 b in two paddings", SPAN_LITERAL(" =?us-ascii?b?cmU=bGF5LmV4YW1wbGUuY29t?=; spf=pass"), true },
	{ "R10 b with foreign bytes in it", SPAN_LITERAL(" =?us-ascii?b?cmVs YXku!ZXhhbXBsZS5jb20=?=; spf=pass"), true },
	{ "R10 a language", SPAN_LITERAL(" =?us-ascii*en?q?=72elay.example.com?=; spf=pass"), true },
	{ "R10 folded between words", SPAN_LITERAL(" =?utf-8?q?=72elay?=\n =?utf-8?q?.example.com?=; spf=pass"), true },
	{ "R10 a word and the rest", SPAN_LITERAL(" =?utf-8?q?=72elay?=.example.com; spf=pass"), true },
	{ "R10 in quotes", SPAN_LITERAL(" \"=?utf-8?q?=72elay?=.example.com\"; spf=pass"), true },
	{ "R10 the comment ends in the word",
	  SPAN_LITERAL(" (=?utf-8?q?=29=72elay.example.com;=28?=) mx.other.example; none"), true },
	{ "R10 white space in the word", SPAN_LITERAL(" =?utf-8?q?=72elay. example.com?=; spf=pass"), true },
	{ "R10 a charset that is not known", SPAN_LITERAL(" =?ibm037?q?=99=85=93=81=a8?=; spf=pass"), true },
	{ "R10 a charset that is not known, ASCII in it",
	  SPAN_LITERAL(" mx.other.example; =?ibm037?q?=72elay.example.com?="), true },
	{ "R10 behind a broken word", SPAN_LITERAL(" =?=?=?utf-8?q?=72elay.example.com?=; spf=pass"), true },

	{ "R10 foreign in an encoded word", SPAN_LITERAL(" =?utf-8?q?mx.other.example?=; spf=pass"), false },
	{ "R10 foreign, and a comment in an encoded word",
	  SPAN_LITERAL(" mx.other.example; spf=pass (=?utf-8?q?=72elay.example.com?=) smtp.helo=x"), false },
	{ "R10 foreign, a charset that is not known behind the id", SPAN_LITERAL(" mx.other.example; =?ibm037?q?=99=85?="),
	  false },
	{ "R10 foreign, a word that does not end", SPAN_LITERAL(" =?utf-8?q?=72elay.example.com; none"), false },
	{ "R12 foreign, ours in a comment behind the id", SPAN_LITERAL(" mx.other.example (relay . example . com) 1; none"),
	  false },
	{ "R12 malformed, part of ours and a comment", SPAN_LITERAL(" relay.(x)example.co; ;"), false },
	{ "R12 malformed, ours backwards", SPAN_LITERAL(" moc.elpmaxe.yaler; ;"), false },
	{ "R12 malformed, ours in pieces that others part", SPAN_LITERAL(" relay.x example.com; ;"), false },
};

/* What own_id and own_ids claim; the arena is there for the names alone. */
static bool claims_of(struct span value, const char *own_id, const struct set *own_ids, domain_to_ascii to_ascii)
{
	struct arena arena;
	struct authres_ids ids;
	bool claims = false;
	arena_init(&arena, 0);
	bool whole =
		authres_ids_init(&ids, span_of(own_id), own_ids, to_ascii, &arena) && authres_claims(&ids, value, &claims);
	arena_clear(&arena);
	if (!whole)
		ok(false, "there is memory");
	return claims;
}

static void test_rows(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct set *own_ids = set_new(&arena, SET_NOCASE);
	set_add(own_ids, span_of(OTHER));
	set_add(own_ids, span_of("mx1"));
	set_add(own_ids, span_of(""));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ok(claims_of(rows[i].value, OURS, own_ids, NULL) == rows[i].ours, "%s", rows[i].id);
		bool dotted = claims_of(rows[i].value, "Relay.example.com.", own_ids, NULL);
		ok(dotted == rows[i].ours, "the same when our own id is written with a dot");
	}
	ok(!claims_of(span_of("x; none"), NULL, NULL, NULL), "without an id of ours nothing claims us");
	ok(!claims_of(span_of(" ;;"), ".", NULL, NULL), "not even what is malformed");
	ok(!claims_of(span_of(NULL), OURS, own_ids, NULL), "an absent value claims nothing");
	ok(claims_of(span_of(SALESFORCE), "mx2-ia6-sp4.mta.salesforce.com", NULL, NULL),
	   "Salesforce's own goes when it holds our id");
	ok(claims_of(span_of(" aabaaabaab; ;"), "aabaab", NULL, NULL)
	       && claims_of(span_of(" abababac; ;"), "ababac", NULL, NULL)
	       && !claims_of(span_of(" ababababaac; ;"), "ababac", NULL, NULL),
	   "an id that begins as it ends is found");
	arena_clear(&arena);
}

static void test_large(void)
{
	static char large[65536];
	memset(large, 'r', sizeof large);
	ok(!claims_of(span_make(large, sizeof large), OURS, NULL, NULL), "R07 a long id is not ours");
	large[0] = large[600] = '"';
	large[601] = ';';
	ok(!claims_of(span_make(large, sizeof large), OURS, NULL, NULL), "nor is a long quoted one");
	/* Whether it was read shows where our id stands in a property: then it is foreign, else the value is searched. */
	for (size_t length = 512; length <= 513; length++)
		for (size_t quotes = 0; quotes <= 1; quotes++) {
			char value[600];
			memset(value, 'r', sizeof value);
			value[0] = value[length + quotes] = '"';
			int used = snprintf(value + length + 2 * quotes, 80, "; spf=pass smtp.helo=" OURS);
			if (!quotes)
				value[0] = 'r';
			struct span text = span_make(value, length + 2 * quotes + (size_t)used);
			ok(claims_of(text, OURS, NULL, NULL) == (length > 512), "an id of %zu characters%s is %sread", length,
			   quotes ? " in quotes" : "", length > 512 ? "not " : "");
		}
	memcpy(large + sizeof large - 18, ";relay.example.com", 18);
	ok(claims_of(span_make(large, sizeof large), OURS, NULL, NULL), "R07 a long malformed value is searched");
}

#define BUECHER                                                                                                        \
	"b\xc3\xbc"                                                                                                        \
	"cher"
#define BUECHER_CAPITALS                                                                                               \
	"B\xc3\x9c"                                                                                                        \
	"CHER"

static unsigned conversions;

/* An IDNA library that knows one label. */
static bool to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	static const struct span known[] = { SPAN_LITERAL(BUECHER), SPAN_LITERAL("b\xc3\x9c"
		                                                                     "cher") };
	conversions++;
	for (size_t i = 0; i < 2; i++)
		if (span_equal(domain, known[i])) {
			memcpy(ascii_r, "xn--bcher-kva", 14);
			return true;
		}
	return false;
}

static void test_labels(void)
{
	static const struct {
		const char *id, *own_id;
		struct span value;
		bool ours;
	} labels[] = {
		{ "the A-label", "relay.xn--bcher-kva.example", SPAN_LITERAL(" relay.xn--bcher-kva.example; none"), true },
		{ "the A-label in capitals", "relay.xn--bcher-kva.example", SPAN_LITERAL(" relay.XN--BCHER-KVA.example; none"),
		  true },
		{ "the U-label", "relay.xn--bcher-kva.example", SPAN_LITERAL(" relay." BUECHER ".example; none"), true },
		{ "the U-label in capitals", "xn--bcher-kva.example", SPAN_LITERAL(" " BUECHER_CAPITALS ".example; none"),
		  true },
		{ "the U-label in quotes", "xn--bcher-kva.example", SPAN_LITERAL(" \"" BUECHER ".example\" 1; none"), true },
		{ "the U-label behind a word", "xn--bcher-kva.example", SPAN_LITERAL(" x " BUECHER ".example; none"), true },
		{ "the U-label, a comment in it", "xn--bcher-kva.example", SPAN_LITERAL(" b\xc3\xbc(x)cher.example; none"),
		  true },
		{ "the U-label, a space in it", "xn--bcher-kva.example", SPAN_LITERAL(" b\xc3\xbc cher.example; none"), true },
		{ "the U-label in UTF-8 words", "xn--bcher-kva.example",
		  SPAN_LITERAL(" =?utf-8?q?b=C3?= =?utf-8?b?vGNoZXI=?=.example; none"), true },
		{ "the U-label in ISO-8859-1", "xn--bcher-kva.example",
		  SPAN_LITERAL(" =?iso-8859-1?q?b=FCcher?=.example; none"), true },
		{ "ours as U-label, the same", BUECHER ".example", SPAN_LITERAL(" " BUECHER ".example; none"), true },
		{ "ours as U-label, the A-label", BUECHER ".example", SPAN_LITERAL(" xn--bcher-kva.example; none"), true },
		{ "ours as U-label, in capitals", BUECHER ".example", SPAN_LITERAL(" " BUECHER_CAPITALS ".example; none"),
		  true },
		{ "another U-label", "xn--bcher-kva.example",
		  SPAN_LITERAL(" b\xc3\xb6"
		               "cher.example; none"),
		  false },
		{ "another domain below it", "xn--bcher-kva.example", SPAN_LITERAL(" " BUECHER ".other; none"), false },
		{ "our U-label in a property", "xn--bcher-kva.example",
		  SPAN_LITERAL(" mx.other.example; a=b c.d=" BUECHER ".example"), false },
	};
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
		ok(claims_of(labels[i].value, labels[i].own_id, NULL, to_ascii) == labels[i].ours, "R10 %s", labels[i].id);
	ok(claims_of(span_of(" " BUECHER ".example; none"), BUECHER ".example", NULL, NULL),
	   "R10 the very U-label, without a library");
	conversions = 0;
	ok(!claims_of(span_of(" " BUECHER ".example; none"), OURS, NULL, to_ascii) && conversions == 0,
	   "where no name of ours is international no U-label is looked at");
}

/* What cannot be looked at is taken for ours. */
static void test_many_labels(void)
{
	struct arena arena;
	struct authres_ids ids;
	static char text[8000];
	bool claims = true;
	arena_init(&arena, 0);
	ok(authres_ids_init(&ids, span_of("xn--bcher-kva.example"), NULL, to_ascii, &arena), "ids");
	for (size_t i = 0; i + 4 < sizeof text; i += 4)
		memcpy(text + i, "\xc3\xb6.;", 4);
	conversions = 0;
	ok(authres_claims(&ids, span_make(text, 400), &claims) && !claims && conversions >= 100,
	   "R10 a hundred U-labels are looked at");
	ok(authres_claims(&ids, span_make(text, sizeof text), &claims) && claims,
	   "R10 a value of more than are looked at goes");
	ok(conversions == AUTHRES_LABELS_MAX, "no more than %d were", AUTHRES_LABELS_MAX);
	ok(authres_claims(&ids, span_make(text, 400), &claims) && claims,
	   "R10 so does each of the same message that follows");
	arena_clear(&arena);
}

int main(void)
{
	test_rows();
	test_large();
	test_labels();
	test_many_labels();
	return done_testing();
}
