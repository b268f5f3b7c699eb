/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/set.h"
#include "core/settings.h"

#define IPV4_BITS 24 /* of a client network */
#define IPV6_BITS 48
#define DRIFT_SIZE (4 * LOG_VALUE_MAX + 4)

static const char *const keys[] = {
#define X(enumerator, key, title) key,
	REPORT_TABLES(X)
#undef X
};

static const char *const titles[] = {
#define X(enumerator, key, title) title,
	REPORT_TABLES(X)
#undef X
};

const char *report_table_key(enum report_table table)
{
	return keys[table];
}

const char *report_table_title(enum report_table table)
{
	return titles[table];
}

struct report *report_new(void)
{
	struct report *report = calloc(1, sizeof *report);
	bool good = report != NULL;
	for (unsigned i = 0; good && i < REPORT_TABLE_COUNT; i++)
		good = names_init(&report->tables[i], REPORT_NAMES_MAX);
	if (good)
		report->waiting = waiting_new();
	if (!good || !report->waiting) {
		report_free(report);
		return NULL;
	}
	report->first = report->last = -1;
	return report;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	for (unsigned i = 0; i < REPORT_TABLE_COUNT; i++)
		names_clear(&report->tables[i]);
	waiting_free(report->waiting);
	free(report);
}

bool report_network(struct span address, char text_r[NETWORK_TEXT_SIZE])
{
	struct network network;
	if (!address_parse(address, &network.address))
		return false;
	network.prefix = network.address.family == ADDRESS_IPV4 ? IPV4_BITS : IPV6_BITS;
	memset(network.address.bytes + network.prefix / 8, 0, sizeof network.address.bytes - network.prefix / 8);
	network_format(&network, text_r);
	return true;
}

/* As an organization is named; "none" for the mail of none. */
static struct span org_of(const struct entry *entry)
{
	struct span name = entry_value(entry, LOG_KEY_ORG_NAME);
	if (name.length == 0)
		name = entry_value(entry, LOG_KEY_ORG);
	return name.length != 0 ? name : span_of("none");
}

static struct span or_none(struct span value)
{
	return value.length != 0 ? value : span_of("none");
}

/* The domain of an address; absent if there is none, or no well-formed one, as in a From: that cannot be read. */
static struct span domain_of(struct span address)
{
	for (size_t i = address.length; i > 0; i--)
		if (address.at[i - 1] == '@')
			return pattern_valid(span_slice(address, i, address.length)) ? span_slice(address, i, address.length)
			                                                             : span_make(NULL, 0);
	return span_make(NULL, 0);
}

static bool add_time(struct report *report, const struct entry *entry)
{
	char text[32];
	time_t seconds = (time_t)entry->time;
	struct tm tm;
	if (entry->time < 0 || !gmtime_r(&seconds, &tm))
		return true;
	size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H", &tm);
	return names_add(&report->tables[REPORT_HOURS], span_make(text, length), entry)
	       && names_add(&report->tables[REPORT_DAYS], span_slice(span_make(text, length), 0, length - 3), entry);
}

static bool add_network(struct report *report, const struct entry *entry)
{
	char text[NETWORK_TEXT_SIZE];
	return !report_network(entry_value(entry, LOG_KEY_CLIENT), text)
	       || names_add(&report->tables[REPORT_NETWORKS], span_of(text), entry);
}

static bool add_selector(struct report *report, const struct entry *entry)
{
	char text[2 * LOG_VALUE_MAX + 16];
	struct span domain = entry_value(entry, LOG_KEY_DKIM_D);
	struct span selector = entry_value(entry, LOG_KEY_DKIM_S);
	if (domain.length == 0 || selector.length == 0)
		return true;
	/* As the name of its key, which shows both. */
	int length = snprintf(text, sizeof text, "%.*s._domainkey.%.*s", (int)selector.length, selector.at,
	                      (int)domain.length, domain.at);
	return names_add(&report->tables[REPORT_SELECTORS], span_make(text, (size_t)length), entry);
}

static bool add_names(struct report *report, const struct entry *entry)
{
	static const struct {
		enum report_table table;
		enum log_key key;
	} values[] = {
		{ REPORT_REASONS, LOG_KEY_REASON },
		{ REPORT_CIPHERS, LOG_KEY_CIPHER },
		{ REPORT_CERTS, LOG_KEY_CERT },
		{ REPORT_ISSUERS, LOG_KEY_CERT_ISSUER },
		{ REPORT_AUTH, LOG_KEY_AUTH },
		{ REPORT_USERS, LOG_KEY_SF_USER },
		{ REPORT_CATEGORIES, LOG_KEY_SF_CATEGORY },
	};
	bool good = names_add(&report->tables[REPORT_ORGS], org_of(entry), entry)
	            && names_add(&report->tables[REPORT_TLS], or_none(entry_value(entry, LOG_KEY_TLS)), entry)
	            && names_add(&report->tables[REPORT_DOMAINS], domain_of(entry_value(entry, LOG_KEY_HFROM)), entry);
	for (size_t i = 0; good && i < sizeof values / sizeof values[0]; i++)
		good = names_add(&report->tables[values[i].table], entry_value(entry, values[i].key), entry);
	return good && add_time(report, entry) && add_network(report, entry) && add_selector(report, entry);
}

static bool add_message(struct report *report, const struct entry *entry)
{
	report->messages++;
	report->verdicts[entry->verdict]++;
	report->would[entry->would]++;
	report->modes[entry->mode]++;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (!span_absent(entry->values[LOG_KEY_RESULTS + i]))
			report->checks[i][entry->results[i]]++;
	report->protected_tls += tls_version_parse(entry_value(entry, LOG_KEY_TLS)) >= TLS_1_2;
	if (entry->numbers[LOG_KEY_RCPTS] > 0)
		sum_add(&report->recipients, entry->numbers[LOG_KEY_RCPTS]);
	if (entry->numbers[LOG_KEY_SIZE] > 0)
		sum_add(&report->bytes, entry->numbers[LOG_KEY_SIZE]);
	return add_names(report, entry);
}

static void add_lost(struct report *report, const struct entry *entry)
{
	static const enum log_key dropped[VERDICTS] = {
		[VERDICT_UNDECIDED] = LOG_KEY_DROPPED_UNDECIDED,
		[VERDICT_ACCEPT] = LOG_KEY_DROPPED_ACCEPT,
		[VERDICT_QUARANTINE] = LOG_KEY_DROPPED_QUARANTINE,
		[VERDICT_TEMPFAIL] = LOG_KEY_DROPPED_TEMPFAIL,
		[VERDICT_REJECT] = LOG_KEY_DROPPED_REJECT,
		[VERDICT_EXEMPT] = LOG_KEY_DROPPED_EXEMPT,
		[VERDICT_SKIP] = LOG_KEY_DROPPED_SKIP,
	};
	if (entry->numbers[LOG_KEY_DROPPED] > 0)
		sum_add(&report->lost, entry->numbers[LOG_KEY_DROPPED]);
	for (unsigned i = 0; i < VERDICTS; i++)
		if (entry->numbers[dropped[i]] > 0)
			sum_add(&report->lost_verdicts[i], entry->numbers[dropped[i]]);
	if (entry->numbers[LOG_KEY_DROPPED_ABORT] > 0)
		sum_add(&report->lost_aborts, entry->numbers[LOG_KEY_DROPPED_ABORT]);
	if (entry->numbers[LOG_KEY_DROPPED_EVENTS] > 0)
		sum_add(&report->lost_events, entry->numbers[LOG_KEY_DROPPED_EVENTS]);
}

static size_t put(char *to, struct span text, char end)
{
	if (text.length != 0)
		memcpy(to, text.at, text.length);
	to[text.length] = end;
	return text.length + 1;
}

/* KIND ORG REASON VALUE; only the value may hold anything. */
static bool add_drift(struct report *report, const struct entry *entry)
{
	char text[DRIFT_SIZE];
	if (span_absent(entry_value(entry, LOG_KEY_KIND))) {
		/* The rest of a day, which was not told one by one. */
		size_t length = put(text, span_of("more"), '\n');
		length += put(text + length, org_of(entry), '\n');
		length += put(text + length, span_of(""), '\n');
		long long more = entry->numbers[LOG_KEY_MORE];
		return more <= 0 || names_add_many(&report->tables[REPORT_DRIFT], span_make(text, length), more, entry);
	}
	size_t length = put(text, entry_value(entry, LOG_KEY_KIND), '\n');
	length += put(text + length, org_of(entry), '\n');
	length += put(text + length, entry_value(entry, LOG_KEY_REASON), '\n');
	length += put(text + length, entry_value(entry, LOG_KEY_VALUE), '\n') - 1;
	return names_add(&report->tables[REPORT_DRIFT], span_make(text, length), entry);
}

void report_drift_read(const struct name *row, struct report_drift *drift_r)
{
	struct span rest = span_make(row->text, row->length);
	struct span *const parts[] = { &drift_r->kind, &drift_r->org, &drift_r->reason };
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		size_t end = span_find(rest, 0, '\n');
		*parts[i] = span_slice(rest, 0, end);
		rest = span_slice(rest, end + 1, rest.length);
	}
	drift_r->value = rest;
}

bool report_add(struct report *report, const struct entry *entry)
{
	if (entry->time >= 0 && (report->first < 0 || entry->time < report->first))
		report->first = entry->time;
	if (entry->time > report->last)
		report->last = entry->time;
	switch (entry->event) {
	case ENTRY_VERDICT:
		return add_message(report, entry) && waiting_add(report->waiting, entry);
	case ENTRY_ABORT:
		report->aborts++;
		return true;
	case ENTRY_START:
		report->starts++;
		return names_add(&report->tables[REPORT_VERSIONS], entry_value(entry, LOG_KEY_VERSION), entry);
	case ENTRY_RELOAD:
		report->reloads++;
		return true;
	case ENTRY_WARNING:
		report->warnings++;
		add_lost(report, entry);
		return true;
	case ENTRY_ERROR:
		report->errors++;
		return true;
	case ENTRY_DRIFT:
		return add_drift(report, entry);
	case ENTRY_DEADLINE:
		return names_add(&report->tables[REPORT_DEADLINES], org_of(entry), entry);
	case ENTRY_STOP:
	case ENTRY_OTHER:
		return true;
	}
	return true;
}

void report_finish(struct report *report)
{
	for (unsigned i = 0; i < REPORT_TABLE_COUNT; i++)
		names_sort(&report->tables[i], i == REPORT_DAYS || i == REPORT_HOURS ? NAMES_BY_TEXT : NAMES_BY_COUNT);
}
