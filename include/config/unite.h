/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unite: the parameters of all organizations as one.
 *
 * Until the header is in, any organization might be named, so the checks of the session are asked with parameters that
 * are as wide as the widest of each: settings->any. Each row of the option table says what is wide there.
 */
#ifndef SFDC_CONFIG_UNITE_H
#define SFDC_CONFIG_UNITE_H

#include <stdbool.h>

#include "core/settings.h"

/*
 * Fill settings->any, by one pass over the rows of the option table. Its ID is empty; options that concern no session
 * keep the value of settings->defaults. False without memory. For settings_complete().
 */
bool unite_options(struct settings *settings);

#endif
