/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report: sums over entries, in memory that does not grow with them. Not thread-safe.
 */
#ifndef SFDC_HISTORY_REPORT_H
#define SFDC_HISTORY_REPORT_H

#include "core/network.h"
#include "history/names.h"
#include "history/waiting.h"

#define REPORT_NAMES_MAX 1000

/* X(enumerator, key in JSON, title): names that are counted. Those from ORGS to SELECTORS are of messages. */
#define REPORT_TABLES(X)                                                                                               \
	X(REPORT_ORGS, "orgs", "Organizations")                                                                            \
	X(REPORT_DAYS, "days", "Days")                                                                                     \
	X(REPORT_HOURS, "hours", "Hours")                                                                                  \
	X(REPORT_REASONS, "reasons", "Reasons")                                                                            \
	X(REPORT_TLS, "tls", "TLS versions")                                                                               \
	X(REPORT_CIPHERS, "ciphers", "TLS ciphers")                                                                        \
	X(REPORT_NETWORKS, "networks", "Client networks")                                                                  \
	X(REPORT_CERTS, "certs", "Client certificates")                                                                    \
	X(REPORT_ISSUERS, "issuers", "Certificate issuers")                                                                \
	X(REPORT_AUTH, "auth", "SMTP AUTH users")                                                                          \
	X(REPORT_DOMAINS, "domains", "Author domains")                                                                     \
	X(REPORT_SELECTORS, "selectors", "DKIM selectors")                                                                 \
	X(REPORT_USERS, "sf_users", "Users in Salesforce")                                                                 \
	X(REPORT_CATEGORIES, "sf_categories", "Kinds of mail in Salesforce")                                               \
	X(REPORT_DRIFT, "drift", "Genuine mail that began to fail")                                                        \
	X(REPORT_DEADLINES, "deadlines", "Messages near Salesforce's 24 hours")                                            \
	X(REPORT_VERSIONS, "versions", "Starts by version")

enum report_table {
#define X(enumerator, key, title) enumerator,
	REPORT_TABLES(X)
#undef X
		REPORT_TABLE_COUNT
};

struct report {
	long long messages;
	long long aborts;
	long long verdicts[VERDICTS];
	long long would[VERDICTS];
	long long modes[MODES];
	long long checks[CHECK_COUNT][RESULT_CODES];
	long long protected_tls; /* messages over TLS 1.2 or later */
	long long recipients;
	long long bytes;
	long long starts;
	long long reloads;
	long long errors;
	long long warnings;
	long long lost; /* lines that the daemon could not write */
	long long lost_verdicts[VERDICTS];
	long long lost_aborts;
	long long lost_events;
	long long first; /* time of the first entry; -1: not told */
	long long last;
	struct names tables[REPORT_TABLE_COUNT];
	struct waiting *waiting;
};

const char *report_table_key(enum report_table table);
const char *report_table_title(enum report_table table);

/* NULL without memory. report_free(NULL) is harmless. */
struct report *report_new(void);
void report_free(struct report *report);

/* Count an entry. False without memory. */
bool report_add(struct report *report, const struct entry *entry);

/* Put the tables in the order in which they are shown. Nothing may be added afterwards. */
void report_finish(struct report *report);

/* The network that an address is counted in: "192.0.2.0/24", "2001:db8:1::/48". False: it is no address. */
bool report_network(struct span address, char text_r[NETWORK_TEXT_SIZE]);

/* What stands in a row of REPORT_DRIFT. */
struct report_drift {
	struct span kind;
	struct span org;
	struct span reason;
	struct span value;
};
void report_drift_read(const struct name *row, struct report_drift *drift_r);

#endif
