/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <stdio.h>

#include "config/groups.h"
#include "config/loading.h"
#include "core/proof.h"

#define KEY_SIZE 256
#define REMEDY "prove the customer with from and one of auth, dkim, org with cert, or org with ip and tls"

/* Whether nothing is refused and, while there is room in the limits, nothing deferred. */
static bool holds_always(const struct settings *settings, const struct org *org)
{
	struct proof_terms terms = proof_terms(settings, org);
	struct bounds bounds[CHECK_COUNT];
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds[i] = bounds_of(RESULT_FAIL);
	return bounds_hold(sentence_evaluate(&org->reject_unless, bounds)) && !proof_defers(&org->defer_unless, 0, &terms);
}

static struct span text_of(const struct sentence *sentence)
{
	return sentence->root ? sentence->text : span_of("");
}

struct span policy_key(struct loading *loading, const struct org *org)
{
	struct proof_terms terms = proof_terms(loading->settings, org);
	struct span reject = text_of(&org->reject_unless);
	struct span defer = text_of(&org->defer_unless);
	return arena_printf(&loading->scratch, "%x %x %x:%.*s:%.*s", terms.skippable, terms.undecidable, terms.hopeless,
	                    (int)reject.length, reject.at, (int)defer.length, defer.at);
}

/* "; with undecided: accept dkim and ip are no evidence", where that is so. */
struct undecided_clause {
	char text[120];
};

static struct undecided_clause undecided_clause(const struct settings *settings, const struct org *org)
{
	struct undecided_clause clause = { "" };
	check_bits undecidable = proof_undecidable(settings, org);
	char names[64];
	if (undecidable == 0)
		return clause;
	proof_set_text(undecidable, names, sizeof names);
	snprintf(clause.text, sizeof clause.text, ", and undecided: accept makes no evidence of %s", names);
	return clause;
}

/* The weak sets of one policy. */
static void report_weak(struct loading *loading, const struct group *group)
{
	const struct org *org = &loading->settings->orgs[group->first];
	struct place place = loading->origins[group->first].sentence;
	struct group_label label = group_label(loading, group);
	struct proof_terms terms = proof_terms(loading->settings, org);
	struct proof proof;
	size_t shown_weak = 0;

	proof_make(loading->settings, org, &proof);
	for (size_t i = 0; i < proof.shown; i++) {
		char text[160];
		if (proof.sets[i].strength != PROOF_WEAK)
			continue;
		shown_weak++;
		proof_set_text(proof.sets[i].checks, text, sizeof text);
		if (proof.sets[i].checks == 0)
			diagnostic_warning(&loading->diagnostics, place, "%s: mail is accepted though no check passes%s; " REMEDY,
			                   label.text, undecided_clause(loading->settings, org).text);
		else
			diagnostic_warning(&loading->diagnostics, place, "%s: mail is accepted on %s alone: %s%s; " REMEDY,
			                   label.text, text, proof_weakness(proof.sets[i].checks, &terms),
			                   undecided_clause(loading->settings, org).text);
	}
	if (proof.weak > shown_weak)
		diagnostic_warning(
			&loading->diagnostics, place,
			"%s: mail is accepted on %zu more combinations of checks that do not prove the customer; " REMEDY,
			label.text, proof.weak - shown_weak);
}

static void report_always(struct loading *loading, const struct group *group)
{
	diagnostic_warning(&loading->diagnostics, loading->origins[group->first].sentence,
	                   "%s: %ss, but reject_unless always holds, so that no mail is refused; "
	                   "write a sentence, or mode: monitor",
	                   group_label(loading, group).text, mode_name(loading->settings->orgs[group->first].mode));
}

static void review_proof(struct loading *loading)
{
	struct groups weak = groups_make(loading);
	struct groups always = groups_make(loading);
	for (size_t i = 0; i < loading->settings->org_count && weak.keys && always.keys; i++) {
		const struct org *org = &loading->settings->orgs[i];
		if (!loading->origins[i].sound)
			continue;
		struct span text = text_of(&org->reject_unless);
		if (org->mode != MODE_MONITOR && holds_always(loading->settings, org))
			groups_add(&always, i,
			           arena_printf(&loading->scratch, "%s:%.*s", mode_name(org->mode), (int)text.length, text.at));
		else
			groups_add(&weak, i, policy_key(loading, org));
	}
	for (size_t i = 0; i < set_count(weak.keys); i++)
		report_weak(loading, &weak.groups[i]);
	for (size_t i = 0; i < set_count(always.keys); i++)
		report_always(loading, &always.groups[i]);
}

/* The best that each check can come to, given the organization's parameters. */
static void best_results(const struct loading *loading, const struct org *org, struct bounds best_r[CHECK_COUNT])
{
	struct proof_terms terms = proof_terms(loading->settings, org);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		best_r[i] = bounds_of(proof_best(&terms, (enum check_id)i));
}

static void add_empty(char *to, size_t size, const char *text)
{
	size_t at = strlen(to);
	snprintf(to + at, size - at, "%s%s", at ? ", " : "", text);
}

/* The sentences that hold mail up where they do not hold, and what becomes of it. */
static const struct {
	const char *name;
	size_t offset; /* in struct org */
	const char *harm;
} gates[] = {
	{ "reject_unless", offsetof(struct org, reject_unless), "" },
	{ "defer_unless", offsetof(struct org, defer_unless), " and all mail is deferred until it is lost" },
	{ "quarantine_unless", offsetof(struct org, quarantine_unless), " and all mail is held" },
};

#define GATES (sizeof gates / sizeof gates[0])

static const struct sentence *gate_of(const struct org *org, size_t gate)
{
	return (const struct sentence *)(const void *)((const char *)org + gates[gate].offset);
}

/* A sentence that no message can fulfill, with what is empty. */
static void report_hopeless(struct loading *loading, size_t gate, const struct group *group)
{
	const struct org *org = &loading->settings->orgs[group->first];
	struct bounds best[CHECK_COUNT];
	struct check_list list;
	char empty[200] = "";
	best_results(loading, org, best);
	sentence_responsible(gate_of(org, gate), best, true, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct check *check = check_at(list.ids[i]);
		const char *options = check->hopeless ? check->hopeless(org) : NULL;
		if (options)
			add_empty(empty, sizeof empty, options);
	}
	diagnostic_warning(&loading->diagnostics, loading->origins[group->first].sentence,
	                   "%s: %s can never hold%s, since lists are empty: %s; fill them, or leave those checks out",
	                   group_label(loading, group).text, gates[gate].name, gates[gate].harm, empty);
}

static void report_no_domains(struct loading *loading, size_t i, check_bits checks)
{
	char names[64];
	proof_set_text(checks, names, sizeof names);
	diagnostic_error(&loading->diagnostics, loading->origins[i].domains,
	                 "%s: %ss, but domains is empty, while its sentences ask for %s; list the domains it sends from",
	                 org_label(&loading->settings->orgs[i]).text, mode_name(loading->settings->orgs[i].mode), names);
}

/* Whether that was an error, after which there is no more to say of the organization. */
static bool lacks_domains(struct loading *loading, size_t i)
{
	const struct org *org = &loading->settings->orgs[i];
	check_bits asked =
		org->reject_unless.checks | org->defer_unless.checks | org->quarantine_unless.checks | org->warn_unless.checks;
	asked &= checks_asking_domains();
	if (org->mode == MODE_MONITOR || set_count(org->domains) != 0 || asked == 0)
		return false;
	report_no_domains(loading, i, asked);
	return true;
}

/* What tells organizations apart of which a sentence can never hold. */
static struct span hopeless_key(struct loading *loading, const struct bounds best[CHECK_COUNT], struct span text)
{
	char key[CHECK_COUNT + 1];
	for (unsigned c = 0; c < CHECK_COUNT; c++)
		key[c] = bounds_possible(best[c]) ? '1' : '0';
	key[CHECK_COUNT] = '\0';
	return arena_printf(&loading->scratch, "%s:%.*s", key, (int)text.length, text.at);
}

static void review_empty_lists(struct loading *loading)
{
	struct groups hopeless[GATES];
	bool ready = true;
	for (size_t gate = 0; gate < GATES; gate++) {
		hopeless[gate] = groups_make(loading);
		ready = ready && hopeless[gate].keys;
	}
	for (size_t i = 0; i < loading->settings->org_count && ready; i++) {
		const struct org *org = &loading->settings->orgs[i];
		struct bounds best[CHECK_COUNT];
		if (!loading->origins[i].sound || lacks_domains(loading, i))
			continue;
		best_results(loading, org, best);
		for (size_t gate = 0; gate < GATES; gate++) {
			const struct sentence *sentence = gate_of(org, gate);
			if (hopeless[gate].keys && !bounds_possible(sentence_evaluate(sentence, best)))
				groups_add(&hopeless[gate], i, hopeless_key(loading, best, sentence->text));
		}
	}
	for (size_t gate = 0; gate < GATES; gate++)
		for (size_t i = 0; hopeless[gate].keys && i < set_count(hopeless[gate].keys); i++)
			report_hopeless(loading, gate, &hopeless[gate].groups[i]);
}

#define SHARERS_MAX 3

/* The first few different organizations that own a pattern. */
struct sharers {
	size_t count;
	size_t orgs[SHARERS_MAX];
};

static void add_owners(const struct settings *settings, size_t pattern, struct sharers *sharers)
{
	for (const struct owner *owner = settings->owners[pattern]; owner; owner = owner->next) {
		size_t org = (size_t)(owner->org - settings->orgs);
		bool there = false;
		for (size_t i = 0; i < sharers->count; i++)
			there = there || sharers->orgs[i] == org;
		if (!there)
			sharers->orgs[sharers->count++] = org;
		if (sharers->count == SHARERS_MAX)
			return;
	}
}

size_t covering_next(const struct settings *settings, struct covering *covering)
{
	struct span name = set_at(settings->owned, covering->pattern);
	size_t above;

	if (!covering->begun) {
		covering->begun = true;
		return covering->pattern;
	}
	if (name.length != 0 && name.at[0] == '.')
		name = span_slice(name, 1, name.length);
	while ((above = pattern_next(settings->owned, name, &covering->cursor)) != SET_ABSENT)
		if (above != covering->pattern && set_at(settings->owned, above).at[0] == '.')
			return above;
	return SET_ABSENT;
}

/* Those that list the pattern itself, and those that list a wildcard above it. */
static struct sharers sharers_of(const struct settings *settings, size_t pattern)
{
	struct sharers sharers = { .count = 0 };
	struct covering covering = { .pattern = pattern };
	size_t next;
	while (sharers.count < SHARERS_MAX && (next = covering_next(settings, &covering)) != SET_ABSENT)
		add_owners(settings, next, &sharers);
	return sharers;
}

struct sharing {
	size_t pattern; /* the first that is shared in this way */
	struct sharers sharers;
};

static void report_shared(struct loading *loading, const struct sharing *sharing, size_t patterns)
{
	const struct settings *settings = loading->settings;
	struct span pattern = set_at(settings->owned, sharing->pattern);
	size_t a = sharing->sharers.orgs[0];
	size_t b = sharing->sharers.orgs[1];
	size_t first = a < b ? a : b;
	size_t second = a < b ? b : a;
	char more[64] = "";
	if (patterns > 1)
		snprintf(more, sizeof more, " and %zu more", patterns - 1);
	diagnostic_warning(&loading->diagnostics, loading->origins[second].domains,
	                   "\"%s%.*s\"%s is listed by %s (at %s)%s %s%s; the weaker of their sentences governs it: "
	                   "leave it to one, or give all the same sentences",
	                   pattern.at[0] == '.' ? "*" : "", (int)pattern.length, pattern.at, more,
	                   org_label(&settings->orgs[first]).text, place_text(loading->origins[first].domains).text,
	                   sharing->sharers.count > 2 ? "," : " and", org_label(&settings->orgs[second]).text,
	                   sharing->sharers.count > 2 ? " and others" : "");
}

static void review_shared(struct loading *loading)
{
	const struct settings *settings = loading->settings;
	struct groups groups = groups_make(loading);
	struct arena *scratch = &loading->scratch;
	struct sharing *sharings = arena_array(scratch, set_count(settings->owned), sizeof *sharings);
	if (!sharings)
		return;
	for (size_t i = 0; i < set_count(settings->owned) && groups.keys; i++) {
		char key[KEY_SIZE];
		struct sharing sharing = { i, sharers_of(settings, i) };
		if (sharing.sharers.count < 2)
			continue;
		int length = snprintf(key, sizeof key, "%zu %zu %zu", sharing.sharers.orgs[0], sharing.sharers.orgs[1],
		                      sharing.sharers.count);
		size_t known = set_count(groups.keys);
		groups_add(&groups, 0, span_make(key, (size_t)length));
		if (set_count(groups.keys) > known)
			sharings[known] = sharing;
	}
	for (size_t i = 0; i < set_count(groups.keys); i++)
		report_shared(loading, &sharings[i], groups.groups[i].count);
}

static void review_user(struct loading *loading)
{
	const struct node *node = loading->top.nodes[option_number(option_find(OPTION_TOP, span_of("user")))];
	if (node && span_equal(loading->settings->user, span_of("root")))
		diagnostic_warning(&loading->diagnostics, node_place(loading->main, node),
		                   "user: the daemon keeps running as root; name a user of its own, such as sfdc-milter");
}

/* Sets of checks on which anyone's mail passes the floor. */
static void report_weak_floor(struct loading *loading, struct place place)
{
	struct proof proof;
	proof_floor(loading->settings, &proof);
	for (size_t i = 0; i < proof.shown; i++) {
		char text[160];
		if (proof.sets[i].strength != PROOF_WEAK)
			continue;
		proof_set_text(proof.sets[i].checks, text, sizeof text);
		diagnostic_warning(
			&loading->diagnostics, place,
			"monitor_floor: in monitor mode mail is accepted on %s alone, which is none of auth, dkim, cert and ip, so "
			"that anyone passes; ask for one of these",
			text);
	}
}

/* An organization that would, enforcing, take what the floor refuses while it is monitored. */
static void report_floor_gap(struct loading *loading, const struct group *group)
{
	const struct org *org = &loading->settings->orgs[group->first];
	char text[160];
	check_bits witness;
	if (proof_implies_floor(loading->settings, org, &witness))
		return;
	proof_set_text(witness, text, sizeof text);
	diagnostic_warning(
		&loading->diagnostics, loading->origins[group->first].sentence,
		"%s: reject_unless does not imply monitor_floor, which holds in monitor mode only: enforced, mail is accepted "
		"on %s; put what the floor asks for into reject_unless too",
		group_label(loading, group).text, text);
}

static void review_floor(struct loading *loading)
{
	const struct node *node = loading->top.nodes[option_number(option_find(OPTION_TOP, span_of("monitor_floor")))];
	struct groups policies = groups_make(loading);
	if (!node || !loading->settings->monitor_floor.root)
		return;
	report_weak_floor(loading, node_place(loading->main, node));
	for (size_t i = 0; i < loading->settings->org_count && policies.keys; i++)
		if (loading->origins[i].sound)
			groups_add(&policies, i, policy_key(loading, &loading->settings->orgs[i]));
	for (size_t i = 0; i < set_count(policies.keys); i++)
		report_floor_gap(loading, &policies.groups[i]);
}

/* Mailers that both MTAs ship as ways to the Internet; what is listed as inside must not be one. */
static void review_mailers(struct loading *loading)
{
	static const char *const outward[] = { "smtp", "esmtp", "smtp8", "dsmtp" };
	const struct node *node = loading->top.nodes[option_number(option_find(OPTION_TOP, span_of("local_mailers")))];
	for (size_t i = 0; node && i < sizeof outward / sizeof outward[0]; i++)
		if (set_has(loading->settings->local_mailers, span_of(outward[i])))
			diagnostic_warning(
				&loading->diagnostics, node_place(loading->main, node),
				"local_mailers: %s is how mail leaves for the Internet, yet its recipients count as inside, so that "
				"with scope: salesforce every Salesforce customer can send to anybody; give inner servers a mailer "
				"of their own, and list that",
				outward[i]);
}

void review(struct loading *loading)
{
	review_mailers(loading);
	review_user(loading);
	review_empty_lists(loading);
	review_proof(loading);
	review_shared(loading);
	review_modes(loading);
	review_floor(loading);
	review_limits(loading);
	if (arena_failed(&loading->scratch))
		loading->diagnostics.no_memory = true;
}
