/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "limits/demand.h"

#include <stdio.h>
#include <time.h>

struct demand demand_make(const struct org *org, const struct facts *facts)
{
	struct demand demand = {
		.org = org->id,
		.rates = { [LIMIT_MESSAGES] = org->limit.messages,
		           [LIMIT_RECIPIENTS] = org->limit.recipients,
		           [LIMIT_USER] = org->limit.per_user },
		.weights = { [LIMIT_MESSAGES] = 1, [LIMIT_RECIPIENTS] = facts->recipients, [LIMIT_USER] = 1 },
	};
	if (facts->has_user)
		demand.user = facts->user_id;
	return demand;
}

const char *limit_option(enum limit_kind kind)
{
	static const char *const names[LIMIT_KINDS] = { "limit.messages", "limit.recipients", "limit.per_user" };
	return names[kind];
}

static enum reason reason_of(enum limit_kind kind)
{
	switch (kind) {
	case LIMIT_MESSAGES:
		return REASON_LIMIT_MESSAGES;
	case LIMIT_RECIPIENTS:
		return REASON_LIMIT_RECIPIENTS;
	case LIMIT_USER:
		return REASON_LIMIT_USER;
	}
	return REASON_LIMIT_UNKNOWN;
}

/* "2000/1h until 2026-05-01T12:00:00Z" */
static struct span over_text(const struct tally *tally, struct rate rate, long long now, struct arena *arena)
{
	char text[RATE_TEXT_SIZE];
	time_t until = (time_t)(now + (tally->wait_ms + 999) / 1000);
	struct tm parts;
	rate_text(rate, text);
	if (!gmtime_r(&until, &parts))
		return arena_span(arena, span_of(text));
	return arena_printf(arena, "%s until %04d-%02d-%02dT%02d:%02d:%02dZ", text, parts.tm_year + 1900, parts.tm_mon + 1,
	                    parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

struct limit_evidence tally_evidence(const struct tally *tally, const struct demand *demand, long long now,
                                     const struct facts *facts)
{
	struct limit_evidence evidence = { true, result_make(RESULT_FAIL, REASON_LIMIT_UNKNOWN, span_make(NULL, 0)) };
	switch (tally->status) {
	case TALLY_UNKNOWN:
		break;
	case TALLY_WITHIN:
		evidence.outcome = result_make(RESULT_PASS, REASON_NONE, span_make(NULL, 0));
		break;
	case TALLY_OVER:
		evidence.outcome = result_make(RESULT_FAIL, reason_of(tally->over),
		                               over_text(tally, demand->rates[tally->over], now, facts->arena));
		break;
	}
	return evidence;
}
