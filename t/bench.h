/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: the facts of one message and the parameters of the organization that sends it, for tests of single checks.
 */
#ifndef SFDC_TEST_BENCH_H
#define SFDC_TEST_BENCH_H

#include "engine.h"

struct bench {
	struct settings *settings;
	struct org *org;
	struct arena arena;
	struct facts facts;
};

/* Facts of a message as Salesforce sends it; signatures are for the tests to add. */
static inline void bench_begin(struct bench *bench)
{
	struct session_input input = good_session();
	bench->settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	bench->org = &bench->settings->orgs[0];
	arena_init(&bench->arena, 0);
	facts_begin(&bench->facts, &bench->arena, NULL, bench->settings, &input);
	facts_field(&bench->facts, span_of("From"), span_of(" joe@example.com"), true);
	facts_field(&bench->facts, span_of("X-SFDC-LK"), span_of(" " ORG_A), true);
	facts_header_end(&bench->facts, 1800000000);
}

static inline void bench_end(struct bench *bench)
{
	arena_clear(&bench->arena);
	settings_free(bench->settings);
}

static inline void expect(struct result got, enum result_code code, enum reason reason, const char *what)
{
	ok(got.code == code && got.reason == reason, "%s: %s %s", what, result_name(got.code), reason_code(got.reason));
}

#endif
