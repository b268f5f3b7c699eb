/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_predict: what receivers see, from a table of answers; and that it asks no more than the evaluators do. */
#include "cmd/domain_predict.h"

#include "tap.h"
#include "zone.h"

#define RELAY "198.51.100.7"
#define SALESFORCE "v=spf1 include:_spf.salesforce.com -all"
#define BOUNCE "x.8d-3trx3eag.um8.bnc.salesforce.com"

static const struct zone_row zone[] = {
	{ BOUNCE, RECORD_TXT, "v=spf1 exists:%{i}._spf.mta.salesforce.com -all", 0 },
	{ "_spf.salesforce.com", RECORD_TXT, "v=spf1 exists:%{i}._spf.mta.salesforce.com -all", 0 },
	/* Everything is right. */
	{ "good.test", RECORD_TXT, "v=spf1 ip4:" RELAY " include:_spf.salesforce.com -all", 0 },
	{ "_dmarc.good.test", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	/* The relay is not in SPF. */
	{ "alone.test", RECORD_TXT, SALESFORCE, 0 },
	{ "_dmarc.alone.test", RECORD_TXT, "v=DMARC1; p=quarantine", 0 },
	/* Strict alignment, with an envelope in a domain below. */
	{ "strict.test", RECORD_TXT, "v=spf1 -all", 0 },
	{ "env.strict.test", RECORD_TXT, "v=spf1 ip4:" RELAY " -all", 0 },
	{ "_dmarc.strict.test", RECORD_TXT, "v=DMARC1; p=reject; aspf=s; adkim=s", 0 },
	{ "relaxed.test", RECORD_TXT, "v=spf1 -all", 0 },
	{ "env.relaxed.test", RECORD_TXT, "v=spf1 ip4:" RELAY " -all", 0 },
	{ "_dmarc.relaxed.test", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	/* Policies for domains below, existing or not. */
	{ "_dmarc.parent.test", RECORD_TXT, "v=DMARC1; p=none; sp=quarantine; np=reject", 0 },
	{ "sub.parent.test", RECORD_TXT, "v=spf1 -all", 0 },
	{ "testing.test", RECORD_TXT, "v=spf1 -all", 0 },
	{ "_dmarc.testing.test", RECORD_TXT, "v=DMARC1; p=reject; t=y", 0 },
	/* No record, and one too many. */
	{ "bare.test", RECORD_TXT, "v=spf1 ip4:" RELAY " -all", 0 },
	{ "twice.test", RECORD_TXT, "v=spf1 -all", 0 },
	{ "_dmarc.twice.test", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	{ "_dmarc.twice.test", RECORD_TXT, "v=DMARC1; p=none", 0 },
	{ "late.test", RECORD_TXT, "!tempfail", 0 },
	{ "_dmarc.late.test", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	{ "dark.test", RECORD_TXT, "v=spf1 -all", 0 },
	{ "_dmarc.dark.test", RECORD_TXT, "!tempfail", 0 },
	/* A registry's own record does not make its names one organization. */
	{ "_dmarc.registry.test", RECORD_TXT, "v=DMARC1; p=reject; psd=y", 0 },
	{ "a.registry.test", RECORD_TXT, "v=spf1 -all", 0 },
	{ "b.registry.test", RECORD_TXT, "v=spf1 ip4:" RELAY " -all", 0 },
	/* The record ends before Salesforce is reached; or does not mean it. */
	{ "early.test", RECORD_TXT, "v=spf1 ip4:" RELAY " -all include:_spf.salesforce.com", 0 },
	{ "soft.test", RECORD_TXT, "v=spf1 ~include:_spf.salesforce.com -all", 0 },
	{ "minus.test", RECORD_TXT, "v=spf1 -include:_spf.salesforce.com ~all", 0 },
	{ "nested.test", RECORD_TXT, "v=spf1 include:alone.test ~all", 0 },
	{ "redirect.test", RECORD_TXT, "v=spf1 redirect=alone.test", 0 },
	{ NULL, RECORD_A, NULL, 0 },
};

static unsigned asked;

static const struct answer *ask(void *context, const struct question *question)
{
	asked++;
	return zone_answer(context, zone, question);
}

/*
 * Each of the four as "SPF DKIM DMARC": p pass, f fail, s softfail, n none, e permerror, t temperror, ? not known; in
 * capitals where not aligned; DMARC n none, p pass, q r o what is asked for failing mail (o: only reported), t temperror,
 * * not known. Then the remedies: S put the relay into SPF, O that and bounce management off, K sign, U untouched.
 */
static const struct {
	const char *what;
	const char *author, *sender, *signer;
	enum signature_state signature;
	bool no_relay;
	const char *want[PREDICTIONS];
	enum signature_state relay_signature;
} cases[] = {
	{ "all is right",
	  "good.test",
	  NULL,
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "ppp", "pfp", "Fpp", "FfrOU" },
	  SIGNATURE_NONE },
	{ "SPF alone",
	  "good.test",
	  NULL,
	  NULL,
	  SIGNATURE_NONE,
	  false,
	  { "pnp", "pnp", "FnrOK", "FnrOUK" },
	  SIGNATURE_NONE },
	{ "no working key",
	  "good.test",
	  NULL,
	  NULL,
	  SIGNATURE_FAIL,
	  false,
	  { "pfp", "pfp", "FfrOK", "FfrOUK" },
	  SIGNATURE_NONE },
	{ "the relay is not in SPF",
	  "alone.test",
	  NULL,
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "fpp", "ffqSU", "Fpp", "FfqOU" },
	  SIGNATURE_NONE },
	{ "neither SPF nor DKIM",
	  "alone.test",
	  NULL,
	  NULL,
	  SIGNATURE_NONE,
	  false,
	  { "fnqSK", "fnqSUK", "FnqOK", "FnqOUK" },
	  SIGNATURE_NONE },
	{ "nothing is known",
	  "good.test",
	  NULL,
	  NULL,
	  SIGNATURE_UNKNOWN,
	  true,
	  { "??*", "?f*", "??*", "?frOU" },
	  SIGNATURE_NONE },
	{ "the relay is not known",
	  "good.test",
	  NULL,
	  NULL,
	  SIGNATURE_PASS,
	  true,
	  { "?pp", "?f*", "?pp", "?frOU" },
	  SIGNATURE_NONE },
	{ "the key is not known",
	  "good.test",
	  NULL,
	  NULL,
	  SIGNATURE_UNKNOWN,
	  false,
	  { "p?p", "pfp", "F?*", "FfrOU" },
	  SIGNATURE_NONE },
	{ "strict, the envelope below",
	  "strict.test",
	  "env.strict.test",
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "Ppp", "PfrU", "Fpp", "FfrU" },
	  SIGNATURE_NONE },
	{ "strict, the signer below",
	  "strict.test",
	  NULL,
	  "env.strict.test",
	  SIGNATURE_PASS,
	  false,
	  { "fPrS", "fFrS", "FPrO", "FFrO" },
	  SIGNATURE_NONE },
	{ "relaxed, the envelope below",
	  "relaxed.test",
	  "env.relaxed.test",
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "ppp", "pfp", "Fpp", "FfrOU" },
	  SIGNATURE_NONE },
	{ "relaxed, the signer below",
	  "relaxed.test",
	  NULL,
	  "env.relaxed.test",
	  SIGNATURE_PASS,
	  false,
	  { "fpp", "ffrSU", "Fpp", "FfrOU" },
	  SIGNATURE_NONE },
	{ "relaxed, the signer above",
	  "env.relaxed.test",
	  NULL,
	  "relaxed.test",
	  SIGNATURE_PASS,
	  false,
	  { "ppp", "pfp", "Fpp", "FfrOU" },
	  SIGNATURE_NONE },
	{ "sp=",
	  "sub.parent.test",
	  NULL,
	  NULL,
	  SIGNATURE_NONE,
	  false,
	  { "fnqSK", "fnqSUK", "FnqOK", "FnqOUK" },
	  SIGNATURE_NONE },
	{ "np=",
	  "ghost.parent.test",
	  NULL,
	  "parent.test",
	  SIGNATURE_PASS,
	  false,
	  { "npp", "nfrSU", "Fpp", "FfrOU" },
	  SIGNATURE_NONE },
	{ "t=y",
	  "testing.test",
	  NULL,
	  NULL,
	  SIGNATURE_NONE,
	  false,
	  { "fnqSK", "fnqSUK", "FnqOK", "FnqOUK" },
	  SIGNATURE_NONE },
	{ "no DMARC", "bare.test", NULL, NULL, SIGNATURE_PASS, false, { "ppn", "pfn", "fpn", "ffn" }, SIGNATURE_NONE },
	{ "two DMARC records",
	  "twice.test",
	  NULL,
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "fpn", "ffn", "fpn", "ffn" },
	  SIGNATURE_NONE },
	{ "SPF cannot be asked",
	  "late.test",
	  NULL,
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "tpp", "tftSU", "Fpp", "FfrOU" },
	  SIGNATURE_NONE },
	{ "the key cannot be asked",
	  "alone.test",
	  NULL,
	  NULL,
	  SIGNATURE_TEMPERROR,
	  false,
	  { "fttSK", "ffqSUK", "FttOK", "FfqOUK" },
	  SIGNATURE_NONE },
	{ "DMARC cannot be asked",
	  "dark.test",
	  NULL,
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "FPt", "FFt", "FPt", "FFt" },
	  SIGNATURE_NONE },
	{ "the relay signs",
	  "alone.test",
	  NULL,
	  NULL,
	  SIGNATURE_NONE,
	  false,
	  { "fnp", "fnp", "Fnp", "Fnp" },
	  SIGNATURE_PASS },
	{ "the relay's key is none",
	  "alone.test",
	  NULL,
	  NULL,
	  SIGNATURE_PASS,
	  false,
	  { "fpp", "ffqSU", "Fpp", "FfqOU" },
	  SIGNATURE_FAIL },
	{ "the relay's key cannot be asked",
	  "alone.test",
	  NULL,
	  NULL,
	  SIGNATURE_NONE,
	  false,
	  { "fntSK", "fntSUK", "FntOK", "FntOUK" },
	  SIGNATURE_TEMPERROR },
	{ "under one registry",
	  "a.registry.test",
	  "b.registry.test",
	  "b.registry.test",
	  SIGNATURE_PASS,
	  false,
	  { "PPr", "PFr", "FPr", "FFr" },
	  SIGNATURE_NONE },
};

static char spf_letter(enum spf_result result)
{
	return "?nnpfste"[result];
}

static void write_prediction(const struct prediction *prediction, char text_r[16])
{
	static const char dkim_letters[] = "?npft";
	static const char policies[] = { 'o', 'o', 'q', 'r' };
	bool applies = prediction->dmarc != DMARC_NONE;
	char spf = spf_letter(prediction->spf);
	char dkim = dkim_letters[prediction->dkim];
	char dmarc = prediction->dmarc == DMARC_FAIL ? policies[prediction->requested] : "?np?te"[prediction->dmarc];
	if (prediction->dmarc != prediction->dmarc_best)
		dmarc = '*';
	/* Small letters in the table where alignment cannot matter. */
	if (applies && !prediction->spf_aligned && spf != '?')
		spf = (char)(spf - 'a' + 'A');
	if (applies && !prediction->dkim_aligned && dkim != '?')
		dkim = (char)(dkim - 'a' + 'A');
	bool told = dmarc != '*';
	snprintf(text_r, 16, "%c%c%c%s%s%s%s", spf, dkim, dmarc, told && prediction->remedies & REMEDY_SPF ? "S" : "",
	         told && prediction->remedies & REMEDY_OFF ? "O" : "",
	         told && prediction->remedies & REMEDY_UNTOUCHED ? "U" : "",
	         told && prediction->remedies & REMEDY_SIGN ? "K" : "");
}

static void predictions(struct arena *arena)
{
	struct domain_dns dns = { arena, ask };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct prediction found[PREDICTIONS];
		struct mail_path path = { .author = span_of(cases[i].author),
			                      .sender = span_of(cases[i].sender ? cases[i].sender : cases[i].author),
			                      .bounce = span_of(BOUNCE),
			                      .signature = cases[i].signature,
			                      .relay_signature = cases[i].relay_signature,
			                      .signer = span_of(cases[i].signer ? cases[i].signer : cases[i].author) };
		if (!cases[i].no_relay && !address_parse(span_of(RELAY), &path.relay))
			abort();
		domain_predict(&dns, arena, &path, found);
		for (unsigned j = 0; j < PREDICTIONS; j++) {
			char text[16];
			char what[120];
			snprintf(what, sizeof what, "%s: bounce management %s, %s", cases[i].what, j & 2 ? "on" : "off",
			         j & 1 ? "footer" : "no footer");
			write_prediction(&found[j], text);
			is_text(text, cases[i].want[j], what);
		}
		ok(predictions_equal(found, found), "%s: equal to itself", cases[i].what);
	}
}

static void at_relay(struct arena *arena)
{
	static const struct {
		const char *domain;
		enum spf_result want;
	} rows[] = {
		{ "good.test", SPF_PASS },      { "alone.test", SPF_PASS }, { "nested.test", SPF_PASS },
		{ "redirect.test", SPF_PASS },  { "bare.test", SPF_FAIL },  { "early.test", SPF_FAIL },
		{ "soft.test", SPF_SOFTFAIL },  { "minus.test", SPF_FAIL }, { "ghost.test", SPF_NONE },
		{ "late.test", SPF_TEMPERROR },
	};
	struct domain_dns dns = { arena, ask };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct prediction found[PREDICTIONS_AT_RELAY];
		struct mail_path path = { .author = span_of(rows[i].domain),
			                      .sender = span_of("elsewhere.test"),
			                      .bounce = span_of(BOUNCE),
			                      .signature = SIGNATURE_PASS,
			                      .relay_signature = SIGNATURE_NONE,
			                      .signer = span_of(rows[i].domain) };
		domain_predict_at_relay(&dns, arena, &path, found);
		is_text(spf_result_name(found[0].spf), spf_result_name(rows[i].want), rows[i].domain);
		ok(found[1].spf == SPF_PASS, "%s: bounce addresses pass", rows[i].domain);
		ok(found[1].dmarc == DMARC_PASS || found[1].dmarc == DMARC_NONE, "%s: by DKIM", rows[i].domain);
	}
}

/* An example of a bounce address says nothing by having no record. */
static void assumed(struct arena *arena)
{
	struct domain_dns dns = { arena, ask };
	struct prediction found[PREDICTIONS];
	struct mail_path path = { .author = span_of("good.test"),
		                      .sender = span_of("good.test"),
		                      .bounce = span_of("other.bnc.salesforce.com"),
		                      .bounce_assumed = true,
		                      .signature = SIGNATURE_PASS,
		                      .relay_signature = SIGNATURE_NONE,
		                      .signer = span_of("good.test") };
	if (!address_parse(span_of(RELAY), &path.relay))
		abort();
	domain_predict(&dns, arena, &path, found);
	ok(found[2].spf == SPF_PENDING && !found[2].spf_aligned && found[2].dmarc == DMARC_PASS,
	   "an example without record");
	path.bounce_assumed = false;
	domain_predict(&dns, arena, &path, found);
	ok(found[2].spf == SPF_NONE, "a real one without record");
	/* Where the relay rewrites bounce addresses, too, they may be aligned; at the relay they are still Salesforce's. */
	struct prediction inside[PREDICTIONS_AT_RELAY];
	path.author = span_of("relaxed.test");
	path.bounce = span_of("env.relaxed.test");
	path.bounce_rewritten = true;
	domain_predict(&dns, arena, &path, found);
	domain_predict_at_relay(&dns, arena, &path, inside);
	ok(found[3].spf == SPF_PASS && found[3].spf_aligned && found[3].dmarc == DMARC_PASS, "bounce addresses rewritten");
	ok(inside[1].spf == SPF_PENDING && !inside[1].spf_aligned, "and not yet at the relay");
	path.bounce_rewritten = false;
	path.relay = (struct address) { ADDRESS_NONE, { 0 } };
	domain_predict(&dns, arena, &path, found);
	ok(found[0].spf == SPF_PENDING, "no relay");
}

int main(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	predictions(&arena);
	at_relay(&arena);
	assumed(&arena);
	ok(asked < 8000, "questions are bounded: %u", asked);
	arena_clear(&arena);
	return done_testing();
}
