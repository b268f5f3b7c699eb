/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/config_json.h"

#include <stdlib.h>

#include "cmd/mta_snippets.h"
#include "config/store.h"
#include "cmd/relayctl.h"
#include "core/proof.h"

static json_t *make_problems(const struct problems *problems)
{
	json_t *list = json_array();
	for (size_t i = 0; i < problems->count; i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "level",
		                                      problems->items[i].severity == PROBLEM_ERROR ? "error" : "warning",
		                                      "text", relayctl_json_whole(span_of(problems->items[i].text))));
	return list;
}

static json_t *make_checks(check_bits checks)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (checks & CHECK_BIT(i))
			json_array_append_new(list, json_string(check_name((enum check_id)i)));
	return list;
}

/* terms: of reject_unless; NULL: the sets are those of monitor_floor. */
static json_t *make_set(const struct proof_set *set, const struct proof_terms *terms)
{
	static const char *const names[] = {
		[PROOF_WEAK] = "weak",
		[PROOF_REPLAYABLE] = "replayable",
		[PROOF_CUSTOMER] = "customer",
	};
	const char *name = !terms && set->strength != PROOF_WEAK ? "floor" : names[set->strength];
	json_t *object = json_pack("{s:s, s:o}", "strength", name, "checks", make_checks(set->checks));
	if (terms && set->strength == PROOF_WEAK)
		json_object_set_new(object, "why", json_string(proof_weakness(set->checks, terms)));
	return object;
}

static json_t *make_sets(const struct proof *proof, const struct proof_terms *terms)
{
	json_t *sets = json_array();
	for (size_t i = 0; i < proof->shown; i++)
		json_array_append_new(sets, make_set(&proof->sets[i], terms));
	return json_pack("{s:i, s:i, s:o}", "minimal", (int)proof->minimal, "weak", (int)proof->weak, "sets", sets);
}

static json_t *make_proof(const struct settings *settings, const struct org *org)
{
	struct proof_terms terms = proof_terms(settings, org);
	struct proof proof;
	proof_make(settings, org, &proof);
	json_t *object = make_sets(&proof, &terms);
	json_object_set_new(object, "undecidable", make_checks(proof_undecidable(settings, org)));
	return object;
}

static json_t *make_floor(const struct settings *settings)
{
	struct proof proof;
	proof_floor(settings, &proof);
	return make_sets(&proof, NULL);
}

static json_t *make_set_of_texts(const struct set *set)
{
	json_t *list = json_array();
	for (size_t i = 0; i < set_count(set); i++)
		json_array_append_new(list, relayctl_json_whole(set_at(set, i)));
	return list;
}

static json_t *make_store(const struct settings *settings)
{
	static const char *const away[] = {
		[WHEN_AWAY_LOCAL] = "local", [WHEN_AWAY_PASS] = "pass", [WHEN_AWAY_DEFER] = "defer"
	};
	char store[STORE_TEXT_SIZE];
	store_text(settings->limits.store, store);
	return json_pack("{s:o, s:s}", "store", relayctl_json_whole(span_of(store)), "when_away",
	                 away[settings->limits.when_away]);
}

static json_t *make_limit(const struct org *org)
{
	char messages[RATE_TEXT_SIZE];
	char recipients[RATE_TEXT_SIZE];
	char per_user[RATE_TEXT_SIZE];
	rate_text(org->limit.messages, messages);
	rate_text(org->limit.recipients, recipients);
	rate_text(org->limit.per_user, per_user);
	return json_pack("{s:s, s:s, s:s}", "messages", messages, "recipients", recipients, "per_user", per_user);
}

static json_t *make_settings(const struct settings *settings)
{
	json_t *object =
		json_pack("{s:o, s:s, s:s, s:o, s:o, s:s, s:i, s:o}", "socket", relayctl_json_whole(settings->socket), "mode",
	              mode_name(settings->mode), "scope", settings->scope == SCOPE_ALL ? "all" : "salesforce",
	              "local_mailers", make_set_of_texts(settings->local_mailers), "authserv_id",
	              relayctl_json_whole(settings->authserv_id), "undecided", verdict_name(settings->undecided),
	              "exempt_clients", (int)network_set_count(settings->exempt_clients), "monitor_floor",
	              relayctl_json_whole(settings->monitor_floor.text));
	json_object_set_new(object, "limits", make_store(settings));
	if (settings->monitor_floor.root)
		json_object_set_new(object, "monitor_floor_proof", make_floor(settings));
	return object;
}

static json_t *make_domains(const struct org *org)
{
	json_t *list = json_array();
	for (size_t i = 0; i < set_count(org->domains); i++) {
		struct span domain = set_at(org->domains, i);
		bool below = domain.length != 0 && domain.at[0] == '.';
		json_array_append_new(list, json_sprintf("%s%.*s", below ? "*" : "", (int)domain.length, domain.at));
	}
	return list;
}

static json_t *make_orgs(const struct settings *settings)
{
	json_t *list = json_array();
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", org->id.text,
		                                      "name", relayctl_json_whole(org->name), "mode", mode_name(org->mode),
		                                      "domains", make_domains(org), "reject_unless",
		                                      relayctl_json_whole(org->reject_unless.text), "defer_unless",
		                                      relayctl_json_whole(org->defer_unless.text), "quarantine_unless",
		                                      relayctl_json_whole(org->quarantine_unless.text), "warn_unless",
		                                      relayctl_json_whole(org->warn_unless.text), "limit", make_limit(org),
		                                      "proof", make_proof(settings, org)));
	}
	return list;
}

/* What mta_snippets prints, as one text. NULL without memory. */
static json_t *make_mta(enum mta mta, const struct settings *settings)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	if (!out)
		return NULL;
	mta_snippets_print(out, mta, settings);
	bool good = fclose(out) == 0;
	json_t *value = good ? relayctl_json_whole(span_make(text, length)) : NULL;
	free(text);
	return value;
}

bool config_json(FILE *out, const struct config_view *view)
{
	json_t *object = json_pack("{s:o, s:b, s:o}", "file", relayctl_json_whole(span_of(view->path)), "good",
	                           view->settings != NULL, "problems", make_problems(view->problems));
	bool good = object != NULL && !view->problems->no_memory;
	if (good && view->settings) {
		good = json_object_set_new(object, "settings", make_settings(view->settings)) == 0
		       && json_object_set_new(object, "orgs", make_orgs(view->settings)) == 0
		       && (view->mta == MTA_UNKNOWN
		           || json_object_set_new(object, "mta", make_mta(view->mta, view->settings)) == 0);
	}
	if (good)
		return relayctl_json_print(out, object);
	json_decref(object);
	return false;
}
