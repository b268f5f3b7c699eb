/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cost_probe N: run_messages() examines messages under a configuration of N organizations, for counting instructions;
 * cost_probe N counted: and counts them as the daemon does.
 * cost_probe claims N: run_claims() reads N bytes of each pattern as Authentication-Results.
 */
#include "core/authres_claim.h"
#include "core/edits.h"
#include "core/message_file.h"
#include "core/log_entry.h"
#include "engine.h"
#include "observe/counters.h"

static const char message[] =
	"Authentication-Results: relay.test; dkim=pass header.d=example.com\r\n"
	"Date: Sat, 21 Nov 2026 02:00:00 +0000\r\n"
	"From: Joe <joe@example.com>\r\nTo: you@dest.test\r\nSubject: hello\r\nMessage-ID: <1@sfdc.net>\r\n"
	"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nX-SFDC-LK: 00D8d000003TRx3\r\n\r\nHello\r\n";

/* Organization 0 is the one the message names; each further one has ten domains and ten networks of its own. */
static struct settings *settings_many(size_t count)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	sentence_set(settings, &settings->orgs[0].reject_unless,
	             "tls and message and org and from and envelope and verp and (cert or auth or ip)");
	struct org *orgs = arena_array(&settings->arena, count, sizeof *orgs);
	for (size_t i = 0; i < count; i++) {
		char text[64];
		orgs[i] = settings->orgs[0];
		if (i == 0)
			continue;
		snprintf(text, sizeof text, "00D8d%010zu", i);
		orgid_parse(span_of(text), &orgs[i].id);
		orgs[i].domains = set_new(&settings->arena, SET_NOCASE);
		orgs[i].ip.networks = network_set_new(&settings->arena);
		for (size_t j = 0; j < 10; j++) {
			struct network network;
			snprintf(text, sizeof text, "%sorg%zu-%zu.test", j % 2 ? "*." : "", i, j);
			pattern_add(orgs[i].domains, span_of(text));
			snprintf(text, sizeof text, "10.%zu.%zu.%zu/32", (i * 10 + j) >> 16, ((i * 10 + j) >> 8) & 255,
			         (i * 10 + j) & 255);
			network_parse(span_of(text), &network);
			network_set_add(orgs[i].ip.networks, &network);
		}
	}
	settings->orgs = orgs;
	settings->org_count = count;
	return settings_complete(settings, unite_options) ? settings : NULL;
}

__attribute__((noinline)) void run_messages(const struct settings *settings, struct loop_counters *counters);

void run_messages(const struct settings *settings, struct loop_counters *counters)
{
	static const struct span mailers[] = { SPAN_LITERAL("local") };
	for (unsigned i = 0; i < 10; i++) {
		struct test_evidence evidence = good_evidence();
		struct environment environment = test_environment(&evidence);
		struct examination examination = { 0 };
		struct message_file feed = {
			.session = good_session(), .mailers = mailers, .recipients = 1, .raw = span_of(message)
		};
		struct edits edits;
		struct log_entry entry;
		message_file_feed(&examination, settings, &environment, span_of("1f"), &feed);
		edits_plan(&examination, &edits);
		log_entry_examination(&examination, &entry);
		if (counters)
			counters_message(counters, &examination, 1);
		if (i == 0)
			printf("%s %zu\n", verdict_name(examination.judgement.verdict), edits.removal_count);
		examine_clear(&examination);
	}
}

__attribute__((noinline)) void run_claims(struct authres_ids *ids, struct span value);

void run_claims(struct authres_ids *ids, struct span value)
{
	bool claims;
	printf("%d", authres_claims(ids, value, &claims) && claims);
}

/* Whatever might make a reader look again at what he has seen. */
static int claims_main(size_t length)
{
	static const char *const patterns[] = {
		"(",
		")",
		"(x)",
		"((x)",
		"\"",
		"\\",
		";",
		"a;",
		"relay.tes",
		"relay.(x)tes",
		"=?",
		"=?utf-8?q?",
		"=?utf-8?q?a ",
		"=?utf-8?q??\x3d ",
		"=?utf-8?b?cmVs?= ",
		"\n ",
		"a.",
		"\xc3\xbc.",
	};
	struct arena arena;
	struct authres_ids ids;
	arena_init(&arena, 0);
	char *text = arena_alloc(&arena, length);
	for (size_t i = 0; text && i < sizeof patterns / sizeof patterns[0]; i++) {
		for (size_t at = 0; at < length; at++)
			text[at] = patterns[i][at % strlen(patterns[i])];
		if (!authres_ids_init(&ids, span_of("relay.xn--tst-bma"), NULL, NULL, &arena))
			return 1;
		run_claims(&ids, span_make(text, length));
	}
	putchar('\n');
	arena_clear(&arena);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "claims") == 0)
		return claims_main(strtoul(argv[2], NULL, 10));
	struct settings *settings = settings_many(argc > 1 ? strtoul(argv[1], NULL, 10) : 1);
	if (!settings)
		return 1;
	struct counters *counters = argc > 2 ? counters_new(2) : NULL;
	if (counters)
		counters_adopt(counters, settings);
	run_messages(settings, counters ? counters_of_loop(counters, 0) : NULL);
	settings_free(settings);
	counters_free(counters);
	return 0;
}
