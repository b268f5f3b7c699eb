/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER ((size_t)1 << 16)

enum state {
	FIELD_BEGINS,
	IN_FIELD,
	IN_QUOTES,
	QUOTE_IN_QUOTES, /* the end of the quotes, or the first half of a quote */
	PASSING_OVER     /* until the line ends */
};

struct csv {
	ssize_t (*read)(void *context, char *to, size_t size);
	void *context;
	bool begun;
	bool ended;
	bool failed;
	char separator;
	size_t at;
	size_t end;
	enum state state;
	size_t length; /* of text */
	size_t count;
	size_t starts[CSV_FIELDS_MAX];
	struct span fields[CSV_FIELDS_MAX];
	char buffer[BUFFER];
	char text[CSV_ROW_MAX];
};

struct csv *csv_new(ssize_t (*read)(void *context, char *to, size_t size), void *context)
{
	struct csv *csv = calloc(1, sizeof *csv);
	if (csv) {
		csv->read = read;
		csv->context = context;
	}
	return csv;
}

void csv_free(struct csv *csv)
{
	free(csv);
}

/* Fill the buffer as far as one read goes. False: there is no more. */
static bool fill(struct csv *csv)
{
	ssize_t got = -1;
	if (csv->ended)
		return false;
	if (csv->at == csv->end)
		csv->at = csv->end = 0;
	do
		got = csv->read(csv->context, csv->buffer + csv->end, BUFFER - csv->end);
	while (got < 0 && errno == EINTR);
	csv->ended = got <= 0;
	csv->failed = got < 0;
	csv->end += got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* The first line says what separates, and whether there is a byte order mark. */
static void begin(struct csv *csv)
{
	size_t commas = 0;
	size_t semicolons = 0;
	size_t tabs = 0;
	bool quoted = false;
	csv->begun = true;
	while (csv->end < BUFFER && fill(csv))
		continue;
	if (csv->end >= 3 && memcmp(csv->buffer, "\xef\xbb\xbf", 3) == 0)
		csv->at = 3;
	for (size_t i = csv->at; i < csv->end && (quoted || (csv->buffer[i] != '\n' && csv->buffer[i] != '\r')); i++) {
		char c = csv->buffer[i];
		quoted = c == '"' ? !quoted : quoted;
		commas += !quoted && c == ',' ? 1 : 0;
		semicolons += !quoted && c == ';' ? 1 : 0;
		tabs += !quoted && c == '\t' ? 1 : 0;
	}
	csv->separator = ',';
	if (semicolons > commas || tabs > commas)
		csv->separator = tabs > semicolons ? '\t' : ';';
}

static void begin_row(struct csv *csv)
{
	csv->state = FIELD_BEGINS;
	csv->length = 0;
	csv->count = 0;
}

/* False: there are too many. */
static bool begin_field(struct csv *csv)
{
	if (csv->count == CSV_FIELDS_MAX)
		return false;
	csv->starts[csv->count++] = csv->length;
	csv->state = FIELD_BEGINS;
	return true;
}

static bool put(struct csv *csv, char c)
{
	if (csv->length == CSV_ROW_MAX)
		return false;
	csv->text[csv->length++] = c;
	return true;
}

/* One byte of a row, which is not its end. False: the row is too large. */
static bool take(struct csv *csv, char c)
{
	if (csv->count == 0 && !begin_field(csv))
		return false;
	switch (csv->state) {
	case FIELD_BEGINS:
		if (c == '"') {
			csv->state = IN_QUOTES;
			return true;
		}
		csv->state = IN_FIELD;
		return c == csv->separator ? begin_field(csv) : put(csv, c);
	case IN_FIELD:
		return c == csv->separator ? begin_field(csv) : put(csv, c);
	case IN_QUOTES:
		if (c == '"') {
			csv->state = QUOTE_IN_QUOTES;
			return true;
		}
		return put(csv, c);
	case QUOTE_IN_QUOTES:
		csv->state = c == '"' ? IN_QUOTES : IN_FIELD;
		return c == csv->separator ? begin_field(csv) : put(csv, c);
	case PASSING_OVER:
		break;
	}
	return true;
}

static void give(struct csv *csv, struct csv_row *row_r)
{
	for (size_t i = 0; i < csv->count; i++) {
		size_t end = i + 1 < csv->count ? csv->starts[i + 1] : csv->length;
		csv->fields[i] = span_make(csv->text + csv->starts[i], end - csv->starts[i]);
	}
	row_r->count = csv->count;
	row_r->fields = csv->fields;
}

enum csv_status csv_next(struct csv *csv, struct csv_row *row_r)
{
	if (!csv->begun)
		begin(csv);
	begin_row(csv);
	while (csv->at < csv->end || fill(csv)) {
		char c = csv->buffer[csv->at++];
		bool is_end = (c == '\n' || c == '\r') && csv->state != IN_QUOTES;
		if (is_end && csv->state == PASSING_OVER)
			return CSV_MALFORMED;
		if (is_end && csv->count == 0)
			continue; /* an empty line, or the second half of a CRLF */
		if (is_end) {
			give(csv, row_r);
			return CSV_ROW;
		}
		if (!take(csv, c))
			csv->state = PASSING_OVER;
	}
	if (csv->failed)
		return CSV_FAILED;
	if (csv->state == IN_QUOTES || csv->state == PASSING_OVER)
		return CSV_MALFORMED;
	if (csv->count == 0)
		return CSV_END;
	give(csv, row_r);
	return CSV_ROW;
}
