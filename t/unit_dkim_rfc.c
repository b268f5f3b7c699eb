/* SPDX-License-Identifier: BSD-2-Clause */
/* The signed messages of RFC 6376 and RFC 8463, through the walk and OpenSSL, cut anywhere and changed everywhere. */
#include "core/dkim_walk.h"

#include "dkim_all.h"
#include "engine.h"
#include "evidence/dkim_keys.h"

#define FIELDS                                                                                                         \
	"From: Joe SixPack <joe@football.example.com>\r\n"                                                                 \
	"To: Suzie Q <suzie@shopping.example.net>\r\n"                                                                     \
	"Subject: Is dinner ready?\r\n"                                                                                    \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                                                                  \
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
#define BODY "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"

/* RFC 6376, appendices A.2 and C. */
static const char rfc6376[] = "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
							  "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
							  "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
							  "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
							  "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
							  "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
							  "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
							  "      4bmp/YzhwvcubU4=;\r\n"
							  "Received: from client1.football.example.com  [192.0.2.1]\r\n"
							  "      by submitserver.example.com with SUBMISSION;\r\n"
							  "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" FIELDS "\r\n" BODY;

/* RFC 8463, appendix A.3. */
static const char rfc8463[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
							  " d=football.example.com; i=@football.example.com;\r\n"
							  " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
							  " subject : date : message-id : from : subject : date;\r\n"
							  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
							  " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
							  " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
							  "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
							  " d=football.example.com; i=@football.example.com;\r\n"
							  " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
							  " date : message-id : from : subject : date;\r\n"
							  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
							  " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
							  " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
							  " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n" FIELDS "\r\n" BODY;

static const struct {
	const char *name;
	const char *record;
} zone[] = {
	{ "brisbane._domainkey.example.com",
	  "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ij"
	  "Ssq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB" },
	{ "brisbane._domainkey.football.example.com",
	  "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" },
	{ "test._domainkey.football.example.com",
	  "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byY"
	  "zCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB" },
};

static struct settings *settings;
static struct dkim_environment environment;

static enum relation relation(const void *context, struct span signer, struct span author)
{
	(void)context;
	return span_equal(signer, author) ? RELATION_EQUAL : RELATION_PARENT;
}

struct run {
	struct arena arena;
	struct facts facts;
	struct dkim_walk *walk;
};

static bool take(void *context, struct span name, struct span value)
{
	struct run *run = context;
	facts_field(&run->facts, name, value, true);
	dkim_walk_field(run->walk, run->facts.header.latest);
	return true;
}

static void answer_all(struct run *run)
{
	const struct question *question;
	const struct signature *signature;
	while ((question = dkim_walk_next(run->walk, &signature))) {
		struct answer *answer = arena_alloc(&run->arena, sizeof *answer);
		struct answer_record *record = arena_alloc(&run->arena, sizeof *record);
		for (size_t i = 0; i < sizeof zone / sizeof zone[0]; i++)
			if (span_equal(question->name, span_of(zone[i].name)))
				record->text = span_of(zone[i].record);
		answer->status = span_absent(record->text) ? ANSWER_NXDOMAIN : ANSWER_FOUND;
		answer->count = !span_absent(record->text);
		answer->records = record;
		dkim_walk_answer(run->walk, question, answer);
	}
}

/* The reason of each signature's outcome (REASON_NONE: it passes), with the body cut at that place. */
static size_t judge_message(struct span raw, size_t cut, bool *over_after_header_r, enum reason reasons_r[4])
{
	static struct run run;
	struct session_input input = good_session();
	struct span body;
	unsigned defects;
	arena_init(&run.arena, 0);
	facts_begin(&run.facts, &run.arena, NULL, settings, &input);
	run.walk = dkim_walk_new(settings, &run.facts, &environment);
	message_split(raw, take, &run, &body, &defects);
	facts_header_end(&run.facts, 1800000000);
	dkim_walk_header_end(run.walk);
	dkim_verify_all(run.walk);
	answer_all(&run);
	*over_after_header_r = run.facts.dkim.complete;
	dkim_walk_body(run.walk, span_slice(body, 0, cut));
	dkim_walk_body(run.walk, span_slice(body, cut, body.length));
	dkim_walk_body_end(run.walk);
	size_t count = run.facts.dkim.count;
	for (size_t i = 0; i < count && i < 4; i++) {
		const struct result *outcome = &run.facts.dkim.signatures[i].outcome;
		reasons_r[i] = outcome->code == RESULT_PASS ? REASON_NONE : outcome->reason;
	}
	dkim_walk_drop(run.walk);
	arena_clear(&run.arena);
	return count;
}

static void test_message(const char *name, const char *text, size_t signatures)
{
	struct span raw = span_of(text);
	size_t header = (size_t)(strstr(text, "\r\n\r\n") - text);
	bool over;
	bool good = true;
	enum reason reasons[4];
	for (size_t cut = 0; cut <= strlen(BODY); cut++) {
		good = good && judge_message(raw, cut, &over, reasons) == signatures && !over;
		for (size_t i = 0; i < signatures; i++)
			good = good && reasons[i] == REASON_NONE;
	}
	ok(good, "%s: good, wherever the body is cut", name);

	/* Each letter of the fields that are signed, and of the body, changed in turn. */
	char *copy = malloc(raw.length);
	unsigned wrong = 0;
	for (size_t at = (size_t)(strstr(text, "\r\nFrom:") - text) + 8; at < raw.length; at++) {
		if (!ascii_alpha(text[at]))
			continue;
		memcpy(copy, text, raw.length);
		copy[at] = (char)(text[at] == 'x' ? 'y' : 'x');
		size_t count = judge_message(span_make(copy, raw.length), 7, &over, reasons);
		/* A name that is changed makes another field of it; of From: there must be one. */
		for (size_t i = 0; i < count; i++)
			wrong += reasons[i] != (at > header ? REASON_DKIM_BODYHASH : REASON_DKIM_FAIL)
			         && reasons[i] != REASON_DKIM_SYNTAX;
		wrong += count != signatures || over != (at < header);
	}
	free(copy);
	ok(wrong == 0, "%s: not good once a letter is changed, one of the header before the body comes (%u)", name, wrong);
}

int main(void)
{
	struct dkim_keys *keys = dkim_keys_new();
	settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings_complete(settings, unite_options);
	environment = (struct dkim_environment) { dkim_keys_crypto(keys), relation, NULL };
	test_message("RFC 6376 A.2", rfc6376, 1);
	test_message("RFC 8463 A.3", rfc8463, 2);
	settings_free(settings);
	dkim_keys_free(keys);
	return done_testing();
}
