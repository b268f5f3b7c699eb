/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the case files (see t/README): each case is one line of TAP. Without arguments all of t/cases. CASE in the
 * environment is a pattern as of a shell: only cases whose name fits are run.
 */
#include "config.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "case_file.h"
#include "case_environment.h"
#include "config/loader.h"
#include "core/edits.h"
#include "core/message_file.h"
#include "core/log_entry.h"
#include "core/reply.h"
#include "evidence/idn.h"

#define NOTES_SIZE 8192

static unsigned cases_run;
static unsigned cases_failed;

/* One case while it runs. notes collects what is wrong, as TAP diagnostics. */
struct run {
	struct arena arena;
	struct settings *settings;
	struct case_evidence evidence;
	struct environment environment; /* the examination keeps a pointer to them */
	struct examination examination;
	struct edits edits;
	struct reply reply;
	char notes[NOTES_SIZE];
	size_t noted;
};

static void note(struct run *run, const char *what, struct span got, struct span want)
{
	char shown[2][LOG_PRINTABLE_SIZE];
	log_entry_printable(got, shown[0], sizeof shown[0]);
	log_entry_printable(want, shown[1], sizeof shown[1]);
	int length = snprintf(run->notes + run->noted, sizeof run->notes - run->noted,
	                      "#   %-10s got  [%s]\n#   %-10s want [%s]\n", what, shown[0], "", shown[1]);
	if (length > 0)
		run->noted += (size_t)length;
	if (run->noted > sizeof run->notes - 1)
		run->noted = sizeof run->notes - 1;
}

static void problem(struct run *run, const char *what, const char *text)
{
	note(run, what, span_of(text), span_of("(the case itself is wrong)"));
}

/* Words in any spacing are compared as "a b c". */
static struct span words(struct arena *arena, struct span text)
{
	struct span joined = span_of("");
	while ((text = span_trim(text)).length != 0) {
		size_t end = span_find(text, 0, ' ');
		size_t comma = span_find(text, 0, ',');
		size_t stop = end < comma ? end : comma;
		if (stop != 0)
			joined = arena_printf(arena, "%.*s%s%.*s", (int)joined.length, joined.at, joined.length ? " " : "",
			                      (int)stop, text.at);
		text = span_slice(text, stop + 1, text.length);
	}
	return joined;
}

static void compare_words(struct run *run, const char *what, struct span got, struct span want)
{
	struct span a = words(&run->arena, got);
	struct span b = words(&run->arena, want);
	if (!span_equal(a, b))
		note(run, what, a, b);
}

static struct span list_text(struct arena *arena, const struct check_list *list)
{
	struct span text = span_of("");
	for (size_t i = 0; i < list->count; i++)
		text = arena_printf(arena, "%.*s %s", (int)text.length, text.at, check_name(list->ids[i]));
	return list->count ? text : span_of("none");
}

static struct span bits_text(struct arena *arena, check_bits bits)
{
	struct check_list list = { 0 };
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (bits & CHECK_BIT(i))
			list.ids[list.count++] = (enum check_id)i;
	return list_text(arena, &list);
}

/* "r_tls: fail tls-absent": the reason may be left out. */
static void expect_result(struct run *run, struct span key, struct span want)
{
	enum check_id check;
	if (!check_by_name(span_slice(key, 2, key.length), &check)) {
		note(run, "expect", key, span_of("a check after r_"));
		return;
	}
	const struct result *result = &run->examination.judgement.results[check];
	const char *code = result_name(result->code);
	bool with_reason = span_find(want, 0, ' ') != want.length;
	struct span got =
		with_reason ? arena_printf(&run->arena, "%s %s", code, reason_code(result->reason)) : span_of(code);
	compare_words(run, arena_text(&run->arena, key), got, want);
}

static bool contains(struct span text, struct span part)
{
	for (size_t i = 0; i + part.length <= text.length; i++)
		if (span_equal(span_slice(text, i, i + part.length), part))
			return true;
	return false;
}

/* A folded value as one line. */
static struct span unfolded(struct arena *arena, struct span value)
{
	char *text = arena_text(arena, value);
	size_t length = 0;
	for (size_t i = 0; text && i < value.length; i++)
		if (text[i] != '\n')
			text[length++] = text[i] == '\t' ? ' ' : text[i];
	return span_make(text, length);
}

/* "add: Name TEXT": a field of that name is added, and its value holds the text. "add: none". */
static void expect_add(struct run *run, struct span want)
{
	size_t space = span_find(want, 0, ' ');
	struct span name = span_slice(want, 0, space);
	struct span part = span_trim(span_slice(want, space, want.length));
	struct span got = span_of("none");

	for (size_t i = 0; i < run->edits.insertion_count; i++) {
		const struct insertion *insertion = &run->edits.insertions[i];
		struct span value = unfolded(&run->arena, insertion->value);
		if (span_equal(insertion->name, name) && contains(value, part))
			return;
		got = arena_printf(&run->arena, "%.*s: %.*s", (int)insertion->name.length, insertion->name.at,
		                   (int)value.length, value.at);
	}
	if (run->edits.insertion_count != 0 || !span_equal(want, span_of("none")))
		note(run, "add", got, want);
}

/* "remove: Name 3, Name 1": exactly these, in this order. */
static void expect_remove(struct run *run, struct span want)
{
	struct span got = span_of("");
	for (size_t i = 0; i < run->edits.removal_count; i++)
		got =
			arena_printf(&run->arena, "%.*s %.*s %u", (int)got.length, got.at, (int)run->edits.removals[i].name.length,
		                 run->edits.removals[i].name.at, run->edits.removals[i].index);
	compare_words(run, "remove", run->edits.removal_count ? got : span_of("none"), want);
}

static void expect_reply(struct run *run, struct span want)
{
	struct span got = arena_printf(&run->arena, "%s %s %s", run->reply.code, run->reply.enhanced, run->reply.text);
	if (span_equal(want, span_of("none")) ? run->reply.code[0] != '\0'
	                                      : !span_equal(span_slice(got, 0, want.length), want))
		note(run, "reply", got, want);
}

static void expect_org(struct run *run, struct span want)
{
	const struct org *org = run->examination.judgement.org;
	struct span got = org ? span_of(org->id.text) : span_of("none");
	if (!span_equal(got, want) && !(org && span_equal(org->name, want)))
		note(run, "org", got, want);
}

/* Single words of the judgement. False: the key is another. */
static bool expect_word(struct run *run, struct span key, struct span want)
{
	const struct judgement *judgement = &run->examination.judgement;
	const char *reason = judgement->reason == REASON_NONE ? "none" : reason_code(judgement->reason);
	const struct {
		const char *key;
		struct span got;
	} known[] = {
		{ "verdict", span_of(verdict_name(judgement->verdict)) },
		{ "would", span_of(verdict_name(judgement->would)) },
		{ "mode", span_of(mode_name(judgement->mode)) },
		{ "reason", span_of(reason) },
		{ "stage", span_of(stage_name(run->examination.facts.stage)) },
		{ "why", list_text(&run->arena, &judgement->why) },
		{ "warn", list_text(&run->arena, &judgement->warn) },
		{ "asked", bits_text(&run->arena, run->evidence.asked) },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (span_equal(key, span_of(known[i].key))) {
			compare_words(run, known[i].key, known[i].got, want);
			return true;
		}
	return false;
}

static void expect(struct run *run, struct span text)
{
	struct span line;
	struct span key;
	struct span want;
	unsigned lines = 0;

	while (case_line(&text, &line)) {
		lines++;
		if (!case_pair(line, &key, &want))
			note(run, "expect", line, span_of("key: value"));
		else if (span_starts_nocase(key, span_of("r_")))
			expect_result(run, key, want);
		else if (span_equal(key, span_of("org")))
			expect_org(run, want);
		else if (span_equal(key, span_of("reply")))
			expect_reply(run, want);
		else if (span_equal(key, span_of("add")))
			expect_add(run, want);
		else if (span_equal(key, span_of("remove")))
			expect_remove(run, want);
		else if (!expect_word(run, key, want))
			note(run, "expect", key, span_of("a key that is known"));
	}
	if (lines == 0)
		problem(run, "expect", "nothing is expected");
}

static void load_settings(struct run *run, struct span config)
{
	struct problems problems;
	problems_init(&problems);
	run->settings = config_load_text("t/case.yaml", config.at, config.length, &problems);
	for (size_t i = 0; i < problems.count && !run->settings; i++)
		problem(run, "config", problems.items[i].text);
	if (!run->settings && problems.count == 0)
		problem(run, "config", "refused without a word");
	problems_clear(&problems);
}

static bool refused(enum verdict verdict)
{
	return verdict == VERDICT_REJECT || verdict == VERDICT_TEMPFAIL;
}

static void examine(struct run *run, const struct session *session, struct span message)
{
	struct message_file feed = { .mailers = session->mailers, .recipients = session->recipients, .raw = message };
	const struct judgement *judgement = &run->examination.judgement;

	run->environment = case_environment(&run->evidence);
	run->environment.to_ascii = idn_to_ascii;
	session_input(session, &feed.session);
	message_file_feed(&run->examination, run->settings, &run->environment, span_of("0123456789abcdef"), &feed);
	reply_make(judgement->verdict, judgement, span_of(run->examination.sid), run->settings->reply_contact, &run->reply);
	if (!refused(judgement->verdict) && !edits_plan(&run->examination, &run->edits))
		problem(run, "edits", "could not be planned");
}

static void run_case(struct run *run, const struct case_text *own, const struct case_text *common)
{
	static struct session session;
	struct span message = span_of("");
	struct span evidence = case_evidence_text(own, common);

	session_init(&session);
	const char *wrong = case_session(own, common, &session);
	if (!wrong)
		wrong = case_message(own, common, &run->arena, &message);
	if (!wrong)
		wrong = case_evidence_read(evidence, &run->arena, &run->evidence);
	if (wrong)
		problem(run, "case", wrong);
	else
		load_settings(run, case_config(own, common, &run->arena));
	if (run->settings) {
		examine(run, &session, message);
		expect(run, own->sections[CASE_EXPECT]);
		examine_clear(&run->examination);
		settings_free(run->settings);
	}
	session_clear(&session);
}

static void report(const char *file, const struct case_text *own, const struct run *run)
{
	const char *base = strrchr(file, '/');
	cases_run++;
	printf("%sok %u - %s: %.*s\n", run->noted ? "not " : "", cases_run, base ? base + 1 : file, (int)own->name.length,
	       own->name.at ? own->name.at : "(no name)");
	if (run->noted) {
		cases_failed++;
		printf("# failed at %s:%u\n%s", file, own->line, run->notes);
	}
	fflush(stdout);
}

static void take_case(const char *file, const struct case_text *own, const struct case_text *common, const char *wrong)
{
	struct run *run = calloc(1, sizeof *run);
	if (!run)
		abort();
	arena_init(&run->arena, 0);
	if (wrong)
		problem(run, "case", wrong);
	else
		run_case(run, own, common);
	report(file, own, run);
	arena_clear(&run->arena);
	free(run);
}

static char *read_file(const char *file, size_t *length_r)
{
	FILE *in = fopen(file, "rb");
	if (!in || fseek(in, 0, SEEK_END) != 0)
		return NULL;
	long length = ftell(in);
	char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
	rewind(in);
	if (text)
		*length_r = fread(text, 1, (size_t)length, in);
	fclose(in);
	return text;
}

static bool is_chosen(const struct case_text *own)
{
	const char *pattern = getenv("CASE");
	char name[512];
	if (!pattern || pattern[0] == '\0')
		return true;
	snprintf(name, sizeof name, "%.*s", (int)own->name.length, own->name.at ? own->name.at : "");
	return fnmatch(pattern, name, 0) == 0;
}

static void take_file(const char *file)
{
	struct case_text common = { 0 };
	struct case_text own;
	const char *wrong;
	size_t length = 0;
	char *text = read_file(file, &length);
	struct case_reader reader = { span_make(text, length), 0 };

	if (!text) {
		printf("Bail out! %s cannot be read\n", file);
		exit(1);
	}
	while (case_next(&reader, &own, &wrong)) {
		if (span_absent(own.name) && !wrong)
			common = own;
		else if (wrong || is_chosen(&own))
			take_case(file, &own, &common, wrong);
	}
	free(text);
}

int main(int argc, char **argv)
{
	const char *top = getenv("SRCDIR");
	char pattern[4096];
	glob_t files;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			take_file(argv[i]);
	} else {
		snprintf(pattern, sizeof pattern, "%s/t/cases/*.case", top ? top : ".");
		if (glob(pattern, 0, NULL, &files) != 0) {
			printf("Bail out! there are no case files at %s\n", pattern);
			return 1;
		}
		for (size_t i = 0; i < files.gl_pathc; i++)
			take_file(files.gl_pathv[i]);
		globfree(&files);
	}
	printf("1..%u\n", cases_run);
	return cases_failed != 0 || cases_run == 0;
}
