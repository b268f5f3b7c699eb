/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/backlog.h"

#include <stdlib.h>

/* What the entry is a line of. */
static enum line_kind kind_of(const struct log_entry *entry, enum verdict *verdict_r)
{
	enum line_kind kind = LINE_EVENT;
	*verdict_r = VERDICT_UNDECIDED;
	for (size_t i = 0; i < entry->count; i++) {
		const struct log_field *field = &entry->fields[i];
		if (field->is_number)
			continue;
		if (strcmp(field->key, "ev") == 0) {
			if (span_equal(field->text, span_of("abort")))
				return LINE_ABORT;
			if (!span_equal(field->text, span_of("verdict")))
				return LINE_EVENT;
			kind = LINE_VERDICT;
		} else if (kind == LINE_VERDICT && strcmp(field->key, "verdict") == 0) {
			(void)verdict_by_name(field->text, verdict_r);
			return kind;
		}
	}
	return kind;
}

static enum line_rank rank_of(const struct line *line)
{
	if (line->kind == LINE_EVENT)
		return LINE_OTHER;
	bool refusal = line->kind == LINE_VERDICT && verdict_refuses(line->verdict);
	return refusal ? LINE_REFUSAL : LINE_MESSAGE;
}

struct line *line_new(const struct log_entry *entry, char *text, char *fields, size_t fields_length)
{
	struct line *line = text ? calloc(1, sizeof *line) : NULL;
	if (!line) {
		free(text);
		free(fields);
		return NULL;
	}
	line->kind = kind_of(entry, &line->verdict);
	line->length = strlen(text);
	text[line->length] = '\n';
	line->text = text;
	line->fields = fields;
	line->fields_length = fields_length;
	return line;
}

void line_free(struct line *line)
{
	if (!line)
		return;
	free(line->text);
	free(line->fields);
	free(line);
}

static void count(struct line_counts *counts, enum line_kind kind, enum verdict verdict)
{
	switch (kind) {
	case LINE_VERDICT:
		counts->verdicts[verdict]++;
		break;
	case LINE_ABORT:
		counts->aborts++;
		break;
	case LINE_EVENT:
		counts->events++;
		break;
	}
}

void line_count_entry(struct line_counts *counts, const struct log_entry *entry)
{
	enum verdict verdict;
	enum line_kind kind = kind_of(entry, &verdict);
	count(counts, kind, verdict);
}

void line_lose(struct line_counts *counts, struct line *line)
{
	count(counts, line->kind, line->verdict);
	line_free(line);
}

unsigned long long line_counts_total(const struct line_counts *counts)
{
	unsigned long long total = counts->aborts + counts->events;
	for (size_t i = 0; i < VERDICTS; i++)
		total += counts->verdicts[i];
	return total;
}

/* Blocks of the heap have a head. */
static size_t size_of(const struct line *line)
{
	enum { HEAD = 16 };
	return sizeof *line + line->length + 1 + line->fields_length + 3 * (size_t)HEAD;
}

static struct line *take_from(struct backlog *backlog, size_t rank)
{
	struct line *line = backlog->ranks[rank].first;
	backlog->ranks[rank].first = line->next;
	if (!line->next)
		backlog->ranks[rank].last = NULL;
	line->next = NULL;
	backlog->used -= size_of(line);
	return line;
}

/* Drop lines for one of that size and rank. False: only such as matter more are left. */
static bool make_room(struct backlog *backlog, size_t size, size_t rank)
{
	size_t lowest = 0;
	while (backlog->used + size > BACKLOG_MAX) {
		while (lowest <= rank && !backlog->ranks[lowest].first)
			lowest++;
		if (lowest > rank)
			return false;
		line_lose(&backlog->dropped, take_from(backlog, lowest));
	}
	return true;
}

void backlog_put(struct backlog *backlog, struct line *line)
{
	size_t rank = rank_of(line);
	if (!make_room(backlog, size_of(line), rank)) {
		line_lose(&backlog->dropped, line);
		return;
	}
	line->number = backlog->numbers++;
	line->next = NULL;
	if (backlog->ranks[rank].last)
		backlog->ranks[rank].last->next = line;
	else
		backlog->ranks[rank].first = line;
	backlog->ranks[rank].last = line;
	backlog->used += size_of(line);
}

struct line *backlog_take(struct backlog *backlog)
{
	size_t oldest = LINE_RANKS;
	for (size_t i = 0; i < LINE_RANKS; i++) {
		const struct line *first = backlog->ranks[i].first;
		if (first && (oldest == LINE_RANKS || first->number < backlog->ranks[oldest].first->number))
			oldest = i;
	}
	return oldest < LINE_RANKS ? take_from(backlog, oldest) : NULL;
}

bool backlog_empty(const struct backlog *backlog)
{
	return backlog->used == 0;
}

void backlog_clear(struct backlog *backlog, bool counts)
{
	struct line *line;
	while ((line = backlog_take(backlog)) != NULL) {
		if (counts)
			line_lose(&backlog->dropped, line);
		else
			line_free(line);
	}
}
