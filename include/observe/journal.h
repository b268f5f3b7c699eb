/*
 * journal: log entries for systemd's journal, in its native protocol: one datagram of fields, so that every key of a
 * record can be asked for, as in `journalctl SFDC_VERDICT=reject`. Needs no library of systemd.
 * Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
 */
#ifndef SFDC_OBSERVE_JOURNAL_H
#define SFDC_OBSERVE_JOURNAL_H

#include <stdbool.h>

#include "core/record.h"

/* A socket for journal_send(), to be closed by the caller; -1 when there is none to be had. */
int journal_open(void);

/*
 * Send a record as one entry. line is the record as text and becomes MESSAGE; facility and priority are those of
 * syslog(3). Every key becomes a field SFDC_KEY. Waits for nobody: false when the journal does not take it. Thread-safe.
 */
bool journal_send(int socket, const char *program, int facility, int priority, const char *line,
                  const struct record *record);

#endif
