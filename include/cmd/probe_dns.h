/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_dns: where Salesforce connects for the host of an Email Relay: to its MX hosts if there are any, to its address else.
 */
#ifndef SFDC_CMD_PROBE_DNS_H
#define SFDC_CMD_PROBE_DNS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/network.h"
#include "evidence/resolver.h"

#define PROBE_TARGETS_MAX 8

enum probe_dns_status {
	PROBE_DNS_FOUND,
	PROBE_DNS_NULL_MX,    /* it takes no mail (RFC 7505) */
	PROBE_DNS_NO_ADDRESS, /* neither MX nor address, or the MX hosts have none */
	PROBE_DNS_NO_NAME,    /* there is no such name */
	PROBE_DNS_FAILED,     /* the DNS could not be asked */
	PROBE_DNS_NO_MEMORY
};

struct probe_target {
	struct span host; /* whose certificate is expected: the MX host, or the host itself */
	struct address address;
};

struct probe_targets {
	enum probe_dns_status status;
	bool by_mx;
	struct span unresolved; /* an MX host without an address; absent: none */
	size_t count;           /* in the order in which they are tried */
	bool more;              /* there are more than fit */
	struct probe_target targets[PROBE_TARGETS_MAX];
};

/*
 * Look host up. use_mx: MX before address. Addresses of IPv4, or those of IPv6 where there are none. Texts are in arena.
 * Waits for no answer beyond end_ms.
 */
void probe_look_up(struct resolver *resolver, struct arena *arena, struct span host, bool use_mx, long long end_ms,
                   struct probe_targets *targets_r);

#endif
