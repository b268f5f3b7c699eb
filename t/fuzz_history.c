/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history: lines of a log. What is read as an entry can be written again, and gives the same once more; nothing in it is
 * longer than the daemon writes. Now and then the input is a file, which gives as many lines as it has. Input: lines.
 */
#include "config.h"

#include <unistd.h>

#include "fuzz.h"
#include "history/entry.h"
#include "history/reader.h"
#include "observe/format.h"

const char fuzz_name[] = "history";

static struct entry_reader *entries;

static void check_values(const struct entry *entry)
{
	for (unsigned i = 0; i < LOG_KEY_COUNT; i++) {
		must(entry->values[i].length <= LOG_VALUE_MAX && entry->whole[i] >= entry->values[i].length);
		must(!entry_is_cut(entry, (enum log_key)i) || entry->values[i].length == LOG_VALUE_MAX);
		must(log_key_is_number((enum log_key)i) || entry->numbers[i] == -1);
	}
	must(entry->numbers[LOG_KEY_V] >= -1 && entry->time >= -1);
	must(entry->later || entry->event != ENTRY_OTHER);
}

/* As the daemon would write it. */
static void check_again(const struct entry *entry, enum log_format format)
{
	static struct entry again;
	static struct entry_reader *others;
	struct log_entry written;
	log_entry_init(&written);
	log_entry_text(&written, "ev", entry->values[LOG_KEY_EV]);
	for (unsigned i = 1; i < LOG_KEY_COUNT && written.count < LOG_FIELDS_MAX; i++) {
		if (entry_is_cut(entry, (enum log_key)i))
			continue;
		if (log_key_is_number((enum log_key)i))
			log_entry_number(&written, log_key_name((enum log_key)i), entry->numbers[i]);
		else
			log_entry_text(&written, log_key_name((enum log_key)i), entry->values[i]);
	}
	if (!others)
		others = entry_reader_new();
	char *line = format_entry(format, &written);
	must(others && line);
	if (entry->values[LOG_KEY_EV].length != 0 && !entry_is_cut(entry, LOG_KEY_EV)) {
		enum entry_status status = entry_read(others, span_of(line), &again);
		must(status == ENTRY_OK || written.count == LOG_FIELDS_MAX || entry->event == ENTRY_VERDICT);
		for (unsigned i = 0; status == ENTRY_OK && i < LOG_KEY_COUNT; i++)
			must(again.values[i].length == 0 || span_equal(again.values[i], entry->values[i])
			     || log_key_is_number((enum log_key)i));
		must(status != ENTRY_OK || (again.event == entry->event && again.would == entry->would));
	}
	free(line);
}

static void check_file(struct span text, size_t lines)
{
	static struct entry entry;
	char problem[READER_PROBLEM_SIZE];
	int ends[2];
	if (text.length > 4096 || pipe(ends) != 0)
		return;
	must(write(ends[1], text.at, text.length) == (ssize_t)text.length);
	close(ends[1]);
	struct reader *reader = reader_new();
	must(reader && reader_take(reader, ends[0]));
	unsigned long long seen = 0;
	enum reader_status status;
	while ((status = reader_next(reader, &entry, problem)) == READER_ENTRY)
		seen++;
	reader_finish(reader);
	const struct reader_counts *counts = reader_counts(reader);
	must(counts->entries == seen);
	/* It may be taken for compressed. */
	bool compressed = text.length > 1 && text.at[0] == '\x1f';
	must(compressed || counts->entries + counts->foreign + counts->malformed + counts->too_long + counts->cut == lines);
	reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct entry entry;
	struct span rest = fuzz_span(data, size);
	size_t lines = 0;
	if (!entries)
		entries = entry_reader_new();
	must(entries);
	entry_reader_until(entries, 1800000000);
	while (rest.length != 0) {
		struct span line = fuzz_line(&rest);
		lines++;
		if (entry_read(entries, line, &entry) != ENTRY_OK)
			continue;
		check_values(&entry);
		check_again(&entry, LOG_FORMAT_LOGFMT);
		check_again(&entry, LOG_FORMAT_JSON);
	}
	if (size % 512 == 7)
		check_file(fuzz_span(data, size), lines);
	return 0;
}
