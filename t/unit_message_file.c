/* SPDX-License-Identifier: BSD-2-Clause */
/* message_file: a raw message reaches the engine as an MTA would hand it over. */
#include "core/message_file.h"

#include "engine.h"

#define SEEN_MAX 100000

/* What the ports were handed. */
static struct {
	size_t fields;
	size_t length; /* of the fields, as "NAME|VALUE;" */
	char text[4096];
	bool leading_space;
	size_t body_length;
	size_t pieces;
	size_t largest;
	char body[SEEN_MAX];
	enum stage steps[16];
	size_t step_count;
} seen;

static void add(struct span span)
{
	for (size_t i = 0; i < span.length && seen.length < sizeof seen.text; i++)
		seen.text[seen.length++] = span.at[i];
}

static void see_field(struct evidence *evidence, const struct field *field)
{
	(void)evidence;
	seen.fields++;
	seen.leading_space = field->leading_space;
	add(field->raw_name);
	add(span_of("|"));
	add(field->value);
	add(span_of(";"));
}

static bool see_body(struct evidence *evidence, struct span chunk)
{
	(void)evidence;
	seen.pieces++;
	if (chunk.length > seen.largest)
		seen.largest = chunk.length;
	if (seen.body_length + chunk.length <= SEEN_MAX)
		memcpy(seen.body + seen.body_length, chunk.at, chunk.length);
	seen.body_length += chunk.length;
	return true;
}

static void see_step(void *context, const struct examination *examination)
{
	(void)context;
	if (seen.step_count < sizeof seen.steps / sizeof seen.steps[0])
		seen.steps[seen.step_count++] = examination->facts.stage;
}

/* The defects and sizes that the facts had in the end. */
struct end {
	unsigned defects;
	bool body_nul;
	size_t body_bytes;
	enum verdict verdict;
	enum stage stage;
};

static struct end run(struct span raw, struct session_input session, size_t recipients)
{
	static const struct span mailers[3];
	struct test_evidence evidence = good_evidence();
	struct environment environment = test_environment(&evidence);
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	struct message_file feed = {
		.session = session, .mailers = mailers, .recipients = recipients, .raw = raw, .watch = see_step
	};
	struct examination examination;

	memset(&seen, 0, sizeof seen);
	environment.field = see_field;
	environment.body = see_body;
	settings_complete(settings, unite_options);
	message_file_feed(&examination, settings, &environment, span_of("sid"), &feed);
	struct end end = { examination.facts.header.defects, examination.facts.body_nul, examination.facts.body_bytes,
		               examination.judgement.verdict, examination.facts.stage };
	examine_clear(&examination);
	settings_free(settings);
	return end;
}

/* A header that lets the message come to its body. */
#define HEADER(end) "From: joe@example.com" end "X-SFDC-LK: 00D8d000003TRx3" end "DKIM-Signature: x" end
#define RAW(text)                                                                                                      \
	{                                                                                                                  \
		(text), sizeof(text) - 1                                                                                       \
	}

static void test_fields(void)
{
	static const struct {
		const char *what;
		struct span raw;
		const char *fields;
		unsigned defects;
	} rows[] = {
		{ "LF", RAW("A: b\nC:d\n\nx"), "A| b;C|d;", 0 },
		{ "CRLF", RAW("A: b\r\nC:d\r\n\r\nx"), "A| b;C|d;", 0 },
		{ "folds become LF", RAW("A: b\r\n c\r\n\td\r\n\r\n"), "A| b\n c\n\td;", 0 },
		{ "folds stay LF", RAW("A: b\n c\n\n"), "A| b\n c;", 0 },
		{ "a bare CR stays", RAW("A: b\rc\r\n\r\n"), "A| b\rc;", HEADER_BARE_CR },
		{ "a CR before a fold stays", RAW("A: b\r\r\n c\r\n\r\n"), "A| b\r\n c;", HEADER_BARE_CR },
		{ "NUL", RAW("A: b\0c\n\n"), NULL, HEADER_NUL },
		{ "no field", RAW("A: b\nnothing\nC: d\n\n"), "A| b;", HEADER_NO_COLON },
		{ "space before the colon", RAW("A : b\n\n"), "A | b;", HEADER_NAME },
		{ "no body", RAW("A: b\n"), "A| b;", 0 },
		{ "no line end", RAW("A: b"), "A| b;", 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct end end = run(rows[i].raw, good_session(), 0);
		if (rows[i].fields)
			is_span(span_make(seen.text, seen.length), span_of(rows[i].fields), rows[i].what);
		ok(end.defects == rows[i].defects, "%s: defects %u", rows[i].what, end.defects);
		ok(seen.leading_space, "%s: the white space after the colon is there", rows[i].what);
	}
}

static void test_lines(void)
{
	static const struct {
		const char *what;
		struct span raw;
		const char *body;
		bool nul;
	} rows[] = {
		{ "LF becomes CRLF", RAW(HEADER("\n") "\na\nb\n"), "a\r\nb\r\n", false },
		{ "CRLF stays", RAW(HEADER("\r\n") "\r\na\r\nb\r\n"), "a\r\nb\r\n", false },
		{ "mixed", RAW(HEADER("\r\n") "\r\na\nb\r\n\n"), "a\r\nb\r\n\r\n", false },
		{ "a last line without an end gets one", RAW(HEADER("\n") "\na"), "a\r\n", false },
		{ "a bare CR stays", RAW(HEADER("\n") "\na\rb\n"), "a\rb\r\n", false },
		{ "a CR at the end", RAW(HEADER("\n") "\na\r"), "a\r\r\n", false },
		{ "empty body", RAW(HEADER("\n") "\n"), "", false },
		{ "no body", RAW(HEADER("\n")), "", false },
		{ "one empty line", RAW(HEADER("\n") "\n\n"), "\r\n", false },
		{ "NUL", RAW(HEADER("\n") "\na\0b\n"), NULL, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct end end = run(rows[i].raw, good_session(), 0);
		if (rows[i].body)
			is_span(span_make(seen.body, seen.body_length), span_of(rows[i].body), rows[i].what);
		ok(end.body_nul == rows[i].nul, "%s: NUL", rows[i].what);
		ok(rows[i].nul || end.body_bytes == seen.body_length, "%s: its size is counted", rows[i].what);
		ok(seen.body_length != 0 || seen.pieces == 0, "%s: no empty piece", rows[i].what);
	}
}

/* Lines of every length, so that a line end falls on every place in a piece. */
static void test_pieces(void)
{
	static char raw[SEEN_MAX / 2];
	static char want[SEEN_MAX];
	static const char header[] = HEADER("\n") "\n";
	size_t length = sizeof header - 1;
	size_t wanted = 0;
	memcpy(raw, header, sizeof header - 1);
	for (size_t line = 0; length + line + 2 < sizeof raw; line = (line + 1) % 200) {
		memset(raw + length, 'a', line);
		memset(want + wanted, 'a', line);
		length += line;
		wanted += line;
		raw[length++] = '\n';
		want[wanted++] = '\r';
		want[wanted++] = '\n';
	}
	run(span_make(raw, length), good_session(), 0);
	ok(seen.pieces > 2 && seen.largest <= 65535, "a large body comes in %zu pieces", seen.pieces);
	ok(seen.body_length == wanted && memcmp(seen.body, want, wanted) == 0, "nothing is lost between them");
}

static void test_steps(void)
{
	static const struct span good = RAW(HEADER("\n") "\nx\n");
	struct end end = run(good, good_session(), 2);
	ok(end.verdict == VERDICT_ACCEPT && end.stage == STAGE_END, "a good message comes to its end");
	ok(seen.step_count == 5 && seen.steps[0] == STAGE_MAIL && seen.steps[1] == STAGE_RCPT && seen.steps[2] == STAGE_RCPT
	       && seen.steps[3] == STAGE_HEADER && seen.steps[4] == STAGE_END,
	   "every step is shown");
	struct session_input clear = good_session();
	clear.tls_version = span_make(NULL, 0);
	end = run(good, clear, 2);
	ok(end.verdict == VERDICT_REJECT && end.stage == STAGE_RCPT && seen.fields == 0,
	   "a refusal at the first recipient ends the session");
	ok(seen.step_count == 2, "no further recipient is tried");
	end = run((struct span)RAW("From: joe@example.com\nX-SFDC-LK: 00D8d000003TRx3\n\nx\n"), good_session(), 1);
	ok(end.verdict == VERDICT_REJECT && seen.pieces == 0, "without a signature the body is not asked for");
	end = run((struct span)RAW("From: joe@evil.example\nX-SFDC-LK: 00D8d000003TRx3\n\nx\n"), good_session(), 1);
	ok(end.verdict == VERDICT_REJECT && end.stage == STAGE_HEADER && seen.pieces == 0,
	   "a refusal at the header ends it");
}

int main(void)
{
	test_fields();
	test_lines();
	test_pieces();
	test_steps();
	return done_testing();
}
