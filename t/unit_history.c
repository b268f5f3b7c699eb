/* SPDX-License-Identifier: BSD-2-Clause */
/* history: what observe writes is read again to the byte, whatever stands before it; what is not ours is passed over. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "history/entry.h"
#include "history/reader.h"
#include "observe/format.h"
#include "tap.h"

#define WHOLE "ev=verdict v=1 verdict=reject would=reject mode=enforce sid=1f why=org reason=org-unknown dns_q=3"

static struct entry_reader *entries;
static struct entry entry;

/* --- to the byte --- */

static bool same_in(enum log_format format, struct span value)
{
	struct log_entry written;
	log_entry_init(&written);
	log_entry_text(&written, "ev", span_of("abort"));
	log_entry_text(&written, "detail", value);
	log_entry_number(&written, "size", 9223372036854775807LL);
	char *line = format_entry(format, &written);
	bool good = line && entry_read(entries, span_of(line), &entry) == ENTRY_OK && entry.event == ENTRY_ABORT
	            && entry.numbers[LOG_KEY_SIZE] == 9223372036854775807LL && entry.whole[LOG_KEY_DETAIL] == value.length
	            && span_equal(entry_value(&entry, LOG_KEY_DETAIL), span_slice(value, 0, LOG_VALUE_MAX))
	            && entry_is_cut(&entry, LOG_KEY_DETAIL) == (value.length > LOG_VALUE_MAX);
	free(line);
	return good;
}

static bool same(struct span value)
{
	return same_in(LOG_FORMAT_LOGFMT, value) && same_in(LOG_FORMAT_JSON, value);
}

static void test_bytes(void)
{
	unsigned wrong = 0;
	for (unsigned first = 0; first < 256; first++) {
		char one = (char)first;
		wrong += !same(span_make(&one, 1));
		for (unsigned second = 0; second < 256; second++) {
			char two[3] = { (char)first, (char)second, 'x' };
			wrong += !same(span_make(two, 2));
			wrong += !same(span_make(two, 3));
		}
	}
	ok(wrong == 0, "every byte, and every two of them, come back as they were (%u do not)", wrong);
}

static void test_lengths(void)
{
	static char text[3000];
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7919 % 256);
	for (size_t length = 1; length < sizeof text; length++)
		wrong += !same(span_make(text + sizeof text - length, length));
	memset(text, 'a', sizeof text);
	for (size_t length = 1; length < sizeof text; length++)
		wrong += !same(span_make(text, length));
	ok(wrong == 0, "so do values of every length, and those that were cut up to there (%u do not)", wrong);
	memcpy(text, "...1000", 7);
	ok(same(span_make(text, 100)) && same(span_of("...1000")), "what merely looks as if it had been cut was not");
}

/* Every key of the table, with its own value. */
static void test_keys(void)
{
	static char values[LOG_KEY_COUNT][16];
	for (unsigned round = 0; round < 2; round++) {
		struct log_entry written;
		unsigned wrong = 0;
		enum log_key first = round == 0 ? LOG_KEY_EV : LOG_KEY_TEXT;
		log_entry_init(&written);
		if (round == 1)
			log_entry_text(&written, "ev", span_of("verdict"));
		for (unsigned i = first; i < LOG_KEY_COUNT && written.count < LOG_FIELDS_MAX; i++) {
			snprintf(values[i], sizeof values[i], "v%u", i);
			if (log_key_is_number((enum log_key)i))
				log_entry_number(&written, log_key_name((enum log_key)i), i);
			else
				log_entry_text(&written, log_key_name((enum log_key)i),
				               span_of(i == LOG_KEY_EV ? "warning" : values[i]));
		}
		char *line = format_entry(LOG_FORMAT_LOGFMT, &written);
		bool good = line && entry_read(entries, span_of(line), &entry) == ENTRY_OK && entry.unknown == 0;
		for (unsigned i = first + (round == 0); good && i < first + written.count - (round == 1); i++)
			wrong += log_key_is_number((enum log_key)i) ? entry.numbers[i] != (long long)i
			                                            : !span_equal(entry.values[i], span_of(values[i]));
		ok(round == 1 || (good && wrong == 0), "each key is found by its name (%u are not)", wrong);
		free(line);
	}
}

/* --- what stands before it --- */

static const struct {
	const char *what;
	const char *line;
	long long time; /* -2: it is foreign */
} prefixes[] = {
	{ "nothing", WHOLE, -1 },
	{ "carriage return behind it", WHOLE "\r", -1 },
	{ "RFC 3164", "Nov 28 23:20:01 relay sfdc-milter[4711]: " WHOLE, 1795908001 },
	{ "RFC 3164, one digit", "Nov  8 23:20:01 relay sfdc-milter[4711]: " WHOLE, 1794180001 },
	{ "RFC 3164 with priority", "<22>Nov 28 23:20:01 relay sfdc-milter[4711]: " WHOLE, 1795908001 },
	{ "as the daemon gives it to syslog", "<22>Nov 28 23:20:01 sfdc-milter[4711]: " WHOLE, 1795908001 },
	{ "RFC 3164 of the year before", "Dec 31 00:00:00 relay sfdc-milter: " WHOLE, 1767139200 },
	{ "RFC 3164 tomorrow", "Nov 29 23:19:59 relay sfdc-milter: " WHOLE, 1795994399 },
	{ "rsyslog", "2026-11-28T23:20:01.123456+01:00 relay sfdc-milter[4711]: " WHOLE, 1795904401 },
	{ "rsyslog, Z", "2026-11-28T23:20:01Z relay sfdc-milter[4711]: " WHOLE, 1795908001 },
	{ "rsyslog, zone in four digits", "2026-11-28T23:20:01-0530 relay sfdc-milter[4711]: " WHOLE, 1795927801 },
	{ "RFC 5424", "<22>1 2026-11-28T23:20:01.1Z relay sfdc-milter 4711 - - " WHOLE, 1795908001 },
	{ "RFC 5424 with data", "<22>1 2026-11-28T23:20:01Z r sfdc-milter 4711 x [a@1 b=\"\\\"]\"][c] \xef\xbb\xbf" WHOLE,
	  1795908001 },
	{ "RFC 5424 without time", "<22>1 - - sfdc-milter - - - " WHOLE, -1 },
	{ "RFC 5424 of another", "<22>1 2026-11-28T23:20:01Z r postfix/smtpd 1 - - " WHOLE, -2 },
	{ "journalctl -o short-iso", "2026-11-28T23:20:01+0000 relay sfdc-milter[4711]: " WHOLE, 1795908001 },
	{ "journalctl -o short-full", "Sat 2026-11-28 23:20:01 UTC relay sfdc-milter[4711]: " WHOLE, 1795908001 },
	{ "journalctl -o short-unix", "1795908001.123456 relay sfdc-milter[4711]: " WHOLE, 1795908001 },
	{ "journalctl -o short-monotonic", "[   12.123456] relay sfdc-milter[4711]: " WHOLE, -1 },
	{ "compose", "milter-1  | " WHOLE, -1 },
	{ "Kubernetes", "2026-11-28T23:20:01.123456789Z stderr F " WHOLE, 1795908001 },
	{ "time alone", "2026-11-28T23:20:01Z " WHOLE, 1795908001 },
	{ "NUL bytes of a crash", NULL, 1795908001 },
	{ "journalctl -o json",
	  "{\"SYSLOG_IDENTIFIER\":\"sfdc-milter\",\"__REALTIME_TIMESTAMP\":\"1795908001000001\",\"MESSAGE\":\"" WHOLE "\"}",
	  1795908001 },
	{ "the journal's bytes",
	  "{\"SYSLOG_IDENTIFIER\":\"sfdc-milter\",\"__REALTIME_TIMESTAMP\":\"1795908001000001\",\"MESSAGE\":"
	  "[101,118,61,118,101,114,100,105,99,116,32,118,101,114,100,105,99,116,61,114,101,106,101,99,116,32,119,111,117,108,"
	  "100,61,114,101,106,101,99,116,32,114,101,97,115,111,110,61,111,114,103,45,117,110,107,110,111,119,110]}",
	  1795908001 },
	{ "the journal, of another",
	  "{\"SYSLOG_IDENTIFIER\":\"other\",\"__REALTIME_TIMESTAMP\":\"1795908001000001\",\"MESSAGE\":\"" WHOLE "\"}", -2 },
	{ "Docker", "{\"log\":\"" WHOLE "\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-28T23:20:01.5Z\"}", 1795908001 },
	{ "another program", "Nov 28 23:20:01 relay postfix/smtpd[4711]: " WHOLE, -2 },
	{ "a program that begins like ours", "Nov 28 23:20:01 relay sfdc-milter2[4711]: " WHOLE, -2 },
	{ "our name inside another's line", "Nov 28 23:20:01 relay postfix[1]: x sfdc-milter[4711]: " WHOLE, -2 },
	{ "text before it", "hello " WHOLE, -2 },
	{ "text of ours that is no entry", "Nov 28 23:20:01 relay sfdc-milter[4711]: cannot start", -2 },
	{ "an empty line", "", -2 },
	{ "JSON of others", "{\"a\":1}", -2 },
	{ "JSON that is no object", "[1]", -2 },
};

static void test_prefixes(void)
{
	static const char hole[] = "\0\0\0Nov 28 23:20:01 relay sfdc-milter: " WHOLE;
	setenv("TZ", "UTC0", 1);
	entry_reader_until(entries, 1795908001);
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		struct span line = prefixes[i].line ? span_of(prefixes[i].line) : span_make(hole, sizeof hole - 1);
		enum entry_status status = entry_read(entries, line, &entry);
		if (prefixes[i].time == -2) {
			ok(status == ENTRY_FOREIGN, "foreign: %s", prefixes[i].what);
			continue;
		}
		ok(status == ENTRY_OK && entry.event == ENTRY_VERDICT && entry.would == VERDICT_REJECT
		       && span_equal(entry_value(&entry, LOG_KEY_REASON), span_of("org-unknown")),
		   "read: %s", prefixes[i].what);
		ok(entry.time == prefixes[i].time, "its time: %s (%lld)", prefixes[i].what, entry.time);
	}
}

static void test_zone(void)
{
	setenv("TZ", "XXX-05", 1); /* five hours ahead of UTC */
	entry_reader_free(entries);
	entries = entry_reader_new();
	entry_reader_until(entries, 1795908001);
	entry_read(entries, span_of("Nov 28 23:20:01 relay sfdc-milter: " WHOLE), &entry);
	ok(entry.time == 1795908001 - 18000, "a time without a zone is local");
	setenv("TZ", "UTC0", 1);
	entry_reader_free(entries);
	entries = entry_reader_new();
	entry_reader_until(entries, 1767312000); /* 2026-01-02 */
	entry_read(entries, span_of("Dec 31 12:00:00 relay sfdc-milter: " WHOLE), &entry);
	ok(entry.time == 1767182400, "a log over the turn of the year: the old one");
	entry_read(entries, span_of("Jan  1 12:00:00 relay sfdc-milter: " WHOLE), &entry);
	ok(entry.time == 1767268800, "and the new one");
}

/* --- what we do not write --- */

static const struct {
	const char *what;
	const char *line;
} malformed[] = {
	{ "a key twice", "ev=verdict verdict=reject would=reject verdict=accept" },
	{ "two spaces", "ev=verdict  verdict=reject would=reject" },
	{ "a quote that does not end", "ev=verdict verdict=reject would=reject detail=\"x" },
	{ "text behind a quote", "ev=verdict verdict=reject would=reject detail=\"x\"y" },
	{ "a byte that is not bare", "ev=verdict verdict=reject would=reject detail=x;y" },
	{ "a byte beyond ASCII", "ev=verdict verdict=reject would=reject detail=\"\xc3\xa4\"" },
	{ "ESC", "ev=verdict verdict=reject would=reject detail=\"\033[2J\"" },
	{ "an escape that is none", "ev=verdict verdict=reject would=reject detail=\"\\n\"" },
	{ "half an escape", "ev=verdict verdict=reject would=reject detail=\"\\x1\"" },
	{ "an empty value", "ev=verdict verdict= would=reject" },
	{ "no value", "ev=verdict verdict would=reject" },
	{ "a space at the end", "ev=verdict verdict=reject would=reject " },
	{ "a number that is none", "ev=verdict verdict=reject would=reject size=12a" },
	{ "a number that is too large", "ev=verdict verdict=reject would=reject size=9223372036854775808" },
	{ "a negative number", "ev=verdict verdict=reject would=reject size=-1" },
	{ "no verdict", "ev=verdict v=1 would=reject" },
	{ "nothing that it would do", "ev=verdict v=1 verdict=reject" },
	{ "JSON: a key twice", "{\"ev\":\"verdict\",\"verdict\":\"reject\",\"would\":\"reject\",\"would\":\"accept\"}" },
	{ "JSON: text for a number", "{\"ev\":\"verdict\",\"verdict\":\"reject\",\"would\":\"reject\",\"size\":\"1\"}" },
	{ "JSON: a number for text", "{\"ev\":\"verdict\",\"verdict\":\"reject\",\"would\":\"reject\",\"sid\":1}" },
	{ "JSON: beyond ASCII", "{\"ev\":\"verdict\",\"verdict\":\"reject\",\"would\":\"reject\",\"sid\":\"\\u00e4\"}" },
	{ "JSON: half a line", "{\"ev\":\"verdict\",\"verdict\":\"rej" },
	{ "the journal: too long for it",
	  "{\"SYSLOG_IDENTIFIER\":\"sfdc-milter\",\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":null}" },
};

static void test_malformed(void)
{
	static char text[LOG_VALUE_MAX * 2];
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		ok(entry_read(entries, span_of(malformed[i].line), &entry) == ENTRY_MALFORMED, "malformed: %s",
		   malformed[i].what);
	int length = snprintf(text, sizeof text, "ev=abort detail=");
	memset(text + length, 'a', LOG_VALUE_MAX + 1);
	ok(entry_read(entries, span_make(text, (size_t)length + LOG_VALUE_MAX + 1), &entry) == ENTRY_MALFORMED,
	   "malformed: a value that is longer than any, and was not cut");
}

static void test_later(void)
{
	entry_read(entries, span_of(WHOLE), &entry);
	ok(!entry.later && entry.unknown == 0, "a line of this version");
	ok(entry_read(entries, span_of(WHOLE " new=1 newer=\"a b\""), &entry) == ENTRY_OK && entry.later
	       && entry.unknown == 2,
	   "keys of a later version");
	ok(entry_read(entries, span_of("ev=verdict v=2 verdict=perhaps would=reject"), &entry) == ENTRY_OK && entry.later
	       && entry.verdict == VERDICT_UNDECIDED && entry.would == VERDICT_REJECT,
	   "a verdict of a later version is no verdict that is known");
	ok(entry_read(entries, span_of("ev=tea v=1"), &entry) == ENTRY_OK && entry.later && entry.event == ENTRY_OTHER,
	   "an event of a later version");
	ok(entry_read(entries, span_of("{\"ev\":\"abort\",\"deep\":[{\"a\":[1,2]}]}"), &entry) == ENTRY_OK
	       && entry.unknown == 1,
	   "JSON: a value of another kind under an unknown key");
}

/* --- files --- */

static char folder[64];

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text, size_t length)
{
	FILE *file = fopen(path_of(name), "wb");
	if (!file || fwrite(text, 1, length, file) != length || fclose(file) != 0)
		ok(false, "%s can be written", name);
}

static void put_gz(const char *name, const char *text)
{
	gzFile file = gzopen(path_of(name), "wb");
	if (!file || gzputs(file, text) < 0 || gzclose(file) != Z_OK)
		ok(false, "%s can be written", name);
}

static char problem[READER_PROBLEM_SIZE];

/* Read files; gives what reader_counts() says, and the problem of the last one that has one. */
static struct reader_counts read_files(const char *const *names, size_t count)
{
	static struct entry one;
	struct reader *reader = reader_new();
	problem[0] = '\0';
	unsigned long long seen = 0;
	for (size_t i = 0; i < count; i++) {
		enum reader_status status;
		if (!reader_open(reader, path_of(names[i]), problem))
			continue;
		while ((status = reader_next(reader, &one, problem)) == READER_ENTRY)
			seen++;
	}
	reader_finish(reader);
	struct reader_counts counts = *reader_counts(reader);
	ok(counts.entries == seen, "as many entries are counted as were given");
	reader_free(reader);
	return counts;
}

#define READ(...)                                                                                                      \
	read_files((const char *const[]) { __VA_ARGS__ }, sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *))

static void test_pieces(void)
{
	static const char text[] = "other\n" WHOLE "\n{\"ev\":\"stop\"}\n" WHOLE;
	size_t whole = sizeof text - 1;
	put("plain", text, whole);
	struct reader_counts counts = READ("plain");
	ok(counts.entries == 3 && counts.foreign == 1 && counts.cut == 0,
	   "a last line without its end is read if it is whole");
	unsigned wrong = 0;
	for (size_t at = 1; at < whole; at++) {
		put("one", text, at);
		put("two", text + at, whole - at);
		struct reader *reader = reader_new();
		for (int i = 0; i < 2; i++) {
			reader_open(reader, path_of(i ? "two" : "one"), problem);
			while (reader_next(reader, &entry, problem) == READER_ENTRY)
				continue;
		}
		reader_finish(reader);
		counts = *reader_counts(reader);
		/* Cut within "dns_q=3" of the last line, or within "other" or its end, there is a line more. */
		wrong += counts.entries != 3 || counts.malformed != 0 || counts.cut > 1;
		reader_free(reader);
	}
	ok(wrong == 0, "cut in two at any byte it gives the same entries (%u times not)", wrong);
	put("half", WHOLE "\nev=verdict verdict=rej", sizeof WHOLE + sizeof "ev=verdict verdict=rej" - 1);
	put("next", WHOLE "\n", sizeof WHOLE);
	counts = READ("half");
	ok(counts.entries == 1 && counts.cut == 1 && counts.malformed == 0, "half a line at the end is counted");
	counts = READ("half", "next");
	ok(counts.entries == 2 && counts.cut == 1,
	   "and is nothing of the next file's, which begins with a line of its own");
}

static void test_gz(void)
{
	put_gz("log.gz", WHOLE "\n" WHOLE "\n");
	struct reader_counts counts = READ("log.gz");
	ok(counts.entries == 2 && problem[0] == '\0', "gz");
	static char bytes[4096];
	FILE *file = fopen(path_of("log.gz"), "rb");
	size_t length = file ? fread(bytes, 1, sizeof bytes, file) : 0;
	if (file)
		fclose(file);
	put("cut.gz", bytes, length - 10);
	counts = READ("cut.gz", "half");
	ok(counts.entries >= 1 && strstr(problem, "end too early") != NULL, "gz that was cut: %s", problem);
	bytes[length - 6] = (char)~bytes[length - 6];
	put("bad.gz", bytes, length);
	counts = READ("bad.gz");
	ok(problem[0] != '\0' && counts.entries <= 2, "gz whose sum is wrong: %s", problem);
	put("log.xz",
	    "\xfd"
	    "7zXZ\0",
	    6);
	READ("log.xz");
	ok(strstr(problem, "xz") != NULL, "xz: %s", problem);
}

static void test_hostile(void)
{
	size_t length = ENTRY_LINE_MAX * 3;
	char *text = malloc(length);
	if (!text)
		return;
	memset(text, 'x', length);
	memcpy(text, WHOLE " detail=", sizeof WHOLE + 7);
	memcpy(text + length - sizeof WHOLE - 1, "\n" WHOLE "\n", sizeof WHOLE + 1);
	put("long", text, length);
	struct reader_counts counts = READ("half", "long");
	ok(counts.entries == 2 && counts.too_long == 1 && counts.cut == 1,
	   "a line that does not fit is counted, and the next one read");
	put("endless", text, length - sizeof WHOLE - 1);
	counts = READ("endless", "next");
	ok(counts.entries == 1 && counts.too_long == 1, "one without an end, too");
	memset(text, '\0', length);
	put("nul", text, length);
	counts = READ("nul");
	ok(counts.entries == 0 && counts.too_long == 1, "NUL bytes");
	free(text);
	if (symlink("loop", path_of("loop")) == 0)
		READ("loop");
	ok(problem[0] != '\0', "a link to itself: %s", problem);
	if (symlink("next", path_of("alias")) == 0)
		counts = READ("next", "alias", "next");
	ok(counts.entries == 1 && strstr(problem, "twice") != NULL, "a file under two names: %s", problem);
	READ(".");
	ok(strstr(problem, "directory") != NULL, "a directory: %s", problem);
	READ("nothing");
	ok(problem[0] != '\0', "no file: %s", problem);
}

static void clean(void)
{
	static const char *const names[] = { "plain",  "one",    "two",  "half",    "next", "log.gz", "cut.gz",
		                                 "bad.gz", "log.xz", "long", "endless", "nul",  "loop",   "alias" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(path_of(names[i]));
	rmdir(folder);
}

int main(void)
{
	snprintf(folder, sizeof folder, "/tmp/unit_history.XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	entries = entry_reader_new();
	test_bytes();
	test_lengths();
	test_keys();
	test_prefixes();
	test_zone();
	test_malformed();
	test_later();
	test_pieces();
	test_gz();
	test_hostile();
	clean();
	entry_reader_free(entries);
	return done_testing();
}
