/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"
#include "core/settings.h"
#include "core/verp.h"

/*
 * The bounce address must agree with the headers: its organization with X-SFDC-LK, its author with From:. An author
 * part that has not the documented form is judged like a label that cannot be decoded.
 */
static struct result compare(const struct facts *facts, const struct org *org, const struct orgid *named)
{
	const struct verp_author *author = &facts->bounce_author;
	if (facts->org_header != ORG_HEADER_OK || !orgid_equal(named, &facts->org_id))
		return result_make(RESULT_FAIL, REASON_VERP_ORG, arena_span(facts->arena, span_of(named->text)));
	if (!author->known)
		return result_make(org->verp.undecodable == UNDECODABLE_SKIP ? RESULT_SKIP : RESULT_FAIL,
		                   REASON_VERP_UNDECODABLE, facts->sender.address);
	if (facts->author_status != MAILBOX_OK || !span_equal_nocase(author->local, facts->author.local_part)
	    || !span_equal_nocase(author->domain, facts->author.domain))
		return result_make(RESULT_FAIL, REASON_VERP_FROM, facts->sender.address);
	return result_make(RESULT_PASS, REASON_NONE, span_of(org->id.text));
}

static struct result judge(const struct facts *facts, const struct org *org)
{
	struct orgid named;

	if (facts->sender_status == MAILBOX_NO_MEMORY)
		return result_make(RESULT_TEMPERROR, REASON_INTERNAL, span_make(NULL, 0));
	if (facts->sender_status != MAILBOX_OK)
		return result_make(RESULT_SKIP, REASON_VERP_NOT_BOUNCE, span_make(NULL, 0));
	switch (verp_decode_org(facts->sender.domain, org->envelope.bounce_domains, &named)) {
	case VERP_OK:
		return compare(facts, org, &named);
	case VERP_UNDECODABLE:
		return result_make(org->verp.undecodable == UNDECODABLE_SKIP ? RESULT_SKIP : RESULT_FAIL,
		                   REASON_VERP_UNDECODABLE, facts->sender.address);
	case VERP_NOT_BOUNCE:
		return result_make(RESULT_SKIP, REASON_VERP_NOT_BOUNCE, span_make(NULL, 0));
	case VERP_UNSET:
		break;
	}
	return result_make(RESULT_TEMPERROR, REASON_INTERNAL, span_make(NULL, 0));
}

/* Mail that is no bounce-managed mail has no such address. */
static bool skippable(const struct org *org)
{
	(void)org;
	return true;
}

const struct check check_verp = {
	CHECK_NAME("verp"),
	.known_at = STAGE_HEADER,
	.evidence = 0,
	.judge = judge,
	.skippable = skippable,
	
	.remedies = {
		{ "message", "the bounce address was made for another organization or author: a forgery, or forwarded mail" },
		{ "policy", "verp.undecodable, where the address has a form that is not known" },
	},
	.passes = "Salesforce's bounce address names the same organization and author as the header",
	.asks = "a bounce address that fits",
};
