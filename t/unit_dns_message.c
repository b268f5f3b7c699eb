/* SPDX-License-Identifier: BSD-2-Clause */
/* dns_message: DNS responses, sound ones and damaged ones. */
#include <stdlib.h>

#include "evidence/dns_message.h"
#include "tap.h"

/* A response that is put together piece by piece. */
struct maker {
	unsigned char bytes[4096];
	size_t length;
};

static void put(struct maker *maker, const char *bytes, size_t length)
{
	memcpy(maker->bytes + maker->length, bytes, length);
	maker->length += length;
}

static void put16(struct maker *maker, unsigned number)
{
	maker->bytes[maker->length++] = (unsigned char)(number >> 8);
	maker->bytes[maker->length++] = (unsigned char)number;
}

#define NAME(text) (text), sizeof(text)

/* Header and the question "a.test" at offset 12. */
static void start(struct maker *maker, unsigned answers)
{
	maker->length = 0;
	put(maker, "\0\1\x81\x80", 4);
	put16(maker, 1);
	put16(maker, answers);
	put16(maker, 0);
	put16(maker, 0);
	put(maker, NAME("\1a\4test"));
	put16(maker, 16);
	put16(maker, 1);
}

static void record(struct maker *maker, const char *owner, size_t owner_length, unsigned type, const char *data,
                   size_t length)
{
	put(maker, owner, owner_length);
	put16(maker, type);
	put16(maker, 1);
	put(maker, "\0\0\1\0", 4);
	put16(maker, (unsigned)length);
	put(maker, data, length);
}

static bool parse(const struct maker *maker, enum record_type type, struct arena *arena, struct answer *answer)
{
	struct question question = { type, SPAN_LITERAL("A.Test") };
	/* An exact copy, so that a sanitizer sees reading past the end. */
	unsigned char *copy = malloc(maker->length);
	memcpy(copy, maker->bytes, maker->length);
	memset(answer, 0, sizeof *answer);
	bool parsed = dns_message_parse(copy, maker->length, &question, arena, answer);
	free(copy);
	return parsed;
}

#define POINTER "\xc0\x0c"

static void test_types(struct arena *arena)
{
	struct maker maker;
	struct answer answer;
	char text[ADDRESS_TEXT_SIZE];

	start(&maker, 2);
	record(&maker, POINTER, 2, 1, "\xc0\0\2\1", 4);
	record(&maker, NAME("\1A\4TEST"), 1, "\xc0\0\2\2", 4);
	ok(parse(&maker, RECORD_A, arena, &answer) && answer.status == ANSWER_FOUND && answer.count == 2, "A, two");
	address_format(&answer.records[1].address, text);
	is_text(text, "192.0.2.2", "owner names are compared without case");
	start(&maker, 1);
	record(&maker, POINTER, 2, 28, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	ok(parse(&maker, RECORD_AAAA, arena, &answer) && answer.count == 1, "AAAA");
	start(&maker, 1);
	record(&maker, POINTER, 2, 15, "\0\x0a\2mx\xc0\x0e", 7);
	ok(parse(&maker, RECORD_MX, arena, &answer) && answer.records[0].preference == 10, "MX");
	is_span(answer.records[0].text, span_of("mx.test"), "a compressed name");
	start(&maker, 1);
	record(&maker, POINTER, 2, 15, "\0\0\0", 3);
	ok(parse(&maker, RECORD_MX, arena, &answer) && answer.records[0].text.length == 0
	       && !span_absent(answer.records[0].text),
	   "a null MX names the root");
	start(&maker, 1);
	record(&maker, POINTER, 2, 12, "\4a.\\b\2 \xff\0", 9);
	ok(parse(&maker, RECORD_PTR, arena, &answer), "PTR");
	is_span(answer.records[0].text, span_of("a\\046\\092b.\\032\\255"), "bytes that need it are escaped");
	start(&maker, 1);
	record(&maker, POINTER, 2, 16, "\3a\0b\0\2cd", 8);
	ok(parse(&maker, RECORD_TXT, arena, &answer) && answer.count == 1, "TXT");
	is_span(answer.records[0].text, span_make("a\0bcd", 5), "strings are joined, NUL is kept");
	start(&maker, 1);
	record(&maker, POINTER, 2, 16, "", 0);
	ok(parse(&maker, RECORD_TXT, arena, &answer) && !span_absent(answer.records[0].text), "TXT without a string");
}

static void test_chain(struct arena *arena)
{
	struct maker maker;
	struct answer answer;

	start(&maker, 3);
	record(&maker, NAME("\1c\4test"), 16, "\1x", 2);
	record(&maker, NAME("\1b\4test"), 5, NAME("\1C\4test"));
	record(&maker, POINTER, 2, 5, NAME("\1b\4test"));
	ok(parse(&maker, RECORD_TXT, arena, &answer) && answer.count == 1 && answer.chain_count == 2,
	   "a chain in any order");
	is_span(answer.chain[0], span_of("b.test"), "its first step");
	is_span(answer.chain[1], span_of("C.test"), "its last step");
	start(&maker, 1);
	record(&maker, POINTER, 2, 5, NAME("\1b\4test"));
	ok(parse(&maker, RECORD_TXT, arena, &answer) && answer.status == ANSWER_NODATA && answer.chain_count == 1,
	   "a chain that ends in nothing");
	start(&maker, 2);
	record(&maker, POINTER, 2, 5, NAME("\1b\4test"));
	record(&maker, NAME("\1b\4test"), 5, POINTER, 2);
	ok(!parse(&maker, RECORD_TXT, arena, &answer), "a loop");
	start(&maker, PACKET_CHAIN_MAX + 1);
	for (int i = 0; i <= PACKET_CHAIN_MAX; i++) {
		char owner[8] = "\1a\4test", target[8] = "\1a\4test";
		owner[1] = (char)('a' + i);
		target[1] = (char)('b' + i);
		record(&maker, owner, 8, 5, target, 8);
	}
	ok(!parse(&maker, RECORD_TXT, arena, &answer), "a chain that is too long");
	start(&maker, 2);
	record(&maker, NAME("\1b\4test"), 16, "\1x", 2);
	record(&maker, NAME("\1a\4test\5other"), 16, "\1x", 2);
	ok(parse(&maker, RECORD_TXT, arena, &answer) && answer.status == ANSWER_NODATA, "records of other names");
}

static void test_damage(struct arena *arena)
{
	static const struct {
		const char *what;
		const char *owner;
		size_t owner_length;
		unsigned type;
		const char *data;
		size_t length;
		enum record_type asked;
	} cases[] = {
		{ "A of 3 bytes", POINTER, 2, 1, "\1\2\3", 3, RECORD_A },
		{ "A of 16 bytes", POINTER, 2, 1, "0123456789abcdef", 16, RECORD_A },
		{ "AAAA of 4 bytes", POINTER, 2, 28, "\1\2\3\4", 4, RECORD_AAAA },
		{ "MX of 1 byte", POINTER, 2, 15, "\0", 1, RECORD_MX },
		{ "MX without a name", POINTER, 2, 15, "\0\1", 2, RECORD_MX },
		{ "bytes after a name", POINTER, 2, 12, "\1b\0x", 4, RECORD_PTR },
		{ "a name past its data", POINTER, 2, 12, "\5b", 2, RECORD_PTR },
		{ "a string past its data", POINTER, 2, 16, "\5ab", 3, RECORD_TXT },
		{ "a pointer to itself", "\xc0\x18", 2, 16, "\1x", 2, RECORD_TXT },
		{ "a pointer forwards", "\xc0\x30", 2, 16, "\1x", 2, RECORD_TXT },
		{ "a label type of the future", "\x40\0", 2, 16, "\1x", 2, RECORD_TXT },
		{ "a CNAME that is no name", POINTER, 2, 5, "\x09", 1, RECORD_TXT },
	};
	struct maker maker;
	struct answer answer;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start(&maker, 1);
		record(&maker, cases[i].owner, cases[i].owner_length, cases[i].type, cases[i].data, cases[i].length);
		ok(!parse(&maker, cases[i].asked, arena, &answer), "%s", cases[i].what);
	}
	start(&maker, 1);
	record(&maker, POINTER, 2, 16, "\3abc", 4);
	bool all = true;
	size_t whole = maker.length;
	for (maker.length = 0; maker.length < whole; maker.length++)
		all = all && !parse(&maker, RECORD_TXT, arena, &answer);
	ok(all, "every beginning of a sound response");
	ok(parse(&maker, RECORD_TXT, arena, &answer), "and the whole");
}

static void test_questions(struct arena *arena)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{ "", true },
		{ "a", true },
		{ "a.b", true },
		{ "a\\046b", true },
		{ "a.", false },
		{ ".a", false },
		{ "a..b", false },
		{ "a\\25", false },
		{ "a\\256", false },
		{ "a\\x", false },
		{ "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg", true },
		{ "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg", false },
	};
	struct maker maker;
	struct answer answer;
	start(&maker, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct question question = { RECORD_A, span_of(cases[i].name) };
		ok(dns_message_parse(maker.bytes, maker.length, &question, arena, &answer) == cases[i].good, "asked for [%s]",
		   cases[i].name);
	}
	struct arena small;
	arena_init(&small, 1);
	struct question question = { RECORD_A, SPAN_LITERAL("a") };
	ok(!dns_message_parse(maker.bytes, maker.length, &question, &small, &answer), "no memory");
	arena_clear(&small);
}

int main(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	test_types(&arena);
	test_chain(&arena);
	test_damage(&arena);
	test_questions(&arena);
	arena_clear(&arena);
	return done_testing();
}
