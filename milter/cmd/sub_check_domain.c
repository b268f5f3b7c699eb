/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "cmd/domain_present.h"
#include "cmd/name_servers.h"
#include "cmd/relayctl.h"
#include "core/domain.h"
#include "core/log_entry.h"
#include "core/set.h"
#include "evidence/idn.h"

#define STEP_SECONDS 5
#define STEP_SECONDS_MAX 60
#define STEPS_IN_ALL 8 /* the whole takes at most so many steps */
/* An example: real ones have labels of their own below it, and a record of Salesforce's. */
#define BOUNCE_EXAMPLE "example.0-0.na1.bnc.salesforce.com"

struct request {
	const char *config;
	const char *nameserver;
	unsigned long seconds;
	bool json;
	struct settings *settings;
	struct domain_report report;
};

enum flag {
	FLAG_CONFIG = 1,
	FLAG_NAMESERVER,
	FLAG_SELECTOR,
	FLAG_UNSIGNED,
	FLAG_DKIM_DOMAIN,
	FLAG_RELAY_SELECTOR,
	FLAG_RELAY_IP,
	FLAG_MAIL_FROM,
	FLAG_BOUNCE_DOMAIN,
	FLAG_BOUNCE_MANAGEMENT,
	FLAG_FOOTER,
	FLAG_TIMEOUT,
	FLAG_JSON
};

static const struct argument arguments[] = {
	{ FLAG_SELECTOR, 0, "selector", "NAME",
	  "a selector of the DKIM keys in Salesforce Setup; may be repeated (default: those of the organization, with -c)" },
	{ FLAG_UNSIGNED, 0, "unsigned", NULL, "Salesforce does not sign with DKIM" },
	{ FLAG_DKIM_DOMAIN, 0, "dkim-domain", "DOMAIN", "the domain of the signatures (default: DOMAIN)" },
	{ FLAG_RELAY_SELECTOR, 0, "relay-selector", "NAME",
	  "the relay signs itself as DOMAIN with this selector, after any footer" },
	{ FLAG_RELAY_IP, 0, "relay-ip", "ADDRESS", "an address that the relay sends from; may be repeated" },
	{ FLAG_MAIL_FROM, 0, "mail-from", "DOMAIN",
	  "the domain of the envelope sender behind the relay, bounce management off (default: DOMAIN)" },
	{ FLAG_BOUNCE_DOMAIN, 0, "bounce-domain", "DOMAIN",
	  "that with bounce management on: of your bounce addresses, as the relay's log has them, or of what the relay makes of "
	  "them (default: an example below bnc.salesforce.com)" },
	{ FLAG_BOUNCE_MANAGEMENT, 0, "bounce-management", "on|off", "judge one of them alone (default: both are)" },
	{ FLAG_FOOTER, 0, "footer", "yes|no",
	  "whether the relay adds a footer or changes the mail otherwise (default: both)" },
	{ FLAG_CONFIG, 'c', NULL, "FILE",
	  "take selectors and name servers from this configuration (default: the name servers of /etc/resolv.conf)" },
	{ FLAG_NAMESERVER, 0, "nameserver", "ADDRESS[@PORT]", "ask this name server" },
	{ FLAG_TIMEOUT, 0, "timeout", "SECONDS", "wait so long for each answer (default: 5), and 8 times as long in all" },
	{ FLAG_JSON, 0, "json", NULL, "print one JSON object" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "there is nothing to change" },
	{ RELAYCTL_REJECT, "something is to be fixed" },
	{ RELAYCTL_QUARANTINE, "there is advice" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_TEMPFAIL,
	  "the DNS does not answer and nothing is to be fixed so far, there is no memory, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "the configuration has an error" },
};

static int check_domain_main(int argc, char **argv);

const struct subcommand check_domain_subcommand = {
	.command = {
		.name = "sfdc-relayctl check-domain",
		.synopsis = "[OPTION]... DOMAIN",
		.about = "Look at SPF, the DKIM keys and DMARC of a domain that Salesforce sends as, and tell what receivers behind the "
		         "relay will see, with bounce management on and off, with and without a footer, and what to change.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl check-domain --selector sf1 --selector sf2 \\\n"
		           "      --relay-ip 192.0.2.10 example.com\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = check_domain_main,
};

static const struct command *const command = &check_domain_subcommand.command;

static int wrong(int id, const char *what)
{
	char name[ARGUMENTS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	terminal_escape(span_of(optarg), shown, sizeof shown);
	return relayctl_usage(command, "%s: \"%s\" is %s", arguments_name(command, id, name), shown, what);
}

/* A domain, or what stands behind the @ of an address; absent if it is neither. */
static struct span take_domain(struct arena *arena, const char *text)
{
	struct span domain = span_of(text);
	size_t at = span_find(domain, 0, '@');
	if (at < domain.length)
		domain = span_slice(domain, at + 1, domain.length);
	if (domain.length > 1 && domain.at[domain.length - 1] == '.')
		domain.length--;
	return domain_comparable(arena, idn_to_ascii, domain);
}

static int take_domain_option(struct request *request, int id, struct span *domain_r)
{
	*domain_r = take_domain(request->report.arena, optarg);
	return span_absent(*domain_r) ? wrong(id, "no domain") : RELAYCTL_GOOD;
}

static int take_habit(int id, const char *no, const char *yes, enum habit *habit_r)
{
	char what[64];
	*habit_r = strcmp(optarg, yes) == 0 ? HABIT_YES : strcmp(optarg, no) == 0 ? HABIT_NO : HABIT_EITHER;
	snprintf(what, sizeof what, "neither %s nor %s", yes, no);
	return *habit_r == HABIT_EITHER ? wrong(id, what) : RELAYCTL_GOOD;
}

/* A selector that is known already is no second one. */
static bool add_selector(struct domain_report *report, struct span selector)
{
	for (size_t i = 0; i < report->selector_count; i++)
		if (span_equal_nocase(report->selectors[i], selector))
			return true;
	if (report->selector_count == DOMAIN_SELECTORS_MAX)
		return false;
	report->selectors[report->selector_count++] = selector;
	return true;
}

static int take_selector(struct request *request, int id)
{
	/* The whole name of the key is taken, too. */
	char *rest = strstr(optarg, "._domainkey");
	struct span selector = rest ? span_make(optarg, (size_t)(rest - optarg)) : span_of(optarg);
	if (!domain_queryable(selector))
		return wrong(id, "no selector");
	return add_selector(&request->report, selector) ? RELAYCTL_GOOD : wrong(id, "one selector too many");
}

static int take_relay(struct request *request, int id)
{
	struct domain_report *report = &request->report;
	struct domain_relay *relay = &report->relays[report->relay_count];
	if (report->relay_count == DOMAIN_RELAYS_MAX)
		return wrong(id, "one address too many");
	if (!address_parse(span_of(optarg), &relay->address))
		return wrong(id, "no IP address");
	report->relay_count++;
	return RELAYCTL_GOOD;
}

static int take_flag(struct request *request, int id)
{
	struct domain_report *report = &request->report;
	switch ((enum flag)id) {
	case FLAG_CONFIG:
		request->config = optarg;
		break;
	case FLAG_NAMESERVER:
		request->nameserver = optarg;
		break;
	case FLAG_SELECTOR:
		return take_selector(request, id);
	case FLAG_UNSIGNED:
		report->unsigned_mail = true;
		break;
	case FLAG_DKIM_DOMAIN:
		return take_domain_option(request, id, &report->signer);
	case FLAG_RELAY_SELECTOR:
		report->relay_selector = span_of(optarg);
		return domain_queryable(report->relay_selector) ? RELAYCTL_GOOD : wrong(id, "no selector");
	case FLAG_RELAY_IP:
		return take_relay(request, id);
	case FLAG_MAIL_FROM:
		return take_domain_option(request, id, &report->sender);
	case FLAG_BOUNCE_DOMAIN:
		report->bounce_assumed = false;
		return take_domain_option(request, id, &report->bounce);
	case FLAG_BOUNCE_MANAGEMENT:
		return take_habit(id, "off", "on", &report->bounce_management);
	case FLAG_FOOTER:
		return take_habit(id, "no", "yes", &report->footer);
	case FLAG_TIMEOUT:
		if (!span_number(span_of(optarg), STEP_SECONDS_MAX, &request->seconds) || request->seconds == 0)
			return wrong(id, "not a number from 1 to 60");
		break;
	case FLAG_JSON:
		request->json = true;
		break;
	}
	return RELAYCTL_GOOD;
}

/* True: *code_r is the exit code, and nothing is left to do. */
static bool parse(int argc, char **argv, struct request *request, int *code_r)
{
	struct domain_report *report = &request->report;
	char problem[ARGUMENTS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	*code_r = RELAYCTL_GOOD;
	for (int id; (id = arguments_next(command, argc, argv, problem)) != ARGUMENTS_END;) {
		bool over = id == ARGUMENTS_HELP || id == ARGUMENTS_WRONG;
		*code_r = over ? relayctl_end(command, id, problem) : take_flag(request, id);
		if (over || *code_r != RELAYCTL_GOOD)
			return true;
	}
	if (optind < argc)
		report->domain = take_domain(report->arena, argv[optind]);
	terminal_escape(span_of(optind + 1 < argc ? argv[optind + 1]
	                        : optind < argc   ? argv[optind]
	                                          : ""),
	                shown, sizeof shown);
	if (optind == argc)
		*code_r = relayctl_usage(command, "no domain is given");
	else if (optind + 1 < argc)
		*code_r = relayctl_usage(command, "%s is too much: one domain is looked at", shown);
	else if (span_absent(report->domain))
		*code_r = relayctl_usage(command, "%s is no domain", shown);
	else if (report->unsigned_mail && report->selector_count > 0)
		*code_r = relayctl_usage(command, "--selector and --unsigned exclude each other");
	if (span_absent(report->sender))
		report->sender = report->domain;
	if (span_absent(report->signer))
		report->signer = report->domain;
	report->bounce_rewritten =
		!span_absent(report->bounce) && !domain_within(report->bounce, span_of("salesforce.com"));
	if (report->relay_count == 0)
		report->relay_count = 1;
	return *code_r != RELAYCTL_GOOD;
}

/* Whether a sentence has a check that takes SPF of the sender, and nothing else. */
static bool rests_on_spf(const struct sentence *sentence)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (sentence->checks & CHECK_BIT(i) && check_at((enum check_id)i)->evidence == EVIDENCE_SPF)
			return true;
	return false;
}

/* What the policy of the organizations whose domain it is says of it. */
static void take_policy(struct request *request)
{
	struct domain_report *report = &request->report;
	struct owner_cursor cursor = { 0, NULL };
	const struct org *org;
	bool given = report->selector_count > 0 || report->unsigned_mail;
	if (!request->config)
		return;
	while ((org = settings_next_owner(request->settings, report->domain, &cursor)) != NULL) {
		report->spf_wanted =
			report->spf_wanted || rests_on_spf(&org->reject_unless) || rests_on_spf(&org->defer_unless);
		for (size_t i = 0; !given && i < set_count(org->dkim.selectors); i++)
			add_selector(report, set_at(org->dkim.selectors, i));
	}
}

static int exit_code(const struct domain_report *report)
{
	switch (preflight_worst(report->preflight)) {
	case FINDING_FIX:
		return RELAYCTL_REJECT;
	case FINDING_ADVICE:
		return report->undecided ? RELAYCTL_TEMPFAIL : RELAYCTL_QUARANTINE;
	case FINDING_OK:
		break;
	}
	return report->undecided ? RELAYCTL_TEMPFAIL : RELAYCTL_GOOD;
}

static int present(const struct request *request)
{
	const struct domain_report *report = &request->report;
	bool good = !preflight_failed(report->preflight) && !arena_failed(report->arena);
	if (good && request->json)
		good = domain_present_json(stdout, report);
	else if (good)
		domain_present_plain(stdout, report);
	if (good)
		return exit_code(report);
	relayctl_complain("out of memory");
	return RELAYCTL_TEMPFAIL;
}

/* What is asked in any case; few at a time, for a burst makes a slow server slower. */
static void begin(struct domain_report *report)
{
	struct look_ups *look_ups = report->look_ups;
	look_ups_begin(look_ups, RECORD_A, report->domain);
	look_ups_begin(look_ups, RECORD_TXT, report->sender);
	look_ups_begin(look_ups, RECORD_TXT,
	               arena_printf(report->arena, "_dmarc.%.*s", (int)report->domain.length, report->domain.at));
	if (report->selector_count > 0)
		look_ups_begin(look_ups, RECORD_TXT, domain_key_name(report->arena, report->selectors[0], report->signer));
}

static int check(struct request *request, struct look_ups *look_ups)
{
	char error[RESOLVER_ERROR_SIZE] = "out of memory";
	struct domain_report *report = &request->report;
	int code;
	request->settings = name_servers_settings(request->config, request->nameserver, &code);
	if (!request->settings)
		return code;
	take_policy(request);
	look_ups->resolver = resolver_new(request->settings, error);
	if (!look_ups->resolver) {
		relayctl_complain("%s", error);
		return RELAYCTL_TEMPFAIL;
	}
	look_ups->step_ms = (unsigned)request->seconds * 1000;
	look_ups->end_ms = resolver_now_ms() + (long long)request->seconds * 1000 * STEPS_IN_ALL;
	begin(report);
	domain_tell_name(report);
	domain_tell_spf(report);
	domain_tell_dkim(report);
	domain_tell_dmarc(report);
	domain_tell_paths(report);
	code = present(request);
	look_ups_clear(look_ups);
	resolver_drop(look_ups->resolver);
	return code;
}

static int check_domain_main(int argc, char **argv)
{
	struct arena arena;
	struct preflight preflight;
	static struct look_ups look_ups;
	struct request request = { .seconds = STEP_SECONDS };
	int code;

	arena_init(&arena, 0);
	preflight_init(&preflight);
	look_ups.arena = &arena;
	request.report.arena = &arena;
	request.report.preflight = &preflight;
	request.report.look_ups = &look_ups;
	request.report.bounce = span_of(BOUNCE_EXAMPLE);
	request.report.bounce_assumed = true;
	if (!parse(argc, argv, &request, &code))
		code = check(&request, &look_ups);
	settings_free(request.settings);
	preflight_clear(&preflight);
	arena_clear(&arena);
	return code;
}
