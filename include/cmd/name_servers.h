/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name_servers: which name servers a subcommand asks that looks at others.
 */
#ifndef SFDC_CMD_NAME_SERVERS_H
#define SFDC_CMD_NAME_SERVERS_H

#include "core/settings.h"

/*
 * For resolver_new(): the settings of the configuration, or where config is NULL those that a configuration without options
 * has, and the system's name servers; nameserver, if not NULL, instead of them. To be released with settings_free(). NULL:
 * *code_r is the exit code, and it was told why.
 */
struct settings *name_servers_settings(const char *config, const char *nameserver, int *code_r);

#endif
