/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "secondopinion_private.h"

#define IP4_TERMS_MAX 63 /* that it keeps of a record without other terms but "all"; what is beyond is dropped */
#define IP6_TERMS_MAX 25
#define PARTS_MAX 128 /* that it lets a macro keep */

static bool record_cut(const struct spf_record *record)
{
	size_t ip4 = 0;
	size_t ip6 = 0;
	for (size_t i = 0; i < record->count; i++) {
		ip4 += record->terms[i].mechanism == SPF_IP4;
		ip6 += record->terms[i].mechanism == SPF_IP6;
	}
	return ip4 > IP4_TERMS_MAX || ip6 > IP6_TERMS_MAX;
}

static bool record_zero(const struct spf_record *record)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->terms[i].prefix4 == 0 || record->terms[i].prefix6 == 0)
			return true;
	return false;
}

/* Whether a macro that test() is true of occurs where its value matters. */
static bool record_macro(const struct spf_record *record, bool (*test)(const struct spf_piece *piece))
{
	for (size_t i = 0; i <= record->count; i++) {
		const struct spf_domain *domain = i < record->count ? &record->terms[i].domain : &record->redirect;
		for (size_t k = 0; k < domain->count; k++)
			if (domain->pieces[k].letter && test(&domain->pieces[k]))
				return true;
	}
	return false;
}

static bool piece_parts(const struct spf_piece *piece)
{
	return piece->parts != 0;
}

static bool piece_deep(const struct spf_piece *piece)
{
	return piece->parts > PARTS_MAX;
}

static bool piece_odd(const struct spf_piece *piece)
{
	struct span delimiters = piece->text;
	return span_find(delimiters, 0, ',') < delimiters.length || span_find(delimiters, 0, '/') < delimiters.length;
}

static bool piece_p(const struct spf_piece *piece)
{
	return piece->letter == 'p';
}

/* Terms are spans of one text, so their places can be compared. */
static bool record_redirect_early(const struct spf_record *record)
{
	return record->has_redirect && record->count != 0
	       && record->redirect_text.at < record->terms[record->count - 1].text.at;
}

static bool any(const struct secondopinion_trace *trace, bool (*test)(const struct spf_record *record))
{
	for (const struct secondopinion_record *record = trace->records; record; record = record->next)
		if (test(record->record))
			return true;
	return false;
}

static bool any_macro(const struct secondopinion_trace *trace, bool (*test)(const struct spf_piece *piece))
{
	for (const struct secondopinion_record *record = trace->records; record; record = record->next)
		if (record_macro(record->record, test))
			return true;
	return false;
}

static bool record_ptr(const struct spf_record *record)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->terms[i].mechanism == SPF_PTR)
			return true;
	return record_macro(record, piece_p);
}

/* A modifier whose name holds a dot (RFC 7208 4.6.1 allows it). */
static bool dotted_modifier(const struct secondopinion_trace *trace)
{
	for (const struct secondopinion_record *record = trace->records; record; record = record->next) {
		struct span text = record->text;
		for (size_t from = sizeof "v=spf1" - 1; from < text.length;) {
			size_t end = span_find(text, from, ' ');
			struct span term = span_slice(text, from, end);
			size_t equals = span_find(term, 0, '=');
			if (equals < term.length && span_find(term, 0, '.') < equals && span_find(term, 0, ':') > equals)
				return true;
			from = end + 1;
		}
	}
	return false;
}

const char *secondopinion_because(const struct secondopinion_trace *trace)
{
	bool ours_limit = trace->stopped || trace->ours->result == SPF_PERMERROR;
	bool theirs_broken = trace->theirs->result == SPF_PERMERROR;
	bool theirs_failed = trace->theirs->result == SPF_TEMPERROR;
	bool terms = ours_limit && trace->ours->terms > SPF_TERMS_MAX;
	/* What it is known to do differently; the first that applies. */
	const struct {
		bool applies;
		const char *text;
	} limits[] = {
		{ trace->theirs->local, "because it always lets a loopback address pass" },
		{ trace->stopped,
		  "because it counts the terms that cause lookups for each record alone, and had to be stopped" },
		{ terms && trace->records && trace->records->next,
		  "because it counts the terms that cause lookups for each record alone, not for the whole evaluation" },
		{ terms, "because it allows one term more than the ten that may cause lookups" },
		{ ours_limit && trace->ours->voids > SPF_VOIDS_MAX, "because it does not count void lookups" },
		{ ours_limit && trace->many_hosts, "because it asks the first ten of more than ten MX hosts" },
		{ ours_limit && trace->one_label, "because it asks for the record of a name that is one label" },
		{ theirs_broken && any(trace, record_zero), "because it takes a prefix length of 0 for an error" },
		{ theirs_broken && dotted_modifier(trace), "because it takes a modifier with a dot in its name for an error" },
		{ theirs_broken && any_macro(trace, piece_odd),
		  "because it takes a macro with a comma or a slash among its delimiters for an error" },
		{ theirs_broken && any_macro(trace, piece_deep),
		  "because it takes a macro that keeps more than 128 parts of a name for an error" },
		{ theirs_broken && trace->many_names, "because it takes a client with more than ten names (PTR) for an error" },
		{ theirs_broken && trace->theirs->broken, "because it takes a term that is well-formed for an error" },
		{ any(trace, record_redirect_early), "because it follows a redirect= before the terms behind it" },
		{ any(trace, record_cut),
		  "because it keeps only the beginning of a record with so many terms (63 of ip4, 25 of ip6) and drops the rest, \"all\""
		  " included" },
		{ any_macro(trace, piece_parts),
		  "because it expands a macro such as %{d2} wrongly where a name has no more parts than that" },
		{ theirs_failed && trace->ptr_failed,
		  "because it takes a failed lookup of the client's names (PTR) for an error" },
		{ any_macro(trace, piece_p), "because it chooses the name for %{p} in another way" },
		{ theirs_failed && any(trace, record_ptr),
		  "because it takes a failed lookup of a client's name (PTR) for an error" },
		{ theirs_failed && trace->failed, "because it needs a lookup that failed, and we do not" },
	};
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		if (limits[i].applies)
			return limits[i].text;
	return "for a reason not known";
}
