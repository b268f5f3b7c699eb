/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_findings: what in an organization's metadata contradicts a safe relay, or the configuration there is.
 *
 * Texts are printable: what comes from the metadata is escaped. One thread.
 */
#ifndef SFDC_CMD_ORG_FINDINGS_H
#define SFDC_CMD_ORG_FINDINGS_H

#include "cmd/org_section.h"
#include "cmd/preflight.h"

/* Add the findings. */
void org_findings(const struct org_metadata *metadata, const struct org_request *request,
                  const struct org_section *section, struct preflight *preflight);

#endif
