/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/preflight.h"

#include <stdarg.h>

#include "cmd/command_fold.h"
#include "cmd/relayctl.h"
#include "cmd/terminal.h"

#define TEXT_MAX 2000
#define LEVEL_WIDTH 8

void preflight_init(struct preflight *preflight)
{
	arena_init(&preflight->arena, 0);
	preflight->first = NULL;
	preflight->last = NULL;
	preflight->about = span_make(NULL, 0);
}

void preflight_clear(struct preflight *preflight)
{
	arena_clear(&preflight->arena);
	preflight->first = NULL;
	preflight->last = NULL;
}

bool preflight_value_safe(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (!ascii_alnum(value.at[i]) && (value.at[i] == '\0' || !strchr("._:/@,=+-", value.at[i])))
			return false;
	return value.length > 0 && value.at[0] != '-';
}

void preflight_add(struct preflight *preflight, enum diagnostic_level level, const char *id, const char *command,
                   const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);

	struct diagnostic *finding = arena_alloc(&preflight->arena, sizeof *finding);
	if (!finding)
		return;
	finding->level = level;
	finding->id = id;
	finding->text = arena_span(&preflight->arena, span_of(text));
	finding->about = preflight->about;
	finding->record = span_make(NULL, 0);
	finding->command = arena_span(&preflight->arena, span_of(command));
	if (preflight->last)
		preflight->last->next = finding;
	else
		preflight->first = finding;
	preflight->last = finding;
}

void preflight_record(struct preflight *preflight, const char *record)
{
	if (preflight->last)
		preflight->last->record = arena_span(&preflight->arena, span_of(record));
}

void preflight_about(struct preflight *preflight, const char *about)
{
	preflight->about = arena_span(&preflight->arena, span_of(about));
}

bool preflight_failed(const struct preflight *preflight)
{
	return arena_failed(&preflight->arena);
}

enum diagnostic_level preflight_worst(const struct preflight *preflight)
{
	enum diagnostic_level worst = FINDING_OK;
	for (const struct diagnostic *finding = preflight->first; finding; finding = finding->next)
		worst = finding->level > worst ? finding->level : worst;
	return worst;
}

const char *diagnostic_level_name(enum diagnostic_level level)
{
	switch (level) {
	case FINDING_OK:
		return "ok";
	case FINDING_ADVICE:
		return "advice";
	case FINDING_FIX:
		break;
	}
	return "fix";
}

static void print_level(FILE *out, enum diagnostic_level level)
{
	switch (level) {
	case FINDING_OK:
		terminal_put(out, SHADE_GOOD, span_of("OK"), LEVEL_WIDTH);
		return;
	case FINDING_ADVICE:
		terminal_put(out, SHADE_DOUBT, span_of("ADVICE"), LEVEL_WIDTH);
		return;
	case FINDING_FIX:
		break;
	}
	terminal_put(out, SHADE_BAD, span_of("FIX"), LEVEL_WIDTH);
}

void preflight_print(FILE *out, const struct preflight *preflight, const char *about)
{
	struct span wanted = span_of(about);
	for (const struct diagnostic *finding = preflight->first; finding; finding = finding->next) {
		if (!span_equal(finding->about, wanted) || span_absent(finding->about) != span_absent(wanted))
			continue;
		print_level(out, finding->level);
		terminal_fold(out, finding->text, LEVEL_WIDTH, LEVEL_WIDTH);
		if (!span_absent(finding->command))
			command_fold(out, finding->command, LEVEL_WIDTH);
		if (!span_absent(finding->record))
			fprintf(out, "%*s%.*s\n", LEVEL_WIDTH, "", (int)finding->record.length, finding->record.at);
	}
}

json_t *preflight_json(const struct preflight *preflight)
{
	json_t *list = json_array();
	bool good = list && !preflight_failed(preflight);
	for (const struct diagnostic *finding = preflight->first; good && finding; finding = finding->next) {
		json_t *row = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "level", diagnostic_level_name(finding->level), "id",
		                        finding->id, "text", relayctl_json_whole(finding->text), "command",
		                        relayctl_json_whole(finding->command), "about", relayctl_json_whole(finding->about),
		                        "record", relayctl_json_whole(finding->record));
		good = row && json_array_append_new(list, row) == 0;
	}
	if (!good) {
		json_decref(list);
		return NULL;
	}
	return list;
}
