/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idn: internationalized domain names by libidn2.
 */
#ifndef SFDC_EVIDENCE_IDN_H
#define SFDC_EVIDENCE_IDN_H

#include <stdbool.h>

#include "core/domain.h"

/*
 * The A-label form of a UTF-8 domain (IDNA2008, UTS 46, non-transitional). Only of one that the mapping of UTS 46 leaves
 * as it is but for case: programs differ in what they map, and where a character is removed or becomes another (U+200B,
 * full width, a soft hyphen, a decomposed letter) the next one sees another domain than this does. False: there is none.
 * Where the system has no locale C.UTF-8, capitals outside ASCII are taken for a change. The ASCII in it is not checked:
 * the result need not be a valid domain. Of the type domain_to_ascii; thread-safe.
 */
bool idn_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1]);

#endif
