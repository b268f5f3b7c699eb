/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_nomem: a load in which one request for memory fails, or all from one on, gives no settings and says so; what
 * was taken is released. The arena is built with chunks so small that each of its requests is one malloc().
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <unistd.h>

#include "config/live.h"
#include "config/loader.h"
#include "tap.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

static size_t requests;
static size_t fail_at; /* 0 = never */
static bool fail_on;   /* so do all that follow */

static bool fails(void)
{
	requests++;
	return fail_at != 0 && (requests == fail_at || (fail_on && requests > fail_at));
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	return fails() ? NULL : __real_realloc(block, size);
}

static const char good[] =
	"exempt_clients: [10.0.0.0/16]\n"
	"user: root\n"
	"include: [included.yaml, none*]\n"
	"defaults: {ip: {networks: [192.0.2.0/24], networks_file: networks}, reject_unless: tls and (ip or from)}\n"
	"orgs:\n"
	"  00D8d000003TRx3: {domains: [example.com, \"*.example.com\"], name: a, mode: enforce, ip: {networks: []},\n"
	"    warn_unless: spf, cert: {issuers: [x]}, auth: {users: [u]}, quarantine_unless: auth, dkim: {selectors: [s]},\n"
	"    envelope: {null_sender: no}, message: {senders: [a@b.example]}}\n"
	"  00DA0000000Hu5aMAC: {domains: [example.com], reject_unless: \"\", mode: enforce}\n";

static const char bad[] =
	"mode: x\nuser: [a]\norgs: {00D8d000003TRx3: {domains: [\xc3\xa4.b], warn_unless: 'tls and x'}}\n";

/* Returns whether the load went as it would with memory enough. */
static bool load(const char *path, const char *text, size_t length, size_t at, bool on, bool *sound)
{
	struct problems problems;
	requests = 0;
	fail_at = at;
	fail_on = on;
	struct settings *settings = text ? config_load_text("name", text, length, &problems) : config_load(path, &problems);
	bool touched = at != 0 && requests >= at;
	fail_at = 0;
	if (touched && (settings || (problems.errors == 0 && !problems.no_memory)))
		*sound = false;
	problems_clear(&problems);
	settings_free(settings);
	return !touched;
}

static void test_load(const char *name, const char *path, const char *text, size_t length)
{
	for (int on = 0; on < 2; on++) {
		bool sound = true;
		size_t at = 1;
		while (!load(path, text, length, at, on != 0, &sound))
			at++;
		ok(sound && at > 20, "%s: %zu places, %s", name, at - 1, on ? "all from one on fail" : "one fails");
	}
}

static bool write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	bool good_write = file && fputs(text, file) >= 0;
	return file && fclose(file) == 0 && good_write;
}

static void test_files(void)
{
	char folder[] = "/tmp/unit_config_nomem.XXXXXX";
	char names[3][64];
	if (!mkdtemp(folder)) {
		ok(false, "a folder for files");
		return;
	}
	snprintf(names[0], sizeof names[0], "%s/main.yaml", folder);
	snprintf(names[1], sizeof names[1], "%s/included.yaml", folder);
	snprintf(names[2], sizeof names[2], "%s/networks", folder);
	ok(write_file(names[0], good) && write_file(names[1], "orgs: {00DgL00000Fp7YHUAZ: {}}\n")
	       && write_file(names[2], "10.0.0.0/24\n10.1.0.0/24\n"),
	   "files are written");
	bool sound = true;
	struct problems problems;
	struct settings *settings = config_load(names[0], &problems);
	ok(settings && settings->org_count == 3 && problems.errors == 0 && problems.count > 4, "the configuration is good");
	for (size_t i = 0; !settings && i < problems.count; i++)
		printf("# %s\n", problems.items[i].text);
	problems_clear(&problems);
	settings_free(settings);
	ok(load(names[0], NULL, 0, 0, false, &sound) && sound, "and loads with memory enough");
	test_load("files", names[0], NULL, 0);
	for (size_t i = 0; i < 3; i++)
		unlink(names[i]);
	rmdir(folder);
}

static void test_live(void)
{
	for (size_t at = 1; at < 3; at++) {
		struct settings *settings = settings_new();
		requests = 0;
		fail_at = at;
		struct live *live = live_new(settings);
		fail_at = 0;
		ok(!live, "without memory nothing is put in force");
	}
	struct live *live = live_new(settings_new());
	struct settings *other = settings_new();
	struct snapshot *before = live_take(live);
	requests = 0;
	fail_at = 1;
	ok(!live_replace(live, other), "nor replaced");
	fail_at = 0;
	struct snapshot *after = live_take(live);
	ok(before == after, "the old settings stay in force");
	snapshot_drop(before);
	snapshot_drop(after);
	live_free(live);
}

int main(void)
{
	test_files();
	test_load("errors", NULL, bad, sizeof bad - 1);
	test_live();
	return done_testing();
}
