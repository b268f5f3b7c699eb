/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/email_log.h"

#include <string.h>

#define NAME_MAX_LENGTH 40
#define DAY 86400LL

/* Names without what is no letter, as they were seen in exports; and the column of the documentation. */
static const struct {
	enum email_column column;
	size_t documented;
	const char *names;
} columns[] = {
	{ EMAIL_DATE, 0, " datetime date datetimegmt timestamp " },
	{ EMAIL_EVENT, 2, " mailevent event " },
	{ EMAIL_RECIPIENT, 3, " recipient recipientaddress " },
	{ EMAIL_MESSAGE_ID, 8, " messageidheader messageid " },
	{ EMAIL_STAGE, 11, " deliverystage stage " },
	{ EMAIL_RELAY, 12, " relayaddress relayhost relay " },
};

#define KNOWN (sizeof columns / sizeof columns[0])

/* " name " */
static void plain_name(struct span text, char name_r[NAME_MAX_LENGTH + 3])
{
	size_t length = 0;
	name_r[length++] = ' ';
	for (size_t i = 0; i < text.length && length < NAME_MAX_LENGTH; i++)
		if (ascii_alpha(text.at[i]))
			name_r[length++] = ascii_lower(text.at[i]);
	name_r[length++] = ' ';
	name_r[length] = '\0';
}

bool email_columns_find(const struct csv_row *row, struct email_columns *columns_r)
{
	char name[NAME_MAX_LENGTH + 3];
	struct email_times times = { .ranges = { { .some = false } } };
	for (size_t i = 0; i < EMAIL_COLUMNS; i++)
		columns_r->at[i] = EMAIL_ABSENT;
	for (size_t i = 0; i < row->count; i++) {
		plain_name(row->fields[i], name);
		for (size_t j = 0; j < KNOWN && strlen(name) > 2; j++)
			if (strstr(columns[j].names, name) && columns_r->at[columns[j].column] == EMAIL_ABSENT)
				columns_r->at[columns[j].column] = i;
	}
	columns_r->named = columns_r->at[EMAIL_MESSAGE_ID] != EMAIL_ABSENT && columns_r->at[EMAIL_EVENT] != EMAIL_ABSENT;
	if (columns_r->named)
		return true;
	if (row->count < 9 || email_event(row->fields[2]) == 0 || !email_times_add(&times, row->fields[0]))
		return false;
	for (size_t j = 0; j < KNOWN; j++)
		columns_r->at[columns[j].column] = columns[j].documented;
	return true;
}

struct span email_field(const struct email_columns *found, const struct csv_row *row, enum email_column column)
{
	size_t at = found->at[column];
	return at != EMAIL_ABSENT && at < row->count ? span_trim(row->fields[at]) : span_make(NULL, 0);
}

unsigned email_event(struct span text)
{
	static const struct {
		unsigned event;
		char letter;
		const char *word;
	} events[] = {
		{ EMAIL_RECEIVED, 'r', "reception" },
		{ EMAIL_DELIVERED, 'd', "delivery" },
		{ EMAIL_TRANSIENT, 't', "transient" },
		{ EMAIL_PERMANENT, 'p', "permanent" },
	};
	struct span word = span_trim(text);
	for (size_t i = 0; i < sizeof events / sizeof events[0] && word.length > 0; i++)
		if ((ascii_lower(word.at[0]) == events[i].letter && (word.length == 1 || !ascii_alnum(word.at[1])))
		    || span_starts_nocase(word, span_of(events[i].word)))
			return events[i].event;
	return 0;
}

struct span email_message_id(struct span text)
{
	struct span id = span_trim(text);
	if (id.length > 0 && id.at[0] == '<')
		id = span_slice(id, 1, id.length);
	if (id.length > 0 && id.at[id.length - 1] == '>')
		id = span_slice(id, 0, id.length - 1);
	return span_trim(id);
}

/* A number of up to four digits at *at, which goes on behind it. */
static bool number_at(struct span text, size_t *at, unsigned *number_r)
{
	size_t begin = *at;
	*number_r = 0;
	while (*at < text.length && ascii_digit(text.at[*at]) && *at - begin < 4)
		*number_r = *number_r * 10 + (unsigned)(text.at[(*at)++] - '0');
	return *at > begin;
}

static bool skip(struct span text, size_t *at, char c)
{
	if (*at == text.length || text.at[*at] != c)
		return false;
	++*at;
	return true;
}

/* Days since 1970 of the Gregorian calendar. False: there is no such day. */
static bool days_of(unsigned year, unsigned month, unsigned day, long long *days_r)
{
	static const unsigned before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (month < 1 || month > 12 || day < 1 || year < 1970
	    || day > before[month] - before[month - 1] + (leap && month == 2 ? 1U : 0U))
		return false;
	unsigned past = year - 1;
	*days_r = (long long)(year - 1970) * 365 + (past / 4 - past / 100 + past / 400)
	          - (1969 / 4 - 1969 / 100 + 1969 / 400) + before[month - 1] + (leap && month > 2 ? 1 : 0) + day - 1;
	return true;
}

/*
 * "13:37", "13:37:05.123", "1:37 PM", "T13:37:05+01:00", " 13:37 GMT"; nothing: midnight. Seconds of the day, less the zone.
 */
static bool clock_at(struct span text, size_t *at, long long *seconds_r)
{
	unsigned hour = 0;
	unsigned minute = 0;
	unsigned second = 0;
	unsigned zone_hour = 0;
	unsigned zone_minute = 0;
	while (skip(text, at, ' ') || skip(text, at, 'T'))
		continue;
	bool told = number_at(text, at, &hour);
	if (told && (!skip(text, at, ':') || !number_at(text, at, &minute)))
		return false;
	if (told && skip(text, at, ':') && !number_at(text, at, &second))
		return false;
	if (told && (skip(text, at, '.') || skip(text, at, ',')))
		while (*at < text.length && ascii_digit(text.at[*at]))
			++*at;
	struct span rest = span_trim(span_slice(text, *at, text.length));
	bool afternoon = span_starts_nocase(rest, span_of("PM"));
	if (afternoon || span_starts_nocase(rest, span_of("AM"))) {
		if (hour < 1 || hour > 12)
			return false;
		hour = hour % 12 + (afternoon ? 12 : 0);
		rest = span_trim(span_slice(rest, 2, rest.length));
	}
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*seconds_r = (long long)hour * 3600 + minute * 60 + second;
	if (rest.length == 0 || span_equal_nocase(rest, span_of("GMT")) || span_equal_nocase(rest, span_of("UTC"))
	    || span_equal_nocase(rest, span_of("Z")))
		return true;
	size_t sign = 1;
	if ((rest.at[0] != '+' && rest.at[0] != '-') || !number_at(rest, &sign, &zone_hour))
		return false;
	if (sign - 1 == 4) {
		zone_minute = zone_hour % 100;
		zone_hour /= 100;
	} else if (skip(rest, &sign, ':') && !number_at(rest, &sign, &zone_minute)) {
		return false;
	}
	long long zone = (long long)zone_hour * 3600 + zone_minute * 60;
	*seconds_r += rest.at[0] == '+' ? -zone : zone;
	return sign == rest.length && zone_hour <= 14 && zone_minute <= 59;
}

static void widen(struct email_range *range, bool possible, long long time)
{
	range->impossible = range->impossible || !possible;
	if (!possible)
		return;
	range->first = !range->some || time < range->first ? time : range->first;
	range->last = !range->some || time > range->last ? time : range->last;
	range->some = true;
}

bool email_times_add(struct email_times *times, struct span text)
{
	struct span told = span_trim(text);
	size_t at = 0;
	unsigned a, b, c;
	long long seconds;
	long long days[2];
	char separator = '-';
	if (!number_at(told, &at, &a))
		return false;
	for (const char *one = "-/."; *one != '\0'; one++)
		separator = at < told.length && told.at[at] == *one ? *one : separator;
	if (!skip(told, &at, separator) || !number_at(told, &at, &b) || !skip(told, &at, separator)
	    || !number_at(told, &at, &c) || !clock_at(told, &at, &seconds))
		return false;
	bool year_first = a > 31;
	bool month_first = year_first ? days_of(a, b, c, &days[0]) : days_of(c, a, b, &days[0]);
	bool day_first = year_first ? days_of(a, b, c, &days[1]) : days_of(c, b, a, &days[1]);
	if (!month_first && !day_first)
		return false;
	widen(&times->ranges[0], month_first, month_first ? days[0] * DAY + seconds : 0);
	widen(&times->ranges[1], day_first, day_first ? days[1] * DAY + seconds : 0);
	return true;
}

const struct email_range *email_times_settle(const struct email_times *times)
{
	const struct email_range *month_first = &times->ranges[0];
	const struct email_range *day_first = &times->ranges[1];
	bool one = month_first->some && !month_first->impossible;
	bool other = day_first->some && !day_first->impossible;
	if (one && other)
		return day_first->last - day_first->first < month_first->last - month_first->first ? day_first : month_first;
	return one ? month_first : other ? day_first : NULL;
}
