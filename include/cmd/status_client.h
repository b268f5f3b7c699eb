/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status_client: asks a running daemon for /status, by HTTP on its metrics.listen.
 */
#ifndef SFDC_CMD_STATUS_CLIENT_H
#define SFDC_CMD_STATUS_CLIENT_H

#include <jansson.h>

#define STATUS_PROBLEM_SIZE 300
#define STATUS_PATIENCE_SECONDS 10
#define STATUS_SIZE_MAX ((size_t)256 << 20) /* bytes */

/* The object. socket: as metrics.listen has it. NULL: problem_r says what is wrong and what to do. */
json_t *status_fetch(const char *socket, char problem_r[STATUS_PROBLEM_SIZE]);

#endif
