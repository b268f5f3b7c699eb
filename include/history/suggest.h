/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suggest: what the mail of one organization shows of it, apart from what anybody could have sent in its name.
 *
 * A line counts for the organization only if it names the ID alone and well-formed, its header is sound, and either the user
 * that it authenticated as is one that is configured, or a signature passed that is aligned with From: and Salesforce is proven
 * to have handed it over, by its address or its certificate: X-SFDC-LK is free text for everybody else. Certificates,
 * addresses and users are taken from such lines only whose address is vouched for. Not thread-safe.
 */
#ifndef SFDC_HISTORY_SUGGEST_H
#define SFDC_HISTORY_SUGGEST_H

#include "core/orgid.h"
#include "history/names.h"

#define SUGGEST_NAMES_MAX 200
#define SUGGEST_MESSAGES 3     /* a value that came less often is not relied on */
#define SUGGEST_SECONDS 172800 /* nor one that came during less than two days */

enum suggest_list {
	SUGGEST_DOMAINS,
	SUGGEST_SELECTORS,
	SUGGEST_CERT_NAMES,
	SUGGEST_ISSUERS,
	SUGGEST_USERS,
	SUGGEST_NETWORKS,
	SUGGEST_LISTS
};

struct suggest {
	struct orgid id;
	long long named;     /* messages whose X-SFDC-LK holds the ID */
	long long counted;   /* of them, those that count for the organization */
	long long with_dkim; /* of those, with a passing signature */
	long long with_auth; /* of those, with a passing AUTH */
	long long first;
	long long last;
	struct names proven[SUGGEST_LISTS];
	struct names doubtful[SUGGEST_LISTS]; /* of lines that do not count */
};

/* NULL without memory. suggest_free(NULL) is harmless. */
struct suggest *suggest_new(const struct orgid *id);
void suggest_free(struct suggest *suggest);

/* Take an entry into account. False without memory. */
bool suggest_add(struct suggest *suggest, const struct entry *entry);

/* Whether a value came often enough, for long enough. */
bool suggest_solid(const struct name *row);

/* Put the rows in order. Nothing may be added afterwards. */
void suggest_finish(struct suggest *suggest);

#endif
