/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/report_present.h"
#include "core/log_entry.h"
#include "core/reason.h"

#define ROWS_MAX 25
#define CHART_WIDTH 720
#define CHART_HEIGHT 180
#define CHART_COLUMNS 120 /* of the chart over time */

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n<title>sfdc-milter report</title>\n<style>\n"
	":root{--bg:#ffffff;--fg:#1b1f24;--dim:#4d5661;--line:#c9d1d9;--accept:#1a7f37;--tempfail:#8a5a00;--reject:#c62828;"
	"--other:#4a5fc1;--card:#f5f7f9}\n"
	"@media (prefers-color-scheme:dark){:root{--bg:#0f1419;--fg:#e6eaee;--dim:#aab4be;--line:#3a434c;--accept:#4cc26b;"
	"--tempfail:#e3b341;--reject:#ff7b72;--other:#9db2ff;--card:#182028}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--bg);color:var(--fg);"
	"font:1rem/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}\n"
	".dim{color:var(--dim)}.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;"
	"margin:1rem 0;padding:0;list-style:none}.cards li{background:var(--card);border:1px solid var(--line);border-radius:.4rem;"
	"padding:.6rem .8rem}.cards b{display:block;font-size:1.4rem}\n"
	".accept{color:var(--accept)}.tempfail{color:var(--tempfail)}.reject{color:var(--reject)}\n"
	".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:.25rem .5rem;"
	"border-bottom:1px solid var(--line);vertical-align:top}th:first-child,td:first-child{text-align:left;"
	"overflow-wrap:anywhere;min-width:10rem}thead th{color:var(--dim);font-weight:600}\n"
	"svg{width:100%;height:auto;display:block}svg text{fill:var(--dim);font-size:12px}\n"
	"@media print{body{max-width:none;font-size:10pt}h2{break-after:avoid}tr,svg{break-inside:avoid}.scroll{overflow:visible}}\n"
	"</style></head>\n<body><main>\n";

/* Text of anybody: made printable, then escaped for HTML. */
static void put_text(FILE *out, struct span text)
{
	char shown[4 * LOG_PRINTABLE_SIZE];
	size_t length = log_entry_printable(text, shown, sizeof shown);
	for (size_t i = 0; i < length; i++)
		switch (shown[i]) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(shown[i], out);
		}
}

static void put_name(FILE *out, const struct name *row)
{
	put_text(out, span_make(row->text, row->length));
}

static void begin_table(FILE *out, const char *title, const char *const *columns)
{
	fprintf(out,
	        "<h2>%s</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table><thead><tr>",
	        title, title);
	for (; *columns; columns++)
		fprintf(out, "<th scope=\"col\">%s</th>", *columns);
	fputs("</tr></thead><tbody>\n", out);
}

static void end_table(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

static void put_rest(FILE *out, const struct names *names)
{
	if (names->count > ROWS_MAX)
		fprintf(out, "<p class=\"dim\">and %zu more, which --json lists</p>\n", names->count - ROWS_MAX);
	if (names->others != 0)
		fprintf(out, "<p class=\"dim\">and %lld messages with further names, which are not told apart</p>\n",
		        names->others);
}

/* Names with their verdicts, and when they came first and last. */
static void put_names(FILE *out, const struct report *report, enum report_table table)
{
	static const char *const columns[] = { "name", "messages", "accept", "tempfail", "reject", "first", "last", NULL };
	const struct names *names = &report->tables[table];
	char first[LOGS_TIME_SIZE];
	char last[LOGS_TIME_SIZE];
	if (names->count == 0)
		return;
	begin_table(out, report_table_title(table), columns);
	for (size_t i = 0; i < names->count && i < ROWS_MAX; i++) {
		const struct name *row = &names->rows[i];
		fputs("<tr><td>", out);
		put_name(out, row);
		if (table > REPORT_HOURS && table < REPORT_DRIFT && report_is_new(report, row))
			fputs(" <strong>(new)</strong>", out);
		fprintf(out, "</td><td>%lld</td><td>%lld</td><td>%lld</td><td>%lld</td><td>%.16s</td><td>%.16s</td></tr>\n",
		        row->count, row->verdicts[VERDICT_ACCEPT], row->verdicts[VERDICT_TEMPFAIL],
		        row->verdicts[VERDICT_REJECT], logs_show_time(row->first, first), logs_show_time(row->last, last));
	}
	end_table(out);
	put_rest(out, names);
}

static void put_cards(FILE *out, const struct report_view *view)
{
	const struct report *report = view->report;
	fputs("<ul class=\"cards\">", out);
	fprintf(out, "<li><b id=\"messages\">%lld</b>messages</li>", report->messages);
	for (size_t i = 0; i < report_verdict_count; i++) {
		const char *name = verdict_name(report_verdicts[i]);
		fprintf(out, "<li><b class=\"%s\" id=\"verdict-%s\">%lld</b>%s (%.1f%%)</li>", name, name,
		        report->verdicts[report_verdicts[i]], name,
		        report_share(report->verdicts[report_verdicts[i]], report->messages));
	}
	fprintf(out, "<li><b id=\"waiting\">%zu</b>waiting</li>", view->waiting_count);
	fprintf(out, "<li><b id=\"tls\">%.1f%%</b>over TLS 1.2 or later</li></ul>\n",
	        report_share(report->protected_tls, report->messages));
}

/* Part of a column of the chart. */
static void put_bar(FILE *out, double x, double width, double *y, double height, const char *color)
{
	if (height <= 0)
		return;
	*y -= height;
	fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"var(--%s)\"/>", x, *y, width,
	        height, color);
}

static void put_chart(FILE *out, const struct report *report)
{
	const struct names *days = &report->tables[REPORT_DAYS];
	const struct names *names = days->count > 2 ? days : &report->tables[REPORT_HOURS];
	size_t from = names->count > CHART_COLUMNS ? names->count - CHART_COLUMNS : 0;
	long long most = 1;
	if (names->count == 0)
		return;
	for (size_t i = from; i < names->count; i++)
		most = names->rows[i].count > most ? names->rows[i].count : most;
	double step = (double)CHART_WIDTH / (double)(names->count - from);
	fprintf(
		out,
		"<h2>Over time (UTC)</h2>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Messages over time, at most %lld in "
		"one column; the table below has the numbers\">",
		CHART_WIDTH, CHART_HEIGHT + 20, most);
	for (size_t i = from; i < names->count; i++) {
		const struct name *row = &names->rows[i];
		double y = CHART_HEIGHT;
		double x = (double)(i - from) * step;
		double unit = (double)(CHART_HEIGHT - 10) / (double)most;
		long long rest = row->count - row->verdicts[VERDICT_ACCEPT] - row->verdicts[VERDICT_TEMPFAIL]
		                 - row->verdicts[VERDICT_REJECT];
		fprintf(out, "<g><title>%s: %lld messages</title>", row->text, row->count);
		put_bar(out, x, step * 0.85, &y, (double)row->verdicts[VERDICT_ACCEPT] * unit, "accept");
		put_bar(out, x, step * 0.85, &y, (double)rest * unit, "other");
		put_bar(out, x, step * 0.85, &y, (double)row->verdicts[VERDICT_TEMPFAIL] * unit, "tempfail");
		put_bar(out, x, step * 0.85, &y, (double)row->verdicts[VERDICT_REJECT] * unit, "reject");
		fputs("</g>\n", out);
	}
	fprintf(out, "<text x=\"0\" y=\"%d\">%s</text>", CHART_HEIGHT + 16, names->rows[from].text);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text></svg>\n", CHART_WIDTH, CHART_HEIGHT + 16,
	        names->rows[names->count - 1].text);
	fputs(
		"<p class=\"dim\">From below: <span class=\"accept\">accept</span>, others, <span class=\"tempfail\">tempfail</span>, "
		"<span class=\"reject\">reject</span>.</p>\n",
		out);
}

static void put_checks(FILE *out, const struct report *report)
{
	static const char *const columns[] = { "check",     "pass",      "skip",    "fail", "none",
		                                   "permerror", "temperror", "pending", NULL };
	static const enum result_code codes[] = { RESULT_PASS,      RESULT_SKIP,      RESULT_FAIL,   RESULT_NONE,
		                                      RESULT_PERMERROR, RESULT_TEMPERROR, RESULT_PENDING };
	begin_table(out, "Checks", columns);
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		fprintf(out, "<tr><td>%s</td>", check_name((enum check_id)i));
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++)
			fprintf(out, "<td>%lld</td>", report->checks[i][codes[j]]);
		fputs("</tr>\n", out);
	}
	end_table(out);
}

static void put_reasons(FILE *out, const struct report *report)
{
	static const char *const columns[] = { "reason", "messages", "share", NULL };
	const struct names *names = &report->tables[REPORT_REASONS];
	if (names->count == 0)
		return;
	begin_table(out, "Reasons", columns);
	for (size_t i = 0; i < names->count && i < ROWS_MAX; i++) {
		const struct name *row = &names->rows[i];
		enum reason reason;
		fputs("<tr><td><code>", out);
		put_name(out, row);
		fputs("</code>", out);
		if (reason_from_code(span_make(row->text, row->length), &reason)) {
			fputs("<br><span class=\"dim\">", out);
			put_text(out, span_of(reason_row(reason)->sentence));
			fputs("</span>", out);
		}
		fprintf(out, "</td><td>%lld</td><td>%.1f%%</td></tr>\n", row->count,
		        report_share(row->count, report->messages));
	}
	end_table(out);
	put_rest(out, names);
}

static void put_drift(FILE *out, const struct report *report)
{
	static const char *const columns[] = { "value", "kind", "organization", "reason", "events", "last", NULL };
	const struct names *names = &report->tables[REPORT_DRIFT];
	char last[LOGS_TIME_SIZE];
	if (names->count == 0)
		return;
	begin_table(out, report_table_title(REPORT_DRIFT), columns);
	for (size_t i = 0; i < names->count && i < ROWS_MAX; i++) {
		struct report_drift drift;
		report_drift_read(&names->rows[i], &drift);
		const struct span cells[] = { drift.value, drift.kind, drift.org, drift.reason };
		fputs("<tr>", out);
		for (size_t j = 0; j < sizeof cells / sizeof cells[0]; j++) {
			fputs("<td>", out);
			put_text(out, cells[j]);
			fputs("</td>", out);
		}
		fprintf(out, "<td>%lld</td><td>%.16s</td></tr>\n", names->rows[i].count,
		        logs_show_time(names->rows[i].last, last));
	}
	end_table(out);
}

static void put_waiting(FILE *out, const struct report_view *view)
{
	static const char *const columns[] = {
		"message", "organization", "reason", "attempts", "since", "hours left", NULL
	};
	char first[LOGS_TIME_SIZE];
	if (view->waiting_count == 0)
		return;
	begin_table(out, "Waiting: deferred and not accepted since", columns);
	for (size_t i = 0; i < view->waiting_count && i < ROWS_MAX; i++) {
		const struct waiting_message *one = &view->waiting[i];
		fputs("<tr><td>", out);
		put_text(out, one->msgid.length != 0 ? one->msgid : one->from);
		fputs("</td><td>", out);
		put_text(out, one->org_name.length != 0 ? one->org_name : one->org);
		fputs("</td><td>", out);
		put_text(out, one->reason);
		fprintf(out, "</td><td>%lld</td><td>%.16s</td><td>%lld</td></tr>\n", one->attempts,
		        logs_show_time(one->first, first), waiting_hours_left(one, view->now));
	}
	end_table(out);
}

static void put_lines(FILE *out, const struct report_view *view)
{
	const struct reader_counts *lines = &view->summary->lines;
	fprintf(
		out,
		"<h2>Lines</h2>\n<p>%llu lines of this milter; %llu of other programs, %llu malformed, %llu too long and %llu half "
		"lines were passed over; %llu are of a later version.",
		lines->entries, lines->foreign, lines->malformed, lines->too_long, lines->cut, lines->later);
	if (view->report->lost != 0)
		fprintf(out, " <strong>%lld lines were lost before they were written: all sums are too low by them.</strong>",
		        view->report->lost);
	fputs("</p>\n", out);
}

bool report_html(FILE *out, const struct report_view *view)
{
	static const enum report_table further[] = { REPORT_TLS,     REPORT_CIPHERS,   REPORT_NETWORKS, REPORT_CERTS,
		                                         REPORT_ISSUERS, REPORT_AUTH,      REPORT_DOMAINS,  REPORT_SELECTORS,
		                                         REPORT_USERS,   REPORT_CATEGORIES };
	const struct report *report = view->report;
	char first[LOGS_TIME_SIZE];
	char last[LOGS_TIME_SIZE];
	fputs(head, out);
	fprintf(out, "<h1>Mail from Salesforce</h1>\n<p class=\"dim\">%s to %s UTC. %s</p>\n",
	        logs_show_time(report->first, first), logs_show_time(report->last, last), REPORT_FIRST_HOP);
	put_cards(out, view);
	put_chart(out, report);
	put_names(out, report, REPORT_DAYS);
	put_names(out, report, REPORT_ORGS);
	put_reasons(out, report);
	put_checks(out, report);
	for (size_t i = 0; i < sizeof further / sizeof further[0]; i++)
		put_names(out, report, further[i]);
	put_drift(out, report);
	put_waiting(out, view);
	put_lines(out, view);
	fputs("</main></body></html>\n", out);
	return fflush(out) == 0 && !ferror(out);
}
