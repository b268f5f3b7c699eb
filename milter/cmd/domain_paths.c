/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include "cmd/domain_findings.h"

#define TEXT_SIZE 900

static bool asked_for(enum habit habit, bool value)
{
	return habit == HABIT_EITHER || (habit == HABIT_YES) == value;
}

static const char *disposition(const struct prediction *prediction)
{
	switch (prediction->requested) {
	case DMARC_POLICY_UNSET:
	case DMARC_POLICY_NONE:
		break;
	case DMARC_POLICY_QUARANTINE:
		return "receivers put it into the spam folder";
	case DMARC_POLICY_REJECT:
		return "receivers refuse it";
	}
	return "receivers still take it, since the policy is none";
}

/* Each part alone is enough. */
static void remedies(const struct domain_report *report, const struct prediction *prediction, char text_r[TEXT_SIZE])
{
	const unsigned set = prediction->remedies;
	struct shown sender;
	struct shown author;
	domain_show(&sender, report->sender);
	domain_show(&author, report->domain);
	text_r[0] = '\0';
	size_t length = 0;
	if (set & REMEDY_SPF)
		length += (size_t)snprintf(text_r, TEXT_SIZE, "put the relay into SPF of %.255s, or ", sender.text);
	if (set & REMEDY_OFF)
		length += (size_t)snprintf(text_r + length, TEXT_SIZE - length,
		                           "turn bounce management off and have the relay in SPF of %.255s, or ", sender.text);
	if (set & REMEDY_SIGN && set & REMEDY_UNTOUCHED)
		length += (size_t)snprintf(text_r + length, TEXT_SIZE - length,
		                           "activate a DKIM key in Salesforce and add no footer, or ");
	else if (set & REMEDY_SIGN)
		length += (size_t)snprintf(text_r + length, TEXT_SIZE - length, "activate a DKIM key in Salesforce, or ");
	else if (set & REMEDY_UNTOUCHED)
		length += (size_t)snprintf(text_r + length, TEXT_SIZE - length, "add no footer, or ");
	else if (report->signature == SIGNATURE_PASS && !prediction->dkim_aligned && !prediction->footer)
		length +=
			(size_t)snprintf(text_r + length, TEXT_SIZE - length, "let Salesforce sign as %.255s, or ", author.text);
	snprintf(text_r + length, TEXT_SIZE - length, "let the relay sign as %.255s%s", author.text,
	         prediction->footer ? ", after the footer" : "");
}

/* "SPF passes for bounces.example.net, which is not aligned; the footer breaks the DKIM signature" */
static void reasons(const struct prediction *prediction, char text_r[TEXT_SIZE])
{
	char spf[400];
	struct shown sender;
	domain_show(&sender, prediction->sender);
	if (prediction->spf == SPF_PASS)
		snprintf(spf, sizeof spf, "SPF passes for %.255s%s", sender.text,
		         prediction->spf_aligned ? "" : ", which is not aligned");
	else if (prediction->spf == SPF_PENDING)
		snprintf(spf, sizeof spf, "SPF %s", prediction->spf_aligned ? "is not known" : "is not aligned");
	else
		snprintf(spf, sizeof spf, "SPF is %s for %.255s", spf_result_name(prediction->spf), sender.text);
	snprintf(text_r, TEXT_SIZE, "%s; %s%s", spf,
	         prediction->dkim == SIGNATURE_NONE      ? "Salesforce does not sign"
	         : prediction->footer                    ? "the footer breaks Salesforce's signature"
	         : prediction->dkim == SIGNATURE_UNKNOWN ? "whether DKIM passes is not known"
	         : prediction->dkim != SIGNATURE_PASS    ? "DKIM does not pass"
	         : prediction->dkim_aligned              ? "DKIM passes"
	                                                 : "DKIM passes and is not aligned",
	         prediction->relay_dkim == SIGNATURE_NONE   ? ""
	         : prediction->relay_dkim == SIGNATURE_PASS ? "; the relay's signature passes"
	                                                    : "; the relay's signature does not pass");
}

static enum diagnostic_level level_of(const struct domain_report *report, const struct prediction *prediction)
{
	bool plain = !prediction->bounce_management && !prediction->footer;
	bool told = report->bounce_management != HABIT_EITHER && report->footer != HABIT_EITHER;
	return prediction->requested != DMARC_POLICY_NONE && (plain || told) ? FINDING_FIX : FINDING_ADVICE;
}

static void tell(struct domain_report *report, const struct domain_relay *relay, const struct prediction *prediction)
{
	char text[TEXT_SIZE];
	char remedy[TEXT_SIZE];
	char address[ADDRESS_TEXT_SIZE];
	char where[160];
	address_format(&relay->address, address);
	snprintf(where, sizeof where, "bounce management %s, %s%s%s", prediction->bounce_management ? "on" : "off",
	         prediction->footer ? "footer" : "no footer", report->relay_count > 1 ? ", relay " : "",
	         report->relay_count > 1 ? address : "");
	reasons(prediction, text);
	remedies(report, prediction, remedy);
	switch (prediction->dmarc) {
	case DMARC_PASS:
		return;
	case DMARC_NONE:
		if (prediction->spf != SPF_PASS && prediction->dkim != SIGNATURE_PASS
		    && prediction->relay_dkim != SIGNATURE_PASS && prediction->spf != SPF_PENDING
		    && prediction->dkim != SIGNATURE_UNKNOWN)
			preflight_add(report->preflight, FINDING_ADVICE, "behind", NULL,
			              "%s: neither SPF nor DKIM passes (%s), and large receivers refuse such mail; %s", where, text,
			              remedy);
		return;
	case DMARC_FAIL:
		if (prediction->dmarc_best == DMARC_FAIL)
			preflight_add(report->preflight, level_of(report, prediction), "behind", NULL,
			              "%s: DMARC fails, and %s. %s. Mend: %s", where, disposition(prediction), text, remedy);
		else
			preflight_add(report->preflight, FINDING_ADVICE, "behind", NULL,
			              "%s: DMARC depends on what is not known: %s", where, text);
		return;
	case DMARC_PENDING:
	case DMARC_TEMPERROR:
		report->undecided = true;
		preflight_add(report->preflight, FINDING_ADVICE, "behind", NULL, "%s: not known, since the DNS does not answer",
		              where);
		return;
	case DMARC_PERMERROR:
		break;
	}
	preflight_add(report->preflight, FINDING_FIX, "behind", NULL, "%s: the author's domain is no domain", where);
}

void domain_tell_paths(struct domain_report *report)
{
	struct domain_dns dns = look_ups_dns(report->look_ups);
	struct mail_path path = { .author = report->domain,
		                      .sender = report->sender,
		                      .bounce = report->bounce,
		                      .bounce_assumed = report->bounce_assumed,
		                      .bounce_rewritten = report->bounce_rewritten,
		                      .signature = report->signature,
		                      .signer = report->signer,
		                      .relay_signature = report->relay_signature };
	preflight_about(report->preflight, DOMAIN_ABOUT_PATHS);
	domain_predict_at_relay(&dns, report->arena, &path, report->at_relay);
	for (size_t i = 0; i < report->relay_count; i++) {
		struct domain_relay *relay = &report->relays[i];
		path.relay = relay->address;
		domain_predict(&dns, report->arena, &path, relay->predictions);
		for (size_t j = 0; j < PREDICTIONS; j++)
			if (asked_for(report->bounce_management, relay->predictions[j].bounce_management)
			    && asked_for(report->footer, relay->predictions[j].footer))
				tell(report, relay, &relay->predictions[j]);
	}
}
