#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/present.h"
#include "cmd/relayctl.h"
#include "cmd/session.h"
#include "core/feed.h"
#include "evidence/ports.h"
#include "evidence/waiter.h"

struct request {
	const char *config;
	const char *session_file;
	bool json;
	bool explain;
	bool trace;
	struct session session;
};

/* Flags beyond the session's; the session's keep the number of their key. */
enum flag { FLAG_SESSION = SESSION_KEYS, FLAG_RCPT, FLAG_JSON, FLAG_EXPLAIN, FLAG_TRACE, FLAG_CONFIG = 'c' };

static const struct option options[] = {
	{ "session", required_argument, NULL, FLAG_SESSION },
	{ "mta", required_argument, NULL, SESSION_MTA },
	{ "client-ip", required_argument, NULL, SESSION_CLIENT_IP },
	{ "client-name", required_argument, NULL, SESSION_CLIENT_NAME },
	{ "helo", required_argument, NULL, SESSION_HELO },
	{ "mail-from", required_argument, NULL, SESSION_MAIL_FROM },
	{ "rcpt", required_argument, NULL, FLAG_RCPT },
	{ "tls-version", required_argument, NULL, SESSION_TLS_VERSION },
	{ "cipher", required_argument, NULL, SESSION_CIPHER },
	{ "cipher-bits", required_argument, NULL, SESSION_CIPHER_BITS },
	{ "cert-subject", required_argument, NULL, SESSION_CERT_SUBJECT },
	{ "cn-subject", required_argument, NULL, SESSION_CN_SUBJECT },
	{ "cert-issuer", required_argument, NULL, SESSION_CERT_ISSUER },
	{ "cert-verify", required_argument, NULL, SESSION_CERT_VERIFY },
	{ "auth-type", required_argument, NULL, SESSION_AUTH_TYPE },
	{ "auth-authen", required_argument, NULL, SESSION_AUTH_AUTHEN },
	{ "json", no_argument, NULL, FLAG_JSON },
	{ "explain", no_argument, NULL, FLAG_EXPLAIN },
	{ "trace", no_argument, NULL, FLAG_TRACE },
	{ NULL, 0, NULL, 0 },
};

/* One flag. RELAYCTL_GOOD or the exit code; word is the argument that was read. */
static int take_flag(struct request *request, struct session *flags, int flag, const char *word)
{
	char problem[SESSION_PROBLEM_SIZE];

	if (flag == FLAG_CONFIG)
		request->config = optarg;
	else if (flag == FLAG_SESSION)
		request->session_file = optarg;
	else if (flag == FLAG_JSON)
		request->json = true;
	else if (flag == FLAG_EXPLAIN)
		request->explain = true;
	else if (flag == FLAG_TRACE)
		request->trace = true;
	else if (flag == '?')
		return relayctl_usage("check-message", "%s is no option", word);
	else if (flag == ':')
		return relayctl_usage("check-message", "%s needs a value", word);
	else if (flag == FLAG_RCPT && !session_recipient(flags, span_make(NULL, 0)))
		return relayctl_usage("check-message", "more than %d recipients", SESSION_RECIPIENTS_MAX);
	else if (flag < SESSION_KEYS && !session_set(flags, (enum session_key)flag, span_of(optarg), problem))
		return relayctl_usage("check-message", "%s", problem);
	return RELAYCTL_GOOD;
}

/* The session: what the file says, overridden by the flags. */
static int take_session(struct request *request, const struct session *flags)
{
	char problem[SESSION_PROBLEM_SIZE];
	struct address address;
	struct span content;

	if (request->session_file) {
		if (!relayctl_read(request->session_file, &content)) {
			relayctl_complain("%s: %s", request->session_file, strerror(errno));
			return RELAYCTL_INPUT;
		}
		bool good = session_read(&request->session, request->session_file, content, problem);
		free((void *)(uintptr_t)content.at);
		if (!good) {
			relayctl_complain("%s", problem);
			return RELAYCTL_INPUT;
		}
	}
	if (!session_override(&request->session, flags)) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	struct span client = request->session.values[SESSION_CLIENT_IP];
	if (client.length != 0 && !address_parse(client, &address))
		relayctl_complain("warning: client_ip is no IP address, so the client's address is not known");
	return RELAYCTL_GOOD;
}

static int parse(int argc, char **argv, struct request *request)
{
	static struct session flags; /* too large for the stack */
	int code = RELAYCTL_GOOD;
	int flag;

	session_init(&flags);
	opterr = 0;
	while (code == RELAYCTL_GOOD && (flag = getopt_long(argc, argv, ":c:", options, NULL)) != -1)
		code = take_flag(request, &flags, flag, argv[optind - 1]);
	if (code == RELAYCTL_GOOD && optind == argc)
		code = relayctl_usage("check-message", "no message is given");
	if (code == RELAYCTL_GOOD)
		code = take_session(request, &flags);
	session_clear(&flags);
	return code;
}

static void watch(void *context, const struct examination *examination)
{
	present_trace(context, examination);
}

static int exit_code(enum verdict outcome)
{
	switch (outcome) {
	case VERDICT_ACCEPT:
	case VERDICT_EXEMPT:
	case VERDICT_SKIP:
		return RELAYCTL_GOOD;
	case VERDICT_REJECT:
		return RELAYCTL_REJECT;
	case VERDICT_QUARANTINE:
		return RELAYCTL_QUARANTINE;
	case VERDICT_TEMPFAIL:
	case VERDICT_UNDECIDED:
		return RELAYCTL_TEMPFAIL;
	}
	return RELAYCTL_TEMPFAIL;
}

/* Present it; the exit code. */
static int show(const struct request *request, struct ports *ports, const char *file, struct examination *examination)
{
	struct view view;
	bool good = view_make(file, examination, &view);

	if (good && request->explain) {
		struct resolver *resolver = evidence_ports_resolver(ports);
		view.opinions = opinions_get(examination, resolver);
		resolver_drop(resolver);
	}
	if (good && request->json)
		good = present_json(stdout, &view);
	else if (good)
		present_plain(stdout, &view, request->explain);
	if (!good)
		relayctl_complain("%s: out of memory", file);
	return good ? exit_code(view_outcome(&view)) : RELAYCTL_TEMPFAIL;
}

static int check(const struct request *request, const struct settings *settings, struct ports *ports, const char *file)
{
	struct feed feed = { .mailers = request->session.mailers, .recipients = request->session.recipients };
	struct examination examination = { .gather_all = request->explain };
	struct waiter waiter;

	if (!relayctl_read(file, &feed.raw)) {
		relayctl_complain("%s: %s", file, strerror(errno));
		return RELAYCTL_INPUT;
	}
	if (feed.raw.length == 0) {
		relayctl_complain("%s: there is no message in it", file);
		free((void *)(uintptr_t)feed.raw.at);
		return RELAYCTL_INPUT;
	}
	session_input(&request->session, &feed.session);
	if (request->trace) {
		feed.watch = watch;
		feed.context = request->json ? stderr : stdout;
	}
	if (!waiter_init(&waiter)) {
		relayctl_complain("%s", strerror(errno));
		free((void *)(uintptr_t)feed.raw.at);
		return RELAYCTL_TEMPFAIL;
	}
	examination.waker = waiter_waker(&waiter);
	feed.wait = waiter_wait;
	feed.wait_context = &waiter;
	feed_message(&examination, settings, ports, span_of("check-message"), &feed);
	int code = show(request, ports, file, &examination);
	examine_clear(&examination);
	waiter_destroy(&waiter);
	free((void *)(uintptr_t)feed.raw.at);
	return code;
}

/* Of several messages the worst counts: unusable input, then reject, tempfail, quarantine. */
static int worse(int a, int b)
{
	static const int order[] = { RELAYCTL_INPUT, RELAYCTL_REJECT, RELAYCTL_TEMPFAIL, RELAYCTL_QUARANTINE };
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return RELAYCTL_GOOD;
}

static int check_all(const struct request *request, char **files)
{
	char error[EVIDENCE_ERROR_SIZE];
	struct ports ports;
	int code = RELAYCTL_GOOD;
	struct settings *settings = relayctl_settings(request->config, false);

	if (!settings)
		return RELAYCTL_CONFIG;
	if (!evidence_ports_init(&ports, settings, error)) {
		relayctl_complain("%s", error);
		settings_free(settings);
		return RELAYCTL_TEMPFAIL;
	}
	for (; *files; files++)
		code = worse(code, check(request, settings, &ports, *files));
	evidence_ports_clear(&ports);
	settings_free(settings);
	return code;
}

int check_message_main(int argc, char **argv)
{
	static struct request request; /* too large for the stack */
	request.config = RELAYCTL_CONFIG_FILE;
	session_init(&request.session);
	int code = parse(argc, argv, &request);
	if (code == RELAYCTL_GOOD)
		code = check_all(&request, argv + optind);
	session_clear(&request.session);
	return code;
}
