/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waiting: which messages were deferred and have come to no end since, over logs in any order of time.
 *
 * A message is known by its organization, Message-ID and envelope sender; one that was deferred before its header came, by
 * its envelope sender, and is over when anything from that sender comes to an end afterwards. Salesforce gives up after 24
 * hours. At most WAITING_MAX messages are kept in mind; when that is full, those go first that were given up for longest.
 * Not thread-safe.
 */
#ifndef SFDC_HISTORY_WAITING_H
#define SFDC_HISTORY_WAITING_H

#include "history/entry.h"

#define WAITING_MAX 10000
#define WAITING_SECONDS (24LL * 3600)

struct waiting_message {
	char *texts; /* the texts below, on the heap */
	struct span msgid;
	struct span org; /* ID; absent: none that is served */
	struct span org_name;
	struct span from;
	struct span rcpt;
	struct span reason;
	struct span sid; /* of the last attempt */
	long long first; /* -1: not told */
	long long last;
	long long attempts;
	bool waits; /* false: it came to an end */
};

struct waiting;

/* NULL without memory. waiting_free(NULL) is harmless. */
struct waiting *waiting_new(void);
void waiting_free(struct waiting *waiting);

/* Take an entry into account. False without memory. */
bool waiting_add(struct waiting *waiting, const struct entry *entry);

/* Those that wait, the oldest first, in memory of the table. Nothing may be added afterwards. */
const struct waiting_message *waiting_list(struct waiting *waiting, size_t *count_r);

/* How many were deferred while the table was full of others. */
long long waiting_untold(const struct waiting *waiting);

/* Whole hours that are left of Salesforce's 24; 0 when they are over. */
long long waiting_hours_left(const struct waiting_message *message, long long now);

#endif
