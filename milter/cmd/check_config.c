/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <unistd.h>

#include "cmd/config_json.h"
#include "cmd/machine.h"
#include "cmd/mta_snippets.h"
#include "cmd/relayctl.h"
#include "config/store.h"
#include "core/log_entry.h"
#include "core/proof.h"

#define SET_TEXT_SIZE 160

static const char *or_empty(struct span text)
{
	return text.length != 0 ? "" : "(empty: always holds)";
}

static void print_row(const char *label, struct span text, const char *instead)
{
	printf("  %-18s ", label);
	terminal_printable(stdout, text);
	printf("%s\n", instead);
}

/* Organizations with the same sentences, mode and terms of proof are judged alike, and shown together. */
static bool alike(const struct settings *settings, const struct org *a, const struct org *b)
{
	struct proof_terms terms_a = proof_terms(settings, a);
	struct proof_terms terms_b = proof_terms(settings, b);
	return a->mode == b->mode && span_equal(a->reject_unless.text, b->reject_unless.text)
	       && span_equal(a->defer_unless.text, b->defer_unless.text)
	       && span_equal(a->quarantine_unless.text, b->quarantine_unless.text)
	       && span_equal(a->warn_unless.text, b->warn_unless.text) && rate_equal(a->limit.messages, b->limit.messages)
	       && rate_equal(a->limit.recipients, b->limit.recipients) && rate_equal(a->limit.per_user, b->limit.per_user)
	       && proof_terms_equal(&terms_a, &terms_b);
}

static int id_width(void)
{
	return ORGID_LONG + 2;
}

static int name_width(const struct settings *settings)
{
	size_t width = 0;
	for (size_t i = 0; i < settings->org_count; i++)
		if (settings->orgs[i].name.length > width)
			width = settings->orgs[i].name.length;
	return (int)(width > 30 ? 30 : width) + 2;
}

static void print_member(const struct settings *settings, const struct org *org)
{
	fputs("  ", stdout);
	terminal_put(stdout, SHADE_STRONG, span_of(org->id.text), id_width());
	terminal_put(stdout, SHADE_STRONG, org->name, name_width(settings));
	for (size_t i = 0; i < set_count(org->domains); i++) {
		struct span domain = set_at(org->domains, i);
		fputs(i ? " " : "", stdout);
		if (domain.length != 0 && domain.at[0] == '.')
			putchar('*');
		terminal_printable(stdout, domain);
	}
	puts(set_count(org->domains) == 0 ? "no domain: none of its mail can be accepted" : "");
}

static void print_set(const struct proof_set *set, const struct proof_terms *terms)
{
	char text[SET_TEXT_SIZE];
	proof_set_text(set->checks, text, sizeof text);
	fputs("    ", stdout);
	switch (set->strength) {
	case PROOF_WEAK:
		terminal_put(stdout, SHADE_BAD, span_of("WEAK"), 12);
		printf("mail is accepted on %s alone: %s\n", text, proof_weakness(set->checks, terms));
		return;
	case PROOF_REPLAYABLE:
		terminal_put(stdout, SHADE_DOUBT, span_of("replayable"), 12);
		break;
	case PROOF_CUSTOMER:
		terminal_put(stdout, SHADE_GOOD, span_of("customer"), 12);
		break;
	}
	printf("%s\n", text);
}

/* Each line of what one check of the sets stands on. */
static void print_rests_on(const struct check *check, const struct org *org)
{
	const char *text = check->rests_on ? check->rests_on(org) : NULL;
	for (const char *label = check->name; text; label = NULL) {
		char line[128];
		size_t length = strcspn(text, "\n");
		snprintf(line, sizeof line, "%s%s%.*s", label ? label : "", label ? ": " : "", (int)length, text);
		print_row("", span_of(line), "");
		text = text[length] == '\n' ? text + length + 1 : NULL;
	}
}

/* What the sets stand on besides the policy: what only the mail server can see to. */
static void print_rest(const struct org *org, const struct proof *proof)
{
	check_bits used = 0;
	for (size_t i = 0; i < proof->shown; i++)
		used |= proof->sets[i].checks;
	print_row("resting on", span_of("a mail server that refuses bare newlines (else a message smuggles in another)"),
	          "");
	print_row("", span_of("and past whose milter there is no way; --mta prints what it needs"), "");
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (used & CHECK_BIT(i))
			print_rests_on(check_at((enum check_id)i), org);
}

static void print_proof(const struct settings *settings, const struct org *org)
{
	struct proof_terms terms = proof_terms(settings, org);
	check_bits undecidable = proof_undecidable(settings, org);
	struct proof proof;
	proof_make(settings, org, &proof);
	printf("  %-18s %zu minimal set%s of checks, ", "accepted on", proof.minimal, proof.minimal == 1 ? "" : "s");
	if (proof.weak == 0)
		puts(proof.minimal == 0 ? "so no mail is ever accepted" : "each proves the customer");
	else
		printf("%zu of them weak\n", proof.weak);
	for (size_t i = 0; i < proof.shown; i++)
		print_set(&proof.sets[i], &terms);
	if (proof.minimal > proof.shown)
		printf("    and %zu more\n", proof.minimal - proof.shown);
	if (undecidable != 0) {
		char text[SET_TEXT_SIZE];
		proof_set_text(undecidable, text, sizeof text);
		printf("    undecided: accept makes no evidence of %s: a sender can see to it that look-ups fail\n", text);
	}
	if (proof.minimal != 0)
		print_rest(org, &proof);
}

/* The sets of checks on which mail is taken in monitor mode. */
static void print_floor(const struct settings *settings)
{
	char text[SET_TEXT_SIZE];
	struct proof proof;
	print_row("monitor_floor", settings->monitor_floor.text, "");
	proof_floor(settings, &proof);
	printf("    in monitor mode mail is accepted on %zu minimal set%s of checks, %zu of them weak\n", proof.minimal,
	       proof.minimal == 1 ? "" : "s", proof.weak);
	for (size_t i = 0; i < proof.shown; i++) {
		bool weak = proof.sets[i].strength == PROOF_WEAK;
		proof_set_text(proof.sets[i].checks, text, sizeof text);
		fputs("    ", stdout);
		terminal_put(stdout, weak ? SHADE_BAD : SHADE_GOOD, span_of(weak ? "WEAK" : "floor"), 12);
		printf("%s%s\n", text, weak ? ": none of auth, dkim, cert and ip, so that anyone passes" : "");
	}
	if (proof.minimal > proof.shown)
		printf("    and %zu more\n", proof.minimal - proof.shown);
}

/* What an organization may send; nothing where there is no limit. */
static void print_limits(const struct org *org)
{
	const struct {
		const char *name;
		struct rate rate;
	} rows[] = {
		{ "messages", org->limit.messages },
		{ "recipients", org->limit.recipients },
		{ "messages of each user", org->limit.per_user },
	};
	char text[160] = "";
	char rate[RATE_TEXT_SIZE];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t at = strlen(text);
		if (rows[i].rate.count == 0)
			continue;
		rate_text(rows[i].rate, rate);
		snprintf(text + at, sizeof text - at, "%s%s %s", at != 0 ? ", " : "", rate, rows[i].name);
	}
	if (text[0] != '\0')
		print_row("limit", span_of(text), "");
}

/* The organization number first and those after it that are judged alike, unless an earlier one has shown them. */
static void print_group(const struct settings *settings, size_t first)
{
	const struct org *org = &settings->orgs[first];
	for (size_t i = 0; i < first; i++)
		if (alike(settings, &settings->orgs[i], org))
			return;
	putchar('\n');
	for (size_t i = first; i < settings->org_count; i++)
		if (alike(settings, &settings->orgs[i], org))
			print_member(settings, &settings->orgs[i]);
	print_row("mode", span_of(mode_name(org->mode)), "");
	print_row("reject_unless", org->reject_unless.text, or_empty(org->reject_unless.text));
	print_row("defer_unless", org->defer_unless.text, or_empty(org->defer_unless.text));
	print_row("quarantine_unless", org->quarantine_unless.text, or_empty(org->quarantine_unless.text));
	print_row("warn_unless", org->warn_unless.text, or_empty(org->warn_unless.text));
	print_limits(org);
	print_proof(settings, org);
}

/* What `scope: salesforce` lets pass and what it refuses: both are a matter of where the MTA's mailers lead. */
static void print_scope(const struct settings *settings)
{
	bool relay = set_has(settings->local_mailers, span_of("relay"));

	print_row("scope", span_of(settings->scope == SCOPE_ALL ? "all" : "salesforce"), "");
	if (settings->scope == SCOPE_ALL)
		return;
	fputs(
		"    mail of other companies' Salesforce organizations passes, and is not judged, if all its recipients stay inside:\n"
		"    those of the mailers local, virtual, lmtp, lmtps, cyrus, procmail, maildrop, dovecot, pipe, error, discard, prog,\n"
		"    *file*",
		stdout);
	for (size_t i = 0; i < set_count(settings->local_mailers); i++) {
		fputs(", ", stdout);
		terminal_printable(stdout, set_at(settings->local_mailers, i));
	}
	fputs(".\n", stdout);
	fputs(
		relay
			? "    relay counts as inside: were it to lead to the Internet (as with SMART_HOST in Sendmail, or relayhost and\n"
			  "    default_transport in Postfix), every Salesforce customer could send to anybody.\n"
			: "    relay does not count as inside: if it hands your own domains, and nothing else, to inner servers, list it in\n"
			  "    local_mailers.\n",
		stdout);
	fputs(
		"    To any other mailer their mail leaves, and is refused with 550 org-unknown, addressed to your own people or not.\n",
		stdout);
}

/* Where it is counted what organizations send. */
static void print_store(const struct settings *settings)
{
	static const char *const away[] = {
		[WHEN_AWAY_LOCAL] = "each process counts for itself",
		[WHEN_AWAY_PASS] = "nothing is limited",
		[WHEN_AWAY_DEFER] = "what is limited is deferred",
	};
	char store[STORE_TEXT_SIZE];
	if (settings->limits.store.length == 0)
		return;
	store_text(settings->limits.store, store);
	print_row("limits.store", span_of(store), "");
	printf("    while it is away, %s\n", away[settings->limits.when_away]);
}

static void print_settings(const char *path, const struct settings *settings)
{
	terminal_printable(stdout, span_of(path));
	fputs(": ", stdout);
	terminal_put(stdout, SHADE_GOOD, span_of("good"), 0);
	printf("\n\n");
	print_row("socket", settings->socket, "");
	print_row("mode", span_of(mode_name(settings->mode)), "");
	print_scope(settings);
	print_row("authserv_id", settings->authserv_id, settings->authserv_id.length ? "" : "(the MTA's {j})");
	if (settings->undecided != VERDICT_TEMPFAIL)
		print_row("undecided", span_of(verdict_name(settings->undecided)), "");
	if (network_set_count(settings->exempt_clients) != 0)
		printf("  %-18s %zu network%s, never judged\n", "exempt_clients", network_set_count(settings->exempt_clients),
		       network_set_count(settings->exempt_clients) == 1 ? "" : "s");
	if (settings->monitor_floor.root)
		print_floor(settings);
	print_store(settings);
	printf("  %-18s %zu\n", "organizations", settings->org_count);
	for (size_t i = 0; i < settings->org_count; i++)
		print_group(settings, i);
}

enum { FLAG_CONFIG = 1, FLAG_MTA, FLAG_JSON };

static const struct argument arguments[] = {
	{ FLAG_CONFIG, 'c', NULL, "FILE", RELAYCTL_CONFIG_HELP },
	{ FLAG_MTA, 0, "mta", "MTA", "postfix or sendmail: show what that MTA needs for this configuration, too" },
	{ FLAG_JSON, 0, "json", NULL,
	  "print one JSON object on a line: problems, settings, organizations and their proof" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "the configuration can be used" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "the configuration has an error" },
};

static int check_config(int argc, char **argv);

const struct subcommand check_config_subcommand = {
	.command = {
		.name = "sfdc-relayctl check-config",
		.synopsis = "[-c FILE] [--mta postfix|sendmail] [--json]",
		.about = "Check the configuration, show what it comes to, and say whether its policy proves that the customer sent the mail.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl check-config -c sfdc-milter.yaml --mta postfix\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = check_config,
};

static void print_plain(const char *path, const struct settings *settings, enum mta mta)
{
	print_settings(path, settings);
	if (mta != MTA_UNKNOWN) {
		putchar('\n');
		mta_snippets_print(stdout, mta, settings);
	}
}

static int check(const char *path, enum mta mta, bool json)
{
	struct problems problems;
	struct settings *settings = relayctl_load(path, &problems);
	if (settings)
		machine_check(settings, NULL, false, &problems);
	if (problems.errors != 0 || problems.no_memory) {
		settings_free(settings);
		settings = NULL;
	}
	int code = settings ? RELAYCTL_GOOD : RELAYCTL_CONFIG;

	if (json) {
		struct config_view view = { path, settings, &problems, mta };
		if (!config_json(stdout, &view)) {
			relayctl_complain("out of memory");
			code = RELAYCTL_TEMPFAIL;
		}
	} else {
		relayctl_print_problems(path, &problems, true);
		if (settings)
			print_plain(path, settings, mta);
	}
	problems_clear(&problems);
	settings_free(settings);
	return code;
}

static int check_config(int argc, char **argv)
{
	const struct command *command = &check_config_subcommand.command;
	char wrong[ARGUMENTS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	const char *path = RELAYCTL_CONFIG_FILE;
	enum mta mta = MTA_UNKNOWN;
	bool json = false;

	for (int id; (id = arguments_next(command, argc, argv, wrong)) != ARGUMENTS_END;) {
		if (id == FLAG_CONFIG) {
			path = optarg;
		} else if (id == FLAG_JSON) {
			json = true;
		} else if (id != FLAG_MTA) {
			return relayctl_end(command, id, wrong);
		} else if (!mta_by_name(span_of(optarg), &mta)) {
			terminal_escape(span_of(optarg), shown, sizeof shown);
			return relayctl_usage(command, "--mta: \"%s\" is neither postfix nor sendmail", shown);
		}
	}
	if (optind != argc) {
		terminal_escape(span_of(argv[optind]), shown, sizeof shown);
		return relayctl_usage(command, "%s is too much", shown);
	}
	return check(path, mta, json);
}
