/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk over the signatures of a message, with hashes that record what they are given and answers made by hand. */
#include "core/dkim_walk.h"

#include "dkim_record.h"
#include "dkim_all.h"
#include "engine.h"

#define ED_KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define ED_RECORD "v=DKIM1; k=ed25519; p=" ED_KEY
#define ED_B "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
#define NOW 1800000000LL
#define SEEN_MAX 40

static enum dkim_verification verification; /* what verify() says */
static unsigned verifications;
static struct span verified_key;
static char *seen[SEEN_MAX]; /* what was hashed, in the order in which the hashes ended */
static unsigned seen_count;

static void see(const char *at, size_t length)
{
	if (seen_count == SEEN_MAX)
		abort();
	seen[seen_count] = malloc(length + 1);
	memcpy(seen[seen_count], at ? at : "", length);
	seen[seen_count++][length] = '\0';
}

static enum dkim_verification verify(void *context, bool ed25519, struct span public_key,
                                     const unsigned char digest[DKIM_DIGEST_LENGTH], struct span signature)
{
	(void)context;
	(void)digest;
	verifications++;
	verified_key = public_key;
	ok(ed25519 && span_equal(signature, span_of(ED_B)), "a signature goes to be verified without its white space");
	return verification;
}

static enum relation relation(const void *context, struct span signer, struct span author)
{
	(void)context;
	return span_equal(signer, author) ? RELATION_EQUAL : RELATION_NONE;
}

/* One message. */
struct run {
	struct settings *settings;
	struct arena arena;
	struct facts facts;
	struct dkim_crypto crypto;
	struct dkim_environment environment;
	struct dkim_walk *walk;
};

static void begin(struct run *run)
{
	struct session_input input = good_session();
	while (seen_count != 0)
		free(seen[--seen_count]);
	dkim_hash_seen = see;
	dkim_hashes_begun = 0;
	verification = DKIM_VERIFIED;
	verifications = 0;
	memset(run, 0, sizeof *run);
	run->settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings_complete(run->settings, unite_options);
	arena_init(&run->arena, 0);
	facts_begin(&run->facts, &run->arena, NULL, run->settings, &input);
	run->crypto = dkim_recorder;
	run->crypto.verify = verify;
	run->environment = (struct dkim_environment) { &run->crypto, relation, NULL };
	run->walk = dkim_walk_new(run->settings, &run->facts, &run->environment);
}

static void end(struct run *run)
{
	dkim_walk_drop(run->walk);
	dkim_walk_drop(run->walk);
	ok(dkim_hashes_live == 0, "every hash was released");
	arena_clear(&run->arena);
	settings_free(run->settings);
	record_forget();
}

static void field(struct run *run, const char *name, const char *value)
{
	facts_field(&run->facts, span_of(name), span_of(value), true);
	if (run->facts.header.latest)
		dkim_walk_field(run->walk, run->facts.header.latest);
}

/* A signature of that domain with these tags beside the usual ones; bh= that of the canonical body. */
static void sign(struct run *run, const char *domain, const char *body, const char *tags)
{
	unsigned char digest[DKIM_DIGEST_LENGTH];
	char bh[45];
	record_digest(body, strlen(body), digest);
	record_base64(digest, bh);
	struct span value =
		arena_printf(&run->arena, " v=1; a=ed25519-sha256; d=%s; s=sel; bh=%s; %s; b=%s", domain, bh, tags, ED_B);
	field(run, "DKIM-Signature", value.at);
}

static void rest(struct run *run)
{
	field(run, "From", " joe@example.com");
	field(run, "X-SFDC-LK", " " ORG_A);
}

static void header_end(struct run *run, bool wanted)
{
	facts_header_end(&run->facts, NOW);
	dkim_walk_header_end(run->walk);
	if (wanted)
		dkim_verify_all(run->walk);
}

static const struct question *next_question(struct run *run)
{
	const struct signature *signature = NULL;
	const struct question *question = dkim_walk_next(run->walk, &signature);
	if (question
	    && !span_equal(question->name,
	                   arena_printf(&run->arena, "%.*s._domainkey.%.*s", (int)signature->selector.length,
	                                signature->selector.at, (int)signature->domain.length, signature->domain.at)))
		ok(false, "the question is that of the signature");
	return question;
}

static void answer(struct run *run, const struct question *question, enum answer_status status, const char *text)
{
	struct answer *made = arena_alloc(&run->arena, sizeof *made);
	struct answer_record *record = arena_alloc(&run->arena, sizeof *record);
	record->text = span_of(text);
	made->status = status;
	made->count = text != NULL;
	made->records = record;
	dkim_walk_answer(run->walk, question, made);
}

static unsigned answer_all(struct run *run, enum answer_status status, const char *text)
{
	const struct question *question;
	unsigned count = 0;
	while ((question = next_question(run))) {
		answer(run, question, status, text);
		count++;
	}
	return count;
}

static void expect(struct run *run, size_t i, enum result_code code, enum reason reason, const char *what)
{
	const struct dkim_evidence *dkim = &run->facts.dkim;
	bool there = i < dkim->count;
	ok(there && dkim->signatures[i].outcome.code == code && dkim->signatures[i].outcome.reason == reason, "%s: %s %s",
	   what, there ? result_name(dkim->signatures[i].outcome.code) : "absent",
	   there ? reason_code(dkim->signatures[i].outcome.reason) : "");
}

/* The usual way, the answer before or after the end of the header or of the body. */
static void test_order(void)
{
	for (unsigned when = 1; when < 4; when++) {
		struct run run;
		begin(&run);
		sign(&run, "example.com", "a b\r\n", "c=relaxed/relaxed; h=from:x-none:from");
		rest(&run);
		ok(!next_question(&run), "nothing is asked before the header has ended");
		header_end(&run, true);
		const struct question *question = next_question(&run);
		ok(question && span_equal(question->name, span_of("sel._domainkey.example.com")) && !next_question(&run),
		   "then the key is");
		expect(&run, 0, RESULT_PENDING, REASON_NONE, "after the header");
		ok(verifications == 0 && seen_count == 1, "the header is hashed when it ends");
		if (when == 1)
			answer(&run, question, ANSWER_FOUND, ED_RECORD);
		ok(dkim_walk_body(run.walk, span_of("a  ")) && dkim_walk_body(run.walk, span_of("b\r\n\r\n")),
		   "the body is needed");
		if (when == 2)
			answer(&run, question, ANSWER_FOUND, ED_RECORD);
		ok(verifications == (when < 3) && dkim_walk_open(run.walk), "verified as soon as there is a key");
		dkim_walk_body_end(run.walk);
		if (when == 3)
			answer(&run, question, ANSWER_FOUND, ED_RECORD);
		expect(&run, 0, RESULT_PASS, REASON_NONE, "in the end");
		ok(run.facts.dkim.complete && !dkim_walk_open(run.walk) && verifications == 1, "verified once");
		is_span(verified_key, span_of(ED_KEY), "with the key");
		is_text(seen[1], "a b\r\n", "the body");
		ok(strncmp(seen[0], "from:joe@example.com\r\ndkim-signature:v=1; a=ed25519-sha256;", 54) == 0
		       && strcmp(seen[0] + strlen(seen[0]) - 4, "; b=") == 0,
		   "the header: what is named, once, and the signature without its value");
		end(&run);
	}
}

/* What has failed needs no body. */
static void test_changed_header(void)
{
	struct run run;
	begin(&run);
	verification = DKIM_MISMATCH;
	sign(&run, "example.com", "a\r\n", "h=from");
	rest(&run);
	header_end(&run, true);
	answer_all(&run, ANSWER_FOUND, ED_RECORD);
	expect(&run, 0, RESULT_FAIL, REASON_DKIM_FAIL, "a changed header has failed before the body comes");
	ok(run.facts.dkim.complete && !dkim_walk_body(run.walk, span_of("a\r\n")) && !dkim_walk_open(run.walk),
	   "and nothing more is needed");
	end(&run);

	begin(&run);
	sign(&run, "example.com", "a\r\n", "h=from");
	rest(&run);
	header_end(&run, true);
	answer_all(&run, ANSWER_FOUND, ED_RECORD);
	dkim_walk_body(run.walk, span_of("A\r\n"));
	dkim_walk_body_end(run.walk);
	expect(&run, 0, RESULT_FAIL, REASON_DKIM_BODYHASH, "a changed body fails when it ends");
	end(&run);
}

/* A hash for each form of the body, however many signatures there are, and while one of them needs it. */
static void test_shared_bodies(void)
{
	static const char *const forms[] = { "relaxed/relaxed", "simple/relaxed", "simple", "relaxed" };
	struct run run;
	begin(&run);
	for (size_t i = 0; i < 8; i++) {
		char tags[40];
		snprintf(tags, sizeof tags, "c=%s; h=from", forms[i % 4]);
		sign(&run, i == 7 ? "example.com" : "example.net", i % 4 < 2 ? "a b\r\n" : "a  b\r\n", tags);
	}
	rest(&run);
	header_end(&run, true);
	ok(dkim_hashes_begun == 10 && dkim_hashes_live == 2, "eight headers and two bodies are hashed");
	dkim_walk_body(run.walk, span_of("a  b\r\n"));
	dkim_walk_body_end(run.walk);
	ok(answer_all(&run, ANSWER_FOUND, ED_RECORD) == 8 && dkim_hashes_begun == 10, "all eight keys are asked for");
	for (size_t i = 0; i < 8; i++)
		expect(&run, i, RESULT_PASS, REASON_NONE, "each passes");
	end(&run);

	begin(&run);
	sign(&run, "example.com", "x\r\n", "c=simple/simple; h=from");
	sign(&run, "example.net", "x\r\n", "c=relaxed/relaxed; h=from");
	rest(&run);
	header_end(&run, true);
	ok(dkim_hashes_live == 2, "two bodies");
	const struct question *question = next_question(&run);
	answer(&run, question, ANSWER_NXDOMAIN, NULL);
	ok(dkim_walk_body(run.walk, span_of("x")) && dkim_hashes_live == 1, "what no signature needs any more is given up");
	answer_all(&run, ANSWER_NXDOMAIN, NULL);
	ok(!dkim_walk_body(run.walk, span_of("x")) && dkim_hashes_live == 0, "so is the last");
	expect(&run, 0, RESULT_PERMERROR, REASON_DKIM_KEY, "no key");
	end(&run);
}

/* h= takes the fields of a name from the bottom up (RFC 6376 5.4.2), in its own order. */
static void test_selection(void)
{
	static const struct {
		const char *names;
		const char *hashed;
	} cases[] = {
		{ "from:received", "from:joe@example.com|received:3|" },
		{ "received:from:RECEIVED", "received:3|from:joe@example.com|received:2|" },
		{ "Received : received\r\n :received:received:from", "received:3|received:2|received:1|from:joe@example.com|" },
		{ "from:to:from", "from:joe@example.com|" },
		{ "from:x", "from:joe@example.com|" },
		{ "from:receive:received-spf", "from:joe@example.com|" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct run run;
		begin(&run);
		char tags[100];
		snprintf(tags, sizeof tags, "c=relaxed; h=%s", cases[i].names);
		field(&run, "Received", " 1");
		sign(&run, "example.com", "\r\n", tags);
		field(&run, "RECEIVED", " 2");
		rest(&run);
		field(&run, "received", " 3");
		header_end(&run, true);
		char *got = seen[0];
		size_t length = 0;
		char *signature = strstr(got, "dkim-signature:");
		for (char *at = got; at < signature; at++)
			if (*at != '\r')
				got[length++] = *at == '\n' ? '|' : *at;
		is_span(span_make(got, length), span_of(cases[i].hashed), cases[i].names);
		end(&run);
	}
}

/* A field that readers read differently is no field to pass by; nor is a body. */
static void test_unsound(void)
{
	static const char *const values[] = { " x\vy", " x\rz", " x\ny", " x\f" };
	struct run run;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		begin(&run);
		sign(&run, "example.com", "\r\n", "h=from:subject");
		sign(&run, "example.com", "\r\n", "h=from");
		rest(&run);
		field(&run, "Subject", values[i]);
		header_end(&run, true);
		answer_all(&run, ANSWER_FOUND, ED_RECORD);
		dkim_walk_body_end(run.walk);
		expect(&run, 0, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "a signature that covers what is not sound");
		expect(&run, 1, RESULT_PASS, REASON_NONE, "one that does not");
		end(&run);
	}
	static const char *const bodies[] = { "a\rb\r\n", "a\nb\r\n", "a\r\n\n" };
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		begin(&run);
		struct span whole = arena_printf(&run.arena, "%s%s", bodies[i], i == 2 ? "\r\n" : "");
		sign(&run, "example.com", whole.at, "h=from");
		rest(&run);
		header_end(&run, true);
		answer_all(&run, ANSWER_FOUND, ED_RECORD);
		dkim_walk_body(run.walk, span_of(bodies[i]));
		dkim_walk_body_end(run.walk);
		expect(&run, 0, RESULT_FAIL, REASON_DKIM_BODYHASH, "a body with a CR or LF alone, signed as it stands");
		end(&run);
	}
}

/* What is wrong with a signature whatever its key: no key is asked for, no hash made. */
static void test_faults(void)
{
	static const struct {
		const char *tags;
		enum result_code code;
		enum reason reason;
	} cases[] = {
		{ "h=from; l=1", RESULT_FAIL, REASON_DKIM_LENGTH },
		{ "h=from; x=1799999700", RESULT_FAIL, REASON_DKIM_EXPIRED },
		{ "h=from; c=nofws", RESULT_PERMERROR, REASON_DKIM_SYNTAX },
		{ "h=to", RESULT_PERMERROR, REASON_DKIM_SYNTAX },
	};
	struct run run;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&run);
		sign(&run, "example.com", "\r\n", cases[i].tags);
		rest(&run);
		header_end(&run, true);
		expect(&run, 0, cases[i].code, cases[i].reason, cases[i].tags);
		ok(run.facts.dkim.complete && dkim_hashes_begun == 0, "nothing is hashed for it");
		end(&run);
	}
	begin(&run);
	sign(&run, "example.com", "\r\n", "h=from; x=1799999701");
	rest(&run);
	header_end(&run, true);
	expect(&run, 0, RESULT_PENDING, REASON_NONE, "x= within the drift of clocks");
	end(&run);

	begin(&run);
	sign(&run, "example.com", "\r\n", "h=from");
	rest(&run);
	field(&run, "From", " eve@example.com");
	header_end(&run, true);
	expect(&run, 0, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "two authors");
	end(&run);

	begin(&run);
	sign(&run, "example.com", "\r\n", "h=from");
	rest(&run);
	for (unsigned i = 0; i <= HEADER_FIELDS_MAX; i++)
		field(&run, "Received", " x");
	header_end(&run, true);
	expect(&run, 0, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "a header over its limit");
	end(&run);
}

/* The date is judged last. */
static void test_dates(void)
{
	static const struct {
		const char *tags;
		long long now;
		enum result_code code;
		enum reason reason;
	} cases[] = {
		{ "t=1800000300", NOW, RESULT_PASS, REASON_NONE },
		{ "t=1800000301", NOW, RESULT_TEMPERROR, REASON_DKIM_CLOCK },
		{ "t=1800086400", NOW, RESULT_TEMPERROR, REASON_DKIM_CLOCK },
		{ "t=1800086401", NOW, RESULT_FAIL, REASON_DKIM_FUTURE },
		{ "t=1", NOW, RESULT_PASS, REASON_NONE },
		{ "t=1", CLOCK_EARLIEST - 1, RESULT_TEMPERROR, REASON_DKIM_CLOCK },
		{ "x=2", CLOCK_EARLIEST - 1, RESULT_TEMPERROR, REASON_DKIM_CLOCK },
		{ "q=dns/txt", CLOCK_EARLIEST - 1, RESULT_PASS, REASON_NONE },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (unsigned bad = 0; bad < 2; bad++) {
			struct run run;
			char tags[60];
			begin(&run);
			verification = bad ? DKIM_MISMATCH : DKIM_VERIFIED;
			snprintf(tags, sizeof tags, "h=from; %s", cases[i].tags);
			sign(&run, "example.com", "\r\n", tags);
			rest(&run);
			facts_header_end(&run.facts, cases[i].now);
			dkim_walk_header_end(run.walk);
			dkim_verify_all(run.walk);
			answer_all(&run, ANSWER_FOUND, ED_RECORD);
			dkim_walk_body_end(run.walk);
			expect(&run, 0, bad ? RESULT_FAIL : cases[i].code, bad ? REASON_DKIM_FAIL : cases[i].reason, cases[i].tags);
			end(&run);
		}
}

static void test_keys(void)
{
	static const struct {
		const char *record;
		enum answer_status status;
		enum result_code code;
		enum reason reason;
	} cases[] = {
		{ NULL, ANSWER_NXDOMAIN, RESULT_PERMERROR, REASON_DKIM_KEY },
		{ NULL, ANSWER_TEMPFAIL, RESULT_TEMPERROR, REASON_DKIM_TEMPERROR },
		{ NULL, ANSWER_BOGUS, RESULT_TEMPERROR, REASON_DKIM_TEMPERROR },
		{ "v=DKIM1; k=ed25519; p=", ANSWER_FOUND, RESULT_PERMERROR, REASON_DKIM_KEY },
		{ "v=DKIM1; p=" ED_KEY, ANSWER_FOUND, RESULT_PERMERROR, REASON_DKIM_KEY },
		{ ED_RECORD "; t=s", ANSWER_FOUND, RESULT_PERMERROR, REASON_DKIM_KEY },
	};
	struct run run;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&run);
		sign(&run, "example.com", "\r\n", "h=from; i=@sub.example.com");
		rest(&run);
		header_end(&run, true);
		answer_all(&run, cases[i].status, cases[i].record);
		expect(&run, 0, cases[i].code, cases[i].reason, cases[i].record ? cases[i].record : "no record");
		ok(verifications == 0, "nothing is verified");
		end(&run);
	}
	begin(&run);
	verification = DKIM_UNVERIFIABLE;
	sign(&run, "example.com", "\r\n", "h=from");
	rest(&run);
	header_end(&run, true);
	answer_all(&run, ANSWER_FOUND, ED_RECORD);
	expect(&run, 0, RESULT_PENDING, REASON_NONE, "what cannot be verified here and now");
	ok(run.facts.internal_error, "defers the message");
	end(&run);
}

/* Without hashes, and without memory. */
static void test_no_memory(void)
{
	for (int allowed = 0; allowed < 2; allowed++) {
		struct run run;
		begin(&run);
		sign(&run, "example.com", "\r\n", "h=from");
		rest(&run);
		dkim_hashes_allowed = allowed;
		header_end(&run, true);
		dkim_hashes_allowed = -1;
		ok(run.facts.internal_error, "%d hashes can be had: the message is deferred", allowed);
		answer_all(&run, ANSWER_FOUND, ED_RECORD);
		expect(&run, 0, RESULT_PENDING, REASON_NONE, "and nothing is found out");
		ok(!dkim_walk_body(run.walk, span_of("x")), "nor is the body needed");
		end(&run);
	}
}

/* At most eight keys before the header ends, and of so many signatures as are looked at. */
static void test_flood(void)
{
	struct run run;
	begin(&run);
	for (unsigned i = 0; i < DKIM_SIGNATURES_SEEN_MAX + 10; i++)
		sign(&run, "example.com", "\r\n", "h=from");
	rest(&run);
	header_end(&run, true);
	ok(answer_all(&run, ANSWER_FOUND, ED_RECORD) == 8, "eight keys are asked for");
	ok(run.facts.dkim.count == 8 && dkim_hashes_begun == 9, "max_signatures are hashed");
	dkim_walk_body_end(run.walk);
	for (size_t i = 0; i < 8; i++)
		expect(&run, i, RESULT_PASS, REASON_NONE, "each passes");
	end(&run);

	begin(&run);
	sign(&run, "example.net", "\r\n", "h=from");
	rest(&run);
	header_end(&run, false);
	ok(!next_question(&run) && dkim_hashes_begun == 0 && !dkim_walk_open(run.walk) && !run.facts.dkim.complete,
	   "nothing is asked where it cannot matter");
	dkim_walk_close(run.walk);
	ok(run.facts.dkim.complete, "closed");
	end(&run);
}

/* X15: of what can make no check pass nothing is asked, but where all is welcome; and that comes last. */
static void test_wants(void)
{
	static const struct {
		check_bits checks;
		enum others others;
		const char *asked; /* first letters of d=, in order */
		bool open;         /* once the aligned ones are answered */
	} rows[] = {
		{ CHECK_BIT(CHECK_DKIM), OTHERS_LEFT, "e", false },
		{ CHECK_BIT(CHECK_DMARC), OTHERS_LEFT, "em", false },
		{ CHECK_BIT(CHECK_DKIM) | CHECK_BIT(CHECK_DMARC), OTHERS_LEFT, "em", false },
		{ CHECK_BIT(CHECK_DKIM), OTHERS_ASKED, "esm", false },
		{ CHECK_BIT(CHECK_DKIM), OTHERS_AWAITED, "esm", true },
		{ 0, OTHERS_LEFT, "", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct run run;
		struct wants wants = { .checks = rows[i].checks, .others = rows[i].others };
		char asked[8] = "";
		size_t count = 0;
		const struct question *question;
		begin(&run);
		sign(&run, "stranger.example", "\r\n", "h=from");
		sign(&run, "mail.example.com", "\r\n", "h=from");
		sign(&run, "example.com", "\r\n", "h=from");
		rest(&run);
		header_end(&run, false);
		ok(run.facts.dkim.count == 3 && !run.facts.dkim.complete, "what the header tells of three signatures");
		dkim_walk_begin(run.walk, &wants);
		dkim_walk_ask(run.walk, 0, false);
		ok(!next_question(&run), "nothing is asked before it is to be");
		dkim_walk_ask(run.walk, rows[i].checks, rows[i].others != OTHERS_LEFT);
		while ((question = next_question(&run))) {
			char domain = question->name.at[strlen("sel._domainkey.")];
			asked[count++] = domain;
			if (domain != 's')
				answer(&run, question, ANSWER_FOUND, ED_RECORD);
		}
		is_text(asked, rows[i].asked, "the keys that are asked for");
		ok(run.facts.dkim.signatures[0].left == !strchr(rows[i].asked, 's'), "what nothing depends on is left");
		dkim_walk_body_end(run.walk);
		ok(dkim_walk_open(run.walk) == rows[i].open, "waiting for a stranger's");
		const struct signature *signature;
		size_t proven = 0;
		while (dkim_walk_proven(run.walk, &signature))
			proven += signature->outcome.code == RESULT_PASS;
		ok(proven == count - (strchr(rows[i].asked, 's') != NULL), "keys that proved good are told once");
		end(&run);
	}
}

static void test_busy(void)
{
	struct run run;
	begin(&run);
	sign(&run, "example.com", "\r\n", "h=from");
	rest(&run);
	header_end(&run, true);
	answer_all(&run, ANSWER_BUSY, NULL);
	expect(&run, 0, RESULT_TEMPERROR, REASON_DNS_BUSY, "a key for which there was no room");
	end(&run);
}

int main(void)
{
	test_wants();
	test_busy();
	test_order();
	test_changed_header();
	test_shared_bodies();
	test_selection();
	test_unsound();
	test_faults();
	test_dates();
	test_keys();
	test_no_memory();
	test_flood();
	while (seen_count != 0)
		free(seen[--seen_count]);
	return done_testing();
}
