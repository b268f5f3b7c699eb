#include "core/edits.h"

#include "core/authres.h"

/* The name under which we speak: configured, or the MTA's own. */
struct span edits_authserv_id(const struct examination *examination)
{
	struct span configured = examination->settings->authserv_id;
	if (configured.length != 0)
		return configured;
	return examination->facts.authserv_id.length != 0 ? examination->facts.authserv_id : span_of("localhost");
}

/*
 * Whether Authentication-Results number index goes. Fields beyond those that were kept cannot be judged, and go; where
 * something went wrong inside, all do.
 */
static bool *mark_claims(struct examination *examination, unsigned count)
{
	const struct header *header = &examination->facts.header;
	bool *goes = arena_array(&examination->arena, (size_t)count + 1, sizeof *goes);
	if (!goes)
		return NULL;
	for (unsigned i = 1; i <= count; i++)
		goes[i] = true;
	if (examination->facts.trouble)
		return goes;
	const struct field *field = header_find(header, FIELD_AUTHENTICATION_RESULTS);
	for (; field; field = header_next(field))
		if (field->index <= count)
			goes[field->index] = authres_claims(field->value, edits_authserv_id(examination),
			                                    examination->settings->headers.own_ids);
	return goes;
}

static bool plan_removals(struct examination *examination, struct edits *edits)
{
	const struct header *header = &examination->facts.header;
	unsigned results = header->count[FIELD_AUTHENTICATION_RESULTS];
	unsigned ours = header->watched_count;
	bool *goes = mark_claims(examination, results);

	edits->removals = arena_array(&examination->arena, (size_t)results + ours, sizeof *edits->removals);
	if (!goes || !edits->removals)
		return false;
	for (unsigned i = results; i >= 1; i--)
		if (goes[i])
			edits->removals[edits->removal_count++] =
			    (struct removal){ span_of(field_text(FIELD_AUTHENTICATION_RESULTS)), i };
	for (unsigned i = ours; i >= 1; i--)
		edits->removals[edits->removal_count++] = (struct removal){ header->watched, i };
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
	bool trouble = examination->facts.trouble || arena_failed(&examination->arena);
	bool only_watched = judgement->verdict == VERDICT_ACCEPT && judgement->would == VERDICT_TEMPFAIL;

	memset(edits_r, 0, sizeof *edits_r);
	examination->facts.trouble = trouble;
	if (trouble && !only_watched)
		return false;
	if (!plan_removals(examination, edits_r))
		return false;
	if (trouble)
		return true;
	plan_insertions(examination, edits_r);
	return !arena_failed(&examination->arena);
}
