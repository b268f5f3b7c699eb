/*
 * verifier_selftest: whether DKIM signatures can be verified at all, here and now.
 *
 * OpenSSL sets itself up when it is first used. Where that fails - memory is short, its configuration takes an algorithm
 * away - every good signature looks bad from then on. So a built-in message is verified before any other.
 */
#ifndef SFDC_EVIDENCE_VERIFIER_SELFTEST_H
#define SFDC_EVIDENCE_VERIFIER_SELFTEST_H

#include "evidence/verifier.h"

/*
 * Verify the message of RFC 8463, appendix A, once for each algorithm. NULL: all is well; or the name of the first
 * algorithm that fails ("rsa-sha256"). Afterwards OpenSSL is set up for what verifying needs.
 */
const char *verifier_selftest(struct verifier *verifier);

#endif
