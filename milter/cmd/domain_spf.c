/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include "cmd/domain_findings.h"

#define LENGTH_USUAL 450  /* RFC 7208 3.4: what still fits into 512 bytes beside the rest */
#define ANSWER_USUAL 1200 /* what fits into a datagram as resolvers ask for it, names and counts left out */
#define TERMS_NEAR (SPF_TERMS_MAX - 1)
#define VOIDS_TOLD 4
#define RECORD_SIZE 2048
#define IP6_LENGTH 64 /* of an address as a macro writes it: 32 digits and dots */

/* Documented networks of Salesforce's own: the first usable address of each. */
static const char *const documented[] = { "13.108.0.1",    "96.43.144.1",  "136.146.0.1",  "204.14.232.1",
	                                      "85.222.128.1",  "185.79.140.1", "101.53.160.1", "182.50.76.1",
	                                      "202.129.242.1", "161.71.0.1",   "161.71.128.1", "160.8.0.1",
	                                      "163.76.128.1",  "163.79.128.1" };
#define DOCUMENTED (sizeof documented / sizeof documented[0])

/* Of what is not assigned. */
static const struct address nobody6 = { ADDRESS_IPV6, { 0x40, 0x00, [15] = 1 } };

/* The record that is looked at. */
struct subject {
	struct domain_report *report;
	struct domain_dns dns;
	struct span text;
	const struct spf_record *record;
};

static enum spf_result evaluate(const struct subject *subject, const struct domain_dns *dns,
                                const struct address *client, struct spf_outcome *outcome_r)
{
	struct spf_input input = { .client = *client, .domain = subject->report->sender, .helo = subject->report->sender };
	return domain_spf(dns, subject->report->arena, &input, outcome_r);
}

/* A domain_dns that writes down which look-ups were void. */
struct recorder {
	const struct domain_dns *dns;
	size_t count;
	struct span names[VOIDS_TOLD];
};

static const struct answer *ask_recording(void *context, const struct question *question)
{
	struct recorder *recorder = context;
	const struct answer *answer = recorder->dns->ask(recorder->dns->context, question);
	/* exists: with the client's address is void for whom it does not list, and nobody's fault. */
	bool by_client = span_holds_nocase(question->name, span_of("240.0.0.1."))
	                 || span_holds_nocase(question->name, span_of("1.0.0.240.")) || question->name.length > IP6_LENGTH;
	if (answer_void(answer) && !by_client && recorder->count < VOIDS_TOLD)
		recorder->names[recorder->count++] = question->name;
	return answer;
}

/* A domain_dns that has another record for one name. */
struct substitute {
	const struct domain_dns *dns;
	struct span name;
	struct answer answer;
};

static const struct answer *ask_substitute(void *context, const struct question *question)
{
	struct substitute *substitute = context;
	if (question->type == RECORD_TXT && span_equal_nocase(question->name, substitute->name))
		return &substitute->answer;
	return substitute->dns->ask(substitute->dns->context, question);
}

/* Whether the record as it would be vouches for Salesforce and for all relays. */
static bool would_vouch(const struct subject *subject, struct span text)
{
	struct domain_report *report = subject->report;
	struct answer_record record = { .text = text };
	struct substitute substitute = { &subject->dns, report->sender, { .status = ANSWER_FOUND, .count = 1 } };
	struct domain_dns dns = { &substitute, ask_substitute };
	bool good;
	substitute.answer.records = &record;
	good = domain_spf_salesforce(&dns, report->arena, report->sender, NULL) == SPF_PASS;
	for (size_t i = 0; good && i < report->relay_count; i++)
		good = report->relays[i].address.family == ADDRESS_NONE
		       || evaluate(subject, &dns, &report->relays[i].address, NULL) == SPF_PASS;
	return good;
}

/* The record with what it lacks put first, so that nothing in it can come before; NULL: none can be offered. */
static const char *suggest(const struct subject *subject, bool salesforce)
{
	const struct domain_report *report = subject->report;
	char text[RECORD_SIZE] = "v=spf1";
	size_t length = strlen(text);
	struct span rest = span_absent(subject->text) ? span_of(" ~all") : span_slice(subject->text, length, SIZE_MAX);
	for (size_t i = 0; i < report->relay_count; i++) {
		char address[ADDRESS_TEXT_SIZE];
		if (report->relays[i].address.family == ADDRESS_NONE || report->relays[i].spf == SPF_PASS)
			continue;
		address_format(&report->relays[i].address, address);
		length += (size_t)snprintf(text + length, sizeof text - length, " ip%c:%s",
		                           report->relays[i].address.family == ADDRESS_IPV4 ? '4' : '6', address);
	}
	if (!salesforce)
		length += (size_t)snprintf(text + length, sizeof text - length, " include:_spf.salesforce.com");
	if (length + rest.length >= sizeof text)
		return NULL;
	memcpy(text + length, rest.at, rest.length);
	struct span whole = span_make(text, length + rest.length);
	return would_vouch(subject, whole) ? domain_txt_record(report->arena, report->sender, whole) : NULL;
}

/* "term 3 (at character 12), \"a:x..y\": "; "" for the record as a whole. */
static void place_of(const struct subject *subject, struct span term, char place_r[1200])
{
	struct shown shown;
	size_t number = 0;
	place_r[0] = '\0';
	if (span_absent(term))
		return;
	for (size_t at = 0; at < subject->text.length;) {
		size_t end = span_find(subject->text, at, ' ');
		struct span word = span_slice(subject->text, at, end);
		if (span_equal(word, term)) {
			snprintf(place_r, 1200, "term %zu, at character %zu, \"%s\": ", number, at + 1, domain_show(&shown, term));
			return;
		}
		number += word.length > 0;
		at = end + 1;
	}
	snprintf(place_r, 1200, "\"%s\": ", domain_show(&shown, term));
}

static void tell_broken(struct subject *subject, const struct spf_policy *policy, const struct answer *answer)
{
	struct domain_report *report = subject->report;
	char place[1200];
	size_t count = 0;
	for (size_t i = 0; i < answer->count; i++)
		if (spf_is_record(answer->records[i].text)) {
			count++;
			subject->text = answer->records[i].text;
		}
	if (count > 1) {
		preflight_add(report->preflight, FINDING_FIX, "spf-record", NULL,
		              "there are %zu SPF records, and receivers take none of them (permerror): make them one", count);
		return;
	}
	place_of(subject, policy->problem.term, place);
	preflight_add(report->preflight, FINDING_FIX, "spf-syntax", NULL,
	              "the SPF record is not well-formed, so that receivers take none of it (permerror): %s%s", place,
	              policy->problem.text ? policy->problem.text : "it cannot be read");
}

static void tell_length(const struct subject *subject, const struct answer *answer)
{
	size_t all = 0;
	for (size_t i = 0; i < answer->count; i++)
		all += answer->records[i].text.length;
	if (subject->text.length > LENGTH_USUAL)
		preflight_add(subject->report->preflight, FINDING_ADVICE, "spf-length", NULL,
		              "the SPF record has %zu characters; more than %d may not fit into one packet (RFC 7208 3.4)",
		              subject->text.length, LENGTH_USUAL);
	else if (all > ANSWER_USUAL)
		preflight_add(
			subject->report->preflight, FINDING_ADVICE, "spf-length", NULL,
			"the TXT records of this name have %zu characters in all, too many for one packet: receivers that "
			"cannot ask over TCP see no SPF record",
			all);
}

static void tell_terms(const struct subject *subject, const struct spf_outcome *worst, const struct recorder *recorder)
{
	struct preflight *preflight = subject->report->preflight;
	char voids[VOIDS_TOLD * 300] = "";
	size_t length = 0;
	struct shown shown;
	preflight_add(preflight, worst->terms >= TERMS_NEAR ? FINDING_ADVICE : FINDING_OK, "spf-terms", NULL,
	              "%u of at most %d terms that need look-ups, for a client that none of them lists", worst->terms,
	              SPF_TERMS_MAX);
	for (size_t i = 0; i < recorder->count; i++)
		length += (size_t)snprintf(voids + length, sizeof voids - length, "%s%.255s", i > 0 ? ", " : "",
		                           domain_show(&shown, recorder->names[i]));
	if (worst->voids > 0 && recorder->count > 0)
		preflight_add(preflight, FINDING_ADVICE, "spf-voids", NULL,
		              "%u of at most %d terms that lead to nothing; take out: %s", worst->voids, SPF_VOIDS_MAX, voids);
}

/* How the record ends for a client that it does not list. */
static void tell_end(const struct subject *subject, enum spf_result result)
{
	struct preflight *preflight = subject->report->preflight;
	switch (result) {
	case SPF_PASS:
		preflight_add(preflight, FINDING_FIX, "spf-all", NULL,
		              "the record passes any client, as +all does: everybody can send as this domain");
		return;
	case SPF_FAIL:
		preflight_add(preflight, FINDING_OK, "spf-all", NULL,
		              "a client that is not listed fails (-all): some receivers refuse its mail whatever DMARC says");
		return;
	case SPF_SOFTFAIL:
		preflight_add(preflight, FINDING_OK, "spf-all", NULL, "a client that is not listed is a softfail (~all)");
		return;
	case SPF_NEUTRAL:
		preflight_add(preflight, FINDING_ADVICE, "spf-all", NULL,
		              "nothing is said of clients that are not listed (neutral): let the record end in ~all");
		return;
	case SPF_PENDING:
	case SPF_NONE:
	case SPF_TEMPERROR:
	case SPF_PERMERROR:
		return;
	}
}

/* Evaluate for clients that no record lists, so that all of it is read. False: receivers cannot use it. */
static bool tell_whole(struct subject *subject)
{
	struct domain_report *report = subject->report;
	struct recorder recorder = { .dns = &subject->dns };
	struct domain_dns recording = { &recorder, ask_recording };
	struct spf_outcome four;
	struct spf_outcome six;
	struct shown domain;
	char place[1200];
	evaluate(subject, &recording, &domain_nobody, &four);
	/* Of names that are void for one family the other tells too, so they are counted apart. */
	size_t voids = recorder.count;
	evaluate(subject, &recording, &nobody6, &six);
	const struct spf_outcome *worst = six.result == SPF_PERMERROR && four.result != SPF_PERMERROR ? &six : &four;
	if (worst == &four)
		recorder.count = voids;
	if (worst->result == SPF_TEMPERROR) {
		domain_tell_failure(report, "spf-look-up", worst->problem_domain);
		return false;
	}
	if (worst->result != SPF_PERMERROR) {
		tell_end(subject, worst->result);
		tell_terms(subject, worst, &recorder);
		return true;
	}
	place_of(subject, worst->problem.term, place);
	preflight_add(report->preflight, FINDING_FIX, worst->terms > SPF_TERMS_MAX ? "spf-terms" : "spf-broken", NULL,
	              "receivers come to permerror for %s clients that are not listed before: %s%s (%s)",
	              worst == &six ? "IPv6" : "all", place, worst->problem.text ? worst->problem.text : "",
	              domain_show(&domain, worst->problem_domain));
	if (worst->terms <= SPF_TERMS_MAX)
		tell_terms(subject, worst, &recorder);
	return true;
}

static bool tell_salesforce(const struct subject *subject)
{
	struct domain_report *report = subject->report;
	struct spf_outcome outcome;
	size_t listed = 0;
	enum spf_result result = domain_spf_salesforce(&subject->dns, report->arena, report->sender, &outcome);
	if (result == SPF_PASS) {
		preflight_add(report->preflight, FINDING_OK, "spf-salesforce", NULL,
		              "it vouches for Salesforce (_spf.salesforce.com)");
		return true;
	}
	if (result == SPF_TEMPERROR) {
		domain_tell_failure(report, "spf-salesforce", outcome.problem_domain);
		return true;
	}
	for (size_t i = 0; i < DOCUMENTED; i++) {
		struct address address;
		listed += address_parse(span_of(documented[i]), &address)
		          && evaluate(subject, &subject->dns, &address, NULL) == SPF_PASS;
	}
	enum diagnostic_level level = report->spf_wanted ? FINDING_FIX : FINDING_ADVICE;
	if (listed > 0)
		preflight_add(report->preflight, level, "spf-salesforce", NULL,
		              "it lists %zu of the %zu documented networks of Salesforce by address, and no newer ones: use "
		              "include:_spf.salesforce.com, which follows them",
		              listed, DOCUMENTED);
	else
		preflight_add(report->preflight, level, "spf-salesforce", NULL,
		              "it does not vouch for Salesforce (%s): %s include:_spf.salesforce.com", spf_result_name(result),
		              report->spf_wanted
		                  ? "your policy asks for spf, and mail with bounce management off fails it at the relay "
		                    "without"
		                  : "mail that does not take the relay, and the check spf at the relay, need");
	return false;
}

static void tell_relay(const struct subject *subject, struct domain_relay *relay, bool *missing)
{
	struct domain_report *report = subject->report;
	struct spf_outcome outcome;
	struct shown shown;
	char address[ADDRESS_TEXT_SIZE];
	address_format(&relay->address, address);
	relay->spf = evaluate(subject, &subject->dns, &relay->address, &outcome);
	if (relay->spf == SPF_PASS) {
		preflight_add(report->preflight, FINDING_OK, "spf-relay", NULL, "it vouches for the relay %s by \"%s\"",
		              address, domain_show(&shown, outcome.mechanism));
		return;
	}
	if (relay->spf == SPF_TEMPERROR) {
		domain_tell_failure(report, "spf-relay", outcome.problem_domain);
		return;
	}
	*missing = true;
	preflight_add(report->preflight,
	              relay->spf == SPF_FAIL || relay->spf == SPF_PERMERROR ? FINDING_FIX : FINDING_ADVICE, "spf-relay",
	              NULL, "it does not vouch for the relay %s: receivers see %s", address, spf_result_name(relay->spf));
}

static void tell_vouching(const struct subject *subject)
{
	struct domain_report *report = subject->report;
	bool missing = false;
	bool known = false;
	bool salesforce = tell_salesforce(subject);
	for (size_t i = 0; i < report->relay_count; i++)
		if (report->relays[i].address.family != ADDRESS_NONE) {
			tell_relay(subject, &report->relays[i], &missing);
			known = true;
		}
	if (!known)
		preflight_add(report->preflight, FINDING_ADVICE, "spf-relay", NULL,
		              "whether it vouches for the relay is not known: name the addresses that it sends from with "
		              "--relay-ip");
	const char *record = missing || !salesforce ? suggest(subject, salesforce) : NULL;
	if (record) {
		preflight_add(report->preflight, FINDING_ADVICE, "spf-publish", NULL, "publish this SPF record instead:");
		preflight_record(report->preflight, record);
	} else if (missing || !salesforce) {
		preflight_add(report->preflight, FINDING_ADVICE, "spf-publish", NULL,
		              "no record can be offered, for what is there leaves no room; take terms out first");
	}
}

/* What is told holds for postmaster of the domain. */
static void tell_macros(const struct subject *subject)
{
	struct domain_report *report = subject->report;
	struct spf_input input = { .client = domain_nobody, .domain = report->sender, .helo = report->sender };
	if (domain_spf_by_sender(&subject->dns, report->arena, &input))
		preflight_add(
			report->preflight, FINDING_ADVICE, "spf-macros", NULL,
			"the record looks up names that hold the sender's local-part or the HELO name: what is told here is so for "
			"postmaster, and may be otherwise for others");
}

static void tell_ptr(const struct subject *subject)
{
	for (size_t i = 0; i < subject->record->count; i++)
		if (subject->record->terms[i].mechanism == SPF_PTR) {
			preflight_add(subject->report->preflight, FINDING_ADVICE, "spf-ptr", NULL,
			              "the mechanism ptr is slow and should not be used (RFC 7208 5.5)");
			return;
		}
}

static void tell_absent(const struct subject *subject)
{
	struct domain_report *report = subject->report;
	struct shown shown;
	for (size_t i = 0; i < report->relay_count; i++)
		report->relays[i].spf = report->relays[i].address.family == ADDRESS_NONE ? SPF_PENDING : SPF_NONE;
	preflight_add(report->preflight, FINDING_ADVICE, "spf-record", NULL,
	              "%s has no SPF record: no mail passes SPF; publish one:", domain_show(&shown, report->sender));
	const char *record = suggest(subject, false);
	if (record)
		preflight_record(report->preflight, record);
}

void domain_tell_spf(struct domain_report *report)
{
	struct subject subject = { .report = report, .dns = look_ups_dns(report->look_ups) };
	const struct answer *answer = look_ups_ask(report->look_ups, RECORD_TXT, report->sender);
	struct spf_policy policy;
	struct shown shown;
	preflight_about(report->preflight, DOMAIN_ABOUT_SPF);
	spf_policy_of(report->arena, answer, &policy);
	for (size_t i = 0; i < report->relay_count; i++)
		report->relays[i].spf = report->relays[i].address.family == ADDRESS_NONE ? SPF_PENDING : SPF_PERMERROR;
	switch (policy.status) {
	case SPF_POLICY_PENDING:
	case SPF_POLICY_TEMPERROR:
		domain_tell_failure(report, "spf-record", report->sender);
		return;
	case SPF_POLICY_NONE:
		tell_absent(&subject);
		return;
	case SPF_POLICY_BROKEN:
		tell_broken(&subject, &policy, answer);
		return;
	case SPF_POLICY_RECORD:
		break;
	}
	for (size_t i = 0; i < answer->count; i++)
		if (spf_is_record(answer->records[i].text))
			subject.text = answer->records[i].text;
	subject.record = policy.record;
	preflight_add(report->preflight, FINDING_OK, "spf-record", NULL, "%s: %s", domain_show(&shown, report->sender),
	              domain_show(&(struct shown) { "" }, subject.text));
	tell_length(&subject, answer);
	tell_ptr(&subject);
	tell_macros(&subject);
	if (tell_whole(&subject))
		tell_vouching(&subject);
}
