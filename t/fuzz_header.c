/* SPDX-License-Identifier: BSD-2-Clause */
/* header: a split message is covered by its fields and its body, and fields keep their number and index. */
#include "core/header.h"
#include "fuzz.h"

const char fuzz_name[] = "header";

struct split {
	struct span raw;
	const char *at; /* where the next field may begin */
	struct header header;
	char *text; /* the fields written again, CRLF at their ends */
	size_t length;
};

static bool take(void *context, struct span name, struct span value)
{
	struct split *split = context;
	must(name.at >= split->at && value.at == name.at + name.length + 1 && name.at[name.length] == ':');
	must(value.at + value.length <= split->raw.at + split->raw.length);
	must(name.length != 0 && span_find(name, 0, '\n') == name.length && span_find(name, 0, '\0') == name.length);
	split->at = value.at + value.length;
	must(header_add(&split->header, name, value, true));
	memcpy(split->text + split->length, name.at, name.length + 1 + value.length);
	split->length += name.length + 1 + value.length;
	memcpy(split->text + split->length, "\r\n", 2);
	split->length += 2;
	return true;
}

/* Going up from the last field of each name, every field is met once. */
static void check_index(struct header *header)
{
	unsigned met = 0;
	must(header_index(header));
	must((header->names == NULL) == (header->first == NULL || (header->defects & HEADER_OVER_LIMIT) != 0));
	for (size_t i = 0; i < set_count(header->names); i++) {
		unsigned count = 0;
		for (const struct field *field = header->groups[i].last; field; field = field->above) {
			must(span_equal_nocase(field->name, set_at(header->names, i)));
			count++;
		}
		must(count == header->groups[i].count && count != 0);
		met += count;
	}
	must(!header->names || met == header->fields);
}

static void check_header(struct header *header)
{
	unsigned seen[FIELD_NAMES] = { 0 };
	unsigned watched = 0;
	unsigned sum = 0;
	for (const struct field *field = header->first; field; field = field->next) {
		must(field->id == field_by_name(field->name));
		must(field->raw_name.length >= field->name.length && span_equal(span_trim(field->raw_name), field->name));
		if (field->id != FIELD_OTHER)
			must(field->index == ++seen[field->id]);
		else if (span_equal_nocase(field->name, header->watched))
			must(field->index == ++watched);
	}
	for (unsigned id = 0; id < FIELD_NAMES; id++) {
		sum += header->count[id];
		if (id == FIELD_OTHER)
			continue;
		must(seen[id] <= header->count[id]);
		must((header->defects & HEADER_OVER_LIMIT) || seen[id] == header->count[id]);
		must(id >= FIELD_SINGLETONS || header->count[id] < 2 || (header->defects & HEADER_DUPLICATE));
		must((header_find(header, (enum field_name)id) != NULL) == (seen[id] != 0));
	}
	must(sum == header->fields && watched <= header->watched_count);
	must((header->defects == HEADER_SOUND) == span_absent(header->defect_name));
	check_index(header);
}

static unsigned split_message(struct split *split, struct arena *arena, struct span raw, struct span *body_r)
{
	unsigned defects;
	memset(split, 0, sizeof *split);
	split->raw = raw;
	split->at = raw.at;
	split->text = arena_alloc(arena, 3 * raw.length + 2);
	must(split->text);
	header_init(&split->header, arena, span_of("X-SFDC-Relay"));
	must(message_split(raw, take, split, body_r, &defects));
	must(span_absent(*body_r) || (body_r->at >= split->at && body_r->at + body_r->length == raw.at + raw.length));
	check_header(&split->header);
	return defects;
}

static void check_split(struct arena *arena, struct span raw)
{
	struct split split;
	struct split again;
	struct span body;
	unsigned defects = split_message(&split, arena, raw, &body);
	must(memchr(split.text, '\0', split.length) == NULL || (defects & split.header.defects & HEADER_NUL));

	struct span rest;
	unsigned same = split_message(&again, arena, span_make(split.text, split.length), &rest);
	must(span_absent(rest) && again.header.fields == split.header.fields);
	must(again.header.defects == split.header.defects && same == (defects & same) && !(same & HEADER_NO_COLON));
	must(again.length == split.length && memcmp(again.text, split.text, split.length) == 0);
}

/* Fields as a hostile MTA might hand them over: pairs of lines, with any byte but LF in the name. */
static void check_add(struct arena *arena, struct span raw)
{
	struct header header;
	header_init(&header, arena, span_of("X-SFDC-Relay"));
	while (raw.length != 0) {
		struct span name = fuzz_line(&raw);
		must(header_add(&header, name, fuzz_line(&raw), true));
	}
	check_header(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 0);
	check_split(&arena, fuzz_span(data, size));
	check_add(&arena, fuzz_span(data, size));
	arena_clear(&arena);
	return 0;
}
