/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "history/replay.h"

#include <stdio.h>

#define MEMORY_MAX ((size_t)4 << 20)

/* What a line may leave open, as bits: of two ways that it may have been, the worse. */
#define OPEN_UNKNOWN 1U      /* results that were not gathered, or under other options */
#define OPEN_CERT 2U         /* whether the certificate was verified */
#define OPEN_FROM 4U         /* whether From: could be read */
#define OPEN_INSIDE 8U       /* whether all recipients stay inside */
#define OPEN_CLIENT_NAME 16U /* whether the client's name was verified */
#define OPEN_WAYS 32U

/* A message that is being judged again. */
struct trial {
	const struct replay *replay;
	const struct entry *entry;
	unsigned open;  /* what is open, OPEN_* */
	unsigned worse; /* of that, what is tried as the worse */
	bool no_memory;
	bool lost; /* what the line says cannot be judged again at all */
	struct arena arena;
	struct facts facts;
	struct recorded_results recorded;
};

static struct span value_of(const struct trial *trial, enum log_key key)
{
	return entry_value(trial->entry, key);
}

static bool has_result(const struct entry *entry, enum check_id check)
{
	return !span_absent(entry->values[LOG_KEY_RESULTS + check]) && entry->results[check] != RESULT_PENDING;
}

/* The reason of a check, where the line tells it; REASON_NONE: it does not. */
static enum reason told_reason(const struct entry *entry, enum check_id check)
{
	struct span why = entry_value(entry, LOG_KEY_WHY);
	struct span reasons = entry_value(entry, LOG_KEY_REASONS);
	enum reason reason = REASON_NONE;
	if (reasons.length == 0)
		reasons = entry_value(entry, LOG_KEY_REASON);
	while (why.length != 0 && reasons.length != 0) {
		size_t name = span_find(why, 0, ',');
		size_t code = span_find(reasons, 0, ',');
		if (span_equal(span_slice(why, 0, name), span_of(check_name(check)))) {
			reason_from_code(span_slice(reasons, 0, code), &reason);
			break;
		}
		why = span_slice(why, name + 1, why.length);
		reasons = span_slice(reasons, code + 1, reasons.length);
	}
	return reason;
}

static bool is_worse(struct trial *trial, unsigned open)
{
	trial->open |= open;
	return (trial->worse & open) != 0;
}

static void record(struct trial *trial, enum check_id check, enum result_code code, enum reason reason)
{
	trial->recorded.checks |= CHECK_BIT(check);
	trial->recorded.results[check] = result_make(code, reason, span_make(NULL, 0));
}

/* It may be anything: the best and the worst are tried, and monotone sentences have nothing else between. */
static void record_unknown(struct trial *trial, enum check_id check)
{
	record(trial, check, is_worse(trial, OPEN_UNKNOWN) ? RESULT_FAIL : RESULT_PASS, REASON_NONE);
}

/* --- the session --- */

static void take_certificate(struct trial *trial)
{
	const struct entry *entry = trial->entry;
	struct certificate *certificate = &trial->facts.certificate;
	enum result_code code = entry->results[CHECK_CERT];
	enum reason reason = told_reason(entry, CHECK_CERT);
	memset(certificate, 0, sizeof *certificate);
	certificate->name = arena_span(&trial->arena, value_of(trial, LOG_KEY_CERT));
	certificate->issuer = arena_span(&trial->arena, value_of(trial, LOG_KEY_CERT_ISSUER));
	if (entry_is_cut(entry, LOG_KEY_CERT) || entry_is_cut(entry, LOG_KEY_CERT_ISSUER)) {
		record_unknown(trial, CHECK_CERT);
		return;
	}
	if (!has_result(entry, CHECK_CERT)) {
		/* Not judged then; a name or issuer tells that there was one. */
		certificate->presented = certificate->name.length != 0 || certificate->issuer.length != 0;
		if (!certificate->presented)
			record_unknown(trial, CHECK_CERT);
		else
			certificate->verified = !is_worse(trial, OPEN_CERT);
		return;
	}
	certificate->presented = code != RESULT_NONE && code != RESULT_SKIP;
	if (!certificate->presented)
		return;
	if (code == RESULT_PASS || reason == REASON_CERT_NAME || reason == REASON_CERT_ISSUER
	    || reason == REASON_CERT_CLIENT_NAME)
		certificate->verified = true;
	else if (reason != REASON_CERT_UNVERIFIED)
		certificate->verified = !is_worse(trial, OPEN_CERT);
}

/* The mechanism is not logged. An authentication that counted for nothing was XCLIENT's. */
static void take_auth(struct trial *trial, const struct org *org, const struct org *before)
{
	const struct entry *entry = trial->entry;
	struct facts *facts = &trial->facts;
	enum result_code code = entry->results[CHECK_AUTH];
	facts->auth_authen = arena_span(&trial->arena, value_of(trial, LOG_KEY_AUTH));
	facts->auth_type = span_make(NULL, 0);
	if (facts->auth_authen.length == 0) {
		if (has_result(entry, CHECK_AUTH) && code != RESULT_NONE && code != RESULT_SKIP)
			facts->auth_type = span_of("?");
		else if (!has_result(entry, CHECK_AUTH))
			record_unknown(trial, CHECK_AUTH);
		return;
	}
	if (code == RESULT_NONE || code == RESULT_SKIP) {
		facts->auth_type = span_of("XCLIENT");
		if (!has_result(entry, CHECK_AUTH))
			record_unknown(trial, CHECK_AUTH);
		return;
	}
	facts->auth_type = span_of("PLAIN");
	bool by_mechanism = set_count(org->auth.mechanisms) != 0 || (before && set_count(before->auth.mechanisms) != 0);
	if (entry_is_cut(entry, LOG_KEY_AUTH) || (by_mechanism && set_has(org->auth.users, facts->auth_authen)))
		record_unknown(trial, CHECK_AUTH);
}

static void begin(struct trial *trial)
{
	const struct entry *entry = trial->entry;
	char bits[24];
	struct session_input input = { .mta = MTA_POSTFIX };
	struct span from = value_of(trial, LOG_KEY_FROM);
	address_parse(value_of(trial, LOG_KEY_CLIENT), &input.client);
	input.client_name = value_of(trial, LOG_KEY_CLIENT_NAME);
	input.helo = value_of(trial, LOG_KEY_HELO);
	input.tls_version = value_of(trial, LOG_KEY_TLS);
	input.cipher = value_of(trial, LOG_KEY_CIPHER);
	if (entry->numbers[LOG_KEY_BITS] >= 0) {
		int length = snprintf(bits, sizeof bits, "%lld", entry->numbers[LOG_KEY_BITS]);
		input.cipher_bits = span_make(bits, (size_t)length);
	}
	if (from.length != 0)
		input.mail_from =
			span_equal(from, span_of("<>")) ? from : arena_printf(&trial->arena, "<%.*s>", (int)from.length, from.at);
	facts_begin(&trial->facts, &trial->arena, trial->replay->to_ascii, trial->replay->settings, &input);
	bool readable = trial->facts.sender_status == MAILBOX_OK || trial->facts.sender_status == MAILBOX_NULL;
	if (entry_is_cut(entry, LOG_KEY_FROM) || (entry->results[CHECK_ENVELOPE] == RESULT_PASS && !readable)
	    || (told_reason(entry, CHECK_ENVELOPE) == REASON_ENVELOPE_MALFORMED && readable))
		trial->lost = true;
	/* Sendmail tells of names that it could not verify. */
	if (trial->facts.client_name_verified && is_worse(trial, OPEN_CLIENT_NAME))
		trial->facts.client_name_verified = false;
	trial->facts.limit =
		(struct limit_evidence) { true, result_make(RESULT_SKIP, REASON_LIMIT_NOT_COUNTED, span_make(NULL, 0)) };
	trial->facts.recorded = &trial->recorded;
	take_certificate(trial);
}

/* --- the header --- */

static void take_author(struct trial *trial)
{
	const struct entry *entry = trial->entry;
	struct facts *facts = &trial->facts;
	struct span shown = value_of(trial, LOG_KEY_HFROM);
	enum reason reason = told_reason(entry, CHECK_FROM);
	bool passed =
		entry->results[CHECK_FROM] == RESULT_PASS || reason == REASON_FROM_DOMAIN || reason == REASON_FROM_SUBSTITUTED;
	bool readable = false;
	facts->author_status = MAILBOX_MALFORMED;
	if (!entry_is_cut(entry, LOG_KEY_HFROM) && shown.length != 0)
		readable = mailbox_parse_path(arena_printf(&trial->arena, "<%.*s>", (int)shown.length, shown.at), &trial->arena,
		                              trial->replay->to_ascii, &facts->author)
		           == MAILBOX_OK;
	if (passed && !readable)
		trial->lost = true; /* an address that does not fit into a line, or cannot be read here */
	else if (reason == REASON_FROM_ABSENT)
		facts->header.count[FIELD_FROM] = 0;
	else if (readable && (passed || (reason == REASON_NONE && !is_worse(trial, OPEN_FROM))))
		facts->author_status = MAILBOX_OK;
}

/* What was wrong with X-SFDC-LK: of a served organization's mail nothing else can be. */
static enum reason org_reason(const struct entry *entry)
{
	enum reason reason = told_reason(entry, CHECK_ORG);
	bool served = entry_value(entry, LOG_KEY_ORG).length != 0;
	return reason == REASON_NONE && served && entry->results[CHECK_ORG] == RESULT_FAIL ? REASON_ORG_RELAY_MISMATCH
	                                                                                   : reason;
}

static void take_org_header(struct trial *trial)
{
	const struct entry *entry = trial->entry;
	enum reason reason = org_reason(entry);
	struct span name = span_of("X-SFDC-LK");
	struct span lk = value_of(trial, LOG_KEY_LK);
	if (!has_result(entry, CHECK_ORG) && lk.length == 0)
		return; /* not judged then, or it was: there is no LK, or an empty one, and neither names anybody */
	if (entry->results[CHECK_ORG] == RESULT_NONE && has_result(entry, CHECK_ORG))
		return;
	facts_field(&trial->facts, name, lk, false);
	if (reason == REASON_ORG_DUPLICATE)
		facts_field(&trial->facts, name, lk, false);
	if (reason == REASON_ORG_RELAY_MISMATCH)
		facts_field(&trial->facts, span_of("X-SFDCOrgRelay"), span_of("other"), false);
}

/* Whether X-SFDC-LK, or what goes with it, may have been something else than the line tells. */
static bool org_is_open(const struct trial *trial, const struct org *org)
{
	const struct entry *entry = trial->entry;
	enum reason reason = org_reason(entry);
	if (entry->results[CHECK_ORG] == RESULT_PASS)
		return false;
	/* Of one that was not served it is not known whether X-SFDCOrgRelay agreed, nor perhaps whether it stood alone. */
	return reason != REASON_ORG_RELAY_MISMATCH && reason != REASON_ORG_DUPLICATE && org != NULL;
}

static void take_header(struct trial *trial)
{
	struct facts *facts = &trial->facts;
	long long recipients = trial->entry->numbers[LOG_KEY_RCPTS];
	struct span shown = value_of(trial, LOG_KEY_HFROM);
	facts->recipients = recipients > 0 && recipients < 1000000 ? (unsigned)recipients : 0;
	if (trial->replay->settings->scope != SCOPE_ALL)
		facts->some_recipient_leaves = is_worse(trial, OPEN_INSIDE);
	facts_field(facts, span_of("From"), shown, false);
	take_org_header(trial);
	facts_header_end(facts, trial->entry->time >= 0 ? trial->entry->time : CLOCK_EARLIEST);
	take_author(trial);
	if (span_starts_nocase(value_of(trial, LOG_KEY_DETAIL), span_of("more than 200 header fields"))
	    && told_reason(trial->entry, CHECK_MESSAGE) == REASON_MESSAGE_LIMIT)
		facts->claims = REMOVALS_MAX + 1;
}

/* --- options that may differ --- */

static bool same_sets(const struct set *a, const struct set *b)
{
	if (set_count(a) != set_count(b))
		return false;
	for (size_t i = 0; i < set_count(a); i++)
		if (!set_has(b, set_at(a, i)))
			return false;
	return true;
}

static bool same_dkim(const struct org *a, const struct org *b)
{
	return a->dkim.alignment == b->dkim.alignment && a->dkim.min_rsa_bits == b->dkim.min_rsa_bits
	       && a->dkim.algorithms == b->dkim.algorithms && same_sets(a->dkim.selectors, b->dkim.selectors)
	       && same_sets(a->dkim.key_zones, b->dkim.key_zones)
	       && same_sets(a->dkim.required_headers, b->dkim.required_headers) && a->dkim.max_age == b->dkim.max_age
	       && a->dkim.max_signatures == b->dkim.max_signatures && a->dkim.required == b->dkim.required;
}

/* Whether a check asks the same of its facts. */
static bool same_options(enum check_id check, const struct org *a, const struct org *b)
{
	switch (check) {
	case CHECK_MESSAGE:
		return same_sets(a->message.senders, b->message.senders) && same_sets(a->domains, b->domains);
	case CHECK_VERP:
		return a->verp.undecodable == b->verp.undecodable
		       && same_sets(a->envelope.bounce_domains, b->envelope.bounce_domains);
	case CHECK_DKIM:
		return same_dkim(a, b);
	case CHECK_IP:
		return same_sets(a->ip.spf, b->ip.spf);
	case CHECK_DMARC:
		return a->dmarc.required == b->dmarc.required;
	case CHECK_SPF:
	case CHECK_TLS:
	case CHECK_CERT:
	case CHECK_ORG:
	case CHECK_FROM:
	case CHECK_ENVELOPE:
	case CHECK_AUTH:
	case CHECK_LIMIT:
	case CHECK_COUNT:
		return true;
	}
	return false;
}

/* The organization that the line was judged by, in the configuration of then; NULL: not told. */
static const struct org *org_before(const struct trial *trial)
{
	struct orgid id;
	return trial->replay->before && orgid_parse(value_of(trial, LOG_KEY_ORG), &id) == ORGID_OK
	           ? settings_org(trial->replay->before, &id)
	           : NULL;
}

/* A recorded result stands if it was judged for the same organization, by the same options as far as they are known. */
static bool stands(const struct trial *trial, enum check_id check, const struct org *org)
{
	const struct org *before = org_before(trial);
	if (!has_result(trial->entry, check))
		return false;
	if (check == CHECK_SPF) /* asks for no option of anybody's */
		return true;
	if (!org || !span_equal(value_of(trial, LOG_KEY_ORG), span_of(org->id.text)))
		return false;
	return !trial->replay->before || (before && same_options(check, before, org));
}

static void keep_result(struct trial *trial, enum check_id check, const struct org *org)
{
	enum result_code code = trial->entry->results[check];
	if (stands(trial, check, org))
		record(trial, check, code, code == RESULT_PASS ? REASON_NONE : told_reason(trial->entry, check));
	else
		record_unknown(trial, check);
}

/* By networks it is judged again; the names of ip.spf are those of then. */
static void take_ip(struct trial *trial, const struct org *org)
{
	const struct facts *facts = &trial->facts;
	const struct org *before = org_before(trial);
	if (facts->client.family == ADDRESS_NONE || address_is_loopback(&facts->client) || set_count(org->ip.spf) == 0
	    || network_set_has(org->ip.networks, &facts->client))
		return;
	/* Then a network vouched, and the names were not asked. */
	if (trial->entry->results[CHECK_IP] == RESULT_PASS && before
	    && network_set_has(before->ip.networks, &facts->client))
		record_unknown(trial, CHECK_IP);
	else
		keep_result(trial, CHECK_IP, org);
}

static bool is_judged_by_names(enum check_id check)
{
	static const enum check_id recorded[] = { CHECK_MESSAGE, CHECK_VERP, CHECK_DKIM, CHECK_SPF, CHECK_DMARC };
	for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++)
		if (recorded[i] == check)
			return true;
	return false;
}

static bool asks_client_name(const struct org *org)
{
	return org->cert.match_client_name;
}

static void take_results(struct trial *trial)
{
	const struct org *org = judge_org(trial->replay->settings, &trial->facts);
	const struct org *asked = org ? org : &trial->replay->settings->any;
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (is_judged_by_names((enum check_id)i))
			keep_result(trial, (enum check_id)i, org);
	if (trial->entry->results[CHECK_FROM] == RESULT_TEMPERROR
	    || trial->entry->results[CHECK_ENVELOPE] == RESULT_TEMPERROR)
		trial->lost = true;
	if (org_is_open(trial, org))
		record_unknown(trial, CHECK_ORG);
	if (asks_client_name(asked) && !(trial->open & OPEN_CLIENT_NAME) && !trial->facts.client_name_verified)
		trial->lost = trial->lost || value_of(trial, LOG_KEY_CLIENT_NAME).length != 0;
	take_auth(trial, asked, org_before(trial));
	take_ip(trial, asked);
}

/* --- judging --- */

/* Whether the line is of a message whose header was seen. */
static bool has_header(const struct entry *entry)
{
	return has_result(entry, CHECK_ORG) || entry->would == VERDICT_SKIP
	       || !span_absent(entry_value(entry, LOG_KEY_MODE_BY));
}

/* In monitor mode with a verdict: the floor is part of it. */
static bool is_settled(const struct judgement *judgement)
{
	return judgement->verdict != VERDICT_UNDECIDED && judgement->would != VERDICT_UNDECIDED;
}

static bool at_session(struct trial *trial, struct judgement *judgement)
{
	const struct settings *settings = trial->replay->settings;
	const struct org *asked = &settings->any;
	take_auth(trial, asked, NULL);
	judge(settings, &trial->facts, judgement);
	if (is_settled(judgement) && (judgement->would != VERDICT_REJECT || settings->early_reject == EARLY_REJECT_MAIL))
		return true;
	facts_recipient(&trial->facts, value_of(trial, LOG_KEY_RCPT), span_make(NULL, 0));
	judge(settings, &trial->facts, judgement);
	return is_settled(judgement);
}

/* One of the ways that it may have been. */
static void try_one(struct trial *trial, struct judgement *judgement)
{
	memset(&trial->recorded, 0, sizeof trial->recorded);
	begin(trial);
	if (at_session(trial, judgement))
		return;
	if (!has_header(trial->entry)) {
		trial->lost = true;
		return;
	}
	trial->recorded.checks = 0;
	take_certificate(trial);
	take_header(trial);
	take_results(trial);
	trial->facts.stage = STAGE_END;
	trial->facts.evidence_over = true;
	judge(trial->replay->settings, &trial->facts, judgement);
}

static void show(const struct judgement *judgement, struct replayed *replayed_r)
{
	const struct org *org = judgement->org;
	replayed_r->verdict = judgement->verdict;
	replayed_r->would = judgement->would;
	replayed_r->mode = judgement->mode;
	replayed_r->reason = judgement->reason;
	replayed_r->why_count = judgement->why.count;
	memcpy(replayed_r->why, judgement->why.ids, sizeof replayed_r->why);
	snprintf(replayed_r->org, sizeof replayed_r->org, "%.*s", org && org->name.length != 0 ? (int)org->name.length : 39,
	         !org                    ? "none"
	         : org->name.length != 0 ? org->name.at
	                                 : org->id.text);
}

bool replay_message(const struct replay *replay, const struct entry *entry, struct replayed *replayed_r)
{
	bool good = true;
	unsigned open = 0;
	memset(replayed_r, 0, sizeof *replayed_r);
	replayed_r->determined = true;
	/* Of all ways, those that differ in what turns out to be open; the best comes first and gives the words. */
	for (unsigned worse = 0; good && replayed_r->determined && worse < OPEN_WAYS; worse++) {
		struct trial trial = { .replay = replay, .entry = entry, .worse = worse };
		struct judgement judgement;
		if ((worse & ~open) != 0)
			continue;
		arena_init(&trial.arena, MEMORY_MAX);
		try_one(&trial, &judgement);
		good = !arena_failed(&trial.arena);
		open |= trial.open;
		if (trial.lost || !is_settled(&judgement) || judgement.reason == REASON_INTERNAL)
			replayed_r->determined = false;
		else if (worse == 0)
			show(&judgement, replayed_r);
		else if (judgement.verdict != replayed_r->verdict || judgement.would != replayed_r->would)
			replayed_r->determined = false;
		arena_clear(&trial.arena);
	}
	return good;
}
