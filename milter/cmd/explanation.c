#include "config.h"

#include "cmd/present.h"
#include "cmd/relayctl.h"

/* What each check asks, and so what its pass says. */
static const char *const passes[CHECK_COUNT] = {
	[CHECK_TLS] = "the session is encrypted as strongly as asked",
	[CHECK_CERT] = "the MTA verified the client certificate, and its name is one that is expected",
	[CHECK_MESSAGE] = "the header is sound, and a Sender: field names nobody else",
	[CHECK_ORG] = "exactly one X-SFDC-LK names the organization, and X-SFDCOrgRelay does not contradict",
	[CHECK_FROM] = "there is one From: with one mailbox, of one of the organization's domains",
	[CHECK_ENVELOPE] = "the envelope sender is of the organization, of Salesforce's bounce management, or null",
	[CHECK_VERP] = "Salesforce's bounce address names the same organization and author as the header",
	[CHECK_DKIM] = "a good signature vouches for the From: domain",
	[CHECK_AUTH] = "the session authenticated as a user that the organization may use",
	[CHECK_IP] = "the client's address is one that the organization's mail comes from",
	[CHECK_SPF] = "SPF lets this client send for the envelope sender's domain",
	[CHECK_DMARC] = "DKIM or SPF passes for the From: domain (DMARC)",
};

void present_bounds(const struct judgement *judgement, struct bounds bounds_r[CHECK_COUNT])
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		bounds_r[i] = bounds_of(judgement->results[i].code);
}

const char *present_state(const struct sentence *sentence, const struct bounds bounds[CHECK_COUNT])
{
	struct bounds truth = sentence_evaluate(sentence, bounds);
	return bounds_hold(truth) ? "holds" : bounds_possible(truth) ? "is open" : "is broken";
}

static const char *words(enum check_id check, const struct result *result)
{
	switch (result->code) {
	case RESULT_PASS:
		return passes[check];
	case RESULT_PENDING:
		return "nobody asked for it: the message was decided before";
	case RESULT_SKIP:
	case RESULT_FAIL:
	case RESULT_NONE:
	case RESULT_PERMERROR:
	case RESULT_TEMPERROR:
		return reason_row(result->reason)->sentence;
	}
	return "";
}

static void explain_sentence(FILE *out, const char *name, const struct sentence *sentence, const struct bounds *bounds)
{
	fprintf(out, "    %-18s%-11s", name, present_state(sentence, bounds));
	screen_printable(out, sentence->text.length != 0 ? sentence->text : span_of("(empty)"));
	fputc('\n', out);
}

/* Below a check's row, in the column of its words. */
static void explain_opinions(FILE *out, const struct opinion *opinion, enum check_id check)
{
	char sentence[OPINION_SENTENCE_SIZE];

	for (; opinion; opinion = opinion->next) {
		if (opinion->check != check)
			continue;
		opinion_sentence(&opinion->second, sentence);
		fprintf(out, "    %-10s%-11s", "", "");
		if (check == CHECK_IP) {
			screen_printable(out, opinion->name);
			fputs(": ", out);
		}
		fprintf(out, "%s\n", sentence);
	}
}

void present_explanation(FILE *out, const struct view *view)
{
	const struct examination *examination = view->examination;
	const struct judgement *judgement = &examination->judgement;
	struct bounds bounds[CHECK_COUNT];

	fputc('\n', out);
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		const struct result *result = &judgement->results[i];
		fprintf(out, "    %-10s%-11s%s\n", check_name((enum check_id)i), result_name(result->code),
		        words((enum check_id)i, result));
		explain_opinions(out, view->opinions, (enum check_id)i);
	}
	fputc('\n', out);
	present_bounds(judgement, bounds);
	if (judgement->org) {
		explain_sentence(out, "reject_unless", &judgement->org->reject_unless, bounds);
		explain_sentence(out, "quarantine_unless", &judgement->org->quarantine_unless, bounds);
		explain_sentence(out, "warn_unless", &judgement->org->warn_unless, bounds);
	} else {
		fputs("    no sentence applies: the message names no organization that is served, and is refused for that\n", out);
	}
	if (examination->settings->monitor_floor.root && judgement->mode == MODE_MONITOR)
		explain_sentence(out, "monitor_floor", &examination->settings->monitor_floor, bounds);
}

static void trace_checks(FILE *out, check_bits bits)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (bits & CHECK_BIT(i))
			fprintf(out, " %s", check_name((enum check_id)i));
	fputs(bits == 0 ? " none\n" : "\n", out);
}

static void trace_sentence(FILE *out, const char *name, const struct sentence *sentence, const struct bounds *bounds)
{
	fprintf(out, "  %-18s%s", name, present_state(sentence, bounds));
	check_bits open = sentence_open(sentence, bounds);
	if (open != 0) {
		fputs(", waits for", out);
		trace_checks(out, open);
	} else {
		fputc('\n', out);
	}
}

void present_trace(FILE *out, const struct examination *examination)
{
	const struct judgement *judgement = &examination->judgement;
	struct bounds bounds[CHECK_COUNT];

	fprintf(out, "after %s: verdict %s, would %s\n", stage_name(examination->facts.stage), verdict_name(judgement->verdict),
	        verdict_name(judgement->would));
	fprintf(out, "  %-18s", "results");
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		fprintf(out, "%s%s=%s", i ? " " : "", check_name((enum check_id)i), result_name(judgement->results[i].code));
	fputc('\n', out);
	present_bounds(judgement, bounds);
	if (judgement->org) {
		trace_sentence(out, "reject_unless", &judgement->org->reject_unless, bounds);
		trace_sentence(out, "quarantine_unless", &judgement->org->quarantine_unless, bounds);
		trace_sentence(out, "warn_unless", &judgement->org->warn_unless, bounds);
	}
	fprintf(out, "  %-17s", "wanted");
	trace_checks(out, judgement->wanted);
}
