/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/withhold.h"

#include "core/dkim_walk.h"
#include "core/dkim_tags.h"

static const enum field_name names[WITHHELD_NAMES] = { FIELD_X_SFDC_LK, FIELD_X_SFDC_USER, FIELD_X_SFDC_ENTITY_ID,
	                                                   FIELD_X_SFDC_CORRELATION_ID };

/* What is under judgement may still pass. */
static bool may_pass(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_UNDECIDED:
	case VERDICT_ACCEPT:
	case VERDICT_QUARANTINE:
		return true;
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
	case VERDICT_EXEMPT:
	case VERDICT_SKIP:
		return false;
	}
	return false;
}

unsigned withhold_most(const struct settings *settings, const struct facts *facts, enum verdict verdict)
{
	unsigned most = 0;
	if (settings->headers.remove_sfdc && facts->some_recipient_leaves && may_pass(verdict))
		for (unsigned i = 0; i < WITHHELD_NAMES; i++)
			most += facts->header.count[names[i]];
	return most;
}

/* Leave what a signature with that h= covers. */
static void spare(const struct facts *facts, struct span signed_names, struct withheld *withheld)
{
	for (unsigned i = 0; i < WITHHELD_NAMES; i++) {
		unsigned there = facts->header.count[names[i]];
		unsigned covered = dkim_tags_times_signed(signed_names, span_of(field_text(names[i])));
		unsigned left = covered < there ? there - covered : 0;
		if (left < withheld[i].count)
			withheld[i].count = left;
	}
}

static bool may_hold(enum result_code code)
{
	switch (code) {
	case RESULT_PASS:
	case RESULT_PENDING:
	case RESULT_TEMPERROR:
		return true;
	case RESULT_SKIP:
	case RESULT_NONE:
	case RESULT_FAIL:
	case RESULT_PERMERROR:
		return false;
	}
	return true;
}

/* Whether it is among those of which something was found out. */
static bool was_judged(const struct facts *facts, const struct dkim_fields *tags)
{
	for (size_t i = 0; i < facts->dkim.count; i++) {
		const struct signature *signature = &facts->dkim.signatures[i];
		if (span_equal(signature->domain, tags->domain) && span_equal(signature->selector, tags->selector)
		    && span_equal(signature->b_prefix, tags->b_prefix)
		    && span_equal(signature->signed_headers, tags->signed_names))
			return true;
	}
	return false;
}

/* Those that nobody looked at, because there are too many or none was asked for. */
static bool spare_unjudged(const struct facts *facts, struct withheld *withheld)
{
	const struct field *field = header_find(&facts->header, FIELD_DKIM_SIGNATURE);
	for (unsigned i = 0; field && i < DKIM_SIGNATURES_SEEN_MAX; i++, field = header_next(field)) {
		struct dkim_fields tags;
		if (!dkim_tags_signature(field->value, facts->arena, facts->to_ascii, &tags))
			return false;
		if (tags.well_formed && !was_judged(facts, &tags))
			spare(facts, tags.signed_names, withheld);
	}
	return true;
}

bool withhold_plan(const struct facts *facts, struct withheld withheld_r[WITHHELD_NAMES])
{
	unsigned there = 0;
	for (unsigned i = 0; i < WITHHELD_NAMES; i++) {
		withheld_r[i] = (struct withheld) { names[i], facts->header.count[names[i]] };
		there += withheld_r[i].count;
	}
	/* No signature of a header that is not all known can pass. */
	if (there == 0 || (facts->header.defects & HEADER_OVER_LIMIT) != 0)
		return true;
	for (size_t i = 0; i < facts->dkim.count; i++)
		if (may_hold(facts->dkim.signatures[i].outcome.code))
			spare(facts, facts->dkim.signatures[i].signed_headers, withheld_r);
	return spare_unjudged(facts, withheld_r);
}
