/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/relayctl.h"
#include "cmd/report_present.h"
#include "core/log_entry.h"

const enum verdict report_verdicts[] = { VERDICT_ACCEPT, VERDICT_QUARANTINE, VERDICT_TEMPFAIL,
	                                     VERDICT_REJECT, VERDICT_EXEMPT,     VERDICT_SKIP };
const size_t report_verdict_count = sizeof report_verdicts / sizeof report_verdicts[0];

const enum report_table report_new_tables[] = { REPORT_SELECTORS, REPORT_ISSUERS, REPORT_CERTS,
	                                            REPORT_NETWORKS,  REPORT_AUTH,    REPORT_DOMAINS };
const size_t report_new_table_count = sizeof report_new_tables / sizeof report_new_tables[0];

double report_share(long long part, long long whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

bool report_is_new(const struct report *report, const struct name *row)
{
	long long covered = report->last - report->first;
	return report->first >= 0 && covered > 0 && row->first >= report->first + covered - covered / 4;
}

static json_t *verdicts_json(const long long counts[VERDICTS])
{
	json_t *object = json_object();
	for (size_t i = 0; i < report_verdict_count; i++)
		json_object_set_new(object, verdict_name(report_verdicts[i]), json_integer(counts[report_verdicts[i]]));
	if (counts[VERDICT_UNDECIDED] != 0)
		json_object_set_new(object, "other", json_integer(counts[VERDICT_UNDECIDED]));
	return object;
}

static void set_shown(json_t *object, struct span name, json_t *value)
{
	char shown[4 * LOG_PRINTABLE_SIZE];
	log_entry_printable(name, shown, sizeof shown);
	json_object_set_new(object, shown, value);
}

static json_t *row_json(const struct name *row)
{
	json_t *object = json_pack("{s:I, s:o, s:o}", "messages", (json_int_t)row->count, "verdicts",
	                           verdicts_json(row->verdicts), "would", verdicts_json(row->would));
	if (row->first >= 0) {
		json_object_set_new(object, "first", json_integer(row->first));
		json_object_set_new(object, "last", json_integer(row->last));
	}
	return object;
}

static json_t *drift_json(const struct names *names)
{
	json_t *list = json_array();
	for (size_t i = 0; i < names->count; i++) {
		struct report_drift drift;
		report_drift_read(&names->rows[i], &drift);
		json_array_append_new(list,
		                      json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "kind", relayctl_json_shown(drift.kind),
		                                "org", relayctl_json_shown(drift.org), "reason",
		                                relayctl_json_shown(drift.reason), "value", relayctl_json_shown(drift.value),
		                                "events", (json_int_t)names->rows[i].count, "first",
		                                (json_int_t)names->rows[i].first, "last", (json_int_t)names->rows[i].last));
	}
	return list;
}

/* Counts alone where nothing else is asked of a name. */
static bool is_plain(enum report_table table)
{
	return table == REPORT_REASONS || table == REPORT_TLS || table == REPORT_DEADLINES || table == REPORT_VERSIONS;
}

static json_t *table_json(enum report_table table, const struct names *names)
{
	if (table == REPORT_DRIFT)
		return drift_json(names);
	json_t *object = json_object();
	for (size_t i = 0; i < names->count; i++) {
		const struct name *row = &names->rows[i];
		set_shown(object, span_make(row->text, row->length),
		          is_plain(table) ? json_integer(row->count) : row_json(row));
	}
	return object;
}

static json_t *checks_json(const struct report *report)
{
	json_t *object = json_object();
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		json_t *results = json_object();
		for (unsigned j = 0; j < RESULT_CODES; j++)
			if (report->checks[i][j] != 0)
				json_object_set_new(results, result_name((enum result_code)j), json_integer(report->checks[i][j]));
		json_object_set_new(object, check_name((enum check_id)i), results);
	}
	return object;
}

static json_t *modes_json(const struct report *report)
{
	json_t *object = json_object();
	for (unsigned i = MODE_MONITOR; i < MODES; i++)
		json_object_set_new(object, mode_name((enum mode)i), json_integer(report->modes[i]));
	return object;
}

json_t *report_waiting_json(const struct waiting_message *messages, size_t count, long long now)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < count; i++) {
		const struct waiting_message *one = &messages[i];
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "msgid",
		                                      relayctl_json_shown(one->msgid), "org", relayctl_json_shown(one->org),
		                                      "org_name", relayctl_json_shown(one->org_name), "from",
		                                      relayctl_json_shown(one->from), "rcpt", relayctl_json_shown(one->rcpt),
		                                      "reason", relayctl_json_shown(one->reason), "sid",
		                                      relayctl_json_shown(one->sid), "first", (json_int_t)one->first, "last",
		                                      (json_int_t)one->last, "attempts", (json_int_t)one->attempts,
		                                      "hours_left", (json_int_t)waiting_hours_left(one, now)));
	}
	return list;
}

static json_t *lost_json(const struct report *report)
{
	return json_pack("{s:I, s:o, s:I, s:I}", "lines", (json_int_t)report->lost, "verdicts",
	                 verdicts_json(report->lost_verdicts), "aborts", (json_int_t)report->lost_aborts, "events",
	                 (json_int_t)report->lost_events);
}

static json_t *others_json(const struct report *report)
{
	json_t *object = json_object();
	for (unsigned i = 0; i < REPORT_TABLE_COUNT; i++)
		if (report->tables[i].others != 0)
			json_object_set_new(object, report_table_key((enum report_table)i), json_integer(report->tables[i].others));
	return object;
}

bool report_json(FILE *out, const struct report_view *view)
{
	const struct report *report = view->report;
	json_t *object =
		json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:s, s:I, s:I}", "messages", (json_int_t)report->messages,
	              "aborts", (json_int_t)report->aborts, "verdicts", verdicts_json(report->verdicts), "would",
	              verdicts_json(report->would), "modes", modes_json(report), "checks", checks_json(report),
	              "tls_protected", (json_int_t)report->protected_tls, "tls_note", REPORT_FIRST_HOP, "recipients",
	              (json_int_t)report->recipients, "bytes", (json_int_t)report->bytes);
	if (!object)
		return false;
	for (unsigned i = 0; i < REPORT_TABLE_COUNT; i++)
		json_object_set_new(object, report_table_key((enum report_table)i),
		                    table_json((enum report_table)i, &report->tables[i]));
	json_object_set_new(object, "others", others_json(report));
	json_object_set_new(object, "waiting", report_waiting_json(view->waiting, view->waiting_count, view->now));
	json_object_set_new(object, "lost", lost_json(report));
	json_object_set_new(object, "starts", json_integer(report->starts));
	json_object_set_new(object, "reloads", json_integer(report->reloads));
	json_object_set_new(object, "warnings", json_integer(report->warnings));
	json_object_set_new(object, "errors", json_integer(report->errors));
	if (report->first >= 0) {
		json_object_set_new(object, "first", json_integer(report->first));
		json_object_set_new(object, "last", json_integer(report->last));
	}
	json_object_set_new(object, "skipped_lines", json_integer((json_int_t)logs_skipped(view->summary)));
	json_object_set_new(object, "skipped", logs_json(view->summary));
	return relayctl_json_print(out, object);
}
