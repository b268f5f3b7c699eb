/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_metadata.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/log_entry.h"

struct reading {
	struct org_metadata *metadata;
	struct span file;
	size_t found; /* records, and answers that have none */
	bool full;    /* there were too many */
	bool failed;  /* a field stood twice in one record */
	char *problem;
};

static struct span text_of(const json_t *value)
{
	return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value)) : span_make(NULL, 0);
}

/* The parser would go 2048 deep; brackets in strings do not count. */
static bool is_deep(struct span json)
{
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < json.length; i++) {
		char c = json.at[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{') && ++depth > ORG_JSON_DEPTH)
			return true;
		else if (!in_string && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return false;
}

static struct org_value read_value(struct reading *reading, const json_t *value)
{
	char digits[32];
	struct span text = text_of(value);
	if (json_is_null(value))
		return (struct org_value) { ORG_NULL, { NULL, 0 } };
	if (json_is_boolean(value))
		text = span_of(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value)) {
		snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		text = span_of(digits);
	}
	if (span_absent(text) || text.length > ORG_TEXT_MAX)
		return (struct org_value) { ORG_WRONG, { NULL, 0 } };
	return (struct org_value) { ORG_VALUE, arena_span(&reading->metadata->arena, text) };
}

static void read_fields(struct reading *reading, json_t *object, struct org_record *record)
{
	void *at = json_object_iter(object);
	for (; at; at = json_object_iter_next(object, at)) {
		enum org_field field = org_field_from_name(span_of(json_object_iter_key(at)));
		if (field == ORG_FIELDS)
			continue;
		if (record->values[field].state != ORG_UNASKED) {
			snprintf(reading->problem, ORG_PROBLEM_SIZE, "a record has the field %s twice", org_field_name(field));
			reading->failed = true;
			return;
		}
		record->values[field] = read_value(reading, json_object_iter_value(at));
	}
}

/* Bulk queries leave out the attributes: the fields that no other object has. */
static enum org_object guess(const struct org_record *record)
{
	const struct org_value *values = record->values;
	struct span id = org_text(record, ORG_ID);
	if (values[ORG_TLS_SETTING].state != ORG_UNASKED && values[ORG_HOST].state != ORG_UNASKED)
		return ORG_RELAY;
	if (values[ORG_RELAY_ID].state != ORG_UNASKED)
		return ORG_FILTER;
	if (values[ORG_SELECTOR].state != ORG_UNASKED && values[ORG_DOMAIN].state != ORG_UNASKED)
		return ORG_KEY;
	if (values[ORG_EMAIL_ADDRESS].state != ORG_UNASKED && values[ORG_IS_VERIFIED].state != ORG_UNASKED)
		return ORG_ADDRESS;
	if (values[ORG_IS_SANDBOX].state != ORG_UNASKED && span_starts_nocase(id, span_of("00D")))
		return ORG_ORGANIZATION;
	return ORG_OBJECTS;
}

static void walk(struct reading *reading, json_t *value);

static void take_record(struct reading *reading, json_t *object, enum org_object named)
{
	struct org_record record = { .object = named, .file = reading->file };
	read_fields(reading, object, &record);
	if (reading->failed)
		return;
	if (named == ORG_OBJECTS)
		record.object = guess(&record);
	if (record.object == ORG_OBJECTS)
		return;
	reading->found++;
	if (!org_metadata_add(reading->metadata, &record))
		reading->full = true;
}

/* An answer without records does not say what it has none of; the name of its file may. */
static void take_empty(struct reading *reading)
{
	for (unsigned i = 0; i < ORG_OBJECTS; i++)
		if (span_holds_nocase(reading->file, span_of(org_object_name((enum org_object)i)))) {
			reading->metadata->asked[i] = true;
			reading->found++;
		}
}

static void take_records(struct reading *reading, const json_t *answer, json_t *records)
{
	const json_t *total = json_object_get(answer, "totalSize");
	size_t before = reading->found;
	size_t count = json_array_size(records);
	for (size_t i = 0; i < count; i++)
		walk(reading, json_array_get(records, i));
	if (count == 0)
		take_empty(reading);
	if (reading->found == before)
		return;
	bool short_of = json_is_integer(total) && json_integer_value(total) > (json_int_t)count;
	if (!json_is_false(json_object_get(answer, "done")) && !short_of)
		return;
	reading->metadata->partial = true;
	org_metadata_trouble(reading->metadata, reading->file,
	                     "the answer is not whole: it has %zu records, and there are more", count);
}

/* {"status": 1, "name": ..., "message": ...} */
static bool take_failure(struct reading *reading, json_t *object)
{
	char shown[LOG_PRINTABLE_SIZE];
	const json_t *status = json_object_get(object, "status");
	struct span message = text_of(json_object_get(object, "message"));
	if (!json_is_integer(status) || json_integer_value(status) == 0 || span_absent(message))
		return false;
	log_entry_printable(message, shown, sizeof shown);
	org_metadata_trouble(reading->metadata, reading->file, "the query failed: %.400s", shown);
	reading->metadata->partial = true;
	reading->found++;
	return true;
}

static void walk_object(struct reading *reading, json_t *object)
{
	const json_t *attributes = json_object_get(object, "attributes");
	json_t *records = json_object_get(object, "records");
	struct span type = text_of(json_object_get(attributes, "type"));
	if (json_is_array(records)) {
		take_records(reading, object, records);
		return;
	}
	if (!span_absent(type)) {
		enum org_object named = org_object_from_name(type);
		if (named != ORG_OBJECTS)
			take_record(reading, object, named);
		/* Records of a relationship stand in the record itself. */
		void *at = json_object_iter(object);
		for (; at && !reading->failed; at = json_object_iter_next(object, at))
			if (json_is_array(json_object_get(json_object_iter_value(at), "records")))
				walk(reading, json_object_iter_value(at));
		return;
	}
	if (json_object_get(object, "result") && !take_failure(reading, object))
		walk(reading, json_object_get(object, "result"));
	else if (!take_failure(reading, object))
		take_record(reading, object, ORG_OBJECTS);
}

/* The depth of the text bounds that of the calls. */
static void walk(struct reading *reading, json_t *value)
{
	if (reading->failed || reading->full)
		return;
	if (json_is_object(value))
		walk_object(reading, value);
	for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
		walk(reading, json_array_get(value, i));
}

enum org_reading org_metadata_json(struct org_metadata *metadata, struct span file, struct span json,
                                   char problem_r[ORG_PROBLEM_SIZE])
{
	struct reading reading = { .metadata = metadata, .file = file, .problem = problem_r };
	char shown[LOG_PRINTABLE_SIZE];
	json_error_t error;

	if (json.length >= 3 && memcmp(json.at, "\xef\xbb\xbf", 3) == 0)
		json = span_slice(json, 3, json.length);
	if (json.length > ORG_JSON_MAX || is_deep(json)) {
		snprintf(problem_r, ORG_PROBLEM_SIZE,
		         json.length > ORG_JSON_MAX ? "it is larger than %zu bytes" : "it is more than %zu deep",
		         json.length > ORG_JSON_MAX ? ORG_JSON_MAX : (size_t)ORG_JSON_DEPTH);
		return ORG_BROKEN;
	}
	json_t *root = json_loadb(json.at ? json.at : "", json.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!root) {
		log_entry_printable(span_of(error.text), shown, sizeof shown);
		snprintf(problem_r, ORG_PROBLEM_SIZE, "line %d: it is no JSON: %.120s", error.line, shown);
		return ORG_BROKEN;
	}
	walk(&reading, root);
	json_decref(root);
	if (reading.full)
		snprintf(problem_r, ORG_PROBLEM_SIZE, "there are more than %d records, or memory is short", ORG_RECORDS_MAX);
	if (reading.failed || reading.full)
		return ORG_BROKEN;
	if (reading.found == 0)
		return ORG_NOT_OURS;
	metadata->files++;
	return ORG_READ;
}
