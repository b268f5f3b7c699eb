/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/name_servers.h"

#include "cmd/relayctl.h"
#include "core/set.h"

static struct settings *load(const char *config, int *code_r)
{
	struct problems problems;
	struct settings *settings = relayctl_load(config, &problems);
	relayctl_print_problems(config, &problems, false);
	problems_clear(&problems);
	*code_r = settings ? RELAYCTL_GOOD : RELAYCTL_CONFIG;
	return settings;
}

struct settings *name_servers_settings(const char *config, const char *nameserver, int *code_r)
{
	*code_r = RELAYCTL_GOOD;
	struct settings *settings = config ? load(config, code_r) : settings_new();
	if (*code_r != RELAYCTL_GOOD)
		return NULL;
	if (settings && (nameserver || !config))
		settings->dns.nameservers = set_new(&settings->arena, SET_EXACT);
	bool good = settings && settings->dns.nameservers;
	if (good && nameserver)
		good = set_add(settings->dns.nameservers, span_of(nameserver)) != SET_ABSENT;
	if (good)
		return settings;
	relayctl_complain("out of memory");
	settings_free(settings);
	*code_r = RELAYCTL_TEMPFAIL;
	return NULL;
}
