/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_metadata.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/log_entry.h"

static const char *const objects[ORG_OBJECTS] = {
#define X(enumerator, name) [enumerator] = name,
	ORG_OBJECTS_LIST(X)
#undef X
};

static const char *const fields[ORG_FIELDS] = {
#define X(enumerator, name) [enumerator] = name,
	ORG_FIELDS_LIST(X)
#undef X
};

static const struct {
	const char *element;
	const char *type;
} settings[ORG_SETTINGS] = {
#define X(enumerator, element, type) [enumerator] = { element, type },
	ORG_SETTINGS_LIST(X)
#undef X
};

void org_metadata_init(struct org_metadata *metadata)
{
	memset(metadata, 0, sizeof *metadata);
	arena_init(&metadata->arena, ORG_ARENA_MAX);
}

void org_metadata_clear(struct org_metadata *metadata)
{
	arena_clear(&metadata->arena);
	memset(metadata, 0, sizeof *metadata);
}

const char *org_object_name(enum org_object object)
{
	return objects[object];
}

const char *org_field_name(enum org_field field)
{
	return fields[field];
}

const char *org_setting_name(enum org_setting setting)
{
	return settings[setting].element;
}

const char *org_setting_type(enum org_setting setting)
{
	return settings[setting].type;
}

enum org_field org_field_from_name(struct span name)
{
	unsigned i = 0;
	while (i < ORG_FIELDS && !span_equal_nocase(name, span_of(fields[i])))
		i++;
	return (enum org_field)i;
}

enum org_object org_object_from_name(struct span name)
{
	unsigned i = 0;
	while (i < ORG_OBJECTS && !span_equal_nocase(name, span_of(objects[i])))
		i++;
	return (enum org_object)i;
}

struct span org_text(const struct org_record *record, enum org_field field)
{
	const struct org_value *value = &record->values[field];
	return value->state == ORG_VALUE ? value->text : span_make(NULL, 0);
}

enum org_flag org_flag(const struct org_record *record, enum org_field field)
{
	struct span text = org_text(record, field);
	if (record->disputed)
		return ORG_FLAG_DISPUTED;
	if (span_equal_nocase(text, span_of("true")))
		return ORG_FLAG_YES;
	return span_equal_nocase(text, span_of("false")) ? ORG_FLAG_NO : ORG_FLAG_UNKNOWN;
}

/* Salesforce's IDs have 15 characters, with or without three more that follow from them. */
static bool same_id(struct span a, struct span b)
{
	return a.length >= 15 && b.length >= 15 && span_equal(span_slice(a, 0, 15), span_slice(b, 0, 15));
}

/* A key without its Id is known by its name in the DNS. */
static bool same_record(const struct org_record *a, const struct org_record *b)
{
	struct span id_a = org_text(a, ORG_ID);
	struct span id_b = org_text(b, ORG_ID);
	if (!span_absent(id_a) && !span_absent(id_b))
		return same_id(id_a, id_b);
	struct span selector = org_text(a, ORG_SELECTOR);
	return a->object == ORG_KEY && !span_absent(selector) && span_equal_nocase(selector, org_text(b, ORG_SELECTOR))
	       && span_equal_nocase(org_text(a, ORG_DOMAIN), org_text(b, ORG_DOMAIN));
}

/* What one file did not ask for, another may have; the rest must be the same. */
static bool agree(const struct org_record *a, const struct org_record *b)
{
	for (unsigned i = 0; i < ORG_FIELDS; i++) {
		const struct org_value *one = &a->values[i];
		const struct org_value *other = &b->values[i];
		if (i == ORG_ID || one->state == ORG_UNASKED || other->state == ORG_UNASKED)
			continue;
		if (one->state != other->state || !span_equal(one->text, other->text))
			return false;
	}
	return true;
}

static void complete(struct org_record *to, const struct org_record *from)
{
	for (unsigned i = 0; i < ORG_FIELDS; i++)
		if (to->values[i].state == ORG_UNASKED)
			to->values[i] = from->values[i];
}

bool org_metadata_add(struct org_metadata *metadata, const struct org_record *record)
{
	enum org_object object = record->object;
	bool disputed = false;

	metadata->asked[object] = true;
	if (org_flag(record, ORG_IS_DELETED) == ORG_FLAG_YES)
		return true;
	for (struct org_record *other = metadata->first[object]; other; other = other->next) {
		if (!same_record(other, record))
			continue;
		if (agree(other, record)) {
			complete(other, record);
			return true;
		}
		other->disputed = true;
		disputed = true;
	}
	if (metadata->records == ORG_RECORDS_MAX)
		return false;
	struct org_record *copy = arena_alloc(&metadata->arena, sizeof *copy);
	if (!copy)
		return false;
	*copy = *record;
	copy->file = arena_span(&metadata->arena, record->file);
	copy->disputed = disputed;
	copy->next = NULL;
	if (metadata->last[object])
		metadata->last[object]->next = copy;
	else
		metadata->first[object] = copy;
	metadata->last[object] = copy;
	metadata->records++;
	return true;
}

void org_metadata_set(struct org_metadata *metadata, enum org_setting setting, bool on, struct span file)
{
	enum org_flag flag = on ? ORG_FLAG_YES : ORG_FLAG_NO;
	enum org_flag *kept = &metadata->settings[setting];
	if (*kept != ORG_FLAG_UNKNOWN && *kept != flag) {
		*kept = ORG_FLAG_DISPUTED;
		return;
	}
	*kept = flag;
	metadata->setting_files[setting] = arena_span(&metadata->arena, file);
}

void org_metadata_trouble(struct org_metadata *metadata, struct span file, const char *format, ...)
{
	char text[LOG_PRINTABLE_SIZE + 200];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);

	struct org_trouble *trouble = arena_alloc(&metadata->arena, sizeof *trouble);
	if (!trouble)
		return;
	trouble->file = arena_span(&metadata->arena, file);
	trouble->text = arena_span(&metadata->arena, span_of(text));
	if (metadata->last_trouble)
		metadata->last_trouble->next = trouble;
	else
		metadata->troubles = trouble;
	metadata->last_trouble = trouble;
}

enum org_reading org_metadata_read(struct org_metadata *metadata, struct span file, struct span bytes,
                                   char problem_r[ORG_PROBLEM_SIZE])
{
	size_t at = 0;
	while (at < bytes.length && (memchr("\xef\xbb\xbf\xff\xfe \t\r\n", bytes.at[at], 9) || bytes.at[at] == '\0'))
		at++;
	if (at < bytes.length && bytes.at[at] == '<')
		return org_metadata_xml(metadata, file, bytes, problem_r);
	return org_metadata_json(metadata, file, bytes, problem_r);
}

bool org_next_domain(struct span list, size_t *at, struct span *domain_r)
{
	while (*at < list.length) {
		size_t end = *at;
		/* Lists are separated by commas; people write lines and semicolons. */
		while (end < list.length && !memchr(",;\r\n", list.at[end], 4))
			end++;
		*domain_r = span_trim(span_slice(list, *at, end));
		*at = end + 1;
		if (domain_r->length > 0)
			return true;
	}
	return false;
}
