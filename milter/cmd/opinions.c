#include "config.h"

#include "cmd/opinions.h"

#include <stdio.h>
#include <string.h>

/* A query stays ours until the opinion is given: its answer lives as long. */
struct kept {
	struct query *query;
	struct kept *next;
};

struct desk {
	struct arena *arena;
	struct resolver *resolver;
	struct kept *kept;
};

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

/* One more opinion at the end of the list. NULL without memory. */
static struct opinion *ask(struct examination *examination, struct resolver *resolver, const struct spf_input *input,
                           enum check_id check, const struct opinion ***end)
{
	struct desk desk = { .arena = &examination->arena, .resolver = resolver };
	struct secondopinion_source source = { &desk, answer_from };
	unsigned limit = examination->settings->message_timeout;
	long long seconds = limit < OPINION_SECONDS ? limit : OPINION_SECONDS;
	struct opinion *opinion = arena_alloc(&examination->arena, sizeof *opinion);

	if (!opinion)
		return NULL;
	opinion->check = check;
	opinion->name = input->domain;
	secondopinion_get(input, &source, resolver_now_ms() + seconds * 1000, &opinion->second);
	for (; desk.kept; desk.kept = desk.kept->next)
		query_drop(desk.kept->query);
	**end = opinion;
	*end = &opinion->next;
	return opinion;
}

/* The sender's evaluation, as its evidence was got: with the HELO name where the sender is null. */
static bool ask_sender(struct examination *examination, struct resolver *resolver, const struct opinion ***end)
{
	const struct facts *facts = &examination->facts;
	struct spf_input input = { .client = facts->client, .domain = facts->spf.domain, .helo = facts->helo };

	if (!facts->spf.complete || !facts->spf.rfc8601)
		return true;
	if (facts->sender_status == MAILBOX_OK)
		input.local = facts->sender.local_part;
	struct opinion *opinion = ask(examination, resolver, &input, CHECK_SPF, end);
	/* If the zone has changed since, it is no opinion on what the row says. */
	if (opinion && strcmp(spf_result_name(opinion->second.ours), facts->spf.rfc8601) != 0)
		opinion->second.status = SECONDOPINION_FAILED;
	return opinion != NULL;
}

const struct opinion *opinions_get(struct examination *examination, struct resolver *resolver)
{
	const struct opinion *first = NULL;
	const struct opinion **end = &first;
	const struct facts *facts = &examination->facts;
	bool good = ask_sender(examination, resolver, &end);

	for (const struct vouch *vouch = facts->vouches; vouch && good; vouch = vouch->next) {
		struct spf_input input = { .client = facts->client, .domain = vouch->name, .helo = facts->helo };
		if (vouch->complete)
			good = ask(examination, resolver, &input, CHECK_IP, &end) != NULL;
	}
	return first;
}

void opinion_sentence(const struct secondopinion *second, char sentence_r[OPINION_SENTENCE_SIZE])
{
	switch (second->status) {
	case SECONDOPINION_GIVEN:
		if (second->ours == second->theirs)
			snprintf(sentence_r, OPINION_SENTENCE_SIZE, "libspf2, as many receivers use it, says the same");
		else
			snprintf(sentence_r, OPINION_SENTENCE_SIZE, "libspf2, as many receivers use it, says %s; differs %s",
			         spf_result_name(second->theirs), second->because);
		return;
	case SECONDOPINION_WITHHELD:
		snprintf(sentence_r, OPINION_SENTENCE_SIZE, "there is no second opinion of libspf2: %s", second->because);
		return;
	case SECONDOPINION_CRASHED:
		snprintf(sentence_r, OPINION_SENTENCE_SIZE, "libspf2 crashes on this record");
		return;
	case SECONDOPINION_LATE:
		snprintf(sentence_r, OPINION_SENTENCE_SIZE, "libspf2 came to no end in time");
		return;
	case SECONDOPINION_FAILED:
		break;
	}
	snprintf(sentence_r, OPINION_SENTENCE_SIZE, "libspf2 could not be asked");
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
