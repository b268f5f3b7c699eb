/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_keys: the one table of the keys that lines of the log may have, for whoever reads a log again.
 *
 * Keys keep their names and meaning from one release to the next; new ones are only added (t/log_docs.t compares the table
 * with what is written). The keys of results, r_CHECK, follow from the table of checks. Pure and thread-safe.
 */
#ifndef SFDC_CORE_LOG_KEYS_H
#define SFDC_CORE_LOG_KEYS_H

#include <stdbool.h>

#include "core/checks.h"

/* X(enumerator, key, whether it is a number): of messages, in their order, then of other events. */
#define LOG_KEYS(X)                                                                                                    \
	X(LOG_KEY_EV, "ev", false)                                                                                         \
	X(LOG_KEY_V, "v", true)                                                                                            \
	X(LOG_KEY_VERDICT, "verdict", false)                                                                               \
	X(LOG_KEY_WOULD, "would", false)                                                                                   \
	X(LOG_KEY_MODE, "mode", false)                                                                                     \
	X(LOG_KEY_MODE_BY, "mode_by", false)                                                                               \
	X(LOG_KEY_QID, "qid", false)                                                                                       \
	X(LOG_KEY_SID, "sid", false)                                                                                       \
	X(LOG_KEY_LK, "lk", false)                                                                                         \
	X(LOG_KEY_ORG, "org", false)                                                                                       \
	X(LOG_KEY_ORG_NAME, "org_name", false)                                                                             \
	X(LOG_KEY_CLIENT, "client", false)                                                                                 \
	X(LOG_KEY_CLIENT_NAME, "client_name", false)                                                                       \
	X(LOG_KEY_HELO, "helo", false)                                                                                     \
	X(LOG_KEY_TLS, "tls", false)                                                                                       \
	X(LOG_KEY_CIPHER, "cipher", false)                                                                                 \
	X(LOG_KEY_BITS, "bits", true)                                                                                      \
	X(LOG_KEY_CERT, "cert", false)                                                                                     \
	X(LOG_KEY_CERT_ISSUER, "cert_issuer", false)                                                                       \
	X(LOG_KEY_AUTH, "auth", false)                                                                                     \
	X(LOG_KEY_FROM, "from", false)                                                                                     \
	X(LOG_KEY_HFROM, "hfrom", false)                                                                                   \
	X(LOG_KEY_RCPT, "rcpt", false)                                                                                     \
	X(LOG_KEY_RCPTS, "rcpts", true)                                                                                    \
	X(LOG_KEY_MSGID, "msgid", false)                                                                                   \
	X(LOG_KEY_SIZE, "size", true)                                                                                      \
	X(LOG_KEY_SF_USER, "sf_user", false)                                                                               \
	X(LOG_KEY_SF_CATEGORY, "sf_category", false)                                                                       \
	X(LOG_KEY_SF_ENTITY, "sf_entity", false)                                                                           \
	X(LOG_KEY_SF_CORRELATION, "sf_correlation", false)                                                                 \
	X(LOG_KEY_DKIM_D, "dkim_d", false)                                                                                 \
	X(LOG_KEY_DKIM_S, "dkim_s", false)                                                                                 \
	X(LOG_KEY_WHY, "why", false)                                                                                       \
	X(LOG_KEY_REASON, "reason", false)                                                                                 \
	X(LOG_KEY_REASONS, "reasons", false)                                                                               \
	X(LOG_KEY_DETAIL, "detail", false)                                                                                 \
	X(LOG_KEY_REPLY, "reply", false)                                                                                   \
	X(LOG_KEY_WARN, "warn", false)                                                                                     \
	X(LOG_KEY_MS, "ms", true)                                                                                          \
	X(LOG_KEY_DNS_MS, "dns_ms", true)                                                                                  \
	X(LOG_KEY_DNS_Q, "dns_q", true)                                                                                    \
	X(LOG_KEY_TEXT, "text", false)                                                                                     \
	X(LOG_KEY_RESULT, "result", false)                                                                                 \
	X(LOG_KEY_VERSION, "version", false)                                                                               \
	X(LOG_KEY_CONFIG, "config", false)                                                                                 \
	X(LOG_KEY_CONFIG_HASH, "config_hash", false)                                                                       \
	X(LOG_KEY_SOCKET, "socket", false)                                                                                 \
	X(LOG_KEY_ORGS, "orgs", true)                                                                                      \
	X(LOG_KEY_ENFORCE, "enforce", false)                                                                               \
	X(LOG_KEY_DEFER, "defer", false)                                                                                   \
	X(LOG_KEY_KIND, "kind", false)                                                                                     \
	X(LOG_KEY_VALUE, "value", false)                                                                                   \
	X(LOG_KEY_MORE, "more", true)                                                                                      \
	X(LOG_KEY_FIRST, "first", true)                                                                                    \
	X(LOG_KEY_ATTEMPTS, "attempts", true)                                                                              \
	X(LOG_KEY_HOURS_LEFT, "hours_left", true)                                                                          \
	X(LOG_KEY_AFTER, "after", true)                                                                                    \
	X(LOG_KEY_DROPPED, "dropped", true)                                                                                \
	X(LOG_KEY_DROPPED_UNDECIDED, "dropped_undecided", true)                                                            \
	X(LOG_KEY_DROPPED_ACCEPT, "dropped_accept", true)                                                                  \
	X(LOG_KEY_DROPPED_QUARANTINE, "dropped_quarantine", true)                                                          \
	X(LOG_KEY_DROPPED_TEMPFAIL, "dropped_tempfail", true)                                                              \
	X(LOG_KEY_DROPPED_REJECT, "dropped_reject", true)                                                                  \
	X(LOG_KEY_DROPPED_EXEMPT, "dropped_exempt", true)                                                                  \
	X(LOG_KEY_DROPPED_SKIP, "dropped_skip", true)                                                                      \
	X(LOG_KEY_DROPPED_ABORT, "dropped_abort", true)                                                                    \
	X(LOG_KEY_DROPPED_EVENTS, "dropped_events", true)

/* LOG_KEY_RESULTS + a check: the result of that check. */
enum log_key {
#define X(enumerator, name, number) enumerator,
	LOG_KEYS(X)
#undef X
		LOG_KEY_RESULTS,
	LOG_KEY_COUNT = LOG_KEY_RESULTS + CHECK_COUNT
};

const char *log_key_name(enum log_key key);
bool log_key_is_number(enum log_key key);

#endif
