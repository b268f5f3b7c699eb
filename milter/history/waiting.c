/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/waiting.h"

#include <stdlib.h>
#include <sys/random.h>

#include "core/siphash.h"

#define SLOTS 32768 /* a power of two, three times WAITING_MAX */

struct row {
	struct siphash_value key;
	long long ended; /* when it came to an end at last; -1: never, or not told */
	struct waiting_message message;
};

struct waiting {
	unsigned char key[16];
	size_t count;
	long long untold;
	long long newest;
	struct row rows[WAITING_MAX];
	unsigned slots[SLOTS]; /* row plus 1 */
	struct waiting_message list[WAITING_MAX];
};

struct waiting *waiting_new(void)
{
	struct waiting *waiting = calloc(1, sizeof *waiting);
	/* Without it keys could be made that fall together. */
	if (waiting && getrandom(waiting->key, sizeof waiting->key, GRND_NONBLOCK) < 0)
		memset(waiting->key, 1, sizeof waiting->key);
	return waiting;
}

void waiting_free(struct waiting *waiting)
{
	for (size_t i = 0; waiting && i < waiting->count; i++)
		free(waiting->rows[i].message.texts);
	free(waiting);
}

static void put(struct siphash *hash, struct span text)
{
	uint64_t length = text.length;
	siphash_put(hash, &length, sizeof length);
	siphash_put(hash, text.at, text.length);
}

static struct siphash_value key_of(const struct waiting *waiting, const struct entry *entry, bool with_id)
{
	struct siphash hash;
	siphash_begin(&hash, waiting->key);
	if (with_id) {
		put(&hash, span_of("id"));
		put(&hash, entry_value(entry, LOG_KEY_ORG));
		put(&hash, entry_value(entry, LOG_KEY_MSGID));
	} else {
		put(&hash, span_of("from"));
	}
	put(&hash, entry_value(entry, LOG_KEY_FROM));
	return siphash_end(&hash);
}

static size_t slot_of(const struct waiting *waiting, struct siphash_value key)
{
	size_t slot = (size_t)key.words[0] % SLOTS;
	while (waiting->slots[slot] != 0 && !siphash_equal(waiting->rows[waiting->slots[slot] - 1].key, key))
		slot = (slot + 1) % SLOTS;
	return slot;
}

static void index_rows(struct waiting *waiting)
{
	memset(waiting->slots, 0, sizeof waiting->slots);
	for (size_t i = 0; i < waiting->count; i++)
		waiting->slots[slot_of(waiting, waiting->rows[i].key)] = (unsigned)(i + 1);
}

/* Make room: what has ended, and what was given up a day ago. */
static void sweep(struct waiting *waiting)
{
	size_t kept = 0;
	for (size_t i = 0; i < waiting->count; i++) {
		struct row *row = &waiting->rows[i];
		bool old = row->message.last >= 0 && row->message.last < waiting->newest - 2 * WAITING_SECONDS;
		if (row->message.waits && !old) {
			waiting->rows[kept++] = *row;
			continue;
		}
		waiting->untold += row->message.waits;
		free(row->message.texts);
	}
	waiting->count = kept;
	index_rows(waiting);
}

static struct span keep_text(char **to, struct span text)
{
	if (span_absent(text))
		return text;
	char *at = *to;
	memcpy(at, text.at, text.length);
	*to += text.length + 1;
	at[text.length] = '\0';
	return span_make(at, text.length);
}

static bool keep_texts(struct waiting_message *message, const struct entry *entry)
{
	static const enum log_key keys[] = { LOG_KEY_MSGID, LOG_KEY_ORG,    LOG_KEY_ORG_NAME, LOG_KEY_FROM,
		                                 LOG_KEY_RCPT,  LOG_KEY_REASON, LOG_KEY_SID };
	size_t room = 0;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		room += entry_value(entry, keys[i]).length + 1;
	char *texts = calloc(1, room);
	if (!texts)
		return false;
	free(message->texts);
	message->texts = texts;
	message->msgid = keep_text(&texts, entry_value(entry, LOG_KEY_MSGID));
	message->org = keep_text(&texts, entry_value(entry, LOG_KEY_ORG));
	message->org_name = keep_text(&texts, entry_value(entry, LOG_KEY_ORG_NAME));
	message->from = keep_text(&texts, entry_value(entry, LOG_KEY_FROM));
	message->rcpt = keep_text(&texts, entry_value(entry, LOG_KEY_RCPT));
	message->reason = keep_text(&texts, entry_value(entry, LOG_KEY_REASON));
	message->sid = keep_text(&texts, entry_value(entry, LOG_KEY_SID));
	return true;
}

/* Whether a is later than b; of what has no time, or the same, the one that is read later. */
static bool later(long long a, long long b)
{
	return a < 0 || b < 0 || a >= b;
}

static bool note(struct waiting *waiting, struct siphash_value key, const struct entry *entry)
{
	size_t slot = slot_of(waiting, key);
	if (waiting->slots[slot] == 0) {
		if (waiting->count == WAITING_MAX) {
			sweep(waiting);
			slot = slot_of(waiting, key);
		}
		if (waiting->count == WAITING_MAX) {
			waiting->untold++;
			return true;
		}
		waiting->rows[waiting->count] =
			(struct row) { .key = key, .ended = -1, .message = { .first = -1, .last = -1 } };
		waiting->slots[slot] = (unsigned)++waiting->count;
	}
	struct row *row = &waiting->rows[waiting->slots[slot] - 1];
	struct waiting_message *message = &row->message;
	if (!message->waits && row->ended >= 0 && entry->time >= 0 && entry->time < row->ended)
		return true; /* it came to an end since */
	message->attempts++;
	if (entry->time >= 0 && (message->first < 0 || entry->time < message->first))
		message->first = entry->time;
	if (message->texts && !later(entry->time, message->last))
		return true;
	message->last = entry->time;
	message->waits = true;
	return keep_texts(message, entry);
}

static void end(struct waiting *waiting, struct siphash_value key, const struct entry *entry)
{
	unsigned found = waiting->slots[slot_of(waiting, key)];
	if (found == 0)
		return;
	struct row *row = &waiting->rows[found - 1];
	if (!later(entry->time, row->message.last))
		return;
	row->message.waits = false;
	row->message.attempts = 0;
	row->message.first = row->message.last = -1;
	row->ended = entry->time;
}

bool waiting_add(struct waiting *waiting, const struct entry *entry)
{
	if (entry->event != ENTRY_VERDICT)
		return true;
	bool with_id = entry_value(entry, LOG_KEY_MSGID).length != 0;
	if (entry->time > waiting->newest)
		waiting->newest = entry->time;
	if (entry->verdict == VERDICT_TEMPFAIL)
		return note(waiting, key_of(waiting, entry, with_id), entry);
	if (with_id)
		end(waiting, key_of(waiting, entry, true), entry);
	if (entry_value(entry, LOG_KEY_FROM).length != 0)
		end(waiting, key_of(waiting, entry, false), entry);
	return true;
}

static int by_age(const void *a, const void *b)
{
	const struct waiting_message *x = a;
	const struct waiting_message *y = b;
	return x->first != y->first ? (x->first > y->first ? 1 : -1) : (x->last > y->last) - (x->last < y->last);
}

const struct waiting_message *waiting_list(struct waiting *waiting, size_t *count_r)
{
	*count_r = 0;
	for (size_t i = 0; i < waiting->count; i++)
		if (waiting->rows[i].message.waits)
			waiting->list[(*count_r)++] = waiting->rows[i].message;
	qsort(waiting->list, *count_r, sizeof *waiting->list, by_age);
	return waiting->list;
}

long long waiting_untold(const struct waiting *waiting)
{
	return waiting->untold;
}

long long waiting_hours_left(const struct waiting_message *message, long long now)
{
	long long left = message->first < 0 ? WAITING_SECONDS : message->first + WAITING_SECONDS - now;
	return left > 0 ? (left < WAITING_SECONDS ? left : WAITING_SECONDS) / 3600 : 0;
}
