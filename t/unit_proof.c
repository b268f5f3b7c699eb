/* SPDX-License-Identifier: BSD-2-Clause */
/* proof: which policies prove the customer, and how the others are named. */
#include "core/proof.h"

#include "engine.h"

/* Result: the number of minimal sets, of weak ones, and the first set shown. */
static const struct {
	const char *text;
	const char *not_required; /* of auth, cert, dkim */
	size_t minimal, weak;
	const char *first;
	enum proof_strength strength;
	const char *says;
} policies[] = {
	{ "tls and org and ip and from", "", 1, 0, "tls and org and from and ip", PROOF_CUSTOMER, NULL },
	{ "org and cert and from", "", 1, 0, "cert and org and from", PROOF_CUSTOMER, NULL },
	{ "dkim and from", "", 1, 0, "from and dkim", PROOF_REPLAYABLE, NULL },
	{ "auth and from", "", 1, 0, "from and auth", PROOF_CUSTOMER, NULL },
	{ "ip and org", "", 1, 1, "org and ip", PROOF_WEAK, "every Salesforce customer shares these addresses" },
	{ "ip", "", 1, 1, "ip", PROOF_WEAK, "every Salesforce customer shares these addresses" },
	{ "dkim", "", 1, 1, "dkim", PROOF_WEAK, "without from" },
	{ "cert", "", 1, 1, "cert", PROOF_WEAK, "certificate" },
	{ "org", "", 1, 1, "org", PROOF_WEAK, "anyone can write" },
	{ "from", "", 1, 1, "from", PROOF_WEAK, "anyone can write" },
	{ "org and from", "", 1, 1, "org and from", PROOF_WEAK, "anyone can write" },
	{ "org and ip and from", "", 1, 1, "org and from and ip", PROOF_WEAK, "without tls" },
	{ "", "", 1, 1, "nothing", PROOF_WEAK, "none of this" },
	{ "verp", "", 1, 1, "nothing", PROOF_WEAK, NULL },
	{ "from and (auth or org)", "", 2, 1, "org and from", PROOF_WEAK, NULL },
	{ "from and auth", "auth", 1, 1, "from", PROOF_WEAK, NULL },
	{ "cert", "cert", 1, 1, "nothing", PROOF_WEAK, NULL },
	{ "2 of (auth, dkim, cert) and from and org", "", 3, 0, NULL, PROOF_CUSTOMER, NULL },
	{ "2 of (tls, cert, message, org, from, envelope, dkim, auth, ip, spf)", "", 45, 43, NULL, PROOF_WEAK, NULL },
	{ "2 of (tls, cert, message, org, from, envelope, dkim) or ip", "", 22, 21, "ip", PROOF_WEAK,
	  "shares these addresses" },
	{ "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)", "", 3, 0, NULL,
	  PROOF_CUSTOMER, NULL },
};

static void test_text(void)
{
	char text[32] = "untouched";
	proof_set_text(0, text, 0);
	is_text(text, "untouched", "without room nothing is written");
	proof_set_text(0, text, sizeof text);
	is_text(text, "nothing", "the empty set");
	proof_set_text(CHECK_BIT(CHECK_TLS) | CHECK_BIT(CHECK_IP), text, sizeof text);
	is_text(text, "tls and ip", "a set");
	proof_set_text(CHECK_BIT(CHECK_TLS) | CHECK_BIT(CHECK_MESSAGE) | CHECK_BIT(CHECK_IP), text, 8);
	is_text(text, "tls and", "a set that is cut");
}

/* W03: what a sender can leave undecided proves nothing where that is accepted, and mail is let in without it. */
static void test_undecided(void)
{
	static const struct {
		const char *text;
		enum verdict undecided;
		bool spf; /* ip asks for SPF */
		size_t minimal, weak;
		const char *first;
	} rows[] = {
		{ "from and dkim", VERDICT_ACCEPT, true, 1, 1, "from" },
		{ "from and dkim", VERDICT_QUARANTINE, true, 1, 0, "from and dkim" },
		{ "from and dkim", VERDICT_TEMPFAIL, true, 1, 0, "from and dkim" },
		{ "from and dkim", VERDICT_REJECT, true, 1, 0, "from and dkim" },
		{ "from and dmarc and spf", VERDICT_ACCEPT, true, 1, 1, "from" },
		{ "from and (dkim or auth)", VERDICT_ACCEPT, true, 1, 1, "from" },
		{ "from and auth and dkim", VERDICT_ACCEPT, true, 1, 0, "from and auth" },
		{ "tls and org and ip and from", VERDICT_ACCEPT, true, 1, 1, "tls and org and from" },
		{ "tls and org and ip and from", VERDICT_ACCEPT, false, 1, 0, "tls and org and from and ip" },
		{ "tls and org and ip and from", VERDICT_QUARANTINE, true, 1, 0, "tls and org and from and ip" },
		{ "dkim", VERDICT_ACCEPT, true, 1, 1, "nothing" },
		{ "2 of (dkim, auth, cert) and from and org", VERDICT_ACCEPT, true, 2, 0, NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
		struct org *org = &settings->orgs[0];
		struct proof proof;
		char text[200];
		settings->undecided = rows[i].undecided;
		if (!rows[i].spf)
			org->ip.spf = NULL;
		sentence_set(settings, &org->reject_unless, rows[i].text);
		proof_make(settings, org, &proof);
		ok(proof.minimal == rows[i].minimal && proof.weak == rows[i].weak,
		   "W03 undecided: %s, \"%s\": %zu sets, %zu weak", verdict_name(rows[i].undecided), rows[i].text,
		   proof.minimal, proof.weak);
		proof_set_text(proof.sets[0].checks, text, sizeof text);
		if (rows[i].first)
			is_text(text, rows[i].first, "W03 the first");
		settings_free(settings);
	}
}

/* What is deferred for as long as a check does not pass is not let in; limits have room. */
static void test_deferred(void)
{
	static const struct {
		const char *reject, *defer;
		enum verdict undecided;
		size_t minimal, weak;
		const char *first;
		enum proof_strength strength;
		check_bits undecidable;
	} rows[] = {
		{ "from", "", VERDICT_TEMPFAIL, 1, 1, "from", PROOF_WEAK, 0 },
		{ "from", "limit", VERDICT_TEMPFAIL, 1, 1, "from", PROOF_WEAK, 0 },
		{ "from", "auth", VERDICT_TEMPFAIL, 1, 0, "from and auth", PROOF_CUSTOMER, 0 },
		{ "from", "limit and (auth or dkim)", VERDICT_TEMPFAIL, 2, 0, NULL, PROOF_CUSTOMER, 0 },
		{ "from and (auth or ip)", "auth or cert", VERDICT_TEMPFAIL, 2, 1, "cert and from and ip", PROOF_WEAK, 0 },
		{ "", "org and cert and from", VERDICT_TEMPFAIL, 1, 0, "cert and org and from", PROOF_CUSTOMER, 0 },
		{ "from", "verp", VERDICT_TEMPFAIL, 1, 1, "from", PROOF_WEAK, 0 },
		{ "from and dkim", "", VERDICT_ACCEPT, 1, 1, "from", PROOF_WEAK, CHECK_BIT(CHECK_DKIM) },
		{ "from and dkim", "dkim", VERDICT_ACCEPT, 1, 0, "from and dkim", PROOF_REPLAYABLE, 0 },
		{ "from", "dkim", VERDICT_ACCEPT, 1, 0, "from and dkim", PROOF_REPLAYABLE, 0 },
		{ "from", "3 of (tls, cert, limit)", VERDICT_TEMPFAIL, 1, 1, "tls and cert and from", PROOF_WEAK, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
		struct org *org = &settings->orgs[0];
		struct proof proof;
		char text[200];
		settings->undecided = rows[i].undecided;
		sentence_set(settings, &org->reject_unless, rows[i].reject);
		sentence_set(settings, &org->defer_unless, rows[i].defer);
		proof_make(settings, org, &proof);
		ok(proof.minimal == rows[i].minimal && proof.weak == rows[i].weak,
		   "\"%s\", else deferred \"%s\": %zu sets, %zu weak", rows[i].reject, rows[i].defer, proof.minimal,
		   proof.weak);
		proof_set_text(proof.sets[0].checks, text, sizeof text);
		if (rows[i].first)
			is_text(text, rows[i].first, "the first");
		ok(!rows[i].first || proof.sets[0].strength == rows[i].strength, "its strength");
		ok(proof_undecidable(settings, org) == rows[i].undecidable,
		   "what is undecided is no evidence for reject_unless alone");
		settings_free(settings);
	}
}

/* A check that nothing can pass is in no set. */
static void test_hopeless(void)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	struct org *org = &settings->orgs[0];
	struct proof proof;
	char text[200];
	sentence_set(settings, &org->reject_unless, "from and (auth or dkim or org and cert)");
	org->auth.users = NULL;
	org->cert.names = NULL;
	proof_make(settings, org, &proof);
	proof_set_text(proof.sets[0].checks, text, sizeof text);
	ok(proof.minimal == 1, "without users and names there is one set left");
	is_text(text, "from and dkim", "that without them");
	sentence_set(settings, &org->reject_unless, "from and auth");
	proof_make(settings, org, &proof);
	ok(proof.minimal == 0, "without users none fulfills from and auth");
	org->auth.required = false;
	proof_make(settings, org, &proof);
	ok(proof.minimal == 1 && proof.weak == 1, "but where auth can be skipped, from alone does");
	org->domains = NULL;
	proof_make(settings, org, &proof);
	ok(proof.minimal == 0, "and without domains nothing");
	settings_free(settings);
}

/* A floor of what all of Salesforce's customers have in common. */
static void test_shared_floor(void)
{
	static const struct {
		const char *floor;
		bool shared;
	} rows[] = {
		{ "cert", true },
		{ "tls and from and ip", true },
		{ "cert or auth", true },
		{ "auth", false },
		{ "dkim", false },
		{ "org and from", false },
		{ "org and from and (cert or auth or ip)", false },
		{ "2 of (cert, auth, ip)", true },
		{ "2 of (cert, auth, org)", false },
		{ "dmarc and cert", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings *settings = settings_two(MODE_MONITOR, MODE_MONITOR);
		sentence_set(settings, &settings->monitor_floor, rows[i].floor);
		settings_complete(settings, unite_options);
		ok(proof_floor_is_shared(settings) == rows[i].shared, "floor \"%s\" is shared or not", rows[i].floor);
		settings_free(settings);
	}
}

/* X16: a floor that anyone passes, and a policy that lets in what the floor does not. */
static void test_floor(void)
{
	static const struct {
		const char *floor;
		size_t minimal, weak;
		const char *first;
		const char *sentence;
		enum verdict undecided;
		const char *witness; /* NULL: it implies the floor */
	} rows[] = {
		{ "auth", 1, 0, "auth", "from and auth", VERDICT_TEMPFAIL, NULL },
		{ "tls", 1, 1, "tls", "tls and from and auth", VERDICT_TEMPFAIL, NULL },
		{ "tls and (cert or auth or ip)", 3, 0, NULL, "tls and from and (cert or auth)", VERDICT_TEMPFAIL, NULL },
		{ "tls and (cert or from)", 2, 1, "tls and from", "tls and cert", VERDICT_TEMPFAIL, NULL },
		{ "org and from", 1, 1, "org and from", "org and from", VERDICT_TEMPFAIL, NULL },
		{ "verp", 1, 1, "nothing", "verp and from", VERDICT_TEMPFAIL, NULL },
		{ "verp", 1, 1, "nothing", "from", VERDICT_TEMPFAIL, "from" },
		{ "cert or auth", 2, 0, NULL, "from and (cert or auth or ip)", VERDICT_TEMPFAIL, "from and ip" },
		{ "cert", 1, 0, "cert", "", VERDICT_TEMPFAIL, "nothing" },
		{ "dkim", 1, 0, "dkim", "from and dkim", VERDICT_TEMPFAIL, NULL },
		{ "dkim", 1, 0, "dkim", "from and dkim", VERDICT_ACCEPT, "from" },
		{ "2 of (cert, auth, ip)", 3, 0, NULL, "cert and ip", VERDICT_TEMPFAIL, NULL },
		{ "2 of (cert, auth, ip)", 3, 0, NULL, "cert and dkim or auth", VERDICT_TEMPFAIL, "auth" },
		{ "dmarc and cert", 1, 0, "cert", "cert", VERDICT_TEMPFAIL, "cert" },
		{ "dmarc and cert", 1, 0, "cert", "cert and dmarc", VERDICT_TEMPFAIL, NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings *settings = settings_two(MODE_MONITOR, MODE_MONITOR);
		struct org *org = &settings->orgs[0];
		struct proof proof;
		char text[200] = "it is implied";
		check_bits witness;
		settings->undecided = rows[i].undecided;
		sentence_set(settings, &settings->monitor_floor, rows[i].floor);
		sentence_set(settings, &org->reject_unless, rows[i].sentence);
		settings_complete(settings, unite_options);
		proof_floor(settings, &proof);
		ok(proof.minimal == rows[i].minimal && proof.weak == rows[i].weak, "X16 floor \"%s\": %zu sets, %zu weak",
		   rows[i].floor, proof.minimal, proof.weak);
		proof_set_text(proof.sets[0].checks, text, sizeof text);
		if (rows[i].first)
			is_text(text, rows[i].first, "X16 the first");
		snprintf(text, sizeof text, "it is implied");
		if (!proof_implies_floor(settings, org, &witness))
			proof_set_text(witness, text, sizeof text);
		is_text(text, rows[i].witness ? rows[i].witness : "it is implied", "X16 what is let in below it");
		settings_free(settings);
	}
}

int main(void)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		struct org *org = &settings->orgs[0];
		struct {
			struct proof proof;
			struct proof_set behind;
		} room = { .behind = { 0x5a5a, PROOF_CUSTOMER } };
		char text[200];
		sentence_set(settings, &org->reject_unless, policies[i].text);
		org->auth.required = strstr(policies[i].not_required, "auth") == NULL;
		org->cert.required = strstr(policies[i].not_required, "cert") == NULL;
		org->dkim.required = strstr(policies[i].not_required, "dkim") == NULL;
		proof_make(settings, org, &room.proof);
		struct proof_terms terms = proof_terms(settings, org);
		const struct proof proof = room.proof;
		ok(room.behind.checks == 0x5a5a, "no more is written than there is room for");
		ok(proof.minimal == policies[i].minimal && proof.weak == policies[i].weak, "\"%s\": %zu minimal sets, %zu weak",
		   policies[i].text, proof.minimal, proof.weak);
		ok(proof.shown == (proof.minimal < PROOF_SETS_MAX ? proof.minimal : PROOF_SETS_MAX), "at most ten are kept");
		ok(proof.sets[0].strength == policies[i].strength, "strength of the first");
		proof_set_text(proof.sets[0].checks, text, sizeof text);
		if (policies[i].first)
			is_text(text, policies[i].first, "the first set");
		if (policies[i].says)
			ok(strstr(proof_weakness(proof.sets[0].checks, &terms), policies[i].says), "says %s", policies[i].says);
	}
	settings_free(settings);
	test_text();
	test_undecided();
	test_deferred();
	test_hopeless();
	test_shared_floor();
	test_floor();
	return done_testing();
}
