/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L

#include <pwd.h>
#include <stdlib.h>

#include "config/file.h"
#include "config/loading.h"
#include "config/store.h"

/* The user the filter runs as; that there is one is looked at elsewhere. */
static struct file_reader runs_as(const struct settings *settings)
{
	const struct passwd *entry = settings->user.length != 0 ? getpwnam(settings->user.at) : NULL;
	struct file_reader reader = { entry ? entry->pw_uid : (uid_t)-1, entry ? entry->pw_gid : (gid_t)-1 };
	return reader;
}

static bool take(struct loading *loading, struct place place, struct span text)
{
	struct store_address address;
	char problem[OPTION_PROBLEM_SIZE] =
		"is empty; write one line: redis://USER:PASSWORD@HOST, rediss://... or unix:PATH";
	struct settings *settings = loading->settings;
	if (text.length == 0 || !store_parse(text, &address, problem)) {
		diagnostic_error(&loading->diagnostics, place, "limits.store_file: what %s holds %s",
		                 shown(settings->limits.store_file).text, problem);
		return false;
	}
	store_forget(&address);
	settings->limits.store = arena_span(&settings->arena, text);
	return !span_absent(settings->limits.store);
}

void store_file_read(struct loading *loading)
{
	struct settings *settings = loading->settings;
	struct span path = settings->limits.store_file;
	const struct node *node = loading->top.nodes[option_number(option_find(OPTION_TOP, span_of("limits.store_file")))];
	char problem[FILE_PROBLEM_SIZE];
	char *bytes = NULL;
	size_t length = 0;
	if (!node || path.length == 0)
		return;
	struct place place = node_place(loading->main, node);
	if (settings->limits.store.length != 0) {
		diagnostic_error(&loading->diagnostics, place,
		                 "limits.store_file: limits.store is set too; remove one of the two");
	} else if (!file_read_secret(path.at, runs_as(settings), &bytes, &length, problem)) {
		diagnostic_error(&loading->diagnostics, place, "limits.store_file: %s cannot be used: %s", shown(path).text,
		                 problem);
	} else {
		if (!take(loading, place, span_trim(span_make(bytes, length))) && arena_failed(&settings->arena))
			loading->diagnostics.no_memory = true;
		volatile char *byte = bytes;
		for (size_t i = 0; i < length; i++)
			byte[i] = '\0';
	}
	free(bytes);
}
