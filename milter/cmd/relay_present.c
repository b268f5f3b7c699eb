/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/relay_present.h"

#include <string.h>

#include "cmd/relay_findings.h"
#include "cmd/relayctl.h"
#include "cmd/terminal.h"
#include "core/log_entry.h"

#define TITLE_WIDTH 40

const char *relay_about(const struct probe_view *view, char about_r[RELAY_ABOUT_SIZE])
{
	char host[LOG_PRINTABLE_SIZE];
	char address[ADDRESS_TEXT_SIZE];
	terminal_escape(view->host, host, sizeof host);
	address_format(&view->address, address);
	snprintf(about_r, RELAY_ABOUT_SIZE, "%s [%s]:%u", host, address, view->port);
	return about_r;
}

static void print_settings(FILE *out, const struct probe_view *view)
{
	char text[RELAY_OUTCOME_SIZE];
	for (unsigned i = 0; i < RELAY_SETTINGS; i++) {
		enum relay_setting setting = (enum relay_setting)i;
		struct relay_outcome outcome = relay_judge(&view->seen, setting);
		relay_outcome_text(view, setting, text);
		fprintf(out, "  %-*s", TITLE_WIDTH, relay_setting_title(setting));
		/* Color alone: the text may be longer than a cell. */
		terminal_put(out, outcome.delivers ? outcome.encrypted ? SHADE_GOOD : SHADE_DOUBT : SHADE_BAD,
		             span_of(outcome.delivers ? "" : "! "), 0);
		terminal_fold(out, span_of(text), TITLE_WIDTH + (outcome.delivers ? 2 : 4), TITLE_WIDTH + 4);
	}
}

static void print_endpoint(FILE *out, const struct probe_view *view)
{
	char about[RELAY_ABOUT_SIZE];
	char from[ADDRESS_TEXT_SIZE];
	address_format(&view->local, from);
	fputc('\n', out);
	terminal_put(out, SHADE_STRONG, span_of(relay_about(view, about)), 0);
	if (from[0] != '\0')
		fprintf(out, ", probed from %s", from);
	if (view->tls.version)
		fprintf(out, ", %s, %s of %d bits", view->tls.version, view->tls.cipher, view->tls.bits);
	fputc('\n', out);
	if (view->software[0] != '\0') {
		fputs("  ", out);
		terminal_printable(out, span_of(view->software));
		fputc('\n', out);
	}
	print_settings(out, view);
}

/* The diagnostics are in groups, each about one thing. */
void relay_present_plain(FILE *out, const struct relay_view *view)
{
	preflight_print(out, view->preflight, NULL);
	for (size_t i = 0; i < view->count; i++) {
		char about[RELAY_ABOUT_SIZE];
		print_endpoint(out, &view->views[i]);
		preflight_print(out, view->preflight, relay_about(&view->views[i], about));
	}
}

static json_t *settings_json(const struct probe_view *view)
{
	json_t *object = json_object();
	for (unsigned i = 0; object && i < RELAY_SETTINGS; i++) {
		enum relay_setting setting = (enum relay_setting)i;
		struct relay_outcome outcome = relay_judge(&view->seen, setting);
		char line[RELAY_OUTCOME_SIZE];
		relay_outcome_line(view, &outcome, line);
		json_t *row = json_pack("{s:b, s:b, s:b, s:o}", "delivers", outcome.delivers, "encrypted", outcome.encrypted,
		                        "verified", outcome.verified, "line", relayctl_json_whole(span_of(line)));
		if (!row || json_object_set_new(object, relay_setting_name(setting), row) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *tls_json(const struct probe_view *view)
{
	const struct tls_seen *tls = &view->tls;
	json_t *versions = json_object();
	for (unsigned i = 0; versions && i < PROBE_VERSIONS; i++)
		if (view->versions[i] != PROBE_UNKNOWN)
			json_object_set_new(versions, probe_version_name((enum probe_version)i),
			                    json_boolean(view->versions[i] == PROBE_YES));
	return json_pack("{s:b, s:s, s:s, s:i, s:b, s:o}", "offered", view->seen.starttls_offered, "version",
	                 tls->version ? tls->version : "", "cipher", tls->cipher ? tls->cipher : "", "bits", tls->bits,
	                 "client_certificate_requested", tls->certificate_requested, "versions", versions);
}

static json_t *certificate_json(const struct tls_seen *tls, long long now)
{
	json_t *names = json_array();
	for (size_t i = 0; names && i < tls->name_count; i++)
		json_array_append_new(names, relayctl_json_shown(tls->names[i]));
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:s, s:i, s:s, s:i, s:b}", "subject",
	                 relayctl_json_shown(tls->subject), "issuer", relayctl_json_shown(tls->issuer), "names", names,
	                 "not_before", (json_int_t)tls->not_before, "not_after", (json_int_t)tls->not_after, "days",
	                 (json_int_t)relay_days(now, tls->not_after), "key", tls->key_type, "key_bits", tls->key_bits,
	                 "signature", tls->signature, "sent", (int)tls->sent, "trusted", tls->chain == RELAY_CHAIN_GOOD);
}

static json_t *endpoint_json(const struct probe_view *view, long long now)
{
	char address[ADDRESS_TEXT_SIZE];
	char from[ADDRESS_TEXT_SIZE];
	address_format(&view->address, address);
	address_format(&view->local, from);
	json_t *certificate = span_absent(view->tls.subject) ? json_null() : certificate_json(&view->tls, now);
	return json_pack("{s:o, s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "host", relayctl_json_shown(view->host), "address",
	                 address, "port", (int)view->port, "from", from, "greeting",
	                 relayctl_json_shown(span_of(view->software)), "settings", settings_json(view), "tls",
	                 tls_json(view), "certificate", certificate);
}

bool relay_present_json(FILE *out, const struct relay_view *view)
{
	json_t *endpoints = json_array();
	bool good = endpoints != NULL;
	for (size_t i = 0; good && i < view->count; i++)
		good = json_array_append_new(endpoints, endpoint_json(&view->views[i], view->now)) == 0;
	if (!good) {
		json_decref(endpoints);
		return false;
	}
	return relayctl_json_print(out, json_pack("{s:o, s:o}", "findings", preflight_json(view->preflight), "endpoints",
	                                          endpoints));
}

static void put_without_bar(FILE *out, struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		fputc(text.at[i] == '|' ? '/' : text.at[i], out);
}

void relay_present_nagios(FILE *out, const struct relay_view *view)
{
	static const char *const words[] = {
		[FINDING_OK] = "OK", [FINDING_ADVICE] = "WARNING", [FINDING_FIX] = "CRITICAL"
	};
	enum diagnostic_level worst = preflight_worst(view->preflight);
	const struct diagnostic *first = view->preflight->first;
	bool dated = false;
	long long days = 0;

	while (first && (worst == FINDING_OK || first->level != worst))
		first = first->next;
	for (size_t i = 0; i < view->count; i++)
		if (!span_absent(view->views[i].tls.subject)) {
			long long left = relay_days(view->now, view->views[i].tls.not_after);
			days = dated && days < left ? days : left;
			dated = true;
		}
	fprintf(out, "RELAY %s - ", words[worst]);
	put_without_bar(out,
	                first ? first->text : span_of("mail is delivered, encrypted and verified, under Required Verify"));
	if (dated)
		fprintf(out, " | days=%lld;%u:;0:", days, view->warn_days);
	fputc('\n', out);
	for (const struct diagnostic *finding = view->preflight->first; finding; finding = finding->next) {
		if (finding->level == FINDING_OK)
			continue;
		fprintf(out, "%s ", words[finding->level]);
		put_without_bar(out, finding->about);
		fputs(span_absent(finding->about) ? "" : ": ", out);
		put_without_bar(out, finding->text);
		fputc('\n', out);
	}
}
