/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/idn.h"

#include <idn2.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

/* More than 63 characters of four bytes in each of 127 labels can stand in no domain. */
#define UTF8_MAX 1024

/* The A-labels that a domain is mapped to, whatever that changes. */
static bool map(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	unsigned char text[UTF8_MAX + 1];
	if (domain.length == 0 || domain.length > UTF8_MAX || memchr(domain.at, '\0', domain.length))
		return false;
	memcpy(text, domain.at, domain.length);
	text[domain.length] = '\0';
	unsigned char *found = NULL;
	/* Not IDN2_USE_STD3_ASCII_RULES: it drops the characters that are not allowed, so that one domain becomes another. */
	if (idn2_lookup_u8(text, &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	size_t length = strlen((const char *)found);
	bool fits = length <= DOMAIN_LENGTH_MAX;
	if (fits)
		memcpy(ascii_r, found, length + 1);
	idn2_free(found);
	return fits;
}

/* How long the character at at is, 0 when it is not UTF-8. */
static size_t character_length(struct span text, size_t at)
{
	return (unsigned char)text.at[at] < 0x80 ? 1 : span_utf8(text, at);
}

/* The code point at *at of valid UTF-8. */
static wint_t take_point(struct span text, size_t *at)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t length = character_length(text, *at);
	wint_t point = (unsigned char)text.at[*at] & first_bits[length];
	for (size_t i = 1; i < length; i++)
		point = point << 6 | ((unsigned char)text.at[*at + i] & 0x3f);
	*at += length;
	return point;
}

/*
 * Whether two code points are the capital and the small form of one letter. Both ways: the Kelvin sign has the small
 * form k, whose capital is another.
 */
static bool are_cases(wint_t a, wint_t b, locale_t unicode)
{
	return (towlower_l(a, unicode) == b && towupper_l(b, unicode) == a)
	       || (towupper_l(a, unicode) == b && towlower_l(b, unicode) == a);
}

/* Whether a U-label in valid UTF-8 is what the A-label stands for, but for case. */
static bool label_same(struct span label, const char *ascii, locale_t unicode)
{
	uint32_t *points = NULL;
	size_t at = 0;
	size_t i = 0;
	if (idn2_to_unicode_8z4z(ascii, &points, 0) != IDN2_OK)
		return false;
	while (at < label.length && points[i] != 0) {
		wint_t point = take_point(label, &at);
		if (point != points[i] && !are_cases(point, points[i], unicode))
			break;
		i++;
	}
	bool same = at == label.length && points[i] == 0;
	idn2_free(points);
	return same;
}

/* Label by label: an A-label in domain has to come out as it stands, a U-label as its A-label. */
static bool domain_same(struct span domain, struct span ascii, locale_t unicode)
{
	char label[DOMAIN_LENGTH_MAX + 1];
	size_t from = 0;
	size_t ascii_from = 0;
	while (from <= domain.length && ascii_from <= ascii.length) {
		size_t to = span_find(domain, from, '.');
		size_t ascii_to = span_find(ascii, ascii_from, '.');
		struct span mapped = span_slice(ascii, ascii_from, ascii_to);
		memcpy(label, mapped.at, mapped.length);
		label[mapped.length] = '\0';
		if (!span_equal_nocase(span_slice(domain, from, to), mapped)
		    && !label_same(span_slice(domain, from, to), label, unicode))
			return false;
		from = to + 1;
		ascii_from = ascii_to + 1;
	}
	return from > domain.length && ascii_from > ascii.length;
}

static bool is_utf8(struct span text)
{
	for (size_t i = 0; i < text.length;) {
		size_t length = character_length(text, i);
		if (length == 0)
			return false;
		i += length;
	}
	return true;
}

bool idn_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	char ascii[DOMAIN_LENGTH_MAX + 1];
	if (!is_utf8(domain) || !map(domain, ascii))
		return false;
	/* A locale of our own, not the program's: what a domain is depends on no environment. */
	locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!unicode)
		unicode = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
	if (!unicode)
		return false;
	bool same = domain_same(domain, span_of(ascii), unicode);
	freelocale(unicode);
	if (same)
		memcpy(ascii_r, ascii, strlen(ascii) + 1);
	return same;
}
