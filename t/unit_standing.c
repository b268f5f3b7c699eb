/* SPDX-License-Identifier: BSD-2-Clause */
/* standing: what room the questions of a message have. */
#include "core/judge.h"
#include "engine.h"
#include "evidence/standing.h"

/* A message of an organization that lists example.com and what is below it, and one selector. */
struct scene {
	struct settings *settings;
	struct arena arena;
	struct facts facts;
	struct standing standing;
};

static void scene_begin(struct scene *scene, const char *client, bool certificate, const char *author)
{
	struct session_input input = good_session();
	char from[100];

	memset(scene, 0, sizeof *scene);
	scene->settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	scene->settings->orgs[0].domains = PATTERNS(scene->settings, "example.com", "*.example.com");
	scene->settings->orgs[0].dkim.selectors = STRINGS(scene->settings, SET_NOCASE, "listed");
	scene->settings->orgs[0].ip.networks = networks(scene->settings, "192.0.2.0/24");
	if (!settings_complete(scene->settings, unite_options))
		printf("Bail out! settings\n");
	arena_init(&scene->arena, 0);
	address_parse(span_of(client), &input.client);
	if (!certificate)
		memset(&input.certificate, 0, sizeof input.certificate);
	facts_begin(&scene->facts, &scene->arena, NULL, scene->settings, &input);
	facts_recipient(&scene->facts, span_of("<user@dest.test>"), span_of("smtp"));
	snprintf(from, sizeof from, " <joe@%s>", author);
	facts_field(&scene->facts, span_of("From"), span_of(from), true);
	facts_field(&scene->facts, span_of("X-SFDC-LK"), span_of(" 00D8d000003TRx3"), true);
	facts_header_end(&scene->facts, 1800000000);
	standing_init(&scene->standing, scene->settings, &scene->facts);
}

static void scene_end(struct scene *scene)
{
	arena_clear(&scene->arena);
	settings_free(scene->settings);
}

struct row {
	enum purpose purpose;
	const char *domain;
	const char *selector;
	const char *name; /* that is asked */
	enum room room;
	const char *group; /* NULL: none */
	bool exact;
	enum spf_chooser chooser;
};

static void check_rows(struct scene *scene, const struct row *rows, size_t count)
{
	static const char *const names[] = { "named", "below", "stranger" };
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct origin origin = { row->purpose, span_of(row->domain), span_of(row->selector), row->chooser };
		struct question question = { RECORD_TXT, span_of(row->name) };
		struct applicant applicant;
		bool good = standing_applicant(&scene->standing, &origin, &question, &applicant);
		ok(good && applicant.room == row->room, "%s for %s: %s", row->name, row->domain, names[row->room]);
		ok(row->group ? span_equal(applicant.group, span_of(row->group)) && applicant.exact == row->exact
		              : applicant.room != ROOM_BELOW,
		   "... in the group %s", row->group ? row->group : "none");
		ok((applicant.left != NULL) == (row->purpose == PURPOSE_KEY && row->room == ROOM_BELOW),
		   "... which a message may ask so often");
	}
}

static void test_names(void)
{
	static const struct row rows[] = {
		{ PURPOSE_KEY, "example.com", "Listed", "listed._domainkey.example.com", ROOM_NAMED, NULL, false,
		  SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_KEY, "example.com", "other", "other._domainkey.example.com", ROOM_BELOW, "example.com", true,
		  SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_KEY, "dead.example.com", "listed", "listed._domainkey.dead.example.com", ROOM_BELOW,
		  "dead.example.com", false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_KEY, "a.b.dead.example.com", "s", "s._domainkey.a.b.dead.example.com", ROOM_BELOW, "dead.example.com",
		  false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_KEY, "evilexample.com", "listed", "listed._domainkey.evilexample.com", ROOM_STRANGER, NULL, false,
		  SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_KEY, "com", "listed", "listed._domainkey.com", ROOM_STRANGER, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_IP_SPF, "", "", "anything.at.all", ROOM_NAMED, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_SENDER, "example.com", "", "spf.provider.example", ROOM_NAMED, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_SENDER, "x.example.com", "", "x.example.com", ROOM_BELOW, "x.example.com", false,
		  SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_SENDER, "a.na87.bnc.salesforce.com", "", "a.na87.bnc.salesforce.com", ROOM_BELOW,
		  "na87.bnc.salesforce.com", false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_SENDER, "attack.example", "", "attack.example", ROOM_STRANGER, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_SENDER, "attack.example", "", "_spf.salesforce.com", ROOM_NAMED, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_SENDER, "example.com", "", "joe.l.example.com", ROOM_BELOW, "example.com", true,
		  SPF_CHOSEN_BY_SENDER },
		{ PURPOSE_SENDER, "example.com", "", "1.2.0.192.in-addr.arpa", ROOM_STRANGER, NULL, false,
		  SPF_CHOSEN_BY_CLIENT },
		{ PURPOSE_SENDER, "attack.example", "", "joe.attack.example", ROOM_STRANGER, NULL, false,
		  SPF_CHOSEN_BY_SENDER },
		{ PURPOSE_IP_SPF, "_spf.salesforce.com", "", "helo.example", ROOM_BELOW, "_spf.salesforce.com", true,
		  SPF_CHOSEN_BY_SENDER },
		{ PURPOSE_IP_SPF, "_spf.salesforce.com", "", "1.2.0.192.in-addr.arpa", ROOM_STRANGER, NULL, false,
		  SPF_CHOSEN_BY_CLIENT },
		{ PURPOSE_AUTHOR, "example.com", "", "_dmarc.example.com", ROOM_NAMED, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "example.com", "", "_dmarc.com", ROOM_NAMED, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "example.com", "", "_dmarc.x.dead.example.com", ROOM_BELOW, "dead.example.com", false,
		  SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "a.x.example.com", "", "_dmarc.a.x.example.com", ROOM_BELOW, "x.example.com", false,
		  SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "a.x.example.com", "", "_dmarc.example.com", ROOM_NAMED, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "a.x.example.com", "", "_dmarc.com", ROOM_NAMED, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "attack.example", "", "_dmarc.attack.example", ROOM_STRANGER, NULL, false,
		  SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "attack.example", "", "_dmarc.example", ROOM_STRANGER, NULL, false, SPF_CHOSEN_BY_RECORD },
		{ PURPOSE_AUTHOR, "example.com", "", "_dmarc.attack.com", ROOM_STRANGER, NULL, false, SPF_CHOSEN_BY_RECORD },
	};
	struct scene scene;
	scene_begin(&scene, "198.51.100.1", false, "example.com");
	check_rows(&scene, rows, sizeof rows / sizeof rows[0]);
	ok(standing_owns(&scene.standing, span_of("a.b.example.com")) && !standing_owns(&scene.standing, span_of("com")),
	   "what can be learnt is ours");
	scene_end(&scene);
}

static struct applicant apply(struct scene *scene, const char *domain)
{
	struct origin origin = { .purpose = PURPOSE_KEY, .domain = span_of(domain), .selector = span_of("s") };
	struct question question = { RECORD_TXT, span_of("s._domainkey") };
	struct applicant applicant;
	ok(standing_applicant(&scene->standing, &origin, &question, &applicant), "an applicant");
	return applicant;
}

static void test_shares(void)
{
	struct scene scene;
	scene_begin(&scene, "198.51.100.1", false, "example.com");
	struct applicant one = apply(&scene, "example.com");
	struct applicant two = apply(&scene, "mail.example.com");
	ok(!one.vetted && span_equal(one.share, span_of("198.51.100.1")) && span_equal(two.share, one.share),
	   "a client that nothing speaks for has one share");
	ok(one.left == two.left && *one.left == STANDING_KEYS_MAX, "and so many keys for each message");
	scene_end(&scene);
	static const struct {
		const char *client;
		bool certificate;
	} known[] = { { "198.51.100.1", true }, { "192.0.2.7", false } };
	for (size_t i = 0; i < 2; i++) {
		scene_begin(&scene, known[i].client, known[i].certificate, "example.com");
		one = apply(&scene, "example.com");
		two = apply(&scene, "mail.example.com");
		ok(one.vetted && !span_equal(one.share, two.share),
		   "%s: one that is known has one for each d=", known[i].client);
		ok(span_find(one.share, 0, 'T') < one.share.length, "and for each organization: %.*s", (int)one.share.length,
		   one.share.at);
		scene_end(&scene);
	}
	scene_begin(&scene, "2001:db8:1:2:3:4:5:6", false, "example.com");
	one = apply(&scene, "example.com");
	ok(span_equal(one.share, span_of("2001:0db8:0001:0002")), "of IPv6 the network counts");
	scene_end(&scene);
}

int main(void)
{
	test_names();
	test_shares();
	return done_testing();
}
