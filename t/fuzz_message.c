/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message: a whole message through the engine. What is accepted under enforcement is judged again here, by simpler
 * means, from the raw text; asking for all evidence changes no verdict; a second X-SFDC-LK or From: field is refused.
 * Input: seven bytes of choices ("@" is the good one), the envelope sender in one line, then the raw message.
 */
#include "core/edits.h"
#include "core/message_file.h"
#include "core/log_entry.h"
#include "core/reply.h"
#include "engine.h"
#include "fuzz.h"

const char fuzz_name[] = "message";

enum choice {
	CHOICE_SETTINGS,
	CHOICE_POLICY,
	CHOICE_SESSION,
	CHOICE_DKIM,
	CHOICE_SPF,
	CHOICE_DMARC,
	CHOICE_IP_SPF,
	CHOICES
};

/* Bits of the choices. */
enum { A_MONITORS = 1, B_MONITORS = 2, SCOPE_NARROW = 4, ADD_ALL = 8, BOUNCE_STRICT = 16, B_ON_AUTH = 32 };
enum { OLD_TLS = 1, NO_CERT = 2, SENDMAIL = 4, HAS_AUTH = 8, LOCAL = 16, LATE = 32, ELSEWHERE = 128 };
enum policy { POLICY_DEFAULT, POLICY_THREE, POLICY_WEAK, POLICY_EARLY, POLICIES };

static enum policy policy_of(const uint8_t *choices)
{
	return (enum policy)(choices[CHOICE_POLICY] % POLICIES);
}

static void set_policy(struct settings *settings, enum policy policy)
{
	struct org *org = &settings->orgs[0];
	switch (policy) {
	case POLICY_DEFAULT:
		break;
	case POLICY_THREE:
		sentence_set(settings, &org->quarantine_unless, "dmarc");
		sentence_set(settings, &org->warn_unless, "spf");
		sentence_set(settings, &settings->monitor_floor, "tls and from");
		break;
	case POLICY_WEAK:
		sentence_set(settings, &org->reject_unless, "org and from and 2 of (tls, dkim, spf, auth)");
		org->cert.required = org->auth.required = org->dkim.required = false;
		settings->undecided = VERDICT_QUARANTINE;
		break;
	case POLICY_EARLY:
	case POLICIES:
		settings->early_reject = EARLY_REJECT_MAIL;
		settings->exempt_clients = networks(settings, "192.0.2.0/24");
		break;
	}
}

/* One configuration for each combination of choices, made when it is first asked for. */
static const struct settings *choose_settings(const uint8_t *choices)
{
	static struct settings *made[64][POLICIES];
	uint8_t bits = choices[CHOICE_SETTINGS] & 63;
	struct settings **settings = &made[bits][policy_of(choices)];
	if (*settings)
		return *settings;
	*settings =
		settings_two(bits & A_MONITORS ? MODE_MONITOR : MODE_ENFORCE, bits & B_MONITORS ? MODE_MONITOR : MODE_ENFORCE);
	(*settings)->scope = bits & SCOPE_NARROW ? SCOPE_SALESFORCE : SCOPE_ALL;
	(*settings)->headers.add_to = bits & ADD_ALL ? ADD_TO_ALL : ADD_TO_LOCAL;
	(*settings)->orgs[0].verp.undecodable = bits & BOUNCE_STRICT ? UNDECODABLE_FAIL : UNDECODABLE_SKIP;
	set_policy(*settings, policy_of(choices));
	if (bits & B_ON_AUTH)
		sentence_set(*settings, &(*settings)->orgs[1].reject_unless, "from and auth");
	must(settings_complete(*settings, unite_options));
	return *settings;
}

static struct session_input choose_session(uint8_t bits, struct span mail_from)
{
	struct session_input session = good_session();
	session.mail_from = mail_from;
	if (bits & OLD_TLS)
		session.tls_version = span_of("TLSv1.1");
	if (bits & NO_CERT)
		memset(&session.certificate, 0, sizeof session.certificate);
	if (bits & SENDMAIL)
		session.mta = MTA_SENDMAIL;
	if (bits & HAS_AUTH)
		session.auth_authen = span_of("sfuser@relay.test");
	if (bits & ELSEWHERE) {
		session.helo = session.client_name = span_of("mail.example");
		must(address_parse(span_of(bits & LOCAL ? "192.0.2.1" : "198.51.100.1"), &session.client));
	}
	return session;
}

static enum result_code choose_result(uint8_t choice)
{
	return (enum result_code)(choice % RESULT_CODES);
}

static struct result make_result(uint8_t choice)
{
	enum result_code code = choose_result(choice);
	bool good = code == RESULT_PASS || code == RESULT_SKIP || code == RESULT_PENDING;
	return result_make(code, good ? REASON_NONE : REASON_DNS_ERROR, span_make(NULL, 0));
}

static struct test_evidence choose_evidence(const uint8_t *choices)
{
	struct test_evidence evidence = { .spf = make_result(choices[CHOICE_SPF]),
		                              .dmarc = make_result(choices[CHOICE_DMARC]),
		                              .ip_spf = make_result(choices[CHOICE_IP_SPF]),
		                              .dkim = make_result(choices[CHOICE_DKIM]),
		                              .has_dkim = true,
		                              .late = choices[CHOICE_SESSION] & LATE };
	return evidence;
}

/* Each time evidence is asked for, the clock goes on. */
static long long clock_ms(void *context)
{
	return 1000 + 7000LL * ((struct test_evidence *)context)->gathers;
}

/* After a verdict nothing changes it. */
static void watch(void *context, const struct examination *examination)
{
	enum verdict *before = context;
	must(*before == VERDICT_UNDECIDED || *before == examination->judgement.verdict);
	*before = examination->judgement.verdict;
}

/* One way through the engine, and what it borrows. */
struct trial {
	struct examination examination;
	struct test_evidence evidence;
	struct environment environment;
	struct span mailer;
	enum verdict before;
};

static void trial_run(struct trial *trial, const uint8_t *choices, struct span mail_from, struct span raw,
                      bool gather_all)
{
	memset(trial, 0, sizeof *trial);
	trial->mailer = span_of(choices[CHOICE_SESSION] & LOCAL ? "local" : "smtp");
	trial->evidence = choose_evidence(choices);
	trial->environment = test_environment(&trial->evidence);
	trial->environment.now_ms = clock_ms;
	struct message_file feed = { .session = choose_session(choices[CHOICE_SESSION], mail_from),
		                         .mailers = &trial->mailer,
		                         .recipients = 1,
		                         .raw = raw,
		                         .terms.gather_all = gather_all,
		                         .watch = gather_all ? NULL : watch,
		                         .context = &trial->before };
	message_file_feed(&trial->examination, choose_settings(choices), &trial->environment, span_of("1f"), &feed);
	must(trial->examination.judgement.verdict != VERDICT_UNDECIDED);
}

static void trial_clear(struct trial *trial)
{
	bool began = trial->examination.evidence != NULL;
	examine_clear(&trial->examination);
	must(trial->evidence.ended == began);
}

static bool is_name_byte(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

/* The first line of a message in a mailbox file. */
static bool is_mbox_line(struct span line)
{
	return line.length >= 5 && memcmp(line.at, "From ", 5) == 0;
}

/* How many header fields of that name there are, line by line; *value_r is the first one's, folds included. */
static unsigned count_fields(struct span raw, const char *name, struct span *value_r)
{
	unsigned count = 0;
	bool in_field = false;
	bool open = false;
	*value_r = span_make(NULL, 0);
	for (bool first = true; raw.length != 0; first = false) {
		struct span line = fuzz_line(&raw);
		if (line.length != 0 && line.at[line.length - 1] == '\r')
			line.length--;
		size_t end = 0;
		while (end < line.length && is_name_byte(line.at[end]))
			end++;
		size_t colon = end;
		while (colon < line.length && (line.at[colon] == ' ' || line.at[colon] == '\t'))
			colon++;
		if (line.length != 0 && end == 0 && colon != 0 && in_field) {
			if (open)
				value_r->length = (size_t)(line.at + line.length - value_r->at);
			continue;
		}
		bool field = end != 0 && colon < line.length && line.at[colon] == ':';
		if (!field && !(first && span_equal(span_slice(line, 0, 5), span_of("From "))))
			return count;
		in_field = field;
		open = false;
		if (!field || !span_equal_nocase(span_slice(line, 0, end), span_of(name)))
			continue;
		open = ++count == 1;
		if (open)
			*value_r = span_slice(line, colon + 1, line.length);
	}
	return count;
}

static unsigned count_only(struct span raw, const char *name)
{
	struct span value;
	return count_fields(raw, name, &value);
}

/* Without comments, quoted strings and white space there is one "@" left, and that domain follows it. */
static bool names_domain(struct span value, const char *domain)
{
	char *text = malloc(value.length + 1);
	size_t length = 0;
	unsigned depth = 0;
	bool quoted = false;
	must(text);
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		bool plain = !quoted && depth == 0;
		if (c == '\\' && !plain)
			i++;
		else if (c == '"' && depth == 0)
			quoted = !quoted;
		else if (c == '(' && !quoted)
			depth++;
		else if (c == ')' && !quoted && depth > 0)
			depth--;
		else if (plain && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			text[length++] = c;
	}
	struct span left = { text, length };
	size_t at = span_find(left, 0, '@');
	struct span tail = span_slice(left, at + 1, length);
	if (tail.length != 0 && tail.at[tail.length - 1] == '>')
		tail.length--;
	bool names = at < length && span_equal_nocase(tail, span_of(domain));
	free(text);
	return names;
}

static bool names_sender(struct span mail_from)
{
	size_t end =
		mail_from.length != 0 && mail_from.at[mail_from.length - 1] == '>' ? mail_from.length - 1 : mail_from.length;
	struct span address = span_slice(mail_from, 0, end);
	return span_equal(mail_from, span_of("<>")) || span_ends_nocase(address, span_of("@example.com"))
	       || span_ends_nocase(address, span_of(".bnc.salesforce.com"));
}

/* What the default sentence of organization A lets through. */
static void check_default(const uint8_t *choices, struct span mail_from, struct span raw)
{
	static const char *const once[] = { "From",    "Sender", "Reply-To",   "To",          "Cc",
		                                "Subject", "Date",   "Message-ID", "Content-Type" };
	uint8_t session = choices[CHOICE_SESSION];
	must(!(session & (OLD_TLS | LATE)) && choose_result(choices[CHOICE_DKIM]) == RESULT_PASS);
	must(count_only(raw, "DKIM-Signature") != 0 && names_sender(mail_from));
	for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
		must(count_only(raw, once[i]) <= 1);
	must(is_mbox_line(raw) || !memchr(raw.at, '\0', raw.length));
	must(!(session & NO_CERT) || (session & HAS_AUTH) || !(session & ELSEWHERE)
	     || choose_result(choices[CHOICE_IP_SPF]) == RESULT_PASS);
	must(!(session & SENDMAIL) || (session & HAS_AUTH) || !(session & ELSEWHERE)
	     || choose_result(choices[CHOICE_IP_SPF]) == RESULT_PASS);
}

static void check_accepted(const uint8_t *choices, struct span mail_from, struct span raw,
                           const struct examination *examination)
{
	const struct settings *settings = choose_settings(choices);
	const struct judgement *judgement = &examination->judgement;
	struct span from;
	struct span lk;
	if (judgement->verdict != VERDICT_ACCEPT || judgement->mode != MODE_ENFORCE)
		return;
	bool is_a = judgement->org == &settings->orgs[0];
	must(is_a || judgement->org == &settings->orgs[1]);
	must(count_fields(raw, "X-SFDC-LK", &lk) == 1 && count_fields(raw, "From", &from) == 1);
	must(names_domain(from, is_a ? "example.com" : "example.org"));
	lk = span_trim(lk);
	must(lk.length >= ORGID_SHORT && memcmp(lk.at, judgement->org->id.text, ORGID_SHORT) == 0);
	if (is_a && policy_of(choices) != POLICY_WEAK)
		check_default(choices, mail_from, raw);
	if (is_a && policy_of(choices) == POLICY_THREE)
		must(choose_result(choices[CHOICE_DMARC]) == RESULT_PASS || choose_result(choices[CHOICE_DMARC]) == RESULT_SKIP
		     || choose_result(choices[CHOICE_DMARC]) == RESULT_NONE);
	if (!is_a && (choices[CHOICE_SETTINGS] & B_ON_AUTH))
		must(choices[CHOICE_SESSION] & HAS_AUTH);
}

/* No line of an inserted value is too long, and each after the first is a continuation. */
static void check_insertions(const struct edits *edits)
{
	for (size_t i = 0; i < edits->insertion_count; i++) {
		struct span value = edits->insertions[i].value;
		size_t line = edits->insertions[i].name.length + 2;
		for (size_t j = 0; j < value.length; j++) {
			char c = value.at[j];
			must(c == '\n' || c == '\t' || (c >= 0x20 && c <= 0x7e));
			if (c == '\n')
				must(j + 1 < value.length && (value.at[j + 1] == '\t' || value.at[j + 1] == ' '));
			line = c == '\n' ? 0 : line + 1;
			must(line <= 998);
		}
	}
}

/* Highest index first, each name on its own; every result header goes, and the first forgery if it is a plain one. */
static void check_removals(const struct edits *edits, struct span raw)
{
	struct span value;
	unsigned forged = count_fields(raw, "Authentication-Results", &value);
	unsigned results = count_only(raw, "X-SFDC-Relay");
	size_t ours = 0;
	bool first = false;
	for (size_t i = 0; i < edits->removal_count; i++) {
		const struct removal *removal = &edits->removals[i];
		bool result = span_equal_nocase(removal->name, span_of("X-SFDC-Relay"));
		must(removal->index >= 1 && removal->index <= (result ? results : forged));
		ours += result;
		first = first || (!result && removal->index == 1);
		if (i > 0 && span_equal_nocase(removal->name, removal[-1].name))
			must(removal->index < removal[-1].index);
	}
	must(ours == results);
	value = span_trim(value);
	if (span_starts_nocase(value, span_of("relay.test;")) || span_starts_nocase(value, span_of("\"relay.test\"")))
		must(first);
}

static void check_edits(const uint8_t *choices, struct span raw, struct examination *examination)
{
	struct edits edits;
	enum verdict verdict = examination->judgement.verdict;
	if (verdict == VERDICT_REJECT || verdict == VERDICT_TEMPFAIL)
		return;
	must(edits_plan(examination, &edits));
	check_removals(&edits, raw);
	check_insertions(&edits);
	bool judged = verdict == VERDICT_ACCEPT || verdict == VERDICT_QUARANTINE;
	bool added = (choices[CHOICE_SETTINGS] & ADD_ALL) || (choices[CHOICE_SESSION] & LOCAL);
	must(edits.insertion_count == (judged && added ? 2 : 0));
}

static bool printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

static void check_words(struct examination *examination)
{
	char text[LOG_PRINTABLE_SIZE];
	struct log_entry entry;
	struct reply reply;
	log_entry_examination(examination, &entry);
	must(entry.count > 3 && entry.count < LOG_FIELDS_MAX);
	for (size_t i = 0; i < entry.count; i++)
		if (!entry.fields[i].is_number)
			must(printable(text, log_entry_printable(entry.fields[i].text, text, sizeof text)));
	reply_make(examination->judgement.verdict, &examination->judgement, span_of(examination->sid), span_make(NULL, 0),
	           &reply);
	must(reply.code[0]
	     == (examination->judgement.verdict == VERDICT_REJECT     ? '5'
	         : examination->judgement.verdict == VERDICT_TEMPFAIL ? '4'
	                                                              : '\0'));
	must(printable(reply.text, strlen(reply.text)));
}

/* Asking for all evidence gives the same verdict, though perhaps later. */
static void check_gather_all(const uint8_t *choices, struct span mail_from, struct span raw, enum verdict verdict)
{
	struct trial trial;
	trial_run(&trial, choices, mail_from, raw, true);
	must(trial.examination.judgement.verdict == verdict);
	trial_clear(&trial);
}

/* One more of a field that may stand once, at the top, is never good enough for an organization that enforces. */
static void check_more(const uint8_t *choices, struct span mail_from, struct span raw, const char *field,
                       const char *name)
{
	struct trial trial;
	if (raw.length == 0 || raw.at[0] == ' ' || raw.at[0] == '\t' || is_mbox_line(raw) || count_only(raw, name) == 0)
		return;
	size_t length = strlen(field);
	char *text = malloc(length + raw.length);
	must(text);
	memcpy(text, field, length);
	memcpy(text + length, raw.at, raw.length);
	trial_run(&trial, choices, mail_from, span_make(text, length + raw.length), false);
	const struct judgement *judgement = &trial.examination.judgement;
	must(judgement->mode != MODE_ENFORCE || judgement->verdict == VERDICT_REJECT);
	trial_clear(&trial);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trial trial;
	if (size < CHOICES)
		return 0;
	struct span raw = fuzz_span(data + CHOICES, size - CHOICES);
	struct span mail_from = fuzz_line(&raw);
	trial_run(&trial, data, mail_from, raw, false);
	check_accepted(data, mail_from, raw, &trial.examination);
	check_edits(data, raw, &trial.examination);
	check_words(&trial.examination);
	check_gather_all(data, mail_from, raw, trial.examination.judgement.verdict);
	check_more(data, mail_from, raw, "X-SFDC-LK: " ORG_B "\n", "X-SFDC-LK");
	check_more(data, mail_from, raw, "From: jane@example.com\n", "From");
	trial_clear(&trial);
	return 0;
}
