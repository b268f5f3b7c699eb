/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/suggestion.h"

#include <stdlib.h>

#include "config/options.h"
#include "history/suggest.h"

#define DOUBTFUL_MAX 10
#define WEAK_MAX 10                         /* values of a list that are too rare to be suggested */
#define CERT_PATTERN "*.mta.salesforce.com" /* the default of cert.names */

/* Where a list stands, and what it means that it is there. */
static const struct place {
	const char *section; /* NULL: of the organization itself */
	const char *key;
	const char *option;
	const char *what;
	bool restricts; /* an empty list restricts nothing, so one that lacks a genuine value would refuse mail */
} places[SUGGEST_LISTS] = {
	[SUGGEST_DOMAINS] = { NULL, "domains", "domains", "domain", false },
	[SUGGEST_SELECTORS] = { "dkim", "selectors", "dkim.selectors", "selector", true },
	[SUGGEST_CERT_NAMES] = { "cert", "names", "cert.names", "certificate name", false },
	[SUGGEST_ISSUERS] = { "cert", "issuers", "cert.issuers", "issuer", true },
	[SUGGEST_USERS] = { "auth", "users", "auth.users", "AUTH user", false },
	[SUGGEST_NETWORKS] = { "ip", "networks", "ip.networks", "client address", false },
};

/* Whether the loader takes the value. */
static bool is_valid(enum suggest_list list, const struct name *row)
{
	char problem[OPTION_PROBLEM_SIZE];
	struct span value = span_make(row->text, row->length);
	const struct option *option = option_find(OPTION_ORG, span_of(places[list].option));
	if (row->length >= LOG_VALUE_MAX)
		return false;
	for (size_t i = 0; i < row->length; i++)
		if (row->text[i] < ' ' || row->text[i] > '~')
			return false;
	return !option || !option->check || option->check(value, problem);
}

/* A scalar in double quotes (YAML 1.2, 7.3.1); of printable ASCII. */
static void put_scalar(const struct name *row)
{
	putchar('"');
	for (size_t i = 0; i < row->length; i++) {
		if (row->text[i] == '"' || row->text[i] == '\\')
			putchar('\\');
		putchar(row->text[i]);
	}
	putchar('"');
}

static void put_seen(const struct name *row)
{
	char first[LOGS_TIME_SIZE];
	char last[LOGS_TIME_SIZE];
	printf("  # %lld messages, %.10s to %.10s", row->count, logs_show_time(row->first, first),
	       logs_show_time(row->last, last));
}

/* The default pattern covers most names. */
static bool is_covered(enum suggest_list list, const struct name *row)
{
	return list == SUGGEST_CERT_NAMES && span_ends_nocase(span_make(row->text, row->length), span_of(&CERT_PATTERN[1]));
}

/* Whether all values are solid; *any_r: whether there is one that is. */
static bool all_solid(const struct suggest *suggest, enum suggest_list list, bool *any_r)
{
	const struct names *names = &suggest->proven[list];
	bool all = names->others == 0;
	*any_r = false;
	for (size_t i = 0; i < names->count; i++) {
		bool solid = suggest_solid(&names->rows[i]) && is_valid(list, &names->rows[i]);
		all = all && solid;
		*any_r = *any_r || (solid && !is_covered(list, &names->rows[i]));
	}
	return all;
}

/* The names that the default covers need no list. */
static bool needs_list(const struct suggest *suggest, enum suggest_list list)
{
	const struct names *names = &suggest->proven[list];
	for (size_t i = 0; i < names->count; i++)
		if (!is_covered(list, &names->rows[i]))
			return true;
	return false;
}

static void put_rows(const struct suggest *suggest, enum suggest_list list, const char *indent, bool live)
{
	const struct names *names = &suggest->proven[list];
	if (list == SUGGEST_CERT_NAMES)
		printf("%s%s- \"" CERT_PATTERN "\"  # the default\n", indent, live ? "" : "# ");
	size_t weak = 0;
	for (size_t i = 0; i < names->count; i++) {
		const struct name *row = &names->rows[i];
		bool solid = suggest_solid(row);
		if (is_covered(list, row) || !is_valid(list, row) || (!solid && weak++ >= WEAK_MAX))
			continue;
		printf("%s%s- ", indent, live && solid ? "" : "# ");
		put_scalar(row);
		put_seen(row);
		puts(solid ? "" : ": too rare");
	}
	if (weak > WEAK_MAX)
		printf("%s# and %zu more that are too rare\n", indent, weak - WEAK_MAX);
	if (names->others != 0)
		printf("%s# %lld messages with further values\n", indent, names->others);
}

static void put_list(const struct suggest *suggest, enum suggest_list list, const char *indent)
{
	const struct place *place = &places[list];
	bool any;
	bool all = all_solid(suggest, list, &any);
	bool live = any && (all || !place->restricts);
	char deeper[16];
	snprintf(deeper, sizeof deeper, "%s  ", indent);
	if (place->restricts && !live)
		printf("%s# not restricted yet: a list without one of its genuine values would refuse mail\n", indent);
	if (list == SUGGEST_SELECTORS && live)
		printf("%s# Salesforce alternates between the two selectors of a key: list both\n", indent);
	printf("%s%s%s:\n", indent, live ? "" : "# ", place->key);
	put_rows(suggest, list, deeper, live);
}

static void put_section(const struct suggest *suggest, const char *section)
{
	bool begun = false;
	for (unsigned i = 0; i < SUGGEST_LISTS; i++) {
		if (!places[i].section || strcmp(places[i].section, section) != 0 || !needs_list(suggest, (enum suggest_list)i))
			continue;
		bool any;
		bool all = all_solid(suggest, (enum suggest_list)i, &any);
		bool live = any && (all || !places[i].restricts);
		if (!begun && live) {
			printf("    %s:\n", section);
			begun = true;
		}
		if (live)
			put_list(suggest, (enum suggest_list)i, "      ");
	}
	for (unsigned i = 0; i < SUGGEST_LISTS; i++) {
		if (!places[i].section || strcmp(places[i].section, section) != 0 || !needs_list(suggest, (enum suggest_list)i))
			continue;
		bool any;
		bool all = all_solid(suggest, (enum suggest_list)i, &any);
		if (any && (all || !places[i].restricts))
			continue;
		if (!begun)
			printf("    # %s:\n", section);
		begun = true;
		put_list(suggest, (enum suggest_list)i, "      ");
	}
}

/* The sentence that the mail of the organization fulfills and that still proves who it is; NULL: the default does. */
static const char *sentence(const struct suggest *suggest)
{
	static const char begin[] = "tls and message and org and from and envelope and verp\n      and ";
	static char text[160];
	if (suggest->with_dkim == suggest->counted)
		return NULL;
	snprintf(text, sizeof text, "%s%s", begin,
	         suggest->with_auth == suggest->counted ? "auth" : "(dkim or auth) and (cert or auth or ip)");
	return text;
}

static bool has_doubtful(const struct suggest *suggest)
{
	for (unsigned i = 0; i < SUGGEST_LISTS; i++)
		if (suggest->doubtful[i].count != 0)
			return true;
	return false;
}

static void put_doubtful(const struct suggest *suggest)
{
	if (!has_doubtful(suggest))
		return;
	puts("# Not suggested: seen in messages that name this organization, and that anybody\n# could have sent.");
	for (unsigned i = 0; i < SUGGEST_LISTS; i++) {
		const struct names *names = &suggest->doubtful[i];
		for (size_t j = 0; j < names->count && j < DOUBTFUL_MAX; j++) {
			const struct name *row = &names->rows[j];
			if (names_find(&suggest->proven[i], span_make(row->text, row->length)))
				continue;
			printf("#   %s ", places[i].what);
			terminal_printable(stdout, span_make(row->text, row->length));
			put_seen(row);
			putchar('\n');
		}
		if (names->count > DOUBTFUL_MAX)
			printf("#   and up to %zu more of kind %s\n", names->count - DOUBTFUL_MAX, places[i].what);
	}
}

static void print_yaml(const struct suggest *suggest)
{
	char first[LOGS_TIME_SIZE];
	char last[LOGS_TIME_SIZE];
	const char *reject = sentence(suggest);
	printf("# Learnt from %lld of %lld messages that name %s,\n# %.10s to %.10s.\n", suggest->counted, suggest->named,
	       suggest->id.text, logs_show_time(suggest->first, first), logs_show_time(suggest->last, last));
	puts("# The others could have been sent by anybody. Look at every line, then run\n"
	     "# sfdc-relayctl check-config and sfdc-relayctl replay with it before you enforce it.");
	printf("orgs:\n  %s:\n    mode: monitor\n", suggest->id.text);
	if (reject)
		printf("    # not all of its mail has a DKIM signature that passes\n    reject_unless: %s\n", reject);
	put_list(suggest, SUGGEST_DOMAINS, "    ");
	put_section(suggest, "dkim");
	put_section(suggest, "cert");
	put_section(suggest, "auth");
	put_section(suggest, "ip");
	put_doubtful(suggest);
}

static json_t *rows_json(const struct names *names, enum suggest_list list)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < names->count; i++) {
		const struct name *row = &names->rows[i];
		json_array_append_new(rows, json_pack("{s:o, s:I, s:I, s:I, s:b, s:b}", "value",
		                                      relayctl_json_shown(span_make(row->text, row->length)), "messages",
		                                      (json_int_t)row->count, "first", (json_int_t)row->first, "last",
		                                      (json_int_t)row->last, "solid", suggest_solid(row), "valid",
		                                      is_valid(list, row)));
	}
	return rows;
}

static bool print_json(const struct suggest *suggest)
{
	json_t *suggested = json_object();
	json_t *not_suggested = json_object();
	const char *reject = sentence(suggest);
	for (unsigned i = 0; i < SUGGEST_LISTS; i++) {
		json_object_set_new(suggested, places[i].option, rows_json(&suggest->proven[i], (enum suggest_list)i));
		json_object_set_new(not_suggested, places[i].option, rows_json(&suggest->doubtful[i], (enum suggest_list)i));
	}
	return relayctl_json_print(stdout, json_pack("{s:s, s:I, s:I, s:s, s:o, s:o}", "org", suggest->id.text, "named",
	                                             (json_int_t)suggest->named, "counted", (json_int_t)suggest->counted,
	                                             "reject_unless", reject ? reject : "", "suggested", suggested,
	                                             "not_suggested", not_suggested));
}

static bool take(void *context, const struct entry *entry)
{
	return suggest_add(context, entry);
}

int suggestion_print(const struct command *command, const struct logs *logs, const char *org, bool json)
{
	struct logs_summary summary;
	struct orgid id;
	if (orgid_parse(span_of(org), &id) != ORGID_OK)
		return relayctl_usage(command, "--org is no organization ID; sfdc-relayctl org-id checks it");
	struct suggest *suggest = suggest_new(&id);
	if (!suggest) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	int code = logs_read(logs, take, suggest, &summary);
	if (!summary.no_memory) {
		suggest_finish(suggest);
		if (!json) {
			print_yaml(suggest);
		} else if (!print_json(suggest)) {
			relayctl_complain("out of memory");
			code = RELAYCTL_TEMPFAIL;
		}
	}
	suggest_free(suggest);
	return code;
}
