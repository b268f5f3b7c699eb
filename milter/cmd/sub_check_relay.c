/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/name_servers.h"
#include "cmd/probe_dns.h"
#include "cmd/probe_relay.h"
#include "cmd/relay_findings.h"
#include "cmd/relay_present.h"
#include "cmd/relayctl.h"
#include "core/domain.h"
#include "core/log_entry.h"
#include "evidence/idn.h"

#define STEP_SECONDS 10
#define STEP_SECONDS_MAX 300
#define STEPS_IN_ALL 18 /* the whole takes at most so many steps */
#define WARN_DAYS 30
#define VIEWS_MAX (PROBE_TARGETS_MAX * RELAY_PORTS)
#define RECIPIENT "check-relay@example.com"
#define NAGIOS_UNKNOWN 3

struct request {
	const char *config;
	const char *nameserver;
	const char *helo;
	const char *recipient;
	struct tls_options tls;
	bool open_relay;
	bool json;
	bool nagios;
	bool address_only;
	unsigned long warn_days;
	unsigned long seconds;
	const char *operand;
	struct span host; /* A-labels, or an address */
	bool is_address;
	struct address address;
	unsigned port; /* 0: those of Salesforce that answer */
};

enum flag {
	FLAG_CONFIG = 1,
	FLAG_NAMESERVER,
	FLAG_ADDRESS_ONLY,
	FLAG_CAFILE,
	FLAG_CERT,
	FLAG_KEY,
	FLAG_HELO,
	FLAG_OPEN_RELAY,
	FLAG_RECIPIENT,
	FLAG_WARN_DAYS,
	FLAG_TIMEOUT,
	FLAG_JSON,
	FLAG_NAGIOS
};

static const struct argument arguments[] = {
	{ FLAG_CONFIG, 'c', NULL, "FILE",
	  "ask the name servers of this configuration (default: those of /etc/resolv.conf)" },
	{ FLAG_NAMESERVER, 0, "nameserver", "ADDRESS[@PORT]", "ask this name server" },
	{ FLAG_ADDRESS_ONLY, 0, "a-only", NULL,
	  "connect to HOST's address whatever MX records it has, as Salesforce does where MX look-up is off" },
	{ FLAG_CAFILE, 0, "cafile", "FILE", "trust the CAs in this file instead of the system's" },
	{ FLAG_CERT, 0, "cert", "FILE", "show this client certificate, with its chain, in PEM, to ports that demand one" },
	{ FLAG_KEY, 0, "key", "FILE", "its private key, if it is not in the same file" },
	{ FLAG_HELO, 0, "helo", "NAME", "the argument of EHLO (default: the address that the connection comes from)" },
	{ FLAG_OPEN_RELAY, 0, "probe-open-relay", NULL,
	  "ask for a recipient elsewhere, without and with forged traits of Salesforce; no message is sent" },
	{ FLAG_RECIPIENT, 0, "recipient", "ADDRESS", "that recipient (default: " RECIPIENT ")" },
	{ FLAG_WARN_DAYS, 0, "warn-days", "DAYS", "advise when the certificate is valid for fewer days (default: 30)" },
	{ FLAG_TIMEOUT, 0, "timeout", "SECONDS", "wait so long for each step (default: 10), and 18 times as long in all" },
	{ FLAG_JSON, 0, "json", NULL, "print one JSON object" },
	{ FLAG_NAGIOS, 0, "nagios", NULL, "answer as a plug-in of Nagios: one line, and exit status 0, 1, 2 or 3" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "mail is delivered under every TLS setting that verifies, and there is nothing to advise" },
	{ RELAYCTL_REJECT,
	  "something is to be fixed: Required Verify would not deliver, or the relay is open; with --nagios, advice" },
	{ RELAYCTL_QUARANTINE, "there is advice; with --nagios, something is to be fixed" },
	{ NAGIOS_UNKNOWN, "with --nagios: it could not be found out, or wrong usage" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "a file of certificates cannot be used" },
	{ RELAYCTL_TEMPFAIL, "the DNS does not answer, there is no memory, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "the configuration has an error" },
};

static int check_relay_main(int argc, char **argv);

const struct subcommand check_relay_subcommand = {
	.command = {
		.name = "sfdc-relayctl check-relay",
		.synopsis = "[OPTION]... HOST[:PORT]",
		.about = "Connect to a relay as Salesforce does, and tell what becomes of mail under each TLS setting of its Email Relay, in "
		         "the words of its Email Log. Without PORT those of 25, 587, 10025 and 11025 that answer are looked at.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl check-relay --probe-open-relay relay.example.com:25\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = check_relay_main,
};

static const struct command *const command = &check_relay_subcommand.command;

/* What goes into a command line of SMTP: printable ASCII, no space. */
static bool is_word(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '<' || *c == '>')
			return false;
	return *text != '\0' && strlen(text) <= 255;
}

static int take_number(int id, unsigned long least, unsigned long most, unsigned long *number_r)
{
	char name[ARGUMENTS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	if (span_number(span_of(optarg), most, number_r) && *number_r >= least)
		return RELAYCTL_GOOD;
	terminal_escape(span_of(optarg), shown, sizeof shown);
	return relayctl_usage(command, "%s: \"%s\" is not a number from %lu to %lu", arguments_name(command, id, name),
	                      shown, least, most);
}

static int take_word(int id, const char **word_r)
{
	char name[ARGUMENTS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	*word_r = optarg;
	if (is_word(optarg))
		return RELAYCTL_GOOD;
	terminal_escape(span_of(optarg), shown, sizeof shown);
	return relayctl_usage(command, "%s: \"%s\" is not one word of printable ASCII", arguments_name(command, id, name),
	                      shown);
}

static int take_flag(struct request *request, int id)
{
	switch ((enum flag)id) {
	case FLAG_CONFIG:
		request->config = optarg;
		break;
	case FLAG_NAMESERVER:
		return take_word(id, &request->nameserver);
	case FLAG_ADDRESS_ONLY:
		request->address_only = true;
		break;
	case FLAG_CAFILE:
		request->tls.cafile = optarg;
		break;
	case FLAG_CERT:
		request->tls.cert = optarg;
		break;
	case FLAG_KEY:
		request->tls.key = optarg;
		break;
	case FLAG_HELO:
		return take_word(id, &request->helo);
	case FLAG_OPEN_RELAY:
		request->open_relay = true;
		break;
	case FLAG_RECIPIENT:
		return take_word(id, &request->recipient);
	case FLAG_WARN_DAYS:
		return take_number(id, 0, 10000, &request->warn_days);
	case FLAG_TIMEOUT:
		return take_number(id, 1, STEP_SECONDS_MAX, &request->seconds);
	case FLAG_JSON:
		request->json = true;
		break;
	case FLAG_NAGIOS:
		request->nagios = true;
		break;
	}
	return RELAYCTL_GOOD;
}

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT, ADDRESS:PORT, or an IPv6 address alone. */
static int take_operand(struct request *request, struct arena *arena)
{
	struct span text = span_of(request->operand);
	struct span host = text;
	struct span port = span_make(NULL, 0);
	unsigned long number = 0;
	char shown[LOG_PRINTABLE_SIZE];
	size_t colon = span_find(text, 0, ':');

	terminal_escape(text, shown, sizeof shown);
	if (text.length > 0 && text.at[0] == '[') {
		size_t end = span_find(text, 0, ']');
		host = span_slice(text, 1, end);
		port = end + 1 < text.length ? span_slice(text, end + 1, text.length) : port;
	} else if (colon < text.length && !address_parse(text, &request->address)) {
		host = span_slice(text, 0, colon);
		port = span_slice(text, colon, text.length);
	}
	if (port.length > 0
	    && (port.at[0] != ':' || !span_number(span_slice(port, 1, port.length), 65535, &number) || number == 0))
		return relayctl_usage(command, "%s: the port is not a number from 1 to 65535", shown);
	request->port = (unsigned)number;
	request->is_address = address_parse(host, &request->address);
	request->host = request->is_address ? arena_span(arena, host) : domain_comparable(arena, idn_to_ascii, host);
	if (span_absent(request->host) && host.length > 1 && host.at[host.length - 1] == '.')
		request->host = domain_comparable(arena, idn_to_ascii, span_slice(host, 0, host.length - 1));
	if (span_absent(request->host))
		return relayctl_usage(command, "%s is neither a host name nor an address", shown);
	return RELAYCTL_GOOD;
}

/* True: *code_r is the exit code, and nothing is left to do. */
static bool parse(int argc, char **argv, struct request *request, struct arena *arena, int *code_r)
{
	char problem[ARGUMENTS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	*code_r = RELAYCTL_GOOD;
	for (int id; (id = arguments_next(command, argc, argv, problem)) != ARGUMENTS_END;) {
		bool over = id == ARGUMENTS_HELP || id == ARGUMENTS_WRONG;
		*code_r = over ? relayctl_end(command, id, problem) : take_flag(request, id);
		if (over || *code_r != RELAYCTL_GOOD)
			return true;
	}
	terminal_escape(span_of(optind + 1 < argc ? argv[optind + 1] : ""), shown, sizeof shown);
	if (optind == argc)
		*code_r = relayctl_usage(command, "no host is given");
	else if (optind + 1 < argc)
		*code_r = relayctl_usage(command, "%s is too much: one host is looked at", shown);
	else if (request->json && request->nagios)
		*code_r = relayctl_usage(command, "--json and --nagios exclude each other");
	else if (request->tls.key && !request->tls.cert)
		*code_r = relayctl_usage(command, "--key needs --cert");
	else if (request->recipient && !request->open_relay)
		*code_r = relayctl_usage(command, "--recipient needs --probe-open-relay");
	else {
		request->operand = argv[optind];
		*code_r = take_operand(request, arena);
	}
	if (!request->recipient)
		request->recipient = RECIPIENT;
	return *code_r != RELAYCTL_GOOD;
}

/* The resolver that the options ask for. NULL: *code_r is the exit code, and it was told why. */
static struct resolver *make_resolver(const struct request *request, int *code_r)
{
	char error[RESOLVER_ERROR_SIZE] = "out of memory";
	struct settings *settings = name_servers_settings(request->config, request->nameserver, code_r);
	if (!settings)
		return NULL;
	struct resolver *resolver = resolver_new(settings, error);
	*code_r = RELAYCTL_TEMPFAIL;
	if (!resolver)
		relayctl_complain("%s", error);
	settings_free(settings);
	return resolver;
}

/* What was done so far. */
struct work {
	const struct request *request;
	struct preflight preflight;
	struct arena arena;
	struct probe_plan plan;
	struct probe_targets targets;
	struct probe_view *views;
	size_t count;
};

/* Find the addresses. RELAYCTL_GOOD, or the exit code. */
static int find_targets(struct work *work)
{
	const struct request *request = work->request;
	int code;
	if (request->is_address) {
		work->targets.count = 1;
		work->targets.targets[0] = (struct probe_target) { request->host, request->address };
		return RELAYCTL_GOOD;
	}
	struct resolver *resolver = make_resolver(request, &code);
	if (!resolver)
		return code;
	long long limit = resolver_now_ms() + (long long)request->seconds * 3000;
	probe_look_up(resolver, &work->arena, request->host, !request->address_only, limit, &work->targets);
	resolver_drop(resolver);
	return RELAYCTL_GOOD;
}

static void tell_fix(struct work *work, const char *id, const char *what, enum words words)
{
	char line[WORDS_LINE_SIZE];
	char host[LOG_PRINTABLE_SIZE];
	terminal_escape(work->request->host, host, sizeof host);
	preflight_add(&work->preflight, FINDING_FIX, id, NULL, "%s %s; the Email Log has: %s", host, what,
	              words_line(words, line));
}

/* What the DNS says. False: there is nothing to connect to. */
static bool tell_targets(struct work *work, int *code_r)
{
	const struct probe_targets *targets = &work->targets;
	char host[LOG_PRINTABLE_SIZE];
	char other[LOG_PRINTABLE_SIZE];
	terminal_escape(work->request->host, host, sizeof host);
	terminal_escape(targets->unresolved, other, sizeof other);
	switch (targets->status) {
	case PROBE_DNS_FOUND:
		break;
	case PROBE_DNS_NULL_MX:
		tell_fix(work, "dns", "has the MX record \"0 .\": it takes no mail", WORDS_NULL_MX);
		return false;
	case PROBE_DNS_NO_ADDRESS:
		tell_fix(work, "dns",
		         targets->by_mx ? "has MX records whose hosts have no address"
		                        : "has neither an MX nor an address record",
		         WORDS_NO_ADDRESS);
		return false;
	case PROBE_DNS_NO_NAME:
		tell_fix(work, "dns", "is not in the DNS", WORDS_NO_ADDRESS);
		return false;
	case PROBE_DNS_FAILED:
		relayctl_complain("%s: the DNS does not answer", host);
		*code_r = RELAYCTL_TEMPFAIL;
		return false;
	case PROBE_DNS_NO_MEMORY:
		relayctl_complain("out of memory");
		*code_r = RELAYCTL_TEMPFAIL;
		return false;
	}
	bool own = false;
	for (size_t i = 0; i < targets->count; i++)
		own = own || span_equal_nocase(targets->targets[i].host, work->request->host);
	terminal_escape(targets->count > 0 ? targets->targets[0].host : span_of(""), other, sizeof other);
	if (targets->by_mx)
		preflight_add(
			&work->preflight, own ? FINDING_OK : FINDING_ADVICE, "mx", NULL,
			"%s has MX records, and Salesforce looks at those before its address: it connects to %s%s", host, other,
			own ? ""
				: ", whose name the certificate must have; to be independent of that use a host without MX records");
	terminal_escape(targets->unresolved, other, sizeof other);
	if (!span_absent(targets->unresolved))
		preflight_add(&work->preflight, FINDING_ADVICE, "mx-address", NULL, "the MX host %s has no address", other);
	if (targets->more)
		preflight_add(&work->preflight, FINDING_ADVICE, "addresses", NULL,
		              "there are more than %d addresses; the others are not looked at", PROBE_TARGETS_MAX);
	return true;
}

static void look_at(struct work *work, const struct probe_target *target, unsigned port)
{
	struct probe_plan plan = work->plan;
	char address[ADDRESS_TEXT_SIZE];
	address_format(&target->address, address);
	if (resolver_now_ms() >= plan.clock.end_ms) {
		preflight_add(&work->preflight, FINDING_ADVICE, "late", NULL,
		              "time ran out before %s:%u was looked at; see --timeout", address, port);
		return;
	}
	struct probe_view *view = &work->views[work->count++];
	plan.host = target->host;
	view->address = target->address;
	view->port = port;
	probe_relay(&plan, &work->arena, view);
}

static void look_at_all(struct work *work)
{
	bool some = false;
	for (size_t i = 0; i < work->targets.count; i++) {
		const struct probe_target *target = &work->targets.targets[i];
		bool answers[RELAY_PORTS] = { false };
		if (work->request->port != 0) {
			look_at(work, target, work->request->port);
			continue;
		}
		probe_ports(&work->plan.clock, &target->address, relay_ports, RELAY_PORTS, answers);
		for (size_t j = 0; j < RELAY_PORTS; j++)
			if (answers[j])
				look_at(work, target, relay_ports[j]);
		some = some || work->count > 0;
	}
	if (work->request->port == 0 && !some)
		tell_fix(work, "connect", "answers on none of the ports 25, 587, 10025 and 11025", WORDS_UNREACHABLE);
}

static void tell_views(struct work *work, long long now)
{
	struct relay_report report = { .preflight = &work->preflight,
		                           .now = now,
		                           .warn_days = (unsigned)work->request->warn_days,
		                           .cafile = work->request->tls.cafile };
	for (size_t i = 0; i < work->count; i++)
		report.some_deliver = report.some_deliver || relay_judge(&work->views[i].seen, RELAY_REQUIRED_VERIFY).delivers;
	for (size_t i = 0; i < work->count; i++) {
		char about[RELAY_ABOUT_SIZE];
		preflight_about(&work->preflight, relay_about(&work->views[i], about));
		relay_findings(&report, &work->views[i]);
	}
	preflight_about(&work->preflight, NULL);
	preflight_add(&work->preflight, FINDING_OK, "trust", NULL,
	              "certificates are trusted as %s says, not as Salesforce's own store, which is not public",
	              report.cafile ? "the file of --cafile" : "this system's store");
}

static int exit_code(const struct work *work)
{
	bool nagios = work->request->nagios;
	switch (preflight_worst(&work->preflight)) {
	case FINDING_OK:
		return RELAYCTL_GOOD;
	case FINDING_ADVICE:
		return nagios ? 1 : RELAYCTL_QUARANTINE;
	case FINDING_FIX:
		break;
	}
	return nagios ? 2 : RELAYCTL_REJECT;
}

static int present(const struct work *work, long long now)
{
	struct relay_view view = { &work->preflight, work->views, work->count, now, (unsigned)work->request->warn_days };
	bool good = !preflight_failed(&work->preflight) && !arena_failed(&work->arena);
	if (good && work->request->json)
		good = relay_present_json(stdout, &view);
	else if (good && work->request->nagios)
		relay_present_nagios(stdout, &view);
	else if (good)
		relay_present_plain(stdout, &view);
	if (good)
		return exit_code(work);
	relayctl_complain("out of memory");
	return RELAYCTL_TEMPFAIL;
}

static int check(struct work *work)
{
	const struct request *request = work->request;
	char problem[PROBE_TLS_PROBLEM_SIZE];
	char shown[LOG_PRINTABLE_SIZE];
	long long now = (long long)time(NULL);
	int code = RELAYCTL_GOOD;

	work->plan.clock.step_ms = (unsigned)request->seconds * 1000;
	work->plan.clock.end_ms = resolver_now_ms() + (long long)request->seconds * 1000 * STEPS_IN_ALL;
	work->plan.helo = request->helo;
	work->plan.recipient = request->open_relay ? request->recipient : NULL;
	work->views = calloc(VIEWS_MAX, sizeof *work->views);
	work->plan.tls = tls_context(&request->tls, problem);
	if (!work->plan.tls) {
		terminal_escape(span_of(problem), shown, sizeof shown);
		relayctl_complain("%s", shown);
		return RELAYCTL_INPUT;
	}
	if (!work->views) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	code = find_targets(work);
	if (code != RELAYCTL_GOOD)
		return code;
	if (tell_targets(work, &code)) {
		look_at_all(work);
		tell_views(work, now);
	}
	return code != RELAYCTL_GOOD ? code : present(work, now);
}

static int check_relay_main(int argc, char **argv)
{
	struct request request = { .warn_days = WARN_DAYS, .seconds = STEP_SECONDS };
	struct work work = { .request = &request };
	int code;

	signal(SIGPIPE, SIG_IGN);
	arena_init(&work.arena, 0);
	preflight_init(&work.preflight);
	bool over = parse(argc, argv, &request, &work.arena, &code);
	if (!over)
		code = check(&work);
	SSL_CTX_free(work.plan.tls);
	free(work.views);
	preflight_clear(&work.preflight);
	arena_clear(&work.arena);
	if (!request.nagios || code <= NAGIOS_UNKNOWN)
		return code;
	/* Monitors show standard output alone. */
	puts("RELAY UNKNOWN - it could not be found out; standard error says why");
	return NAGIOS_UNKNOWN;
}
