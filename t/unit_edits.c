/* SPDX-License-Identifier: BSD-2-Clause */
/* edits: what is removed from the header of a message that is not refused, and what is added. */
#include "core/edits.h"
#include "engine.h"

struct row {
	const char *what;
	const char *const *fields; /* beside the good ones */
	const char *removals;      /* "a2 a1 r1": Authentication-Results 2 and 1, result header 1 */
};

#define FIELDS(...)                                                                                                    \
	(const char *const[])                                                                                              \
	{                                                                                                                  \
		__VA_ARGS__, NULL                                                                                              \
	}
#define AR "Authentication-Results"

struct message {
	struct settings *settings;
	struct test_evidence evidence;
	struct environment environment;
	struct examination examination;
};

static void message_init(struct message *message)
{
	memset(message, 0, sizeof *message);
	message->settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	message->evidence = good_evidence();
	message->environment = test_environment(&message->evidence);
}

/* Run it as far as its verdict. */
static void message_run(struct message *message, const struct session_input *input, const char *mailer,
                        const char *const *fields)
{
	struct examination *examination = &message->examination;
	settings_complete(message->settings, unite_options);
	examine_begin(examination, message->settings, &message->environment, span_of("1f"), input, NULL);
	examine_recipient(examination, span_of("<joe@customer.example>"), span_of(mailer));
	feed_fields(examination, FIELDS("From", " joe@example.com", "X-SFDC-LK", " " ORG_A, "DKIM-Signature", " v=1"));
	if (fields)
		feed_fields(examination, fields);
	examine_header_end(examination);
	examine_end(examination);
}

static void message_clear(struct message *message)
{
	examine_clear(&message->examination);
	settings_free(message->settings);
}

/* A letter for each name: that of what it is about. */
static char initial(struct span name)
{
	static const struct {
		const char *name;
		char initial;
	} initials[] = { { AR, 'a' },
		             { "X-SFDC-Relay", 'r' },
		             { "X-SFDC-LK", 'l' },
		             { "X-SFDC-User", 'u' },
		             { "X-SFDC-EntityId", 'e' },
		             { "X-SFDC-CORRELATION-ID", 'c' } };
	for (size_t i = 0; i < sizeof initials / sizeof initials[0]; i++)
		if (span_equal(name, span_of(initials[i].name)))
			return initials[i].initial;
	return '?';
}

static void describe(const struct edits *edits, char *to, size_t size)
{
	size_t at = 0;
	to[0] = '\0';
	for (size_t i = 0; i < edits->removal_count && at + 8 < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%c%u", at ? " " : "", initial(edits->removals[i].name),
		                       edits->removals[i].index);
}

static void test_removals(void)
{
	const struct row rows[] = {
		{ "nothing to remove", NULL, "" },
		{ "ours", FIELDS(AR, " relay.test; dkim=pass"), "a1" },
		{ "somebody else's", FIELDS(AR, " mx.example; dkim=pass"), "" },
		{ "the highest index first", FIELDS(AR, " relay.test; none", AR, " mx.example; none", AR, " RELAY.TEST; none"),
		  "a3 a1" },
		{ "in another case of the name", FIELDS("authentication-results ", " relay.test; none"), "a1" },
		{ "one of our other names", FIELDS(AR, " Mx2.test; none", AR, " mx2.test.example; none"), "a1" },
		{ "malformed and ours", FIELDS(AR, " \"relay.test"), "a1" },
		{ "malformed and somebody else's", FIELDS(AR, " \"mx.example"), "" },
		{ "every result header", FIELDS("X-SFDC-Relay", " x", "x-sfdc-relay", " mx.example; verdict=accept"), "r2 r1" },
		{ "both", FIELDS("X-SFDC-Relay", " x", AR, " relay.test; none"), "a1 r1" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_input input = good_session();
		struct message message;
		struct edits edits;
		char got[128];
		message_init(&message);
		message.settings->headers.own_ids = STRINGS(message.settings, SET_NOCASE, "mx2.test");
		message_run(&message, &input, "local", rows[i].fields);
		bool planned = edits_plan(&message.examination, &edits);
		describe(&edits, got, sizeof got);
		ok(planned && strcmp(got, rows[i].removals) == 0, "%s: [%s]", rows[i].what, got);
		message_clear(&message);
	}
}

/* Begin a message that is monitored, with a recipient inside. */
static void begin_monitored(struct message *message)
{
	struct session_input input = good_session();
	message_init(message);
	message->settings->orgs[0].mode = message->settings->orgs[1].mode = MODE_MONITOR;
	settings_complete(message->settings, unite_options);
	examine_begin(&message->examination, message->settings, &message->environment, span_of("1f"), &input, NULL);
}

static void end(struct examination *examination)
{
	examine_header_end(examination);
	examine_end(examination);
}

/* Past the limit fields are no more kept, but told apart all the same. */
static void test_beyond_limit(void)
{
	struct message message;
	struct edits edits;
	begin_monitored(&message);
	struct examination *examination = &message.examination;
	feed_fields(examination, FIELDS(AR, " mx.example; none"));
	for (unsigned i = 0; i < HEADER_FIELDS_MAX; i++)
		feed_fields(examination, FIELDS("X", ""));
	feed_fields(examination, FIELDS(AR, " mx.example; none", AR, " relay.test; none", AR, " mx.example; none",
	                                "X-SFDC-Relay", " x"));
	end(examination);
	char got[64] = "";
	if (edits_plan(examination, &edits))
		describe(&edits, got, sizeof got);
	is_text(got, "a3 r1", "of those that were not kept ours go, and the result header");
	message_clear(&message);
}

/* R11: as many as can be removed are; with one more the message is refused. */
static void test_too_many(void)
{
	static const struct {
		unsigned claims, foreign, results;
		bool planned;
	} rows[] = {
		{ 200, 0, 0, true },     { 0, 0, 200, true },    { 100, 300, 100, true },
		{ 200, 20000, 0, true }, { 201, 0, 0, false },   { 0, 0, 201, false },
		{ 100, 0, 101, false },  { 20000, 0, 0, false }, { 0, 0, 20000, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct message message;
		struct edits edits;
		begin_monitored(&message);
		struct examination *examination = &message.examination;
		for (unsigned j = 0; j < rows[i].claims || j < rows[i].foreign || j < rows[i].results; j++) {
			if (j < rows[i].foreign)
				feed_fields(examination, FIELDS(AR, " mx.example; none"));
			if (j < rows[i].claims)
				feed_fields(examination, FIELDS(AR, " relay.test; none"));
			if (j < rows[i].results)
				feed_fields(examination, FIELDS("X-SFDC-Relay", " x"));
		}
		end(examination);
		const struct judgement *judgement = &examination->judgement;
		bool planned = judgement->verdict == VERDICT_ACCEPT && edits_plan(examination, &edits);
		ok(planned == rows[i].planned, "R11 %u claims, %u of others, %u result headers: %s", rows[i].claims,
		   rows[i].foreign, rows[i].results, planned ? "removed" : "refused");
		if (planned)
			ok(edits.removal_count == rows[i].claims + rows[i].results, "%zu are removed", edits.removal_count);
		else
			ok(judgement->verdict == VERDICT_REJECT && judgement->reason == REASON_MESSAGE_LIMIT, "as a limit");
		if (planned && rows[i].foreign > rows[i].claims && rows[i].claims != 0)
			ok(edits.removals[0].index == rows[i].claims * 2 && edits.removals[rows[i].claims - 1].index == 2,
			   "the right ones, from the highest index down");
		message_clear(&message);
	}
}

/* Where something went wrong inside, all of them would have to go; more than can go are a reason to defer. */
static void test_too_many_in_trouble(void)
{
	for (unsigned count = REMOVALS_MAX; count <= REMOVALS_MAX + 1; count++)
		for (unsigned kind = 0; kind < 2; kind++) {
			struct message message;
			struct edits edits;
			begin_monitored(&message);
			struct examination *examination = &message.examination;
			for (unsigned i = 0; i < count; i++)
				feed_fields(examination, kind ? FIELDS(AR, " mx.example; none") : FIELDS("X-SFDC-Relay", " x"));
			examination->facts.internal_error = true;
			end(examination);
			ok(examination->judgement.verdict == VERDICT_ACCEPT && examination->judgement.would == VERDICT_TEMPFAIL,
			   "R11 in trouble nothing is refused for good");
			bool planned = edits_plan(examination, &edits);
			ok(planned == (count == REMOVALS_MAX), "%u fields in trouble: %s", count, planned ? "all go" : "no plan");
			if (planned)
				ok(edits.removal_count == count && edits.insertion_count == 0, "and nothing comes");
			message_clear(&message);
		}
}

#define SIGNATURE(names)                                                                                               \
	" v=1; a=rsa-sha256; d=list.example; s=s1; h=From:" names                                                          \
	"; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"

/* X-SFDC-LK is there once, and whatever else is asked for. */
static void test_withheld(void)
{
	const struct {
		const char *what;
		const char *mailer;
		const char *const *fields;
		const char *signed_names; /* of the one signature that was judged */
		enum result_code outcome;
		const char *removals;
	} rows[] = {
		{ "inside", "local", FIELDS("X-SFDC-User", " 1"), "From", RESULT_PASS, "" },
		{ "outside", "smtp", FIELDS("X-SFDC-User", " 1", "X-SFDC-EntityId", " 1", "X-SFDC-CORRELATION-ID", " 1"),
		  "From", RESULT_PASS, "l1 u1 e1 c1" },
		{ "a mailer that is not told", NULL, NULL, "From", RESULT_PASS, "l1" },
		{ "several, in other spellings", "smtp", FIELDS("x-sfdc-user", " 1", "X-SFDC-USER ", " 2", "X-Other", " 3"),
		  "From", RESULT_PASS, "l1 u2 u1" },
		{ "beside what is forged", "smtp", FIELDS(AR, " relay.test; none", "X-SFDC-Relay", " x"), "From", RESULT_PASS,
		  "a1 r1 l1" },
		{ "covered", "smtp", FIELDS("X-SFDC-User", " 1"), "x-sfdc-lk : From", RESULT_PASS, "u1" },
		{ "the last of three covered", "smtp", FIELDS("X-SFDC-User", "", "X-SFDC-User", "", "X-SFDC-User", ""),
		  "X-SFDC-User", RESULT_PASS, "l1 u2 u1" },
		{ "covered by what failed", "smtp", NULL, "X-SFDC-LK", RESULT_FAIL, "l1" },
		{ "covered by what is no signature", "smtp", NULL, "X-SFDC-LK", RESULT_PERMERROR, "l1" },
		{ "covered by what cannot be judged", "smtp", NULL, "X-SFDC-LK", RESULT_TEMPERROR, "" },
		{ "covered by what is pending", "smtp", NULL, "X-SFDC-LK", RESULT_PENDING, "" },
		{ "covered by one that was not judged", "smtp",
		  FIELDS("DKIM-Signature", SIGNATURE("X-SFDC-LK"), "X-SFDC-User", ""), "From", RESULT_PASS, "u1" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (unsigned removes = 0; removes < 2; removes++) {
			struct session_input input = good_session();
			struct message message;
			struct edits edits;
			char got[128] = "no plan";
			message_init(&message);
			message.settings->headers.remove_sfdc = removes;
			sentence_set(message.settings, &message.settings->orgs[0].reject_unless, "from");
			message_run(&message, &input, rows[i].mailer, rows[i].fields);
			struct signature signature = { .outcome = { rows[i].outcome, REASON_NONE, { NULL, 0 } },
				                           .signed_headers = span_of(rows[i].signed_names) };
			message.examination.facts.dkim = (struct dkim_evidence) { true, 1, &signature };
			if (edits_plan(&message.examination, &edits))
				describe(&edits, got, sizeof got);
			if (removes)
				is_text(got, rows[i].removals, rows[i].what);
			else
				ok(!strpbrk(got, "luecn"), "without the option they stay: [%s]", got);
			message_clear(&message);
		}
}

static void test_insertions(void)
{
	static const struct {
		enum add_to add_to;
		const char *mailer;
		bool results;
		const char *result_header;
		const char *names[2];
	} rows[] = {
		{ ADD_TO_LOCAL, "local", true, "X-SFDC-Relay", { "X-SFDC-Relay", AR } },
		{ ADD_TO_LOCAL, "smtp", true, "X-SFDC-Relay", { NULL, NULL } },
		{ ADD_TO_LOCAL, NULL, true, "X-SFDC-Relay", { NULL, NULL } },
		{ ADD_TO_ALL, "smtp", true, "X-SFDC-Relay", { "X-SFDC-Relay", AR } },
		{ ADD_TO_ALL, "local", false, "X-R", { "X-R", NULL } },
		{ ADD_TO_ALL, "local", true, "", { AR, NULL } },
		{ ADD_TO_ALL, "local", false, "", { NULL, NULL } },
		{ ADD_TO_NONE, "local", true, "X-SFDC-Relay", { NULL, NULL } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_input input = good_session();
		struct message message;
		struct edits edits;
		message_init(&message);
		message.settings->headers.add_to = rows[i].add_to;
		message.settings->headers.authentication_results = rows[i].results;
		message.settings->headers.result_header = span_of(rows[i].result_header);
		message_run(&message, &input, rows[i].mailer, NULL);
		size_t wanted = (size_t)(rows[i].names[0] != NULL) + (rows[i].names[1] != NULL);
		ok(edits_plan(&message.examination, &edits) && edits.insertion_count == wanted, "row %zu: %zu fields are added",
		   i, edits.insertion_count);
		for (size_t j = 0; j < wanted && j < edits.insertion_count; j++) {
			is_span(edits.insertions[j].name, span_of(rows[i].names[j]), "in this order");
			ok(span_starts_nocase(edits.insertions[j].value, span_of("relay.test;")), "in our name");
		}
		message_clear(&message);
	}
}

static void test_verdicts(void)
{
	static const struct {
		const char *what;
		const char *quarantine_unless;
		const char *exempt;
		bool monitor, no_tls;
		enum verdict verdict;
		size_t insertions;
	} rows[] = {
		{ "accepted", "", NULL, false, false, VERDICT_ACCEPT, 2 },
		{ "quarantined", "auth", NULL, false, false, VERDICT_QUARANTINE, 2 },
		{ "would be refused", "", NULL, true, true, VERDICT_ACCEPT, 2 },
		{ "exempt", "", "13.110.0.0/16", false, true, VERDICT_EXEMPT, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_input input = good_session();
		struct message message;
		struct edits edits;
		message_init(&message);
		if (rows[i].monitor)
			message.settings->orgs[0].mode = message.settings->orgs[1].mode = MODE_MONITOR;
		if (rows[i].no_tls)
			input.tls_version = span_make(NULL, 0);
		message.settings->exempt_clients = networks(message.settings, rows[i].exempt);
		sentence_set(message.settings, &message.settings->orgs[0].quarantine_unless, rows[i].quarantine_unless);
		message_run(&message, &input, "local", FIELDS(AR, " relay.test; none"));
		ok(message.examination.judgement.verdict == rows[i].verdict, "%s", rows[i].what);
		ok(edits_plan(&message.examination, &edits) && edits.removal_count == 1, "loses what is forged");
		ok(edits.insertion_count == rows[i].insertions, "and gains %zu fields", rows[i].insertions);
		message_clear(&message);
	}
}

static void test_authserv_id(void)
{
	static const struct {
		const char *configured, *told, *id;
	} rows[] = {
		{ "relay.test", "mta.test", "relay.test" },
		{ "", "mta.test", "mta.test" },
		{ NULL, "mta.test", "mta.test" },
		{ "", "", "localhost" },
		{ NULL, NULL, "localhost" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_input input = good_session();
		struct message message;
		message_init(&message);
		message.settings->authserv_id = span_of(rows[i].configured);
		input.authserv_id = span_of(rows[i].told);
		message_run(&message, &input, "local", NULL);
		is_span(edits_authserv_id(&message.examination), span_of(rows[i].id), "the name under which we speak");
		message_clear(&message);
	}
}

/* Each request of the plan is refused once. */
static void test_memory(void)
{
	unsigned failures = 0;
	bool planned = false;
	for (size_t room = 0; !planned && room < 65536; room += 16) {
		struct session_input input = good_session();
		struct message message;
		struct edits edits;
		message_init(&message);
		message.settings->headers.remove_sfdc = true;
		message.settings->headers.add_to = ADD_TO_ALL;
		message_run(&message, &input, "smtp",
		            FIELDS(AR, " relay.test; none", "X-SFDC-Relay", " x", "DKIM-Signature", SIGNATURE("To")));
		message.examination.arena.limit = message.examination.arena.used + room;
		planned = edits_plan(&message.examination, &edits);
		failures += !planned;
		if (!planned && !message.examination.facts.internal_error && !arena_failed(&message.examination.arena))
			ok(false, "it fails for want of memory only");
		message_clear(&message);
	}
	ok(planned && failures > 10, "with too little memory there is no plan (%u times), with enough there is", failures);
}

int main(void)
{
	test_removals();
	test_beyond_limit();
	test_too_many();
	test_too_many_in_trouble();
	test_withheld();
	test_insertions();
	test_verdicts();
	test_authserv_id();
	test_memory();
	return done_testing();
}
