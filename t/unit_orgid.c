/* SPDX-License-Identifier: BSD-2-Clause */
/* orgid: both lengths, the checksum, and every near miss. Ids are those of the attack catalogue. */
#include "core/orgid.h"
#include "tap.h"

static void test_parse(void)
{
	static const struct {
		const char *id;
		struct span text;
		enum orgid_status status;
		const char *text_18;
	} cases[] = {
		{ "15 characters", SPAN_LITERAL("00D8d000003TRx3"), ORGID_OK, "00D8d000003TRx3EAG" },
		{ "O04", SPAN_LITERAL("00D8d000003TRx3EAG"), ORGID_OK, "00D8d000003TRx3EAG" },
		{ "O04 second", SPAN_LITERAL("00DA0000000Hu5aMAC"), ORGID_OK, "00DA0000000Hu5aMAC" },
		{ "third", SPAN_LITERAL("00D4x000004z0H4"), ORGID_OK, "00D4x000004z0H4EAI" },
		{ "fourth", SPAN_LITERAL("00D30000001FFZn"), ORGID_OK, "00D30000001FFZnEAO" },
		{ "fifth", SPAN_LITERAL("00DgL00000Fp7YH"), ORGID_OK, "00DgL00000Fp7YHUAZ" },
		{ "checksum of digits", SPAN_LITERAL("00DZZAAAAAZZZZZ"), ORGID_OK, "00DZZAAAAAZZZZZ255" },
		{ "O01 empty", SPAN_LITERAL(""), ORGID_LENGTH, NULL },
		{ "O01 absent", { NULL, 0 }, ORGID_LENGTH, NULL },
		{ "O05 14", SPAN_LITERAL("00D8d000003TRx"), ORGID_LENGTH, NULL },
		{ "O05 16", SPAN_LITERAL("00D8d000003TRx3E"), ORGID_LENGTH, NULL },
		{ "O05 17", SPAN_LITERAL("00D8d000003TRx3EA"), ORGID_LENGTH, NULL },
		{ "O05 19", SPAN_LITERAL("00D8d000003TRx3EAGG"), ORGID_LENGTH, NULL },
		{ "O05 wrong checksum", SPAN_LITERAL("00D8d000003TRx3EAH"), ORGID_CHECKSUM, NULL },
		{ "O05 checksum in lower case", SPAN_LITERAL("00D8d000003TRx3eag"), ORGID_CHECKSUM, NULL },
		{ "O05 other case, old checksum", SPAN_LITERAL("00D8D000003TRx3EAG"), ORGID_CHECKSUM, NULL },
		{ "O06 lower case", SPAN_LITERAL("00d8d000003trx3"), ORGID_PREFIX, NULL },
		{ "O06 lower case, 18", SPAN_LITERAL("00d8d000003trx3eag"), ORGID_PREFIX, NULL },
		{ "user ID", SPAN_LITERAL("0058d000003TRx3"), ORGID_PREFIX, NULL },
		{ "letters O", SPAN_LITERAL("OOD8d000003TRx3"), ORGID_PREFIX, NULL },
		{ "O09 in brackets", SPAN_LITERAL("<00D8d00003TRx>"), ORGID_CHARACTER, NULL },
		{ "O09 two", SPAN_LITERAL("00D8d000003TRx3,00D8d000003TRx3"), ORGID_LENGTH, NULL },
		{ "O10 space is the caller's", SPAN_LITERAL(" 00D8d000003TRx3"), ORGID_LENGTH, NULL },
		{ "O10 space in 15", SPAN_LITERAL(" 00D8d000003TRx"), ORGID_CHARACTER, NULL },
		{ "O11 NUL and junk", SPAN_LITERAL("00D8d000003TRx3\0zz"), ORGID_CHARACTER, NULL },
		{ "O11 NUL", SPAN_LITERAL("00D8d000003TRx\0"), ORGID_CHARACTER, NULL },
		{ "O11 full-width digit", SPAN_LITERAL("00D8d000003T\xef\xbc\x93"), ORGID_CHARACTER, NULL },
		{ "O13 second line", SPAN_LITERAL("00D8d000003TRx3\n x"), ORGID_CHARACTER, NULL },
		{ "8-bit letter", SPAN_LITERAL("00D8d000003TRx\xc4"), ORGID_CHARACTER, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct orgid id;
		memset(&id, 0, sizeof id);
		enum orgid_status status = orgid_parse(cases[i].text, &id);
		ok(status == cases[i].status, "parse: %s", cases[i].id);
		is_text(id.text, cases[i].text_18 ? cases[i].text_18 : "", cases[i].id);
		ok(status == ORGID_OK || strcmp(orgid_problem(status), orgid_problem(ORGID_OK)) != 0, "it is explained");
	}
	is_text(orgid_problem(ORGID_UNSET), "there is none", "what was not read is explained");
	is_text(orgid_problem((enum orgid_status)99), "it is malformed", "so is what the enumeration does not know");
	static char huge[60000];
	memset(huge, '0', sizeof huge);
	struct orgid id;
	ok(orgid_parse(span_make(huge, sizeof huge), &id) == ORGID_LENGTH, "O11 60 KB");
}

static struct orgid made(const char *text)
{
	struct orgid id;
	memset(&id, 0, sizeof id);
	orgid_parse(span_of(text), &id);
	return id;
}

static void test_equal(void)
{
	static const struct {
		const char *id;
		const char *a;
		const char *b;
		bool equal;
	} pairs[] = {
		{ "same", "00D8d000003TRx3", "00D8d000003TRx3", true },
		{ "O04", "00D8d000003TRx3", "00D8d000003TRx3EAG", true },
		{ "O02", "00D8d000003TRx3", "00D8d000003TRx4", false },
		{ "O02 18", "00D8d000003TRx3EAG", "00DA0000000Hu5aMAC", false },
		{ "O03", "00D8d000003TRx3", "00D8d000003TRX3", false },
		{ "O03 at the start", "00D8d000003TRx3", "00D8D000003TRx3", false },
		{ "one unset", "00D8d000003TRx3", "", false },
		{ "both unset", "", "", false },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct orgid a = made(pairs[i].a);
		struct orgid b = made(pairs[i].b);
		ok(orgid_equal(&a, &b) == pairs[i].equal && orgid_equal(&b, &a) == pairs[i].equal, "equal: %s", pairs[i].id);
	}
	struct orgid id = made("00D8d000003TRx3EAG");
	is_span(orgid_short(&id), span_of("00D8d000003TRx3"), "the short form");
	struct orgid none = made("");
	is_span(orgid_short(&none), span_make(NULL, 0), "no short form of nothing");
}

/* Each of the 15 places sets its own bit, and no other. */
static void test_checksum(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
	for (unsigned place = 0; place < ORGID_SHORT; place++) {
		char text[ORGID_SHORT + 1] = "aaaaa00000zzzzz";
		char want[4] = "AAA";
		text[place] = 'Q';
		want[place / 5] = alphabet[1U << place % 5];
		char got[3];
		orgid_checksum(text, got);
		is_span(span_make(got, 3), span_of(want), text);
	}
}

int main(void)
{
	test_parse();
	test_equal();
	test_checksum();
	return done_testing();
}
