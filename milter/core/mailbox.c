/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mailbox.h"

#include "core/cfws.h"

struct parse {
	struct span text;
	size_t at;
	bool is_path; /* SMTP: no white space and no comments between the tokens */
	struct arena *arena;
	domain_to_ascii to_ascii;
};

static bool is_control(char c)
{
	unsigned char byte = (unsigned char)c;
	return byte < 0x20 || byte == 0x7f;
}

static bool is_8bit(char c)
{
	return (unsigned char)c >= 0x80;
}

static bool is_atom_byte(char c)
{
	return cfws_atext(c) || is_8bit(c);
}

/*
 * Whether every byte may stand somewhere in such a value: no control character but the white space of folding, valid
 * UTF-8. A continuation line of white space alone is obsolete syntax (RFC 5322 4.2) that parsers disagree about.
 */
static bool bytes_valid(struct span text, bool is_path)
{
	bool folded = false;
	for (size_t i = 0; i < text.length;) {
		char c = text.at[i];
		size_t length = is_8bit(c) ? span_utf8(text, i) : 1;
		if (length == 0)
			return false;
		if (is_control(c)) {
			if (is_path || (c != '\t' && c != '\r' && c != '\n'))
				return false;
			if (c == '\r' && (i + 1 == text.length || text.at[i + 1] != '\n'))
				return false;
			if (c == '\n' && (folded || i + 1 == text.length || (text.at[i + 1] != ' ' && text.at[i + 1] != '\t')))
				return false;
		}
		if (c == '\n')
			folded = true;
		else if (c != ' ' && c != '\t' && c != '\r')
			folded = false;
		i += length;
	}
	return !folded;
}

static bool skip_space(struct parse *parse)
{
	return parse->is_path || cfws_skip(parse->text, &parse->at);
}

static bool at_end(const struct parse *parse)
{
	return parse->at >= parse->text.length;
}

static bool next_is(const struct parse *parse, char c)
{
	return !at_end(parse) && parse->text.at[parse->at] == c;
}

/* Atoms and dots, as many as there are. */
static struct span take_run(struct parse *parse)
{
	size_t from = parse->at;
	while (!at_end(parse) && (is_atom_byte(parse->text.at[parse->at]) || next_is(parse, '.')))
		parse->at++;
	return span_slice(parse->text, from, parse->at);
}

/* A dot-atom that is no encoded word: some programs decode those before they look for an address (RFC 2047 5). */
static bool is_local_atom(struct span text)
{
	bool after_dot = true;
	for (size_t i = 0; i < text.length; i++) {
		bool dot = text.at[i] == '.';
		if ((dot && after_dot) || (!dot && !is_atom_byte(text.at[i])))
			return false;
		after_dot = dot;
	}
	return !after_dot && !(text.length >= 2 && text.at[0] == '=' && text.at[1] == '?');
}

static enum mailbox_status read_quoted_local(struct parse *parse, struct span *local_part_r)
{
	size_t length = 0;
	size_t from = parse->at;
	if (!cfws_quoted(parse->text, &parse->at, NULL, &length) || length == 0)
		return MAILBOX_MALFORMED;
	char *to = arena_alloc(parse->arena, length + 1);
	if (!to)
		return MAILBOX_NO_MEMORY;
	cfws_quoted(parse->text, &from, to, &length);
	*local_part_r = span_make(to, length);
	return memchr(to, '\t', length) ? MAILBOX_MALFORMED : MAILBOX_OK;
}

static enum mailbox_status read_local_part(struct parse *parse, struct span *local_part_r)
{
	if (next_is(parse, '"'))
		return read_quoted_local(parse, local_part_r);
	struct span run = take_run(parse);
	if (!is_local_atom(run))
		return MAILBOX_MALFORMED;
	*local_part_r = arena_span(parse->arena, run);
	return span_absent(*local_part_r) ? MAILBOX_NO_MEMORY : MAILBOX_OK;
}

/* local_part@domain, the local part quoted again where it has to be, so that nobody takes an "@" in it for the last. */
static struct span write_address(struct arena *arena, struct span local_part, struct span domain)
{
	bool plain = is_local_atom(local_part);
	char *to = arena_alloc(arena, 2 * local_part.length + domain.length + 4);
	size_t length = 0;
	if (!to)
		return span_make(NULL, 0);
	if (!plain)
		to[length++] = '"';
	for (size_t i = 0; i < local_part.length; i++) {
		if (local_part.at[i] == '"' || local_part.at[i] == '\\')
			to[length++] = '\\';
		to[length++] = local_part.at[i];
	}
	if (!plain)
		to[length++] = '"';
	to[length++] = '@';
	memcpy(to + length, domain.at, domain.length);
	return span_make(to, length + domain.length);
}

static enum mailbox_status read_address(struct parse *parse, struct mailbox *mailbox_r)
{
	struct mailbox mailbox;
	enum mailbox_status status = read_local_part(parse, &mailbox.local_part);
	if (status != MAILBOX_OK)
		return status;
	if (!skip_space(parse) || !next_is(parse, '@'))
		return MAILBOX_MALFORMED;
	parse->at++;
	if (!skip_space(parse))
		return MAILBOX_MALFORMED;
	mailbox.domain = domain_comparable(parse->arena, parse->to_ascii, take_run(parse));
	if (span_absent(mailbox.domain))
		return arena_failed(parse->arena) ? MAILBOX_NO_MEMORY : MAILBOX_MALFORMED;
	mailbox.address = write_address(parse->arena, mailbox.local_part, mailbox.domain);
	if (span_absent(mailbox.address))
		return MAILBOX_NO_MEMORY;
	if (!skip_space(parse))
		return MAILBOX_MALFORMED;
	*mailbox_r = mailbox;
	return MAILBOX_OK;
}

static enum mailbox_status read_angle(struct parse *parse, struct mailbox *mailbox_r)
{
	parse->at++;
	if (!skip_space(parse))
		return MAILBOX_MALFORMED;
	enum mailbox_status status = read_address(parse, mailbox_r);
	if (status != MAILBOX_OK)
		return status;
	if (!next_is(parse, '>'))
		return MAILBOX_MALFORMED;
	parse->at++;
	return skip_space(parse) ? MAILBOX_OK : MAILBOX_MALFORMED;
}

/*
 * A display name and what it belongs to. Dots are let through in it: "John Q. Public <...>" is obsolete syntax that
 * everybody writes, and no dot can make it an address.
 */
static enum mailbox_status read_named(struct parse *parse, struct mailbox *mailbox_r)
{
	size_t ignored;
	if (next_is(parse, '.'))
		return MAILBOX_MALFORMED;
	for (bool named = false;; named = true) {
		if (!skip_space(parse) || at_end(parse))
			return MAILBOX_MALFORMED;
		if (named && next_is(parse, '<'))
			return read_angle(parse, mailbox_r);
		if (named && next_is(parse, ':'))
			return MAILBOX_GROUP;
		if (next_is(parse, '"') ? !cfws_quoted(parse->text, &parse->at, NULL, &ignored) : take_run(parse).length == 0)
			return MAILBOX_MALFORMED;
	}
}

/* Whether a local part and "@" come next, rather than a display name. Moves nothing. */
static bool address_follows(struct parse parse)
{
	size_t ignored;
	if (next_is(&parse, '"') ? !cfws_quoted(parse.text, &parse.at, NULL, &ignored) : take_run(&parse).length == 0)
		return false;
	return skip_space(&parse) && next_is(&parse, '@');
}

enum mailbox_status mailbox_parse_field(struct span value, struct arena *arena, domain_to_ascii to_ascii,
                                        struct mailbox *mailbox_r)
{
	struct parse parse = { value, 0, false, arena, to_ascii };
	struct mailbox mailbox;
	enum mailbox_status status;
	if (value.length > MAILBOX_LENGTH_MAX || !bytes_valid(value, false) || !skip_space(&parse))
		return MAILBOX_MALFORMED;
	if (at_end(&parse))
		return MAILBOX_EMPTY;
	if (next_is(&parse, '<'))
		status = read_angle(&parse, &mailbox);
	else if (address_follows(parse))
		status = read_address(&parse, &mailbox);
	else
		status = read_named(&parse, &mailbox);
	if (status != MAILBOX_OK)
		return status;
	if (!at_end(&parse))
		return next_is(&parse, ',') ? MAILBOX_SEVERAL : MAILBOX_MALFORMED;
	*mailbox_r = mailbox;
	return MAILBOX_OK;
}

enum mailbox_status mailbox_parse_path(struct span path, struct arena *arena, domain_to_ascii to_ascii,
                                       struct mailbox *mailbox_r)
{
	struct parse parse = { path, 0, true, arena, to_ascii };
	struct mailbox mailbox;
	if (path.length == 0)
		return MAILBOX_EMPTY;
	if (span_equal(path, span_of("<>")))
		return MAILBOX_NULL;
	if (path.length > MAILBOX_LENGTH_MAX || !bytes_valid(path, true))
		return MAILBOX_MALFORMED;
	enum mailbox_status status = next_is(&parse, '<') ? read_angle(&parse, &mailbox) : read_address(&parse, &mailbox);
	if (status == MAILBOX_OK && !at_end(&parse))
		status = MAILBOX_MALFORMED;
	if (status == MAILBOX_OK)
		*mailbox_r = mailbox;
	return status;
}

struct span mailbox_bare_path(struct span path)
{
	if (path.length > 2 && path.at[0] == '<' && path.at[path.length - 1] == '>')
		return span_slice(path, 1, path.length - 1);
	return path;
}
