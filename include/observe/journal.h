/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal: entries in the native protocol of systemd's journal: one datagram of fields, so that every key of a entry
 * can be asked for, as in `journalctl SFDC_VERDICT=reject`. Needs no library of systemd. Thread-safe.
 * Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
 */
#ifndef SFDC_OBSERVE_JOURNAL_H
#define SFDC_OBSERVE_JOURNAL_H

#include "core/log_entry.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* What a datagram begins with; the text of MESSAGE and a newline follow, and then the fields of the entry. */
#define JOURNAL_HEAD_SIZE 256
size_t journal_head(char head_r[JOURNAL_HEAD_SIZE], const char *program, int facility, int priority);

/* Every key of a entry as a field SFDC_KEY, on the heap, not ended by NUL. NULL without memory. */
char *journal_fields(const struct log_entry *entry, size_t *length_r);

#endif
