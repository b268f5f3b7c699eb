/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/output.h"
#include "cmd/relayctl.h"
#include "core/authres.h"

static json_t *make_why(const struct check_list *why)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < why->count; i++)
		json_array_append_new(list, json_string(check_name(why->ids[i])));
	return list;
}

static json_t *make_opinion(const struct opinion *opinion)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:b, s:s}", "name", relayctl_json_shown(opinion->name), "status",
	                 opinion_status(opinion->status), "ours", opinion->ours, "result", opinion->theirs, "same",
	                 opinion->same, "because", opinion->because ? opinion->because : "");
}

/* One for the sender; a list with one for each name of ip.spf, and for each signature. */
static void add_opinions(json_t *check, const struct opinion *opinion, enum check_id id)
{
	json_t *list = NULL;
	for (; opinion; opinion = opinion->next) {
		if (!opinion_concerns(opinion, id))
			continue;
		if (opinion->sole) {
			json_object_set_new(check, "second_opinion", make_opinion(opinion));
			return;
		}
		if (!list) {
			list = json_array();
			json_object_set_new(check, "second_opinions", list);
		}
		json_array_append_new(list, make_opinion(opinion));
	}
}

static json_t *make_checks(const struct view *view)
{
	const struct examination *examination = view->examination;
	json_t *checks = json_object();
	for (unsigned i = 0; checks && i < CHECK_COUNT; i++) {
		const struct result *result = &examination->judgement.results[i];
		const char *rfc8601 = authres_keyword(&examination->facts, &examination->judgement, (enum check_id)i);
		json_t *check = json_pack("{s:s, s:s, s:o}", "result", result_name(result->code), "reason",
		                          reason_code(result->reason), "detail", relayctl_json_shown(result->detail));
		if (rfc8601)
			json_object_set_new(check, "rfc8601", json_string(rfc8601));
		add_opinions(check, view->opinions, (enum check_id)i);
		json_object_set_new(checks, check_name((enum check_id)i), check);
	}
	return checks;
}

static json_t *make_headers(const struct edits *edits)
{
	json_t *add = json_array();
	json_t *remove = json_array();
	for (size_t i = 0; i < edits->insertion_count; i++)
		json_array_append_new(add, json_pack("[o, o]", relayctl_json_whole(edits->insertions[i].name),
		                                     relayctl_json_whole(edits->insertions[i].value)));
	for (size_t i = 0; i < edits->removal_count; i++)
		json_array_append_new(remove, json_pack("[o, i]", relayctl_json_whole(edits->removals[i].name),
		                                        (int)edits->removals[i].index));
	return json_pack("{s:o, s:o}", "add", add, "remove", remove);
}

bool output_json(FILE *out, const struct view *view)
{
	const struct judgement *judgement = &view->examination->judgement;
	const struct reply *reply = &view->reply;
	const char *mode = judgement->mode == MODE_UNSET ? "" : mode_name(judgement->mode);
	json_t *object =
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:s, s:s}, s:o, s:o, s:o}", "verdict",
	              verdict_name(judgement->verdict), "mode", mode, "would", verdict_name(judgement->would), "org",
	              judgement->org ? judgement->org->id.text : "", "org_name",
	              relayctl_json_shown(judgement->org ? judgement->org->name : span_of("")), "reply", "code",
	              reply->code, "enhanced", reply->enhanced, "text", reply->text, "why", make_why(&judgement->why),
	              "checks", make_checks(view), "headers", make_headers(&view->edits));
	json_object_set_new(object, "file", relayctl_json_whole(span_of(view->file)));
	if (view->number != 0)
		json_object_set_new(object, "number", json_integer((json_int_t)view->number));
	if (view->hops)
		json_object_set_new(object, "hops", hops_json(view->hops));
	return relayctl_json_print(out, object);
}
