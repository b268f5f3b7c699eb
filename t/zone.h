/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone: answers to DNS questions from a table, for unit tests. A table ends in a row without name. A name with any row
 * exists; "!tempfail", "!bogus" and "!busy" as value make that lookup fail, "!pending" leaves it without an answer. TXT
 * values of several rows are several records.
 */
#ifndef SFDC_ZONE_H
#define SFDC_ZONE_H

#include <stdio.h>
#include <stdlib.h>

#include "core/answer.h"
#include "core/arena.h"

struct zone_row {
	const char *name;
	enum record_type type;
	const char *value;
	size_t length; /* of a TXT value that holds NUL; 0: strlen() */
};

static inline void zone_record(const struct zone_row *row, struct answer_record *record_r)
{
	char *rest = NULL;
	switch (row->type) {
	case RECORD_A:
	case RECORD_AAAA:
		if (!address_parse(span_of(row->value), &record_r->address))
			abort();
		break;
	case RECORD_MX:
		record_r->preference = (unsigned)strtoul(row->value, &rest, 10);
		record_r->text = span_of(rest + 1);
		break;
	case RECORD_PTR:
	case RECORD_TXT:
		record_r->text = row->length != 0 ? span_make(row->value, row->length) : span_of(row->value);
		break;
	}
}

static inline enum answer_status zone_failure(const char *value)
{
	if (strcmp(value, "!bogus") == 0)
		return ANSWER_BOGUS;
	if (strcmp(value, "!busy") == 0)
		return ANSWER_BUSY;
	return strcmp(value, "!pending") == 0 ? ANSWER_PENDING : ANSWER_TEMPFAIL;
}

static inline const struct answer *zone_answer(struct arena *arena, const struct zone_row *zone,
                                               const struct question *question)
{
	struct answer *answer = arena_alloc(arena, sizeof *answer);
	struct answer_record *records;
	size_t rows = 0;
	while (zone[rows].name)
		rows++;
	records = arena_array(arena, rows + 1, sizeof *records);
	if (!answer || !records)
		abort();
	answer->status = ANSWER_NXDOMAIN;
	answer->records = records;
	for (size_t i = 0; i < rows; i++) {
		if (!span_equal_nocase(span_of(zone[i].name), question->name))
			continue;
		if (answer->status == ANSWER_NXDOMAIN)
			answer->status = ANSWER_NODATA;
		if (zone[i].type != question->type)
			continue;
		if (zone[i].value[0] == '!') {
			answer->status = zone_failure(zone[i].value);
			break;
		}
		zone_record(&zone[i], &records[answer->count++]);
		answer->status = ANSWER_FOUND;
	}
	return answer;
}

#endif
