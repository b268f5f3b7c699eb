/* SPDX-License-Identifier: BSD-2-Clause */
/* checks: each check but dkim on facts made by hand, with the parameters of one organization. */
#include "bench.h"

static void test_cert(void)
{
	static const struct {
		const char *name;
		const char *issuer;
		const char *client;
		bool verified, match;
		enum result_code code;
		enum reason reason;
	} rows[] = {
		{ "a.mta.salesforce.com", "CN=Good", "x.example", true, false, RESULT_PASS, REASON_NONE },
		{ "A.MTA.Salesforce.COM", "CN=Good", "x.example", true, false, RESULT_PASS, REASON_NONE },
		{ "a.mta.salesforce.com", "CN=Good", "x.example", false, false, RESULT_FAIL, REASON_CERT_UNVERIFIED },
		{ "a.mta.salesforce.com", "CN=good", "x.example", true, false, RESULT_FAIL, REASON_CERT_ISSUER },
		{ "a.mta.salesforce.com", NULL, "x.example", true, false, RESULT_FAIL, REASON_CERT_ISSUER },
		{ "mta.salesforce.com", "CN=Good", "x.example", true, false, RESULT_FAIL, REASON_CERT_NAME },
		{ NULL, "CN=Good", "x.example", true, false, RESULT_FAIL, REASON_CERT_NAME },
		{ "*.mta.salesforce.com", "CN=Good", "a.mta.salesforce.com", true, true, RESULT_FAIL, REASON_CERT_NAME },
		{ "a.mta.salesforce.com", "CN=Good", "A.mta.salesforce.com", true, true, RESULT_PASS, REASON_NONE },
		{ "a.mta.salesforce.com", "CN=Good", "b.mta.salesforce.com", true, true, RESULT_FAIL, REASON_CERT_CLIENT_NAME },
		{ "a.mta.salesforce.com", "CN=Good", "unknown", true, true, RESULT_FAIL, REASON_CERT_CLIENT_NAME },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench bench;
		bench_begin(&bench);
		bench.facts.certificate =
			(struct certificate) { true, rows[i].verified, span_of(rows[i].name), span_of(rows[i].issuer) };
		bench.facts.client_name = span_of(rows[i].client);
		bench.facts.client_name_verified = strcmp(rows[i].client, "unknown") != 0;
		bench.org->cert.issuers = STRINGS(bench.settings, SET_EXACT, "CN=Good");
		bench.org->cert.match_client_name = rows[i].match;
		expect(check_cert.judge(&bench.facts, bench.org), rows[i].code, rows[i].reason,
		       rows[i].name ? rows[i].name : "no name");
		bench_end(&bench);
	}

	struct bench bench;
	bench_begin(&bench);
	memset(&bench.facts.certificate, 0, sizeof bench.facts.certificate);
	expect(check_cert.judge(&bench.facts, bench.org), RESULT_NONE, REASON_CERT_ABSENT, "no certificate");
	bench.org->cert.required = false;
	expect(check_cert.judge(&bench.facts, bench.org), RESULT_SKIP, REASON_NOT_REQUIRED, "none is needed");
	bench.facts.certificate.presented = true;
	expect(check_cert.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_CERT_UNVERIFIED,
	       "but one that is there must be right");
	bench_end(&bench);
}

static void test_mailboxes(void)
{
	static const struct {
		enum mailbox_status status;
		enum result_code from_code;
		enum reason from;
		enum result_code envelope_code;
		enum reason envelope;
	} rows[] = {
		{ MAILBOX_OK, RESULT_PASS, REASON_NONE, RESULT_PASS, REASON_NONE },
		{ MAILBOX_UNSET, RESULT_FAIL, REASON_FROM_MALFORMED, RESULT_FAIL, REASON_ENVELOPE_MALFORMED },
		{ MAILBOX_EMPTY, RESULT_FAIL, REASON_FROM_MALFORMED, RESULT_FAIL, REASON_ENVELOPE_MALFORMED },
		{ MAILBOX_NULL, RESULT_FAIL, REASON_FROM_MALFORMED, RESULT_PASS, REASON_NONE },
		{ MAILBOX_SEVERAL, RESULT_FAIL, REASON_FROM_SEVERAL, RESULT_FAIL, REASON_ENVELOPE_MALFORMED },
		{ MAILBOX_GROUP, RESULT_FAIL, REASON_FROM_SEVERAL, RESULT_FAIL, REASON_ENVELOPE_MALFORMED },
		{ MAILBOX_MALFORMED, RESULT_FAIL, REASON_FROM_MALFORMED, RESULT_FAIL, REASON_ENVELOPE_MALFORMED },
		{ MAILBOX_NO_MEMORY, RESULT_TEMPERROR, REASON_INTERNAL, RESULT_TEMPERROR, REASON_INTERNAL },
	};
	struct bench bench;
	bench_begin(&bench);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bench.facts.author_status = bench.facts.sender_status = rows[i].status;
		expect(check_from.judge(&bench.facts, bench.org), rows[i].from_code, rows[i].from, "author");
		expect(check_envelope.judge(&bench.facts, bench.org), rows[i].envelope_code, rows[i].envelope, "sender");
	}
	bench.facts.author_status = bench.facts.sender_status = MAILBOX_OK;
	bench.facts.author.domain = bench.facts.sender.domain = span_of("sub.example.com");
	expect(check_from.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_FROM_DOMAIN, "an author below the domain");
	expect(check_envelope.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_ENVELOPE_DOMAIN,
	       "a sender below the domain");
	bench.facts.sender.domain = span_of("x.bnc.salesforce.com");
	expect(check_envelope.judge(&bench.facts, bench.org), RESULT_PASS, REASON_NONE, "a bounce domain");
	bench.facts.sender_status = MAILBOX_NULL;
	bench.org->envelope.null_sender = false;
	expect(check_envelope.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_ENVELOPE_NULL,
	       "a null sender that is not wanted");
	bench_end(&bench);
}

static void test_ip(void)
{
	static const struct {
		const char *what;
		const char *client;
		enum result_code ip_spfs[2]; /* PENDING: the look-up is not complete */
		enum result_code code;
		enum reason reason;
	} rows[] = {
		{ "listed", "13.110.0.1", { RESULT_PENDING, RESULT_PENDING }, RESULT_PASS, REASON_NONE },
		{ "loopback", "127.0.0.1", { RESULT_PASS, RESULT_PASS }, RESULT_FAIL, REASON_IP_UNLISTED },
		{ "IPv6 loopback", "::1", { RESULT_PASS, RESULT_PASS }, RESULT_FAIL, REASON_IP_UNLISTED },
		{ "both out", "192.0.2.1", { RESULT_PENDING, RESULT_PENDING }, RESULT_PENDING, REASON_NONE },
		{ "the first vouches", "192.0.2.1", { RESULT_PASS, RESULT_PENDING }, RESULT_PASS, REASON_NONE },
		{ "the second vouches", "192.0.2.1", { RESULT_FAIL, RESULT_PASS }, RESULT_PASS, REASON_NONE },
		{ "after a broken one", "192.0.2.1", { RESULT_PERMERROR, RESULT_PASS }, RESULT_PASS, REASON_NONE },
		{ "one out, one fails", "192.0.2.1", { RESULT_PENDING, RESULT_FAIL }, RESULT_PENDING, REASON_NONE },
		{ "one fails, one out", "192.0.2.1", { RESULT_FAIL, RESULT_PENDING }, RESULT_PENDING, REASON_NONE },
		{ "both fail", "192.0.2.1", { RESULT_FAIL, RESULT_NONE }, RESULT_FAIL, REASON_IP_UNLISTED },
		{ "one broken", "192.0.2.1", { RESULT_FAIL, RESULT_PERMERROR }, RESULT_PERMERROR, REASON_IP_SPF_ERROR },
		{ "broken, then failing",
		  "192.0.2.1",
		  { RESULT_PERMERROR, RESULT_FAIL },
		  RESULT_PERMERROR,
		  REASON_IP_SPF_ERROR },
		{ "out, then broken", "192.0.2.1", { RESULT_PENDING, RESULT_PERMERROR }, RESULT_PENDING, REASON_NONE },
		{ "DNS fails", "192.0.2.1", { RESULT_TEMPERROR, RESULT_FAIL }, RESULT_TEMPERROR, REASON_DNS_ERROR },
		{ "DNS fails, one out", "192.0.2.1", { RESULT_TEMPERROR, RESULT_PENDING }, RESULT_PENDING, REASON_NONE },
		{ "DNS fails, one broken",
		  "192.0.2.1",
		  { RESULT_TEMPERROR, RESULT_PERMERROR },
		  RESULT_TEMPERROR,
		  REASON_DNS_ERROR },
		{ "one out, DNS fails", "192.0.2.1", { RESULT_PENDING, RESULT_TEMPERROR }, RESULT_PENDING, REASON_NONE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench bench;
		struct ip_spf ip_spfs[2] = { { .name = span_of("B.example"), .next = NULL },
			                         { .name = span_of("_spf.a.example"), .next = &ip_spfs[0] } };
		bench_begin(&bench);
		address_parse(span_of(rows[i].client), &bench.facts.client);
		bench.org->ip.spf = STRINGS(bench.settings, SET_NOCASE, "_spf.a.example", "b.example");
		bench.facts.ip_spfs = &ip_spfs[1];
		for (size_t j = 0; j < 2; j++) {
			enum result_code code = rows[i].ip_spfs[j];
			struct ip_spf *ip_spf = &ip_spfs[1 - j];
			ip_spf->complete = code != RESULT_PENDING;
			ip_spf->outcome.code = code;
			ip_spf->outcome.reason = code == RESULT_TEMPERROR   ? REASON_DNS_ERROR
			                         : code == RESULT_PERMERROR ? REASON_IP_SPF_ERROR
			                                                    : REASON_NONE;
		}
		expect(check_ip.judge(&bench.facts, bench.org), rows[i].code, rows[i].reason, rows[i].what);
		bench_end(&bench);
	}

	struct bench bench;
	bench_begin(&bench);
	address_parse(span_of("192.0.2.1"), &bench.facts.client);
	expect(check_ip.judge(&bench.facts, bench.org), RESULT_PENDING, REASON_NONE, "no look-up was begun");
	bench.facts.client.family = ADDRESS_NONE;
	expect(check_ip.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_IP_UNKNOWN, "no address");
	bench_end(&bench);
}

static void test_org(void)
{
	static const struct {
		const char *lk, *relay;
		enum result_code code;
		enum reason reason;
	} rows[] = {
		{ "00D8d000003TRx3", NULL, RESULT_PASS, REASON_NONE },
		{ "00D8d000003TRx3", "00D8d000003TRx3EAG", RESULT_PASS, REASON_NONE },
		{ "00D8d000003TRx3", "00DA0000000Hu5a", RESULT_FAIL, REASON_ORG_RELAY_MISMATCH },
		{ "00D8d000003TRx3", "x", RESULT_FAIL, REASON_ORG_RELAY_MISMATCH },
		{ "00DA0000000Hu5a", NULL, RESULT_FAIL, REASON_ORG_UNKNOWN },
		{ "x", NULL, RESULT_FAIL, REASON_ORG_MALFORMED },
		{ NULL, NULL, RESULT_NONE, REASON_ORG_ABSENT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench bench;
		struct session_input input = good_session();
		bench_begin(&bench);
		facts_begin(&bench.facts, &bench.arena, NULL, bench.settings, &input);
		if (rows[i].lk)
			facts_field(&bench.facts, span_of("X-SFDC-LK"), span_of(rows[i].lk), true);
		if (rows[i].relay)
			facts_field(&bench.facts, span_of("X-SFDCOrgRelay"), span_of(rows[i].relay), true);
		facts_header_end(&bench.facts, 0);
		struct result got = check_org.judge(&bench.facts, bench.org);
		expect(got, rows[i].code, rows[i].reason, rows[i].lk ? rows[i].lk : "no field");
		is_span(got.detail, span_of(rows[i].reason == REASON_ORG_RELAY_MISMATCH ? rows[i].relay : rows[i].lk),
		        "what it says");
		bench_end(&bench);
	}

	struct bench bench;
	bench_begin(&bench);
	facts_field(&bench.facts, span_of("X-SFDCOrgRelay"), span_of(ORG_A), true);
	facts_field(&bench.facts, span_of("X-SFDCOrgRelay"), span_of(ORG_B), true);
	expect(check_org.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_ORG_RELAY_MISMATCH,
	       "each of several is looked at");
	facts_field(&bench.facts, span_of("X-SFDC-LK"), span_of(" " ORG_A), true);
	facts_header_end(&bench.facts, 0);
	expect(check_org.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_ORG_DUPLICATE,
	       "two of the same are one too many");
	bench_end(&bench);
}

static void test_message(void)
{
	static const struct {
		unsigned defects;
		bool body_nul;
		enum result_code code;
		enum reason reason;
	} rows[] = {
		{ HEADER_SOUND, false, RESULT_PASS, REASON_NONE },
		{ HEADER_SOUND, true, RESULT_FAIL, REASON_MESSAGE_NUL },
		{ HEADER_NUL | HEADER_NAME, false, RESULT_FAIL, REASON_MESSAGE_NUL },
		{ HEADER_BARE_CR, false, RESULT_FAIL, REASON_MESSAGE_BARE_CR },
		{ HEADER_NAME | HEADER_DUPLICATE, false, RESULT_FAIL, REASON_MESSAGE_NAME },
		{ HEADER_NO_COLON, false, RESULT_FAIL, REASON_MESSAGE_LINE },
		{ HEADER_DUPLICATE | HEADER_OVER_LIMIT, false, RESULT_FAIL, REASON_MESSAGE_DUPLICATE },
		{ HEADER_OVER_LIMIT, true, RESULT_FAIL, REASON_MESSAGE_LIMIT },
		{ 1U << 30, false, RESULT_FAIL, REASON_INTERNAL },
	};
	struct bench bench;
	bench_begin(&bench);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bench.facts.header.defects = rows[i].defects;
		bench.facts.body_nul = rows[i].body_nul;
		expect(check_message.judge(&bench.facts, bench.org), rows[i].code, rows[i].reason, "defects");
	}
	bench_end(&bench);
}

static void test_sender(void)
{
	static const struct {
		const char *sender;
		enum result_code code;
		enum reason reason;
	} rows[] = {
		{ " no-reply@salesforce.com", RESULT_PASS, REASON_NONE },
		{ " Salesforce <NoReply@Salesforce.com>", RESULT_PASS, REASON_NONE },
		{ " anyone@example.com", RESULT_PASS, REASON_NONE },
		{ " other@salesforce.com", RESULT_FAIL, REASON_MESSAGE_SENDER },
		{ " anyone@sub.example.com", RESULT_FAIL, REASON_MESSAGE_SENDER },
		{ " no-reply@salesforce.com, x@example.com", RESULT_FAIL, REASON_MESSAGE_SENDER },
		{ "", RESULT_FAIL, REASON_MESSAGE_SENDER },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench bench;
		bench_begin(&bench);
		facts_field(&bench.facts, span_of("Sender"), span_of(rows[i].sender), true);
		facts_header_end(&bench.facts, 0);
		expect(check_message.judge(&bench.facts, bench.org), rows[i].code, rows[i].reason, rows[i].sender);
		bench_end(&bench);
	}

	struct bench bench;
	bench_begin(&bench);
	facts_field(&bench.facts, span_of("Sender"), span_of(rows[0].sender), true);
	bench.arena.limit = bench.arena.used;
	facts_header_end(&bench.facts, 0);
	expect(check_message.judge(&bench.facts, bench.org), RESULT_TEMPERROR, REASON_INTERNAL,
	       "without memory nothing is said of it");
	bench_end(&bench);
}

static void set_sender(struct facts *facts, const char *path)
{
	facts->sender_status = mailbox_parse_path(span_of(path), facts->arena, NULL, &facts->sender);
	if (facts->sender_status == MAILBOX_OK)
		ok(verp_read_author(facts->sender.local_part, facts->arena, &facts->bounce_author), "memory");
}

static void test_verp(void)
{
#define BOUNCE(local) local "@a.b.8d-3trx3eag.um8.bnc.salesforce.com"
	static const struct {
		const char *what, *sender;
		enum result_code lenient, strict;
		enum reason reason;
	} rows[] = {
		{ "the author's", BOUNCE("joe=example.com__x1"), RESULT_PASS, RESULT_PASS, REASON_NONE },
		{ "in another case", BOUNCE("JOE=Example.COM__x1"), RESULT_PASS, RESULT_PASS, REASON_NONE },
		{ "another author", BOUNCE("jane=example.com__x1"), RESULT_FAIL, RESULT_FAIL, REASON_VERP_FROM },
		{ "another domain", BOUNCE("joe=example.org__x1"), RESULT_FAIL, RESULT_FAIL, REASON_VERP_FROM },
		{ "no author part", BOUNCE("bounce"), RESULT_SKIP, RESULT_FAIL, REASON_VERP_UNDECODABLE },
		{ "another organization", "joe=example.com__x1@a.b.a-hu5amac.um8.bnc.salesforce.com", RESULT_FAIL, RESULT_FAIL,
		  REASON_VERP_ORG },
		{ "a label that is none", "x@a.b.nolabel.um8.bnc.salesforce.com", RESULT_SKIP, RESULT_FAIL,
		  REASON_VERP_UNDECODABLE },
		{ "no bounce address", "joe@example.com", RESULT_SKIP, RESULT_SKIP, REASON_VERP_NOT_BOUNCE },
		{ "no sender", "", RESULT_SKIP, RESULT_SKIP, REASON_VERP_NOT_BOUNCE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench bench;
		bench_begin(&bench);
		struct facts *facts = &bench.facts;
		set_sender(facts, rows[i].sender);
		expect(check_verp.judge(facts, bench.org), rows[i].lenient, rows[i].reason, rows[i].what);
		bench.org->verp.undecodable = UNDECODABLE_FAIL;
		expect(check_verp.judge(facts, bench.org), rows[i].strict, rows[i].reason, "strictly");
		bench_end(&bench);
	}

	struct bench bench;
	bench_begin(&bench);
	struct facts *facts = &bench.facts;
	set_sender(facts, rows[0].sender);
	facts->author_status = MAILBOX_SEVERAL;
	expect(check_verp.judge(facts, bench.org), RESULT_FAIL, REASON_VERP_FROM,
	       "an author that cannot be read is not the one");
	facts->org_header = ORG_HEADER_DUPLICATE;
	expect(check_verp.judge(facts, bench.org), RESULT_FAIL, REASON_VERP_ORG, "nor is an organization");
	facts->sender_status = MAILBOX_NO_MEMORY;
	expect(check_verp.judge(facts, bench.org), RESULT_TEMPERROR, REASON_INTERNAL,
	       "a sender for which there was no memory");
	bench_end(&bench);
}

static void test_tls(void)
{
	static const struct {
		const char *version;
		const char *bits;
		enum result_code code;
		enum reason reason;
	} rows[] = {
		{ "TLSv1.3", "256", RESULT_PASS, REASON_NONE },        { "TLSv1.2", "128", RESULT_PASS, REASON_NONE },
		{ "TLSv1.2", "127", RESULT_FAIL, REASON_TLS_CIPHER },  { "TLSv1.2", NULL, RESULT_FAIL, REASON_TLS_CIPHER },
		{ "TLSv1.1", "256", RESULT_FAIL, REASON_TLS_VERSION }, { "TLSv1.4", "256", RESULT_FAIL, REASON_TLS_VERSION },
		{ "", "256", RESULT_FAIL, REASON_TLS_ABSENT },         { NULL, NULL, RESULT_FAIL, REASON_TLS_ABSENT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench bench;
		struct session_input input = good_session();
		input.tls_version = span_of(rows[i].version);
		input.cipher_bits = span_of(rows[i].bits);
		bench_begin(&bench);
		facts_begin(&bench.facts, &bench.arena, NULL, bench.settings, &input);
		expect(check_tls.judge(&bench.facts, bench.org), rows[i].code, rows[i].reason,
		       rows[i].version ? rows[i].version : "no TLS");
		bench_end(&bench);
	}
}

static void test_auth(void)
{
	static const struct {
		const char *type, *user;
		bool required;
		enum result_code code;
		enum reason reason;
	} rows[] = {
		{ "PLAIN", "sfuser@relay.test", true, RESULT_PASS, REASON_NONE },
		{ "plain", "sfuser@relay.test", false, RESULT_PASS, REASON_NONE },
		{ "LOGIN", "sfuser@relay.test", true, RESULT_FAIL, REASON_AUTH_MECHANISM },
		{ NULL, "sfuser@relay.test", true, RESULT_FAIL, REASON_AUTH_MECHANISM },
		{ "PLAIN", "SFUSER@relay.test", true, RESULT_FAIL, REASON_AUTH_USER },
		{ "PLAIN", NULL, false, RESULT_FAIL, REASON_AUTH_USER },
		{ NULL, NULL, true, RESULT_NONE, REASON_AUTH_NONE },
		{ NULL, NULL, false, RESULT_SKIP, REASON_NOT_REQUIRED },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench bench;
		bench_begin(&bench);
		bench.facts.auth_type = span_of(rows[i].type);
		bench.facts.auth_authen = span_of(rows[i].user);
		bench.org->auth.mechanisms = STRINGS(bench.settings, SET_NOCASE, "PLAIN");
		bench.org->auth.required = rows[i].required;
		expect(check_auth.judge(&bench.facts, bench.org), rows[i].code, rows[i].reason,
		       rows[i].user ? rows[i].user : "no user");
		bench_end(&bench);
	}
}

/* What was evaluated elsewhere is handed on. */
static void test_policies(void)
{
	struct bench bench;
	bench_begin(&bench);
	expect(check_spf.judge(&bench.facts, bench.org), RESULT_PENDING, REASON_NONE, "SPF is not known yet");
	expect(check_dmarc.judge(&bench.facts, bench.org), RESULT_PENDING, REASON_NONE, "nor is DMARC");
	bench.facts.spf.complete = bench.facts.dmarc.complete = true;
	bench.facts.spf.outcome = result_make(RESULT_NONE, REASON_SPF_NONE, span_make(NULL, 0));
	bench.facts.dmarc.outcome = result_make(RESULT_NONE, REASON_DMARC_NONE, span_make(NULL, 0));
	bench.org->dmarc.required = true;
	expect(check_spf.judge(&bench.facts, bench.org), RESULT_NONE, REASON_SPF_NONE, "no SPF record");
	expect(check_dmarc.judge(&bench.facts, bench.org), RESULT_NONE, REASON_DMARC_NONE, "no DMARC record");
	bench.org->dmarc.required = false;
	expect(check_dmarc.judge(&bench.facts, bench.org), RESULT_SKIP, REASON_DMARC_NONE, "where none is needed");
	bench.facts.dmarc.outcome = result_make(RESULT_FAIL, REASON_DMARC_FAIL, span_make(NULL, 0));
	expect(check_dmarc.judge(&bench.facts, bench.org), RESULT_FAIL, REASON_DMARC_FAIL,
	       "but one that is there must be kept");
	bench_end(&bench);
}

static void test_table(void)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		enum check_id id = CHECK_COUNT;
		const struct check *sheet = check_at((enum check_id)i);
		ok(check_by_name(span_of(check_name((enum check_id)i)), &id) && id == i, "%s", check_name((enum check_id)i));
		ok(sheet->judge && sheet->passes && sheet->asks && sheet->known_at > STAGE_CONNECT,
		   "its sheet says how it judges, from when on, and what in words");
	}
	enum check_id id;
	ok(!check_by_name(span_of("TLS"), &id) && !check_by_name(span_of(""), &id), "nothing else is a check");
}

int main(void)
{
	test_table();
	test_cert();
	test_mailboxes();
	test_ip();
	test_org();
	test_message();
	test_sender();
	test_verp();
	test_tls();
	test_auth();
	test_policies();
	return done_testing();
}
