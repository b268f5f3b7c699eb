/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/output.h"

#include "cmd/terminal.h"

#define LABEL_WIDTH 9
#define CHECK_TEXT_SIZE 48 /* ", envelope (no-salesforce-trait)" */
#define VALUE_INDENT 16    /* of the further lines of a field */
#define CHECK_WIDTH 10
#define RESULT_WIDTH 11
#define REASON_WIDTH 20

bool view_make(const char *name, struct examination *examination, struct view *view_r)
{
	const struct judgement *judgement = &examination->judgement;
	enum verdict replied = verdict_refuses(judgement->verdict) ? judgement->verdict : judgement->would;

	memset(view_r, 0, sizeof *view_r);
	view_r->name = name;
	view_r->file = name;
	view_r->examination = examination;
	reply_make(replied, judgement, span_of(examination->sid), examination->settings->reply_contact, &view_r->reply);
	return verdict_refuses(judgement->verdict) || edits_plan(examination, &view_r->edits);
}

static unsigned badness(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ACCEPT:
	case VERDICT_EXEMPT:
	case VERDICT_SKIP:
		return 0;
	case VERDICT_QUARANTINE:
		return 1;
	case VERDICT_UNDECIDED:
	case VERDICT_TEMPFAIL:
		return 2;
	case VERDICT_REJECT:
		return 3;
	}
	return 2;
}

enum verdict view_outcome(const struct view *view)
{
	const struct judgement *judgement = &view->examination->judgement;
	return badness(judgement->verdict) > badness(judgement->would) ? judgement->verdict : judgement->would;
}

enum shade output_shade(enum verdict verdict)
{
	switch (badness(verdict)) {
	case 0:
		return SHADE_GOOD;
	case 3:
		return SHADE_BAD;
	default:
		return SHADE_DOUBT;
	}
}

static enum shade shade_of_result(enum result_code code)
{
	switch (code) {
	case RESULT_PASS:
		return SHADE_GOOD;
	case RESULT_SKIP:
	case RESULT_PENDING:
		return SHADE_DIM;
	case RESULT_TEMPERROR:
		return SHADE_DOUBT;
	case RESULT_FAIL:
	case RESULT_NONE:
	case RESULT_PERMERROR:
		return SHADE_BAD;
	}
	return SHADE_BAD;
}

static void label(FILE *out, const char *text)
{
	fprintf(out, "  %-*s ", LABEL_WIDTH, text);
}

/* Behind a label; on one line, to be searched for, unless it is for reading. */
static void put_text(FILE *out, const char *text, bool folded)
{
	if (folded)
		terminal_fold(out, span_of(text), LABEL_WIDTH + 3, LABEL_WIDTH + 3);
	else
		fprintf(out, "%s\n", text);
}

static void put_org(FILE *out, const struct examination *examination)
{
	const struct judgement *judgement = &examination->judgement;
	struct span told = examination->facts.org_text;

	label(out, "org");
	if (judgement->org) {
		fprintf(out, "%s ", judgement->org->id.text);
		terminal_printable(out, judgement->org->name);
	} else if (told.length != 0) {
		fputs("none that is served; X-SFDC-LK: ", out);
		terminal_printable(out, told);
	} else {
		fputs("none", out);
	}
	fputc('\n', out);
}

/* The checks that decided, each with its reason. */
static void put_checks(FILE *out, const char *name, const struct judgement *judgement, const struct check_list *list,
                       bool folded)
{
	char text[CHECK_COUNT * CHECK_TEXT_SIZE] = "";
	size_t at = 0;
	if (list->count == 0)
		return;
	for (size_t i = 0; i < list->count; i++)
		at += (size_t)snprintf(text + at, CHECK_TEXT_SIZE, "%s%s (%s)", i ? ", " : "", check_name(list->ids[i]),
		                       reason_code(judgement->results[list->ids[i]].reason));
	label(out, name);
	put_text(out, text, folded);
}

static bool is_listed(const struct check_list *list, unsigned check)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ids[i] == check)
			return true;
	return false;
}

static void put_table(FILE *out, const struct view *view, bool explained)
{
	const struct judgement *judgement = &view->examination->judgement;
	if (explained)
		fprintf(out, "\n    %-*s%-*s%s\n", CHECK_WIDTH, "check", RESULT_WIDTH, "result", "what it says");
	else
		fprintf(out, "\n    %-*s%-*s%-*s%s\n", CHECK_WIDTH, "check", RESULT_WIDTH, "result", REASON_WIDTH, "reason",
		        "detail");
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		const struct result *result = &judgement->results[i];
		const char *mark = is_listed(&judgement->why, i) ? "!" : is_listed(&judgement->warn, i) ? "?" : " ";
		fprintf(out, "  %s %-*s", mark, CHECK_WIDTH, check_name((enum check_id)i));
		if (explained) {
			terminal_put(out, shade_of_result(result->code), span_of(result_name(result->code)), RESULT_WIDTH);
			output_words(out, view, (enum check_id)i, *mark != ' ');
			continue;
		}
		bool more = result->reason != REASON_NONE || result->detail.length != 0;
		terminal_put(out, shade_of_result(result->code), span_of(result_name(result->code)), more ? RESULT_WIDTH : 0);
		if (result->detail.length != 0)
			fprintf(out, "%-*s", REASON_WIDTH, reason_code(result->reason));
		else
			fputs(reason_code(result->reason), out);
		terminal_printable(out, result->detail);
		fputc('\n', out);
	}
}

/* Our own values are folded; a fold is shown as one. */
static void put_value(FILE *out, struct span value, bool folded)
{
	size_t from = 0;
	while (from <= value.length) {
		size_t to = span_find(value, from, '\n');
		struct span line = span_trim(span_slice(value, from, to));
		if (folded)
			terminal_fold(out, line, from ? 0 : VALUE_INDENT + 2, VALUE_INDENT);
		else
			fprintf(out, "%*s%.*s\n", from ? VALUE_INDENT : 0, "", (int)line.length, line.at ? line.at : "");
		from = to + 1;
	}
}

static void put_edits(FILE *out, const struct edits *edits, bool explained)
{
	if (edits->removal_count + edits->insertion_count != 0)
		fputc('\n', out);
	for (size_t i = 0; i < edits->removal_count; i++) {
		label(out, "remove");
		terminal_printable(out, edits->removals[i].name);
		fprintf(out, " number %u\n", edits->removals[i].index);
	}
	for (size_t i = 0; i < edits->insertion_count; i++) {
		label(out, "add");
		terminal_printable(out, edits->insertions[i].name);
		fputs(": ", out);
		put_value(out, edits->insertions[i].value, explained);
	}
}

static void put_reply(FILE *out, const struct reply *reply, bool folded)
{
	char text[sizeof reply->code + sizeof reply->enhanced + sizeof reply->text + 2];
	snprintf(text, sizeof text, "%s %s %s", reply->code, reply->enhanced, reply->text);
	put_text(out, text, folded);
}

void output_plain(FILE *out, const struct view *view, bool explained)
{
	const struct judgement *judgement = &view->examination->judgement;
	bool judged = judgement->verdict != VERDICT_EXEMPT && judgement->verdict != VERDICT_SKIP;

	terminal_put(out, SHADE_STRONG, span_of(view->name), 0);
	fputc('\n', out);
	label(out, "verdict");
	terminal_put(out, output_shade(judgement->verdict), span_of(verdict_name(judgement->verdict)), 0);
	fputc('\n', out);
	if (!judged) {
		label(out, "why");
		fprintf(out, "%s: %s\n", reason_code(judgement->reason), reason_row(judgement->reason)->sentence);
	} else {
		label(out, "would");
		terminal_put(out, output_shade(judgement->would), span_of(verdict_name(judgement->would)), 0);
		fputc('\n', out);
		label(out, "mode");
		fprintf(out, "%s\n", mode_name(judgement->mode));
		put_org(out, view->examination);
		put_checks(out, "why", judgement, &judgement->why, explained);
		put_checks(out, "warning", judgement, &judgement->warn, explained);
		if (view->reply.code[0] != '\0') {
			label(out, verdict_refuses(judgement->verdict) ? "reply" : "would say");
			put_reply(out, &view->reply, explained);
		}
		put_table(out, view, explained);
	}
	if (explained && judged)
		output_sentences(out, view);
	put_edits(out, &view->edits, explained);
	if (view->hops)
		hops_print(out, view->hops);
	fputc('\n', out);
}
