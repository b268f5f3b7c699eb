/* SPDX-License-Identifier: BSD-2-Clause */
/* header: names, counting, defects, limits; message_split: where fields, header and body end. */
#include "core/header.h"
#include "tap.h"

#define TEXT(literal) span_make((literal), sizeof(literal) - 1)

static void test_names(void)
{
	static const struct {
		struct span name;
		enum field_name id;
	} rows[] = {
		{ SPAN_LITERAL("From"), FIELD_FROM },
		{ SPAN_LITERAL("FROM"), FIELD_FROM },
		{ SPAN_LITERAL("from \t"), FIELD_FROM },
		{ SPAN_LITERAL(" From"), FIELD_FROM },
		{ SPAN_LITERAL("x-sfdc-lk"), FIELD_X_SFDC_LK },
		{ SPAN_LITERAL("X-Sfdc-Lk"), FIELD_X_SFDC_LK },
		{ SPAN_LITERAL("X-SFDCOrgRelay"), FIELD_X_SFDC_ORG_RELAY },
		{ SPAN_LITERAL("authentication-results"), FIELD_AUTHENTICATION_RESULTS },
		{ SPAN_LITERAL("X-SFDC-LKID"), FIELD_OTHER },
		{ SPAN_LITERAL("X_SFDC_LK"), FIELD_OTHER },
		{ SPAN_LITERAL("Resent-From"), FIELD_OTHER },
		{ SPAN_LITERAL("From\xa0"), FIELD_OTHER },
		{ SPAN_LITERAL("From\0"), FIELD_OTHER },
		{ SPAN_LITERAL("Fr om"), FIELD_OTHER },
		{ SPAN_LITERAL(""), FIELD_OTHER },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ok(field_by_name(rows[i].name) == rows[i].id, "name %zu [%s]", i, rows[i].name.at);
	bool same = true;
	for (unsigned id = 0; id < FIELD_OTHER; id++)
		same = same && field_by_name(span_of(field_text((enum field_name)id))) == (enum field_name)id;
	ok(same && field_text(FIELD_OTHER)[0] == '\0', "every known name is found by its own spelling");
}

static void test_defects(void)
{
	static const struct {
		const char *id;
		struct span name;
		struct span value;
		unsigned defects;
	} rows[] = {
		{ "sound", SPAN_LITERAL("From"), SPAN_LITERAL(" x"), HEADER_SOUND },
		{ "sound: folded with LF", SPAN_LITERAL("To"), SPAN_LITERAL(" a\n b\n\tc"), HEADER_SOUND },
		{ "sound: folded with CRLF", SPAN_LITERAL("To"), SPAN_LITERAL(" a\r\n b"), HEADER_SOUND },
		{ "sound: value on the second line", SPAN_LITERAL("To"), SPAN_LITERAL("\n v"), HEADER_SOUND },
		{ "sound: 8-bit value", SPAN_LITERAL("Subject"), SPAN_LITERAL("\xe9"), HEADER_SOUND },
		{ "sound: empty value", SPAN_LITERAL("X"), SPAN_LITERAL(""), HEADER_SOUND },
		{ "F05 space before the colon", SPAN_LITERAL("From "), SPAN_LITERAL(" x"), HEADER_NAME },
		{ "F05 tab before the colon", SPAN_LITERAL("From\t"), SPAN_LITERAL(" x"), HEADER_NAME },
		{ "F13 NUL in a value", SPAN_LITERAL("From"), SPAN_LITERAL(" a\0b"), HEADER_NUL },
		{ "F13 NUL in a name", SPAN_LITERAL("From\0"), SPAN_LITERAL(" a"), HEADER_NUL | HEADER_NAME },
		{ "F13 8-bit byte after the name", SPAN_LITERAL("From\xff"), SPAN_LITERAL(" a"), HEADER_NAME },
		{ "F13 8-bit byte before the name",
		  SPAN_LITERAL("\xff"
		               "From"),
		  SPAN_LITERAL(" a"), HEADER_NAME },
		{ "F13 NUL before the name", SPAN_LITERAL("\0From"), SPAN_LITERAL(" a"), HEADER_NUL | HEADER_NAME },
		{ "space inside the name", SPAN_LITERAL("Fr om"), SPAN_LITERAL(" a"), HEADER_NAME },
		{ "DEL in the name", SPAN_LITERAL("From\x7f"), SPAN_LITERAL(" a"), HEADER_NAME },
		{ "control in the name", SPAN_LITERAL("From\x01"), SPAN_LITERAL(" a"), HEADER_NAME },
		{ "empty name", SPAN_LITERAL(""), SPAN_LITERAL(" a"), HEADER_NAME },
		{ "X02 bare CR", SPAN_LITERAL("Subject"), SPAN_LITERAL(" a\rFrom: x"), HEADER_BARE_CR },
		{ "X02 bare CR at the end", SPAN_LITERAL("Subject"), SPAN_LITERAL(" a\r"), HEADER_BARE_CR },
		{ "X02 LF that is no fold", SPAN_LITERAL("Subject"), SPAN_LITERAL(" a\nFrom: x"), HEADER_BARE_CR },
		{ "X02 CRLF that is no fold", SPAN_LITERAL("Subject"), SPAN_LITERAL(" a\r\nFrom: x"), HEADER_BARE_CR },
		{ "X02 LF at the end", SPAN_LITERAL("Subject"), SPAN_LITERAL(" a\n"), HEADER_BARE_CR },
		{ "CR CR LF", SPAN_LITERAL("Subject"), SPAN_LITERAL(" a\r\r\n b"), HEADER_BARE_CR },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena arena;
		struct header header;
		arena_init(&arena, 0);
		header_init(&header, &arena, span_of(NULL));
		ok(header_add(&header, rows[i].name, rows[i].value, true) && header.defects == rows[i].defects, "%s",
		   rows[i].id);
		if (header.defects != rows[i].defects)
			printf("# got %u, want %u\n", header.defects, rows[i].defects);
		arena_clear(&arena);
	}
}

/* Counting: which names are duplicates of which. */
static void test_duplicates(void)
{
	static const struct {
		const char *id;
		const char *first;
		const char *second;
		enum field_name name;
		unsigned count;
		unsigned defects;
	} rows[] = {
		{ "F01 two From", "From", "From", FIELD_FROM, 2, HEADER_DUPLICATE },
		{ "F04 FROM and from", "FROM", "from", FIELD_FROM, 2, HEADER_DUPLICATE },
		{ "F05 From and 'From '", "From", "From ", FIELD_FROM, 2, HEADER_DUPLICATE | HEADER_NAME },
		{ "F05 'From\\t' and From", "From\t", "From", FIELD_FROM, 2, HEADER_DUPLICATE | HEADER_NAME },
		{ "F08 From and Resent-From", "From", "Resent-From", FIELD_FROM, 1, HEADER_SOUND },
		{ "X03 two Content-Type", "Content-Type", "Content-type", FIELD_CONTENT_TYPE, 2, HEADER_DUPLICATE },
		{ "X03 two Subject", "Subject", "SUBJECT", FIELD_SUBJECT, 2, HEADER_DUPLICATE },
		{ "X03 two To", "To", "To", FIELD_TO, 2, HEADER_DUPLICATE },
		{ "two Sender", "Sender", "Sender", FIELD_SENDER, 2, HEADER_DUPLICATE },
		{ "O07 two X-SFDC-LK: counted, no defect of the header", "X-SFDC-LK", "X-SFDC-LK", FIELD_X_SFDC_LK, 2,
		  HEADER_SOUND },
		{ "O08 x-sfdc-lk and 'X-SFDC-LK '", "x-sfdc-lk", "X-SFDC-LK ", FIELD_X_SFDC_LK, 2, HEADER_NAME },
		{ "O12 X-SFDC-LKID is another field", "X-SFDC-LK", "X-SFDC-LKID", FIELD_X_SFDC_LK, 1, HEADER_SOUND },
		{ "two Received", "Received", "Received", FIELD_OTHER, 2, HEADER_SOUND },
		{ "two DKIM-Signature", "DKIM-Signature", "DKIM-Signature", FIELD_DKIM_SIGNATURE, 2, HEADER_SOUND },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena arena;
		struct header header;
		arena_init(&arena, 0);
		header_init(&header, &arena, span_of(NULL));
		bool taken = header_add(&header, span_of(rows[i].first), span_of(" 1"), true)
		             && header_add(&header, span_of(rows[i].second), span_of(" 2"), true);
		ok(taken && header.count[rows[i].name] == rows[i].count && header.defects == rows[i].defects, "%s", rows[i].id);
		arena_clear(&arena);
	}
}

static void test_list(void)
{
	struct arena arena;
	struct header header;
	arena_init(&arena, 0);
	header_init(&header, &arena, span_of("X-SFDC-Relay"));
	char name[] = "From";
	char value[] = " a@b.example";
	header_add(&header, span_of("X-Other"), span_of(" 0"), true);
	header_add(&header, span_of(name), span_of(value), true);
	memset(name, '?', sizeof name - 1);
	memset(value, '?', sizeof value - 1);
	header_add(&header, span_of("x-sfdc-relay "), span_of(" forged 1"), true);
	header_add(&header, span_of("AUTHENTICATION-RESULTS"), span_of(" 1"), true);
	header_add(&header, span_of("X-SFDC-Relay"), span_of("forged 2"), true);
	header_add(&header, span_of("Authentication-Results"), span_of(" 2"), true);

	const struct field *from = header_find(&header, FIELD_FROM);
	ok(from && from == header.first->next && header.first->id == FIELD_OTHER, "all fields are kept");
	is_span(header.first->value, TEXT(" 0"), "those of unknown names, too");
	is_span(from->value, TEXT(" a@b.example"), "the value is a copy, raw");
	is_span(from->name, TEXT("From"), "so is the name");
	ok(from->index == 1 && !header_next(from), "one From");
	const struct field *results = header_find(&header, FIELD_AUTHENTICATION_RESULTS);
	ok(results && results->index == 1 && header_next(results) && header_next(results)->index == 2
	       && !header_next(header_next(results)),
	   "R03 indexes count per name without case");
	is_span(results->name, TEXT("AUTHENTICATION-RESULTS"), "the spelling is kept");
	ok(!header_find(&header, FIELD_SENDER), "a name that did not come is not found");
	const struct field *watched = from->next;
	ok(watched && watched->id == FIELD_OTHER && watched->index == 1 && header.watched_count == 2, "the watched name");
	is_span(watched->name, TEXT("x-sfdc-relay"), "trimmed");
	is_span(watched->raw_name, TEXT("x-sfdc-relay "), "and as it came");
	ok(header.latest == header.last && header_index(&header) && header_index(&header), "an index is made, once");
	size_t number = set_find(header.names, TEXT("AUTHENTICATION-results"));
	ok(number != SET_ABSENT && set_count(header.names) == 4 && header.groups[number].count == 2, "fields by name");
	ok(header.groups[number].last == header_next(results) && header.groups[number].last->above == results
	       && !results->above,
	   "from the bottom up");
	ok(set_find(header.names, TEXT("X-Other")) != SET_ABSENT && set_find(header.names, TEXT("X-Others")) == SET_ABSENT,
	   "whether the name is known or not");
	ok(watched->next->next->index == 2 && span_equal(watched->next->next->value, TEXT("forged 2")), "its second field");
	ok(header.fields == 6 && header.count[FIELD_OTHER] == 3, "all fields are counted");
	is_span(header.defect_name, TEXT("x-sfdc-relay"), "the first defect's field is named");
	arena_clear(&arena);
}

static void test_limits(void)
{
	struct arena arena;
	struct header header;
	arena_init(&arena, (size_t)16 << 20);
	header_init(&header, &arena, span_of(NULL));
	for (unsigned i = 0; i < HEADER_FIELDS_MAX; i++)
		header_add(&header, span_of("Authentication-Results"), span_of(" x"), true);
	ok(header.defects == HEADER_SOUND && header.last->index == HEADER_FIELDS_MAX, "X02 as many fields as may be");
	for (unsigned i = 0; i < 3000; i++)
		header_add(&header, span_of("Authentication-Results"), span_of(" x"), true);
	ok(header.defects == HEADER_OVER_LIMIT && header.last->index == HEADER_FIELDS_MAX && !header.latest,
	   "X02 no more is kept");
	ok(header_index(&header) && !header.names, "what is not known as a whole has no index");
	ok(header.count[FIELD_AUTHENTICATION_RESULTS] == HEADER_FIELDS_MAX + 3000, "but counting goes on");
	header_add(&header, span_of("From"), span_of(" x"), true);
	header_add(&header, span_of("From"), span_of(" x"), true);
	ok(header.count[FIELD_FROM] == 2 && (header.defects & HEADER_DUPLICATE), "so does looking for defects");
	arena_clear(&arena);

	static char large[HEADER_FIELD_MAX + 1];
	memset(large, 'a', sizeof large);
	header_init(&header, &arena, span_of(NULL));
	header_add(&header, span_of("From"), span_make(large, HEADER_FIELD_MAX - 4), true);
	ok(header.defects == HEADER_SOUND && header_find(&header, FIELD_FROM), "a field as large as may be");
	header_add(&header, span_of("To"), span_make(large, HEADER_FIELD_MAX - 1), true);
	ok(header.defects == HEADER_OVER_LIMIT && !header_find(&header, FIELD_TO) && header.count[FIELD_TO] == 1,
	   "F18 O11 a field that is too large is counted and not kept");
	header_add(&header, span_of("Cc"), span_of(" x"), true);
	ok(!header_find(&header, FIELD_CC), "and nothing after it");
	arena_clear(&arena);
	header_init(&header, &arena, span_of(NULL));
	header_add(&header, span_make(large, HEADER_FIELD_MAX), span_of(""), true);
	ok(header.defects == HEADER_SOUND, "a name as large as may be");
	arena_clear(&arena);
	header_init(&header, &arena, span_of(NULL));
	header_add(&header, span_make(large, sizeof large), span_of(" x"), true);
	ok(header.defects == HEADER_OVER_LIMIT && header.count[FIELD_OTHER] == 1, "a name alone can be too large");
	arena_clear(&arena);

	header_init(&header, &arena, span_of(NULL));
	for (unsigned i = 0; i < HEADER_BYTES_MAX / 65536; i++)
		header_add(&header, span_of("Received"), span_make(large, 65536 - strlen("Received") - 3), true);
	ok(header.defects == HEADER_SOUND && header.bytes == HEADER_BYTES_MAX, "as many bytes as may be");
	header_add(&header, span_of("A"), span_of(""), true);
	ok(header.defects == HEADER_OVER_LIMIT, "not one field more");
	arena_clear(&arena);

	header_init(&header, &arena, span_of(NULL));
	for (unsigned i = 0; i < 400; i++)
		header_add(&header, span_of("Received"), span_make(large, 60000), true);
	ok(header.defects == HEADER_OVER_LIMIT && header.bytes > 20 * HEADER_BYTES_MAX
	       && arena.used < HEADER_BYTES_MAX + 100000,
	   "X02 bytes past the limit count too, and take no memory");
	arena_clear(&arena);

	header_init(&header, &arena, span_of(NULL));
	for (unsigned i = 0; i < 1000; i++)
		header_add(&header, span_of("DKIM-Signature"), span_of(" v=1"), true);
	ok(header.defects == HEADER_SOUND && header.count[FIELD_DKIM_SIGNATURE] == 1000 && header.last->index == 1000,
	   "K18 a thousand signatures are fields like others");
	arena_clear(&arena);

	arena_init(&arena, 64);
	header_init(&header, &arena, span_of(NULL));
	ok(!header_add(&header, span_of("From"), span_make(large, 1000), true) && arena_failed(&arena),
	   "no memory is an error");
	arena_clear(&arena);
}

/* The fields of a split, written as "[name|value]". */
struct seen {
	char text[512];
	size_t length;
	unsigned left; /* fields until take() says no */
};

static bool see(void *context, struct span name, struct span value)
{
	struct seen *seen = context;
	if (seen->left-- == 0)
		return false;
	int length = snprintf(seen->text + seen->length, sizeof seen->text - seen->length, "[%.*s|%.*s]", (int)name.length,
	                      name.at, (int)value.length, value.at);
	if (length > 0)
		seen->length += (size_t)length;
	return true;
}

static void test_split(void)
{
	static const struct {
		const char *id;
		struct span raw;
		const char *fields;
		const char *body; /* how it begins; NULL: absent */
		unsigned defects;
	} rows[] = {
		{ "LF", SPAN_LITERAL("A: 1\nB:2\n\nbody\n"), "[A| 1][B|2]", "body\n", HEADER_SOUND },
		{ "CRLF", SPAN_LITERAL("A: 1\r\nB:2\r\n\r\nbody\r\n"), "[A| 1][B|2]", "body\r\n", HEADER_SOUND },
		{ "mixed", SPAN_LITERAL("A: 1\nB:2\r\n\nbody"), "[A| 1][B|2]", "body", HEADER_SOUND },
		{ "folds", SPAN_LITERAL("A: 1\r\n 2\r\n\t3\nB: 4\n 5\n\n"), "[A| 1\r\n 2\r\n\t3][B| 4\n 5]", "", HEADER_SOUND },
		{ "a line of white space continues", SPAN_LITERAL("A: 1\n \nB: 2\n\nx"), "[A| 1\n ][B| 2]", "x", HEADER_SOUND },
		{ "no body", SPAN_LITERAL("A: 1\n"), "[A| 1]", NULL, HEADER_SOUND },
		{ "no line end", SPAN_LITERAL("A: 1"), "[A| 1]", NULL, HEADER_SOUND },
		{ "nothing", SPAN_LITERAL(""), "", NULL, HEADER_SOUND },
		{ "no header", SPAN_LITERAL("\nbody: x\n"), "", "body: x\n", HEADER_SOUND },
		{ "empty value", SPAN_LITERAL("A:\nB:\n\n"), "[A|][B|]", "", HEADER_SOUND },
		{ "colons in the value", SPAN_LITERAL("A: b: c\n\n"), "[A| b: c]", "", HEADER_SOUND },
		{ "F05 white space before the colon", SPAN_LITERAL("To: x\nFrom : x\n\n"), "[To| x][From | x]", "",
		  HEADER_SOUND },
		{ "F05 on the first line", SPAN_LITERAL("From \t: x\n\n"), "[From \t| x]", "", HEADER_SOUND },
		{ "F06 leading space continues", SPAN_LITERAL("To: a\r\n From: x\r\nFrom: y\r\n\r\n"),
		  "[To| a\r\n From: x][From| y]", "", HEADER_SOUND },
		{ "F06 on the first line", SPAN_LITERAL(" From: x\nFrom: y\n\n"), "", " From: x\nFrom: y\n\n",
		  HEADER_NO_COLON },
		{ "F07 folded name", SPAN_LITERAL("To: a\r\nFrom\r\n : x\r\n\r\nb"), "[To| a]", "From\r\n : x\r\n\r\nb",
		  HEADER_NO_COLON },
		{ "F13 8-bit byte after the name", SPAN_LITERAL("From\xff: x\n\n"), "", "From\xff: x\n\n", HEADER_NO_COLON },
		{ "white space in the name", SPAN_LITERAL("A: 1\nB c: 2\n\n"), "[A| 1]", "B c: 2\n\n", HEADER_NO_COLON },
		{ "no name", SPAN_LITERAL("A: 1\n: 2\n\n"), "[A| 1]", ": 2\n\n", HEADER_NO_COLON },
		{ "X02 no colon", SPAN_LITERAL("A: 1\nB\nFrom: x\n\n"), "[A| 1]", "B\nFrom: x\n\n", HEADER_NO_COLON },
		{ "X02 bare CR", SPAN_LITERAL("A: 1\rFrom: x\n\n"), "[A| 1\rFrom: x]", "", HEADER_BARE_CR },
		{ "X02 CR CR LF", SPAN_LITERAL("A: 1\r\r\n\r\n"), "[A| 1\r]", "", HEADER_BARE_CR },
		{ "X02 a line of a CR alone", SPAN_LITERAL("A: 1\n\r\r\nb"), "[A| 1]", "\r\r\nb",
		  HEADER_NO_COLON | HEADER_BARE_CR },
		{ "X02 NUL in the name", SPAN_LITERAL("A\0: 1\n\n"), "", "A", HEADER_NO_COLON | HEADER_NUL },
		{ "mbox", SPAN_LITERAL("From a@b Thu Jan  1 00:00:00 1970\nA: 1\n\nb"), "[A| 1]", "b", HEADER_SOUND },
		{ "mbox line with nothing behind it", SPAN_LITERAL("From \nA: 1\n\nb"), "[A| 1]", "b", HEADER_SOUND },
		{ "mbox line elsewhere", SPAN_LITERAL("A: 1\nFrom a@b now\n\n"), "[A| 1]", "From a@b now\n\n",
		  HEADER_NO_COLON },
		{ "mbox line, then a continuation", SPAN_LITERAL("From a@b\n From: x\n\n"), "", " From: x\n\n",
		  HEADER_NO_COLON },
		{ "a field named From is no mbox line", SPAN_LITERAL("From: a@b\n\n"), "[From| a@b]", "", HEADER_SOUND },
		{ "NUL in the body is not looked for", SPAN_LITERAL("A: 1\n\nb\0"), "[A| 1]", "b", HEADER_SOUND },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct seen seen = { "", 0, 99 };
		struct span body;
		unsigned defects;
		ok(message_split(rows[i].raw, see, &seen, &body, &defects) && defects == rows[i].defects, "split: %s",
		   rows[i].id);
		is_text(seen.text, rows[i].fields, "its fields");
		bool right = rows[i].body ? !span_absent(body) && strlen(rows[i].body) <= body.length
		                                && memcmp(body.at, rows[i].body, strlen(rows[i].body)) == 0
		                          : span_absent(body);
		ok(right && (span_absent(body) || body.at + body.length == rows[i].raw.at + rows[i].raw.length), "its body");
	}
	struct seen seen = { "", 0, 1 };
	struct span body;
	unsigned defects;
	ok(!message_split(span_of("A: 1\nB: 2\n\nb"), see, &seen, &body, &defects) && span_absent(body),
	   "take() ends the split");
	ok(message_split(span_of(NULL), see, &seen, &body, &defects) && span_absent(body), "an absent message");
}

/* What an MTA left out is empty, not a reason to stumble. */
static void test_absent(void)
{
	struct arena arena;
	struct header header;
	arena_init(&arena, 0);
	header_init(&header, &arena, span_of(NULL));
	ok(header_add(&header, span_of("From"), span_make(NULL, 0), true) && header.defects == HEADER_SOUND,
	   "a value that is absent");
	const struct field *from = header_find(&header, FIELD_FROM);
	ok(from && from->value.length == 0 && !span_absent(from->value), "is an empty one");
	ok(header_add(&header, span_make(NULL, 0), span_of(" x"), true) && header.defects == HEADER_NAME,
	   "a name that is absent is malformed");
	ok(header.fields == 2 && header.count[FIELD_OTHER] == 1, "both are counted");
	arena_clear(&arena);

	arena_init(&arena, 16);
	header_init(&header, &arena, span_of(NULL));
	ok(!header_add(&header, span_of("X-Other"), span_of(" a longer value than there is memory for"), true)
	       && !header.latest,
	   "no memory for a field");
	arena_clear(&arena);
	arena_init(&arena, 400);
	header_init(&header, &arena, span_of(NULL));
	ok(header_add(&header, span_of("X-Other"), span_of(" x"), true) && !header_index(&header) && !header.names,
	   "no memory for an index");
	arena_clear(&arena);
}

int main(void)
{
	test_absent();
	test_names();
	test_defects();
	test_duplicates();
	test_list();
	test_limits();
	test_split();
	return done_testing();
}
