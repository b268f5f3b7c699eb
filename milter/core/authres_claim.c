/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/authres_claim.h"

#include "core/cfws.h"
#include "core/encodedword.h"
#include "core/skeleton.h"

#define ID_LENGTH_MAX 512

struct parse {
	struct span text;
	size_t at;
};

struct id {
	char text[ID_LENGTH_MAX];
	size_t length;
};

static bool at_end(const struct parse *parse)
{
	return parse->at >= parse->text.length;
}

static bool next_is(const struct parse *parse, char c)
{
	return !at_end(parse) && parse->text.at[parse->at] == c;
}

static bool skip(struct parse *parse)
{
	return cfws_skip(parse->text, &parse->at);
}

/* token of RFC 2045 5.1, printable ASCII only. */
static bool is_token_byte(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/*
 * The authserv-id, a token or a quoted string. A quoted one that holds more than a token could is refused although the
 * grammar lets it through: a reader that knows no quotes would see another ID in it.
 */
static bool read_id(struct parse *parse, struct id *id)
{
	id->length = 0;
	if (next_is(parse, '"')) {
		size_t from = parse->at;
		if (!cfws_quoted(parse->text, &parse->at, NULL, &id->length) || id->length > sizeof id->text)
			return false;
		cfws_quoted(parse->text, &from, id->text, &id->length);
		for (size_t i = 0; i < id->length; i++)
			if (!is_token_byte(id->text[i]))
				return false;
		return id->length != 0;
	}
	while (!at_end(parse) && is_token_byte(parse->text.at[parse->at]) && id->length < sizeof id->text)
		id->text[id->length++] = parse->text.at[parse->at++];
	return id->length != 0;
}

/* Keyword of RFC 5321 4.1.2, and the underscore that is met in practice. */
static bool read_keyword(struct parse *parse)
{
	size_t from = parse->at;
	while (!at_end(parse) && (ascii_alnum(parse->text.at[parse->at]) || next_is(parse, '-') || next_is(parse, '_')))
		parse->at++;
	return parse->at != from;
}

static bool read_mark(struct parse *parse, char mark)
{
	if (!skip(parse) || !next_is(parse, mark))
		return false;
	parse->at++;
	return skip(parse);
}

/* pvalue: an address, a domain, a token or a quoted string, in any mixture that has no separator in it. */
static bool read_value(struct parse *parse)
{
	size_t from = parse->at;
	size_t ignored;
	while (!at_end(parse)) {
		char c = parse->text.at[parse->at];
		if (c == '"') {
			if (!cfws_quoted(parse->text, &parse->at, NULL, &ignored))
				return false;
		} else if (cfws_atext(c) || c == '.' || c == '@' || (unsigned char)c >= 0x80) {
			parse->at++;
		} else {
			break;
		}
	}
	return parse->at != from;
}

/* "ptype.property=value", or "reason=value". */
static bool read_property(struct parse *parse)
{
	if (!read_keyword(parse) || !skip(parse))
		return false;
	if (next_is(parse, '.') && (!read_mark(parse, '.') || !read_keyword(parse)))
		return false;
	return read_mark(parse, '=') && read_value(parse);
}

/* "method=result" and its properties, up to the next ";" or the end. */
static bool read_result(struct parse *parse)
{
	if (!read_keyword(parse) || !skip(parse))
		return false;
	if (next_is(parse, '/') && (!read_mark(parse, '/') || !read_keyword(parse)))
		return false;
	if (!read_mark(parse, '=') || !read_keyword(parse))
		return false;
	for (;;) {
		if (!skip(parse))
			return false;
		if (at_end(parse) || next_is(parse, ';'))
			return true;
		if (!read_property(parse))
			return false;
	}
}

static bool read_none(struct parse *parse)
{
	struct span rest = span_slice(parse->text, parse->at, parse->text.length);
	if (!span_starts_nocase(rest, span_of("none")))
		return false;
	parse->at += 4;
	return skip(parse) && at_end(parse);
}

/* Parse a whole value (RFC 8601 2.2). *end_r: where the semicolon stands that ends its first part. */
static bool read_field(struct span value, struct id *id, size_t *end_r)
{
	struct parse parse = { value, 0 };
	if (!skip(&parse) || !read_id(&parse, id) || !skip(&parse))
		return false;
	while (!at_end(&parse) && ascii_digit(parse.text.at[parse.at]))
		parse.at++;
	if (!skip(&parse))
		return false;
	*end_r = parse.at;
	if (!read_mark(&parse, ';'))
		return false;
	struct parse none = parse;
	if (read_none(&none))
		return true;
	while (read_result(&parse)) {
		if (at_end(&parse))
			return true;
		if (!read_mark(&parse, ';'))
			return false;
	}
	return false;
}

static struct span without_dots(struct span id)
{
	while (id.length != 0 && id.at[id.length - 1] == '.')
		id.length--;
	return id;
}

/* borders[n]: the length of the longest proper prefix of the first n bytes that they end in. */
static const size_t *borders_of(struct span text, struct arena *arena)
{
	size_t *borders = arena_array(arena, text.length + 1, sizeof *borders);
	for (size_t n = 2; borders && n <= text.length; n++) {
		size_t border = borders[n - 1];
		while (border != 0 && text.at[border] != text.at[n - 1])
			border = borders[border];
		borders[n] = border + (text.at[border] == text.at[n - 1]);
	}
	return borders;
}

static bool add_id(struct authres_ids *ids, struct span text, struct arena *arena)
{
	text = without_dots(text);
	if (text.length == 0)
		return true;
	struct authres_id *id = &ids->ids[ids->count++];
	id->text = text;
	id->borders = borders_of(text, arena);
	return id->borders != NULL;
}

static bool has_a_label(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((i == 0 || text.at[i - 1] == '.') && span_starts_nocase(span_slice(text, i, text.length), span_of("xn--")))
			return true;
	return false;
}

/* As it stands, and with A-labels for its U-labels. */
static bool prepare_id(struct authres_ids *ids, struct span own_id, struct arena *arena)
{
	struct span text = skeleton_make(own_id, SKELETON_COMMENTS_KEPT, SKELETON_SPACE_DROPPED, arena);
	if (span_absent(text) || !add_id(ids, text, arena))
		return false;
	bool international = skeleton_is_international(text);
	ids->international = ids->international || international || has_a_label(text);
	if (!international)
		return true;
	unsigned labels = AUTHRES_LABELS_MAX;
	return skeleton_to_ascii(text, ids->to_ascii, &labels, arena, &text) && add_id(ids, text, arena);
}

bool authres_ids_init(struct authres_ids *ids, struct span own_id, const struct set *own_ids, domain_to_ascii to_ascii,
                      struct arena *arena)
{
	memset(ids, 0, sizeof *ids);
	ids->to_ascii = to_ascii;
	ids->labels_left = AUTHRES_LABELS_MAX;
	ids->ids = arena_array(arena, 2 * (set_count(own_ids) + 1), sizeof *ids->ids);
	if (!ids->ids || (!span_absent(own_id) && !prepare_id(ids, own_id, arena)))
		return false;
	for (size_t i = 0; i < set_count(own_ids); i++)
		if (!prepare_id(ids, set_at(own_ids, i), arena))
			return false;
	return true;
}

static bool holds(struct span text, const struct authres_id *id)
{
	size_t matched = 0;
	for (size_t i = 0; i < text.length; i++) {
		while (matched != 0 && text.at[i] != id->text.at[matched])
			matched = id->borders[matched];
		matched += text.at[i] == id->text.at[matched];
		if (matched == id->text.length)
			return true;
	}
	return false;
}

enum match { MATCH_WHOLE, MATCH_ANYWHERE };

static bool matches(const struct authres_ids *ids, struct span text, enum match match)
{
	for (size_t i = 0; i < ids->count; i++)
		if (match == MATCH_WHOLE ? span_equal(without_dots(text), ids->ids[i].text) : holds(text, &ids->ids[i]))
			return true;
	return false;
}

/* One search, for want of memory and for what is found. */
struct search {
	struct authres_ids *ids;
	struct arena scratch;
	bool found;
};

static void search_reading(struct search *search, struct span text, enum match match, enum skeleton_comments comments,
                           enum skeleton_space space)
{
	struct span skeleton = skeleton_make(text, comments, space, &search->scratch);
	search->found = matches(search->ids, skeleton, match);
	if (search->found || !search->ids->international || !skeleton_is_international(skeleton))
		return;
	if (skeleton_to_ascii(skeleton, search->ids->to_ascii, &search->ids->labels_left, &search->scratch, &skeleton))
		search->found = span_absent(skeleton) || matches(search->ids, skeleton, match);
}

/* Whether any reading of the text is ours. White space matters only to where a label begins and ends. */
static void search_text(struct search *search, struct span text, enum match match)
{
	bool commented = span_find(text, 0, '(') != text.length;
	bool spaced = search->ids->international;
	for (unsigned comments = 0; comments < (commented ? SKELETON_COMMENTS : 1); comments++)
		for (unsigned space = 0; space < (spaced ? 2U : 1U); space++)
			if (!search->found && !arena_failed(&search->scratch))
				search_reading(search, text, match, (enum skeleton_comments)comments, (enum skeleton_space)space);
}

/* Where the authserv-id ends at the latest, and which encoded words stand before that. */
struct head {
	size_t length;
	bool encoded;
	bool unreadable;
	bool encoded_anywhere;
};

static struct head head_of(struct span value)
{
	struct head head = { value.length, false, false, false };
	struct encoded_cursor cursor = { value, 0 };
	struct encoded_word word;
	size_t from = 0;
	while (encoded_word_next(&cursor, &word)) {
		head.encoded_anywhere = true;
		size_t end = span_find(span_slice(value, 0, word.from), from, ';');
		if (end < word.from) {
			head.length = end;
			return head;
		}
		head.encoded = true;
		head.unreadable = head.unreadable || !encoded_word_readable(&word);
		from = word.to;
	}
	head.length = span_find(value, from, ';');
	return head;
}

static void search_malformed(struct search *search, struct span value, const struct head *head)
{
	search->found = head->unreadable;
	if (!search->found)
		search_text(search, value, MATCH_ANYWHERE);
	for (unsigned padding = 0; padding < 2 && head->encoded_anywhere; padding++)
		if (!search->found && !arena_failed(&search->scratch)) {
			struct span decoded = encoded_words_decode(value, (enum encoded_padding)padding, &search->scratch);
			search_text(search, decoded, MATCH_ANYWHERE);
		}
}

bool authres_claims(struct authres_ids *ids, struct span value, bool *claims_r)
{
	struct search search = { .ids = ids };
	struct id id;
	size_t end;

	*claims_r = false;
	if (ids->count == 0)
		return true;
	arena_init(&search.scratch, 0);
	struct head head = head_of(value);
	if (read_field(value, &id, &end) && !head.encoded) {
		search_text(&search, span_make(id.text, id.length), MATCH_WHOLE);
		if (!search.found)
			search_text(&search, span_slice(value, 0, end), MATCH_WHOLE);
		if (!search.found)
			search_text(&search, span_slice(value, 0, head.length), MATCH_WHOLE);
	} else {
		search_malformed(&search, value, &head);
	}
	bool whole = !arena_failed(&search.scratch);
	arena_clear(&search.scratch);
	*claims_r = search.found;
	return whole;
}
