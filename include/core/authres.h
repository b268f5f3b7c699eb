/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * authres: the Authentication-Results field (RFC 8601) and the result header that we write. Which incoming ones claim to
 * be ours is told by authres_claim. Pure; memory comes from the caller's arena.
 */
#ifndef SFDC_CORE_AUTHRES_H
#define SFDC_CORE_AUTHRES_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/judge.h"
#include "core/span.h"

/*
 * The keyword (RFC 8601 2.7) that our field shows for a check: "" if it shows none, NULL for checks that have no method
 * of their own there. That of DKIM as a whole is that of a signature that passed the check, else of the one closest to
 * the author. What had not come when the time for evidence was up is "temperror".
 */
const char *authres_keyword(const struct facts *facts, const struct judgement *judgement, enum check_id check);

/*
 * The value of our field: authserv-id and one resinfo for each method that was evaluated (auth, spf, dkim for each
 * signature, dmarc), "none" if there is none. Lines are folded with "\n\t" below 78 characters where possible and 998
 * always; what the sender wrote is quoted, or left out where it cannot be; an address that has to be left out is
 * replaced by its domain. An authserv_id that cannot be written becomes "localhost". Absent without memory.
 */
struct span authres_write(struct span authserv_id, const struct facts *facts, const struct judgement *judgement,
                          struct arena *arena);

/*
 * The value of X-SFDC-Relay: "AUTHSERV-ID; verdict=...; org=ID; tls=pass; cert=none (cert-absent); ...", in monitor mode
 * with "would=..." after the verdict, org=ID only when an organization is served, and then every check in the table's
 * order (that of the check `org` comes after the ID). A check that the verdict did not wait for is "not needed". Nothing
 * the sender wrote is in it. Folded like authres_write().
 */
struct span result_header_write(struct span authserv_id, const struct facts *facts, const struct judgement *judgement,
                                struct arena *arena);

#endif
