/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_findings, inside: what its files tell with.
 */
#ifndef SFDC_CMD_ORG_FINDINGS_PRIVATE_H
#define SFDC_CMD_ORG_FINDINGS_PRIVATE_H

#include "cmd/org_findings.h"
#include "core/log_entry.h"

/* What others wrote, made printable. */
struct shown {
	char text[LOG_PRINTABLE_SIZE];
};

struct telling {
	const struct org_metadata *metadata;
	const struct org_request *request;
	const struct org_section *section;
	struct preflight *preflight;
};

#define TELL(telling, level, id, ...) preflight_add((telling)->preflight, (level), (id), NULL, __VA_ARGS__)

/* text, printable; in *shown, which it returns. */
const char *org_show(struct shown *shown, struct span text);

/* Whether a field was not asked for or has no usable value, which is then told. */
bool org_is_unknown(const struct telling *telling, const struct org_record *record, enum org_field field,
                    const char *id, const char *about);

/* The organization in the configuration there is; NULL: none. */
const struct org *org_configured(const struct telling *telling);

/* Whether the organization's policy cannot hold where a check, which is called so, does not pass. */
bool org_needs(const struct org *org, const char *name);

/* TLS setting, port, AUTH and host of the relays. */
void org_tell_relays(const struct telling *telling);

#endif
