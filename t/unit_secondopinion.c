/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second opinion on SPF: one row of a table is one check, evaluated by core/spf.h and by libspf2 with the same
 * answers; what libspf2 is known to do differently is told with its reason, and nothing it does harms its caller.
 */
#include "config.h"

#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <spf2/spf.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "evidence/secondopinion.h"
#include "tap.h"
#include "zone.h"

#define PATIENCE_MS 60000
#define X5 "%{i}%{i}%{i}%{i}%{i}"
#define X25 X5 X5 X5 X5 X5
#define IP4_8 " ip4:10.0.0.1 ip4:10.0.0.2 ip4:10.0.0.3 ip4:10.0.0.4 ip4:10.0.0.5 ip4:10.0.0.6 ip4:10.0.0.7 ip4:10.0.0.8"
#define IP4_56 IP4_8 IP4_8 IP4_8 IP4_8 IP4_8 IP4_8 IP4_8
#define IP6_5 " ip6:2001:db8::1 ip6:2001:db8::2 ip6:2001:db8::3 ip6:2001:db8::4 ip6:2001:db8::5"
#define IP6_25 IP6_5 IP6_5 IP6_5 IP6_5 IP6_5

static const struct zone_row zone[] = {
	/* Ordinary records. */
	{ "plain.example", RECORD_TXT, "some other text", 0 },
	{ "plain.example", RECORD_TXT, "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", 0 },
	{ "upper.example", RECORD_TXT, "V=SPF1 IP4:192.0.2.0/24 -ALL", 0 },
	{ "hosts.example", RECORD_TXT, "v=spf1 a mx:mail.example ?all", 0 },
	{ "hosts.example", RECORD_A, "192.0.2.1", 0 },
	{ "hosts.example", RECORD_AAAA, "2001:db8::1", 0 },
	{ "mail.example", RECORD_MX, "10 mx.mail.example", 0 },
	{ "mx.mail.example", RECORD_A, "192.0.2.2", 0 },
	{ "mx.mail.example", RECORD_AAAA, "2001:db8::2", 0 },
	{ "include.example", RECORD_TXT, "v=spf1 include:plain.example -all", 0 },
	{ "redirect.example", RECORD_TXT, "v=spf1 redirect=plain.example", 0 },
	{ "exists.example", RECORD_TXT, "v=spf1 exists:%{ir}.%{v}.%{l}.%{h}.list.example -all", 0 },
	{ "1.2.0.192.in-addr.joe.helo.example.list.example", RECORD_A, "127.0.0.2", 0 },
	{ "ptr.example", RECORD_TXT, "v=spf1 ptr -all", 0 },
	{ "3.2.0.192.in-addr.arpa", RECORD_PTR, "a.ptr.example", 0 },
	{ "a.ptr.example", RECORD_A, "192.0.2.3", 0 },
	{ "none.example", RECORD_TXT, "v=spf10 -all", 0 },
	{ "two.example", RECORD_TXT, "v=spf1 -all", 0 },
	{ "two.example", RECORD_TXT, "v=spf1 +all", 0 },
	{ "intwo.example", RECORD_TXT, "v=spf1 include:two.example -all", 0 },
	{ "innone.example", RECORD_TXT, "v=spf1 include:none.example -all", 0 },
	{ "servfail.example", RECORD_TXT, "!tempfail", 0 },
	{ "inservfail.example", RECORD_TXT, "v=spf1 include:servfail.example -all", 0 },
	{ "aservfail.example", RECORD_TXT, "v=spf1 a:a.servfail.example -all", 0 },
	{ "a.servfail.example", RECORD_A, "!bogus", 0 },
	/* Records on which libspf2 differs. */
	{ "full.example", RECORD_TXT,
	  "v=spf1" IP4_56 " ip4:10.1.0.1 ip4:10.1.0.2 ip4:10.1.0.3 ip4:10.1.0.4 ip4:10.1.0.5"
	  " ip4:10.1.0.6 ip4:10.1.0.7 -all",
	  0 },
	{ "many.example", RECORD_TXT, "v=spf1" IP4_56 IP4_8 " -all", 0 },
	{ "many6.example", RECORD_TXT, "v=spf1" IP6_25 " ip6:2001:db8::6 -all", 0 },
	{ "inmany.example", RECORD_TXT, "v=spf1 -include:many.example +all", 0 },
	{ "late.example", RECORD_TXT, "v=spf1" IP4_56 IP4_8 " ip4:192.0.2.1 ~all", 0 },
	{ "c.delimiter.example", RECORD_TXT, "v=spf1 exists:%{d2r_}.list.example -all", 0 },
	{ "parts.example", RECORD_TXT, "v=spf1 exists:%{d2}.list.example -all", 0 },
	{ "c.delimiter.example.list.example", RECORD_A, "127.0.0.2", 0 },
	{ "parts.example.list.example", RECORD_A, "127.0.0.2", 0 },
	{ "zero.example", RECORD_TXT, "v=spf1 ip4:0.0.0.0/0 -all", 0 },
	{ "zero6.example", RECORD_TXT, "v=spf1 ip6:::/0 -all", 0 },
	{ "azero.example", RECORD_TXT, "v=spf1 a/0 -all", 0 },
	{ "azero.example", RECORD_A, "10.0.0.1", 0 },
	{ "eleven.example", RECORD_TXT, "v=spf1 a a a a a a a a a a a:mx.mail.example -all", 0 },
	{ "eleven.example", RECORD_A, "10.0.0.1", 0 },
	{ "over.example", RECORD_TXT, "v=spf1 include:six.example include:seven.example ip4:192.0.2.2 -all", 0 },
	{ "six.example", RECORD_TXT, "v=spf1 a a a a a a -all", 0 },
	{ "six.example", RECORD_A, "10.0.0.1", 0 },
	{ "seven.example", RECORD_TXT, "v=spf1 a a a a a a a -all", 0 },
	{ "seven.example", RECORD_A, "10.0.0.1", 0 },
	{ "void.example", RECORD_TXT, "v=spf1 a:v1.gone.example a:v2.gone.example a:v3.gone.example ~all", 0 },
	{ "early.example", RECORD_TXT, "v=spf1 redirect=plain.example -all", 0 },
	{ "dotted.example", RECORD_TXT, "v=spf1 x.y=z -all", 0 },
	{ "comma.example", RECORD_TXT, "v=spf1 exists:%{l+,}.list.example -all", 0 },
	{ "slash.example", RECORD_TXT, "v=spf1 exists:%{l/}.list.example -all", 0 },
	{ "deep.example", RECORD_TXT, "v=spf1 exists:%{d129}.list.example -all", 0 },
	{ "label.example", RECORD_TXT, "v=spf1 include:%{l} -all", 0 },
	{ "joe", RECORD_TXT, "v=spf1 +all", 0 },
	{ "order.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "order.example", RECORD_MX, "20 a.servfail.example", 0 },
	{ "order.example", RECORD_MX, "10 mx.mail.example", 0 },
	{ "hosts11.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "hosts11.example", RECORD_MX, "10 mx.mail.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m1.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m2.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m3.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m4.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m5.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m6.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m7.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m8.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m9.example", 0 },
	{ "hosts11.example", RECORD_MX, "10 m10.example", 0 },
	{ "names11.example", RECORD_TXT, "v=spf1 ptr -all", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p1.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p2.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p3.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p4.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p5.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p6.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p7.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p8.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p9.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "a.names11.example", 0 },
	{ "11.2.0.192.in-addr.arpa", RECORD_PTR, "p10.example", 0 },
	{ "p1.example", RECORD_A, "192.0.2.99", 0 },
	{ "p2.example", RECORD_A, "192.0.2.99", 0 },
	{ "p3.example", RECORD_A, "192.0.2.99", 0 },
	{ "p4.example", RECORD_A, "192.0.2.99", 0 },
	{ "p5.example", RECORD_A, "192.0.2.99", 0 },
	{ "p6.example", RECORD_A, "192.0.2.99", 0 },
	{ "p7.example", RECORD_A, "192.0.2.99", 0 },
	{ "p8.example", RECORD_A, "192.0.2.99", 0 },
	{ "p9.example", RECORD_A, "192.0.2.99", 0 },
	{ "p10.example", RECORD_A, "192.0.2.99", 0 },
	{ "a.names11.example", RECORD_A, "192.0.2.99", 0 },
	{ "badptr.example", RECORD_TXT, "v=spf1 ptr -all", 0 },
	{ "4.2.0.192.in-addr.arpa", RECORD_PTR, "!tempfail", 0 },
	{ "loop.example", RECORD_TXT, "v=spf1 -all", 0 },
	{ "looppass.example", RECORD_TXT, "v=spf1 ip4:127.0.0.0/8 -all", 0 },
	/* Attacks. */
	{ "crash.example", RECORD_TXT, "v=spf1 -all exp=exp.crash.example", 0 },
	{ "exp.crash.example", RECORD_TXT, X25 X25 X25 X25 X25 "%{i}%{i}x", 0 },
	{ "crash2.example", RECORD_TXT, "v=spf1 -all exp=exp.crash2.example", 0 },
	{ "exp.crash2.example", RECORD_TXT,
	  "%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc"
	  "%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc%{S}abc",
	  0 },
	{ "nul.example", RECORD_TXT, "v=spf1 +all\0 -all", 17 },
	{ "broken.example", RECORD_TXT, "v=spf1 ip4:192.0.2.1/032 -all", 0 },
	{ "inbroken.example", RECORD_TXT, "v=spf1 include:broken.example -all", 0 },
	{ "twobroken.example", RECORD_TXT, "v=spf1 -all", 0 },
	{ "twobroken.example", RECORD_TXT, "v=spf1 what", 0 },
	{ NULL, RECORD_A, NULL, 0 },
};

static struct arena arena;

/* fan.example includes nine names, each of which includes nine, and so on to the fourth floor. */
static const struct answer *fan(const struct question *question)
{
	static const struct span root = SPAN_LITERAL("fan.example");
	struct answer *answer = arena_alloc(&arena, sizeof *answer);
	struct answer_record *record = arena_alloc(&arena, sizeof *record);
	char text[512] = "v=spf1";

	if (!answer || !record)
		abort();
	for (int i = 1; i <= 9 && question->name.length < root.length + 8; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), " include:%d.%.*s", i, (int)question->name.length,
		         question->name.at);
	record->text = span_of(arena_text(&arena, span_of(text)));
	answer->status = ANSWER_FOUND;
	answer->count = 1;
	answer->records = record;
	return answer;
}

/* Answers from the zone; explanations must never be asked for; after so many questions there is silence. */
struct desk {
	unsigned asked;
	unsigned silent_after; /* 0: never */
	bool explained;
};

static const struct answer *from_zone(void *context, const struct question *question, long long deadline_ms)
{
	struct desk *desk = context;
	(void)deadline_ms;
	desk->explained |= span_starts_nocase(question->name, span_of("exp."));
	if (++desk->asked > desk->silent_after && desk->silent_after != 0)
		return NULL;
	if (question->type == RECORD_TXT && span_ends_nocase(question->name, span_of("fan.example")))
		return fan(question);
	return zone_answer(&arena, zone, question);
}

static long long in_ms(long long ms)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
}

static struct secondopinion ask(const char *domain, const char *client, struct desk *desk, long long ms)
{
	struct spf_input input = { .domain = span_of(domain), .local = span_of("joe"), .helo = span_of("helo.example") };
	struct secondopinion_source source = { desk, from_zone };
	struct secondopinion opinion;

	if (!address_parse(span_of(client), &input.client))
		abort();
	memset(&opinion, 0xff, sizeof opinion);
	secondopinion_get(&input, &source, in_ms(ms), &opinion);
	return opinion;
}

static const char *const statuses[] = { "failed", "given", "withheld", "crashed", "late" };

static const struct {
	const char *domain;
	const char *client;
	enum spf_result ours;
	enum spf_result theirs;
	const char *because; /* NULL: they agree */
} given[] = {
	{ "plain.example", "192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "plain.example.", "192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "plain.example", "::ffff:192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "plain.example", "198.51.100.1", SPF_SOFTFAIL, SPF_SOFTFAIL, NULL },
	{ "plain.example", "2001:db8::1", SPF_PASS, SPF_PASS, NULL },
	{ "upper.example", "192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "upper.example", "198.51.100.1", SPF_FAIL, SPF_FAIL, NULL },
	{ "hosts.example", "192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "hosts.example", "192.0.2.2", SPF_PASS, SPF_PASS, NULL },
	{ "hosts.example", "2001:db8::2", SPF_PASS, SPF_PASS, NULL },
	{ "hosts.example", "192.0.2.9", SPF_NEUTRAL, SPF_NEUTRAL, NULL },
	{ "include.example", "192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "include.example", "198.51.100.1", SPF_FAIL, SPF_FAIL, NULL },
	{ "redirect.example", "198.51.100.1", SPF_SOFTFAIL, SPF_SOFTFAIL, NULL },
	{ "exists.example", "192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "exists.example", "192.0.2.2", SPF_FAIL, SPF_FAIL, NULL },
	{ "ptr.example", "192.0.2.3", SPF_PASS, SPF_PASS, NULL },
	{ "none.example", "192.0.2.1", SPF_NONE, SPF_NONE, NULL },
	{ "gone.example", "192.0.2.1", SPF_NONE, SPF_NONE, NULL },
	{ "two.example", "192.0.2.1", SPF_PERMERROR, SPF_PERMERROR, NULL },
	{ "intwo.example", "192.0.2.1", SPF_PERMERROR, SPF_PERMERROR, NULL },
	{ "innone.example", "192.0.2.1", SPF_PERMERROR, SPF_PERMERROR, NULL },
	{ "servfail.example", "192.0.2.1", SPF_TEMPERROR, SPF_TEMPERROR, NULL },
	{ "inservfail.example", "192.0.2.1", SPF_TEMPERROR, SPF_TEMPERROR, NULL },
	{ "aservfail.example", "192.0.2.1", SPF_TEMPERROR, SPF_TEMPERROR, NULL },

	{ "full.example", "192.0.2.1", SPF_FAIL, SPF_FAIL, NULL },
	{ "many.example", "192.0.2.1", SPF_FAIL, SPF_NEUTRAL, "63 of ip4" },
	{ "many.example", "10.0.0.1", SPF_PASS, SPF_PASS, NULL },
	{ "many6.example", "192.0.2.1", SPF_FAIL, SPF_NEUTRAL, "25 of ip6" },
	{ "inmany.example", "192.0.2.1", SPF_PASS, SPF_PASS, NULL },
	{ "late.example", "192.0.2.1", SPF_PASS, SPF_NEUTRAL, "drops the rest" },
	{ "c.delimiter.example", "192.0.2.1", SPF_PASS, SPF_FAIL, "%{d2}" },
	{ "parts.example", "192.0.2.1", SPF_PASS, SPF_FAIL, "%{d2}" },
	{ "zero.example", "192.0.2.1", SPF_PASS, SPF_PERMERROR, "prefix length of 0" },
	{ "zero6.example", "2001:db8::1", SPF_PASS, SPF_PERMERROR, "prefix length of 0" },
	{ "azero.example", "192.0.2.1", SPF_PASS, SPF_PERMERROR, "prefix length of 0" },
	{ "eleven.example", "192.0.2.2", SPF_PERMERROR, SPF_PASS, "one term more" },
	{ "over.example", "192.0.2.2", SPF_PERMERROR, SPF_PASS, "for each record alone" },
	{ "over.example", "198.51.100.1", SPF_PERMERROR, SPF_FAIL, "for each record alone" },
	{ "fan.example", "192.0.2.1", SPF_PERMERROR, SPF_TEMPERROR, "had to be stopped" },
	{ "void.example", "192.0.2.1", SPF_PERMERROR, SPF_SOFTFAIL, "void lookups" },
	{ "early.example", "198.51.100.1", SPF_FAIL, SPF_SOFTFAIL, "redirect=" },
	{ "dotted.example", "192.0.2.1", SPF_FAIL, SPF_PERMERROR, "dot in its name" },
	{ "comma.example", "192.0.2.1", SPF_FAIL, SPF_PERMERROR, "comma" },
	{ "slash.example", "192.0.2.1", SPF_FAIL, SPF_PERMERROR, "slash" },
	{ "deep.example", "192.0.2.1", SPF_FAIL, SPF_PERMERROR, "128 parts" },
	{ "label.example", "192.0.2.1", SPF_PERMERROR, SPF_PASS, "one label" },
	{ "order.example", "192.0.2.2", SPF_PASS, SPF_TEMPERROR, "lookup that failed" },
	{ "hosts11.example", "192.0.2.2", SPF_PERMERROR, SPF_PASS, "MX hosts" },
	{ "names11.example", "192.0.2.11", SPF_FAIL, SPF_PERMERROR, "ten names (PTR)" },
	{ "badptr.example", "192.0.2.4", SPF_FAIL, SPF_TEMPERROR, "(PTR)" },
	{ "loop.example", "127.0.0.1", SPF_FAIL, SPF_PASS, "loopback" },
	{ "loop.example", "127.9.9.9", SPF_FAIL, SPF_PASS, "loopback" },
	{ "loop.example", "::1", SPF_FAIL, SPF_PASS, "loopback" },

	{ "crash.example", "192.0.2.1", SPF_FAIL, SPF_FAIL, NULL },
	{ "crash2.example", "192.0.2.1", SPF_FAIL, SPF_FAIL, NULL },
};

static void test_given(void)
{
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct desk desk = { 0 };
		struct secondopinion opinion = ask(given[i].domain, given[i].client, &desk, PATIENCE_MS);
		bool because =
			given[i].because ? opinion.because && strstr(opinion.because, given[i].because) : !opinion.because;
		bool good = opinion.status == SECONDOPINION_GIVEN && opinion.ours == given[i].ours
		            && opinion.theirs == given[i].theirs && because && !desk.explained
		            && opinion.lookups <= SECONDOPINION_LOOKUPS_MAX;
		if (!ok(good, "%s from %s: %s, libspf2 %s", given[i].domain, given[i].client, spf_result_name(given[i].ours),
		        spf_result_name(given[i].theirs)))
			printf("# %s: %s, libspf2 %s %s, %u lookups\n", statuses[opinion.status], spf_result_name(opinion.ours),
			       spf_result_name(opinion.theirs), opinion.because ? opinion.because : "(same)", opinion.lookups);
		arena_clear(&arena);
	}
}

static const struct {
	const char *domain;
	const char *client;
	enum spf_result ours;
	const char *because;
} withheld[] = {
	{ "nul.example", "192.0.2.1", SPF_PERMERROR, "NUL" },
	{ "broken.example", "192.0.2.1", SPF_PERMERROR, "well-formed" },
	{ "inbroken.example", "192.0.2.1", SPF_PERMERROR, "well-formed" },
	{ "twobroken.example", "192.0.2.1", SPF_PERMERROR, "well-formed" },
	{ "looppass.example", "127.0.0.1", SPF_PASS, "loopback" },
	{ "nodots", "192.0.2.1", SPF_NONE, "several labels" },
	{ "a..example", "192.0.2.1", SPF_NONE, "several labels" },
	{ "", "192.0.2.1", SPF_NONE, "several labels" },
};

static void test_withheld(void)
{
	for (size_t i = 0; i < sizeof withheld / sizeof *withheld; i++) {
		struct desk desk = { 0 };
		struct secondopinion opinion = ask(withheld[i].domain, withheld[i].client, &desk, PATIENCE_MS);
		bool good = opinion.status == SECONDOPINION_WITHHELD && opinion.ours == withheld[i].ours && opinion.because
		            && strstr(opinion.because, withheld[i].because);
		if (!ok(good, "\"%s\" from %s: no opinion", withheld[i].domain, withheld[i].client))
			printf("# %s: %s %s\n", statuses[opinion.status], spf_result_name(opinion.ours),
			       opinion.because ? opinion.because : "");
		arena_clear(&arena);
	}
	struct desk desk = { 0 };
	struct spf_input input = { .domain = span_of("plain.example"), .helo = SPAN_LITERAL("a\0b") };
	struct secondopinion_source source = { &desk, from_zone };
	struct secondopinion opinion;
	address_parse(span_of("192.0.2.1"), &input.client);
	secondopinion_get(&input, &source, in_ms(PATIENCE_MS), &opinion);
	ok(opinion.status == SECONDOPINION_WITHHELD && opinion.ours == SPF_PASS, "NUL in the HELO name: no opinion");
	arena_clear(&arena);
}

/* What libspf2 does in the child instead of its work. */
static enum conduct { WORK, ABORT, OVERRUN, SPIN, SLEEP, QUIT, NO_MEMORY, BABBLE } conduct;

SPF_errcode_t __real_SPF_request_query_mailfrom(SPF_request_t *request, SPF_response_t **response);
SPF_errcode_t __wrap_SPF_request_query_mailfrom(SPF_request_t *request, SPF_response_t **response);

static void babble(void)
{
	char nonsense[4096];
	memset(nonsense, 0xfe, sizeof nonsense);
	for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
		if (send(fd, nonsense, sizeof nonsense, MSG_NOSIGNAL) > 0)
			break;
	pause();
}

SPF_errcode_t __wrap_SPF_request_query_mailfrom(SPF_request_t *request, SPF_response_t **response)
{
	switch (conduct) {
	case WORK:
		break;
	case ABORT:
		abort();
	case OVERRUN:
		raise(SIGSEGV);
		break;
	case SPIN:
		for (volatile int i = 0;; i++)
			;
	case SLEEP:
		for (;;)
			pause();
	case QUIT:
		_exit(0);
	case NO_MEMORY:
		_exit(2);
	case BABBLE:
		babble();
		break;
	}
	return __real_SPF_request_query_mailfrom(request, response);
}

static void test_misconduct(void)
{
	static const struct {
		enum conduct conduct;
		long long ms;
		enum secondopinion_status status;
		const char *what;
	} rows[] = {
		{ ABORT, PATIENCE_MS, SECONDOPINION_CRASHED, "it aborts" },
		{ OVERRUN, PATIENCE_MS, SECONDOPINION_CRASHED, "it is killed by a signal" },
		{ SPIN, 300, SECONDOPINION_LATE, "it loops" },
		{ SLEEP, 300, SECONDOPINION_LATE, "it waits for ever" },
		{ QUIT, PATIENCE_MS, SECONDOPINION_CRASHED, "it ends without a result" },
		{ NO_MEMORY, PATIENCE_MS, SECONDOPINION_FAILED, "it has no memory" },
		{ BABBLE, PATIENCE_MS, SECONDOPINION_CRASHED, "it talks nonsense" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct desk desk = { 0 };
		conduct = rows[i].conduct;
		struct secondopinion opinion = ask("plain.example", "192.0.2.1", &desk, rows[i].ms);
		if (!ok(opinion.status == rows[i].status && opinion.ours == SPF_PASS && !opinion.because, "%s: %s",
		        rows[i].what, statuses[rows[i].status]))
			printf("# %s\n", statuses[opinion.status]);
		arena_clear(&arena);
	}
	conduct = WORK;
}

/* Without answers both come to an end. The first question is that of core/spf.h, the second one libspf2's. */
static void test_silence(void)
{
	struct desk desk = { .silent_after = 1 };
	struct secondopinion opinion = ask("plain.example", "192.0.2.1", &desk, PATIENCE_MS);
	ok(opinion.status == SECONDOPINION_LATE && opinion.ours == SPF_PASS, "no answer for libspf2");
	arena_clear(&arena);
}

/* How the child that asks is confined; seen while it waits for its answer. */
static struct {
	bool seen;
	bool nobody;
	bool no_new_privileges;
	bool no_groups;
	unsigned descriptors;
	bool no_processes;
	bool no_files;
	bool no_writing;
} confined;

static pid_t only_child(void)
{
	char path[64];
	int child = 0;
	snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "%d", &child) != 1)
		child = 0;
	if (file)
		fclose(file);
	return child;
}

static void look_at(const char *name, pid_t child, void (*line_seen)(const char *line))
{
	char path[64];
	char line[256];
	snprintf(path, sizeof path, "/proc/%ld/%s", (long)child, name);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		line_seen(line);
	if (file)
		fclose(file);
}

static void see_status(const char *line)
{
	unsigned ids[4];
	if (sscanf(line, "Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4)
		confined.nobody = ids[0] != 0 && ids[1] != 0 && ids[2] != 0 && ids[3] != 0;
	if (sscanf(line, "Gid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4)
		confined.nobody = confined.nobody && ids[0] != 0 && ids[1] != 0 && ids[2] != 0 && ids[3] != 0;
	if (strncmp(line, "Groups:", 7) == 0)
		confined.no_groups = sscanf(line, "Groups: %u", &ids[0]) != 1;
	if (sscanf(line, "NoNewPrivs: %u", &ids[0]) == 1)
		confined.no_new_privileges = ids[0] == 1;
}

static void see_limits(const char *line)
{
	unsigned soft;
	unsigned hard;
	if (sscanf(line, "Max processes %u %u", &soft, &hard) == 2)
		confined.no_processes = soft == 0 && hard == 0;
	if (sscanf(line, "Max open files %u %u", &soft, &hard) == 2)
		confined.no_files = soft == 0 && hard == 0;
	if (sscanf(line, "Max file size %u %u", &soft, &hard) == 2)
		confined.no_writing = soft == 0 && hard == 0;
}

static const struct answer *look_and_answer(void *context, const struct question *question, long long deadline_ms)
{
	pid_t child = only_child();
	if (child != 0) {
		char path[64];
		confined.seen = true;
		look_at("status", child, see_status);
		look_at("limits", child, see_limits);
		snprintf(path, sizeof path, "/proc/%ld/fd", (long)child);
		DIR *folder = opendir(path);
		confined.descriptors = 0;
		for (const struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
			confined.descriptors += entry->d_name[0] != '.';
		if (folder)
			closedir(folder);
	}
	return from_zone(context, question, deadline_ms);
}

static void test_confined(void)
{
	struct desk desk = { 0 };
	struct spf_input input = { .domain = span_of("plain.example"), .helo = span_of("helo.example") };
	struct secondopinion_source source = { &desk, look_and_answer };
	struct secondopinion opinion;
	address_parse(span_of("192.0.2.1"), &input.client);
	secondopinion_get(&input, &source, in_ms(PATIENCE_MS), &opinion);
	ok(opinion.status == SECONDOPINION_GIVEN && confined.seen, "libspf2's process works while it is looked at");
	if (geteuid() == 0)
		ok(confined.nobody && confined.no_groups, "it is not root and in no group");
	ok(confined.no_new_privileges, "it can get no privileges back");
	ok(confined.descriptors == 4, "it has one way to its parent, and none elsewhere (%u descriptors)",
	   confined.descriptors);
	ok(confined.no_processes && confined.no_files && confined.no_writing,
	   "it starts nothing, opens nothing, writes no file");
	arena_clear(&arena);
}

int main(void)
{
	arena_init(&arena, 0);
	test_confined();
	test_given();
	test_withheld();
	test_misconduct();
	test_silence();
	arena_clear(&arena);
	return done_testing();
}
