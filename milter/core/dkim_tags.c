/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dkim_tags.h"

#include "core/domain.h"
#include "dkim_tags_private.h"

#define TIME_DIGITS_MAX 12

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_8bit(char c)
{
	return (unsigned char)c >= 0x80;
}

/*
 * Nothing but printable ASCII, UTF-8 and the white space of sound folding. With this checked once, every CR and LF met
 * later is part of a fold.
 */
static bool is_clean(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		char next = i + 1 < text.length ? text.at[i + 1] : '\0';
		if (is_8bit(c)) {
			size_t length = span_utf8(text, i);
			if (length == 0)
				return false;
			i += length - 1;
			continue;
		}
		if (c == '\r' ? next != '\n' : c == '\n' ? next != ' ' && next != '\t' : c != '\t' && (c < 0x20 || c > 0x7e))
			return false;
	}
	return true;
}

static bool is_tag_name(struct span name)
{
	if (name.length == 0 || !ascii_alpha(name.at[0]))
		return false;
	for (size_t i = 1; i < name.length; i++)
		if (!ascii_alnum(name.at[i]) && name.at[i] != '_')
			return false;
	return true;
}

static bool has_name(const struct tag_list *list, struct span name)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_equal_nocase(list->tags[i].name, name))
			return true;
	return false;
}

/* One tag-spec. Names that differ in case only count as the same: other readers fold them. */
static bool add_tag(struct span text, struct tag_list *list)
{
	size_t equals = span_find(text, 0, '=');
	struct span name = span_trim(span_slice(text, 0, equals));
	if (equals == text.length || !is_tag_name(name) || list->count == DKIM_TAGS_MAX || has_name(list, name))
		return false;
	struct tag *tag = &list->tags[list->count++];
	tag->name = name;
	tag->raw = span_slice(text, equals + 1, text.length);
	tag->value = span_trim(tag->raw);
	return true;
}

static bool split(struct span text, struct tag_list *list_r)
{
	size_t from = 0;

	list_r->count = 0;
	text = span_trim(text);
	if (span_absent(text) || !is_clean(text))
		return false;
	do {
		size_t to = span_find(text, from, ';');
		if (!add_tag(span_slice(text, from, to), list_r))
			return false;
		from = to + 1;
	} while (from < text.length);
	return true;
}

static bool has_8bit(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (is_8bit(text.at[i]))
			return true;
	return false;
}

bool dkim_tags_split(struct span text, struct tag_list *list_r)
{
	list_r->count = 0;
	return !has_8bit(text) && split(text, list_r);
}

/* RFC 8616 5: domains may be U-labels, dkim-quoted-printable may hold UTF-8, and nothing else may. */
static bool utf8_in_place(const struct tag_list *list)
{
	static const char *const places[] = { "d", "i", "s", "z" };
	for (size_t i = 0; i < list->count; i++) {
		bool placed = false;
		for (size_t n = 0; n < sizeof places / sizeof places[0]; n++)
			placed = placed || span_equal(list->tags[i].name, span_of(places[n]));
		if (!placed && has_8bit(list->tags[i].value))
			return false;
	}
	return true;
}

struct span dkim_tags_find(const struct tag_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_equal(list->tags[i].name, span_of(name)))
			return list->tags[i].value;
	return span_make(NULL, 0);
}

bool dkim_tags_disguised(const struct tag_list *list, const char *const *names)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t n = 0; names[n]; n++)
			if (span_equal_nocase(list->tags[i].name, span_of(names[n]))
			    && !span_equal(list->tags[i].name, span_of(names[n])))
				return true;
	return false;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct span dkim_tags_base64(struct span value, struct arena *arena)
{
	char *text = arena_text(arena, value);
	size_t length = 0;
	size_t padding = 0;

	for (size_t i = 0; text && i < value.length; i++) {
		char c = value.at[i];
		if (is_space(c))
			continue;
		if (c == '=' ? ++padding > 2 : padding != 0 || base64_digit(c) < 0)
			return span_make(NULL, 0);
		text[length++] = c;
	}
	if (!text || length % 4 != 0)
		return span_make(NULL, 0);
	text[length] = '\0';
	return span_make(text, length);
}

struct span dkim_tags_decode(struct span text, struct arena *arena)
{
	unsigned char *bytes = arena_alloc(arena, text.length / 4 * 3);
	size_t length = 0;
	unsigned long bits = 0;
	unsigned have = 0;

	for (size_t i = 0; bytes && i < text.length && text.at[i] != '='; i++) {
		bits = (bits << 6 | (unsigned long)base64_digit(text.at[i])) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[length++] = (unsigned char)(bits >> have);
		}
	}
	return span_make((const char *)bytes, bytes ? length : 0);
}

/* How many bytes a base64 text stands for. */
static size_t base64_size(struct span text)
{
	size_t size = text.length / 4 * 3;
	for (size_t i = text.length; i > 0 && text.at[i - 1] == '='; i--)
		size--;
	return size;
}

/* The next element of a list that colons separate; white space around an element is not part of it. */
static bool next_element(struct span list, size_t *from, struct span *element_r)
{
	if (*from > list.length || span_absent(list))
		return false;
	size_t to = span_find(list, *from, ':');
	*element_r = span_trim(span_slice(list, *from, to));
	*from = to + 1;
	return true;
}

bool dkim_tags_lists(struct span list, const char *wanted)
{
	size_t from = 0;
	struct span element;
	while (next_element(list, &from, &element))
		if (span_equal(element, span_of(wanted)))
			return true;
	return false;
}

static bool is_field_name(struct span name)
{
	for (size_t i = 0; i < name.length; i++)
		if (name.at[i] <= 0x20 || name.at[i] > 0x7e || name.at[i] == ':' || name.at[i] == ';')
			return false;
	return name.length != 0;
}

/* h=: a bounded number of field names, From among them (RFC 6376 5.4). */
static bool signed_names_valid(struct span list)
{
	size_t from = 0;
	size_t count = 0;
	bool signs_from = false;
	struct span name;

	if (list.length > DKIM_SIGNED_LENGTH_MAX)
		return false;
	while (next_element(list, &from, &name)) {
		if (!is_field_name(name) || ++count > DKIM_SIGNED_NAMES_MAX)
			return false;
		signs_from = signs_from || span_equal_nocase(name, span_of("from"));
	}
	return signs_from;
}

static struct span lower(struct span text, struct arena *arena)
{
	char *copy = arena_text(arena, text);
	for (size_t i = 0; copy && i < text.length; i++)
		copy[i] = ascii_lower(copy[i]);
	return span_make(copy, copy ? text.length : 0);
}

/* c=: simple where nothing is said (RFC 6376 3.5). */
static bool read_canonicalization(struct span value, struct dkim_fields *fields)
{
	static const struct {
		const char *text;
		enum dkim_form header, body;
	} known[] = {
		{ "simple", DKIM_FORM_SIMPLE, DKIM_FORM_SIMPLE },
		{ "relaxed", DKIM_FORM_RELAXED, DKIM_FORM_SIMPLE },
		{ "simple/simple", DKIM_FORM_SIMPLE, DKIM_FORM_SIMPLE },
		{ "simple/relaxed", DKIM_FORM_SIMPLE, DKIM_FORM_RELAXED },
		{ "relaxed/simple", DKIM_FORM_RELAXED, DKIM_FORM_SIMPLE },
		{ "relaxed/relaxed", DKIM_FORM_RELAXED, DKIM_FORM_RELAXED },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (span_equal(value, span_of(known[i].text))) {
			fields->header_form = known[i].header;
			fields->body_form = known[i].body;
			return true;
		}
	return span_absent(value);
}

/* An optional time in seconds; -1 when absent. */
static bool read_time(struct span value, long long *time_r)
{
	long long seconds = 0;

	*time_r = -1;
	if (span_absent(value))
		return true;
	if (value.length == 0 || value.length > TIME_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		if (!ascii_digit(value.at[i]))
			return false;
		seconds = seconds * 10 + (value.at[i] - '0');
	}
	*time_r = seconds;
	return true;
}

/* i=: what follows the last "@" must be d= or a name below it. The local part says nothing that is used here. */
static bool read_identity(struct span value, struct arena *arena, domain_to_ascii to_ascii, struct dkim_fields *fields)
{
	if (span_absent(value)) {
		fields->identity = fields->domain;
		return true;
	}
	size_t at = value.length;
	while (at > 0 && value.at[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	fields->identity = domain_comparable(arena, to_ascii, span_slice(value, at, value.length));
	return !span_absent(fields->identity) && domain_within(fields->identity, fields->domain);
}

static enum dkim_algorithm algorithm_by_name(struct span name)
{
	if (span_equal(name, span_of("rsa-sha256")))
		return DKIM_ALGORITHM_RSA_SHA256;
	if (span_equal(name, span_of("ed25519-sha256")))
		return DKIM_ALGORITHM_ED25519_SHA256;
	return DKIM_ALGORITHM_OTHER;
}

static bool digits_only(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (!ascii_digit(value.at[i]))
			return false;
	return value.length != 0;
}

/* d= and s= make the name of the key, which must be one that can be asked. */
static bool read_names(const struct tag_list *list, struct arena *arena, domain_to_ascii to_ascii,
                       struct dkim_fields *fields)
{
	struct span selector = dkim_tags_find(list, "s");

	fields->domain = domain_comparable(arena, to_ascii, dkim_tags_find(list, "d"));
	fields->selector =
		domain_queryable(selector) ? lower(selector, arena) : domain_comparable(arena, to_ascii, selector);
	if (span_absent(fields->domain) || span_absent(fields->selector))
		return false;
	fields->key_name = arena_printf(arena, "%.*s._domainkey.%.*s", (int)fields->selector.length, fields->selector.at,
	                                (int)fields->domain.length, fields->domain.at);
	return domain_queryable(fields->key_name);
}

/* b= and bh= of the length the algorithm gives; rsa's is that of its key. */
static bool read_hashes(const struct tag_list *list, struct arena *arena, struct dkim_fields *fields)
{
	struct span b = dkim_tags_base64(dkim_tags_find(list, "b"), arena);
	struct span bh = dkim_tags_base64(dkim_tags_find(list, "bh"), arena);

	fields->b_prefix = span_slice(b, 0, 8);
	fields->b = b;
	if (span_absent(b) || b.length == 0 || span_absent(bh))
		return false;
	fields->body_hash = dkim_tags_decode(bh, arena);
	if (fields->algorithm == DKIM_ALGORITHM_ED25519_SHA256 && base64_size(b) != 64)
		return false;
	return fields->algorithm == DKIM_ALGORITHM_OTHER ? bh.length != 0 : base64_size(bh) == DKIM_DIGEST_LENGTH;
}

static bool read_signature(const struct tag_list *list, struct arena *arena, domain_to_ascii to_ascii,
                           struct dkim_fields *fields)
{
	struct span q = dkim_tags_find(list, "q");
	struct span l = dkim_tags_find(list, "l");
	struct span h = dkim_tags_find(list, "h");
	bool names = read_names(list, arena, to_ascii, fields);

	fields->algorithm = algorithm_by_name(dkim_tags_find(list, "a"));
	fields->partial = !span_absent(l);
	bool hashes = read_hashes(list, arena, fields);
	if (signed_names_valid(h))
		fields->signed_names = arena_span(arena, h);
	return names && hashes && !span_absent(fields->signed_names) && span_equal(dkim_tags_find(list, "v"), span_of("1"))
	       && dkim_tags_find(list, "a").length != 0 && read_canonicalization(dkim_tags_find(list, "c"), fields)
	       && read_identity(dkim_tags_find(list, "i"), arena, to_ascii, fields)
	       && (span_absent(q) || dkim_tags_lists(q, "dns/txt")) && (span_absent(l) || digits_only(l))
	       && read_time(dkim_tags_find(list, "t"), &fields->timestamp)
	       && read_time(dkim_tags_find(list, "x"), &fields->expiry)
	       && (fields->timestamp < 0 || fields->expiry < 0 || fields->expiry > fields->timestamp);
}

/* The white space behind a b= that is the last tag surrounds its value, too (RFC 6376 3.7). */
static struct span find_b(struct span value, const struct tag_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!span_equal(list->tags[i].name, span_of("b")))
			continue;
		size_t from = (size_t)(list->tags[i].raw.at - value.at);
		size_t to = from + list->tags[i].raw.length;
		return span_slice(value, from, span_trim(span_slice(value, to, value.length)).length == 0 ? value.length : to);
	}
	return span_make(NULL, 0);
}

unsigned dkim_tags_times_signed(struct span signed_names, struct span name)
{
	unsigned times = 0;
	size_t from = 0;
	while (from <= signed_names.length && !span_absent(signed_names)) {
		size_t to = span_find(signed_names, from, ':');
		times += span_equal_nocase(span_trim(span_slice(signed_names, from, to)), name);
		from = to + 1;
	}
	return times;
}

bool dkim_tags_signature(struct span value, struct arena *arena, domain_to_ascii to_ascii, struct dkim_fields *fields_r)
{
	static const char *const known[] = { "v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s", "t", "x", "z", NULL };
	struct tag_list list;

	memset(fields_r, 0, sizeof *fields_r);
	fields_r->timestamp = -1;
	fields_r->expiry = -1;
	if (value.length > DKIM_SIGNATURE_LENGTH_MAX)
		return true;
	bool sound = split(value, &list) && utf8_in_place(&list) && !dkim_tags_disguised(&list, known);
	sound = read_signature(&list, arena, to_ascii, fields_r) && sound;
	fields_r->b_raw = find_b(value, &list);
	fields_r->well_formed = sound && !arena_failed(arena);
	return !arena_failed(arena);
}
