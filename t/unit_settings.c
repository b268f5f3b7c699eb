/* SPDX-License-Identifier: BSD-2-Clause */
/* settings: indexes, owners, the union of all organizations, and the names of TLS versions. */
#include "engine.h"

static void test_tls_names(void)
{
	static const struct {
		const char *name;
		enum tls_version version;
	} rows[] = {
		{ "TLSv1", TLS_1_0 },     { "TLSv1.0", TLS_1_0 },     { "TLSv1.1", TLS_1_1 },     { "TLSv1.2", TLS_1_2 },
		{ "TLSv1.3", TLS_1_3 },   { "TLSv1.4", TLS_UNKNOWN }, { "tlsv1.3", TLS_UNKNOWN }, { "TLSv1.3 ", TLS_UNKNOWN },
		{ "SSLv3", TLS_UNKNOWN }, { "", TLS_UNKNOWN },        { NULL, TLS_UNKNOWN },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ok(tls_version_parse(span_of(rows[i].name)) == rows[i].version, "version [%s]",
		   rows[i].name ? rows[i].name : "absent");
	ok(TLS_UNKNOWN < TLS_1_0 && TLS_1_0 < TLS_1_1 && TLS_1_1 < TLS_1_2 && TLS_1_2 < TLS_1_3, "versions are in order");
}

static void test_modes(void)
{
	static const struct {
		enum mode a, b, least, most;
	} rows[] = {
		{ MODE_MONITOR, MODE_MONITOR, MODE_MONITOR, MODE_MONITOR },
		{ MODE_ENFORCE, MODE_MONITOR, MODE_MONITOR, MODE_ENFORCE },
		{ MODE_MONITOR, MODE_ENFORCE, MODE_MONITOR, MODE_ENFORCE },
		{ MODE_ENFORCE, MODE_ENFORCE, MODE_ENFORCE, MODE_ENFORCE },
		{ MODE_DEFER, MODE_ENFORCE, MODE_DEFER, MODE_ENFORCE },
		{ MODE_DEFER, MODE_MONITOR, MODE_MONITOR, MODE_DEFER },
		{ MODE_UNSET, MODE_ENFORCE, MODE_MONITOR, MODE_ENFORCE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings *settings = settings_two(rows[i].a, rows[i].b);
		ok(settings_complete(settings, unite_options) && settings->mode_least == rows[i].least
		       && settings->mode_most == rows[i].most,
		   "%s and %s", mode_name(rows[i].a), mode_name(rows[i].b));
		settings_free(settings);
	}
	struct settings *none = settings_new();
	struct owner_cursor cursor = { 0 };
	struct orgid id;
	orgid_parse(span_of(ORG_A), &id);
	ok(none && settings_complete(none, unite_options) && none->mode_least == MODE_MONITOR
	       && none->mode_most == MODE_MONITOR,
	   "without organizations nobody enforces");
	ok(!settings_org(none, &id) && !settings_next_owner(none, span_of("example.com"), &cursor), "and nothing is found");
	settings_free(none);
	settings_free(NULL);
}

/* Who owns a domain, as letters. */
static void owners(const struct settings *settings, const char *domain, char to[8])
{
	struct owner_cursor cursor = { 0 };
	const struct org *org;
	size_t count = 0;
	while ((org = settings_next_owner(settings, span_of(domain), &cursor)) && count < 7)
		to[count++] = org == &settings->orgs[0] ? 'A' : 'B';
	to[count] = '\0';
}

static void test_owners(void)
{
	static const struct {
		const char *domain;
		const char *owners;
	} rows[] = {
		{ "a.example", "A" },         { "A.Example", "A" },
		{ "b.example", "B" },         { "both.example", "BA" },
		{ "x.wide.example", "B" },    { "wide.example", "A" },
		{ "y.both.example", "" },     { "evil-a.example", "" },
		{ "a.example.", "" },         { "", "" },
		{ "x.x.wide.example", "AB" },
	};
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->orgs[0].domains = PATTERNS(settings, "a.example", "both.example", "wide.example", "*.x.wide.example");
	settings->orgs[1].domains = PATTERNS(settings, "b.example", "both.example", "*.wide.example");
	ok(settings_complete(settings, unite_options), "completed");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char got[8];
		owners(settings, rows[i].domain, got);
		is_text(got, rows[i].owners, rows[i].domain);
	}
	ok(settings_org(settings, &settings->orgs[0].id) == &settings->orgs[0]
	       && settings_org(settings, &settings->orgs[1].id) == &settings->orgs[1],
	   "organizations are found by ID");
	struct orgid other;
	orgid_parse(span_of("00D000000000001"), &other);
	ok(settings_org(settings, &other) == NULL, "one that is not served is not");
	settings_free(settings);
}

static void test_union(void)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	struct org *a = &settings->orgs[0];
	struct org *b = &settings->orgs[1];
	const struct org *any = &settings->any;
	struct address inside, outside;
	a->tls.min_version = TLS_1_3;
	a->tls.min_cipher_bits = 256;
	b->tls.min_version = TLS_1_2;
	b->tls.min_cipher_bits = 128;
	a->cert.match_client_name = b->cert.match_client_name = true;
	b->cert.required = false;
	a->envelope.null_sender = false;
	a->verp.undecodable = UNDECODABLE_FAIL;
	a->cert.issuers = STRINGS(settings, SET_EXACT, "CN=A");
	b->cert.issuers = STRINGS(settings, SET_EXACT, "CN=B");
	a->auth.mechanisms = STRINGS(settings, SET_NOCASE, "PLAIN");
	b->auth.mechanisms = STRINGS(settings, SET_NOCASE);
	b->auth.users = STRINGS(settings, SET_EXACT, "other@relay.test");
	b->ip.networks = networks(settings, "192.0.2.0/24");
	sentence_set(settings, &b->reject_unless, "from and auth");
	ok(settings_complete(settings, unite_options), "completed");
	ok(any->tls.min_version == TLS_1_2 && any->tls.min_cipher_bits == 128, "the lowest TLS");
	ok(any->cert.match_client_name && !any->cert.required && any->auth.required, "what all ask for");
	ok(any->envelope.null_sender && any->verp.undecodable == UNDECODABLE_SKIP, "what one lets through");
	ok(set_has(any->cert.issuers, span_of("CN=A")) && set_has(any->cert.issuers, span_of("CN=B")),
	   "the issuers of both");
	ok(set_count(any->auth.mechanisms) == 0, "a list that restricts nothing makes the union restrict nothing");
	ok(set_has(any->auth.users, span_of("sfuser@relay.test")) && set_has(any->auth.users, span_of("other@relay.test")),
	   "the users of both");
	address_parse(span_of("13.110.0.1"), &inside);
	address_parse(span_of("192.0.2.9"), &outside);
	ok(network_set_has(any->ip.networks, &inside) && network_set_has(any->ip.networks, &outside),
	   "the networks of both");
	ok(any->id.text[0] == '\0' && settings->sentence_count == 2, "it has no ID; both sentences are kept");
	settings_free(settings);

	settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->orgs[1].reject_unless.root = NULL;
	ok(settings_complete(settings, unite_options) && settings->sentence_count == 2, "an empty sentence is one, too");
	settings_free(settings);
	settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->orgs[1].ip.networks = NULL;
	settings->orgs[1].cert.names = NULL;
	ok(settings_complete(settings, unite_options) && settings->sentence_count == 1
	       && set_count(settings->any.cert.names) == 1,
	   "lists that are not there add nothing; the same sentence is kept once");
	settings_free(settings);
}

static void test_labels(void)
{
	static const struct {
		const char *names[2];
		const char *labels[2];
		const char *what;
	} rows[] = {
		{ { "production", "sandbox" }, { "production", "sandbox" }, "names" },
		{ { "", "sandbox" }, { ORG_A, "sandbox" }, "no name" },
		{ { "same", "same" }, { ORG_A, ORG_B }, "one name for two" },
		{ { "none", "x" }, { ORG_A, "x" }, "what stands for no organization" },
		{ { ORG_B, "x" }, { ORG_A, "x" }, "another's ID" },
		{ { "00DA0000000Hu5a", "x" }, { ORG_A, "x" }, "another's ID in short" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
		settings->orgs[0].name = span_of(rows[i].names[0]);
		settings->orgs[1].name = span_of(rows[i].names[1]);
		ok(settings_complete(settings, unite_options), "completed");
		is_span(settings->orgs[0].label, span_of(rows[i].labels[0]), rows[i].what);
		is_span(settings->orgs[1].label, span_of(rows[i].labels[1]), rows[i].what);
		settings_free(settings);
	}
}

int main(void)
{
	test_labels();
	test_tls_names();
	test_modes();
	test_owners();
	test_union();
	return done_testing();
}
