/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/checks.h"

static const struct check *const sheets[CHECK_COUNT] = {
#define X(enumerator, sheet) [enumerator] = &sheet,
	CHECKS(X)
#undef X
};

const struct check *check_at(enum check_id id)
{
	return sheets[id];
}

const char *check_name(enum check_id id)
{
	return sheets[id]->name;
}

bool check_by_name(struct span name, enum check_id *id_r)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (span_equal(name, span_of(sheets[i]->name))) {
			*id_r = (enum check_id)i;
			return true;
		}
	return false;
}

check_bits checks_skippable(const struct org *org)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sheets[i]->skippable && sheets[i]->skippable(org))
			bits |= CHECK_BIT(i);
	return bits;
}

check_bits checks_hopeless(const struct org *org)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sheets[i]->hopeless && sheets[i]->hopeless(org))
			bits |= CHECK_BIT(i);
	return bits;
}

check_bits checks_undecidable(const struct org *org)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sheets[i]->undecidable ? sheets[i]->undecidable(org) : sheets[i]->evidence != 0)
			bits |= CHECK_BIT(i);
	return bits;
}

check_bits checks_asking_domains(void)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sheets[i]->asks_domains)
			bits |= CHECK_BIT(i);
	return bits;
}

unsigned checks_evidence(check_bits checks)
{
	unsigned evidence = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (checks & CHECK_BIT(i))
			evidence |= sheets[i]->evidence;
	return evidence;
}

check_bits checks_proving(enum proves proves)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sheets[i]->proves == proves)
			bits |= CHECK_BIT(i);
	return bits;
}

check_bits checks_offered(enum mta_offer offer)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sheets[i]->offer == offer)
			bits |= CHECK_BIT(i);
	return bits;
}

check_bits checks_needing(unsigned evidence)
{
	check_bits bits = 0;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sheets[i]->evidence & evidence)
			bits |= CHECK_BIT(i);
	return bits;
}
