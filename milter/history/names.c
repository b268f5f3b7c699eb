/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/names.h"

#include <stdlib.h>
#include <sys/random.h>

#include "core/siphash.h"

bool names_init(struct names *names, size_t limit)
{
	memset(names, 0, sizeof *names);
	names->limit = limit;
	/* Rows for twice the limit, and slots for twice as many again. */
	for (names->slot_count = 16; names->slot_count < limit * 4; names->slot_count *= 2)
		continue;
	names->rows = calloc(limit * 2, sizeof *names->rows);
	names->slots = calloc(names->slot_count, sizeof *names->slots);
	/* Without it names could be made that fall together; that costs time, no more. */
	if (getrandom(names->key, sizeof names->key, GRND_NONBLOCK) < 0)
		memset(names->key, 1, sizeof names->key);
	if (names->rows && names->slots)
		return true;
	names_clear(names);
	return false;
}

void names_clear(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->rows[i].text);
	free(names->rows);
	free(names->slots);
	memset(names, 0, sizeof *names);
}

static size_t slot_of(const struct names *names, struct span text)
{
	struct siphash hash;
	siphash_begin(&hash, names->key);
	siphash_put(&hash, text.at, text.length);
	size_t slot = (size_t)siphash_end(&hash).words[0] & (names->slot_count - 1);
	while (names->slots[slot] != 0) {
		const struct name *row = &names->rows[names->slots[slot] - 1];
		if (span_equal(span_make(row->text, row->length), text))
			break;
		slot = (slot + 1) & (names->slot_count - 1);
	}
	return slot;
}

const struct name *names_find(const struct names *names, struct span text)
{
	unsigned row = names->slots[slot_of(names, text)];
	return row != 0 ? &names->rows[row - 1] : NULL;
}

/* A row for a new name; NULL: there is none left, or no memory. */
static struct name *row_add(struct names *names, struct span text, bool accepted, bool *no_memory_r)
{
	bool room = names->count - names->accepted < names->limit;
	*no_memory_r = false;
	if (!room && (!accepted || names->accepted == names->limit))
		return NULL;
	struct name *row = &names->rows[names->count];
	row->text = malloc(text.length + 1);
	if (!row->text) {
		*no_memory_r = true;
		return NULL;
	}
	memcpy(row->text, text.at, text.length);
	row->text[text.length] = '\0';
	row->length = text.length;
	row->first = row->last = -1;
	names->accepted += !room;
	names->count++;
	return row;
}

bool names_add_many(struct names *names, struct span text, long long times, const struct entry *entry)
{
	bool no_memory;
	if (span_absent(text))
		return true;
	size_t slot = slot_of(names, text);
	struct name *row = names->slots[slot] != 0 ? &names->rows[names->slots[slot] - 1] : NULL;
	if (!row) {
		row = row_add(names, text, entry->would == VERDICT_ACCEPT, &no_memory);
		if (!row) {
			sum_add(&names->others, times);
			return !no_memory;
		}
		names->slots[slot] = (unsigned)names->count;
	}
	sum_add(&row->count, times);
	sum_add(&row->verdicts[entry->verdict], times);
	sum_add(&row->would[entry->would], times);
	if (entry->time >= 0 && (row->first < 0 || entry->time < row->first))
		row->first = entry->time;
	if (entry->time > row->last)
		row->last = entry->time;
	return true;
}

bool names_add(struct names *names, struct span text, const struct entry *entry)
{
	return names_add_many(names, text, 1, entry);
}

static int by_text(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;
	size_t length = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->text, y->text, length);
	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static int by_count(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;
	return x->count != y->count ? (x->count < y->count ? 1 : -1) : by_text(a, b);
}

static int by_first(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;
	return x->first != y->first ? (x->first > y->first ? 1 : -1) : by_text(a, b);
}

void names_sort(struct names *names, enum names_order order)
{
	int (*const compare[])(const void *, const void *) = {
		[NAMES_BY_COUNT] = by_count, [NAMES_BY_TEXT] = by_text, [NAMES_BY_FIRST] = by_first
	};
	qsort(names->rows, names->count, sizeof *names->rows, compare[order]);
	memset(names->slots, 0, names->slot_count * sizeof *names->slots);
	for (size_t i = 0; i < names->count; i++)
		names->slots[slot_of(names, span_make(names->rows[i].text, names->rows[i].length))] = (unsigned)(i + 1);
}
