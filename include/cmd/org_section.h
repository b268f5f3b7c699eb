/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_section: from an organization's metadata to its section of the configuration.
 *
 * The section holds what the metadata proves, and never more. A domain is proven by a DKIM key that is active and has
 * a record of Salesforce's, since for that its CNAME had to be published in the domain's own DNS; keys of the kind
 * made before 2018 could be activated by anybody. A verified address proves a mailbox only, and what a domain filter
 * lists is a wish. Of proven domains those are left out whose mail no active filter sends to the relay. Selectors and
 * key zones, which restrict, are given where each key that may sign for these domains tells all of its own. What is
 * in dispute or not known proves nothing. Every value passes the loader's own check of its option.
 */
#ifndef SFDC_CMD_ORG_SECTION_H
#define SFDC_CMD_ORG_SECTION_H

#include <stdio.h>

#include "cmd/org_metadata.h"
#include "core/domain.h"
#include "core/orgid.h"
#include "core/settings.h"

/* What is asked for besides the metadata. Nothing is owned. */
struct org_request {
	struct span relay;             /* the host name of the EmailRelay that leads here; absent: all lead here */
	unsigned port;                 /* that the milter guards; 0: not known */
	const struct orgid *id;        /* as the admin knows it; NULL: that of the metadata */
	const struct settings *config; /* the configuration there is; NULL: none */
	domain_to_ascii to_ascii;      /* NULL: U-labels are no domains */
	bool (*public_suffix)(void *context, struct span domain); /* NULL: not known */
	void *context;
};

struct org_item {
	struct span text;
	struct span file;
	const char *why; /* of an item that is left out; NULL otherwise */
	struct org_item *next;
};

struct org_list {
	size_t count;
	struct org_item *first;
	struct org_item *last;
};

enum org_id_status {
	ORG_ID_GIVEN,
	ORG_ID_MISSING, /* neither told nor in the metadata */
	ORG_ID_WRONG,   /* it is no ID of an organization */
	ORG_ID_SEVERAL  /* two IDs that differ */
};

enum org_bounce {
	ORG_BOUNCE_UNKNOWN, /* the option is left out */
	ORG_BOUNCE_NONE,    /* MAIL FROM is the sender's address */
	ORG_BOUNCE_SALESFORCE
};

/* More than these is no organization's: the section is left empty. */
#define ORG_LIST_MAX 2000
#define ORG_COMPARED_MAX 2000000 /* keys by domains that filters and keys list */

struct org_section {
	struct arena *arena; /* that of the metadata */
	bool overflow;       /* there is too much */
	enum org_id_status id_status;
	struct orgid id;
	struct span id_file; /* absent: the admin told it */
	struct span name;    /* absent: none, or none that may be configured */
	bool name_left_out;  /* there is one that may not */
	bool sandbox;
	struct org_list domains;
	struct org_list left_out; /* domains that are not proven, or not sent here */
	enum org_bounce bounce;
	struct org_list selectors;
	struct org_list key_zones;
	const char *no_selectors; /* why the list is left out; NULL: it is not */
	const char *no_key_zones;
};

void org_section_make(struct org_metadata *metadata, const struct org_request *request, struct org_section *section_r);

/* Whether a key is known to sign: active, published, not in dispute. */
bool org_key_signs(const struct org_record *key);

/* Whether it proves its domain: it signs, and its record is one of Salesforce's. */
bool org_key_counts(const struct org_record *key);

/* Whether mail of a relay or filter comes here: it is of the relay that is asked for. */
bool org_relay_is_ours(const struct org_request *request, const struct org_record *relay);
bool org_filter_is_ours(const struct org_metadata *metadata, const struct org_request *request,
                        const struct org_record *filter);

/*
 * Whether a pattern covers another: "*.example.com" covers "*.a.example.com" and "a.example.com". Any text; what is no
 * pattern covers nothing.
 */
bool org_pattern_covers(struct span pattern, struct span other);

/* Whether a list covers a pattern, or a domain. */
bool org_list_covers(const struct org_list *list, struct span pattern);

/*
 * Write the section as YAML, with the ID as its key: values quoted, everything in printable ASCII. heading: what is
 * said above it, lines that each begin with "#". Nothing without an ID.
 */
void org_section_print(FILE *out, const struct org_section *section, const char *heading);

#endif
