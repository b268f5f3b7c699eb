/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * environment: the daemon's evidence, behind the functions that core/environment.h asks for.
 */
#ifndef SFDC_EVIDENCE_ENVIRONMENT_H
#define SFDC_EVIDENCE_ENVIRONMENT_H

#include <stdbool.h>

#include "core/environment.h"
#include "evidence/resolver.h"

#define EVIDENCE_ERROR_SIZE 512

/*
 * Fill *ports_r. settings gives what the process keeps for its whole life, and the DNS options until the next reload;
 * what belongs to a message is taken from the settings that the message is examined with. After a fork only: threads
 * are started. False: error_r says why.
 */
bool evidence_environment_init(struct environment *ports_r, const struct settings *settings,
                               char error_r[EVIDENCE_ERROR_SIZE]);

/*
 * Whether DKIM signatures can be verified; to be asked before the first message (core/dkim_selftest.h). False:
 * error_r says what fails.
 */
bool evidence_environment_selftest(const struct environment *environment, char error_r[EVIDENCE_ERROR_SIZE]);

/*
 * Follow changed DNS options: messages that begin afterwards use a new resolver, those under way keep theirs. A resolver
 * whose options are the same, and name no file, is kept with its cache. False: the old one stays; error_r says why.
 */
bool evidence_environment_reload(struct environment *environment, const struct settings *settings,
                                 char error_r[EVIDENCE_ERROR_SIZE]);

/*
 * End the resolvers that reloads replaced and no message uses any more. That takes its time, and so is done by whoever
 * reloads, and not where messages end. Returns whether some are still in use.
 */
bool evidence_environment_tidy(struct environment *environment);

/* One more reference to the resolver that new messages use: for resolver_drop(). */
struct resolver *evidence_environment_resolver(struct environment *environment);

/* What all resolvers counted, those that reloads replaced included; under_way and entries are those of the one in force. */
void evidence_environment_count(struct environment *environment, struct resolver_counters *counters_r);

/* Release what evidence_environment_init() took, after the last message has ended. Harmless on zeroed memory. */
void evidence_environment_clear(struct environment *environment);

#endif
