/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_section.h"

#include "core/log_entry.h"

/* Printable ASCII between double quotes: what the YAML says is what stands here. */
static void print_quoted(FILE *out, struct span text)
{
	fputc('"', out);
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			fputc('\\', out);
		fputc(text.at[i], out);
	}
	fputc('"', out);
}

/* For comments: any bytes. */
static void print_shown(FILE *out, struct span text)
{
	char shown[LOG_PRINTABLE_SIZE];
	log_entry_printable(text, shown, sizeof shown);
	fputs(shown, out);
}

static void print_list(FILE *out, const char *indent, const char *key, const struct org_list *list)
{
	fprintf(out, "%s%s:%s\n", indent, key, list->count == 0 ? " []" : "");
	for (const struct org_item *item = list->first; item; item = item->next) {
		fprintf(out, "%s  - ", indent);
		print_quoted(out, item->text);
		fputs(" # ", out);
		print_shown(out, item->file);
		fputc('\n', out);
	}
}

static void print_left_out(FILE *out, const struct org_list *list)
{
	if (list->count == 0)
		return;
	fputs("    # Left out; add what you know to be yours:\n", out);
	for (const struct org_item *item = list->first; item; item = item->next) {
		fputs("    #  - \"", out);
		print_shown(out, item->text);
		fprintf(out, "\" # %s: ", item->why);
		print_shown(out, item->file);
		fputc('\n', out);
	}
}

static void print_dkim(FILE *out, const struct org_section *section)
{
	bool selectors = !section->no_selectors && section->selectors.count > 0;
	bool key_zones = !section->no_key_zones && section->key_zones.count > 0;
	if (section->no_selectors)
		fprintf(out, "    # dkim.selectors is left out: %s.\n", section->no_selectors);
	if (section->no_key_zones)
		fprintf(out, "    # dkim.key_zones is left out: %s.\n", section->no_key_zones);
	if (selectors || key_zones)
		fputs("    dkim:\n", out);
	if (selectors)
		print_list(out, "      ", "selectors", &section->selectors);
	if (key_zones)
		print_list(out, "      ", "key_zones", &section->key_zones);
}

static void print_bounce(FILE *out, enum org_bounce bounce)
{
	switch (bounce) {
	case ORG_BOUNCE_UNKNOWN:
		fputs("    # envelope.bounce_domains is left out: bounce management and compliance are not both known.\n", out);
		return;
	case ORG_BOUNCE_NONE:
		fputs("    # Bounce management and compliance are off: MAIL FROM is the sender's address.\n"
		      "    envelope:\n      bounce_domains: []\n",
		      out);
		return;
	case ORG_BOUNCE_SALESFORCE:
		fputs("    # Bounce management or compliance is on: MAIL FROM is an address of Salesforce.\n"
		      "    envelope:\n      bounce_domains:\n        - \"*.bnc.salesforce.com\"\n",
		      out);
		return;
	}
}

void org_section_print(FILE *out, const struct org_section *section, const char *heading)
{
	if (section->id_status != ORG_ID_GIVEN || section->overflow)
		return;
	fprintf(out, "%sorgs:\n  \"%s\": # ", heading, section->id.text);
	print_shown(out, span_absent(section->id_file) ? span_of("--org") : section->id_file);
	fputc('\n', out);
	if (section->name_left_out)
		fputs("    # name is left out: it has at most 64 characters of ASCII.\n", out);
	if (!span_absent(section->name)) {
		fputs("    name: ", out);
		print_quoted(out, section->name);
		fputc('\n', out);
	}
	print_list(out, "    ", "domains", &section->domains);
	print_left_out(out, &section->left_out);
	print_bounce(out, section->bounce);
	print_dkim(out, section);
}
