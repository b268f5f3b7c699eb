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
	{ "2 of (tls, cert, message, org, from, envelope, dkim) or ip", "", 22, 21, "ip", PROOF_WEAK, "shares these addresses" },
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
		proof_make(org, &room.proof);
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
			ok(strstr(proof_weakness(proof.sets[0].checks, proof_skippable(org)), policies[i].says), "says %s",
			   policies[i].says);
	}
	settings_free(settings);
	test_text();
	return done_testing();
}
