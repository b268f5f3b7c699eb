/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/prefix.h"

#include <time.h>

#define DAY 86400LL
#define YEAR_FIRST 1970
#define YEAR_LAST 9999

struct moment {
	int year; /* 0: not told */
	int month;
	int day;
	int hour;
	int minute;
	int second;
};

/* Reads on. Every function takes what it reads, or nothing. */
struct cursor {
	const char *at;
	const char *end;
};

static bool take(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static bool take_text(struct cursor *cursor, const char *text)
{
	size_t length = strlen(text);
	if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

/* Between least and most digits. */
static bool take_digits(struct cursor *cursor, size_t least, size_t most, long long *number_r)
{
	const char *at = cursor->at;
	long long number = 0;
	for (; at != cursor->end && ascii_digit(*at) && (size_t)(at - cursor->at) < most; at++)
		number = number * 10 + (*at - '0');
	if ((size_t)(at - cursor->at) < least)
		return false;
	cursor->at = at;
	*number_r = number;
	return true;
}

static bool take_number(struct cursor *cursor, size_t digits, int least, int most, int *number_r)
{
	long long number;
	struct cursor begin = *cursor;
	if (!take_digits(cursor, digits, digits, &number) || number < least || number > most) {
		*cursor = begin;
		return false;
	}
	*number_r = (int)number;
	return true;
}

/* A word of visible ASCII and the space behind it. */
static bool take_word(struct cursor *cursor, struct span *word_r)
{
	const char *at = cursor->at;
	while (at != cursor->end && *at > ' ' && *at < 0x7f)
		at++;
	if (at == cursor->at || at == cursor->end || *at != ' ')
		return false;
	*word_r = span_make(cursor->at, (size_t)(at - cursor->at));
	cursor->at = at + 1;
	return true;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar. */
static long long days_of(int year, int month, int day)
{
	long long y = month <= 2 ? year - 1 : year;
	long long era = y / 400;
	long long year_of_era = y - era * 400;
	long long day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static long long universal(const struct moment *moment)
{
	return days_of(moment->year, moment->month, moment->day) * DAY + moment->hour * 3600LL + moment->minute * 60LL
	       + moment->second;
}

/* Local time; the zone is looked up once a minute of the log. */
static long long local(struct prefix_clock *clock, const struct moment *moment)
{
	if (!clock->known || clock->year != moment->year || clock->month != moment->month || clock->day != moment->day
	    || clock->hour != moment->hour || clock->minute != moment->minute) {
		struct tm tm = { .tm_year = moment->year - 1900,
			             .tm_mon = moment->month - 1,
			             .tm_mday = moment->day,
			             .tm_hour = moment->hour,
			             .tm_min = moment->minute,
			             .tm_isdst = -1 };
		clock->known = true;
		clock->year = moment->year;
		clock->month = moment->month;
		clock->day = moment->day;
		clock->hour = moment->hour;
		clock->minute = moment->minute;
		clock->minute_time = mktime(&tm);
	}
	return clock->minute_time < 0 ? -1 : clock->minute_time + moment->second;
}

static int year_of(long long time)
{
	time_t seconds = (time_t)time;
	struct tm tm;
	return localtime_r(&seconds, &tm) ? tm.tm_year + 1900 : YEAR_FIRST;
}

/* The latest year in which it is not too late. */
static void find_year(struct prefix_clock *clock, struct moment *moment)
{
	if (!clock->year_known || clock->year_month != moment->month || clock->year_day != moment->day
	    || clock->year_hour != moment->hour || clock->year_until != clock->until) {
		moment->year = year_of(clock->until + DAY);
		if (moment->year > YEAR_FIRST && local(clock, moment) > clock->until + DAY)
			moment->year--;
		clock->year_known = true;
		clock->year_month = moment->month;
		clock->year_day = moment->day;
		clock->year_hour = moment->hour;
		clock->year_until = clock->until;
		clock->year_found = moment->year;
	}
	moment->year = clock->year_found;
}

static bool take_clock(struct cursor *cursor, struct moment *moment)
{
	return take_number(cursor, 2, 0, 23, &moment->hour) && take(cursor, ':')
	       && take_number(cursor, 2, 0, 59, &moment->minute) && take(cursor, ':')
	       && take_number(cursor, 2, 0, 60, &moment->second);
}

/* "Nov 28 23:20:01", or with " 8". */
static bool take_rfc3164(struct prefix_clock *clock, struct cursor *cursor, long long *time_r)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct moment moment = { 0 };
	struct cursor at = *cursor;
	if (at.end - at.at < 15)
		return false;
	for (int i = 0; i < 12; i++)
		if (memcmp(at.at, months + 3 * i, 3) == 0)
			moment.month = i + 1;
	at.at += 3;
	if (moment.month == 0 || !take(&at, ' '))
		return false;
	if (!(take(&at, ' ') ? take_number(&at, 1, 1, 9, &moment.day) : take_number(&at, 2, 1, 31, &moment.day)))
		return false;
	if (!take(&at, ' ') || !take_clock(&at, &moment))
		return false;
	long long fraction;
	if (take(&at, '.') && !take_digits(&at, 1, 9, &fraction))
		return false;
	find_year(clock, &moment);
	*time_r = local(clock, &moment);
	*cursor = at;
	return true;
}

/* "Z", "+01:00", "-0500"; none: *zone_r stays as it is. */
static bool take_zone(struct cursor *cursor, bool *has_zone_r, long long *zone_r)
{
	int hours;
	int minutes = 0;
	*has_zone_r = true;
	*zone_r = 0;
	if (take(cursor, 'Z'))
		return true;
	bool east = take(cursor, '+');
	if (!east && !take(cursor, '-')) {
		*has_zone_r = false;
		return true;
	}
	if (!take_number(cursor, 2, 0, 23, &hours))
		return false;
	take(cursor, ':');
	if (!take_number(cursor, 2, 0, 59, &minutes))
		return false;
	*zone_r = (hours * 60LL + minutes) * (east ? 60 : -60);
	return true;
}

static bool take_iso(struct prefix_clock *clock, struct cursor *cursor, long long *time_r)
{
	struct moment moment = { 0 };
	struct cursor at = *cursor;
	long long fraction;
	long long zone;
	bool has_zone;
	if (!take_number(&at, 4, YEAR_FIRST, YEAR_LAST, &moment.year) || !take(&at, '-')
	    || !take_number(&at, 2, 1, 12, &moment.month) || !take(&at, '-') || !take_number(&at, 2, 1, 31, &moment.day))
		return false;
	if ((!take(&at, 'T') && !take(&at, ' ')) || !take_clock(&at, &moment))
		return false;
	if ((take(&at, '.') || take(&at, ',')) && !take_digits(&at, 1, 9, &fraction))
		return false;
	if (!take_zone(&at, &has_zone, &zone))
		return false;
	/* journalctl -o short-full names the zone. */
	if (!has_zone && (take_text(&at, " UTC") || take_text(&at, " GMT")))
		has_zone = true;
	*time_r = has_zone ? universal(&moment) - zone : local(clock, &moment);
	if (*time_r < 0)
		*time_r = 0;
	*cursor = at;
	return true;
}

/* "1700000000.123456", of journalctl -o short-unix. */
static bool take_unix(struct cursor *cursor, long long *time_r)
{
	struct cursor at = *cursor;
	long long seconds;
	long long fraction;
	if (!take_digits(&at, 9, 11, &seconds) || !take(&at, '.') || !take_digits(&at, 3, 9, &fraction))
		return false;
	*time_r = seconds;
	*cursor = at;
	return true;
}

/* "[  123.456789]", of journalctl -o short-monotonic: no time of day. */
static bool take_monotonic(struct cursor *cursor)
{
	struct cursor at = *cursor;
	long long number;
	if (!take(&at, '['))
		return false;
	while (take(&at, ' '))
		continue;
	if (!take_digits(&at, 1, 12, &number) || !take(&at, '.') || !take_digits(&at, 1, 9, &number) || !take(&at, ']'))
		return false;
	*cursor = at;
	return true;
}

/* "Fri ", of journalctl -o short-full. */
static bool take_weekday(struct cursor *cursor)
{
	static const char days[] = "MonTueWedThuFriSatSun";
	for (size_t i = 0; cursor->end - cursor->at > 4 && i < 7; i++)
		if (memcmp(cursor->at, days + 3 * i, 3) == 0 && cursor->at[3] == ' ') {
			cursor->at += 4;
			return true;
		}
	return false;
}

/* The name of a zone, such as "CET ", which is taken for the local one. */
static void take_zone_name(struct cursor *cursor)
{
	const char *at = cursor->at;
	while (at != cursor->end && *at >= 'A' && *at <= 'Z')
		at++;
	if (at - cursor->at >= 3 && at - cursor->at <= 5 && at != cursor->end && *at == ' ')
		cursor->at = at + 1;
}

/* "sfdc-milter:" or "sfdc-milter[123]:", and a space. */
static bool is_own_tag(struct cursor *cursor)
{
	long long pid;
	if (!take_text(cursor, PREFIX_PROGRAM))
		return false;
	if (take(cursor, '[') && (!take_digits(cursor, 1, 10, &pid) || !take(cursor, ']')))
		return false;
	return take(cursor, ':') && take(cursor, ' ');
}

static bool begins_entry(struct span rest)
{
	return (rest.length > 3 && memcmp(rest.at, "ev=", 3) == 0) || (rest.length > 1 && rest.at[0] == '{');
}

static struct span rest_of(const struct cursor *cursor)
{
	return span_make(cursor->at, (size_t)(cursor->end - cursor->at));
}

/* What stands behind the time: an entry, the stream of a container engine, or host and program. */
static bool take_origin(struct cursor *cursor, struct prefix *prefix)
{
	struct span host;
	if (begins_entry(rest_of(cursor)))
		return true;
	if (take_text(cursor, "stdout ") || take_text(cursor, "stderr "))
		return take_text(cursor, "F ");
	struct cursor at = *cursor;
	if (!is_own_tag(&at)) { /* rsyslog may be told to leave the host out, as the daemon does itself */
		at = *cursor;
		if (!take_word(&at, &host) || !is_own_tag(&at))
			return false;
	}
	*cursor = at;
	prefix->has_program = true;
	return true;
}

/* Structured data: "-", or "[id name="value" ...]..." with backslash escapes (RFC 5424 6.3). */
static bool take_structured(struct cursor *cursor)
{
	if (take(cursor, '-'))
		return true;
	bool some = false;
	while (take(cursor, '[')) {
		bool quoted = false;
		some = true;
		for (; cursor->at != cursor->end && (quoted || *cursor->at != ']'); cursor->at++) {
			if (*cursor->at == '"')
				quoted = !quoted;
			else if (quoted && *cursor->at == '\\' && ++cursor->at == cursor->end)
				return false;
		}
		if (!take(cursor, ']'))
			return false;
	}
	return some;
}

/* Behind "<PRI>1 ": TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG. */
static bool take_rfc5424(struct prefix_clock *clock, struct cursor *cursor, struct prefix *prefix)
{
	struct span host;
	struct span program;
	struct span process;
	struct span id;
	if (!take(cursor, '-') && !take_iso(clock, cursor, &prefix->time))
		return false;
	if (!take(cursor, ' ') || !take_word(cursor, &host) || !take_word(cursor, &program) || !take_word(cursor, &process)
	    || !take_word(cursor, &id) || !take_structured(cursor) || !take(cursor, ' '))
		return false;
	take_text(cursor, "\xef\xbb\xbf");
	take(cursor, ' ');
	prefix->has_program = true;
	return span_equal(program, span_of(PREFIX_PROGRAM));
}

/* "sfdc-milter-1  | ", of compose. */
static void take_service(struct cursor *cursor)
{
	struct cursor at = *cursor;
	while (at.at != at.end && (ascii_alnum(*at.at) || *at.at == '-' || *at.at == '_' || *at.at == '.'))
		at.at++;
	if (at.at == cursor->at)
		return;
	while (take(&at, ' '))
		continue;
	if (take_text(&at, "| "))
		*cursor = at;
}

static bool take_priority(struct cursor *cursor)
{
	struct cursor at = *cursor;
	long long number;
	if (!take(&at, '<') || !take_digits(&at, 1, 3, &number) || !take(&at, '>'))
		return false;
	*cursor = at;
	return true;
}

bool prefix_read(struct prefix_clock *clock, struct span line, struct prefix *prefix_r)
{
	struct cursor cursor = { line.at, line.at + line.length };
	*prefix_r = (struct prefix) { .time = -1 };
	while (take(&cursor, '\0'))
		continue;
	prefix_r->rest = rest_of(&cursor);
	if (begins_entry(prefix_r->rest))
		return true;
	take_service(&cursor);
	bool priority = take_priority(&cursor);
	struct cursor versioned = cursor;
	if (priority && take_text(&versioned, "1 ")) {
		if (!take_rfc5424(clock, &versioned, prefix_r))
			return false;
		prefix_r->rest = rest_of(&versioned);
		return true;
	}
	bool weekday = take_weekday(&cursor);
	bool timed = take_rfc3164(clock, &cursor, &prefix_r->time) || take_iso(clock, &cursor, &prefix_r->time)
	             || take_unix(&cursor, &prefix_r->time) || take_monotonic(&cursor);
	if (timed && !take(&cursor, ' '))
		return false;
	if (timed && weekday)
		take_zone_name(&cursor);
	if (!take_origin(&cursor, prefix_r))
		return false;
	prefix_r->rest = rest_of(&cursor);
	return true;
}

bool prefix_iso_time(struct prefix_clock *clock, struct span text, size_t *used_r, long long *time_r)
{
	struct cursor cursor = { text.at, text.at + text.length };
	if (!take_iso(clock, &cursor, time_r))
		return false;
	*used_r = (size_t)(cursor.at - text.at);
	return true;
}
