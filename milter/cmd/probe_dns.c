/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/probe_dns.h"

#include <stdlib.h>

#define MX_MAX 16

struct look_up {
	struct resolver *resolver;
	struct arena *arena;
	long long end_ms;
	struct probe_targets *targets;
};

/* Ask and wait. NULL: no answer. The query is to be dropped after the answer was used. */
static const struct answer *ask(const struct look_up *look_up, enum record_type type, struct span name,
                                struct query **query_r)
{
	char lowered[ANSWER_NAME_SIZE];
	struct question question = { .type = type };
	*query_r = NULL;
	if (answer_name_write(name, lowered) == 0)
		return NULL;
	question.name = span_of(lowered);
	*query_r = resolver_ask(look_up->resolver, &question, NULL);
	while (*query_r && !query_answer(*query_r))
		if (!resolver_wait(look_up->resolver, query_r, 1, look_up->end_ms))
			return NULL;
	return *query_r ? query_answer(*query_r) : NULL;
}

/* Whether there are addresses of that type; status tells why not. */
static bool add_addresses(const struct look_up *look_up, enum record_type type, struct span host)
{
	struct probe_targets *targets = look_up->targets;
	struct query *query;
	const struct answer *answer = ask(look_up, type, host, &query);
	bool found = answer && answer->status == ANSWER_FOUND;

	if (!answer || answer_failed(answer))
		targets->status = PROBE_DNS_FAILED;
	else if (answer->status == ANSWER_NXDOMAIN && targets->status != PROBE_DNS_FAILED)
		targets->status = PROBE_DNS_NO_NAME;
	for (size_t i = 0; found && i < answer->count; i++) {
		struct address address = answer->records[i].address;
		bool known = false;
		for (size_t j = 0; j < targets->count; j++)
			known = known
			        || (address_equal(&targets->targets[j].address, &address)
			            && span_equal_nocase(targets->targets[j].host, host));
		targets->more = targets->more || (!known && targets->count == PROBE_TARGETS_MAX);
		if (!known && targets->count < PROBE_TARGETS_MAX)
			targets->targets[targets->count++] = (struct probe_target) { host, address };
	}
	query_drop(query);
	return found;
}

static bool add_host(const struct look_up *look_up, struct span host)
{
	return add_addresses(look_up, RECORD_A, host) || add_addresses(look_up, RECORD_AAAA, host);
}

struct exchange {
	unsigned preference;
	size_t order;
	struct span host;
};

static int compare(const void *a, const void *b)
{
	const struct exchange *x = a;
	const struct exchange *y = b;
	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The MX hosts by preference; how many there are. status tells of a failure. */
static size_t exchanges(const struct look_up *look_up, struct span host, struct exchange exchanges_r[MX_MAX])
{
	struct query *query;
	const struct answer *answer = ask(look_up, RECORD_MX, host, &query);
	size_t count = 0;
	if (!answer || answer_failed(answer))
		look_up->targets->status = PROBE_DNS_FAILED;
	else if (answer->status == ANSWER_NXDOMAIN)
		look_up->targets->status = PROBE_DNS_NO_NAME;
	for (size_t i = 0; answer && answer->status == ANSWER_FOUND && i < answer->count && count < MX_MAX; i++) {
		struct span name = arena_span(look_up->arena, answer->records[i].text);
		exchanges_r[count] = (struct exchange) { answer->records[i].preference, i, name };
		count++;
	}
	query_drop(query);
	qsort(exchanges_r, count, sizeof exchanges_r[0], compare);
	return count;
}

void probe_look_up(struct resolver *resolver, struct arena *arena, struct span host, bool use_mx, long long end_ms,
                   struct probe_targets *targets_r)
{
	struct exchange found[MX_MAX];
	struct look_up look_up = { resolver, arena, end_ms, targets_r };
	size_t count;

	memset(targets_r, 0, sizeof *targets_r);
	targets_r->unresolved = span_make(NULL, 0);
	count = use_mx ? exchanges(&look_up, host, found) : 0;
	if (use_mx && targets_r->status != PROBE_DNS_FOUND)
		return;
	if (count == 1 && found[0].host.length == 0) {
		targets_r->status = PROBE_DNS_NULL_MX;
		return;
	}
	targets_r->by_mx = count > 0;
	for (size_t i = 0; i < count; i++)
		if (found[i].host.length > 0 && !add_host(&look_up, found[i].host) && span_absent(targets_r->unresolved))
			targets_r->unresolved = found[i].host;
	if (count == 0)
		add_host(&look_up, host);
	if (targets_r->count > 0)
		targets_r->status = PROBE_DNS_FOUND;
	else if (targets_r->status == PROBE_DNS_FOUND || (count > 0 && targets_r->status == PROBE_DNS_NO_NAME))
		targets_r->status = PROBE_DNS_NO_ADDRESS;
	if (arena_failed(arena))
		targets_r->status = PROBE_DNS_NO_MEMORY;
}
