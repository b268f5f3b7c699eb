/* authres: forged Authentication-Results are recognized in every spelling, and what we write is well-formed. */
#include "core/authres.h"
#include "tap.h"

#define OURS "relay.example.com"
#define OTHER "extra.example.net"
#define SALESFORCE \
	"  mx2-ia6-sp4.mta.salesforce.com x-tls.subject=\"/C=US/O=salesforce.com, inc./OU=0:app;1:ia6/CN=na247\"; " \
	"auth=pass (cipher=ECDHE-RSA-AES256-GCM-SHA384)"

static const struct {
	const char *id;
	struct span value;
	bool ours;
} claims[] = {
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
	{ "malformed value with our id", SPAN_LITERAL(" mx.other.example; spf=pass smtp.mailfrom=<a@relay.example.com>"), true },

	{ "foreign", SPAN_LITERAL(" mx.other.example; spf=pass smtp.mailfrom=a@b.example"), false },
	{ "foreign with nothing", SPAN_LITERAL(" mx.other.example; none"), false },
	{ "foreign, our id in a comment", SPAN_LITERAL(" mx.other.example (relay.example.com); none"), false },
	{ "foreign, our id in a comment before", SPAN_LITERAL(" (relay.example.com) mx.other.example; none"), false },
	{ "foreign, our id in a property", SPAN_LITERAL(" mx.other.example; spf=pass smtp.helo=relay.example.com"), false },
	{ "foreign, our id in a quoted property",
	  SPAN_LITERAL(" mx.other.example; spf=pass smtp.mailfrom=\"x; relay.example.com\"@b.example"), false },
	{ "foreign, our id in a reason", SPAN_LITERAL(" mx.other.example; spf=fail reason=\"relay.example.com said\""), false },
	{ "foreign, large but well-formed",
	  SPAN_LITERAL(" mx.google.com;\r\n       dkim=pass header.i=@b.example header.s=sel header.b=AbCd/EfG;\r\n"
	               "       spf=pass (google.com: domain of a=b@relay.example.com designates 192.0.2.1 as permitted sender)"
	               " smtp.mailfrom=\"a=b@relay.example.com\";\r\n"
	               "       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=relay.example.com"),
	  false },
	{ "foreign, spaces everywhere",
	  SPAN_LITERAL(" mx.other.example ; spf / 1 = pass smtp . mailfrom = relay.example.com (x) ; dkim = none "), false },
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
};

static void test_claims(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct set *own_ids = set_new(&arena, SET_NOCASE);
	set_add(own_ids, span_of(OTHER));
	set_add(own_ids, span_of(""));
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
		ok(authres_claims(claims[i].value, span_of(OURS), own_ids) == claims[i].ours, "%s", claims[i].id);
		bool dotted = authres_claims(claims[i].value, span_of("Relay.example.com."), own_ids);
		ok(dotted == claims[i].ours, "the same when our own id is written with a dot");
	}
	ok(!authres_claims(span_of("x; none"), span_of(NULL), NULL), "without an id of ours nothing claims us");
	ok(!authres_claims(span_of(" ;;"), span_of("."), NULL), "not even what is malformed");
	ok(!authres_claims(span_of(NULL), span_of(OURS), own_ids), "an absent value claims nothing");
	ok(authres_claims(span_of(SALESFORCE), span_of("mx2-ia6-sp4.mta.salesforce.com"), NULL),
	   "Salesforce's own goes when it holds our id");

	static char large[65536];
	memset(large, 'r', sizeof large);
	ok(!authres_claims(span_make(large, sizeof large), span_of(OURS), own_ids), "R07 a long id is not ours");
	large[0] = large[600] = '"';
	large[601] = ';';
	ok(!authres_claims(span_make(large, sizeof large), span_of(OURS), own_ids), "nor is a long quoted one");
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
			ok(authres_claims(text, span_of(OURS), NULL) == (length > 512),
			   "an id of %zu characters%s is %sread", length, quotes ? " in quotes" : "", length > 512 ? "not " : "");
		}
	memcpy(large + sizeof large - 18, ";relay.example.com", 18);
	ok(authres_claims(span_make(large, sizeof large), span_of(OURS), own_ids), "R07 a long malformed value is searched");
	arena_clear(&arena);
}

/* The longest line, counted with the field's name on the first. */
static size_t longest_line(struct span value)
{
	size_t longest = 0;
	for (size_t from = 0; from <= value.length;) {
		size_t to = span_find(value, from, '\n');
		size_t length = to - from + (from == 0 ? strlen("Authentication-Results: ") : 0);
		if (length > longest)
			longest = length;
		from = to + 1;
	}
	return longest;
}

/* One header field: printable ASCII, every LF followed by HT, no line too long. */
static bool is_one_field(struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		bool folded = c == '\n' && i + 1 < value.length && value.at[i + 1] == '\t';
		bool tab = c == '\t' && i > 0 && value.at[i - 1] == '\n';
		if (!folded && !tab && (c < ' ' || c > '~'))
			return false;
	}
	return longest_line(value) <= 998;
}

static struct result outcome(enum result_code code)
{
	return result_make(code, REASON_NONE, span_make(NULL, 0));
}

static void test_write(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct facts facts;
	struct judgement judgement;
	memset(&facts, 0, sizeof facts);
	memset(&judgement, 0, sizeof judgement);
	is_span(authres_write(span_of(OURS), &facts, &judgement, &arena), span_of(OURS "; none"), "nothing was evaluated");

	facts.auth_authen = span_of("secret-user");
	facts.auth_type = span_of("PLAIN");
	facts.spf.complete = true;
	facts.spf.rfc8601 = "pass";
	facts.spf.domain = span_of("b.example");
	facts.sender_status = MAILBOX_OK;
	facts.sender.address = span_of("a=b__x@b.example");
	is_span(authres_write(span_of(OURS), &facts, &judgement, &arena),
	        span_of(OURS ";\n\tauth=pass;\n\tspf=pass smtp.mailfrom=\"a=b__x@b.example\""), "auth without the user, and spf");

	facts.auth_authen = span_of("");
	facts.spf.rfc8601 = "softfail";
	facts.spf.by_helo = true;
	facts.spf.domain = span_of("mx.b.example");
	is_span(authres_write(span_of(OURS), &facts, &judgement, &arena),
	        span_of(OURS ";\n\tspf=softfail smtp.helo=mx.b.example"), "spf of the HELO name");

	struct signature signatures[3];
	memset(signatures, 0, sizeof signatures);
	signatures[0].outcome = outcome(RESULT_PASS);
	signatures[0].rfc8601 = "pass";
	signatures[0].domain = span_of("example.com");
	signatures[0].selector = span_of("sfcrm");
	signatures[0].algorithm = ALGORITHM_RSA_SHA256;
	signatures[0].b_prefix = span_of("AbC/+123");
	signatures[1].rfc8601 = "pass"; /* pending: must not be shown */
	signatures[1].domain = span_of("pending.example");
	signatures[2].outcome = outcome(RESULT_PERMERROR);
	signatures[2].rfc8601 = "permerror";
	memset(&facts.spf, 0, sizeof facts.spf);
	facts.spf.rfc8601 = "pass";
	facts.dmarc.rfc8601 = "pass";
	facts.dkim.signatures = signatures;
	facts.dkim.count = 3;
	is_span(authres_write(span_of(OURS), &facts, &judgement, &arena),
	        span_of(OURS ";\n\tdkim=pass header.d=example.com header.s=sfcrm header.a=rsa-sha256\n"
	                     "\theader.b=\"AbC/+123\";\n\tdkim=permerror"),
	        "what is not known yet is not shown, what is known is");
	facts.evidence_over = true;
	is_span(authres_write(span_of(OURS), &facts, &judgement, &arena),
	        span_of(OURS ";\n\tspf=temperror smtp.mailfrom=\"a=b__x@b.example\";\n\tdkim=pass header.d=example.com header.s=sfcrm header.a=rsa-sha256\n"
	                     "\theader.b=\"AbC/+123\";\n\tdkim=temperror header.d=pending.example;\n\tdkim=permerror;\n"
	                     "\tdmarc=temperror"),
	        "what did not come in time is an error that may pass");
	facts.evidence_over = false;
	facts.dkim.complete = true;
	facts.dmarc.complete = true;
	facts.author_status = MAILBOX_OK;
	facts.author.domain = span_of("example.com");
	is_span(authres_write(span_of(OURS), &facts, &judgement, &arena),
	        span_of(OURS ";\n\tdkim=pass header.d=example.com header.s=sfcrm header.a=rsa-sha256\n"
	                     "\theader.b=\"AbC/+123\";\n\tdkim=permerror;\n\tdmarc=pass header.from=example.com"),
	        "dkim for each signature, and dmarc");
	facts.dkim.count = 0;
	memset(&facts.dmarc, 0, sizeof facts.dmarc);
	is_span(authres_write(span_of(OURS), &facts, &judgement, &arena), span_of(OURS ";\n\tdkim=none"), "no signature");
	is_span(authres_write(span_of("a b"), &facts, &judgement, &arena), span_of("\"a b\";\n\tdkim=none"), "a quoted id");
	is_span(authres_write(span_of("a\nb"), &facts, &judgement, &arena), span_of("localhost;\n\tdkim=none"),
	        "an id that cannot be written");
	arena_clear(&arena);
	arena_init(&arena, 8);
	ok(span_absent(authres_write(span_of(OURS), &facts, &judgement, &arena)) && arena_failed(&arena), "no memory");
	arena_clear(&arena);
}

/* R06: what a sender wrote stays inside its value, or is left out. */
static void test_hostile(void)
{
	static char large[2000];
	memset(large, 'x', sizeof large);
	memcpy(large + sizeof large - 10, "@b.example", 10);
	static const struct {
		const char *id;
		struct span address;
		const char *want;
	} rows[] = {
		{ "plain", SPAN_LITERAL("a@b.example"), "smtp.mailfrom=a@b.example" },
		{ "underscore in the local part", SPAN_LITERAL("a_c@b.example"), "smtp.mailfrom=a_c@b.example" },
		{ "underscore in the domain", SPAN_LITERAL("a@b_c.example"), "smtp.mailfrom=\"a@b_c.example\"" },
		{ "semicolon", SPAN_LITERAL("\"a;dkim=pass\"@b.example"), "smtp.mailfrom=\"\\\"a;dkim=pass\\\"@b.example\"" },
		{ "quote and backslash", SPAN_LITERAL("\"\\\"\\\\\"@b.example"),
		  "smtp.mailfrom=\"\\\"\\\\\\\"\\\\\\\\\\\"@b.example\"" },
		{ "parenthesis", SPAN_LITERAL("\"a(\"@b.example"), "smtp.mailfrom=\"\\\"a(\\\"@b.example\"" },
		{ "space", SPAN_LITERAL("\"a b\"@b.example"), "smtp.mailfrom=\"\\\"a b\\\"@b.example\"" },
		{ "two '@'", SPAN_LITERAL("a@c@b.example"), "smtp.mailfrom=\"a@c@b.example\"" },
		{ "CRLF", SPAN_LITERAL("a\r\nX: y@b.example"), "smtp.mailfrom=b.example" },
		{ "LF and HT", SPAN_LITERAL("a\n\ty@b.example"), "smtp.mailfrom=b.example" },
		{ "NUL", SPAN_LITERAL("a\0@b.example"), "smtp.mailfrom=b.example" },
		{ "8-bit", SPAN_LITERAL("j\xc3\xb6@b.example"), "smtp.mailfrom=b.example" },
		{ "DEL", SPAN_LITERAL("a\x7f@b.example"), "smtp.mailfrom=b.example" },
		{ "long", { large, sizeof large }, "smtp.mailfrom=b.example" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena arena;
		arena_init(&arena, 0);
		struct facts facts;
		struct judgement judgement;
		memset(&facts, 0, sizeof facts);
		memset(&judgement, 0, sizeof judgement);
		facts.spf.complete = true;
		facts.spf.rfc8601 = "pass";
		facts.spf.domain = span_of("b.example");
		facts.sender_status = MAILBOX_OK;
		facts.sender.address = rows[i].address;
		struct span want = arena_printf(&arena, OURS ";\n\tspf=pass %s", rows[i].want);
		struct span got = authres_write(span_of(OURS), &facts, &judgement, &arena);
		is_span(got, want, rows[i].id);
		ok(is_one_field(got) && authres_claims(got, span_of(OURS), NULL) && !authres_claims(got, span_of("b.example"), NULL),
		   "R06 a well-formed field: %s", rows[i].id);
		arena_clear(&arena);
	}
}

/* R07: values of every length up to the longest; the lines stay within bounds. */
static void test_lines(void)
{
	static char text[1200];
	struct arena arena;
	arena_init(&arena, 0);
	struct facts facts;
	struct judgement judgement;
	struct signature signature;
	memset(&facts, 0, sizeof facts);
	memset(&judgement, 0, sizeof judgement);
	memset(&signature, 0, sizeof signature);
	facts.dkim.complete = true;
	facts.dkim.count = 1;
	facts.dkim.signatures = &signature;
	signature.outcome = outcome(RESULT_FAIL);
	signature.rfc8601 = "fail";
	size_t longest = 0;
	unsigned wrong = 0;
	for (unsigned filler = 0; filler < 2; filler++) {
		memset(text, filler ? '"' : 'x', sizeof text);
		for (size_t length = 1; length < sizeof text; length += 7) {
			signature.domain = span_make(text, length);
			signature.selector = span_make(text, length / 2);
			signature.b_prefix = span_make(text, length / 10);
			struct span got = authres_write(span_make(text, length), &facts, &judgement, &arena);
			wrong += !is_one_field(got);
			longest = longest_line(got) > longest ? longest_line(got) : longest;
		}
	}
	ok(wrong == 0 && longest > 900, "R07 no line above 998 characters");
	text[60] = '\0';
	memset(text, 'x', 60);
	signature.domain = signature.selector = signature.b_prefix = span_of(text);
	ok(longest_line(authres_write(span_of(OURS), &facts, &judgement, &arena)) <= 78, "nor above 78 where it can be");
	arena_clear(&arena);
}

static void test_result_header(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct facts facts;
	struct judgement judgement;
	struct org org;
	memset(&facts, 0, sizeof facts);
	memset(&judgement, 0, sizeof judgement);
	memset(&org, 0, sizeof org);
	orgid_parse(span_of("00D8d000003TRx3"), &org.id);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		judgement.results[i] = outcome(RESULT_PASS);
	judgement.results[CHECK_CERT] = result_make(RESULT_NONE, REASON_CERT_ABSENT, span_of("never shown"));
	judgement.results[CHECK_VERP].code = RESULT_SKIP;
	judgement.results[CHECK_DMARC].code = RESULT_PENDING;
	judgement.verdict = VERDICT_ACCEPT;
	judgement.would = VERDICT_ACCEPT;
	judgement.mode = MODE_ENFORCE;
	judgement.org = &org;
	is_span(result_header_write(span_of(OURS), &facts, &judgement, &arena),
	        span_of(OURS "; verdict=accept;\n"
	                     "\torg=00D8d000003TRx3EAG; tls=pass; cert=none (cert-absent);\n"
	                     "\tmessage=pass; org=pass; from=pass; envelope=pass; verp=skip;\n"
	                     "\tdkim=pass; auth=pass; ip=pass; spf=pass; dmarc=\"not needed\""),
	        "the result header");
	judgement.mode = MODE_MONITOR;
	judgement.would = VERDICT_REJECT;
	judgement.org = NULL;
	judgement.results[CHECK_ORG] = result_make(RESULT_FAIL, REASON_ORG_UNKNOWN, span_of("x"));
	struct span got = result_header_write(span_of(OURS), &facts, &judgement, &arena);
	struct span start = span_of(OURS "; verdict=accept; would=reject;");
	is_span(span_slice(got, 0, start.length), start, "in monitor mode it says what would be done; no org");
	ok(is_one_field(got) && longest_line(got) <= 78, "in short lines");
	arena_clear(&arena);
}

int main(void)
{
	test_claims();
	test_write();
	test_hostile();
	test_lines();
	test_result_header();
	return done_testing();
}
