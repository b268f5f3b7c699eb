/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_private.h"

#include <arpa/inet.h>

static const struct {
	const char *name;
	enum spf_mechanism mechanism;
} mechanisms[] = {
	{ "all", SPF_ALL }, { "include", SPF_INCLUDE }, { "a", SPF_A },     { "mx", SPF_MX },
	{ "ptr", SPF_PTR }, { "ip4", SPF_IP4 },         { "ip6", SPF_IP6 }, { "exists", SPF_EXISTS },
};

static const char *const result_names[SPF_RESULTS] = { "pending", "none",     "neutral",   "pass",
	                                                   "fail",    "softfail", "temperror", "permerror" };

/* What parsing has come to. */
struct parser {
	struct arena *arena;
	struct spf_record *record;
	struct spf_term *terms;
	bool has_explanation;
};

const char *spf_result_name(enum spf_result result)
{
	return (unsigned)result < SPF_RESULTS ? result_names[result] : "invalid";
}

bool spf_is_record(struct span text)
{
	static const struct span version = SPAN_LITERAL("v=spf1");
	return span_starts_nocase(text, version) && (text.length == version.length || text.at[version.length] == ' ');
}

/* "0", or digits without leading zero, at most max (RFC 7208 5.6). */
static bool prefix_length(struct span text, unsigned max, unsigned *prefix_r)
{
	unsigned long number;
	if (!span_number(text, max, &number) || (text.length > 1 && text.at[0] == '0'))
		return false;
	*prefix_r = (unsigned)number;
	return true;
}

/* Where the digits at the end of text begin, when a slash stands before them; else text.length. */
static size_t digits_after_slash(struct span text)
{
	size_t i = text.length;
	while (i > 0 && ascii_digit(text.at[i - 1]))
		i--;
	return i < text.length && i > 0 && text.at[i - 1] == '/' ? i : text.length;
}

/* Take dual-cidr-length off the end of *text; a domain-spec may hold slashes itself, but cannot end like this. */
static const char *dual_prefix(struct span *text, struct spf_term *term)
{
	size_t digits = digits_after_slash(*text);
	if (digits < text->length && digits > 1 && text->at[digits - 2] == '/') {
		if (!prefix_length(span_slice(*text, digits, text->length), 128, &term->prefix6))
			return "a wrong IPv6 prefix length";
		text->length = digits - 2;
		digits = digits_after_slash(*text);
	}
	if (digits < text->length) {
		if (!prefix_length(span_slice(*text, digits, text->length), 32, &term->prefix4))
			return "a wrong IPv4 prefix length";
		text->length = digits - 1;
	}
	return NULL;
}

/* ":" domain-spec, or nothing where the domain may be left out. */
static const char *argument_domain(struct parser *parser, struct span argument, bool needed, struct spf_term *term)
{
	if (argument.length == 0)
		return needed ? "a mechanism without its domain" : NULL;
	if (argument.at[0] != ':')
		return "a mechanism with a wrong argument";
	return spf_macro_parse(parser->arena, span_slice(argument, 1, argument.length), SPF_MACRO_DOMAIN, &term->domain);
}

/* ":" address [ "/" prefix ]. An IPv4-mapped network stays IPv6: it matches no client, as mapped clients are IPv4. */
static const char *argument_network(struct span argument, bool ipv6, struct spf_term *term)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t slash = span_find(argument, 0, '/');
	if (slash < 2 || argument.at[0] != ':' || slash > sizeof text)
		return "a mechanism without a network";
	memcpy(text, argument.at + 1, slash - 1);
	text[slash - 1] = '\0';
	term->network.family = ipv6 ? ADDRESS_IPV6 : ADDRESS_IPV4;
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, term->network.bytes) != 1)
		return "a wrong network address";
	if (slash == argument.length)
		return NULL;
	if (!prefix_length(span_slice(argument, slash + 1, argument.length), ipv6 ? 128 : 32,
	                   ipv6 ? &term->prefix6 : &term->prefix4))
		return "a wrong prefix length";
	return NULL;
}

static const char *argument(struct parser *parser, struct span rest, struct spf_term *term)
{
	const char *wrong = NULL;
	switch (term->mechanism) {
	case SPF_ALL:
		return rest.length == 0 ? NULL : "a mechanism that takes no argument";
	case SPF_INCLUDE:
	case SPF_EXISTS:
		return argument_domain(parser, rest, true, term);
	case SPF_PTR:
		return argument_domain(parser, rest, false, term);
	case SPF_A:
	case SPF_MX:
		wrong = dual_prefix(&rest, term);
		return wrong ? wrong : argument_domain(parser, rest, false, term);
	case SPF_IP4:
		return argument_network(rest, false, term);
	case SPF_IP6:
		return argument_network(rest, true, term);
	}
	return "an unknown mechanism";
}

static const char *directive(struct parser *parser, struct span text)
{
	static const char qualifiers[] = "+-?~";
	static const enum spf_result meanings[] = { SPF_PASS, SPF_FAIL, SPF_NEUTRAL, SPF_SOFTFAIL };
	struct spf_term *term = &parser->terms[parser->record->count];
	struct span rest = text;
	const char *qualifier = strchr(qualifiers, text.at[0]);
	term->result = qualifier ? meanings[qualifier - qualifiers] : SPF_PASS;
	if (qualifier)
		rest = span_slice(text, 1, text.length);
	size_t colon = span_find(rest, 0, ':');
	size_t slash = span_find(rest, 0, '/');
	struct span name = span_slice(rest, 0, colon < slash ? colon : slash);
	term->text = text;
	term->prefix4 = 32;
	term->prefix6 = 128;
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (!span_equal_nocase(name, span_of(mechanisms[i].name)))
			continue;
		term->mechanism = mechanisms[i].mechanism;
		parser->record->count++;
		return argument(parser, span_slice(rest, name.length, rest.length), term);
	}
	return "an unknown mechanism";
}

/* The length of a modifier's name, or 0 when text is no modifier: name "=" (RFC 7208 4.6.1). */
static size_t modifier_name(struct span text)
{
	size_t i = 0;
	if (!ascii_alpha(text.at[0]))
		return 0;
	while (i < text.length && (ascii_alnum(text.at[i]) || memchr("-_.", text.at[i], 3)))
		i++;
	return i < text.length && text.at[i] == '=' ? i : 0;
}

static const char *modifier(struct parser *parser, struct span text, size_t length)
{
	struct spf_domain ignored;
	struct span name = span_slice(text, 0, length);
	struct span value = span_slice(text, length + 1, text.length);
	if (span_equal_nocase(name, span_of("redirect"))) {
		if (parser->record->has_redirect)
			return "redirect= given twice";
		parser->record->has_redirect = true;
		parser->record->redirect_text = text;
		return spf_macro_parse(parser->arena, value, SPF_MACRO_DOMAIN, &parser->record->redirect);
	}
	if (span_equal_nocase(name, span_of("exp"))) {
		if (parser->has_explanation)
			return "exp= given twice";
		parser->has_explanation = true;
		return spf_macro_parse(parser->arena, value, SPF_MACRO_DOMAIN, &ignored);
	}
	return spf_macro_parse(parser->arena, value, SPF_MACRO_STRING, &ignored);
}

static const char *terms(struct parser *parser, struct span text, struct span *term_r)
{
	for (size_t from = sizeof "v=spf1" - 1; from < text.length;) {
		size_t end = span_find(text, from, ' ');
		struct span term = span_slice(text, from, end);
		from = end + 1;
		if (term.length == 0)
			continue;
		size_t name = modifier_name(term);
		const char *wrong = name != 0 ? modifier(parser, term, name) : directive(parser, term);
		*term_r = term;
		if (wrong)
			return wrong;
	}
	return NULL;
}

/* Terms are separated by spaces, everything else is visible ASCII (RFC 7208 3.1, 12). */
static bool visible(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] < 0x20 || text.at[i] > 0x7e)
			return false;
	return true;
}

static void policy_set(struct spf_policy *policy, enum spf_policy_status status, const char *text, struct span term)
{
	memset(policy, 0, sizeof *policy);
	policy->status = status;
	policy->problem.text = text;
	policy->problem.term = term;
}

static size_t term_count(struct span text)
{
	size_t count = 0;
	for (size_t i = 1; i < text.length; i++)
		count += text.at[i] != ' ' && text.at[i - 1] == ' ';
	return count;
}

void spf_parse(struct arena *arena, struct span text, struct spf_policy *policy_r)
{
	static const struct span absent;
	struct parser parser = { .arena = arena };
	struct span term = absent;
	if (!spf_is_record(text) || !visible(text)) {
		policy_set(policy_r, SPF_POLICY_BROKEN, "a record with bytes other than visible ASCII", absent);
		return;
	}
	if (text.length > SPF_RECORD_MAX) {
		policy_set(policy_r, SPF_POLICY_BROKEN, "a record that is too long", absent);
		return;
	}
	text = arena_span(arena, text);
	parser.record = arena_alloc(arena, sizeof *parser.record);
	parser.terms = arena_array(arena, term_count(text), sizeof *parser.terms);
	const char *wrong = parser.record && parser.terms ? terms(&parser, text, &term) : NULL;
	if (arena_failed(arena)) {
		policy_set(policy_r, SPF_POLICY_TEMPERROR, "out of memory", absent);
	} else if (wrong) {
		policy_set(policy_r, SPF_POLICY_BROKEN, wrong, term);
	} else {
		parser.record->terms = parser.terms;
		policy_set(policy_r, SPF_POLICY_RECORD, NULL, absent);
		policy_r->record = parser.record;
	}
}

void spf_policy_of(struct arena *arena, const struct answer *answer, struct spf_policy *policy_r)
{
	static const struct span absent;
	const struct answer_record *chosen = NULL;
	if (answer->status != ANSWER_FOUND) {
		bool none = answer_void(answer);
		policy_set(policy_r, none ? SPF_POLICY_NONE : SPF_POLICY_TEMPERROR,
		           none ? "no SPF record" : "the lookup of the SPF record failed", absent);
		return;
	}
	for (size_t i = 0; i < answer->count; i++) {
		if (!spf_is_record(answer->records[i].text))
			continue;
		if (chosen) {
			policy_set(policy_r, SPF_POLICY_BROKEN, "more than one SPF record", absent);
			return;
		}
		chosen = &answer->records[i];
	}
	if (chosen)
		spf_parse(arena, chosen->text, policy_r);
	else
		policy_set(policy_r, SPF_POLICY_NONE, "no SPF record", absent);
}
