/* SPDX-License-Identifier: BSD-2-Clause */
/* asker_run: an asker, driven by hand over a small zone, for unit tests. */
#ifndef SFDC_ASKER_RUN_H
#define SFDC_ASKER_RUN_H

#include "core/asker.h"
#include "tap.h"
#include "zone.h"

#define ASKED_MAX 64
#define TXT(name, text)                                                                                                \
	{                                                                                                                  \
		name, RECORD_TXT, text, 0                                                                                      \
	}
#define A(name, text)                                                                                                  \
	{                                                                                                                  \
		name, RECORD_A, text, 0                                                                                        \
	}

/* One message and one asker. Answers have memory of their own. */
struct run {
	struct facts facts;
	struct arena arena;
	struct arena answers;
	const struct zone_row *zone;
	const struct settings *settings; /* NULL where the asker takes none */
	struct asker *asker;
	unsigned asked;
	unsigned answered;
	const struct question *questions[ASKED_MAX];
	struct origin origins[ASKED_MAX];
};

static const struct wants wants_spf = { .checks = CHECK_BIT(CHECK_SPF) };
static const struct wants wants_ip = { .checks = CHECK_BIT(CHECK_IP) };
static const struct wants wants_dmarc = { .checks = CHECK_BIT(CHECK_DMARC) };
static const struct wants wants_others = { .checks = CHECK_BIT(CHECK_TLS) | CHECK_BIT(CHECK_DKIM) };
static const struct wants wants_others_first = {
	.checks = CHECK_BIT(CHECK_SPF) | CHECK_BIT(CHECK_IP) | CHECK_BIT(CHECK_DMARC), .first = CHECK_BIT(CHECK_DKIM)
};

static inline void run_limited(struct run *run, const struct zone_row *zone, size_t limit)
{
	memset(run, 0, sizeof *run);
	arena_init(&run->arena, limit);
	arena_init(&run->answers, 0);
	run->zone = zone;
	run->facts.arena = &run->arena;
	run->facts.helo = span_of("helo.example");
	address_parse(span_of("192.0.2.10"), &run->facts.client);
}

static inline void run_init(struct run *run, const struct zone_row *zone)
{
	run_limited(run, zone, 0);
}

static inline void run_clear(struct run *run)
{
	arena_clear(&run->arena);
	arena_clear(&run->answers);
}

static inline void begin(struct run *run, const struct wants *wants)
{
	run->asker->type->begin(run->asker, wants);
}

static inline void look(struct run *run)
{
	run->asker->type->look(run->asker);
}

static inline bool is_open(const struct run *run)
{
	return run->asker->type->open(run->asker);
}

/* Take all questions there are. */
static inline void ask(struct run *run)
{
	const struct question *question;
	struct origin origin;
	while (run->asked < ASKED_MAX && (question = run->asker->type->next(run->asker, &origin)) != NULL) {
		run->questions[run->asked] = question;
		run->origins[run->asked++] = origin;
	}
}

static inline void answer_from_zone(struct run *run, const struct question *question)
{
	run->asker->type->answer(run->asker, question, zone_answer(&run->answers, run->zone, question));
}

/* Answer until nothing more is asked. */
static inline void drive(struct run *run)
{
	for (ask(run); run->answered < run->asked; ask(run))
		answer_from_zone(run, run->questions[run->answered++]);
}

static inline unsigned times_asked(const struct run *run, const char *name)
{
	unsigned times = 0;
	for (unsigned i = 0; i < run->asked; i++)
		times += span_equal(run->questions[i]->name, span_of(name));
	return times;
}

static inline bool result_is(const struct result *result, enum result_code code, enum reason reason)
{
	if (result->code == code && result->reason == reason)
		return true;
	printf("# got %s, reason %s\n", result_name(result->code), reason_code(result->reason));
	return false;
}

/*
 * Memory that runs out: attempt() runs an asker to its end, and gives the result if there was an asker. Whatever fails, the
 * arena tells; what the facts note as an internal error is not judged, and what is judged is not known, or as ever.
 */
static inline void scarcity(const char *what, const struct zone_row *zone, const struct settings *settings,
                            const struct result *(*attempt)(struct run *run))
{
	struct run run;
	unsigned unmade = 0;
	unsigned noted = 0;
	unsigned wrong = 0;

	run_init(&run, zone);
	run.settings = settings;
	const struct result *result = attempt(&run);
	size_t enough = run.arena.used;
	ok(result && result_is(result, RESULT_PASS, REASON_NONE) && !arena_failed(&run.arena), "%s: with memory", what);
	run_clear(&run);
	for (size_t limit = 16; limit < enough; limit += 16) {
		run_limited(&run, zone, limit);
		run.settings = settings;
		result = attempt(&run);
		enum result_code code = result ? result->code : RESULT_PENDING;
		bool good =
			code == RESULT_PENDING || (!run.facts.internal_error && (code == RESULT_TEMPERROR || code == RESULT_PASS));
		unmade += !run.asker;
		noted += run.facts.internal_error;
		if (!good || !arena_failed(&run.arena)) {
			printf("# %zu bytes: %s\n", limit, result_name(code));
			wrong++;
		}
		run_clear(&run);
	}
	ok(wrong == 0, "%s: with less memory nothing is taken for a fault of the message, and the arena tells", what);
	ok(unmade != 0 && noted != 0, "%s: %u times there was no asker, %u times the facts noted it", what, unmade, noted);
}

#endif
