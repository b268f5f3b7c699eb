/* SPDX-License-Identifier: BSD-2-Clause */
/* relay_verdict: what becomes of mail under each TLS setting; names in certificates. */
#include "cmd/relay_verdict.h"

#include "tap.h"

/* As one letter: T encrypted and verified, t encrypted, c in clear, f in clear since TLS fails, - not at all. */
static char letter(const struct relay_outcome *outcome)
{
	if (!outcome->delivers)
		return '-';
	if (!outcome->encrypted)
		return outcome->fallback ? 'f' : 'c';
	return outcome->verified ? 'T' : 't';
}

/* Settings in the order of their enumeration. */
static const struct {
	const char *what;
	struct relay_seen seen;
	const char *outcomes;
	enum words words; /* under Required Verify */
} cases[] = {
	{ "all is well", { RELAY_DONE, RELAY_WORKED, true, false, RELAY_CHAIN_GOOD, true }, "cTTTTT", WORDS_NONE },
	{ "clear is refused", { RELAY_DONE, RELAY_WORKED, true, true, RELAY_CHAIN_GOOD, true }, "-TTTTT", WORDS_NONE },
	{ "the chain is not trusted",
	  { RELAY_DONE, RELAY_WORKED, true, false, RELAY_CHAIN_MISSING, true },
	  "ct-ft-",
	  WORDS_CHAIN },
	{ "expired", { RELAY_DONE, RELAY_WORKED, true, false, RELAY_CHAIN_EXPIRED, true }, "ct-ft-", WORDS_CHAIN },
	{ "chain and name", { RELAY_DONE, RELAY_WORKED, true, false, RELAY_CHAIN_ROOT, false }, "ct-ft-", WORDS_CHAIN },
	{ "the name differs", { RELAY_DONE, RELAY_WORKED, true, false, RELAY_CHAIN_GOOD, false }, "ct-ft-", WORDS_NAME },
	{ "the name differs, clear is refused",
	  { RELAY_DONE, RELAY_WORKED, true, true, RELAY_CHAIN_GOOD, false },
	  "-t--t-",
	  WORDS_NAME },
	{ "no STARTTLS",
	  { RELAY_STARTTLS, RELAY_WORKED, false, false, RELAY_CHAIN_GOOD, false },
	  "cccc--",
	  WORDS_STARTTLS_ABSENT },
	{ "STARTTLS refused",
	  { RELAY_STARTTLS, RELAY_REFUSED, true, false, RELAY_CHAIN_GOOD, false },
	  "cf-f--",
	  WORDS_STARTTLS_REFUSED },
	{ "STARTTLS without answer",
	  { RELAY_STARTTLS, RELAY_TIMEOUT, true, false, RELAY_CHAIN_GOOD, false },
	  "c--f--",
	  WORDS_STARTTLS_REFUSED },
	{ "STARTTLS ends it",
	  { RELAY_STARTTLS, RELAY_CLOSED, true, false, RELAY_CHAIN_GOOD, false },
	  "c--f--",
	  WORDS_STARTTLS_REFUSED },
	{ "the handshake fails",
	  { RELAY_HANDSHAKE, RELAY_TLS, true, false, RELAY_CHAIN_GOOD, false },
	  "cf-f--",
	  WORDS_HANDSHAKE },
	{ "the handshake fails, clear is refused",
	  { RELAY_HANDSHAKE, RELAY_TLS, true, true, RELAY_CHAIN_GOOD, false },
	  "------",
	  WORDS_HANDSHAKE },
	{ "it ends after the handshake",
	  { RELAY_TLS_EHLO, RELAY_CLOSED, true, false, RELAY_CHAIN_GOOD, true },
	  "cf-f--",
	  WORDS_CLOSED },
	{ "EHLO refused under TLS",
	  { RELAY_TLS_EHLO, RELAY_REFUSED, true, false, RELAY_CHAIN_GOOD, true },
	  "c--f--",
	  WORDS_NONE },
	{ "EHLO without answer",
	  { RELAY_EHLO, RELAY_TIMEOUT, false, false, RELAY_CHAIN_GOOD, false },
	  "------",
	  WORDS_NO_EHLO },
	{ "no banner", { RELAY_BANNER, RELAY_TIMEOUT, false, false, RELAY_CHAIN_GOOD, false }, "------", WORDS_NO_BANNER },
	{ "a banner that is none",
	  { RELAY_BANNER, RELAY_GARBAGE, false, false, RELAY_CHAIN_GOOD, false },
	  "------",
	  WORDS_NO_BANNER },
	{ "a banner that refuses",
	  { RELAY_BANNER, RELAY_REFUSED, false, false, RELAY_CHAIN_GOOD, false },
	  "------",
	  WORDS_NONE },
	{ "closed at once", { RELAY_BANNER, RELAY_CLOSED, false, false, RELAY_CHAIN_GOOD, false }, "------", WORDS_CLOSED },
	{ "nobody listens",
	  { RELAY_CONNECT, RELAY_REFUSED, false, false, RELAY_CHAIN_GOOD, false },
	  "------",
	  WORDS_UNREACHABLE },
	{ "dropped on the way",
	  { RELAY_CONNECT, RELAY_TIMEOUT, false, false, RELAY_CHAIN_GOOD, false },
	  "------",
	  WORDS_CONNECT_TIMEOUT },
};

static void test_settings(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char got[RELAY_SETTINGS + 1] = "";
		for (unsigned setting = 0; setting < RELAY_SETTINGS; setting++) {
			struct relay_outcome outcome = relay_judge(&cases[i].seen, (enum relay_setting)setting);
			got[setting] = letter(&outcome);
		}
		is_text(got, cases[i].outcomes, cases[i].what);
		struct relay_outcome strict = relay_judge(&cases[i].seen, RELAY_REQUIRED_VERIFY);
		ok(strict.words == cases[i].words, "%s: %d in the Email Log", cases[i].what, (int)strict.words);
	}
	struct relay_outcome off = relay_judge(&cases[1].seen, RELAY_OFF);
	ok(off.words == WORDS_TLS_WANTED, "clear is refused: the relay's own words are logged");
	struct relay_seen untrusted = cases[0].seen;
	for (unsigned chain = RELAY_CHAIN_ABSENT; chain <= RELAY_CHAIN_OTHER; chain++) {
		untrusted.chain = (enum relay_chain)chain;
		ok(!relay_judge(&untrusted, RELAY_REQUIRED_VERIFY).delivers, "chain %u is not trusted", chain);
	}
}

static void test_names(void)
{
	static const struct {
		const char *host;
		const char *name;
		bool matches;
	} names[] = {
		{ "relay.example.com", "relay.example.com", true },
		{ "relay.example.com", "RELAY.Example.COM", true },
		{ "relay.example.com.", "relay.example.com", true },
		{ "relay.example.com", "*.example.com", true },
		{ "relay.example.com", "*.EXAMPLE.com", true },
		{ "a.b.example.com", "*.example.com", false },
		{ "example.com", "*.example.com", false },
		{ "example.com", "*.com", false },
		{ "relay.example.com", "*", false },
		{ "relay.example.com", "*.", false },
		{ "relay.example.com", "re*.example.com", false },
		{ "relay.example.com", "relay.*.com", false },
		{ "relay.example.com", "*.*.com", false },
		{ "relay.example.com", "relay.example.org", false },
		{ "relay.example.com", "relay.example.com.x", false },
		{ "relay.example.com", "", false },
		{ "", "", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "relay", "relay", true },
		{ "relay", "*", false },
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ok(relay_name_matches(span_of(names[i].host), span_of(names[i].name)) == names[i].matches, "%s %s %s",
		   names[i].host, names[i].matches ? "is" : "is not", names[i].name);
	ok(!relay_name_matches(span_of("relay.example.com"), span_make("relay.example.com\0.x.example", 28)),
	   "a name with NUL");
	ok(!relay_name_matches(span_of("relay.example.com"), span_make(NULL, 0)), "an absent name");
}

static void test_rest(void)
{
	ok(relay_port_allowed(25) && relay_port_allowed(587) && relay_port_allowed(10025) && relay_port_allowed(11025),
	   "four ports");
	ok(!relay_port_allowed(465) && !relay_port_allowed(2525) && !relay_port_allowed(0), "and no other");
	is_text(relay_setting_name(RELAY_REQUIRED_VERIFY), "required_verify", "name of a setting");
	is_text(relay_setting_title(RELAY_REQUIRED_VERIFY), "Required Verify", "as Salesforce has it");
}

int main(void)
{
	test_settings();
	test_names();
	test_rest();
	return done_testing();
}
