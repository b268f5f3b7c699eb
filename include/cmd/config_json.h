/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_json: a configuration and what was found in it, as JSON.
 */
#ifndef SFDC_CMD_CONFIG_JSON_H
#define SFDC_CMD_CONFIG_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "config/loader.h"

struct config_view {
	const char *path;
	const struct settings *settings; /* NULL: there was an error */
	const struct problems *problems;
	enum mta mta; /* whose side is wanted; MTA_UNKNOWN: of none */
};

/*
 * Print one object on a line of its own: {"file", "good", "problems": [{"level": "error|warning", "text"}]}, and where it
 * is good "settings", "orgs" with the sentences and the "proof" of each, and "mta" with the text for the MTA if that is
 * wanted. False without memory.
 */
bool config_json(FILE *out, const struct config_view *view);

#endif
