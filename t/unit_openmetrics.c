/* SPDX-License-Identifier: BSD-2-Clause */
/* openmetrics: which form is chosen, and how samples are written in both. */
#include "config.h"

#include "observe/openmetrics.h"

#include <math.h>
#include <stdlib.h>

#include "tap.h"

static void test_choice(void)
{
	static const struct {
		const char *accept;
		enum exposition choice;
	} rows[] = {
		{ "", EXPOSITION_TEXT },
		{ "*/*", EXPOSITION_TEXT },
		{ "text/html,application/xhtml+xml,*/*;q=0.8", EXPOSITION_TEXT },
		{ "application/openmetrics-text", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0", EXPOSITION_OPENMETRICS },
		{ "Application/OpenMetrics-Text ; Version=\"1.0.0\"", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text; version=0.0.1", EXPOSITION_TEXT },
		{ "application/openmetrics-text; version=2.0.0", EXPOSITION_TEXT },
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", EXPOSITION_TEXT },
		{ "text/plain, application/openmetrics-text;q=0.9", EXPOSITION_TEXT },
		{ "text/plain;q=0.5, application/openmetrics-text;q=0.500", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text;q=0", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=0.0, */*", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=2", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=-1", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=1.1", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=0x1", EXPOSITION_TEXT },
		{ "application/openmetrics-textual", EXPOSITION_TEXT },
		{ ",,;;==,application/openmetrics-text;;,", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text;q=1;q=0", EXPOSITION_TEXT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ok(exposition_choose(span_of(rows[i].accept)) == rows[i].choice, "Accept: %s", rows[i].accept);
	ok(exposition_choose(span_make(NULL, 0)) == EXPOSITION_TEXT, "no Accept at all");
	is_text(exposition_type(EXPOSITION_TEXT), "text/plain; version=0.0.4; charset=utf-8", "type of the text");
	is_text(exposition_type(EXPOSITION_OPENMETRICS), "application/openmetrics-text; version=1.0.0; charset=utf-8",
	        "type of OpenMetrics");
}

static void write_all(struct metrics_text *text)
{
	static const struct metric count = { "a_seconds", METRIC_COUNTER, "seconds", "A." };
	static const struct metric gauge = { "b", METRIC_GAUGE, "", "B." };
	static const struct metric histogram = { "c_seconds", METRIC_HISTOGRAM, "seconds", "C." };
	static const unsigned bounds[] = { 5, 1000 };
	static const unsigned long long buckets[] = { 1, 0, 2 };
	const struct label labels[] = { { "org", span_of("a\\b\"c\nd") }, { "x", span_of("") } };
	metrics_begin(text, &count);
	metrics_count(text, &count, labels, 2, 18446744073709551615ULL);
	metrics_begin(text, &gauge);
	metrics_number(text, &gauge, NULL, 0, 0.25);
	metrics_number(text, &gauge, labels + 1, 1, NAN);
	metrics_begin(text, &histogram);
	metrics_histogram(text, &histogram, bounds, 2, buckets, 61042);
}

static void test_forms(void)
{
	struct metrics_text text = { .exposition = EXPOSITION_TEXT };
	write_all(&text);
	ok(metrics_end(&text), "written");
	is_span(span_make(text.at, text.length),
	        span_of("# TYPE a_seconds_total counter\n"
	                "# HELP a_seconds_total A.\n"
	                "a_seconds_total{org=\"a\\\\b\\\"c\\nd\",x=\"\"} 18446744073709551615\n"
	                "# TYPE b gauge\n"
	                "# HELP b B.\n"
	                "b 0.25\n"
	                "b{x=\"\"} 0\n"
	                "# TYPE c_seconds histogram\n"
	                "# HELP c_seconds C.\n"
	                "c_seconds_bucket{le=\"0.005\"} 1\n"
	                "c_seconds_bucket{le=\"1.0\"} 1\n"
	                "c_seconds_bucket{le=\"+Inf\"} 3\n"
	                "c_seconds_sum 61.042\n"
	                "c_seconds_count 3\n"),
	        "text 0.0.4");
	free(text.at);
	text = (struct metrics_text) { .exposition = EXPOSITION_OPENMETRICS };
	write_all(&text);
	ok(metrics_end(&text), "written");
	is_span(span_make(text.at, text.length),
	        span_of("# TYPE a_seconds counter\n"
	                "# UNIT a_seconds seconds\n"
	                "# HELP a_seconds A.\n"
	                "a_seconds_total{org=\"a\\\\b\\\"c\\nd\",x=\"\"} 18446744073709551615\n"
	                "# TYPE b gauge\n"
	                "# HELP b B.\n"
	                "b 0.25\n"
	                "b{x=\"\"} 0\n"
	                "# TYPE c_seconds histogram\n"
	                "# UNIT c_seconds seconds\n"
	                "# HELP c_seconds C.\n"
	                "c_seconds_bucket{le=\"0.005\"} 1\n"
	                "c_seconds_bucket{le=\"1.0\"} 1\n"
	                "c_seconds_bucket{le=\"+Inf\"} 3\n"
	                "c_seconds_sum 61.042\n"
	                "c_seconds_count 3\n"
	                "# EOF\n"),
	        "OpenMetrics");
	free(text.at);
}

int main(void)
{
	test_choice();
	test_forms();
	return done_testing();
}
