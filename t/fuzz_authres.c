/*
 * authres: a value that begins with our id is ours whatever follows, one without it never is, and what we write from
 * hostile facts is one well-formed field. The input is a value, and every text a sender can write.
 */
#include "core/authres.h"
#include "fuzz.h"

const char fuzz_name[] = "authres";

#define OURS "relay.example.com"

/* Our id somewhere, when quotes, backslashes and control characters are left out. */
static bool holds_ours(struct arena *arena, struct span value)
{
	static const struct span ours = SPAN_LITERAL(OURS);
	char *text = arena_alloc(arena, value.length + 1);
	size_t length = 0;
	must(text);
	for (size_t i = 0; i < value.length; i++)
		if ((unsigned char)value.at[i] >= ' ' && value.at[i] != 0x7f && value.at[i] != '"' && value.at[i] != '\\')
			text[length++] = value.at[i];
	for (size_t i = 0; i + ours.length <= length; i++)
		if (span_equal_nocase(span_make(text + i, ours.length), ours))
			return true;
	return false;
}

static void check_claims(struct arena *arena, struct span value)
{
	bool claims = authres_claims(value, span_of(OURS), NULL);
	must(claims == authres_claims(value, span_of("RELAY.example.com."), NULL));
	must(!claims || holds_ours(arena, value));

	struct set *ids = set_new(arena, SET_NOCASE);
	must(ids && set_add(ids, span_of(OURS)) == 0);
	must(claims == authres_claims(value, span_make(NULL, 0), ids));

	static const char *const starts[] = { OURS ";", "\"" OURS "\" 1;", "(c)\n " OURS ";", OURS " " };
	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
		size_t length = strlen(starts[i]);
		char *text = arena_alloc(arena, length + value.length);
		must(text);
		memcpy(text, starts[i], length);
		if (value.length != 0)
			memcpy(text + length, value.at, value.length);
		must(authres_claims(span_make(text, length + value.length), span_of(OURS), NULL));
	}
}

static void check_field(struct span field, struct span hostile)
{
	size_t line = strlen("Authentication-Results: ");
	for (size_t i = 0; i < field.length; i++) {
		char c = field.at[i];
		line = c == '\n' ? 0 : line + 1;
		must(line <= 998);
		if (c == '\n')
			must(i + 1 < field.length && field.at[i + 1] == '\t');
		else if (c == '\t')
			must(i > 0 && field.at[i - 1] == '\n');
		else
			must(c >= ' ' && c <= '~');
	}
	must(authres_claims(field, span_of(OURS), NULL));
	/* Were the field malformed, it would claim whatever it holds. */
	hostile = span_trim(hostile);
	while (hostile.length != 0 && hostile.at[hostile.length - 1] == '.')
		hostile.length--;
	if (!span_equal_nocase(hostile, span_of(OURS)))
		must(!authres_claims(field, hostile, NULL));
	must(!authres_claims(field, span_of("marker.invalid"), NULL));
}

static void check_write(struct arena *arena, struct span text)
{
	struct facts facts;
	struct judgement judgement;
	struct signature signatures[2];
	memset(&facts, 0, sizeof facts);
	memset(&judgement, 0, sizeof judgement);
	memset(signatures, 0, sizeof signatures);
	struct span rest = text;
	facts.auth_authen = fuzz_line(&rest);
	facts.sender_status = MAILBOX_OK;
	facts.sender.address = text;
	facts.spf.complete = facts.dkim.complete = facts.dmarc.complete = true;
	facts.spf.rfc8601 = facts.dmarc.rfc8601 = "pass";
	facts.spf.by_helo = text.length % 2;
	facts.spf.domain = fuzz_line(&rest);
	facts.helo = text;
	facts.dmarc.domain = text;
	facts.dkim.count = 2;
	facts.dkim.signatures = signatures;
	for (size_t i = 0; i < 2; i++) {
		signatures[i].outcome.code = RESULT_FAIL;
		signatures[i].rfc8601 = "fail";
		signatures[i].domain = i ? text : fuzz_line(&rest);
		signatures[i].selector = text;
		signatures[i].b_prefix = span_slice(text, 0, 8);
	}
	struct span field = authres_write(span_of(OURS), &facts, &judgement, arena);
	must(!span_absent(field));
	check_field(field, text);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		judgement.results[i].detail = text;
	struct span result = result_header_write(span_of(OURS), &facts, &judgement, arena);
	must(!span_absent(result) && result.length < 998);
	field = authres_write(text, &facts, &judgement, arena);
	must(!span_absent(field) && span_find(field, 0, '\0') == field.length && span_find(field, 0, '\r') == field.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 0);
	check_claims(&arena, fuzz_span(data, size));
	check_write(&arena, fuzz_span(data, size));
	arena_clear(&arena);
	return 0;
}
