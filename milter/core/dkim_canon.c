/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dkim_canon.h"

#define CR '\r'
#define LF '\n'

static bool is_white(char c)
{
	return c == ' ' || c == '\t';
}

bool dkim_stream_begin(struct dkim_stream *stream, const struct dkim_crypto *crypto, uint64_t limit)
{
	stream->crypto = crypto;
	stream->hash = crypto->hash_begin(crypto->context);
	stream->length = 0;
	stream->limit = limit;
	stream->used = 0;
	return stream->hash != NULL;
}

static void flush(struct dkim_stream *stream)
{
	if (stream->hash && stream->used != 0)
		stream->crypto->hash_update(stream->hash, stream->buffer, stream->used);
	stream->used = 0;
}

void dkim_stream_put(struct dkim_stream *stream, const char *at, size_t length)
{
	uint64_t room = stream->length < stream->limit ? stream->limit - stream->length : 0;
	stream->length += length;
	if (length > room)
		length = (size_t)room;
	if (length > DKIM_STREAM_SIZE - stream->used)
		flush(stream);
	if (length > DKIM_STREAM_SIZE / 2) {
		flush(stream);
		if (stream->hash)
			stream->crypto->hash_update(stream->hash, at, length);
	} else if (length != 0) {
		memcpy(stream->buffer + stream->used, at, length);
		stream->used += length;
	}
}

bool dkim_stream_end(struct dkim_stream *stream, unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	flush(stream);
	struct dkim_hash *hash = stream->hash;
	stream->hash = NULL;
	return hash && stream->crypto->hash_end(hash, digest_r);
}

void dkim_stream_drop(struct dkim_stream *stream)
{
	if (stream->hash)
		stream->crypto->hash_drop(stream->hash);
	stream->hash = NULL;
}

bool dkim_canon_sound(struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		char next = i + 1 < value.length ? value.at[i + 1] : '\0';
		switch (value.at[i]) {
		case '\0':
		case '\v':
		case '\f':
			return false;
		case CR:
			if (next != LF)
				return false;
			break;
		case LF:
			if (!is_white(next))
				return false;
			break;
		default:
			break;
		}
	}
	return true;
}

static void put_lower(struct dkim_stream *stream, struct span name)
{
	char lower[64];
	for (size_t from = 0; from < name.length; from += sizeof lower) {
		struct span part = span_slice(name, from, from + sizeof lower);
		for (size_t i = 0; i < part.length; i++)
			lower[i] = ascii_lower(part.at[i]);
		dkim_stream_put(stream, lower, part.length);
	}
}

/* The value of a field, or a part of it, with every LF as CRLF. */
static void put_simple(struct dkim_stream *stream, struct span text)
{
	size_t from = 0;
	for (size_t to; (to = span_find(text, from, LF)) < text.length; from = to + 1) {
		size_t skip = to > 0 && text.at[to - 1] == CR;
		dkim_stream_put(stream, text.at + from, to - from);
		dkim_stream_put(stream, &"\r\n"[skip], 2 - skip);
	}
	dkim_stream_put(stream, text.at + from, text.length - from);
}

/* *white: white space, folds among it, was met since the last word. False at the start: there it is left out. */
static void put_relaxed(struct dkim_stream *stream, struct span text, bool *begun, bool *white)
{
	for (size_t i = 0; i < text.length;) {
		size_t from = i;
		while (i < text.length && !is_white(text.at[i]) && text.at[i] != CR && text.at[i] != LF)
			i++;
		if (i == from) {
			*white = *begun;
			i++;
			continue;
		}
		dkim_stream_put(stream, " ", *white);
		dkim_stream_put(stream, text.at + from, i - from);
		*begun = true;
		*white = false;
	}
}

/* A field in two parts without its line end. */
static void put_field(struct dkim_stream *stream, enum dkim_form form, struct span name, const struct span parts[2],
                      bool leading_space)
{
	bool begun = false;
	bool white = false;
	switch (form) {
	case DKIM_FORM_SIMPLE:
		dkim_stream_put(stream, name.at, name.length);
		dkim_stream_put(stream, ": ", leading_space ? 1 : 2);
		put_simple(stream, parts[0]);
		put_simple(stream, parts[1]);
		return;
	case DKIM_FORM_RELAXED:
		put_lower(stream, span_trim(name));
		dkim_stream_put(stream, ":", 1);
		put_relaxed(stream, parts[0], &begun, &white);
		put_relaxed(stream, parts[1], &begun, &white);
		return;
	}
}

void dkim_canon_field(struct dkim_stream *stream, enum dkim_form form, struct span name, struct span value,
                      bool leading_space)
{
	const struct span parts[2] = { value, span_of("") };
	put_field(stream, form, name, parts, leading_space);
	dkim_stream_put(stream, "\r\n", 2);
}

void dkim_canon_signature(struct dkim_stream *stream, enum dkim_form form, struct span name, struct span value,
                          struct span b, bool leading_space)
{
	size_t from = (size_t)(b.at - value.at);
	const struct span parts[2] = { span_slice(value, 0, from), span_slice(value, from + b.length, value.length) };
	put_field(stream, form, name, parts, leading_space);
}

bool dkim_body_begin(struct dkim_body *body, const struct dkim_crypto *crypto, enum dkim_form form, uint64_t limit)
{
	body->form = form;
	body->line_ends = 0;
	body->white = false;
	body->cr = false;
	body->bare = false;
	return dkim_stream_begin(&body->stream, crypto, limit);
}

/* What was kept back turns out to have something behind it. */
static void put_kept(struct dkim_body *body)
{
	static const char ends[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
	while (body->line_ends != 0) {
		uint64_t count = body->line_ends < sizeof ends / 2 ? body->line_ends : sizeof ends / 2;
		dkim_stream_put(&body->stream, ends, (size_t)count * 2);
		body->line_ends -= count;
	}
	if (body->white)
		dkim_stream_put(&body->stream, " ", 1);
	body->white = false;
}

static void end_line(struct dkim_body *body)
{
	body->white = false;
	body->line_ends++;
}

#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

static uint64_t load_word(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return word;
}

/* The top bit of every byte of a word that equals c; exact, for no sum carries into the next byte. */
static uint64_t equal_bytes(uint64_t word, char c)
{
	uint64_t differs = word ^ ONES * (unsigned char)c;
	return ~(((differs & ~TOPS) + ~TOPS) | differs | ~TOPS);
}

/* A mask of bytes moved to those before them, in the order of memory. */
static uint64_t before(uint64_t mask)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return mask << 8;
#else
	return mask >> 8;
#endif
}

/* The first CR or LF at or after i, or end. */
static size_t find_line_end(const char *at, size_t i, size_t end)
{
	for (; end - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t word = load_word(at + i);
		if ((equal_bytes(word, CR) | equal_bytes(word, LF)) != 0)
			break;
	}
	while (i < end && at[i] != CR && at[i] != LF)
		i++;
	return i;
}

static bool is_blank(char c)
{
	return is_white(c) || c == CR || c == LF;
}

/* Whether some byte of a word is a space or less. A borrow can only come from such a byte. */
static bool has_blank(uint64_t word)
{
	return ((word - ONES * (' ' + 1)) & ~word & TOPS) != 0;
}

/*
 * Whether some byte is a CR, LF or tab, or a space with another blank behind it in the word. A space between words is
 * most of the white space there is, and passes.
 */
static bool has_change(uint64_t word)
{
	uint64_t spaces = equal_bytes(word, ' ');
	uint64_t others = equal_bytes(word, '\t') | equal_bytes(word, CR) | equal_bytes(word, LF);
	return (others | (spaces & before(others | spaces))) != 0;
}

/* The first CR, LF, tab, or space that is the last byte or has another blank behind it, at or after i; or end. */
static size_t find_change(const char *at, size_t i, size_t end)
{
	while (end - i >= sizeof(uint64_t)) {
		uint64_t word = load_word(at + i);
		if (!has_blank(word))
			i += sizeof word;
		else if (!has_change(word))
			i += sizeof word - 1; /* what is behind the last byte is not known yet */
		else
			break;
	}
	while (i < end && !(is_blank(at[i]) && (at[i] != ' ' || i + 1 == end || is_blank(at[i + 1]))))
		i++;
	return i;
}

/*
 * Where the run ends that begins at from with a byte of the text and goes on as it is: past single spaces and line ends,
 * as long as text follows them in the same piece.
 */
static inline size_t run_end(struct dkim_body *body, struct span chunk, size_t from, bool relaxed)
{
	const char *at = chunk.at;
	size_t end = chunk.length;
	size_t i = from;

	while ((i = relaxed ? find_change(at, i, end) : find_line_end(at, i, end)) < end) {
		if (at[i] == LF || (at[i] == CR && i + 1 < end && at[i + 1] != LF)) {
			body->bare = true;
			i++;
		} else if (at[i] == CR) {
			size_t next = i + 2;
			if (next >= end || at[next] == CR || (relaxed && is_white(at[next])))
				return i;
			i = next;
		} else if (at[i] == ' ' && i + 1 < end && at[i + 1] == LF) {
			i++;
		} else {
			return i;
		}
	}
	return end;
}

static inline void put_chunk(struct dkim_body *body, struct span chunk, bool relaxed)
{
	for (size_t i = 0; i < chunk.length;) {
		if (relaxed && is_white(chunk.at[i])) {
			body->white = true;
			i++;
		} else if (chunk.at[i] == CR && i + 1 == chunk.length) {
			body->cr = true;
			i++;
		} else if (chunk.at[i] == CR && chunk.at[i + 1] == LF) {
			end_line(body);
			i += 2;
		} else {
			size_t end = run_end(body, chunk, i, relaxed);
			put_kept(body);
			dkim_stream_put(&body->stream, chunk.at + i, end - i);
			i = end;
		}
	}
}

/* A CR that is the last byte is not known to be alone. */
static struct span settle_cr(struct dkim_body *body, struct span chunk)
{
	body->cr = false;
	if (chunk.length != 0 && chunk.at[0] == LF) {
		end_line(body);
		return span_slice(chunk, 1, chunk.length);
	}
	body->bare = true;
	put_kept(body);
	dkim_stream_put(&body->stream, "\r", 1);
	return chunk;
}

void dkim_body_put(struct dkim_body *body, struct span chunk)
{
	if (body->cr && chunk.length != 0)
		chunk = settle_cr(body, chunk);
	switch (body->form) {
	case DKIM_FORM_SIMPLE:
		put_chunk(body, chunk, false);
		return;
	case DKIM_FORM_RELAXED:
		put_chunk(body, chunk, true);
		return;
	}
}

bool dkim_body_end(struct dkim_body *body, unsigned char digest_r[DKIM_DIGEST_LENGTH])
{
	if (body->cr)
		(void)settle_cr(body, span_of(""));
	if (body->form == DKIM_FORM_SIMPLE || body->stream.length != 0)
		dkim_stream_put(&body->stream, "\r\n", 2);
	return dkim_stream_end(&body->stream, digest_r);
}

void dkim_body_drop(struct dkim_body *body)
{
	dkim_stream_drop(&body->stream);
}
