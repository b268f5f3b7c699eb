/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/opinions.h"

#include <stdio.h>
#include <string.h>

#include "evidence/dkim_opinion.h"

/* A query stays ours until the opinion is given: its answer lives as long. */
struct kept {
	struct query *query;
	struct kept *next;
};

struct desk {
	struct examination *examination;
	struct arena *arena;
	struct resolver *resolver;
	struct kept *kept;
	const struct opinion **end; /* of the list of opinions */
};

#if HAVE_SPF2 || HAVE_OPENDKIM
static const struct answer *answer_from(void *context, const struct question *question, long long deadline_ms)
{
	struct desk *desk = context;
	struct kept *kept = arena_alloc(desk->arena, sizeof *kept);
	if (!kept)
		return NULL;
	kept->query = resolver_ask(desk->resolver, question, NULL);
	if (!kept->query)
		return NULL;
	kept->next = desk->kept;
	desk->kept = kept;
	while (!query_answer(kept->query))
		if (!resolver_wait(desk->resolver, &kept->query, 1, deadline_ms))
			return NULL;
	return query_answer(kept->query);
}

static void drop_answers(struct desk *desk)
{
	for (; desk->kept; desk->kept = desk->kept->next)
		query_drop(desk->kept->query);
}

static long long deadline(const struct examination *examination)
{
	unsigned limit = examination->settings->message_timeout;
	long long seconds = limit < OPINION_SECONDS ? limit : OPINION_SECONDS;
	return resolver_now_ms() + seconds * 1000;
}

/* One more at the end of the list. NULL without memory. */
static struct opinion *add(struct desk *desk, unsigned evidence, struct span name)
{
	struct opinion *opinion = arena_alloc(desk->arena, sizeof *opinion);
	if (!opinion)
		return NULL;
	opinion->evidence = evidence;
	opinion->sole = evidence == EVIDENCE_SPF;
	opinion->name = name;
	opinion->theirs = "";
	*desk->end = opinion;
	desk->end = &opinion->next;
	return opinion;
}
#endif

#if HAVE_SPF2
static struct opinion *ask_spf(struct desk *desk, const struct spf_input *input, unsigned evidence)
{
	struct secondopinion_source source = { desk, answer_from };
	struct secondopinion second;
	struct opinion *opinion = add(desk, evidence, input->domain);
	if (!opinion)
		return NULL;
	secondopinion_get(input, &source, deadline(desk->examination), &second);
	drop_answers(desk);
	opinion->library = "libspf2";
	opinion->about = "record";
	opinion->status = second.status;
	opinion->ours = spf_result_name(second.ours);
	opinion->theirs = second.status == SECONDOPINION_GIVEN ? spf_result_name(second.theirs) : "";
	opinion->same = second.status == SECONDOPINION_GIVEN && second.ours == second.theirs;
	opinion->because = second.because;
	return opinion;
}

/* The sender's evaluation, as its evidence was got: with the HELO name where the sender is null. */
static bool ask_sender(struct desk *desk)
{
	const struct facts *facts = &desk->examination->facts;
	struct spf_input input = { .client = facts->client, .domain = facts->spf.domain, .helo = facts->helo };

	if (!facts->spf.complete || !facts->spf.rfc8601)
		return true;
	if (facts->sender_status == MAILBOX_OK)
		input.local = facts->sender.local_part;
	struct opinion *opinion = ask_spf(desk, &input, EVIDENCE_SPF);
	/* If the zone has changed since, it is no opinion on what the row says. */
	if (opinion && strcmp(opinion->ours, facts->spf.rfc8601) != 0)
		opinion->status = SECONDOPINION_FAILED;
	return opinion != NULL;
}

static bool ask_ip_spf(struct desk *desk)
{
	const struct facts *facts = &desk->examination->facts;
	for (const struct ip_spf *ip_spf = facts->ip_spfs; ip_spf; ip_spf = ip_spf->next) {
		struct spf_input input = { .client = facts->client, .domain = ip_spf->name, .helo = facts->helo };
		if (ip_spf->complete && !ask_spf(desk, &input, EVIDENCE_IP_SPF))
			return false;
	}
	return true;
}
#else
static bool ask_sender(struct desk *desk)
{
	(void)desk;
	return true;
}

static bool ask_ip_spf(struct desk *desk)
{
	(void)desk;
	return true;
}
#endif

#if HAVE_OPENDKIM
static bool skip_field(void *context, struct span name, struct span value)
{
	(void)context, (void)name, (void)value;
	return true;
}

/* What libopendkim is known to do differently, told from what is known of the signature here. */
static const char *why_other(const struct signature *signature, struct span key)
{
	static const struct {
		enum reason ours;
		const char *because;
	} passes[] = {
		{ REASON_DKIM_LENGTH, "because it accepts a signature of a part of the body (l=)" },
		{ REASON_DKIM_ALGORITHM, "because it accepts rsa-sha1" },
		{ REASON_DKIM_KEY, "because it reads key records less strictly, and takes the first of several" },
		{ REASON_DKIM_SYNTAX,
		  "because it reads signatures and header fields less strictly, and does not ask for one author" },
		{ REASON_DKIM_BODYHASH, "because it hashes a CR or LF that is no line end as it stands" },
	};
	if (signature->outcome.code != RESULT_PASS) {
		for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++)
			if (passes[i].ours == signature->outcome.reason)
				return passes[i].because;
		return "for a reason not known";
	}
	if (key.length > DKIM_OPINION_KEY_MAX)
		return "because it has no room for a key record of more than 1,024 characters";
	if (signature->timestamp > 0)
		return "for a reason not known; it allows for no difference of clocks in t=";
	return "for a reason not known";
}

static void conclude_dkim(struct opinion *opinion, const struct dkim_opinion *second, const struct signature *signature,
                          struct span key)
{
	opinion->library = "libopendkim";
	opinion->about = "message";
	opinion->status = second->status;
	opinion->ours = signature->rfc8601;
	if (second->status != SECONDOPINION_GIVEN)
		return;
	if (signature->index == 0 || signature->index > second->count) {
		opinion->status = SECONDOPINION_WITHHELD;
		opinion->because = "it does not count this field among the signatures";
		return;
	}
	bool theirs = second->passes[signature->index - 1];
	opinion->theirs = theirs ? "pass" : "fail";
	opinion->same = theirs == (signature->outcome.code == RESULT_PASS);
	if (!opinion->same)
		opinion->because = why_other(signature, key);
}

/* The key records of the signatures that were looked at, as they are in the cache. */
static bool find_keys(struct desk *desk, struct dkim_opinion_key *keys, long long deadline_ms)
{
	const struct dkim_evidence *dkim = &desk->examination->facts.dkim;
	for (size_t i = 0; i < dkim->count; i++) {
		const struct signature *signature = &dkim->signatures[i];
		if (span_absent(signature->domain) || span_absent(signature->selector))
			continue;
		struct question question = { .type = RECORD_TXT };
		question.name = arena_printf(desk->arena, "%.*s._domainkey.%.*s", (int)signature->selector.length,
		                             signature->selector.at, (int)signature->domain.length, signature->domain.at);
		if (span_absent(question.name))
			return false;
		const struct answer *answer = answer_from(desk, &question, deadline_ms);
		keys[i].name = question.name;
		if (answer && answer->count != 0)
			keys[i].text = arena_span(desk->arena, answer->records[0].text);
	}
	drop_answers(desk);
	return !arena_failed(desk->arena);
}

static bool ask_signatures(struct desk *desk, struct span raw)
{
	const struct facts *facts = &desk->examination->facts;
	struct dkim_opinion_input input = { .header = &facts->header, .key_count = facts->dkim.count };
	struct dkim_opinion *second = arena_alloc(desk->arena, sizeof *second);
	struct dkim_opinion_key *keys = arena_array(desk->arena, facts->dkim.count, sizeof *keys);
	long long until = deadline(desk->examination);
	unsigned defects;

	if (facts->dkim.count == 0 || (facts->header.defects & HEADER_OVER_LIMIT) != 0)
		return true;
	if (!second || !keys || !find_keys(desk, keys, until))
		return false;
	message_split(raw, skip_field, NULL, &input.body, &defects);
	input.keys = keys;
	dkim_opinion_get(&input, until, second);
	for (size_t i = 0; i < facts->dkim.count; i++) {
		const struct signature *signature = &facts->dkim.signatures[i];
		struct opinion *opinion =
			add(desk, EVIDENCE_SIGNATURES, span_absent(keys[i].name) ? signature->domain : keys[i].name);
		if (!opinion)
			return false;
		conclude_dkim(opinion, second, signature, keys[i].text);
	}
	return true;
}
#else
static bool ask_signatures(struct desk *desk, struct span raw)
{
	(void)desk, (void)raw;
	return true;
}
#endif

const struct opinion *opinions_get(struct examination *examination, struct resolver *resolver, struct span raw)
{
	const struct opinion *first = NULL;
	struct desk desk = {
		.examination = examination, .arena = &examination->arena, .resolver = resolver, .end = &first
	};
	(void)(ask_sender(&desk) && ask_ip_spf(&desk) && ask_signatures(&desk, raw));
	return first;
}

bool opinion_concerns(const struct opinion *opinion, enum check_id check)
{
	return opinion->evidence == check_at(check)->evidence;
}

void opinion_sentence(const struct opinion *opinion, char sentence_r[OPINION_SENTENCE_SIZE])
{
	switch (opinion->status) {
	case SECONDOPINION_GIVEN:
		if (opinion->same)
			snprintf(sentence_r, OPINION_SENTENCE_SIZE, "%s, as many receivers use it, says the same",
			         opinion->library);
		else
			snprintf(sentence_r, OPINION_SENTENCE_SIZE, "%s, as many receivers use it, says %s; differs %s",
			         opinion->library, opinion->theirs, opinion->because);
		return;
	case SECONDOPINION_WITHHELD:
		snprintf(sentence_r, OPINION_SENTENCE_SIZE, "there is no second opinion of %s: %s", opinion->library,
		         opinion->because);
		return;
	case SECONDOPINION_CRASHED:
		snprintf(sentence_r, OPINION_SENTENCE_SIZE, "%s crashes on this %s", opinion->library, opinion->about);
		return;
	case SECONDOPINION_LATE:
		snprintf(sentence_r, OPINION_SENTENCE_SIZE, "%s came to no end in time", opinion->library);
		return;
	case SECONDOPINION_FAILED:
		break;
	}
	snprintf(sentence_r, OPINION_SENTENCE_SIZE, "%s could not be asked", opinion->library);
}

const char *opinion_status(enum secondopinion_status status)
{
	switch (status) {
	case SECONDOPINION_GIVEN:
		return "given";
	case SECONDOPINION_WITHHELD:
		return "withheld";
	case SECONDOPINION_CRASHED:
		return "crashed";
	case SECONDOPINION_LATE:
		return "late";
	case SECONDOPINION_FAILED:
		break;
	}
	return "failed";
}
