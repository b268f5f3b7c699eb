/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_selftest: whether DKIM signatures can be verified at all, here and now.
 *
 * A cryptographic library sets itself up when it is first used. Where that fails - memory is short, its configuration
 * takes an algorithm away - every good signature looks bad from then on. So a built-in message is verified before any
 * other.
 */
#ifndef SFDC_CORE_DKIM_SELFTEST_H
#define SFDC_CORE_DKIM_SELFTEST_H

#include "core/dkim_crypto.h"

/*
 * Verify the message of RFC 8463, appendix A, once for each algorithm. NULL: all is well; or the name of the first
 * algorithm that fails ("rsa-sha256"). Afterwards the library is set up for what verifying needs.
 */
const char *dkim_selftest(const struct dkim_crypto *crypto);

#endif
