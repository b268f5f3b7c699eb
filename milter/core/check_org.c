/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"

/*
 * X-SFDCOrgRelay is Salesforce's own echo of the ID on relayed mail; where it stands it must say the same. False:
 * *other_r is what it says, empty where that was not kept.
 */
static bool relay_agrees(const struct facts *facts, struct span *other_r)
{
	const struct field *field = header_find(&facts->header, FIELD_X_SFDC_ORG_RELAY);
	unsigned unseen = facts->header.count[FIELD_X_SFDC_ORG_RELAY];
	for (; field; field = header_next(field), unseen--) {
		struct orgid id;
		*other_r = span_trim(field->value);
		if (orgid_parse(*other_r, &id) != ORGID_OK || !orgid_equal(&id, &facts->org_id))
			return false;
	}
	/* Beyond the limits of a header fields are counted and not kept. */
	*other_r = span_of("");
	return unseen == 0;
}

static struct result judge(const struct facts *facts, const struct org *org)
{
	switch (facts->org_header) {
	case ORG_HEADER_ABSENT:
		return result_make(RESULT_NONE, REASON_ORG_ABSENT, span_make(NULL, 0));
	case ORG_HEADER_DUPLICATE:
		return result_make(RESULT_FAIL, REASON_ORG_DUPLICATE, facts->org_text);
	case ORG_HEADER_MALFORMED:
		return result_make(RESULT_FAIL, REASON_ORG_MALFORMED, facts->org_text);
	case ORG_HEADER_OK:
		break;
	}
	if (!orgid_equal(&facts->org_id, &org->id))
		return result_make(RESULT_FAIL, REASON_ORG_UNKNOWN, facts->org_text);
	struct span other;
	if (!relay_agrees(facts, &other))
		return result_make(RESULT_FAIL, REASON_ORG_RELAY_MISMATCH, other);
	return result_make(RESULT_PASS, REASON_NONE, facts->org_text);
}

const struct check check_org = {
	CHECK_NAME("org"),
	.known_at = STAGE_HEADER,
	.evidence = 0,
	.judge = judge,
	
	.remedies = {
		{ "policy", "orgs: the organization's ID, if its mail belongs here; Salesforce writes X-SFDC-LK itself" },
	},
	.passes = "exactly one X-SFDC-LK names the organization, and X-SFDCOrgRelay does not contradict",
	.asks = "an X-SFDC-LK that is served",
};
