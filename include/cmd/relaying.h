/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relaying: for whom a service of Postfix relays to anywhere, by its restrictions. Pure.
 *
 * An estimate from the lists as they stand: what they ask of others (policy services, databases, regular expressions) is
 * not known, and said so.
 */
#ifndef SFDC_CMD_RELAYING_H
#define SFDC_CMD_RELAYING_H

#include "cmd/postfix_setup.h"
#include "core/network.h"

/* For whom, as bits. */
#define RELAYS_FOR_AUTH 1U       /* who has authenticated */
#define RELAYS_FOR_SOME 2U       /* some addresses or certificates */
#define RELAYS_FOR_SALESFORCE 4U /* addresses, or the certificate, that all customers of Salesforce share */
#define RELAYS_FOR_ALL 8U        /* everybody; the other bits are set, too */
#define RELAYS_FOR_UNKNOWN 16U   /* what cannot be told from here */
#define RELAYS_FOR_INTERNET 32U  /* addresses that are not for use within a site: any of them may be Salesforce's */

struct relaying {
	unsigned whom;
	struct span salesforce_by; /* the restriction by which Salesforce's addresses relay */
};

/* Tables that can be read as text. */
struct table_reader {
	/* The text of a table such as "cidr:/etc/postfix/clients"; absent if it is not known. */
	struct span (*read)(void *context, struct span table);
	void *context;
};

/* networks: those of the configuration; Salesforce's own are known here. */
struct relaying relaying_find(const struct postfix_setup *setup, const struct postfix_service *shared,
                              const struct network_set *networks, const struct table_reader *reader);

/* Whether a list of networks and tables names any other than this machine's own loopback addresses. */
bool relaying_beyond_loopback(struct span list);

/* Whether a network, the beginning of an address as in "13.108", or a name, holds addresses of Salesforce's, or of networks. */
bool relaying_is_salesforce(struct span text, const struct network_set *networks);

/* The networks that Salesforce documents, as "ADDRESS/BITS"; the last is NULL. */
extern const char *const relaying_salesforce[];

#endif
