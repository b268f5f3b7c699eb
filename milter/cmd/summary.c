/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/summary.h"

#include "cmd/terminal.h"

#define VERDICT_WIDTH 12
#define REASONS_WIDTH 36
#define COUNT_WIDTH 10
#define REASONS_INDENT 12
#define REASONS_SIZE (CHECK_COUNT * 32)

void summary_count(struct summary *summary, const struct judgement *judgement)
{
	summary->messages++;
	summary->done[judgement->verdict]++;
	summary->would[judgement->would]++;
	for (size_t i = 0; i < judgement->why.count; i++)
		summary->reasons[judgement->results[judgement->why.ids[i]].reason]++;
	if (judgement->why.count == 0)
		summary->reasons[judgement->reason]++;
}

/* Those of the list that fit, each once, and "..." for the rest. */
static void list_reasons(const struct judgement *judgement, const struct check_list *list, size_t room,
                         char text_r[REASONS_SIZE])
{
	size_t at = 0;
	text_r[0] = '\0';
	if (list->count == 0 && judgement->reason != REASON_NONE)
		snprintf(text_r, REASONS_SIZE, "%s", reason_code(judgement->reason));
	for (size_t i = 0; i < list->count; i++) {
		enum reason reason = judgement->results[list->ids[i]].reason;
		bool told = false;
		for (size_t j = 0; j < i; j++)
			told = told || judgement->results[list->ids[j]].reason == reason;
		if (told)
			continue;
		bool fits = at == 0 || at + strlen(reason_code(reason)) + (i + 1 < list->count ? 7 : 2) <= room;
		at += (size_t)snprintf(text_r + at, REASONS_SIZE - at, "%s%s", at != 0 ? ", " : "",
		                       fits ? reason_code(reason) : "...");
		if (!fits)
			return;
	}
}

void summary_line(FILE *out, const struct view *view)
{
	const struct judgement *judgement = &view->examination->judgement;
	bool warned = judgement->why.count == 0 && judgement->warn.count != 0 && judgement->would == VERDICT_ACCEPT;
	char reasons[REASONS_SIZE];
	char text[REASONS_SIZE + 64];

	char before[32] = "";
	if (judgement->would != judgement->verdict)
		snprintf(before, sizeof before, "would %s: ", verdict_name(judgement->would));
	else if (warned)
		snprintf(before, sizeof before, "warning: ");
	list_reasons(judgement, warned ? &judgement->warn : &judgement->why, REASONS_WIDTH - 1 - strlen(before), reasons);
	snprintf(text, sizeof text, "%s%s", before, reasons);
	terminal_put(out, output_shade(judgement->verdict), span_of(verdict_name(judgement->verdict)), VERDICT_WIDTH);
	terminal_put(out, judgement->would != judgement->verdict ? output_shade(judgement->would) : SHADE_PLAIN,
	             span_of(text), REASONS_WIDTH - 1);
	fputc(' ', out);
	terminal_printable(out, span_of(view->name));
	fputc('\n', out);
}

static void row(FILE *out, enum shade shade, const char *name, unsigned long done, const unsigned long *would)
{
	terminal_put(out, shade, span_of(name), VERDICT_WIDTH);
	fprintf(out, "%*lu", COUNT_WIDTH, done);
	if (would)
		fprintf(out, "%*lu", COUNT_WIDTH, *would);
	fputc('\n', out);
}

/* The most frequent first. */
static void print_reasons(FILE *out, const struct summary *summary)
{
	static const size_t size = REASON_COUNT * (size_t)48;
	char text[REASON_COUNT * (size_t)48] = "";
	bool told[REASON_COUNT] = { [REASON_NONE] = true };
	size_t at = 0;

	for (unsigned n = 0; n < REASON_COUNT; n++) {
		unsigned most = REASON_NONE;
		for (unsigned i = 0; i < REASON_COUNT; i++)
			if (!told[i] && summary->reasons[i] > (most == REASON_NONE ? 0 : summary->reasons[most]))
				most = i;
		if (most == REASON_NONE)
			break;
		told[most] = true;
		at += (size_t)snprintf(text + at, size - at, "%s%s %lu", at != 0 ? ", " : "", reason_code((enum reason)most),
		                       summary->reasons[most]);
	}
	if (at != 0) {
		fprintf(out, "%-*s", REASONS_INDENT, "reasons");
		terminal_fold(out, span_of(text), REASONS_INDENT, REASONS_INDENT);
	}
}

void summary_print(FILE *out, const struct summary *summary)
{
	fprintf(out, "\n%-*s%*s%*s\n", VERDICT_WIDTH, "messages", COUNT_WIDTH, "done", COUNT_WIDTH, "would");
	for (unsigned i = 0; i < SUMMARY_VERDICTS; i++)
		if (summary->done[i] != 0 || summary->would[i] != 0)
			row(out, output_shade((enum verdict)i), verdict_name((enum verdict)i), summary->done[i],
			    &summary->would[i]);
	if (summary->unusable != 0)
		row(out, SHADE_BAD, "unusable", summary->unusable, NULL);
	row(out, SHADE_STRONG, "all", summary->messages + summary->unusable, NULL);
	print_reasons(out, summary);
}
