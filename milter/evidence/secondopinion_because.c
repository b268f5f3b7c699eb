#include "config.h"

#include "secondopinion_private.h"

/*
 * Bytes of compiled mechanisms that libspf2 keeps of a record: 63 ip4 terms and one of "all"; what is beyond is dropped
 * without a word.
 */
#define COMPILED_MAX 511

#define PARTS_MAX 128 /* that it lets a macro keep */

/* What a domain-spec takes: four bytes for each macro or literal, and the literal, in steps of four. */
static size_t compiled_domain(const struct spf_domain *domain)
{
	size_t size = 0;
	for (size_t i = 0; i < domain->count; i++)
		size += 4 + (domain->pieces[i].letter ? 0 : (domain->pieces[i].text.length + 3) / 4 * 4);
	return size;
}

static size_t compiled_term(const struct spf_term *term)
{
	switch (term->mechanism) {
	case SPF_IP4:
		return 8;
	case SPF_IP6:
		return 20;
	case SPF_ALL:
		return 4;
	case SPF_A:
	case SPF_MX:
		return 4 + compiled_domain(&term->domain) + (term->prefix4 != 32 || term->prefix6 != 128 ? 4 : 0);
	case SPF_INCLUDE:
	case SPF_PTR:
	case SPF_EXISTS:
		return 4 + compiled_domain(&term->domain);
	}
	return 4;
}

static bool record_cut(const struct spf_record *record)
{
	size_t size = 0;
	for (size_t i = 0; i < record->count; i++)
		size += compiled_term(&record->terms[i]);
	return size > COMPILED_MAX;
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

static bool record_parts(const struct spf_record *record)
{
	return record_macro(record, piece_parts);
}

static bool record_deep(const struct spf_record *record)
{
	return record_macro(record, piece_deep);
}

static bool record_odd(const struct spf_record *record)
{
	return record_macro(record, piece_odd);
}

static bool record_p(const struct spf_record *record)
{
	return record_macro(record, piece_p);
}

static bool record_ptr(const struct spf_record *record)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->terms[i].mechanism == SPF_PTR)
			return true;
	return record_p(record);
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

/* What libspf2 refuses though it is well-formed and within the limits. */
static const char *because_refused(const struct secondopinion_trace *trace)
{
	if (any(trace, record_zero))
		return "because it takes a prefix length of 0 for an error";
	if (dotted_modifier(trace))
		return "because it takes a modifier with a dot in its name for an error";
	if (any(trace, record_odd))
		return "because it takes a macro with a comma or a slash among its delimiters for an error";
	if (any(trace, record_deep))
		return "because it takes a macro that keeps more than 128 parts of a name for an error";
	if (trace->many_names)
		return "because it takes a client with more than ten names (PTR) for an error";
	if (trace->theirs->broken)
		return "because it takes a term that is well-formed for an error";
	return NULL;
}

static const char *because_limit(const struct secondopinion_trace *trace)
{
	if (trace->stopped)
		return "because it counts the terms that cause lookups for each record alone, and had to be stopped";
	if (trace->ours->terms > SPF_TERMS_MAX)
		return trace->records && trace->records->next
		           ? "because it counts the terms that cause lookups for each record alone, not for the whole evaluation"
		           : "because it allows one term more than the ten that may cause lookups";
	if (trace->ours->voids > SPF_VOIDS_MAX)
		return "because it does not count void lookups";
	if (trace->many_hosts)
		return "because it asks the first ten of more than ten MX hosts";
	if (trace->one_label)
		return "because it asks for the record of a name that is one label";
	return NULL;
}

const char *secondopinion_because(const struct secondopinion_trace *trace)
{
	const char *reason = NULL;
	if (trace->theirs->local)
		return "because it always lets a loopback address pass";
	if (trace->stopped || trace->ours->result == SPF_PERMERROR)
		reason = because_limit(trace);
	if (!reason && trace->theirs->result == SPF_PERMERROR)
		reason = because_refused(trace);
	if (reason)
		return reason;
	if (any(trace, record_redirect_early))
		return "because it follows a redirect= before the terms behind it";
	if (any(trace, record_cut))
		return "because it keeps only the beginning of a record with so many terms (63 of ip4, 25 of ip6) and drops the rest,"
		       " \"all\" included";
	if (any(trace, record_parts))
		return "because it expands a macro such as %{d2} wrongly where a name has no more parts than that";
	if (trace->ptr_failed && trace->theirs->result == SPF_TEMPERROR)
		return "because it takes a failed lookup of the client's names (PTR) for an error";
	if (any(trace, record_p))
		return "because it chooses the name for %{p} in another way";
	if (trace->theirs->result == SPF_TEMPERROR && any(trace, record_ptr))
		return "because it takes a failed lookup of a client's name (PTR) for an error";
	if (trace->theirs->result == SPF_TEMPERROR && trace->failed)
		return "because it needs a lookup that failed, and we do not";
	return "for a reason not known";
}
