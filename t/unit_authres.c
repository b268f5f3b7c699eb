/* SPDX-License-Identifier: BSD-2-Clause */
/* authres: what we write is well-formed. */
#include "core/authres.h"
#include "core/authres_claim.h"
#include "tap.h"

#define OURS "relay.example.com"

static bool claims(struct span value, const char *own_id)
{
	struct arena arena;
	struct authres_ids ids;
	bool found;
	arena_init(&arena, 0);
	bool whole = authres_ids_init(&ids, span_of(own_id), NULL, NULL, &arena) && authres_claims(&ids, value, &found);
	arena_clear(&arena);
	return whole && found;
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
	        span_of(OURS ";\n\tauth=pass;\n\tspf=pass smtp.mailfrom=\"a=b__x@b.example\""),
	        "auth without the user, and spf");

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
	is_span(
		authres_write(span_of(OURS), &facts, &judgement, &arena),
		span_of(
			OURS
			";\n\tspf=temperror smtp.mailfrom=\"a=b__x@b.example\";\n\tdkim=pass header.d=example.com header.s=sfcrm header.a=rsa-sha256\n"
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
		ok(is_one_field(got) && claims(got, OURS) && !claims(got, "b.example"), "R06 a well-formed field: %s",
		   rows[i].id);
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
	struct span got = result_header_write(span_of(OURS), &facts, &judgement, &arena);
	struct span start = span_of(OURS "; verdict=accept;\n"
	                                 "\torg=00D8d000003TRx3EAG; tls=pass; cert=none (cert-absent);\n"
	                                 "\tmessage=pass; org=pass; from=pass; envelope=pass; verp=skip;\n"
	                                 "\tdkim=pass; auth=pass; ip=pass; spf=pass; dmarc=\"not needed\";\n");
	is_span(span_slice(got, 0, start.length), start, "the result header");
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		ok(span_holds_nocase(got, arena_printf(&arena, "\t%s=", check_name((enum check_id)i)))
		       || span_holds_nocase(got, arena_printf(&arena, " %s=", check_name((enum check_id)i))),
		   "every check: %s", check_name((enum check_id)i));
	judgement.mode = MODE_MONITOR;
	judgement.would = VERDICT_REJECT;
	judgement.org = NULL;
	judgement.results[CHECK_ORG] = result_make(RESULT_FAIL, REASON_ORG_UNKNOWN, span_of("x"));
	got = result_header_write(span_of(OURS), &facts, &judgement, &arena);
	start = span_of(OURS "; verdict=accept; would=reject;");
	is_span(span_slice(got, 0, start.length), start, "in monitor mode it says what would be done; no org");
	ok(is_one_field(got) && longest_line(got) <= 78, "in short lines");
	arena_clear(&arena);
}

int main(void)
{
	test_write();
	test_hostile();
	test_lines();
	test_result_header();
	return done_testing();
}
