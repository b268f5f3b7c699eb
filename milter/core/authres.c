#include "core/authres.h"

#include "core/cfws.h"

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
	while (!at_end(parse)
	       && (ascii_alnum(parse->text.at[parse->at]) || next_is(parse, '-') || next_is(parse, '_')))
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

/* Parse a whole value (RFC 8601 2.2). */
static bool read_field(struct span value, struct id *id)
{
	struct parse parse = { value, 0 };
	if (!skip(&parse) || !read_id(&parse, id) || !skip(&parse))
		return false;
	while (!at_end(&parse) && ascii_digit(parse.text.at[parse.at]))
		parse.at++;
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

/* What a lenient reader might drop, and so join what stands around it. */
static bool is_ignorable(char c)
{
	unsigned char byte = (unsigned char)c;
	return byte < 0x20 || byte == 0x7f || c == '"' || c == '\\';
}

static bool holds_at(struct span value, size_t at, struct span id)
{
	size_t matched = 0;
	for (; at < value.length && matched < id.length; at++) {
		if (ascii_lower(value.at[at]) == ascii_lower(id.at[matched]))
			matched++;
		else if (!is_ignorable(value.at[at]))
			return false;
	}
	return matched == id.length;
}

static bool holds(struct span value, struct span id)
{
	for (size_t at = 0; at < value.length; at++)
		if (ascii_lower(value.at[at]) == ascii_lower(id.at[0]) && holds_at(value, at, id))
			return true;
	return false;
}

/* id: of the value if that is well-formed, else absent. */
static bool claims(struct span value, struct span id, struct span own)
{
	own = without_dots(span_trim(own));
	if (own.length == 0)
		return false;
	return span_absent(id) ? holds(value, own) : span_equal_nocase(without_dots(id), own);
}

bool authres_claims(struct span value, struct span own_id, const struct set *own_ids)
{
	struct id buffer;
	struct span id = span_make(NULL, 0);
	if (read_field(value, &buffer))
		id = span_make(buffer.text, buffer.length);
	if (claims(value, id, own_id))
		return true;
	for (size_t i = 0; i < set_count(own_ids); i++)
		if (claims(value, id, set_at(own_ids, i)))
			return true;
	return false;
}
