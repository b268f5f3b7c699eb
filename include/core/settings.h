/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings: one whole configuration, as the decision uses it.
 *
 * Filled by the configuration loader, checked and completed by settings_complete(), immutable afterwards and then used
 * by any number of threads. All memory belongs to one arena. Lists: an empty list of names, users or networks matches
 * nothing; an empty list of issuers, mechanisms or selectors restricts nothing.
 */
#ifndef SFDC_CORE_SETTINGS_H
#define SFDC_CORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/vocabulary.h"
#include "core/network.h"
#include "core/orgid.h"
#include "core/sentence.h"
#include "core/set.h"

enum scope { SCOPE_ALL, SCOPE_SALESFORCE };
enum early_reject { EARLY_REJECT_RCPT, EARLY_REJECT_MAIL };
enum add_to { ADD_TO_LOCAL, ADD_TO_ALL, ADD_TO_NONE };
enum alignment { ALIGNMENT_STRICT, ALIGNMENT_PARENT, ALIGNMENT_RELAXED };
enum undecodable { UNDECODABLE_FAIL, UNDECODABLE_SKIP };
enum log_target { LOG_TARGET_SYSLOG, LOG_TARGET_STDERR, LOG_TARGET_JOURNAL };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* TLS versions in order; the only names known are exactly "TLSv1" (also "TLSv1.0"), "TLSv1.1", "TLSv1.2", "TLSv1.3". */
enum tls_version { TLS_UNKNOWN, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };

/* Signature algorithms, as bits. */
#define ALGORITHM_RSA_SHA256 1U
#define ALGORITHM_ED25519_SHA256 2U

/* Spans of time in seconds, in rising order. */
#define DURATIONS_MAX 8
struct durations {
	unsigned count;
	unsigned seconds[DURATIONS_MAX];
};

/* What a lost store of limits means. */
enum when_away { WHEN_AWAY_LOCAL, WHEN_AWAY_PASS, WHEN_AWAY_DEFER };

/* At most so many in any interval of so many seconds. Zeroed: any number. */
struct rate {
	unsigned count;
	unsigned seconds;
};

struct org_counters;

/* The parameters of one organization, or of the union of all. */
struct org {
	struct orgid id;
	struct span name;
	struct span label;             /* completed: the name where it names no other, else the ID; for metrics */
	struct org_counters *counters; /* borrowed (observe/counters.h); NULL: nobody counts */
	enum mode mode;                /* effective: the org's, else defaults', else the top level's */
	struct set *domains;           /* patterns */
	struct sentence reject_unless;
	struct sentence defer_unless;
	struct sentence quarantine_unless;
	struct sentence warn_unless;
	struct {
		enum tls_version min_version;
		unsigned min_cipher_bits;
	} tls;
	struct {
		struct set *names;   /* patterns */
		struct set *issuers; /* exact */
		bool match_client_name;
		bool required;
	} cert;
	struct {
		struct set *bounce_domains; /* patterns */
		bool null_sender;
	} envelope;
	struct {
		struct set *senders; /* addresses, without case */
	} message;
	struct {
		enum alignment alignment;
		unsigned min_rsa_bits;
		unsigned algorithms;
		struct set *selectors;        /* without case */
		struct set *key_zones;        /* patterns */
		struct set *required_headers; /* without case */
		unsigned max_age;             /* seconds, 0 = any */
		unsigned max_signatures;
		bool required;
	} dkim;
	struct {
		struct rate messages;
		struct rate recipients;
		struct rate per_user; /* messages of each X-SFDC-User */
	} limit;
	struct {
		enum undecodable undecodable;
	} verp;
	struct {
		struct set *users;      /* exact */
		struct set *mechanisms; /* without case */
		bool required;
		bool takes_xclient;   /* completed: XCLIENT is among the mechanisms; of the union: among those of some org */
		bool ignores_xclient; /* completed: it is not; of the union: not among those of some org */
	} auth;
	struct {
		struct network_set *networks; /* those of networks_file included */
		struct span networks_file;
		struct set *spf; /* names, without case */
	} ip;
	struct {
		bool required;
	} dmarc;
};

#define CONFIG_HASH_SIZE 17

struct settings {
	struct arena arena;
	char hash[CONFIG_HASH_SIZE]; /* of the configuration (config/hash.h); "" in settings that were not loaded */

	struct span socket;
	unsigned socket_mode;
	struct span socket_group;
	struct span user;
	struct span pidfile;
	enum mode mode;
	enum scope scope;
	struct set *local_mailers; /* exact */
	struct span authserv_id;   /* absent or empty: the MTA's {j} */
	struct network_set *exempt_clients;
	struct sentence monitor_floor;
	enum early_reject early_reject;
	enum verdict undecided;
	struct span reply_contact;
	struct durations deadline_warning;
	unsigned message_timeout; /* seconds */
	unsigned workers;         /* event loops; 0 = one for each CPU */
	struct {
		struct set *nameservers; /* ADDRESS or ADDRESS@PORT */
		struct span trust_anchor;
		struct span local_data;
		unsigned cache_ttl_max;
		unsigned cache_negative_max;
	} dns;
	struct {
		enum log_target target;
		int facility; /* a LOG_* facility of syslog(3) */
		enum log_format format;
		enum log_level level;
	} log;
	struct {
		bool authentication_results;
		struct span result_header;
		enum add_to add_to;
		struct set *own_ids; /* without case */
		bool remove_sfdc;
	} headers;
	struct {
		struct span listen; /* a socket; "" = none */
	} metrics;
	struct {
		struct span store;      /* with its password, never to be shown; "": this process counts */
		struct span store_file; /* where the store was read from; "" = in the configuration */
		struct span store_cafile;
		enum when_away when_away;
	} limits;

	/*
	 * Where the options stand that are about the machine, as "FILE:LINE:COLUMN", for what is found out after the load; the
	 * file alone where an option has its default. Absent in settings that were not loaded.
	 */
	struct {
		struct span socket;
		struct span socket_mode;
		struct span socket_group;
		struct span user;
		struct span listen; /* of metrics */
		struct span store;  /* of limits */
	} places;

	struct org defaults; /* what an org is before its own values; serves no organization itself */
	struct org *orgs;
	size_t org_count;

	/* Paths of the configuration and of all files it includes and names; with a "/" at its end: a folder that is searched. */
	struct set *files;

	/* Completed by settings_complete(). */
	struct set *org_ids;         /* 15-character IDs, exact; member i is orgs[i] */
	struct set *owned;           /* every domain pattern of every org */
	struct owner **owners;       /* owners[i]: the orgs that list pattern i */
	struct org any;              /* the union: a session check that fails here fails for every org */
	struct sentence **sentences; /* the different reject_unless sentences */
	size_t sentence_count;
	enum mode mode_least; /* the most lenient mode of an org; MODE_MONITOR without orgs */
	enum mode mode_most;  /* the strictest */
};

/* An org that lists a domain pattern. */
struct owner {
	const struct org *org;
	struct owner *next;
};

/* An empty configuration on the heap with an unlimited arena, or NULL. settings_free(NULL) is harmless. */
struct settings *settings_new(void);
void settings_free(struct settings *settings);

/* Fills settings->any. False without memory. The option table's is unite_options() (config/unite.h). */
typedef bool (*settings_unite)(struct settings *settings);

/*
 * Compute what the decision looks up: indexes and, by unite, the union of all organizations. To be called once, after
 * the orgs are set and their IDs are known to differ. False without memory.
 */
bool settings_complete(struct settings *settings, settings_unite unite);

/* The served organization of that ID, or NULL. */
const struct org *settings_org(const struct settings *settings, const struct orgid *id);

/* The next org that owns domain. *cursor_r starts zeroed. NULL when there is no other. An org can be named twice. */
struct owner_cursor {
	size_t pattern;
	const struct owner *owner;
};
const struct org *settings_next_owner(const struct settings *settings, struct span domain,
                                      struct owner_cursor *cursor_r);

/* "2000/1h", as it is configured; "" for no limit. */
#define RATE_TEXT_SIZE 32
void rate_text(struct rate rate, char text_r[RATE_TEXT_SIZE]);

static inline bool rate_equal(struct rate a, struct rate b)
{
	return a.count == b.count && a.seconds == b.seconds;
}

/* The TLS version of that exact name, TLS_UNKNOWN otherwise. */
enum tls_version tls_version_parse(struct span name);

#endif
