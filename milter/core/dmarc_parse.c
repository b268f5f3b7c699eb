/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dmarc.h"

enum tag { TAG_V, TAG_P, TAG_SP, TAG_NP, TAG_ADKIM, TAG_ASPF, TAG_PSD, TAG_T, TAG_RUA, TAG_RUF, TAG_FO, TAGS };

static const char *const tag_names[TAGS] = { "v", "p", "sp", "np", "adkim", "aspf", "psd", "t", "rua", "ruf", "fo" };

static const char *const result_names[DMARC_RESULTS] = { "pending", "none", "pass", "fail", "temperror", "permerror" };

static const char *const policy_names[DMARC_POLICIES] = { "unset", "none", "quarantine", "reject" };

const char *dmarc_result_name(enum dmarc_result result)
{
	return (unsigned)result < DMARC_RESULTS ? result_names[result] : "invalid";
}

const char *dmarc_policy_name(enum dmarc_policy policy)
{
	return (unsigned)policy < DMARC_POLICIES ? policy_names[policy] : "invalid";
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Without the white space that the grammar allows around separators and equals signs. */
static struct span unpadded(struct span text)
{
	while (text.length != 0 && blank(text.at[text.length - 1]))
		text.length--;
	while (text.length != 0 && blank(text.at[0]))
		text = span_slice(text, 1, text.length);
	return text;
}

/* One tag: name and value. False when there is no equals sign or no name. */
static bool tag_split(struct span text, struct span *name_r, struct span *value_r)
{
	size_t equals = span_find(text, 0, '=');
	*name_r = unpadded(span_slice(text, 0, equals));
	*value_r = unpadded(span_slice(text, equals + 1, text.length));
	return equals < text.length && name_r->length != 0;
}

bool dmarc_is_record(struct span text)
{
	struct span name;
	struct span value;
	struct span first = span_slice(text, 0, span_find(text, 0, ';'));
	return first.length != 0 && !blank(first.at[0]) && tag_split(first, &name, &value)
	       && span_equal_nocase(name, span_of("v")) && span_equal(value, span_of("DMARC1"));
}

/* The number of value in names, without case; count when it is none of them. */
static size_t choice(struct span value, const char *const *names, size_t count)
{
	size_t i = 0;
	while (i < count && !span_equal_nocase(value, span_of(names[i])))
		i++;
	return i;
}

/* A policy; false for any other text. */
static bool policy_value(struct span value, enum dmarc_policy *policy_r)
{
	size_t i = choice(value, policy_names, DMARC_POLICIES);
	if (i == DMARC_POLICIES || i == DMARC_POLICY_UNSET)
		return false;
	*policy_r = (enum dmarc_policy)i;
	return true;
}

/* Scheme, colon and something of visible ASCII behind it: as much of RFC 3986 as a look at a reporting URI needs. */
static bool uri_valid(struct span uri)
{
	size_t colon = span_find(uri, 0, ':');
	if (colon == 0 || colon + 1 >= uri.length || !ascii_alpha(uri.at[0]))
		return false;
	for (size_t i = 0; i < uri.length; i++) {
		if (i < colon && !ascii_alnum(uri.at[i]) && !memchr("+-.", uri.at[i], 3))
			return false;
		if (uri.at[i] <= ' ' || uri.at[i] > '~' || memchr("\"<>\\^`{|}", uri.at[i], 9))
			return false;
	}
	return true;
}

static bool uri_among(struct span list)
{
	for (size_t from = 0; from < list.length;) {
		size_t comma = span_find(list, from, ',');
		if (uri_valid(unpadded(span_slice(list, from, comma))))
			return true;
		from = comma + 1;
	}
	return false;
}

/* What is gathered while the tags are read. */
struct reading {
	struct dmarc_record record;
	bool wrong_policy; /* p, sp or np has a value that is none */
	bool reports;      /* rua names an address */
};

static void tag_take(struct reading *reading, enum tag tag, struct span value)
{
	static const char *const relaxed_strict[] = { "r", "s" };
	static const char *const no_yes[] = { "n", "y" };
	struct dmarc_record *record = &reading->record;
	bool good = true;
	switch (tag) {
	case TAG_P:
		good = policy_value(value, &record->p);
		break;
	case TAG_SP:
		good = policy_value(value, &record->sp);
		break;
	case TAG_NP:
		good = policy_value(value, &record->np);
		break;
	case TAG_ADKIM:
		record->strict_dkim = choice(value, relaxed_strict, 2) == 1;
		break;
	case TAG_ASPF:
		record->strict_spf = choice(value, relaxed_strict, 2) == 1;
		break;
	case TAG_PSD:
		if (choice(value, no_yes, 2) < 2)
			record->psd = choice(value, no_yes, 2) == 1 ? DMARC_PSD_YES : DMARC_PSD_NO;
		break;
	case TAG_T:
		record->testing = choice(value, no_yes, 2) == 1;
		break;
	case TAG_RUA:
		reading->reports = uri_among(value);
		break;
	case TAG_V:
	case TAG_RUF:
	case TAG_FO:
	case TAGS:
		break;
	}
	reading->wrong_policy = reading->wrong_policy || !good;
}

bool dmarc_parse(struct span text, struct dmarc_record *record_r)
{
	struct reading reading = { .wrong_policy = false };
	unsigned seen = 0;
	for (size_t from = 0; from < text.length;) {
		size_t end = span_find(text, from, ';');
		struct span name;
		struct span value;
		if (tag_split(span_slice(text, from, end), &name, &value)) {
			size_t tag = choice(name, tag_names, TAGS);
			if (tag < TAGS && seen & 1U << tag)
				return false;
			if (tag < TAGS)
				seen |= 1U << tag;
			tag_take(&reading, (enum tag)tag, value);
		}
		from = end + 1;
	}
	struct dmarc_record *record = &reading.record;
	record->applies = true;
	if (reading.wrong_policy || record->p == DMARC_POLICY_UNSET) {
		/* 4.10.1: with an address to report to it is as if it said p=none, without one it says nothing. */
		record->applies = reading.reports;
		record->p = DMARC_POLICY_NONE;
		record->sp = DMARC_POLICY_UNSET;
		record->np = DMARC_POLICY_UNSET;
	}
	*record_r = *record;
	return true;
}

struct span dmarc_tag(struct span text, const char *name)
{
	struct span found;
	struct span value;
	for (size_t from = 0; from < text.length;) {
		size_t end = span_find(text, from, ';');
		if (tag_split(span_slice(text, from, end), &found, &value) && span_equal_nocase(found, span_of(name)))
			return value;
		from = end + 1;
	}
	return span_make(NULL, 0);
}
