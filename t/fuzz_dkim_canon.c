/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_canon: a body gives the same bytes however it is cut, and those that the reference makes of it; a field keeps its
 * words. Input: two bytes that say how the body is cut and what l= is, then the body; or a field's value.
 */
#include "core/dkim_canon.h"
#include "dkim_record.h"
#include "dkim_reference.h"
#include "fuzz.h"

const char fuzz_name[] = "dkim_canon";

static bool put_body(struct span text, enum dkim_form form, uint64_t limit, size_t size, uint64_t *length_r)
{
	static struct dkim_body body;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	must(dkim_body_begin(&body, &dkim_recorder, form, limit));
	for (size_t at = 0; at < text.length; at += size)
		dkim_body_put(&body, span_slice(text, at, at + size));
	must(dkim_body_end(&body, digest));
	*length_r = body.stream.length;
	return body.bare;
}

static bool recorded(struct span wanted)
{
	return dkim_recorded.length == wanted.length
	       && (wanted.length == 0 || memcmp(dkim_recorded.at, wanted.at, wanted.length) == 0);
}

static void check_body(struct span body, size_t size, uint64_t limit, char *room)
{
	for (unsigned form = 0; form < 2; form++) {
		uint64_t length;
		struct span wanted = span_make(room, dkim_reference_body(body, form == 1, room));
		bool bare = put_body(body, (enum dkim_form)form, DKIM_NO_LENGTH, body.length + 1, &length);
		must(recorded(wanted) && length == wanted.length && bare == dkim_reference_bare(body));
		must(put_body(body, (enum dkim_form)form, DKIM_NO_LENGTH, size, &length) == bare);
		must(recorded(wanted) && length == wanted.length);
		must(put_body(body, (enum dkim_form)form, limit, size, &length) == bare);
		must(recorded(span_slice(wanted, 0, (size_t)limit)) && length == wanted.length);
	}
}

/* Without its white space a field is what it was, whatever the form; in the relaxed form no white space is left twice. */
static void check_field(struct span value)
{
	static struct dkim_stream stream;
	unsigned char digest[DKIM_DIGEST_LENGTH];
	if (!dkim_canon_sound(value))
		return;
	for (unsigned form = 0; form < 2; form++) {
		dkim_stream_begin(&stream, &dkim_recorder, DKIM_NO_LENGTH);
		dkim_canon_field(&stream, (enum dkim_form)form, span_of("n"), value, true);
		must(dkim_stream_end(&stream, digest));
		struct span got = span_make(dkim_recorded.at, dkim_recorded.length);
		must(got.length >= 4 && memcmp(got.at, "n:", 2) == 0 && memcmp(got.at + got.length - 2, "\r\n", 2) == 0);
		got = span_slice(got, 2, got.length - 2);
		size_t at = 0;
		for (size_t i = 0; i < got.length; i++) {
			bool white = memchr(" \t\r\n", got.at[i], 4) != NULL;
			must(form == 0 || !white || (got.at[i] == ' ' && i != 0 && i + 1 < got.length && got.at[i + 1] != ' '));
			must(form == 1 || got.at[i] != '\n' || (i != 0 && got.at[i - 1] == '\r'));
			if (white)
				continue;
			while (memchr(" \t\r\n", value.at[at], 4))
				at++;
			must(value.at[at++] == got.at[i]);
		}
		must(span_trim(span_slice(value, at, value.length)).length == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct span text = fuzz_span(data + 2, size - 2);
	char *room = malloc(2 * text.length + 2);
	must(room);
	check_body(text, 1 + data[0] % 64, data[1], room);
	check_field(text);
	free(room);
	must(dkim_hashes_live == 0);
	return 0;
}
