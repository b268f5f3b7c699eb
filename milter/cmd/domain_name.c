/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/domain_findings.h"
#include "cmd/terminal.h"
#include "core/domain.h"

#define TXT_STRING_MAX 255
/* A name that nobody has, unless a wildcard makes it. */
#define NOBODYS_LABEL "sfdc-check-domain-7f1e0c93"

const char *domain_show(struct shown *shown, struct span text)
{
	terminal_escape(text, shown->text, sizeof shown->text);
	return shown->text;
}

const char *domain_txt_record(struct arena *arena, struct span name, struct span text)
{
	char line[4096];
	size_t length;
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] < ' ' || text.at[i] > '~' || text.at[i] == '"' || text.at[i] == '\\')
			return NULL;
	if (text.length > sizeof line / 2 || name.length > DOMAIN_LENGTH_MAX)
		return NULL;
	length = (size_t)snprintf(line, sizeof line, "%.*s. TXT", (int)name.length, name.at);
	for (size_t at = 0; at < text.length; at += TXT_STRING_MAX) {
		struct span part = span_slice(text, at, at + TXT_STRING_MAX);
		length += (size_t)snprintf(line + length, sizeof line - length, " \"%.*s\"", (int)part.length, part.at);
	}
	return arena_text(arena, span_make(line, length));
}

void domain_tell_failure(struct domain_report *report, const char *id, struct span name)
{
	struct shown shown;
	report->undecided = true;
	preflight_add(report->preflight, FINDING_ADVICE, id, NULL, "not known: the DNS does not answer for %s%s",
	              domain_show(&shown, name),
	              report->look_ups->late ? ", or all of it took too long (see --timeout)" : "");
}

static struct span below(struct domain_report *report, const char *labels, struct span domain)
{
	return arena_printf(report->arena, "%s.%.*s", labels, (int)domain.length, domain.at);
}

static void tell_wildcard(struct domain_report *report)
{
	struct shown shown;
	struct span name = below(report, NOBODYS_LABEL, report->domain);
	struct span key = below(report, NOBODYS_LABEL "._domainkey", report->signer);
	const struct answer *text = look_ups_ask(report->look_ups, RECORD_TXT, name);
	const struct answer *keys = look_ups_ask(report->look_ups, RECORD_TXT, key);
	domain_show(&shown, report->domain);
	if (text->status == ANSWER_FOUND)
		preflight_add(report->preflight, FINDING_ADVICE, "wildcard", NULL,
		              "a wildcard gives a TXT record to every name below %s: %s", shown.text,
		              domain_show(&(struct shown) { "" }, text->records[0].text));
	else if (keys->status == ANSWER_FOUND)
		preflight_add(report->preflight, FINDING_ADVICE, "wildcard", NULL,
		              "a wildcard gives a TXT record to every selector of %s: that one exists says nothing",
		              shown.text);
	if (look_ups_ask(report->look_ups, RECORD_A, name)->status == ANSWER_FOUND)
		preflight_add(report->preflight, FINDING_OK, "wildcard-address", NULL,
		              "a wildcard gives an address to every name below %s: all of them exist, and np= applies to none",
		              shown.text);
}

static void tell_mail(struct domain_report *report)
{
	struct shown shown;
	const struct answer *mx = look_ups_ask(report->look_ups, RECORD_MX, report->sender);
	domain_show(&shown, report->sender);
	if (answer_failed(mx)) {
		domain_tell_failure(report, "mx", report->sender);
		return;
	}
	if (mx->status == ANSWER_FOUND && mx->count == 1 && mx->records[0].text.length == 0) {
		preflight_add(
			report->preflight, FINDING_FIX, "mx", NULL,
			"%s has the MX record \"0 .\": it takes no mail, so bounces are lost, and receivers may refuse it as a "
			"sender (RFC 7505)",
			shown.text);
		return;
	}
	if (mx->status == ANSWER_FOUND) {
		preflight_add(report->preflight, FINDING_OK, "mx", NULL, "%s exists and takes bounces (MX)", shown.text);
		return;
	}
	bool address = look_ups_ask(report->look_ups, RECORD_A, report->sender)->status == ANSWER_FOUND
	               || look_ups_ask(report->look_ups, RECORD_AAAA, report->sender)->status == ANSWER_FOUND;
	preflight_add(report->preflight, FINDING_ADVICE, "mx", NULL,
	              address ? "%s has no MX record: bounces go to its address, if a mail server is there"
	                      : "%s has neither MX nor address: bounces are lost, and receivers may refuse it as a sender",
	              shown.text);
}

void domain_tell_name(struct domain_report *report)
{
	struct shown shown;
	const struct answer *answer = look_ups_ask(report->look_ups, RECORD_A, report->domain);
	preflight_about(report->preflight, DOMAIN_ABOUT_NAME);
	report->exists = answer->status != ANSWER_NXDOMAIN;
	if (answer_failed(answer)) {
		domain_tell_failure(report, "domain", report->domain);
		return;
	}
	if (!report->exists)
		preflight_add(report->preflight, FINDING_FIX, "domain", NULL,
		              "%s does not exist in the DNS%s: receivers refuse its mail", domain_show(&shown, report->domain),
		              answer->chain_count > 0 ? " (its CNAME leads nowhere)" : "");
	else
		tell_wildcard(report);
	if (report->exists || !span_equal_nocase(report->sender, report->domain))
		tell_mail(report);
}
