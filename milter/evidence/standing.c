/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/standing.h"

#include "core/checks.h"
#include "core/judge.h"
#include "core/set.h"

/* How a name stands to the patterns of the configuration. */
enum place { PLACE_EXACT, PLACE_WILD, PLACE_FOREIGN };

/* Gives the applicant, who has nothing, the room that is due to a question of that origin. */
typedef void (*purpose_judge)(struct standing *standing, const struct origin *origin, const struct question *question,
                              struct applicant *applicant);

void standing_init(struct standing *standing, const struct settings *settings, const struct facts *facts)
{
	standing->settings = settings;
	standing->facts = facts;
	standing->option_map_left = STANDING_KEYS_MAX;
}

/*
 * *group_r: where a wildcard covers the name, the part of it that is one label longer than the wildcard's domain: what is
 * delegated there, and may be dead, is one group.
 */
static enum place find_place(const struct set *patterns, struct span name, struct span *group_r)
{
	size_t cursor = 0;
	size_t number = pattern_next(patterns, name, &cursor);

	*group_r = name;
	if (number == SET_ABSENT)
		return PLACE_FOREIGN;
	struct span pattern = set_at(patterns, number);
	if (pattern.length == 0 || pattern.at[0] != '.')
		return PLACE_EXACT;
	size_t from = name.length - pattern.length;
	while (from > 0 && name.at[from - 1] != '.')
		from--;
	*group_r = span_slice(name, from, name.length);
	return PLACE_WILD;
}

static void give_room(struct applicant *applicant, enum place place, struct span group)
{
	switch (place) {
	case PLACE_EXACT:
		applicant->room = ROOM_NAMED;
		return;
	case PLACE_WILD:
		applicant->room = ROOM_BELOW;
		applicant->group = group;
		return;
	case PLACE_FOREIGN:
		break;
	}
	applicant->room = ROOM_STRANGER;
}

static void judge_key(struct standing *standing, const struct origin *origin, const struct question *question,
                      struct applicant *applicant)
{
	(void)question;
	const struct org *org = judge_org(standing->settings, standing->facts);
	struct span group;
	enum place place = find_place(standing->settings->owned, origin->domain, &group);

	give_room(applicant, place, group);
	if (place == PLACE_FOREIGN || (place == PLACE_EXACT && org && set_has(org->dkim.selectors, origin->selector)))
		return;
	applicant->room = ROOM_BELOW;
	applicant->group = group;
	applicant->exact = place == PLACE_EXACT;
	applicant->left = &standing->option_map_left;
}

/* Of a name that the configuration's records made, with what they took from elsewhere. */
static void take_chooser(struct applicant *applicant, const struct origin *origin)
{
	switch (origin->chooser) {
	case SPF_CHOSEN_BY_RECORD:
		return;
	case SPF_CHOSEN_BY_SENDER:
		if (applicant->room != ROOM_NAMED)
			return;
		applicant->room = ROOM_BELOW;
		applicant->group = origin->domain;
		applicant->exact = true;
		return;
	case SPF_CHOSEN_BY_CLIENT:
		applicant->room = ROOM_STRANGER;
		return;
	}
}

static void judge_ip_spf(struct standing *standing, const struct origin *origin, const struct question *question,
                         struct applicant *applicant)
{
	(void)standing;
	(void)question;
	applicant->room = ROOM_NAMED;
	take_chooser(applicant, origin);
}

/* The configuration means these senders: they are of the organizations' domains, or of Salesforce's for bounces. */
static void judge_sender(struct standing *standing, const struct origin *origin, const struct question *question,
                         struct applicant *applicant)
{
	const struct settings *settings = standing->settings;
	struct span group;
	enum place place = find_place(settings->owned, origin->domain, &group);

	if (place == PLACE_FOREIGN)
		place = find_place(settings->any.envelope.bounce_domains, origin->domain, &group);
	give_room(applicant, place, group);
	take_chooser(applicant, origin);
	if (set_has(settings->any.ip.spf, question->name))
		applicant->room = ROOM_NAMED;
}

static bool is_within(struct span name, struct span parent)
{
	return span_ends_nocase(name, parent)
	       && (name.length == parent.length || name.at[name.length - parent.length - 1] == '.');
}

/*
 * Names above the domain of an author of ours are few. Those beside it were brought in by d= or the sender, and are judged
 * by themselves.
 */
static void judge_author(struct standing *standing, const struct origin *origin, const struct question *question,
                         struct applicant *applicant)
{
	static const struct span label = SPAN_LITERAL("_dmarc.");
	const struct set *owned = standing->settings->owned;
	struct span name = question->name;
	struct span group;
	struct span group_of_author;

	if (name.length > label.length && span_equal_nocase(span_slice(name, 0, label.length), label))
		name = span_slice(name, label.length, name.length);
	enum place author = find_place(owned, origin->domain, &group_of_author);
	enum place place = find_place(owned, name, &group);
	if (author != PLACE_FOREIGN && place == PLACE_FOREIGN && is_within(origin->domain, name))
		place = PLACE_EXACT;
	give_room(applicant, author == PLACE_FOREIGN && is_within(origin->domain, name) ? PLACE_FOREIGN : place, group);
}

static bool is_client_known(const struct standing *standing, const struct org *org)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		const struct check *check = check_at((enum check_id)i);
		if (check->proves == PROVES_CLIENT && check->judge(standing->facts, org).code == RESULT_PASS)
			return true;
	}
	return false;
}

/* The client as its share is counted: one IPv4 address, or the 64 bits of an IPv6 network. */
static struct span client_text(const struct standing *standing)
{
	const struct address *client = &standing->facts->client;
	const uint8_t *b = client->bytes;

	if (client->family != ADDRESS_IPV6)
		return standing->facts->client_text;
	return arena_printf(standing->facts->arena, "%02x%02x:%02x%02x:%02x%02x:%02x%02x", b[0], b[1], b[2], b[3], b[4],
	                    b[5], b[6], b[7]);
}

/*
 * Addresses that passed are shared by all customers of Salesforce, so there one share is that of one domain and one
 * organization.
 */
static bool give_share(struct standing *standing, const struct origin *origin, struct applicant *applicant)
{
	const struct facts *facts = standing->facts;
	const struct org *org = judge_org(standing->settings, facts);
	struct span client = client_text(standing);

	if (!org)
		org = &standing->settings->any;
	applicant->vetted = is_client_known(standing, org);
	applicant->share = client;
	if (applicant->vetted) {
		struct span lk = span_slice(facts->org_text, 0, facts->org_text.length < 15 ? facts->org_text.length : 15);
		applicant->share = arena_printf(facts->arena, "%.*s %.*s %.*s", (int)client.length, client.at ? client.at : "",
		                                (int)origin->domain.length, origin->domain.at ? origin->domain.at : "",
		                                (int)lk.length, lk.at ? lk.at : "");
	}
	return !arena_failed(facts->arena);
}

static const purpose_judge judges[PURPOSES] = {
	[PURPOSE_KEY] = judge_key,
	[PURPOSE_IP_SPF] = judge_ip_spf,
	[PURPOSE_SENDER] = judge_sender,
	[PURPOSE_AUTHOR] = judge_author,
};

bool standing_applicant(struct standing *standing, const struct origin *origin, const struct question *question,
                        struct applicant *applicant_r)
{
	memset(applicant_r, 0, sizeof *applicant_r);
	judges[origin->purpose](standing, origin, question, applicant_r);
	return applicant_r->room == ROOM_NAMED || give_share(standing, origin, applicant_r);
}

bool standing_owns(const struct standing *standing, struct span domain)
{
	return pattern_match(standing->settings->owned, domain);
}
