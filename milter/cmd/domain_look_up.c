/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/domain_look_up.h"

static const struct answer unanswered = { .status = ANSWER_TEMPFAIL };

static const struct answer *answer_of(const struct look_up *look_up)
{
	const struct answer *answer = look_up->query ? query_answer(look_up->query) : NULL;
	return answer ? answer : &unanswered;
}

static void await(struct look_ups *look_ups, struct look_up *look_up)
{
	if (!look_up->query || query_answer(look_up->query)
	    || resolver_wait(look_ups->resolver, &look_up->query, 1, look_up->limit_ms))
		return;
	/* What comes later must not make a second look differ from the first. */
	query_drop(look_up->query);
	look_up->query = NULL;
}

/* Known already, or asked now; NULL: a bound is reached. */
static struct look_up *begin(struct look_ups *look_ups, const struct question *question)
{
	for (size_t i = 0; i < look_ups->count; i++)
		if (question_equal(&look_ups->look_ups[i].question, question))
			return &look_ups->look_ups[i];
	long long now = resolver_now_ms();
	if (look_ups->count == LOOK_UPS_MAX || now >= look_ups->end_ms) {
		look_ups->late = true;
		return NULL;
	}
	struct look_up *look_up = &look_ups->look_ups[look_ups->count++];
	look_up->question = (struct question) { question->type, arena_span(look_ups->arena, question->name) };
	look_up->limit_ms = now + look_ups->step_ms < look_ups->end_ms ? now + look_ups->step_ms : look_ups->end_ms;
	look_up->query = resolver_ask(look_ups->resolver, question, NULL);
	return look_up;
}

static const struct answer *ask(void *context, const struct question *question)
{
	struct look_up *look_up = begin(context, question);
	if (!look_up)
		return &unanswered;
	await(context, look_up);
	return answer_of(look_up);
}

struct domain_dns look_ups_dns(struct look_ups *look_ups)
{
	return (struct domain_dns) { look_ups, ask };
}

const struct answer *look_ups_ask(struct look_ups *look_ups, enum record_type type, struct span name)
{
	static const struct answer impossible = { .status = ANSWER_NXDOMAIN };
	char lowered[ANSWER_NAME_SIZE];
	struct question question = { .type = type };
	if (answer_name_write(name, lowered) == 0)
		return &impossible;
	question.name = span_of(lowered);
	return ask(look_ups, &question);
}

void look_ups_begin(struct look_ups *look_ups, enum record_type type, struct span name)
{
	char lowered[ANSWER_NAME_SIZE];
	struct question question = { .type = type };
	if (answer_name_write(name, lowered) == 0)
		return;
	question.name = span_of(lowered);
	begin(look_ups, &question);
}

void look_ups_clear(struct look_ups *look_ups)
{
	for (size_t i = 0; i < look_ups->count; i++)
		query_drop(look_ups->look_ups[i].query);
	look_ups->count = 0;
}
