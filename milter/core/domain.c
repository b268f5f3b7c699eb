/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/domain.h"

/* No U-label form of a domain that fits DOMAIN_LENGTH_MAX is longer: a code point takes at most four bytes. */
#define UTF8_LENGTH_MAX ((size_t)DOMAIN_LENGTH_MAX * 4)

/* One label: 1 to 63 letters, digits, underscores and inner hyphens. */
static bool label_valid(struct span label)
{
	if (label.length == 0 || label.length > DOMAIN_LABEL_MAX)
		return false;
	if (label.at[0] == '-' || label.at[label.length - 1] == '-')
		return false;
	for (size_t i = 0; i < label.length; i++) {
		char c = label.at[i];
		if (!ascii_alnum(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool all_digits(struct span label)
{
	for (size_t i = 0; i < label.length; i++)
		if (!ascii_digit(label.at[i]))
			return false;
	return true;
}

/* Walk the labels; *last_r is the last one. */
static bool labels_valid(struct span domain, struct span *last_r)
{
	if (domain.length == 0 || domain.length > DOMAIN_LENGTH_MAX)
		return false;
	size_t from = 0;
	size_t to;
	do {
		to = span_find(domain, from, '.');
		*last_r = span_slice(domain, from, to);
		if (!label_valid(*last_r))
			return false;
		from = to + 1;
	} while (to < domain.length);
	return true;
}

bool domain_valid(struct span domain)
{
	struct span last;
	return labels_valid(domain, &last) && !all_digits(last);
}

bool domain_queryable(struct span name)
{
	struct span last;
	return labels_valid(name, &last);
}

struct span domain_lower(struct arena *arena, struct span domain)
{
	if (!domain_valid(domain))
		return span_make(NULL, 0);
	char *copy = arena_text(arena, domain);
	if (!copy)
		return span_make(NULL, 0);
	for (size_t i = 0; i < domain.length; i++)
		copy[i] = ascii_lower(copy[i]);
	return span_make(copy, domain.length);
}

/* A valid child that ends in "." and parent, or is parent, leaves parent no choice but to be valid. */
bool domain_within(struct span child, struct span parent)
{
	if (!domain_valid(child) || !span_ends_nocase(child, parent))
		return false;
	return child.length == parent.length || child.at[child.length - parent.length - 1] == '.';
}

/*
 * What is left to IDNA: bytes above ASCII beside what may stand in a domain. No other ASCII byte is mapped, and a label
 * with an underscore has no U-label form (RFC 5891 5.4).
 */
static bool idna_candidate(struct span domain)
{
	if (domain.length > UTF8_LENGTH_MAX)
		return false;
	bool wide = false;
	bool label_wide = false;
	bool label_underscore = false;
	for (size_t i = 0; i < domain.length; i++) {
		char c = domain.at[i];
		if (c == '.')
			label_wide = label_underscore = false;
		else if ((unsigned char)c >= 0x80)
			wide = label_wide = true;
		else if (c == '_')
			label_underscore = true;
		else if (!ascii_alnum(c) && c != '-')
			return false;
		if (label_wide && label_underscore)
			return false;
	}
	return wide;
}

struct span domain_comparable(struct arena *arena, domain_to_ascii to_ascii, struct span domain)
{
	if (domain_valid(domain))
		return domain_lower(arena, domain);
	char ascii[DOMAIN_LENGTH_MAX + 1] = { 0 };
	if (!to_ascii || !idna_candidate(domain) || !to_ascii(domain, ascii))
		return span_make(NULL, 0);
	return domain_lower(arena, span_make(ascii, span_find(span_make(ascii, sizeof ascii), 0, '\0')));
}

bool domain_near(struct span a, struct span b)
{
	size_t labels = 0;
	if (!domain_valid(a) || !domain_valid(b))
		return false;
	for (size_t i = 0; i < a.length && i < b.length; i++) {
		if (ascii_lower(a.at[a.length - 1 - i]) != ascii_lower(b.at[b.length - 1 - i]))
			return false;
		bool a_ends = i + 1 == a.length || a.at[a.length - 2 - i] == '.';
		bool b_ends = i + 1 == b.length || b.at[b.length - 2 - i] == '.';
		if (a_ends && b_ends && ++labels == 2)
			return true;
	}
	return false;
}
