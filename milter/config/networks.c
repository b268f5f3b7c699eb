/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "config/loading.h"

#define EXEMPT_IPV4_MIN 24
#define EXEMPT_IPV6_MIN 48

static const char *network_mistake(struct span text)
{
	struct address address;
	size_t slash = span_find(text, 0, '/');
	if (text.length == 0)
		return "is empty; write ADDRESS/BITS, as in 192.0.2.0/24";
	if (slash != text.length && address_parse(span_slice(text, 0, slash), &address))
		return address.family == ADDRESS_IPV4 ? "has no valid prefix length; write a number up to 32 behind the /"
		                                      : "has no valid prefix length; write a number up to 128 behind the /";
	if (address_parse(span_slice(text, 0, span_find(text, 0, '-')), &address))
		return "is a range, not a network; write its networks as ADDRESS/BITS, as in 192.0.2.0/24";
	return "is no network; write ADDRESS/BITS, as in 192.0.2.0/24 or 2001:db8::/32";
}

static void refuse_network(struct loading *loading, struct place place, const struct option *option, struct span text,
                           const char *problem)
{
	diagnostic_error(&loading->diagnostics, place, "%s: %s %s", option->key, shown(text).text, problem);
}

static void refuse_host_bits(struct loading *loading, struct place place, const struct option *option, struct span text,
                             const struct network *meant)
{
	char problem[OPTION_PROBLEM_SIZE];
	char network[NETWORK_TEXT_SIZE];
	network_format(meant, network);
	snprintf(problem, sizeof problem,
	         "has bits set beyond its prefix; write %s for the network, or %.*s for the one host", network,
	         (int)(span_find(text, 0, '/') & 0xff), text.at);
	refuse_network(loading, place, option, text, problem);
}

bool value_add_network(struct loading *loading, struct place place, const struct option *option, struct span text,
                       struct network_set *set)
{
	struct network network;
	switch (network_parse(text, &network)) {
	case NETWORK_MALFORMED:
		refuse_network(loading, place, option, text, network_mistake(text));
		return false;
	case NETWORK_HOST_BITS:
		refuse_host_bits(loading, place, option, text, &network);
		return false;
	case NETWORK_OK:
		break;
	}
	if (network.prefix == 0) {
		refuse_network(loading, place, option, text, "holds every address there is; list the networks that are meant");
		return false;
	}
	unsigned least = network.address.family == ADDRESS_IPV4 ? EXEMPT_IPV4_MIN : EXEMPT_IPV6_MIN;
	if (option->scope == OPTION_TOP && network.prefix < least)
		diagnostic_warning(
			&loading->diagnostics, place,
			"%s: %s is wide: whoever sends from there is never judged; list smaller networks (/%u or longer)",
			option->key, shown(text).text, least);
	if (network_set_add(set, &network))
		return true;
	loading->diagnostics.no_memory = true;
	return false;
}

bool value_check_extent(struct loading *loading, struct place place, const struct option *option,
                        const struct network_set *set)
{
	if (!network_set_is_wide(set))
		return true;
	diagnostic_error(
		&loading->diagnostics, place,
		"%s: together these networks hold more than half of all addresses; list the networks that are meant",
		option->key);
	return false;
}
