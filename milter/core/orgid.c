/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/orgid.h"

/* One checksum character stands for the case of this many characters. */
#define GROUP 5

void orgid_checksum(const char text[ORGID_SHORT], char checksum_r[3])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
	for (unsigned group = 0; group < ORGID_SHORT / GROUP; group++) {
		unsigned bits = 0;
		for (unsigned i = 0; i < GROUP; i++) {
			char c = text[group * GROUP + i];
			if (c >= 'A' && c <= 'Z')
				bits |= 1U << i;
		}
		checksum_r[group] = alphabet[bits];
	}
}

static bool all_alnum(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!ascii_alnum(text.at[i]))
			return false;
	return true;
}

/* prefix: three characters. */
static enum orgid_status parse(struct span text, const char *prefix, struct orgid *id_r)
{
	if (text.length != ORGID_SHORT && text.length != ORGID_LONG)
		return ORGID_LENGTH;
	if (!all_alnum(text))
		return ORGID_CHARACTER;
	if (memcmp(text.at, prefix, 3) != 0)
		return ORGID_PREFIX;
	char checksum[3];
	orgid_checksum(text.at, checksum);
	if (text.length == ORGID_LONG && memcmp(text.at + ORGID_SHORT, checksum, sizeof checksum) != 0)
		return ORGID_CHECKSUM;
	memcpy(id_r->text, text.at, ORGID_SHORT);
	memcpy(id_r->text + ORGID_SHORT, checksum, sizeof checksum);
	id_r->text[ORGID_LONG] = '\0';
	return ORGID_OK;
}

enum orgid_status orgid_parse(struct span text, struct orgid *id_r)
{
	return parse(text, "00D", id_r);
}

bool userid_parse(struct span text, struct orgid *id_r)
{
	return parse(text, "005", id_r) == ORGID_OK;
}

bool orgid_equal(const struct orgid *a, const struct orgid *b)
{
	return a->text[0] != '\0' && memcmp(a->text, b->text, ORGID_SHORT) == 0;
}

struct span orgid_short(const struct orgid *id)
{
	return id->text[0] != '\0' ? span_make(id->text, ORGID_SHORT) : span_make(NULL, 0);
}

const char *orgid_problem(enum orgid_status status)
{
	switch (status) {
	case ORGID_UNSET:
		return "there is none";
	case ORGID_OK:
		return "nothing is wrong with it";
	case ORGID_LENGTH:
		return "it has neither 15 nor 18 characters";
	case ORGID_CHARACTER:
		return "it holds something else than letters and digits";
	case ORGID_PREFIX:
		return "it does not begin with 00D (zero, zero, capital D)";
	case ORGID_CHECKSUM:
		return "its last three characters do not fit the case of the first 15";
	}
	return "it is malformed";
}
