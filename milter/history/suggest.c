/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/suggest.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/mailbox.h"
#include "core/network.h"
#include "core/reason.h"

struct suggest *suggest_new(const struct orgid *id)
{
	struct suggest *suggest = calloc(1, sizeof *suggest);
	bool good = suggest != NULL;
	for (unsigned i = 0; good && i < SUGGEST_LISTS; i++)
		good =
			names_init(&suggest->proven[i], SUGGEST_NAMES_MAX) && names_init(&suggest->doubtful[i], SUGGEST_NAMES_MAX);
	if (!good) {
		suggest_free(suggest);
		return NULL;
	}
	suggest->id = *id;
	suggest->first = suggest->last = -1;
	return suggest;
}

void suggest_free(struct suggest *suggest)
{
	for (unsigned i = 0; suggest && i < SUGGEST_LISTS; i++) {
		names_clear(&suggest->proven[i]);
		names_clear(&suggest->doubtful[i]);
	}
	free(suggest);
}

static bool passed(const struct entry *entry, enum check_id check)
{
	return entry->results[check] == RESULT_PASS;
}

/* The ID stands alone in X-SFDC-LK: it was served, or the only fault was that it was not. */
static bool names_alone(const struct entry *entry)
{
	return passed(entry, CHECK_ORG)
	       || (entry->results[CHECK_ORG] == RESULT_FAIL
	           && span_equal(entry_value(entry, LOG_KEY_REASON), span_of(reason_code(REASON_ORG_UNKNOWN))));
}

/* The domain of the author, where hfrom= holds one address and no text of another's. */
static struct span author_domain(const struct entry *entry, struct arena *arena)
{
	struct span author = entry_value(entry, LOG_KEY_HFROM);
	struct mailbox mailbox;
	if (author.length == 0 || entry_is_cut(entry, LOG_KEY_HFROM)
	    || mailbox_parse_path(arena_printf(arena, "<%.*s>", (int)author.length, author.at), arena, NULL, &mailbox)
	           != MAILBOX_OK)
		return span_make(NULL, 0);
	return mailbox.domain;
}

static bool counts(const struct entry *entry)
{
	bool sound = names_alone(entry) && passed(entry, CHECK_MESSAGE) && entry->results[CHECK_VERP] != RESULT_FAIL;
	bool salesforce = passed(entry, CHECK_TLS) && (passed(entry, CHECK_IP) || passed(entry, CHECK_CERT));
	return sound && (passed(entry, CHECK_AUTH) || (passed(entry, CHECK_DKIM) && salesforce));
}

/* A verified certificate: one that passed, or failed by name or issuer alone. */
static bool certificate_is_verified(const struct entry *entry)
{
	struct span reason = entry_value(entry, LOG_KEY_REASON);
	return passed(entry, CHECK_CERT)
	       || (entry->results[CHECK_CERT] == RESULT_FAIL
	           && (span_equal(reason, span_of(reason_code(REASON_CERT_NAME)))
	               || span_equal(reason, span_of(reason_code(REASON_CERT_ISSUER)))));
}

/* The values that the line shows, into lists. vouched: those of the session are to be relied on. */
static bool add_values(struct names *lists, const struct entry *entry, struct span domain, bool dkim, bool vouched,
                       bool cert)
{
	struct address client;
	bool good = names_add(&lists[SUGGEST_DOMAINS], domain, entry);
	if (good && dkim && entry_value(entry, LOG_KEY_DKIM_S).length != 0)
		good = names_add(&lists[SUGGEST_SELECTORS], entry_value(entry, LOG_KEY_DKIM_S), entry);
	if (good && cert)
		good = names_add(&lists[SUGGEST_CERT_NAMES], entry_value(entry, LOG_KEY_CERT), entry)
		       && names_add(&lists[SUGGEST_ISSUERS], entry_value(entry, LOG_KEY_CERT_ISSUER), entry);
	if (good && vouched)
		good = names_add(&lists[SUGGEST_USERS], entry_value(entry, LOG_KEY_AUTH), entry);
	if (good && vouched && address_parse(entry_value(entry, LOG_KEY_CLIENT), &client))
		good = names_add(&lists[SUGGEST_NETWORKS], entry_value(entry, LOG_KEY_CLIENT), entry);
	return good;
}

bool suggest_add(struct suggest *suggest, const struct entry *entry)
{
	struct orgid id;
	struct arena arena;
	if (entry->event != ENTRY_VERDICT || orgid_parse(entry_value(entry, LOG_KEY_LK), &id) != ORGID_OK
	    || !orgid_equal(&id, &suggest->id))
		return true;
	suggest->named++;
	arena_init(&arena, 1 << 20);
	struct span domain = author_domain(entry, &arena);
	bool good;
	if (!span_absent(domain) && counts(entry)) {
		bool vouched = passed(entry, CHECK_IP);
		suggest->counted++;
		suggest->with_dkim += passed(entry, CHECK_DKIM);
		suggest->with_auth += passed(entry, CHECK_AUTH);
		if (entry->time >= 0 && (suggest->first < 0 || entry->time < suggest->first))
			suggest->first = entry->time;
		if (entry->time > suggest->last)
			suggest->last = entry->time;
		good = add_values(suggest->proven, entry, domain, passed(entry, CHECK_DKIM), vouched,
		                  vouched && certificate_is_verified(entry));
	} else {
		good = add_values(suggest->doubtful, entry, domain, true, true, true);
	}
	good = good && !arena_failed(&arena);
	arena_clear(&arena);
	return good;
}

bool suggest_solid(const struct name *row)
{
	return row->count >= SUGGEST_MESSAGES && row->first >= 0 && row->last - row->first >= SUGGEST_SECONDS;
}

void suggest_finish(struct suggest *suggest)
{
	for (unsigned i = 0; i < SUGGEST_LISTS; i++) {
		names_sort(&suggest->proven[i], NAMES_BY_COUNT);
		names_sort(&suggest->doubtful[i], NAMES_BY_COUNT);
	}
}
