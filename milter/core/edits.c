/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/edits.h"

#include "core/authres.h"
#include "core/withhold.h"

struct span edits_authserv_id(const struct examination *examination)
{
	return examination->facts.own_id;
}

/*
 * Those of Salesforce that do not leave. Where something went wrong inside, it is not known what a signature covers, and
 * all stay.
 */
static bool plan_withheld(const struct examination *examination, struct withheld withheld_r[WITHHELD_NAMES],
                          unsigned *count_r)
{
	const struct facts *facts = &examination->facts;
	*count_r = 0;
	memset(withheld_r, 0, WITHHELD_NAMES * sizeof *withheld_r);
	if (facts->internal_error || withhold_most(examination->settings, facts, examination->judgement.verdict) == 0)
		return true;
	if (!withhold_plan(facts, withheld_r))
		return false;
	for (unsigned i = 0; i < WITHHELD_NAMES; i++)
		*count_r += withheld_r[i].count;
	return true;
}

/*
 * Where something went wrong inside, nothing can be told of the Authentication-Results, and all go. More than can go are
 * a reason to refuse the message, or, where something went wrong, to defer it.
 */
static bool plan_removals(struct examination *examination, struct edits *edits)
{
	struct withheld withheld[WITHHELD_NAMES];
	unsigned leaving;
	const struct facts *facts = &examination->facts;
	const struct header *header = &facts->header;
	unsigned results = facts->internal_error ? header->count[FIELD_AUTHENTICATION_RESULTS] : facts->claims;
	unsigned ours = header->watched_count;

	if (!plan_withheld(examination, withheld, &leaving))
		return false;
	if (results > REMOVALS_MAX || ours > REMOVALS_MAX - results || leaving > REMOVALS_MAX - results - ours)
		return false;
	edits->removals = arena_array(&examination->arena, (size_t)results + ours + leaving, sizeof *edits->removals);
	if (!edits->removals)
		return false;
	for (unsigned i = results; i >= 1; i--)
		edits->removals[edits->removal_count++] =
			(struct removal) { span_of(field_text(FIELD_AUTHENTICATION_RESULTS)),
			                   facts->internal_error ? i : facts->claimed[i - 1] };
	for (unsigned i = ours; i >= 1; i--)
		edits->removals[edits->removal_count++] = (struct removal) { header->watched, i };
	for (unsigned name = 0; name < WITHHELD_NAMES; name++)
		for (unsigned i = withheld[name].count; i >= 1; i--)
			edits->removals[edits->removal_count++] = (struct removal) { span_of(field_text(withheld[name].name)), i };
	return true;
}

static void plan_insertions(struct examination *examination, struct edits *edits)
{
	const struct settings *settings = examination->settings;
	enum verdict verdict = examination->judgement.verdict;
	bool judged = verdict == VERDICT_ACCEPT || verdict == VERDICT_QUARANTINE;
	bool added = settings->headers.add_to == ADD_TO_ALL
	             || (settings->headers.add_to == ADD_TO_LOCAL && !examination->facts.some_recipient_leaves);

	if (!judged || !added)
		return;
	struct insertion *insertion = edits->insertions;
	if (settings->headers.result_header.length != 0) {
		insertion->name = settings->headers.result_header;
		insertion++->value = result_header_write(edits_authserv_id(examination), &examination->facts,
		                                         &examination->judgement, &examination->arena);
	}
	if (settings->headers.authentication_results) {
		insertion->name = span_of(field_text(FIELD_AUTHENTICATION_RESULTS));
		insertion++->value = authres_write(edits_authserv_id(examination), &examination->facts, &examination->judgement,
		                                   &examination->arena);
	}
	edits->insertion_count = (size_t)(insertion - edits->insertions);
}

bool edits_plan(struct examination *examination, struct edits *edits_r)
{
	const struct judgement *judgement = &examination->judgement;
	bool internal_error = examination->facts.internal_error || arena_failed(&examination->arena);
	bool only_watched = judgement->verdict == VERDICT_ACCEPT && judgement->would == VERDICT_TEMPFAIL;

	memset(edits_r, 0, sizeof *edits_r);
	examination->facts.internal_error = internal_error;
	if (internal_error && !only_watched)
		return false;
	if (!plan_removals(examination, edits_r))
		return false;
	if (internal_error)
		return true;
	plan_insertions(examination, edits_r);
	return !arena_failed(&examination->arena);
}
