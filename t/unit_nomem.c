/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of memory: a message is run with the n-th allocation failing, for every n. Whatever fails, the message must be
 * deferred and everything released. The arena is built with chunks so small that each of its requests is one malloc().
 */
#include "core/edits.h"
#include "core/message_file.h"
#include "core/log_entry.h"
#include "core/reply.h"
#include "engine.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool counting;
static unsigned long calls;
static unsigned long fail_at; /* 0: never */

void *__wrap_malloc(size_t size)
{
	if (counting && ++calls == fail_at)
		return NULL;
	return __real_malloc(size);
}

static const char accepted[] = "Authentication-Results: relay.test; dkim=pass header.d=example.com\r\n"
							   "Authentication-Results: other.test; none\r\n"
							   "X-SFDC-Relay: forged\r\n"
							   "Date: Sat, 21 Nov 2026 02:00:00 +0000\r\n"
							   "From: \"Joe (the) Public\" <joe@example.com>\r\n"
							   "Sender: no-reply@salesforce.com\r\n"
							   "To: you@dest.test\r\n"
							   "Subject: =?utf-8?q?hello?=\r\n world\r\n"
							   "Message-ID: <1@sfdc.net>\r\n"
							   "MIME-Version: 1.0\r\n"
							   "Content-Type: text/plain\r\n"
							   "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from:to; bh=x; b=y\r\n"
							   "X-SFDC-LK: 00D8d000003TRx3\r\n"
							   "X-SFDCOrgRelay: 00D8d000003TRx3\r\n"
							   "\r\n"
							   "Hello\r\n";

static const char refused[] = "From: joe@example.com, evil@evil.test\r\nX-SFDC-LK: 00D8d000003TRx3\r\n\r\nx\r\n";

struct outcome {
	enum verdict verdict;
	bool planned;             /* the header edits could be planned */
	unsigned long until_plan; /* allocations up to that point */
};

/* One message, with one allocation failing; settings were made without. */
static struct outcome examine(const struct settings *settings, const char *text, const char *mail_from)
{
	static const struct span mailers[] = { SPAN_LITERAL("local"), SPAN_LITERAL("local") };
	struct test_evidence evidence = good_evidence();
	struct environment environment = test_environment(&evidence);
	struct examination examination = { 0 };
	struct message_file feed = { .session = good_session(), .mailers = mailers, .recipients = 2, .raw = span_of(text) };
	struct outcome outcome;
	struct edits edits;
	struct log_entry entry;

	feed.session.mail_from = span_of(mail_from);
	calls = 0;
	counting = true;
	message_file_feed(&examination, settings, &environment, span_of("1f"), &feed);
	outcome.verdict = examination.judgement.verdict;
	outcome.planned = edits_plan(&examination, &edits);
	outcome.until_plan = calls;
	log_entry_examination(&examination, &entry);
	examine_clear(&examination);
	counting = false;
	return outcome;
}

/* Every n up to the number of allocations of a run without failure. */
static void sweep(const struct settings *settings, const char *text, const char *mail_from, enum verdict verdict,
                  const char *what)
{
	fail_at = 0;
	struct outcome whole = examine(settings, text, mail_from);
	unsigned long total = calls;
	unsigned long wrong = 0;
	ok(whole.verdict == verdict && whole.planned && whole.until_plan > 20, "%s: %s, with %lu allocations", what,
	   verdict_name(whole.verdict), total);
	for (fail_at = 1; fail_at <= total; fail_at++) {
		struct outcome outcome = examine(settings, text, mail_from);
		bool deferred = outcome.verdict == VERDICT_TEMPFAIL || !outcome.planned;
		bool untouched = outcome.verdict == verdict && outcome.planned;
		if (fail_at <= whole.until_plan ? !deferred : !untouched) {
			wrong++;
			printf("# %s: allocation %lu of %lu: %s\n", what, fail_at, total, verdict_name(outcome.verdict));
		}
	}
	fail_at = 0;
	ok(wrong == 0, "%s: whichever of %lu allocations fails, the message is deferred", what, whole.until_plan);
}

int main(void)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	ok(settings_complete(settings, unite_options), "settings");
	settings->headers.add_to = ADD_TO_ALL;
	sweep(settings, accepted, "<joe@example.com>", VERDICT_ACCEPT, "accepted mail");
	sweep(
		settings, accepted,
		"<joe=example.com__0-1r12zvjmnf8rqu.l9azxrxo3x5g2pzm@xqfk2ane5qjq38ec.gpawymg.8d-3trx3eag.um8.bnc.salesforce.com>",
		VERDICT_ACCEPT, "bounce-managed mail");
	sweep(settings, refused, "<joe@example.com>", VERDICT_REJECT, "refused mail");
	settings->exempt_clients = networks(settings, "13.110.74.200/32");
	sweep(settings, accepted, "<joe@example.com>", VERDICT_EXEMPT, "exempt mail");
	settings_free(settings);
	return done_testing();
}
