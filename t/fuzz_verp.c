/* SPDX-License-Identifier: BSD-2-Clause */
/* verp: what is decoded is a sound ID that the label spells, from a name below the bounce domain. Input: a path. */
#include "core/verp.h"
#include "fuzz.h"

const char fuzz_name[] = "verp";

#define BOUNCE "bnc.salesforce.com"

static void check_label(struct span label)
{
	struct orgid id;
	struct orgid again;
	memset(&id, 0, sizeof id);
	if (!verp_decode_label(label, &id)) {
		must(id.text[0] == '\0');
		return;
	}
	must(orgid_parse(span_of(id.text), &again) == ORGID_OK && orgid_equal(&id, &again));
	size_t hyphen = span_find(label, 0, '-');
	struct span left = span_slice(label, 0, hyphen);
	struct span right = span_slice(label, hyphen + 1, label.length);
	must(span_find(right, 0, '-') == right.length && left.length + right.length <= ORGID_LONG - 3);
	must(span_equal_nocase(span_make(id.text + 3, left.length), left));
	must(span_equal_nocase(span_make(id.text + ORGID_LONG - right.length, right.length), right));
	for (size_t i = 3 + left.length; i < ORGID_LONG - right.length; i++)
		must(id.text[i] == '0');
}

static void check_address(struct arena *arena, const struct mailbox *sender, const struct set *bounces)
{
	struct verp verp;
	enum verp_status status = verp_decode(sender, bounces, arena, &verp);
	bool below = domain_within(sender->domain, span_of(BOUNCE)) && sender->domain.length > strlen(BOUNCE);
	must(status != VERP_UNSET && (status == VERP_NOT_BOUNCE) == !below);
	if (status != VERP_OK) {
		must(verp.org.text[0] == '\0' && !verp.has_author);
		return;
	}
	struct orgid again;
	must(orgid_parse(span_of(verp.org.text), &again) == ORGID_OK);
	if (!verp.has_author)
		return;
	must(domain_valid(verp.author_domain) && verp.author_local.length != 0);
	must(span_equal(span_slice(sender->local_part, 0, verp.author_local.length), verp.author_local));
	must(sender->local_part.at[verp.author_local.length] == '=');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct mailbox sender;
	arena_init(&arena, 0);
	struct span text = fuzz_span(data, size);
	struct set *bounces = set_new(&arena, SET_NOCASE);
	must(bounces && pattern_add(bounces, span_of("*." BOUNCE)) == 0);
	check_label(text);
	if (mailbox_parse_path(text, &arena, NULL, &sender) == MAILBOX_OK)
		check_address(&arena, &sender, bounces);
	must(!arena_failed(&arena));
	arena_clear(&arena);
	return 0;
}
