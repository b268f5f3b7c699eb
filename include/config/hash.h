/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash: one value for a configuration, by which it is seen whether relays of a fleet run the same.
 *
 * Over the effective options, in whatever order and in however many files they are written, and the contents of the files
 * that they name; without secrets, and without what differs by machine: socket, metrics.listen, pidfile and authserv_id.
 */
#ifndef SFDC_CONFIG_HASH_H
#define SFDC_CONFIG_HASH_H

#include "core/settings.h"

/* Reads the files that the options name. 16 hexadecimal digits. */
void config_hash(const struct settings *settings, char text_r[CONFIG_HASH_SIZE]);

#endif
