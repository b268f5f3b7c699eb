/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/entry.h"

#include <jansson.h>
#include <stdlib.h>

#include "history/prefix.h"

#define KEY_SLOTS 256 /* a power of two, far more than keys */

struct entry_reader {
	unsigned char slots[KEY_SLOTS]; /* of a hash of keys: the key plus 1; 0: none */
	size_t key_lengths[LOG_KEY_COUNT];
	struct prefix_clock clock;
	bool whole;
	size_t used;                /* of store */
	char store[ENTRY_LINE_MAX]; /* names and values as the daemon had them: never longer than the line */
};

static unsigned hash_key(struct span key)
{
	unsigned hash = 2166136261U;
	for (size_t i = 0; i < key.length; i++)
		hash = (hash ^ (unsigned char)key.at[i]) * 16777619U;
	return (hash ^ (hash >> 15)) % KEY_SLOTS;
}

struct entry_reader *entry_reader_new(void)
{
	_Static_assert(LOG_KEY_COUNT < 200, "slots hold a key in a byte, with room between them");
	struct entry_reader *reader = malloc(sizeof *reader);
	if (!reader)
		return NULL;
	memset(reader->slots, 0, sizeof reader->slots);
	memset(&reader->clock, 0, sizeof reader->clock);
	for (unsigned i = 0; i < LOG_KEY_COUNT; i++) {
		struct span name = span_of(log_key_name((enum log_key)i));
		unsigned slot = hash_key(name);
		while (reader->slots[slot] != 0)
			slot = (slot + 1) % KEY_SLOTS;
		reader->slots[slot] = (unsigned char)(i + 1);
		reader->key_lengths[i] = name.length;
	}
	return reader;
}

void entry_reader_free(struct entry_reader *reader)
{
	free(reader);
}

void entry_reader_until(struct entry_reader *reader, long long time)
{
	reader->clock.until = time;
}

bool entry_is_whole(const struct entry_reader *reader)
{
	return reader->whole;
}

static bool find_key(const struct entry_reader *reader, struct span name, enum log_key *key_r)
{
	for (unsigned slot = hash_key(name); reader->slots[slot] != 0; slot = (slot + 1) % KEY_SLOTS) {
		enum log_key key = (enum log_key)(reader->slots[slot] - 1);
		if (reader->key_lengths[key] == name.length && memcmp(log_key_name(key), name.at, name.length) == 0) {
			*key_r = key;
			return true;
		}
	}
	return false;
}

static void begin(struct entry_reader *reader, struct entry *entry)
{
	memset(entry, 0, sizeof *entry);
	entry->time = -1;
	for (unsigned i = 0; i < LOG_KEY_COUNT; i++)
		entry->numbers[i] = -1;
	reader->used = 0;
}

static int hex_digit(char c)
{
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a printable value (log_entry_printable()), *at moved behind it. False: nothing that it writes. */
static bool undo_byte(struct span text, size_t *at, char *byte_r)
{
	char c = text.at[*at];
	if (c < 0x20 || c > 0x7e)
		return false;
	*at += 1;
	*byte_r = c;
	if (c != '\\')
		return true;
	char kind = *at < text.length ? text.at[*at] : '\0';
	*at += 1;
	if (kind == '\\')
		return true;
	if (kind != 'x' || *at + 2 > text.length)
		return false;
	int high = hex_digit(text.at[*at]);
	int low = hex_digit(text.at[*at + 1]);
	*at += 2;
	*byte_r = (char)(high * 16 + low);
	return high >= 0 && low >= 0;
}

/* A value that was cut ends in "..." and its whole length. */
static bool undo_cut(struct span *value, size_t *whole_r)
{
	unsigned long whole;
	*whole_r = value->length;
	if (value->length <= LOG_VALUE_MAX)
		return true;
	struct span mark = span_slice(*value, LOG_VALUE_MAX, value->length);
	if (mark.length < 4 || memcmp(mark.at, "...", 3) != 0
	    || !span_number(span_slice(mark, 3, mark.length), (unsigned long)-1, &whole) || whole <= LOG_VALUE_MAX)
		return false;
	*whole_r = whole;
	value->length = LOG_VALUE_MAX;
	return true;
}

/* Keep a value that was put into the store. False: it is none of ours, or the second of its key. */
static bool keep_value(struct entry *entry, enum log_key key, struct span value)
{
	size_t whole;
	unsigned long number;
	if (!span_absent(entry->values[key]) || !undo_cut(&value, &whole))
		return false;
	entry->values[key] = value;
	entry->whole[key] = whole;
	if (!log_key_is_number(key))
		return true;
	if (!span_number(value, (unsigned long)(~0ULL >> 1), &number))
		return false;
	entry->numbers[key] = (long long)number;
	return true;
}

static char *store_at(struct entry_reader *reader)
{
	return reader->store + reader->used;
}

static void note_unknown(struct entry_reader *reader, struct entry *entry, struct span name)
{
	if (entry->unknown < ENTRY_UNKNOWN_NAMED) {
		memcpy(store_at(reader), name.at, name.length);
		entry->unknown_names[entry->unknown] = span_make(store_at(reader), name.length);
		reader->used += name.length;
	}
	entry->unknown++;
}

/* A value of logfmt, *at moved behind it. */
static bool read_value(struct entry_reader *reader, struct span line, size_t *at, struct span *value_r)
{
	char *to = store_at(reader);
	size_t length = 0;
	if (*at < line.length && line.at[*at] == '"') {
		*at += 1;
		for (;;) {
			if (*at == line.length)
				return false;
			if (line.at[*at] == '"')
				break;
			if (line.at[*at] == '\\' && *at + 1 < line.length && line.at[*at + 1] == '"') {
				to[length++] = '"';
				*at += 2;
			} else if (!undo_byte(line, at, &to[length++])) {
				return false;
			}
		}
		*at += 1;
	} else {
		while (*at < line.length && (ascii_alnum(line.at[*at]) || strchr("@._:/+-", line.at[*at]) != NULL)
		       && line.at[*at] != '\0')
			to[length++] = line.at[(*at)++];
		if (length == 0)
			return false;
	}
	reader->used += length;
	*value_r = span_make(to, length);
	return true;
}

static bool read_key(struct span line, size_t *at, struct span *key_r)
{
	size_t from = *at;
	while (*at < line.length
	       && ((line.at[*at] >= 'a' && line.at[*at] <= 'z') || ascii_digit(line.at[*at]) || line.at[*at] == '_'))
		*at += 1;
	*key_r = span_slice(line, from, *at);
	if (key_r->length == 0 || *at == line.length || line.at[*at] != '=')
		return false;
	*at += 1;
	return true;
}

static enum entry_status read_logfmt(struct entry_reader *reader, struct span line, struct entry *entry)
{
	size_t at = 0;
	for (;;) {
		struct span name;
		struct span value;
		enum log_key key;
		if (!read_key(line, &at, &name) || !read_value(reader, line, &at, &value))
			return ENTRY_MALFORMED;
		if (!find_key(reader, name, &key))
			note_unknown(reader, entry, name);
		else if (!keep_value(entry, key, value))
			return ENTRY_MALFORMED;
		if (at == line.length)
			break;
		if (line.at[at++] != ' ')
			return ENTRY_MALFORMED;
	}
	/* The last key of every message. */
	reader->whole = !span_absent(entry->values[LOG_KEY_DNS_Q]);
	return ENTRY_OK;
}

/* A value of JSON into the store. */
static bool undo_text(struct entry_reader *reader, struct span text, struct span *value_r)
{
	char *to = store_at(reader);
	size_t length = 0;
	for (size_t at = 0; at < text.length;)
		if (!undo_byte(text, &at, &to[length++]))
			return false;
	reader->used += length;
	*value_r = span_make(to, length);
	return true;
}

static bool keep_json(struct entry_reader *reader, struct entry *entry, enum log_key key, const json_t *json)
{
	struct span value;
	if (!log_key_is_number(key))
		return json_is_string(json)
		       && undo_text(reader, span_make(json_string_value(json), json_string_length(json)), &value)
		       && keep_value(entry, key, value);
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return false;
	/* At most 19 digits, which the line had, too. */
	value = span_make(store_at(reader), (size_t)snprintf(store_at(reader), 21, "%lld", json_integer_value(json)));
	reader->used += value.length;
	return keep_value(entry, key, value);
}

static enum entry_status read_object(struct entry_reader *reader, json_t *object, struct entry *entry)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		enum log_key key;
		if (!find_key(reader, span_of(name), &key))
			note_unknown(reader, entry, span_of(name));
		else if (!keep_json(reader, entry, key, value))
			return ENTRY_MALFORMED;
	}
	reader->whole = true;
	return ENTRY_OK;
}

static struct span json_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value)) : span_make(NULL, 0);
}

static enum entry_status read_line(struct entry_reader *reader, struct span line, struct entry *entry, bool inner);

/* What the journal gives as bytes, since it is no text that JSON takes. */
static bool bytes_of(struct entry_reader *reader, const json_t *array, struct span *bytes_r)
{
	size_t length = json_array_size(array);
	/* Behind it there is still room for all its values: each byte took two of the line at least. */
	char *to = reader->store + ENTRY_LINE_MAX - length;
	for (size_t i = 0; i < length; i++) {
		const json_t *byte = json_array_get(array, i);
		if (!json_is_integer(byte) || json_integer_value(byte) < 0 || json_integer_value(byte) > 255)
			return false;
		to[i] = (char)json_integer_value(byte);
	}
	*bytes_r = span_make(to, length);
	return true;
}

/* "journalctl -o json". */
static enum entry_status read_journal(struct entry_reader *reader, const json_t *object, struct entry *entry)
{
	const json_t *message = json_object_get(object, "MESSAGE");
	struct span time = json_text(object, "_SOURCE_REALTIME_TIMESTAMP");
	struct span text;
	unsigned long microseconds;
	if (!span_equal(json_text(object, "SYSLOG_IDENTIFIER"), span_of(PREFIX_PROGRAM)))
		return ENTRY_FOREIGN;
	if (json_is_string(message))
		text = span_make(json_string_value(message), json_string_length(message));
	else if (!json_is_array(message) || !bytes_of(reader, message, &text))
		return ENTRY_MALFORMED;
	if (span_absent(time))
		time = json_text(object, "__REALTIME_TIMESTAMP");
	enum entry_status status = read_line(reader, text, entry, true);
	if (span_number(time, (unsigned long)(~0ULL >> 1), &microseconds))
		entry->time = (long long)(microseconds / 1000000);
	return status;
}

/* What container engines and log shippers make of a line. */
static enum entry_status read_shipped(struct entry_reader *reader, const json_t *object, struct entry *entry)
{
	static const char *const texts[] = { "log", "message" };
	static const char *const times[] = { "time", "@timestamp", "timestamp" };
	struct span text = span_make(NULL, 0);
	for (size_t i = 0; span_absent(text) && i < sizeof texts / sizeof texts[0]; i++)
		text = json_text(object, texts[i]);
	if (span_absent(text))
		return ENTRY_FOREIGN;
	if (text.length != 0 && text.at[text.length - 1] == '\n')
		text.length--;
	enum entry_status status = read_line(reader, text, entry, true);
	for (size_t i = 0; entry->time < 0 && i < sizeof times / sizeof times[0]; i++) {
		struct span time = json_text(object, times[i]);
		size_t used;
		if (!span_absent(time))
			prefix_iso_time(&reader->clock, time, &used, &entry->time);
	}
	return status;
}

static enum entry_status read_json(struct entry_reader *reader, struct span text, struct entry *entry, bool inner)
{
	json_t *object = json_loadb(text.at, text.length, JSON_REJECT_DUPLICATES, NULL);
	enum entry_status status;
	if (!json_is_object(object))
		status = text.length > 1 && text.at[1] == '"' ? ENTRY_MALFORMED : ENTRY_FOREIGN;
	else if (json_object_get(object, "ev"))
		status = read_object(reader, object, entry);
	else if (inner)
		status = ENTRY_FOREIGN;
	else if (json_object_get(object, "MESSAGE"))
		status = read_journal(reader, object, entry);
	else
		status = read_shipped(reader, object, entry);
	json_decref(object);
	return status;
}

/* inner: it stood in a JSON object, which is whole. */
static enum entry_status read_line(struct entry_reader *reader, struct span line, struct entry *entry, bool inner)
{
	struct prefix prefix;
	enum entry_status status = ENTRY_FOREIGN;
	if (line.length != 0 && line.at[line.length - 1] == '\r')
		line.length--;
	if (!prefix_read(&reader->clock, line, &prefix))
		return ENTRY_FOREIGN;
	if (prefix.rest.length != 0 && prefix.rest.at[0] == '{')
		status = read_json(reader, prefix.rest, entry, inner);
	else if (prefix.rest.length > 3 && memcmp(prefix.rest.at, "ev=", 3) == 0)
		status = read_logfmt(reader, prefix.rest, entry);
	if (entry->time < 0)
		entry->time = prefix.time;
	reader->whole = reader->whole || inner;
	return status;
}

static enum entry_event event_of(struct span name)
{
	static const char *const names[] = {
		[ENTRY_VERDICT] = "verdict", [ENTRY_ABORT] = "abort", [ENTRY_START] = "start",
		[ENTRY_RELOAD] = "reload",   [ENTRY_STOP] = "stop",   [ENTRY_WARNING] = "warning",
		[ENTRY_ERROR] = "error",     [ENTRY_DRIFT] = "drift", [ENTRY_DEADLINE] = "deadline",
	};
	for (unsigned i = ENTRY_VERDICT; i < sizeof names / sizeof names[0]; i++)
		if (span_equal(name, span_of(names[i])))
			return (enum entry_event)i;
	return ENTRY_OTHER;
}

/* Turn names into what they stand for. False: some are not known here. */
static bool know_names(struct entry *entry)
{
	bool known = true;
	struct span name = entry->values[LOG_KEY_VERDICT];
	known = (span_absent(name) || verdict_by_name(name, &entry->verdict)) && known;
	name = entry->values[LOG_KEY_WOULD];
	known = (span_absent(name) || verdict_by_name(name, &entry->would)) && known;
	name = entry->values[LOG_KEY_MODE];
	known = (span_absent(name) || mode_by_name(name, &entry->mode)) && known;
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		name = entry->values[LOG_KEY_RESULTS + i];
		known = (span_absent(name) || result_by_name(name, &entry->results[i])) && known;
	}
	return known;
}

enum entry_status entry_read(struct entry_reader *reader, struct span line, struct entry *entry_r)
{
	begin(reader, entry_r);
	reader->whole = false;
	if (line.length > ENTRY_LINE_MAX)
		return ENTRY_MALFORMED;
	enum entry_status status = read_line(reader, line, entry_r, false);
	if (status != ENTRY_OK)
		return status;
	if (span_absent(entry_r->values[LOG_KEY_EV]))
		return ENTRY_MALFORMED;
	entry_r->event = event_of(entry_r->values[LOG_KEY_EV]);
	bool known = know_names(entry_r) && entry_r->event != ENTRY_OTHER;
	bool version = entry_r->numbers[LOG_KEY_V] > ENTRY_VERSION;
	entry_r->later = version || !known || entry_r->unknown != 0;
	/* A message that came to an end says to which. */
	if (entry_r->event == ENTRY_VERDICT
	    && (span_absent(entry_r->values[LOG_KEY_VERDICT]) || span_absent(entry_r->values[LOG_KEY_WOULD])))
		return ENTRY_MALFORMED;
	return ENTRY_OK;
}
