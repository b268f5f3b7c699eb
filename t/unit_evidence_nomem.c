/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that runs out anywhere in the evidence: each allocation of an examination fails in turn. The message may be
 * deferred or, where the failure does no harm, be judged as ever; one that is to be refused is never accepted.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/loader.h"
#include "core/message_file.h"
#include "evidence/environment.h"
#include "evidence/waiter.h"
#include "tap.h"

static atomic_long left = -1; /* allocations until one fails; below 0: none fails */
static atomic_bool failed;

static bool fails(void)
{
	if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) != 0)
		return false;
	atomic_store(&failed, true);
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

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

/* RFC 8463, appendix A; nothing of it is kept in the cache. */
static const char records[] =
	"brisbane._domainkey.football.example.com. 0 IN CNAME key.football.example.com.\n"
	"key.football.example.com. 0 IN TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
	"football.example.com. 0 IN TXT \"v=spf1 mx -all\"\n"
	"football.example.com. 0 IN MX 10 football.example.com.\n"
	"football.example.com. 0 IN A 192.0.2.10\n"
	"_dmarc.football.example.com. 0 IN TXT \"v=DMARC1; p=reject; psd=n\"\n";

static const char message[] = "X-SFDC-LK: 00D8d000003TRx3EAG\n"
							  "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"
							  " d=football.example.com; i=@football.example.com;\n"
							  " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"
							  " subject : date : message-id : from : subject : date;\n"
							  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
							  " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"
							  " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n"
							  "From: Joe SixPack <joe@football.example.com>\n"
							  "To: Suzie Q <suzie@shopping.example.net>\n"
							  "Subject: Is dinner ready?\n"
							  "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
							  "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
							  "\n"
							  "Hi.\n"
							  "\n"
							  "We lost the game.  Are you hungry yet?\n"
							  "\n"
							  "Joe.\n";

static const char configuration[] =
	"mode: enforce\n"
	"dns: {nameservers: [127.0.0.1@1], local_data: %s}\n"
	"orgs:\n"
	"  00D8d000003TRx3EAG:\n"
	"    domains: [football.example.com]\n"
	"    reject_unless: dkim and spf and dmarc and ip\n"
	"    ip: {spf: [football.example.com]}\n"
	"    dkim: {max_age: 0, required_headers: [from], key_zones: [key.football.example.com]}\n";

static enum verdict run(const struct settings *settings, const struct environment *environment, struct span raw)
{
	static struct examination examination;
	struct span mailer = span_of("smtp");
	struct waiter waiter;
	struct message_file feed = {
		.mailers = &mailer, .recipients = 1, .raw = raw, .wait = waiter_wait, .wait_context = &waiter
	};

	feed.session.mta = MTA_POSTFIX;
	feed.session.mail_from = span_of("<joe@football.example.com>");
	address_parse(span_of("192.0.2.10"), &feed.session.client);
	waiter_init(&waiter);
	feed.terms.waker = waiter_waker(&waiter);
	message_file_feed(&examination, settings, environment, span_of("nomem"), &feed);
	enum verdict verdict = examination.judgement.verdict;
	examine_clear(&examination);
	waiter_destroy(&waiter);
	return verdict;
}

/* Fail the first allocation, the second, ... until the examination needs no more. */
static void run_all(const struct settings *settings, const struct environment *environment, const char *text,
                    enum verdict expected)
{
	unsigned deferred = 0;
	unsigned as_ever = 0;
	unsigned wrong = 0;
	bool enough = false;

	ok(run(settings, environment, span_of(text)) == expected, "%s, with memory", verdict_name(expected));
	for (long nth = 0; !enough && nth < 2000; nth++) {
		atomic_store(&failed, false);
		atomic_store(&left, nth);
		enum verdict verdict = run(settings, environment, span_of(text));
		atomic_store(&left, -1);
		enough = !atomic_load(&failed);
		deferred += verdict == VERDICT_TEMPFAIL;
		as_ever += verdict == expected;
		if (verdict != VERDICT_TEMPFAIL && verdict != expected) {
			printf("# allocation %ld: %s\n", nth, verdict_name(verdict));
			wrong++;
		}
	}
	printf("# %u deferred, %u as ever\n", deferred, as_ever);
	ok(enough && deferred > 10, "%s: every allocation failed once", verdict_name(expected));
	ok(wrong == 0, "%s: and the message was deferred, or judged as ever", verdict_name(expected));
}

/* What OpenSSL cannot do says nothing about the message. */
static void out_of_order(const struct settings *settings, const struct environment *environment)
{
	char error[EVIDENCE_ERROR_SIZE] = "";
	struct environment fresh;

	ok(evidence_environment_selftest(environment, error), "the built-in message is good");
	ok(evidence_environment_init(&fresh, settings, error), "fresh ports");
	EVP_set_default_properties(NULL, "fips=yes");
	ok(!evidence_environment_selftest(&fresh, error) && strstr(error, "rsa-sha256"), "without algorithms it is not: %s",
	   error);
	ok(run(settings, environment, span_of(message)) == VERDICT_TEMPFAIL,
	   "without algorithms a good message is deferred");
	ok(run(settings, &fresh, span_of(message)) == VERDICT_TEMPFAIL, "so it is with a key that is not decoded");
	EVP_set_default_properties(NULL, "");
	ok(run(settings, &fresh, span_of(message)) == VERDICT_ACCEPT, "with them it is accepted");
	evidence_environment_clear(&fresh);
}

int main(void)
{
	static char altered[sizeof message];
	char path[] = "/tmp/sfdc-nomem-XXXXXX";
	char text[sizeof configuration + sizeof path];
	char error[EVIDENCE_ERROR_SIZE] = "";
	struct problems problems;
	struct environment environment;
	int file = mkstemp(path);

	if (file < 0 || write(file, records, sizeof records - 1) != (ssize_t)sizeof records - 1)
		return 1;
	close(file);
	snprintf(text, sizeof text, configuration, path);
	problems_init(&problems);
	struct settings *settings = config_load_text("nomem.yaml", text, strlen(text), &problems);
	for (size_t i = 0; !settings && i < problems.count; i++)
		printf("# %s\n", problems.items[i].text);
	problems_clear(&problems);
	bool ready = settings && evidence_environment_init(&environment, settings, error);
	ok(ready, "ready%s%s", ready ? "" : ": ", ready ? "" : error);
	if (ready) {
		run_all(settings, &environment, message, VERDICT_ACCEPT);
		memcpy(altered, message, sizeof message);
		memcpy(strstr(altered, "lost"), "won ", 4);
		run_all(settings, &environment, altered, VERDICT_REJECT);
		out_of_order(settings, &environment);
		evidence_environment_clear(&environment);
	}
	unlink(path);
	settings_free(settings);
	return done_testing();
}
