/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine: settings, ports and messages made by hand, for unit tests that link the core alone.
 */
#ifndef SFDC_TEST_ENGINE_H
#define SFDC_TEST_ENGINE_H

#include <stdlib.h>

#include "config/unite.h"
#include "core/examine.h"
#include "tap.h"

#define ORG_A "00D8d000003TRx3EAG"
#define ORG_B "00DA0000000Hu5aMAC"

static const char *const default_sentence =
	"tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)";

static inline struct set *strings(struct settings *settings, enum set_case set_case, const char *const *items)
{
	struct set *set = set_new(&settings->arena, set_case);
	for (; set && *items; items++)
		set_add(set, span_of(*items));
	return set;
}

static inline struct set *patterns(struct settings *settings, const char *const *items)
{
	struct set *set = set_new(&settings->arena, SET_NOCASE);
	for (; set && *items; items++)
		pattern_add(set, span_of(*items));
	return set;
}

#define STRINGS(settings, set_case, ...)                                                                               \
	strings(settings, set_case, (const char *const[]) { __VA_ARGS__ __VA_OPT__(, ) NULL })
#define PATTERNS(settings, ...) patterns(settings, (const char *const[]) { __VA_ARGS__ __VA_OPT__(, ) NULL })

static inline void sentence_set(struct settings *settings, struct sentence *sentence, const char *text)
{
	struct sentence_error error;
	if (!sentence_parse(span_of(text), &settings->arena, sentence, &error)) {
		printf("Bail out! sentence \"%s\": column %zu: %s\n", text, error.column, error.text);
		exit(1);
	}
}

static inline struct network_set *networks(struct settings *settings, const char *text)
{
	struct network_set *set = network_set_new(&settings->arena);
	struct network network;
	if (set && text && network_parse(span_of(text), &network) == NETWORK_OK)
		network_set_add(set, &network);
	return set;
}

/* The shipped defaults, for one org. */
static inline void org_defaults(struct settings *settings, struct org *org, const char *id, enum mode mode,
                                const char *domain)
{
	memset(org, 0, sizeof *org);
	orgid_parse(span_of(id), &org->id);
	org->mode = mode;
	org->domains = patterns(settings, (const char *const[]) { domain, NULL });
	sentence_set(settings, &org->reject_unless, default_sentence);
	sentence_set(settings, &org->defer_unless, "limit");
	org->tls.min_version = TLS_1_2;
	org->tls.min_cipher_bits = 128;
	org->cert.names = PATTERNS(settings, "*.mta.salesforce.com");
	org->cert.required = org->auth.required = org->dkim.required = true;
	org->envelope.bounce_domains = PATTERNS(settings, "*.bnc.salesforce.com");
	org->envelope.null_sender = true;
	org->message.senders = STRINGS(settings, SET_NOCASE, "no-reply@salesforce.com", "noreply@salesforce.com");
	org->dkim.alignment = ALIGNMENT_PARENT;
	org->dkim.min_rsa_bits = 1024;
	org->dkim.algorithms = ALGORITHM_RSA_SHA256 | ALGORITHM_ED25519_SHA256;
	org->dkim.required_headers = STRINGS(settings, SET_NOCASE, "from", "to", "subject", "date", "content-type");
	org->dkim.max_age = 7 * 86400;
	org->dkim.max_signatures = 8;
	org->verp.undecodable = UNDECODABLE_SKIP;
	org->auth.users = STRINGS(settings, SET_EXACT, "sfuser@relay.test");
	org->ip.networks = networks(settings, "13.110.0.0/16");
	org->ip.spf = STRINGS(settings, SET_NOCASE, "_spf.salesforce.com");
}

/* Two organizations, A (example.com) and B (example.org), in the given modes; to be completed by the caller. */
static inline struct settings *settings_two(enum mode a, enum mode b)
{
	struct settings *settings = settings_new();
	settings->mode = MODE_MONITOR;
	settings->message_timeout = 20;
	settings->undecided = VERDICT_TEMPFAIL;
	settings->headers.authentication_results = true;
	settings->headers.result_header = span_of("X-SFDC-Relay");
	settings->authserv_id = span_of("relay.test");
	settings->org_count = 2;
	settings->orgs = arena_array(&settings->arena, 2, sizeof *settings->orgs);
	org_defaults(settings, &settings->orgs[0], ORG_A, a, "example.com");
	org_defaults(settings, &settings->orgs[1], ORG_B, b, "example.org");
	settings->defaults = settings->orgs[0];
	return settings;
}

/* A session as Salesforce opens it. */
static inline struct session_input good_session(void)
{
	struct session_input input = {
		.mta = MTA_POSTFIX,
		.client_name = span_of("smtp07-ia4-sp3.mta.salesforce.com"),
		.helo = span_of("smtp07-ia4-sp3.mta.salesforce.com"),
		.tls_version = span_of("TLSv1.3"),
		.cipher = span_of("TLS_AES_256_GCM_SHA384"),
		.cipher_bits = span_of("256"),
		.certificate = { .cert_subject = span_of("smtp07-ia4-sp3.mta.salesforce.com"),
		                 .cert_issuer = span_of("Test Root CA") },
		.authserv_id = span_of("relay.test"),
		.mail_from = span_of("<joe@example.com>"),
	};
	address_parse(span_of("13.110.74.200"), &input.client);
	return input;
}

/* Evidence that a test hands out: what each piece becomes once gather() was asked for it. */
struct test_evidence {
	struct facts *facts;
	struct waker waker;
	struct result spf, dmarc, ip_spf, dkim;
	bool has_dkim;    /* one aligned signature with the outcome `dkim` */
	bool late;        /* gather() gives nothing, and nothing more will come */
	bool absent;      /* gather() gives nothing yet */
	check_bits asked; /* every check ever asked for */
	unsigned gathers;
	size_t body;        /* bytes that came */
	size_t body_wanted; /* after so many no more is needed */
	unsigned ended;
	struct result limit;  /* what counting comes to; pending: there is no limiter */
	bool limit_late;      /* it is not known until the time is up */
	unsigned counts;      /* how often the message was counted */
	unsigned counts_open; /* and not released yet */
	struct limiter limiter;
	struct signature signature;
	struct ip_spf ip_spf_fact;
};

static inline long long test_now_ms(void *context)
{
	(void)context;
	return 1000;
}

static inline long long test_now(void *context)
{
	(void)context;
	return 1800000000;
}

static inline struct evidence *test_begin(void *context, const struct settings *settings, struct facts *facts,
                                          struct waker waker)
{
	struct test_evidence *evidence = context;
	(void)settings;
	evidence->facts = facts;
	evidence->waker = waker;
	return (struct evidence *)evidence;
}

static inline void test_field(struct evidence *opaque, const struct field *field)
{
	(void)opaque, (void)field;
}

static inline void test_header_end(struct evidence *opaque)
{
	(void)opaque;
}

static inline void test_start(struct evidence *opaque, const struct wants *wants)
{
	(void)opaque, (void)wants;
}

static inline bool test_body(struct evidence *opaque, struct span chunk)
{
	struct test_evidence *evidence = (struct test_evidence *)opaque;
	evidence->body += chunk.length;
	return evidence->body < evidence->body_wanted;
}

static inline enum gathering test_gather(struct evidence *opaque, const struct wants *wants)
{
	check_bits wanted = wants->checks;
	struct test_evidence *evidence = (struct test_evidence *)opaque;
	struct facts *facts = evidence->facts;
	evidence->asked |= wanted;
	evidence->gathers++;
	if (evidence->late)
		return GATHERING_OVER;
	if (evidence->absent)
		return GATHERING_WAITS;
	if (wanted & CHECK_BIT(CHECK_SPF)) {
		facts->spf.complete = true;
		facts->spf.outcome = evidence->spf;
	}
	if (wanted & CHECK_BIT(CHECK_DMARC)) {
		facts->dmarc.complete = true;
		facts->dmarc.outcome = evidence->dmarc;
	}
	if (wanted & CHECK_BIT(CHECK_IP)) {
		evidence->ip_spf_fact = (struct ip_spf) { span_of("_spf.salesforce.com"), true, evidence->ip_spf, NULL };
		facts->ip_spfs = &evidence->ip_spf_fact;
	}
	if (wanted & CHECK_BIT(CHECK_DKIM)) {
		evidence->signature = (struct signature) { .outcome = evidence->dkim,
			                                       .domain = span_of("example.com"),
			                                       .selector = span_of("s1"),
			                                       .algorithm = ALGORITHM_RSA_SHA256,
			                                       .rsa_bits = 2048,
			                                       .relation = RELATION_EQUAL,
			                                       .timestamp = -1,
			                                       .signed_headers = span_of("Date:From:To:Subject:Content-Type") };
		facts->dkim = (struct dkim_evidence) { true, evidence->has_dkim, &evidence->signature };
	}
	return GATHERING_CAME;
}

static inline void test_end(struct evidence *opaque)
{
	((struct test_evidence *)opaque)->ended++;
}

static inline struct count *test_count(void *context, const struct settings *settings, const struct org *org,
                                       const struct facts *facts, struct waker waker)
{
	struct test_evidence *evidence = context;
	(void)settings, (void)org, (void)facts, (void)waker;
	evidence->counts++;
	evidence->counts_open++;
	return (struct count *)evidence;
}

static inline bool test_count_look(struct count *opaque, bool late, struct facts *facts)
{
	struct test_evidence *evidence = (struct test_evidence *)opaque;
	if (evidence->limit_late && !late)
		return false;
	facts->limit = (struct limit_evidence) { true, evidence->limit };
	return true;
}

static inline void test_count_end(struct count *opaque)
{
	((struct test_evidence *)opaque)->counts_open--;
}

static inline struct environment test_environment(struct test_evidence *evidence)
{
	struct environment environment = { .context = evidence,
		                               .now_ms = test_now_ms,
		                               .now = test_now,
		                               .begin = test_begin,
		                               .field = test_field,
		                               .header_end = test_header_end,
		                               .start = test_start,
		                               .body = test_body,
		                               .gather = test_gather,
		                               .end = test_end };
	evidence->limiter = (struct limiter) { evidence, test_count, test_count_look, test_count_end };
	if (evidence->limit.code != RESULT_PENDING)
		environment.limiter = &evidence->limiter;
	return environment;
}

/* Everything passes. */
static inline struct test_evidence good_evidence(void)
{
	struct result pass = { RESULT_PASS, REASON_NONE, { NULL, 0 } };
	struct test_evidence evidence = { .spf = pass, .dmarc = pass, .ip_spf = pass, .dkim = pass, .has_dkim = true };
	return evidence;
}

/* Header fields as name, value, name, value, ..., NULL. */
static inline void feed_fields(struct examination *examination, const char *const *fields)
{
	for (; *fields; fields += 2)
		examine_field(examination, span_of(fields[0]), span_of(fields[1]), true);
}

#endif
