/* SPDX-License-Identifier: BSD-2-Clause */
/* spf_parse: a record is sound as a whole or broken, and means what each of its terms means alone. Input: a record. */
#include "core/spf.h"
#include "fuzz.h"

const char fuzz_name[] = "spf_parse";

static struct spf_policy parsed(struct arena *arena, struct span a, struct span b)
{
	struct spf_policy policy;
	char *text = arena_alloc(arena, a.length + b.length);
	must(text);
	if (a.length != 0)
		memcpy(text, a.at, a.length);
	if (b.length != 0)
		memcpy(text + a.length, b.at, b.length);
	spf_parse(arena, span_make(text, a.length + b.length), &policy);
	must(policy.status == SPF_POLICY_RECORD || policy.status == SPF_POLICY_BROKEN);
	must((policy.status == SPF_POLICY_BROKEN) == (policy.problem.text != NULL));
	return policy;
}

static void check_domain(const struct spf_domain *domain)
{
	bool uses_p = false;
	for (size_t i = 0; i < domain->count; i++) {
		const struct spf_piece *piece = &domain->pieces[i];
		must(piece->text.length != 0);
		must(piece->letter || (!piece->escape && !piece->reverse && piece->parts == 0));
		must(!piece->letter || strchr("slodiphv", piece->letter));
		for (size_t j = 0; j < piece->text.length; j++)
			must(!piece->letter || strchr(".-+,/_=", piece->text.at[j]));
		uses_p = uses_p || piece->letter == 'p';
	}
	must(uses_p == domain->uses_p);
}

static void check_term(struct arena *arena, const struct spf_term *term)
{
	bool network = term->mechanism == SPF_IP4 || term->mechanism == SPF_IP6;
	must(term->prefix4 <= 32 && term->prefix6 <= 128);
	must(term->result == SPF_PASS || term->result == SPF_FAIL || term->result == SPF_SOFTFAIL
	     || term->result == SPF_NEUTRAL);
	must(network == (term->network.family != ADDRESS_NONE));
	must(term->domain.count != 0 || (term->mechanism != SPF_INCLUDE && term->mechanism != SPF_EXISTS));
	must(term->domain.count == 0 || (!network && term->mechanism != SPF_ALL));
	check_domain(&term->domain);
	struct spf_policy alone = parsed(arena, span_of("v=spf1 "), term->text);
	must(alone.status == SPF_POLICY_RECORD && alone.record->count == 1 && !alone.record->has_redirect);
	const struct spf_term *same = &alone.record->terms[0];
	must(same->mechanism == term->mechanism && same->result == term->result && same->prefix4 == term->prefix4);
	must(same->prefix6 == term->prefix6 && (!network || address_equal(&same->network, &term->network)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct span text = fuzz_span(data, size);
	struct answer_record record = { .text = text };
	struct answer answer = { .status = ANSWER_FOUND, .count = 1, .records = &record };
	struct spf_policy policy;
	arena_init(&arena, 0);
	spf_policy_of(&arena, &answer, &policy);
	must((policy.status == SPF_POLICY_NONE) == !spf_is_record(text));
	if (policy.status == SPF_POLICY_RECORD) {
		for (size_t i = 0; i < size; i++)
			must(data[i] >= 0x20 && data[i] < 0x7f);
		for (size_t i = 0; i < policy.record->count; i++)
			check_term(&arena, &policy.record->terms[i]);
		check_domain(&policy.record->redirect);
		must(policy.record->has_redirect == (policy.record->redirect.count != 0));
		must(parsed(&arena, text, span_of(" moo")).status == SPF_POLICY_BROKEN);
		must(parsed(&arena, text, span_make(" a\0", 3)).status == SPF_POLICY_BROKEN);
		must(!policy.record->has_redirect
		     || parsed(&arena, text, span_of(" redirect=a.b")).status == SPF_POLICY_BROKEN);
		if (size + 5 <= SPF_RECORD_MAX)
			must(parsed(&arena, text, span_of(" -all")).record->count == policy.record->count + 1);
	} else if (policy.status == SPF_POLICY_BROKEN) {
		must(parsed(&arena, text, span_of(" -all")).status == SPF_POLICY_BROKEN);
	}
	arena_clear(&arena);
	return 0;
}
