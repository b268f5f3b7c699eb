/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/configuration.h"

#include <stdio.h>

#include "config/file.h"
#include "evidence/orgdomain.h"

static bool public_suffix(void *context, struct span domain)
{
	return orgdomain_is_public(context, domain);
}

struct settings *configuration_load(const char *path, struct problems *problems_r)
{
	struct orgdomain *orgdomain = orgdomain_new();
	const struct config_advice advice = { .public_suffix = public_suffix, .context = orgdomain };
	struct settings *settings = config_load_advised(path, orgdomain ? &advice : NULL, problems_r);
	orgdomain_free(orgdomain);
	return settings;
}

size_t configuration_unreadable(const struct settings *settings, const char *user,
                                void (*say)(void *context, const char *text), void *context)
{
	size_t count = 0;
	for (size_t i = 0; i < set_count(settings->files); i++) {
		struct span path = set_at(settings->files, i);
		bool folder = path.length != 0 && path.at[path.length - 1] == '/';
		char problem[FILE_PROBLEM_SIZE];
		char text[CONFIGURATION_TEXT_SIZE];
		if (folder ? folder_readable(path.at, problem) : file_readable(path.at, problem))
			continue;
		count++;
		snprintf(text, sizeof text,
		         "%.*s: user %s cannot %s: %s; let that user read it and enter the folders above, or a reload fails",
		         (int)path.length, path.at, user, folder ? "search this folder" : "read this file", problem);
		say(context, text);
	}
	return count;
}
