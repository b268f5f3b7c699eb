/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/mta_snippets.h"
#include "cmd/org_files.h"
#include "cmd/org_findings.h"
#include "cmd/relayctl.h"
#include "core/log_entry.h"
#include "evidence/idn.h"
#include "evidence/orgdomain.h"

enum { FLAG_CONFIG = 1, FLAG_ORG, FLAG_RELAY, FLAG_PORT, FLAG_JSON };

static const struct argument arguments[] = {
	{ FLAG_CONFIG, 'c', NULL, "FILE", "compare with this configuration, too" },
	{ FLAG_ORG, 0, "org", "ID", "the organization's ID; without it that of Organization is taken" },
	{ FLAG_RELAY, 0, "relay", "HOST", "look at the EmailRelay of this host, and its filters, only" },
	{ FLAG_PORT, 0, "port", "PORT",
	  "the port that the milter guards (with -c: 10025, which check-config --mta makes)" },
	{ FLAG_JSON, 0, "json", NULL, "print one JSON object: findings, org, yaml" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "nothing contradicts a safe relay, and there is nothing to advise" },
	{ RELAYCTL_REJECT, "something in Salesforce, or in the configuration, is to be fixed" },
	{ RELAYCTL_QUARANTINE, "there is advice" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_INPUT, "a file cannot be used, or no section can be written, for want of one ID" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
	{ RELAYCTL_CONFIG, "the configuration has an error" },
};

static int import_org_main(int argc, char **argv);

const struct subcommand import_org_subcommand = {
	.command = {
		.name = "sfdc-relayctl import-org",
		.synopsis = "[-c FILE] [--org ID] [--relay HOST]\n[--port PORT] [--json] PATH...",
		.about = "Write the section of an organization from its own metadata, with what that proves and no more, "
		         "and tell what in "
		         "it contradicts a safe relay. PATH is an sfdx project, or a file with the JSON of sf data query "
		         "for EmailRelay, "
		         "EmailDomainFilter, EmailDomainKey, OrgWideEmailAddress and Organization; - is standard input. "
		         "The section goes to "
		         "standard output, what is told to standard error.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl import-org my-sfdx-project > section.yaml\n"
		           "  sf data query --json -q \"SELECT FIELDS(ALL) FROM EmailRelay LIMIT 200\" \\\n"
		           "      > org/EmailRelay.json\n"
		           "  sfdc-relayctl import-org org my-sfdx-project > section.yaml\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = import_org_main,
};

static const struct command *const command = &import_org_subcommand.command;

struct work {
	struct org_request request;
	struct orgid id;
	const char *config;
	bool json;
	struct org_metadata metadata;
	struct org_section section;
	struct preflight preflight;
};

static bool is_public(void *context, struct span domain)
{
	return orgdomain_is_public(context, domain);
}

static int take_id(struct work *work)
{
	char shown[LOG_PRINTABLE_SIZE];
	enum orgid_status status = orgid_parse(span_of(optarg), &work->id);
	work->request.id = &work->id;
	if (status == ORGID_OK)
		return RELAYCTL_GOOD;
	terminal_escape(span_of(optarg), shown, sizeof shown);
	return relayctl_usage(command, "--org: %s is not an organization ID: %s", shown, orgid_problem(status));
}

static int take_port(struct work *work)
{
	unsigned long port = 0;
	char shown[LOG_PRINTABLE_SIZE];
	bool good = span_number(span_of(optarg), 65535, &port) && port != 0;
	work->request.port = (unsigned)port;
	if (good)
		return RELAYCTL_GOOD;
	terminal_escape(span_of(optarg), shown, sizeof shown);
	return relayctl_usage(command, "--port: \"%s\" is not a number from 1 to 65535", shown);
}

/* True: *code_r is the exit code, and nothing is left to do. */
static bool parse(int argc, char **argv, struct work *work, int *code_r)
{
	char wrong[ARGUMENTS_PROBLEM_SIZE];
	*code_r = RELAYCTL_GOOD;
	for (int id; (id = arguments_next(command, argc, argv, wrong)) != ARGUMENTS_END;) {
		switch (id) {
		case FLAG_CONFIG:
			work->config = optarg;
			break;
		case FLAG_ORG:
			*code_r = take_id(work);
			break;
		case FLAG_RELAY:
			work->request.relay = span_of(optarg);
			break;
		case FLAG_PORT:
			*code_r = take_port(work);
			break;
		case FLAG_JSON:
			work->json = true;
			break;
		default:
			*code_r = relayctl_end(command, id, wrong);
			return true;
		}
		if (*code_r != RELAYCTL_GOOD)
			return true;
	}
	if (optind == argc)
		*code_r = relayctl_usage(command, "no file or folder is given");
	if (work->config && work->request.port == 0)
		work->request.port = MTA_SNIPPETS_PORT;
	return *code_r != RELAYCTL_GOOD;
}

static size_t count(const struct preflight *preflight, enum diagnostic_level level)
{
	size_t found = 0;
	for (const struct diagnostic *one = preflight->first; one; one = one->next)
		found += one->level == level ? 1 : 0;
	return found;
}

/* The section as text, on the heap; "" where there is none. NULL without memory. */
static char *section_text(const struct work *work)
{
	char heading[400];
	char *text = NULL;
	size_t length = 0;
	size_t fixes = count(&work->preflight, FINDING_FIX);
	snprintf(heading, sizeof heading,
	         "# From the organization's own metadata, by sfdc-relayctl import-org " PACKAGE_VERSION
	         ": what that proves, and no "
	         "more.\n# Look at it, and put it below orgs in sfdc-milter.yaml.\n# To be fixed in Salesforce or in the "
	         "configuration: %zu. To be looked at: %zu.\n",
	         fixes, count(&work->preflight, FINDING_ADVICE));
	FILE *out = open_memstream(&text, &length);
	if (!out)
		return NULL;
	org_section_print(out, &work->section, heading);
	bool good = ferror(out) == 0;
	if (fclose(out) == 0 && good)
		return text;
	free(text);
	return NULL;
}

/* The loader takes it; whatever came in. */
static bool loads(const char *text)
{
	struct problems problems;
	struct settings *settings = config_load_text("section", text, strlen(text), &problems);
	if (!settings)
		relayctl_print_problems("section", &problems, false);
	problems_clear(&problems);
	settings_free(settings);
	return settings != NULL;
}

static json_t *list_json(const struct org_list *list)
{
	json_t *array = json_array();
	for (const struct org_item *item = list->first; array && item; item = item->next)
		if (json_array_append_new(array, relayctl_json_shown(item->text)) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *left_out_json(const struct org_list *list)
{
	json_t *array = json_array();
	for (const struct org_item *item = list->first; array && item; item = item->next) {
		json_t *row = json_pack("{s:o, s:s, s:o}", "text", relayctl_json_shown(item->text), "why", item->why, "file",
		                        relayctl_json_shown(item->file));
		if (json_array_append_new(array, row) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *org_json(const struct org_section *section)
{
	static const char *const bounce[] = {
		[ORG_BOUNCE_UNKNOWN] = "unknown", [ORG_BOUNCE_NONE] = "none", [ORG_BOUNCE_SALESFORCE] = "salesforce"
	};
	static const struct org_list empty;
	if (section->id_status != ORG_ID_GIVEN)
		return json_null();
	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:s, s:o, s:o}", "id", section->id.text, "name",
	                 relayctl_json_shown(section->name), "sandbox", section->sandbox, "domains",
	                 list_json(&section->domains), "left_out", left_out_json(&section->left_out), "bounce",
	                 bounce[section->bounce], "selectors",
	                 list_json(section->no_selectors ? &empty : &section->selectors), "key_zones",
	                 list_json(section->no_key_zones ? &empty : &section->key_zones));
}

static int exit_code(const struct work *work)
{
	if (work->section.id_status != ORG_ID_GIVEN)
		return RELAYCTL_INPUT;
	switch (preflight_worst(&work->preflight)) {
	case FINDING_OK:
		return RELAYCTL_GOOD;
	case FINDING_ADVICE:
		return RELAYCTL_QUARANTINE;
	case FINDING_FIX:
		break;
	}
	return RELAYCTL_REJECT;
}

static int present(const struct work *work)
{
	bool given = work->section.id_status == ORG_ID_GIVEN;
	char *text = section_text(work);
	bool good = text && !preflight_failed(&work->preflight) && !arena_failed(&work->metadata.arena);
	int code = exit_code(work);
	if (good && given && !loads(text)) {
		relayctl_complain("the section does not pass the configuration's own checks, so that it is not printed");
		code = RELAYCTL_INPUT;
	} else if (good && work->json) {
		good = relayctl_json_print(stdout, json_pack("{s:o, s:o, s:s}", "findings", preflight_json(&work->preflight),
		                                             "org", org_json(&work->section), "yaml", text));
	} else if (good) {
		fputs(text, stdout);
		fflush(stdout);
		preflight_print(stderr, &work->preflight, NULL);
	}
	free(text);
	if (good)
		return code;
	relayctl_complain("out of memory");
	return RELAYCTL_TEMPFAIL;
}

/* RELAYCTL_GOOD, or the exit code. */
static int read_all(struct work *work, char **paths, int paths_count)
{
	struct org_files files = { .metadata = &work->metadata, .complain = relayctl_complain_of };
	for (int i = 0; i < paths_count; i++)
		if (!org_files_read(&files, paths[i]))
			return arena_failed(&work->metadata.arena) ? RELAYCTL_TEMPFAIL : RELAYCTL_INPUT;
	if (work->metadata.files == 0) {
		relayctl_complain(
			"these folders hold no record of EmailRelay, EmailDomainFilter, EmailDomainKey, OrgWideEmailAddress or "
			"Organization, and no settings of email; ask for them with sf data query --json");
		return RELAYCTL_INPUT;
	}
	if (files.links > 0)
		preflight_add(&work->preflight, FINDING_OK, "links", NULL, "%zu symbolic link%s not followed", files.links,
		              files.links == 1 ? " was" : "s were");
	return RELAYCTL_GOOD;
}

static int too_much(void)
{
	relayctl_complain("these files list more domains than an organization has; give those of one organization");
	return RELAYCTL_INPUT;
}

static int import(struct work *work, char **paths, int paths_count)
{
	struct problems problems;
	struct settings *config = NULL;
	int code = read_all(work, paths, paths_count);
	if (code != RELAYCTL_GOOD)
		return code;
	if (work->config) {
		config = relayctl_load(work->config, &problems);
		relayctl_print_problems(work->config, &problems, false);
		problems_clear(&problems);
		if (!config)
			return RELAYCTL_CONFIG;
	}
	struct orgdomain *orgdomain = orgdomain_new();
	work->request.config = config;
	work->request.to_ascii = idn_to_ascii;
	work->request.public_suffix = is_public;
	work->request.context = orgdomain;
	if (orgdomain) {
		org_section_make(&work->metadata, &work->request, &work->section);
		if (!work->section.overflow)
			org_findings(&work->metadata, &work->request, &work->section, &work->preflight);
		code = work->section.overflow ? too_much() : present(work);
	} else {
		relayctl_complain("the Public Suffix List cannot be read; install publicsuffix");
		code = RELAYCTL_TEMPFAIL;
	}
	orgdomain_free(orgdomain);
	settings_free(config);
	return code;
}

static int import_org_main(int argc, char **argv)
{
	struct work work = { .request = { .port = 0 } };
	int code;
	if (parse(argc, argv, &work, &code))
		return code;
	org_metadata_init(&work.metadata);
	preflight_init(&work.preflight);
	code = import(&work, argv + optind, argc - optind);
	preflight_clear(&work.preflight);
	org_metadata_clear(&work.metadata);
	return code;
}
