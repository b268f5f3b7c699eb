/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reconciliation: Salesforce's Email Log joined with ours by Message-ID: what became of each message.
 *
 * First come all rows of the Email Log, then all entries of ours. Message-IDs are compared without brackets, and by
 * their first RECONCILIATION_ID bytes, since the log cuts long ones. A message takes some 300 bytes, 2 GB in all, and
 * there may be RECONCILIATION_MAX of them: four of Salesforce's files. One thread.
 */
#ifndef SFDC_CMD_RECONCILIATION_H
#define SFDC_CMD_RECONCILIATION_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/email_log.h"
#include "history/entry.h"

#define RECONCILIATION_ID 200
#define RECONCILIATION_MAX 2000000

/* X(enumerator, key in JSON, words): what became of a message, the first that applies. */
#define OUTCOMES(X)                                                                                                    \
	X(OUTCOME_ACCEPTED, "accepted", "accepted here")                                                                   \
	X(OUTCOME_ANOTHER_WAY, "another_way", "delivered another way")                                                     \
	X(OUTCOME_REFUSED, "refused", "refused here")                                                                      \
	X(OUTCOME_DEFERRED, "deferred", "deferred here")                                                                   \
	X(OUTCOME_EARLY, "refused_early", "refused here before the header, by the recipient")                              \
	X(OUTCOME_NEVER, "never_arrived", "never arrived here")                                                            \
	X(OUTCOME_NOT_TRIED, "not_tried", "not sent yet, as Salesforce's log has it")

enum outcome {
#define X(enumerator, key, words) enumerator,
	OUTCOMES(X)
#undef X
		OUTCOME_COUNT
};

const char *outcome_key(enum outcome outcome);
const char *outcome_words(enum outcome outcome);

/* A message of the Email Log. */
struct parcel {
	struct span id;
	struct span recipient; /* of its first row */
	struct span stage;     /* of its last row that tells of a failure */
	struct span relay;     /* of its last row that tells one */
	unsigned events;       /* email_event, or-ed */
	bool accepted;         /* here, by some line */
	bool held;
	bool refused;
	bool deferred;
	bool early; /* a session with its recipient was refused before the header */
	char reason[32];
	unsigned rows;
	struct parcel *next; /* in the order of the rows */
};

struct reconciliation_counts {
	unsigned long long rows;
	unsigned long long without_id; /* rows that cannot be joined */
	unsigned long long without_event;
	unsigned long long messages;
	unsigned long long entries; /* of ours, verdicts and aborts */
	unsigned long long outcomes[OUTCOME_COUNT];
	unsigned long long held;      /* of those accepted */
	unsigned long long bounced;   /* of those accepted: Salesforce tells of a permanent failure, and of no delivery */
	unsigned long long only_here; /* accepted here in the time of the Email Log, which does not have it */
};

struct reconciliation;

/* NULL without memory. reconciliation_free(NULL) is harmless. */
struct reconciliation *reconciliation_new(void);
void reconciliation_free(struct reconciliation *reconciliation);

/* A row of the Email Log. False: there are too many messages, or memory is short. */
bool reconciliation_row(struct reconciliation *reconciliation, const struct email_columns *columns,
                        const struct csv_row *row);

/* An entry of ours; events that are of no message count nothing. */
void reconciliation_entry(struct reconciliation *reconciliation, const struct entry *entry);

/* All is read: the counts. */
const struct reconciliation_counts *reconciliation_finish(struct reconciliation *reconciliation);

/* The first message, and what became of one. */
const struct parcel *reconciliation_first(const struct reconciliation *reconciliation);
enum outcome parcel_outcome(const struct parcel *parcel);

/* The time of the Email Log; NULL: it is not known. */
const struct email_range *reconciliation_range(const struct reconciliation *reconciliation);

/* The time of our own lines; NULL: none has one. */
const struct email_range *reconciliation_ours(const struct reconciliation *reconciliation);

/* The first messages that only we have. */
#define ONLY_HERE_SHOWN 5
size_t reconciliation_only_here(const struct reconciliation *reconciliation, struct span ids_r[ONLY_HERE_SHOWN]);

#endif
