/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/verp.h"

static const struct span prefix = SPAN_LITERAL("00d");

/* The zeros go back where the only hyphen stands; false unless there is one hyphen and the whole fits an ID. */
static bool expand(struct span label, char text_r[ORGID_LONG])
{
	size_t hyphen = span_find(label, 0, '-');
	if (hyphen == label.length || span_find(label, hyphen + 1, '-') < label.length)
		return false;
	size_t right = label.length - hyphen - 1;
	if (hyphen == 0 || right == 0 || prefix.length + hyphen + right > ORGID_LONG)
		return false;
	memset(text_r, '0', ORGID_LONG);
	memcpy(text_r, prefix.at, prefix.length);
	memcpy(text_r + prefix.length, label.at, hyphen);
	memcpy(text_r + ORGID_LONG - right, label.at + hyphen + 1, right);
	for (size_t i = 0; i < ORGID_LONG; i++)
		text_r[i] = ascii_lower(text_r[i]);
	return true;
}

static char ascii_upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
}

/* The five case bits that a checksum character stands for; false when it is none. */
static bool case_bits(char c, unsigned *bits_r)
{
	if (c >= 'A' && c <= 'Z')
		*bits_r = (unsigned)(c - 'A');
	else if (c >= '0' && c <= '5')
		*bits_r = (unsigned)(c - '0') + 26;
	else
		return false;
	return true;
}

/* A bit set for a digit changes nothing here; orgid_parse() then finds a checksum that does not fit. */
bool verp_decode_label(struct span label, struct orgid *id_r)
{
	char text[ORGID_LONG];
	if (!expand(label, text))
		return false;
	for (size_t i = ORGID_SHORT; i < ORGID_LONG; i++)
		text[i] = ascii_upper(text[i]);
	for (size_t i = 0; i < ORGID_SHORT; i++) {
		unsigned bits;
		if (!case_bits(text[ORGID_SHORT + i / 5], &bits))
			return false;
		if (bits >> i % 5 & 1U)
			text[i] = ascii_upper(text[i]);
	}
	return orgid_parse(span_make(text, ORGID_LONG), id_r) == ORGID_OK;
}

/* Take the rightmost label off *domain. Absent when nothing is left. */
static struct span last_label(struct span *domain)
{
	if (domain->length == 0)
		return span_make(NULL, 0);
	size_t from = domain->length;
	while (from > 0 && domain->at[from - 1] != '.')
		from--;
	struct span label = span_slice(*domain, from, domain->length);
	*domain = span_slice(*domain, 0, from > 0 ? from - 1 : 0);
	return label;
}

/* The ORG label of a name under `parent`, a pattern's domain with a leading dot; absent when there is no room for it. */
static struct span org_label(struct span domain, struct span parent)
{
	if (parent.length >= domain.length || parent.at[0] != '.')
		return span_make(NULL, 0);
	struct span labels = span_slice(domain, 0, domain.length - parent.length);
	last_label(&labels);
	return last_label(&labels);
}

/* Salesforce's tokens hold neither "=" nor "_", so nothing the author chose can be taken for the separators. */
static bool is_token(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!ascii_alnum(text.at[i]) && text.at[i] != '-' && text.at[i] != '.')
			return false;
	return text.length != 0;
}

bool verp_read_author(struct span local_part, struct arena *arena, struct verp_author *author_r)
{
	memset(author_r, 0, sizeof *author_r);
	size_t equals = local_part.length;
	while (equals > 0 && local_part.at[equals - 1] != '=')
		equals--;
	if (equals < 2)
		return true;
	/* The domain may hold underscores, the token none: the last two stand between them. */
	size_t token = local_part.length;
	while (token > equals && local_part.at[token - 1] != '_')
		token--;
	if (token < equals + 2 || local_part.at[token - 2] != '_')
		return true;
	struct span domain = span_slice(local_part, equals, token - 2);
	if (!domain_valid(domain) || !is_token(span_slice(local_part, token, local_part.length)))
		return true;
	struct span lower = domain_lower(arena, domain);
	if (span_absent(lower))
		return false;
	*author_r = (struct verp_author) { true, span_slice(local_part, 0, equals - 1), lower };
	return true;
}

enum verp_status verp_decode_org(struct span domain, const struct set *bounce_domains, struct orgid *org_r)
{
	size_t cursor = 0;
	size_t pattern = pattern_next(bounce_domains, domain, &cursor);
	if (pattern == SET_ABSENT)
		return VERP_NOT_BOUNCE;
	return verp_decode_label(org_label(domain, set_at(bounce_domains, pattern)), org_r) ? VERP_OK : VERP_UNDECODABLE;
}

enum verp_status verp_decode(const struct mailbox *sender, const struct set *bounce_domains, struct arena *arena,
                             struct verp *verp_r)
{
	struct orgid org;
	struct verp_author author;
	enum verp_status status = verp_decode_org(sender->domain, bounce_domains, &org);
	memset(verp_r, 0, sizeof *verp_r);
	if (status != VERP_OK)
		return status;
	if (!verp_read_author(sender->local_part, arena, &author))
		return VERP_UNSET;
	*verp_r = (struct verp) { org, author.known, author.local, author.domain };
	return VERP_OK;
}
