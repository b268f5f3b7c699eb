/* SPDX-License-Identifier: BSD-2-Clause */
/* format: what a sender writes can start neither a new line nor a new key, in logfmt and in JSON. */
#include <jansson.h>
#include <stdlib.h>

#include "observe/format.h"
#include "tap.h"

#define BYTES(text)                                                                                                    \
	{                                                                                                                  \
		(text), sizeof(text) - 1                                                                                       \
	}

/* One value under the key "k", in both formats. */
static const struct {
	const char *what;
	struct span value;
	const char *logfmt;
	const char *json;
} values[] = {
	{ "bare value", BYTES("a.b-c_d@e:f/g+h9"), "k=a.b-c_d@e:f/g+h9", "{\"k\":\"a.b-c_d@e:f/g+h9\"}" },
	{ "space", BYTES("a b"), "k=\"a b\"", "{\"k\":\"a b\"}" },
	{ "comma", BYTES("a,b"), "k=\"a,b\"", "{\"k\":\"a,b\"}" },
	{ "L01 equals sign starts no key", BYTES("x verdict=accept"), "k=\"x verdict=accept\"",
	  "{\"k\":\"x verdict=accept\"}" },
	{ "L01 quote ends no value", BYTES("a\" verdict=\"accept"), "k=\"a\\\" verdict=\\\"accept\"",
	  "{\"k\":\"a\\\" verdict=\\\"accept\"}" },
	{ "L01 closing brace", BYTES("\"}"), "k=\"\\\"}\"", "{\"k\":\"\\\"}\"}" },
	{ "L01 backslash", BYTES("a\\"), "k=\"a\\\\\"", "{\"k\":\"a\\\\\\\\\"}" },
	{ "L01 backslash and quote", BYTES("\\\""), "k=\"\\\\\\\"\"", "{\"k\":\"\\\\\\\\\\\"\"}" },
	{ "L01 CR LF", BYTES("a\r\nev=verdict"), "k=\"a\\x0d\\x0aev=verdict\"", "{\"k\":\"a\\\\x0d\\\\x0aev=verdict\"}" },
	{ "L01 ESC", BYTES("\033[2J"), "k=\"\\x1b[2J\"", "{\"k\":\"\\\\x1b[2J\"}" },
	{ "L01 NUL", BYTES("a\0b"), "k=\"a\\x00b\"", "{\"k\":\"a\\\\x00b\"}" },
	{ "L01 DEL", BYTES("a\177"), "k=\"a\\x7f\"", "{\"k\":\"a\\\\x7f\"}" },
	{ "tilde", BYTES("a ~"), "k=\"a ~\"", "{\"k\":\"a ~\"}" },
	{ "L01 U+2028", BYTES("a\xe2\x80\xa8"), "k=\"a\\xe2\\x80\\xa8\"", "{\"k\":\"a\\\\xe2\\\\x80\\\\xa8\"}" },
	{ "L01 invalid UTF-8", BYTES("\xff\xc0"), "k=\"\\xff\\xc0\"", "{\"k\":\"\\\\xff\\\\xc0\"}" },
	{ "L01 format directives", BYTES("%s%n"), "k=\"%s%n\"", "{\"k\":\"%s%n\"}" },
	{ "tab", BYTES("a\tb"), "k=\"a\\x09b\"", "{\"k\":\"a\\\\x09b\"}" },
	{ "text that looks like a number stays text", BYTES("12"), "k=12", "{\"k\":\"12\"}" },
};

static void is_line(enum log_format format, const struct log_entry *entry, const char *want, const char *what)
{
	char *line = format_entry(format, entry);
	is_text(line, want, what);
	free(line);
}

static void test_values(void)
{
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct log_entry entry;
		log_entry_init(&entry);
		log_entry_text(&entry, "k", values[i].value);
		is_line(LOG_FORMAT_LOGFMT, &entry, values[i].logfmt, values[i].what);
		is_line(LOG_FORMAT_JSON, &entry, values[i].json, values[i].what);
	}
}

static void test_record(void)
{
	struct log_entry entry;
	log_entry_init(&entry);
	is_line(LOG_FORMAT_LOGFMT, &entry, "", "an empty record is an empty line");
	is_line(LOG_FORMAT_JSON, &entry, "{}", "an empty record is an empty object");
	log_entry_text(&entry, "ev", span_of("verdict"));
	log_entry_number(&entry, "v", 1);
	log_entry_text(&entry, "absent", span_make(NULL, 0));
	log_entry_text(&entry, "empty", span_of(""));
	log_entry_number(&entry, "unknown", -1);
	log_entry_text(&entry, "from", span_of("<>"));
	log_entry_number(&entry, "size", 9223372036854775807LL);
	is_line(LOG_FORMAT_LOGFMT, &entry, "ev=verdict v=1 from=\"<>\" size=9223372036854775807",
	        "order is kept, what is unknown is left out");
	is_line(LOG_FORMAT_JSON, &entry, "{\"ev\":\"verdict\",\"v\":1,\"from\":\"<>\",\"size\":9223372036854775807}",
	        "numbers are numbers in JSON");
}

/* An entry made by hand, as nothing in entry.h makes it: formats must not rely on who filled it. */
static void test_empty_value(void)
{
	struct log_entry entry = { .count = 1, .fields = { { .key = "k", .text = SPAN_LITERAL("") } } };
	is_line(LOG_FORMAT_LOGFMT, &entry, "k=\"\"", "an empty value is quoted");
	is_line(LOG_FORMAT_JSON, &entry, "{\"k\":\"\"}", "an empty value is an empty string");
}

static void test_long(char fill, const char *shown)
{
	enum { LENGTH = 60000 };
	char *value = malloc(LENGTH);
	char want[LOG_PRINTABLE_SIZE * 2] = "k=";
	struct log_entry entry;

	if (!value)
		return;
	memset(value, fill, LENGTH);
	log_entry_init(&entry);
	log_entry_text(&entry, "k", span_make(value, LENGTH));
	bool quoted = strlen(shown) != 1;
	if (quoted)
		strcat(want, "\"");
	for (size_t i = 0; i < LOG_VALUE_MAX; i++)
		strcat(want, shown);
	strcat(want, quoted ? "...60000\"" : "...60000");
	is_line(LOG_FORMAT_LOGFMT, &entry, want, "L02 a value of 60 KB is cut and ends in its length");
	free(value);
}

/* The largest entry there can be stays one line in either format, and JSON can be read back. */
static void test_full(void)
{
	char value[LOG_VALUE_MAX];
	struct log_entry entry;
	memset(value, '\n', sizeof value);
	log_entry_init(&entry);
	for (size_t i = 0; i < LOG_FIELDS_MAX + 5; i++) {
		static char keys[LOG_FIELDS_MAX + 5][8];
		snprintf(keys[i], sizeof keys[i], "key%zu", i);
		log_entry_text(&entry, keys[i], span_make(value, sizeof value));
	}
	char *line = format_entry(LOG_FORMAT_LOGFMT, &entry);
	ok(line && !strchr(line, '\n'), "a full record of newlines is one line");
	free(line);
	line = format_entry(LOG_FORMAT_JSON, &entry);
	json_t *object = line ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
	ok(object && json_object_size(object) == LOG_FIELDS_MAX, "a full record is a JSON object");
	json_decref(object);
	free(line);
}

int main(void)
{
	test_values();
	test_record();
	test_empty_value();
	test_long('a', "a");
	test_long('\n', "\\x0a");
	test_long('"', "\\\"");
	test_full();
	return done_testing();
}
