/* SPDX-License-Identifier: BSD-2-Clause */
/* config: the option table, the forms of single values, diagnostics in order, and loading from memory. */
#include <stdlib.h>

#include "config/diagnostics.h"
#include "config/validators.h"
#include "config/loader.h"
#include "config/options.h"
#include "tap.h"

struct form_case {
	const char *text;
	const char *problem; /* a part of what is said; NULL: the text is valid */
};

static void test_form(const char *name, option_check check, const struct form_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char problem[OPTION_PROBLEM_SIZE] = "";
		bool good = check(span_of(cases[i].text), problem);
		bool right = cases[i].problem ? !good && strstr(problem, cases[i].problem) : good;
		ok(right, "%s [%s]%s%s", name, cases[i].text, good ? "" : " ", problem);
		if (!good)
			ok(strchr(problem, ';') != NULL, "%s says what to do", name);
	}
}

#define TEST_FORM(check, ...)                                                                                          \
	do {                                                                                                               \
		static const struct form_case cases[] = { __VA_ARGS__ };                                                       \
		test_form(#check, check, cases, sizeof cases / sizeof cases[0]);                                               \
	} while (0)

#define A10 "aaaaaaaaaa"
#define A50 A10 A10 A10 A10 A10

static void test_daemon_forms(void)
{
	TEST_FORM(validator_socket, { "unix:/run/x.sock", NULL }, { "inet:8891@127.0.0.1", NULL },
	          { "inet:8891@localhost", NULL }, { "inet6:8891@::1", NULL }, { "inet:65535@mx.example.com", NULL },
	          { "unix:run/x.sock", "whole path" }, { "unix:", "names no file" }, { "unix:/run/", "names no file" },
	          { "/run/x.sock", "unix:" }, { "local:/run/x", "unix:" }, { "inet:8891", "no host" },
	          { "inet:0@127.0.0.1", "no port" }, { "inet:65536@127.0.0.1", "no port" },
	          { "inet:@127.0.0.1", "no port" }, { "inet:8891@::1", "IPv4" }, { "inet6:8891@127.0.0.1", "IPv6" },
	          { "inet6:8891@IPv6:::1", "IPv6" }, { "inet:8891@a b", "no host" },
	          { "INET:8891@127.0.0.1", "is no socket" }, { "", "is no socket" }, { "unix:/" A50 A50 "aaaaaa", NULL },
	          { "unix:/" A50 A50 "aaaaaaa", "107" });
	TEST_FORM(validator_user, { "sfdc-milter", NULL }, { "root", NULL }, { "_x9.y", NULL }, { "", "names no user" },
	          { "-x", "no user name" }, { "1000", "no user name" }, { "a b", "no user name" },
	          { "a:b", "no user name" }, { A10 A10 A10 "aaa", "no user name" });
	TEST_FORM(validator_group, { "", NULL }, { "postfix", NULL }, { "0", "no group name" }, { "a/b", "no group name" });
	TEST_FORM(validator_pidfile, { "", NULL }, { "/run/x.pid", NULL }, { "x.pid", "whole path" },
	          { "/run/", "whole path" });
	TEST_FORM(validator_nameserver, { "127.0.0.1", NULL }, { "::1@5353", NULL }, { "9.9.9.9@53", NULL },
	          { "dns.example.com", "is no resolver" }, { "127.0.0.1@", "no port" }, { "127.0.0.1@0", "no port" },
	          { "127.0.0.1:53", "is no resolver" }, { "127.0.0.1@65536", "no port" }, { "IPv6:::1", "is no resolver" },
	          { "", "is no resolver" });
}

static void test_header_forms(void)
{
	TEST_FORM(validator_authserv_id, { "", NULL }, { "relay.example.com", NULL }, { "mx_1", NULL },
	          { "a b", "identifier" }, { "a;b", "identifier" }, { "a/b", "identifier" }, { "\"a\"", "identifier" },
	          { "a=b", "identifier" });
	TEST_FORM(validator_own_id, { "relay", NULL }, { "", "identifier" }, { "r\xc3\xa9lay", "identifier" },
	          { ".", "identifier" }, { "..", "identifier" }, { "relay.", NULL });
	TEST_FORM(validator_contact, { "", NULL }, { "see https://example.com/mail?a=100%", NULL },
	          { "caf\xc3\xa9", "ASCII" }, { "a\tb", "ASCII" }, { A50 A50 A50 A50, NULL },
	          { A50 A50 A50 A50 "a", "200" });
	TEST_FORM(validator_name, { "", NULL }, { "EU production (2)", NULL }, { "a\nb", "ASCII" },
	          { A50 A10 "aaaa", NULL }, { A50 A10 "aaaaa", "64" });
	TEST_FORM(validator_field, { "from", NULL }, { "X-Y_z", NULL }, { "", "header field" }, { "from:", "header field" },
	          { "a b", "header field" });
	TEST_FORM(validator_result_header, { "X-SFDC-Relay", NULL }, { "X-Policy", NULL }, { "Relay-Result", NULL },
	          { "Subject", "X-" }, { "received", "X-" }, { "Received-SPF", "X-" }, { "X-SFDC-LK", "X-" },
	          { "x-sfdcorgrelay", "X-" }, { "X-SFDC-X-Mine", "X-" }, { "Authentication-Results", "X-" },
	          { "DKIM-Signature", "X-" }, { "ARC-Seal", "X-" }, { "List-Id", "X-" }, { "Content-Type", "X-" },
	          { "Resent-From", "X-" }, { "X Y", "plain" }, { "X:", "plain" }, { "", "field name" });
}

static void test_check_forms(void)
{
	TEST_FORM(validator_pattern, { "example.com", NULL }, { "*.example.com", NULL }, { "EXAMPLE.com", NULL },
	          { "xn--exmple-cua.com", NULL }, { "localhost", NULL }, { "*", "wildcard" }, { "*.", "is empty" },
	          { "*example.com", "wildcard" }, { "a.*.com", "wildcard" }, { "*.*.com", "wildcard" },
	          { ".example.com", "\"*.\"" }, { "example.com.", "dot" }, { "ex\xc3\xa4mple.com", "A-label" },
	          { "*.ex\xc3\xa4mple.com", "A-label" }, { "192.0.2.1", "address" }, { "2001:db8::1", "address" },
	          { "user@example.com", "behind the @" }, { "https://example.com", "scheme" },
	          { "example.com:25", "scheme" }, { "a..b", "labels" }, { "-a.com", "labels" }, { "a_b.com", NULL },
	          { "*.a_b.com", NULL }, { "a!b.com", "labels" }, { "exam\xe2\x80\x8bple.com", "cannot be seen" },
	          { "", "empty" }, { "a b", "labels" });
	TEST_FORM(validator_dns_name, { "_spf.salesforce.com", NULL }, { "sfcrm", NULL }, { "*.example.com", "wildcard" },
	          { "192.0.2.1", "address" }, { "", "empty" }, { "a b", "labels" });
	TEST_FORM(validator_address, { "no-reply@salesforce.com", NULL }, { "a.b+c@x.example", NULL },
	          { "salesforce.com", "local@" }, { "@salesforce.com", "local@" }, { "a@", "local@" },
	          { "a@b@c.com", "plain" }, { "<a@b.com>", "local@" }, { "A <a@b.com", "plain" },
	          { "\"a\"@b.com", "plain" }, { "a@192.0.2.1", "local@" }, { "\xc3\xa9@b.com", "plain" },
	          { A50 A10 "aaaaa@b.com", "local@" });
	TEST_FORM(validator_mailer, { "relay", NULL }, { "*file*", NULL }, { "out-1", NULL }, { "", "mailer" },
	          { "re lay", "mailer" }, { "relay\t", "mailer" }, { "r\xc3\xa9", "mailer" });
	TEST_FORM(validator_mechanism, { "PLAIN", NULL }, { "SCRAM-SHA-256", NULL }, { "", "SASL" },
	          { "PLAIN LOGIN", "SASL" }, { A10 A10 "a", "SASL" });
	TEST_FORM(validator_some, { "x", NULL }, { "CN=a b", NULL }, { "", "empty" }, { " x", "white space" },
	          { "x\t", "white space" });
}

static void test_table(void)
{
	bool sound = true;
	for (size_t i = 0; i < option_count(); i++) {
		const struct option *option = option_at(i);
		sound = sound && option_find(option->scope, span_of(option->key)) == option && option_number(option) == i;
		sound = sound && option->help && option->help[0] != '\0' && strchr(option->help, '\n') == NULL;
		if (option->type == OPTION_CHOICE || option->type == OPTION_CHOICES)
			sound = sound && option->choices != NULL;
		if (option->type == OPTION_NUMBER || option->type == OPTION_DURATION || option->type == OPTION_OCTAL)
			sound = sound && option->min < option->max;
	}
	ok(sound, "every row is found by its own key and is complete");
	ok(option_find(OPTION_TOP, span_of("mode")) != option_find(OPTION_ORG, span_of("mode")), "scopes are told apart");
	ok(!option_find(OPTION_TOP, span_of("tls")) && option_is_section(OPTION_ORG, span_of("tls")),
	   "a section is no option");
	ok(!option_is_section(OPTION_TOP, span_of("tls")), "nor one of the other scope");
	ok(!option_is_section(OPTION_ORG, span_of("tl")) && !option_is_section(OPTION_ORG, span_of("")),
	   "nor a part of one");
	ok(!option_find(OPTION_TOP, span_make("mode\0junk", 9)), "a key with a NUL is none");
	ok(!option_find(OPTION_TOP, span_of("mod")) && !option_find(OPTION_TOP, span_of("modes")), "nor are neighbors");
}

static void test_findings(void)
{
	struct source first = { "a", 0, { NULL, 0 } };
	struct source second = { "b", 1, { NULL, 0 } };
	static const char *const wanted[] = { "a: one", "a:2:9: two", "a:2:10: three", "a:2:10: four", "b:1:1: five" };
	struct diagnostics diagnostics;
	struct problems problems;
	diagnostics_init(&diagnostics);
	problems_init(&problems);
	diagnostic_error(&diagnostics, (struct place) { &second, 1, 1 }, "five");
	diagnostic_warning(&diagnostics, (struct place) { &first, 2, 10 }, "three");
	diagnostic_error(&diagnostics, (struct place) { &first, 2, 10 }, "four");
	diagnostic_error(&diagnostics, (struct place) { &first, 2, 9 }, "two");
	diagnostic_warning(&diagnostics, (struct place) { &first, 0, 0 }, "one");
	diagnostics_deliver(&diagnostics, &problems);
	ok(problems.count == 5 && problems.errors == 3, "errors and warnings are counted");
	for (size_t i = 0; i < problems.count && i < 5; i++)
		is_text(problems.items[i].text, wanted[i], "findings come in the order of files, lines and columns");
	problems_add(&problems, PROBLEM_ERROR, "%s", "last");
	ok(problems.count == 6 && problems.errors == 4, "more can be added");
	problems_clear(&problems);
	ok(problems.count == 0 && !problems.items, "and all be released");
}

static void test_shown(void)
{
	is_text(shown(span_of("a b")).text, "\"a b\"", "a value is quoted");
	is_text(shown(span_make("a\0\n\x1b", 4)).text, "\"a\\x00\\x0a\\x1b\"", "control characters are escaped");
	ok(strstr(shown(span_of(A50 A50)).text, "...\"") != NULL, "a long one is cut");
	struct span accents = span_of("\xc3\xa9" A50 "aaaaaa\xc3\xa9" A50);
	ok(strstr(shown(accents).text, "\xc3\xa9...\"") != NULL, "but not within a character");
	static char controls[500];
	ok(strlen(shown(span_make(controls, sizeof controls)).text) < sizeof(struct shown), "escapes do not overflow");
	is_text(shown(span_of("a\xff\xc3 \xc2\x85\xed\xa0\x80")).text, "\"a\\xff\\xc3 \\xc2\\x85\\xed\\xa0\\x80\"",
	        "what is no UTF-8, and control characters in it, are escaped");
	is_text(shown_bare(span_of("a\x7f b")).text, "a\\x7f b", "without quotes too");
	ok(span_distance(span_of("domians"), span_of("domains")) == 1, "edit distance");
	ok(span_distance(span_of("Mode"), span_of("mode")) == 0, "without case");
}

static void test_place_text(void)
{
	struct source source = { "a\n\xff\xc3\xa9", 0, { NULL, 0 } };
	is_text(place_text((struct place) { &source, 0, 0 }).text, "a\\x0a\\xff\xc3\xa9", "a file name stays in its line");
	source.name = "/" A50 A50 A50 A50 A50 A50 A50 A50 A50 A50;
	struct place_text text = place_text((struct place) { &source, 12, 34 });
	ok(strstr(text.text, "aaa...:12:34") != NULL, "a long one is cut, the line is not");
}

static void test_text(void)
{
	static const char good[] = "orgs: {00D8d000003TRx3: {domains: [example.com]}}";
	struct problems problems;
	struct settings *settings = config_load_text("name", good, sizeof good - 1, &problems);
	ok(settings && problems.count == 0, "a configuration in memory is loaded");
	ok(settings && settings->org_count == 1 && settings->org_ids && settings->any.domains, "and completed");
	if (settings)
		is_text(settings->orgs[0].id.text, "00D8d000003TRx3EAG", "the long form of the ID is computed");
	problems_clear(&problems);
	settings_free(settings);

	settings = config_load_text("name", good, 0, &problems);
	ok(!settings && problems.errors == 1, "an empty text is an error");
	problems_clear(&problems);
	settings = config_load_text("name", "\0", 1, &problems);
	ok(!settings && problems.errors == 1, "so is a NUL");
	problems_clear(&problems);
	settings = config_load("/nonexistent/x.yaml", &problems);
	ok(!settings && problems.errors == 1, "so is a file that is not there");
	if (problems.count == 1)
		is_text(
			problems.items[0].text,
			"/nonexistent/x.yaml: cannot be read: No such file or directory; create it, as sfdc-milter.yaml(5) shows, or name another with -c",
			"which is named");
	problems_clear(&problems);
}

/* Whatever byte stands wherever: the loader says yes or no, never half. */
static void test_mutations(void)
{
	static const char text[] =
		"mode: monitor\nlog: {level: info}\norgs:\n  00D8d000003TRx3EAG:\n    domains: [a.example]\n"
		"    reject_unless: tls and\n      (from or dkim)\n";
	static const char bytes[] = "\0\t\n '\"#%&*,-:<>?@[]{|}!\xc3\x80";
	bool consistent = true;
	size_t refused = 0;
	char copy[sizeof text];
	for (size_t i = 0; i + 1 < sizeof text; i++)
		for (size_t b = 0; b + 1 < sizeof bytes; b++) {
			struct problems problems;
			memcpy(copy, text, sizeof text);
			copy[i] = bytes[b];
			struct settings *settings = config_load_text("name", copy, sizeof text - 1, &problems);
			consistent = consistent && (settings == NULL) == (problems.errors != 0) && !problems.no_memory;
			refused += settings == NULL;
			problems_clear(&problems);
			settings_free(settings);
		}
	ok(consistent, "every byte at every place: settings or an error, not both");
	ok(refused > 1000, "%zu of them refused", refused);
}

int main(void)
{
	test_table();
	test_daemon_forms();
	test_header_forms();
	test_check_forms();
	test_findings();
	test_shown();
	test_place_text();
	test_text();
	test_mutations();
	return done_testing();
}
