/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * openmetrics: writes metrics as text, in OpenMetrics 1.0 or in the format 0.0.4 of Prometheus. Samples have the same names
 * and labels in both. Pure. Sources: the OpenMetrics specification 1.0.0; "Exposition formats" of Prometheus.
 */
#ifndef SFDC_OBSERVE_OPENMETRICS_H
#define SFDC_OBSERVE_OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

enum exposition { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

/* The better of both that the value of Accept: asks for; text where it is absent or names neither (RFC 9110 12.5.1). */
enum exposition exposition_choose(struct span accept);

/* The media type, for Content-Type:. */
const char *exposition_type(enum exposition exposition);

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* A metric. The name is without "_total", and ends in the unit if there is one. */
struct metric {
	const char *name;
	enum metric_type type;
	const char *unit; /* "" = none */
	const char *help; /* a sentence, in ASCII without backslash and line break */
};

struct label {
	const char *name;
	struct span value; /* UTF-8 */
};

struct metrics_text {
	enum exposition exposition;
	char *at; /* on the heap; belongs to whoever wrote it */
	size_t length;
	size_t size;
	bool failed; /* there was no memory; what was written then is worthless */
};

/* Zeroed but for exposition: empty. */
void metrics_begin(struct metrics_text *text, const struct metric *metric);

/* Samples of the metric that was begun last, each set of labels once. Of a counter the name gets its "_total". */
void metrics_count(struct metrics_text *text, const struct metric *metric, const struct label *labels,
                   size_t label_count, unsigned long long value);
void metrics_number(struct metrics_text *text, const struct metric *metric, const struct label *labels,
                    size_t label_count, double value);

/*
 * A histogram without labels: bounds are upper bounds in milliseconds, buckets those counted in each, with one more for what
 * is beyond; written in seconds.
 */
void metrics_histogram(struct metrics_text *text, const struct metric *metric, const unsigned *bounds,
                       size_t bound_count, const unsigned long long *buckets, unsigned long long sum_ms);

/* What the text ends with. False: there was no memory. */
bool metrics_end(struct metrics_text *text);

#endif
