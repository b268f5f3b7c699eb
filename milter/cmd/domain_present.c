/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/domain_present.h"

#include <string.h>

#include "cmd/relayctl.h"
#include "cmd/terminal.h"

#define BOUNCE_WIDTH 12
#define FOOTER_WIDTH 8
#define SPF_WIDTH 21
#define DKIM_WIDTH 19
#define CELL_SIZE 64

static const char *policy_word(const struct domain_report *report)
{
	if (report->dmarc == DMARC_TEMPERROR)
		return "not known";
	return report->dmarc == DMARC_FAIL ? dmarc_policy_name(report->requested) : "no record";
}

static enum shade dmarc_cell(const struct prediction *prediction, bool by_receiver, char text_r[CELL_SIZE])
{
	bool spf = prediction->spf == SPF_PASS && prediction->spf_aligned;
	bool dkim =
		(prediction->dkim == SIGNATURE_PASS && prediction->dkim_aligned) || prediction->relay_dkim == SIGNATURE_PASS;
	switch (prediction->dmarc) {
	case DMARC_PASS:
		snprintf(text_r, CELL_SIZE, "pass%s", spf && dkim ? " by both" : spf ? " by SPF" : " by DKIM");
		return SHADE_GOOD;
	case DMARC_NONE:
		snprintf(text_r, CELL_SIZE, "none");
		return SHADE_DOUBT;
	case DMARC_FAIL:
		if (prediction->dmarc_best != DMARC_FAIL) {
			snprintf(text_r, CELL_SIZE, "see below");
			return SHADE_DOUBT;
		}
		snprintf(text_r, CELL_SIZE, "FAIL%s",
		         !by_receiver                                       ? ""
		         : prediction->requested == DMARC_POLICY_REJECT     ? ": refused"
		         : prediction->requested == DMARC_POLICY_QUARANTINE ? ": to spam"
		                                                            : ": reported");
		return SHADE_BAD;
	case DMARC_PENDING:
	case DMARC_TEMPERROR:
	case DMARC_PERMERROR:
		break;
	}
	snprintf(text_r, CELL_SIZE, "%s", dmarc_result_name(prediction->dmarc));
	return SHADE_DOUBT;
}

/* Ended by a space, however long it is. */
static void print_cell(FILE *out, enum shade shade, const char *text, int width)
{
	terminal_put(out, shade, span_of(text), width);
	if (strlen(text) >= (size_t)width)
		fputc(' ', out);
}

/* Without a record of DMARC's nothing is aligned or not. */
static void print_row(FILE *out, const struct domain_report *report, const struct prediction *prediction,
                      bool with_footer)
{
	char spf[CELL_SIZE];
	char dkim[CELL_SIZE];
	char dmarc[CELL_SIZE];
	bool spf_good = prediction->spf == SPF_PASS && prediction->spf_aligned;
	bool dkim_good =
		(prediction->dkim == SIGNATURE_PASS && prediction->dkim_aligned) || prediction->relay_dkim == SIGNATURE_PASS;
	bool known = report->dmarc == DMARC_FAIL;
	snprintf(spf, sizeof spf, "%s%s", prediction->spf == SPF_PENDING ? "?" : spf_result_name(prediction->spf),
	         !known || prediction->spf_aligned ? "" : ", unaligned");
	bool unaligned = known && prediction->dkim == SIGNATURE_PASS && !prediction->dkim_aligned;
	snprintf(dkim, sizeof dkim, "%s%s%s%s",
	         prediction->dkim == SIGNATURE_UNKNOWN ? "?" : signature_name(prediction->dkim),
	         unaligned ? ", unaligned" : "", prediction->relay_dkim == SIGNATURE_NONE ? "" : "; relay: ",
	         prediction->relay_dkim == SIGNATURE_NONE ? "" : signature_name(prediction->relay_dkim));
	fprintf(out, "  %-*s%-*s", BOUNCE_WIDTH, prediction->bounce_management ? "on" : "off", FOOTER_WIDTH,
	        !with_footer         ? ""
	        : prediction->footer ? "yes"
	                             : "no");
	print_cell(out, spf_good ? SHADE_GOOD : SHADE_DIM, spf, SPF_WIDTH);
	print_cell(out, dkim_good ? SHADE_GOOD : SHADE_DIM, dkim, DKIM_WIDTH);
	enum shade shade = dmarc_cell(prediction, with_footer, dmarc);
	terminal_put(out, shade, span_of(dmarc), 0);
	fputc('\n', out);
}

static void print_head(FILE *out, const struct domain_report *report, const char *footer)
{
	fprintf(out, "  %-*s%-*s%-*s%-*sDMARC (%s)\n", BOUNCE_WIDTH, "bounce mgmt", FOOTER_WIDTH, footer, SPF_WIDTH, "SPF",
	        DKIM_WIDTH, "DKIM", policy_word(report));
}

/* One table for all relays behind which receivers see the same. */
static void print_tables(FILE *out, const struct domain_report *report)
{
	bool told[DOMAIN_RELAYS_MAX] = { false };
	for (size_t i = 0; i < report->relay_count; i++) {
		char line[DOMAIN_RELAYS_MAX * (ADDRESS_TEXT_SIZE + 2)] = "";
		size_t length = 0;
		if (told[i])
			continue;
		for (size_t j = i; j < report->relay_count; j++) {
			char address[ADDRESS_TEXT_SIZE];
			if (told[j] || !predictions_equal(report->relays[i].predictions, report->relays[j].predictions))
				continue;
			told[j] = true;
			address_format(&report->relays[j].address, address);
			length += (size_t)snprintf(line + length, sizeof line - length, "%s%s", length > 0 ? ", " : "", address);
		}
		char title[sizeof line + 80];
		snprintf(title, sizeof title, "What receivers see behind the relay%s%s:", length > 0 ? " " : "", line);
		fputc('\n', out);
		terminal_fold(out, span_of(title), 0, 0);
		print_head(out, report, "footer");
		for (size_t j = 0; j < PREDICTIONS; j++)
			print_row(out, report, &report->relays[i].predictions[j], true);
	}
	fputs("\nWhat the relay sees of mail from Salesforce:\n", out);
	print_head(out, report, "");
	for (size_t i = 0; i < PREDICTIONS_AT_RELAY; i++)
		print_row(out, report, &report->at_relay[i], false);
}

static void print_part(FILE *out, const struct domain_report *report, const char *about)
{
	for (const struct diagnostic *finding = report->preflight->first; finding; finding = finding->next)
		if (span_equal(finding->about, span_of(about))) {
			fputc('\n', out);
			terminal_put(out, SHADE_STRONG, span_of(about), 0);
			fputc('\n', out);
			preflight_print(out, report->preflight, about);
			return;
		}
}

/* "example.com: 1 to fix, 2 to consider" */
static void print_title(FILE *out, const struct domain_report *report)
{
	size_t counts[FINDING_FIX + 1] = { 0 };
	char text[80];
	for (const struct diagnostic *finding = report->preflight->first; finding; finding = finding->next)
		counts[finding->level]++;
	snprintf(text, sizeof text, "%zu to fix, %zu to consider", counts[FINDING_FIX], counts[FINDING_ADVICE]);
	terminal_put(out, SHADE_STRONG, report->domain, 0);
	fputs(": ", out);
	terminal_put(out,
	             counts[FINDING_FIX] > 0      ? SHADE_BAD
	             : counts[FINDING_ADVICE] > 0 ? SHADE_DOUBT
	                                          : SHADE_GOOD,
	             span_of(counts[FINDING_FIX] + counts[FINDING_ADVICE] > 0 ? text : "all is right"), 0);
	fputc('\n', out);
}

void domain_present_plain(FILE *out, const struct domain_report *report)
{
	static const char *const parts[] = { DOMAIN_ABOUT_PATHS, DOMAIN_ABOUT_NAME, DOMAIN_ABOUT_SPF, DOMAIN_ABOUT_DKIM,
		                                 DOMAIN_ABOUT_DMARC };
	print_title(out, report);
	print_tables(out, report);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		print_part(out, report, parts[i]);
}

static json_t *prediction_json(const struct prediction *prediction)
{
	return json_pack("{s:b, s:b, s:o, s:s, s:b, s:s, s:b, s:s, s:s, s:s, s:s}", "bounce_management",
	                 prediction->bounce_management, "footer", prediction->footer, "envelope",
	                 relayctl_json_shown(prediction->sender), "spf",
	                 prediction->spf == SPF_PENDING ? "" : spf_result_name(prediction->spf), "spf_aligned",
	                 prediction->spf_aligned, "dkim",
	                 prediction->dkim == SIGNATURE_UNKNOWN ? "" : signature_name(prediction->dkim), "dkim_aligned",
	                 prediction->dkim_aligned, "relay_dkim", signature_name(prediction->relay_dkim), "dmarc",
	                 dmarc_result_name(prediction->dmarc), "dmarc_best", dmarc_result_name(prediction->dmarc_best),
	                 "policy", dmarc_policy_name(prediction->requested));
}

static bool add_relay(json_t *list, const struct domain_relay *relay)
{
	char address[ADDRESS_TEXT_SIZE];
	address_format(&relay->address, address);
	for (size_t i = 0; i < PREDICTIONS; i++) {
		json_t *row = prediction_json(&relay->predictions[i]);
		if (!row || json_object_set_new(row, "relay", json_string(address)) != 0 || json_array_append(list, row) != 0) {
			json_decref(row);
			return false;
		}
		json_decref(row);
	}
	return true;
}

bool domain_present_json(FILE *out, const struct domain_report *report)
{
	json_t *paths = json_array();
	json_t *at_relay = json_array();
	bool good = paths && at_relay;
	for (size_t i = 0; good && i < report->relay_count; i++)
		good = add_relay(paths, &report->relays[i]);
	for (size_t i = 0; good && i < PREDICTIONS_AT_RELAY; i++)
		good = json_array_append_new(at_relay, prediction_json(&report->at_relay[i])) == 0;
	if (!good) {
		json_decref(paths);
		json_decref(at_relay);
		return false;
	}
	return relayctl_json_print(out, json_pack("{s:o, s:s, s:o, s:o, s:o}", "domain",
	                                          relayctl_json_shown(report->domain), "policy",
	                                          report->dmarc == DMARC_FAIL ? dmarc_policy_name(report->requested) : "",
	                                          "findings", preflight_json(report->preflight), "paths", paths, "at_relay",
	                                          at_relay));
}
