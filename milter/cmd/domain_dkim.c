/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include "cmd/domain_findings.h"
#include "core/dkim_tags.h"
#include "core/dkim_walk.h"
#include "core/domain.h"

#define SALESFORCE_KEYS ".custdkim.salesforce.com"
#define RSA_BITS_USUAL 2048

/* One selector. */
struct look {
	struct domain_report *report;
	struct span name; /* selector._domainkey.signer */
	const char *shown;
	const struct answer *answer;
	bool by_relay; /* the relay's own key */
};

static void add(const struct look *look, enum diagnostic_level level, const char *id, const char *text)
{
	preflight_add(look->report->preflight, level, id, NULL, "%s: %s", look->shown, text);
}

static void tell_absent(const struct look *look)
{
	struct shown target;
	if (look->answer->chain_count > 0)
		preflight_add(look->report->preflight, FINDING_FIX, "dkim-key", NULL,
		              "%s: the CNAME leads to %s, where there is no key: was the key deleted in Salesforce?",
		              look->shown, domain_show(&target, look->answer->chain[look->answer->chain_count - 1]));
	else if (look->by_relay)
		add(look, FINDING_FIX, "dkim-key", "the relay's key is not in the DNS");
	else
		preflight_add(
			look->report->preflight, FINDING_FIX, "dkim-key", NULL,
			"%s is not in the DNS: publish the CNAME that Salesforce Setup shows under DKIM Keys, and activate the key",
			look->shown);
}

/* Why there is no key to use, by the first record. */
static void tell_unusable(const struct look *look, enum dkim_key_status whole)
{
	struct dkim_key key;
	struct arena *arena = look->report->arena;
	struct span text = look->answer->records[0].text;
	enum dkim_key_status status = dkim_tags_key(text, DKIM_ALGORITHM_RSA_SHA256, arena, &key);
	if (whole == DKIM_KEY_MALFORMED) {
		add(look, FINDING_FIX, "dkim-key",
		    "there are several keys, and nothing says which is meant: leave one TXT record");
		return;
	}
	switch (status) {
	case DKIM_KEY_ABSENT:
		add(look, FINDING_FIX, "dkim-key", "the TXT record is no DKIM key");
		return;
	case DKIM_KEY_REVOKED:
		add(look, FINDING_FIX, "dkim-revoked",
		    "the key is revoked (p= is empty): activate it in Salesforce, or make another");
		return;
	case DKIM_KEY_UNSUITED:
		if (dkim_tags_key(text, DKIM_ALGORITHM_ED25519_SHA256, arena, &key) == DKIM_KEY_OK)
			add(look, FINDING_FIX, "dkim-type", "the key is an Ed25519 one, and Salesforce signs with RSA");
		else
			add(look, FINDING_FIX, "dkim-type",
			    "the record's k=, h= or s= do not allow RSA with SHA-256 for mail, with which Salesforce signs");
		return;
	case DKIM_KEY_OK:
	case DKIM_KEY_MALFORMED:
	case DKIM_KEY_NO_MEMORY:
		break;
	}
	add(look, FINDING_FIX, "dkim-key", "the key record is malformed: compare it with what Salesforce Setup shows");
}

static void tell_cname(const struct look *look)
{
	struct shown target;
	bool salesforce = false;
	for (size_t i = 0; i < look->answer->chain_count; i++)
		salesforce = salesforce || span_ends_nocase(look->answer->chain[i], span_of(SALESFORCE_KEYS));
	if (salesforce)
		preflight_add(look->report->preflight, FINDING_OK, "dkim-cname", NULL,
		              "%s: CNAME to %s, a key that Salesforce holds and turns", look->shown,
		              domain_show(&target, look->answer->chain[0]));
	else
		preflight_add(
			look->report->preflight, FINDING_ADVICE, "dkim-cname", NULL,
			"%s: the key is not reached by a CNAME to custdkim.salesforce.com, so that Salesforce cannot turn it; "
			"is it a key of Salesforce's at all?",
			look->shown);
}

/* What is to be known of a key that can be used. Whether it verifies. */
static bool tell_key(const struct look *look, const struct dkim_key *key)
{
	struct preflight *preflight = look->report->preflight;
	/* An Ed25519 key has no bits of RSA. */
	bool edwards = key->rsa_bits == 0;
	bool valid = edwards || key->rsa_bits >= DKIM_RSA_BITS_VALID;
	bool usual = edwards || key->rsa_bits >= RSA_BITS_USUAL;
	if (edwards)
		add(look, FINDING_ADVICE, "dkim-type", "Ed25519, which not all receivers know: sign with RSA, too");
	else
		preflight_add(preflight,
		              !valid   ? FINDING_FIX
		              : !usual ? FINDING_ADVICE
		                       : FINDING_OK,
		              "dkim-bits", NULL, "%s: RSA of %u bits%s", look->shown, key->rsa_bits,
		              !valid   ? ", too short to be valid anywhere (RFC 8301 3.2)"
		              : !usual ? "; choose 2048"
		                       : "");
	if (key->testing)
		add(look, FINDING_ADVICE, "dkim-testing",
		    "the key says t=y, testing: receivers may treat its mail as if it were not signed");
	if (key->same_domain)
		add(look, FINDING_OK, "dkim-same-domain", "t=s: i= of a signature must name d= itself, as Salesforce's does");
	if (!look->by_relay)
		tell_cname(look);
	return valid;
}

struct span domain_key_name(struct arena *arena, struct span selector, struct span signer)
{
	return arena_printf(arena, "%.*s._domainkey.%.*s", (int)selector.length, selector.at, (int)signer.length,
	                    signer.at);
}

static enum signature_state look_at(struct domain_report *report, struct span selector, bool by_relay)
{
	struct shown shown;
	struct dkim_key key;
	struct look look = { .report = report, .by_relay = by_relay };
	look.name = domain_key_name(report->arena, selector, by_relay ? report->domain : report->signer);
	look.shown = domain_show(&shown, look.name);
	look.answer = look_ups_ask(report->look_ups, RECORD_TXT, look.name);
	if (answer_failed(look.answer)) {
		domain_tell_failure(report, "dkim-key", look.name);
		return SIGNATURE_TEMPERROR;
	}
	if (look.answer->status != ANSWER_FOUND) {
		tell_absent(&look);
		return SIGNATURE_FAIL;
	}
	enum dkim_key_status status = dkim_tags_only_key(look.answer, DKIM_ALGORITHM_RSA_SHA256, report->arena, &key);
	if (by_relay && status != DKIM_KEY_OK)
		status = dkim_tags_only_key(look.answer, DKIM_ALGORITHM_ED25519_SHA256, report->arena, &key);
	if (status != DKIM_KEY_OK) {
		tell_unusable(&look, status);
		return SIGNATURE_FAIL;
	}
	return tell_key(&look, &key) ? SIGNATURE_PASS : SIGNATURE_FAIL;
}

static void tell_pair(struct domain_report *report, size_t good, size_t bad)
{
	if (report->selector_count == 1)
		preflight_add(
			report->preflight, FINDING_ADVICE, "dkim-pair", NULL,
			"Salesforce holds two selectors for a key and signs with one and the other in turn: name the second, "
			"too, with --selector");
	else if (good > 0 && bad > 0)
		preflight_add(report->preflight, FINDING_FIX, "dkim-pair", NULL,
		              "only some of the selectors work: mail passes until Salesforce signs with another");
	else if (good == report->selector_count)
		preflight_add(report->preflight, FINDING_OK, "dkim-pair", NULL, "all of the %zu selectors work",
		              report->selector_count);
}

void domain_tell_dkim(struct domain_report *report)
{
	preflight_about(report->preflight, DOMAIN_ABOUT_DKIM);
	report->signature = SIGNATURE_UNKNOWN;
	report->relay_signature =
		span_absent(report->relay_selector) ? SIGNATURE_NONE : look_at(report, report->relay_selector, true);
	if (report->unsigned_mail) {
		report->signature = SIGNATURE_NONE;
		preflight_add(report->preflight, FINDING_ADVICE, "dkim-none", NULL,
		              "Salesforce does not sign: DMARC rests on SPF alone, which fails behind every forwarder");
		return;
	}
	if (report->selector_count == 0) {
		preflight_add(report->preflight, FINDING_ADVICE, "dkim-selector", NULL,
		              "whether Salesforce signs is not known: name the selectors in Salesforce Setup, DKIM Keys, with "
		              "--selector, or say --unsigned");
		return;
	}
	size_t good = 0;
	size_t bad = 0;
	for (size_t i = 0; i < report->selector_count; i++) {
		enum signature_state found = look_at(report, report->selectors[i], false);
		report->signature = i == 0 || report->signature == found ? found : SIGNATURE_UNKNOWN;
		good += found == SIGNATURE_PASS;
		bad += found == SIGNATURE_FAIL;
	}
	tell_pair(report, good, bad);
}
