/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/header.h"

static const struct span names[FIELD_NAMES] = {
	[FIELD_FROM] = SPAN_LITERAL("From"),
	[FIELD_SENDER] = SPAN_LITERAL("Sender"),
	[FIELD_REPLY_TO] = SPAN_LITERAL("Reply-To"),
	[FIELD_TO] = SPAN_LITERAL("To"),
	[FIELD_CC] = SPAN_LITERAL("Cc"),
	[FIELD_BCC] = SPAN_LITERAL("Bcc"),
	[FIELD_SUBJECT] = SPAN_LITERAL("Subject"),
	[FIELD_DATE] = SPAN_LITERAL("Date"),
	[FIELD_MESSAGE_ID] = SPAN_LITERAL("Message-ID"),
	[FIELD_IN_REPLY_TO] = SPAN_LITERAL("In-Reply-To"),
	[FIELD_REFERENCES] = SPAN_LITERAL("References"),
	[FIELD_MIME_VERSION] = SPAN_LITERAL("MIME-Version"),
	[FIELD_CONTENT_TYPE] = SPAN_LITERAL("Content-Type"),
	[FIELD_CONTENT_TRANSFER_ENCODING] = SPAN_LITERAL("Content-Transfer-Encoding"),
	[FIELD_X_SFDC_LK] = SPAN_LITERAL("X-SFDC-LK"),
	[FIELD_X_SFDC_ORG_RELAY] = SPAN_LITERAL("X-SFDCOrgRelay"),
	[FIELD_X_SFDC_USER] = SPAN_LITERAL("X-SFDC-User"),
	[FIELD_X_SFDC_EMAIL_CATEGORY] = SPAN_LITERAL("X-SFDC-EmailCategory"),
	[FIELD_X_SFDC_ENTITY_ID] = SPAN_LITERAL("X-SFDC-EntityId"),
	[FIELD_X_SFDC_CORRELATION_ID] = SPAN_LITERAL("X-SFDC-CORRELATION-ID"),
	[FIELD_DKIM_SIGNATURE] = SPAN_LITERAL("DKIM-Signature"),
	[FIELD_AUTHENTICATION_RESULTS] = SPAN_LITERAL("Authentication-Results"),
	[FIELD_OTHER] = SPAN_LITERAL(""),
};

static bool is_white(char c)
{
	return c == ' ' || c == '\t';
}

/* ftext of RFC 5322 3.6.8. The colon cannot occur: it has ended the name. */
static bool is_name_byte(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

void header_init(struct header *header, struct arena *arena, struct span watched)
{
	memset(header, 0, sizeof *header);
	header->arena = arena;
	header->watched = span_trim(watched);
}

enum field_name field_by_name(struct span name)
{
	struct span trimmed = span_trim(name);
	unsigned id = 0;
	while (id < FIELD_OTHER && !span_equal_nocase(trimmed, names[id]))
		id++;
	return (enum field_name)id;
}

const char *field_text(enum field_name id)
{
	return names[id].at;
}

static unsigned name_defects(struct span name, struct span trimmed)
{
	unsigned defects = trimmed.length == 0 || trimmed.length != name.length ? HEADER_NAME : HEADER_SOUND;
	for (size_t i = 0; i < trimmed.length; i++) {
		if (trimmed.at[i] == '\0')
			defects |= HEADER_NUL;
		if (!is_name_byte(trimmed.at[i]))
			defects |= HEADER_NAME;
	}
	return defects;
}

/* Defects of text in which every line end must belong to a fold. */
static unsigned text_defects(struct span text)
{
	unsigned defects = HEADER_SOUND;
	if (text.length != 0 && memchr(text.at, '\0', text.length))
		defects |= HEADER_NUL;
	for (size_t i = 0; i < text.length; i++) {
		bool last = i + 1 == text.length;
		if (text.at[i] == '\r' && (last || text.at[i + 1] != '\n'))
			defects |= HEADER_BARE_CR;
		if (text.at[i] == '\n' && (last || !is_white(text.at[i + 1])))
			defects |= HEADER_BARE_CR;
	}
	return defects;
}

static unsigned limit_defects(const struct header *header, struct span name, struct span value)
{
	bool over = header->fields > HEADER_FIELDS_MAX || header->bytes > HEADER_BYTES_MAX || name.length > HEADER_FIELD_MAX
	            || value.length > HEADER_FIELD_MAX - name.length;
	return over ? HEADER_OVER_LIMIT : HEADER_SOUND;
}

static bool keep(struct header *header, const struct field *like)
{
	struct field *field = arena_alloc(header->arena, sizeof *field);
	if (!field)
		return false;
	*field = *like;
	field->raw_name = arena_span(header->arena, like->raw_name);
	field->name = span_trim(field->raw_name);
	field->value = arena_span(header->arena, like->value);
	if (span_absent(field->raw_name) || span_absent(field->value))
		return false;
	if (header->last)
		header->last->next = field;
	else
		header->first = field;
	header->last = field;
	header->latest = field;
	return true;
}

bool header_add(struct header *header, struct span name, struct span value, bool leading_space)
{
	header->latest = NULL;
	if (span_absent(name))
		name = span_of("");
	if (span_absent(value))
		value = span_of("");
	struct span trimmed = span_trim(name);
	struct field field = {
		.id = field_by_name(name), .raw_name = name, .value = value, .leading_space = leading_space
	};
	bool watched = header->watched.length != 0 && span_equal_nocase(trimmed, header->watched);

	header->fields++;
	header->bytes += name.length + value.length + 3;
	field.index = ++header->count[field.id];
	if (watched) {
		header->watched_count++;
		if (field.id == FIELD_OTHER)
			field.index = header->watched_count;
	}

	unsigned defects = name_defects(name, trimmed) | text_defects(value) | limit_defects(header, name, value);
	if (field.id < FIELD_SINGLETONS && field.index > 1)
		defects |= HEADER_DUPLICATE;
	bool first_defect = defects != HEADER_SOUND && header->defects == HEADER_SOUND;
	header->defects |= defects;
	if (first_defect) {
		header->defect_name = arena_span(header->arena, span_slice(trimmed, 0, HEADER_NAME_SHOWN));
		if (span_absent(header->defect_name))
			return false;
	}

	return (header->defects & HEADER_OVER_LIMIT) || keep(header, &field);
}

bool header_index(struct header *header)
{
	if (header->names || !header->first || (header->defects & HEADER_OVER_LIMIT))
		return true;
	struct set *found = set_new(header->arena, SET_NOCASE);
	header->groups = arena_array(header->arena, header->fields, sizeof *header->groups);
	if (!found || !header->groups)
		return false;
	for (struct field *field = header->first; field; field = field->next) {
		size_t number = set_add(found, field->name);
		if (number == SET_ABSENT)
			return false;
		struct field_group *group = &header->groups[number];
		group->count++;
		field->above = group->last;
		group->last = field;
	}
	header->names = found;
	return true;
}

static const struct field *next_of(const struct field *field, enum field_name id)
{
	while (field && field->id != id)
		field = field->next;
	return field;
}

const struct field *header_find(const struct header *header, enum field_name id)
{
	return next_of(header->first, id);
}

const struct field *header_next(const struct field *field)
{
	return next_of(field->next, field->id);
}

/* One line of a raw message: [from, to) without its end, next is where the following line begins. */
struct line {
	size_t from;
	size_t to;
	size_t next;
};

static struct line line_at(struct span raw, size_t from)
{
	size_t end = span_find(raw, from, '\n');
	struct line line = { from, end, end < raw.length ? end + 1 : end };
	if (end < raw.length && end > from && raw.at[end - 1] == '\r')
		line.to--;
	return line;
}

/*
 * Where the colon of a header field stands, or the line's end if the line is none. As Postfix and Sendmail do, a name
 * is taken to be printable ASCII, with white space only before the colon; another line ends the header.
 */
static size_t colon_of(struct span raw, struct line line)
{
	size_t i = line.from;
	while (i < line.to && is_name_byte(raw.at[i]))
		i++;
	bool named = i > line.from;
	while (i < line.to && is_white(raw.at[i]))
		i++;
	return named && i < line.to && raw.at[i] == ':' ? i : line.to;
}

/* "From " and anything but a colon: "From : x" is a field with white space before the colon. */
static bool is_mbox_line(struct span raw, struct line line)
{
	static const char start[] = "From ";
	struct span text = span_slice(raw, line.from, line.to);
	return text.length >= sizeof start - 1 && memcmp(text.at, start, sizeof start - 1) == 0
	       && colon_of(raw, line) == line.to;
}

bool message_begins_mbox(struct span raw)
{
	return is_mbox_line(raw, line_at(raw, 0));
}

bool message_split(struct span raw, bool (*take)(void *context, struct span name, struct span value), void *context,
                   struct span *body_r, unsigned *defects_r)
{
	*body_r = span_make(NULL, 0);
	*defects_r = HEADER_SOUND;
	struct line line = line_at(raw, 0);
	if (message_begins_mbox(raw))
		line = line_at(raw, line.next);
	while (line.from < raw.length) {
		if (line.to == line.from) {
			*body_r = span_slice(raw, line.next, raw.length);
			return true;
		}
		size_t colon = colon_of(raw, line);
		if (colon == line.to) {
			*defects_r |= HEADER_NO_COLON | text_defects(span_slice(raw, line.from, line.to));
			*body_r = span_slice(raw, line.from, raw.length);
			return true;
		}
		size_t from = line.from;
		size_t to = line.to;
		line = line_at(raw, line.next);
		while (line.from < raw.length && is_white(raw.at[line.from])) {
			to = line.to;
			line = line_at(raw, line.next);
		}
		*defects_r |= text_defects(span_slice(raw, from, to));
		if (!take(context, span_slice(raw, from, colon), span_slice(raw, colon + 1, to)))
			return false;
	}
	return true;
}
