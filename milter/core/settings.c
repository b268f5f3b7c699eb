#include "core/settings.h"

#include <stdlib.h>

struct settings *settings_new(void)
{
	struct settings *settings = calloc(1, sizeof *settings);
	if (settings)
		arena_init(&settings->arena, 0);
	return settings;
}

void settings_free(struct settings *settings)
{
	if (settings)
		arena_clear(&settings->arena);
	free(settings);
}

static bool add_all(struct set *to, const struct set *from)
{
	for (size_t i = 0; i < set_count(from); i++)
		if (set_add(to, set_at(from, i)) == SET_ABSENT)
			return false;
	return true;
}

static bool index_ids(struct settings *settings)
{
	settings->org_ids = set_new(&settings->arena, SET_EXACT);
	if (!settings->org_ids)
		return false;
	for (size_t i = 0; i < settings->org_count; i++)
		if (set_add(settings->org_ids, orgid_short(&settings->orgs[i].id)) == SET_ABSENT)
			return false;
	return true;
}

static bool index_owners(struct settings *settings)
{
	settings->owned = set_new(&settings->arena, SET_NOCASE);
	if (!settings->owned)
		return false;
	for (size_t i = 0; i < settings->org_count; i++)
		if (!add_all(settings->owned, settings->orgs[i].domains))
			return false;
	settings->owners = arena_array(&settings->arena, set_count(settings->owned), sizeof *settings->owners);
	if (!settings->owners)
		return false;
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		for (size_t j = 0; j < set_count(org->domains); j++) {
			size_t pattern = set_find(settings->owned, set_at(org->domains, j));
			struct owner *owner = arena_alloc(&settings->arena, sizeof *owner);
			if (!owner || pattern == SET_ABSENT)
				return false;
			owner->org = org;
			owner->next = settings->owners[pattern];
			settings->owners[pattern] = owner;
		}
	}
	return true;
}

/* Sets that many orgs inherit are shared; one that was the last to be merged need not be merged again. */
static bool widen_set(struct set *to, const struct set *from, const struct set **merged)
{
	if (!from || from == *merged)
		return true;
	*merged = from;
	return add_all(to, from);
}

/* A list that restricts nothing when it is empty: the union with an empty one restricts nothing either. */
static bool widen_restriction(struct set *to, const struct set *from, const struct set **merged, bool *unrestricted)
{
	*unrestricted = *unrestricted || set_count(from) == 0;
	return *unrestricted || widen_set(to, from, merged);
}

struct widening {
	const struct set *names, *issuers, *bounce, *senders, *users, *mechanisms, *spf;
	const struct network_set *networks;
	bool any_issuer, any_mechanism;
};

static bool any_begin(struct settings *settings)
{
	struct arena *arena = &settings->arena;
	struct org *any = &settings->any;
	*any = settings->defaults;
	memset(&any->id, 0, sizeof any->id);
	any->domains = settings->owned;
	any->tls.min_version = TLS_1_3;
	any->tls.min_cipher_bits = (unsigned)-1;
	any->cert.match_client_name = any->cert.required = any->auth.required = any->dkim.required = true;
	any->dmarc.required = true;
	any->envelope.null_sender = false;
	any->verp.undecodable = UNDECODABLE_FAIL;
	any->cert.names = set_new(arena, SET_NOCASE);
	any->cert.issuers = set_new(arena, SET_EXACT);
	any->envelope.bounce_domains = set_new(arena, SET_NOCASE);
	any->message.senders = set_new(arena, SET_NOCASE);
	any->auth.users = set_new(arena, SET_EXACT);
	any->auth.mechanisms = set_new(arena, SET_NOCASE);
	any->ip.spf = set_new(arena, SET_NOCASE);
	any->ip.networks = network_set_new(arena);
	return !arena_failed(arena);
}

static bool any_widen(struct org *any, const struct org *org, struct widening *widening)
{
	if (org->tls.min_version < any->tls.min_version)
		any->tls.min_version = org->tls.min_version;
	if (org->tls.min_cipher_bits < any->tls.min_cipher_bits)
		any->tls.min_cipher_bits = org->tls.min_cipher_bits;
	any->cert.match_client_name &= org->cert.match_client_name;
	any->cert.required &= org->cert.required;
	any->auth.required &= org->auth.required;
	any->dkim.required &= org->dkim.required;
	any->dmarc.required &= org->dmarc.required;
	any->envelope.null_sender |= org->envelope.null_sender;
	if (org->verp.undecodable == UNDECODABLE_SKIP)
		any->verp.undecodable = UNDECODABLE_SKIP;
	if (org->ip.networks && org->ip.networks != widening->networks) {
		widening->networks = org->ip.networks;
		if (!network_set_add_all(any->ip.networks, org->ip.networks))
			return false;
	}
	return widen_set(any->cert.names, org->cert.names, &widening->names)
	       && widen_restriction(any->cert.issuers, org->cert.issuers, &widening->issuers, &widening->any_issuer)
	       && widen_set(any->envelope.bounce_domains, org->envelope.bounce_domains, &widening->bounce)
	       && widen_set(any->message.senders, org->message.senders, &widening->senders)
	       && widen_set(any->auth.users, org->auth.users, &widening->users)
	       && widen_restriction(any->auth.mechanisms, org->auth.mechanisms, &widening->mechanisms,
	                            &widening->any_mechanism)
	       && widen_set(any->ip.spf, org->ip.spf, &widening->spf);
}

static bool unite(struct settings *settings)
{
	struct widening widening = { 0 };
	if (!any_begin(settings))
		return false;
	for (size_t i = 0; i < settings->org_count; i++)
		if (!any_widen(&settings->any, &settings->orgs[i], &widening))
			return false;
	if (widening.any_issuer)
		settings->any.cert.issuers = NULL;
	if (widening.any_mechanism)
		settings->any.auth.mechanisms = NULL;
	return true;
}

/* Orgs mostly share a few sentences; each different one is kept once. */
static bool collect_sentences(struct settings *settings)
{
	struct set *texts = set_new(&settings->arena, SET_EXACT);
	settings->sentences = arena_array(&settings->arena, settings->org_count, sizeof *settings->sentences);
	if (!texts || !settings->sentences)
		return false;
	settings->sentence_count = 0;
	for (size_t i = 0; i < settings->org_count; i++) {
		struct sentence *sentence = &settings->orgs[i].reject_unless;
		struct span text = sentence->root ? sentence->text : span_of("");
		size_t number = set_add(texts, text);
		if (number == SET_ABSENT)
			return false;
		if (number == settings->sentence_count)
			settings->sentences[settings->sentence_count++] = sentence;
	}
	return true;
}

bool settings_complete(struct settings *settings)
{
	settings->some_enforce = false;
	settings->all_enforce = settings->org_count != 0;
	for (size_t i = 0; i < settings->org_count; i++) {
		if (settings->orgs[i].mode == MODE_ENFORCE)
			settings->some_enforce = true;
		else
			settings->all_enforce = false;
	}
	return index_ids(settings) && index_owners(settings) && unite(settings) && collect_sentences(settings)
	       && !arena_failed(&settings->arena);
}

const struct org *settings_org(const struct settings *settings, const struct orgid *id)
{
	size_t number = set_find(settings->org_ids, orgid_short(id));
	return number == SET_ABSENT ? NULL : &settings->orgs[number];
}

const struct org *settings_next_owner(const struct settings *settings, struct span domain, struct owner_cursor *cursor_r)
{
	while (!cursor_r->owner) {
		size_t pattern = pattern_next(settings->owned, domain, &cursor_r->pattern);
		if (pattern == SET_ABSENT)
			return NULL;
		cursor_r->owner = settings->owners[pattern];
	}
	const struct org *org = cursor_r->owner->org;
	cursor_r->owner = cursor_r->owner->next;
	return org;
}

static const struct {
	const char *name;
	enum tls_version version;
} tls_names[] = {
	{ "TLSv1.3", TLS_1_3 }, { "TLSv1.2", TLS_1_2 }, { "TLSv1.1", TLS_1_1 }, { "TLSv1", TLS_1_0 }, { "TLSv1.0", TLS_1_0 },
};

enum tls_version tls_version_parse(struct span name)
{
	for (size_t i = 0; i < sizeof tls_names / sizeof tls_names[0]; i++)
		if (span_equal(name, span_of(tls_names[i].name)))
			return tls_names[i].version;
	return TLS_UNKNOWN;
}

const char *tls_version_name(enum tls_version version)
{
	for (size_t i = 0; i < sizeof tls_names / sizeof tls_names[0]; i++)
		if (tls_names[i].version == version)
			return tls_names[i].name;
	return "unknown";
}
