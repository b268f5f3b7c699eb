/* command: which packets of the milter protocol are sound, and how early one is known not to be. */
#include <stdint.h>
#include <stdlib.h>

#include "mta/command.h"
#include "tap.h"

#define BYTES(text) { (text), sizeof(text) - 1 }

static const struct {
	const char *what;
	char letter;
	struct span data;
	const char *fault; /* a part of it; NULL: it is sound */
} cases[] = {
	{ "abort", 'A', BYTES(""), NULL },
	{ "body", 'B', BYTES("x"), NULL },
	{ "body of a NUL", 'B', BYTES("\0"), NULL },
	{ "body of nothing", 'B', BYTES(""), "body" },
	{ "client, IPv4", 'C', BYTES("a\0004\0\031" "127.0.0.1\0"), NULL },
	{ "client, IPv6", 'C', BYTES("a\0006\0\031" "::1\0"), NULL },
	{ "client, local", 'C', BYTES("a\0L\0\0/x\0"), NULL },
	{ "client, unknown", 'C', BYTES("a\0U"), NULL },
	{ "client, unknown and more", 'C', BYTES("a\0U\0"), NULL },
	{ "client without a name", 'C', BYTES("\0" "4\0\031" "127.0.0.1\0"), NULL },
	{ "client, nothing", 'C', BYTES(""), "client" },
	{ "client without a NUL", 'C', BYTES("abc"), "client" },
	{ "client without a family", 'C', BYTES("abc\0"), "client" },
	{ "client without a port", 'C', BYTES("a\0" "4"), "client" },
	{ "client with half a port", 'C', BYTES("a\0" "4\0"), "client" },
	{ "client without an address", 'C', BYTES("a\0" "4\0\031"), "client" },
	{ "client with an open address", 'C', BYTES("a\0" "4\0\031" "127.0.0.1"), "client" },
	{ "client with two addresses", 'C', BYTES("a\0" "4\0\031" "127.0.0.1\0" "::1\0"), "client" },
	{ "macros, none", 'D', BYTES("M"), NULL },
	{ "macros, one", 'D', BYTES("M{a}\0b\0"), NULL },
	{ "macros, two", 'D', BYTES("M{a}\0b\0c\0\0"), NULL },
	{ "macros without names", 'D', BYTES("M\0\0"), NULL },
	{ "macros for an unknown step", 'D', BYTES("?{a}\0b\0"), NULL },
	{ "macros for nothing", 'D', BYTES(""), "macros" },
	{ "macros, half a one", 'D', BYTES("M{a}\0"), "macros" },
	{ "macros, one and a half", 'D', BYTES("M{a}\0b\0c\0"), "macros" },
	{ "macros, an open name", 'D', BYTES("M{a}"), "macros" },
	{ "macros, an open value", 'D', BYTES("M{a}\0b"), "macros" },
	{ "macros, an open third", 'D', BYTES("M{a}\0b\0c"), "macros" },
	{ "macros, a NUL alone", 'D', BYTES("M\0"), "macros" },
	{ "end", 'E', BYTES(""), NULL },
	{ "end with a body", 'E', BYTES("x"), NULL },
	{ "HELO", 'H', BYTES("a\0"), NULL },
	{ "HELO without a name", 'H', BYTES("\0"), NULL },
	{ "HELO, nothing", 'H', BYTES(""), "HELO" },
	{ "HELO, open", 'H', BYTES("a"), "HELO" },
	{ "HELO, two", 'H', BYTES("a\0b\0"), "HELO" },
	{ "another session", 'K', BYTES(""), NULL },
	{ "field", 'L', BYTES("a\0b\0"), NULL },
	{ "field, empty", 'L', BYTES("a\0\0"), NULL },
	{ "field, nothing", 'L', BYTES(""), "field" },
	{ "field without a value", 'L', BYTES("a\0"), "field" },
	{ "field without a name", 'L', BYTES("\0b\0"), "field" },
	{ "field without both", 'L', BYTES("\0\0"), "field" },
	{ "field, open", 'L', BYTES("a\0b"), "field" },
	{ "field, three texts", 'L', BYTES("a\0b\0c\0"), "field" },
	{ "field, an open third", 'L', BYTES("a\0b\0c"), "field" },
	{ "MAIL", 'M', BYTES("<a@b>\0"), NULL },
	{ "MAIL with parameters", 'M', BYTES("<a@b>\0SIZE=1\0"), NULL },
	{ "MAIL, nothing", 'M', BYTES(""), "MAIL" },
	{ "MAIL, open", 'M', BYTES("<a@b>"), "MAIL" },
	{ "MAIL, open parameter", 'M', BYTES("<a@b>\0SIZE=1"), "MAIL" },
	{ "end of header", 'N', BYTES(""), NULL },
	{ "negotiation", 'O', BYTES("\0\0\0\006\0\0\001\377\0\037\377\377"), NULL },
	{ "negotiation with more", 'O', BYTES("\0\0\0\006\0\0\001\377\0\037\377\377more"), NULL },
	{ "negotiation, a byte short", 'O', BYTES("\0\0\0\006\0\0\001\377\0\037\377"), "negotiation" },
	{ "negotiation, nothing", 'O', BYTES(""), "negotiation" },
	{ "quit", 'Q', BYTES(""), NULL },
	{ "RCPT", 'R', BYTES("<a@b>\0"), NULL },
	{ "RCPT, nothing", 'R', BYTES(""), "RCPT" },
	{ "RCPT, open", 'R', BYTES("<a@b>"), "RCPT" },
	{ "DATA", 'T', BYTES(""), NULL },
	{ "unknown command", 'U', BYTES("X\0"), NULL },
	{ "unknown command, open", 'U', BYTES("X"), "unknown" },
	{ "no command of an MTA", 'y', BYTES(""), "none of the commands" },
	{ "no command, NUL", '\0', BYTES("a\0"), "none of the commands" },
	{ "no command, 8 bits", '\377', BYTES("a\0"), "none of the commands" },
	{ "a lower-case letter", 'm', BYTES("<a@b>\0"), "none of the commands" },
};

static char bytes[COMMAND_HEAD + COMMAND_DATA_MAX + 16];

static size_t write_packet(uint32_t length, char letter, struct span data)
{
	bytes[0] = (char)(length >> 24);
	bytes[1] = (char)(length >> 16);
	bytes[2] = (char)(length >> 8);
	bytes[3] = (char)length;
	bytes[4] = letter;
	if (data.length != 0)
		memcpy(bytes + COMMAND_HEAD, data.at, data.length);
	return COMMAND_HEAD + data.length;
}

static enum command_status read_bytes(size_t length, struct command *command_r, size_t *size_r, const char **fault_r)
{
	/* A copy of its own, so that sanitizers see what is read beyond it. */
	char *copy = malloc(length + 1);
	memcpy(copy, bytes, length);
	struct command command = { 0 };
	enum command_status status = command_read(span_make(copy, length), &command, size_r, fault_r);
	if (status == COMMAND_WHOLE) {
		command_r->letter = command.letter;
		command_r->data = span_make(bytes + (command.data.at - copy), command.data.length);
	}
	free(copy);
	return status;
}

static void test_cases(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct command command = { 0 };
		const char *fault = NULL;
		size_t size = 0;
		size_t length = write_packet((uint32_t)cases[i].data.length + 1, cases[i].letter, cases[i].data);
		memcpy(bytes + length, "rest", 4);
		enum command_status status = read_bytes(length + 4, &command, &size, &fault);
		if (cases[i].fault)
			ok(status == COMMAND_UNSOUND && fault && strstr(fault, cases[i].fault), "%s: %s", cases[i].what,
			   fault ? fault : "sound");
		else
			ok(status == COMMAND_WHOLE && size == length && command.letter == cases[i].letter
			   && span_equal(command.data, cases[i].data), "%s", cases[i].what);
	}
}

/* Of each packet each beginning: more is asked for, but for an unsound head, which is known at once. */
static void test_partial(void)
{
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t whole = write_packet((uint32_t)cases[i].data.length + 1, cases[i].letter, cases[i].data);
		bool unknown = cases[i].fault && strstr(cases[i].fault, "none of");
		for (size_t length = 0; length < whole; length++) {
			struct command command;
			const char *fault = NULL;
			size_t size = 0;
			enum command_status status = read_bytes(length, &command, &size, &fault);
			bool known = unknown && length >= COMMAND_HEAD;
			bool good = known ? status == COMMAND_UNSOUND
			                  : status == COMMAND_PARTIAL && size > length && size <= whole
			                    && (length < COMMAND_HEAD || size == whole);
			wrong += !good;
		}
	}
	ok(wrong == 0, "each beginning of each packet asks for what is missing (%u wrong)", wrong);
}

static void test_lengths(void)
{
	static const struct {
		uint32_t length;
		enum command_status status;
	} lengths[] = {
		{ 0, COMMAND_UNSOUND },
		{ 1, COMMAND_PARTIAL },
		{ COMMAND_DATA_MAX + 1, COMMAND_PARTIAL },
		{ COMMAND_DATA_MAX + 2, COMMAND_UNSOUND },
		{ 0x7fffffff, COMMAND_UNSOUND },
		{ 0x80000000, COMMAND_UNSOUND },
		{ 0xffffffff, COMMAND_UNSOUND },
		{ 0x47455420, COMMAND_UNSOUND }, /* "GET " */
	};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct command command;
		const char *fault = NULL;
		size_t size = 0;
		write_packet(lengths[i].length, 'A', span_make(NULL, 0));
		enum command_status status = read_bytes(4, &command, &size, &fault);
		ok(status == lengths[i].status && (status != COMMAND_PARTIAL || size == COMMAND_HEAD),
		   "a length of %#lx is judged before the letter is there", (unsigned long)lengths[i].length);
	}
	struct command command = { 0 };
	const char *fault;
	size_t size = 0;
	write_packet(COMMAND_DATA_MAX + 1, 'B', span_make(NULL, 0));
	ok(read_bytes(COMMAND_HEAD + COMMAND_DATA_MAX, &command, &size, &fault) == COMMAND_WHOLE
	   && command.data.length == COMMAND_DATA_MAX, "the largest packet");
}

int main(void)
{
	test_cases();
	test_partial();
	test_lengths();
	return done_testing();
}
