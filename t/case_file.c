/* SPDX-License-Identifier: BSD-2-Clause */
#include "case_file.h"

#include <stdlib.h>

static const char *const section_names[CASE_SECTIONS] = {
	[CASE_CONFIG] = "config",     [CASE_CONFIG_MORE] = "config+", [CASE_SESSION] = "session",
	[CASE_EVIDENCE] = "evidence", [CASE_MESSAGE] = "message",     [CASE_FIELDS] = "fields",
	[CASE_EXPECT] = "expect",
};

/* A line with its end. */
static struct span take_line(struct span *rest)
{
	size_t end = span_find(*rest, 0, '\n');
	size_t next = end < rest->length ? end + 1 : end;
	struct span line = span_slice(*rest, 0, next);
	*rest = span_slice(*rest, next, rest->length);
	return line;
}

static bool is_title(struct span line)
{
	return line.length > 5 && memcmp(line.at, "==== ", 5) == 0;
}

static bool is_section(struct span line)
{
	return line.length > 3 && memcmp(line.at, "== ", 3) == 0;
}

static bool section_from_name(struct span name, enum case_section *section_r)
{
	for (unsigned i = 0; i < CASE_SECTIONS; i++)
		if (span_equal(name, span_of(section_names[i]))) {
			*section_r = (enum case_section)i;
			return true;
		}
	return false;
}

bool case_next(struct case_reader *reader, struct case_text *case_r, const char **problem_r)
{
	bool in_section = false;
	enum case_section section = CASE_CONFIG;

	memset(case_r, 0, sizeof *case_r);
	*problem_r = NULL;
	if (reader->rest.length == 0)
		return false;
	case_r->line = reader->line + 1;
	if (is_title(reader->rest)) {
		struct span title = take_line(&reader->rest);
		reader->line++;
		case_r->name = span_trim(span_slice(title, 5, title.length));
	}
	while (reader->rest.length != 0 && !is_title(reader->rest)) {
		struct span line = take_line(&reader->rest);
		reader->line++;
		if (is_section(line)) {
			in_section = true;
			if (!section_from_name(span_trim(span_slice(line, 3, line.length)), &section))
				*problem_r = "unknown section";
			else if (!span_absent(case_r->sections[section]))
				*problem_r = "section given twice";
			case_r->sections[section] = span_make(reader->rest.at, 0);
		} else if (in_section) {
			case_r->sections[section].length += line.length;
		} else if (span_trim(line).length != 0 && line.at[0] != '#') {
			*problem_r = "text before the first section";
		}
	}
	return true;
}

bool case_line(struct span *rest, struct span *line_r)
{
	while (rest->length != 0) {
		*line_r = take_line(rest);
		if (line_r->at[0] != '#' && span_trim(*line_r).length != 0)
			return true;
	}
	return false;
}

bool case_pair(struct span line, struct span *key_r, struct span *value_r)
{
	size_t colon = span_find(line, 0, ':');
	*key_r = span_trim(span_slice(line, 0, colon));
	*value_r = span_trim(span_slice(line, colon + 1, line.length));
	return colon != line.length;
}

static struct span join(struct arena *arena, struct span a, struct span b)
{
	char *text = arena_alloc(arena, a.length + b.length + 1);
	if (!text)
		abort();
	if (a.length)
		memcpy(text, a.at, a.length);
	if (b.length)
		memcpy(text + a.length, b.at, b.length);
	return span_make(text, a.length + b.length);
}

static struct span own_or_common(const struct case_text *own, const struct case_text *common, enum case_section section)
{
	return span_absent(own->sections[section]) ? common->sections[section] : own->sections[section];
}

struct span case_config(const struct case_text *own, const struct case_text *common, struct arena *arena)
{
	return join(arena, own_or_common(own, common, CASE_CONFIG), own->sections[CASE_CONFIG_MORE]);
}

struct span case_evidence_text(const struct case_text *own, const struct case_text *common)
{
	return own_or_common(own, common, CASE_EVIDENCE);
}

/* "rcpt: <a@b> local": the word after the address is {rcpt_mailer}. */
static bool add_recipient(struct session *session, struct span value)
{
	size_t space = span_find(value, 0, ' ');
	struct span mailer = span_trim(span_slice(value, space, value.length));
	return session_recipient(session, mailer.length != 0 ? mailer : span_make(NULL, 0));
}

/* Lines "key: value"; "!key" makes the key absent again. */
static const char *read_session(struct span text, struct session *session)
{
	static char problem[SESSION_PROBLEM_SIZE];
	struct span line;
	struct span name;
	struct span value;
	struct span bytes;
	enum session_key key;

	if (text.length != 0 && text.at[0] == '{')
		return session_read(session, "session", text, problem) ? NULL : problem;
	while (case_line(&text, &line)) {
		bool remove = line.at[0] == '!';
		if (remove)
			name = span_trim(span_slice(line, 1, line.length));
		else if (!case_pair(line, &name, &value))
			return "a session line is no key: value";
		if (span_equal(name, span_of("rcpt"))) {
			if (remove)
				session->recipients = 0;
			else if (!add_recipient(session, value))
				return "too many recipients";
			continue;
		}
		if (!session_key_by_name(name, &key))
			return "unknown session key";
		if (remove)
			session->values[key] = span_make(NULL, 0);
		else if (case_unescape(value, &session->arena, &bytes))
			return "bad escape in the session";
		else if (!session_set(session, key, bytes, problem))
			return problem;
	}
	return NULL;
}

const char *case_session(const struct case_text *own, const struct case_text *common, struct session *session_r)
{
	struct span told = own->sections[CASE_SESSION];
	bool whole = told.length != 0 && told.at[0] == '{';
	const char *problem = whole ? NULL : read_session(common->sections[CASE_SESSION], session_r);
	return problem ? problem : read_session(told, session_r);
}

static bool is_continuation(struct span rest)
{
	return rest.length != 0 && (rest.at[0] == ' ' || rest.at[0] == '\t');
}

/* A field with the lines that continue it. */
static struct span take_field(struct span *rest)
{
	struct span field = take_line(rest);
	while (is_continuation(*rest))
		field.length += take_line(rest).length;
	return field;
}

static struct span name_of(struct span field)
{
	return span_trim(span_slice(field, 0, span_find(field, 0, ':')));
}

/* The header with the fields of that name left out, or the first of them replaced in its place. */
static struct span edit_field(struct arena *arena, struct span header, struct span name, struct span by, bool *found_r)
{
	struct span edited = span_of("");
	*found_r = false;
	while (header.length != 0) {
		struct span field = take_field(&header);
		if (!span_equal_nocase(name_of(field), name)) {
			edited = join(arena, edited, field);
			continue;
		}
		if (!*found_r)
			edited = join(arena, edited, by);
		*found_r = true;
	}
	return edited;
}

/* Lines "Name: value" replace, "!Name" removes, "+Name: value" goes below the header, "^Name: value" above it. */
static const char *edit_header(struct arena *arena, struct span changes, struct span *header)
{
	bool found;
	while (changes.length != 0) {
		struct span change = take_field(&changes);
		struct span rest = span_slice(change, 1, change.length);
		if (change.at[0] == '+') {
			*header = join(arena, *header, rest);
			continue;
		}
		if (change.at[0] == '^') {
			*header = join(arena, rest, *header);
			continue;
		}
		bool removed = change.at[0] == '!';
		*header = edit_field(arena, *header, removed ? span_trim(rest) : name_of(change),
		                     removed ? span_of("") : change, &found);
		if (!found)
			return "a field to be changed is not in the message";
	}
	return NULL;
}

/* Where the header ends: the empty line, or the end. */
static size_t header_length(struct span message)
{
	struct span rest = message;
	while (rest.length != 0 && rest.at[0] != '\n')
		take_line(&rest);
	return message.length - rest.length;
}

const char *case_message(const struct case_text *own, const struct case_text *common, struct arena *arena,
                         struct span *message_r)
{
	struct span message = own_or_common(own, common, CASE_MESSAGE);
	size_t length = header_length(message);
	struct span header = span_slice(message, 0, length);
	struct span body = span_slice(message, length, message.length);

	if (message.length == 0)
		return "there is no message";
	const char *problem = edit_header(arena, own->sections[CASE_FIELDS], &header);
	return problem ? problem : case_unescape(join(arena, header, body), arena, message_r);
}

struct bytes {
	struct arena *arena;
	char *at;
	size_t length;
	size_t room;
};

static void put(struct bytes *bytes, const char *at, size_t length)
{
	if (bytes->length + length > bytes->room) {
		size_t room = (bytes->length + length) * 2;
		char *more = arena_alloc(bytes->arena, room);
		if (!more)
			abort();
		if (bytes->length)
			memcpy(more, bytes->at, bytes->length);
		bytes->at = more;
		bytes->room = room;
	}
	if (length)
		memcpy(bytes->at + bytes->length, at, length);
	bytes->length += length;
}

static int hex(char c)
{
	return ascii_digit(c) ? c - '0' : ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f' ? ascii_lower(c) - 'a' + 10 : -1;
}

/* Where the brace closes that opens at 1; repetitions can be nested. */
static size_t closing_brace(struct span text)
{
	unsigned depth = 0;
	for (size_t i = 1; i < text.length; i++) {
		if (text.at[i] == '{' && text.at[i - 1] == '\\')
			depth++;
		else if (text.at[i] == '}' && --depth == 0)
			return i;
	}
	return text.length;
}

/* \{COUNT:TEXT}; returns how many bytes of text it takes, 0 if it is malformed. */
static size_t put_repeated(struct bytes *bytes, struct span text)
{
	unsigned long count;
	size_t colon = span_find(text, 0, ':');
	size_t end = closing_brace(text);
	struct span inner;

	if (colon > end || end == text.length || !span_number(span_slice(text, 2, colon), 2000000, &count)
	    || case_unescape(span_slice(text, colon + 1, end), bytes->arena, &inner))
		return 0;
	for (unsigned long i = 0; i < count; i++)
		put(bytes, inner.at, inner.length);
	return end + 1;
}

/* One escape at the start of text. */
static size_t put_escaped(struct bytes *bytes, struct span text)
{
	static const struct {
		char letter;
		char byte;
	} letters[] = { { '\\', '\\' }, { 'r', '\r' }, { 'n', '\n' }, { 't', '\t' }, { '0', '\0' } };
	char letter = text.length > 1 ? text.at[1] : '\0';

	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		if (letter == letters[i].letter) {
			put(bytes, &letters[i].byte, 1);
			return 2;
		}
	if (letter == '\n') /* the line goes on */
		return 2;
	if (letter == '{')
		return put_repeated(bytes, text);
	if (letter != 'x' || text.length < 4 || hex(text.at[2]) < 0 || hex(text.at[3]) < 0)
		return 0;
	char byte = (char)(hex(text.at[2]) * 16 + hex(text.at[3]));
	put(bytes, &byte, 1);
	return 4;
}

const char *case_unescape(struct span text, struct arena *arena, struct span *bytes_r)
{
	struct bytes bytes = { arena, arena_alloc(arena, 1), 0, 0 };
	size_t i = 0;

	while (i < text.length) {
		size_t taken = 1;
		if (text.at[i] == '\\')
			taken = put_escaped(&bytes, span_slice(text, i, text.length));
		else if (text.at[i] == '\n')
			put(&bytes, "\r\n", 2);
		else
			put(&bytes, text.at + i, 1);
		if (taken == 0)
			return "bad escape";
		i += taken;
	}
	*bytes_r = span_make(bytes.at, bytes.length);
	return NULL;
}
