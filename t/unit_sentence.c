/* SPDX-License-Identifier: BSD-2-Clause */
/* sentence: grammar and its errors, three-valued logic, bounds that are exact, monotonicity. */
#include "core/sentence.h"
#include "tap.h"

static struct arena arena;

static const struct {
	const char *text;
	const char *canonical;
} good[] = {
	{ "", "" },
	{ " \t ", "" },
	{ "tls", "tls" },
	{ "(tls)", "tls" },
	{ "tls and org or ip", "tls and org or ip" },
	{ "tls and (org or ip)", "tls and (org or ip)" },
	{ "(tls and org) or ip", "tls and org or ip" },
	{ "2 of (cert, auth, ip)", "2 of (cert, auth, ip)" },
	{ "2 of(cert,auth and tls,ip)", "2 of (cert, auth and tls, ip)" },
	{ "1 of (cert)", "1 of (cert)" },
	{ "tls\nand\torg", "tls and org" },
	{ "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)",
	  "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)" },
};

static const struct {
	const char *text;
	size_t column;
	const char *says;
} bad[] = {
	{ "tls and", 8, "the sentence ends" },
	{ "tls org", 5, "\"and\" or \"or\" is expected" },
	{ "and tls", 1, "\"and\" stands where a check is expected" },
	{ "tls and dkmi", 9, "did you mean \"dkim\"?" },
	{ "tls and frobnicate", 9, "unknown check \"frobnicate\"" },
	{ "not tls", 1, "there is no \"not\"" },
	{ "tls and (org or ip", 19, "close the parenthesis" },
	{ "tls)", 4, "is expected before \")\"" },
	{ "4 of (cert, auth, ip)", 1, "can never hold" },
	{ "0 of (cert)", 1, "can only hold" },
	{ "2 (cert, auth)", 3, "\"of\" is expected" },
	{ "2 of cert", 6, "\"(\" is expected" },
	{ "2 of (cert auth)", 12, "\",\" or \")\" is expected" },
	{ "TLS", 1, "did you mean \"tls\"?" },
	{ "()", 2, "stands where a check is expected" },
	{ "tls and and org", 9, "\"and\" stands where" },
	{ "((((((((((((((((((((((((((((((((((tls))))))))))))))))))))))))))))))))))", 33, "nested too deeply" },
};

static struct sentence parse(const char *text)
{
	struct sentence sentence;
	struct sentence_error error = { 0, "" };
	if (!sentence_parse(span_of(text), &arena, &sentence, &error))
		ok(false, "parse \"%s\": column %zu: %s", text, error.column, error.text);
	return sentence;
}

static void test_grammar(void)
{
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct sentence sentence = parse(good[i].text);
		is_span(sentence.text, span_of(good[i].canonical), good[i].text);
		struct sentence again = parse(good[i].canonical);
		is_span(again.text, span_of(good[i].canonical), "the canonical text reads as itself");
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct sentence sentence;
		struct sentence_error error = { 0, "" };
		bool parsed = sentence_parse(span_of(bad[i].text), &arena, &sentence, &error);
		ok(!parsed && error.column == bad[i].column && strstr(error.text, bad[i].says),
		   "\"%s\" is refused at column %zu: %s (column %zu)", bad[i].text, bad[i].column, error.text, error.column);
	}
	static char many[8 * (SENTENCE_NODES_MAX + 1)];
	for (unsigned operands = SENTENCE_NODES_MAX - 1; operands <= SENTENCE_NODES_MAX; operands++) {
		struct sentence sentence;
		struct sentence_error error = { 0, "" };
		many[0] = '\0';
		for (unsigned i = 0; i < operands; i++)
			strcat(many, i ? " or tls" : "tls");
		bool parsed = sentence_parse(span_of(many), &arena, &sentence, &error);
		ok(operands == SENTENCE_NODES_MAX ? !parsed && strstr(error.text, "too long") : parsed, "%u operands",
		   operands);
	}
	struct sentence sentence;
	struct sentence_error error = { 0, "" };
	strcpy(strrchr(many, ' '), " 1 of (tls)");
	ok(!sentence_parse(span_of(many), &arena, &sentence, &error) && strstr(error.text, "too long"),
	   "nor is there room for \"of\"");
	ok(parse("tls and 2 of (cert, auth)").checks
	       == (CHECK_BIT(CHECK_TLS) | CHECK_BIT(CHECK_CERT) | CHECK_BIT(CHECK_AUTH)),
	   "the named checks are known");
}

#define T RESULT_PASS
#define F RESULT_FAIL
#define S RESULT_SKIP
#define P RESULT_PENDING

/* Results of tls, cert, auth; the bounds of the sentence as two letters, least and most. */
static const struct {
	const char *text;
	enum result_code tls, cert, auth;
	const char *bounds;
} truths[] = {
	{ "tls and cert and auth", T, T, T, "TT" },
	{ "tls and cert and auth", T, F, T, "FF" },
	{ "tls and cert and auth", T, S, T, "TT" },
	{ "tls and cert and auth", S, S, S, "SS" },
	{ "tls and cert and auth", S, F, S, "FF" },
	{ "tls and cert and auth", T, P, T, "FT" },
	{ "tls and cert and auth", F, P, T, "FF" },
	{ "tls or cert or auth", F, F, F, "FF" },
	{ "tls or cert or auth", F, S, F, "FF" },
	{ "tls or cert or auth", F, T, P, "TT" },
	{ "tls or cert or auth", F, P, S, "FT" },
	{ "tls or cert or auth", S, S, S, "SS" },
	{ "2 of (tls, cert, auth)", T, T, F, "TT" },
	{ "2 of (tls, cert, auth)", T, F, F, "FF" },
	{ "2 of (tls, cert, auth)", T, P, F, "FT" },
	{ "2 of (tls, cert, auth)", T, F, S, "FF" },
	{ "2 of (tls, cert, auth)", T, S, S, "TT" },
	{ "2 of (tls, cert, auth)", S, S, F, "FF" },
	{ "tls and (cert or auth)", T, S, F, "FF" },
	{ "tls and (cert or auth)", T, S, S, "TT" },
	{ "tls and (cert or auth)", S, S, S, "SS" },
	{ "tls", RESULT_NONE, T, T, "FF" },
	{ "tls", RESULT_PERMERROR, T, T, "FF" },
	{ "tls", RESULT_TEMPERROR, T, T, "FT" },
	{ "", F, F, F, "SS" },
};

static char letter(enum truth truth)
{
	return truth == TRUTH_TRUE ? 'T' : truth == TRUTH_SKIP ? 'S' : 'F';
}

static void test_truth(void)
{
	for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
		struct sentence sentence = parse(truths[i].text);
		struct bounds checks[CHECK_COUNT] = { 0 };
		checks[CHECK_TLS] = bounds_of(truths[i].tls);
		checks[CHECK_CERT] = bounds_of(truths[i].cert);
		checks[CHECK_AUTH] = bounds_of(truths[i].auth);
		struct bounds bounds = sentence_evaluate(&sentence, checks);
		char got[3] = { letter(bounds.least), letter(bounds.most), '\0' };
		is_text(got, truths[i].bounds, truths[i].text);
	}
}

/* Results of tls, cert, auth, ip; the responsible checks, and those that can still change the sentence. */
static const struct {
	const char *text;
	enum result_code tls, cert, auth, ip;
	bool for_most;
	const char *responsible;
	check_bits open;
} whys[] = {
	{ "tls and (cert or auth)", F, F, F, T, true, "tls,cert,auth", 0 },
	{ "tls and (cert or auth)", T, F, F, T, true, "cert,auth", 0 },
	{ "tls and (cert or auth)", F, T, F, T, true, "tls", 0 },
	{ "tls and (cert or auth)", T, F, P, T, true, "", CHECK_BIT(CHECK_AUTH) },
	{ "tls and (cert or auth)", T, F, P, T, false, "cert,auth", CHECK_BIT(CHECK_AUTH) },
	{ "(cert or auth) and (cert or ip)", T, F, F, F, true, "cert,auth,ip", 0 },
	{ "2 of (cert, auth, ip)", T, T, F, F, true, "auth,ip", 0 },
	{ "tls or cert", T, P, F, F, false, "", 0 },
	{ "tls and cert and (auth or ip)", F, P, P, P, true, "tls", 0 },
	{ "tls and (cert or auth) and (auth or ip)", T, T, P, P, false, "auth,ip",
	  CHECK_BIT(CHECK_AUTH) | CHECK_BIT(CHECK_IP) },
};

static void test_responsible(void)
{
	for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++) {
		struct sentence sentence = parse(whys[i].text);
		struct bounds checks[CHECK_COUNT] = { 0 };
		struct check_list list;
		char got[200] = "";
		checks[CHECK_TLS] = bounds_of(whys[i].tls);
		checks[CHECK_CERT] = bounds_of(whys[i].cert);
		checks[CHECK_AUTH] = bounds_of(whys[i].auth);
		checks[CHECK_IP] = bounds_of(whys[i].ip);
		sentence_responsible(&sentence, checks, whys[i].for_most, &list);
		for (size_t j = 0; j < list.count; j++) {
			strcat(got, j ? "," : "");
			strcat(got, check_name(list.ids[j]));
		}
		is_text(got, whys[i].responsible, whys[i].text);
		ok(sentence_open(&sentence, checks) == whys[i].open, "what is open in %s", whys[i].text);
	}
}

static unsigned long long state = 88172645463325252ULL;

static unsigned next(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % below);
}

/* A random sentence over five checks, as text. */
static void random_sentence(char *to, size_t size, unsigned depth)
{
	static const char *const names[] = { "tls", "cert", "auth", "ip", "org" };
	char operand[3][600];
	unsigned kind = depth == 0 ? 0 : next(4);
	if (kind == 0) {
		snprintf(to, size, "%s", names[next(5)]);
		return;
	}
	for (unsigned i = 0; i < 3; i++)
		random_sentence(operand[i], sizeof operand[i], depth - 1);
	if (kind == 3)
		snprintf(to, size, "%u of (%.190s, %.190s, %.190s)", 1 + next(3), operand[0], operand[1], operand[2]);
	else
		snprintf(to, size, "(%.190s %s %.190s)", operand[0], kind == 1 ? "and" : "or", operand[1]);
}

static enum truth exact(const struct sentence *sentence, const enum truth truth[5])
{
	static const enum check_id ids[] = { CHECK_TLS, CHECK_CERT, CHECK_AUTH, CHECK_IP, CHECK_ORG };
	struct bounds checks[CHECK_COUNT] = { 0 };
	for (unsigned i = 0; i < 5; i++)
		checks[ids[i]].least = checks[ids[i]].most = truth[i];
	return sentence_evaluate(sentence, checks).least;
}

/* Over all 3^5 results: raising one never lowers a sentence. */
static bool is_monotone(const struct sentence *sentence)
{
	for (unsigned n = 0; n < 243; n++) {
		enum truth truth[5];
		for (unsigned i = 0, rest = n; i < 5; i++, rest /= 3)
			truth[i] = (enum truth)(rest % 3);
		enum truth before = exact(sentence, truth);
		for (unsigned i = 0; i < 5; i++) {
			if (truth[i] == TRUTH_TRUE)
				continue;
			truth[i]++;
			bool lower = exact(sentence, truth) < before;
			truth[i]--;
			if (lower)
				return false;
		}
	}
	return true;
}

static void test_monotone(void)
{
	unsigned wrong = 0;
	for (unsigned i = 0; i < 400; i++) {
		char text[2000];
		struct arena scratch;
		struct sentence sentence;
		struct sentence_error error;
		arena_init(&scratch, 0);
		random_sentence(text, sizeof text, 3);
		if (!sentence_parse(span_of(text), &scratch, &sentence, &error) || !is_monotone(&sentence)) {
			wrong++;
			printf("# not monotone: %s\n", text);
		}
		arena_clear(&scratch);
	}
	ok(wrong == 0, "no better result makes a sentence worse, over 400 random sentences and all results");
}

int main(void)
{
	arena_init(&arena, 0);
	test_grammar();
	test_truth();
	test_responsible();
	test_monotone();
	arena_clear(&arena);
	return done_testing();
}
