/*
 * idn: internationalized domain names by libidn2.
 */
#ifndef SFDC_EVIDENCE_IDN_H
#define SFDC_EVIDENCE_IDN_H

#include <stdbool.h>

#include "core/domain.h"

/*
 * The A-label form of a UTF-8 domain (IDNA2008, with the mapping of UTS 46, non-transitional). False: there is none. The
 * ASCII in it is not checked: the result need not be a valid domain. Of the type domain_to_ascii; thread-safe.
 */
bool idn_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1]);

#endif
