/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * authres: a value that begins with our id is ours whatever follows, one without it never is, and what we write from
 * hostile facts is one well-formed field. The input is a value, and every text a sender can write.
 */
#include "core/authres.h"
#include "core/authres_claim.h"
#include "core/encodedword.h"
#include "core/skeleton.h"
#include "fuzz.h"

const char fuzz_name[] = "authres";

#define OURS "relay.example.com"

static bool claims_of(struct arena *arena, struct span value, const char *own_id, const struct set *own_ids)
{
	struct authres_ids ids;
	bool claims;
	must(authres_ids_init(&ids, span_of(own_id), own_ids, NULL, arena));
	must(authres_claims(&ids, value, &claims));
	return claims;
}

/* Every byte of our id somewhere, one behind the other. */
static bool holds_ours(struct span value)
{
	static const struct span ours = SPAN_LITERAL(OURS);
	size_t found = 0;
	for (size_t i = 0; i < value.length && found < ours.length; i++)
		found += ascii_lower(value.at[i]) == ours.at[found];
	return found == ours.length;
}

static void check_claims(struct arena *arena, struct span value)
{
	bool claims = claims_of(arena, value, OURS, NULL);
	struct encoded_word word;
	bool encoded = encoded_word_next(&(struct encoded_cursor) { value, 0 }, &word);
	must(claims == claims_of(arena, value, "RELAY.example.com.", NULL));
	must(!claims || encoded || holds_ours(value));

	struct set *ids = set_new(arena, SET_NOCASE);
	must(ids && set_add(ids, span_of(OURS)) == 0);
	must(claims == claims_of(arena, value, NULL, ids));

	static const char *const starts[] = {
		OURS ";",
		"\"" OURS "\" 1;",
		"(c)\n " OURS ";",
		OURS " ",
		"relay . example.(x)com;",
		"rel)ay.example.com;",
		"=?utf-8?q?=72elay?= =?us-ascii?b?LmV4YW1wbGUuY29t?=;",
	};
	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
		size_t length = strlen(starts[i]);
		char *text = arena_alloc(arena, length + value.length);
		must(text);
		memcpy(text, starts[i], length);
		if (value.length != 0)
			memcpy(text + length, value.at, value.length);
		must(claims_of(arena, span_make(text, length + value.length), OURS, NULL));
	}
}

/* The skeletons, and what is decoded, are never longer than told, and taking them twice changes nothing. */
static void check_skeleton(struct arena *arena, struct span value)
{
	for (unsigned comments = 0; comments < SKELETON_COMMENTS; comments++) {
		struct span once = skeleton_make(value, (enum skeleton_comments)comments, SKELETON_SPACE_DROPPED, arena);
		must(!span_absent(once) && once.length <= value.length);
		struct span twice = skeleton_make(once, SKELETON_COMMENTS_KEPT, SKELETON_SPACE_DROPPED, arena);
		must(twice.length <= once.length);
		for (size_t i = 0; i < once.length; i++)
			must((unsigned char)once.at[i] > ' ' && !strchr("()\"\\\x7f", once.at[i]));
	}
	struct span decoded = encoded_words_decode(value, ENCODED_PADDING_IGNORED, arena);
	must(!span_absent(decoded) && decoded.length <= 2 * value.length);
}

static void check_field(struct arena *arena, struct span field, struct span hostile)
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
	must(claims_of(arena, field, OURS, NULL));
	/* Were the field malformed, it would claim whatever it holds. */
	const char *id = arena_text(arena, hostile);
	struct span skeleton = skeleton_make(span_of(id), SKELETON_COMMENTS_KEPT, SKELETON_SPACE_DROPPED, arena);
	while (skeleton.length != 0 && skeleton.at[skeleton.length - 1] == '.')
		skeleton.length--;
	if (!span_equal(skeleton, span_of(OURS)))
		must(!claims_of(arena, field, id, NULL));
	must(!claims_of(arena, field, "marker.invalid", NULL));
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
	check_field(arena, field, text);
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
	check_skeleton(&arena, fuzz_span(data, size));
	check_write(&arena, fuzz_span(data, size));
	arena_clear(&arena);
	return 0;
}
