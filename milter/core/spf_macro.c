/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_private.h"

#define NAME_MAX_LENGTH 253

/* RFC 7208 7.1: digits, "r" and delimiters between the letter and the brace. */
static const char *macro_body(struct span body, struct spf_piece *piece_r)
{
	if (body.length == 0)
		return "a macro without a letter";
	char letter = ascii_lower(body.at[0]);
	if (letter == 'c' || letter == 'r' || letter == 't')
		return "a macro that is allowed in explanations only";
	if (!letter || !memchr("slodiphv", letter, 8))
		return "an unknown macro letter";
	piece_r->letter = letter;
	piece_r->escape = letter != body.at[0];
	size_t i = 1;
	size_t digits = 0;
	while (i < body.length && ascii_digit(body.at[i])) {
		/* No value has more parts than this, so larger numbers all mean "all of them". */
		if (piece_r->parts < 100000)
			piece_r->parts = piece_r->parts * 10 + (size_t)(body.at[i] - '0');
		digits++;
		i++;
	}
	if (digits != 0 && piece_r->parts == 0)
		return "a macro that keeps no part";
	if (i < body.length && ascii_lower(body.at[i]) == 'r') {
		piece_r->reverse = true;
		i++;
	}
	piece_r->text = span_slice(body, i, body.length);
	for (; i < body.length; i++)
		if (!body.at[i] || !memchr(".-+,/_=", body.at[i], 7))
			return "a macro with a wrong transformer or delimiter";
	if (piece_r->text.length == 0)
		piece_r->text = span_of(".");
	return NULL;
}

/* One macro-expand at text.at[*position], which is '%'. */
static const char *macro_expand(struct span text, size_t *position, struct spf_piece *piece_r)
{
	size_t from = *position + 1;
	char kind = from < text.length ? text.at[from] : '\0';
	*position = from + 1;
	if (kind == '%') {
		piece_r->text = span_of("%");
	} else if (kind == '_') {
		piece_r->text = span_of(" ");
	} else if (kind == '-') {
		piece_r->text = span_of("%20");
	} else if (kind == '{') {
		size_t end = span_find(text, from, '}');
		if (end == text.length)
			return "a macro without its closing brace";
		*position = end + 1;
		return macro_body(span_slice(text, from + 1, end), piece_r);
	} else {
		return "a percent sign that starts no macro";
	}
	return NULL;
}

/* RFC 7208 7.1: letters, digits and inner hyphens, not all digits. */
static bool toplabel(struct span label)
{
	bool other = false;
	if (label.length == 0 || label.at[0] == '-' || label.at[label.length - 1] == '-')
		return false;
	for (size_t i = 0; i < label.length; i++) {
		if (!ascii_alnum(label.at[i]) && label.at[i] != '-')
			return false;
		other = other || !ascii_digit(label.at[i]);
	}
	return other;
}

/* Whether the literal text at the end of a domain-spec ends in "." toplabel [ "." ]. */
static bool domain_end(struct span text)
{
	if (text.length != 0 && text.at[text.length - 1] == '.')
		text.length--;
	size_t dot = text.length;
	while (dot > 0 && text.at[dot - 1] != '.')
		dot--;
	return dot > 0 && toplabel(span_slice(text, dot, text.length));
}

/* A name that no macro can change must be one that can be asked. */
static bool literal_possible(const struct spf_domain *domain)
{
	static const struct spf_values nothing;
	struct spf_target target;
	for (size_t i = 0; i < domain->count; i++)
		if (domain->pieces[i].letter)
			return true;
	spf_macro_expand(domain, &nothing, &target);
	return target.valid;
}

/* How many pieces text has at most: one for each macro, one for each literal text beside a macro. */
static size_t piece_count(struct span text)
{
	size_t count = 1;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '%')
			continue;
		count += i > 0 && text.at[i - 1] != '%' ? 2 : 1;
		i++;
	}
	return count;
}

const char *spf_macro_parse(struct arena *arena, struct span text, enum spf_macro_kind kind,
                            struct spf_domain *domain_r)
{
	size_t literal = text.length; /* where the literal text at the end begins */
	memset(domain_r, 0, sizeof *domain_r);
	struct spf_piece *pieces = arena_array(arena, piece_count(text), sizeof *pieces);
	if (!pieces)
		return "no memory";
	domain_r->pieces = pieces;
	for (size_t i = 0; i < text.length;) {
		struct spf_piece *piece = &pieces[domain_r->count++];
		literal = text.length;
		if (text.at[i] == '%') {
			const char *wrong = macro_expand(text, &i, piece);
			if (wrong)
				return wrong;
			domain_r->uses_p = domain_r->uses_p || piece->letter == 'p';
		} else {
			literal = i;
			i = span_find(text, i, '%');
			piece->text = span_slice(text, literal, i);
		}
	}
	if (kind == SPF_MACRO_STRING)
		return NULL;
	if (text.length == 0)
		return "an empty domain";
	if (literal < text.length && !domain_end(span_slice(text, literal, text.length)))
		return "a domain that does not end in a top-level domain";
	return literal_possible(domain_r) ? NULL : "a domain that is no DNS name";
}

/*
 * The right-hand end of an expansion, written from right to left. One trailing dot, 253 bytes and the dot before them
 * are all that can matter; what would lie further to the left is only known to exist.
 */
struct tail {
	size_t used;
	char bytes[NAME_MAX_LENGTH + 2];
};

static bool tail_full(const struct tail *tail)
{
	return tail->used == sizeof tail->bytes;
}

static void tail_put(struct tail *tail, char byte)
{
	if (!tail_full(tail))
		tail->bytes[sizeof tail->bytes - ++tail->used] = byte;
}

static void tail_text(struct tail *tail, struct span text)
{
	for (size_t i = text.length; i > 0 && !tail_full(tail); i--)
		tail_put(tail, text.at[i - 1]);
}

static void tail_escaped(struct tail *tail, struct span text)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = text.length; i > 0 && !tail_full(tail); i--) {
		unsigned char byte = (unsigned char)text.at[i - 1];
		if (ascii_alnum(text.at[i - 1]) || (byte && memchr("-._~", byte, 4))) {
			tail_put(tail, (char)byte);
		} else {
			tail_put(tail, hex[byte & 15]);
			tail_put(tail, hex[byte >> 4]);
			tail_put(tail, '%');
		}
	}
}

static bool delimits(const struct spf_piece *piece, char byte)
{
	return byte && memchr(piece->text.at, byte, piece->text.length);
}

static void tail_part(struct tail *tail, const struct spf_piece *piece, struct span part)
{
	if (piece->escape)
		tail_escaped(tail, part);
	else
		tail_text(tail, part);
}

/*
 * Split a value at its delimiters, reverse the parts, keep the right-hand ones, join them with dots (RFC 7208 7.3).
 * As the tail grows leftwards, the last part comes first: for a reversed value that is the value's first one.
 */
static void tail_macro(struct tail *tail, const struct spf_piece *piece, struct span value)
{
	size_t from = 0;
	size_t to = value.length;
	for (size_t kept = 0; (piece->parts == 0 || kept < piece->parts) && !tail_full(tail); kept++) {
		size_t edge;
		if (kept != 0)
			tail_put(tail, '.');
		if (piece->reverse) {
			for (edge = from; edge < value.length && !delimits(piece, value.at[edge]);)
				edge++;
			tail_part(tail, piece, span_slice(value, from, edge));
			if (edge == value.length)
				break;
			from = edge + 1;
		} else {
			for (edge = to; edge > 0 && !delimits(piece, value.at[edge - 1]);)
				edge--;
			tail_part(tail, piece, span_slice(value, edge, to));
			if (edge == 0)
				break;
			to = edge - 1;
		}
	}
}

static struct span macro_value(char letter, const struct spf_values *values)
{
	switch (letter) {
	case 's':
		return values->address;
	case 'l':
		return values->local;
	case 'o':
		return values->sender;
	case 'd':
		return values->domain;
	case 'i':
		return values->client;
	case 'p':
		return values->ptr;
	case 'h':
		return values->helo;
	default: /* 'v': macro_body() lets no other letter pass */
		return span_of(values->ipv6 ? "ip6" : "in-addr");
	}
}

/* Drop labels on the left until the rest is short enough (7.3). */
static struct span shorten(struct span name)
{
	if (name.length <= NAME_MAX_LENGTH)
		return name;
	size_t dot = span_find(name, name.length - NAME_MAX_LENGTH - 1, '.');
	return span_slice(name, dot + 1, name.length);
}

void spf_macro_expand(const struct spf_domain *domain, const struct spf_values *values, struct spf_target *target_r)
{
	struct tail tail = { .used = 0 };
	if (domain->count == 0)
		tail_text(&tail, values->domain);
	for (size_t i = domain->count; i > 0; i--) {
		const struct spf_piece *piece = &domain->pieces[i - 1];
		if (piece->letter)
			tail_macro(&tail, piece, macro_value(piece->letter, values));
		else
			tail_text(&tail, piece->text);
	}
	struct span name = span_make(tail.bytes + sizeof tail.bytes - tail.used, tail.used);
	if (name.length != 0 && name.at[name.length - 1] == '.')
		name.length--;
	name = shorten(name);
	memcpy(target_r->bytes, name.at, name.length);
	target_r->length = name.length;
	target_r->name_length = answer_name_write(name, target_r->name);
	target_r->valid = target_r->name_length != 0;
}
