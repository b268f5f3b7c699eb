/*
 * idn: internationalised domain names by libidn2.
 */
#ifndef SFDC_EVIDENCE_IDN_H
#define SFDC_EVIDENCE_IDN_H

#include <stdbool.h>

#include "core/domain.h"

/*
 * The A-label form of a UTF-8 domain (IDNA2008, with the mapping of UTS 46, non-transitional, and the ASCII rules of
 * STD 3). False: there is none. Of the type domain_to_ascii; thread-safe.
 */
bool idn_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1]);

#endif
