/* SPDX-License-Identifier: BSD-2-Clause */
/* protocol: which packets of the milter protocol are sound, and how early one is known not to be. */
#include <stdint.h>
#include <stdlib.h>

#include "mta/protocol.h"
#include "tap.h"

#define BYTES(text)                                                                                                    \
	{                                                                                                                  \
		(text), sizeof(text) - 1                                                                                       \
	}
#define LONG "........................................................................"

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
	{ "client, IPv4", 'C',
	  BYTES("a\0004\0\031"
	        "127.0.0.1\0"),
	  NULL },
	{ "client, IPv6", 'C',
	  BYTES("a\0006\0\031"
	        "::1\0"),
	  NULL },
	{ "client, local", 'C', BYTES("a\0L\0\0/x\0"), NULL },
	{ "client, unknown", 'C', BYTES("a\0U"), NULL },
	{ "client, unknown and more", 'C', BYTES("a\0U\0"), NULL },
	{ "client without a name", 'C',
	  BYTES("\0"
	        "4\0\031"
	        "127.0.0.1\0"),
	  NULL },
	{ "client, nothing", 'C', BYTES(""), "client" },
	{ "client without a NUL", 'C', BYTES("abc"), "client" },
	{ "client without a family", 'C', BYTES("abc\0"), "client" },
	{ "client without a port", 'C',
	  BYTES("a\0"
	        "4"),
	  "client" },
	{ "client with half a port", 'C',
	  BYTES("a\0"
	        "4\0"),
	  "client" },
	{ "client without an address", 'C',
	  BYTES("a\0"
	        "4\0\031"),
	  "client" },
	{ "client with an open address", 'C',
	  BYTES("a\0"
	        "4\0\031"
	        "127.0.0.1"),
	  "client" },
	{ "client, IPv6 with Sendmail's tag", 'C',
	  BYTES("a\0006\0\031"
	        "IPv6:2001:db8::1\0"),
	  NULL },
	{ "I09 client, IPv4 of two parts", 'C',
	  BYTES("a\0"
	        "4\0\031"
	        "13.7212758\0"),
	  NULL },
	{ "I09 client, IPv4 with an octal part", 'C',
	  BYTES("a\0"
	        "4\0\031"
	        "013.110.74.200\0"),
	  NULL },
	{ "I09 client, IPv4 with more behind it", 'C',
	  BYTES("a\0"
	        "4\0\031"
	        "13.110.74.200 x\0"),
	  NULL },
	{ "I09 client, IPv4 that is IPv6", 'C',
	  BYTES("a\0"
	        "4\0\031"
	        "::ffff:13.110.74.200\0"),
	  NULL },
	{ "I09 client, IPv6 that is IPv4", 'C',
	  BYTES("a\0"
	        "6\0\031"
	        "13.110.74.200\0"),
	  NULL },
	{ "client with an empty address", 'C',
	  BYTES("a\0"
	        "4\0\031"
	        "\0"),
	  NULL },
	{ "client of no known family", 'C',
	  BYTES("a\0X\0\031"
	        "127.0.0.1\0"),
	  "family" },
	{ "client with too long a path", 'C', BYTES("a\0L\0\0/" LONG LONG "\0"), "path too long" },
	{ "client with two addresses", 'C',
	  BYTES("a\0"
	        "4\0\031"
	        "127.0.0.1\0"
	        "::1\0"),
	  "client" },
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

static char bytes[PACKET_HEAD + PACKET_DATA_MAX + 16];

static size_t write_packet(uint32_t length, char letter, struct span data)
{
	bytes[0] = (char)(length >> 24);
	bytes[1] = (char)(length >> 16);
	bytes[2] = (char)(length >> 8);
	bytes[3] = (char)length;
	bytes[4] = letter;
	if (data.length != 0)
		memcpy(bytes + PACKET_HEAD, data.at, data.length);
	return PACKET_HEAD + data.length;
}

static enum packet_status read_bytes(size_t length, struct packet *packet_r, size_t *size_r, const char **fault_r)
{
	/* A copy of its own, so that sanitizers see what is read beyond it. */
	char *copy = malloc(length + 1);
	memcpy(copy, bytes, length);
	struct packet packet = { 0 };
	enum packet_status status = protocol_read(span_make(copy, length), &packet, size_r, fault_r);
	if (status == PACKET_WHOLE) {
		packet_r->letter = packet.letter;
		packet_r->data = span_make(bytes + (packet.data.at - copy), packet.data.length);
	}
	free(copy);
	return status;
}

static void test_cases(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct packet packet = { 0 };
		const char *fault = NULL;
		size_t size = 0;
		size_t length = write_packet((uint32_t)cases[i].data.length + 1, cases[i].letter, cases[i].data);
		memcpy(bytes + length, "rest", 4);
		enum packet_status status = read_bytes(length + 4, &packet, &size, &fault);
		if (cases[i].fault)
			ok(status == PACKET_UNSOUND && fault && strstr(fault, cases[i].fault), "%s: %s", cases[i].what,
			   fault ? fault : "sound");
		else
			ok(status == PACKET_WHOLE && size == length && packet.letter == cases[i].letter
			       && span_equal(packet.data, cases[i].data),
			   "%s", cases[i].what);
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
			struct packet packet;
			const char *fault = NULL;
			size_t size = 0;
			enum packet_status status = read_bytes(length, &packet, &size, &fault);
			bool known = unknown && length >= PACKET_HEAD;
			bool good = known ? status == PACKET_UNSOUND
			                  : status == PACKET_PARTIAL && size > length && size <= whole
			                        && (length < PACKET_HEAD || size == whole);
			wrong += !good;
		}
	}
	ok(wrong == 0, "each beginning of each packet asks for what is missing (%u wrong)", wrong);
}

static void test_lengths(void)
{
	static const struct {
		uint32_t length;
		enum packet_status status;
	} lengths[] = {
		{ 0, PACKET_UNSOUND },
		{ 1, PACKET_PARTIAL },
		{ PACKET_DATA_MAX + 1, PACKET_PARTIAL },
		{ PACKET_DATA_MAX + 2, PACKET_UNSOUND },
		{ 0x7fffffff, PACKET_UNSOUND },
		{ 0x80000000, PACKET_UNSOUND },
		{ 0xffffffff, PACKET_UNSOUND },
		{ 0x47455420, PACKET_UNSOUND }, /* "GET " */
	};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct packet packet;
		const char *fault = NULL;
		size_t size = 0;
		write_packet(lengths[i].length, 'A', span_make(NULL, 0));
		enum packet_status status = read_bytes(4, &packet, &size, &fault);
		ok(status == lengths[i].status && (status != PACKET_PARTIAL || size == PACKET_HEAD),
		   "a length of %#lx is judged before the letter is there", (unsigned long)lengths[i].length);
	}
	struct packet packet = { 0 };
	const char *fault;
	size_t size = 0;
	write_packet(PACKET_DATA_MAX + 1, 'B', span_make(NULL, 0));
	ok(read_bytes(PACKET_HEAD + PACKET_DATA_MAX, &packet, &size, &fault) == PACKET_WHOLE
	       && packet.data.length == PACKET_DATA_MAX,
	   "the largest packet");
}

/* What is taken out of sound packets. */
static void test_contents(void)
{
	static const struct {
		struct span data;
		const char *name;
		const char *address;
	} clients[] = {
		{ BYTES("a.test\0"
		        "4\0\031"
		        "13.110.74.200\0"),
		  "a.test", "13.110.74.200" },
		{ BYTES("a.test\0"
		        "6\0\031"
		        "IPv6:2001:DB8::1\0"),
		  "a.test", "2001:db8::1" },
		{ BYTES("a.test\0"
		        "6\0\031"
		        "::ffff:13.110.74.200\0"),
		  "a.test", "13.110.74.200" },
		{ BYTES("localhost\0L\0\0/x\0"), "localhost", "" },
		{ BYTES("localhost\0U"), "localhost", "" },
		{ BYTES("\0U\0"), "", "" },
		{ BYTES("I09\0"
		        "4\0\031"
		        "13.7212758\0"),
		  "I09", "" },
		{ BYTES("I09\0"
		        "4\0\031"
		        "013.110.74.200\0"),
		  "I09", "" },
		{ BYTES("I09\0"
		        "4\0\031"
		        "13.110.74.200 x\0"),
		  "I09", "" },
		{ BYTES("I09\0"
		        "4\0\031"
		        "::ffff:13.110.74.200\0"),
		  "I09", "" },
		{ BYTES("I09\0"
		        "6\0\031"
		        "13.110.74.200\0"),
		  "I09", "" },
		{ BYTES("I09\0"
		        "4\0\031"
		        "\0"),
		  "I09", "" },
	};
	for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
		struct address address;
		char text[ADDRESS_TEXT_SIZE];
		is_span(protocol_client(clients[i].data, &address), span_of(clients[i].name), "the client's name");
		address_format(&address, text);
		is_text(text, clients[i].address, "its address");
	}
	static const struct span offered = BYTES("\0\0\0\006\0\0\001\377\0\037\377\377\377");
	struct offer offer = protocol_offer(offered);
	ok(offer.version == 6 && offer.actions == 0x1ff && offer.steps == 0x1fffff, "what is offered");
	static const struct span arguments = BYTES("<a@b>\0SIZE=1\0"), field = BYTES("Subject\0 a: b\0"),
							 empty = BYTES("X\0\0");
	is_span(protocol_text(arguments), span_of("<a@b>"), "the sender");
	struct span name, value;
	protocol_field(field, &name, &value);
	is_span(name, span_of("Subject"), "the name of a field");
	is_span(value, span_of(" a: b"), "its value");
	protocol_field(empty, &name, &value);
	ok(value.length == 0 && !span_absent(value), "an empty value is there");
}

static void test_macros(void)
{
	static const struct span data =
		BYTES("Mi\0QUEUE\0{tls_version}\0TLSv1.3\0{cert_subject}\0\0{j}\0host\0{tls_version}\0none\0");
	static const struct {
		const char *name;
		const char *value; /* NULL: absent */
	} cases_[] = {
		{ "i", "QUEUE" },
		{ "{i}", "QUEUE" },
		{ "j", "host" },
		{ "{j}", "host" },
		{ "{tls_version}", "TLSv1.3" },
		{ "tls_version", NULL },
		{ "{cert_subject}", "" },
		{ "{cert}", NULL },
		{ "QUEUE", NULL },
		{ "v", NULL },
		{ "", NULL },
	};
	struct span list;
	ok(protocol_macros(data, &list) == 'M', "the command that the macros are for");
	for (size_t i = 0; i < sizeof cases_ / sizeof cases_[0]; i++) {
		struct span value = protocol_macro(list, cases_[i].name);
		ok(span_absent(value) == !cases_[i].value && span_equal(value, span_of(cases_[i].value)), "macro \"%s\"",
		   cases_[i].name);
	}
	static const struct span none = BYTES("M");
	protocol_macros(none, &list);
	ok(span_absent(protocol_macro(list, "i")), "in no list there is none");
	ok(span_absent(protocol_macro(span_make(NULL, 0), "i")), "nor in an absent one");
}

static void is_written(struct buffer *out, struct span expected, const char *what)
{
	struct span written = buffer_content(out);
	ok(span_equal(written, expected), "%s: %zu bytes", what, written.length);
	buffer_clear(out);
}

static void test_written(void)
{
	static const struct span go_on = BYTES("\0\0\0\1c"), reply = BYTES("\0\0\0\027y550 5.7.1 100%% wrong\0"),
							 removal = BYTES("\0\0\0\012m\0\0\0\3X-A\0\0"),
							 insertion = BYTES("\0\0\0\014i\0\0\0\0X-A\0 v\0"), held = BYTES("\0\0\0\005qwhy\0"),
							 plain = BYTES("\0\0\0\015O\0\0\0\2\0\0\0\061\0\0\0\0"),
							 asking = BYTES("\0\0\0\033O\0\0\0\6\0\0\1\061\0\020\4\0\0\0\0\2i j\0\0\0\0\6i\0");
	static const struct symbols symbols[] = { { 2, "i j" }, { 6, "i" } };
	struct buffer out = { 0 };
	protocol_write(&out, SMFIR_CONTINUE);
	is_written(&out, go_on, "go on");
	struct reply refusal = { "550", "5.7.1", "100% wrong" };
	protocol_write_reply(&out, &refusal);
	is_written(&out, reply, "a reply, percent signs doubled");
	protocol_write_removal(&out, span_of("X-A"), 3);
	is_written(&out, removal, "a removal");
	protocol_write_insertion(&out, span_of("X-A"), span_of(" "), span_of("v"));
	is_written(&out, insertion, "an insertion");
	protocol_write_quarantine(&out, span_of("why"));
	is_written(&out, held, "quarantine");
	struct offer agreed = { 2, 0x31, 0 };
	protocol_write_agreement(&out, &agreed, NULL, 0);
	is_written(&out, plain, "what is agreed on");
	agreed = (struct offer) { 6, 0x131, 0x100400 };
	protocol_write_agreement(&out, &agreed, symbols, 2);
	is_written(&out, asking, "and macros asked for");
	memset(refusal.text, '%', REPLY_TEXT_MAX);
	refusal.text[REPLY_TEXT_MAX] = '\0';
	protocol_write_reply(&out, &refusal);
	struct span written = buffer_content(&out);
	ok(written.length == PACKET_HEAD + 10 + 2 * REPLY_TEXT_MAX + 1 && written.at[written.length - 1] == '\0'
	       && memchr(written.at + PACKET_HEAD, '\0', written.length - PACKET_HEAD) == written.at + written.length - 1,
	   "the longest reply, all percent signs");
	buffer_clear(&out);
}

/* Bytes in, bytes out, in every rhythm. */
static void test_buffer(void)
{
	struct buffer buffer = { 0 };
	size_t in = 0, gone = 0;
	unsigned wrong = 0;
	for (unsigned round = 0; round < 4000; round++) {
		char piece[97];
		size_t length = round * 7 % sizeof piece;
		for (size_t i = 0; i < length; i++)
			piece[i] = (char)((in + i) % 251);
		buffer_add(&buffer, piece, length);
		in += length;
		struct span content = buffer_content(&buffer);
		wrong += content.length != in - gone;
		size_t take = content.length < round * 11 % 101 ? content.length : round * 11 % 101;
		for (size_t i = 0; i < take; i++)
			wrong += content.at[i] != (char)((gone + i) % 251);
		buffer_take(&buffer, take);
		gone += take;
	}
	ok(wrong == 0 && buffer.size < 65536, "what comes in goes out, in its order, and memory stays small");
	buffer_clear(&buffer);
	ok(buffer_content(&buffer).length == 0 && !buffer.bytes, "and is released");
}

int main(void)
{
	test_contents();
	test_macros();
	test_written();
	test_buffer();
	test_cases();
	test_partial();
	test_lengths();
	return done_testing();
}
