/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access_table: tables of access(5), cidr_table(5) and Sendmail's access map as text, and the clients that they name. Pure.
 */
#ifndef SFDC_CMD_ACCESS_TABLE_H
#define SFDC_CMD_ACCESS_TABLE_H

#include <stdbool.h>

#include "core/network.h"
#include "core/span.h"

/*
 * The next row of a table's text: its key, and what stands for it, which may go on in the lines below. Comments and empty
 * lines are passed over; false at the end.
 */
bool access_next_row(struct span *rest, struct span *key_r, struct span *value_r);

/* What a row comes to for a client that asks to relay. */
enum access_action {
	ACCESS_PERMIT,
	ACCESS_AUTH, /* permits who has authenticated */
	ACCESS_DENY,
	ACCESS_PASS,   /* decides nothing */
	ACCESS_UNKNOWN /* asks something else */
};
enum access_action access_read(struct span value);

/*
 * A client as "13.108.0.0/14", "[2001:db8::]/32", and as in indexed tables "13.108", where the rest is any. False: it is no
 * address.
 */
bool access_network(struct span text, struct network *network_r);

/* Whether a client's name, or a domain with a dot before it or without, is one of Salesforce's, or has them below it. */
bool access_names_salesforce(struct span name);

/* Whether a network is for use within a site, on one machine or in examples, and so no part of the Internet. */
bool access_is_internal(const struct network *network);

#endif
