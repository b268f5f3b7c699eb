/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_probe: the loader for script tests.
 *
 *   config_probe --options          the option table: scope, key, type, default, choices, limits and help, by tabs
 *   config_probe [--usage] FILE     "error " or "warning " and the text of each problem, then the effective values
 *
 * --usage: instead of values, the number of organizations, and CPU seconds and KiB taken. Exit 0 if FILE was loaded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "config/loader.h"
#include "config/options.h"
#include "config/store.h"

static void print_choices(const struct option *option)
{
	const char *join = "";
	for (const struct option_choice *choice = option->choices; choice && choice->name; choice++)
		if (choice->value != CHOICE_REFUSED) {
			printf("%s%s", join, choice->name);
			join = ",";
		}
}

static const char *type_name(enum option_type type)
{
	switch (type) {
	case OPTION_TEXT:
		return "text";
	case OPTION_FILE:
	case OPTION_BLOCKS:
		return "file";
	case OPTION_BOOLEAN:
		return "yes or no";
	case OPTION_NUMBER:
		return "number";
	case OPTION_OCTAL:
		return "octal number";
	case OPTION_DURATION:
		return "duration";
	case OPTION_DURATIONS:
		return "list of durations";
	case OPTION_RATE:
		return "limit";
	case OPTION_STORE:
		return "store";
	case OPTION_CHOICE:
		return "choice";
	case OPTION_CHOICES:
		return "list of choices";
	case OPTION_SENTENCE:
		return "sentence";
	case OPTION_EXACT:
	case OPTION_NOCASE:
		return "list";
	case OPTION_PATTERNS:
		return "list of domains";
	case OPTION_NETWORKS:
		return "list of networks";
	case OPTION_GLOBS:
		return "list of files";
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		return "map";
	}
	return "value";
}

static int print_options(void)
{
	for (size_t i = 0; i < option_count(); i++) {
		const struct option *option = option_at(i);
		printf("%s\t%s\t%s\t%s\t", option->scope == OPTION_TOP ? "top" : "org", option->key, type_name(option->type),
		       option->preset ? option->preset : "-");
		print_choices(option);
		printf("\t%lu\t%lu\t%s\n", option->min, option->max, option->help);
	}
	return 0;
}

static void print_set(const struct set *set, bool patterns)
{
	putchar('[');
	for (size_t i = 0; i < set_count(set); i++) {
		struct span member = set_at(set, i);
		const char *star = patterns && member.length != 0 && member.at[0] == '.' ? "*" : "";
		printf("%s%s%.*s", i ? ", " : "", star, (int)member.length, member.at);
	}
	putchar(']');
}

static int int_at(const void *field)
{
	int number;
	memcpy(&number, field, sizeof number);
	return number;
}

static void print_choice(const struct option *option, int value)
{
	const char *join = "";
	for (const struct option_choice *choice = option->choices; choice->name; choice++)
		if (option->type == OPTION_CHOICES ? (choice->value > 0 && (value & choice->value) != 0)
		                                   : choice->value == value) {
			printf("%s%s", join, choice->name);
			join = ", ";
		}
}

static void print_durations(const struct durations *durations)
{
	for (unsigned i = 0; i < durations->count; i++)
		printf("%s%u", i ? ", " : "[", durations->seconds[i]);
	printf("%s", durations->count ? "]" : "[]");
}

static void print_value(const struct option *option, const void *holder)
{
	const void *field = (const char *)holder + option->offset;
	const struct span *span = field;
	const struct sentence *sentence = field;
	struct set *const *set = field;
	switch (option->type) {
	case OPTION_TEXT:
	case OPTION_FILE:
	case OPTION_BLOCKS:
		printf("%.*s", (int)span->length, span->at);
		break;
	case OPTION_RATE:
		if (((const struct rate *)field)->count != 0)
			printf("%u/%us", ((const struct rate *)field)->count, ((const struct rate *)field)->seconds);
		break;
	case OPTION_STORE: {
		char shown[STORE_TEXT_SIZE];
		store_text(*span, shown);
		printf("%s", shown);
		break;
	}
	case OPTION_BOOLEAN:
		printf("%s", *(const bool *)field ? "yes" : "no");
		break;
	case OPTION_OCTAL:
		printf("%04o", (unsigned)int_at(field));
		break;
	case OPTION_NUMBER:
	case OPTION_DURATION:
		printf("%d", int_at(field));
		break;
	case OPTION_DURATIONS:
		print_durations(field);
		break;
	case OPTION_CHOICE:
	case OPTION_CHOICES:
		print_choice(option, int_at(field));
		break;
	case OPTION_SENTENCE:
		printf("%.*s", (int)sentence->text.length, sentence->text.at ? sentence->text.at : "");
		break;
	case OPTION_EXACT:
	case OPTION_NOCASE:
	case OPTION_PATTERNS:
		print_set(*set, option->type == OPTION_PATTERNS);
		break;
	case OPTION_NETWORKS:
		printf("%zu networks", network_set_count(*(struct network_set *const *)field));
		break;
	case OPTION_GLOBS:
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		printf("-");
		break;
	}
	putchar('\n');
}

static void print_values(const char *prefix, enum option_scope scope, const void *holder)
{
	for (size_t i = 0; i < option_count(); i++)
		if (option_at(i)->scope == scope) {
			printf("%s%s: ", prefix, option_at(i)->key);
			print_value(option_at(i), holder);
		}
}

static void print_usage(const struct settings *settings)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("orgs %zu\nowned %zu\nnetworks %zu\ncpu %ld\nrss %ld\n", settings->org_count, set_count(settings->owned),
	       network_set_count(settings->any.ip.networks), (long)usage.ru_utime.tv_sec + (long)usage.ru_stime.tv_sec,
	       usage.ru_maxrss);
}

int main(int argc, char **argv)
{
	bool usage = argc == 3 && strcmp(argv[1], "--usage") == 0;
	struct problems problems;
	if (argc == 2 && strcmp(argv[1], "--options") == 0)
		return print_options();
	if (argc != 2 && !usage) {
		fprintf(stderr, "usage: config_probe --options | [--usage] FILE\n");
		return 64;
	}
	struct settings *settings = config_load(argv[argc - 1], &problems);
	for (size_t i = 0; i < problems.count; i++)
		printf("%s %s\n", problems.items[i].severity == PROBLEM_ERROR ? "error" : "warning", problems.items[i].text);
	bool consistent = (settings == NULL) == (problems.errors != 0);
	problems_clear(&problems);
	if (settings && usage)
		print_usage(settings);
	if (settings && !usage) {
		print_values("", OPTION_TOP, settings);
		for (size_t i = 0; i < settings->org_count; i++) {
			char prefix[ORGID_LONG + 2];
			snprintf(prefix, sizeof prefix, "%s ", settings->orgs[i].id.text);
			print_values(prefix, OPTION_ORG, &settings->orgs[i]);
		}
	}
	int status = !consistent ? 70 : settings ? 0 : 1;
	settings_free(settings);
	return status;
}
