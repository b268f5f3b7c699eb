/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "observe/openmetrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROWTH ((size_t)16384)
#define NUMBER_SIZE 32

/* A media range of Accept: */
struct range {
	struct span type;    /* without parameters */
	struct span version; /* absent: none */
	unsigned quality;    /* in thousandths */
};

static struct span cut_at(struct span *rest, char separator)
{
	size_t at = span_find(*rest, 0, separator);
	struct span piece = span_trim(span_slice(*rest, 0, at));
	*rest = at < rest->length ? span_slice(*rest, at + 1, rest->length) : span_make(NULL, 0);
	return piece;
}

/* "0.75" in thousandths; what is no weight is 0. */
static unsigned read_weight(struct span text)
{
	unsigned weight = 0;
	if (text.length == 0 || text.length > 5 || (text.at[0] != '0' && text.at[0] != '1'))
		return 0;
	if (text.length > 1 && text.at[1] != '.')
		return 0;
	weight = (unsigned)(text.at[0] - '0') * 1000;
	for (size_t i = 2, worth = 100; i < text.length; i++, worth /= 10) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return 0;
		weight += (unsigned)(text.at[i] - '0') * (unsigned)worth;
	}
	return weight <= 1000 ? weight : 0;
}

static struct range read_range(struct span text)
{
	struct range range = { .quality = 1000 };
	range.type = cut_at(&text, ';');
	while (text.length != 0) {
		struct span value = cut_at(&text, ';');
		struct span name = cut_at(&value, '=');
		value = span_trim(value);
		if (value.length > 1 && value.at[0] == '"' && value.at[value.length - 1] == '"')
			value = span_slice(value, 1, value.length - 1);
		if (span_equal_nocase(name, span_of("q")))
			range.quality = read_weight(value);
		else if (span_equal_nocase(name, span_of("version")))
			range.version = value;
	}
	return range;
}

/* How much each form is wanted: what names it exactly counts before what it falls under. */
static void note_range(const struct range *range, unsigned exact_r[2], unsigned any_r[1])
{
	unsigned *exact = NULL;
	if (span_equal_nocase(range->type, span_of("application/openmetrics-text"))) {
		if (span_absent(range->version) || span_equal(range->version, span_of("1.0.0")))
			exact = &exact_r[EXPOSITION_OPENMETRICS];
	} else if (span_equal_nocase(range->type, span_of("text/plain"))) {
		if (span_absent(range->version) || span_equal(range->version, span_of("0.0.4")))
			exact = &exact_r[EXPOSITION_TEXT];
	} else if (span_equal(range->type, span_of("*/*")) || span_equal_nocase(range->type, span_of("text/*"))) {
		if (range->quality > any_r[0])
			any_r[0] = range->quality;
	}
	if (exact && range->quality > *exact)
		*exact = range->quality;
}

enum exposition exposition_choose(struct span accept)
{
	unsigned exact[2] = { 0, 0 };
	unsigned any[1] = { 0 };
	while (accept.length != 0) {
		struct range range = read_range(cut_at(&accept, ','));
		note_range(&range, exact, any);
	}
	unsigned text = exact[EXPOSITION_TEXT] != 0 ? exact[EXPOSITION_TEXT] : any[0];
	return exact[EXPOSITION_OPENMETRICS] != 0 && exact[EXPOSITION_OPENMETRICS] >= text ? EXPOSITION_OPENMETRICS
	                                                                                   : EXPOSITION_TEXT;
}

const char *exposition_type(enum exposition exposition)
{
	switch (exposition) {
	case EXPOSITION_TEXT:
		return "text/plain; version=0.0.4; charset=utf-8";
	case EXPOSITION_OPENMETRICS:
		return "application/openmetrics-text; version=1.0.0; charset=utf-8";
	}
	return "";
}

/* Make room for so much more. */
static bool grow(struct metrics_text *text, size_t more)
{
	if (text->failed || text->size - text->length >= more)
		return !text->failed;
	size_t size = text->size + text->size / 2 + GROWTH + more;
	char *at = realloc(text->at, size);
	text->failed = !at;
	if (!at)
		return false;
	text->at = at;
	text->size = size;
	return true;
}

static void put(struct metrics_text *text, struct span bytes)
{
	if (bytes.length == 0 || !grow(text, bytes.length))
		return;
	memcpy(text->at + text->length, bytes.at, bytes.length);
	text->length += bytes.length;
}

static void put_text(struct metrics_text *text, const char *words)
{
	put(text, span_of(words));
}

static void put_line(struct metrics_text *text, const char *what, const struct metric *metric, const char *suffix,
                     const char *words)
{
	put_text(text, what);
	put_text(text, metric->name);
	put_text(text, suffix);
	put_text(text, " ");
	put_text(text, words);
	put_text(text, "\n");
}

static const char *type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		return "histogram";
	}
	return "unknown";
}

/* What follows the name in each sample; in the old format it belongs to the name. */
static const char *suffix_of(const struct metric *metric)
{
	return metric->type == METRIC_COUNTER ? "_total" : "";
}

void metrics_begin(struct metrics_text *text, const struct metric *metric)
{
	bool open = text->exposition == EXPOSITION_OPENMETRICS;
	const char *suffix = open ? "" : suffix_of(metric);
	put_line(text, "# TYPE ", metric, suffix, type_name(metric->type));
	if (open && metric->unit[0] != '\0')
		put_line(text, "# UNIT ", metric, suffix, metric->unit);
	put_line(text, "# HELP ", metric, suffix, metric->help);
}

static void put_value(struct metrics_text *text, struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		if (c == '\\')
			put_text(text, "\\\\");
		else if (c == '"')
			put_text(text, "\\\"");
		else if (c == '\n')
			put_text(text, "\\n");
		else
			put(text, span_make(&value.at[i], 1));
	}
}

static void put_sample(struct metrics_text *text, const char *name, const char *suffix, const struct label *labels,
                       size_t count, const char *value)
{
	put_text(text, name);
	put_text(text, suffix);
	for (size_t i = 0; i < count; i++) {
		put_text(text, i == 0 ? "{" : ",");
		put_text(text, labels[i].name);
		put_text(text, "=\"");
		put_value(text, labels[i].value);
		put_text(text, "\"");
	}
	put_text(text, count != 0 ? "} " : " ");
	put_text(text, value);
	put_text(text, "\n");
}

void metrics_count(struct metrics_text *text, const struct metric *metric, const struct label *labels,
                   size_t label_count, unsigned long long value)
{
	char number[NUMBER_SIZE];
	snprintf(number, sizeof number, "%llu", value);
	put_sample(text, metric->name, suffix_of(metric), labels, label_count, number);
}

void metrics_number(struct metrics_text *text, const struct metric *metric, const struct label *labels,
                    size_t label_count, double value)
{
	char number[NUMBER_SIZE];
	if (!isfinite(value))
		value = 0;
	snprintf(number, sizeof number, "%.15g", value);
	put_sample(text, metric->name, suffix_of(metric), labels, label_count, number);
}

/* Milliseconds as seconds, exactly, and in the form that both formats have for a bound: "0.005", "1.0". */
static void seconds(unsigned long long ms, char number_r[NUMBER_SIZE])
{
	int length = snprintf(number_r, NUMBER_SIZE, "%llu.%03llu", ms / 1000, ms % 1000);
	while (number_r[length - 1] == '0' && number_r[length - 2] != '.')
		number_r[--length] = '\0';
}

void metrics_histogram(struct metrics_text *text, const struct metric *metric, const unsigned *bounds,
                       size_t bound_count, const unsigned long long *buckets, unsigned long long sum_ms)
{
	unsigned long long below = 0;
	char number[NUMBER_SIZE];
	for (size_t i = 0; i <= bound_count; i++) {
		char bound[NUMBER_SIZE] = "+Inf";
		if (i < bound_count)
			seconds(bounds[i], bound);
		const struct label label = { "le", span_of(bound) };
		below += buckets[i];
		snprintf(number, sizeof number, "%llu", below);
		put_sample(text, metric->name, "_bucket", &label, 1, number);
	}
	seconds(sum_ms, number);
	put_sample(text, metric->name, "_sum", NULL, 0, number);
	snprintf(number, sizeof number, "%llu", below);
	put_sample(text, metric->name, "_count", NULL, 0, number);
}

bool metrics_end(struct metrics_text *text)
{
	if (text->exposition == EXPOSITION_OPENMETRICS)
		put_text(text, "# EOF\n");
	return !text->failed;
}
