/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L

#include "config/loader.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/file.h"
#include "config/hash.h"
#include "config/loading.h"
#include "config/unite.h"

static bool loading_init(struct loading *loading)
{
	memset(loading, 0, sizeof *loading);
	diagnostics_init(&loading->diagnostics);
	arena_init(&loading->scratch, 0);
	loading->settings = settings_new();
	if (loading->settings)
		loading->settings->files = set_new(&loading->settings->arena, SET_EXACT);
	loading->ids = set_new(&loading->scratch, SET_EXACT);
	loading->block_paths = set_new(&loading->scratch, SET_EXACT);
	loading->included = set_new(&loading->scratch, SET_EXACT);
	return loading->settings && loading->settings->files && loading->ids && loading->block_paths && loading->included;
}

struct source *source_new(struct loading *loading, const char *name, struct span text)
{
	struct source *source = arena_alloc(&loading->scratch, sizeof *source);
	if (!source)
		return NULL;
	if (text.length >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
		text = span_slice(text, 3, text.length);
	source->name = arena_text(&loading->scratch, span_of(name));
	source->order = loading->sources++;
	source->text = text;
	return source->name ? source : NULL;
}

void loading_names(struct loading *loading, struct span path)
{
	if (set_add(loading->settings->files, path) == SET_ABSENT)
		loading->diagnostics.no_memory = true;
}

static const struct node *top_value(const struct loading *loading, const char *key)
{
	return loading->top.nodes[option_number(option_find(OPTION_TOP, span_of(key)))];
}

/* An included file: `orgs` and nothing else. */
static void read_included(struct loading *loading, const struct source *source, const struct node *root)
{
	const struct node *before = NULL;
	if (root->kind == NODE_LIST || root->kind == NODE_SCALAR)
		diagnostic_error(
			&loading->diagnostics, node_place(source, root),
			"an included file must be a map with the key orgs; write orgs: and the organizations below it");
	for (const struct node *key = root->kind == NODE_MAP ? root->first : NULL; key; key = key->next) {
		struct place place = node_place(source, key);
		if (key->kind != NODE_SCALAR)
			continue;
		if (orgs_is_id(key)) {
			orgs_report_misplaced(loading, source, key);
		} else if (!span_equal(key->text, span_of("orgs"))) {
			diagnostic_error(&loading->diagnostics, place,
			                 "%s has no place in an included file, which holds orgs only; move it to %s",
			                 shown(key->text).text, loading->main->name);
		} else if (before) {
			diagnostic_error(&loading->diagnostics, place,
			                 "the key \"orgs\" is given twice, first at %s; remove one of the two",
			                 place_text(node_place(source, before)).text);
		} else {
			before = key;
			if (value_read(loading, source, option_find(OPTION_TOP, key->text), key->first, loading->settings))
				orgs_read(loading, source, key->first);
		}
	}
}

static void parse_included(struct loading *loading, const char *path, struct span text)
{
	struct source *source = source_new(loading, path, text);
	struct arena tree;
	struct node *root = NULL;
	if (!source) {
		loading->diagnostics.no_memory = true;
		return;
	}
	arena_init(&tree, 0);
	if (!tree_parse(source, &tree, &loading->diagnostics, &root))
		loading->include_failed = true;
	else if (root)
		read_included(loading, source, root);
	else
		diagnostic_warning(&loading->diagnostics, (struct place) { source, 0, 0 },
		                   "the file is empty; remove it or list orgs in it");
	arena_clear(&tree);
	source->text = span_make(NULL, 0);
}

static bool is_main(const struct loading *loading, const char *path)
{
	struct stat main_status;
	struct stat status;
	return stat(loading->main->name, &main_status) == 0 && stat(path, &status) == 0
	       && main_status.st_dev == status.st_dev && main_status.st_ino == status.st_ino;
}

static void include_file(struct loading *loading, struct place place, const char *path)
{
	char problem[FILE_PROBLEM_SIZE];
	char *bytes = NULL;
	size_t length = 0;
	size_t known = set_count(loading->included);
	if (set_add(loading->included, span_of(path)) != known)
		return;
	loading_names(loading, span_of(path));
	if (is_main(loading, path)) {
		diagnostic_error(&loading->diagnostics, place,
		                 "include: %s is the configuration itself; choose a narrower pattern",
		                 shown(span_of(path)).text);
		loading->include_failed = true;
	} else if (!file_read(path, &bytes, &length, problem)) {
		diagnostic_error(&loading->diagnostics, place,
		                 "include: %s cannot be read: %s; correct the path or the permissions",
		                 shown(span_of(path)).text, problem);
		loading->include_failed = true;
	} else {
		parse_included(loading, path, span_make(bytes, length));
	}
	free(bytes);
}

/* A folder that is not there holds no match; one that cannot be read must not look as if it were empty. */
static int is_fatal(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

static int compare_paths(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool is_pattern(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (strchr("*?[\\", text.at[i]))
			return true;
	return false;
}

/* The folder of a path, if that has one and it is no pattern. */
static void name_folder(struct loading *loading, struct span path)
{
	while (path.length != 0 && path.at[path.length - 1] != '/')
		path.length--;
	if (path.length != 0 && !is_pattern(path))
		loading_names(loading, path);
}

static void include_glob(struct loading *loading, struct place place, struct span pattern)
{
	name_folder(loading, pattern);
	glob_t found = { 0 };
	switch (glob(pattern.at, GLOB_NOSORT, is_fatal, &found)) {
	case 0:
		qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_paths);
		for (size_t i = 0; i < found.gl_pathc; i++) {
			name_folder(loading, span_of(found.gl_pathv[i]));
			include_file(loading, place, found.gl_pathv[i]);
		}
		break;
	case GLOB_NOMATCH:
		diagnostic_warning(&loading->diagnostics, place,
		                   "include: no file matches %s; correct the pattern or remove it", shown(pattern).text);
		break;
	case GLOB_NOSPACE:
		loading->diagnostics.no_memory = true;
		break;
	default:
		diagnostic_error(&loading->diagnostics, place,
		                 "include: a folder of %s cannot be read; correct its permissions", shown(pattern).text);
		loading->include_failed = true;
		break;
	}
	globfree(&found);
}

/* The folder of the configuration is no pattern, whatever characters it has. */
static struct span resolve_pattern(struct loading *loading, struct span pattern)
{
	const char *base = loading->main->name;
	char *escaped = arena_alloc(&loading->scratch, 2 * strlen(base) + 1);
	size_t at = 0;
	if (!escaped)
		return span_make(NULL, 0);
	for (const char *c = base; *c; c++) {
		if (strchr("*?[\\", *c))
			escaped[at++] = '\\';
		escaped[at++] = *c;
	}
	return file_resolve(&loading->scratch, escaped, pattern);
}

static void read_includes(struct loading *loading)
{
	const struct node *list = top_value(loading, "include");
	for (const struct node *item = list && list->kind == NODE_LIST ? list->first : NULL; item; item = item->next) {
		if (item->kind != NODE_SCALAR || item->text.length == 0 || span_find(item->text, 0, '\0') != item->text.length)
			continue;
		bool literal = !is_pattern(item->text);
		struct span path = literal ? file_resolve(&loading->scratch, loading->main->name, item->text)
		                           : resolve_pattern(loading, item->text);
		if (span_absent(path))
			loading->diagnostics.no_memory = true;
		else if (literal)
			include_file(loading, node_place(loading->main, item), path.at);
		else
			include_glob(loading, node_place(loading->main, item), path);
	}
}

static void report_no_orgs(struct loading *loading)
{
	const struct node *orgs = top_value(loading, "orgs");
	struct place place = { loading->main, 0, 0 };
	if (loading->org_keys != 0 || loading->include_failed || (orgs && orgs->kind != NODE_MAP))
		return;
	diagnostic_error(
		&loading->diagnostics, orgs ? node_place(loading->main, orgs) : place,
		"no organization is served; list at least one below orgs (Setup, Company Information shows its ID)");
}

static void keep_places(struct loading *loading)
{
	struct settings *settings = loading->settings;
	const struct {
		const char *key;
		struct span *place;
	} rows[] = {
		{ "socket", &settings->places.socket },
		{ "socket_mode", &settings->places.socket_mode },
		{ "socket_group", &settings->places.socket_group },
		{ "user", &settings->places.user },
		{ "metrics.listen", &settings->places.listen },
		{ settings->limits.store_file.length != 0 ? "limits.store_file" : "limits.store", &settings->places.store },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct node *node = top_value(loading, rows[i].key);
		struct place place = { loading->main, 0, 0 };
		*rows[i].place =
			arena_span(&settings->arena, span_of(place_text(node ? node_place(loading->main, node) : place).text));
	}
}

static void read_main(struct loading *loading, const struct node *root)
{
	struct place place = { loading->main, 0, 0 };
	if (!root) {
		diagnostic_error(&loading->diagnostics, place,
		                 "the configuration is empty; list at least one organization below orgs");
		return;
	}
	if (root->kind != NODE_MAP) {
		if (root->kind != NODE_BAD)
			diagnostic_error(&loading->diagnostics, node_place(loading->main, root),
			                 "a configuration is a map of keys and values; write them as in mode: monitor");
		return;
	}
	orgs_read_presets(loading);
	option_map_read(loading, loading->main, root, OPTION_TOP, loading->settings, &loading->top);
	keep_places(loading);
	store_file_read(loading);
	const struct node *defaults = top_value(loading, "defaults");
	const struct node *orgs = top_value(loading, "orgs");
	if (defaults)
		orgs_read_defaults(loading, loading->main, defaults);
	if (orgs && orgs->kind == NODE_MAP)
		orgs_read(loading, loading->main, orgs);
	read_includes(loading);
	report_no_orgs(loading);
}

static void complete(struct loading *loading)
{
	struct settings *settings = loading->settings;
	if (loading->org_count == 0 || loading->diagnostics.no_memory)
		return;
	settings->orgs = arena_array(&settings->arena, loading->org_count, sizeof *settings->orgs);
	if (!settings->orgs) {
		loading->diagnostics.no_memory = true;
		return;
	}
	memcpy(settings->orgs, loading->orgs, loading->org_count * sizeof *settings->orgs);
	settings->org_count = loading->org_count;
	if (!settings_complete(settings, unite_options)) {
		loading->diagnostics.no_memory = true;
		return;
	}
	config_hash(settings, settings->hash);
	review(loading);
}

static void load(struct loading *loading, const char *name, struct span text)
{
	struct node *root = NULL;
	struct source *source = source_new(loading, name, text);
	if (!source) {
		loading->diagnostics.no_memory = true;
		return;
	}
	loading->main = source;
	loading_names(loading, span_of(name));
	if (tree_parse(source, &loading->scratch, &loading->diagnostics, &root)) {
		read_main(loading, root);
		complete(loading);
	}
}

/* The settings, if nothing was wrong; releases all else. */
static struct settings *finish(struct loading *loading, const char *name, struct problems *problems)
{
	struct settings *settings = loading->settings;
	if (arena_failed(&loading->scratch) || (settings && arena_failed(&settings->arena)))
		loading->diagnostics.no_memory = true;
	diagnostics_deliver(&loading->diagnostics, problems);
	if (problems->no_memory)
		problems_add(problems, PROBLEM_ERROR, "%s: out of memory; give the process more", name);
	free(loading->orgs);
	free(loading->origins);
	arena_clear(&loading->scratch);
	if (settings && problems->errors == 0 && !problems->no_memory)
		return settings;
	settings_free(settings);
	return NULL;
}

static struct settings *load_text(const char *name, struct span text, const struct config_advice *advice,
                                  struct problems *problems_r)
{
	struct loading loading;
	problems_init(problems_r);
	if (loading_init(&loading)) {
		loading.advice = advice;
		load(&loading, name, text);
	} else {
		loading.diagnostics.no_memory = true;
	}
	return finish(&loading, name, problems_r);
}

/* What to do about a configuration that cannot be read. */
static const char *unread_remedy(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return "create it, as sfdc-milter.yaml(5) shows, or name another with -c";
	if (access(path, R_OK) != 0 && errno == EACCES)
		return "run this as a user who may read it, or correct its permissions and those of its folders";
	return "name a file that holds a configuration";
}

struct settings *config_load_text(const char *name, const char *text, size_t length, struct problems *problems_r)
{
	return load_text(name, span_make(text, length), NULL, problems_r);
}

struct settings *config_load_advised(const char *path, const struct config_advice *advice, struct problems *problems_r)
{
	char problem[FILE_PROBLEM_SIZE];
	char *bytes = NULL;
	size_t length = 0;
	if (!file_read(path, &bytes, &length, problem)) {
		problems_init(problems_r);
		problems_add(problems_r, PROBLEM_ERROR, "%s: cannot be read: %s; %s", path, problem, unread_remedy(path));
		return NULL;
	}
	struct settings *settings = load_text(path, span_make(bytes, length), advice, problems_r);
	free(bytes);
	return settings;
}

struct settings *config_load(const char *path, struct problems *problems_r)
{
	return config_load_advised(path, NULL, problems_r);
}
