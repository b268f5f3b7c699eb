/* SPDX-License-Identifier: BSD-2-Clause */
#include "case_environment.h"

#include <stdlib.h>

#include "case_file.h"

static struct span take_word(struct span *rest)
{
	*rest = span_trim(*rest);
	size_t end = span_find(*rest, 0, ' ');
	struct span word = span_slice(*rest, 0, end);
	*rest = span_slice(*rest, end, rest->length);
	return word;
}

/* RESULT [REASON]; a word with "=" belongs to what follows. */
static const char *read_result(struct span *rest, struct result *result_r)
{
	if (!result_by_name(take_word(rest), &result_r->code))
		return "unknown result in the evidence";
	struct span ahead = *rest;
	struct span word = take_word(&ahead);
	if (word.length == 0 || span_find(word, 0, '=') != word.length)
		return NULL;
	*rest = ahead;
	return reason_from_code(word, &result_r->reason) ? NULL : "unknown reason in the evidence";
}

static const char *take_number(struct span value, unsigned long *number_r)
{
	return span_number(value, 4000000000UL, number_r) ? NULL : "no number in the evidence";
}

static const char *read_relation(struct span value, enum relation *relation_r)
{
	static const char *const relations[] = { "none", "organization", "parent", "equal" };
	for (unsigned i = 0; i < 4; i++)
		if (span_equal(value, span_of(relations[i]))) {
			*relation_r = (enum relation)i;
			return NULL;
		}
	return "unknown relation in the evidence";
}

static const char *read_tag(struct case_evidence *evidence, struct span tag, struct signature *signature)
{
	size_t equals = span_find(tag, 0, '=');
	struct span name = span_slice(tag, 0, equals);
	struct span value = span_slice(tag, equals + 1, tag.length);
	unsigned long number = 0;
	const char *problem = NULL;

	if (span_equal(name, span_of("d"))) {
		signature->domain = value;
	} else if (span_equal(name, span_of("s"))) {
		signature->selector = value;
	} else if (span_equal(name, span_of("h"))) {
		signature->signed_headers = value;
	} else if (span_equal(name, span_of("relation"))) {
		problem = read_relation(value, &signature->relation);
	} else if (span_equal(name, span_of("bits"))) {
		problem = take_number(value, &number);
		signature->rsa_bits = (unsigned)number;
	} else if (span_equal(name, span_of("t"))) {
		problem = take_number(value, &number);
		signature->timestamp = (long long)number;
	} else if (span_equal(name, span_of("a"))) {
		signature->algorithm = span_equal(value, span_of("rsa-sha256"))       ? ALGORITHM_RSA_SHA256
		                       : span_equal(value, span_of("ed25519-sha256")) ? ALGORITHM_ED25519_SHA256
		                                                                      : 0;
	} else if (span_equal(name, span_of("via"))) {
		struct set *chain = set_new(evidence->arena, SET_NOCASE);
		if (!chain || set_add(chain, value) == SET_ABSENT)
			return "out of memory";
		signature->key_chain = chain;
	} else {
		return "unknown tag in the evidence";
	}
	return problem;
}

static const char *read_signature(struct case_evidence *evidence, struct span rest)
{
	if (evidence->count == CASE_SIGNATURES_MAX)
		return "too many signatures";
	struct signature *signature = &evidence->signatures[evidence->count];
	*signature = (struct signature) { .domain = span_of("example.com"),
		                              .selector = span_of("s1"),
		                              .b_prefix = span_of("AbCdEfGh"),
		                              .algorithm = ALGORITHM_RSA_SHA256,
		                              .rsa_bits = 2048,
		                              .relation = RELATION_EQUAL,
		                              .timestamp = -1,
		                              .signed_headers = span_of("Date:From:To:Subject:MIME-Version:Content-Type") };
	evidence->has_dkim = true;
	if (span_equal(span_trim(rest), span_of("none")))
		return NULL;
	evidence->count++;
	const char *problem = read_result(&rest, &signature->outcome);
	signature->rfc8601 = result_name(signature->outcome.code);
	while (!problem && span_trim(rest).length != 0)
		problem = read_tag(evidence, take_word(&rest), signature);
	return problem;
}

static const char *read_outcome(struct span rest, struct outcome_evidence *outcome)
{
	outcome->complete = true;
	const char *problem = read_result(&rest, &outcome->outcome);
	outcome->rfc8601 = result_name(outcome->outcome.code);
	return problem;
}

static const char *read_ip_spf(struct case_evidence *evidence, struct span rest)
{
	struct ip_spf *ip_spf = arena_alloc(evidence->arena, sizeof *ip_spf);
	if (!ip_spf)
		return "out of memory";
	ip_spf->name = take_word(&rest);
	ip_spf->complete = true;
	ip_spf->next = evidence->ip_spfs;
	evidence->ip_spfs = ip_spf;
	return read_result(&rest, &ip_spf->outcome);
}

static const char *read_limit(struct case_evidence *evidence, struct span rest)
{
	evidence->limit.complete = true;
	const char *problem = read_result(&rest, &evidence->limit.outcome);
	evidence->limit.outcome.detail = span_trim(rest);
	return problem;
}

const char *case_evidence_read(struct span text, struct arena *arena, struct case_evidence *evidence_r)
{
	struct span line;
	struct span key;
	struct span value;
	const char *problem = NULL;

	memset(evidence_r, 0, sizeof *evidence_r);
	evidence_r->arena = arena;
	while (!problem && case_line(&text, &line)) {
		if (!case_pair(line, &key, &value))
			return "an evidence line is no key: value";
		if (span_equal(key, span_of("dkim")))
			problem = read_signature(evidence_r, value);
		else if (span_equal(key, span_of("spf")))
			problem = read_outcome(value, &evidence_r->spf);
		else if (span_equal(key, span_of("dmarc")))
			problem = read_outcome(value, &evidence_r->dmarc);
		else if (span_equal(key, span_of("vouch")))
			problem = read_ip_spf(evidence_r, value);
		else if (span_equal(key, span_of("limit")))
			problem = read_limit(evidence_r, value);
		else
			problem = "unknown evidence";
	}
	return problem;
}

static long long now_ms(void *context)
{
	(void)context;
	return 1000;
}

static long long now(void *context)
{
	(void)context;
	return CASE_NOW;
}

static struct evidence *begin(void *context, const struct settings *settings, struct facts *facts, struct waker waker)
{
	struct case_evidence *evidence = context;
	(void)settings, (void)waker;
	evidence->facts = facts;
	return context;
}

static void field(struct evidence *opaque, const struct field *field)
{
	(void)opaque, (void)field;
}

static void header_end(struct evidence *opaque)
{
	(void)opaque;
}

static void start(struct evidence *opaque, const struct wants *wants)
{
	((struct case_evidence *)(void *)opaque)->asked |= wants->checks;
}

static bool body(struct evidence *opaque, struct span chunk)
{
	(void)opaque, (void)chunk;
	return true;
}

static enum gathering gather(struct evidence *opaque, const struct wants *wants)
{
	check_bits wanted = wants->checks;
	struct case_evidence *evidence = (struct case_evidence *)(void *)opaque;
	struct facts *facts = evidence->facts;
	bool came = false;

	evidence->asked |= wanted;
	if ((wanted & CHECK_BIT(CHECK_DKIM)) && evidence->has_dkim && !facts->dkim.complete) {
		facts->dkim = (struct dkim_evidence) { true, evidence->count, evidence->signatures };
		came = true;
	}
	if ((wanted & CHECK_BIT(CHECK_SPF)) && evidence->spf.complete && !facts->spf.complete) {
		facts->spf = evidence->spf;
		came = true;
	}
	if ((wanted & CHECK_BIT(CHECK_DMARC)) && evidence->dmarc.complete && !facts->dmarc.complete) {
		facts->dmarc = evidence->dmarc;
		came = true;
	}
	if ((wanted & CHECK_BIT(CHECK_IP)) && evidence->ip_spfs && !facts->ip_spfs) {
		facts->ip_spfs = evidence->ip_spfs;
		came = true;
	}
	return came ? GATHERING_CAME : GATHERING_OVER;
}

static void end(struct evidence *opaque)
{
	(void)opaque;
}

static struct count *count_begin(void *context, const struct settings *settings, const struct org *org,
                                 const struct facts *facts, struct waker waker)
{
	struct case_evidence *evidence = context;
	(void)settings, (void)org, (void)facts, (void)waker;
	evidence->asked |= CHECK_BIT(CHECK_LIMIT);
	evidence->counts++;
	return context;
}

static bool count_look(struct count *opaque, bool late, struct facts *facts)
{
	(void)late;
	facts->limit = ((struct case_evidence *)(void *)opaque)->limit;
	return true;
}

static void count_end(struct count *opaque)
{
	(void)opaque;
}

struct environment case_environment(struct case_evidence *evidence)
{
	struct environment environment = {
		.context = evidence,
		.now_ms = now_ms,
		.now = now,
		.begin = begin,
		.field = field,
		.header_end = header_end,
		.start = start,
		.body = body,
		.gather = gather,
		.end = end,
	};
	evidence->limiter = (struct limiter) { evidence, count_begin, count_look, count_end };
	if (evidence->limit.complete)
		environment.limiter = &evidence->limiter;
	return environment;
}
