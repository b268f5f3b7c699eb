/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/reconciliation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/arena.h"
#include "core/siphash.h"

#define TEXT_KEPT 160
#define ARENA_MAX ((size_t)2 << 30)

/* A recipient whom the Email Log names, without case. */
struct recipient {
	uint64_t hash;
	bool early;
	struct recipient *next_in_slot;
};

struct kept {
	struct parcel parcel;
	struct recipient *recipient;
	struct kept *next_in_slot;
	uint64_t hash;
};

/* Chains; the number of slots is a power of two. */
#define SLOTS ((size_t)1 << 20)

struct reconciliation {
	struct arena arena;
	unsigned char key[SIPHASH_KEY];
	struct kept **slots;
	struct recipient **recipients;
	struct kept *first;
	struct kept *last;
	struct email_times times;
	const struct email_range *range;
	bool settled;
	struct reconciliation_counts counts;
	struct email_range ours;
	size_t only_here;
	struct span only[ONLY_HERE_SHOWN];
};

static const struct {
	const char *key;
	const char *words;
} outcomes[] = {
#define X(enumerator, key, words) [enumerator] = { key, words },
	OUTCOMES(X)
#undef X
};

const char *outcome_key(enum outcome outcome)
{
	return outcomes[outcome].key;
}

const char *outcome_words(enum outcome outcome)
{
	return outcomes[outcome].words;
}

struct reconciliation *reconciliation_new(void)
{
	struct reconciliation *reconciliation = calloc(1, sizeof *reconciliation);
	if (!reconciliation)
		return NULL;
	arena_init(&reconciliation->arena, ARENA_MAX);
	reconciliation->slots = calloc(SLOTS, sizeof *reconciliation->slots);
	reconciliation->recipients = calloc(SLOTS, sizeof *reconciliation->recipients);
	/* Who chooses Message-IDs must not choose slots. */
	if (reconciliation->slots && reconciliation->recipients
	    && getrandom(reconciliation->key, sizeof reconciliation->key, 0) == (ssize_t)sizeof reconciliation->key)
		return reconciliation;
	reconciliation_free(reconciliation);
	return NULL;
}

void reconciliation_free(struct reconciliation *reconciliation)
{
	if (!reconciliation)
		return;
	arena_clear(&reconciliation->arena);
	free(reconciliation->slots);
	free(reconciliation->recipients);
	free(reconciliation);
}

static uint64_t hash_of(const struct reconciliation *reconciliation, struct span text, bool fold)
{
	struct siphash hash;
	siphash_begin(&hash, reconciliation->key);
	for (size_t i = 0; fold && i < text.length; i++) {
		char c = ascii_lower(text.at[i]);
		siphash_put(&hash, &c, 1);
	}
	if (!fold)
		siphash_put(&hash, text.at, text.length);
	return siphash_end(&hash).words[0];
}

/* What is compared of a Message-ID. */
static struct span key_of(struct span message_id)
{
	return span_slice(email_message_id(message_id), 0, RECONCILIATION_ID);
}

static struct kept *find(const struct reconciliation *reconciliation, struct span id, uint64_t hash)
{
	struct kept *kept = reconciliation->slots[hash & (SLOTS - 1)];
	while (kept && (kept->hash != hash || !span_equal(kept->parcel.id, id)))
		kept = kept->next_in_slot;
	return kept;
}

static struct recipient *find_recipient(const struct reconciliation *reconciliation, uint64_t hash)
{
	struct recipient *recipient = reconciliation->recipients[hash & (SLOTS - 1)];
	while (recipient && recipient->hash != hash)
		recipient = recipient->next_in_slot;
	return recipient;
}

static struct recipient *add_recipient(struct reconciliation *reconciliation, struct span address)
{
	uint64_t hash = hash_of(reconciliation, address, true);
	struct recipient *recipient = find_recipient(reconciliation, hash);
	if (recipient)
		return recipient;
	recipient = arena_alloc(&reconciliation->arena, sizeof *recipient);
	if (!recipient)
		return NULL;
	recipient->hash = hash;
	recipient->next_in_slot = reconciliation->recipients[hash & (SLOTS - 1)];
	reconciliation->recipients[hash & (SLOTS - 1)] = recipient;
	return recipient;
}

static struct span keep_text(struct reconciliation *reconciliation, struct span text)
{
	return arena_span(&reconciliation->arena, span_slice(text, 0, TEXT_KEPT));
}

static struct kept *add(struct reconciliation *reconciliation, struct span id, uint64_t hash, struct span recipient)
{
	if (reconciliation->counts.messages == RECONCILIATION_MAX)
		return NULL;
	struct kept *kept = arena_alloc(&reconciliation->arena, sizeof *kept);
	if (!kept)
		return NULL;
	kept->hash = hash;
	kept->parcel.id = arena_span(&reconciliation->arena, id);
	kept->parcel.recipient = keep_text(reconciliation, recipient);
	kept->recipient = recipient.length > 0 ? add_recipient(reconciliation, email_message_id(recipient)) : NULL;
	kept->next_in_slot = reconciliation->slots[hash & (SLOTS - 1)];
	reconciliation->slots[hash & (SLOTS - 1)] = kept;
	if (reconciliation->last)
		reconciliation->last->parcel.next = &kept->parcel;
	else
		reconciliation->first = kept;
	reconciliation->last = kept;
	reconciliation->counts.messages++;
	return kept;
}

bool reconciliation_row(struct reconciliation *reconciliation, const struct email_columns *columns,
                        const struct csv_row *row)
{
	struct span id = key_of(email_field(columns, row, EMAIL_MESSAGE_ID));
	struct span stage = email_field(columns, row, EMAIL_STAGE);
	struct span relay = email_field(columns, row, EMAIL_RELAY);
	unsigned event = email_event(email_field(columns, row, EMAIL_EVENT));

	reconciliation->counts.rows++;
	(void)email_times_add(&reconciliation->times, email_field(columns, row, EMAIL_DATE));
	if (event == 0)
		reconciliation->counts.without_event++;
	if (id.length == 0) {
		reconciliation->counts.without_id++;
		return true;
	}
	uint64_t hash = hash_of(reconciliation, id, false);
	struct kept *kept = find(reconciliation, id, hash);
	if (!kept)
		kept = add(reconciliation, id, hash, email_field(columns, row, EMAIL_RECIPIENT));
	if (!kept)
		return false;
	kept->parcel.rows++;
	kept->parcel.events |= event;
	/* Of many rows with texts of their own only the first is kept. */
	if ((event & (EMAIL_TRANSIENT | EMAIL_PERMANENT)) != 0 && span_absent(kept->parcel.stage))
		kept->parcel.stage = keep_text(reconciliation, stage);
	if (relay.length > 0 && span_absent(kept->parcel.relay))
		kept->parcel.relay = keep_text(reconciliation, relay);
	return !arena_failed(&reconciliation->arena);
}

static void settle(struct reconciliation *reconciliation)
{
	if (reconciliation->settled)
		return;
	reconciliation->range = email_times_settle(&reconciliation->times);
	reconciliation->settled = true;
}

/* Accepted here, and Salesforce does not have it. */
static void take_unknown(struct reconciliation *reconciliation, const struct entry *entry, struct span id)
{
	const struct email_range *range = reconciliation->range;
	if (!range || entry->time < range->first || entry->time > range->last)
		return;
	reconciliation->counts.only_here++;
	if (reconciliation->only_here < ONLY_HERE_SHOWN)
		reconciliation->only[reconciliation->only_here++] = arena_span(&reconciliation->arena, id);
}

static void note(struct parcel *parcel, const struct entry *entry)
{
	struct span reason = entry_value(entry, LOG_KEY_REASON);
	switch (entry->verdict) {
	case VERDICT_ACCEPT:
	case VERDICT_SKIP:
	case VERDICT_EXEMPT:
		parcel->accepted = true;
		return;
	case VERDICT_QUARANTINE:
		parcel->accepted = true;
		parcel->held = true;
		return;
	case VERDICT_REJECT:
		parcel->refused = true;
		break;
	case VERDICT_TEMPFAIL:
	case VERDICT_UNDECIDED: /* it ended before a verdict, or has one of a later version */
		parcel->deferred = true;
		break;
	}
	if (reason.length > 0)
		snprintf(parcel->reason, sizeof parcel->reason, "%.*s",
		         (int)span_slice(reason, 0, sizeof parcel->reason - 1).length, reason.at);
}

static void widen(struct email_range *range, long long time)
{
	if (time < 0)
		return;
	range->first = !range->some || time < range->first ? time : range->first;
	range->last = !range->some || time > range->last ? time : range->last;
	range->some = true;
}

void reconciliation_entry(struct reconciliation *reconciliation, const struct entry *entry)
{
	struct span id = key_of(entry_value(entry, LOG_KEY_MSGID));
	struct span rcpt = email_message_id(entry_value(entry, LOG_KEY_RCPT));
	bool took = entry->verdict == VERDICT_ACCEPT || entry->verdict == VERDICT_QUARANTINE;
	bool refused = entry->verdict == VERDICT_REJECT || entry->verdict == VERDICT_TEMPFAIL;
	if (entry->event != ENTRY_VERDICT && entry->event != ENTRY_ABORT)
		return;
	settle(reconciliation);
	reconciliation->counts.entries++;
	widen(&reconciliation->ours, entry->time);
	if (id.length == 0) {
		struct recipient *recipient = find_recipient(reconciliation, hash_of(reconciliation, rcpt, true));
		if (recipient && refused && rcpt.length > 0)
			recipient->early = true;
		return;
	}
	struct kept *kept = find(reconciliation, id, hash_of(reconciliation, id, false));
	if (kept)
		note(&kept->parcel, entry);
	else if (took)
		take_unknown(reconciliation, entry, id);
}

enum outcome parcel_outcome(const struct parcel *parcel)
{
	if (parcel->accepted)
		return OUTCOME_ACCEPTED;
	if ((parcel->events & EMAIL_DELIVERED) != 0)
		return OUTCOME_ANOTHER_WAY;
	if (parcel->refused)
		return OUTCOME_REFUSED;
	if (parcel->deferred)
		return OUTCOME_DEFERRED;
	if ((parcel->events & (EMAIL_TRANSIENT | EMAIL_PERMANENT)) == 0)
		return OUTCOME_NOT_TRIED;
	return parcel->early ? OUTCOME_EARLY : OUTCOME_NEVER;
}

const struct reconciliation_counts *reconciliation_finish(struct reconciliation *reconciliation)
{
	struct reconciliation_counts *counts = &reconciliation->counts;
	settle(reconciliation);
	/* A parcel is the first member of what is kept of it. */
	for (struct kept *kept = reconciliation->first; kept; kept = (struct kept *)kept->parcel.next) {
		struct parcel *parcel = &kept->parcel;
		parcel->early = kept->recipient && kept->recipient->early;
		counts->outcomes[parcel_outcome(parcel)]++;
		counts->held += parcel->held ? 1 : 0;
		counts->bounced +=
			parcel->accepted && (parcel->events & (EMAIL_PERMANENT | EMAIL_DELIVERED)) == EMAIL_PERMANENT ? 1 : 0;
	}
	return counts;
}

const struct parcel *reconciliation_first(const struct reconciliation *reconciliation)
{
	return reconciliation->first ? &reconciliation->first->parcel : NULL;
}

const struct email_range *reconciliation_range(const struct reconciliation *reconciliation)
{
	return reconciliation->range;
}

const struct email_range *reconciliation_ours(const struct reconciliation *reconciliation)
{
	return reconciliation->ours.some ? &reconciliation->ours : NULL;
}

size_t reconciliation_only_here(const struct reconciliation *reconciliation, struct span ids_r[ONLY_HERE_SHOWN])
{
	memcpy(ids_r, reconciliation->only, sizeof reconciliation->only);
	return reconciliation->only_here;
}
