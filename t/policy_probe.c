/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_probe: what the engine makes of every combination of four sentences, each of which passes, fails, is skipped or
 * stays open, of the modes, of `undecided` and of a limit, which is not set, kept or passed: one line each, for
 * t/policy_model.t.
 */
#include "core/reply.h"
#include "engine.h"

static const enum result_code codes[] = { RESULT_PASS, RESULT_FAIL, RESULT_SKIP, RESULT_TEMPERROR };
static const enum mode modes[] = { MODE_MONITOR, MODE_DEFER, MODE_ENFORCE };
static const enum verdict undecided[] = { VERDICT_TEMPFAIL, VERDICT_REJECT, VERDICT_QUARANTINE, VERDICT_ACCEPT };

static const enum result_code limits[] = { RESULT_SKIP, RESULT_PASS, RESULT_FAIL };

enum { REJECT, DEFER, QUARANTINE, WARN, SENTENCES };

static struct result outcome(enum result_code code, enum reason failed)
{
	enum reason reason = code == RESULT_FAIL ? failed : code == RESULT_TEMPERROR ? REASON_DNS_ERROR : REASON_NONE;
	return result_make(code, reason, span_make(NULL, 0));
}

static void set_policy(struct settings *settings, const enum result_code wanted[SENTENCES])
{
	struct org *org = &settings->orgs[0];
	sentence_set(settings, &org->reject_unless, "spf");
	sentence_set(settings, &org->defer_unless, "dmarc and limit");
	sentence_set(settings, &org->quarantine_unless, "dkim");
	sentence_set(settings, &org->warn_unless, wanted[WARN] == RESULT_TEMPERROR ? "ip" : "cert");
	org->dkim.required = wanted[QUARANTINE] != RESULT_SKIP;
	org->dmarc.required = true;
	org->cert.required = wanted[WARN] != RESULT_SKIP;
	org->ip.networks = NULL;
}

static void try_one(const enum result_code wanted[SENTENCES], enum mode mode, enum verdict open, enum result_code limit)
{
	struct settings *settings = settings_two(mode, mode);
	struct session_input input = good_session();
	struct test_evidence evidence = good_evidence();
	struct environment environment = test_environment(&evidence);
	struct examination examination;
	struct reply reply;
	const char *const signed_fields[] = {
		"From", " joe@example.com", "X-SFDC-LK", " 00D8d000003TRx3", "DKIM-Signature", " x", NULL
	};
	const char *const fields[] = { "From", " joe@example.com", "X-SFDC-LK", " 00D8d000003TRx3", NULL };

	set_policy(settings, wanted);
	settings->undecided = open;
	evidence.spf = outcome(wanted[REJECT], REASON_SPF_FAIL);
	evidence.dmarc = outcome(wanted[DEFER], REASON_DMARC_FAIL);
	evidence.has_dkim = wanted[QUARANTINE] != RESULT_SKIP;
	evidence.dkim = outcome(wanted[QUARANTINE], REASON_DKIM_FAIL);
	evidence.ip_spf = outcome(wanted[WARN], REASON_IP_UNLISTED);
	evidence.limit = outcome(limit, REASON_LIMIT_MESSAGES);
	settings->orgs[0].limit.messages.count = limit != RESULT_SKIP;
	environment = test_environment(&evidence);
	if (wanted[WARN] != RESULT_PASS && wanted[WARN] != RESULT_TEMPERROR) {
		memset(&input.certificate, 0, sizeof input.certificate);
		if (wanted[WARN] == RESULT_FAIL) {
			input.certificate.cert_subject = span_of("evil.test");
			input.certificate.cert_issuer = span_of("CA");
		}
	}
	if (!settings_complete(settings, unite_options))
		printf("Bail out! settings\n");
	examine_begin(&examination, settings, &environment, span_of("1"), &input, NULL);
	examine_recipient(&examination, span_of("<joe@customer.example>"), span_of("smtp"));
	feed_fields(&examination, evidence.has_dkim ? signed_fields : fields);
	examine_header_end(&examination);
	examine_end(&examination);
	const struct judgement *judgement = &examination.judgement;
	reply_make(judgement->verdict, judgement, span_of("1"), span_of(""), &reply);
	for (unsigned i = 0; i < SENTENCES; i++)
		printf("%s ", result_name(wanted[i]));
	printf("%s %s %s %u %s %s %s %u %s\n", mode_name(mode), verdict_name(open), result_name(limit), evidence.counts,
	       verdict_name(judgement->verdict), verdict_name(judgement->would),
	       judgement->why.count != 0 ? check_name(judgement->why.ids[0]) : "-", (unsigned)judgement->warn.count,
	       reply.code[0] != '\0' ? reply.code : "-");
	examine_clear(&examination);
	settings_free(settings);
}

int main(void)
{
	for (unsigned i = 0; i < 4 * 4 * 4 * 4; i++) {
		const enum result_code wanted[SENTENCES] = { codes[i & 3], codes[i >> 2 & 3], codes[i >> 4 & 3],
			                                         codes[i >> 6 & 3] };
		for (unsigned mode = 0; mode < 3; mode++)
			for (unsigned open = 0; open < 4; open++)
				for (unsigned limit = 0; limit < 3; limit++)
					try_one(wanted, modes[mode], undecided[open], limits[limit]);
	}
	return 0;
}
