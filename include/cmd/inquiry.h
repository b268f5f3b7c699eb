/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inquiry: what check-mta asks of this machine: the mail server's configuration, tables, the milter's socket, the clock.
 * Nothing is changed. One thread.
 */
#ifndef SFDC_CMD_INQUIRY_H
#define SFDC_CMD_INQUIRY_H

#include <stdbool.h>

#include "cmd/mta_findings.h"
#include "cmd/postfix_setup.h"
#include "core/arena.h"

#define INQUIRY_POSTCONF "/usr/sbin/postconf"
#define INQUIRY_PROBLEM_SIZE 600
/* More than this is read of no output, table or sendmail.cf. */
#define INQUIRY_BYTES_MAX ((size_t)16 << 20)

/* Run postconf(1) for the instance in folder (NULL: the usual one). False: problem_r says why, without what it printed. */
bool inquiry_postconf(const char *folder, struct arena *arena, struct postfix_output *output_r,
                      char problem_r[INQUIRY_PROBLEM_SIZE]);

/* Tables that were read, each once. */
struct inquiry_tables {
	struct arena *arena;
	struct inquiry_table *first;
};

/* Read a regular file as above. False: problem_r says why. */
bool inquiry_file(const char *path, struct arena *arena, struct span *text_r, char problem_r[INQUIRY_PROBLEM_SIZE]);

/* Fill *machine_r. *tables_r keeps what is read, in arena; both have to live as long. */
void inquiry_machine(struct arena *arena, struct inquiry_tables *tables_r, struct machine_questions *machine_r);

/*
 * Connect to the milter as that visit says, and agree on a protocol, no more: the milter's log has no line of it. It is
 * tried in a child process, within two seconds. *error_r is set for REACH_REFUSED.
 */
enum reach inquiry_reach(const struct visit *visit, int *error_r);

#endif
