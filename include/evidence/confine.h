/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine: a child process that runs a library on a stranger's bytes.
 */
#ifndef SFDC_EVIDENCE_CONFINE_H
#define SFDC_EVIDENCE_CONFINE_H

#include <stdbool.h>

/*
 * Bytes of a stranger decide what this process does from now on, so it can do little: it is nobody, opens and starts
 * nothing, leaves no core file, and comes to an end. Of its descriptors it keeps fd, and standard streams that lead
 * nowhere. False: it could not be confined, and must end.
 */
bool confine(int fd);

#endif
