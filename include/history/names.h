/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names: how often each of many names came, and when: a table that does not grow beyond a limit, whatever senders write.
 *
 * The first names that come have a row of their own; what comes when the table is full is counted as others. Lines of mail
 * that would be accepted have as many rows again for themselves, so that nobody can crowd out genuine names. Sums stop at
 * the largest number. Not thread-safe.
 */
#ifndef SFDC_HISTORY_NAMES_H
#define SFDC_HISTORY_NAMES_H

#include "history/entry.h"

#define SUM_MAX 9223372036854775807LL

/* A sum that stops at SUM_MAX. */
static inline void sum_add(long long *sum, long long more)
{
	*sum = more > SUM_MAX - *sum ? SUM_MAX : *sum + more;
}

struct name {
	char *text; /* any bytes; length of them, and a NUL */
	size_t length;
	long long count;
	long long verdicts[VERDICTS];
	long long would[VERDICTS];
	long long first; /* -1: not told */
	long long last;
};

struct names {
	size_t limit;
	size_t count;
	size_t accepted; /* of them, those that came with mail that would be accepted, past the limit */
	struct name *rows;
	unsigned *slots; /* of a hash: row plus 1 */
	size_t slot_count;
	unsigned char key[16];
	long long others; /* times that a name without a row came */
};

/* False without memory. names_clear() is harmless on zeroed memory. */
bool names_init(struct names *names, size_t limit);
void names_clear(struct names *names);

/* Count a name. The absent span counts nothing. False without memory. */
bool names_add(struct names *names, struct span text, const struct entry *entry);

/* The same, many times at once. */
bool names_add_many(struct names *names, struct span text, long long times, const struct entry *entry);

/* Its row, or NULL. */
const struct name *names_find(const struct names *names, struct span text);

enum names_order { NAMES_BY_COUNT, NAMES_BY_TEXT, NAMES_BY_FIRST };

/* Put the rows in an order: the most frequent first, by their bytes, or the earliest first. Nothing may be added afterwards. */
void names_sort(struct names *names, enum names_order order);

#endif
