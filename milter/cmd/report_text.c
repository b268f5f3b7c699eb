/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/report_present.h"
#include "cmd/terminal.h"
#include "core/log_entry.h"
#include "core/reason.h"

#define ROWS_MAX 10 /* of a table; all of them are in the JSON */
#define DAYS_MAX 60
#define BAR_MAX 24
#define COUNT_COLUMNS 20 /* "  " COUNT " " SHARE "  " */

static void heading(FILE *out, const char *text)
{
	fputc('\n', out);
	terminal_put(out, SHADE_STRONG, span_of(text), 0);
	fputc('\n', out);
}

/* A name, cut so that the line fits the screen. */
static void put_name(FILE *out, struct span name, size_t used)
{
	char shown[4 * LOG_PRINTABLE_SIZE];
	size_t width = terminal_width(out);
	size_t room = width > used + 8 ? width - used : 8;
	size_t length = log_entry_printable(name, shown, sizeof shown);
	if (length > room)
		snprintf(shown + room - 3, 4, "...");
	fprintf(out, "%s\n", shown);
}

static void put_count(FILE *out, long long count, long long whole)
{
	fprintf(out, "  %10lld %5.1f%%  ", count, report_share(count, whole));
}

static void put_others(FILE *out, size_t rows, long long others)
{
	if (rows > ROWS_MAX)
		fprintf(out, "  and %zu more, which --json lists\n", rows - ROWS_MAX);
	if (others != 0)
		fprintf(out, "  and %lld messages with further names, which are not told apart\n", others);
}

static void put_table(FILE *out, const struct report_view *view, enum report_table table)
{
	const struct names *names = &view->report->tables[table];
	if (names->count == 0)
		return;
	heading(out, report_table_title(table));
	for (size_t i = 0; i < names->count && i < ROWS_MAX; i++) {
		const struct name *row = &names->rows[i];
		put_count(out, row->count, view->report->messages);
		put_name(out, span_make(row->text, row->length), COUNT_COLUMNS);
	}
	put_others(out, names->count, names->others);
}

static void put_verdicts(FILE *out, const struct report *report)
{
	heading(out, "Verdicts");
	fprintf(out, "  %10s %6s  %-11s %22s\n", "messages", "share", "verdict", "would be, if enforced");
	for (size_t i = 0; i < report_verdict_count; i++) {
		enum verdict verdict = report_verdicts[i];
		if (report->verdicts[verdict] == 0 && report->would[verdict] == 0)
			continue;
		put_count(out, report->verdicts[verdict], report->messages);
		fprintf(out, "%-11s %22lld\n", verdict_name(verdict), report->would[verdict]);
	}
	if (report->verdicts[VERDICT_UNDECIDED] != 0)
		fprintf(out, "  %10lld of a verdict that is not known here\n", report->verdicts[VERDICT_UNDECIDED]);
	if (report->aborts != 0)
		fprintf(out, "  %10lld more ended by others' doing, before a verdict\n", report->aborts);
}

static void put_orgs(FILE *out, const struct report *report)
{
	const struct names *names = &report->tables[REPORT_ORGS];
	if (names->count == 0)
		return;
	heading(out, "Organizations");
	fprintf(out, "  %9s %9s %9s %9s %9s  %s\n", "messages", "accept", "tempfail", "reject", "(would)", "name");
	for (size_t i = 0; i < names->count && i < ROWS_MAX; i++) {
		const struct name *row = &names->rows[i];
		fprintf(out, "  %9lld %9lld %9lld %9lld %9lld  ", row->count, row->verdicts[VERDICT_ACCEPT],
		        row->verdicts[VERDICT_TEMPFAIL], row->verdicts[VERDICT_REJECT], row->would[VERDICT_REJECT]);
		put_name(out, span_make(row->text, row->length), 53);
	}
	put_others(out, names->count, names->others);
}

static void put_days(FILE *out, const struct report *report)
{
	const struct names *days = &report->tables[REPORT_DAYS];
	const struct names *names = days->count > 2 ? days : &report->tables[REPORT_HOURS];
	long long most = 1;
	if (names->count == 0)
		return;
	heading(out, "Over time (UTC)");
	fprintf(out, "  %-13s %9s %9s %9s\n", "", "messages", "tempfail", "reject");
	size_t from = names->count > DAYS_MAX ? names->count - DAYS_MAX : 0;
	for (size_t i = from; i < names->count; i++)
		most = names->rows[i].count > most ? names->rows[i].count : most;
	for (size_t i = from; i < names->count; i++) {
		const struct name *row = &names->rows[i];
		int bar = (int)((double)row->count * BAR_MAX / (double)most);
		fprintf(out, "  %-13s %9lld %9lld %9lld  %.*s\n", row->text, row->count, row->verdicts[VERDICT_TEMPFAIL],
		        row->verdicts[VERDICT_REJECT], bar, "########################");
	}
	if (from != 0)
		fprintf(out, "  before that, %zu more\n", from);
}

static void put_checks(FILE *out, const struct report *report)
{
	heading(out, "Checks");
	fprintf(out, "  %-8s", "");
	static const enum result_code codes[] = { RESULT_PASS,      RESULT_SKIP,      RESULT_FAIL,   RESULT_NONE,
		                                      RESULT_PERMERROR, RESULT_TEMPERROR, RESULT_PENDING };
	for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++)
		fprintf(out, " %9s", result_name(codes[j]));
	fputc('\n', out);
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		fprintf(out, "  %-8s", check_name((enum check_id)i));
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++)
			fprintf(out, " %9lld", report->checks[i][codes[j]]);
		fputc('\n', out);
	}
}

static void put_reasons(FILE *out, const struct report *report)
{
	const struct names *names = &report->tables[REPORT_REASONS];
	if (names->count == 0)
		return;
	heading(out, "Reasons");
	for (size_t i = 0; i < names->count && i < ROWS_MAX; i++) {
		const struct name *row = &names->rows[i];
		enum reason reason;
		put_count(out, row->count, report->messages);
		put_name(out, span_make(row->text, row->length), COUNT_COLUMNS);
		if (reason_from_code(span_make(row->text, row->length), &reason)) {
			fprintf(out, "%*s", COUNT_COLUMNS + 2, "");
			terminal_fold(out, span_of(reason_row(reason)->sentence), COUNT_COLUMNS + 2, COUNT_COLUMNS + 2);
		}
	}
	put_others(out, names->count, names->others);
}

static void put_tls(FILE *out, const struct report_view *view)
{
	const struct report *report = view->report;
	put_table(out, view, REPORT_TLS);
	fprintf(out, "  %lld of %lld messages (%.1f%%) came over TLS 1.2 or later.\n", report->protected_tls,
	        report->messages, report_share(report->protected_tls, report->messages));
	fputs("  ", out);
	terminal_fold(out, span_of(REPORT_FIRST_HOP), 2, 2);
	put_table(out, view, REPORT_CIPHERS);
}

static void put_new(FILE *out, const struct report *report)
{
	bool some = false;
	char first[LOGS_TIME_SIZE];
	for (size_t i = 0; i < report_new_table_count; i++) {
		const struct names *names = &report->tables[report_new_tables[i]];
		size_t shown = 0;
		for (size_t j = 0; j < names->count; j++) {
			const struct name *row = &names->rows[j];
			if (!report_is_new(report, row) || shown++ >= ROWS_MAX)
				continue;
			if (!some)
				heading(out, "New in the last quarter of this time");
			some = true;
			fprintf(out, "  %.16s %8lld  %-9s ", logs_show_time(row->first, first), row->count,
			        report_table_key(report_new_tables[i]));
			put_name(out, span_make(row->text, row->length), 40);
		}
		if (shown > ROWS_MAX)
			fprintf(out, "  and %zu more %s, which --json lists\n", shown - ROWS_MAX,
			        report_table_key(report_new_tables[i]));
	}
}

static void put_drift(FILE *out, const struct report *report)
{
	const struct names *names = &report->tables[REPORT_DRIFT];
	char last[LOGS_TIME_SIZE];
	if (names->count == 0)
		return;
	heading(out, "Genuine mail that began to fail");
	for (size_t i = 0; i < names->count && i < ROWS_MAX; i++) {
		const struct name *row = &names->rows[i];
		char shown[LOG_PRINTABLE_SIZE];
		char kind[LOG_PRINTABLE_SIZE];
		struct report_drift drift;
		report_drift_read(row, &drift);
		log_entry_printable(drift.org, shown, sizeof shown);
		log_entry_printable(drift.kind, kind, sizeof kind);
		fprintf(out, "  %.16s %8lld  %-5.5s %-16.16s ", logs_show_time(row->last, last), row->count, kind, shown);
		put_name(out, drift.value, 53);
	}
	put_others(out, names->count, names->others);
}

static void put_waiting(FILE *out, const struct report_view *view)
{
	const struct report *report = view->report;
	if (view->waiting_count != 0) {
		heading(out, "Waiting");
		fprintf(out, "  %10zu messages were deferred and not accepted since; see waiting\n", view->waiting_count);
	}
	if (report->lost != 0) {
		heading(out, "Lost lines");
		fprintf(out, "  %10lld lines of this log were lost, %lld of messages that were accepted,\n", report->lost,
		        report->lost_verdicts[VERDICT_ACCEPT]);
		fputs("             since what reads it did not keep up: all sums are too low by them\n", out);
	}
}

void report_text(FILE *out, const struct report_view *view)
{
	static const enum report_table further[] = { REPORT_NETWORKS,  REPORT_CERTS, REPORT_ISSUERS,   REPORT_AUTH,
		                                         REPORT_SELECTORS, REPORT_USERS, REPORT_CATEGORIES };
	const struct report *report = view->report;
	char first[LOGS_TIME_SIZE];
	char last[LOGS_TIME_SIZE];
	fprintf(out, "%lld messages, %s to %s UTC\n", report->messages, logs_show_time(report->first, first),
	        logs_show_time(report->last, last));
	logs_print(out, view->summary);
	put_verdicts(out, report);
	put_days(out, report);
	put_orgs(out, report);
	put_reasons(out, report);
	put_checks(out, report);
	put_tls(out, view);
	for (size_t i = 0; i < sizeof further / sizeof further[0]; i++)
		put_table(out, view, further[i]);
	put_new(out, report);
	put_drift(out, report);
	put_waiting(out, view);
}
