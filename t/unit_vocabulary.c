/* SPDX-License-Identifier: BSD-2-Clause */
/* vocabulary: both directions of every table; what zeroed memory is called; what cannot be asked for. */
#include "core/vocabulary.h"
#include "tap.h"

/* One group of tests for each table: the words in order of the enumeration; those before `first` are not read. */
#define TABLE_TEST(prefix, type, first, ...)                                                                           \
	static void test_##prefix(void)                                                                                    \
	{                                                                                                                  \
		static const char *const words[] = { __VA_ARGS__ };                                                            \
		const unsigned count = sizeof words / sizeof words[0];                                                         \
		unsigned read = count - (first);                                                                               \
		for (unsigned i = 0; i < count; i++) {                                                                         \
			type value = (type)(count + 1);                                                                            \
			is_text(prefix##_name((type)i), words[i], #prefix "_name");                                                \
			bool found = prefix##_by_name(span_of(words[i]), &value);                                                  \
			ok(found == (i + read >= count), #prefix "_by_name [%s]", words[i]);                                       \
			ok(found ? value == (type)i : value == (type)(count + 1), #prefix " [%s] gives its value", words[i]);      \
		}                                                                                                              \
		is_text(prefix##_name((type)count), "invalid", #prefix "_name beyond the table");                              \
		is_text(prefix##_name((type)-1), "invalid", #prefix "_name before the table");                                 \
	}

TABLE_TEST(result, enum result_code, 0, "pending", "pass", "skip", "fail", "none", "permerror", "temperror")
TABLE_TEST(verdict, enum verdict, 0, "undecided", "accept", "quarantine", "tempfail", "reject", "exempt", "skip")
TABLE_TEST(mode, enum mode, 1, "unset", "monitor", "defer", "enforce")
TABLE_TEST(mta, enum mta, 1, "unknown", "postfix", "sendmail")

/* Stages are only shown. */
static void test_stage(void)
{
	static const char *const words[] = { "connect", "mail", "rcpt", "header", "end" };
	for (unsigned i = 0; i < 5; i++)
		is_text(stage_name((enum stage)i), words[i], "stage_name");
	is_text(stage_name((enum stage)5), "invalid", "stage_name beyond the table");
}

static void test_exact(void)
{
	static const struct span wrong[] = {
		SPAN_LITERAL(""),       SPAN_LITERAL("Pass"),    SPAN_LITERAL(" pass"),
		SPAN_LITERAL("pass "),  SPAN_LITERAL("passx"),   SPAN_LITERAL("pas"),
		SPAN_LITERAL("pass\0"), SPAN_LITERAL("invalid"), { NULL, 0 },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		enum result_code code = RESULT_TEMPERROR;
		ok(!result_by_name(wrong[i], &code) && code == RESULT_TEMPERROR, "wrong name %zu leaves the value", i);
	}
	enum verdict verdict = VERDICT_REJECT;
	ok(!verdict_by_name(span_of("Accept"), &verdict) && verdict == VERDICT_REJECT, "verdicts are exact");
	enum mode mode = MODE_ENFORCE;
	ok(!mode_by_name(span_of("Enforce"), &mode) && !mode_by_name(span_of("off"), &mode), "modes are exact");
}

static void test_zero(void)
{
	enum result_code code;
	enum verdict verdict;
	memset(&code, 0, sizeof code);
	memset(&verdict, 0, sizeof verdict);
	is_text(result_name(code), "pending", "a zeroed result is pending");
	is_text(verdict_name(verdict), "undecided", "a zeroed verdict is undecided");
}

int main(void)
{
	test_result();
	test_verdict();
	test_stage();
	test_mode();
	test_mta();
	test_exact();
	test_zero();
	return done_testing();
}
