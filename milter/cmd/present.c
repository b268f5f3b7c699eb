#include "config.h"

#include "cmd/present.h"

#include "cmd/relayctl.h"

#define LABEL_WIDTH 9
#define CHECK_WIDTH 10
#define RESULT_WIDTH 11
#define REASON_WIDTH 20

static bool refuses(enum verdict verdict)
{
	return verdict == VERDICT_REJECT || verdict == VERDICT_TEMPFAIL;
}

bool view_make(const char *file, struct examination *examination, struct view *view_r)
{
	const struct judgement *judgement = &examination->judgement;
	enum verdict replied = refuses(judgement->verdict) ? judgement->verdict : judgement->would;

	memset(view_r, 0, sizeof *view_r);
	view_r->file = file;
	view_r->examination = examination;
	reply_make(replied, judgement, span_of(examination->sid), examination->settings->reply_contact, &view_r->reply);
	return refuses(judgement->verdict) || edits_plan(examination, &view_r->edits);
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

static enum shade shade_of_verdict(enum verdict verdict)
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

static void put_org(FILE *out, const struct examination *examination)
{
	const struct judgement *judgement = &examination->judgement;
	struct span told = examination->facts.org_text;

	label(out, "org");
	if (judgement->org) {
		fprintf(out, "%s ", judgement->org->id.text);
		screen_printable(out, judgement->org->name);
	} else if (told.length != 0) {
		fputs("none that is served; X-SFDC-LK: ", out);
		screen_printable(out, told);
	} else {
		fputs("none", out);
	}
	fputc('\n', out);
}

/* The checks that decided, each with its reason. */
static void put_checks(FILE *out, const char *text, const struct judgement *judgement, const struct check_list *list)
{
	if (list->count == 0)
		return;
	label(out, text);
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, "%s%s (%s)", i ? ", " : "", check_name(list->ids[i]), reason_code(judgement->results[list->ids[i]].reason));
	fputc('\n', out);
}

static bool is_listed(const struct check_list *list, unsigned check)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ids[i] == check)
			return true;
	return false;
}

static void put_table(FILE *out, const struct judgement *judgement)
{
	fprintf(out, "\n    %-*s%-*s%-*s%s\n", CHECK_WIDTH, "check", RESULT_WIDTH, "result", REASON_WIDTH, "reason", "detail");
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		const struct result *result = &judgement->results[i];
		const char *mark = is_listed(&judgement->why, i) ? "!" : is_listed(&judgement->warn, i) ? "?" : " ";
		fprintf(out, "  %s %-*s", mark, CHECK_WIDTH, check_name((enum check_id)i));
		bool more = result->reason != REASON_NONE || result->detail.length != 0;
		screen_put(out, shade_of_result(result->code), span_of(result_name(result->code)), more ? RESULT_WIDTH : 0);
		if (result->detail.length != 0)
			fprintf(out, "%-*s", REASON_WIDTH, reason_code(result->reason));
		else
			fputs(reason_code(result->reason), out);
		screen_printable(out, result->detail);
		fputc('\n', out);
	}
}

/* Our own values are folded; a fold is shown as one. */
static void put_value(FILE *out, struct span value)
{
	size_t from = 0;
	while (from <= value.length) {
		size_t to = span_find(value, from, '\n');
		struct span line = span_trim(span_slice(value, from, to));
		fprintf(out, "%s%.*s\n", from ? "                " : "", (int)line.length, line.at ? line.at : "");
		from = to + 1;
	}
}

static void put_edits(FILE *out, const struct edits *edits)
{
	if (edits->removal_count + edits->insertion_count != 0)
		fputc('\n', out);
	for (size_t i = 0; i < edits->removal_count; i++) {
		label(out, "remove");
		screen_printable(out, edits->removals[i].name);
		fprintf(out, " number %u\n", edits->removals[i].index);
	}
	for (size_t i = 0; i < edits->insertion_count; i++) {
		label(out, "add");
		screen_printable(out, edits->insertions[i].name);
		fputs(": ", out);
		put_value(out, edits->insertions[i].value);
	}
}

void present_plain(FILE *out, const struct view *view, bool explained)
{
	const struct judgement *judgement = &view->examination->judgement;
	bool judged = judgement->verdict != VERDICT_EXEMPT && judgement->verdict != VERDICT_SKIP;

	screen_put(out, SHADE_STRONG, span_of(view->file), 0);
	fputc('\n', out);
	label(out, "verdict");
	screen_put(out, shade_of_verdict(judgement->verdict), span_of(verdict_name(judgement->verdict)), 0);
	fputc('\n', out);
	if (!judged) {
		label(out, "why");
		fprintf(out, "%s: %s\n", reason_code(judgement->reason), reason_row(judgement->reason)->sentence);
	} else {
		label(out, "would");
		screen_put(out, shade_of_verdict(judgement->would), span_of(verdict_name(judgement->would)), 0);
		fputc('\n', out);
		label(out, "mode");
		fprintf(out, "%s\n", mode_name(judgement->mode));
		put_org(out, view->examination);
		put_checks(out, "why", judgement, &judgement->why);
		put_checks(out, "warning", judgement, &judgement->warn);
		if (view->reply.code[0] != '\0') {
			label(out, refuses(judgement->verdict) ? "reply" : "would say");
			fprintf(out, "%s %s %s\n", view->reply.code, view->reply.enhanced, view->reply.text);
		}
		put_table(out, judgement);
	}
	put_edits(out, &view->edits);
	if (explained && judged)
		present_explanation(out, view);
	fputc('\n', out);
}
