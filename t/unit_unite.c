/* SPDX-License-Identifier: BSD-2-Clause */
/* unite: the union of organizations, row by row of the option table, and that nothing is refused early for its sake. */
#include "config/options.h"
#include "engine.h"

#define ORGS 3

static unsigned long long random_state = 88172645463325252ULL;

static unsigned roll(unsigned below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state % below);
}

static void *place(const struct org *org, const struct option *option)
{
	return (char *)org + option->offset;
}

static unsigned number(const struct org *org, const struct option *option)
{
	unsigned value;
	memcpy(&value, place(org, option), sizeof value);
	return value;
}

static const struct set *list(const struct org *org, const struct option *option)
{
	return *(struct set **)place(org, option);
}

/* What the lists of sessions and organizations are drawn from; patterns fit names of sessions. */
static const char *const texts[] = { "a.one.test", "*.two.test", "x@one.test", "y@one.test",
	                                 "PLAIN",      "XCLIENT",    "CA one",     "CA two" };

static void draw_list(struct settings *settings, const struct option *option, struct org *org)
{
	struct set *set = NULL;
	unsigned kind = roll(5);
	if (kind != 0)
		set = set_new(&settings->arena, option->type == OPTION_EXACT ? SET_EXACT : SET_NOCASE);
	for (size_t i = 0; kind > 1 && i < sizeof texts / sizeof texts[0]; i++)
		if (roll(3) == 0 && option->type == OPTION_PATTERNS)
			pattern_add(set, span_of(texts[i]));
		else if (roll(3) == 0)
			set_add(set, span_of(texts[i]));
	*(struct set **)place(org, option) = set;
}

static void draw_networks(struct settings *settings, const struct option *option, struct org *org)
{
	static const char *const blocks[] = { "192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32" };
	struct network_set *set = roll(4) ? networks(settings, roll(4) ? blocks[roll(3)] : NULL) : NULL;
	*(struct network_set **)place(org, option) = set;
}

static unsigned draw_choice(const struct option *option)
{
	unsigned count = 0;
	while (option->choices[count].name && option->choices[count].value != CHOICE_REFUSED)
		count++;
	return (unsigned)option->choices[roll(count)].value;
}

/* A value of the option, 0 and the empty list among them. */
static void draw(struct settings *settings, const struct option *option, struct org *org)
{
	unsigned value = 0;
	switch (option->type) {
	case OPTION_EXACT:
	case OPTION_NOCASE:
	case OPTION_PATTERNS:
		draw_list(settings, option, org);
		return;
	case OPTION_NETWORKS:
		draw_networks(settings, option, org);
		return;
	case OPTION_BOOLEAN:
		*(bool *)place(org, option) = roll(2);
		return;
	case OPTION_CHOICES:
		value = draw_choice(option) | draw_choice(option);
		break;
	case OPTION_CHOICE:
		value = draw_choice(option);
		break;
	case OPTION_NUMBER:
	case OPTION_OCTAL:
	case OPTION_DURATION:
		value = roll(3) ? roll(300) : (unsigned)option->min;
		break;
	case OPTION_TEXT:
	case OPTION_FILE:
	case OPTION_DURATIONS:
	case OPTION_RATE:
	case OPTION_STORE:
	case OPTION_SENTENCE:
	case OPTION_BLOCKS:
	case OPTION_GLOBS:
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		return;
	}
	memcpy(place(org, option), &value, sizeof value);
}

static struct settings *settings_drawn(void)
{
	static const char *const ids[ORGS] = { ORG_A, ORG_B, "00D4600000115JoEAI" };
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->orgs = arena_array(&settings->arena, ORGS, sizeof *settings->orgs);
	settings->org_count = ORGS;
	for (size_t i = 0; i < ORGS; i++) {
		struct org *org = &settings->orgs[i];
		org_defaults(settings, org, ids[i], MODE_ENFORCE, "example.com");
		for (size_t row = 0; row < option_count(); row++)
			if (option_at(row)->scope == OPTION_ORG && option_at(row)->unite != UNITE_NOT_SESSION)
				draw(settings, option_at(row), org);
	}
	if (!settings_complete(settings, unite_options))
		printf("Bail out! settings\n");
	return settings;
}

/* Whether what org takes any takes as well. */
static bool lists_wider(const struct option *option, const struct org *any, const struct org *org, bool empty_is_all)
{
	const struct set *wide = list(any, option);
	const struct set *own = list(org, option);
	if (empty_is_all && set_count(own) == 0)
		return set_count(wide) == 0;
	for (size_t i = 0; i < set_count(own); i++)
		if (!set_has(wide, set_at(own, i)) && !(empty_is_all && set_count(wide) == 0))
			return false;
	return true;
}

static bool required_by_all(const struct option *option, const struct org *any, const struct org *org)
{
	for (size_t i = 0; i < set_count(list(any, option)); i++)
		if (!set_has(list(org, option), set_at(list(any, option), i)))
			return false;
	return true;
}

struct visit {
	const struct network_set *wide;
	bool all;
};

static void visit(const struct network *network, void *context)
{
	struct visit *visit = context;
	visit->all = visit->all && network_set_has(visit->wide, &network->address);
}

static bool networks_wider(const struct option *option, const struct org *any, const struct org *org)
{
	struct visit seen = { *(struct network_set **)place(any, option), true };
	network_set_each(*(struct network_set **)place(org, option), visit, &seen);
	return seen.all;
}

static bool wider(const struct option *option, const struct org *any, const struct org *org)
{
	switch (option->unite) {
	case UNITE_UNION:
		if (option->type == OPTION_NETWORKS)
			return networks_wider(option, any, org);
		if (option->type == OPTION_CHOICES)
			return (number(org, option) & ~number(any, option)) == 0;
		return lists_wider(option, any, org, false);
	case UNITE_UNION_EMPTY_IS_ALL:
		return lists_wider(option, any, org, true);
	case UNITE_INTERSECTION:
		return required_by_all(option, any, org);
	case UNITE_LOWEST:
		return number(any, option) <= number(org, option);
	case UNITE_HIGHEST_ZERO_IS_ALL:
		return number(any, option) == 0 || (number(org, option) != 0 && number(any, option) >= number(org, option));
	case UNITE_MOST_LENIENT:
		return number(any, option) >= number(org, option);
	case UNITE_ANY_YES:
		return *(bool *)place(any, option) || !*(bool *)place(org, option);
	case UNITE_ANY_NO:
		return !*(bool *)place(any, option) || *(bool *)place(org, option);
	case UNITE_NOT_SESSION:
	case UNITE_TOP:
		return true;
	}
	return false;
}

/* Nothing is wider than need be: a single organization's union is itself. */
static bool same(const struct option *option, const struct org *any, const struct org *org)
{
	return wider(option, any, org) && wider(option, org, any);
}

static void test_rows(void)
{
	for (size_t i = 0; i < option_count(); i++) {
		const struct option *option = option_at(i);
		bool top = option->scope == OPTION_TOP;
		ok(top == (option->unite == UNITE_TOP) && (option->apart != NULL) == (option->unite == UNITE_NOT_SESSION),
		   "%s says how it unites, or why not", option->key);
	}
	for (unsigned round = 0; round < 300; round++) {
		struct settings *settings = settings_drawn();
		for (size_t row = 0; row < option_count(); row++)
			for (size_t i = 0; i < ORGS; i++)
				if (option_at(row)->scope == OPTION_ORG && !wider(option_at(row), &settings->any, &settings->orgs[i]))
					ok(false, "round %u: %s of organization %zu is in the union", round, option_at(row)->key, i);
		settings->org_count = 1;
		if (!unite_options(settings))
			printf("Bail out! memory\n");
		for (size_t row = 0; row < option_count(); row++)
			if (option_at(row)->scope == OPTION_ORG && !same(option_at(row), &settings->any, &settings->orgs[0]))
				ok(false, "round %u: %s of one organization is its union", round, option_at(row)->key);
		settings_free(settings);
	}
	ok(true, "every union is as wide as each of what it unites");
}

/* Each option that can widen, wide in one organization only, whichever it is. */
static void test_each_widens(void)
{
	unsigned tried = 0;
	for (size_t row = 0; row < option_count(); row++) {
		const struct option *option = option_at(row);
		if (option->scope != OPTION_ORG || option->unite == UNITE_NOT_SESSION)
			continue;
		unsigned differ = 0;
		for (unsigned round = 0; round < 400 && differ < 3; round++) {
			struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
			struct org *one = &settings->orgs[round % 2];
			struct org *other = &settings->orgs[1 - round % 2];
			draw(settings, option, one);
			draw(settings, option, other);
			bool strict = wider(option, one, other) && !wider(option, other, one);
			settings_complete(settings, unite_options);
			if (strict && !wider(option, &settings->any, one))
				ok(false, "%s is missing in the union", option->key);
			differ += strict;
			settings_free(settings);
		}
		ok(differ == 3, "%s: wide in one, wide in the union", option->key);
		tried++;
	}
	ok(tried > 20, "all options that concern a session");
}

static struct session_input session_drawn(void)
{
	static const char *const names[] = { "a.one.test", "b.two.test", "c.three.test" };
	static const char *const issuers[] = { "CA one", "CA two", "CA three" };
	static const char *const users[] = { "x@one.test", "y@one.test", "z@one.test", "" };
	static const char *const clients[] = { "192.0.2.1", "192.0.2.200", "2001:db8::1", "198.51.100.1" };
	static const char *const versions[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "" };
	static const char *const bits[] = { "0", "56", "128", "256", "300" };
	static const char *const senders[] = { "<joe@a.one.test>", "<joe@b.two.test>", "<>", "<joe@three.test>" };
	struct session_input input = good_session();
	input.client_name = span_of(names[roll(3)]);
	input.client_resolve = span_of("OK");
	input.tls_version = span_of(versions[roll(5)]);
	input.cipher_bits = span_of(bits[roll(5)]);
	memset(&input.certificate, 0, sizeof input.certificate);
	if (roll(3)) {
		input.certificate.cert_subject = span_of(names[roll(3)]);
		input.certificate.cert_issuer = span_of(issuers[roll(3)]);
	}
	input.auth_authen = span_of(users[roll(4)]);
	input.auth_type = span_of(input.auth_authen.length != 0 ? roll(3) ? roll(2) ? "PLAIN" : "LOGIN" : "XCLIENT" : "");
	input.mail_from = span_of(senders[roll(4)]);
	address_parse(span_of(clients[roll(4)]), &input.client);
	return input;
}

/* What the session comes to at its first recipient, if that is told then. */
static enum verdict early(struct settings *settings, const struct session_input *input, bool *for_tls_r)
{
	struct test_evidence evidence = good_evidence();
	struct environment environment = test_environment(&evidence);
	struct examination examination;
	examine_begin(&examination, settings, &environment, span_of("1"), input, NULL);
	examine_recipient(&examination, span_of("<joe@customer.example>"), span_of("smtp"));
	enum verdict verdict = examination.judgement.verdict;
	*for_tls_r = examination.judgement.why.count == 1 && examination.judgement.why.ids[0] == CHECK_TLS;
	examine_clear(&examination);
	return verdict;
}

static enum verdict whole(struct settings *settings, const struct session_input *input, const char *id,
                          const char *author)
{
	struct test_evidence evidence = good_evidence();
	struct environment environment = test_environment(&evidence);
	struct examination examination;
	const struct examine_terms terms = { .gather_all = true };
	const char *const fields[] = { "From", author, "X-SFDC-LK", id, "DKIM-Signature", " v=1; d=example.com", NULL };
	examine_begin(&examination, settings, &environment, span_of("1"), input, &terms);
	examine_recipient(&examination, span_of("<joe@customer.example>"), span_of("smtp"));
	feed_fields(&examination, fields);
	examine_header_end(&examination);
	examine_end(&examination);
	enum verdict verdict = examination.judgement.verdict;
	examine_clear(&examination);
	return verdict;
}

static void test_never_too_early(void)
{
	static const char *const sentences[] = {
		"tls",
		"cert",
		"auth",
		"ip",
		"tls and (cert or auth or ip)",
		"2 of (tls, cert, auth, ip)",
		"cert and envelope",
		"tls and verp and (auth or cert and ip)",
		"ip and spf",
		"from and auth or cert and tls",
	};
	static const char *const ids[ORGS] = { " 00D8d000003TRx3", " 00DA0000000Hu5a", " 00D4600000115Jo" };
	static const char *const authors[] = { " Joe <joe@a.one.test>", " Joe <joe@b.two.test>" };
	static const char *const defer_sentences[] = { "", "limit", "tls", "auth or cert", "ip and spf", "dmarc" };
	static const enum mode modes[] = { MODE_ENFORCE, MODE_ENFORCE, MODE_DEFER, MODE_DEFER, MODE_MONITOR };
	unsigned refused = 0, deferred = 0, accepted = 0, wrong = 0;
	for (unsigned round = 0; round < 20000; round++) {
		struct settings *settings = settings_drawn();
		bool monitors = false, defers = false, for_tls;
		unsigned least = roll(2) ? 0 : roll(4); /* often all enforce, or none monitors */
		for (size_t i = 0; i < ORGS; i++) {
			struct org *org = &settings->orgs[i];
			org->mode = modes[roll(least + 2)];
			monitors = monitors || org->mode == MODE_MONITOR;
			defers = defers || org->mode == MODE_DEFER;
			sentence_set(settings, &org->reject_unless, sentences[roll(10)]);
			sentence_set(settings, &org->defer_unless, defer_sentences[roll(6)]);
			/* The only name of which the evidence tells. */
			org->ip.spf = roll(2) ? STRINGS(settings, SET_NOCASE, "_spf.salesforce.com") : NULL;
		}
		settings_complete(settings, unite_options);
		struct session_input input = session_drawn();
		enum verdict first = early(settings, &input, &for_tls);
		refused += first == VERDICT_REJECT;
		deferred += first == VERDICT_TEMPFAIL;
		wrong += first != VERDICT_UNDECIDED && (monitors || first != (defers ? VERDICT_TEMPFAIL : VERDICT_REJECT));
		wrong += first == VERDICT_TEMPFAIL && !for_tls;
		for (unsigned i = 0; i < ORGS * 2; i++) {
			enum verdict last = whole(settings, &input, ids[i / 2], authors[i % 2]);
			accepted += last == VERDICT_ACCEPT;
			wrong += first == VERDICT_REJECT && last != VERDICT_REJECT;
			wrong += first == VERDICT_TEMPFAIL && last != VERDICT_REJECT && last != VERDICT_TEMPFAIL;
		}
		settings_free(settings);
	}
	printf("# %u sessions refused and %u deferred early, %u messages accepted\n", refused, deferred, accepted);
	ok(refused > 1000 && deferred > 20 && accepted > 1000 && wrong == 0,
	   "no session is refused whose message some organization takes or defers, nor deferred but for TLS (%u)", wrong);
}

int main(void)
{
	test_rows();
	test_each_widens();
	test_never_too_early();
	return done_testing();
}
