/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * received: whatever a field holds, what is told is a part of it, the same with other folds, and what stands in a comment
 * about the client, or behind the date, says nothing of encryption. The input is a field's value.
 */
#include "cmd/received.h"
#include "core/arena.h"
#include "fuzz.h"

const char fuzz_name[] = "received";

static void check_part(struct span whole, struct span part)
{
	must(span_absent(part)
	     || (part.length != 0 && part.at >= whole.at && part.at + part.length <= whole.at + whole.length));
}

static void check_parts(struct span value, const struct received *got)
{
	const struct span parts[] = { got->by, got->from,     got->from_name, got->protocol,
		                          got->id, got->tls_text, got->cipher,    got->certificate_name };
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		check_part(value, parts[i]);
	must(span_absent(got->date) || got->date.length == 0
	     || (got->date.at >= value.at && got->date.at + got->date.length <= value.at + value.length));
	must(got->bits <= 65536);
	must(got->encryption <= RECEIVED_LOCAL && got->certificate <= CERTIFICATE_VERIFIED);
	must(got->encryption == RECEIVED_ENCRYPTED || (span_absent(got->cipher) && span_absent(got->tls_text)));
	must(got->tls == TLS_UNKNOWN || !span_absent(got->tls_text));
}

static void check_same(struct span a, struct span b)
{
	must(span_absent(a) == span_absent(b) && a.length == b.length);
}

/* Line breaks within folds are white space, as any other. */
static void check_folds(struct arena *arena, struct span value, const struct received *got)
{
	char *copy = arena_alloc(arena, value.length + 1);
	struct received other;
	must(copy);
	for (size_t i = 0; i < value.length; i++)
		copy[i] = value.at[i] == '\r' || value.at[i] == '\n' ? '\t' : value.at[i];
	received_parse(span_make(copy, value.length), &other);
	check_same(got->by, other.by);
	check_same(got->from, other.from);
	check_same(got->cipher, other.cipher);
	check_same(got->certificate_name, other.certificate_name);
	must(got->encryption == other.encryption && got->authenticated == other.authenticated && got->tls == other.tls);
}

/* As a server writes it, with the input as the name that the client chose. */
static void check_chosen(struct arena *arena, struct span value)
{
	struct received got;
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		if (c <= ' ' || c > '~' || strchr("()\\\";[],", c))
			return; /* no server lets these into a name */
	}
	const char *text = arena_text(arena, value);
	struct span field = arena_printf(arena, "from x (%s [192.0.2.1]) by r.example with ESMTP id 1; %s", text, text);
	must(!span_absent(field));
	received_parse(field, &got);
	must(got.encryption == RECEIVED_CLEAR || got.encryption == RECEIVED_LOCAL);
	must(!got.authenticated && got.certificate == CERTIFICATE_UNTOLD);
	must(span_equal(got.by, span_of("r.example")));
	/* "helo=NAME" is how Exim, and "HELO NAME" how qmail tells the name that was spoken. */
	must(span_equal(got.from, span_of("x")) || span_holds_nocase(value, span_of("helo="))
	     || span_equal_nocase(value, span_of("HELO")) || span_equal_nocase(value, span_of("EHLO")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct received got;
	struct span value = fuzz_span(data, size);
	arena_init(&arena, 0);
	received_parse(value, &got);
	check_parts(value, &got);
	check_folds(&arena, value, &got);
	check_chosen(&arena, value);
	arena_clear(&arena);
	return 0;
}
