/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/domain_predict.h"

#define SALESFORCE_SPF "_spf.salesforce.com"
#define SALESFORCE_LISTED "._spf.mta.salesforce.com"

const struct address domain_nobody = { ADDRESS_IPV4, { 240, 0, 0, 1 } };

const char *signature_name(enum signature_state signature)
{
	switch (signature) {
	case SIGNATURE_UNKNOWN:
		break;
	case SIGNATURE_NONE:
		return "none";
	case SIGNATURE_PASS:
		return "pass";
	case SIGNATURE_FAIL:
		return "fail";
	case SIGNATURE_TEMPERROR:
		return "temperror";
	}
	return "not known";
}

/* To its end. NULL: there was no memory for it. */
static struct spf_walk *walk_spf(const struct domain_dns *dns, struct arena *arena, const struct spf_input *input,
                                 bool *by_sender_r)
{
	struct spf_walk *walk = spf_walk_new(arena, input);
	const struct question *question = NULL;
	*by_sender_r = false;
	while (walk && spf_walk_step(walk) == SPF_PENDING && (question = spf_walk_next(walk)) != NULL) {
		*by_sender_r = *by_sender_r || spf_walk_chooser(walk, question) == SPF_CHOSEN_BY_SENDER;
		spf_walk_answer(walk, question, dns->ask(dns->context, question), NULL);
	}
	if (walk)
		spf_walk_expire(walk);
	return walk;
}

enum spf_result domain_spf(const struct domain_dns *dns, struct arena *arena, const struct spf_input *input,
                           struct spf_outcome *outcome_r)
{
	bool by_sender;
	struct spf_outcome outcome = { .result = SPF_TEMPERROR };
	const struct spf_walk *walk = walk_spf(dns, arena, input, &by_sender);
	if (walk)
		outcome = *spf_walk_outcome(walk);
	if (outcome_r)
		*outcome_r = outcome;
	return outcome.result;
}

bool domain_spf_by_sender(const struct domain_dns *dns, struct arena *arena, const struct spf_input *input)
{
	bool by_sender;
	walk_spf(dns, arena, input, &by_sender);
	return by_sender;
}

/* Answers of Salesforce's as they are documented, before those of the DNS. */
static const struct answer *ask_documented(void *context, const struct question *question)
{
	static const struct answer_record record = { .text =
		                                             SPAN_LITERAL("v=spf1 exists:%{i}._spf.mta.salesforce.com -all") };
	static const struct answer_record listed = { .address = { ADDRESS_IPV4, { 127, 0, 0, 2 } } };
	static const struct answer policy = { .status = ANSWER_FOUND, .count = 1, .records = &record };
	static const struct answer found = { .status = ANSWER_FOUND, .count = 1, .records = &listed };
	const struct domain_dns *dns = context;
	if (question->type == RECORD_TXT && span_equal_nocase(question->name, span_of(SALESFORCE_SPF)))
		return &policy;
	if (question->type == RECORD_A && span_ends_nocase(question->name, span_of(SALESFORCE_LISTED)))
		return &found;
	return dns->ask(dns->context, question);
}

enum spf_result domain_spf_salesforce(const struct domain_dns *dns, struct arena *arena, struct span domain,
                                      struct spf_outcome *outcome_r)
{
	struct domain_dns real = *dns;
	struct domain_dns documented = { &real, ask_documented };
	struct spf_input input = { .client = domain_nobody, .domain = domain, .helo = span_of("mta.salesforce.com") };
	return domain_spf(&documented, arena, &input, outcome_r);
}

static void add_signature(struct dmarc_walk *walk, enum signature_state state, struct span signer)
{
	if (state == SIGNATURE_PASS)
		dmarc_walk_add(walk, DMARC_BY_DKIM, signer);
	else if (state == SIGNATURE_TEMPERROR)
		dmarc_walk_add_hidden(walk, DMARC_BY_DKIM, signer);
}

enum dmarc_result domain_dmarc(const struct domain_dns *dns, struct arena *arena, struct span author,
                               const struct authentication *authentication, struct dmarc_outcome *outcome_r)
{
	struct dmarc_walk *walk = dmarc_walk_new(arena, author, false);
	const struct question *question = NULL;
	*outcome_r = (struct dmarc_outcome) { .result = DMARC_TEMPERROR };
	if (!walk)
		return DMARC_TEMPERROR;
	add_signature(walk, authentication->dkim, authentication->signer);
	add_signature(walk, authentication->relay_dkim, authentication->relay_signer);
	if (authentication->spf == SPF_PASS)
		dmarc_walk_add(walk, DMARC_BY_SPF, authentication->sender);
	else if (authentication->spf == SPF_TEMPERROR)
		dmarc_walk_add_hidden(walk, DMARC_BY_SPF, authentication->sender);
	dmarc_walk_close(walk);
	while (dmarc_walk_step(walk) == DMARC_PENDING && (question = dmarc_walk_next(walk)) != NULL)
		dmarc_walk_answer(walk, question, dns->ask(dns->context, question));
	dmarc_walk_expire(walk);
	*outcome_r = *dmarc_walk_outcome(walk);
	return outcome_r->result;
}

/* The evaluations of one path. */
struct course {
	const struct domain_dns *dns;
	struct arena *arena;
	const struct mail_path *path;
};

/* As prediction has it, but for these. */
static enum dmarc_result evaluate(const struct course *course, struct prediction *prediction, enum spf_result spf,
                                  enum signature_state dkim)
{
	const struct mail_path *path = course->path;
	struct dmarc_outcome outcome;
	struct authentication authentication = { .spf = spf,
		                                     .sender = prediction->sender,
		                                     .dkim = dkim,
		                                     .signer = path->signer,
		                                     .relay_dkim = prediction->relay_dkim,
		                                     .relay_signer = path->author };
	enum dmarc_result result = domain_dmarc(course->dns, course->arena, path->author, &authentication, &outcome);
	if (result == DMARC_FAIL)
		prediction->requested = outcome.requested;
	return result;
}

static unsigned badness(enum dmarc_result result)
{
	switch (result) {
	case DMARC_PASS:
		return 0;
	case DMARC_NONE:
		return 1;
	case DMARC_PENDING:
	case DMARC_TEMPERROR:
		return 2;
	case DMARC_PERMERROR:
		return 3;
	case DMARC_FAIL:
		break;
	}
	return 4;
}

static void consider(const struct course *course, struct prediction *prediction, enum spf_result spf,
                     enum signature_state dkim)
{
	enum dmarc_result result = evaluate(course, prediction, spf, dkim);
	if (prediction->dmarc == DMARC_PENDING || badness(result) > badness(prediction->dmarc))
		prediction->dmarc = result;
	if (prediction->dmarc_best == DMARC_PENDING || badness(result) < badness(prediction->dmarc_best))
		prediction->dmarc_best = result;
}

/* All that is not known, both ways. */
static void consider_all(const struct course *course, struct prediction *prediction)
{
	bool spf_open = prediction->spf == SPF_PENDING;
	bool dkim_open = prediction->dkim == SIGNATURE_UNKNOWN;
	for (int i = 0; i < (spf_open ? 2 : 1); i++)
		for (int j = 0; j < (dkim_open ? 2 : 1); j++)
			consider(course, prediction,
			         !spf_open ? prediction->spf
			         : i == 0  ? SPF_FAIL
			                   : SPF_PASS,
			         !dkim_open ? prediction->dkim
			         : j == 0   ? SIGNATURE_FAIL
			                    : SIGNATURE_PASS);
}

/* SPF of the envelope; where it is not known it stays so, but for its alignment. */
static enum spf_result sender_spf(const struct course *course, const struct prediction *prediction)
{
	const struct mail_path *path = course->path;
	struct spf_input input = { .client = path->relay, .domain = prediction->sender, .helo = path->sender };
	if (path->relay.family == ADDRESS_NONE)
		return SPF_PENDING;
	enum spf_result result = domain_spf(course->dns, course->arena, &input, NULL);
	bool assumed = prediction->bounce_management && path->bounce_assumed;
	return assumed && result == SPF_NONE ? SPF_PENDING : result;
}

static void add_remedies(const struct course *course, struct prediction *prediction)
{
	struct prediction scratch = *prediction;
	if (prediction->dmarc == DMARC_PASS || prediction->dmarc == DMARC_NONE)
		return;
	if (!prediction->bounce_management && prediction->spf != SPF_PASS
	    && evaluate(course, &scratch, SPF_PASS, prediction->dkim) == DMARC_PASS)
		prediction->remedies |= REMEDY_SPF;
	scratch.sender = course->path->sender;
	if (prediction->bounce_management && evaluate(course, &scratch, SPF_PASS, prediction->dkim) == DMARC_PASS)
		prediction->remedies |= REMEDY_OFF;
	scratch.sender = prediction->sender;
	if (evaluate(course, &scratch, prediction->spf, SIGNATURE_PASS) != DMARC_PASS)
		return;
	if (!prediction->footer)
		prediction->remedies |= REMEDY_SIGN;
	else if (course->path->signature == SIGNATURE_PASS || course->path->signature == SIGNATURE_UNKNOWN)
		prediction->remedies |= REMEDY_UNTOUCHED;
	else
		prediction->remedies |= REMEDY_SIGN | REMEDY_UNTOUCHED;
}

/* The sender and SPF are set. */
static void complete(const struct course *course, struct prediction *prediction)
{
	struct prediction scratch = *prediction;
	prediction->dkim = course->path->signature;
	if (prediction->footer && prediction->dkim != SIGNATURE_NONE)
		prediction->dkim = SIGNATURE_FAIL;
	scratch.relay_dkim = SIGNATURE_NONE;
	prediction->spf_aligned = evaluate(course, &scratch, SPF_PASS, SIGNATURE_NONE) == DMARC_PASS;
	prediction->dkim_aligned = evaluate(course, &scratch, SPF_FAIL, SIGNATURE_PASS) == DMARC_PASS;
	consider_all(course, prediction);
}

void domain_predict(const struct domain_dns *dns, struct arena *arena, const struct mail_path *path,
                    struct prediction predictions_r[PREDICTIONS])
{
	struct course course = { dns, arena, path };
	for (unsigned i = 0; i < PREDICTIONS; i++) {
		struct prediction *prediction = &predictions_r[i];
		*prediction = (struct prediction) { .bounce_management = (i & 2) != 0, .footer = (i & 1) != 0 };
		prediction->sender = prediction->bounce_management ? path->bounce : path->sender;
		prediction->relay_dkim = path->relay_signature;
		prediction->spf = sender_spf(&course, prediction);
		complete(&course, prediction);
		add_remedies(&course, prediction);
	}
}

void domain_predict_at_relay(const struct domain_dns *dns, struct arena *arena, const struct mail_path *path,
                             struct prediction predictions_r[PREDICTIONS_AT_RELAY])
{
	struct course course = { dns, arena, path };
	for (unsigned i = 0; i < PREDICTIONS_AT_RELAY; i++) {
		struct prediction *prediction = &predictions_r[i];
		*prediction = (struct prediction) { .bounce_management = i == 1, .relay_dkim = SIGNATURE_NONE };
		prediction->sender = i == 1 ? path->bounce : path->author;
		prediction->spf = domain_spf_salesforce(dns, arena, prediction->sender, NULL);
		if (i == 1 && path->bounce_assumed && prediction->spf == SPF_NONE)
			prediction->spf = SPF_PENDING;
		/* Salesforce's own, which is not known. */
		if (i == 1 && path->bounce_rewritten) {
			prediction->sender = span_of("bnc.salesforce.com");
			prediction->spf = SPF_PENDING;
		}
		complete(&course, prediction);
	}
}

bool predictions_equal(const struct prediction a[PREDICTIONS], const struct prediction b[PREDICTIONS])
{
	for (unsigned i = 0; i < PREDICTIONS; i++)
		if (a[i].spf != b[i].spf || a[i].spf_aligned != b[i].spf_aligned || a[i].dkim != b[i].dkim
		    || a[i].relay_dkim != b[i].relay_dkim || a[i].dkim_aligned != b[i].dkim_aligned || a[i].dmarc != b[i].dmarc
		    || a[i].dmarc_best != b[i].dmarc_best || a[i].requested != b[i].requested)
			return false;
	return true;
}
