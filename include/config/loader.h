/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loader: from configuration files to settings.
 *
 * YAML by libyaml's events; the option table (options.h) gives every value its type, so no scalar is re-interpreted.
 * Unknown keys, keys given twice, the same organization twice (in either length, in any included file), aliases,
 * anchors, tags, malformed values, NUL bytes: each is an error with file, line, column and remedy. Past a YAML syntax
 * error all errors are found in one run. A configuration with an error is never returned.
 */
#ifndef SFDC_CONFIG_LOADER_H
#define SFDC_CONFIG_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/settings.h"

enum problem_severity { PROBLEM_ERROR, PROBLEM_WARNING };

struct problem {
	enum problem_severity severity;
	char *text; /* "FILE:LINE:COLUMN: what is wrong; what to do", or "FILE: ..." where no line is to blame */
};

/* What a load found, in the order of files and lines. Owned by the caller; problems_clear() releases it. */
struct problems {
	size_t count;
	size_t errors;
	struct problem *items;
	bool no_memory; /* an item is missing for want of memory; counts as an error */
};

void problems_init(struct problems *problems);
void problems_clear(struct problems *problems);
void problems_add(struct problems *problems, enum problem_severity severity, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whom the loader asks what it cannot know by itself. */
struct config_advice {
	/* Whether the domain is one below which anybody can have a name. */
	bool (*public_suffix)(void *context, struct span domain);
	void *context;
};

/*
 * Load path and what it includes; returns completed settings (settings_complete() was called), to be released with
 * settings_free(), or NULL when there was an error. Warnings (wide exempt networks, weak sentences, a domain listed by
 * two organizations, ...) are reported in either case; those about an organization only where nothing in it is wrong.
 * *problems_r is initialized by the call. Reads files; keeps no state; thread-safe.
 */
struct settings *config_load(const char *path, struct problems *problems_r);

/* The same with advice, without which some warnings are not given; NULL: none. */
struct settings *config_load_advised(const char *path, const struct config_advice *advice, struct problems *problems_r);

/* The same from memory; name stands for the file in problems, and relative paths are relative to its folder. */
struct settings *config_load_text(const char *name, const char *text, size_t length, struct problems *problems_r);

#endif
