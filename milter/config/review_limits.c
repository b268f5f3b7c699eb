/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "config/groups.h"
#include "config/loading.h"
#include "core/proof.h"

#define WINDOW_SECONDS_MAX (6 * 60 * 60)

static bool is_limited(const struct org *org)
{
	return org->limit.messages.count != 0 || org->limit.recipients.count != 0 || org->limit.per_user.count != 0;
}

static const char *long_window(const struct org *org)
{
	return org->limit.messages.seconds > WINDOW_SECONDS_MAX     ? "limit.messages"
	       : org->limit.recipients.seconds > WINDOW_SECONDS_MAX ? "limit.recipients"
	       : org->limit.per_user.seconds > WINDOW_SECONDS_MAX   ? "limit.per_user"
	                                                            : NULL;
}

/* The sentence in which `limit` does what it is not meant for, and what that is. */
static const char *misplaced(const struct settings *settings, const struct org *org, const char **harm_r)
{
	const struct {
		const char *name;
		const struct sentence *sentence;
		const char *harm;
	} rows[] = {
		{ "reject_unless", &org->reject_unless,
		  "refuses for good what could be sent an hour later, and Salesforce takes the "
		  "recipient for undeliverable" },
		{ "quarantine_unless", &org->quarantine_unless,
		  "holds the mail beyond the limit, which does not stop a flood" },
		{ "warn_unless", &org->warn_unless, "notes it only, and the mail goes on" },
		{ "monitor_floor", &settings->monitor_floor, "refuses in monitor mode what could be sent an hour later" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].sentence->checks & checks_needing(EVIDENCE_LIMIT)) {
			*harm_r = rows[i].harm;
			return rows[i].name;
		}
	return NULL;
}

/* Whether mail gets in on a signature alone, which whoever has one signed message can send again and again. */
static bool is_replayable(const struct settings *settings, const struct org *org)
{
	const check_bits withheld = checks_proving(PROVES_CLIENT);
	struct proof_terms terms = proof_terms(settings, org);
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(!(withheld & CHECK_BIT(i))         ? proof_best(&terms, (enum check_id)i)
		                      : terms.undecidable & CHECK_BIT(i) ? RESULT_PENDING
		                      : terms.skippable & CHECK_BIT(i)   ? RESULT_SKIP
		                                                         : RESULT_FAIL);
	return ((org->reject_unless.checks | org->defer_unless.checks) & checks_proving(PROVES_SIGNER))
	       && bounds_possible(sentence_evaluate(&org->reject_unless, bounds))
	       && !proof_defers(&org->defer_unless, (CHECK_BIT(CHECK_COUNT) - 1) & ~(withheld | terms.hopeless), &terms);
}

static void tell_windows(const struct groups *groups)
{
	struct loading *loading = groups->loading;
	for (size_t i = 0; i < set_count(groups->keys); i++)
		diagnostic_warning(
			&loading->diagnostics, loading->origins[groups->groups[i].first].limit,
			"%s: %.*s counts over more than 6h: what is deferred until such a time is over comes late, or is lost, for "
			"Salesforce tries for 24 hours; count over a shorter time",
			group_label(loading, &groups->groups[i]).text, (int)set_at(groups->keys, i).length,
			set_at(groups->keys, i).at);
}

static void tell_misplaced(const struct groups *groups)
{
	struct loading *loading = groups->loading;
	for (size_t i = 0; i < set_count(groups->keys); i++) {
		const struct org *org = &loading->settings->orgs[groups->groups[i].first];
		const char *harm = "";
		const char *name = misplaced(loading->settings, org, &harm);
		diagnostic_warning(&loading->diagnostics, loading->origins[groups->groups[i].first].sentence,
		                   "%s: limit stands in %s, where it %s; put it into defer_unless",
		                   group_label(loading, &groups->groups[i]).text, name, harm);
	}
}

static void tell_replayable(const struct groups *groups)
{
	struct loading *loading = groups->loading;
	for (size_t i = 0; i < set_count(groups->keys); i++)
		diagnostic_warning(
			&loading->diagnostics, loading->origins[groups->groups[i].first].sentence,
			"%s: mail is accepted by dkim alone, and is limited: whoever has one signed message can send it again and "
			"again, and use up what the organization may send; ask for auth, cert or ip as well",
			group_label(loading, &groups->groups[i]).text);
}

static void tell_unused(const struct groups *groups)
{
	struct loading *loading = groups->loading;
	for (size_t i = 0; i < set_count(groups->keys); i++)
		diagnostic_warning(
			&loading->diagnostics, loading->origins[groups->groups[i].first].limit,
			"%s: a limit is set, but no sentence asks for limit, so that mail is counted and never held up; put limit "
			"into defer_unless",
			group_label(loading, &groups->groups[i]).text);
}

/* A proof takes its time, and is made once for all organizations with the same policy. */
static void keep_replayable(struct groups *groups)
{
	const struct settings *settings = groups->loading->settings;
	struct groups told = groups_make(groups->loading);
	for (size_t i = 0; i < set_count(groups->keys) && told.keys; i++)
		if (is_replayable(settings, &settings->orgs[groups->groups[i].first])) {
			groups_add(&told, groups->groups[i].first, set_at(groups->keys, i));
			if (told.keys)
				told.groups[set_count(told.keys) - 1].count = groups->groups[i].count;
		}
	*groups = told;
}

void review_limits(struct loading *loading)
{
	struct groups windows = groups_make(loading);
	struct groups places = groups_make(loading);
	struct groups replayable = groups_make(loading);
	struct groups unused = groups_make(loading);
	const struct settings *settings = loading->settings;
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		const char *window = long_window(org);
		const char *harm;
		const char *sentence = misplaced(settings, org, &harm);
		if (!loading->origins[i].sound || !windows.keys || !places.keys || !replayable.keys || !unused.keys)
			continue;
		if (window)
			groups_add(&windows, i, span_of(window));
		if (sentence)
			groups_add(&places, i, span_of(sentence));
		if (is_limited(org) && !sentence && !(org->defer_unless.checks & checks_needing(EVIDENCE_LIMIT)))
			groups_add(&unused, i, span_of("unused"));
		if (is_limited(org))
			groups_add(&replayable, i, policy_key(loading, org));
	}
	keep_replayable(&replayable);
	tell_windows(&windows);
	tell_misplaced(&places);
	tell_replayable(&replayable);
	tell_unused(&unused);
}
