/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config: whatever is loaded is complete and within its limits; whatever is not says why, each problem in one line of
 * printable text that names its file. Input: the configuration, then further files, each after a line "==== NAME".
 *
 * These files are all there is: the functions by which the loader reaches the file system are wrapped (ld --wrap).
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>

#include "config/file.h"
#include "config/loader.h"
#include "config/options.h"
#include "config/store.h"
#include "fuzz.h"

const char fuzz_name[] = "config";

#define FOLDER "/nowhere/"
#define MAIN FOLDER "main.yaml"
#define FILES_MAX 8
#define NAME_MAX_LENGTH 32

bool __wrap_file_read(const char *path, char **bytes_r, size_t *length_r, char problem_r[FILE_PROBLEM_SIZE]);
bool __wrap_file_read_secret(const char *path, struct file_reader reader, char **bytes_r, size_t *length_r,
                             char problem_r[FILE_PROBLEM_SIZE]);
bool __wrap_file_readable(const char *path, char problem_r[FILE_PROBLEM_SIZE]);
int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *found_r);
void __wrap_globfree(glob_t *found);

struct file {
	char path[sizeof FOLDER + NAME_MAX_LENGTH];
	struct span bytes;
};

static struct file files[FILES_MAX];
static size_t file_count;

static const struct file *find_file(const char *path, char problem_r[FILE_PROBLEM_SIZE])
{
	for (size_t i = 0; i < file_count; i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	snprintf(problem_r, FILE_PROBLEM_SIZE, "No such file or directory");
	return NULL;
}

bool __wrap_file_read(const char *path, char **bytes_r, size_t *length_r, char problem_r[FILE_PROBLEM_SIZE])
{
	const struct file *file = find_file(path, problem_r);
	if (!file)
		return false;
	*bytes_r = malloc(file->bytes.length + 1);
	must(*bytes_r);
	if (file->bytes.length != 0)
		memcpy(*bytes_r, file->bytes.at, file->bytes.length);
	*length_r = file->bytes.length;
	return true;
}

bool __wrap_file_read_secret(const char *path, struct file_reader reader, char **bytes_r, size_t *length_r,
                             char problem_r[FILE_PROBLEM_SIZE])
{
	(void)reader;
	return __wrap_file_read(path, bytes_r, length_r, problem_r);
}

bool __wrap_file_readable(const char *path, char problem_r[FILE_PROBLEM_SIZE])
{
	return find_file(path, problem_r) != NULL;
}

int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *found_r)
{
	(void)flags;
	memset(found_r, 0, sizeof *found_r);
	if (strstr(pattern, "denied") && failed(pattern, EACCES))
		return GLOB_ABORTED;
	found_r->gl_pathv = calloc(FILES_MAX + 1, sizeof *found_r->gl_pathv);
	must(found_r->gl_pathv);
	for (size_t i = 0; i < file_count; i++)
		if (fnmatch(pattern, files[i].path, FNM_PATHNAME | FNM_PERIOD) == 0)
			found_r->gl_pathv[found_r->gl_pathc++] = files[i].path;
	return found_r->gl_pathc != 0 ? 0 : GLOB_NOMATCH;
}

void __wrap_globfree(glob_t *found)
{
	free(found->gl_pathv);
	memset(found, 0, sizeof *found);
}

/* Cut the input at its separators; the first part is the configuration. */
static struct span split(struct span input)
{
	static const struct span separator = SPAN_LITERAL("==== ");
	struct span first = input;
	struct span *open = &first;
	file_count = 0;
	for (struct span rest = input; rest.length != 0;) {
		struct span line = fuzz_line(&rest);
		if (!span_starts_nocase(line, separator) || file_count == FILES_MAX)
			continue;
		open->length = (size_t)(line.at - open->at);
		struct span name = span_slice(line, separator.length, separator.length + NAME_MAX_LENGTH);
		struct file *file = &files[file_count++];
		memset(file->path, 0, sizeof file->path);
		memcpy(file->path, FOLDER, sizeof FOLDER - 1);
		memcpy(file->path + sizeof FOLDER - 1, name.at, name.length);
		file->bytes = rest;
		open = &file->bytes;
	}
	return first;
}

/* The length of a printable character of UTF-8 (RFC 3629), 0 if there is none. */
static size_t printable_length(const unsigned char *text)
{
	if (text[0] < 0x80)
		return text[0] >= ' ' && text[0] != 0x7f;
	size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	unsigned long code = text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3fU);
	}
	unsigned long least = length == 2 ? 0xa0 : length == 3 ? 0x800 : 0x10000;
	return text[0] < 0xc0 || code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : length;
}

static void check_problems(const struct problems *problems)
{
	size_t errors = 0;
	must(!problems->no_memory);
	for (size_t i = 0; i < problems->count; i++) {
		const unsigned char *text = (const unsigned char *)problems->items[i].text;
		errors += problems->items[i].severity == PROBLEM_ERROR;
		must(strncmp(problems->items[i].text, FOLDER, sizeof FOLDER - 1) == 0 && strstr(problems->items[i].text, ": "));
		for (size_t length; *text; text += length) {
			length = printable_length(text);
			must(length != 0);
		}
	}
	must(errors == problems->errors);
}

static void check_sentence(const struct sentence *sentence)
{
	struct arena arena;
	struct sentence again;
	struct sentence_error error;
	if (!sentence->root)
		return;
	arena_init(&arena, 0);
	must(sentence_parse(sentence->text, &arena, &again, &error));
	must(span_equal(again.text, sentence->text) && again.checks == sentence->checks);
	arena_clear(&arena);
}

static void check_text(const struct option *option, struct span text)
{
	char problem[OPTION_PROBLEM_SIZE];
	must(!span_absent(text) && !memchr(text.at, '\0', text.length) && !memchr(text.at, '\n', text.length));
	must(!option->check || option->check(text, problem));
}

static void check_set(const struct option *option, const struct set *set)
{
	must(set);
	for (size_t i = 0; i < set_count(set); i++)
		if (option->type != OPTION_PATTERNS)
			check_text(option, set_at(set, i));
}

static void check_choice(const struct option *option, unsigned value)
{
	const struct option_choice *choice = option->choices;
	while (choice->name && choice->value != (int)value)
		choice++;
	must(choice->name && choice->value != CHOICE_REFUSED);
}

static void check_durations(const struct option *option, const struct durations *durations)
{
	unsigned long least = option->min;
	must(durations->count <= DURATIONS_MAX);
	for (unsigned i = 0; i < durations->count; i++) {
		must(durations->seconds[i] >= least && durations->seconds[i] <= option->max);
		least = durations->seconds[i] + 1UL;
	}
}

/* What may be shown of it holds no password. */
static void check_store(struct span store)
{
	struct store_address address;
	char problem[OPTION_PROBLEM_SIZE];
	char shown[STORE_TEXT_SIZE];
	must(!span_absent(store));
	store_text(store, shown);
	if (store.length == 0)
		return;
	must(store_parse(store, &address, problem) && (address.path[0] == '\0') == (address.host[0] != '\0'));
	must((strstr(shown, ":***@") != NULL) == (address.password[0] != '\0') || strstr(address.user, "***")
	     || address.path[0] != '\0');
	must(address.password[0] != '\0' || store_parse(span_of(shown), &address, problem));
}

static void check_value(const struct option *option, const void *holder)
{
	const void *field = (const char *)holder + option->offset;
	const unsigned *number = field;
	switch (option->type) {
	case OPTION_TEXT:
		check_text(option, *(const struct span *)field);
		break;
	case OPTION_FILE:
	case OPTION_BLOCKS:
		must(!span_absent(*(const struct span *)field));
		break;
	case OPTION_BOOLEAN:
		must(*(const unsigned char *)field <= 1);
		break;
	case OPTION_NUMBER:
	case OPTION_OCTAL:
	case OPTION_DURATION:
		must(*number >= option->min && *number <= option->max);
		break;
	case OPTION_DURATIONS:
		check_durations(option, field);
		break;
	case OPTION_RATE:
		must((((const struct rate *)field)->count == 0) == (((const struct rate *)field)->seconds == 0));
		must(((const struct rate *)field)->seconds <= option->max);
		break;
	case OPTION_STORE:
		check_store(*(const struct span *)field);
		break;
	case OPTION_CHOICE:
		check_choice(option, *number);
		break;
	case OPTION_CHOICES:
		must(*number != 0 && *number < 4);
		break;
	case OPTION_SENTENCE:
		check_sentence(field);
		break;
	case OPTION_EXACT:
	case OPTION_NOCASE:
	case OPTION_PATTERNS:
		check_set(option, *(struct set *const *)field);
		break;
	case OPTION_NETWORKS:
		must(*(struct network_set *const *)field);
		break;
	case OPTION_GLOBS:
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		break;
	}
}

static void check_settings(const struct settings *settings)
{
	bool enforces = false;
	must(settings->org_count != 0 && set_count(settings->org_ids) == settings->org_count
	     && settings->sentence_count != 0);
	for (size_t i = 0; i < option_count(); i++)
		if (option_at(i)->scope == OPTION_TOP)
			check_value(option_at(i), settings);
	for (size_t i = 0; i < settings->org_count; i++) {
		const struct org *org = &settings->orgs[i];
		must(settings_org(settings, &org->id) == org);
		enforces = enforces || org->mode == MODE_ENFORCE;
		for (size_t j = 0; j < option_count(); j++)
			if (option_at(j)->scope == OPTION_ORG)
				check_value(option_at(j), org);
	}
	must((settings->mode_most == MODE_ENFORCE) == enforces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems;
	struct span text = split(fuzz_span(data, size));
	struct settings *settings = config_load_text(MAIN, text.at, text.length, &problems);
	must((settings == NULL) == (problems.errors != 0));
	check_problems(&problems);
	if (settings)
		check_settings(settings);
	settings_free(settings);
	problems_clear(&problems);
	return 0;
}
