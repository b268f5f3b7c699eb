/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hops: the way that a message says it came: its Received fields, and what Salesforce's servers say of TLS.
 *
 * The relay's own field is the topmost one whose "by" is the relay's name, and true if the message was taken behind the
 * relay: whatever a sender writes stands below it. The fields above it were written by servers behind the relay, and those
 * below it by anybody. One thread.
 */
#ifndef SFDC_CMD_HOPS_H
#define SFDC_CMD_HOPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cmd/received.h"
#include "core/settings.h"

#define HOPS_SHOWN 100 /* a message that was on its way longer is in a loop, RFC 5321 6.3 */
#define HOPS_FIELDS_SHOWN 20
#define HOPS_NAMES_MAX 4

enum hop_trust {
	HOP_BEHIND, /* written by a server behind the relay */
	HOP_OWN,    /* written by the relay */
	HOP_CLAIMED
};

struct hops_field {
	struct span name;
	struct span value;
};

struct hops {
	size_t count;                      /* of all Received fields */
	size_t own;                        /* the number of the relay's own, from 1; 0: there is none */
	size_t clear;                      /* of those in clear */
	struct received shown[HOPS_SHOWN]; /* the topmost */
	size_t fields;                     /* of X-SFDC-TLS... and X-SFDCTLS; those that are shown: */
	struct hops_field shown_fields[HOPS_FIELDS_SHOWN];
	size_t names;
	struct span own_names[HOPS_NAMES_MAX];
};

/* What the header of a message says. Borrows from raw and settings; own_host: the name of this machine, or NULL. */
void hops_read(struct span raw, const struct settings *settings, const char *own_host, struct hops *hops_r);

/* Of hop i < count. */
enum hop_trust hops_trust(const struct hops *hops, size_t i);

/* Rows below the block of a message, folded at the width of the screen. */
void hops_print(FILE *out, const struct hops *hops);

/* An object; NULL without memory. */
json_t *hops_json(const struct hops *hops);

#endif
