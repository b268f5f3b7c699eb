/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta_findings_private.h"

/* Whether a Postfix knows smtpd_forbid_bare_newline, and what it makes of it. */
static void check_bare_newline(struct audit *audit)
{
	struct span value = audit_value(audit, "smtpd_forbid_bare_newline");
	struct span exceptions = audit_value(audit, "smtpd_forbid_bare_newline_exclusions");
	if (span_absent(value)) {
		audit_add(
			audit, FINDING_FIX, "bare-newline", audit_nothing(),
			"this Postfix knows no smtpd_forbid_bare_newline: a message can hide a second one, which another server on the "
			"way takes for mail of its own; it needs 3.6.14, 3.7.10, 3.8.5, 3.9 or later");
		return;
	}
	bool closed = span_equal_nocase(value, span_of("reject")) || span_equal_nocase(value, span_of("normalize"))
	              || postfix_is_yes(value);
	if (!closed)
		audit_add(
			audit, FINDING_FIX, "bare-newline", audit_set(audit, "smtpd_forbid_bare_newline", "reject"),
			"smtpd_forbid_bare_newline is %.*s: another customer's message can hide a second one in your name, behind a "
			"line end that Salesforce takes for text, and it comes in Salesforce's own genuine session",
			TEXT(audit_shown(audit, value)));
	else if (exceptions.length != 0)
		audit_add(audit, FINDING_FIX, "bare-newline-exclusions",
		          audit_set(audit, "smtpd_forbid_bare_newline_exclusions", ""),
		          "smtpd_forbid_bare_newline_exclusions is %.*s: from these clients a message can hide a second one",
		          TEXT(audit_shown(audit, exceptions)));
	else
		audit_add(audit, FINDING_OK, "bare-newline", audit_nothing(),
		          "bare newlines end no message, whoever sends them");
}

/* Postfix writes the byte as \0; its name for octal digits would do, too. */
static bool has_nul(struct span characters)
{
	for (size_t i = 0; i + 1 < characters.length; i++) {
		if (characters.at[i] == '\\' && characters.at[i + 1] == '0')
			return i + 2 == characters.length || characters.at[i + 2] == '\\' || !ascii_digit(characters.at[i + 2])
			       || (i + 3 < characters.length && characters.at[i + 2] == '0' && characters.at[i + 3] == '0');
		if (characters.at[i] == '\\')
			i++;
	}
	return false;
}

/* The cleanup service of the audit's service, as an audit of its own. */
static struct audit of_cleanup(const struct audit *audit)
{
	struct audit cleanup = *audit;
	cleanup.shared = postfix_unix_service(audit->setup, audit_value(audit, "cleanup_service_name"));
	return cleanup;
}

static void check_nul(struct audit *audit)
{
	struct audit cleanup = of_cleanup(audit);
	struct span command = audit_set(&cleanup, "message_reject_characters", "\\0");
	if (has_nul(audit_value(&cleanup, "message_reject_characters"))) {
		audit_add(audit, FINDING_OK, "nul", audit_nothing(), "messages with a NUL byte are refused");
		return;
	}
	/* The cleanup of all services is left alone: this one gets its own. */
	if (cleanup.shared && span_equal(cleanup.shared->name, span_of("cleanup"))) {
		struct postfix_service own = { .name = span_of("sfdc-cleanup"), .type = span_of("unix") };
		struct audit new = *audit;
		new.shared = &own;
		command = audit_both(audit, audit_set(&new, "message_reject_characters", "\\0"),
		                     audit_set(audit, "cleanup_service_name", "sfdc-cleanup"));
		command =
			audit_both(audit,
		               audit_postconf(audit, "-M", span_of("sfdc-cleanup/unix=sfdc-cleanup unix n - n - 0 cleanup")),
		               command);
	}
	audit_add(
		audit, FINDING_FIX, "nul", command,
		"message_reject_characters is without \\0: a milter is told a header field only up to a NUL byte, and what stands "
		"behind it passes unjudged");
}

static void check_before(struct audit *audit)
{
	static const char *const names[] = { "header_checks", "mime_header_checks", "nested_header_checks", "body_checks" };
	struct audit cleanup = of_cleanup(audit);
	if (postfix_lists(audit_value(audit, "receive_override_options"), "no_header_body_checks"))
		return;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span value = audit_value(&cleanup, names[i]);
		/* The two in the middle are what header_checks is, unless they are told otherwise. */
		if (value.length != 0 && (i == 0 || i == 3 || !span_equal(value, audit_value(&cleanup, names[0]))))
			audit_add(
				audit, FINDING_ADVICE, "header-checks", audit_nothing(),
				"%s is %.*s and comes before the milter: a rule that changes or removes what DKIM has signed makes genuine "
				"mail fail; let it only look, or give this service a cleanup of its own without it",
				names[i], TEXT(audit_shown(audit, value)));
	}
}

static void check_rewriting(struct audit *audit)
{
	static const char *const names[] = { "canonical_maps", "sender_canonical_maps", "recipient_canonical_maps",
		                                 "masquerade_domains", "smtp_generic_maps" };
	struct audit cleanup = of_cleanup(audit);
	bool mapped = !postfix_lists(audit_value(audit, "receive_override_options"), "no_address_mappings");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span value = audit_value(&cleanup, names[i]);
		if (value.length == 0 || (!mapped && i < 4))
			continue;
		audit_add(
			audit, FINDING_ADVICE, "rewriting", audit_nothing(),
			"%s is %.*s: if it rewrites addresses below bnc.salesforce.com, as SRS does, Salesforce gets no bounces, and SPF "
			"is judged for another domain; leave these out of it",
			names[i], TEXT(audit_shown(audit, value)));
	}
}

static void check_filters(struct audit *audit)
{
	struct span proxy = audit_value(audit, "smtpd_proxy_filter");
	struct span filter = audit_value(audit, "content_filter");
	if (proxy.length != 0)
		audit_add(
			audit, FINDING_FIX, "proxy-filter", audit_set(audit, "smtpd_proxy_filter", ""),
			"smtpd_proxy_filter is set: messages go to that filter, and the milter of this service never sees their header "
			"and body; what comes back from the filter comes by another service, as if this machine had sent it");
	if (filter.length != 0)
		audit_add(
			audit, FINDING_ADVICE, "content-filter", audit_nothing(),
			"content_filter hands on what the milter has let pass: where that comes back into Postfix there must be no "
			"milter, and nobody but the filter; what it changes breaks DKIM for the recipient");
}

/* Defects of this version that let mail pass a milter. */
static void check_end_of_data(struct audit *audit)
{
	struct span value = audit_value(audit, "smtpd_end_of_data_restrictions");
	struct span version = postfix_value(audit->setup, NULL, "mail_version");
	if (!postfix_mended(version)) {
		if (value.length != 0)
			audit_add(
				audit, FINDING_FIX, "version", audit_set(audit, "smtpd_end_of_data_restrictions", ""),
				"Postfix %.*s, with smtpd_end_of_data_restrictions set: after these refused a message, another one passes "
				"without MAIL, and on the milter's earlier answer; mended in 3.7.22, 3.8.20, 3.9.14, 3.10.13 and 3.11.6",
				TEXT(audit_shown(audit, version)));
		else
			audit_add(
				audit, FINDING_OK, "version", audit_nothing(),
				"the known defects of Postfix %.*s that concern a milter need settings that this service does not have",
				TEXT(version));
	}
}

void audit_content(struct audit *audit)
{
	check_bare_newline(audit);
	check_nul(audit);
	check_filters(audit);
	check_end_of_data(audit);
	check_before(audit);
	check_rewriting(audit);
}
