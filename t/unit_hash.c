/* SPDX-License-Identifier: BSD-2-Clause */
/* hash: which configurations are the same for a fleet. */
#include "config.h"

#include "config/hash.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/loader.h"
#include "tap.h"

#define ORGS                                                                                                           \
	"orgs:\n  00D8d000003TRx3EAG: {domains: [example.com, example.org]}\n  00DA0000000Hu5aMAC: {domains: [b.example]}\n"

static char *hash_of(const char *text)
{
	struct problems problems;
	struct settings *settings = config_load_text("test.yaml", text, strlen(text), &problems);
	char *hash = strdup(settings ? settings->hash : "none");
	if (!settings)
		for (size_t i = 0; i < problems.count; i++)
			printf("# %s\n", problems.items[i].text);
	problems_clear(&problems);
	settings_free(settings);
	return hash;
}

static void compare(const char *a, const char *b, bool same, const char *what)
{
	char *first = hash_of(a);
	char *second = hash_of(b);
	ok(strlen(first) == 16 && strlen(second) == 16 && (strcmp(first, second) == 0) == same, "%s: %s", what,
	   same ? "the same" : "another");
	free(first);
	free(second);
}

static void test_options(void)
{
	static const struct {
		const char *text;
		bool same;
		const char *what;
	} rows[] = {
		{ "# a comment\n" ORGS, true, "comments" },
		{ "mode: monitor\n" ORGS, true, "a default that is written out" },
		{ "orgs:\n  00DA0000000Hu5aMAC: {domains: [b.example]}\n  00D8d000003TRx3: {domains: [example.org, example.com]}\n",
		  true, "another order, a short ID" },
		{ "socket: unix:/run/other\n" ORGS, true, "socket" },
		{ "pidfile: /run/pid\n" ORGS, true, "pidfile" },
		{ "authserv_id: relay2.example.com\n" ORGS, true, "authserv_id" },
		{ "metrics: {listen: \"inet:9471@127.0.0.1\"}\n" ORGS, true, "metrics.listen" },
		{ "mode: enforce\n" ORGS, false, "mode" },
		{ "message_timeout: 21\n" ORGS, false, "a number" },
		{ "deadline_warning: [2h, 20h]\n" ORGS, false, "durations" },
		{ "exempt_clients: [192.0.2.1/32]\n" ORGS, false, "networks" },
		{ "monitor_floor: cert\n" ORGS, false, "a sentence" },
		{ "headers: {own_ids: [x.example]}\n" ORGS, false, "a list" },
		{ "defaults: {limit: {messages: 5/1h}}\n" ORGS, false, "a rate" },
		{ "limits: {store: \"redis://u:p@h\"}\n" ORGS, false, "a store" },
		{ "orgs:\n  00D8d000003TRx3EAG: {domains: [example.com, b.example]}\n  00DA0000000Hu5aMAC: {domains: [example.org]}\n",
		  false, "domains that change places" },
		{ "orgs:\n  00D8d000003TRx3EAG: {domains: [example.com, example.org]}\n", false, "one organization less" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		compare(ORGS, rows[i].text, rows[i].same, rows[i].what);
	compare("limits: {store: \"redis://u:p@h\"}\n" ORGS, "limits: {store: \"redis://u:q@h\"}\n" ORGS, true,
	        "another password");
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

static void test_files(void)
{
	char folder[] = "/tmp/sfdc-hash.XXXXXX";
	char first[64];
	char second[64];
	char with_first[512];
	char with_second[512];
	if (!mkdtemp(folder))
		return;
	snprintf(first, sizeof first, "%s/1", folder);
	snprintf(second, sizeof second, "%s/2", folder);
	snprintf(with_first, sizeof with_first, "dns: {local_data: %s}\ndefaults: {ip: {networks_file: %s}}\n" ORGS, first,
	         first);
	snprintf(with_second, sizeof with_second, "dns: {local_data: %s}\ndefaults: {ip: {networks_file: %s}}\n" ORGS,
	         second, second);
	put_file(first, "192.0.2.0/24\n");
	put_file(second, "192.0.2.0/24\n");
	compare(with_first, with_second, true, "the same content under another name");
	put_file(second, "192.0.2.0/25\n");
	compare(with_first, with_second, false, "other content");
	unlink(first);
	unlink(second);
	rmdir(folder);
}

int main(void)
{
	test_options();
	test_files();
	return done_testing();
}
