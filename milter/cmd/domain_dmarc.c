/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include "cmd/domain_findings.h"
#include "core/domain.h"
#include "evidence/orgdomain.h"

#define PREFIX "_dmarc."
#define NAME_SIZE (DOMAIN_LENGTH_MAX + sizeof PREFIX)
#define REPORTS_MAX 8

static const struct answer *ask_record(const struct domain_report *report, struct span domain)
{
	char name[NAME_SIZE];
	snprintf(name, sizeof name, PREFIX "%.*s", (int)domain.length, domain.at);
	return look_ups_ask(report->look_ups, RECORD_TXT, span_of(name));
}

/* How many DMARC records there are, and the last of them. */
static size_t records_in(const struct answer *answer, struct span *text_r)
{
	size_t count = 0;
	for (size_t i = 0; i < answer->count; i++)
		if (dmarc_is_record(answer->records[i].text)) {
			*text_r = answer->records[i].text;
			count++;
		}
	return count;
}

/* Why the domain's own record is not used. Whether one is there. */
static bool tell_unused(struct domain_report *report)
{
	const struct answer *answer = ask_record(report, report->domain);
	struct span text = span_make(NULL, 0);
	struct dmarc_record record;
	struct shown domain;
	size_t count = records_in(answer, &text);
	domain_show(&domain, report->domain);
	if (count > 1)
		preflight_add(report->preflight, FINDING_FIX, "dmarc-record", NULL,
		              "_dmarc.%s has %zu DMARC records, and receivers take none of them: leave one", domain.text,
		              count);
	else if (count == 1 && !dmarc_parse(text, &record))
		preflight_add(report->preflight, FINDING_FIX, "dmarc-record", NULL,
		              "the DMARC record of _dmarc.%s gives a tag twice, and is not taken", domain.text);
	else if (count == 1 && !record.applies)
		preflight_add(report->preflight, FINDING_FIX, "dmarc-policy", NULL,
		              "the DMARC record of _dmarc.%s has no p= that is none, quarantine or reject, and is not used",
		              domain.text);
	else {
		for (size_t i = 0; i < answer->count; i++)
			if (span_holds_nocase(answer->records[i].text, span_of("DMARC1"))) {
				preflight_add(report->preflight, FINDING_FIX, "dmarc-record", NULL,
				              "what stands at _dmarc.%s is no DMARC record, for it must begin with v=DMARC1: %s",
				              domain.text, domain_show(&(struct shown) { "" }, answer->records[i].text));
				return true;
			}
		return false;
	}
	return true;
}

static void tell_none(struct domain_report *report)
{
	struct shown shown;
	char name[NAME_SIZE];
	if (tell_unused(report))
		return;
	preflight_add(
		report->preflight, FINDING_ADVICE, "dmarc-record", NULL,
		"there is no DMARC record for %s: large receivers ask for one; begin with this one, and read the reports:",
		domain_show(&shown, report->domain));
	snprintf(name, sizeof name, PREFIX "%.*s", (int)report->domain.length, report->domain.at);
	struct span text = arena_printf(report->arena, "v=DMARC1; p=none; rua=mailto:dmarc@%.*s",
	                                (int)report->domain.length, report->domain.at);
	preflight_record(report->preflight, domain_txt_record(report->arena, span_of(name), text));
}

static const char *policy_means(enum dmarc_policy policy)
{
	switch (policy) {
	case DMARC_POLICY_UNSET:
	case DMARC_POLICY_NONE:
		break;
	case DMARC_POLICY_QUARANTINE:
		return "mail that fails is put into the spam folder";
	case DMARC_POLICY_REJECT:
		return "mail that fails is refused";
	}
	return "mail that fails is delivered all the same: it is only reported";
}

/* The tag that the policy for the domain comes from. Only where np= says something else is it asked whether a name exists. */
static const char *policy_tag(const struct domain_report *report, const struct dmarc_outcome *outcome,
                              const struct dmarc_record *record)
{
	enum dmarc_policy below = record->sp != DMARC_POLICY_UNSET ? record->sp : record->p;
	if (span_equal_nocase(outcome->policy_domain, report->domain))
		return "p";
	if (record->np != DMARC_POLICY_UNSET && record->np != below && outcome->policy == record->np)
		return "np";
	return record->sp != DMARC_POLICY_UNSET ? "sp" : "p";
}

static void tell_policy(struct domain_report *report, const struct dmarc_outcome *outcome,
                        const struct dmarc_record *record)
{
	struct shown domain;
	const char *tag = policy_tag(report, outcome, record);
	preflight_add(report->preflight, outcome->requested == DMARC_POLICY_NONE ? FINDING_ADVICE : FINDING_OK,
	              "dmarc-policy", NULL, "%s=%s of %s: %s%s", tag, dmarc_policy_name(outcome->policy),
	              domain_show(&domain, outcome->policy_domain), policy_means(outcome->requested),
	              outcome->testing ? "; t=y, testing, lowers the policy by one step" : "");
}

static void tell_alignment(struct domain_report *report, const struct dmarc_outcome *outcome,
                           const struct dmarc_record *record)
{
	struct shown domain;
	struct shown organizational;
	domain_show(&domain, report->domain);
	domain_show(&organizational,
	            span_absent(outcome->organizational) ? outcome->policy_domain : outcome->organizational);
	preflight_add(report->preflight, FINDING_OK, "dmarc-alignment", NULL,
	              "DKIM is aligned %s (adkim=%c), SPF %s (aspf=%c): %s%s", record->strict_dkim ? "strictly" : "relaxed",
	              record->strict_dkim ? 's' : 'r', record->strict_spf ? "strictly" : "relaxed",
	              record->strict_spf ? 's' : 'r',
	              record->strict_dkim && record->strict_spf ? "only by " : "by domains within ",
	              record->strict_dkim && record->strict_spf ? domain.text : organizational.text);
	if (record->strict_dkim && !span_equal_nocase(report->signer, report->domain))
		preflight_add(
			report->preflight, FINDING_FIX, "dmarc-alignment", NULL,
			"adkim=s, and Salesforce signs with another domain than the author's: its signature counts for nothing");
}

/* Where reports go outside, the receiver of them has to agree (RFC 9990 4). */
static void tell_destination(struct domain_report *report, const struct dmarc_outcome *outcome, struct span uri)
{
	char name[DOMAIN_LENGTH_MAX * 2 + 32];
	struct shown shown;
	struct span organization = span_absent(outcome->organizational) ? outcome->policy_domain : outcome->organizational;
	size_t at = span_find(uri, 0, '@');
	struct span host = span_slice(uri, at + 1, span_find(uri, at + 1, '!'));
	if (!span_starts_nocase(uri, span_of("mailto:")) || at == uri.length || !domain_valid(host))
		return;
	if (domain_within(host, organization) || domain_within(organization, host))
		return;
	snprintf(name, sizeof name, "%.*s._report._dmarc.%.*s", (int)outcome->policy_domain.length,
	         outcome->policy_domain.at, (int)host.length, host.at);
	const struct answer *answer = look_ups_ask(report->look_ups, RECORD_TXT, span_of(name));
	bool agreed = false;
	for (size_t i = 0; i < answer->count; i++)
		agreed = agreed || dmarc_is_record(answer->records[i].text);
	if (answer_failed(answer))
		domain_tell_failure(report, "dmarc-reports", span_of(name));
	else if (!agreed)
		preflight_add(report->preflight, FINDING_ADVICE, "dmarc-reports", NULL,
		              "no reports arrive at %s: its domain has to publish a TXT record \"v=DMARC1\" as %s",
		              domain_show(&shown, span_slice(uri, strlen("mailto:"), uri.length)),
		              domain_show(&(struct shown) { "" }, span_of(name)));
}

static void tell_reports(struct domain_report *report, const struct dmarc_outcome *outcome, struct span text)
{
	struct span list = dmarc_tag(text, "rua");
	struct shown shown;
	size_t count = 0;
	if (list.length == 0) {
		preflight_add(report->preflight, FINDING_ADVICE, "dmarc-reports", NULL,
		              "no address for reports (rua=): nobody is told what fails");
		return;
	}
	preflight_add(report->preflight, FINDING_OK, "dmarc-reports", NULL, "reports go to %s", domain_show(&shown, list));
	for (size_t from = 0; from < list.length && count < REPORTS_MAX; count++) {
		size_t comma = span_find(list, from, ',');
		tell_destination(report, outcome, span_trim(span_slice(list, from, comma)));
		from = comma + 1;
	}
}

static void tell_obsolete(struct domain_report *report, struct span text)
{
	struct shown shown;
	struct span percent = dmarc_tag(text, "pct");
	if (percent.length > 0 && !span_equal(percent, span_of("100")))
		preflight_add(
			report->preflight, FINDING_ADVICE, "dmarc-obsolete", NULL,
			"pct=%s is ignored since RFC 9989 and obeyed by older receivers, so that they differ: take it out",
			domain_show(&shown, percent));
	else if (!span_absent(percent) || !span_absent(dmarc_tag(text, "rf")) || !span_absent(dmarc_tag(text, "ri")))
		preflight_add(report->preflight, FINDING_OK, "dmarc-obsolete", NULL,
		              "the tags pct, rf and ri have no meaning since RFC 9989");
}

/* Whether a pass of other counts, by the walk up the DNS and by the Public Suffix List. */
static void tell_older_alignment(struct domain_report *report, const struct orgdomain *list, struct span other,
                                 bool by_spf)
{
	struct domain_dns dns = look_ups_dns(report->look_ups);
	struct dmarc_outcome outcome;
	struct authentication passes = { .spf = by_spf ? SPF_PASS : SPF_FAIL,
		                             .sender = other,
		                             .dkim = by_spf ? SIGNATURE_NONE : SIGNATURE_PASS,
		                             .signer = other };
	struct shown shown;
	bool walk = domain_dmarc(&dns, report->arena, report->domain, &passes, &outcome) == DMARC_PASS;
	bool older = span_equal_nocase(orgdomain_find(list, other), orgdomain_find(list, report->domain));
	if (walk != older)
		preflight_add(
			report->preflight, FINDING_ADVICE, "dmarc-older", NULL,
			"%s is %saligned by RFC 9989, and %saligned for receivers that follow RFC 7489 and its list of suffixes",
			domain_show(&shown, other), walk ? "" : "not ", older ? "" : "not ");
}

/* Where receivers that have not heard of RFC 9989 do otherwise. */
static void tell_older(struct domain_report *report, const struct dmarc_outcome *outcome,
                       const struct dmarc_record *record)
{
	struct shown shown;
	struct orgdomain *list = orgdomain_new();
	struct span organization = list ? orgdomain_find(list, report->domain) : span_make(NULL, 0);
	if (record->testing && outcome->policy > DMARC_POLICY_NONE)
		preflight_add(report->preflight, FINDING_ADVICE, "dmarc-older", NULL,
		              "receivers that follow RFC 7489 do not know t=y: for them the policy %s is in force",
		              dmarc_policy_name(outcome->policy));
	if (strcmp(policy_tag(report, outcome, record), "np") == 0)
		preflight_add(report->preflight, FINDING_ADVICE, "dmarc-older", NULL,
		              "receivers that follow RFC 7489 do not know np=: for them the policy is %s",
		              dmarc_policy_name(record->sp != DMARC_POLICY_UNSET ? record->sp : record->p));
	if (!span_absent(organization) && !span_equal_nocase(outcome->policy_domain, report->domain)
	    && !span_equal_nocase(outcome->policy_domain, organization))
		preflight_add(report->preflight, FINDING_ADVICE, "dmarc-older", NULL,
		              "receivers that follow RFC 7489 look at _dmarc.%s and not at this record",
		              domain_show(&shown, organization));
	if (list && !span_equal_nocase(report->sender, report->domain) && !record->strict_spf)
		tell_older_alignment(report, list, report->sender, true);
	if (list && !span_equal_nocase(report->signer, report->domain) && !record->strict_dkim)
		tell_older_alignment(report, list, report->signer, false);
	orgdomain_free(list);
}

void domain_tell_dmarc(struct domain_report *report)
{
	struct domain_dns dns = look_ups_dns(report->look_ups);
	struct authentication nothing = { .spf = SPF_FAIL };
	struct dmarc_outcome outcome;
	struct dmarc_record record;
	struct span text = span_make(NULL, 0);
	struct shown domain;
	preflight_about(report->preflight, DOMAIN_ABOUT_DMARC);
	report->dmarc = domain_dmarc(&dns, report->arena, report->domain, &nothing, &outcome);
	report->policy = outcome.policy;
	report->requested = outcome.requested;
	if (report->dmarc == DMARC_TEMPERROR) {
		domain_tell_failure(report, "dmarc-record", report->domain);
		return;
	}
	if (report->dmarc != DMARC_FAIL || records_in(ask_record(report, outcome.policy_domain), &text) != 1
	    || !dmarc_parse(text, &record)) {
		tell_none(report);
		return;
	}
	if (!span_equal_nocase(outcome.policy_domain, report->domain))
		tell_unused(report);
	preflight_add(report->preflight, FINDING_OK, "dmarc-record", NULL, "_dmarc.%s: %s",
	              domain_show(&domain, outcome.policy_domain), domain_show(&(struct shown) { "" }, text));
	tell_policy(report, &outcome, &record);
	tell_alignment(report, &outcome, &record);
	tell_reports(report, &outcome, text);
	tell_obsolete(report, text);
	tell_older(report, &outcome, &record);
}
