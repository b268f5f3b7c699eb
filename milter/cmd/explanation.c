/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/output.h"
#include "cmd/terminal.h"
#include "core/log_entry.h"

void output_bounds(const struct judgement *judgement, struct bounds bounds_r[CHECK_COUNT])
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds_r[i] = bounds_of(judgement->results[i].code);
}

const char *output_state(const struct sentence *sentence, const struct bounds bounds[CHECK_COUNT])
{
	struct bounds truth = sentence_evaluate(sentence, bounds);
	return bounds_hold(truth) ? "holds" : bounds_possible(truth) ? "is open" : "is broken";
}

/* What was seen, for those reasons whose sentence asks for something, where it is not needed. */
static struct span fact(enum reason reason)
{
	static const struct {
		enum reason reason;
		struct span text;
	} rows[] = {
		{ REASON_TLS_ABSENT, SPAN_LITERAL("the session is not encrypted") },
		{ REASON_CERT_ABSENT, SPAN_LITERAL("the client showed no certificate that was verified") },
		{ REASON_ENVELOPE_NULL, SPAN_LITERAL("the envelope sender is null") },
		{ REASON_AUTH_NONE, SPAN_LITERAL("the session did not authenticate") },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].reason == reason)
			return rows[i].text;
	struct span sentence = span_of(reason_row(reason)->sentence);
	return span_slice(sentence, 0, span_find(sentence, 0, ';'));
}

/* needed: the check decided, so that it helps to know what to do. */
static struct span words(enum check_id check, const struct result *result, bool needed)
{
	switch (result->code) {
	case RESULT_PASS:
		return span_of(check_at(check)->passes);
	case RESULT_PENDING:
		return span_of("not needed: the message was decided without it");
	case RESULT_SKIP:
	case RESULT_FAIL:
	case RESULT_NONE:
	case RESULT_PERMERROR:
	case RESULT_TEMPERROR:
		return needed ? span_of(reason_row(result->reason)->sentence) : fact(result->reason);
	}
	return span_of("");
}

static void explain_sentence(FILE *out, const char *name, const struct sentence *sentence, const struct bounds *bounds)
{
	fprintf(out, "    %-18s%-11s", name, output_state(sentence, bounds));
	terminal_fold(out, sentence->text.length != 0 ? sentence->text : span_of("(empty)"), 33, 33);
}

/* Below a check's row, in the column of its words. */
static void explain_opinions(FILE *out, const struct opinion *opinion, enum check_id check)
{
	char sentence[OPINION_SENTENCE_SIZE];
	char name[LOG_PRINTABLE_SIZE];
	char text[OPINION_SENTENCE_SIZE + LOG_PRINTABLE_SIZE + 2];

	for (; opinion; opinion = opinion->next) {
		if (!opinion_concerns(opinion, check))
			continue;
		opinion_sentence(opinion, sentence);
		terminal_escape(opinion->name, name, sizeof name);
		if (opinion->sole)
			snprintf(text, sizeof text, "%s", sentence);
		else
			snprintf(text, sizeof text, "%s: %s", name, sentence);
		terminal_fold(out, span_of(text), 0, PRESENT_WORDS_COLUMN);
	}
}

void output_words(FILE *out, const struct view *view, enum check_id check, bool needed)
{
	const struct result *result = &view->examination->judgement.results[check];
	struct span told = words(check, result, needed);
	char detail[LOG_PRINTABLE_SIZE];
	char text[PRESENT_WORDS_SIZE];
	const char *code = reason_code(result->reason);
	bool has_detail = result->detail.length != 0;

	terminal_escape(result->detail, detail, sizeof detail);
	if (*code || has_detail)
		snprintf(text, sizeof text, "%.*s (%s%s%s)", (int)told.length, told.at, code, *code && has_detail ? ": " : "",
		         detail);
	else
		snprintf(text, sizeof text, "%.*s", (int)told.length, told.at);
	terminal_fold(out, span_of(text), PRESENT_WORDS_COLUMN, PRESENT_WORDS_COLUMN);
	explain_opinions(out, view->opinions, check);
}

void output_sentences(FILE *out, const struct view *view)
{
	const struct examination *examination = view->examination;
	const struct judgement *judgement = &examination->judgement;
	struct bounds bounds[CHECK_COUNT];

	fputc('\n', out);
	output_bounds(judgement, bounds);
	if (judgement->org) {
		explain_sentence(out, "reject_unless", &judgement->org->reject_unless, bounds);
		explain_sentence(out, "defer_unless", &judgement->org->defer_unless, bounds);
		explain_sentence(out, "quarantine_unless", &judgement->org->quarantine_unless, bounds);
		explain_sentence(out, "warn_unless", &judgement->org->warn_unless, bounds);
	} else {
		fputs("    ", out);
		terminal_fold(
			out,
			span_of("no sentence applies: the message names no organization that is served, and is refused for that"),
			4, 4);
	}
	if (examination->settings->monitor_floor.root && judgement->mode == MODE_MONITOR)
		explain_sentence(out, "monitor_floor", &examination->settings->monitor_floor, bounds);
}

static void trace_checks(FILE *out, check_bits bits)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (bits & CHECK_BIT(i))
			fprintf(out, " %s", check_name((enum check_id)i));
	fputs(bits == 0 ? " none\n" : "\n", out);
}

static void trace_sentence(FILE *out, const char *name, const struct sentence *sentence, const struct bounds *bounds)
{
	fprintf(out, "  %-18s%s", name, output_state(sentence, bounds));
	check_bits open = sentence_open(sentence, bounds);
	if (open != 0) {
		fputs(", waits for", out);
		trace_checks(out, open);
	} else {
		fputc('\n', out);
	}
}

void output_trace(FILE *out, const struct examination *examination)
{
	const struct judgement *judgement = &examination->judgement;
	struct bounds bounds[CHECK_COUNT];

	fprintf(out, "after %s: verdict %s, would %s\n", stage_name(examination->facts.stage),
	        verdict_name(judgement->verdict), verdict_name(judgement->would));
	fprintf(out, "  %-18s", "results");
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		fprintf(out, "%s%s=%s", i ? " " : "", check_name((enum check_id)i), result_name(judgement->results[i].code));
	fputc('\n', out);
	output_bounds(judgement, bounds);
	if (judgement->org) {
		trace_sentence(out, "reject_unless", &judgement->org->reject_unless, bounds);
		trace_sentence(out, "defer_unless", &judgement->org->defer_unless, bounds);
		trace_sentence(out, "quarantine_unless", &judgement->org->quarantine_unless, bounds);
		trace_sentence(out, "warn_unless", &judgement->org->warn_unless, bounds);
	}
	fprintf(out, "  %-17s", "wanted");
	trace_checks(out, judgement->wanted);
}
