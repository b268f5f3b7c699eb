/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * configuration: the configuration as the programs read it: with all that can be said of it, and of its files.
 */
#ifndef SFDC_CMD_CONFIGURATION_H
#define SFDC_CMD_CONFIGURATION_H

#include "config/loader.h"
#include "core/settings.h"

/* config_load() with the advice of the Public Suffix List. */
struct settings *configuration_load(const char *path, struct problems *problems_r);

#define CONFIGURATION_TEXT_SIZE 1024

/*
 * Say of each file that the configuration names and the process's user cannot read, and of each folder it searches, that
 * it is so and what to do. user is the name of that user. Returns how many there are.
 */
size_t configuration_unreadable(const struct settings *settings, const char *user,
                                void (*say)(void *context, const char *text), void *context);

#endif
